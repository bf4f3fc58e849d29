"""A chapter's parts: the first lies open, the others are folded and say what is in them.

A chapter with a dozen sections is too long a page to see where one is, and too long a text for one
sitting. Its notebook says where a part begins, by a line before the heading of the part's first
section. The last part ends before the exercises.
"""

import dataclasses
import html
import re

from bookbuild import outline

# What stands in a notebook, where it is read, too.
MARK = re.compile(r'<p class="part"><strong>Part (\d+): ([^<]+)</strong></p>\n?')

CLASS = "seeing-part"

# The section that no part holds: what comes from there on belongs to the whole chapter.
AFTER = "exercises"

_SECTION = re.compile(r'<section\b[^>]*\bid="([^"]+)"[^>]*>|</section>')
_TO_NEXT = re.compile(r"(?:\s*</section>)*\s*$")


@dataclasses.dataclass(frozen=True)
class Part:
    """Some sections in a row.

    Attributes:
        title: as HTML.
        anchors: of its sections.
        start: where the first of them begins in the page.
        end: where the last of them ends.
    """

    title: str
    anchors: list[str]
    start: int
    end: int


def find(page: str) -> list[Part]:
    """The parts of a built page, which are not folded yet; none where nothing marks them.

    Args:
        page: HTML.

    Raises:
        ValueError: when a mark stands elsewhere than before a section, when the numbers are not 1,
            2, 3 and so on, or when no section with exercises follows.
    """
    marks = list(MARK.finditer(page))
    if not marks:
        return []
    numbers = [int(mark[1]) for mark in marks]
    if numbers != list(range(1, len(marks) + 1)):
        raise ValueError(f"the parts are numbered {numbers}; expected 1, 2, 3 and so on")
    sections = _sections(page)
    after = next((start for anchor, start, _ in sections if anchor == AFTER), None)
    if after is None or after < marks[-1].end():
        raise ValueError(f"no section {AFTER!r} follows the last part: where does it end?")
    found = []
    for mark, next_mark in zip(marks, [*marks[1:], None], strict=True):
        until = after + 1 if next_mark is None else next_mark.start()
        inside = [one for one in sections if mark.end() <= one[1] and one[1] < until]
        inside = [one for one in inside if one[0] != AFTER]
        if not inside or not _TO_NEXT.fullmatch(page[mark.end() : inside[0][1]]):
            raise ValueError(f"Part {mark[1]} ({mark[2]}) begins elsewhere than before a section")
        found.append(Part(mark[2], [one[0] for one in inside], inside[0][1], inside[-1][2]))
    return found


def fold(page: str) -> str:
    """The page with its parts folded, all but the first; as it is where it has none.

    Args:
        page: HTML of a chapter.

    Raises:
        ValueError: as :func:`find` does.
    """
    parts = find(page)
    if not parts:
        return page
    _, sections = outline.sections(page)
    by_anchor = {one.anchor: one for one in sections}
    for number, part in reversed(list(enumerate(parts, 1))):
        inside = [by_anchor[anchor] for anchor in part.anchors]
        state = " open" if number == 1 else ""
        start = (
            f'<details class="{CLASS}"{state}><summary>'
            f'<span class="{CLASS}-number">Part {number} of {len(parts)}</span> '
            f'<span class="{CLASS}-title">{part.title}</span> '
            f'<span class="{CLASS}-time">{outline.minutes(inside)}</span>'
            f'<span class="{CLASS}-sections">{_titles(inside)}</span></summary>\n'
        )
        folded = f"{start}{page[part.start : part.end]}\n</details>\n"
        page = page[: part.start] + folded + page[part.end :]
    return MARK.sub("", page)


def _titles(sections: list[outline.Section]) -> str:
    return " · ".join(html.escape(one.title, quote=False) for one in sections)


def _sections(page: str) -> list[tuple[str, int, int]]:
    """The sections right below the page's title: anchor, start and end of each."""
    article = page.find("<article")
    found, opened = [], []
    for tag in _SECTION.finditer(page, max(article, 0)):
        if tag[1]:
            opened.append((tag[1], tag.start()))
        elif opened:
            anchor, start = opened.pop()
            if len(opened) == 1:
                found.append((anchor, start, tag.end()))
            elif not opened:
                break
    return found
