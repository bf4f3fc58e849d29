"""Setting digits upright: no slant is left, and nothing else has changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from seeing.features import slant


def stroke(slope: float, size: int = 28) -> np.ndarray:
    """A digit one: a stroke three pixels wide that moves sideways by ``slope`` a row."""
    rows, columns = np.mgrid[:size, :size]
    distance = np.abs(columns - (size - 1) / 2 - slope * (rows - (size - 1) / 2))
    ink = np.clip(2 - distance, 0, 1) * (abs(rows - (size - 1) / 2) < 9)
    return (255 * ink).astype(np.uint8)


def slope_of(image: np.ndarray) -> float:
    """The slant that is left, by a straight line fitted through the rows' middles."""
    rows = np.flatnonzero(image.sum(axis=1))
    columns = np.arange(image.shape[1])
    middles = [(image[row] * columns).sum() / image[row].sum() for row in rows]
    return np.polyfit(rows, middles, 1)[0]


@pytest.mark.parametrize("slope", [-0.6, -0.2, 0.0, 0.3, 0.6])
def test_no_slant_is_left(slope):
    image = stroke(slope)
    assert slope_of(image) == pytest.approx(slope, abs=0.03)
    (upright,) = slant.upright(image[np.newaxis])
    assert abs(slope_of(upright)) < 0.03


def test_an_upright_digit_stays_as_it_is():
    image = stroke(0.0)[np.newaxis]
    assert np.array_equal(slant.upright(image), image)


def test_the_ink_and_its_center_stay():
    image = stroke(0.5)
    (upright,) = slant.upright(image[np.newaxis])
    assert upright.sum() == pytest.approx(float(image.sum()), rel=0.01)
    columns = np.arange(28)
    before, after = ((shown * columns).sum() / shown.sum() for shown in (image, upright))
    assert after == pytest.approx(before, abs=0.05)


def test_each_image_has_a_slant_of_its_own():
    images = np.stack([stroke(0.5), stroke(-0.5), stroke(0.0)])
    together = slant.upright(images)
    alone = np.concatenate([slant.upright(image[np.newaxis]) for image in images])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("rows", [slice(0, 0), slice(5, 6)])
def test_without_ink_or_with_one_row_of_it_nothing_moves(rows):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, rows, 3:9] = 200
    assert np.array_equal(slant.upright(image), image)


@given(some.integers(0, 2**32 - 1), some.integers(1, 12), some.integers(2, 12))
def test_any_image_keeps_its_shape_and_dtype(seed, height, width):
    image = np.random.default_rng(seed).integers(0, 256, (2, height, width)).astype(np.uint8)
    upright = slant.upright(image)
    assert upright.shape == image.shape and upright.dtype == np.uint8


def test_an_empty_batch_gives_an_empty_batch():
    assert slant.upright(np.zeros((0, 28, 28), np.uint8)).shape == (0, 28, 28)


@pytest.mark.parametrize(
    "images",
    [np.zeros((28, 28), np.uint8), np.zeros((1, 28, 28)), np.zeros((1, 28, 1), np.uint8)],
)
def test_what_it_refuses(images):
    with pytest.raises(ValueError, match="expected uint8"):
        slant.upright(images)
