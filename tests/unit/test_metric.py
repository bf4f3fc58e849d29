"""Metrics: what may be one, how it is written, and how many digits it deserves."""

import json
import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from seeing.record import metric as metrics

FRACTIONS = st.floats(0, 1)
UNITS = ("points", "ratio", "s", "µs")

# What a results file can hold.
WRITTEN = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))


@pytest.mark.parametrize(
    "value", [0.5, 1, True, np.float64(0.5), np.float32(0.5), np.float16(1), np.int64(1)], ids=repr
)
def test_a_metric_takes_one_number_of_any_kind(value):
    made = metrics.metric(value)
    assert made.values == (float(value),)
    assert type(made.values[0]) is float
    assert made.std == 0.0


@pytest.mark.parametrize("container", [list, tuple, np.array])
def test_a_metric_takes_one_number_a_seed(container):
    made = metrics.metric(container([0.2, 0.4, 0.9]), n=7, data=["mnist"], part="test", guess=0.1)
    assert made.values == (0.2, 0.4, 0.9)
    assert made.mean == pytest.approx(0.5)
    assert made.std == pytest.approx(np.std([0.2, 0.4, 0.9], ddof=1))
    assert made.as_json() == {
        "mean": 0.5,
        "std": round(made.std, 6),
        "values": [0.2, 0.4, 0.9],
        "n": 7,
        "unit": "fraction",
        "data": ["mnist"],
        "part": "test",
        "guess": 0.1,
    }


def test_what_numpy_counted_reaches_json():
    made = metrics.metric(np.float32(0.5), n=np.int64(3), guess=np.float32(0.5))
    written = json.loads(json.dumps(made.as_json()))
    assert (written["n"], written["guess"], written["values"]) == (3, 0.5, [0.5])


@hypothesis.given(
    st.lists(FRACTIONS, min_size=1, max_size=5),
    st.integers(0, 10**6),
    st.sampled_from(("fraction", *UNITS)),
    st.none() | FRACTIONS,
)
def test_a_metric_is_read_as_it_was_written(values, n, unit, guess):
    # Six digits are written: as many as anybody reads, and enough for the same text.
    values = [round(value, 6) for value in values]
    made = metrics.metric(values, n=n, unit=unit, data=("a", "b"), part="test", guess=guess)
    read = metrics.Metric.from_json(json.loads(json.dumps(made.as_json())))
    assert read == made
    assert str(read) == str(made)


def test_an_older_file_without_data_is_read():
    assert metrics.Metric.from_json({"values": [0.5], "n": 3, "unit": "s"}) == metrics.metric(
        0.5, n=3, unit="s"
    )


@pytest.mark.parametrize("missing", ["values", "n", "unit"])
def test_an_incomplete_metric_is_not_read(missing):
    written = metrics.metric(0.5).as_json()
    del written[missing]
    with pytest.raises(KeyError, match=missing):
        metrics.Metric.from_json(written)


@pytest.mark.parametrize("wrong", [-1e-9, 1.0000001, 99.2, [0.5, 1.5]])
def test_a_fraction_lies_between_0_and_1(wrong):
    with pytest.raises(ValueError, match="a fraction lies between 0 and 1; got"):
        metrics.metric(wrong)


@pytest.mark.parametrize("unit", ["fraction", "s"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, [1.0, -math.inf]])
def test_a_metric_is_finite(wrong, unit):
    with pytest.raises(ValueError, match="must be finite"):
        metrics.metric(wrong, unit=unit)


@pytest.mark.parametrize("none", [[], (), np.array([])])
def test_a_metric_needs_a_value(none):
    with pytest.raises(ValueError, match="at least one value"):
        metrics.metric(none)


def test_a_metric_of_another_unit_may_be_any_number():
    assert metrics.metric([-3.0, 250], unit="s").mean == 123.5


@pytest.mark.parametrize(
    ("unit", "guess", "asserted"),
    [
        ("fraction", 0.1, True),
        ("fraction", 0.0, True),
        ("points", 0.0, True),
        ("fraction", None, False),
        ("s", 1.0, False),
        ("µs", 1.0, False),
    ],
)
def test_what_is_meant_to_be_held_to_a_band(unit, guess, asserted):
    assert metrics.metric(0.5, unit=unit, guess=guess).is_asserted is asserted


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("a_test_accuracy", "fraction"),
        ("accuracy", "fraction"),
        ("a_inaccuracy", "ratio"),
        ("accuracy_gain", "points"),
        ("a_gap", "points"),
        ("training_time", "s"),
        ("recall", "fraction"),
        ("cost", "ratio"),
        ("", "ratio"),
    ],
)
def test_the_end_of_a_name_says_the_unit(name, unit):
    assert metrics.unit_of(name) == unit


# As a reader sees it.


