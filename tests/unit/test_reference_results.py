"""Recorded runs: where they are, what is no results file, and how a run compares with them."""

import dataclasses
import json
import math
import pathlib
import statistics
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

from seeing.datasets import sources
from seeing.record import bands, reference
from seeing.record import metric as metrics

LETTERS = "ab" * 32
OTHER = "ef" * 32
REAL = sources.DataRecord(name="letters", origin="a mirror", sha256=LETTERS)
DRAWN = sources.DataRecord(
    name="letters", origin="stand-in: drawn", sha256="cd" * 32, is_stand_in=True
)
GUESS = 0.1


def run(
    accuracy: float | None = None, data: str | None = LETTERS, n: int = 1000, **others: float
) -> dict[str, Any]:
    """A quick run of a results file."""
    measured = others if accuracy is None else {"accuracy": accuracy, **others}
    return {
        "data": {} if data is None else {"letters": data},
        "metrics": measured,
        "n": dict.fromkeys(measured, n),
    }


def content(*quick_runs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The content of a results file."""
    on = {"data": ["letters"], "part": "test"}
    measured = {
        "accuracy": metrics.metric([0.989, 0.99, 0.991], n=10_000, guess=GUESS, **on),
        "speedup": metrics.metric(3.2, unit="ratio", **on),
        "training_time": metrics.metric(60, unit="s", guess=0.0, **on),
    }
    return {
        "chapter": "letters",
        "data": [dataclasses.asdict(REAL)],
        "metrics": {name: one.as_json() for name, one in measured.items()},
        "quick_runs": list(quick_runs),
        **more,
    }


RUNS = tuple(run(value) for value in (0.95, 0.96, 0.955, 0.965))


def recorded(*quick_runs: dict[str, Any]) -> reference.Recorded:
    return reference.Recorded(content(*quick_runs))


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A results folder that holds one chapter's; the quick profile; no reference run."""
    (tmp_path / "letters.json").write_text(json.dumps(content(*RUNS)), encoding="utf-8")
    monkeypatch.setattr(reference, "folder", lambda: tmp_path)
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    monkeypatch.delenv(reference.REPORT_VARIABLE, raising=False)
    return tmp_path


# Where the results are, and what is none.


def test_results_are_read_as_they_were_written(folder):
    found = reference.load("letters")
    assert found.content == content(*RUNS)
    assert found.chapter == "letters"
    assert found.metric("accuracy").values == (0.989, 0.99, 0.991)
    assert found.editions() == {"letters": LETTERS}


def test_a_chapter_without_results_names_those_with_some(folder):
    (folder / "README.md").touch()
    with pytest.raises(FileNotFoundError, match="make reference CHAPTER=numbers") as caught:
        reference.load("numbers")
    assert "there are ['letters']" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", '{"chapter": "letters",}', "[]", "5", '"text"', "null"])
def test_a_damaged_file_is_named(folder, text):
    (folder / "letters.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"results/letters\.json is damaged: "):
        reference.load("letters")


@pytest.mark.parametrize("missing", ["chapter", "metrics", "data"])
def test_a_file_that_lacks_something_says_what(folder, missing):
    found = content()
    del found[missing]
    (folder / "letters.json").write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"letters\.json lacks \['{missing}'\]"):
        reference.load("letters")


def test_a_metric_that_is_not_recorded_names_those_that_are():
    message = r"no metric 'size'; it has \['accuracy', 'speedup', 'training_time'\]: run make"
    with pytest.raises(KeyError, match=message):
        recorded().metric("size")


def test_a_series_may_be_missing():
    assert recorded().series("curve") is None
    curve = {"x": [1], "lines": {}}
    assert reference.Recorded(content(series={"curve": curve})).series("curve") == curve


def test_the_results_of_a_checkout_are_in_its_own_folder(root, monkeypatch):
    monkeypatch.undo()
    assert reference.checkout() == root
    assert reference.folder() == root / "results"


def test_outside_a_checkout_the_results_are_in_the_package(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(reference, "checkout", lambda: None)
    found = reference.folder()
    assert found.name == "_reference"
    assert found.parent.name == "seeing"


def test_a_folder_that_is_no_checkout_is_told_apart(monkeypatch, tmp_path):
    inside = tmp_path / "lib" / "seeing" / "record" / "reference.py"
    monkeypatch.setattr(reference, "__file__", str(inside))
    checkout = tmp_path
    assert reference.checkout() is None
    (checkout / "_toc.yml").touch()
    assert reference.checkout() is None
    (checkout / "results").mkdir()
    assert reference.checkout() == checkout


def test_editions_are_hashes_or_stand_ins_by_the_name_alone():
    reduced = dataclasses.replace(REAL, name="flowers (240 px)", sha256=OTHER)
    found = reference.editions([REAL, dataclasses.asdict(reduced)])
    assert found == {"letters": LETTERS, "flowers": OTHER}
    assert reference.editions([DRAWN]) == {"letters": "stand-in"}


# Differences.


def test_a_difference_of_the_same_seeds_by_hand():
    first, second = metrics.metric([0.92, 0.94, 0.93]), metrics.metric([0.90, 0.91, 0.92])
    found = reference.difference(first, second)
    assert found.values == (2.0, 3.0, 1.0)
    assert found.mean == 2.0
    assert found.doubt == pytest.approx(4.302653 / math.sqrt(3))  # t(0.975; 2), spread 1
    assert found.is_share
    # 2.0 points less 2.48: three seeds do not say.
    assert found.is_undecided
    assert not found.is_gain
    assert not found.is_loss


@pytest.mark.parametrize("sign", [1, -1])
def test_a_clear_difference_has_a_direction(sign):
    pair = metrics.metric([0.92, 0.94, 0.93]), metrics.metric([0.80, 0.81, 0.80])
    found = reference.difference(*pair[::sign])
    assert (found.is_gain, found.is_loss) == (sign > 0, sign < 0)
    assert not found.is_undecided


def test_single_shares_are_compared_as_two_samples():
    first, second = metrics.metric(0.92, n=1000), metrics.metric(0.89, n=1000)
    found = reference.difference(first, second)
    assert found.values == (3.0,)
    p, q = 922 / 1004, 892 / 1004
    expected = 100 * 1.959964 * math.sqrt(p * (1 - p) / 1000 + q * (1 - q) / 1000)
    assert found.doubt == pytest.approx(expected)
    assert found.is_gain
    few = [dataclasses.replace(one, n=100) for one in (first, second)]
    assert reference.difference(*few).is_undecided


def test_other_numbers_of_seeds_are_compared_by_their_means():
    first = metrics.metric([0.9, 0.92], n=500)
    found = reference.difference(first, metrics.metric([0.8, 0.8, 0.83], n=500))
    assert found.values == (10.0,)
    assert found.is_gain


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (metrics.metric(0.9), metrics.metric(0.1, n=100)),
        (metrics.metric(0.9, n=100), metrics.metric(0.1)),
        (metrics.metric(9.0, unit="ratio", n=10), metrics.metric(1.0, unit="ratio", n=10)),
        (metrics.metric([9.0, 9.0], unit="ratio"), metrics.metric([1.0, 1.0], unit="ratio")),
    ],
)
def test_without_seeds_and_examples_nothing_is_known(first, second):
    found = reference.difference(first, second)
    assert found.doubt == math.inf
    assert found.is_undecided


