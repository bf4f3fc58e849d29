"""What a chapter measures, one number a seed, and tables of it beside the recorded full run.

Explained where first used, in chapter 5, *What Does "Good" Mean?*
"""

from collections.abc import Mapping

from seeing import results

ACCURACY = "accuracy"


class Tally:
    """Collects a chapter's numbers seed by seed, until ``results.conclude`` takes them.

    Attributes:
        chapter: the slug of the results file, for example ``"metrics"``.
        n: how many test examples each number was measured on; 0 where that differs.
    """

    def __init__(self, chapter: str, *, n: int = 0):
        self.chapter = chapter
        self.n = n
        self._values: dict[str, list[float]] = {}

    def add(self, prefix: str, numbers: Mapping[str, float]) -> None:
        """Keep one seed's numbers.

        Args:
            prefix: what was measured, for example ``"few_images_plain"``.
            numbers: by name; the metric's full name is ``prefix_name``. A full name that ends in
                ``_accuracy`` is a fraction, held to a band and shown on the scoreboard; any other
                is only reported.
        """
        for name, value in numbers.items():
            self._values.setdefault(f"{prefix}_{name}", []).append(float(value))

    def metrics(self) -> dict[str, results.Metric]:
        """Every metric, by its full name.

        Raises:
            ValueError: when a number is not finite, or an accuracy lies outside [0, 1].
        """
        return {name: self._metric(name) for name in self._values}

    def _metric(self, name: str) -> results.Metric:
        if name not in self._values:
            raise KeyError(f"nothing was added as {name!r}; there is {sorted(self._values)}")
        unit = results.FRACTION if name.endswith(f"_{ACCURACY}") else "ratio"
        return results.metric(self._values[name], n=self.n, unit=unit)

    def show(self, columns: Mapping[str, str], rows: Mapping[str, str]) -> None:
        """Show this run beside the recorded full run: one table, or two for several columns.

        Args:
            columns: each column's heading and the ends of its metrics' names.
            rows: each row's text and the beginnings of its metrics' names, the prefixes.

        Raises:
            KeyError: when nothing was added under one of the names, or the reference holds no
                such metric.
            FileNotFoundError: when the chapter has no reference results.
        """
        names = [[f"{prefix}_{end}" for end in columns.values()] for prefix in rows.values()]
        here = [[str(self._metric(name)) for name in row] for row in names]
        full = [[results.recorded(self.chapter, name) for name in row] for row in names]
        if len(columns) == 1:
            header = ["This run and the recorded one", *columns, "Reference, full profile"]
            both = [this + that for this, that in zip(here, full, strict=True)]
            results.show_table(header, _titled(rows, both))
        else:
            results.show_table(["This run", *columns], _titled(rows, here))
            results.show_table(["Reference, full profile", *columns], _titled(rows, full))


def _titled(titles: Mapping[str, str], cells: list[list[str]]) -> list[list[str]]:
    return [[title, *row] for title, row in zip(titles, cells, strict=True)]
