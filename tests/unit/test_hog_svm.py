"""The leaderboard: what a trial times, and what a row says."""

import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from seeing.datasets import sources
from seeing.lessons import hog_figures, hog_svm
from seeing.record import chapter, reference

REAL = sources.DataRecord(name="letters", origin="a mirror", sha256="ab")


class Constant:
    """Always says 1."""

    seen = None

    def fit(self, X, y):
        self.seen = (len(X), list(y))

    def predict(self, X):
        return [1] * len(X)


def trial(predicted: list[int], training_s: float = 0.0, prediction_s: float = 0.0):
    """A trial without its model."""
    answers = np.array(predicted)
    return hog_svm.Trial(
        model=None, predicted=answers, training_s=training_s, prediction_s=prediction_s
    )


def test_a_trial_trains_on_the_one_and_predicts_the_other():
    found = hog_svm.trial(Constant(), np.zeros((3, 2)), [0, 1, 1], np.zeros((5, 2)))
    assert found.model.seen == (3, [0, 1, 1])
    assert isinstance(found.predicted, np.ndarray) and found.predicted.tolist() == [1] * 5


def test_each_clock_holds_its_own_part(monkeypatch):
    clock = iter([10.0, 13.0, 13.0, 13.5])
    monkeypatch.setattr(hog_svm.time, "perf_counter", lambda: next(clock))
    found = hog_svm.trial(Constant(), np.zeros((1, 1)), [1], np.zeros((4, 1)))
    assert (found.training_s, found.prediction_s, found.seconds) == (3.0, 0.5, 3.5)
    assert found.microseconds == 125_000


def test_the_least_of_several_prediction_times_counts(monkeypatch):
    clock = iter([0.0, 3.0, 10.0, 12.0, 20.0, 20.5, 30.0, 31.0])
    monkeypatch.setattr(hog_svm.time, "perf_counter", lambda: next(clock))
    found = hog_svm.trial(Constant(), np.zeros((1, 1)), [1], np.zeros((4, 1)), repeats=3)
    assert (found.training_s, found.prediction_s) == (3.0, 0.5)
    with pytest.raises(ValueError, match="repeats is 0"):
        hog_svm.trial(Constant(), np.zeros((1, 1)), [1], np.zeros((4, 1)), repeats=0)


def measured(trials: list[hog_svm.Trial], truth: list[int], prefix: str = "tree"):
    """A chapter that holds the trials' accuracies, one a seed."""
    record = chapter.Chapter("words")
    sample = record.on(REAL, part="test", n=len(truth), guess=0.5)
    for seed, one in enumerate(trials):
        sample.add(prefix, {"test_accuracy": one.accuracy(np.array(truth))}, seed=seed)
    return record, sample


def test_an_accuracy_for_each_seed():
    trials = [trial([1, 1, 0, 0]), trial([1, 1, 1, 1])]
    record, _ = measured(trials, [1, 1, 0, 1])
    found = record.here("tree_test_accuracy")
    assert found.values == (0.75, 0.75) and found.n == 4 and found.unit == "fraction"


def test_right_answers_that_do_not_fit_are_refused():
    # Compared as they are, NumPy would repeat a single right answer for all.
    with pytest.raises(ValueError, match="3 answers, but 1 right ones"):
        trial([1, 1, 0]).accuracy(np.array([1]))


def recorded(monkeypatch: pytest.MonkeyPatch, **series: dict) -> None:
    """Let a full run be recorded, of two methods."""
    full = {
        name: {"values": [value], "n": 10_000, "unit": "fraction"}
        for name, value in {"tree_test_accuracy": 0.9, "other_test_accuracy": 0.8}.items()
    }
    content = {"chapter": "words", "metrics": full, "series": series, "data": []}
    monkeypatch.delenv(reference.REPORT_VARIABLE, raising=False)
    monkeypatch.setattr(reference, "load", lambda slug: reference.Recorded(content))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list:
    """What tables.show_results was asked to show."""
    calls = []
    monkeypatch.setattr(
        hog_svm.tables, "show_results", lambda *table, **more: calls.append((*table, more))
    )
    monkeypatch.setattr(hog_svm, "stored_bytes", lambda model: 1_234_567)
    return calls


