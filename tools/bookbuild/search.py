"""What the site's search looks through: each section of each page, with its own words."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator

import bs4

from bookbuild import outline, paths
from bookbuild import sections as folded

# Beside the theme's own static files; a script, since a page opened from the disk may load one.
FILE = "sections.js"

# Pages that hold many words about what other pages explain: these come last.
WEIGHTS = {"book/bibliography": 0.2, "book/scoreboard": 0.3, "book/glossary": 0.8}

_UNREAD = (
    "script, style, .headerlink, .copybtn, annotation, noscript, "
    f".{outline.CLASS}, .{folded.MINUTES}"
)
# What stands on lines of its own: the words before and after do not run together.
_BLOCKS = (
    "p, li, dt, dd, div, pre, tr, td, th, figcaption, caption, summary, h1, h2, h3, h4, h5, h6"
)


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page below one heading.

    Attributes:
        address: of the section, as seen from the site's root.
        page: the page's title.
        title: the section's; empty for the page's own beginning.
        weight: by which its score is multiplied.
        text: what it says, less what its own sections say.
        code: its code, and what the code printed.
    """

    address: str
    page: str
    title: str
    weight: float
    text: str
    code: str


def write(checkout: paths.Checkout) -> None:
    """Write the sections of all built pages to the site."""
    found = [
        section
        for page in checkout.pages()
        if (checkout.html / f"{page}.html").is_file()
        for section in sections(checkout.html / f"{page}.html", page)
    ]
    rows = json.dumps([list(dataclasses.astuple(one)) for one in found], ensure_ascii=False)
    (checkout.html / "_static" / FILE).write_text(f"const SECTIONS = {rows};\n", encoding="utf-8")


def sections(path: pathlib.Path, page: str) -> Iterator[Section]:
    """The sections of a built page, in their order.

    Args:
        path: the built page.
        page: its name in ``_toc.yml``, without ending.
    """
    article = bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find("article")
    if article is None:
        return
    for unread in article.select(_UNREAD):
        unread.decompose()
    for block in article.select(_BLOCKS):
        block.insert_before("\n")
        block.append("\n")
    found = article.select("section[id]")
    title = _heading(found[0]) if found else ""
    # From the inside out, so that what is left of a section is its own.
    contents = {}
    for section in reversed(found):
        heading = _heading(section)
        code = [pre.extract().get_text() for pre in section.select("pre")]
        text = _words(section.get_text()).removeprefix(heading).strip()
        contents[section["id"]] = (heading, text, _words("\n".join(code)))
        section.extract()
    for number, section in enumerate(found):
        heading, text, code = contents[section["id"]]
        address = f"{page}.html" + (f"#{section['id']}" if number else "")
        weight = WEIGHTS.get(page, 1.0)
        yield Section(address, title, heading if number else "", weight, text, code)


def _heading(section: bs4.Tag) -> str:
    heading = section.find(["h1", "h2", "h3", "h4", "h5", "h6"], recursive=False)
    return _words(heading.get_text()) if heading else ""


def _words(text: str) -> str:
    return " ".join(text.split())
