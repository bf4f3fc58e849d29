"""The leaderboard: what a trial times, and what a row says."""

import numpy as np
import pytest

from seeing import leaderboard, metrics


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
    return leaderboard.Trial(
        model=None, predicted=answers, training_s=training_s, prediction_s=prediction_s
    )


def test_a_trial_trains_on_the_one_and_predicts_the_other():
    found = leaderboard.trial(Constant(), np.zeros((3, 2)), [0, 1, 1], np.zeros((5, 2)))
    assert found.model.seen == (3, [0, 1, 1])
    assert isinstance(found.predicted, np.ndarray) and found.predicted.tolist() == [1] * 5


def test_each_clock_holds_its_own_part(monkeypatch):
    clock = iter([10.0, 13.0, 13.5])
    monkeypatch.setattr(leaderboard.time, "perf_counter", lambda: next(clock))
    found = leaderboard.trial(Constant(), np.zeros((1, 1)), [1], np.zeros((4, 1)))
    assert (found.training_s, found.prediction_s) == (3.0, 0.5)
    assert found.microseconds == 125_000


def test_an_accuracy_for_each_seed():
    found = leaderboard.accuracy([trial([1, 1, 0, 0]), trial([1, 1, 1, 1])], np.array([1, 1, 0, 1]))
    assert found.values == (0.75, 0.75) and found.n == 4 and found.unit == "fraction"


def test_right_answers_that_do_not_fit_are_refused():
    # Compared as they are, NumPy would repeat a single right answer for all.
    with pytest.raises(ValueError, match="3 answers, but 1 right ones"):
        trial([1, 1, 0]).accuracy(np.array([1]))


def test_a_row_says_everything():
    truth = np.array([1, 1, 0, 0])
    trials = [trial([1, 1, 0, 1], 1.0, 4e-3), trial([1, 1, 0, 0], 3.0, 8e-3)]
    low, high = metrics.bootstrap_interval(np.array([True, True, True, False]))
    assert leaderboard.row("tree", trials, truth, size_bytes=1_234_567, recorded="99 %") == [
        "tree",
        "87.50 % ± 17.68 (2 seeds)",
        f"{100 * low:.2f} to {100 * high:.2f}",
        "2.0 s",
        "1,500 µs",
        "1,235 kB",
        "99 %",
    ]


def test_a_row_has_a_cell_for_each_column():
    row = leaderboard.row("tree", [trial([1])], np.array([1]), size_bytes=0, recorded="")
    assert len(row) == len(leaderboard.HEADER)
