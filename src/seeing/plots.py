"""The book's standard figures, in one color-blind safe house style.

Every function returns the figure's axes, so that a chapter can add to it. Explained where first
used, in chapter 4, *A First Honest CNN*.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from seeing import results

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), without its yellow, which is too
# pale on white, and with black last.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
CORRECT, WRONG = COLORS[2], COLORS[1]
MARKERS = "osD^v*X"


def use_house_style() -> None:
    """Set matplotlib's defaults for the rest of the notebook."""
    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=COLORS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.labelsize": 10,
            "grid.color": "#E6E6E6",
            "grid.linewidth": 0.8,
            "lines.linewidth": 2.0,
            "legend.frameon": False,
            "font.size": 10,
            "figure.figsize": (7.2, 3.4),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "image.cmap": "gray_r",
            "image.interpolation": "nearest",
        }
    )


def image_grid(
    images: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 10,
    size: float = 0.85,
    cmap: str = "gray_r",
    limits: tuple[float, float] | None = None,
    title_colors: Sequence[str] | None = None,
) -> np.ndarray:
    """Draw images in rows, each with its title above it.

    Args:
        images: N images, each H×W, H×W×1 or H×W×3; uint8, or float in 0..1.
        titles: N titles, or None.
        columns: images a row.
        size: width of one image in inches.
        cmap: matplotlib's name of the color map for grayscale images.
        limits: gray values drawn as the map's two ends; each image's own range if None.
        title_colors: N colors, or None for black.

    Returns:
        The array of axes, rows × columns; those without an image are hidden.

    Raises:
        ValueError: when there is no image, or titles or colors do not fit the images' number.
    """
    count = len(images)
    if count == 0:
        raise ValueError("image_grid needs at least one image; got none")
    for name, given in (("titles", titles), ("title_colors", title_colors)):
        if given is not None and len(given) != count:
            raise ValueError(f"image_grid got {count} images and {len(given)} {name}")
    columns = min(columns, count)
    rows = -(-count // columns)
    lines = 1 + max((title.count("\n") for title in titles), default=0) if titles is not None else 0
    title_room = 0.05 if titles is None else 0.15 + 0.13 * lines
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size, rows * (size + title_room)),
        squeeze=False,
        layout="constrained",
    )
    low, high = limits if limits else (None, None)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(_without_gray_channel(image), cmap=cmap, vmin=low, vmax=high)
        if titles is not None:
            color = title_colors[index] if title_colors is not None else "black"
            axis.set_title(titles[index], fontsize=8, color=color, loc="center", pad=2)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    return axes


def learning_curves(
    history: Mapping[str, Sequence[float]], *, metric: str = "accuracy"
) -> np.ndarray:
    """Draw a training run: loss on the left, a metric on the right, training and validation.

    Args:
        history: ``keras.callbacks.History.history``: ``loss``, ``val_loss``, the metric and
            ``val_`` metric, one number an epoch. The validation entries may be missing.
        metric: the metric's name in the history.

    Returns:
        The two axes.

    Raises:
        ValueError: when the history holds no ``loss`` or no such metric.
    """
    _require(history, "loss", metric)
    _, axes = plt.subplots(1, 2)
    epochs = np.arange(1, len(history["loss"]) + 1)
    for axis, name in zip(axes, ("loss", metric), strict=True):
        axis.plot(epochs, history[name], marker="o", markersize=3, label="training")
        if f"val_{name}" in history:
            axis.plot(
                epochs,
                history[f"val_{name}"],
                marker="s",
                markersize=3,
                linestyle="--",
                label="validation",
            )
        _name_epochs(axis, name)
        axis.legend()
    return axes


def compared_curves(
    histories: Mapping[str, Mapping[str, Sequence[float]]], *, metric: str = "accuracy"
) -> np.ndarray:
    """Draw several training runs: loss on the left, a metric on the right, a color for each run.

    Args:
        histories: by the run's name, as for :func:`learning_curves`, all with validation entries.
            Solid lines are the training set's, dashed ones the validation set's.
        metric: the metric's name in the histories.

    Returns:
        The two axes.

    Raises:
        ValueError: when a history lacks the loss, the metric or one of their validation entries.
    """
    for history in histories.values():
        _require(history, "loss", "val_loss", metric, f"val_{metric}")
    _, axes = plt.subplots(1, 2)
    for axis, shown in zip(axes, ("loss", metric), strict=True):
        for (name, history), color in zip(histories.items(), itertools.cycle(COLORS), strict=False):
            epochs = np.arange(1, len(history[shown]) + 1)
            axis.plot(epochs, history[shown], color=color, linewidth=1)
            axis.plot(epochs, history[f"val_{shown}"], "--", color=color, label=name)
        _name_epochs(axis, shown)
    axes[1].legend()
    return axes


