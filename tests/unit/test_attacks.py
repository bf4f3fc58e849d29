"""attacks: parts, reach, whole levels and patches of chapter 10."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seeing.lessons import attacks

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]))
LEVELS = st.integers(0, 255)


@st.composite
def before_and_after(draw) -> tuple[np.ndarray, np.ndarray]:
    """Images in whole levels, and others of the same shape, anywhere between 0 and 255."""
    shape = draw(SHAPES)
    before = draw(hnp.arrays(np.float32, shape, elements=LEVELS.map(float)))
    after = draw(hnp.arrays(np.float32, shape, elements=st.floats(0, 255, width=32)))
    return before, after


class TestInParts:
    @given(st.integers(1, 40), st.integers(1, 50))
    @settings(max_examples=25, deadline=None)
    def test_parts_are_put_together_in_order(self, count, size):
        X, y = np.arange(count, dtype="float32"), np.arange(count)
        lengths = []

        def both(some, others):
            lengths.append(len(some))
            return some * 2 + tf.cast(others, "float32")

        found = attacks.in_parts(both, X, y, size=size)
        np.testing.assert_array_equal(found, 3 * X)
        assert max(lengths) <= size

    @pytest.mark.parametrize("lengths", [(3, 4), (0, 0), (0, 1)])
    def test_arrays_must_be_as_long_as_each_other_and_not_empty(self, lengths):
        with pytest.raises(ValueError, match="of the lengths"):
            attacks.in_parts(lambda a, b: a, *(np.zeros(one) for one in lengths))


class TestReach:
    @given(before_and_after())
    def test_is_the_largest_change_of_each_image(self, pair):
        before, after = pair
        expected = [np.abs(a.astype(float) - b).max() for a, b in zip(after, before, strict=True)]
        np.testing.assert_allclose(attacks.reach(before, after), expected)

    def test_whole_numbers_do_not_wrap_around(self):
        before, after = np.full((1, 2, 2, 1), 3, np.uint8), np.zeros((1, 2, 2, 1), np.uint8)
        assert attacks.reach(before, after) == [3]

    def test_shapes_must_be_the_same(self):
        with pytest.raises(ValueError, match=r"\(1, 2, 2, 1\) before"):
            attacks.reach(np.zeros((1, 2, 2, 1)), np.zeros((1, 2, 3, 1)))


class TestChangedPixels:
    def test_a_pixel_counts_once_whatever_channel_differs(self):
        before = np.zeros((2, 3, 3, 3))
        after = before.copy()
        after[0, 1, 1] = 5
        after[0, 2, 0, 2] = -1
        np.testing.assert_array_equal(attacks.changed_pixels(before, after), [2, 0])

    @given(before_and_after())
    def test_none_means_no_reach(self, pair):
        counts, reach = attacks.changed_pixels(*pair), attacks.reach(*pair)
        np.testing.assert_array_equal(counts == 0, reach == 0)


class TestWholeLevels:
    @given(before_and_after())
    def test_levels_are_whole_and_no_further_away(self, pair):
        before, after = pair
        found = attacks.whole_levels(before, after)
        assert found.shape == before.shape
        np.testing.assert_array_equal(found, np.round(found))
        assert np.all((found >= 0) & (found <= 255))
        assert np.all(attacks.reach(before, found) <= attacks.reach(before, after))

    def test_half_a_level_over_the_budget_is_not_rounded_up(self):
        before = np.full((1, 1, 2, 1), 100.0)
        after = before + np.array([25.5, -25.5]).reshape(1, 1, 2, 1)
        found = attacks.whole_levels(before, after)
        np.testing.assert_array_equal(found.ravel(), [125, 75])


class TestPaste:
    @given(st.data(), st.integers(1, 3), st.integers(1, 4), st.integers(4, 7), st.integers(4, 7))
    @settings(max_examples=30, deadline=None)
    def test_is_what_slices_do(self, data, count, side, height, width):
        X = data.draw(hnp.arrays(np.float32, (count, height, width, 1), elements=LEVELS.map(float)))
        patch = data.draw(hnp.arrays(np.float32, (side, side), elements=LEVELS.map(float)))
        rows = data.draw(hnp.arrays(np.int32, count, elements=st.integers(0, height - side)))
        columns = data.draw(hnp.arrays(np.int32, count, elements=st.integers(0, width - side)))
        expected = X.copy()
        for image, row, column in zip(expected, rows, columns, strict=True):
            image[row : row + side, column : column + side, 0] = patch
        tensors = [tf.constant(one) for one in (X, patch, rows, columns)]
        np.testing.assert_array_equal(attacks.paste(*tensors), expected)

    def test_each_image_slopes_in_the_patch_once(self):
        patch = tf.Variable(tf.ones((2, 2)))
        places = tf.constant([0, 1, 3])
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(attacks.paste(tf.zeros((3, 5, 5, 1)), patch, places, places))
        np.testing.assert_array_equal(tape.gradient(total, patch), np.full((2, 2), 3.0))


def test_a_jpeg_is_near_and_not_the_same():
    cat = attacks.cat(64)
    saved = attacks.saved_as_jpeg(cat)
    assert saved.shape == cat.shape and saved.dtype == np.float32
    assert 0 < np.abs(saved - cat).mean() < 5


def test_the_cat_is_a_square_of_whole_levels():
    cat = attacks.cat(32)
    assert cat.shape == (1, 32, 32, 3) and cat.dtype == np.float32
    np.testing.assert_array_equal(cat, np.round(cat))
    assert 0 <= cat.min() < cat.max() <= 255
