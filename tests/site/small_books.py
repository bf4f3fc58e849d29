"""Tiny books that really build, for tests of what a build makes of them."""

import pathlib

import nbformat

from bookbuild import paths


def make(root: pathlib.Path) -> paths.Checkout:
    """A book of one page and one chapter that builds, in a folder that does not exist yet."""
    for folder in ("book", "notebooks", "results", "src/seeing"):
        (root / folder).mkdir(parents=True)
    (root / "src/seeing/__init__.py").write_text("")
    (root / "requirements.lock").write_text("")
    (root / "_config.yml").write_text(
        "title: Small\nonly_build_toc_files: true\nexecute:\n  execute_notebooks: 'off'\n"
    )
    (root / "book/first.md").write_text("# First\n\nA page.\n")
    write_chapter(root, "print(1 + 1)")
    return paths.Checkout(root=root)


def write_chapter(root: pathlib.Path, *code: str, name: str = "01_one") -> None:
    """Write a chapter, and put it into the contents."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# One"),
        *(nbformat.v4.new_code_cell(source) for source in code),
    ]
    nbformat.write(notebook, root / f"notebooks/{name}.ipynb")
    names = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    lines = ["format: jb-book", "root: book/first", "chapters:"]
    lines += [f"  - file: notebooks/{name}" for name in names]
    (root / "_toc.yml").write_text("\n".join(lines) + "\n")
