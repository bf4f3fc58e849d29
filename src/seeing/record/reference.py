"""Recorded runs: where they are, what they hold, and how this run compares.

``make reference`` runs a chapter in the full profile and writes ``results/SLUG.json``. Explained
on the page *How this book is checked*.
"""

import dataclasses
import functools
import importlib.resources
import json
import math
import os
import pathlib
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scipy import stats

from seeing import profiles
from seeing.datasets import sources
from seeing.record import bands
from seeing.record import metric as metrics

REPORT_VARIABLE = "SEEING_REPORT"
STAND_IN = "stand-in"
BELIEVED = 0.95  # how sure the book is of a difference that it states


def checkout() -> pathlib.Path | None:
    """The root of the book's checkout, or None where only the package is installed."""
    root = pathlib.Path(__file__).resolve().parents[3]
    return root if (root / "_toc.yml").is_file() and (root / "results").is_dir() else None


def is_reporting() -> bool:
    """Whether a tool collects what the chapter measures, as ``make reference`` does."""
    return bool(os.environ.get(REPORT_VARIABLE))


def folder() -> pathlib.Path | importlib.resources.abc.Traversable:
    """Where the reference results are: ``results/`` in a checkout, else inside the package."""
    root = checkout()
    return root / "results" if root else importlib.resources.files("seeing") / "_reference"


def chapters() -> list[str]:
    """The slugs of the chapters that have reference results, sorted."""
    return sorted(path.name[:-5] for path in folder().iterdir() if path.name.endswith(".json"))


@dataclasses.dataclass(frozen=True)
class Difference:
    """One metric less another, in points where both are fractions.

    Attributes:
        values: one difference a seed, where both were measured with the same seeds; else one.
        doubt: half the width of the interval in which the book would not be surprised by 0.
        is_share: whether the two are fractions, so that the difference is in points.
    """

    values: tuple[float, ...]
    doubt: float
    is_share: bool

    @property
    def mean(self) -> float:
        """The mean difference."""
        return statistics.fmean(self.values)

    @property
    def is_gain(self) -> bool:
        """Whether the first is larger, by the book's rule."""
        return self.mean > self.doubt

    @property
    def is_loss(self) -> bool:
        """Whether the first is smaller, by the book's rule."""
        return self.mean < -self.doubt

    @property
    def is_undecided(self) -> bool:
        """Whether seeds and images leave open which is larger."""
        return not (self.is_gain or self.is_loss)


def difference(first: metrics.Metric, second: metrics.Metric) -> Difference:
    """By how much one metric exceeds another, and how sure that is.

    Chapter 6 explains the rule. Two metrics of the same seeds are compared seed by seed, by
    Student's t. Where one has a single value, or all seeds differ by the same, seeds say nothing:
    then two shares are compared as two independent samples of n examples each, which doubts more
    than a comparison image by image would.

    Raises:
        ValueError: when their units differ.
    """
    if first.unit != second.unit:
        raise ValueError(f"the units differ: {first.unit} and {second.unit}; expected the same")
    is_share = first.unit == metrics.FRACTION
    scale, digits = (100, 4) if is_share else (1, 6)  # what a results file holds
    runs = min(len(first.values), len(second.values))
    if runs > 1 and len(first.values) == len(second.values):
        pairs = zip(first.values, second.values, strict=True)
        values = tuple(round(scale * (a - b), digits) for a, b in pairs)
        spread = statistics.stdev(values)
        if spread:
            quantile = float(stats.t.ppf((1 + BELIEVED) / 2, runs - 1))
            return Difference(values, quantile * spread / math.sqrt(runs), is_share)
    else:
        values = (round(scale * (first.mean - second.mean), digits),)
    if not (is_share and first.n and second.n):
        return Difference(values, math.inf, is_share)
    errors = [metrics.standard_error(one.mean, one.n) for one in (first, second)]
    quantile = float(stats.norm.ppf((1 + BELIEVED) / 2))
    return Difference(values, scale * quantile * math.hypot(*errors), is_share)


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A chapter's reference results, as ``results/SLUG.json`` holds them.

    Attributes:
        content: what the file holds.
    """

    content: Mapping[str, Any]

    @property
    def chapter(self) -> str:
        """The chapter's slug."""
        return self.content["chapter"]

    @functools.cached_property
    def measured(self) -> dict[str, metrics.Metric]:
        """Every metric of the full run, by its name."""
        return {
            name: metrics.Metric.from_json(found) for name, found in self.content["metrics"].items()
        }

    def metric(self, name: str) -> metrics.Metric:
        """One metric of the full run.

        Raises:
            KeyError: naming the metrics that there are.
        """
        if name not in self.measured:
            raise KeyError(
                f"results/{self.chapter}.json holds no metric {name!r}; it has "
                f"{sorted(self.measured)}: run make reference CHAPTER={self.chapter}"
            )
        return self.measured[name]

    def series(self, name: str) -> dict[str, Any] | None:
        """A recorded series, or None where the full run recorded none of that name."""
        return self.content.get("series", {}).get(name)

    def editions(self) -> dict[str, str]:
        """The full run's data sets: name to SHA-256."""
        return editions(self.content["data"])

    def earlier_quick(
        self, present: Mapping[str, str]
    ) -> tuple[dict[str, bands.Earlier], set[str]]:
        """What earlier quick runs measured on the data that the present run has.

        A metric looks at its own data alone: a run counts where all of that is of the same
        edition. Where there is no such run, but the present data are real and earlier ones were
        too, those runs count, and the metric is named as measured on another edition.

        Args:
            present: the present run's data sets, as :func:`editions` gives them.

        Returns:
            Metrics by name, and the names of those measured on another edition.
        """
        found: dict[str, bands.Earlier] = {}
        others: set[str] = set()
        for name, known, wanted in self._asserted_on(present):
            runs = [run for run in self._quick_runs(name) if _editions_of(run, wanted) == wanted]
            if not runs and STAND_IN not in wanted.values():
                runs = [
                    run
                    for run in self._quick_runs(name)
                    if not {STAND_IN, None} & set(_editions_of(run, wanted).values())
                ]
                if runs:
                    others.add(name)
            if len(runs) > 1:
                values = tuple(run["metrics"][name] for run in runs)
                n = min(run.get("n", {}).get(name, 0) for run in runs)
                found[name] = bands.Earlier(values, n, known.unit)
        return found, others

    def _asserted_on(
        self, present: Mapping[str, str]
    ) -> Iterator[tuple[str, metrics.Metric, dict[str, str]]]:
        """Each metric meant to have a band whose data are there, with their editions."""
        for name, known in self.measured.items():
            if known.is_asserted and all(data in present for data in known.data):
                yield name, known, {data: present[data] for data in known.data}

    def _quick_runs(self, name: str) -> list[dict[str, Any]]:
        runs = self.content.get("quick_runs", [])
        return [run for run in runs if name in run["metrics"]]

    def earlier_full(self, present: Mapping[str, str]) -> tuple[dict[str, bands.Earlier], set[str]]:
        """The same for the full profile: one value a seed, from the recorded run."""
        recorded = self.editions()
        found: dict[str, bands.Earlier] = {}
        others: set[str] = set()
        for name, known, wanted in self._asserted_on(present):
            if STAND_IN in wanted.values():
                continue
            if wanted != {data: recorded.get(data) for data in known.data}:
                others.add(name)
            found[name] = bands.Earlier(known.values, known.n, known.unit)
        return found, others


