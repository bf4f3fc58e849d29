"""Many methods on one table: how good, how fast to train and to predict, how large.

Explained in chapter 9, *Before Deep Learning*.
"""

import dataclasses
import math
import pickle
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from seeing import metrics
from seeing.datasets import sources

HEADER = (
    "Method",
    "Test accuracy",
    "95 % interval",
    "Training",
    "One prediction",
    "Size",
    "Reference, full profile",
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
        prediction_s: seconds that ``predict`` took, for all n.
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


def trial(model: Model, X: np.ndarray, y: np.ndarray, X_new: np.ndarray) -> Trial:
    """Train a model and let it predict, each under a clock.

    Args:
        model: not trained yet.
        X: what it learns from, one row an example.
        y: their labels.
        X_new: what it predicts, at least one row.
    """
    start = time.perf_counter()
    model.fit(X, y)
    trained = time.perf_counter()
    predicted = np.asarray(model.predict(X_new))
    return Trial(
        model=model,
        predicted=predicted,
        training_s=trained - start,
        prediction_s=time.perf_counter() - trained,
    )


def accuracy(trials: Sequence[Trial], truth: np.ndarray) -> results.Metric:
    """The accuracy of one method, one value a trial (a seed)."""
    return results.metric([one.accuracy(truth) for one in trials], n=len(truth))


def header(record: sources.DataRecord) -> tuple[str, ...]:
    """``HEADER``, with the name of the test set's data; a stand-in is named as one."""
    data = f"`{record.name}`" + (", STAND-IN data" if record.is_stand_in else "")
    method, accuracy_column, *rest = HEADER
    return method, f"{accuracy_column}, {data}", *rest


def row(
    name: str, trials: Sequence[Trial], truth: np.ndarray, *, size_bytes: int, recorded: str
) -> list[str]:
    """A method's line of the table that ``HEADER`` names.

    Args:
        name: the method.
        trials: one a seed; times are their means, the interval is the first one's.
        truth: the right answers, shape (n,).
        size_bytes: how much has to be stored in order to predict.
        recorded: the accuracy of the reference run, as :func:`results.recorded` returns it.

    Returns:
        Seven texts.
    """
    low, high = metrics.bootstrap_interval(trials[0].predicted == truth)
    training = np.mean([one.training_s for one in trials])
    prediction = np.mean([one.microseconds for one in trials])
    return [
        name,
        str(accuracy(trials, truth)),
        f"{100 * low:.2f} to {100 * high:.2f}",
        f"{training:.1f} s",
        f"{prediction:,.0f} µs",
        f"{size_bytes / 1e3:,.0f} kB",
        recorded,
    ]


def show(
    chapter: str,
    runs: Mapping[str, Sequence[Trial]],
    truth: np.ndarray,
    record: sources.DataRecord,
    *,
    names: Mapping[str, str],
) -> dict[str, results.Metric]:
    """Show the table, each row beside the recorded full run.

    Args:
        chapter: the slug of the results file.
        runs: each method's trials, one a seed.
        truth: the right answers, shape (n,).
        record: the test set's data.
        names: each method's metric in the results file. A method without one is shown, and not
            recorded; a name without runs is left out.

    Returns:
        The accuracies by the names of their metrics.
    """
    rows = []
    for name, trials in runs.items():
        recorded = results.recorded(chapter, names[name]) if name in names else "not recorded"
        size_bytes = stored_bytes(trials[0].model)
        rows.append(row(name, trials, truth, size_bytes=size_bytes, recorded=recorded))
    results.show_table(header(record), rows)
    return {metric: accuracy(runs[name], truth) for name, metric in names.items() if name in runs}


def stored_bytes(model: Model) -> int:
    """What has to be stored in order to predict: its own ``size_bytes``, or its pickled length."""
    return getattr(model, "size_bytes", 0) or len(pickle.dumps(model))


def panels(
    curves: Mapping[str, Sequence[Trial]], truth: np.ndarray
) -> dict[str, dict[str, list[float]]]:
    """Errors, training time and prediction time of growing trials, for ``curves.growth``.

    Args:
        curves: each method's trials, one a size.
        truth: the right answers, shape (n,).
    """
    values = {
        "errors in %": lambda one: 100 * (1 - one.accuracy(truth)),
        "training, seconds": lambda one: one.training_s,
        "one prediction, µs": lambda one: one.microseconds,
    }
    return {
        title: {name: [value(one) for one in curve] for name, curve in curves.items()}
        for title, value in values.items()
    }


def growth(
    sizes: Sequence[int], curve: Sequence[Trial], truth: np.ndarray
) -> dict[str, results.Metric]:
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
        f"{sizes[0]}_images_validation_accuracy": accuracy(curve[:1], truth),
        "most_images_validation_accuracy": accuracy(curve[-1:], truth),
    }


def slope(sizes: Sequence[int], values: Sequence[float]) -> results.Metric:
    """The slope of a curve's last piece on logarithmic axes: values grow like sizes to this power.

    Args:
        sizes: ascending, above 0.
        values: one a size, above 0.

    Returns:
        A metric with the unit ``"ratio"``, so that it is reported and never asserted.

    Raises:
        ValueError: when there are fewer than two sizes, or not as many values.
    """
    if len(sizes) < 2 or len(values) != len(sizes):
        raise ValueError(f"{len(sizes)} sizes, {len(values)} values; expected as many, at least 2")
    power = math.log(values[-1] / values[-2]) / math.log(sizes[-1] / sizes[-2])
    return results.metric(power, unit="ratio")
