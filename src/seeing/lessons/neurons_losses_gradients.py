"""Drawings of gates, networks, steps and paths, and the files that the page's demos read.

Explained in chapter 2, *Neurons, Losses, Gradients*.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib import pyplot as plt

from seeing import exports
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


DEMO_FORMAT = "seeing-descent-1"
SOFTMAX_FORMAT = "seeing-softmax-1"

PLACES = 97  # at which a curve is written to the demo's file, with its slope


@dataclasses.dataclass(frozen=True)
class Curve:
    """A loss of one number, lowest at 0, on which the page's demo walks.

    Attributes:
        name: what the reader chooses.
        curvature: a, the second derivative at 0.
        start: where a walk begins.
        reach: it is drawn from ``-reach`` to ``reach``.
        at: the loss and its slope at a place; None for the parabola a w² / 2.
    """

    name: str
    curvature: float
    start: float
    reach: float
    at: Callable[[float], tuple[float, float]] | None = None

    def slope(self, w: float) -> float:
        """The curve's slope at a place."""
        return self.curvature * w if self.at is None else self.at(w)[1]

    def walk(self, rate: float, steps: int) -> list[float]:
        """Where gradient descent goes, the start included; it ends where the curve is not known.

        Args:
            rate: the learning rate, in units of 1/a.
            steps: how many at most.
        """
        places = [self.start]
        for _ in range(steps):
            w = places[-1] - rate / self.curvature * self.slope(places[-1])
            if self.at is not None and abs(w) > self.reach:
                break
            places.append(float(w))
        return places


def write_demo(
    path: pathlib.Path, curves: Sequence[Curve], presets: Mapping[str, tuple[float, int]]
) -> dict[str, Any]:
    """Write what the page's demo of the learning rate reads, and the walks that its tests compare.

    Args:
        path: the JSON file; its folder is made if need be.
        curves: what the reader can walk on.
        presets: by name, a learning rate in units of 1/a and a number of steps.

    Returns:
        What was written.

    Raises:
        ValueError: when a walk does not begin within its curve's reach.
    """
    for curve in curves:
        if not abs(curve.start) <= curve.reach:
            raise ValueError(
                f"{curve.name}: the walk starts at {curve.start}; expected {-curve.reach} to "
                f"{curve.reach}"
            )
    content = {
        "format": DEMO_FORMAT,
        "losses": [_as_json(curve) for curve in curves],
        "presets": [
            {"name": name, "rate": rate, "steps": steps} for name, (rate, steps) in presets.items()
        ],
        "walks": [[curve.walk(*preset) for preset in presets.values()] for curve in curves],
    }
    return exports.write(path, content)


def _as_json(curve: Curve) -> dict[str, Any]:
    """A curve for the demo; where it is no parabola, with a table of values and slopes."""
    content = dataclasses.asdict(curve)
    del content["at"]
    if curve.at is not None:
        found = [curve.at(w) for w in np.linspace(-curve.reach, curve.reach, PLACES)]
        for name, column in zip(("values", "slopes"), zip(*found, strict=True), strict=True):
            content[name] = np.round(column, 9).tolist()
    return content


def write_softmax_demo(
    path: pathlib.Path,
    classes: Sequence[str],
    presets: Mapping[str, tuple[Sequence[float], int]],
) -> dict[str, Any]:
    """Write what the page's demo of softmax reads, and what Keras makes of it for its tests.

    Args:
        path: the JSON file; its folder is made if need be.
        classes: their names.
        presets: by name, one logit a class and the number of the true class.

    Returns:
        What was written.

    Raises:
        ValueError: when a preset has not one logit a class, or its true class is none of them.
    """
    for name, (logits, truth) in presets.items():
        if len(logits) != len(classes) or not 0 <= truth < len(classes):
            raise ValueError(
                f"{name}: {len(logits)} logits and class {truth}; expected {len(classes)} logits "
                f"and a class below {len(classes)}"
            )
    content = {
        "format": SOFTMAX_FORMAT,
        "classes": list(classes),
        "presets": [
            {"name": name, "logits": list(logits), "truth": truth}
            for name, (logits, truth) in presets.items()
        ],
        "by_keras": [_by_keras(*preset) for preset in presets.values()],
    }
    return exports.write(path, content)


def _by_keras(logits: Sequence[float], truth: int) -> dict[str, Any]:
    """Shares, losses and slopes, in double precision."""
    double = {"dtype": "float64"}
    z = tf.constant([list(logits)], dtype="float64")
    one_hot = tf.one_hot([truth], len(logits), dtype="float64")
    categorical = keras.losses.CategoricalCrossentropy(from_logits=True, **double)
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = categorical(one_hot, z)
    softmax, sigmoid = keras.ops.softmax(z), keras.ops.sigmoid(z)
    binary = keras.losses.BinaryCrossentropy(from_logits=True, **double)
    return {
        "softmax": np.ravel(softmax).tolist(),
        "sigmoid": np.ravel(sigmoid).tolist(),
        "slopes": np.ravel(tape.gradient(loss, z)).tolist(),
        "categorical": float(loss),
        "binary": float(binary(one_hot, z)),
        "squared": float(keras.losses.MeanSquaredError(**double)(one_hot, softmax)),
        "hinge": float(keras.losses.CategoricalHinge(**double)(one_hot, z)),
    }