def _editions_of(run: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str | None]:
    return {data: run["data"].get(data) for data in wanted}


def editions(records: Sequence[sources.DataRecord | Mapping[str, Any]]) -> dict[str, str]:
    """Data sets by name, each with the SHA-256 of its content, or ``"stand-in"``."""
    given = [
        record if isinstance(record, Mapping) else dataclasses.asdict(record) for record in records
    ]
    return {
        data_name(record["name"]): STAND_IN if record["is_stand_in"] else record["sha256"]
        for record in given
    }


def data_name(name: str) -> str:
    """A data set's name without its edition, which stands in brackets behind it."""
    return name.partition(" (")[0]


def load(chapter: str) -> Recorded:
    """Read a chapter's reference results.

    Args:
        chapter: the slug, for example ``"first_cnn"`` for ``results/first_cnn.json``.

    Raises:
        FileNotFoundError: naming the chapters that have results, and how to make them.
        ValueError: when the file is no JSON, or lacks what every results file has.
    """
    path = folder() / f"{chapter}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"no reference results for {chapter!r}; there are {chapters()}. "
            f"Make them with: make reference CHAPTER={chapter}"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"results/{chapter}.json is damaged: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"results/{chapter}.json is damaged: it holds a {type(content).__name__}")
    missing = {"chapter", "metrics", "data"} - set(content)
    if missing:
        raise ValueError(f"results/{chapter}.json lacks {sorted(missing)}")
    return Recorded(content)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a run's comparison with earlier runs came to.

    Attributes:
        workings: how the band of every metric that has one came about, by name.
        outside: one sentence for each metric outside its band.
        unchecked: why each other metric is shown and not asserted, by name.
    """

    workings: dict[str, bands.Working]
    outside: list[str]
    unchecked: dict[str, str]

    @property
    def bands(self) -> dict[str, bands.Band]:
        """The band of every metric that has one, by name."""
        return {name: one.band for name, one in self.workings.items()}


def compare(
    recorded: Recorded,
    measured: Mapping[str, metrics.Metric],
    present: Mapping[str, str],
    *,
    shown: Mapping[str, str] | None = None,
) -> Verdict:
    """Hold a run against earlier runs of the same profile, each metric by its own data.

    Args:
        recorded: the chapter's reference results.
        measured: this run's metrics by name.
        present: this run's data sets, as :func:`editions` gives them.
        shown: metrics that the chapter shows and does not assert, each with the reason.
    """
    is_full = profiles.name() == "full"
    earlier, others = (recorded.earlier_full if is_full else recorded.earlier_quick)(present)
    declared = shown or {}
    asked = {
        name: one for name, one in earlier.items() if name in measured and name not in declared
    }
    seeds = {name: len(measured[name].values) for name in asked} if is_full else {}
    found = bands.workings(
        asked, chapters=max(len(chapters()), 1), seeds=seeds, other_edition=frozenset(others)
    )
    outside, unchecked = [], {}
    for name, value in measured.items():
        guess = recorded.measured[name].guess if name in recorded.measured else None
        if name in declared:
            unchecked[name] = declared[name]
        elif name not in recorded.measured:
            unchecked[name] = "not recorded yet"
        elif value.unit in metrics.TIMES:
            unchecked[name] = "depends on the machine"
        elif guess is None:
            unchecked[name] = "shown, not asserted"
        elif name not in found:
            unchecked[name] = "no earlier run had this data"
        elif found[name].band.holds(guess):
            unchecked[name] = "a band that would hold guessing proves nothing"
            del found[name]
        elif not found[name].band.holds(value.mean):
            band = found[name].band
            outside.append(
                f"{name} is {value.mean:.4g}, expected {band.low:.4g} to {band.high:.4g}"
            )
    return Verdict(found, outside, unchecked)
