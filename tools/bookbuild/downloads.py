"""The book as files to take along: a PDF, an ePub, and its notebooks in an archive.

The PDF is what Chromium prints of the built pages, with their print style, joined by pypdf. The
ePub is built by Sphinx from the same staged source as the site. They lie in the site, and its front
page names them.
"""

import html
import importlib.util
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import bs4
import nbformat

from bookbuild import chromium, paths, site

if TYPE_CHECKING:
    import pypdf

# Below the site.
FOLDER = "downloads"
NAME = "learning-to-see"
PDF, EPUB, NOTEBOOKS = f"{NAME}.pdf", f"{NAME}.epub", f"{NAME}-notebooks.zip"

PRINTING_LIMIT_S = 300

# What only a browser can use. In the ePub a sentence takes the place of a demo.
_OF_THE_SITE = (
    "bookbuild.guard",
    "bookbuild.head",
    "sphinx_book_theme",
    "sphinx_comments",
    "sphinx_copybutton",
    "sphinx_jupyterbook_latex",
    "sphinx_togglebutton",
)
_ELEMENT = re.compile(r"<([a-z]+(?:-[a-z]+)+)\b[^>]*>.*?</\1>", re.DOTALL)
_NO_DEMO = "<p>(The web edition has a demo here.)</p>"

# Where all entries of the archive claim to be from, so that equal contents make equal files.
_TIME = (2020, 1, 1, 0, 0, 0)


def make(checkout: paths.Checkout) -> list[pathlib.Path]:
    """Make all three, and let the front page name them.

    Args:
        checkout: a book that has been built.

    Returns:
        The files.

    Raises:
        ValueError: when there is no built book, no Chromium or no pypdf, or when one of the tools
            fails; it says what to do. Files that were there before are then as they were.
    """
    browser = _require(checkout)
    folder = checkout.html / FOLDER
    with tempfile.TemporaryDirectory(dir=checkout.build) as made:
        new = pathlib.Path(made)
        write_notebooks(checkout, new / NOTEBOOKS)
        write_epub(checkout, new / EPUB)
        write_pdf(checkout, browser, new / PDF)
        folder.mkdir(exist_ok=True)
        for file in new.glob(f"{NAME}*"):
            file.replace(folder / file.name)
    files = [folder / name for name in (PDF, EPUB, NOTEBOOKS)]
    front = checkout.html / f"{checkout.pages()[0]}.html"
    front.write_text(with_links(front.read_text(encoding="utf-8"), files), encoding="utf-8")
    return files


def _require(checkout: paths.Checkout) -> str:
    """Chromium's path, once all that is needed is known to be there."""
    missing = [page for page in checkout.pages() if not (checkout.html / f"{page}.html").is_file()]
    if missing:
        raise ValueError(f"the book has not been built ({missing[0]} is missing): run make book")
    if importlib.util.find_spec("pypdf") is None:
        raise ValueError("pypdf is not installed: pip install 'learning-to-see[downloads]'")
    browser = chromium.find()
    if browser is None:
        raise ValueError(f"{chromium.MISSING}, and it prints the PDF")
    return browser


def with_links(front: str, files: list[pathlib.Path]) -> str:
    """The front page with a section that names the files and their sizes, in place of an older one.

    Args:
        front: HTML of the site's first page, which lies in a folder below the site's root.
        files: a PDF, an ePub and an archive, as ``make`` returns them.

    Raises:
        ValueError: when the page has no article of sections.
    """
    older = re.compile(rf'<section id="{FOLDER}">.*?</section>\n', re.DOTALL)
    front = older.sub("", front)
    place = front.rfind("</section>", 0, max(front.find("</article>"), 0))
    if place < 0:
        raise ValueError("the front page has no article with sections, so no place for downloads")
    kinds = ("the whole book as a PDF", "as an ePub", "all notebooks, to run")
    links = "".join(
        f'<li><a href="../{FOLDER}/{html.escape(file.name)}">{kind[0].upper()}{kind[1:]}</a> '
        f"({file.stat().st_size / 1e6:.1f} MB)</li>"
        for kind, file in zip(kinds, files, strict=True)
    )
    made = f'<section id="{FOLDER}"><h2>Take it along</h2><ul>{links}</ul></section>\n'
    return front[:place] + made + front[place:]


def write_notebooks(checkout: paths.Checkout, target: pathlib.Path) -> None:
    """The chapters as git stores them, in one archive; its bytes depend on nothing else."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for chapter in checkout.chapters():
            entry = zipfile.ZipInfo(f"{NAME}/{chapter.name}", date_time=_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, chapter.read_bytes())


# The ePub.


def write_epub(checkout: paths.Checkout, target: pathlib.Path) -> None:
    """Build the ePub with Sphinx, from a copy of the staged source that holds no demos.

    Raises:
        ValueError: when Sphinx fails; its last lines are in the message.
    """
    with tempfile.TemporaryDirectory(dir=checkout.build) as place:
        source, built = pathlib.Path(place) / "source", pathlib.Path(place) / "epub"
        shutil.copytree(checkout.source, source)
        for page in source.rglob("*"):
            if page.suffix in (".md", ".ipynb"):
                _take_demos_out(page)
        _run([sys.executable, "-c", site.START, "config", "sphinx", str(source)])
        with (source / "conf.py").open("a", encoding="utf-8") as settings:
            settings.write(_epub_settings(checkout))
        tools = {"PYTHONPATH": str(site.TOOLS)}
        _run([sys.executable, "-m", "sphinx", "-q", "-b", "epub", str(source), str(built)], **tools)
        made = next(built.glob("*.epub"))
        _repack(made, target)


def _epub_settings(checkout: paths.Checkout) -> str:
    """Lines that follow the site's settings in Sphinx's ``conf.py``."""
    title = checkout.settings()["title"]
    return f"""