def test_seeds_that_all_say_the_same_say_nothing():
    """A method without luck gives each seed the same number: one measurement, not three."""
    first, second = metrics.metric([0.91] * 3, n=100), metrics.metric([0.9] * 3, n=100)
    found = reference.difference(first, second)
    assert found.values == (1.0, 1.0, 1.0)
    alone = reference.difference(metrics.metric(0.91, n=100), metrics.metric(0.9, n=100))
    assert found.doubt == pytest.approx(alone.doubt)
    assert found.is_undecided
    large = [dataclasses.replace(one, n=100_000) for one in (first, second)]
    assert reference.difference(*large).is_gain


def test_a_metric_does_not_differ_from_itself():
    same = metrics.metric([0.9, 0.8, 0.7], n=100)
    found = reference.difference(same, same)
    assert found.mean == 0
    assert found.is_undecided


def test_metrics_of_two_units_have_no_difference():
    with pytest.raises(ValueError, match="the units differ: fraction and points"):
        reference.difference(metrics.metric(0.5), metrics.metric(0.5, unit="points"))


def test_small_ratios_keep_their_difference():
    pair = (metrics.metric([value, value / 2], unit="ratio") for value in (3e-5, 1e-5))
    assert reference.difference(*pair).values == (2e-5, 1e-5)


@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=8)
)
def test_the_rule_is_the_paired_t_test_at_five_percent(pairs):
    first, second = (np.array(side) / 1000 for side in zip(*pairs, strict=True))
    hypothesis.assume(np.ptp(np.round(first - second, 6)) > 0)
    p = stats.ttest_rel(first, second).pvalue
    hypothesis.assume(abs(p - 0.05) > 1e-6)
    found = reference.difference(metrics.metric(first), metrics.metric(second))
    assert found.is_undecided == (p > 0.05)
    assert found.is_gain == (p < 0.05 and first.mean() > second.mean())
    assert found.is_loss == (p < 0.05 and first.mean() < second.mean())
    assert found.mean == pytest.approx(100 * statistics.fmean(first - second), abs=1e-4)


