"""What a chapter measures, one number a seed, and tables of it beside the recorded full run.

Explained where first used, in chapter 5, *What Does "Good" Mean?*
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from seeing import results

ACCURACY = "accuracy"
TIME = "time"
BOTH_RUNS = "This run and the recorded one"
REFERENCE = "Reference, full profile"


class Tally:
    """Collects a chapter's numbers seed by seed, until ``results.conclude`` takes them.

    Attributes:
        chapter: the slug of the results file, for example ``"metrics"``.
        n: how many test examples each number was measured on; 0 where that differs.
    """

    def __init__(self, chapter: str, *, n: int = 0):
        self.chapter = chapter
        self.n = n
        self._values: dict[str, dict[int, float]] = {}
        self._n: dict[str, int] = {}
        self._missing: dict[str, str] = {}

    def add(
        self, prefix: str, numbers: Mapping[str, float], *, seed: int, n: int | None = None
    ) -> None:
        """Keep one seed's numbers. A cell that runs again replaces what it added before.

        Args:
            prefix: what was measured, for example ``"few_images_plain"``.
            numbers: by name; the metric's full name is ``prefix_name``. A full name that ends in
                ``_accuracy`` is a fraction, held to a band and shown on the scoreboard; one that
                ends in ``_time`` is in seconds; any other is a ratio. These are only reported.
            seed: which run of several this was; 0 for what is measured once.
            n: how many test examples these were measured on, where that is not the tally's.

        Raises:
            ValueError: when another seed was measured on a different number of examples.
        """
        for name, value in numbers.items():
            full_name = f"{prefix}_{name}"
            count = 0 if name.endswith(TIME) else self.n if n is None else n
            values = self._values.setdefault(full_name, {})
            if values.keys() - {seed} and self._n[full_name] != count:
                raise ValueError(
                    f"{full_name!r} was measured on {self._n[full_name]} examples before, now on "
                    f"{count}; expected one number, or two names"
                )
            values[seed], self._n[full_name] = float(value), count

    def metrics(self) -> dict[str, results.Metric]:
        """Every metric, by its full name.

        Raises:
            ValueError: when a number is not finite, or an accuracy lies outside [0, 1].
        """
        return {name: self._metric(name) for name in self._values}

    def missing(self) -> dict[str, str]:
        """What was expected or asked for and not measured: ``results.conclude`` takes it."""
        return {name: why for name, why in self._missing.items() if name not in self._values}

    def expect(self, prefix: str, ends: Iterable[str], *, otherwise: str) -> None:
        """Say which metrics a chapter measures, and what is to be said where a run does not.

        Tables and ``results.conclude`` then know of gaps that no table shows.

        Args:
            prefix: what is measured, as for :meth:`add`.
            ends: the ends of the metrics' names.
            otherwise: why a run may lack them, for example ``"not in this run"``.
        """
        self._missing |= {f"{prefix}_{end}": otherwise for end in ends}

    def withhold(self, names: Iterable[str], reason: str) -> None:
        """Take metrics back, as if not measured: they would mean nothing on this run's data.

        Args:
            names: full names of metrics that were added.
            reason: why, for the reader of the closing table.

        Raises:
            KeyError: when nothing was added under one of the names.
        """
        for name in list(names):
            del self._values[name]
            self._missing[name] = reason

    def _require(self, name: str) -> None:
        if name not in self._values:
            raise KeyError(f"nothing was added as {name!r}; there is {sorted(self._values)}")

    def _metric(self, name: str) -> results.Metric:
        self._require(name)
        units = {ACCURACY: results.FRACTION, TIME: "s"}
        unit = units.get(name.rpartition("_")[2], "ratio")
        return results.metric(list(self._values[name].values()), n=self._n[name], unit=unit)

    def _of_seeds(self, names: Sequence[str]) -> list[list[float]]:
        """Each metric's values, in the same order of seeds."""
        for name in names:
            self._require(name)
        seeds = [list(self._values[name]) for name in names]
        if any(set(others) != set(seeds[0]) for others in seeds):
            raise ValueError(f"{names} were measured with the seeds {seeds}; expected the same")
        return [[self._values[name][seed] for seed in seeds[0]] for name in names]

    def _gap(self, name: str) -> str | None:
        """Why a metric was not measured; None where it was, or where no gap is known."""
        return None if name in self._values else self._missing.get(name)

    def show(
        self, columns: Mapping[str, str], rows: Mapping[str, str], *, missing: str | None = None
    ) -> None:
        """Show this run beside the recorded full run: one table, or two for several columns.

        Args:
            columns: each column's heading and the ends of its metrics' names.
            rows: each row's text and the beginnings of its metrics' names, the prefixes.
            missing: what to show for a metric that this run has not measured, for example
                ``"not in this run"``; None allows no gap but those that :meth:`expect` knows.

        Raises:
            KeyError: when nothing was added under one of the names and no gap is allowed there,
                or the reference holds no such metric.
            FileNotFoundError: when the chapter has no reference results.
        """
        if missing is not None:
            for prefix in rows.values():
                self.expect(prefix, columns.values(), otherwise=missing)
        names = [[f"{prefix}_{end}" for end in columns.values()] for prefix in rows.values()]
        here = [[self._gap(name) or str(self._metric(name)) for name in row] for row in names]
        full = [[results.recorded(self.chapter, name) for name in row] for row in names]
        if len(columns) == 1:
            header = [BOTH_RUNS, *columns, REFERENCE]
            both = [this + that for this, that in zip(here, full, strict=True)]
            results.show_table(header, _titled(rows, both))
        else:
            results.show_table(["This run", *columns], _titled(rows, here))
            results.show_table([REFERENCE, *columns], _titled(rows, full))

    def show_differences(self, pairs: Mapping[str, tuple[str, str]], end: str) -> None:
        """Show by how much one accuracy exceeds another, seed by seed, beside the recorded run.

        Two accuracies of the same seeds rise and fall together. So the spread of their difference
        is not that of either: it has to be taken seed by seed.

        Args:
            pairs: each row's text and two prefixes; the second's accuracy is taken from the
                first's. Differences are shown in points, hundredths.
            end: the end of all these metrics' names, for example ``"validation_accuracy"``.

        Raises:
            KeyError: when nothing was added under one of the names and :meth:`expect` knows of no
                gap there, or the reference holds no such metric.
            ValueError: when the two of a pair were not measured with the same seeds.
            FileNotFoundError: when the chapter has no reference results.
        """
        rows = []
        for title, prefixes in pairs.items():
            names = [f"{prefix}_{end}" for prefix in prefixes]
            gap = self._gap(names[0]) or self._gap(names[1])
            here = gap or _difference(*self._of_seeds(names))
            if results.is_reporting():
                full = results.BEING_MEASURED
            else:
                recorded = (results.recorded_metric(self.chapter, name) for name in names)
                full = _difference(*(metric.values for metric in recorded))
            rows.append([title, here, full])
        results.show_table([BOTH_RUNS, "Difference", REFERENCE], rows)


def slug(text: str) -> str:
    """A row's text as part of a metric's name: ``"rate 0.002"`` becomes ``"rate_0_002"``."""
    return re.sub(r"\W+", "_", text.lower()).strip("_")


def _difference(first: Sequence[float], second: Sequence[float]) -> str:
    """Mean and spread of the differences in points; recorded numbers have six digits."""
    pairs = zip(first, second, strict=True)
    return str(results.metric([round(100 * (a - b), 4) for a, b in pairs], unit="ratio"))


def _titled(titles: Mapping[str, str], cells: list[list[str]]) -> list[list[str]]:
    return [[title, *row] for title, row in zip(titles, cells, strict=True)]
