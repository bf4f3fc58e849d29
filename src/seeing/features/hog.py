"""Histograms of oriented gradients (HOG) for a whole batch of images.

The method is that of N. Dalal and B. Triggs, "Histograms of Oriented Gradients for Human
Detection", CVPR 2005, doi:10.1109/CVPR.2005.177, with the parameters, their names and the numbers
of ``skimage.feature.hog``. scikit-image takes one image a call; this module takes N.

Explained in chapter 9 (Before Deep Learning).
"""

import dataclasses
import math
import operator
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy.lib import stride_tricks

BLOCK_NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")

# scikit-image's constants: they keep a flat block from dividing by zero, and clip in L2-Hys.
_EPSILON = 1e-5
_CLIP = 0.2

# Pixels (or histogram bins, where those are more) worked on at a time: the arrays of one step
# then stay in the cache.
_CHUNK_ITEMS = 2**16

# Differences of 8-bit pixels lie in [-_REACH, _REACH]: few enough to tabulate every gradient.
_REACH = 255
_SPAN = 2 * _REACH + 1

# From this many pixels on, looking bins up is faster than computing them, the table included.
_TABLE_PAYS_PIXELS = _SPAN**2

# scikit-image adds up a cell in float32, one pixel after another. Up to this many pixels, any
# rounding of the magnitudes stays below 1e-6; beyond it, the same additions must be repeated.
_ROUNDING_SAFE_PIXELS = 16

# Below this many cells, one call per pixel position costs more than one slow call for all.
_FEW_CELLS = 64

# For cell values above this, one over the norm of a block could be too small for float32.
_LARGE = 1e30


@dataclasses.dataclass(frozen=True)
class _Layout:
    """How one image divides into cells and blocks. Pairs are (rows, columns)."""

    orientations: int
    pixels_per_cell: tuple[int, int]
    cells_per_block: tuple[int, int]
    cells: tuple[int, int]

    @property
    def blocks(self) -> tuple[int, int]:
        rows, columns = (
            cells - block + 1 for cells, block in zip(self.cells, self.cells_per_block, strict=True)
        )
        return rows, columns

    @property
    def feature_shape(self) -> tuple[int, ...]:
        return (*self.blocks, *self.cells_per_block, self.orientations)


