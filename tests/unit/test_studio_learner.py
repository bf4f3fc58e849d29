"""Training keeps what made it, tests on what it has not met, and says when labels bring no more."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_drawn import draw

from seeing.studio import jobs, learner, linear, scores, versions


@pytest.fixture
def kept(tmp_path) -> versions.Versions:
    return versions.Versions(tmp_path / "models")


def halves(**options) -> tuple[linear.Labeled, linear.Labeled, linear.Scaling]:
    """Photographs to train on, others to test on, and the scaling of the first."""
    both = draw(120, **options)
    first, second = both.take(np.arange(80)), both.take(np.arange(80, 120))
    return first, second, linear.Scaling.of(first.X)


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_version_knows_what_made_it_and_how_it_did(kept, multi_label):
    labeled, test_set, scaling = halves(multi_label=multi_label, distance=5)
    trained = learner.retrain(
        labeled, test_set, scaling, kept, last_event=31, features="fingerprint", seed=4, C=0.1
    )
    assert trained.tested.accuracy.value > trained.tested.baseline + 0.2
    made = kept.current().made
    assert made == trained.version.made
    assert dataclasses.replace(made, time="") == versions.Made(
        last_event=31,
        labels_sha256=labeled.sha256,
        photographs=80,
        features="fingerprint",
        strength=0.1,
        seed=4,
        tested=trained.tested.accuracy,
        time="",
    )
    assert made.time.endswith("+00:00")
    again = scores.of(kept.current().head, test_set)
    assert again.accuracy == trained.tested.accuracy


def test_the_same_labels_give_the_same_version_again(kept):
    labeled, test_set, scaling = halves()
    options = {"last_event": 1, "features": ""}
    first, second = (
        learner.retrain(labeled, test_set, scaling, kept, **options).version for _ in range(2)
    )
    np.testing.assert_array_equal(first.head.weights, second.head.weights)
    assert first.made.labels_sha256 == second.made.labels_sha256
    assert (first.number, second.number) == (1, 2)


def test_without_a_labeled_test_set_nothing_is_claimed(kept):
    labeled, test_set, scaling = halves()
    none = test_set.take(np.arange(0))
    trained = learner.retrain(labeled, none, scaling, kept, last_event=1, features="")
    assert trained.tested is None
    assert kept.current().made.tested is None


def test_the_test_set_is_never_trained_on(kept):
    labeled, test_set, scaling = halves()
    options = {"last_event": 1, "features": ""}
    leaking = test_set.take(np.arange(3))
    with pytest.raises(ValueError, match="3 photographs of the test set would be trained on"):
        learner.retrain(leaking, test_set, scaling, kept, **options)
    near = dataclasses.replace(labeled, groups=np.append(labeled.groups[:-1], test_set.groups[0]))
    with pytest.raises(ValueError, match="1 photographs have near-duplicates in the test set"):
        learner.retrain(near, test_set, scaling, kept, **options)
    other = dataclasses.replace(test_set, task=linear.Task((1, 2, 3)))
    with pytest.raises(ValueError, match="expected the same"):
        learner.retrain(labeled, other, scaling, kept, **options)
    assert kept.numbers() == []


def test_labels_that_are_all_the_same_teach_nothing(kept):
    labeled, test_set, scaling = halves()
    same = labeled.take(np.flatnonzero(labeled.Y[:, 0]))
    for some, message in (
        (same, "all 28 .* label some of another"),
        (labeled.take(np.arange(0)), "no photo"),
    ):
        with pytest.raises(linear.CannotLearn, match=message):
            learner.retrain(some, test_set, scaling, kept, last_event=1, features="")
        with pytest.raises(linear.CannotLearn, match=message):
            learner.out_of_fold(some, scaling)
        with pytest.raises(linear.CannotLearn, match=message):
            learner.committee(some, scaling)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_canceled_training_leaves_no_version(kept, after):
    labeled, test_set, scaling = halves()
    learner.retrain(labeled, test_set, scaling, kept, last_event=1, features="")
    said = []

    def say(doing: str, done: int, total: int) -> None:
        said.append((doing, done, total))
        if done == after:
            job.cancel()

    job = jobs.Job(say)
    if after < 2:
        with pytest.raises(jobs.Canceled):
            learner.retrain(labeled, test_set, scaling, kept, last_event=2, features="", job=job)
        assert kept.numbers() == [1]
    else:  # too late: the last step is not half done
        learner.retrain(labeled, test_set, scaling, kept, last_event=2, features="", job=job)
        assert kept.current().made.last_event == 2
    steps = [("training", 0, 3), ("testing", 1, 3), ("keeping the version", 2, 3)]
    assert said == steps[: after + 1]


# Folds.


@given(
    groups=st.lists(st.integers(0, 9), min_size=2, max_size=40),
    kinds=st.integers(1, 3),
    count=st.integers(2, 5),
    seed=st.integers(0, 3),
)
def test_folds_keep_groups_together_and_are_about_equal(groups, kinds, count, seed):
    labeled = draw(len(groups), classes=3)
    Y = np.eye(3, dtype=bool)[np.array(groups) % kinds]
    labeled = dataclasses.replace(labeled, groups=np.array(groups), Y=Y)
    fold = learner.folds(labeled, count, seed=seed)
    np.testing.assert_array_equal(fold, learner.folds(labeled, count, seed=seed))
    of_group = {}
    for group, one in zip(groups, fold.tolist(), strict=True):
        assert of_group.setdefault(group, one) == one
    sizes = np.bincount(list(of_group.values()), minlength=min(count, len(of_group)))
    assert sizes.max() - sizes.min() <= 1
    for kind in range(kinds):  # and each class is dealt over them
        own = [one for group, one in of_group.items() if group % kinds == kind]
        dealt = np.bincount(own, minlength=count)
        assert dealt.max() - dealt.min() <= 1


@pytest.mark.parametrize("multi_label", [False, True])
def test_nobody_is_judged_by_a_head_that_has_met_it(multi_label):
    labeled = draw(60, multi_label=multi_label)
    scaling = linear.Scaling.of(labeled.X)
    found = learner.out_of_fold(labeled, scaling, seed=3)
    np.testing.assert_array_equal(found.fold, learner.folds(labeled, seed=3))
    for left_out in range(learner.FOLDS):
        here = found.fold == left_out
        head = linear.fit(labeled.take(np.flatnonzero(~here)), scaling)
        np.testing.assert_array_equal(
            found.probabilities[here], head.probabilities(labeled.X[here])
        )
    assert found.judged.all()


def test_near_duplicates_do_not_judge_each_other():
    """Twins with wrong labels of their own: a head that had met the twin would agree."""
    labeled = draw(40, classes=2, distance=6)
    random = np.random.default_rng(0)
    twins = dataclasses.replace(
        labeled,
        ids=labeled.ids + 1000,
        X=labeled.X + random.normal(scale=0.01, size=labeled.X.shape).astype(np.float32),
    )
    wrong = np.arange(4)
    Y = np.concatenate([labeled.Y, twins.Y])
    Y[np.concatenate([wrong, wrong + 40])] ^= True
    both = linear.Labeled(
        labeled.task,
        np.concatenate([labeled.ids, twins.ids]),
        np.concatenate([labeled.X, twins.X]),
        Y,
        np.concatenate([labeled.groups, twins.groups]),
    )
    fold = learner.out_of_fold(both, linear.Scaling.of(both.X)).fold
    np.testing.assert_array_equal(fold[:40], fold[40:])


def test_a_class_of_one_photograph_cannot_be_judged():
    labeled = draw(21, classes=2)
    Y = np.concatenate([labeled.Y, np.zeros((21, 1), bool)], axis=1)
    Y[5] = [False, False, True]
    task = linear.Task((10, 20, 30))
    lonely = linear.Labeled(task, labeled.ids, labeled.X, Y, labeled.groups)
    found = learner.out_of_fold(lonely, linear.Scaling.of(lonely.X))
    assert np.flatnonzero(~found.judged).tolist() == [5]


def test_what_is_all_of_one_group_cannot_be_left_out():
    labeled = dataclasses.replace(draw(20), groups=np.zeros(20, np.int64))
    with pytest.raises(linear.CannotLearn, match="all labeled photographs are near-duplicates"):
        learner.out_of_fold(labeled, linear.Scaling.of(labeled.X))


def test_two_photographs_are_enough_to_be_told_that_nothing_can_be_judged():
    labeled = draw(2, classes=2)
    found = learner.out_of_fold(labeled, linear.Scaling.of(labeled.X))
    assert not found.judged.any()


# A committee.


def test_a_committee_differs_and_can_be_called_again():
    labeled = draw(40, distance=1)
    scaling = linear.Scaling.of(labeled.X)
    first, second, other = (learner.committee(labeled, scaling, seed=seed) for seed in (0, 0, 1))
    assert len(first) == learner.MEMBERS
    for one, again, different in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(one.weights, again.weights)
        assert not np.array_equal(one.weights, different.weights)
    assert len({head.weights.tobytes() for head in first}) == learner.MEMBERS


def test_every_member_knows_the_rarest_class():
    labeled = draw(40, classes=2)
    Y = np.concatenate([labeled.Y, np.zeros((40, 1), bool)], axis=1)
    Y[0] = [False, False, True]
    rare = linear.Labeled(linear.Task((1, 2, 3)), labeled.ids, labeled.X, Y, labeled.groups)
    for head in learner.committee(rare, linear.Scaling.of(rare.X), members=10):
        assert np.isfinite(head.biases).all()


@pytest.mark.parametrize("work", ["out_of_fold", "committee", "learning_curve"])
def test_each_step_of_the_longer_work_can_be_the_last(work):
    labeled = draw(40)
    scaling = linear.Scaling.of(labeled.X)
    needed = [learner.out_of_fold(labeled, scaling)] if work == "learning_curve" else []
    said = []

    def say(doing: str, done: int, total: int) -> None:
        said.append((done, total))
        if done == 2:
            job.cancel()

    job = jobs.Job(say)
    with pytest.raises(jobs.Canceled, match="canceled after 3 of 5"):
        getattr(learner, work)(labeled, scaling, *needed, job=job)
    assert said == [(0, 5), (1, 5), (2, 5)]


# When to stop.


def test_a_curve_goes_from_few_labels_to_all():
    labeled = draw(200, distance=2)
    scaling = linear.Scaling.of(labeled.X)
    full = learner.out_of_fold(labeled, scaling)
    curve = learner.learning_curve(labeled, scaling, full)
    assert curve.sizes == (40, 80, 160)
    assert curve.right.shape == (3, 200)
    expected = np.mean(full.probabilities.argmax(axis=1) == labeled.Y.argmax(axis=1))
    assert curve.shares[-1].value == expected
    again = learner.learning_curve(labeled, scaling, full)
    np.testing.assert_array_equal(again.right, curve.right)


@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    share=st.floats(0.2, 0.9),
    seed=st.integers(0, 5),
)
def test_the_beginning_of_an_even_order_holds_its_share_of_every_class(counts, share, seed):
    kinds = np.repeat(np.arange(len(counts)), counts)
    place = np.random.default_rng(seed).permutation(len(kinds))
    order = learner._evenly(kinds, place)
    assert sorted(order.tolist()) == list(range(len(kinds)))
    begin = kinds[order[: round(share * len(kinds))]]
    for kind, count in enumerate(counts):
        assert abs(np.sum(begin == kind) - share * count) <= 1 + len(counts) / 2


def curve(only_fewer: int, only_more: int, both: int, neither: int) -> learner.LearningCurve:
    rows = [(1, 0)] * only_fewer + [(0, 1)] * only_more + [(1, 1)] * both + [(0, 0)] * neither
    return learner.LearningCurve((100, 200), np.array(rows, dtype=bool).T)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((3, 60, 900, 37), "go on"),  # +5.7 points
        ((10, 10, 4_000, 80), "stop"),  # nothing, on many photographs
        ((2, 2, 180, 16), "undecided"),  # nothing, on few
        ((10, 30, 900, 60), "undecided"),  # +2 points, perhaps less than 1
        ((0, 0, 30, 1), "go on"),  # hardly a label yet
    ],
)
def test_it_is_time_to_stop_when_a_doubling_surely_brings_little(counts, verdict):
    advice = curve(*counts).advice()
    assert advice.verdict == verdict
    assert advice.low <= advice.gain <= advice.high
    assert (advice.fewer, advice.more) == (100, 200)
    assert "From 100 to 200 labels" in str(advice)


def test_what_is_worth_the_work_is_the_labelers_to_say():
    found = curve(3, 60, 900, 37)
    assert found.advice(worth=0.01).verdict == "go on"
    assert found.advice(worth=0.05).verdict == "undecided"
    assert found.advice(worth=0.10).verdict == "stop"


def test_the_interval_is_agrestis_and_mins():
    """Computed by their own R function: diffpropci(b=40, c=20, n=160, conflev=0.95)."""
    advice = curve(40, 20, 60, 40).advice()
    assert (advice.low, advice.high) == pytest.approx((-0.21601726, -0.03089632), abs=1e-8)


def test_the_advice_is_a_sentence():
    said = str(curve(10, 10, 4_000, 80).advice())
    assert said == (
        "From 100 to 200 labels, accuracy on photographs left out changed by +0.0 points (95 % "
        "interval −0.2 to +0.2): twice as many will hardly bring 1 more; you may stop."
    )


@pytest.mark.parametrize(
    ("distance", "verdict"), [(9.0, "stop"), (1.6, "go on")], ids=["easy", "hard"]
)
def test_easy_classes_need_no_more_labels_and_hard_ones_do(distance, verdict):
    labeled = draw(800, classes=4, distance=distance, features=64)
    scaling = linear.Scaling.of(labeled.X)
    full = learner.out_of_fold(labeled, scaling, C=0.01)
    found = learner.learning_curve(labeled, scaling, full, C=0.01).advice()
    assert found.verdict == verdict, found
