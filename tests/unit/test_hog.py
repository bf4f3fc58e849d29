"""hog.hog against skimage.feature.hog, and what it does with inputs it cannot use."""

import tracemalloc
import warnings
from unittest import mock

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from skimage import feature

from seeing.features import hog

TOLERANCE = 1e-6

# Pixel values that put gradients on the borders between bins, next to them, and far from them.
PALETTES = {
    "flat": [7],
    "binary": [0, 1],
    "few levels": [0, 10, 20, 30, 100],
    "tenths": [0.0, 0.1, 0.2, 0.3],
    "a hair apart": [0.0, 1e-17, -1e-17, 1e-9, -1e-9, 1.0, 1.0 + 2.0**-52],
    "tiny": [0.0, 1e-30, 3e-7, 1e-6],
    "huge": [0.0, 1e18, -2e19, 2e36],
    "any": None,
}
DTYPES = [np.bool_, np.uint8, np.int8, np.uint16, np.int32, np.float16, np.float32, np.float64]


def reference(images, **settings):
    """The features of each image by scikit-image."""
    return np.stack([feature.hog(image, **settings) for image in images])


def assert_equal_to_reference(images, **settings):
    found = hog.hog(images, **settings)
    expected = reference(images, **settings)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def random_images(shape, dtype=np.uint8, palette=None, seed=0):
    generator = np.random.default_rng(seed)
    if palette is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            values = generator.choice(palette, size=shape).astype(dtype)
        return values if np.isfinite(values).all() else np.zeros(shape, dtype)
    if np.issubdtype(dtype, np.floating):
        return generator.normal(scale=100, size=shape).astype(dtype)
    high = 2 if dtype == np.bool_ else np.iinfo(dtype).max
    return generator.integers(0, high, size=shape).astype(dtype)


@st.composite
def problems(draw, channels=False):
    """A batch of images and settings that fit it."""
    cell = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    block = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = [c * b + draw(st.integers(0, 2 * c + 1)) for c, b in zip(cell, block, strict=True)]
    shape = [draw(st.integers(1, 3)), *size]
    if channels:
        shape.append(draw(st.integers(1, 4)))
    images = random_images(
        shape,
        dtype=draw(st.sampled_from(DTYPES)),
        palette=PALETTES[draw(st.sampled_from(sorted(PALETTES)))],
        seed=draw(st.integers(0, 2**32 - 1)),
    )
    settings = {
        "orientations": draw(st.integers(1, 12)),
        "pixels_per_cell": cell,
        "cells_per_block": block,
        "block_norm": draw(st.sampled_from(hog.BLOCK_NORMS)),
    }
    return images, settings


@st.composite
def code_paths(draw):
    """Thresholds that send a small batch down the paths that large ones take."""
    return mock.patch.multiple(
        hog,
        _TABLE_PAYS_PIXELS=draw(st.sampled_from([0, 10**9])),
        _FEW_CELLS=draw(st.sampled_from([0, 10**9])),
        _CHUNK_ITEMS=draw(st.sampled_from([1, 2**16])),
    )


@hypothesis.settings(deadline=None, max_examples=300)
@hypothesis.given(problem=problems(), path=code_paths())
def test_equals_scikit_image_on_gray_images(problem, path):
    images, settings = problem
    with path:
        assert_equal_to_reference(images, **settings)


@hypothesis.settings(deadline=None, max_examples=150)
@hypothesis.given(problem=problems(channels=True), path=code_paths())
def test_equals_scikit_image_on_color_images(problem, path):
    images, settings = problem
    with path:
        assert_equal_to_reference(images, channel_axis=-1, **settings)


