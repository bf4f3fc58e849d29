"""How long a chapter takes to read, section by section, below its title."""

import dataclasses
import html
import re
from collections.abc import Sequence

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


def put(page: str, parts: Sequence[tuple[str, Sequence[str]]] = ()) -> str:
    """The page with its outline below title and promise; as it is where it has one already.

    Args:
        page: HTML of a chapter.
        parts: each part's title, as HTML, and the anchors of its sections.
    """
    place = re.search(r"</h1>\s*<p>.*?</p>", page, re.DOTALL)
    if f'class="{CLASS}"' in page or place is None:
        return page
    total, found = sections(page)
    if not found:
        return page
    in_parts = f"{_count(len(parts), 'part')} and " if parts else ""
    summary = f"{_count(_whole(total), 'minute')} to read, in {in_parts}"
    summary += _count(len(found), "section")
    made = (
        f'\n<nav class="{CLASS}" aria-label="Sections of this chapter">'
        f"<details><summary>{summary}</summary>{_list(found, parts)}</details></nav>"
    )
    return page[: place.end()] + made + page[place.end() :]


def minutes(some: Sequence[Section]) -> str:
    """How long some sections take, as text."""
    return f"{_whole(sum(one.minutes for one in some))} min"


def _list(found: list[Section], parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The sections as a list, of which each part's are a list of their own."""
    rows = []
    for title, anchors in parts:
        inside = [one for one in found if one.anchor in anchors]
        rows.append(f"<li>{title} <span>{minutes(inside)}</span>{_list(inside, ())}</li>")
    held = {anchor for _, anchors in parts for anchor in anchors}
    rows += [
        f'<li><a href="#{html.escape(one.anchor)}">{html.escape(one.title)}</a> '
        f"<span>{minutes([one])}</span></li>"
        for one in found
        if one.anchor not in held
    ]
    return f"<ol>{''.join(rows)}</ol>"


def _minutes(part: bs4.Tag) -> float:
    code = sum(len(pre.get_text().split()) for pre in part.select("pre"))
    prose = len(part.get_text(" ").split()) - code
    return prose / PROSE + code / CODE


def _whole(minutes: float) -> int:
    return max(1, round(minutes))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