@hypothesis.given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 5), st.integers(1, 5))
def test_a_difference_turned_around_has_the_other_sign(a, b, few, many):
    first = metrics.metric([a / 500] * few, n=500)
    second = metrics.metric([b / 500] * many, n=500)
    one, other = reference.difference(first, second), reference.difference(second, first)
    assert one.mean == pytest.approx(-other.mean)
    assert one.doubt == pytest.approx(other.doubt)
    assert one.is_gain == other.is_loss


# Which earlier runs count.


def test_runs_on_the_present_edition_count():
    mixed = recorded(*RUNS, run(0.5, OTHER), run(0.3, reference.STAND_IN))
    found, others = mixed.earlier_quick({"letters": LETTERS})
    assert found == {"accuracy": bands.Earlier((0.95, 0.96, 0.955, 0.965), 1000, "fraction")}
    assert others == set()


def test_runs_on_the_stand_in_count_for_the_stand_in_alone():
    drawn = [run(value, reference.STAND_IN) for value in (0.3, 0.32)]
    found, others = recorded(*RUNS, *drawn).earlier_quick({"letters": reference.STAND_IN})
    assert found["accuracy"].values == (0.3, 0.32)
    assert others == set()
    assert recorded(*RUNS).earlier_quick({"letters": reference.STAND_IN}) == ({}, set())


def test_runs_on_another_edition_count_where_there_are_no_others():
    drawn = [run(value, reference.STAND_IN) for value in (0.3, 0.32)]
    without = [run(value, None) for value in (0.2, 0.21)]
    found, others = recorded(*RUNS, *drawn, *without).earlier_quick({"letters": OTHER})
    assert found["accuracy"].values == (0.95, 0.96, 0.955, 0.965)
    assert others == {"accuracy"}


def test_runs_that_did_not_have_the_data_are_no_runs_on_another_edition():
    without = [run(value, None) for value in (0.2, 0.21)]
    assert recorded(*without).earlier_quick({"letters": OTHER}) == ({}, set())


def test_a_single_run_makes_no_band():
    assert recorded(RUNS[0]).earlier_quick({"letters": LETTERS})[0] == {}


def test_without_the_data_nothing_counts():
    assert recorded(*RUNS).earlier_quick({"numbers": LETTERS}) == ({}, set())


def test_the_smallest_count_of_examples_is_believed():
    found, _ = recorded(RUNS[0], run(0.96, n=60)).earlier_quick({"letters": LETTERS})
    assert found["accuracy"].n == 60
    unknown = {key: value for key, value in RUNS[1].items() if key != "n"}
    found, _ = recorded(RUNS[0], unknown).earlier_quick({"letters": LETTERS})
    assert found["accuracy"].n == 0


def test_a_run_that_lacks_a_metric_does_not_count_for_it():
    found, _ = recorded(*RUNS, run(speedup=3.0)).earlier_quick({"letters": LETTERS})
    assert len(found["accuracy"].values) == 4


def test_a_metric_of_two_data_sets_looks_at_both():
    both = content(
        *(
            {"data": {"letters": LETTERS, "weights": weights}, "metrics": {"accuracy": value}}
            for weights, value in ((OTHER, 0.9), (OTHER, 0.91), (reference.STAND_IN, 0.2))
        )
    )
    both["metrics"]["accuracy"]["data"] = ["letters", "weights"]
    present = {"letters": LETTERS, "weights": OTHER}
    assert reference.Recorded(both).earlier_quick(present)[0]["accuracy"].values == (0.9, 0.91)
    present["weights"] = reference.STAND_IN
    assert reference.Recorded(both).earlier_quick(present) == ({}, set())


def test_in_the_full_profile_the_recorded_seeds_count():
    found, others = recorded().earlier_full({"letters": LETTERS})
    assert found == {"accuracy": bands.Earlier((0.989, 0.99, 0.991), 10_000, "fraction")}
    assert others == set()
    assert recorded().earlier_full({"letters": OTHER})[1] == {"accuracy"}
    assert recorded().earlier_full({"letters": reference.STAND_IN}) == ({}, set())
    assert recorded().earlier_full({}) == ({}, set())


# Comparing.


