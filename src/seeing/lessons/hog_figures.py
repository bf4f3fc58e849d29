"""Figures of chapter 9 alone: gradients, cells, blocks, margins, growth.

Explained in chapter 9, *Before Deep Learning*.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Protocol

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from seeing.figures import curves, style


def gradient(
    axes: Sequence[plt.Axes], image: np.ndarray, length: np.ndarray, angle: np.ndarray, cmap: str
) -> None:
    """Draw an image, its gradient's length, and its angle where the gradient is not weak.

    Args:
        axes: three.
        image: gray, shape (height, width).
        length: the gradient's length, the same shape.
        angle: its angle in degrees, 0 to 180, the same shape; drawn gray where the length is
            below a tenth of the largest.
        cmap: matplotlib's name of the image's color map.
    """
    wheel = plt.colormaps["twilight"].with_extremes(bad="0.6")
    axes[0].imshow(image, cmap=cmap)
    axes[1].imshow(length, cmap="gray_r")
    strong = np.ma.masked_where(length < 0.1 * length.max(), angle)
    colors = axes[2].imshow(strong, cmap=wheel, vmin=0, vmax=180)
    axes[0].figure.colorbar(colors, ax=axes[2], label="degrees", ticks=[0, 45, 90, 135, 180])
    for axis, title in zip(axes, ("image", "length", "angle"), strict=True):
        axis.set_title(title)
        axis.set_axis_off()


def block_normalization(
    axes: Sequence[plt.Axes],
    image: np.ndarray,
    histograms: np.ndarray,
    blocks: np.ndarray,
    *,
    cell: int,
    cmap: str,
) -> None:
    """Draw an image with two overlapping blocks outlined, its cells, and its normalized blocks.

    Args:
        axes: three.
        image: gray, 0 to 255, shape (height, width); at least four cells high and wide.
        histograms: its cells, as for :func:`oriented_cells`.
        blocks: its blocks of 2 × 2 cells, as for :func:`cells_of_blocks`.
        cell: side of a cell in pixels.
        cmap: matplotlib's name of the image's color map.
    """
    axes[0].imshow(image, cmap=cmap, vmin=0, vmax=255)
    for start, color in ((1, style.COLORS[1]), (2, style.COLORS[5])):
        corner = start * cell - 0.5, 2 * cell - 0.5
        square = plt.Rectangle(corner, 2 * cell, 2 * cell, fill=False, color=color, linewidth=2)
        axes[0].add_patch(square)
    axes[0].set_axis_off()
    oriented_cells(axes[1], histograms, cell)
    oriented_cells(axes[2], cells_of_blocks(blocks), cell)
    for axis, title in zip(axes, ("image, two blocks", "cells", "normalized"), strict=True):
        axis.set_title(title)


def oriented_cells(axis: plt.Axes, histograms: np.ndarray, cell: int) -> None:
    """Draw cells' histograms of gradient directions as sticks along the edges.

    A stick lies at a right angle to its bin's gradients; the darker, the more of them.

    Args:
        axis: where to draw.
        histograms: shape (rows, columns, bins); the bins divide 0 to 180 degrees.
        cell: side of a cell in pixels.
    """
    rows, columns, bins = histograms.shape
    y, x = cell * (np.mgrid[:rows, :columns] + 0.5) - 0.5
    largest = histograms.max() or 1.0
    for index in range(bins):
        edge = np.pi * (index + 0.5) / bins + np.pi / 2
        reach = 0.45 * cell * np.array([np.cos(edge), np.sin(edge)])
        middles = np.stack([x.ravel(), y.ravel()], axis=1)
        sticks = np.stack([middles - reach, middles + reach], axis=1)
        shades = np.zeros((len(sticks), 4))
        shades[:, 3] = histograms[..., index].ravel() / largest
        axis.add_collection(mpl.collections.LineCollection(sticks, colors=shades, linewidths=1.4))
    axis.set(xlim=(-0.5, columns * cell - 0.5), ylim=(rows * cell - 0.5, -0.5), aspect="equal")
    axis.set_axis_off()


def cells_of_blocks(blocks: np.ndarray) -> np.ndarray:
    """Blocks of 2 × 2 cells taken apart again, so that :func:`oriented_cells` can draw them.

    Args:
        blocks: shape (rows, columns, 4 · bins): every block's upper left, upper right, lower left
            and lower right cell. Each block starts one cell after the last.

    Returns:
        Shape (rows + 1, columns + 1, bins): each cell's mean over the one to four blocks that
        hold it.

    Raises:
        ValueError: when the last axis is not four equal parts.
    """
    rows, columns, length = blocks.shape
    if length == 0 or length % 4:
        raise ValueError(
            f"blocks of 2 x 2 cells hold 4 times as many numbers as bins; got {length}"
        )
    parts = blocks.reshape(rows, columns, 2, 2, length // 4)
    total = np.zeros((rows + 1, columns + 1, length // 4))
    count = np.zeros((rows + 1, columns + 1, 1))
    for down, across in np.ndindex(2, 2):
        held = np.s_[down : down + rows, across : across + columns]
        total[held] += parts[:, :, down, across]
        count[held] += 1
    return total / count


class Machine(Protocol):
    """What a fitted two-class ``sklearn.svm.SVC`` knows."""

    support_vectors_: np.ndarray

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Points (n, 2) to scores (n,): 0 on the line, -1 and 1 on the curbs."""


