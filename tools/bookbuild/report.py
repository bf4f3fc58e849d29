"""What a build says at its end, and when it counts as failed."""

import dataclasses
import pathlib
from collections.abc import Sequence

from bookbuild import entries


class NotSound(Exception):
    """A strict build found something; the message lists all of it."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What a build made.

    Attributes:
        runs: the execution of each chapter.
        broken: what keeps the site from being whole, one text each.
        remarks: warnings of Sphinx, cells that wrote to standard error, one text each.
    """

    runs: list[entries.Run]
    broken: list[str]
    remarks: list[str]

    @property
    def failed(self) -> list[str]:
        """One line for each chapter that stopped."""
        return [f"{run.name}: {run.failed}" for run in self.runs if run.failed is not None]

    @property
    def outside(self) -> list[str]:
        """One line for each result that lies outside what was recorded."""
        return [f"{run.name}: {sentence}" for run in self.runs for sentence in run.outside]

    @property
    def exit_code(self) -> int:
        """1 where a cell raised or a page is missing: a reader is told of the rest, on the page."""
        return 1 if self.failed or self.broken else 0

    def findings(self) -> str:
        """All that is not as it should be, under headings; empty for a sound build."""
        parts = [
            ("Not built as a whole:", self.broken),
            ("Stopped at a cell (the page shows how far it came, and the traceback):", self.failed),
            ("Outside what was recorded (the page says so):", self.outside),
            ("Worth a look:", self.remarks),
        ]
        return "\n".join(_list(heading, lines) for heading, lines in parts if lines)

    def require_sound(self) -> None:
        """Let nothing pass.

        Raises:
            NotSound: when there is any finding.
        """
        found = self.findings()
        if found:
            raise NotSound(f"The book is not sound.\n{found}")


def _list(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([heading, *(f"  - {line}" for line in lines)])


def costs(runs: Sequence[entries.Run], profile: str) -> str:
    """What each chapter cost when it was executed."""
    lines = [f"Profile {profile}. Each chapter's time and memory when it was executed:"]
    width = max((len(run.name) for run in runs), default=0)
    for run in runs:
        note = "  (from the cache)" if run.from_cache else ""
        note += f"  STAND-IN data: {', '.join(run.stand_in)}" if run.stand_in else ""
        note += "  FAILED" if run.failed is not None else ""
        lines.append(f"  {run.name:{width}}  {entries.cost(run)}{note}")
    return "\n".join(lines)


def built(seconds: float, html: pathlib.Path) -> str:
    """Where the book is."""
    return f"Built in {seconds:.1f} s: {html / 'index.html'}"
