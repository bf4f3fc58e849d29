"""Intervals: against the closed form, against drawing images one by one, and at the edges."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from seeing import metrics


def hits(right: int, n: int) -> np.ndarray:
    """``right`` hits followed by misses."""
    return np.arange(n) < right


@pytest.mark.parametrize(("right", "n"), [(9_920, 10_000), (500, 1_000), (60, 100)])
@pytest.mark.parametrize("level", [0.68, 0.95])
def test_it_agrees_with_the_closed_form(right, n, level):
    p = right / n
    reach = statistics.NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(p * (1 - p) / n)
    low, high = metrics.bootstrap_interval(hits(right, n), level=level, resamples=20_000)
    # A draw's accuracy is a multiple of 1/n, and the normal curve is only near the binomial one.
    tolerance = 1 / n + 0.05 * reach
    assert low == pytest.approx(p - reach, abs=tolerance)
    assert high == pytest.approx(p + reach, abs=tolerance)


def test_it_agrees_with_drawing_images_one_by_one():
    correct = np.random.default_rng(7).random(400) < 0.9
    random = np.random.default_rng(8)
    drawn = correct[random.integers(0, 400, size=(20_000, 400))].mean(axis=1)
    found = metrics.bootstrap_interval(correct, resamples=20_000)
    assert found == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=1 / 400)


def test_it_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(3)
    covered = 0
    for trial in range(400):
        low, high = metrics.bootstrap_interval(random.random(1_000) < 0.9, seed=trial)
        covered += low <= 0.9 <= high
    assert 0.91 <= covered / 400 <= 0.98


@given(some.lists(some.booleans(), min_size=1, max_size=50), some.floats(0.01, 0.99))
def test_it_lies_between_0_and_1_and_is_repeatable(correct, level):
    low, high = metrics.bootstrap_interval(np.array(correct), level=level, resamples=50)
    assert 0 <= low <= high <= 1
    assert (low, high) == metrics.bootstrap_interval(np.array(correct), level=level, resamples=50)


def test_the_order_of_the_images_makes_no_difference():
    correct = hits(80, 100)
    assert metrics.bootstrap_interval(correct) == metrics.bootstrap_interval(correct[::-1])


def test_zeros_and_ones_are_hits_and_misses():
    assert metrics.bootstrap_interval(np.array([0, 1, 1])) == metrics.bootstrap_interval(
        np.array([False, True, True])
    )


def test_a_wider_level_gives_a_wider_interval():
    narrow = metrics.bootstrap_interval(hits(90, 100), level=0.5)
    wide = metrics.bootstrap_interval(hits(90, 100), level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize("right", [0, 30])
def test_without_a_miss_or_without_a_hit_both_ends_are_the_same(right):
    assert metrics.bootstrap_interval(hits(right, 30)) == (right / 30, right / 30)


@pytest.mark.parametrize(
    ("correct", "settings", "message"),
    [
        (np.array([]), {}, "n at least 1"),
        (np.ones((2, 2)), {}, "shape"),
        (np.array([0.5]), {}, "other values"),
        (np.array([np.nan]), {}, "other values"),
        (np.array([True]), {"level": 1.0}, "level is 1.0"),
        (np.array([True]), {"level": 95}, "level is 95"),
        (np.array([True]), {"resamples": 0}, "resamples is 0"),
    ],
)
def test_what_it_refuses(correct, settings, message):
    with pytest.raises(ValueError, match=message):
        metrics.bootstrap_interval(correct, **settings)