def street(axis: plt.Axes, machine: Machine, X: np.ndarray, y: np.ndarray, title: str = "") -> None:
    """Draw a two-class SVM in the plane: its line, its street, its points.

    Args:
        axis: where to draw.
        machine: a fitted SVM; its support vectors are ringed.
        X: the training points, shape (n, 2).
        y: their sides, -1 or 1, shape (n,).
        title: the axis' title.
    """
    (left, bottom), (right, top) = X.min(axis=0) - 1, X.max(axis=0) + 1
    across, up = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
    scores = machine.decision_function(np.stack([across.ravel(), up.ravel()], axis=1))
    scores = scores.reshape(across.shape)
    levels = [level for level in (-1, 0, 1) if scores.min() < level < scores.max()]
    if levels:
        styles = ["-" if level == 0 else "--" for level in levels]
        axis.contour(across, up, scores, levels, colors="black", linestyles=styles, linewidths=1.5)
    for side, marker, color in ((-1, "o", style.COLORS[0]), (1, "^", style.COLORS[1])):
        axis.scatter(*X[y == side].T, s=24, marker=marker, color=color, zorder=2)
    ringed = machine.support_vectors_
    axis.scatter(*ringed.T, s=90, facecolors="none", edgecolors="black", zorder=3)
    axis.set(title=title, xticks=[], yticks=[], aspect="equal")


def decisions(axis: plt.Axes, values: Sequence[float]) -> None:
    """Draw each class's decision value as a bar, with the curbs at -1 and 1.

    Args:
        axis: where to draw.
        values: one a class, from the first to the last; the largest wins, and is drawn darker.
    """
    values = np.asarray(values, dtype=float)
    bars = axis.barh(range(len(values)), values, color=style.COLORS[0])
    for index, bar in enumerate(bars):
        bar.set_alpha(1.0 if index == values.argmax() else 0.5)
    axis.axvline(0, color="black", linewidth=1)
    for curb in (-1, 1):
        axis.axvline(curb, color="black", linewidth=1, linestyle="--")
    axis.set(xlabel="decision value", yticks=range(len(values)))
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")


def hinge(axis: plt.Axes, margins: np.ndarray) -> None:
    """Draw points on the hinge loss, with cross-entropy for comparison.

    Args:
        axis: where to draw.
        margins: each point's side (-1 or 1) times its score, shape (n,).
    """
    line = np.linspace(min(-2.0, margins.min()), max(3.0, margins.max()), 200)
    axis.plot(line, np.maximum(0, 1 - line), color="black", label="hinge")
    axis.plot(line, np.log1p(np.exp(-line)), ":", color="black", label="cross-entropy")
    axis.scatter(margins, np.maximum(0, 1 - margins), s=16, color=style.COLORS[2], zorder=3)
    axis.set(xlabel="margin of each point", ylabel="loss")
    axis.legend()


def growth(
    sizes: Sequence[int],
    here: Mapping[str, Mapping[str, Sequence[float]]],
    recorded: Mapping[str, tuple[Sequence[int], Mapping[str, Sequence[float]]]],
) -> np.ndarray:
    """Draw how quantities grow with a size: what is recorded in color, this run in gray.

    A panel of which nothing is recorded shows this run in color, and its title says so.

    Args:
        sizes: this run's sizes, ascending.
        here: each panel's title, its lines' names and this run's values, one a size.
        recorded: by the panel's title, the recorded sizes and the lines' values.

    Returns:
        The axes, one a panel.

    Raises:
        ValueError: when a line does not have one value a size.
    """
    every = sorted({*sizes, *(size for known, _ in recorded.values() for size in known)})
    front = {}
    for title, lines in here.items():
        places, known = recorded.get(title, (sizes, lines))
        front[title if title in recorded else f"{title}, this run"] = {
            name: _at(every, places, values) for name, values in known.items()
        }
    axes = curves.growth(every, front)
    for axis, heading, (title, lines) in zip(axes, front, here.items(), strict=True):
        axis.set_title(heading, fontsize=9)  # three long ones stand side by side
        places, known = recorded.get(title, (sizes, lines))
        for (name, values), drawn, marker in zip(
            lines.items(), list(axis.lines), itertools.cycle(style.MARKERS), strict=False
        ):
            # Where only some sizes are recorded, dots join them.
            axis.plot(places, known[name], ":", color=drawn.get_color())
            if list(known[name]) != list(values):
                gray = {"color": "0.6", "linewidth": 0.8, "zorder": 1, "markersize": 3}
                (ghost,) = axis.plot(sizes, values, marker=marker, **gray)
                axis.legend([ghost], ["this run"], fontsize=8)
    return axes


def _at(every: Sequence[int], places: Sequence[int], values: Sequence[float]) -> list[float]:
    """Values at each of many places, not a number where there is none."""
    known = dict(zip(places, values, strict=True))
    return [known.get(place, np.nan) for place in every]
