"""A head is scikit-learn's logistic regression, whatever labels there are."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import linear_model, pipeline, preprocessing
from studio_drawn import draw

from seeing.studio import linear


def test_one_class_a_photograph_is_scikit_learns_multinomial_regression():
    labeled = draw(60, classes=3)
    head = linear.fit(labeled, linear.Scaling.of(labeled.X), C=0.1)
    peer = pipeline.make_pipeline(
        preprocessing.StandardScaler(),
        linear_model.LogisticRegression(C=0.1, tol=1e-8, max_iter=10_000),
    ).fit(labeled.X.astype(np.float64), labeled.Y.argmax(axis=1))
    found = head.probabilities(labeled.X)
    np.testing.assert_allclose(found, peer.predict_proba(labeled.X), atol=1e-3)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_two_classes_are_scikit_learns_too():
    labeled = draw(60, classes=2)
    head = linear.fit(labeled, linear.Scaling.of(labeled.X), C=0.1)
    peer = pipeline.make_pipeline(
        preprocessing.StandardScaler(),
        linear_model.LogisticRegression(C=0.1, tol=1e-8, max_iter=10_000),
    ).fit(labeled.X.astype(np.float64), labeled.Y.argmax(axis=1))
    np.testing.assert_allclose(
        head.probabilities(labeled.X), peer.predict_proba(labeled.X), atol=1e-3
    )


def test_several_classes_a_photograph_are_one_regression_each():
    labeled = draw(80, classes=3, multi_label=True)
    scaling = linear.Scaling.of(labeled.X)
    found = linear.fit(labeled, scaling, C=0.1).probabilities(labeled.X)
    for k in range(3):
        peer = linear_model.LogisticRegression(C=0.1, tol=1e-8, max_iter=10_000)
        peer.fit(scaling.apply(labeled.X), labeled.Y[:, k])
        expected = peer.predict_proba(scaling.apply(labeled.X))[:, 1]
        np.testing.assert_allclose(found[:, k], expected, atol=1e-3)


def test_the_same_labels_give_the_same_head_to_the_bit():
    labeled = draw(50, classes=3)
    scaling = linear.Scaling.of(labeled.X)
    first, second = linear.fit(labeled, scaling), linear.fit(labeled, scaling)
    np.testing.assert_array_equal(first.weights, second.weights)
    np.testing.assert_array_equal(first.biases, second.biases)


def test_a_class_without_a_photograph_is_never_said():
    labeled = draw(30, classes=2)
    Y = np.insert(labeled.Y, 1, False, axis=1)
    gap = linear.Labeled(linear.Task((7, 8, 9)), labeled.ids, labeled.X, Y, labeled.groups)
    scaling = linear.Scaling.of(labeled.X)
    found = linear.fit(gap, scaling).probabilities(gap.X)
    assert not found[:, 1].any()
    expected = linear.fit(labeled, scaling).probabilities(labeled.X)
    np.testing.assert_array_equal(found[:, [0, 2]], expected)


def test_a_class_that_all_or_none_have_is_not_certain():
    labeled = draw(8, classes=3, multi_label=True)
    Y = np.stack([np.ones(8, bool), np.zeros(8, bool), labeled.Y[:, 2]], axis=1)
    same = linear.Labeled(labeled.task, labeled.ids, labeled.X, Y, labeled.groups)
    found = linear.fit(same, linear.Scaling.of(same.X)).probabilities(same.X)
    np.testing.assert_allclose(found[:, 0], 9 / 10)
    np.testing.assert_allclose(found[:, 1], 1 / 10)


def test_only_one_class_is_all_that_can_be_said():
    labeled = draw(20, classes=2)
    one = labeled.take(np.flatnonzero(labeled.Y[:, 0]))
    head = linear.fit(one, linear.Scaling.of(labeled.X))
    np.testing.assert_array_equal(head.probabilities(labeled.X), [[1.0, 0.0]] * 20)


def test_how_often_a_photograph_counts_is_as_if_it_were_there_so_often():
    labeled = draw(40, classes=2)
    times = np.where(np.arange(40) < 20, 3, 1)
    scaling = linear.Scaling.of(labeled.X)
    again = linear_model.LogisticRegression(C=0.1, tol=1e-8, max_iter=10_000)
    drawn = np.repeat(np.arange(40), times)
    again.fit(scaling.apply(labeled.X[drawn]), labeled.Y[drawn].argmax(axis=1))
    found = linear.fit(labeled, scaling, C=0.1, times=times).probabilities(labeled.X)
    np.testing.assert_allclose(found, again.predict_proba(scaling.apply(labeled.X)), atol=1e-3)


def test_a_feature_that_is_always_the_same_changes_nothing():
    labeled = draw(40, classes=2)
    wider = np.concatenate([labeled.X, np.full((40, 1), 7, np.float32)], axis=1)
    more = linear.Labeled(labeled.task, labeled.ids, wider, labeled.Y, labeled.groups)
    head = linear.fit(more, linear.Scaling.of(wider))
    assert np.isfinite(head.weights).all()
    assert abs(head.weights[-1]).max() == 0


def test_photographs_without_features_have_no_probability_and_no_warning():
    labeled = draw(20, classes=2)
    X = labeled.X.copy()
    X[3] = np.nan
    head = linear.fit(labeled, linear.Scaling.of(X))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = head.probabilities(X)
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, axis=0)).all()


def test_without_photographs_there_is_nothing_to_learn():
    labeled = draw(5, classes=2)
    with pytest.raises(linear.CannotLearn, match="no photograph is labeled yet"):
        linear.fit(labeled.take(np.arange(0)), linear.Scaling.of(labeled.X))
    with pytest.raises(linear.CannotLearn, match="no photograph has features yet"):
        linear.Scaling.of(np.full((3, 2), np.nan))


# Classes that come, go and merge after a version was made.


def two_classes() -> linear.Head:
    """A head that finds class 10 twice as probable as class 20, and class 20 as class 30."""
    return linear.Head(linear.Task((10, 20, 30)), np.zeros((2, 3)), np.log([4.0, 2.0, 1.0]))


def test_a_head_answers_about_the_classes_it_is_asked_for():
    X = np.zeros((1, 2))
    head = two_classes()
    np.testing.assert_allclose(head.probabilities(X), [[4 / 7, 2 / 7, 1 / 7]])
    np.testing.assert_allclose(head.probabilities(X, (30, 40, 10)), [[1 / 7, 0, 4 / 7]])


def test_what_was_merged_counts_for_what_it_was_merged_into():
    X = np.zeros((1, 2))
    head = two_classes()
    np.testing.assert_allclose(head.probabilities(X, (10, 20), {30: 20}), [[4 / 7, 3 / 7]])
    chain = {30: 20, 20: 50}
    np.testing.assert_allclose(head.probabilities(X, (10, 50), chain), [[4 / 7, 3 / 7]])
    several = linear.Head(linear.Task((10, 20), multi_label=True), np.zeros((2, 2)), np.zeros(2))
    np.testing.assert_allclose(several.probabilities(X, (20,), {10: 20}), [[0.5]])


# Labels.


def test_labels_are_gathered_in_the_order_of_the_photographs_ids():
    task = linear.Task((5, 6))
    X = np.array([[0, 0], [1, 1], [np.nan, 1], [3, 3]], np.float32)
    labels = {30: {6}, 10: {5}, 20: {5}}
    found = linear.Labeled.of(task, labels, np.array([30, 10, 20, 40]), X, np.arange(4))
    assert found.ids.tolist() == [10, 30]  # 20 has no features, 40 no label
    assert found.Y.tolist() == [[True, False], [False, True]]
    assert found.groups.tolist() == [1, 0]
    assert len(linear.Labeled.of(task, {}, np.array([30, 10, 20, 40]), X, np.arange(4))) == 0


def test_a_label_that_is_no_class_is_said():
    with pytest.raises(ValueError, match=r"photograph 1 has class 9; expected one of \(5, 6\)"):
        linear.Labeled.of(
            linear.Task((5, 6)), {1: {9}}, np.array([1]), np.zeros((1, 2)), np.array([0])
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": np.array([1, 1])}, "twice"),
        ({"groups": np.zeros(3)}, "expected"),
        ({"Y": np.array([[True, True], [True, False]])}, "exactly one class"),
        ({"Y": np.array([[False, False], [True, False]])}, "exactly one class"),
        ({"X": np.array([[1, np.nan], [1, 1]])}, "no features"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(changes, message):
    arrays = {
        "ids": np.array([1, 2]),
        "X": np.zeros((2, 2)),
        "Y": np.eye(2, dtype=bool),
        "groups": np.zeros(2),
    }
    with pytest.raises(ValueError, match=message):
        linear.Labeled(linear.Task((1, 2)), **{**arrays, **changes})


def test_classes_are_different():
    with pytest.raises(ValueError, match="expected different ones"):
        linear.Task((1, 1))


@given(st.permutations(range(6)), st.integers(0, 5), st.integers(0, 2))
def test_the_hash_of_labels_knows_what_they_say_and_not_their_order(order, changed, new):
    labeled = draw(6, classes=3)
    assert labeled.take(np.array(order)).sha256 == labeled.sha256
    Y = labeled.Y.copy()
    Y[changed] = np.eye(3, dtype=bool)[new]
    other = linear.Labeled(labeled.task, labeled.ids, labeled.X, Y, labeled.groups)
    assert (other.sha256 == labeled.sha256) == (Y == labeled.Y).all()
