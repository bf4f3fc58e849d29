"""A build fails loudly: tiny books with one fault each."""

import pathlib
import shutil

import nbformat
import pytest

from bookbuild import __main__ as bookbuild_main
from bookbuild import execute, paths, site


@pytest.fixture
def book(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> paths.Checkout:
    """A book of one page and one chapter that builds."""
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    root = tmp_path / "small book"
    for folder in ("book", "notebooks", "results", "src/seeing"):
        (root / folder).mkdir(parents=True)
    (root / "src/seeing/__init__.py").write_text("")
    (root / "requirements.lock").write_text("")
    (root / "_config.yml").write_text(
        "title: Small\nonly_build_toc_files: true\nexecute:\n  execute_notebooks: 'off'\n"
    )
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/first\nchapters:\n  - file: notebooks/01_one\n"
    )
    (root / "book/first.md").write_text("# First\n\nA page.\n")
    write_chapter(root, "print(1 + 1)")
    return paths.Checkout(root=root)


def write_chapter(root: pathlib.Path, code: str) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# One"),
        nbformat.v4.new_code_cell(code),
    ]
    nbformat.write(notebook, root / "notebooks/01_one.ipynb")


def test_a_sound_book_builds_and_then_comes_from_the_cache(
    book: paths.Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    first = bookbuild_main.build(book)
    assert (book.html / "notebooks/01_one.html").is_file()
    assert [run.from_cache for run in first] == [False]
    assert "[1/1] 01_one: 1 cells" in capsys.readouterr().out
    (book.root / "book/first.md").write_text("# First\n\nAnother sentence.\n")
    again = bookbuild_main.build(book)
    assert [run.from_cache for run in again] == [True]
    assert "Another sentence." in (book.html / "book/first.html").read_text(encoding="utf-8")


def test_a_warning_fails_the_build_also_the_second_time(book: paths.Checkout) -> None:
    (book.root / "book/first.md").write_text("# First\n\n{doc}`no_such_page`\n")
    for _ in range(2):
        with pytest.raises(site.BuildFailed, match="no_such_page"):
            bookbuild_main.build(book)


def test_a_failing_cell_fails_the_build(book: paths.Checkout) -> None:
    write_chapter(book.root, "raise ValueError('a broken cell')")
    with pytest.raises(execute.ChapterFailed, match="a broken cell"):
        bookbuild_main.build(book)
    assert not book.html.exists()


def test_a_cell_that_warns_fails_the_build(book: paths.Checkout) -> None:
    write_chapter(book.root, "import warnings\nwarnings.warn('our own code warns')")
    with pytest.raises(site.BuildFailed, match="wrote to stderr"):
        bookbuild_main.build(book)


def test_a_missing_page_fails_the_build(book: paths.Checkout) -> None:
    bookbuild_main.build(book)
    with (book.root / "_toc.yml").open("a") as toc:
        toc.write("  - file: book/second\n")
    with pytest.raises(site.BuildFailed, match="second"):
        bookbuild_main.build(book)


def test_a_page_taken_out_of_the_contents_leaves_the_site(book: paths.Checkout) -> None:
    bookbuild_main.build(book)
    (book.root / "_toc.yml").write_text("format: jb-book\nroot: book/first\n")
    shutil.rmtree(book.root / "notebooks")
    bookbuild_main.build(book)
    assert not (book.html / "notebooks/01_one.html").exists()