def compared(
    accuracy: float | list[float] = 0.957,
    *,
    of: reference.Recorded | None = None,
    data: sources.DataRecord = REAL,
    shown: dict[str, str] | None = None,
    **others: metrics.Metric,
) -> reference.Verdict:
    measured = {"accuracy": metrics.metric(accuracy, n=1000), **others}
    present = reference.editions([data])
    return reference.compare(of or recorded(*RUNS), measured, present, shown=shown)


def test_a_metric_inside_its_band_is_held_to_it():
    verdict = compared()
    assert set(verdict.bands) == {"accuracy"}
    assert verdict.bands["accuracy"].holds(0.957)
    assert (verdict.outside, verdict.unchecked) == ([], {})


@pytest.mark.parametrize("accuracy", [0.5, 0.0])
def test_a_metric_outside_its_band_is_named(accuracy):
    verdict = compared(accuracy)
    band = verdict.bands["accuracy"]
    assert verdict.outside == [
        f"accuracy is {accuracy:.4g}, expected {band.low:.4g} to {band.high:.4g}"
    ]


def test_the_mean_over_the_seeds_is_compared_not_each_seed():
    low = compared().bands["accuracy"].low
    assert compared([low - 0.01, low + 0.02]).outside == []


def test_a_band_that_holds_guessing_is_none():
    wild = recorded(*(run(value, n=20) for value in (0.1, 0.9, 0.4, 0.6)))
    verdict = compared(0.5, of=wild)
    assert verdict.bands == {}
    assert verdict.unchecked == {"accuracy": "a band that would hold guessing proves nothing"}
    assert verdict.outside == []


def test_what_is_declared_is_shown_even_far_outside():
    verdict = compared(0.2, shown={"accuracy": "it swings"})
    assert verdict == reference.Verdict({}, [], {"accuracy": "it swings"})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("speedup", metrics.metric(1e6, unit="ratio"), "shown, not asserted"),
        ("training_time", metrics.metric(1e6, unit="s"), "depends on the machine"),
        ("new_accuracy", metrics.metric(0.5, guess=0.1), "not recorded yet"),
    ],
)
def test_what_is_not_asserted_has_a_reason(name, value, why):
    verdict = compared(**{name: value})
    assert verdict.unchecked == {name: why}
    assert verdict.outside == []
    assert set(verdict.bands) == {"accuracy"}


@pytest.mark.parametrize("data", [DRAWN, dataclasses.replace(REAL, name="numbers")])
def test_data_that_no_earlier_run_had_make_no_band(data):
    verdict = compared(0.2, data=data)
    assert verdict == reference.Verdict({}, [], {"accuracy": "no earlier run had this data"})


def test_other_photographs_get_a_wider_band():
    other = compared(data=dataclasses.replace(REAL, name="letters (64 px)", sha256=OTHER))
    assert other.bands["accuracy"].low < compared().bands["accuracy"].low - 0.05
    assert other.outside == []


def test_a_recorded_metric_that_was_not_measured_takes_no_part():
    assert reference.compare(recorded(*RUNS), {}, {"letters": LETTERS}) == reference.Verdict(
        {}, [], {}
    )


def test_more_chapters_share_the_false_alarms(folder):
    alone = compared().bands["accuracy"]
    for name in ("a", "b", "c"):
        (folder / f"{name}.json").touch()
    assert compared().bands["accuracy"].low < alone.low
    for path in folder.iterdir():
        path.unlink()
    assert compared().bands["accuracy"] == alone  # nothing recorded yet: one chapter


def test_in_the_full_profile_the_recorded_run_is_the_measure(monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    assert compared([0.989, 0.99, 0.991]).outside == []
    assert len(compared(0.957).outside) == 1
    assert compared(0.99, data=DRAWN).unchecked == {"accuracy": "no earlier run had this data"}


def test_in_the_full_profile_each_metric_is_averaged_over_its_own_seeds(monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    one, three = (compared([0.99] * seeds).bands["accuracy"] for seeds in (1, 3))
    assert one.low < three.low
    many = metrics.metric([1.0] * 3, unit="ratio")
    assert compared(0.99, speedup=many).bands["accuracy"] == one


@hypothesis.given(st.lists(st.integers(300, 1000), min_size=2, max_size=6))
def test_what_quick_runs_measured_passes_on_the_whole(values):
    accuracies = [value / 1000 for value in values]
    found = recorded(*(run(value) for value in accuracies))
    measured = {"accuracy": metrics.metric(statistics.fmean(accuracies))}
    assert reference.compare(found, measured, {"letters": LETTERS}).outside == []
