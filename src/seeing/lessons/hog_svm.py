"""Many methods on one table: how good, how fast to train and to predict, how large.

Explained in chapter 9, *Before Deep Learning*.
"""

import dataclasses
import math
import pickle
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from seeing import profiles
from seeing.datasets import sources
from seeing.record import chapter, tables
from seeing.record import metric as metrics

# What a method costs: the end of the series' name, the column's heading, the unit.
COSTS = (
    ("training_time", "Training", "s"),
    ("prediction_time", "One prediction", "µs"),
    ("size", "Size", "kB"),
)

# What is drawn against the number of images: the panel's title, the series' name, the unit.
ERRORS = "errors in %"
PANELS = (
    (ERRORS, "growth_errors", "%"),
    ("training, seconds", "growth_training_time", "s"),
    ("one prediction, µs", "growth_prediction_time", "µs"),
)


class Model(Protocol):
    """What scikit-learn's classifiers and pipelines have in common."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> object:
        """Train on images or descriptions, one row an example, and their labels."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """One label for each row."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """One training, and one prediction of images that the model had not seen.

    Attributes:
        model: the trained model.
        predicted: its answers, shape (n,).
        training_s: seconds that ``fit`` took.
        prediction_s: seconds that ``predict`` took, for all n; of several times the least.
    """

    model: Model
    predicted: np.ndarray
    training_s: float
    prediction_s: float

    def accuracy(self, truth: np.ndarray) -> float:
        """The share of right answers, given the right ones, shape (n,).

        Raises:
            ValueError: when there are not as many as answers.
        """
        if len(truth) != len(self.predicted):
            raise ValueError(f"{len(self.predicted)} answers, but {len(truth)} right ones")
        return float(np.mean(self.predicted == truth))

    @property
    def seconds(self) -> float:
        """Time for training and prediction together, in s."""
        return self.training_s + self.prediction_s

    @property
    def microseconds(self) -> float:
        """Time for one prediction, in µs; the average over all."""
        return 1e6 * self.prediction_s / len(self.predicted)


def trial(
    model: Model, X: np.ndarray, y: np.ndarray, X_new: np.ndarray, *, repeats: int = 1
) -> Trial:
    """Train a model and let it predict, each under a clock.

    The first prediction may hold more than predicting: a Keras network is compiled during it. And
    other work on the machine only ever adds to a time. So predictions may be repeated, and the
    least time counts, as the documentation of Python's ``timeit`` advises.

    Args:
        model: not trained yet.
        X: what it learns from, one row an example.
        y: their labels.
        X_new: what it predicts, at least one row.
        repeats: how often it predicts them, at least once.

    Raises:
        ValueError: when there is no repeat.
    """
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}; expected 1 or more")
    start = time.perf_counter()
    model.fit(X, y)
    training_s = time.perf_counter() - start
    prediction_times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predicted = np.asarray(model.predict(X_new))
        prediction_times.append(time.perf_counter() - start)
    return Trial(
        model=model,
        predicted=predicted,
        training_s=training_s,
        prediction_s=min(prediction_times),
    )


def costs(trials: Sequence[Trial]) -> dict[str, list[float]]:
    """What a method costs, by the ends that ``COSTS`` names: times of each seed, and its size.

    Args:
        trials: one a seed; the size is the first one's.
    """
    return {
        "training_time": [one.training_s for one in trials],
        "prediction_time": [one.microseconds for one in trials],
        "size": [stored_bytes(trials[0].model) / 1e3],
    }


def add_costs(sample: chapter.Sample, board: str, runs: Mapping[str, Sequence[Trial]]) -> None:
    """Keep what each method costs, as series over the methods' names.

    Args:
        sample: what the trials were measured on.
        board: how the series' names begin.
        runs: each method's trials, one a seed.
    """
    found = [costs(trials) for trials in runs.values()]
    for end, _, unit in COSTS:
        lines = {end: [cost[end] for cost in found]}
        sample.add_series(f"{board}_{end}", list(runs), lines, unit=unit)


def show(
    record: chapter.Chapter,
    board: str,
    runs: Mapping[str, Sequence[Trial]],
    data: sources.DataRecord,
    *,
    prefixes: Mapping[str, str],
) -> None:
    """Show the table: each method's recorded accuracy with its interval, and its costs.

    Costs that no full run has recorded are this run's, and their columns say so.

    Args:
        record: knows each method's ``test_accuracy``, of this run and recorded.
        board: how the names of the costs' series begin, as for :func:`add_costs`.
        runs: each method's trials, one a seed.
        data: the test set's data.
        prefixes: each method's name, and the beginning of its metrics' names. For a method
            without runs the table holds what is recorded.
    """
    columns = ["Test accuracy", "interval from", "to"]
    rows, here, n_recorded = {}, [], 0
    for name, prefix in prefixes.items():
        recorded = record.metric(f"{prefix}_test_accuracy")
        measured = record.here(f"{prefix}_test_accuracy")
        ends = [metrics.metric(end, n=recorded.n) for end in recorded.interval()]
        rows[name] = [tables.Cell(recorded, measured), *(tables.Cell(end, None) for end in ends)]
        here += [measured] if measured else []
        n_recorded = recorded.n
    found = {name: costs(trials) for name, trials in runs.items()}
    for end, heading, unit in COSTS:
        series = record.series(f"{board}_{end}")
        known = dict(zip(series["x"], series["lines"][end], strict=True)) if series else {}
        columns.append(heading if known else f"{heading}, this run")
        for name, cells in rows.items():
            pair = known.get(name), found.get(name, {}).get(end)
            cells.append(tables.Cell(*(metrics.metric(v, unit=unit) if v else None for v in pair)))
    name = f"{data.name}, STAND-IN data" if data.is_stand_in else data.name
    caption = (
        f"Recorded full run, {n_recorded:,} test images, with Wilson's 95 % interval. "
        f"Small, and in columns that say so: this {profiles.name()} run, "
        f"{here[0].n:,} test images of {name}."
    )
    tables.show_results(columns, rows, caption=caption, title="Method")


def show_search(
    record: chapter.Chapter,
    name: str,
    places: Sequence[float],
    lines: Mapping[str, Sequence[Sequence[float]]],
    *,
    n: int,
    title: str,
) -> None:
    """Show a search for settings: one row a line, one column a setting, accuracies in percent.

    Args:
        record: knows what is recorded under the name.
        name: the series' name, as kept with ``Sample.add_series``.
        places: this run's settings, the columns.
        lines: by label, for each setting a list with this run's accuracy.
        n: how many images this run asked.
        title: heading of the first column, and what the columns are.
    """
    series = record.series(name) or {"x": places, "lines": {}, "n": n}
    rows = {}
    for label in dict.fromkeys([*series["lines"], *lines]):
        known = dict(zip(series["x"], series["lines"].get(label, ()), strict=False))
        here = dict(zip(places, lines.get(label, ()), strict=False))
        rows[label] = [
            tables.Cell(_accuracy(known.get(place), series["n"]), _accuracy(here.get(place), n))
            for place in series["x"]
        ]
    caption = f"Validation accuracy on {series['n']:,} images, recorded. Small: this run, {n:,}."
    if not series["lines"]:
        caption = f"Validation accuracy on {n:,} images, this run."
    tables.show_results([f"{place:g}" for place in series["x"]], rows, caption=caption, title=title)


def _accuracy(values: Sequence[float] | None, n: int) -> metrics.Metric | None:
    return metrics.metric(values, n=n) if values else None


def stored_bytes(model: Model) -> int:
    """What has to be stored in order to predict: its own ``size_bytes``, or its pickled length."""
    return getattr(model, "size_bytes", 0) or len(pickle.dumps(model))


def panels(
    growing: Mapping[str, Sequence[Trial]], truth: np.ndarray
) -> dict[str, dict[str, list[float]]]:
    """Errors, training time and prediction time of growing trials, for ``hog_figures.growth``.

    Args:
        growing: each method's trials, one a size.
        truth: the right answers, shape (n,).
    """
    values = (
        lambda one: 100 * (1 - one.accuracy(truth)),
        lambda one: one.training_s,
        lambda one: one.microseconds,
    )
    return {
        title: {name: [value(one) for one in curve] for name, curve in growing.items()}
        for (title, _, _), value in zip(PANELS, values, strict=True)
    }


def add_panels(
    sample: chapter.Sample, sizes: Sequence[int], drawn: Mapping[str, Mapping[str, list[float]]]
) -> None:
    """Keep what :func:`panels` gave, as one series a panel.

    Args:
        sample: what the trials were measured on.
        sizes: numbers of training images, ascending.
        drawn: the panels.
    """
    for title, series, unit in PANELS:
        lines = {name: [[value] for value in values] for name, values in drawn[title].items()}
        sample.add_series(series, sizes, lines, unit=unit)


def recorded_panels(
    record: chapter.Chapter, prefixes: Mapping[str, str], ends: tuple[int, int]
) -> dict[str, tuple[Sequence[int], dict[str, list[float]]]]:
    """What is recorded of the panels: whole curves, or of the errors at least both ends.

    Args:
        record: the chapter.
        prefixes: each method's name, and the beginning of its metrics' names.
        ends: the fewest and the most training images of a full run.

    Returns:
        By the panel's title its sizes, and each method's values. Panels of which nothing is
        recorded are left out.
    """
    found = {}
    for title, name, _ in PANELS:
        series = record.series(name)
        if series:
            means = {
                label: [statistics.fmean(values) for values in line]
                for label, line in series["lines"].items()
            }
            found[title] = series["x"], means
    if ERRORS not in found:
        names = [f"{what}_images_validation_accuracy" for what in (ends[0], "most")]
        found[ERRORS] = (
            ends,
            {
                method: [100 * (1 - record.metric(f"{prefix}_{name}").mean) for name in names]
                for method, prefix in prefixes.items()
            },
        )
    return found


def growth(sizes: Sequence[int], curve: Sequence[Trial], truth: np.ndarray) -> dict[str, float]:
    """What becomes of a method as it gets more images.

    Args:
        sizes: numbers of training images, ascending.
        curve: one trial a size.
        truth: the right answers, shape (n,).

    Returns:
        The accuracy with the fewest and with the most images, and the last slope of the training
        time (``"growth"``) and of the prediction time, as :func:`slope` gives it.

    Raises:
        ValueError: when there are fewer than two sizes, or not as many trials.
    """
    return {
        "growth": slope(sizes, [one.training_s for one in curve]),
        "prediction_growth": slope(sizes, [one.microseconds for one in curve]),
        f"{sizes[0]}_images_validation_accuracy": curve[0].accuracy(truth),
        "most_images_validation_accuracy": curve[-1].accuracy(truth),
    }


def slope(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope of a curve's last piece on logarithmic axes: values grow like sizes to this power.

    Args:
        sizes: ascending, above 0.
        values: one a size, above 0.

    Raises:
        ValueError: when there are fewer than two sizes, or not as many values.
    """
    if len(sizes) < 2 or len(values) != len(sizes):
        raise ValueError(f"{len(sizes)} sizes, {len(values)} values; expected as many, at least 2")
    return math.log(values[-1] / values[-2]) / math.log(sizes[-1] / sizes[-2])
