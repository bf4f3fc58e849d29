"""A metric: its values, how it reads, and its way into a results file and back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from seeing.record import metric


def test_one_number_or_one_a_seed() -> None:
    assert metric.metric(0.5).values == (0.5,)
    found = metric.metric([0.5, 0.7], n=100, part="test", data=["mnist"], guess=0.1)
    assert found.mean == pytest.approx(0.6)
    assert found.std == pytest.approx(math.sqrt(0.02))
    assert metric.Metric.from_json(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize(
    ("values", "unit", "complaint"),
    [
        ([], metric.FRACTION, "at least one value"),
        ([math.nan], metric.RATIO, "finite"),
        ([0.5, math.inf], metric.RATIO, "finite"),
        ([1.01], metric.FRACTION, "between 0 and 1"),
        ([-0.01], metric.FRACTION, "between 0 and 1"),
    ],
)
def test_what_is_no_measurement_is_refused(values: list, unit: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        metric.metric(values, unit=unit)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (metric.metric([0.9943, 0.9941, 0.9946], n=10_000), "99.43 ± 0.03 %"),
        (metric.metric(0.942529, n=609), "94.3 %"),
        (metric.metric([4.8, 4.1, 5.5], unit=metric.POINTS), "4.8 ± 0.7"),
        (metric.metric(1.714956, unit=metric.RATIO), "1.71"),
        (metric.metric([104.2, 91.0], unit=metric.SECONDS), "98 ± 9 s"),
        (metric.metric(0.0, unit=metric.RATIO), "0.0"),
    ],
)
def test_it_reads_with_as_many_digits_as_are_certain(found: metric.Metric, text: str) -> None:
    assert str(found) == text


@given(some.lists(some.floats(0, 1), min_size=1, max_size=5), some.integers(0, 10**6))
def test_its_text_lies_within_its_doubt(values: list[float], n: int) -> None:
    found = metric.metric(values, n=n)
    assert 0 <= found.decimals() <= 8
    shown = float(str(found).split()[0].replace(",", ""))
    assert shown == pytest.approx(100 * found.mean, abs=0.6 * 10 ** -found.decimals())


def test_the_end_of_a_name_says_the_unit() -> None:
    assert metric.unit_of("recipe_test_accuracy") == metric.FRACTION
    assert metric.unit_of("digits_gain") == metric.POINTS
    assert metric.unit_of("fit_time") == metric.SECONDS
    assert metric.unit_of("temperature") == metric.RATIO


def test_only_what_guessing_can_be_told_from_is_asserted() -> None:
    assert metric.metric(0.9, guess=0.1).is_asserted
    assert not metric.metric(0.9).is_asserted
    assert not metric.metric(3.0, unit="s", guess=1.0).is_asserted


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_is_never_certain(share: float) -> None:
    assert metric.standard_error(share, 100) > 0
    binomial = math.sqrt(0.25 / 10**6)
    assert metric.standard_error(0.5, 10**6) == pytest.approx(binomial, rel=1e-3)


def test_numbers_of_numpy_reach_a_file() -> None:
    found = metric.metric(np.array([0.5, 0.6]), n=np.int64(7))
    assert json.loads(json.dumps(found.as_json()))["n"] == 7
