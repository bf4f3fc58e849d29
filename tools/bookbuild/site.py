"""Run Jupyter Book, and check what it left.

Jupyter Book's exit code alone does not tell whether the book was built: a warning may pass, and a
page may be missing.
"""

import dataclasses
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Container

import nbformat
from PIL import Image

from bookbuild import (
    chapters,
    figures,
    first_paint,
    outline,
    paths,
    search,
    sections,
    stage,
    styles,
    web,
)
from seeing.photos import named_warnings

# Jupyter Book has no __main__; this starts it with the Python that runs us.
START = "from jupyter_book.cli import main; main.main()"

TOOLS = pathlib.Path(__file__).resolve().parents[1]

LOG_LINES = 40

# An element of our own, its name and the file that it reads, which lies beside the script.
_DEMO_DATA = re.compile(r'<([a-z]+(?:-[a-z]+)+)\s[^>]*\bsrc="(data/[^"]+)"')


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What Jupyter Book left.

    Attributes:
        broken: why the site is not whole, one text each; empty where it is.
        warnings: Sphinx's warnings.
    """

    broken: list[str]
    warnings: list[str]


def build(checkout: paths.Checkout) -> Outcome:
    """Build the staged source into ``checkout.html``; the log is ``checkout.build/sphinx.log``."""
    if static_files_differ(checkout):
        _forget(checkout)  # Sphinx copies them, and names them in pages, only when it writes pages
    command = [
        *(sys.executable, "-c", START, "build", str(checkout.source)),
        *("--path-output", str(checkout.root), "--quiet"),
    ]
    environment = {
        **os.environ,
        "PYTHONWARNINGS": "ignore",
        "NO_COLOR": "1",
        # For _config.yml's extension of our own, whoever started us and how.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(TOOLS), os.environ.get("PYTHONPATH")])),
    }
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            check=False,
        )
    except BaseException:
        _forget(checkout)  # stopped half-way
        raise
    (checkout.build / "sphinx.log").write_text(done.stdout, encoding="utf-8")
    remove_stale_pages(checkout)
    for page in checkout.html.rglob("*.html"):
        finish_page(page)
    styles.write(checkout)
    web.write(checkout)
    search.write(checkout)
    broken = [*missing_pages(checkout), *missing_exports(checkout)]
    outcome = Outcome(broken=broken, warnings=warnings(done.stdout))
    if done.returncode != 0:
        ended = f"jupyter-book ended with exit code {done.returncode}"
        outcome.broken.append(f"{ended}:\n{_tail(done.stdout)}")
    if outcome.broken or outcome.warnings:
        _forget(checkout)
    return outcome


def static_files_differ(checkout: paths.Checkout) -> bool:
    """Whether a style sheet, a script or a demo's data is not what the site holds."""
    staged, built = checkout.source / stage.STATIC, checkout.html / "_static"
    return any(
        not (built / path.relative_to(staged)).is_file()
        or not filecmp.cmp(path, built / path.relative_to(staged), shallow=False)
        for path in staged.rglob("*")
        if path.is_file()
    )


def _forget(checkout: paths.Checkout) -> None:
    """Let the next build start from scratch: Sphinx does not report a warning twice."""
    shutil.rmtree(checkout.build / ".doctrees", ignore_errors=True)