def _name_epochs(axis: plt.Axes, title: str) -> None:
    """Title and horizontal axis of a curve over epochs, which are whole numbers."""
    axis.set(xlabel="epoch", title=title)
    axis.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, min_n_ticks=1))


def _require(history: Mapping[str, Sequence[float]], *names: str) -> None:
    for name in names:
        if name not in history:
            raise ValueError(f"the history holds {sorted(history)}, not {name!r}")


def confusion_matrix(matrix: np.ndarray, class_names: Sequence[str]) -> plt.Axes:
    """Draw a confusion matrix: rows are true classes, columns predictions, color is row share.

    The diagonal is left pale: the eye should land on the mistakes.

    Args:
        matrix: counts, integer, shape (K, K), as ``sklearn.metrics.confusion_matrix`` returns.
        class_names: K names.

    Returns:
        The axes.

    Raises:
        ValueError: when the matrix is not square, or the names do not fit it.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a confusion matrix is square; got shape {matrix.shape}")
    if len(class_names) != len(matrix):
        raise ValueError(f"{len(matrix)} classes, but {len(class_names)} names")
    row_totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(
        matrix, row_totals, out=np.zeros(matrix.shape, dtype=float), where=row_totals > 0
    )
    errors = shares.copy()
    np.fill_diagonal(errors, 0.0)
    side = 1.6 + 0.42 * len(matrix)
    _, axis = plt.subplots(figsize=(side, side))
    top = errors.max() or 1.0
    image = axis.imshow(errors, cmap="Oranges", vmin=0, vmax=top)
    for row, column in np.ndindex(*matrix.shape):
        count = matrix[row, column]
        if count:
            axis.text(
                column,
                row,
                f"{count}",
                ha="center",
                va="center",
                fontsize=8,
                color=_readable_on(image.to_rgba(errors[row, column])),
                fontweight="bold" if row == column else "normal",
            )
    positions = np.arange(len(matrix))
    axis.set_xticks(positions, class_names, rotation=0 if max(map(len, class_names)) < 3 else 45)
    axis.set_yticks(positions, class_names)
    axis.set(xlabel="predicted class", ylabel="true class")
    axis.grid(visible=False)
    return axis


def _readable_on(background: Sequence[float]) -> str:
    """Black or white, whichever stands out more: WCAG 2's relative luminance decides."""
    rgb = np.asarray(background[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ (0.2126, 0.7152, 0.0722) < 0.179 else "black"


def top_k_bars(
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    k: int = 5,
    image: np.ndarray | None = None,
    title: str | None = None,
) -> np.ndarray:
    """Draw the k most probable classes as bars, the picture beside them if there is one.

    Args:
        probabilities: float, shape (K,), one a class.
        class_names: K names.
        k: how many bars at most.
        image: H×W, H×W×1 or H×W×3, uint8 or float in 0..1; or None.
        title: the picture's title; the most probable class if None.

    Returns:
        The axes: picture and bars, or bars alone.

    Raises:
        ValueError: when probabilities and names do not fit each other.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    if probabilities.shape != (len(class_names),):
        raise ValueError(
            f"expected one probability for each of {len(class_names)} classes, "
            f"got shape {probabilities.shape}"
        )
    best = np.argsort(probabilities)[::-1][:k]
    if image is None:
        size = (4.0, 0.4 + 0.36 * len(best))
        _, axes = plt.subplots(1, 1, figsize=size, squeeze=False, layout="constrained")
        axes = axes[0]
    else:
        _, axes = plt.subplots(
            1, 2, figsize=(6.8, 2.6), width_ratios=(1, 1.4), layout="constrained"
        )
        axes[0].imshow(_without_gray_channel(image), cmap="gray_r")
        axes[0].set_title(title if title is not None else class_names[best[0]])
        axes[0].set_axis_off()
    bars = axes[-1]
    bars.barh(range(len(best)), probabilities[best], color=COLORS[0])
    bars.set_yticks(range(len(best)), [class_names[index] for index in best])
    bars.invert_yaxis()
    bars.set(xlim=(0, 1), xlabel="probability")
    bars.grid(visible=False, axis="y")
    for row, index in enumerate(best):
        share = probabilities[index]
        inside = share > 0.8
        bars.text(
            share - 0.02 if inside else share + 0.02,
            row,
            f"{share:.1%}",
            va="center",
            ha="right" if inside else "left",
            color="white" if inside else "black",
            fontsize=9,
        )
    return axes


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


def normalization(
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
    for start, color in ((1, COLORS[1]), (2, COLORS[5])):
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
    for side, marker, color in ((-1, "o", COLORS[0]), (1, "^", COLORS[1])):
        axis.scatter(*X[y == side].T, s=24, marker=marker, color=color, zorder=2)
    ringed = machine.support_vectors_
    axis.scatter(*ringed.T, s=90, facecolors="none", edgecolors="black", zorder=3)
    axis.set(title=title, xticks=[], yticks=[], aspect="equal")


def hinge(axis: plt.Axes, margins: np.ndarray) -> None:
    """Draw points on the hinge loss, with cross-entropy for comparison.

    Args:
        axis: where to draw.
        margins: each point's side (-1 or 1) times its score, shape (n,).
    """
    line = np.linspace(min(-2.0, margins.min()), max(3.0, margins.max()), 200)
    axis.plot(line, np.maximum(0, 1 - line), color="black", label="hinge")
    axis.plot(line, np.log1p(np.exp(-line)), ":", color="black", label="cross-entropy")
    axis.scatter(margins, np.maximum(0, 1 - margins), s=16, color=COLORS[2], zorder=3)
    axis.set(xlabel="margin of each point", ylabel="loss")
    axis.legend()


def growth(
    sizes: Sequence[int],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    xlabel: str = "training images",
) -> np.ndarray:
    """Draw how quantities grow or shrink with a size, on logarithmic axes: a power is a line.

    Args:
        sizes: the sizes, ascending.
        panels: each panel's title, its lines' names and their values, one a size, above 0. A
            value that is not is left out: a logarithm cannot show it.
        xlabel: what the sizes count.

    Returns:
        The axes, one a panel.

    Raises:
        ValueError: when a line does not have one value a size.
    """
    for lines in panels.values():
        for name, values in lines.items():
            if len(values) != len(sizes):
                raise ValueError(f"{len(sizes)} sizes, but {len(values)} values for {name!r}")
    figure, axes = plt.subplots(1, len(panels), figsize=(2.8 * len(panels), 3.2), squeeze=False)
    for axis, (title, lines) in zip(axes[0], panels.items(), strict=True):
        for (name, values), marker in zip(lines.items(), itertools.cycle(MARKERS), strict=False):
            shown = np.where(np.asarray(values) > 0, values, np.nan)
            axis.plot(sizes, shown, marker=marker, markersize=4, label=name)
        axis.set(title=title, xlabel=xlabel, xscale="log", yscale="log")
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=60)
        low, high = axis.get_ylim()
        subs = (1, 2, 5) if high / low < 500 else (1,)  # labels that would run into each other
        axis.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=subs))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=5)
    return axes[0]


def accuracy_over_time(
    runs: Mapping[str, tuple[float, Mapping[str, Sequence[float]]]],
) -> plt.Axes:
    """Draw what each way to train has reached by when.

    Args:
        runs: by name, the seconds that go by before training starts, and the training's history:
            ``val_accuracy`` (0 to 1) and ``seconds`` since the start, one of each an epoch.

    Raises:
        ValueError: when a run does not have as many times as accuracies.
    """
    _, axis = plt.subplots(figsize=(6.4, 3.2))
    for (name, (before, history)), marker in zip(
        runs.items(), itertools.cycle(MARKERS), strict=False
    ):
        seconds, accuracy = history["seconds"], history["val_accuracy"]
        if len(seconds) != len(accuracy):
            raise ValueError(f"{name!r} has {len(seconds)} times and {len(accuracy)} accuracies")
        minutes = (before + np.asarray(seconds)) / 60
        axis.plot(minutes, accuracy, marker=marker, markersize=5, label=name)
    axis.set(xlabel="minutes", ylabel="validation accuracy", ylim=(0, 1))
    axis.legend(loc="lower right")
    return axis


def accuracy_by_size(
    sizes: Sequence[str], ways: Mapping[str, Sequence["results.Metric"]], *, xlabel: str
) -> plt.Axes:
    """Draw accuracy against the amount of data, with the spread between seeds.

    Args:
        sizes: the amounts as text, for example ``["5", "20", "all"]``, evenly spaced.
        ways: each line's name and its metrics, one a size.
        xlabel: what the sizes count.

    Raises:
        ValueError: when a line does not have one metric a size.
    """
    _, axis = plt.subplots(figsize=(5.6, 3))
    _lines_with_spread(axis, range(len(sizes)), ways, f"{len(sizes)} sizes")
    axis.set(xlabel=xlabel, ylabel="validation accuracy", ylim=(0, 1))
    axis.set_xticks(range(len(sizes)), sizes)
    axis.legend(loc="lower right")
    return axis


def answers(
    images: np.ndarray,
    truth: Sequence[object],
    given: Mapping[str, Sequence[object]],
    *,
    count: int = 12,
    columns: int = 6,
) -> np.ndarray:
    """Draw images that at least one method got wrong, with every method's answer.

    Args:
        images: N images, as for :func:`image_grid`.
        truth: the N right answers.
        given: each method's name and its N answers.
        count: how many images at most; of more, some from the whole range, evenly spread.
        columns: images a row.

    Returns:
        The array of axes.

    Raises:
        ValueError: when a method's answers do not fit the images' number, or all are right.
    """
    truth = np.asarray(truth)
    methods = {name: np.asarray(answer) for name, answer in given.items()}
    for name, answer in {"truth": truth, **methods}.items():
        if len(answer) != len(images):
            raise ValueError(f"answers got {len(images)} images and {len(answer)} for {name!r}")
    wrong = np.any([answer != truth for answer in methods.values()], axis=0)
    if not wrong.any():
        raise ValueError("no method made a mistake: there is nothing to draw")
    chosen = np.flatnonzero(wrong)
    # A data set is often sorted by class: the first mistakes would all be of one.
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(count, len(chosen))).round().astype(int)]
    titles = [
        "\n".join([f"{truth[i]}", *(f"{name}: {answer[i]}" for name, answer in methods.items())])
        for i in chosen
    ]
    return image_grid(np.asarray(images)[chosen], titles, columns=columns, size=1.3)


def accuracy_by_strength(
    panels: Mapping[str, tuple[Sequence[float], Mapping[str, Sequence["results.Metric"]]]],
) -> np.ndarray:
    """Draw how accuracy changes with a strength, one panel a kind of change.

    Args:
        panels: each panel's title, its strengths (ascending), and its lines: each line's name and
            its metrics, one a strength. The spread between seeds is drawn as a bar. Every panel
            has the same lines.

    Returns:
        The axes, one a panel.

    Raises:
        ValueError: when there is no panel, or a line does not have one metric a strength.
    """
    if not panels:
        raise ValueError("accuracy_by_strength needs at least one panel; got none")
    size = (1.4 + 1.9 * len(panels), 2.8)
    figure, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for axis, (title, (strengths, lines)) in zip(axes[0], panels.items(), strict=True):
        _lines_with_spread(axis, strengths, lines, f"{title!r} has {len(strengths)} strengths")
        axis.set(xlabel=title, ylim=(0, 1))
    axes[0, 0].set(ylabel="accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=5)
    return axes[0]


def _lines_with_spread(
    axis: plt.Axes,
    places: Sequence[float],
    lines: Mapping[str, Sequence["results.Metric"]],
    expected: str,
) -> None:
    """Each line's means, and bars for the spread; ``expected`` begins the message of a misfit."""
    for (name, metrics), marker in zip(lines.items(), itertools.cycle(MARKERS), strict=False):
        if len(metrics) != len(places):
            raise ValueError(f"{expected}, but {len(metrics)} values for {name!r}")
        means, spreads = [metric.mean for metric in metrics], [metric.std for metric in metrics]
        axis.errorbar(places, means, yerr=spreads, marker=marker, capsize=3, label=name)


def _without_gray_channel(image: np.ndarray) -> np.ndarray:
    """matplotlib wants a gray image as H×W; Keras has it as H×W×1."""
    return image[..., 0] if np.ndim(image) == 3 and image.shape[-1] == 1 else image
