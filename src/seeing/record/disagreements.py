"""Two methods, the same images: who is right where the other is wrong, kept and shown.

Explained in chapter 9, *Before Deep Learning*.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from seeing import judgment
from seeing.record import chapter, tables
from seeing.record import metric as metrics

Pair = tuple[str, str]
"""The names of two methods that are compared on the same images."""

# How a pair's two counts are kept.
BETWEEN, ONLY_FIRST, ONLY_SECOND = " / ", "only the first right", "only the second right"


def between(
    said: Mapping[str, np.ndarray], truth: np.ndarray, pairs: Sequence[Pair]
) -> dict[Pair, judgment.Disagreement]:
    """McNemar's counts for pairs of methods that answered for the same images.

    Args:
        said: each method's answers, shape (n,).
        truth: the right ones, shape (n,).
        pairs: the names of the methods to compare.

    Raises:
        ValueError: when a method has not n answers.
    """
    for name, answers in said.items():
        if len(answers) != len(truth):
            raise ValueError(f"{name}: {len(answers)} answers, but {len(truth)} right ones")
    return {
        (first, second): judgment.mcnemar(said[first] == truth, said[second] == truth)
        for first, second in pairs
    }


def add(sample: chapter.Sample, name: str, found: Mapping[Pair, judgment.Disagreement]) -> None:
    """Keep what :func:`between` found, as a series over the pairs.

    Args:
        sample: what the methods were compared on.
        name: the series' name.
        found: at least one pair.
    """
    lines = {
        ONLY_FIRST: [[one.only_first] for one in found.values()],
        ONLY_SECOND: [[one.only_second] for one in found.values()],
    }
    labels = [BETWEEN.join(pair) for pair in found]
    sample.add_series(name, labels, lines, unit=metrics.RATIO)


def recorded(record: chapter.Chapter, name: str) -> dict[Pair, judgment.Disagreement]:
    """What is recorded of :func:`add`; empty where no full run has it yet."""
    series = record.series(name)
    if series is None:
        return {}
    counts = zip(*(series["lines"][end] for end in (ONLY_FIRST, ONLY_SECOND)), strict=True)
    return {
        tuple(label.split(BETWEEN)): judgment.Disagreement(int(first), int(second))
        for label, ((first,), (second,)) in zip(series["x"], counts, strict=True)
    }


def show(record: chapter.Chapter, name: str, here: Mapping[Pair, judgment.Disagreement]) -> None:
    """Show each pair's counts and McNemar's p, recorded and of this run.

    Args:
        record: knows what is recorded under the name.
        name: the series' name.
        here: this run's.
    """
    known = recorded(record, name)
    header = ["First and second", "Only one right", "p"]
    if not known or known == here:
        rows = [[" and ".join(pair), *_counts_and_p(one)] for pair, one in here.items()]
        whose = "This run." if not known else "Recorded full run."
        tables.show_table(header, rows, f"{whose} McNemar's test on the same images.")
        return
    rows = [
        [" and ".join(pair), *_counts_and_p(known.get(pair)), *_counts_and_p(here.get(pair))]
        for pair in dict.fromkeys([*known, *here])
    ]
    header += [f"{heading}, this run" for heading in header[1:]]
    tables.show_table(header, rows, "Recorded full run, and this run. McNemar's test.")


def _counts_and_p(one: judgment.Disagreement | None) -> list[str]:
    if one is None:
        return [tables.NOTHING, tables.NOTHING]
    p = f"{one.p:.2g}" if one.p >= 0.001 else "below 0.001"
    return [f"{one.only_first:,} : {one.only_second:,}", p]
