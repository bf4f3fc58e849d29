"""A chapter's numbers: one a seed, shown beside the recorded run, held to bands, with claims."""

import dataclasses
import json
import pathlib
import re
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from IPython import display

from seeing.datasets import sources
from seeing.record import chapter, machine, reference
from seeing.record import metric as metrics

REAL = sources.DataRecord(name="letters", origin="a mirror", sha256="ab" * 32)
DRAWN = sources.DataRecord(
    name="letters (drawn)", origin="stand-in: drawn", sha256="cd" * 32, is_stand_in=True
)
AGAIN = "run make reference CHAPTER=some"


def content() -> dict[str, Any]:
    """A results file of five metrics, two of them the pair that differs by 20 points a seed."""
    on = {"data": ("letters",), "part": "test"}
    share = {"n": 1000, "guess": 0.1, **on}
    measured = {
        "a_accuracy": metrics.metric([0.5, 0.7], **share),
        "a_cost": metrics.metric([30, 40], unit="ratio", **on),
        "b_cost": metrics.metric([3, 4], unit="ratio", **on),
        "new_accuracy": metrics.metric([0.7, 0.8, 0.9], **share),
        "old_accuracy": metrics.metric([0.5, 0.6, 0.7], **share),
    }
    quick = [(0.60, 0.79, 0.60), (0.62, 0.80, 0.59), (0.61, 0.81, 0.61), (0.60, 0.80, 0.60)]
    names = ("a_accuracy", "new_accuracy", "old_accuracy")
    return {
        "chapter": "some",
        "data": [dataclasses.asdict(REAL)],
        "metrics": {name: one.as_json() for name, one in measured.items()},
        "quick_runs": [
            {
                "data": {"letters": REAL.sha256},
                "metrics": dict(zip(names, values, strict=True)),
                "n": dict.fromkeys(names, 1000),
            }
            for values in quick
        ],
        "environment": {"device": "2 CPU cores"},
        "recorded": "2026-11-30",
        "cost": {"wall_s": 390, "peak_rss_mb": 1450, "download_mb": 11.5},
    }


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A results folder with one chapter's file; the quick profile; neither strict nor recording."""
    results = tmp_path / "results"
    results.mkdir()
    (results / "some.json").write_text(json.dumps(content()), encoding="utf-8")
    monkeypatch.setattr(reference, "folder", lambda: results)
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    monkeypatch.delenv(reference.REPORT_VARIABLE, raising=False)
    monkeypatch.delenv(chapter.STRICT_VARIABLE, raising=False)
    return results


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is shown: one dictionary of MIME types a call."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "display", lambda bundle, raw: found.append(bundle))
    return found


