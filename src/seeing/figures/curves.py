"""Figures of curves: learning curves, accuracy over time, size and strength.

Explained where first
used, in chapter 4, *A First Honest CNN*.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from seeing.record import metric as metrics
from seeing.figures import lettering, style


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
        for (name, history), color in zip(
            histories.items(), itertools.cycle(style.COLORS), strict=False
        ):
            epochs = np.arange(1, len(history[shown]) + 1)
            axis.plot(epochs, history[shown], color=color, linewidth=1)
            axis.plot(
                epochs, history[f"val_{shown}"], "--", color=color, label=lettering.shown(name)
            )
        _name_epochs(axis, shown)
    axes[1].legend()
    return axes


def _name_epochs(axis: plt.Axes, title: str) -> None:
    """Title and horizontal axis of a curve over epochs, which are whole numbers."""
    axis.set(xlabel="epoch", title=lettering.shown(title))
    axis.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, min_n_ticks=1))


def _require(history: Mapping[str, Sequence[float]], *names: str) -> None:
    for name in names:
        if name not in history:
            raise ValueError(f"the history holds {sorted(history)}, not {name!r}")


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
        for (name, values), marker in zip(
            lines.items(), itertools.cycle(style.MARKERS), strict=False
        ):
            shown = np.where(np.asarray(values) > 0, values, np.nan)
            axis.plot(sizes, shown, marker=marker, markersize=4, label=lettering.shown(name))
        axis.set(
            title=lettering.shown(title), xlabel=lettering.shown(xlabel), xscale="log", yscale="log"
        )
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
        runs.items(), itertools.cycle(style.MARKERS), strict=False
    ):
        seconds, accuracy = history["seconds"], history["val_accuracy"]
        if len(seconds) != len(accuracy):
            raise ValueError(f"{name!r} has {len(seconds)} times and {len(accuracy)} accuracies")
        minutes = (before + np.asarray(seconds)) / 60
        axis.plot(minutes, accuracy, marker=marker, markersize=5, label=lettering.shown(name))
    axis.set(xlabel="minutes", ylabel="validation accuracy", ylim=(0, 1))
    axis.legend(loc="lower right")
    return axis


def accuracy_by_size(
    sizes: Sequence[str], ways: Mapping[str, Sequence["metrics.Metric"]], *, xlabel: str
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
    axis.set(xlabel=lettering.shown(xlabel), ylabel="validation accuracy", ylim=(0, 1))
    axis.set_xticks(range(len(sizes)), lettering.shown_each(sizes))
    axis.legend(loc="lower right")
    return axis


def accuracy_by_strength(
    panels: Mapping[str, tuple[Sequence[float], Mapping[str, Sequence["metrics.Metric"]]]],
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
        axis.set(xlabel=lettering.shown(title), ylim=(0, 1))
    axes[0, 0].set(ylabel="accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=5)
    return axes[0]


def _lines_with_spread(
    axis: plt.Axes,
    places: Sequence[float],
    lines: Mapping[str, Sequence["metrics.Metric"]],
    expected: str,
) -> None:
    """Each line's means, and bars for the spread; ``expected`` begins the message of a misfit."""
    for (name, line), marker in zip(lines.items(), itertools.cycle(style.MARKERS), strict=False):
        if len(line) != len(places):
            raise ValueError(f"{expected}, but {len(line)} values for {name!r}")
        means, spreads = [one.mean for one in line], [one.std for one in line]
        axis.errorbar(
            places, means, yerr=spreads, marker=marker, capsize=3, label=lettering.shown(name)
        )