extensions = [name for name in extensions if name not in {_OF_THE_SITE!r}]
html_theme, html_theme_options, html_sidebars, templates_path = "basic", {{}}, {{}}, []
html_css_files, use_jupyterbook_latex = [], False
project = epub_title = {title!r}
epub_basename, epub_show_urls, epub_tocscope = {NAME!r}, "no", "includehidden"
suppress_warnings = [*globals().get("suppress_warnings", []), "epub.unknown_project_files"]
epub_exclude_files = ["_static/data"]
"""


def _take_demos_out(page: pathlib.Path) -> None:
    if page.suffix == ".md":
        text = page.read_text(encoding="utf-8")
        page.write_text(_ELEMENT.sub(_NO_DEMO, text), encoding="utf-8")
        return
    notebook = nbformat.read(page, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _ELEMENT.sub(_NO_DEMO, cell.source)
    nbformat.write(notebook, page)


def _repack(made: pathlib.Path, target: pathlib.Path) -> None:
    """Copy an ePub; pages that are no XML, as ePubs must be, are written anew.

    Chapters print tables and other HTML, whose tags need not be closed.
    """
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith(".xhtml"):
                content = well_formed(content)
            new.writestr(entry, content)


def well_formed(page: bytes) -> bytes:
    """A page as XML: as it is, or as a lenient parser reads it."""
    try:
        ElementTree.fromstring(page)
    except ElementTree.ParseError:
        text = page.decode("utf-8")
        start, end = text.index("<body"), text.rindex("</body>")
        parsed = bs4.BeautifulSoup(text[start:end], "html.parser")  # closes the body, too
        text = text[:start] + parsed.decode(formatter="minimal") + text[end + len("</body>") :]
        # The parser knows names of SVG in lower case only.
        page = re.sub(r"\bviewbox=", "viewBox=", text).encode("utf-8")
        ElementTree.fromstring(page)
    return page


# The PDF.


def write_pdf(checkout: paths.Checkout, browser: str, target: pathlib.Path) -> None:
    """Print each page, join them with bookmarks, and let links between pages stay in the book.

    Raises:
        ValueError: when Chromium fails or takes too long; the message names the page.
    """
    import pypdf

    joined = pypdf.PdfWriter()
    starts: dict[str, int] = {}
    for page in checkout.pages():
        path = checkout.html / f"{page}.html"
        starts[path.as_uri()] = len(joined.pages)
        joined.append(io.BytesIO(printed(path, browser)))  # its headings are bookmarks
    _keep_links_inside(joined, starts)
    settings = checkout.settings()
    joined.add_metadata({"/Title": settings["title"], "/Author": settings.get("author", "")})
    joined.compress_identical_objects()
    joined.write(target)


def printed(path: pathlib.Path, browser: str) -> bytes:
    """What Chromium prints of a built page, as PDF."""
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / "page.pdf"
        command = [
            *(browser, "--headless", *chromium.OPTIONS, f"--user-data-dir={folder}/profile"),
            *("--no-pdf-header-footer", "--generate-pdf-document-outline"),
            *(f"--print-to-pdf={made}", path.as_uri()),
        ]
        _run(command, limit_s=PRINTING_LIMIT_S)
        if not made.is_file():
            raise ValueError(f"{pathlib.Path(browser).name} printed nothing of {path.name}")
        return made.read_bytes()


def _keep_links_inside(joined: "pypdf.PdfWriter", starts: dict[str, int]) -> None:
    """Let a link to another page of the site lead to where that page begins in the PDF.

    Links to files that are no pages of the book would name a folder of this machine; they go.
    """
    from pypdf import generic

    for sheet in joined.pages:
        kept = generic.ArrayObject()
        for reference in sheet.get("/Annots") or ():
            note = reference.get_object()
            address = str(note.get("/A", {}).get("/URI", ""))
            start = starts.get(address.partition("#")[0])
            if start is not None:
                del note["/A"]
                place = generic.ArrayObject(
                    [joined.pages[start].indirect_reference, generic.NameObject("/Fit")]
                )
                note[generic.NameObject("/Dest")] = place
            if start is not None or not address.startswith("file:"):
                kept.append(reference)
        if "/Annots" in sheet:
            sheet[generic.NameObject("/Annots")] = kept


def _run(command: list[str], limit_s: float | None = None, **variables: str) -> None:
    """Run a program to its end.

    Raises:
        ValueError: when it fails or takes longer than ``limit_s``; with its last lines.
    """
    name = pathlib.Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{name} took more than {limit_s} s for {command[-1]}") from error
    if done.returncode:
        lines = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ValueError(f"{name} failed for {command[-1]}:\n{lines}")