def test_a_row_says_everything(monkeypatch, shown):
    recorded(monkeypatch)
    trials = [trial([1, 1, 0, 1], 1.0, 4e-3), trial([1, 1, 0, 0], 3.0, 8e-3)]
    record, _ = measured(trials, [1, 1, 0, 0])
    hog_svm.show(record, "board", {"tree": trials}, REAL, prefixes={"tree": "tree"})
    [(columns, rows, _)] = shown
    assert columns == [
        "Test accuracy",
        "interval from",
        "to",
        "Training, this run",
        "One prediction, this run",
        "Size, this run",
    ]
    accuracy, low, high, *costs = rows["tree"]
    assert accuracy.recorded.values == (0.9,) and accuracy.here.values == (0.75, 1.0)
    assert (low.shown.mean, high.shown.mean) == accuracy.recorded.interval()
    assert all(cost.recorded is None for cost in costs)
    assert [(str(cost.here.mean), cost.here.unit) for cost in costs] == [
        ("2.0", "s"),
        ("1500.0", "µs"),
        ("1234.567", "kB"),
    ]


def test_a_row_has_a_cell_for_each_column(monkeypatch, shown):
    recorded(monkeypatch)
    record, _ = measured([trial([1])], [1])
    hog_svm.show(record, "board", {"tree": [trial([1])]}, REAL, prefixes={"tree": "tree"})
    [(columns, rows, _)] = shown
    assert len(rows["tree"]) == len(columns)


def test_the_caption_names_the_data_and_says_when_it_is_a_stand_in(monkeypatch, shown):
    recorded(monkeypatch)
    drawn = sources.DataRecord(name="drawn", origin="by code", sha256="cd", is_stand_in=True)
    record, _ = measured([trial([1])], [1])
    for data in (REAL, drawn):
        hog_svm.show(record, "board", {"tree": [trial([1])]}, data, prefixes={"tree": "tree"})
    real, stand_in = (more["caption"] for *_, more in shown)
    assert real.startswith("Recorded full run, 10,000 test images")
    assert real.endswith("1 test images of letters.")
    assert stand_in.endswith("1 test images of drawn, STAND-IN data.")


def test_the_table_shows_what_is_recorded_of_a_method_without_runs(monkeypatch, shown):
    recorded(monkeypatch)
    record, _ = measured([trial([1, 1])], [1, 0])
    prefixes = {"tree": "tree", "no weights": "other"}
    hog_svm.show(record, "board", {"tree": [trial([1, 1])]}, REAL, prefixes=prefixes)
    [(_, rows, _)] = shown
    assert list(rows) == ["tree", "no weights"]
    accuracy, _, _, *costs = rows["no weights"]
    assert accuracy.recorded.mean == 0.8 and accuracy.here is None
    assert all(cost.shown is None for cost in costs)


def test_recorded_costs_stand_in_front_of_this_runs(monkeypatch, shown):
    runs = {"tree": [trial([1, 1], 7.0, 2e-6)]}
    record, sample = measured(runs["tree"], [1, 0])
    hog_svm.add_costs(sample, "board", runs)
    recorded(monkeypatch, **record._series)
    runs = {"tree": [trial([1, 1], 9.0, 2e-6)]}
    hog_svm.show(record, "board", runs, REAL, prefixes={"tree": "tree"})
    [(columns, rows, _)] = shown
    assert columns[3:] == ["Training", "One prediction", "Size"]
    training, prediction, size = rows["tree"][3:]
    assert (training.recorded.mean, training.here.mean) == (7.0, 9.0)
    assert prediction.recorded.mean == 1.0 and size.recorded.mean == 1234.567


def test_growing_trials_become_three_panels():
    curves = {"tree": [trial([1, 0], 1.0, 2e-6), trial([1, 1], 4.0, 4e-6)]}
    assert hog_svm.panels(curves, np.array([1, 1])) == {
        "errors in %": {"tree": [50.0, 0.0]},
        "training, seconds": {"tree": [1.0, 4.0]},
        "one prediction, µs": {"tree": pytest.approx([1.0, 2.0])},
    }


def test_the_ends_of_the_errors_are_recorded_where_no_curve_is(monkeypatch):
    accuracies = {"tree_9_images": 0.75, "tree_most_images": 0.875}
    content = {
        "chapter": "words",
        "metrics": {
            f"{name}_validation_accuracy": {"values": [value], "n": 8, "unit": "fraction"}
            for name, value in accuracies.items()
        },
        "data": [],
    }
    monkeypatch.delenv(reference.REPORT_VARIABLE, raising=False)
    monkeypatch.setattr(reference, "load", lambda slug: reference.Recorded(content))
    record = chapter.Chapter("words")
    found = hog_svm.recorded_panels(record, {"tree": "tree"}, (9, 99))
    assert found == {"errors in %": ((9, 99), {"tree": [25.0, 12.5]})}


