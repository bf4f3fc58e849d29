"""Reference results: what a full run measured, and whether the present run agrees.

A chapter ends with :func:`conclude`. In a reference run (``make reference``) it hands over what it
measured; in every other run it compares, and fails when a number leaves its band.

Explained on the page *How to run this book*.
"""

import dataclasses
import importlib.resources
import json
import math
import numbers
import os
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from IPython import display

from seeing import profiles
from seeing.datasets import sources

REPORT_VARIABLE = "SEEING_REPORT"
FRACTION = "fraction"
BEING_MEASURED = "being measured"  # in a reference run, where a recorded number will stand
TABLE_HEADER = ("Metric", "This run", "Reference (full profile)", "Band")


@dataclasses.dataclass(frozen=True)
class Metric:
    """One measured quantity, over one or more seeds.

    Attributes:
        values: one number a seed.
        n: how many test examples each value was measured on; 0 where that makes no sense.
        unit: ``"fraction"`` (0 to 1, kept in a band), or for example ``"ratio"`` or ``"s"``
            (reported, never asserted: speed depends on the machine).
    """

    values: tuple[float, ...]
    n: int = 0
    unit: str = FRACTION

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float:
        """Sample standard deviation over the seeds; 0 for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0

    def __str__(self) -> str:
        """Mean, spread and number of seeds, as a reader sees them."""
        return spread(self.mean, self.std, self.unit, len(self.values))

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Metric":
        """The metric that a results file holds; :meth:`as_json` read back.

        Args:
            found: ``values``, ``n`` and ``unit``; what else there is follows from them.

        Raises:
            KeyError: when one of the three is missing.
        """
        return cls(values=tuple(found["values"]), n=found["n"], unit=found["unit"])

    def as_json(self) -> dict[str, Any]:
        """The metric as it stands in a results file."""
        return {
            "mean": round(self.mean, 6),
            "std": round(self.std, 6),
            "values": [round(value, 6) for value in self.values],
            "n": self.n,
            "unit": self.unit,
        }


def metric(values: Sequence[float] | float, *, n: int = 0, unit: str = FRACTION) -> Metric:
    """A :class:`Metric` from one number or one number a seed.

    Raises:
        ValueError: when there is no value, one is not finite, or a fraction leaves [0, 1].
    """
    given = [values] if isinstance(values, numbers.Real) else list(values)
    given = [float(value) for value in given]
    if not given:
        raise ValueError("a metric needs at least one value; none was given")
    for value in given:
        if not math.isfinite(value):
            raise ValueError(f"a metric's values must be finite; got {value}")
        if unit == FRACTION and not 0.0 <= value <= 1.0:
            raise ValueError(f"a fraction lies between 0 and 1; got {value}: pass unit=... if not")
    return Metric(values=tuple(given), n=n, unit=unit)


def checkout() -> pathlib.Path | None:
    """The root of the book's checkout, or None where only the package is installed."""
    root = pathlib.Path(__file__).resolve().parents[2]
    return root if (root / "_toc.yml").is_file() and (root / "results").is_dir() else None


def is_reporting() -> bool:
    """Whether this is a run of ``make reference``, which collects what the chapter measures."""
    return bool(os.environ.get(REPORT_VARIABLE))


def folder() -> pathlib.Path | importlib.resources.abc.Traversable:
    """Where the reference results are: ``results/`` in a checkout, else inside the package."""
    root = checkout()
    return root / "results" if root else importlib.resources.files("seeing") / "_reference"


