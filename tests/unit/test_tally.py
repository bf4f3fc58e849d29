"""A chapter's numbers: one a seed, averaged, and shown beside the recorded full run."""

import json
import pathlib

import pytest

from seeing import results, tally


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> list[str]:
    """The tables that are shown, as Markdown; the reference holds three metrics."""
    found = []
    monkeypatch.setattr(results.display, "display", lambda table: found.append(table.data))
    monkeypatch.setattr(results, "folder", lambda: tmp_path)
    monkeypatch.delenv(results.REPORT_VARIABLE, raising=False)
    metrics = {
        "a_accuracy": results.metric([0.5, 0.7]).as_json(),
        "a_cost": results.metric([30, 40], unit="ratio").as_json(),
        "b_cost": results.metric([3, 4], unit="ratio").as_json(),
    }
    (tmp_path / "some.json").write_text(json.dumps({"metrics": metrics}), encoding="utf-8")
    return found


@pytest.fixture
def filled() -> tally.Tally:
    """Two seeds of three metrics."""
    made = tally.Tally("some", n=100)
    for accuracy, cost in ((0.8, 10), (0.9, 20)):
        made.add("a", {"accuracy": accuracy, "cost": cost})
        made.add("b", {"cost": cost / 10})
    return made


def test_it_keeps_one_number_a_seed(filled):
    assert filled.metrics() == {
        "a_accuracy": results.metric([0.8, 0.9], n=100),
        "a_cost": results.metric([10, 20], n=100, unit="ratio"),
        "b_cost": results.metric([1, 2], n=100, unit="ratio"),
    }


def test_only_an_accuracy_is_held_to_a_band():
    made = tally.Tally("some")
    made.add("", {"inaccuracy": 0.1})
    made.add("a", {"accuracy": 0.1, "accuracy_gain": 0.1})
    units = {name: metric.unit for name, metric in made.metrics().items()}
    assert units == {"_inaccuracy": "ratio", "a_accuracy": "fraction", "a_accuracy_gain": "ratio"}


def test_an_empty_tally_has_no_metrics():
    assert tally.Tally("some").metrics() == {}


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 1.5])
def test_an_accuracy_must_be_a_fraction(wrong):
    made = tally.Tally("some")
    made.add("a", {"accuracy": wrong})
    with pytest.raises(ValueError):
        made.metrics()


def test_one_column_stands_beside_its_reference(filled, shown):
    filled.show({"Cost": "cost"}, {"first": "a", "second": "b"})
    (table,) = shown
    assert table.splitlines() == [
        "| This run and the recorded one | Cost | Reference, full profile |",
        "| --- | --- | --- |",
        "| first | 15 ± 7.1 (2 seeds) | 35 ± 7.1 (2 seeds) |",
        "| second | 1.5 ± 0.71 (2 seeds) | 3.5 ± 0.71 (2 seeds) |",
    ]


def test_several_columns_have_a_table_for_this_run_and_one_for_the_reference(filled, shown):
    filled.show({"Accuracy": "accuracy", "Cost": "cost"}, {"first": "a"})
    here, full = shown
    assert here.splitlines()[0] == "| This run | Accuracy | Cost |"
    assert here.splitlines()[2] == "| first | 85.00 % ± 7.07 (2 seeds) | 15 ± 7.1 (2 seeds) |"
    assert full.splitlines()[0] == "| Reference, full profile | Accuracy | Cost |"
    assert full.splitlines()[2] == "| first | 60.00 % ± 14.14 (2 seeds) | 35 ± 7.1 (2 seeds) |"


def test_a_reference_run_has_no_reference_yet(filled, shown, monkeypatch):
    monkeypatch.setenv(results.REPORT_VARIABLE, "report.json")
    filled.show({"Cost": "cost"}, {"first": "a"})
    assert "being measured" in shown[0]


def test_a_name_that_was_never_added_is_named(filled, shown):
    with pytest.raises(KeyError, match="b_accuracy"):
        filled.show({"Accuracy": "accuracy"}, {"second": "b"})
    assert shown == []


def test_a_name_that_the_reference_lacks_is_named(filled, shown):
    filled.add("c", {"cost": 1})
    with pytest.raises(KeyError, match="c_cost"):
        filled.show({"Cost": "cost"}, {"third": "c"})
