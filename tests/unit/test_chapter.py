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
    for seed, (accuracy, cost) in enumerate(((0.8, 10), (0.9, 20))):
        made.add("a", {"accuracy": accuracy, "cost": cost}, seed=seed)
        made.add("b", {"cost": cost / 10}, seed=seed)
    return made


def test_it_keeps_one_number_a_seed(filled):
    assert filled.metrics() == {
        "a_accuracy": results.metric([0.8, 0.9], n=100),
        "a_cost": results.metric([10, 20], n=100, unit="ratio"),
        "b_cost": results.metric([1, 2], n=100, unit="ratio"),
    }


def test_only_an_accuracy_is_held_to_a_band():
    made = tally.Tally("some")
    made.add("", {"inaccuracy": 0.1}, seed=0)
    made.add("a", {"accuracy": 0.1, "accuracy_gain": 0.1}, seed=0)
    units = {name: metric.unit for name, metric in made.metrics().items()}
    assert units == {"_inaccuracy": "ratio", "a_accuracy": "fraction", "a_accuracy_gain": "ratio"}


def test_an_empty_tally_has_no_metrics():
    assert tally.Tally("some").metrics() == {}


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 1.5])
def test_an_accuracy_must_be_a_fraction(wrong):
    made = tally.Tally("some")
    made.add("a", {"accuracy": wrong}, seed=0)
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
    filled.add("c", {"cost": 1}, seed=0)
    with pytest.raises(KeyError, match="c_cost"):
        filled.show({"Cost": "cost"}, {"third": "c"})


def test_a_gap_is_shown_if_allowed_and_told_to_the_closing_table(filled, shown):
    filled.show({"Cost": "cost"}, {"first": "a"}, missing="not in this run")
    assert filled.missing() == {}
    lone = tally.Tally("some")
    lone.show({"Cost": "cost"}, {"first": "a", "second": "b"}, missing="not in this run")
    assert shown[-1].splitlines()[2] == "| first | not in this run | 35 ± 7.1 (2 seeds) |"
    assert lone.missing() == {"a_cost": "not in this run", "b_cost": "not in this run"}
    lone.add("a", {"cost": 3}, seed=0)
    assert lone.missing() == {"b_cost": "not in this run"}


def test_what_is_withheld_counts_as_not_measured(filled):
    filled.withhold(["a_accuracy", "b_cost"], "stand-in data")
    assert set(filled.metrics()) == {"a_cost"}
    assert filled.missing() == {"a_accuracy": "stand-in data", "b_cost": "stand-in data"}
    with pytest.raises(KeyError, match="b_cost"):
        filled.withhold(["b_cost"], "again")


def test_a_number_may_have_its_own_count_and_a_time_has_none():
    made = tally.Tally("some", n=100)
    made.add("a", {"test_accuracy": 0.5, "training_time": 60}, seed=0, n=7)
    assert made.metrics() == {
        "a_test_accuracy": results.metric(0.5, n=7),
        "a_training_time": results.metric(60, n=0, unit="s"),
    }
    with pytest.raises(ValueError, match=r"'a_test_accuracy' was measured on 7 .* now on 100"):
        made.add("a", {"test_accuracy": 0.6}, seed=1)
    assert made.metrics()["a_test_accuracy"].values == (0.5,)


def test_a_cell_that_runs_again_replaces_what_it_added(filled):
    filled.add("a", {"accuracy": 0.7, "cost": 15}, seed=0)
    assert filled.metrics()["a_accuracy"] == results.metric([0.7, 0.9], n=100)
    made = tally.Tally("some", n=5)
    made.add("a", {"accuracy": 0.7}, seed=0)
    made.add("a", {"accuracy": 0.8}, seed=0, n=9)  # the only seed: its count may change
    assert made.metrics()["a_accuracy"] == results.metric(0.8, n=9)


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
    assert tally.slug(text) == name


def test_what_is_expected_is_missing_until_it_is_added(shown):
    made = tally.Tally("some")
    made.expect("a", ("accuracy", "cost"), otherwise="not in this run")
    assert made.missing() == {"a_accuracy": "not in this run", "a_cost": "not in this run"}
    made.show({"Accuracy": "accuracy"}, {"first": "a"})
    assert "| first | not in this run | 60.00 % " in shown[0]
    made.add("a", {"accuracy": 0.5}, seed=0)
    made.expect("a", ("accuracy",), otherwise="not in this run")  # the cell runs again
    assert made.missing() == {"a_cost": "not in this run"}
    made.show({"Accuracy": "accuracy"}, {"first": "a"})
    assert "| first | 50.00 % " in shown[1]
    with pytest.raises(KeyError, match="nothing was added as 'b_cost'"):
        made.show({"Cost": "cost"}, {"second": "b"})


# Differences, seed by seed.


@pytest.fixture
def recorded_pair(shown, tmp_path: pathlib.Path) -> list[str]:
    """The tables that are shown; the reference holds two accuracies of three seeds."""
    values = {"new_accuracy": [0.7, 0.8, 0.9], "old_accuracy": [0.5, 0.6, 0.7]}
    metrics = {name: results.metric(found).as_json() for name, found in values.items()}
    (tmp_path / "some.json").write_text(json.dumps({"metrics": metrics}), encoding="utf-8")
    return shown


def two(new: tuple[float, ...], old: tuple[float, ...]) -> tally.Tally:
    made = tally.Tally("some")
    for prefix, values in (("new", new), ("old", old)):
        for seed, value in enumerate(values):
            made.add(prefix, {"accuracy": value}, seed=seed)
    return made


def test_a_difference_is_taken_seed_by_seed(recorded_pair):
    two((0.9, 0.5), (0.8, 0.5)).show_differences({"new": ("new", "old")}, "accuracy")
    row = recorded_pair[0].splitlines()[-1]
    # 10 and 0 points; the recorded seeds all differ by 20, though they lie far apart.
    assert row == "| new | 5 ± 7.1 (2 seeds) | 20 ± 0 (3 seeds) |"


def test_a_difference_of_what_was_not_measured(recorded_pair):
    half = two((0.9,), ())
    with pytest.raises(KeyError, match="nothing was added as 'old_accuracy'"):
        half.show_differences({"new": ("new", "old")}, "accuracy")
    half.expect("old", ["accuracy"], otherwise="not in this run")
    half.show_differences({"new": ("new", "old")}, "accuracy")
    assert "| new | not in this run | 20 " in recorded_pair[0]


def test_a_difference_needs_the_same_seeds(recorded_pair):
    with pytest.raises(ValueError, match=r"with the seeds \[\[0, 1\], \[0\]\]; expected the same"):
        two((0.9, 0.8), (0.7,)).show_differences({"new": ("new", "old")}, "accuracy")


def test_a_difference_joins_the_numbers_of_a_seed_in_whatever_order_they_came(recorded_pair):
    made = two((0.9, 0.8), ())
    for seed, value in ((1, 0.7), (0, 0.8)):
        made.add("old", {"accuracy": value}, seed=seed)
    made.show_differences({"new": ("new", "old")}, "accuracy")
    assert "| new | 10 ± 0 (2 seeds) |" in recorded_pair[0]


def test_a_difference_in_a_reference_run_is_being_measured(recorded_pair, monkeypatch):
    monkeypatch.setenv(results.REPORT_VARIABLE, "somewhere.json")
    two((0.9,), (0.7,)).show_differences({"new": ("new", "old")}, "accuracy")
    assert "| new | 20 (1 seed) | being measured |" in recorded_pair[0]
