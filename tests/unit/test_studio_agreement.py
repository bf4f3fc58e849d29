"""Cohen's kappa of two labelers: against worked numbers, scikit-learn and simulations."""

import math

import numpy as np
import pytest
from sklearn import metrics

from seeing.studio import agreement, opinions

ANN, BOB = 1, 2


def said(labeler_id: int, answers, kind: str = "label", start: int = 0) -> list[opinions.Opinion]:
    """One opinion a photograph; an answer is a class or several."""
    return [
        opinions.Opinion(start + i, labeler_id, 1, kind, tuple(np.atleast_1d(one)), None, False, 1)
        for i, one in enumerate(answers)
    ]


def compare(first, second, classes, **options) -> agreement.Agreement:
    both = said(ANN, first) + said(BOB, second)
    return agreement.compare(both, ANN, BOB, classes, **options)


def test_a_worked_example():
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: (0.7 - 0.5) / (1 - 0.5)."""
    first = [7] * 25 + [9] * 25
    second = [7] * 20 + [9] * 5 + [7] * 10 + [9] * 15
    found = compare(first, second, [7, 9])
    assert found.kappa == pytest.approx(0.4)
    assert found.of_each == pytest.approx([0.4, 0.4])
    assert found.counts.tolist() == [[20, 5], [10, 15]]
    assert (found.photographs, found.same, found.share) == (50, 35, 0.7)
    assert found.different == tuple(range(20, 35))
    low, high = found.share_interval
    assert low < 0.7 < high
    assert found.interval[0] < 0.4 < found.interval[1]


def test_many_classes_are_as_scikit_learn_says():
    random = np.random.default_rng(0)
    first = random.integers(0, 5, 300)
    second = np.where(random.random(300) < 0.7, first, random.integers(0, 5, 300))
    found = compare(first, second, range(5))
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(first, second))
    assert found.counts.tolist() == metrics.confusion_matrix(first, second).tolist()
    for k in range(5):
        expected = metrics.cohen_kappa_score(first == k, second == k)
        assert found.of_each[k] == pytest.approx(expected)


def test_several_classes_a_photograph_are_judged_class_by_class():
    first = [(1, 2), (1,), (), (2,), (3,), ()]
    second = [(1, 2), (2,), (), (2,), (3, 1), ()]
    found = compare(first, second, [1, 2, 3, 4], multi_label=True)
    expected = [
        metrics.cohen_kappa_score([k in one for one in first], [k in one for one in second])
        for k in (1, 2, 3)
    ]
    assert found.of_each[:3] == pytest.approx(expected)
    assert math.isnan(found.of_each[3])
    assert found.kappa == pytest.approx(np.mean(expected))
    assert (found.same, found.different) == (4, (1, 4))
    assert found.counts[0].tolist() == [1, 2, 0, 0]


def test_full_agreement_is_1_and_full_disagreement_of_halves_is_minus_1():
    assert compare([1, 2] * 5, [1, 2] * 5, [1, 2]).kappa == 1
    assert compare([1, 2] * 5, [2, 1] * 5, [1, 2]).kappa == -1


@pytest.mark.parametrize("answers", [[], [1], [1] * 9])
def test_where_chance_alone_agrees_there_is_no_kappa(answers):
    found = compare(answers, answers, [1, 2])
    assert math.isnan(found.kappa)
    assert all(map(math.isnan, found.interval))
    assert found.same == len(answers)
    assert found.share_interval[0] <= found.share_interval[1] <= 1


def test_only_what_both_have_labeled_counts():
    together = said(ANN, [1, 2, 1, 2]) + said(BOB, [1, 2])
    together += said(BOB, [()], kind="unsure", start=2) + said(BOB, [()], kind="skip", start=3)
    together += said(3, [2, 2, 2, 2])
    found = agreement.compare(together, ANN, BOB, [1, 2])
    assert (found.photographs, found.one_unsure, found.kappa) == (2, 1, 1)


def test_nobody_is_compared_with_themselves_nor_by_unknown_classes():
    with pytest.raises(ValueError, match="name two"):
        agreement.compare([], ANN, ANN, [1])
    with pytest.raises(ValueError, match="class 9"):
        compare([1, 9], [1, 1], [1, 2])


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_interval_holds_the_true_kappa_as_often_as_it_says(multi_label):
    """Of 200 pairs of labelers, each right 85 % of the time on three even classes."""
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, (200, 150))
    answers = [
        np.where(
            random.random(truth.shape) < 0.85,
            truth,
            (truth + random.integers(1, 3, truth.shape)) % 3,
        )
        for _ in range(2)
    ]
    # They agree when both are right, or both are wrong in the same way.
    true = (0.85**2 + 0.15**2 / 2 - 1 / 3) / (1 - 1 / 3)
    held = []
    for first, second in zip(*answers, strict=True):
        low, high = _interval(first, second, multi_label=multi_label)
        held.append(low <= true <= high)
    assert 0.90 <= np.mean(held) <= 0.99


def _interval(first, second, *, multi_label):
    A, B = (one[:, None] == np.arange(3) for one in (first, second))
    return agreement._interval(A, B, multi_label=multi_label, seed=0)


def test_the_same_seed_gives_the_same_interval_in_any_number_of_batches(monkeypatch):
    random = np.random.default_rng(1)
    first, second = random.integers(0, 3, (2, 100))
    once = compare(first, second, range(3), seed=4).interval
    monkeypatch.setattr(agreement, "_BATCH", 7 * 100)
    assert compare(first, second, range(3), seed=4).interval == once
