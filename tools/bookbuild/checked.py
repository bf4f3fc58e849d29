"""What this build checked: a row for each chapter, and one band worked through.

The page's prose is ``book/how_this_book_is_checked.md``. The counts come from the executions that
the pages show, so they are those of the reader's own copy.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import nbformat

from bookbuild import chapters, entries, marked, notebooks, paths
from seeing.record import metric as metrics
from seeing.record import tables

PAGE = "book/how_this_book_is_checked.md"
TABLE = "<!-- what this build checked -->"
EXAMPLE = "<!-- a band worked through -->"
HEADER = ("Chapter", "Cells", "Exact", "Claims", "Bands", "Shown", "Found")

# The number whose band is worked through, where this build has one for it: one that every data
# state has. Else the first share of any chapter.
EXAMPLE_CHAPTER, EXAMPLE_METRIC = "first_cnn", "test_accuracy"


def page(template: str, checkout: paths.Checkout, runs: Sequence[entries.Run]) -> str:
    """The page: its prose with the table and the example in place of their markers.

    Args:
        template: the page's prose.
        checkout: the book.
        runs: the execution of each chapter, in the order of ``checkout.chapters()``.

    Raises:
        ValueError: when a marker is not there exactly once.
    """
    table = tables.markdown(HEADER, _rows(checkout, runs))
    text = marked.insert(template, TABLE, table, page=PAGE)
    return marked.insert(text, EXAMPLE, _example(checkout, runs), page=PAGE)


def _rows(checkout: paths.Checkout, runs: Sequence[entries.Run]) -> list[list[str]]:
    counted = [
        (chapter, _counts(chapter, run), run)
        for chapter, run in zip(checkout.chapters(), runs, strict=True)
    ]
    rows = [
        [_link(chapter, chapters.number(chapter.stem)), *map(str, counts), _found(run)]
        for chapter, counts, run in counted
    ]
    totals = [sum(column) for column in zip(*(counts for _, counts, _ in counted), strict=True)]
    return [*rows, ["**all**", *(f"**{total}**" for total in totals), ""]] if rows else []


def _link(chapter: pathlib.Path, text: str) -> str:
    return f"{{doc}}`{text} <../notebooks/{chapter.stem}>`"


def _counts(chapter: pathlib.Path, run: entries.Run) -> list[int]:
    """Code cells, exactly checked ones, sentences, numbers in a band, numbers only shown."""
    cells = nbformat.read(chapter, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    exact = sum(map(notebooks.is_checked, code))
    verdict = run.verdict or {}
    return [len(code), exact, *(verdict.get(key, 0) for key in ("claims", "asserted", "shown"))]


def _found(run: entries.Run) -> str:
    """What the page of the chapter says at its head, in two or three words."""
    if run.failed is not None:
        return f"stopped at cell {run.failed.cell}"
    if run.outside:
        return f"{len(run.outside)} not so"
    return "stand-in data" if run.stand_in else "nothing"


def _example(checkout: paths.Checkout, runs: Sequence[entries.Run]) -> str:
    """The arithmetic of one band, in words; a sentence where this build has no band at all."""
    found = [
        (chapter, name, numbers)
        for chapter, run in zip(checkout.chapters(), runs, strict=True)
        for name, numbers in (run.verdict or {}).get("workings", {}).items()
        if numbers["unit"] == metrics.FRACTION and numbers["n"] and not numbers["allowance"]
    ]
    if not found:
        return "In this build no number has a band."
    wanted = (EXAMPLE_CHAPTER, EXAMPLE_METRIC)
    chapter, name, numbers = next(
        (one for one in found if (chapters.slug(one[0]), one[1]) == wanted), found[0]
    )
    return _worked(_link(chapter, chapters.title(chapter)), name.replace("_", " "), numbers)


def _worked(link: str, name: str, numbers: dict[str, Any]) -> str:
    def percent(key: str, decimals: int = 2) -> str:
        return f"{100 * numbers[key]:.{decimals}f}"

    def count(key: str) -> str:
        return f"{numbers[key]:.3g}"

    reach = numbers["quantile"] * numbers["expected_deviation"]
    lines = [
        f"Take the *{name}* of {link}, in percent, as this copy of the book found it.",
        "",
        f"1. {numbers['runs']} earlier runs on the same data averaged {percent('mean')}, and "
        f"varied by {percent('deviation_between_runs')} (standard deviation).",
        f"2. What is usual for the chapter's numbers, on {numbers['n']:,} images, is a deviation "
        f"of {percent('usual_deviation')}. It counts like {count('usual_freedom')} more degrees "
        f"of freedom, beside the {numbers['runs'] - 1} of the runs. Together they give "
        f"{percent('deviation')}.",
        f"3. The mean of {numbers['runs']} runs is not exact either. So a new run is expected "
        f"within a deviation of {percent('expected_deviation')} around it.",
        f"4. For {count('freedom')} degrees of freedom, and one alarm in a hundred builds of the "
        f"whole book, Student's quantile is {numbers['quantile']:.2f}. The band reaches "
        f"{numbers['quantile']:.2f} · {percent('expected_deviation')} = {100 * reach:.2f} to each "
        "side, and a share ends at 100.",
        f"5. That makes {percent('low')} to {percent('high')}. This run measured "
        f"**{percent('value')}**.",
    ]
    return "\n".join(lines)
