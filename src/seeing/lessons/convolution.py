"""Chapter 3 alone: figures of one step, of windows and of shifts, and what its demo reads.

Explained in chapter 3, *Convolution You Can Touch*.
"""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from seeing import exports
from seeing.figures import style

WINDOW = style.COLORS[1]
DEMO_FORMAT = "seeing-convolution-1"


def numbers(axis: plt.Axes, table: np.ndarray, title: str, *, cmap: str = "gray_r") -> None:
    """Draw a table of numbers as a picture with each number in its cell.

    Args:
        axis: where to draw.
        table: shape (rows, columns); what is not a number is left blank.
        title: above it; its columns are as wide as those of any other table on such an axis.
        cmap: matplotlib's name of the color map. Its colors are used up to the middle only, so
            that a number can be read on them.
    """
    shown = np.ma.masked_invalid(np.asarray(table, dtype=float))
    largest = float(np.ma.abs(shown).max()) or 1.0
    axis.imshow(shown, cmap=cmap, vmin=0, vmax=2.2 * largest)
    for row, column in np.argwhere(~np.ma.getmaskarray(shown)):
        axis.text(column, row, f"{table[row, column]:g}", ha="center", va="center", fontsize=11)
    rows, columns = shown.shape
    axis.set(title=title, xticks=[], yticks=[])
    axis.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axis.grid(visible=False)
    axis.grid(visible=True, which="minor", color="0.75")
    axis.tick_params(which="both", length=0)
    for side in axis.spines.values():
        side.set(visible=True, color="0.75")


def outline(axis: plt.Axes, row: int, column: int, height: int, width: int) -> None:
    """Outline some cells of a table that :func:`numbers` drew.

    Args:
        axis: where the table is.
        row: of the upper left cell.
        column: of the upper left cell.
        height: rows.
        width: columns.
    """
    corner = column - 0.5, row - 0.5
    style_of_line = {"fill": False, "edgecolor": WINDOW, "linewidth": 3, "clip_on": False}
    axis.add_patch(plt.Rectangle(corner, width, height, zorder=5, **style_of_line))


def one_step(
    axes: np.ndarray, picture: np.ndarray, kernel: np.ndarray, row: int, column: int
) -> None:
    """Draw one step of a kernel: the pixels below it, its weights, the products, the map so far.

    Args:
        axes: four, in two rows.
        picture: shape (height, width).
        kernel: shape (rows, columns), no larger.
        row: of the window's upper left pixel.
        column: of the same.
    """
    height, width = kernel.shape
    places = picture.shape[0] - height + 1, picture.shape[1] - width + 1
    made = np.full(places, np.nan)
    for i, j in np.ndindex(places):
        if (i, j) <= (row, column):
            made[i, j] = np.sum(picture[i : i + height, j : j + width] * kernel)
    products = picture[row : row + height, column : column + width] * kernel
    total = f"products, sum {products.sum():g}"
    numbers(axes[0, 0], picture, "picture")
    outline(axes[0, 0], row, column, height, width)
    numbers(axes[0, 1], kernel, "kernel")
    numbers(axes[1, 0], products, total)
    numbers(axes[1, 1], made, "feature map so far")
    outline(axes[1, 1], row, column, 1, 1)


def windows(
    axes: Sequence[plt.Axes], width: int, cases: Mapping[str, tuple[int, int, int]], size: int = 3
) -> None:
    """Draw which places of a row each window touches, one panel a case.

    Args:
        axes: one a case.
        width: places in the row.
        cases: by title, the stride, the padding and the dilation.
        size: weights of the kernel in a row.
    """
    for axis, (title, (stride, padding, dilation)) in zip(axes, cases.items(), strict=True):
        starts = range(-padding, width + padding - dilation * (size - 1), stride)
        inside = np.arange(width)
        for line, start in enumerate(starts):
            axis.plot(inside, np.full(width, line), "s", color="0.85", markersize=9)
            outside = [*range(-padding, 0), *range(width, width + padding)]
            dots = {"markerfacecolor": "white", "markeredgecolor": "0.7", "markersize": 9}
            axis.plot(outside, np.full(len(outside), line), "s", **dots)
            touched = start + dilation * np.arange(size)
            axis.plot(touched, np.full(size, line), "o", color=style.COLORS[0], markersize=5)
        axis.set(title=f"{title}: {len(starts)} places", xticks=[], yticks=[])
        axis.set(xlim=(-1.7, width + 0.7), ylim=(7.5, -0.7))
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)


def accuracy_by_shift(
    axis: plt.Axes,
    shifts: Sequence[int],
    recorded: Mapping[str, Sequence[Sequence[float]]] | None,
    here: Mapping[str, Sequence[Sequence[float]]],
) -> None:
    """Draw accuracy against a shift: the recorded run in color, this run in gray.

    Args:
        axis: where to draw.
        shifts: in pixels.
        recorded: by the network's name, for each shift one accuracy a seed; None where nothing
            is recorded, and this run is drawn in color.
        here: the same of this run.
    """
    whose = "this run" if recorded is None else "recorded run"
    for (name, line), marker, color in zip(
        (recorded or here).items(), style.MARKERS, style.COLORS, strict=False
    ):
        means = [np.mean(values) for values in line]
        spreads = [np.std(values, ddof=1) if len(values) > 1 else 0 for values in line]
        axis.errorbar(
            shifts, means, yerr=spreads, marker=marker, color=color, capsize=3, label=name
        )
        if recorded is not None:
            means = [np.mean(values) for values in here[name]]
            axis.plot(shifts, means, marker=marker, color="0.6", linewidth=0.8, markersize=4)
    axis.set(xlabel="shift to the right in pixels", ylabel="test accuracy", ylim=(0, 1.02))
    axis.set(title=f"{whose} (gray: this run)" if recorded is not None else whose)
    axis.set_xticks(shifts)
    axis.legend(loc="lower left")


def write_demo(
    path: pathlib.Path,
    demo_pictures: Mapping[str, np.ndarray],
    kernels: Mapping[str, np.ndarray],
    slide: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> dict[str, Any]:
    """Write what the page's demo reads, and the maps that its tests compare.

    Args:
        path: the JSON file; its folder is made if need be.
        demo_pictures: by name, whole numbers of shape (height, width).
        kernels: by name, 3 x 3 weights.
        slide: makes the feature map of a picture and a kernel, with Keras.

    Returns:
        What was written.

    Raises:
        ValueError: when a kernel is not 3 x 3: the demo knows no other.
    """
    for name, weights in kernels.items():
        if np.shape(weights) != (3, 3):
            raise ValueError(f"the kernel {name!r} is {np.shape(weights)}; expected (3, 3)")
    content = {
        "format": DEMO_FORMAT,
        "pictures": [
            {"name": name, "pixels": np.asarray(pixels).tolist()}
            for name, pixels in demo_pictures.items()
        ],
        "kernels": [
            {"name": name, "weights": np.asarray(weights).tolist()}
            for name, weights in kernels.items()
        ],
        "maps": [
            [np.round(slide(pixels, weights), 6).tolist() for weights in kernels.values()]
            for pixels in demo_pictures.values()
        ],
    }
    return exports.write(path, content)