@pytest.mark.parametrize("orientations", [*range(1, 13), 16, 24, 36, 49, 180, 300])
def test_every_8_bit_gradient_falls_into_scikit_images_bin(orientations):
    differences = np.arange(-255, 256)
    rows, columns = (axis.ravel() for axis in np.meshgrid(differences, differences, indexing="ij"))
    # The four neighbors of the middle pixel make its gradient; all other gradients are 0.
    chosen = np.random.default_rng(0).choice(len(rows), size=200, replace=False)
    on_borders = np.flatnonzero((rows == 0) | (columns == 0) | (abs(rows) == abs(columns)))
    chosen = np.concatenate([chosen, on_borders[:: len(on_borders) // 200]])
    images = np.zeros((len(chosen), 3, 3), dtype=np.uint8)
    images[:, 2, 1] = np.maximum(rows[chosen], 0)
    images[:, 0, 1] = np.maximum(-rows[chosen], 0)
    images[:, 1, 2] = np.maximum(columns[chosen], 0)
    images[:, 1, 0] = np.maximum(-columns[chosen], 0)
    with mock.patch.object(hog, "_TABLE_PAYS_PIXELS", 0):
        assert_equal_to_reference(
            images, orientations=orientations, pixels_per_cell=(1, 1), cells_per_block=(1, 1)
        )


@pytest.mark.parametrize("orientations", [1, 2, 4, 9, 49])
@pytest.mark.parametrize("noise", [1e-17, -1e-17, 5e-324, -5e-324, -1e-14, 1e-14])
def test_directions_a_hair_from_horizontal(orientations, noise):
    images = np.zeros((2, 3, 3))
    images[:, 2, 1] = noise
    images[0, 1, 2] = images[1, 1, 0] = 1.0
    assert_equal_to_reference(
        images, orientations=orientations, pixels_per_cell=(1, 1), cells_per_block=(3, 3)
    )


@pytest.mark.parametrize("images_count", [1, 70])
def test_sums_over_large_cells_are_rounded_as_in_scikit_image(images_count):
    # scikit-image adds float64 magnitudes to a float32 sum, row by row. Here that drifts from the
    # true sums by far more than 1e-6, and otherwise in each cell.
    _, columns = np.mgrid[:64, :256]
    # Near half a unit in the last place of the sum: rounding the magnitude first changes the sum.
    slopes = np.repeat([1 + 2.0**-13 + 2.0**-40, 1.0, 0.1 * np.sqrt(2), 1.0], 64)
    image = slopes / 2 * columns
    # After so large a magnitude, a sum takes in no 1 anymore: the order of the pixels matters.
    image[1, 255] += 2.0**25
    images = np.repeat(image[np.newaxis], images_count, axis=0)
    settings = {"pixels_per_cell": (64, 64), "cells_per_block": (1, 2), "block_norm": "L1"}
    found = hog.hog(images, **settings)
    expected = feature.hog(image, **settings)
    np.testing.assert_allclose(found, np.tile(expected, (images_count, 1)), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_channels_equal_but_for_rounding(dtype):
    # In the middle pixel, both channels have the same magnitude in exact arithmetic or in that of
    # the dtype, in directions that fall into different bins.
    generator = np.random.default_rng(0)
    if dtype == np.uint8:
        squares = np.arange(1, 256) ** 2
        sums = np.add.outer(squares, squares)
        repeated = np.flatnonzero(np.bincount(sums.ravel())[sums].ravel() > 2)
        first = generator.choice(repeated, size=300)
        second = [generator.choice(np.flatnonzero(sums.ravel() == sums.ravel()[i])) for i in first]
        gradients = [np.column_stack(np.unravel_index(i, sums.shape)) + 1 for i in (first, second)]
    else:
        gradients = [generator.uniform(0.1, 1, size=(300, 2)).astype(dtype)]
        nudge = 1 + generator.integers(-2, 3, size=(300, 1)) * np.finfo(dtype).eps
        gradients.append((gradients[0][:, ::-1] * nudge).astype(dtype))
    images = np.zeros((300, 3, 3, 2), dtype=dtype)
    for channel, gradient in enumerate(gradients):
        images[:, 2, 1, channel], images[:, 1, 2, channel] = gradient.T
    assert_equal_to_reference(
        images,
        orientations=12,
        pixels_per_cell=(1, 1),
        cells_per_block=(1, 1),
        channel_axis=-1,
    )


@pytest.mark.parametrize("block_norm", hog.BLOCK_NORMS)
def test_values_up_to_the_limits_of_float32(block_norm):
    images = random_images((1, 61, 61), np.float32, [0, 2.3e38])
    assert_equal_to_reference(
        images, pixels_per_cell=(1, 1), cells_per_block=(60, 60), block_norm=block_norm
    )


def test_one_image_and_many_give_the_same_rows():
    images = random_images((400, 28, 28))
    settings = {"pixels_per_cell": (4, 4), "cells_per_block": (2, 2)}
    assert images.size > hog._TABLE_PAYS_PIXELS
    features = hog.hog(images, **settings)
    assert features.shape == (400, 6 * 6 * 2 * 2 * 9)
    np.testing.assert_allclose(features[:40], reference(images[:40], **settings), atol=TOLERANCE)
    alone = np.concatenate([hog.hog(image[np.newaxis], **settings) for image in images])
    np.testing.assert_allclose(features, alone, atol=TOLERANCE)


def test_defaults_are_those_of_scikit_image():
    assert_equal_to_reference(random_images((3, 40, 33)))


def test_many_bins_and_large_blocks():
    images = random_images((1, 60, 60), dtype=np.float32)
    assert_equal_to_reference(
        images, orientations=300, pixels_per_cell=(2, 3), cells_per_block=(18, 19)
    )


@pytest.mark.parametrize("block_norm", hog.BLOCK_NORMS)
def test_flat_images_have_zero_features(block_norm):
    features = hog.hog(np.full((2, 24, 24), 9, dtype=np.uint8), block_norm=block_norm)
    np.testing.assert_array_equal(features, np.zeros((2, 81), dtype=np.float32))


def test_empty_batch():
    features = hog.hog(np.empty((0, 28, 28)), pixels_per_cell=(4, 4), cells_per_block=(2, 2))
    assert features.shape == (0, 1296)
    assert features.dtype == np.float32
    assert hog.hog(np.empty((0, 24, 24, 3)), channel_axis=-1).shape == (0, 81)


@pytest.mark.parametrize("channel_axis", [1, 2, 3, -1, -2, -3])
def test_channel_axis_counts_on_the_batched_array(channel_axis):
    channels_last = random_images((3, 26, 25, 3))
    images = np.moveaxis(channels_last, -1, channel_axis)
    np.testing.assert_array_equal(
        hog.hog(images, channel_axis=channel_axis), hog.hog(channels_last, channel_axis=-1)
    )
    # scikit-image, given one image, counts without the batch axis.
    axis_of_one = channel_axis if channel_axis < 0 else channel_axis - 1
    np.testing.assert_allclose(
        hog.hog(images, channel_axis=channel_axis),
        reference(images, channel_axis=axis_of_one),
        atol=TOLERANCE,
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda images: images[::2, ::-1, 1::2], id="strided"),
        pytest.param(np.asfortranarray, id="Fortran order"),
        pytest.param(lambda images: images.astype(">f8"), id="big-endian"),
        pytest.param(lambda images: images.astype(np.longdouble), id="long double"),
        pytest.param(lambda images: images.astype(np.uint64), id="uint64"),
    ],
)
def test_memory_layouts_and_rarer_dtypes(change):
    assert_equal_to_reference(change(random_images((4, 40, 60))), pixels_per_cell=(5, 4))


def test_nested_lists_are_images_too():
    images = random_images((2, 24, 24))
    np.testing.assert_array_equal(hog.hog(images.tolist()), hog.hog(images.astype(np.int64)))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_input_is_only_read(dtype):
    images = random_images((400, 28, 28), dtype=dtype)
    before = images.copy()
    images.flags.writeable = False
    hog.hog(images)
    np.testing.assert_array_equal(images, before)


def test_no_warning_even_where_numpy_is_told_to_raise():
    images = random_images((3, 24, 24), np.float32, PALETTES["huge"] + PALETTES["tiny"])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        features = hog.hog(images)
    np.testing.assert_allclose(features, reference(images), atol=TOLERANCE)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_memory_is_bounded(dtype):
    images = random_images((2000, 28, 28), dtype=dtype)
    photograph = random_images((1, 600, 800, 3), dtype=dtype)
    for batch, channel_axis, bound in [
        (images, None, 16 * 2**20),
        (photograph, -1, 128 * 600 * 800),
    ]:
        tracemalloc.start()
        features = hog.hog(batch, channel_axis=channel_axis)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak - features.nbytes < bound


GRAY = np.zeros((2, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize(
    ("error", "images", "settings", "words"),
    [
        (TypeError, GRAY.astype(np.complex64), {}, ["images", "complex64", "astype"]),
        (TypeError, GRAY.astype(object), {}, ["images", "object", "astype"]),
        (TypeError, GRAY.astype(str), {}, ["images", "<U", "astype"]),
        (ValueError, GRAY[0], {}, ["images", "(28, 28)", "N×H×W", "images[np.newaxis]"]),
        (ValueError, GRAY.ravel(), {}, ["images", "(1568,)", "N×H×W", "Reshape"]),
        (ValueError, np.zeros((2, 28, 28, 3)), {}, ["(2, 28, 28, 3)", "channel_axis=-1"]),
        (ValueError, GRAY, {"channel_axis": -1}, ["(2, 28, 28)", "channel_axis", "four axes"]),
        (
            ValueError,
            np.zeros((2, 28, 28, 3)),
            {"channel_axis": 0},
            ["channel_axis is 0", "Axis 0 is the batch"],
        ),
        (ValueError, np.zeros((2, 28, 28, 3)), {"channel_axis": 4}, ["channel_axis is 4"]),
        (ValueError, np.zeros((2, 28, 28, 0)), {"channel_axis": -1}, ["no channels"]),
        (TypeError, np.zeros((2, 28, 28, 3)), {"channel_axis": 1.5}, ["channel_axis is 1.5"]),
        (ValueError, GRAY[:, :23], {}, ["23×28", "at least 24×24", "pixels_per_cell"]),
        (ValueError, GRAY[:, :, :0], {}, ["28×0", "at least 24×24"]),
        (ValueError, GRAY, {"orientations": 0}, ["orientations is 0", "1 or more"]),
        (TypeError, GRAY, {"orientations": 9.0}, ["orientations is 9.0", "integer"]),
        (ValueError, GRAY, {"pixels_per_cell": 8}, ["pixels_per_cell is 8", "(rows, columns)"]),
        (ValueError, GRAY, {"pixels_per_cell": (8, 0)}, ["pixels_per_cell[1] is 0"]),
        (TypeError, GRAY, {"pixels_per_cell": (8.0, 8)}, ["pixels_per_cell[0] is 8.0"]),
        (ValueError, GRAY, {"cells_per_block": (1, 2, 3)}, ["cells_per_block is (1, 2, 3)"]),
        (ValueError, GRAY, {"cells_per_block": (-1, 2)}, ["cells_per_block[0] is -1"]),
        (ValueError, GRAY, {"block_norm": "l2"}, ["block_norm is 'l2'", "'L2-Hys'"]),
    ],
)
def test_errors_say_what_was_given_and_what_was_expected(error, images, settings, words):
    with pytest.raises(error) as caught:
        hog.hog(images, **settings)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nan_and_infinity_are_refused_by_image(bad, dtype):
    images = np.zeros((300, 28, 28), dtype=dtype)
    images[217, 0, 0] = bad
    with pytest.raises(ValueError, match=r"images\[217\] holds NaN or infinity"):
        hog.hog(images)


@pytest.mark.parametrize(("dtype", "value"), [(np.float32, 3e38), (np.float64, 1e300)])
def test_gradients_beyond_float32_are_refused(dtype, value):
    images = random_images((2, 24, 24), dtype, [-value, value])
    with pytest.raises(ValueError, match="exceeds float32"):
        hog.hog(images)
