"""Run Jupyter Book strictly, and check what it left.

Jupyter Book's exit code alone does not tell whether the book was built: a warning may pass, and a
page may be missing. Here, any warning, any failed cell and any missing page is an error.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import nbformat

from bookbuild import paths

# Jupyter Book has no __main__; this starts it with the Python that runs us.
START = "from jupyter_book.cli import main; main.main()"

LOG_LINES = 40


class BuildFailed(Exception):
    """The site could not be built, or is not whole."""


def build(checkout: paths.Checkout) -> None:
    """Build the staged source into ``checkout.html``.

    Raises:
        BuildFailed: when Jupyter Book fails or warns, a page is missing, or a chapter holds the
            traceback of a failed cell.
    """
    log = checkout.build / "sphinx.log"
    command = [
        *(sys.executable, "-c", START, "build", str(checkout.source)),
        *("--path-output", str(checkout.root), "--warningiserror", "--keep-going", "--quiet"),
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=False,
    )
    log.write_text(done.stdout, encoding="utf-8")
    problems = warnings(done.stdout)
    if done.returncode != 0 and not problems:
        problems = [f"jupyter-book ended with exit code {done.returncode}", _tail(done.stdout)]
    problems += missing_pages(checkout)
    problems += failed_cells(checkout)
    if problems:
        # Sphinx does not report a warning twice: start from scratch next time.
        shutil.rmtree(checkout.build / ".doctrees", ignore_errors=True)
        text = "\n".join(f"  - {problem}" for problem in problems)
        raise BuildFailed(f"The book was not built. Whole log: {log}\n{text}")
    remove_stale_pages(checkout)
    for page in checkout.html.rglob("*.html"):
        finish_page(page)


def warnings(log: str) -> list[str]:
    """The warnings and errors in Sphinx's log, without color codes."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    return [line for line in plain.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL):", line)]


def missing_pages(checkout: paths.Checkout) -> list[str]:
    """The pages that ``_toc.yml`` names and the site lacks."""
    wanted = [checkout.html / f"{page}.html" for page in ["index", *checkout.pages()]]
    return [f"no page {path}" for path in wanted if not path.is_file()]


def failed_cells(checkout: paths.Checkout) -> list[str]:
    """The staged chapters' cells whose output is a traceback, or went to standard error."""
    problems = []
    for chapter in checkout.chapters():
        staged = checkout.source / chapter.relative_to(checkout.root)
        if not staged.is_file():
            continue
        for index, cell in enumerate(nbformat.read(staged, as_version=4).cells):
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    problems.append(f"{chapter.name}, cell {index}: {output.ename}")
                elif output.get("name") == "stderr":
                    said = output.text.strip().splitlines()[-1]
                    problems.append(f"{chapter.name}, cell {index} wrote to stderr: {said}")
    return problems


def _tail(log: str) -> str:
    return "\n".join(log.splitlines()[-LOG_LINES:])


def remove_stale_pages(checkout: paths.Checkout) -> None:
    """Remove the pages that an earlier build left and ``_toc.yml`` no longer names."""
    pages = {checkout.html / f"{page}.html" for page in checkout.pages()}
    for folder in ("book", "notebooks"):
        for path in (checkout.html / folder).rglob("*.html"):
            if path not in pages:
                path.unlink()


def finish_page(page: pathlib.Path) -> None:
    """Mend in a built page what the theme and docutils offer no setting for.

    The theme draws its icons twice: with a font, and with a script of 1.5 MB that does the same;
    the script goes. docutils gives citations a role that ARIA has withdrawn; they become plain
    list items. A page that needs nothing keeps its time stamp.
    """
    built = page.read_text(encoding="utf-8")
    text = re.sub(r"<script[^>]*/fontawesome\.js[^>]*></script>", "", built)
    text = text.replace('role="doc-biblioentry"', 'role="listitem"')
    if text != built:
        page.write_text(text, encoding="utf-8")
