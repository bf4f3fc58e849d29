"""What is said of a head on the test set agrees with a count by hand."""

import math

import numpy as np
import pytest
from scipy import stats
from studio_drawn import draw

from seeing import judgment
from seeing.studio import linear, scores


def sayer(answers: list[list[float]], *, multi_label: bool = False) -> linear.Head:
    """A head whose answer to photograph i, whose only feature is 1 at place i, is the i-th row."""
    p = np.array(answers, dtype=np.float64)
    logits = np.log(p / (1 - p)) if multi_label else np.log(p)
    task = linear.Task(tuple(range(p.shape[1])), multi_label)
    return linear.Head(task, logits, np.zeros(p.shape[1]))


def labeled(rows: list[list[int]], *, multi_label: bool = False) -> linear.Labeled:
    """Photographs 100, 101, ... for :func:`sayer`."""
    Y = np.array(rows, dtype=bool)
    n, classes = Y.shape
    task = linear.Task(tuple(range(classes)), multi_label)
    ids = np.arange(100, 100 + n)
    return linear.Labeled(task, ids, np.eye(n, dtype=np.float32), Y, ids)


# Photographs of class 0, 0, 0, 1, 1; said: 0, 0, 1, 1, 0.
ONE = labeled([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]])
SAYS_ONE = sayer(
    [[0.9, 0.05, 0.05], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.95, 0.04, 0.01]]
)


def test_one_class_a_photograph():
    found = scores.of(SAYS_ONE, ONE)
    assert found.right.tolist() == [True, True, False, True, False]
    assert found.accuracy == scores.Share(3, 5)
    assert (found.baseline, found.baseline_classes) == (3 / 5, (0,))
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.recalls == {
        0: scores.Share(2, 3),
        1: scores.Share(1, 2),
        2: scores.Share(0, 0),
    }
    assert found.confusion.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert [(one.photograph_id, one.labeled, one.said) for one in found.surest_mistakes] == [
        (104, (1,), (0,)),
        (102, (0,), (1,)),
    ]
    assert [one.confidence for one in found.surest_mistakes] == pytest.approx([0.95, 0.8])


def test_several_classes_a_photograph():
    rows = labeled([[1, 1], [1, 0], [1, 0], [0, 0]], multi_label=True)
    said = sayer([[0.9, 0.6], [0.8, 0.7], [0.3, 0.2], [0.1, 0.4]], multi_label=True)
    found = scores.of(said, rows)
    assert found.right.tolist() == [True, False, False, True]
    assert (found.baseline, found.baseline_classes) == (0.5, (0,))
    assert found.recalls == {0: scores.Share(2, 3), 1: scores.Share(1, 1)}
    # Class 0: 2 of 3 found, 1 of 1 left out; class 1: 1 of 1 found, 2 of 3 left out.
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 + 1 + 2 / 3) / 4)
    assert found.confusion.tolist() == [[[1, 0], [1, 2]], [[2, 1], [0, 1]]]
    first, second = found.surest_mistakes
    assert (first.photograph_id, first.labeled, first.said) == (101, (0,), (0, 1))
    assert (second.photograph_id, second.labeled, second.said) == (102, (0,), ())
    assert (first.confidence, second.confidence) == pytest.approx((0.7, 0.7))


def test_no_class_to_leave_out_leaves_the_balanced_accuracy_open():
    found = scores.of(sayer([[0.9]], multi_label=True), labeled([[1]], multi_label=True))
    assert math.isnan(found.balanced_accuracy)


def test_a_share_has_wilsons_interval():
    low, high = scores.Share(45, 50).interval
    expected = stats.binomtest(45, 50).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert scores.Share(0, 0).interval == (0, 1)
    assert math.isnan(scores.Share(0, 0).value)


def test_the_surest_mistakes_are_so_many_at_most():
    rows = labeled([[1, 0]] * 50)
    found = scores.of(sayer([[0.3, 0.7]] * 50), rows)
    assert [one.photograph_id for one in found.surest_mistakes] == list(range(100, 120))


def test_a_class_that_came_later_is_got_wrong():
    older = sayer([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]])
    rows = labeled([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert scores.of(older, rows).right.tolist() == [True, True, False]


def test_a_class_that_was_merged_is_got_right():
    rows = labeled([[1, 0], [1, 0]])
    older = sayer([[0.1, 0.2, 0.7], [0.1, 0.8, 0.1]])
    assert scores.of(older, rows).right.tolist() == [False, False]
    assert scores.of(older, rows, merged={2: 0}).right.tolist() == [True, False]


def test_nothing_and_the_other_kind_of_task_cannot_be_judged():
    with pytest.raises(linear.CannotLearn, match="no photograph of the test set is labeled yet"):
        scores.of(SAYS_ONE, ONE.take(np.arange(0)))
    with pytest.raises(ValueError, match="the other kind of task"):
        scores.of(sayer([[0.9, 0.1, 0.1]] * 5, multi_label=True), ONE)


def test_two_heads_side_by_side():
    better = sayer([[0.9, 0.05, 0.05]] * 3 + [[0.1, 0.1, 0.8]] + [[0.1, 0.8, 0.1]])
    found = scores.compare(SAYS_ONE, better, ONE)
    assert (found.first.accuracy, found.second.accuracy) == (
        scores.Share(3, 5),
        scores.Share(4, 5),
    )
    assert (found.only_first, found.only_second) == ((103,), (102, 104))
    assert found.disagreement == judgment.Disagreement(1, 2)
    assert found.disagreement.p == 1.0


def test_a_head_differs_in_nothing_from_itself():
    rows = draw(40, classes=3)
    head = linear.fit(rows, linear.Scaling.of(rows.X))
    found = scores.compare(head, head, rows)
    assert (found.only_first, found.only_second, found.disagreement.p) == ((), (), 1.0)
