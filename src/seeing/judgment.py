"""What scikit-learn and Keras lack: what a confidence is worth, and who is right where two differ.

Explained in chapter 5, *What Does "Good" Mean?*
"""

import dataclasses

import numpy as np
from scipy import optimize, special, stats


def _hits(correct: np.ndarray) -> np.ndarray:
    correct = np.asarray(correct)
    if correct.ndim != 1 or correct.size == 0:
        raise ValueError(f"correct has shape {correct.shape}; expected (n,), n at least 1")
    if not np.isin(correct, (0, 1)).all():
        raise ValueError("correct holds other values than True and False (or 1 and 0)")
    return correct


@dataclasses.dataclass(frozen=True)
class Reliability:
    """How often predictions were right, sorted by how confident they were.

    Attributes:
        edges: float64, shape (bins + 1,), from 0 to 1; a bin holds its upper edge.
        counts: int64, shape (bins,), predictions in each bin.
        confidence: float64, shape (bins,), the mean confidence in each bin; NaN in an empty one.
        accuracy: float64, shape (bins,), the share of right ones in each bin; NaN in an empty one.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability(confidence: np.ndarray, correct: np.ndarray, *, bins: int = 15) -> Reliability:
    """Sort predictions into bins of equal width by confidence: the data of a reliability diagram.

    ``sklearn.calibration.calibration_curve`` gives the same means, but neither the counts nor
    the empty bins. Chapter 5 draws the diagram and explains it.

    Args:
        confidence: shape (n,), the probability that the network gave to its own answer, 0 to 1.
        correct: shape (n,), whether the answer was right; bool, or 0 and 1.
        bins: number of bins between 0 and 1.

    Raises:
        ValueError: when there is no prediction, the shapes differ, a confidence is no
            probability, ``correct`` holds anything but hits and misses, or ``bins`` is below 1.
    """
    correct = _hits(correct)
    confidence = np.asarray(confidence, dtype=np.float64)
    if confidence.shape != correct.shape:
        raise ValueError(
            f"confidence has shape {confidence.shape}; expected {correct.shape}, as correct"
        )
    # A float32 softmax may end a rounding error above 1.
    if not ((confidence >= 0) & (confidence <= 1 + 1e-6)).all():
        raise ValueError(
            f"confidence goes from {confidence.min()} to {confidence.max()}; expected "
            "probabilities from 0 to 1: apply softmax or sigmoid to logits first"
        )
    if bins < 1:
        raise ValueError(f"bins is {bins}; expected 1 or more")
    edges = np.linspace(0, 1, bins + 1)
    index = np.searchsorted(edges[1:-1], confidence)
    counts = np.bincount(index, minlength=bins)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(index, weights=values, minlength=bins)
        return np.divide(sums, counts, out=np.full(bins, np.nan), where=counts > 0)

    return Reliability(edges, counts, mean(confidence), mean(correct))


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, *, bins: int = 15
) -> float:
    """How far confidence and accuracy lie apart, on average over the predictions.

    The gap between mean confidence and accuracy of each bin of :func:`reliability`, without its
    sign, weighted by the bin's share of the predictions (C. Guo et al., *On Calibration of Modern
    Neural Networks*, 2017). Chapter 5 computes it by hand. It is not 0 for a perfectly calibrated
    network: chance leaves a gap in every bin, the larger the more bins there are.

    Args:
        confidence: as for :func:`reliability`.
        correct: as for :func:`reliability`.
        bins: as for :func:`reliability`.

    Returns:
        A fraction of 1.

    Raises:
        ValueError: as :func:`reliability` does.
    """
    found = reliability(confidence, correct, bins=bins)
    filled = found.counts > 0
    gaps = np.abs(found.confidence[filled] - found.accuracy[filled])
    return float(np.average(gaps, weights=found.counts[filled]))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature T for which ``softmax(logits / T)`` has the lowest cross-entropy.

    Temperature scaling (C. Guo et al., *On Calibration of Modern Neural Networks*, 2017),
    explained in chapter 5. The cross-entropy is convex in 1 / T, so the root of its derivative is
    searched. scikit-learn 1.8 and later has it as ``CalibratedClassifierCV(method="temperature")``,
    for estimators, and the chapter compares the two; this one takes logits, and works with the
    older versions that Colab has.

    Args:
        logits: float, shape (n, K): of validation images, never of those that the network was
            trained on nor of those that will judge it.
        labels: integers 0 to K - 1, shape (n,).

    Returns:
        T, above 0. Above 1 the network was too confident, below 1 not confident enough.

    Raises:
        ValueError: when the shapes do not fit, a logit is not finite, a label is no class, or
            there is no such T: no image is wrong, so that a lower T is always better, or the
            logits are no better than guessing.
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if logits.ndim != 2 or logits.shape[0] == 0 or logits.shape[1] < 2:
        raise ValueError(f"logits have shape {logits.shape}; expected (n, K), K at least 2")
    if labels.shape != logits.shape[:1]:
        raise ValueError(f"labels have shape {labels.shape}; expected {logits.shape[:1]}")
    if not np.isfinite(logits).all():
        raise ValueError("logits hold NaN or infinity; expected finite numbers")
    if not np.isin(labels, np.arange(logits.shape[1])).all():
        raise ValueError(f"labels must be integers from 0 to {logits.shape[1] - 1}")
    logits = logits - logits.max(axis=1, keepdims=True)
    true = np.take_along_axis(logits, labels.astype(np.int64)[:, np.newaxis], axis=1)[:, 0]
    if not true.any():
        raise ValueError("no image is wrong, so no temperature is best: use more images")
    scale = np.abs(logits).max()
    logits, true = logits / scale, true / scale

    def slope(sharpness: float) -> float:
        expected = (special.softmax(sharpness * logits, axis=1) * logits).sum(axis=1)
        return float(np.mean(expected - true))

    if slope(0.0) >= 0:
        raise ValueError("the logits are no better than guessing: no temperature above 0 is best")
    high = 1.0
    while slope(high) < 0:
        high *= 2
    return float(scale / optimize.brentq(slope, 0.0, high, xtol=1e-13))


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """On how many of the same images only one of two classifiers is right.

    Attributes:
        only_first: images that only the first gets right.
        only_second: images that only the second gets right.
    """

    only_first: int
    only_second: int

    @property
    def p(self) -> float:
        """How often fair coins fall at least so unevenly: McNemar's test, counted exactly.

        1 where the two never differ.
        """
        tosses = self.only_first + self.only_second
        return float(stats.binomtest(self.only_first, tosses).pvalue) if tosses else 1.0


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> Disagreement:
    """Compare two trained classifiers on the same images, pair by pair.

    Images that both get right, or both get wrong, say nothing about which is better; the others
    are coin tosses if they are equally good (Q. McNemar, *Note on the Sampling Error of the
    Difference Between Correlated Proportions or Percentages*, 1947). Explained in chapter 5.

    Args:
        first_right: shape (n,), whether the first was right on each image; bool, or 0 and 1.
        second_right: shape (n,), the same of the second, in the same order.

    Raises:
        ValueError: when there is no image, the shapes differ, or an array holds anything but
            hits and misses.
    """
    first, second = _hits(first_right).astype(bool), _hits(second_right).astype(bool)
    if first.shape != second.shape:
        raise ValueError(f"{len(first)} images of the first, {len(second)} of the second")
    return Disagreement(int(np.sum(first & ~second)), int(np.sum(~first & second)))