def test_recorded_panels_are_the_panels_that_were_kept(monkeypatch):
    drawn = hog_svm.panels({"tree": [trial([1, 0], 1.0, 2e-6)] * 2}, np.array([1, 1]))
    record, sample = measured([trial([1])], [1])
    hog_svm.add_panels(sample, [9, 99], drawn)
    recorded(monkeypatch, **record._series)
    found = hog_svm.recorded_panels(record, {"tree": "tree"}, (9, 99))
    assert set(found) == set(drawn)
    for title, (sizes, lines) in found.items():
        assert sizes == [9, 99] and lines["tree"] == pytest.approx(drawn[title]["tree"])


def test_the_figure_has_this_run_in_gray_only_beside_what_is_recorded():
    here = {"errors in %": {"tree": [50.0, 40.0]}, "training, seconds": {"tree": [1.0, 4.0]}}
    known = {"errors in %": ((9, 999), {"tree": [20.0, 2.0]})}
    errors, training = hog_figures.growth([9, 99], here, known)
    assert (errors.get_title(), training.get_title()) == (
        "errors in %",
        "training, seconds, this run",
    )
    grays = [
        [line for line in axis.lines if line.get_color() == "0.6"] for axis in (errors, training)
    ]
    assert [line.get_ydata().tolist() for line in grays[0]] == [[50.0, 40.0]]
    assert grays[1] == []
    front = errors.lines[0].get_ydata().tolist()
    assert front[0] == 20.0 and np.isnan(front[1]) and front[2] == 2.0


def test_what_has_to_be_stored_is_what_the_model_says_or_its_pickle():
    assert hog_svm.stored_bytes(types.SimpleNamespace(size_bytes=17)) == 17
    small, large = (hog_svm.stored_bytes(np.zeros(n)) for n in (10, 1_000))
    assert 80 < small < 8_000 < large < 9_000


def test_growth_has_both_ends_and_both_slopes():
    curve = [trial([1, 0], 1.0, 2e-6), trial([1, 1], 4.0, 4e-6)]
    found = hog_svm.growth([100, 200], curve, np.array([1, 1]))
    assert found == pytest.approx(
        {
            "growth": 2.0,
            "prediction_growth": 1.0,
            "100_images_validation_accuracy": 0.5,
            "most_images_validation_accuracy": 1.0,
        }
    )
    record = chapter.Chapter("words")
    record.on(REAL, part="validation", n=2, guess=0.5).add("tree", found, seed=0)
    kept = record.measured()
    assert kept["tree_growth"].unit == kept["tree_prediction_growth"].unit == "ratio"
    assert kept["tree_growth"].guess is None
    assert kept["tree_most_images_validation_accuracy"].n == 2


@given(some.floats(-3, 3), some.floats(1e-3, 1e3))
def test_a_power_is_found_again(power, factor):
    sizes = [10, 300, 7_000]
    values = [factor * size**power for size in sizes]
    found = hog_svm.slope(sizes, values)
    assert found == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize(("sizes", "values"), [([5], [1.0]), ([5, 6], [1.0]), ([], [])])
def test_a_slope_needs_two_points(sizes, values):
    with pytest.raises(ValueError, match="at least 2"):
        hog_svm.slope(sizes, values)


def test_a_search_shows_what_is_recorded_and_this_run(monkeypatch, shown):
    lines = {"HOG": [[0.9], [0.95]]}
    record, sample = measured([trial([1])], [1])
    recorded(monkeypatch)
    hog_svm.show_search(record, "search", [0.1, 1.0], lines, n=20, title="C")
    sample.add_series("search", [0.1, 1.0], {"HOG": [[0.8], [0.85]]})
    recorded(monkeypatch, **record._series)
    hog_svm.show_search(record, "search", [0.1], {"HOG": [[0.9]], "new": [[0.5]]}, n=20, title="C")
    (columns, rows, alone), (_, both, beside) = shown
    assert columns == ["0.1", "1"]
    assert [(cell.recorded, cell.here.mean) for cell in rows["HOG"]] == [(None, 0.9), (None, 0.95)]
    assert alone["caption"].endswith("this run.") and "recorded" in beside["caption"]
    assert [cell.recorded.mean for cell in both["HOG"]] == [0.8, 0.85]
    assert both["HOG"][0].here.mean == 0.9 and both["HOG"][1].here is None
    assert both["new"][0].recorded is None and both["new"][0].here.n == 20
