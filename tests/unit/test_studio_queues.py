"""Each queue proposes what it promises, and none of them a photograph of the locked test set."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_drawn import draw

from seeing.studio import learner, linear, queues


def photographs(count: int, **changes) -> queues.Photographs:
    """Photographs 0, 1, ..., all waiting, each in a group of its own, none of the test set."""
    arrays = {
        "ids": np.arange(count),
        "groups": np.arange(count),
        "waiting": np.ones(count, dtype=bool),
    }
    return queues.Photographs(**{**arrays, **changes})


def ids(items: list[queues.Item]) -> list[int]:
    return [item.photograph_id for item in items]


# The test set.


@st.composite
def projects(draw_from) -> tuple[queues.Photographs, np.random.Generator]:
    """Any project: some photographs wait, some are of the test set, some are near-duplicates."""
    count = draw_from(st.integers(2, 25))
    random = np.random.default_rng(draw_from(st.integers(0, 1000)))
    found = queues.Photographs(
        ids=random.permutation(100)[:count],
        groups=random.integers(0, count, count),
        waiting=random.random(count) < draw_from(st.sampled_from([0.0, 0.5, 1.0])),
    )
    of_test = random.permutation(found.ids)[: draw_from(st.integers(0, count))]
    return dataclasses.replace(found, test_order=tuple(of_test.tolist())), random


@given(projects())
def test_no_queue_proposes_a_photograph_of_the_test_set(project):
    every, random = project
    count, hidden = len(every.ids), set(every.test_order)
    probabilities = random.dirichlet(np.ones(3), count)
    votes = random.dirichlet(np.ones(3), (4, count))
    X = random.normal(size=(count, 6))
    asked = [
        queues.uncertain(every, probabilities, limit=99),
        queues.uncertain_of_several(every, probabilities, limit=99),
        queues.disagreeing(every, votes, multi_label=False, limit=99),
        queues.disagreeing(every, votes, multi_label=True, limit=99),
        queues.diverse(every, X, limit=5),
        queues.at_random(every, limit=99),
    ]
    waiting = set(every.ids[every.waiting].tolist())
    beside = set(every.groups[np.isin(every.ids, every.test_order)].tolist())
    near = {int(i) for i, group in zip(every.ids, every.groups, strict=True) if group in beside}
    for items in asked:
        assert len(set(ids(items))) == len(items)
        assert set(ids(items)) <= waiting - hidden - near
    for items in (*asked[:4], asked[5]):
        assert set(ids(items)) == waiting - hidden - near
    members = [i for one in queues.clusters(every, X, count=4) for i in one.members]
    assert sorted(members) == sorted(waiting - hidden - near)
    # Every photograph is labeled, and all labels are in doubt: still none of the test set.
    Y = np.eye(3, dtype=bool)[random.integers(0, 3, count)]
    labeled = linear.Labeled(linear.Task((1, 2, 3)), every.ids, X, Y, every.groups)
    judged = np.ones(count, dtype=bool)
    doubted = queues.likely_mislabeled(every, labeled, probabilities, judged, limit=99)
    assert set(ids(doubted)) == set(every.ids.tolist()) - hidden
    labels = {int(i): {int(i)} for i in every.ids}
    pairs = [(int(i), int(j), 0.95) for i in every.ids for j in every.ids if i < j]
    found = queues.near_duplicates_across(every, pairs, labels, limit=999)
    assert not {i for pair in found for i in (pair.first, pair.second)} & hidden
    # And the test queue holds nothing else, in the order of the draw.
    expected = [i for i in every.test_order if i in waiting]
    assert ids(queues.test_set(every, limit=99)) == expected


def test_the_test_queue_does_not_know_of_any_model():
    every = photographs(6, test_order=(4, 1, 5))
    assert ids(queues.test_set(every, limit=9)) == [4, 1, 5]
    assert ids(queues.test_set(every, limit=2)) == [4, 1]
    labeled = dataclasses.replace(every, waiting=np.arange(6) != 4)
    assert ids(queues.test_set(labeled, limit=9)) == [1, 5]


# Uncertain.


def test_the_smallest_margin_comes_first():
    p = np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.34, 0.33, 0.33], [0.5, 0.0, 0.5]])
    found = queues.uncertain(photographs(4), p, limit=9)
    assert ids(found) == [3, 2, 1, 0]
    assert [item.score for item in found] == pytest.approx([0, 0.01, 0.05, 0.8])
    assert ids(queues.uncertain(photographs(4), p, limit=2)) == [3, 2]


def test_of_several_classes_the_one_nearest_to_a_coin_toss_counts():
    p = np.array([[0.9, 0.1], [0.99, 0.55], [0.3, 0.01]])
    found = queues.uncertain_of_several(photographs(3), p, limit=9)
    assert ids(found) == [1, 2, 0]
    assert [item.score for item in found] == pytest.approx([0.1, 0.4, 0.8])


def test_photographs_without_features_are_left_out_but_not_of_chance():
    p = np.array([[0.6, 0.4], [np.nan, np.nan], [0.9, 0.1]])
    assert ids(queues.uncertain(photographs(3), p, limit=9)) == [0, 2]
    votes = np.stack([p, p])
    assert ids(queues.disagreeing(photographs(3), votes, multi_label=False, limit=9)) == [0, 2]
    assert ids(queues.diverse(photographs(3), p, limit=9)) == [0, 2]
    assert set(ids(queues.at_random(photographs(3), limit=9))) == {0, 1, 2}


def test_ties_are_in_the_order_of_the_ids():
    every = photographs(3, ids=np.array([7, 5, 6]))
    assert ids(queues.uncertain(every, np.full((3, 2), 0.5), limit=9)) == [5, 6, 7]


def test_of_near_duplicates_one_comes_in_its_turn_and_the_others_last():
    every = photographs(4, groups=np.array([0, 0, 1, 0]))
    p = np.array([[0.5, 0.5], [0.51, 0.49], [0.9, 0.1], [0.52, 0.48]])
    assert ids(queues.uncertain(every, p, limit=9)) == [0, 2, 1, 3]


@pytest.mark.parametrize("shape", [(3, 2), (4, 1), (4,)])
def test_other_arrays_are_refused(shape):
    with pytest.raises(ValueError, match="expected a row for each, 2 numbers or more"):
        queues.uncertain(photographs(4), np.zeros(shape), limit=9)


def test_photographs_are_different_and_all_of_them_have_a_group():
    with pytest.raises(ValueError, match="expected as many of each, and different ids"):
        photographs(3, ids=np.array([1, 2, 2]))
    with pytest.raises(ValueError, match="expected as many of each"):
        photographs(3, groups=np.arange(2))


# Disagreeing.


def test_contested_is_not_the_same_as_unsure():
    opinions = np.array(
        [
            [[0.51, 0.49], [0.99, 0.01], [0.9, 0.1], [0.6, 0.4]],
            [[0.51, 0.49], [0.10, 0.90], [0.8, 0.2], [0.4, 0.6]],
        ]
    )
    found = queues.disagreeing(photographs(4), opinions, multi_label=False, limit=9)
    # Two are contested; of both, and of the others, the least certain on the whole comes first.
    assert ids(found) == [3, 1, 0, 2]
    assert [item.score for item in found] == pytest.approx([np.log(2), np.log(2), 0, 0])


def test_three_answers_are_more_contested_than_two_however_sure_each_is():
    sure, unsure = [0.98, 0.01, 0.01], [0.4, 0.3, 0.3]
    opinions = np.array([[sure, np.roll(unsure, k)] for k in (0, 0, 1, 2)])
    opinions[:, 0] = [sure, sure, np.roll(sure, 1), np.roll(sure, 1)]
    found = queues.disagreeing(photographs(2), opinions, multi_label=False, limit=9)
    assert ids(found) == [1, 0]
    assert [item.score for item in found] == pytest.approx([1.5 * np.log(2), np.log(2)])


def test_votes_that_differ_in_the_names_alone_are_a_tie():
    votes = list(itertools.permutations((1, 2, 4, 3)))  # of ten members
    said = [np.repeat(np.arange(4), order) for order in votes]
    opinions = np.eye(4)[np.array(said).T]
    found = queues.disagreeing(photographs(len(votes)), opinions, multi_label=False, limit=99)
    assert len({item.score for item in found}) == 1


def test_disagreement_about_several_classes_adds_up():
    opinions = np.array([[[1.0, 0.5], [1.0, 1.0]], [[0.0, 0.5], [0.0, 0.0]]])
    found = queues.disagreeing(photographs(2), opinions, multi_label=True, limit=9)
    assert ids(found) == [1, 0]
    assert [item.score for item in found] == pytest.approx([2 * np.log(2), np.log(2)])


@pytest.mark.parametrize("shape", [(1, 4, 2), (4, 2), (2, 3, 2)])
def test_a_committee_has_members_who_know_all_photographs(shape):
    with pytest.raises(ValueError, match="two members or more"):
        queues.disagreeing(photographs(4), np.zeros(shape), multi_label=False, limit=9)


# Likely mislabeled.


@pytest.mark.parametrize("multi_label", [False, True])
def test_of_planted_wrong_labels_four_in_five_are_in_the_first_tenth(multi_label):
    """A twentieth is wrong: the first tenth has room for all of them, and chance finds 10 %."""
    labeled = draw(600, classes=4, distance=7, features=64, multi_label=multi_label, seed=5)
    random = np.random.default_rng(6)
    wrong = random.permutation(600)[:30]
    Y = labeled.Y.copy()
    for i in wrong:
        if multi_label:
            Y[i, random.integers(4)] ^= True
        else:
            Y[i] = np.roll(Y[i], random.integers(1, 4))
    planted = dataclasses.replace(labeled, Y=Y)
    found = learner.out_of_fold(planted, linear.Scaling.of(planted.X), C=0.01)
    every = photographs(600, ids=labeled.ids, groups=labeled.groups)
    first = queues.likely_mislabeled(every, planted, found.probabilities, found.judged, limit=60)
    hits = set(ids(first)) & set(labeled.ids[wrong].tolist())
    assert len(hits) >= 0.8 * 30


def test_the_least_probable_label_comes_first_with_what_it_might_be():
    task = linear.Task((7, 8))
    Y = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=bool)
    labeled = linear.Labeled(task, np.arange(4), np.zeros((4, 1)), Y, np.arange(4))
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.0, 1.0]])
    judged = np.array([True, True, True, False])
    found = queues.likely_mislabeled(photographs(4), labeled, p, judged, limit=9)
    assert found == [
        queues.Item(1, 0.2, (7,)),
        queues.Item(2, 0.4, (8,)),
        queues.Item(0, 0.9, (7,)),
    ]
    with pytest.raises(ValueError, match="expected as many"):
        queues.likely_mislabeled(photographs(4), labeled, p[:3], judged, limit=9)


def test_of_several_classes_the_least_probable_one_counts():
    task = linear.Task((7, 8), multi_label=True)
    Y = np.array([[1, 0], [1, 1]], dtype=bool)
    labeled = linear.Labeled(task, np.arange(2), np.zeros((2, 1)), Y, np.arange(2))
    p = np.array([[0.9, 0.8], [0.7, 0.6]])
    found = queues.likely_mislabeled(photographs(2), labeled, p, np.ones(2, bool), limit=9)
    assert [(item.photograph_id, item.suggestion) for item in found] == [(0, (7, 8)), (1, (7, 8))]
    assert [item.score for item in found] == pytest.approx([0.2, 0.6])


# Near-duplicates.


def test_near_duplicates_of_different_labels_are_paired():
    pairs = [(1, 2, 0.95), (1, 3, 0.99), (2, 3, 1.0), (4, 5, 1.0), (1, 9, 1.0)]
    labels = {1: {10}, 2: {20}, 3: {20}, 4: {10, 20}, 5: [20, 10]}
    every = photographs(10)
    found = queues.near_duplicates_across(every, pairs, labels, limit=9)
    assert found == [queues.Pair(1, 3, 0.99), queues.Pair(1, 2, 0.95)]
    assert queues.near_duplicates_across(every, pairs, labels, limit=1) == found[:1]


# Clusters.


def test_a_cold_start_shows_one_of_each_kind_before_a_second_of_any():
    labeled = draw(120, classes=4, distance=8, features=64)
    every = photographs(120, ids=labeled.ids)
    first = ids(queues.diverse(every, labeled.X, limit=4))
    kinds = labeled.Y.argmax(axis=1)[np.array(first) - labeled.ids[0]]
    assert sorted(kinds.tolist()) == [0, 1, 2, 3]
    sorted_out = queues.clusters(every, labeled.X, count=4)
    assert [one.center for one in sorted_out] == first
    for one in sorted_out:
        assert one.members[0] == one.center
        own = labeled.Y.argmax(axis=1)[np.array(one.members) - labeled.ids[0]]
        assert len(set(own.tolist())) == 1
    sizes = [len(one.members) for one in sorted_out]
    assert sizes == sorted(sizes, reverse=True)


def test_the_center_is_the_photograph_nearest_to_the_middle():
    X = np.array([[0.0], [1.0], [5.0], [100.0], [101.0]])
    first, second = queues.clusters(photographs(5), X, count=2)
    assert (first.center, first.members) == (1, (1, 0, 2))
    assert second.members == (3, 4)
    assert [item.score for item in queues.diverse(photographs(5), X, limit=2)] == [0.6, 0.4]


def test_clusters_are_the_same_every_time_and_others_with_another_seed():
    X = np.random.default_rng(0).normal(size=(200, 80))
    every = photographs(200)
    assert queues.clusters(every, X) == queues.clusters(every, X)
    assert queues.clusters(every, X) != queues.clusters(every, X, seed=1)


@pytest.mark.parametrize(("different", "expected"), [(1, 1), (3, 3)])
def test_where_there_are_fewer_different_photographs_there_are_fewer_clusters(different, expected):
    X = np.tile(np.random.default_rng(0).normal(size=(different, 80)), (40, 1))
    assert len(queues.clusters(photographs(len(X)), X, count=20)) == expected


def test_nothing_to_cluster_and_no_cluster():
    none = photographs(3, waiting=np.zeros(3, dtype=bool))
    assert queues.clusters(none, np.zeros((3, 2))) == queues.diverse(none, np.zeros((3, 2))) == []
    with pytest.raises(ValueError, match="expected 1 cluster or more"):
        queues.clusters(none, np.zeros((3, 2)), count=0)


# Chance.


def test_the_order_of_chance_stays_while_photographs_are_labeled():
    every = photographs(30, test_order=(3, 4))
    before = ids(queues.at_random(every, limit=99, seed=1))
    assert sorted(before) == sorted(set(range(30)) - {3, 4})
    assert before != sorted(before)
    done = dataclasses.replace(every, waiting=~np.isin(every.ids, before[:7]))
    assert ids(queues.at_random(done, limit=99, seed=1)) == before[7:]
    assert ids(queues.at_random(every, limit=99, seed=2)) != before
    assert ids(queues.at_random(every, limit=5, seed=1)) == before[:5]


def test_listed_in_another_order_they_are_drawn_in_the_same():
    every = photographs(30)
    order = np.random.default_rng(0).permutation(30)
    other = photographs(30, ids=every.ids[order], groups=every.groups[order])
    assert queues.at_random(every, limit=99) == queues.at_random(other, limit=99)
