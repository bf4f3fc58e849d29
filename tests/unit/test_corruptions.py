"""corruptions: each does what its name says, no more, and the same to the same pictures."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import ndimage

from seeing.transforms import corruptions

ALL = (corruptions.noise, corruptions.blur, corruptions.shift, corruptions.rotate)
each = pytest.mark.parametrize("corrupt", ALL, ids=lambda function: function.__name__)
each_shape = pytest.mark.parametrize("shape", [(7, 9, 9), (7, 9, 6), (7, 9, 6, 1), (7, 9, 6, 3)])


def pictures(shape: tuple[int, ...] = (7, 9, 9), seed: int = 0) -> np.ndarray:
    """Images of random numbers."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def a_dot(size: int = 9, count: int = 40) -> np.ndarray:
    """Images that are empty but for a bright pixel in the middle."""
    images = np.zeros((count, size, size), np.uint8)
    images[:, size // 2, size // 2] = 200
    return images


@each
@each_shape
def test_a_strength_of_0_changes_nothing_and_gives_a_copy(corrupt, shape):
    images = pictures(shape)
    same = corrupt(images, 0)
    np.testing.assert_array_equal(same, images)
    assert not np.shares_memory(same, images)


@each
@each_shape
def test_shape_and_type_stay_and_the_original_too(corrupt, shape):
    images = pictures(shape)
    before = images.copy()
    worse = corrupt(images, 2)
    assert worse.shape == shape and worse.dtype == np.uint8
    assert not np.array_equal(worse, images)
    np.testing.assert_array_equal(images, before)


@each
def test_the_same_pictures_every_time(corrupt):
    images = pictures()
    np.testing.assert_array_equal(corrupt(images, 2), corrupt(images, 2))


@pytest.mark.parametrize("corrupt", [corruptions.noise, corruptions.shift, corruptions.rotate])
def test_another_seed_draws_anew(corrupt):
    images = pictures((40, 9, 9))
    first, other = (corrupt(images, 2, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first, other)


@each
def test_no_image_is_no_problem(corrupt):
    assert corrupt(np.zeros((0, 9, 9), np.uint8), 2).shape == (0, 9, 9)


@each
def test_one_image_is_enough(corrupt):
    assert corrupt(pictures((1, 9, 9)), 2).shape == (1, 9, 9)


@each
@pytest.mark.parametrize("strength", [-1, float("nan"), float("inf")])
def test_a_strength_is_a_number_from_0_up(corrupt, strength):
    with pytest.raises(ValueError, match="expected a number that is at least 0"):
        corrupt(pictures(), strength)


@each
@pytest.mark.parametrize(
    "images", [pictures((9, 9)), pictures((1, 9, 9, 3, 1)), pictures().astype(np.float32)]
)
def test_images_are_uint8_and_several(corrupt, images):
    with pytest.raises(ValueError, match=r"expected uint8 \(n, height, width\)"):
        corrupt(images, 1)


# Noise.


def test_noise_has_the_standard_deviation_it_was_asked_for():
    gray = np.full((20, 40, 40), 128, np.uint8)
    difference = corruptions.noise(gray, 0.1).astype(float) - 128
    assert difference.std() == pytest.approx(25.5, rel=0.02)
    assert abs(difference.mean()) < 0.5


def test_noise_is_cut_off_and_does_not_wrap_around():
    for value in (0, 255):
        noisy = corruptions.noise(np.full((4, 30, 30), value, np.uint8), 0.2)
        assert np.mean(noisy == value) > 0.4  # half of the draws point outward
        assert abs(float(np.median(noisy)) - value) < 5


# Blur.


def test_blur_is_scipys_image_by_image_and_channel_by_channel():
    images = pictures((3, 12, 10, 3))
    blurred = corruptions.blur(images, 1.3)
    for index in range(3):
        for channel in range(3):
            one = images[index, :, :, channel].astype(np.float32)
            known = ndimage.gaussian_filter(one, 1.3, mode="nearest")
            np.testing.assert_allclose(blurred[index, :, :, channel], known, atol=0.51)


def test_blur_keeps_an_even_picture_even_up_to_its_edge():
    even = np.full((2, 9, 9), 77, np.uint8)
    np.testing.assert_array_equal(corruptions.blur(even, 3), even)


# Shift.


def test_shift_moves_by_whole_pixels_in_all_four_directions():
    places = {
        tuple(int(place) for place in np.argwhere(image == 200)[0])
        for image in corruptions.shift(a_dot(), 3)
    }
    assert places == {(4, 7), (4, 1), (7, 4), (1, 4)}


def test_what_comes_into_sight_is_fill():
    moved = corruptions.shift(np.full((40, 9, 9), 50, np.uint8), 2, fill=255)
    assert {int((image == 255).sum()) for image in moved} == {2 * 9}
    assert set(np.unique(moved)) == {50, 255}


@pytest.mark.parametrize("strength", [9, 1_000_000])
def test_a_shift_by_the_whole_size_leaves_only_fill(strength):
    assert set(np.unique(corruptions.shift(pictures((8, 9, 6)), strength, fill=3))) == {3}


def test_a_shift_is_by_whole_pixels():
    with pytest.raises(ValueError, match=r"1\.5; a shift is a whole number"):
        corruptions.shift(pictures(), 1.5)
    np.testing.assert_array_equal(
        corruptions.shift(pictures(), 2.0), corruptions.shift(pictures(), 2)
    )


@hypothesis.given(strength=st.integers(0, 12), seed=st.integers(0, 5))
def test_a_shift_back_restores_what_stayed_in_sight(strength, seed):
    images = pictures((6, 9, 9), seed)
    moved = corruptions.shift(images, strength, seed=seed)
    for image, other in zip(images, moved, strict=True):
        candidates = []
        for down, right in corruptions.DIRECTIONS:
            down, right = down * strength, right * strength
            expected = np.zeros_like(image)
            rows = [row for row in range(9) if 0 <= row - down < 9]
            columns = [column for column in range(9) if 0 <= column - right < 9]
            for row in rows:
                for column in columns:
                    expected[row, column] = image[row - down, column - right]
            candidates.append(expected)
        assert any(np.array_equal(other, expected) for expected in candidates)


# Rotation.


def test_a_right_angle_is_exact_and_goes_both_ways():
    images = pictures((40, 9, 9))
    rotated = corruptions.rotate(images, 90)
    ways = set()
    for image, other in zip(images, rotated, strict=True):
        found = [k for k in (1, 3) if np.array_equal(other, np.rot90(image, k))]
        assert len(found) == 1
        ways.add(found[0])
    assert ways == {1, 3}


def test_a_half_turn_is_a_half_turn_in_color_too():
    images = pictures((5, 8, 8, 3))
    np.testing.assert_array_equal(corruptions.rotate(images, 180), np.rot90(images, 2, axes=(1, 2)))


def test_the_middle_stays_and_the_corners_are_filled():
    rotated = corruptions.rotate(np.full((6, 11, 11), 90, np.uint8), 45, fill=7)
    assert set(rotated[:, 5, 5]) == {90}
    assert set(rotated[:, 0, 0]) == {7}
