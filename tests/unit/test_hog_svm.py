"""The leaderboard: what a trial times, and what a row says."""

import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from seeing import metrics
from seeing.datasets import sources
from seeing.lessons import hog_svm


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
    clock = iter([10.0, 13.0, 13.5])
    monkeypatch.setattr(hog_svm.time, "perf_counter", lambda: next(clock))
    found = hog_svm.trial(Constant(), np.zeros((1, 1)), [1], np.zeros((4, 1)))
    assert (found.training_s, found.prediction_s, found.seconds) == (3.0, 0.5, 3.5)
    assert found.microseconds == 125_000


def test_an_accuracy_for_each_seed():
    found = hog_svm.accuracy([trial([1, 1, 0, 0]), trial([1, 1, 1, 1])], np.array([1, 1, 0, 1]))
    assert found.values == (0.75, 0.75) and found.n == 4 and found.unit == "fraction"


def test_right_answers_that_do_not_fit_are_refused():
    # Compared as they are, NumPy would repeat a single right answer for all.
    with pytest.raises(ValueError, match="3 answers, but 1 right ones"):
        trial([1, 1, 0]).accuracy(np.array([1]))


def test_a_row_says_everything():
    truth = np.array([1, 1, 0, 0])
    trials = [trial([1, 1, 0, 1], 1.0, 4e-3), trial([1, 1, 0, 0], 3.0, 8e-3)]
    low, high = metrics.bootstrap_interval(np.array([True, True, True, False]))
    assert hog_svm.row("tree", trials, truth, size_bytes=1_234_567, recorded="99 %") == [
        "tree",
        "87.50 % ± 17.68 (2 seeds)",
        f"{100 * low:.2f} to {100 * high:.2f}",
        "2.0 s",
        "1,500 µs",
        "1,235 kB",
        "99 %",
    ]


def test_a_row_has_a_cell_for_each_column():
    row = hog_svm.row("tree", [trial([1])], np.array([1]), size_bytes=0, recorded="")
    assert len(row) == len(hog_svm.HEADER)


def test_the_header_names_the_data_and_says_when_it_is_a_stand_in():
    real = sources.DataRecord(name="letters", origin="a mirror", sha256="ab")
    drawn = sources.DataRecord(name="drawn", origin="by code", sha256="cd", is_stand_in=True)
    assert hog_svm.header(real)[1] == "Test accuracy, `letters`"
    assert hog_svm.header(drawn)[1] == "Test accuracy, `drawn`, STAND-IN data"
    for record in (real, drawn):
        assert hog_svm.header(record)[2:] == hog_svm.HEADER[2:]


def test_the_table_shows_every_method_and_gives_back_those_with_a_name(monkeypatch):
    shown = []
    monkeypatch.setattr(hog_svm.results, "show_table", lambda *table: shown.append(table))
    monkeypatch.setattr(hog_svm, "stored_bytes", lambda model: 5_000)
    monkeypatch.setattr(hog_svm.results, "recorded", lambda chapter, name: f"{chapter}: {name}")
    record = sources.DataRecord(name="letters", origin="a mirror", sha256="ab")
    truth, runs = np.array([1, 0]), {"tree": [trial([1, 1])], "guess": [trial([0, 1])]}
    scores = hog_svm.show(
        "words",
        runs,
        truth,
        record,
        names={"tree": "tree_test_accuracy", "no weights": "other_test_accuracy"},
    )
    assert {name: metric.mean for name, metric in scores.items()} == {"tree_test_accuracy": 0.5}
    [(header, rows)] = shown
    assert header == hog_svm.header(record)
    assert [(row[0], row[-2], row[-1]) for row in rows] == [
        ("tree", "5 kB", "words: tree_test_accuracy"),
        ("guess", "5 kB", "not recorded"),
    ]


def test_growing_trials_become_three_panels():
    curves = {"tree": [trial([1, 0], 1.0, 2e-6), trial([1, 1], 4.0, 4e-6)]}
    assert hog_svm.panels(curves, np.array([1, 1])) == {
        "errors in %": {"tree": [50.0, 0.0]},
        "training, seconds": {"tree": [1.0, 4.0]},
        "one prediction, µs": {"tree": pytest.approx([1.0, 2.0])},
    }


def test_what_has_to_be_stored_is_what_the_model_says_or_its_pickle():
    assert hog_svm.stored_bytes(types.SimpleNamespace(size_bytes=17)) == 17
    small, large = (hog_svm.stored_bytes(np.zeros(n)) for n in (10, 1_000))
    assert 80 < small < 8_000 < large < 9_000


def test_growth_has_both_ends_and_both_slopes():
    curve = [trial([1, 0], 1.0, 2e-6), trial([1, 1], 4.0, 4e-6)]
    found = hog_svm.growth([100, 200], curve, np.array([1, 1]))
    assert {name: metric.mean for name, metric in found.items()} == pytest.approx(
        {
            "growth": 2.0,
            "prediction_growth": 1.0,
            "100_images_validation_accuracy": 0.5,
            "most_images_validation_accuracy": 1.0,
        }
    )
    assert found["growth"].unit == found["prediction_growth"].unit == "ratio"
    assert found["most_images_validation_accuracy"].n == 2


@given(some.floats(-3, 3), some.floats(1e-3, 1e3))
def test_a_power_is_found_again(power, factor):
    sizes = [10, 300, 7_000]
    values = [factor * size**power for size in sizes]
    found = hog_svm.slope(sizes, values)
    assert found.mean == pytest.approx(power, abs=1e-9) and found.unit == "ratio"


@pytest.mark.parametrize(("sizes", "values"), [([5], [1.0]), ([5, 6], [1.0]), ([], [])])
def test_a_slope_needs_two_points(sizes, values):
    with pytest.raises(ValueError, match="at least 2"):
        hog_svm.slope(sizes, values)
