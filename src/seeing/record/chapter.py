"""What a chapter measures and what it claims: one object a chapter.

A chapter makes a :class:`Chapter` at its head, adds its numbers seed by seed, shows them beside
the recorded full run, states its claims, and ends with :meth:`Chapter.conclude`. Explained where
first used, in chapter 4, *A First Honest CNN*, and on the page *How this book is checked*.
"""

import dataclasses
import json
import os
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from IPython import display

from seeing import profiles
from seeing.datasets import sources
from seeing.record import machine, reference, tables
from seeing.record import metric as metrics

VERDICT_MIME = "application/vnd.seeing.verdict+json"
STRICT_VARIABLE = "SEEING_STRICT"


@dataclasses.dataclass
class _Tallied:
    """A metric while its seeds come in."""

    values: dict[int, float]
    n: int
    unit: str
    data: tuple[str, ...]
    part: str
    guess: float | None

    def metric(self) -> metrics.Metric:
        return metrics.metric(
            [self.values[seed] for seed in sorted(self.values)],
            n=self.n,
            unit=self.unit,
            data=self.data,
            part=self.part,
            guess=self.guess,
        )


class Chapter:
    """Collects a chapter's numbers and claims, and compares them with the recorded full run.

    Attributes:
        slug: the name of the results file, for example ``"metrics"``.
    """

    def __init__(self, slug: str):
        self.slug = slug
        self._tallied: dict[str, _Tallied] = {}
        self._series: dict[str, dict[str, Any]] = {}
        self._missing: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self._records: dict[str, sources.DataRecord] = {}
        self._lacking: dict[str, str] = {}
        self._claims: dict[str, bool] = {}

    # --- measuring ---

    def on(
        self,
        *records: sources.DataRecord,
        part: str = "",
        n: int = 0,
        guess: float | None = None,
    ) -> "Sample":
        """Say what numbers are measured on, before they are added.

        Args:
            records: the records of the data sets (and weights) that the numbers depend on.
            part: ``"training"``, ``"validation"`` or ``"test"``; empty where it is none.
            n: how many examples each number is measured on.
            guess: what an accuracy is where nothing was learned, such as 0.1 for ten digits.
                None: accuracies are shown and not asserted.
        """
        self.use(*records)
        names = tuple(reference.data_name(record.name) for record in records)
        return Sample(self, data=names, part=part, n=n, guess=guess)

    def use(self, *records: sources.DataRecord) -> None:
        """Name data sets that the chapter uses; :meth:`on` does so by itself."""
        self._records |= {record.name: record for record in records}

    def lacks(self, name: str, reason: str) -> None:
        """Say that a data set could not be had, and why: the build tries again some day."""
        self._lacking[name] = reason

    def expect(self, prefix: str, ends: Iterable[str], *, otherwise: str) -> None:
        """Say which metrics a full run measures, and why this run may leave them out.

        Args:
            prefix: what is measured, as for :meth:`Sample.add`.
            ends: the ends of the metrics' names.
            otherwise: the reason, for example ``"not in a quick run"``.
        """
        self._missing |= {f"{prefix}_{end}": otherwise for end in ends}

    def only_shown(self, names: Iterable[str], *, because: str) -> None:
        """Declare metrics as shown and not asserted, by name, with the reason."""
        self._shown |= dict.fromkeys(names, because)

    def measured(self) -> dict[str, metrics.Metric]:
        """Every metric of this run, by its full name.

        Raises:
            ValueError: when a number is not finite, or a fraction lies outside [0, 1].
        """
        return {name: tallied.metric() for name, tallied in self._tallied.items()}

    def here(self, name: str) -> metrics.Metric | None:
        """This run's metric, or None where it has not measured it."""
        tallied = self._tallied.get(name)
        return tallied.metric() if tallied else None

    # --- the recorded run ---

    @property
    def recorded(self) -> reference.Recorded:
        """The recorded full run. In a full reference run, this run takes its place.

        While a tool collects a quick run, what is not recorded yet comes from that run.

        Raises:
            FileNotFoundError: when the chapter has no reference results.
        """
        if not reference.is_reporting():
            return reference.load(self.slug)
        measured = {name: one.as_json() for name, one in self.measured().items()}
        content = {"chapter": self.slug, "metrics": measured, "series": self._series, "data": []}
        if not self._is_being_recorded():
            known = reference.load(self.slug).content
            content = {
                **known,
                "metrics": {**measured, **known["metrics"]},
                "series": {**self._series, **known.get("series", {})},
            }
        return reference.Recorded(content)

    def _is_being_recorded(self) -> bool:
        """Whether this run becomes the recorded one, or stands in for one that is not there."""
        if not reference.is_reporting():
            return False
        return profiles.name() == "full" or self.slug not in reference.chapters()

    def metric(self, name: str) -> metrics.Metric:
        """A recorded metric.

        Raises:
            KeyError: naming the metrics that there are.
        """
        if profiles.is_rehearsal() and name not in self.recorded.measured:
            # With a quick budget not all is measured; the cells that show it are rehearsed, too.
            return metrics.metric([0.5] * 3, n=100, guess=0.1)
        return self.recorded.metric(name)

    def difference(self, first: str, second: str) -> reference.Difference:
        """By how much one recorded metric exceeds another, and whether that is certain.

        Raises:
            KeyError: naming the metrics that there are.
        """
        return reference.difference(self.metric(first), self.metric(second))

    def series(self, name: str) -> dict[str, Any] | None:
        """A recorded series as :meth:`Sample.add_series` was given it, or None."""
        return self.recorded.series(name)

    # --- what the page says ---

    def time_box(self) -> None:
        """Show at the head of a chapter what it cost when it was recorded."""
        content = None if self._is_being_recorded() else reference.load(self.slug).content
        machine.show_time_box(content)

    def claim(self, sentence: str, holds: bool) -> None:
        """State that a sentence of the page holds for the recorded run.

        A claim that does not hold marks the page, and fails ``make test``. It raises nothing, so
        that a reader gets the rest.

        Args:
            sentence: what the page says, in short.
            holds: the assertion, computed from :attr:`recorded`.
        """
        self._claims[sentence] = bool(holds)

    def show(
        self,
        columns: Mapping[str, str],
        rows: Mapping[str, str],
        *,
        missing: str | None = None,
        title: str = "",
    ) -> None:
        """Show metrics in a table: the recorded run in front, this run faint beside it.

        Args:
            columns: each column's heading and the ends of its metrics' names.
            rows: each row's text and the beginnings of its metrics' names, the prefixes.
            missing: why this run may lack some of them, as for :meth:`expect`; None allows no
                gap but those that are known.
            title: heading of the first column.

        Raises:
            KeyError: when nothing was added under one of the names and no gap is known there,
                or the recorded run holds no such metric.
            FileNotFoundError: when the chapter has no reference results.
        """
        if missing is not None:
            for prefix in rows.values():
                self.expect(prefix, columns.values(), otherwise=missing)
        cells = {
            text: [self._cell(f"{prefix}_{end}") for end in columns.values()]
            for text, prefix in rows.items()
        }
        caption = self._caption([cell for row in cells.values() for cell in row])
        tables.show_results(list(columns), cells, caption=caption, title=title)

    def show_differences(
        self, pairs: Mapping[str, tuple[str, str]], end: str, *, title: str = ""
    ) -> None:
        """Show by how much one metric exceeds another, seed by seed.

        Two metrics of the same seeds rise and fall together. So the spread of their difference
        is not that of either: it has to be taken seed by seed.

        Args:
            pairs: each row's text and two prefixes; the second's metric is taken from the
                first's. Differences of fractions are in points.
            end: the end of all these metrics' names.
            title: heading of the first column.

        Raises:
            KeyError: as :meth:`show` does.
            ValueError: when two metrics were measured with several seeds here, and not the same.
        """
        rows = {}
        for text, prefixes in pairs.items():
            names = [f"{prefix}_{end}" for prefix in prefixes]
            cells = [self._cell(name) for name in names]
            self._require_same_seeds(names)
            sides = [(cells[0].recorded, cells[1].recorded), (cells[0].here, cells[1].here)]
            rows[text] = [tables.Cell(*(_as_metric(*side) for side in sides))]
        caption = self._caption([cell for (cell,) in rows.values()])
        shown = {cell.shown.unit for (cell,) in rows.values() if cell.shown is not None}
        heading = "Difference in points" if shown <= {metrics.POINTS} else "Difference"
        tables.show_results([heading], rows, caption=caption, title=title)

    def _require_same_seeds(self, names: Sequence[str]) -> None:
        seeds = [sorted(self._tallied[name].values) for name in names if name in self._tallied]
        # What has no seed, such as a solved head, is measured once, and compared with a mean.
        several = [one for one in seeds if len(one) > 1]
        if any(one != several[0] for one in several):
            raise ValueError(f"{names} were measured with the seeds {seeds}; expected the same")

    def _cell(self, name: str) -> tables.Cell:
        here = self.here(name)
        if here is None and name not in self._missing:
            raise KeyError(f"nothing was added as {name!r}; there is {sorted(self._tallied)}")
        if self._is_being_recorded():
            return tables.Cell(recorded=None, here=here)
        return tables.Cell(recorded=self.metric(name), here=here)

    def _caption(self, cells: Sequence[tables.Cell]) -> str:
        """What a table's numbers are: whose run, how many seeds, which data."""
        recorded = [cell.recorded for cell in cells if cell.recorded is not None]
        here = [cell.here for cell in cells if cell.here is not None]
        parts = []
        if recorded:
            parts.append(f"Recorded full run, {_seeds(recorded)}.")
        if here:
            used = {data for one in here for data in one.data}
            stand_in = [name for name, record in self._records.items() if record.is_stand_in]
            stand_in = [name for name in stand_in if reference.data_name(name) in used]
            data = f", STAND-IN data for {', '.join(stand_in)}" if stand_in else ""
            run = f"this {profiles.name()} run{data}, {_seeds(here)}"
            parts.append(f"Small: {run}." if recorded else f"{run[0].upper()}{run[1:]}.")
        return " ".join(parts)

    # --- the end ---

    def conclude(self) -> None:
        """End a chapter: show every metric and its band, and hand over the verdict.

        Nothing is raised for a metric outside its band or a claim that fails, unless
        ``SEEING_STRICT`` is ``1``: the build marks the page, and ``make test`` fails. A run that a
        tool collects is also written to the tool's file; one that becomes the recorded run has
        nothing to be compared with.

        Raises:
            AssertionError: under ``SEEING_STRICT=1``, naming what is outside, unless a tool
                collects the run.
            FileNotFoundError: when the chapter has no reference results.
            ValueError: when a full reference run leaves something unmeasured.
        """
        measured = self.measured()
        if reference.is_reporting():
            self._report(measured)
        if self._is_being_recorded():
            return
        recorded = reference.load(self.slug)
        verdict = reference.compare(
            recorded, measured, reference.editions(self._all_records()), shown=self._shown
        )
        outside = [*verdict.outside, *self._strangers(recorded, measured)]
        failed = [f"not so: {sentence}" for sentence, holds in self._claims.items() if not holds]
        self._show_all(recorded, measured, verdict)
        self._hand_over(measured, verdict, [*outside, *failed])
        is_strict = os.environ.get(STRICT_VARIABLE, "0") not in ("", "0")
        if [*outside, *failed] and is_strict and not reference.is_reporting():
            raise AssertionError("\n".join(["outside what was recorded:", *outside, *failed]))

    def _all_records(self) -> list[sources.DataRecord]:
        return list(self._records.values())

    def _gaps(self) -> dict[str, str]:
        """What was expected and not measured, with reasons."""
        return {name: why for name, why in self._missing.items() if name not in self._tallied}

    def _strangers(
        self, recorded: reference.Recorded, measured: Mapping[str, metrics.Metric]
    ) -> list[str]:
        """Sentences for metrics that only one of the two runs knows."""
        again = f"run make reference CHAPTER={self.slug}"
        known = dict.fromkeys([*measured, *self._gaps()])
        lost = [name for name in recorded.measured if name not in known]
        new = [name for name in known if name not in recorded.measured]
        return [f"{name} was recorded and not measured: {again}" for name in lost] + [
            f"{name} is not among the recorded results: {again}" for name in new
        ]

    def _report(self, measured: Mapping[str, metrics.Metric]) -> None:
        gaps = self._gaps()
        if gaps and profiles.name() == "full" and not profiles.is_rehearsal():
            raise ValueError(f"a full reference run must measure everything; missing: {gaps}")
        report = {
            "chapter": self.slug,
            "profile": profiles.name(),
            "metrics": {name: one.as_json() for name, one in measured.items()},
            "series": self._series,
            "not_measured": sorted(gaps),
            "shown": self._shown,
            "claims_failed": [sentence for sentence, holds in self._claims.items() if not holds],
            "data": [dataclasses.asdict(record) for record in self._all_records()],
        }
        path = pathlib.Path(os.environ[reference.REPORT_VARIABLE])
        path.write_text(json.dumps(report, indent=1), encoding="utf-8")

    def _show_all(
        self,
        recorded: reference.Recorded,
        measured: Mapping[str, metrics.Metric],
        verdict: reference.Verdict,
    ) -> None:
        rows = []
        for name, value in measured.items():
            full = str(recorded.measured[name]) if name in recorded.measured else tables.NOTHING
            band = verdict.bands.get(name)
            scale = 100 if value.unit == metrics.FRACTION else 1
            if band:
                decimals = max(value.decimals(), 1)
                ends = [f"{scale * end:z,.{decimals}f}" for end in (band.low, band.high)]
                held = " to ".join(ends).replace("-", "−")
                held += "" if band.holds(value.mean) else ": OUTSIDE"
            else:
                held = verdict.unchecked.get(name, tables.NOTHING)
            rows.append([name.replace("_", " "), full, str(value), held])
        checked = f"{len(verdict.bands)} of {len(measured)} numbers are held to a band"
        count = len(self._claims)
        sentences = (
            "1 sentence of this page is" if count == 1 else f"{count} sentences of this page are"
        )
        caption = f"{checked}; {sentences} checked."
        tables.show_table(["Metric", "Recorded", "This run", "Band"], rows, caption)
        left_out = self._gaps()
        if left_out:
            reasons = sorted(set(left_out.values()))
            print(f"Recorded and not measured here: {len(left_out)} ({'; '.join(reasons)}).")

    def _hand_over(
        self,
        measured: Mapping[str, metrics.Metric],
        verdict: reference.Verdict,
        outside: Sequence[str],
    ) -> None:
        """Give the build what it marks pages by; readers see a sentence only where it is bad."""
        facts = {
            "outside": list(outside),
            "asserted": len(verdict.bands),
            "shown": len(verdict.unchecked),
            "claims": len(self._claims),
            "not_measured": sorted(self._gaps()),
            "workings": {
                name: {"value": measured[name].mean, **one.as_json()}
                for name, one in verdict.workings.items()
            },
        }
        text = "\n".join(outside) or "Every asserted number lies in its band."
        display.display({VERDICT_MIME: facts, "text/plain": text}, raw=True)

    def provenance(self, *, seeds: Sequence[int] = ()) -> None:
        """Show the box at the foot of a chapter: what produced this page."""
        machine.show_box(self._all_records(), seeds=seeds, missing=self._lacking)


