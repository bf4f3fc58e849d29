"""Calibration and temperature: against closed forms, the libraries, and at the edges."""

import math

import numpy as np
import pytest
import sklearn
from hypothesis import assume, given
from hypothesis import strategies as some
from scipy import optimize, special
from sklearn import base, calibration, frozen, metrics

from seeing import judgment


def hits(right: int, n: int) -> np.ndarray:
    """``right`` hits followed by misses."""
    return np.arange(n) < right


def predictions(seed: int, n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and hits that are as likely as the confidences say."""
    random = np.random.default_rng(seed)
    confidence = random.random(n)
    return confidence, random.random(n) < confidence


def test_two_bins_by_hand():
    confidence = np.array([0.95] * 5 + [0.65] * 5)
    correct = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0])
    found = judgment.reliability(confidence, correct, bins=2)
    assert found.counts.tolist() == [0, 10]
    found = judgment.reliability(confidence, correct, bins=10)
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 0, 5, 0, 0, 5]
    assert found.confidence[[6, 9]] == pytest.approx([0.65, 0.95])
    assert found.accuracy[[6, 9]] == pytest.approx([0.4, 0.8])
    assert np.isnan(found.accuracy[0]) and np.isnan(found.confidence[0])
    error = judgment.expected_calibration_error(confidence, correct, bins=10)
    assert error == pytest.approx(0.5 * 0.25 + 0.5 * 0.15)


@given(some.integers(0, 10_000), some.integers(1, 40), some.integers(1, 200))
def test_the_bins_are_those_of_scikit_learn(seed, bins, n):
    confidence, correct = predictions(seed, n)
    found = judgment.reliability(confidence, correct, bins=bins)
    accuracy, mean_confidence = calibration.calibration_curve(correct, confidence, n_bins=bins)
    filled = found.counts > 0
    assert found.counts.sum() == n
    assert found.accuracy[filled] == pytest.approx(accuracy)
    assert found.confidence[filled] == pytest.approx(mean_confidence)


def test_a_bin_holds_its_upper_edge():
    found = judgment.reliability(np.array([0.0, 0.5, 0.5 + 1e-9, 1.0]), np.ones(4), bins=2)
    assert found.counts.tolist() == [2, 2]


@given(some.integers(0, 10_000), some.integers(1, 30))
def test_the_error_is_at_least_the_gap_of_the_means(seed, bins):
    confidence, correct = predictions(seed, 50)
    error = judgment.expected_calibration_error(confidence, correct, bins=bins)
    gap = abs(confidence.mean() - correct.mean())
    assert gap - 1e-12 <= error <= 1
    one_bin = judgment.expected_calibration_error(confidence, correct, bins=1)
    assert one_bin == pytest.approx(gap)


def test_the_error_of_a_calibrated_network_is_small_and_grows_with_the_bins():
    few, many = (
        np.mean(
            [
                judgment.expected_calibration_error(*predictions(seed), bins=bins)
                for seed in range(9)
            ]
        )
        for bins in (5, 100)
    )
    assert 0 < few < 0.05 < many


def test_always_sure_and_always_wrong_is_the_largest_error():
    assert judgment.expected_calibration_error(np.ones(3), np.zeros(3)) == 1.0


def test_a_rounding_error_above_1_is_forgiven():
    almost = np.array([np.nextafter(np.float32(1), np.float32(2))])
    assert judgment.reliability(almost, np.ones(1), bins=4).counts.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("confidence", "correct", "settings", "message"),
    [
        (np.array([]), np.array([]), {}, "n at least 1"),
        (np.array([0.5, 0.5]), np.array([1]), {}, "as correct"),
        (np.array([1.5]), np.array([1]), {}, "softmax or sigmoid"),
        (np.array([-0.1]), np.array([1]), {}, "softmax or sigmoid"),
        (np.array([np.nan]), np.array([1]), {}, "probabilities"),
        (np.array([0.5]), np.array([2]), {}, "other values"),
        (np.array([0.5]), np.array([1]), {"bins": 0}, "bins is 0"),
    ],
)
def test_what_reliability_refuses(confidence, correct, settings, message):
    with pytest.raises(ValueError, match=message):
        judgment.reliability(confidence, correct, **settings)


@pytest.mark.parametrize(("gap", "right", "n"), [(4.0, 9, 10), (1.0, 3, 4), (0.01, 60, 100)])
def test_two_classes_have_a_closed_form(gap, right, n):
    # Every image has the same gap between its logits: the best probability is the share of hits.
    logits = np.tile([gap, 0.0], (n, 1))
    labels = (np.arange(n) >= right).astype(int)
    share = right / n
    expected = gap / math.log(share / (1 - share))
    assert judgment.fit_temperature(logits, labels) == pytest.approx(expected, rel=1e-9)


def drawn_labels(logits: np.ndarray, seed: int) -> np.ndarray:
    """Labels as likely as ``softmax(logits)`` says."""
    uniform = np.random.default_rng(seed).random((len(logits), 1))
    labels = (special.softmax(logits, axis=1).cumsum(axis=1) < uniform).sum(axis=1)
    return labels.clip(max=logits.shape[1] - 1)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_it_finds_the_temperature_that_made_the_labels(temperature):
    logits = 2 * np.random.default_rng(0).normal(size=(20_000, 6))
    labels = drawn_labels(logits, seed=1)
    found = judgment.fit_temperature(temperature * logits, labels)
    assert found == pytest.approx(temperature, rel=0.05)


@given(some.integers(0, 10_000), some.integers(2, 8), some.floats(0.1, 4))
def test_no_other_temperature_has_a_lower_cross_entropy(seed, classes, size):
    logits = size * np.random.default_rng(seed).normal(size=(200, classes))
    labels = drawn_labels(logits, seed)

    def loss(log_temperature):
        log_probabilities = special.log_softmax(logits / np.exp(log_temperature), axis=1)
        return -log_probabilities[np.arange(len(labels)), labels].mean()

    try:
        found = judgment.fit_temperature(logits, labels)
    except ValueError:  # small logits can be no better than guessing
        assume(False)
    best = optimize.minimize_scalar(loss, bounds=(-9, 9), method="bounded")
    assert loss(np.log(found)) <= best.fun + 1e-9


@given(some.integers(0, 1_000), some.floats(1e-3, 1e3), some.floats(-100, 100))
def test_larger_logits_need_a_higher_temperature_and_a_shift_changes_nothing(seed, factor, shift):
    logits = np.random.default_rng(seed).normal(size=(300, 3)) * 3
    labels = drawn_labels(logits, seed)
    expected = factor * judgment.fit_temperature(logits, labels)
    found = judgment.fit_temperature(factor * logits + shift, labels)
    assert found == pytest.approx(expected, rel=1e-6)


class Scores(base.ClassifierMixin, base.BaseEstimator):
    """A classifier, for scikit-learn, whose inputs are its logits."""

    def __init__(self):
        self.classes_ = np.arange(4)

    def fit(self, X, y):
        return self

    def decision_function(self, X):
        return X

    def predict(self, X):
        return X.argmax(axis=1)

    def __sklearn_is_fitted__(self):
        return True


def test_it_agrees_with_scikit_learn():
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):
        pytest.skip("scikit-learn has temperature scaling from version 1.8")
    logits = 3 * np.random.default_rng(5).normal(size=(400, 4))
    labels = drawn_labels(logits / 2, seed=6)
    theirs = calibration.CalibratedClassifierCV(
        frozen.FrozenEstimator(Scores()), method="temperature"
    )
    probabilities = theirs.fit(logits, labels).predict_proba(logits)
    ours = special.softmax(logits / judgment.fit_temperature(logits, labels), axis=1)
    assert ours == pytest.approx(probabilities, abs=1e-3)
    assert metrics.log_loss(labels, ours) <= metrics.log_loss(labels, probabilities)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros(3), np.zeros(3, int), "expected \\(n, K\\)"),
        (np.zeros((0, 3)), np.zeros(0, int), "expected \\(n, K\\)"),
        (np.zeros((2, 1)), np.zeros(2, int), "K at least 2"),
        (np.zeros((2, 3)), np.zeros(3, int), "labels have shape"),
        (np.full((1, 2), np.inf), np.zeros(1, int), "finite"),
        (np.eye(2), np.array([0, 2]), "from 0 to 1"),
        (np.eye(2), np.array([0, -1]), "from 0 to 1"),
        (np.eye(2), np.array([0, 1]), "no image is wrong"),
        (np.zeros((2, 2)), np.array([0, 1]), "no image is wrong"),
        (np.eye(2), np.array([1, 0]), "no better than guessing"),
    ],
)
def test_what_fit_temperature_refuses(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        judgment.fit_temperature(logits, labels)


# McNemar.


def test_only_images_on_which_two_classifiers_differ_count():
    first = np.array([1, 1, 1, 0, 0, 0, 1], dtype=bool)
    second = np.array([1, 0, 0, 1, 0, 0, 1], dtype=bool)
    found = judgment.mcnemar(first, second)
    assert (found.only_first, found.only_second) == (2, 1)
    assert found.p == pytest.approx(1.0)
    assert judgment.mcnemar(second.astype(int), first).only_first == 1


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [(0, 10, 2 * 0.5**10), (10, 0, 2 * 0.5**10), (5, 5, 1.0), (0, 0, 1.0), (0, 1, 1.0)],
)
def test_p_counts_fair_coins_that_fall_at_least_so_unevenly(only_first, only_second, p):
    assert judgment.Disagreement(only_first, only_second).p == pytest.approx(p)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 0], [1], "2 images of the first, 1 of the second"),
        ([], [], "at least 1"),
        ([2, 0], [1, 0], "True and False"),
        ([[1]], [[1]], r"shape \(1, 1\)"),
    ],
)
def test_what_is_no_pair_of_right_and_wrong_is_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        judgment.mcnemar(np.array(first), np.array(second))
