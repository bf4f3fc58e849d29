"""What the classifier says about its photographs before training, and about itself afterwards.

Explained on the page *The Command Line*.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from sklearn import metrics

from seeing.photos import folders, near_duplicates, splits

# So many things of one kind are named; of the others, the number.
SHOWN = 20


def before_training(
    folder: folders.ImageFolder, found: near_duplicates.NearDuplicates, split: np.ndarray
) -> str:
    """How the photographs were split, what the split lacks, and which are near-duplicates.

    Args:
        folder: the photographs.
        found: their near-duplicates.
        split: the part that each belongs to, str, shape (n,).
    """
    how = "split by class and file name" if folder.given_split is None else "split as the folders"
    lines = [f"{how}: {sizes(split)}", *_lacking_lines(folder, split)]
    return "\n".join(lines + _near_duplicate_lines(folder, found, split))


def sizes(split: np.ndarray) -> str:
    """How many photographs each part holds."""
    return ", ".join(f"{np.sum(split == name):,} {name}" for name in splits.SPLITS)


def classes_without(folder: folders.ImageFolder, split: np.ndarray, part: str) -> list[str]:
    """The classes that have no photograph in a part."""
    counts = np.bincount(folder.y[split == part], minlength=len(folder.class_names))
    return [name for name, count in zip(folder.class_names, counts, strict=True) if not count]


def _lacking_lines(folder: folders.ImageFolder, split: np.ndarray) -> list[str]:
    lines = []
    consequences = {
        "validation": "no choice of the training takes account of them",
        "test": "how well they are recognized will not be known",
    }
    for part, consequence in consequences.items():
        lacking = classes_without(folder, split, part)
        if len(lacking) == len(folder.class_names):
            lines.append(f"there is no {part} part: of all classes, {consequence}")
        elif lacking:
            lines.append(
                f"classes without a photograph in the {part} part, so that {consequence} "
                f"({len(lacking)} of {len(folder.class_names)}): {', '.join(lacking)}"
            )
    return lines


def _near_duplicate_lines(
    folder: folders.ImageFolder, found: near_duplicates.NearDuplicates, split: np.ndarray
) -> list[str]:
    names = folder.names
    lines = []
    if found.groups:
        kept = "kept in one part" if folder.given_split is None else "left where it is"
        count = sum(map(len, found.groups))
        lines.append(f"near-duplicates ({count:,} photographs), each line {kept}:")
        lines += _first(_named(names, group) for group in found.groups)
    pairs = {
        "possible wrong labels: near-duplicates of different classes": found.across(folder.y),
        "near-duplicates in different parts, which make a test too easy": found.across(split),
    }
    for what, some in pairs.items():
        if some:
            lines.append(f"{what}:")
            lines += _first(_named(names, (i, j)) for i, j, _ in some)
    if found.crowds:
        count = sum(map(len, found.crowds))
        lines.append(
            f"{count:,} photographs are so much alike (one camera that does not move? a film? "
            "scans?) that copies among them cannot be found; the test may be easier than use:"
        )
        lines += _first(
            f"{len(crowd):,} like {names[crowd[0]]} and {names[crowd[1]]}" for crowd in found.crowds
        )
    if found.plain:
        lines.append(
            f"{len(found.plain):,} photographs are too plain to be compared; only identical ones "
            "among them count as near-duplicates:"
        )
        lines += _first(names[i] for i in found.plain)
    return lines


def _named(names: Sequence[str], members: Sequence[int]) -> str:
    named = [names[i] for i in members[:SHOWN]]
    more = len(members) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def _first(lines: Sequence[str]) -> list[str]:
    """The first lines, indented, and how many others there are."""
    lines = list(lines)
    more = len(lines) - SHOWN
    return [f"  {line}" for line in lines[:SHOWN]] + ([f"  and {more:,} more"] if more > 0 else [])


@dataclasses.dataclass(frozen=True)
class Scores:
    """How well a classifier does on labeled photographs, for classes of any size.

    Attributes:
        accuracy: share of photographs whose most probable class is their label.
        balanced_accuracy: mean of the recalls: as if every class had as many photographs.
        recalls: float64, shape (K,): share of a class's photographs that got its name; NaN for
            a class without a photograph.
        counts: int64, shape (K,), photographs of each class.
    """

    accuracy: float
    balanced_accuracy: float
    recalls: np.ndarray
    counts: np.ndarray

    @property
    def majority(self) -> int:
        """The most frequent class."""
        return int(np.argmax(self.counts))

    @property
    def baseline(self) -> float:
        """Accuracy of giving every photograph the name of the most frequent class."""
        return float(self.counts.max() / self.counts.sum())


def scores(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> Scores:
    """Compare predicted classes with the labels.

    Args:
        y: labels, integers, shape (n,), n at least 1.
        predicted: predicted classes, integers, shape (n,).
        n_classes: how many classes there are, K.

    Raises:
        ValueError: when there is no label, or there are not as many predictions.
    """
    if not len(y) or len(y) != len(predicted):
        raise ValueError(f"{len(y)} labels, {len(predicted)} predictions; expected as many, 1 up")
    classes = np.arange(n_classes)
    counts = np.bincount(y, minlength=n_classes)
    recalls = metrics.recall_score(y, predicted, labels=classes, average=None, zero_division=0.0)
    recalls = np.where(counts > 0, recalls, np.nan)
    return Scores(
        accuracy=float(metrics.accuracy_score(y, predicted)),
        balanced_accuracy=float(np.nanmean(recalls)),
        recalls=recalls,
        counts=counts,
    )


def after_testing(tested: Scores, class_names: Sequence[str]) -> str:
    """The accuracy, beside what it has to be compared with, and the recall of each class."""
    lines = [
        f"test accuracy: {tested.accuracy:.1%}",
        f"  always {class_names[tested.majority]!r} would get {tested.baseline:.1%}",
        f"  balanced accuracy, every class counted alike: {tested.balanced_accuracy:.1%}",
    ]
    if tested.accuracy <= tested.baseline:
        lines.append("  so it is no better than naming the most frequent class every time")
    measured = [k for k in np.argsort(tested.recalls, kind="stable") if tested.counts[k]]
    lines.append("test photographs that got their class's name, by class, worst first:")
    return "\n".join(
        lines
        + _first(
            f"{tested.recalls[k]:6.1%} of {tested.counts[k]:,} {class_names[k]}" for k in measured
        )
    )
