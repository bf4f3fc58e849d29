"""Drawings: gates with their lines, a network's circles, steps on a parabola, paths on a bowl.

Explained in chapter 2, *Neurons, Losses, Gradients*.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt

from seeing.figures import style

NO, YES = style.COLORS[1], style.COLORS[0]  # targets 0 and 1; their markers differ as well


def draw_gate(
    axis: plt.Axes,
    points: np.ndarray,
    targets: Sequence[int],
    *,
    lines: Sequence[tuple[Sequence[float], float]] = (),
    title: str = "",
) -> None:
    """Draw points in a plane with their targets, and the lines at which neurons change sides.

    Args:
        axis: where to draw.
        points: shape (n, 2).
        targets: one 0 (cross) or 1 (disk) a point.
        lines: two weights and a bias of each neuron.
        title: above the picture.

    Raises:
        ValueError: when there is not one target a point.
    """
    if len(points) != len(targets):
        raise ValueError(f"{len(points)} points, but {len(targets)} targets")
    low, high = points.min() - 0.6, points.max() + 0.6
    for target, marker, color in ((0, "X", NO), (1, "o", YES)):
        shown = points[np.asarray(targets) == target]
        axis.plot(shown[:, 0], shown[:, 1], marker, markersize=11, color=color, label=str(target))
    for (first, second), bias in lines:
        # Where first * x + second * y + bias is 0, drawn along the axis that it crosses less.
        along = np.array([low, high])
        if abs(second) >= abs(first):
            axis.plot(along, -(first * along + bias) / second, "k--", linewidth=1.5)
        else:
            axis.plot(-(second * along + bias) / first, along, "k--", linewidth=1.5)
    axis.set(xlim=(low, high), ylim=(low, high), title=title, aspect="equal")


def draw_network(axis: plt.Axes, widths: Sequence[int], names: Sequence[str]) -> None:
    """Draw a small dense network: a column of circles a layer, a line a weight.

    Args:
        axis: where to draw.
        widths: how many numbers each layer has, the input first.
        names: what stands below each column.

    Raises:
        ValueError: when there is not one name a layer.
    """
    if len(widths) != len(names):
        raise ValueError(f"{len(widths)} layers, but {len(names)} names")
    places = [
        [(2 * x, (width - 1) / 2 - i) for i in range(width)] for x, width in enumerate(widths)
    ]
    for left, right in itertools.pairwise(places):
        for start in left:
            for end in right:
                axis.plot(*zip(start, end, strict=True), color="gray", linewidth=1, zorder=1)
    bottom = -(max(widths) - 1) / 2 - 0.8
    for x, (column, name) in enumerate(zip(places, names, strict=True)):
        fill = "white" if x == 0 else style.COLORS[5]
        for place in column:
            circle = plt.Circle(place, 0.22, facecolor=fill, edgecolor="black", zorder=2)
            axis.add_patch(circle)
        axis.text(2 * x, bottom, name, ha="center", va="top")
    axis.set(xlim=(-0.8, 2 * len(widths) - 1.2), ylim=(bottom - 0.7, -bottom), aspect="equal")
    axis.axis("off")


def draw_descent(axis: plt.Axes, curvature: float, steps: Sequence[float], *, title: str) -> None:
    """Draw the places that gradient descent visits on the parabola a w² / 2.

    Args:
        axis: where to draw.
        curvature: a, above 0.
        steps: the places w, the start first; a ring marks it.
        title: above the picture.
    """
    steps = np.asarray(steps, dtype=float)
    reach = 1.15 * np.abs(steps).max()
    w = np.linspace(-reach, reach, 201)
    axis.plot(w, curvature * w**2 / 2, color="gray", linewidth=1)
    heights = curvature * steps**2 / 2
    axis.plot(steps, heights, "-", color=style.COLORS[1], linewidth=1)
    axis.plot(steps, heights, "o", color=style.COLORS[0], markersize=5)
    axis.plot(steps[0], heights[0], "o", color="black", markersize=10, fillstyle="none")
    axis.set(title=title, xlabel="w", ylabel="loss")


def draw_paths(
    axis: plt.Axes, curvatures: tuple[float, float], paths: Mapping[str, np.ndarray]
) -> None:
    """Draw paths on the bowl (a1 w1² + a2 w2²) / 2, with the bowl's level lines.

    Args:
        axis: where to draw.
        curvatures: a1 and a2, above 0.
        paths: by name, the places visited, shape (n, 2).
    """
    every = np.concatenate(list(paths.values()))
    (left, low), (right, high) = every.min(axis=0), every.max(axis=0)
    wide, tall = 0.15 * (right - left) + 0.1, 0.15 * (high - low) + 0.1
    across, up = np.meshgrid(
        np.linspace(left - wide, right + wide, 121), np.linspace(low - tall, high + tall, 121)
    )
    bowl = (curvatures[0] * across**2 + curvatures[1] * up**2) / 2
    axis.contour(across, up, bowl, levels=12, colors="lightgray", linewidths=0.8)
    for (name, path), marker in zip(paths.items(), style.MARKERS, strict=False):
        axis.plot(path[:, 0], path[:, 1], marker + "-", markersize=4, linewidth=1.2, label=name)
    axis.grid(visible=False)
