"""Reference results: metrics, bands, and the comparison that ends a chapter."""

import dataclasses
import json
import math
import pathlib
import re
import statistics
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from seeing import results
from seeing.datasets import sources

REAL = sources.DataRecord(name="letters", origin="a mirror", sha256="ab" * 32)
STAND_IN = sources.DataRecord(
    name="letters", origin="stand-in: drawn", sha256="cd" * 32, is_stand_in=True
)
FRACTIONS = st.floats(0, 1)


@pytest.fixture
def reference() -> dict[str, Any]:
    """The content of a results file."""
    return {
        "chapter": "letters",
        "data": [{"name": "letters", "sha256": "ab" * 32}],
        "metrics": {
            "test_accuracy": {
                "mean": 0.99,
                "std": 0.001,
                "values": [0.989, 0.99, 0.991],
                "n": 10000,
                "unit": "fraction",
            },
            "speedup": {"mean": 3.2, "std": 0.0, "values": [3.2], "n": 0, "unit": "ratio"},
        },
        "quick_band": {"test_accuracy": [0.95, 1.0]},
        "stand_in_band": {"test_accuracy": [0.8, 0.9]},
    }


@pytest.fixture
def folder(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, reference: dict[str, Any]
) -> pathlib.Path:
    """A results folder that holds the reference; the quick profile; no reference run."""
    (tmp_path / "letters.json").write_text(json.dumps(reference), encoding="utf-8")
    monkeypatch.setattr(results, "folder", lambda: tmp_path)
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    monkeypatch.delenv(results.REPORT_VARIABLE, raising=False)
    return tmp_path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Markdown that the chapter shows."""
    found: list[str] = []
    monkeypatch.setattr(results.display, "display", lambda shown: found.append(shown.data))
    return found


def measured(accuracy: float = 0.97, speedup: float = 4.0) -> dict[str, results.Metric]:
    """What a run measured."""
    return {
        "test_accuracy": results.metric(accuracy, n=1000),
        "speedup": results.metric(speedup, unit="ratio"),
    }


# Metrics.


@pytest.mark.parametrize(
    "value", [0.5, 1, True, np.float64(0.5), np.float32(0.5), np.float16(1), np.int64(1)], ids=repr
)
def test_a_metric_takes_one_number_of_any_kind(value):
    made = results.metric(value)
    assert made.values == (float(value),)
    assert type(made.values[0]) is float
    assert made.std == 0.0


@pytest.mark.parametrize("container", [list, tuple, np.array])
def test_a_metric_takes_one_number_a_seed(container):
    made = results.metric(container([0.2, 0.4, 0.9]), n=7)
    assert made.values == (0.2, 0.4, 0.9)
    assert made.mean == pytest.approx(0.5)
    assert made.std == pytest.approx(np.std([0.2, 0.4, 0.9], ddof=1))
    assert made.as_json() == {
        "mean": 0.5,
        "std": round(made.std, 6),
        "values": [0.2, 0.4, 0.9],
        "n": 7,
        "unit": "fraction",
    }


@hypothesis.given(
    st.lists(FRACTIONS, min_size=1, max_size=5), st.integers(0, 10**6), st.sampled_from(("s", "x"))
)
def test_a_metric_is_read_as_it_was_written(values, n, unit):
    # Six digits are written: as many as anybody reads, and enough for the same text.
    values = [round(value, 6) for value in values]
    made = results.metric(values, n=n, unit=unit)
    read = results.Metric.from_json(json.loads(json.dumps(made.as_json())))
    assert read == made
    assert str(read) == str(made)


@pytest.mark.parametrize("missing", ["values", "n", "unit"])
def test_an_incomplete_metric_is_not_read(missing):
    written = results.metric(0.5).as_json()
    del written[missing]
    with pytest.raises(KeyError, match=missing):
        results.Metric.from_json(written)


@pytest.mark.parametrize("wrong", [-1e-9, 1.0000001, 99.2, [0.5, 1.5]])
def test_a_fraction_lies_between_0_and_1(wrong):
    with pytest.raises(ValueError, match="a fraction lies between 0 and 1; got"):
        results.metric(wrong)


@pytest.mark.parametrize("unit", ["fraction", "s"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, [1.0, -math.inf]])
def test_a_metric_is_finite(wrong, unit):
    with pytest.raises(ValueError, match="must be finite"):
        results.metric(wrong, unit=unit)


def test_a_metric_needs_a_value():
    with pytest.raises(ValueError, match="at least one value"):
        results.metric([])


def test_a_metric_of_another_unit_may_be_any_number():
    assert results.metric([-3.0, 250], unit="s").mean == 123.5


# Bands.


@hypothesis.given(st.lists(FRACTIONS, min_size=1, max_size=20))
def test_the_band_holds_every_value_it_was_made_from_and_stays_within_0_and_1(values):
    low, high = results.band_from(values)
    assert 0.0 <= low <= min(values)
    assert max(values) <= high <= 1.0


@hypothesis.given(st.lists(FRACTIONS, min_size=1, max_size=20))
def test_the_band_reaches_two_points_on_each_side_unless_0_or_1_is_nearer(values):
    low, high = results.band_from(values)
    mean = statistics.fmean(values)
    assert low <= max(0.0, mean - 0.02) + 1e-4
    assert high >= min(1.0, mean + 0.02) - 1e-4


@hypothesis.given(st.lists(st.floats(0.4, 0.6), min_size=2, max_size=20))
def test_the_band_is_no_wider_than_six_deviations_or_two_points(values):
    low, high = results.band_from(values)
    assert high - low <= 2 * max(6 * statistics.stdev(values), 0.02) + 2e-4


def test_a_broken_chapter_is_outside_the_band():
    low, _ = results.band_from([0.985, 0.986, 0.984])
    assert low > 0.95


@hypothesis.given(FRACTIONS, st.floats(0, 0.3))
def test_the_band_around_a_full_result(mean, std):
    low, high = results.reference_band({"metrics": {"a": {"mean": mean, "std": std}}}, "a")
    half = max(4 * std, 0.005)
    assert low == max(0.0, mean - half)
    assert high == min(1.0, mean + half)
    assert 0.0 <= low <= mean <= high <= 1.0


@pytest.mark.parametrize(
    ("profile", "data", "band"),
    [
        ("quick", [REAL], "quick_band"),
        ("quick", [], "quick_band"),
        ("quick", [REAL, STAND_IN], "stand_in_band"),
        ("full", [REAL], "full"),
        ("full", [STAND_IN], "full"),
    ],
)
def test_which_band_holds(profile, data, band, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", profile)
    assert results.band_name(data) == band


# Comparing.


@pytest.mark.parametrize(
    ("band", "accuracy", "inside"),
    [
        ("quick_band", 0.95, True),
        ("quick_band", 0.9499, False),
        ("quick_band", 1.0, True),
        ("stand_in_band", 0.85, True),
        ("stand_in_band", 0.91, False),
        ("full", 0.9855, True),
        ("full", 0.9845, False),
        ("full", 0.9945, True),
        ("full", 0.9955, False),
    ],
)
def test_a_metric_is_inside_its_band_or_named(reference, band, accuracy, inside):
    rows, outside = results.compare(reference, measured(accuracy), band)
    assert len(rows) == 2
    assert bool(outside) is not inside
    if outside:
        assert len(outside) == 1
        assert outside[0].startswith(f"test_accuracy is {accuracy:.4f}, expected ")
        assert outside[0].endswith(f"({band})")


@pytest.mark.parametrize("speedup", [1e-6, 1e6])
def test_speed_is_reported_and_never_asserted(reference, speedup):
    rows, outside = results.compare(reference, measured(accuracy=0.99, speedup=speedup), "full")
    assert outside == []
    assert rows[1] == (
        "`speedup`",
        str(results.metric(speedup, unit="ratio")),
        "3.2 (1 seed)",
        "not asserted",
    )


def test_the_mean_over_the_seeds_is_compared_not_each_seed(reference):
    several = {**measured(), "test_accuracy": results.metric([0.93, 0.99, 0.99])}
    assert results.compare(reference, several, "quick_band")[1] == []


@pytest.mark.parametrize("change", ["one more", "one less", "another"])
def test_other_metrics_than_the_references_are_an_error(reference, change):
    found = measured()
    if change != "one more":
        del found["speedup"]
    if change != "one less":
        found["new"] = results.metric(0.5)
    with pytest.raises(AssertionError, match="make reference CHAPTER=letters") as caught:
        results.compare(reference, found, "quick_band")
    assert str(sorted(found)) in str(caught.value)
    assert "['speedup', 'test_accuracy']" in str(caught.value)


@pytest.mark.parametrize("band", ["quick_band", "stand_in_band"])
def test_a_reference_without_the_band_is_an_error_not_a_pass(reference, band):
    del reference[band]["test_accuracy"]
    with pytest.raises(AssertionError, match=f"the reference has no {band} for test_accuracy"):
        results.compare(reference, measured(), band)
    del reference[band]
    with pytest.raises(AssertionError, match=f"the reference has no {band} for test_accuracy"):
        results.compare(reference, measured(), band)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0.9931, 0.0004, "fraction", 3), "99.31 % ± 0.04 (3 seeds)"),
        ((0.9931, 0.0, "fraction", 1), "99.31 % (1 seed)"),
        ((0.284, 0.0123, "ratio", 3), "0.284 ± 0.012 (3 seeds)"),
        ((61.23, 2.0, "s", 2), "61.2 s ± 2 (2 seeds)"),
        ((61.23, 0.0, "s", 1), "61.2 s (1 seed)"),
    ],
)
def test_a_mean_and_its_spread_in_words(arguments, text):
    assert results.spread(*arguments) == text


def test_a_metric_in_words():
    assert str(results.metric([0.98, 0.99, 1.0])) == "99.00 % ± 1.00 (3 seeds)"
    assert str(results.metric(3.25, unit="ratio")) == "3.25 (1 seed)"


def test_a_table_is_markdown_and_is_shown_as_it_is(shown):
    table = ("Name", "Number"), [("`a`", "1"), ("`b`", "2")]
    assert results.table(*table) == "| Name | Number |\n| --- | --- |\n| `a` | 1 |\n| `b` | 2 |"
    results.show_table(*table)
    assert shown == [results.table(*table)]


@pytest.mark.parametrize("row", [("one",), ("one", "two", "three"), ()])
def test_a_row_that_does_not_fit_the_table_is_named(shown, row):
    with pytest.raises(ValueError, match="the table has 2 columns") as caught:
        results.show_table(("Name", "Number"), [("a", "1"), row])
    assert str(row) in str(caught.value)
    assert shown == []


# The end of a chapter.


def test_a_chapter_inside_its_bands_shows_one_table(folder, shown):
    results.conclude("letters", measured(), data=[REAL])
    assert shown == [
        "| Metric | This run | Reference (full profile) | Band |\n"
        "| --- | --- | --- | --- |\n"
        "| `test_accuracy` | 97.00 % (1 seed) | 99.00 % ± 0.10 (3 seeds) | 95.00% to 100.00% |\n"
        "| `speedup` | 4 (1 seed) | 3.2 (1 seed) | not asserted |"
    ]


def test_a_chapter_outside_its_band_shows_the_table_and_fails(folder, shown):
    message = re.escape("test_accuracy is 0.5000, expected 0.9500 to 1.0000 (quick_band)")
    with pytest.raises(AssertionError, match=message):
        results.conclude("letters", measured(accuracy=0.5), data=[REAL])
    assert len(shown) == 1


def test_a_chapter_on_stand_in_data_is_held_to_the_band_for_it(folder, shown):
    results.conclude("letters", measured(accuracy=0.85), data=[STAND_IN])
    with pytest.raises(AssertionError, match="stand_in_band"):
        results.conclude("letters", measured(accuracy=0.97), data=[STAND_IN])


@pytest.mark.parametrize("change", [{"sha256": "ef" * 32}, {"name": "letters (64 px edition)"}])
def test_another_edition_of_the_data_is_said_and_held_to_no_band(folder, shown, capsys, change):
    other = dataclasses.replace(REAL, **change)
    results.conclude("letters", measured(accuracy=0.5), data=[other])
    assert f"{other.name}: not the data that the recorded run had" in capsys.readouterr().out
    assert (
        "| `test_accuracy` | 50.00 % (1 seed) | 99.00 % ± 0.10 (3 seeds) | not asserted |"
        in (shown[0])
    )


def test_what_could_not_be_measured_is_shown_with_its_reason(folder, shown):
    only = {"speedup": results.metric(4.0, unit="ratio")}
    results.conclude("letters", only, data=[REAL], not_measured={"test_accuracy": "no weights"})
    assert shown[0].splitlines()[-1] == (
        "| `test_accuracy` | not measured: no weights | 99.00 % ± 0.10 (3 seeds) | not asserted |"
    )


def test_what_is_neither_measured_nor_excused_is_an_error(folder, shown):
    with pytest.raises(AssertionError, match=r"this run measured \['other', 'speedup'\]"):
        only = {"speedup": results.metric(4.0, unit="ratio")}
        results.conclude("letters", only, data=[REAL], not_measured={"other": "no weights"})


def test_a_full_reference_run_leaves_nothing_out(folder, tmp_path, monkeypatch):
    monkeypatch.setenv(results.REPORT_VARIABLE, str(tmp_path / "report.json"))
    missing = {"test_accuracy": "no weights"}
    results.conclude("letters", {}, data=[REAL], not_measured=missing)
    (tmp_path / "report.json").unlink()
    monkeypatch.setenv("SEEING_PROFILE", "full")
    with pytest.raises(ValueError, match="must measure everything"):
        results.conclude("letters", {}, data=[REAL], not_measured=missing)
    assert not (tmp_path / "report.json").exists()


def test_a_reference_run_hands_over_what_it_measured_and_compares_nothing(
    folder, shown, tmp_path, monkeypatch
):
    report = tmp_path / "report.json"
    monkeypatch.setenv(results.REPORT_VARIABLE, str(report))
    assert results.is_reporting()
    results.conclude("unheard_of", {"test_accuracy": results.metric(0.1, n=5)}, data=[STAND_IN])
    assert shown == []
    assert json.loads(report.read_text(encoding="utf-8")) == {
        "chapter": "unheard_of",
        "profile": "quick",
        "band": "stand_in_band",
        "metrics": {
            "test_accuracy": {"mean": 0.1, "std": 0.0, "values": [0.1], "n": 5, "unit": "fraction"}
        },
        "not_measured": [],
        "data": [
            {
                "name": "letters",
                "origin": "stand-in: drawn",
                "sha256": "cd" * 32,
                "is_stand_in": True,
                "download_bytes": 0,
            }
        ],
    }


@hypothesis.given(st.lists(FRACTIONS, min_size=1, max_size=5))
def test_what_a_reference_run_measures_passes_its_own_comparison(values):
    made = results.metric(values)
    own = {
        "chapter": "letters",
        "metrics": {"a": made.as_json()},
        "quick_band": {"a": results.band_from(values)},
    }
    for band in ("full", "quick_band"):
        assert results.compare(own, {"a": made}, band)[1] == []


# Where the results are.


def test_a_chapter_without_results_names_those_with_some(folder):
    (folder / "README.md").touch()
    with pytest.raises(FileNotFoundError, match="make reference CHAPTER=numbers") as caught:
        results.load("numbers")
    assert "there are ['letters']" in str(caught.value)


def test_results_are_read_as_they_were_written(folder, reference):
    assert results.load("letters") == reference


def test_in_a_checkout_the_results_are_in_its_own_folder(root):
    assert results.checkout() == root
    assert results.folder() == root / "results"


def test_outside_a_checkout_the_results_are_in_the_package(monkeypatch):
    monkeypatch.setattr(results, "checkout", lambda: None)
    found = results.folder()
    assert found.name == "_reference"
    assert found.parent.name == "seeing"


def test_a_folder_that_is_no_checkout_is_told_apart(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "__file__", str(tmp_path / "lib" / "seeing" / "results.py"))
    assert results.checkout() is None
    (tmp_path / "_toc.yml").touch()
    assert results.checkout() is None
    (tmp_path / "results").mkdir()
    assert results.checkout() == tmp_path


def test_metrics_are_shown_beside_the_recorded_ones(folder, shown):
    results.show_beside("letters", {"test_accuracy": results.metric(0.5, n=10)})
    (table,) = shown
    assert "| `test_accuracy` | 50.00 % (1 seed) | 99.00 % ± 0.10 (3 seeds) |" in str(table)


@pytest.mark.parametrize(("n", "half_width"), [(0, 0.02), (1_000, 0.02), (60, 0.05), (20, 0.15)])
def test_a_band_from_few_examples_leaves_room_for_three_of_them(n, half_width):
    assert results.band_from([0.5, 0.5, 0.5], n=n) == (0.5 - half_width, 0.5 + half_width)
