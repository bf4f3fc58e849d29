"""Color histograms: each pixel is counted once, in the right box, wherever it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from seeing.features import color

IMAGES = arrays.arrays(
    np.uint8,
    some.tuples(some.integers(0, 3), some.integers(1, 6), some.integers(1, 6), some.just(3)),
)


@given(IMAGES, some.integers(2, 16))
def test_it_is_numpys_histogram_of_three_dimensions(images, levels):
    found = color.histogram(images, levels)
    assert found.dtype == np.float32 and found.shape == (len(images), levels**3)
    # NumPy's last edge counts to the last box; no pixel lies on 256.
    edges = [np.ceil(np.arange(levels + 1) * 256 / levels)] * 3
    for shares, image in zip(found, images, strict=True):
        pixels = image.reshape(-1, 3)
        counts, _ = np.histogramdd(pixels, bins=edges)
        assert shares == pytest.approx(counts.ravel() / len(pixels), abs=1e-6)


@given(IMAGES)
def test_it_does_not_matter_where_a_color_is(images):
    turned = np.rot90(images, axes=(1, 2))
    assert np.array_equal(color.histogram(images), color.histogram(turned))


def test_the_boxes_are_in_order():
    pixels = np.array([[[0, 0, 0], [0, 0, 64], [0, 64, 0], [64, 0, 0], [255, 255, 255]]])
    shares = color.histogram(pixels[np.newaxis].astype(np.uint8))
    assert np.flatnonzero(shares[0]).tolist() == [0, 1, 4, 16, 63]


@pytest.mark.parametrize(
    ("shape", "dtype", "levels", "said"),
    [
        ((2, 4, 4), np.uint8, 4, "expected uint8"),
        ((2, 4, 4, 4), np.uint8, 4, "expected uint8"),
        ((2, 4, 4, 3), np.float32, 4, "expected uint8"),
        ((2, 0, 4, 3), np.uint8, 4, "no pixel"),
        ((2, 4, 4, 3), np.uint8, 1, "levels is 1"),
        ((2, 4, 4, 3), np.uint8, 17, "levels is 17"),
    ],
)
def test_other_images_are_refused(shape, dtype, levels, said):
    with pytest.raises(ValueError, match=said):
        color.histogram(np.zeros(shape, dtype), levels)