def warnings(log: str) -> list[str]:
    """The warnings and errors in Sphinx's log, without color codes."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    return [line for line in plain.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL):", line)]


def missing_pages(checkout: paths.Checkout) -> list[str]:
    """The pages that ``_toc.yml`` names and the site lacks."""
    wanted = [checkout.html / f"{page}.html" for page in ["index", *checkout.pages()]]
    return [f"no page {path}" for path in wanted if not path.is_file()]


def missing_exports(checkout: paths.Checkout) -> list[str]:
    """The files that a page's demo reads and no chapter exported, one sentence each.

    Such a demo shows its static figure, as it does without JavaScript: nobody would notice.
    """
    return [
        f"{page.relative_to(checkout.html)}: its <{demo}> reads {name}, which no chapter exported"
        for page in sorted(checkout.html.rglob("*.html"))
        for demo, name in _DEMO_DATA.findall(page.read_text(encoding="utf-8"))
        # What is staged, not what is in the site: Sphinx leaves the files of earlier builds there.
        if not (checkout.source / stage.STATIC / name).is_file()
    ]


def cell_remarks(checkout: paths.Checkout, failed: Container[str]) -> list[str]:
    """The staged chapters' cells whose output is a traceback, or went to standard error.

    Args:
        checkout: the book.
        failed: names of the chapters that stopped at a cell, whose traceback is no news.
    """
    remarks = []
    for chapter in checkout.chapters():
        staged = checkout.source / chapter.relative_to(checkout.root)
        for index, cell in enumerate(nbformat.read(staged, as_version=4).cells):
            for output in cell.get("outputs", []):
                if output.output_type == "error" and chapter.stem not in failed:
                    remarks.append(f"{chapter.name}, cell {index} shows a {output.ename}")
                elif output.get("name") == "stderr":
                    said = (output.text.strip().splitlines() or [""])[-1]
                    remarks.append(f"{chapter.name}, cell {index} wrote to stderr: {said}")
    return remarks


def _tail(log: str) -> str:
    return "\n".join(log.splitlines()[-LOG_LINES:])


def remove_stale_pages(checkout: paths.Checkout) -> None:
    """Remove the pages that an earlier build left and ``_toc.yml`` no longer names.

    Also those that Jupyter Book makes when it is called directly and takes everything in the
    checkout for a page. Sphinx's own pages lie beside ``index.html``.
    """
    pages = {checkout.html / f"{page}.html" for page in checkout.pages()}
    for path in checkout.html.rglob("*.html"):
        folder = path.relative_to(checkout.html).parts[0]
        if path not in pages and path.parent != checkout.html and folder != "_static":
            path.unlink()


# In each page's head, and what the theme's late script makes of "auto".
_THEME_LATER = 'dataset.theme = localStorage.getItem("theme") || "auto";'
_THEME_AT_ONCE = (
    'dataset.theme = { dark: "dark", light: "light" }[localStorage.getItem("mode")] ??\n'
    '      (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");'
)


def finish_page(page: pathlib.Path) -> None:
    """Mend in a built page what the theme and docutils offer no setting for.

    The theme draws its icons twice: with a font, and with a script of 1.5 MB that does the same;
    the script goes. So does Sphinx's search, whose index every page loads: the book has its own.
    The page is shown sooner, and its pictures come when they are scrolled to, in a place that is
    kept for them. docutils gives citations a role that ARIA has withdrawn; they become
    plain list items. MyST-NB gives every fold the same label, which hides what it says. A chapter
    says how long it takes to read, and a long one is folded by section. The theme asks only late
    whether the reader wants dark pages, and until then shows light ones; the page asks at once. A
    page that needs nothing keeps its time stamp.
    """
    built = page.read_text(encoding="utf-8")
    text = re.sub(r"<script[^>]*/fontawesome\.js[^>]*></script>", "", built)
    unused = "searchtools|searchindex" + ("" if page.name == "search.html" else "|language_data")
    text = re.sub(rf'<script src="[^"]*\b(?:{unused})\.js[^"]*"></script>', "", text)
    text = first_paint.hasten(text, page)
    text = re.sub(r"<img\b[^>]*>", lambda found: _finish_picture(found[0], page), text)
    text = text.replace('role="doc-biblioentry"', 'role="listitem"')
    text = text.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    text = text.replace(_THEME_LATER, _THEME_AT_ONCE)
    if page.parent.name == chapters.FOLDER:
        text = outline.put(text)
        script = page.parent.parent / "_static" / sections.SCRIPT
        if script.is_file():  # Sphinx may have stopped before it copied it
            text = sections.fold(text, script.read_text(encoding="utf-8"))
    if text != built:
        page.write_text(text, encoding="utf-8")


def _finish_picture(tag: str, page: pathlib.Path) -> str:
    """An ``img`` with its file's size, so that nothing moves when it comes; it comes when needed.

    The picture that a chapter opens with has the chapter's name, and comes at once.
    """
    source = re.search(r'\bsrc="((?:[^"]*/)?_images/[^"]*)"', tag)
    if source is None or " decoding=" in tag:
        return tag
    path = page.parent / source[1]
    size = picture_size(path)
    kept = "" if size is None else f' width="{size[0]}" height="{size[1]}"'
    loading = "" if path.stem == page.stem else ' loading="lazy"'
    return f'{tag.rstrip("/> ")}{kept}{loading} decoding="async" />'


def picture_size(path: pathlib.Path) -> tuple[int, int] | None:
    """A picture's width and height, in pixels; None where its file does not say.

    Args:
        path: an SVG as matplotlib writes it, with its size in points, or a file that Pillow knows.
    """
    try:
        if path.suffix == ".svg":
            size = figures.svg_size(path.read_text(encoding="utf-8"))
            return (round(size[0]), round(size[1])) if size else None
        with named_warnings.about(path), Image.open(path) as picture:
            return picture.size
    except OSError:
        return None