@dataclasses.dataclass(frozen=True)
class Sample:
    """What some of a chapter's numbers are measured on. :meth:`Chapter.on` makes it.

    Attributes:
        chapter: takes the numbers.
        data: names of the data sets.
        part: ``"training"``, ``"validation"``, ``"test"`` or empty.
        n: examples each number is measured on.
        guess: what an accuracy is where nothing was learned.
    """

    chapter: Chapter
    data: tuple[str, ...]
    part: str
    n: int
    guess: float | None

    def add(
        self,
        prefix: str,
        numbers: Mapping[str, float],
        *,
        seed: int,
        n: int | None = None,
        guesses: Mapping[str, float | None] | None = None,
        units: Mapping[str, str] | None = None,
    ) -> None:
        """Keep one seed's numbers. A cell that runs again replaces what it added before.

        The end of a name says the unit (``metric.UNITS``): ``..._accuracy`` is a fraction,
        ``..._gain`` points, ``..._time`` seconds, any other a ratio.

        Args:
            prefix: what was measured, for example ``"few_images_plain"``.
            numbers: by name; the metric's full name is ``prefix_name``.
            seed: which run of several this was; 0 for what is measured once.
            n: how many examples these were measured on, where that is not the sample's.
            guesses: by name, what a number would be where nothing was learned. Without an entry it
                is the sample's for accuracies, and None, not asserted, for all others: a difference
                in points, in a quick run, may be 0 by chance as well.
            units: by name, units that the name does not imply.

        Raises:
            ValueError: when another seed was measured on a different number of examples.
        """
        for name, value in numbers.items():
            full_name = f"{prefix}_{name}"
            unit = (units or {}).get(name, metrics.unit_of(name))
            is_accuracy = unit == metrics.FRACTION and name.rpartition("_")[2] == "accuracy"
            default = self.guess if is_accuracy else None
            tallied = _Tallied(
                values={},
                n=0 if unit in metrics.TIMES else self.n if n is None else n,
                unit=unit,
                data=self.data,
                part=self.part,
                guess=(guesses or {}).get(name, default),
            )
            known = self.chapter._tallied.setdefault(full_name, tallied)
            if known.values.keys() - {seed} and known.n != tallied.n:
                raise ValueError(
                    f"{full_name!r} was measured on {known.n} examples before, now on "
                    f"{tallied.n}; expected one number, or two names"
                )
            values = {**known.values, seed: float(value)}
            self.chapter._tallied[full_name] = dataclasses.replace(tallied, values=values)

    def add_series(
        self,
        name: str,
        x: Sequence[float | str],
        lines: Mapping[str, Sequence[Sequence[float]]],
        *,
        unit: str = metrics.FRACTION,
    ) -> None:
        """Keep what a figure draws: lines over an axis, one value a seed at each place.

        Args:
            name: the series' name in the results file.
            x: places on the axis, or their names.
            lines: by label, for each place the values of the seeds.
            unit: of the values.

        Raises:
            ValueError: when a line has not one entry a place.
        """
        for label, line in lines.items():
            if len(line) != len(x):
                raise ValueError(f"{name}: {label!r} has {len(line)} entries for {len(x)} places")
        self.chapter._series[name] = {
            "x": [one.item() if isinstance(one, np.generic) else one for one in x],
            "lines": {
                label: [[round(float(value), 6) for value in values] for values in line]
                for label, line in lines.items()
            },
            "unit": unit,
            "data": list(self.data),
            "part": self.part,
            "n": int(self.n),
        }


def slug(text: str) -> str:
    """A row's text as part of a metric's name: ``"rate 0.002"`` becomes ``"rate_0_002"``."""
    return re.sub(r"\W+", "_", text.lower()).strip("_")


def _seeds(found: Sequence[metrics.Metric]) -> str:
    """How many seeds some metrics have: ``"3 seeds (mean ± spread)"``."""
    counts = sorted({len(one.values) for one in found})
    if counts == [1]:
        return "1 seed"
    text = " or ".join(str(count) for count in counts)
    return f"{text} seeds (mean ± standard deviation)"


def _as_metric(
    first: metrics.Metric | None, second: metrics.Metric | None
) -> metrics.Metric | None:
    """The difference of two metrics as a metric, where both are there."""
    if first is None or second is None:
        return None
    unit = metrics.POINTS if first.unit == metrics.FRACTION else first.unit
    values = reference.difference(first, second).values
    return metrics.Metric(values, n=first.n, unit=unit, data=first.data, part=first.part)
