"""Bands hold what a correct book measures, also elsewhere, and are no wider than they must be."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from seeing.record import bands, metric

CHAPTERS = 14


def shares(*values: float, n: int = 500) -> bands.Earlier:
    return bands.Earlier(values, n, metric.FRACTION)


def simulate_chapter(
    random: np.random.Generator, *, runs: int, metrics: int, spread: float, builds: int
) -> float:
    """The share of builds in which a correct chapter raises an alarm.

    The chapter has shares measured on 60 to 2,000 examples. Their variances differ, around
    ``spread`` times that of coins. Runs share the luck of their seed and machine: half of each
    metric's variance is common to all metrics of one run.
    """
    n = random.choice([60, 100, 312, 500, 1000, 2000], size=metrics)
    p = random.uniform(0.3, 0.98, size=metrics)
    factor = 6 / random.chisquare(6, size=metrics)
    deviation = np.sqrt(spread * factor * p * (1 - p) / n)

    def measure(count: int) -> np.ndarray:
        common = random.standard_normal((count, 1))
        own = random.standard_normal((count, metrics))
        values = p + deviation * (common + own) / np.sqrt(2)
        return np.clip(np.round(values * n) / n, 0, 1)

    values = measure(runs)
    earlier = {str(i): shares(*values[:, i].tolist(), n=int(n[i])) for i in range(metrics)}
    found = bands.bands(earlier, chapters=CHAPTERS)
    low = np.array([found[str(i)].low for i in range(metrics)])
    high = np.array([found[str(i)].high for i in range(metrics)])
    present = measure(builds)
    return float(np.mean(((present < low) | (present > high)).any(axis=1)))


KINDS = list(itertools.product((4, 8), (3, 25, 100), (0.3, 1.0)))


@pytest.fixture(scope="module")
def simulated() -> np.ndarray:
    """The share of builds with an alarm: a row a kind of chapter, a column a simulated chapter."""
    found = []
    for runs, metrics, spread in KINDS:
        random = np.random.default_rng(1000 * runs + metrics)
        kind = {"runs": runs, "metrics": metrics, "spread": spread, "builds": 50}
        found.append([simulate_chapter(random, **kind) for _ in range(200)])
    return np.array(found)


def test_a_correct_book_raises_a_false_alarm_in_fewer_than_one_of_a_hundred_builds(
    simulated: np.ndarray,
) -> None:
    # A book of 14 such chapters: its builds are free of alarms where all chapters are.
    assert CHAPTERS * simulated.mean() < bands.FALSE_ALARMS


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[str(kind) for kind in KINDS])
def test_no_kind_of_chapter_is_certainly_worse(simulated: np.ndarray, kind: int) -> None:
    """A rare chapter, whose earlier runs were far off by chance, has most of its kind's alarms."""
    alarms = simulated[kind]
    doubt = 2 * alarms.std(ddof=1) / np.sqrt(len(alarms))
    assert CHAPTERS * (alarms.mean() - doubt) < bands.FALSE_ALARMS


def test_without_the_shared_variance_a_lucky_trio_makes_a_false_alarm_common() -> None:
    """The old rule: six standard deviations of three runs. What the simulation is to catch."""
    random = np.random.default_rng(0)
    values = random.normal(0.9, 0.01, size=(3, 10_000))
    reach = np.maximum(6 * values.std(axis=0, ddof=1), 0.006)
    new = random.normal(0.9, 0.01, size=10_000)
    assert np.mean(np.abs(new - values.mean(axis=0)) > reach) > 0.01


def test_one_metric_with_a_spread_that_is_small_by_luck_borrows_from_the_others() -> None:
    random = np.random.default_rng(1)
    usual = {str(i): shares(*random.normal(0.9, 0.01, 5).clip(0, 1)) for i in range(30)}
    lucky = {**usual, "lucky": shares(0.9, 0.9, 0.9, 0.9, 0.9)}
    band = bands.bands(lucky, chapters=1)["lucky"]
    assert 0.9 - band.low > 3 * 0.01


def test_more_runs_make_a_narrower_band() -> None:
    values = np.random.default_rng(2).normal(0.9, 0.01, 12)
    few, many = (bands.bands({"a": shares(*values[:k])}, chapters=1)["a"] for k in (3, 12))
    assert many.high - many.low < few.high - few.low


def test_another_edition_gets_the_chance_of_other_photographs_and_a_stated_allowance() -> None:
    earlier = {"a": shares(0.9, 0.91, 0.89, 0.9, 0.92, n=1000)}
    own = bands.bands(earlier, chapters=1)["a"]
    other = bands.bands(earlier, chapters=1, other_edition=frozenset("a"))["a"]
    assert other.low < own.low - bands.EDITION_ALLOWANCE
    assert other.low > 0.5


def test_a_recorded_single_value_has_a_band_as_wide_as_coins_make_it() -> None:
    band = bands.bands({"a": shares(0.9, n=400)}, chapters=1, seeds={"a": 1})["a"]
    quantile = stats.t.isf(bands.FALSE_ALARMS / 2, bands.COMMON_FREEDOM)
    assert band.low < 0.9 - quantile * metric.standard_error(0.9, 400)


def test_bands_of_shares_stay_between_0_and_1_and_others_do_not() -> None:
    earlier = {
        "share": shares(1.0, 1.0, 0.99, n=60),
        "temperature": bands.Earlier((1.7, 1.6, 1.9, 1.8), 0, metric.RATIO),
        "gain": bands.Earlier((2.0, -1.0, 0.5), 0, metric.POINTS),
    }
    found = bands.bands(earlier, chapters=1)
    assert found["share"].high == 1.0
    assert found["gain"].low < 0 < found["gain"].high
    assert found["temperature"].low < 1.6 < 1.9 < found["temperature"].high


def test_no_metric_no_band() -> None:
    assert bands.bands({}, chapters=5) == {}


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.floats(0, 1), min_size=2, max_size=8),
    n=st.integers(10, 10_000),
    others=st.integers(0, 20),
)
def test_every_earlier_run_lies_near_or_inside_and_the_ends_are_in_order(
    values: list[float], n: int, others: int
) -> None:
    random = np.random.default_rng(others)
    earlier = {str(i): shares(*random.uniform(0.4, 0.9, 4), n=200) for i in range(others)}
    found = bands.bands({"a": shares(*values, n=n), **earlier}, chapters=5)["a"]
    assert 0 <= found.low <= np.mean(values) + 1e-9
    assert np.mean(values) - 1e-9 <= found.high <= 1


@settings(deadline=None)
@given(st.floats(0.01, 50))
def test_the_inverse_of_trigamma(x: float) -> None:
    assert bands._inverse_trigamma(float(special.polygamma(1, x))) == pytest.approx(x, rel=1e-5)


def test_the_usual_variance_is_found_again() -> None:
    random = np.random.default_rng(3)
    scale = metric.standard_error(0.9, 1_000_000)
    variances = 2.5 * 8 / random.chisquare(8, size=2_000)
    earlier = [shares(*random.normal(0.9, scale * np.sqrt(v), 6), n=1_000_000) for v in variances]
    found = bands.usual(earlier)
    assert found.variance == pytest.approx(2.5, rel=0.15)
    assert found.freedom == bands.COMMON_FREEDOM


def test_a_spread_below_that_of_coins_is_not_believed() -> None:
    random = np.random.default_rng(4)
    scale = metric.standard_error(0.9, 500)
    earlier = [shares(*random.normal(0.9, 0.1 * scale, 5)) for _ in range(30)]
    assert bands.usual(earlier).variance == 1.0
