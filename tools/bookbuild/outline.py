"""How long a chapter takes to read, section by section, below its title."""

import dataclasses
import html
import re

import bs4

# Words a minute. Most readers of English manage about 240 of prose (Brysbaert 2019); code, of
# which each sign counts, is read at half that speed or less.
PROSE, CODE = 230, 100

CLASS = "seeing-outline"

_UNREAD = "script, style, .headerlink, .copybtn, annotation, noscript, details, table"


@dataclasses.dataclass(frozen=True)
class Section:
    """A section right below a page's title.

    Attributes:
        anchor: its address within the page, without ``#``.
        title: its heading.
        minutes: to read it, whatever is in it; what is folded away does not count.
    """

    anchor: str
    title: str
    minutes: float

    @property
    def minutes_text(self) -> str:
        """The minutes as a reader sees them."""
        return f"{max(1, round(self.minutes))} min"


def sections(page: str) -> tuple[float, list[Section]]:
    """Minutes to read a built page, and its sections.

    Args:
        page: HTML, with an ``article`` that holds one ``section`` of sections.
    """
    article = bs4.BeautifulSoup(page, "html.parser").find("article")
    whole = article.find("section") if article else None
    if whole is None:
        return 0.0, []
    for unread in whole.select(_UNREAD):
        unread.decompose()
    found = [
        Section(one["id"], one.find(["h2", "h3"]).get_text(" ", strip=True), _minutes(one))
        for one in whole.find_all("section", recursive=False)
        if one.get("id") and one.find(["h2", "h3"])
    ]
    return _minutes(whole), found


def put(page: str) -> str:
    """The page with its outline below title and promise; as it is where it has one already.

    Args:
        page: HTML of a chapter.
    """
    place = re.search(r"</h1>\s*<p>.*?</p>", page, re.DOTALL)
    if f'class="{CLASS}"' in page or place is None:
        return page
    minutes, found = sections(page)
    if not found:
        return page
    rows = "".join(
        f'<li><a href="#{html.escape(one.anchor)}">{html.escape(one.title)}</a> '
        f"<span>{one.minutes_text}</span></li>"
        for one in found
    )
    summary = f"{_text(minutes)} to read, in {len(found)} sections"
    made = (
        f'\n<nav class="{CLASS}" aria-label="Sections of this chapter">'
        f"<details><summary>{summary}</summary><ol>{rows}</ol></details></nav>"
    )
    return page[: place.end()] + made + page[place.end() :]


def _minutes(part: bs4.Tag) -> float:
    code = sum(len(pre.get_text().split()) for pre in part.select("pre"))
    prose = len(part.get_text(" ").split()) - code
    return prose / PROSE + code / CODE


def _text(minutes: float) -> str:
    whole = max(1, round(minutes))
    return f"{whole} minute{'s' if whole > 1 else ''}"
