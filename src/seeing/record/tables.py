"""Tables of results: the recorded run in front, this run faint beside it.

Explained on the page *How this book is checked*.
"""

import dataclasses
import html
from collections.abc import Mapping, Sequence

from IPython import display

from seeing.record import metric as metrics

NOTHING = "–"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One metric in a table.

    Attributes:
        recorded: the full run's, or None while it is being measured.
        here: this run's, or None where it has not measured it.
    """

    recorded: metrics.Metric | None
    here: metrics.Metric | None

    @property
    def shown(self) -> metrics.Metric | None:
        """The one in front."""
        return self.recorded or self.here


def show(html_text: str, plain_text: str) -> None:
    """Show a table in the notebook, and as text where HTML is not shown."""
    display.display({"text/html": html_text, "text/plain": plain_text}, raw=True)


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> None:
    """Show a table of texts.

    Args:
        header: the columns' names.
        rows: one text a column; the first names the row.
        caption: a sentence above the table; empty for none.

    Raises:
        ValueError: when a row's length is not the header's.
    """
    _require_lengths(header, rows)
    cells = [[row[0], *((html.escape(text), text) for text in row[1:])] for row in rows]
    show(*_rendered(list(header), cells, caption))


def show_results(
    columns: Sequence[str], rows: Mapping[str, Sequence[Cell]], *, caption: str, title: str = ""
) -> None:
    """Show metrics: one row a name, one cell a column.

    Every column has one unit and as many decimals as its most certain number deserves, at most
    one more than the least certain one, so that the numbers stand under each other.

    Args:
        columns: headings.
        rows: each row's name and its cells, one a column.
        caption: what the numbers are, for example ``"Recorded: 3 seeds ..."``.
        title: heading of the first column.

    Raises:
        ValueError: when a row's length is not the header's.
    """
    for name, cells in rows.items():
        if len(cells) != len(columns):
            raise ValueError(f"the table has {len(columns)} columns; {name!r} has {len(cells)}")
    styles = [_style([cells[i] for cells in rows.values()]) for i in range(len(columns))]
    header = [title]
    for name, (unit, _) in zip(columns, styles, strict=True):
        sign = metrics.unit_text(unit).strip()
        header.append(f"{name}, {sign}" if sign else name)
    body = []
    for name, cells in rows.items():
        texts = [_cell(cell, decimals) for cell, (_, decimals) in zip(cells, styles, strict=True)]
        body.append([name, *texts])
    show(*_rendered(header, body, caption))


def _style(column: Sequence[Cell]) -> tuple[str, int]:
    """A column's unit and decimals.

    Raises:
        ValueError: when its metrics have different units.
    """
    found = [cell.shown for cell in column if cell.shown is not None]
    units = {one.unit for one in found}
    if len(units) > 1:
        raise ValueError(f"a column has one unit; this one has {sorted(units)}")
    decimals = sorted(one.decimals() for one in found) or [0]
    return (units.pop() if units else metrics.RATIO), min(decimals[-1], decimals[0] + 1)


def _cell(cell: Cell, decimals: int) -> tuple[str, str]:
    """A cell as HTML and as text."""
    if cell.shown is None:
        return NOTHING, NOTHING
    front = cell.shown.text(decimals)
    if cell.recorded is None or cell.here is None or cell.here.values == cell.recorded.values:
        return html.escape(front), front
    here = cell.here.text(decimals, with_spread=False)
    faint = f'<small class="seeing-here" title="this run">{html.escape(here)}</small>'
    return f"{html.escape(front)} {faint}", f"{front} ({here})"


def _rendered(header: Sequence[str], rows: Sequence[Sequence], caption: str) -> tuple[str, str]:
    """A table as HTML and as text; a row is its name and pairs of both."""
    head = "".join(
        f'<th scope="col">{html.escape(name)}</th>' if name else "<td></td>" for name in header
    )
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{markup}</td>" for markup, _ in row[1:])
        + "</tr>"
        for row in rows
    )
    above = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    markup = (
        f'<div class="seeing-scroll" tabindex="0" role="group" '
        f'aria-label="{html.escape(caption or header[0] or "Table")}">'
        f'<table class="seeing-table">{above}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    texts = [list(header), *([row[0], *(text for _, text in row[1:])] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    lines = [
        "  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip() for row in texts
    ]
    return markup, "\n".join(([caption] if caption else []) + lines)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, for pages that are no notebooks; a bar in a text stays in its cell.

    Raises:
        ValueError: when a row's length is not the header's.
    """
    _require_lengths(header, rows)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(text.replace("|", "\\|") for text in line) + " |" for line in lines
    )


def _require_lengths(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"the table has {len(header)} columns; this row has not: {row}")