@pytest.fixture
def report(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Where a reference run is asked to write its report."""
    path = tmp_path / "report.json"
    monkeypatch.setenv(reference.REPORT_VARIABLE, str(path))
    return path


def filled() -> chapter.Chapter:
    """Two seeds of three metrics."""
    made = chapter.Chapter("some")
    on = made.on(REAL, part="test", n=100, guess=0.1)
    for seed, (accuracy, cost) in enumerate(((0.8, 10), (0.9, 20))):
        on.add("a", {"accuracy": accuracy, "cost": cost}, seed=seed)
        on.add("b", {"cost": cost / 10}, seed=seed)
    return made


def complete(**changes: float) -> chapter.Chapter:
    """One seed of every recorded metric, inside the bands unless changed."""
    made = chapter.Chapter("some")
    on = made.on(REAL, part="test", n=1000, guess=0.1)
    usual = {"a_accuracy": 0.61, "a_cost": 5, "b_cost": 1, "new_accuracy": 0.8, "old_accuracy": 0.6}
    for name, value in (usual | changes).items():
        prefix, _, end = name.partition("_")
        on.add(prefix, {end: value}, seed=0)
    return made


def table(bundle: dict[str, Any]) -> tuple[str, list[str], list[list[str]]]:
    """A shown table: caption, header and rows."""
    page = BeautifulSoup(bundle["text/html"], "html.parser")
    rows = [
        [one.get_text() for one in row.find_all(["th", "td"])] for row in page.select("tbody tr")
    ]
    caption = page.find("caption")
    head = [one.get_text() for one in page.select("thead th")]
    return caption.get_text() if caption else "", head, rows


def verdict(shown: list[dict[str, Any]]) -> dict[str, Any]:
    """What the build gets, as it reads it."""
    [found] = [bundle for bundle in shown if chapter.VERDICT_MIME in bundle]
    return json.loads(json.dumps(found[chapter.VERDICT_MIME]))


# Measuring.


def test_it_keeps_one_number_a_seed():
    on = {"data": ("letters",), "part": "test"}
    assert filled().measured() == {
        "a_accuracy": metrics.metric([0.8, 0.9], n=100, guess=0.1, **on),
        "a_cost": metrics.metric([10, 20], n=100, unit="ratio", **on),
        "b_cost": metrics.metric([1, 2], n=100, unit="ratio", **on),
    }


def test_an_empty_chapter_has_no_metrics():
    assert chapter.Chapter("some").measured() == {}


def test_seeds_stand_in_their_order_whatever_order_they_came_in():
    made = chapter.Chapter("some")
    for seed in (2, 0, 1):
        made.on(REAL).add("a", {"accuracy": seed / 10}, seed=seed)
    assert made.here("a_accuracy").values == (0.0, 0.1, 0.2)
    assert made.here("b_accuracy") is None


@pytest.mark.parametrize(
    ("name", "unit", "guess"),
    [
        ("accuracy", "fraction", 0.1),
        ("test_accuracy", "fraction", 0.1),
        ("accuracy_gain", "points", None),
        ("recall", "fraction", None),
        ("inaccuracy", "ratio", None),
        ("cost", "ratio", None),
        ("training_time", "s", None),
    ],
)
def test_what_is_asserted_unless_said_otherwise(name, unit, guess):
    made = chapter.Chapter("some")
    made.on(REAL, guess=0.1).add("a", {name: 0.1}, seed=0)
    found = made.here(f"a_{name}")
    assert (found.unit, found.guess) == (unit, guess)


def test_guesses_and_units_can_be_said_by_name():
    made = chapter.Chapter("some")
    made.on(REAL, guess=0.1).add(
        "a",
        {"accuracy": 0.5, "recall": 0.5, "gain": 1.0, "call": 3.0, "inaccuracy": 0.2},
        seed=0,
        guesses={"accuracy": None, "recall": 0.3, "gain": -1.0},
        units={"call": "µs", "inaccuracy": "fraction"},
    )
    found = {name: (one.unit, one.guess) for name, one in made.measured().items()}
    assert found == {
        "a_accuracy": ("fraction", None),
        "a_recall": ("fraction", 0.3),
        "a_gain": ("points", -1.0),
        "a_call": ("µs", None),
        "a_inaccuracy": ("fraction", None),
    }


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 1.5])
def test_an_accuracy_must_be_a_fraction(wrong):
    made = chapter.Chapter("some")
    made.on(REAL).add("a", {"accuracy": wrong}, seed=0)
    with pytest.raises(ValueError):
        made.measured()


def test_a_number_may_have_its_own_count_and_a_time_has_none():
    made = chapter.Chapter("some")
    on = made.on(n=100)
    on.add("a", {"test_accuracy": 0.5, "training_time": 60}, seed=0, n=7)
    assert made.measured() == {
        "a_test_accuracy": metrics.metric(0.5, n=7),
        "a_training_time": metrics.metric(60, n=0, unit="s"),
    }
    with pytest.raises(ValueError, match=r"'a_test_accuracy' was measured on 7 .* now on 100"):
        on.add("a", {"test_accuracy": 0.6}, seed=1)
    assert made.here("a_test_accuracy").values == (0.5,)


def test_a_cell_that_runs_again_replaces_what_it_added():
    made = filled()
    made.on(REAL, part="test", n=100).add("a", {"accuracy": 0.7, "cost": 15}, seed=0)
    assert made.here("a_accuracy").values == (0.7, 0.9)
    made = chapter.Chapter("some")
    made.on(REAL, n=5).add("a", {"accuracy": 0.7}, seed=0)
    made.on(REAL, n=5).add(
        "a", {"accuracy": 0.8}, seed=0, n=9
    )  # the only seed: its count may change
    assert made.here("a_accuracy") == metrics.metric(0.8, n=9, data=("letters",))


def test_a_metric_names_its_data_without_their_edition():
    made = chapter.Chapter("some")
    weights = sources.DataRecord(name="weights", origin="somewhere", sha256="12" * 32)
    made.on(DRAWN, weights).add("a", {"accuracy": 0.5}, seed=0)
    assert made.here("a_accuracy").data == ("letters", "weights")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("rate 0.002", "rate_0_002"),
        ("k-nearest neighbors", "k_nearest_neighbors"),
        ("ResNet50 (frozen)", "resnet50_frozen"),
        ("batches of 8, normalization frozen", "batches_of_8_normalization_frozen"),
    ],
)
def test_a_rows_text_becomes_a_name(text, name):
    assert chapter.slug(text) == name


def test_a_series_is_kept_with_what_it_was_measured_on(report):
    made = chapter.Chapter("some")
    on = made.on(REAL, part="test", n=np.int64(50))
    on.add_series("curve", np.array([1, 2]), {"a": [[0.5, 0.25], np.array([1 / 3], np.float32)]})
    made.conclude()
    written = json.loads(report.read_text(encoding="utf-8"))["series"]
    assert written == {
        "curve": {
            "x": [1, 2],
            "lines": {"a": [[0.5, 0.25], [0.333333]]},
            "unit": "fraction",
            "data": ["letters"],
            "part": "test",
            "n": 50,
        }
    }
    with pytest.raises(ValueError, match="curve: 'b' has 1 entries for 2 places"):
        on.add_series("curve", ["x", "y"], {"b": [[1.0]]})


# Gaps.


def test_what_is_expected_is_missing_until_it_is_added(shown):
    made = chapter.Chapter("some")
    made.expect("a", ("accuracy", "cost"), otherwise="not in this run")
    made.show({"Accuracy": "accuracy"}, {"first": "a"})
    assert table(shown[0])[2] == [["first", "60 ± 14"]]
    made.on(REAL).add("a", {"accuracy": 0.5}, seed=0)
    made.expect("a", ("accuracy",), otherwise="not in this run")  # the cell runs again
    made.show({"Accuracy": "accuracy"}, {"first": "a"})
    assert table(shown[1])[2] == [["first", "60 ± 14 50"]]
    made.conclude()
    assert verdict(shown)["not_measured"] == ["a_cost"]
    with pytest.raises(KeyError, match="nothing was added as 'b_cost'"):
        made.show({"Cost": "cost"}, {"second": "b"})


def test_a_gap_is_known_where_the_table_says_why(shown, capsys):
    made = chapter.Chapter("some")
    made.show({"Cost": "cost"}, {"first": "a", "second": "b"}, missing="not in this run")
    made.expect("new", ["accuracy"], otherwise="no weights")
    made.expect("old", ["accuracy"], otherwise="no weights")
    made.on(REAL).add("a", {"cost": 3, "accuracy": 0.61}, seed=0)
    made.conclude()
    assert verdict(shown)["not_measured"] == ["b_cost", "new_accuracy", "old_accuracy"]
    assert verdict(shown)["outside"] == []
    said = "Recorded and not measured here: 3 (no weights; not in this run).\n"
    assert capsys.readouterr().out == said


# Tables.


def test_the_recorded_run_stands_in_front(shown):
    filled().show({"Accuracy": "accuracy", "Cost": "cost"}, {"first": "a"}, title="What")
    caption, head, rows = table(shown[0])
    assert head == ["What", "Accuracy, %", "Cost"]
    assert rows == [["first", "60 ± 14 85", "35 ± 7 15"]]
    assert caption == (
        "Recorded full run, 2 seeds (mean ± standard deviation). "
        "Small: this quick run, 2 seeds (mean ± standard deviation)."
    )


def test_the_caption_counts_the_seeds_and_names_stand_ins(shown):
    made = chapter.Chapter("some")
    made.use(dataclasses.replace(DRAWN, name="others"))  # in no cell of the table
    made.on(DRAWN).add("new", {"accuracy": 0.5}, seed=0)
    made.show({"Accuracy": "accuracy"}, {"new": "new"})
    assert table(shown[0])[0] == (
        "Recorded full run, 3 seeds (mean ± standard deviation). "
        "Small: this quick run, STAND-IN data for letters (drawn), 1 seed."
    )


def test_a_name_that_was_never_added_is_named(shown):
    with pytest.raises(KeyError, match="b_accuracy"):
        filled().show({"Accuracy": "accuracy"}, {"second": "b"})
    assert shown == []


def test_a_name_that_the_recorded_run_lacks_is_named():
    made = filled()
    made.on(REAL).add("c", {"cost": 1}, seed=0)
    with pytest.raises(KeyError, match="c_cost"):
        made.show({"Cost": "cost"}, {"third": "c"})


def test_without_results_there_is_no_table(folder):
    (folder / "some.json").unlink()
    for act in (lambda made: made.show({"Cost": "cost"}, {"first": "a"}), chapter.Chapter.conclude):
        with pytest.raises(FileNotFoundError, match="make reference CHAPTER=some"):
            act(filled())


# Differences, seed by seed.


def two(new: tuple[float, ...], old: tuple[float, ...]) -> chapter.Chapter:
    made = chapter.Chapter("some")
    for prefix, values in (("new", new), ("old", old)):
        for seed, value in enumerate(values):
            made.on(REAL).add(prefix, {"accuracy": value}, seed=seed)
    return made


PAIR = {"new": ("new", "old")}


def test_a_difference_is_taken_seed_by_seed(shown):
    two((0.9, 0.5), (0.8, 0.5)).show_differences(PAIR, "accuracy", title="What")
    caption, head, rows = table(shown[0])
    # The recorded seeds all differ by 20 points, though they lie far apart; here by 10 and 0.
    assert head == ["What", "Difference in points"]
    assert rows == [["new", "20.0 ± 0.0 5.0"]]
    assert caption.startswith("Recorded full run, 3 seeds")


def test_a_difference_of_what_was_not_measured(shown):
    half = two((0.9,), ())
    with pytest.raises(KeyError, match="nothing was added as 'old_accuracy'"):
        half.show_differences(PAIR, "accuracy")
    half.expect("old", ["accuracy"], otherwise="not in this run")
    half.show_differences(PAIR, "accuracy")
    assert table(shown[0])[2] == [["new", "20.0 ± 0.0"]]


def test_a_difference_needs_the_same_seeds():
    seeds = re.escape("with the seeds [[0, 1], [0, 1, 2]]; expected the same")
    with pytest.raises(ValueError, match=seeds):
        two((0.9, 0.8), (0.7, 0.7, 0.7)).show_differences(PAIR, "accuracy")


def test_what_has_no_seed_is_compared_with_a_mean(shown):
    """A head that is solved is measured once, whatever the seeds of its rival are."""
    two((0.9, 0.8), (0.7,)).show_differences(PAIR, "accuracy")
    assert table(shown[0])[2] == [["new", "20.0 ± 0.0 15.0"]]


def test_a_difference_joins_the_numbers_of_a_seed_in_whatever_order_they_came(shown):
    made = two((0.9, 0.8), ())
    for seed, value in ((1, 0.7), (0, 0.8)):
        made.on(REAL).add("old", {"accuracy": value}, seed=seed)
    made.show_differences(PAIR, "accuracy")
    assert table(shown[0])[2] == [["new", "20.0 ± 0.0 10.0"]]


def test_a_difference_of_other_numbers_is_not_in_points(shown):
    filled().show_differences({"a": ("a", "b")}, "cost")
    assert table(shown[0])[1] == ["Difference"]
    assert table(shown[0])[2] == [["a", "32 ± 6 14"]]


def test_a_recorded_difference_can_be_asked_for():
    found = two((), ()).difference("new_accuracy", "old_accuracy")
    assert found.values == (20.0, 20.0, 20.0)
    assert found.is_gain


# The end.


def test_a_chapter_inside_its_bands_says_so(shown, capsys):
    made = complete()
    made.claim("more is better", holds=np.bool_(True))
    made.conclude()
    found = verdict(shown)
    workings = found.pop("workings")
    assert found == {"outside": [], "asserted": 3, "shown": 2, "claims": 1, "not_measured": []}
    assert len(workings) == 3
    assert workings["a_accuracy"]["value"] == pytest.approx(0.61)
    assert workings["a_accuracy"]["low"] < 0.61 < workings["a_accuracy"]["high"]
    assert json.loads(json.dumps(workings)) == workings  # a notebook keeps it as JSON
    caption, head, rows = table(shown[0])
    assert caption == "3 of 5 numbers are held to a band; 1 sentence of this page is checked."
    assert head == ["Metric", "Recorded", "This run", "Band"]
    assert rows[0][:3] == ["a accuracy", "60 ± 14 %", "61.0 %"]
    assert re.fullmatch(r"\d\d\.\d to \d\d\.\d", rows[0][3])
    assert rows[1] == ["a cost", "35 ± 7", "5.00", "shown, not asserted"]
    assert capsys.readouterr().out == ""
    assert shown[1]["text/plain"] == "Every asserted number lies in its band."


@pytest.mark.parametrize("strict", [None, "", "0"])
def test_a_chapter_outside_its_band_is_marked_and_goes_on(shown, strict, monkeypatch):
    if strict is not None:
        monkeypatch.setenv(chapter.STRICT_VARIABLE, strict)
    complete(new_accuracy=0.1).conclude()
    [outside] = verdict(shown)["outside"]
    assert outside.startswith("new_accuracy is 0.1, expected 0.")
    assert table(shown[0])[2][3][3].endswith(": OUTSIDE")
    assert shown[1]["text/plain"] == outside


def test_under_strict_it_raises_after_all_is_shown(shown, monkeypatch):
    monkeypatch.setenv(chapter.STRICT_VARIABLE, "1")
    made = complete(new_accuracy=0.1)
    made.claim("the new is best", holds=False)
    with pytest.raises(AssertionError) as caught:
        made.conclude()
    lines = str(caught.value).splitlines()
    assert lines[0] == "outside what was recorded:"
    assert lines[1].startswith("new_accuracy is 0.1, expected")
    assert lines[2] == "not so: the new is best"
    assert len(verdict(shown)["outside"]) == 2


def test_strict_says_nothing_where_all_is_well(shown, monkeypatch):
    monkeypatch.setenv(chapter.STRICT_VARIABLE, "1")
    complete().conclude()
    assert verdict(shown)["outside"] == []


def test_a_claim_that_fails_marks_the_page(shown):
    made = complete()
    made.claim("a rises", holds=made.metric("a_accuracy").mean > 0.5)
    made.claim("b falls", holds=made.metric("b_cost").mean < 1)
    made.conclude()
    assert verdict(shown)["outside"] == ["not so: b falls"]
    assert verdict(shown)["claims"] == 2


def test_a_claim_whose_cell_runs_again_counts_once(shown):
    made = complete()
    made.claim("b falls", holds=False)
    made.claim("b falls", holds=True)
    made.conclude()
    assert (verdict(shown)["claims"], verdict(shown)["outside"]) == (1, [])


def test_a_metric_that_disappeared_is_named(shown):
    made = complete()
    del made._tallied["b_cost"]
    made.conclude()
    assert verdict(shown)["outside"] == [f"b_cost was recorded and not measured: {AGAIN}"]


def test_a_metric_that_is_new_is_named(shown):
    made = complete()
    made.on(REAL, guess=0.1).add("c", {"accuracy": 0.5}, seed=0)
    made.expect("d", ["accuracy"], otherwise="not in a quick run")
    made.conclude()
    assert verdict(shown)["outside"] == [
        f"c_accuracy is not among the recorded results: {AGAIN}",
        f"d_accuracy is not among the recorded results: {AGAIN}",
    ]


def test_names_may_hold_spaces(shown, folder):
    found = content()
    found["metrics"] = {"few images_cost": found["metrics"]["a_cost"]}
    (folder / "some.json").write_text(json.dumps(found), encoding="utf-8")
    made = chapter.Chapter("some")
    made.on(REAL).add("few images", {"cost": 1}, seed=0)
    made.conclude()
    assert verdict(shown)["outside"] == []


def test_what_is_declared_is_shown_and_not_asserted(shown):
    made = complete(new_accuracy=0.1)
    made.only_shown(["new_accuracy"], because="it swings <wildly>")
    made.conclude()
    assert verdict(shown)["outside"] == []
    assert (verdict(shown)["asserted"], verdict(shown)["shown"]) == (2, 3)
    assert table(shown[0])[2][3][3] == "it swings <wildly>"


def test_data_that_no_run_had_is_held_to_no_band(shown):
    made = complete()
    made.use(dataclasses.replace(DRAWN, name="letters"))
    made.conclude()
    assert (verdict(shown)["asserted"], verdict(shown)["outside"]) == (0, [])
    assert table(shown[0])[2][0][3] == "no earlier run had this data"


# The boxes.


def test_the_box_at_the_foot_names_data_seeds_and_what_is_missing(shown):
    made = filled()
    made.lacks("flowers", "no network")
    made.provenance(seeds=[0, 1])
    facts = shown[0][machine.MIME_TYPE]
    assert facts["seeds"] == [0, 1]
    assert [record["name"] for record in facts["data"]] == ["letters"]
    assert facts["missing"] == [{"name": "flowers", "reason": "no network"}]


def test_the_box_at_the_head_says_what_recording_cost(shown, folder, monkeypatch, report):
    monkeypatch.delenv(reference.REPORT_VARIABLE)
    filled().time_box()
    assert "measured on 2 CPU cores" in shown[0]["text/plain"]
    (folder / "some.json").unlink()
    with pytest.raises(FileNotFoundError, match="make reference CHAPTER=some"):
        filled().time_box()
    monkeypatch.setenv(reference.REPORT_VARIABLE, str(report))
    filled().time_box()
    assert shown[1]["text/plain"] == "being measured for the first time"


# Being recorded.


def test_a_reference_run_hands_over_what_it_measured_and_compares_nothing(shown, report):
    made = chapter.Chapter("unheard_of")
    on = made.on(DRAWN, part="test", n=np.int64(5), guess=np.float32(0.5))
    on.add("a", {"accuracy": 0.25}, seed=0)
    made.expect("b", ["accuracy"], otherwise="not in a quick run")
    made.only_shown(["a_accuracy"], because="few")
    made.claim("holds", holds=True)
    made.claim("does not", holds=False)
    made.conclude()
    assert shown == []
    assert json.loads(report.read_text(encoding="utf-8")) == {
        "chapter": "unheard_of",
        "profile": "quick",
        "metrics": {
            "a_accuracy": {
                "mean": 0.25,
                "std": 0.0,
                "values": [0.25],
                "n": 5,
                "unit": "fraction",
                "data": ["letters"],
                "part": "test",
                "guess": 0.5,
            }
        },
        "series": {},
        "not_measured": ["b_accuracy"],
        "shown": {"a_accuracy": "few"},
        "claims_failed": ["does not"],
        "data": [dataclasses.asdict(DRAWN)],
    }


def test_a_full_reference_run_leaves_nothing_out(report, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    made = complete()
    made.expect("d", ["accuracy"], otherwise="no weights")
    with pytest.raises(ValueError, match=r"must measure everything; missing: .*no weights"):
        made.conclude()
    assert not report.exists()


def test_a_full_reference_run_is_its_own_record(report, shown, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    made = filled()
    made.on(REAL).add_series("curve", [1], {"a": [[0.5]]})
    assert made.metric("a_accuracy").mean == pytest.approx(0.85)
    assert made.series("curve")["x"] == [1]
    with pytest.raises(KeyError, match="new_accuracy"):
        made.metric("new_accuracy")
    made.show({"Accuracy": "accuracy"}, {"first": "a"})
    caption, _, rows = table(shown[0])
    assert rows == [["first", "85 ± 7"]]
    assert caption == "This full run, 2 seeds (mean ± standard deviation)."
    made.time_box()
    assert shown[1]["text/plain"] == "being measured for the first time"


def test_a_quick_reference_run_has_the_recorded_run_and_its_own_new_numbers(report, shown):
    made = filled()
    on = made.on(REAL)
    on.add("c", {"accuracy": 0.5}, seed=0)
    on.add_series("curve", [1], {"a": [[0.5]]})
    assert made.metric("a_accuracy").mean == pytest.approx(0.6)
    assert made.metric("c_accuracy").mean == 0.5
    assert made.series("curve")["x"] == [1]
    made.show({"Accuracy": "accuracy"}, {"first": "a", "new": "c"})
    assert table(shown[0])[2] == [["first", "60.0 ± 14.1 85.0"], ["new", "50.0"]]


def test_a_recorded_series_is_not_replaced_by_a_quick_reference_run(report, folder):
    found = content() | {"series": {"curve": {"x": [7]}}}
    (folder / "some.json").write_text(json.dumps(found), encoding="utf-8")
    made = chapter.Chapter("some")
    made.on(REAL).add_series("curve", [1], {"a": [[0.5]]})
    assert made.series("curve") == {"x": [7]}


def test_without_a_results_file_a_quick_reference_run_stands_in_for_it(report, folder, shown):
    (folder / "some.json").unlink()
    made = filled()
    assert made.metric("a_accuracy").mean == pytest.approx(0.85)
    made.show({"Accuracy": "accuracy"}, {"first": "a", "gap": "z"}, missing="later")
    assert table(shown[0])[2] == [["first", "85 ± 7"], ["gap", "–"]]


def test_a_collected_quick_run_of_a_recorded_chapter_is_judged_too(shown, report, monkeypatch):
    """As `tools/everywhere.py` runs it: what it measured is handed over, and nothing is raised."""
    monkeypatch.setenv(chapter.STRICT_VARIABLE, "1")
    complete(a_accuracy=0.1).conclude()
    facts = next(bundle[chapter.VERDICT_MIME] for bundle in shown if chapter.VERDICT_MIME in bundle)
    assert any(sentence.startswith("a_accuracy is 0.1, ") for sentence in facts["outside"])
    assert json.loads(report.read_text(encoding="utf-8"))["metrics"]["a_accuracy"]["mean"] == 0.1
