"""A chapter's record: numbers seed by seed, shown beside the recorded run, claims, a verdict."""

import json
import pathlib

import pytest

from seeing.datasets import sources
from seeing.record import chapter, metric, reference, tables

MNIST = sources.DataRecord("mnist", "made here", "ab" * 32)
DRAWN = sources.DataRecord("mnist", "drawn", "cd" * 32, is_stand_in=True)


def quick_runs(*values: float, data: str = "ab" * 32) -> list[dict]:
    return [
        {"data": {"mnist": data}, "metrics": {"a_accuracy": v}, "n": {"a_accuracy": 500}}
        for v in values
    ]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What is displayed, in order."""
    found: list[dict] = []
    monkeypatch.setattr(tables.display, "display", lambda data, raw: found.append(data))
    monkeypatch.delenv(reference.REPORT_VARIABLE, raising=False)
    monkeypatch.delenv(chapter.STRICT_VARIABLE, raising=False)
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    return found


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, shown: list) -> dict:
    """A results file; write it again with ``write`` after a change."""
    monkeypatch.setattr(reference, "folder", lambda: tmp_path)
    accuracy = metric.metric([0.9, 0.91, 0.92], n=500, data=["mnist"], part="test", guess=0.1)
    content = {
        "chapter": "some",
        "metrics": {"a_accuracy": accuracy.as_json()},
        "data": [{"name": "mnist", "sha256": "ab" * 32, "is_stand_in": False}],
        "quick_runs": quick_runs(0.8, 0.81, 0.79, 0.8, 0.82),
        "folder": tmp_path,
    }
    write(content)
    return content


def write(content: dict) -> None:
    known = {key: value for key, value in content.items() if key != "folder"}
    (content["folder"] / "some.json").write_text(json.dumps(known), encoding="utf-8")


def run(accuracy: float = 0.8, data: sources.DataRecord = MNIST) -> chapter.Chapter:
    """A chapter that has measured one number."""
    record = chapter.Chapter("some")
    sample = record.on(data, part="test", n=500, guess=0.1)
    sample.add("a", {"accuracy": accuracy}, seed=0)
    return record


def verdict(shown: list[dict]) -> dict:
    return next(data[chapter.VERDICT_MIME] for data in shown if chapter.VERDICT_MIME in data)


def test_seeds_are_kept_in_order_and_a_cell_may_run_again() -> None:
    record = chapter.Chapter("some")
    sample = record.on(MNIST, part="test", n=500, guess=0.1)
    for seed, value in ((1, 0.7), (0, 0.5), (1, 0.6)):
        sample.add("a", {"accuracy": value, "gain": 1.0, "time": 2.0}, seed=seed)
    found = record.measured()
    assert found["a_accuracy"] == metric.metric(
        [0.5, 0.6], n=500, data=["mnist"], part="test", guess=0.1
    )
    assert (found["a_gain"].unit, found["a_gain"].guess) == (metric.POINTS, 0.0)
    assert (found["a_time"].unit, found["a_time"].n) == (metric.SECONDS, 0)


def test_a_share_that_is_no_accuracy_needs_a_guess_of_its_own() -> None:
    record = chapter.Chapter("some")
    record.on(MNIST, n=50, guess=0.1).add(
        "a", {"recall": 0.5, "top": 0.9}, seed=0, guesses={"top": 0.3}, units={"top": "fraction"}
    )
    assert record.here("a_recall").guess is None
    assert record.here("a_top") == metric.metric(0.9, n=50, data=["mnist"], guess=0.3)


def test_another_number_of_examples_is_refused() -> None:
    record = run()
    sample = record.on(MNIST, n=100)
    with pytest.raises(ValueError, match="on 500 examples before, now on 100"):
        sample.add("a", {"accuracy": 0.5}, seed=1)


def test_a_run_inside_its_bands_raises_nothing(shown: list, results: dict) -> None:
    record = run()
    record.claim("nine in ten", record.metric("a_accuracy").mean > 0.89)
    record.conclude()
    found = verdict(shown)
    assert (found["outside"], found["asserted"], found["claims"]) == ([], 1, 1)
    assert "1 of 1 numbers are held to a band" in shown[0]["text/plain"]


def test_a_run_outside_is_told_and_raises_only_where_it_is_asked_to(
    shown: list, results: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(0.3).conclude()
    assert "a_accuracy is 0.3, expected" in verdict(shown)["outside"][0]
    assert "OUTSIDE" in shown[0]["text/plain"]
    monkeypatch.setenv(chapter.STRICT_VARIABLE, "1")
    with pytest.raises(AssertionError, match=r"a_accuracy is 0\.3"):
        run(0.3).conclude()


def test_a_claim_that_does_not_hold_is_told(shown: list, results: dict) -> None:
    record = run()
    record.claim("it flies", False)
    record.conclude()
    assert verdict(shown)["outside"] == ["not so: it flies"]


def test_stand_ins_are_held_to_runs_on_stand_ins(shown: list, results: dict) -> None:
    run(0.5, DRAWN).conclude()
    assert verdict(shown)["asserted"] == 0
    results["quick_runs"] += quick_runs(0.5, 0.52, 0.49, 0.5, data=reference.STAND_IN)
    write(results)
    shown.clear()
    run(0.5, DRAWN).conclude()
    assert (verdict(shown)["asserted"], verdict(shown)["outside"]) == (1, [])


def test_another_edition_gets_a_wider_band(shown: list, results: dict) -> None:
    other = sources.DataRecord("mnist", "elsewhere", "ef" * 32)
    run(0.75, other).conclude()
    assert (verdict(shown)["asserted"], verdict(shown)["outside"]) == (1, [])


def test_what_is_only_shown_has_no_band(shown: list, results: dict) -> None:
    record = run(0.2)
    record.only_shown(["a_accuracy"], because="it is chaos")
    record.conclude()
    assert (verdict(shown)["asserted"], verdict(shown)["outside"]) == (0, [])
    assert "it is chaos" in shown[0]["text/plain"]


def test_a_metric_that_vanished_or_is_new_is_told(shown: list, results: dict) -> None:
    record = run()
    record.on(MNIST, n=5).add("b", {"accuracy": 0.5}, seed=0)
    record.conclude()
    assert verdict(shown)["outside"] == [
        "b_accuracy is not among the recorded results: run make reference CHAPTER=some"
    ]
    shown.clear()
    chapter.Chapter("some").conclude()
    assert "a_accuracy was recorded and not measured" in verdict(shown)["outside"][0]


def test_what_is_expected_may_be_missing(shown: list, results: dict) -> None:
    record = chapter.Chapter("some")
    record.expect("a", ["accuracy"], otherwise="not in a quick run")
    record.show({"Accuracy": "accuracy"}, {"A": "a"})
    assert "91" in shown[0]["text/plain"]
    record.conclude()
    assert verdict(shown)["outside"] == []
    assert verdict(shown)["not_measured"] == ["a_accuracy"]


def test_a_table_says_whose_numbers_it_shows(shown: list, results: dict) -> None:
    run(0.8, DRAWN).show({"Accuracy": "accuracy"}, {"A": "a"})
    text = shown[0]["text/plain"]
    assert "Recorded full run, 3 seeds" in text
    assert "this quick run, STAND-IN data for mnist, 1 seed" in text
    with pytest.raises(KeyError, match="nothing was added as 'b_accuracy'"):
        run().show({"Accuracy": "accuracy"}, {"B": "b"})


def test_a_report_holds_what_was_measured(
    shown: list, results: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "report"
    monkeypatch.setenv(reference.REPORT_VARIABLE, str(path))
    record = run()
    record.claim("it flies", False)
    record.on(MNIST, n=5).add_series("curve", [1, 2], {"a": [[0.1], [0.2]]})
    record.conclude()
    said = json.loads(path.read_text(encoding="utf-8"))
    assert said["metrics"]["a_accuracy"]["values"] == [0.8]
    assert said["series"]["curve"]["x"] == [1, 2]
    assert said["claims_failed"] == ["it flies"]
    assert shown == []


def test_in_a_full_reference_run_this_run_is_the_recorded_one(
    shown: list, results: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv(reference.REPORT_VARIABLE, str(tmp_path / "report"))
    monkeypatch.setenv("SEEING_PROFILE", "full")
    record = run(0.77)
    assert record.metric("a_accuracy").values == (0.77,)
    record.expect("b", ["accuracy"], otherwise="too slow")
    with pytest.raises(ValueError, match="must measure everything"):
        record.conclude()


def test_a_series_has_an_entry_for_each_place() -> None:
    with pytest.raises(ValueError, match="1 entries for 2 places"):
        run().on(MNIST).add_series("curve", [1, 2], {"a": [[0.1]]})


def test_a_slug() -> None:
    assert chapter.slug("rate 0.002, falling") == "rate_0_002_falling"
