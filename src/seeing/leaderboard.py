"""Many methods on one table: how good, how fast to train and to predict, how large.

Explained in chapter 9, *Before Deep Learning*.
"""

import dataclasses
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from seeing import metrics, results

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