def hog(
    images: npt.ArrayLike,
    orientations: int = 9,
    pixels_per_cell: Sequence[int] = (8, 8),
    cells_per_block: Sequence[int] = (3, 3),
    block_norm: str = "L2-Hys",
    channel_axis: int | None = None,
) -> npt.NDArray[np.float32]:
    """Histograms of oriented gradients of each image of a batch.

    Row ``n`` of the result equals ``skimage.feature.hog(images[n], ...)`` to 1e-6, for every
    setting that scikit-image accepts.

    Parameters
    ----------
    images
        N×H×W array of gray images, or a four-dimensional one with a channel axis (see
        ``channel_axis``). bool, integer or real floating point, in any range: block
        normalization makes the features all but independent of the scale of the values. 8-bit
        images are the fastest. As in scikit-image, gradients are taken in float32 for float16 and
        float32 images and in float64 for all others.
    orientations
        Number of bins that divide the half circle of gradient directions, 0 to 180 degrees.
    pixels_per_cell
        Height and width of a cell in pixels. Rows and columns that fill no whole cell are left
        out, at the bottom and at the right.
    cells_per_block
        Height and width of a block in cells. Blocks overlap: each starts one cell after the last.
    block_norm
        How a block is normalized: "L1", "L1-sqrt", "L2" or "L2-Hys" (L2, clipped at 0.2, then L2
        again).
    channel_axis
        None for gray images. Otherwise the axis of ``images``, *the batch axis included*, that
        holds the color channels: -1 for N×H×W×C, 1 for N×C×H×W. (scikit-image counts in one
        image, without the batch axis.) Of a pixel's channels, the one with the largest gradient
        votes.

    Returns
    -------
    float32 array N×F. A row runs over block row, block column, cell row in the block, cell column
    in the block, orientation; F is the product of these five. An empty batch gives 0×F.

    Raises
    ------
    TypeError
        If the images are not real numbers, or a count is not an integer.
    ValueError
        If the images have the wrong number of axes, are smaller than one block, hold NaN or
        infinity, or have gradients too large for float32; or if a setting is out of its range.

    Notes
    -----
    Besides images and result, memory stays below 16 MiB, or below 128 bytes for each pixel (or
    histogram bin, where those are more) of a single image that needs more than that: images are
    worked on in chunks of 65,536 pixels or bins, but at least one at a time.

    The method: N. Dalal and B. Triggs, "Histograms of Oriented Gradients for Human Detection",
    CVPR 2005. Explained in chapter 9 (Before Deep Learning).
    """
    images = _as_batch(images, channel_axis)
    layout = _plan(images.shape[1:3], orientations, pixels_per_cell, cells_per_block)
    if block_norm not in BLOCK_NORMS:
        raise ValueError(
            f"block_norm is {block_norm!r}; expected one of {', '.join(map(repr, BLOCK_NORMS))}."
        )
    dtype = _gradient_dtype(images)
    table = _bin_table(layout.orientations) if dtype == np.int32 else None

    features = np.empty((len(images), math.prod(layout.feature_shape)), dtype=np.float32)
    items_per_image = max(
        math.prod(images.shape[1:3]), math.prod(layout.cells) * layout.orientations
    )
    chunk = max(1, _CHUNK_ITEMS // items_per_image)
    for start in range(0, len(images), chunk):
        part = slice(start, start + chunk)
        _check_finite(images[part], start)
        blocks = features[part].reshape(-1, *layout.feature_shape)
        # What overflows ends as an infinite cell, which _cell_histograms reports.
        with np.errstate(over="ignore", under="ignore"):
            _describe(images[part], layout, dtype, table, block_norm, out=blocks)
    return features


def _describe(
    images: npt.NDArray,
    layout: _Layout,
    dtype: np.dtype,
    table: npt.NDArray | None,
    block_norm: str,
    out: npt.NDArray[np.float32],
) -> None:
    """Write the features of a chunk of images to ``out``: B × `_Layout.feature_shape`."""
    gradients = _gradients if images.ndim == 3 else _strongest_gradients
    rows, columns = gradients(images, dtype)
    bins, magnitudes = _votes(rows, columns, layout, table)
    histograms = _cell_histograms(bins, magnitudes, layout)
    _normalized_blocks(histograms, layout, block_norm, out)


# Checking what was given


def _as_batch(images: npt.ArrayLike, channel_axis: int | None) -> npt.NDArray:
    """The images as an array N×H×W or, with a channel axis, N×H×W×C."""
    images = np.asarray(images)
    if images.dtype.kind not in "biuf":
        raise TypeError(
            f"images has dtype {images.dtype}; expected bool, integer or real floating point. "
            "Convert it first, for example with images.astype(np.float32)."
        )
    if channel_axis is None:
        if images.ndim != 3:
            raise ValueError(
                f"images has shape {images.shape}; expected N×H×W. {_axes_hint(images.ndim)}"
            )
        return images
    channel_axis = _integer(channel_axis, "channel_axis")
    if images.ndim != 4:
        raise ValueError(
            f"images has shape {images.shape} and channel_axis is {channel_axis}; expected four "
            "axes: batch, rows, columns, channels. For a single color image add a batch axis, "
            "images[np.newaxis], and count it in channel_axis; for gray images leave channel_axis "
            "out."
        )
    if channel_axis not in (-3, -2, -1, 1, 2, 3):
        raise ValueError(
            f"channel_axis is {channel_axis}; expected 1, 2, 3 or -3, -2, -1. Axis 0 is the batch: "
            "the channel axis is counted on the batched array, -1 for N×H×W×C."
        )
    images = np.moveaxis(images, channel_axis, -1)
    if images.shape[-1] == 0:
        raise ValueError(f"images has no channels on channel_axis {channel_axis}; expected some.")
    return images


def _axes_hint(axes: int) -> str:
    if axes == 2:
        return "For a single image add a batch axis: images[np.newaxis]."
    if axes == 4:
        return "For color images say which axis holds the channels: channel_axis=-1 for N×H×W×C."
    return "Reshape it so that the first axis counts images, for example to (-1, 28, 28)."


def _integer(value: int, name: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected an integer.") from None


def _positive(value: int, name: str) -> int:
    value = _integer(value, name)
    if value < 1:
        raise ValueError(f"{name} is {value}; expected 1 or more.")
    return value


def _pair(values: Sequence[int], name: str) -> tuple[int, int]:
    try:
        rows, columns = values
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} is {values!r}; expected a pair (rows, columns), for example (4, 4)."
        ) from None
    return _positive(rows, f"{name}[0]"), _positive(columns, f"{name}[1]")


