"""The chapters at a glance: what each costs, and what it builds on, in the table of a page.

The numbers come from ``results/*.json`` and the links from the chapters' own text; nobody types
either.
"""

import json
import pathlib
import re

from bookbuild import chapters, marked, paths
from seeing.record import machine, tables

PAGE = "book/chapters.md"
MARKER = "<!-- chapters -->"
HEADER = ("Nr.", "Chapter", "Quick run", "Full run", "Memory, quick", "Builds on")
NOT_YET = "–"


def page(template: str, checkout: paths.Checkout) -> str:
    """The page: its prose with the table in place of the marker.

    Raises:
        ValueError: when the marker is not there exactly once.
    """
    rows = [_row(chapter, checkout) for chapter in checkout.chapters()]
    return marked.insert(template, MARKER, tables.markdown(HEADER, rows), page=PAGE)


def _row(chapter: pathlib.Path, checkout: paths.Checkout) -> list[str]:
    recorded = chapters.recorded(chapter, checkout)
    costs = [recorded.get(key) for key in ("quick_cost", "cost")]
    times = [machine.duration(cost["wall_s"]) if cost else NOT_YET for cost in costs]
    memory = f"{costs[0]['peak_rss_mb'] / 1000:.1f} GB" if costs[0] else NOT_YET
    link = f"{{doc}}`../notebooks/{chapter.stem}`"
    earlier = [chapters.number(one.stem) for one in builds_on(chapter, checkout)]
    number, before = chapters.number(chapter.stem), ", ".join(earlier) or NOT_YET
    return [number, link, *times, memory, before]


def builds_on(chapter: pathlib.Path, checkout: paths.Checkout) -> list[pathlib.Path]:
    """The chapters before a chapter that its text refers to, in reading order."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    named = set(re.findall(r"\{doc\}`(?:[^`<]*<)?(?:\.\./notebooks/)?([\w-]+)>?`", prose))
    order = checkout.chapters()
    return [one for one in order[: order.index(chapter)] if one.stem in named]