def load(chapter: str) -> dict[str, Any]:
    """Read a chapter's reference results.

    Args:
        chapter: the slug, for example ``"first_cnn"`` for ``results/first_cnn.json``.

    Raises:
        FileNotFoundError: naming the chapters that have results, and how to make them.
    """
    path = folder() / f"{chapter}.json"
    if not path.is_file():
        known = sorted(found.name[:-5] for found in folder().iterdir() if found.suffix == ".json")
        raise FileNotFoundError(
            f"no reference results for {chapter!r}; there are {known}. "
            f"Make them with: make reference CHAPTER={chapter}"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def recorded(chapter: str, name: str) -> str:
    """A recorded metric as a reader sees it, for tables that quote it beside the present run.

    Args:
        chapter: the slug of the results file, for example ``"first_cnn"``.
        name: the metric's name in that file.

    Returns:
        Mean, spread and number of seeds; in a reference run, ``"being measured"``.

    Raises:
        FileNotFoundError: when the chapter has no reference results.
        KeyError: when they hold no such metric; the message names those there are.
    """
    return BEING_MEASURED if is_reporting() else str(recorded_metric(chapter, name))


def recorded_metric(chapter: str, name: str) -> Metric:
    """A recorded metric, for what is worked out from it.

    Args:
        chapter: the slug of the results file, for example ``"first_cnn"``.
        name: the metric's name in that file.

    Raises:
        FileNotFoundError: when the chapter has no reference results.
        KeyError: when they hold no such metric; the message names those there are.
    """
    known = load(chapter)["metrics"]
    if name not in known:
        raise KeyError(f"results/{chapter}.json holds no metric {name!r}; it has {sorted(known)}")
    return Metric.from_json(known[name])


def reference_band(reference: Mapping[str, Any], name: str) -> tuple[float, float]:
    """The band around a full-profile result: four standard deviations, at least half a point."""
    recorded = reference["metrics"][name]
    half_width = max(4 * recorded["std"], 0.005)
    return max(0.0, recorded["mean"] - half_width), min(1.0, recorded["mean"] + half_width)


def band_from(values: Sequence[float], *, n: int = 0) -> tuple[float, float]:
    """A band for the quick profile, from runs with different seeds.

    Six standard deviations on each side, and at least two points and three examples, so that
    another machine's rounding stays inside and a broken chapter does not.

    Args:
        values: one accuracy a run.
        n: on how many examples each was measured; 0 where that is not known.
    """
    measured = metric(values)
    half_width = max(6 * measured.std, 0.02, 3 / n if n else 0.0)
    return (
        round(max(0.0, measured.mean - half_width), 4),
        round(min(1.0, measured.mean + half_width), 4),
    )


def band_name(data: Sequence[sources.DataRecord]) -> str:
    """Which band holds: ``quick_band``, ``stand_in_band`` (quick, stand-in data) or ``full``."""
    if profiles.name() == "full":
        return "full"
    stand_in = any(record.is_stand_in for record in data)
    return "stand_in_band" if stand_in else "quick_band"


def conclude(
    chapter: str,
    measured: Mapping[str, Metric],
    *,
    data: Sequence[sources.DataRecord],
    not_measured: Mapping[str, str] | None = None,
) -> None:
    """End a chapter: compare what it measured with the reference results, or report it.

    Shows a table of this run beside the reference, and the band that holds for this profile.

    Args:
        chapter: the slug of the results file, for example ``"first_cnn"``.
        measured: the chapter's metrics by name.
        data: the records of the data sets that the metrics were measured on.
        not_measured: metrics that this run could not measure, and why: for example because a
            data set that has no stand-in could not be had. The table says so.

    Raises:
        AssertionError: when a metric leaves its band, or the reference has no such metric.
        ValueError: when a reference run of the full profile leaves something unmeasured.
    """
    missing = dict(not_measured or {})
    if is_reporting():
        if missing and profiles.name() == "full":
            raise ValueError(f"a full reference run must measure everything; missing: {missing}")
        pathlib.Path(os.environ[REPORT_VARIABLE]).write_text(
            json.dumps(
                {
                    "chapter": chapter,
                    "profile": profiles.name(),
                    "band": band_name(data),
                    "metrics": {name: value.as_json() for name, value in measured.items()},
                    "not_measured": sorted(missing),
                    "data": [dataclasses.asdict(record) for record in data],
                },
                indent=1,
            ),
            encoding="utf-8",
        )
        return
    reference = load(chapter)
    other = other_editions(reference, data)
    if other:
        print(
            f"{', '.join(other)}: not the data that the recorded run had, but another edition. "
            "This run's numbers are shown beside the recorded ones and not asserted."
        )
    rows, outside = compare(reference, measured, None if other else band_name(data), missing)
    show_table(TABLE_HEADER, rows)
    if outside:
        raise AssertionError("outside the band:\n" + "\n".join(outside))


def other_editions(reference: Mapping[str, Any], data: Sequence[sources.DataRecord]) -> list[str]:
    """Real data sets whose content is not that of the recorded run, by name.

    Args:
        reference: a results file's content.
        data: the records of this run's data sets.
    """
    known = {(record["name"], record["sha256"]) for record in reference["data"]}
    return [
        record.name
        for record in data
        if not record.is_stand_in and (record.name, record.sha256) not in known
    ]


def compare(
    reference: Mapping[str, Any],
    measured: Mapping[str, Metric],
    band: str | None,
    not_measured: Mapping[str, str] | None = None,
) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    """Compare metrics with reference results.

    Args:
        reference: a results file's content.
        measured: metrics by name.
        band: ``"quick_band"``, ``"stand_in_band"`` or ``"full"``; None asserts nothing.
        not_measured: why a metric could not be measured, by name.

    Returns:
        One row of strings a metric (as ``TABLE_HEADER`` names them), and one sentence for each
        metric outside its band.

    Raises:
        AssertionError: when the reference does not hold the same metrics, or lacks a band.
    """
    missing = dict(not_measured or {})
    if set(reference["metrics"]) != set(measured) | set(missing):
        raise AssertionError(
            f"this run measured {sorted([*measured, *missing])}, the reference holds "
            f"{sorted(reference['metrics'])}: run make reference CHAPTER={reference['chapter']}"
        )
    shown = {name: str(Metric.from_json(known)) for name, known in reference["metrics"].items()}
    rows, outside = [], []
    for name, value in measured.items():
        limits = _limits(reference, name, value, band)
        rows.append(
            (
                f"`{name}`",
                str(value),
                shown[name],
                f"{limits[0]:.2%} to {limits[1]:.2%}" if limits else "not asserted",
            )
        )
        if limits and not limits[0] <= value.mean <= limits[1]:
            outside.append(
                f"{name} is {value.mean:.4f}, expected {limits[0]:.4f} to {limits[1]:.4f} ({band})"
            )
    for name, reason in missing.items():
        rows.append((f"`{name}`", f"not measured: {reason}", shown[name], "not asserted"))
    return rows, outside


def _limits(
    reference: Mapping[str, Any], name: str, value: Metric, band: str | None
) -> tuple[float, float] | None:
    if value.unit != FRACTION or band is None:
        return None
    if band == "full":
        return reference_band(reference, name)
    if name not in reference.get(band, {}):
        raise AssertionError(
            f"the reference has no {band} for {name}: "
            f"run make reference CHAPTER={reference['chapter']}"
        )
    return tuple(reference[band][name])


def spread(mean: float, std: float, unit: str, runs: int) -> str:
    """A mean and its spread as text: ``"99.31 % ± 0.04 (3 seeds)"``, ``"0.28 ± 0.01 (...)"``."""
    if unit == FRACTION:
        text, plus_minus = f"{mean:.2%}".replace("%", " %"), f"{100 * std:.2f}"
    else:
        text, plus_minus = f"{mean:.3g}", f"{std:.2g}"
        if unit != "ratio":
            text += f" {unit}"
    return f"{text} ± {plus_minus} ({runs} seeds)" if runs > 1 else f"{text} (1 seed)"


def show_beside(chapter: str, measured: Mapping[str, Metric]) -> None:
    """Show metrics by their names, each beside the recorded full run.

    Args:
        chapter: the slug of the results file.
        measured: this run's metrics by name.

    Raises:
        FileNotFoundError, KeyError: as :func:`recorded` does.
    """
    rows = [[f"`{name}`", str(value), recorded(chapter, name)] for name, value in measured.items()]
    show_table(["Metric", "This run", "Reference, full profile"], rows)


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a table in the notebook, its cells read as Markdown.

    Raises:
        ValueError: when a row's length is not the header's.
    """
    display.display(display.Markdown(table(header, rows)))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        header: the columns' names.
        rows: one text a column, read as Markdown.

    Raises:
        ValueError: when a row's length is not the header's.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"the table has {len(header)} columns; this row has not: {row}")
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