def _plan(
    image_size: tuple[int, int],
    orientations: int,
    pixels_per_cell: Sequence[int],
    cells_per_block: Sequence[int],
) -> _Layout:
    orientations = _positive(orientations, "orientations")
    cell = _pair(pixels_per_cell, "pixels_per_cell")
    block = _pair(cells_per_block, "cells_per_block")
    height, width = image_size
    layout = _Layout(orientations, cell, block, cells=(height // cell[0], width // cell[1]))
    if min(layout.blocks) < 1:
        raise ValueError(
            f"images are {height}×{width} pixels, smaller than one block: cells of "
            f"{cell[0]}×{cell[1]} pixels in blocks of {block[0]}×{block[1]} cells need at least "
            f"{block[0] * cell[0]}×{block[1] * cell[1]} pixels. Make pixels_per_cell or "
            "cells_per_block smaller, or the images larger."
        )
    return layout


def _gradient_dtype(images: npt.NDArray) -> np.dtype:
    """The dtype to subtract pixels in: int32 where a table of votes pays, else scikit-image's."""
    kind, size = images.dtype.kind, images.dtype.itemsize
    if kind in "biu" and size == 1 and images.size >= _TABLE_PAYS_PIXELS:
        return np.dtype(np.int32)
    return np.dtype(np.float32 if kind == "f" and size <= 4 else np.float64)


def _check_finite(images: npt.NDArray, start: int) -> None:
    if images.dtype.kind != "f" or np.isfinite(images).all():
        return
    first = start + int(np.argwhere(~np.isfinite(images))[0, 0])
    raise ValueError(
        f"images[{first}] holds NaN or infinity; expected finite values. Replace them, for example "
        "with np.nan_to_num, or leave the image out."
    )


# Gradients and their votes


def _gradients(channel: npt.NDArray, dtype: np.dtype) -> tuple[npt.NDArray, npt.NDArray]:
    """Differences between the neighbors of each pixel, along rows and along columns.

    ``channel`` is B×H×W; so are both results. They are 0 where a neighbor is missing.
    """
    channel = np.ascontiguousarray(channel, dtype=dtype)
    width = channel.shape[2]
    along_rows, along_columns = np.empty_like(channel), np.empty_like(channel)
    pixels = channel.reshape(-1)
    # One long subtraction runs far faster than one for each row of an image. It is wrong where
    # it reaches across an edge, and exactly there the gradient is defined to be 0.
    np.subtract(pixels[2 * width :], pixels[: -2 * width], out=along_rows.reshape(-1)[width:-width])
    np.subtract(pixels[2:], pixels[:-2], out=along_columns.reshape(-1)[1:-1])
    along_rows[:, [0, -1]] = 0
    along_columns[:, :, [0, -1]] = 0
    return along_rows, along_columns


def _strongest_gradients(images: npt.NDArray, dtype: np.dtype) -> tuple[npt.NDArray, npt.NDArray]:
    """For each pixel of B×H×W×C images, the gradient of the channel where it is largest."""
    rows, columns = _gradients(images[..., 0], dtype)
    # Not the faster square root of squares: where two channels are equal but for the last bit,
    # that bit decides, and it has to be scikit-image's.
    largest = np.hypot(rows, columns)
    for channel in range(1, images.shape[-1]):
        channel_rows, channel_columns = _gradients(images[..., channel], dtype)
        magnitudes = np.hypot(channel_rows, channel_columns)
        # Strictly larger, so that the first of equal channels votes, as in scikit-image.
        larger = magnitudes > largest
        np.copyto(rows, channel_rows, where=larger)
        np.copyto(columns, channel_columns, where=larger)
        np.copyto(largest, magnitudes, where=larger)
    return rows, columns


def _votes(
    rows: npt.NDArray, columns: npt.NDArray, layout: _Layout, table: npt.NDArray | None
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.floating]]:
    """The orientation bin and the magnitude of each gradient, sorted by cell as in `_by_cell`."""
    few_pixels = math.prod(layout.pixels_per_cell) <= _ROUNDING_SAFE_PIXELS
    dtype = np.float32 if few_pixels else np.float64
    if table is None:
        rows, columns = (_by_cell(axis, layout, np.float64) for axis in (rows, columns))
        bins, magnitudes = _computed_votes(rows, columns, layout.orientations)
        return bins.astype(np.intp), magnitudes.astype(dtype, copy=False)
    bins = table.take(_by_cell(_table_places(rows, columns), layout, np.intp))
    magnitudes = _by_cell(rows * rows + columns * columns, layout, dtype)
    return bins.astype(np.intp), np.sqrt(magnitudes, out=magnitudes)


def _by_cell(values: npt.NDArray, layout: _Layout, dtype: npt.DTypeLike) -> npt.NDArray:
    """B×H×W values as an array (pixels of a cell, row by row) × (cells of the batch)."""
    (cell_height, cell_width), (rows, columns) = layout.pixels_per_cell, layout.cells
    inside = values[:, : rows * cell_height, : columns * cell_width]
    split = inside.reshape(len(values), rows, cell_height, columns, cell_width)
    by_cell = np.ascontiguousarray(split.transpose(2, 4, 0, 1, 3), dtype=dtype)
    return by_cell.reshape(cell_height * cell_width, -1)


def _computed_votes(
    rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64], orientations: int
) -> tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.float64]]:
    """Bin and magnitude of each gradient, by scikit-image's own arithmetic.

    A direction on the border between two bins counts to the upper one. Where exactly the border
    lies is a matter of rounding, so the steps below repeat scikit-image's.
    """
    magnitudes = np.sqrt(rows * rows + columns * columns)
    degrees = np.arctan2(rows, columns)
    np.rad2deg(degrees, out=degrees)
    # The same numbers as degrees % 180, at a fraction of its cost.
    degrees[degrees == 180] = 0
    degrees += (degrees < 0).view(np.uint8) * np.uint8(180)
    bins = np.zeros(degrees.shape, dtype=np.min_scalar_type(orientations))
    for border in 180.0 / orientations * np.arange(1, orientations + 1):
        bins += degrees >= border
    # A direction a hair below 0 is rounded to 180 degrees, which lies in no bin: no vote.
    outside = bins == orientations
    magnitudes[outside] = 0
    bins[outside] = 0
    return bins, magnitudes


