"""The version in pyproject.toml, and everything else that names it.

The rocket of a published page opens the chapter of that very release on Colab, and the chapter's
first cell installs the helpers of that release: text, code and helpers belong together, also after
the helpers have moved on. A release is the commit that the tag ``v`` and its version stand at.
"""

import pathlib
import re
import tomllib

import nbformat

from bookbuild import paths

REPOSITORY = "https://github.com/learning-to-see/learning-to-see"


def tag(checkout: paths.Checkout) -> str:
    """The release's tag in git, such as ``v0.1.0``."""
    text = (checkout.root / "pyproject.toml").read_text(encoding="utf-8")
    return f"v{tomllib.loads(text)['project']['version']}"


def colab_cell(tag: str) -> str:
    """The source of a chapter's first code cell."""
    return (
        "# On Colab, install the helpers of this release; elsewhere `make book` has.\n"
        "import sys\n"
        "\n"
        'if "google.colab" in sys.modules:\n'
        f'    %pip install --quiet "learning-to-see @ git+{REPOSITORY}@{tag}"'
    )


def write(checkout: paths.Checkout) -> list[pathlib.Path]:
    """Let everything that names the release name the version in pyproject.toml.

    Returns:
        The files that were changed.

    Raises:
        ValueError: naming a file that has no place for it.
    """
    wanted = {
        path: text
        for path, text in _as_it_should_be(checkout).items()
        if text != path.read_text(encoding="utf-8")
    }
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return sorted(wanted)


def problems(checkout: paths.Checkout) -> list[str]:
    """One sentence for each file that names another release than pyproject.toml."""
    return [
        f"{path.relative_to(checkout.root)} names another release than pyproject.toml, "
        f"{tag(checkout)}: run make release"
        for path, text in _as_it_should_be(checkout).items()
        if text != path.read_text(encoding="utf-8")
    ]


def _as_it_should_be(checkout: paths.Checkout) -> dict[pathlib.Path, str]:
    """The text of every file that names the release."""
    named = tag(checkout)
    return {
        **{path: _chapter(path, named) for path in checkout.chapters()},
        **_replaced(checkout.root / "_config.yml", r"(repository_branch: )(.*)", named),
        **_replaced(checkout.root / "CITATION.cff", r"(?m)^(version: )(.*)$", named[1:]),
    }


def _chapter(notebook: pathlib.Path, named: str) -> str:
    book = nbformat.read(notebook, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    if not code or "google.colab" not in code[0].source:
        raise ValueError(
            f"{notebook.name}: the first code cell does not install the helpers on Colab"
        )
    code[0].source = colab_cell(named)
    return nbformat.writes(book) + "\n"


def _replaced(path: pathlib.Path, pattern: str, named: str) -> dict[pathlib.Path, str]:
    text, count = re.subn(pattern, rf"\g<1>{named}", path.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{path.name} has {count} places for the release, expected one")
    return {path: text}