@pytest.mark.parametrize(
    ("values", "unit", "n", "text"),
    [
        ([0.9927, 0.9931, 0.9935], "fraction", 0, "99.31 ± 0.04 %"),
        ([0.98, 0.99, 1.0], "fraction", 0, "99.0 ± 1.0 %"),  # the first digit is a 1: two
        ([0.97, 0.99, 1.0], "fraction", 0, "98.7 ± 1.5 %"),
        ([0.2, 0.5, 0.8], "fraction", 0, "50 ± 30 %"),
        ([0.9931], "fraction", 10_000, "99.31 %"),  # as far as 10,000 images say
        ([0.9931], "fraction", 100, "99.3 %"),
        ([0.99], "fraction", 0, "99.0 %"),
        ([1.0], "fraction", 100, "100.0 %"),
        ([0.0], "fraction", 0, "0.0 %"),
        ([3.25], "ratio", 0, "3.25"),
        ([59.83, 61.23, 62.63], "s", 0, "61.2 ± 1.4 s"),
        ([61.23], "s", 0, "61.2 s"),
        ([812.4], "µs", 0, "812 µs"),
        ([1_234_567], "ratio", 0, "1,234,567"),
        ([1e6, 3e6], "ratio", 0, "2,000,000 ± 1,414,214"),
        ([0.0000213], "ratio", 0, "0.000021"),
        ([1e-12], "ratio", 0, "0.000000"),
        ([-2.5, -1.5], "points", 0, "−2.0 ± 0.7"),
        ([-12.34], "points", 0, "−12.3"),
        ([-0.01, 0.0], "points", 0, "−0.005 ± 0.007"),
        ([-2.0, 1.99], "points", 0, "0 ± 3"),  # and not "-0"
        ([0.0, 0.0], "points", 0, "0.0 ± 0.0"),
    ],
)
def test_a_metric_in_words(values, unit, n, text):
    assert str(metrics.metric(values, unit=unit, n=n)) == text


def test_rounding_is_no_spread():
    # In floating point, 0.1 + 0.2 is not 0.3.
    made = metrics.metric([0.1 + 0.2, 0.3, 0.3])
    assert made.std > 0
    assert str(made) == "30.0 ± 0.0 %"


def test_a_mean_without_its_spread():
    made = metrics.metric([0.98, 1.0])
    assert made.text(1) == "99.0 ± 1.4"
    assert made.text(3, with_spread=False) == "99.000"


@hypothesis.given(st.lists(WRITTEN, min_size=1, max_size=5), st.sampled_from(UNITS))
def test_the_text_is_the_mean_rounded_to_the_digits_that_the_spread_leaves_certain(values, unit):
    made = metrics.metric(values, unit=unit)
    decimals = made.decimals()
    assert 0 <= decimals <= metrics.MAX_DECIMALS
    number = str(made).removesuffix(metrics.unit_text(unit)).partition(" ± ")[0]
    assert len(number.partition(".")[2]) == decimals
    assert not number.startswith("-")
    shown = float(number.replace(",", "").replace("−", "-"))
    assert shown == pytest.approx(made.mean, abs=0.5000001 * 10**-decimals)
    assert not (shown == 0 and number.startswith("−"))
    if made.std > metrics.GRAIN and 0 < decimals < metrics.MAX_DECIMALS:
        # One digit of the spread, two where the first is a 1; 0.96 is 1.0 when rounded.
        in_last_digits = made.std * 10**decimals
        assert 2 * (1 - 1e-9) <= in_last_digits < 20 * (1 + 1e-9)


@hypothesis.given(st.lists(FRACTIONS, min_size=1, max_size=5), st.integers(0, 10**6))
def test_a_fraction_is_shown_in_percent_with_four_decimals_at_most(values, n):
    made = metrics.metric(values, n=n)
    assert 0 <= made.decimals() <= 4
    text = str(made)
    assert text.endswith(" %")
    shown = float(text.removesuffix(" %").partition(" ± ")[0])
    assert shown == pytest.approx(100 * made.mean, abs=0.5000001 * 10 ** -made.decimals())


@hypothesis.given(FRACTIONS, st.integers(1, 10**6))
def test_the_standard_error_is_never_0_and_falls_with_the_examples(share, n):
    error = metrics.standard_error(share, n)
    assert 0 < error <= 0.5 / math.sqrt(n) + 1e-12
    assert metrics.standard_error(share, 4 * n) < error


def test_the_standard_error_of_many_examples_is_that_of_coins():
    assert metrics.standard_error(0.2, 10**6) == pytest.approx(0.4 / 1000, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "n", "low", "high"),
    [
        # 95 % for 9 of 10, as in every table of Wilson's interval; and the edges.
        (0.9, 10, 0.5958, 0.9821),
        (1.0, 10, 0.7225, 1.0),
        (0.0, 10, 0.0, 0.2775),
        (0.5, 10, 0.2366, 0.7634),
        (0.9931, 10_000, 0.9913, 0.9945),
        ([0.9, 0.8, 1.0], 10, 0.5958, 0.9821),
    ],
)
def test_an_interval_is_wilsons(values, n, low, high):
    assert metrics.metric(values, n=n).interval() == pytest.approx((low, high), abs=1e-4)


@hypothesis.given(FRACTIONS, st.integers(1, 10**6))
def test_an_interval_holds_the_fraction_and_stays_one(fraction, n):
    low, high = metrics.metric(fraction, n=n).interval()
    assert 0 <= low <= fraction + 0.5 / n + 1e-12
    assert fraction - 0.5 / n - 1e-12 <= high <= 1


def test_an_interval_that_holds_more_often_is_wider():
    one = metrics.metric(0.9, n=50)
    assert one.interval(0.99)[0] < one.interval()[0] < one.interval(0.5)[0] < 0.9


def test_an_interval_needs_examples():
    with pytest.raises(ValueError, match="n = 0"):
        metrics.metric(0.5).interval()