def _bin_table(orientations: int) -> npt.NDArray[np.unsignedinteger]:
    """The bins of all gradients of 8-bit images, in the order of `_table_places`."""
    differences = np.arange(-_REACH, _REACH + 1, dtype=np.float64)
    rows, columns = np.meshgrid(differences, differences, indexing="ij")
    bins, _ = _computed_votes(rows, columns, orientations)
    return bins.ravel()


def _table_places(
    rows: npt.NDArray[np.int32], columns: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    places = rows * np.int32(_SPAN)
    places += columns
    places += np.int32(_REACH * _SPAN + _REACH)
    return places


# Cells and blocks


def _cell_histograms(
    bins: npt.NDArray[np.intp], magnitudes: npt.NDArray[np.floating], layout: _Layout
) -> npt.NDArray[np.float32]:
    """Mean magnitude for each bin of each cell: B × cell rows × cell columns × orientations.

    ``bins`` and ``magnitudes`` are sorted as in `_by_cell`.
    """
    pixels, cells = bins.shape
    votes = bins + np.arange(cells) * layout.orientations
    totals = np.zeros(cells * layout.orientations, dtype=np.float32)
    if pixels <= _ROUNDING_SAFE_PIXELS or cells < _FEW_CELLS:
        np.add.at(totals, votes.ravel(), magnitudes.ravel())
    else:
        # A cell has one pixel at each position, so no two votes of a step meet.
        for position_votes, position_magnitudes in zip(votes, magnitudes, strict=True):
            totals[position_votes] = totals.take(position_votes) + position_magnitudes
    if not np.isfinite(totals.max(initial=0)):
        raise ValueError(
            "images has gradients whose sum over a cell exceeds float32 (3.4e38); expected smaller "
            "values. Divide the images by a constant: the features hardly depend on it."
        )
    totals /= np.float32(pixels)
    return totals.reshape(-1, *layout.cells, layout.orientations)


def _normalized_blocks(
    histograms: npt.NDArray[np.float32],
    layout: _Layout,
    block_norm: str,
    out: npt.NDArray[np.float32],
) -> None:
    """Write each block, normalized, to ``out``: B × blocks × cells of a block × orientations."""
    precise = histograms.astype(np.float64)
    if precise.max(initial=0) > _LARGE:
        histograms = precise
    if block_norm in ("L1", "L1-sqrt"):
        scale = 1 / (_block_sums(precise.sum(axis=-1), layout) + _EPSILON)
    else:
        energy = np.einsum("brco,brco->brc", precise, precise)
        scale = 1 / np.sqrt(_block_sums(energy, layout) + _EPSILON**2)

    windows = stride_tricks.sliding_window_view(histograms, layout.cells_per_block, axis=(1, 2))
    # The window axes come last; in a feature row, orientations do.
    windows = windows.transpose(0, 1, 2, 4, 5, 3)
    scale = scale.astype(histograms.dtype)[..., np.newaxis, np.newaxis, np.newaxis]
    np.multiply(windows, scale, out=out, casting="same_kind")
    if block_norm == "L1-sqrt":
        np.sqrt(out, out=out)
    elif block_norm == "L2-Hys":
        _clip_and_renormalize(out)


def _block_sums(cell_values: npt.NDArray[np.float64], layout: _Layout) -> npt.NDArray[np.float64]:
    """Sums of B × cell rows × cell columns values over each block."""
    (rows, columns), (height, width) = layout.blocks, layout.cells_per_block
    column_sums = sum(cell_values[:, row : row + rows] for row in range(height))
    return sum(column_sums[:, :, column : column + columns] for column in range(width))


def _clip_and_renormalize(blocks: npt.NDArray[np.float32]) -> None:
    flat = blocks.reshape(math.prod(blocks.shape[:3]), -1)
    np.minimum(flat, _CLIP, out=flat)
    energy = np.einsum("bf,bf->b", flat, flat)
    scale = 1 / np.sqrt(energy.astype(np.float64) + _EPSILON**2)
    flat *= scale.astype(np.float32)[:, np.newaxis]
