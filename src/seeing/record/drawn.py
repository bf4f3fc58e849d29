"""What a figure draws: the recorded run, where there is one, and this run beside it.

Explained on the page *How this book is checked*.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seeing.record import chapter
from seeing.record import metric as metrics

if TYPE_CHECKING:
    from matplotlib import pyplot as plt

RECORDED, HERE = "recorded run", "this run"  # whose numbers a figure draws


def recorded_or_here(
    record: chapter.Chapter,
    sample: chapter.Sample,
    name: str,
    x: Sequence[float | str],
    lines: Mapping[str, Sequence[Sequence[float]]],
    *,
    unit: str = metrics.FRACTION,
) -> tuple[list[float | str], dict[str, list[metrics.Metric]], str]:
    """Keep what a figure draws for the next recording; say what it is to draw.

    Args:
        record: the chapter's.
        sample: what the lines were measured on.
        name: of the series.
        x: places on the axis.
        lines: this run's: by label, for each place one value a seed.
        unit: of the values.

    Returns:
        Places and lines of the recorded run, where it recorded the series, else of this run; and
        which of the two: ``RECORDED`` or ``HERE``.

    Raises:
        ValueError: as :meth:`chapter.Sample.add_series` does.
    """
    sample.add_series(name, x, lines, unit=unit)
    found = record.series(name)
    source = {"x": x, "lines": lines} if found is None else found
    drawn = {
        label: [metrics.metric(values, unit=unit) for values in line]
        for label, line in source["lines"].items()
    }
    return list(source["x"]), drawn, HERE if found is None else RECORDED


def recorded_or_these_runs(
    record: chapter.Chapter,
    sample: chapter.Sample,
    histories: Mapping[str, Mapping[str, Sequence[float]]],
) -> tuple[dict[str, dict[str, list[float]]], str]:
    """The same for the curves of training runs.

    Args:
        record: the chapter's.
        sample: the validation set.
        histories: by the run's name, Keras's history: one value a round.

    Returns:
        Histories by the run's name, and whose they are: ``RECORDED`` where all were recorded,
        else ``HERE``.
    """
    found, sources = {}, set()
    for name, history in histories.items():
        rounds = range(1, len(history["loss"]) + 1)
        lines = {key: [[value] for value in values] for key, values in history.items()}
        series = f"{chapter.slug(name)}_history"
        kept = recorded_or_here(record, sample, series, rounds, lines, unit=metrics.RATIO)
        found[name] = {key: [one.mean for one in line] for key, line in kept[1].items()}
        sources.add(kept[2])
    if sources == {RECORDED}:
        return found, RECORDED
    return {name: dict(history) for name, history in histories.items()}, HERE


def add_recorded(
    axis: "plt.Axes", places: Sequence[float], recorded: Sequence[metrics.Metric], *, color: str
) -> None:
    """Add recorded numbers to a chart as large stars, with bars for the spread between seeds."""
    means, spreads = [one.mean for one in recorded], [one.std for one in recorded]
    star = {"marker": "*", "markersize": 12, "markeredgecolor": "black", "linestyle": "none"}
    axis.errorbar(places, means, yerr=spreads, color=color, capsize=3, zorder=5, **star)


def add_this_run(
    axis: "plt.Axes", lines: Mapping[str, Sequence[metrics.Metric | None]], markers: str = "x+"
) -> None:
    """Add this run's numbers to a chart of recorded ones, in gray.

    Args:
        axis: the chart, with the places 0, 1, 2 and so on.
        lines: by label, one metric a place; None where this run measured nothing.
        markers: one a line.

    Raises:
        ValueError: when there are more lines than markers.
    """
    if len(lines) > len(markers):
        raise ValueError(f"{len(lines)} lines, but only the markers {markers!r}")
    for (label, line), marker in zip(lines.items(), markers, strict=False):
        means = [np.nan if one is None else one.mean for one in line]
        style = {"color": "0.45", "markersize": 8, "linestyle": "none", "zorder": 4}
        axis.plot(range(len(line)), means, marker=marker, label=f"{label}, this run", **style)
