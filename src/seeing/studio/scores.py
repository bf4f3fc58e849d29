"""How well a head does on the locked test set, and which of two does better on the same one.

Explained on the page *The Studio*.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
from sklearn import metrics

from seeing import judgment
from seeing.app import report
from seeing.record import metric
from seeing.studio import linear

MISTAKES = 20
SURE = 0.5  # from this probability on, a class is said of a photograph that may have several


@dataclasses.dataclass(frozen=True)
class Share:
    """So many of so many.

    Attributes:
        hits: how many.
        count: of how many.
    """

    hits: int
    count: int

    @property
    def value(self) -> float:
        """A fraction of 1; NaN of none."""
        return self.hits / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; from 0 to 1 where nothing is known."""
        if not self.count:
            return 0.0, 1.0
        return metric.metric(self.value, n=self.count).interval()


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A photograph whose label the head contradicts.

    Attributes:
        photograph_id: which one.
        labeled: the classes that it was labeled with.
        said: the classes that the head says.
        confidence: the head's probability for what it says; where a photograph may have several
            classes, for the one that it is surest of among those it gets wrong.
    """

    photograph_id: int
    labeled: tuple[int, ...]
    said: tuple[int, ...]
    confidence: float


@dataclasses.dataclass(frozen=True)
class Tested:
    """How a head did on labeled photographs that it was not trained on.

    Attributes:
        task: the classes.
        ids: int64, shape (n,), the photographs.
        right: bool, shape (n,), which ones it got right: all classes, where there may be several.
        accuracy: the share of them.
        baseline: accuracy of saying of every photograph what most of them were labeled with.
        baseline_classes: what that is.
        balanced_accuracy: mean of the classes' recalls; where a photograph may have several, each
            class counts with the mean of its recall and of its share of rightly left out ones.
            NaN where no class can be judged.
        recalls: by class, the share of its photographs that got its name.
        confusion: int64, shape (K, K), labels by rows and answers by columns; where a photograph
            may have several classes, shape (K, 2, 2), one such table for having each class or not.
        surest_mistakes: at most so many as ``MISTAKES``, the surest first.
    """

    task: linear.Task
    ids: np.ndarray
    right: np.ndarray
    accuracy: Share
    baseline: float
    baseline_classes: tuple[int, ...]
    balanced_accuracy: float
    recalls: Mapping[int, Share]
    confusion: np.ndarray
    surest_mistakes: tuple[Mistake, ...]


def of(
    head: linear.Head, labeled: linear.Labeled, merged: Mapping[int, int] | None = None
) -> Tested:
    """Compare a head's answers with labels.

    Args:
        head: any version's; a class that it does not know, it gets wrong.
        labeled: n photographs of the test set, at least 1.
        merged: classes that have become part of another one since the head was trained.

    Raises:
        linear.CannotLearn: when there is no photograph.
        ValueError: when one was trained on one class a photograph, the other labeled with several.
    """
    task, Y = labeled.task, labeled.Y
    if not len(labeled):
        raise linear.CannotLearn("no photograph of the test set is labeled yet; label some of them")
    if head.task.multi_label != task.multi_label:
        raise ValueError("the head is for the other kind of task; expected one trained on this one")
    probabilities = head.probabilities(labeled.X, task.class_ids, merged)
    answers = said(probabilities, multi_label=task.multi_label)
    right = (answers == Y).all(axis=1)
    kinds, counts = np.unique(Y, axis=0, return_counts=True)
    judge = _of_several if task.multi_label else _of_one
    balanced_accuracy, confusion = judge(Y, answers)
    return Tested(
        task=task,
        ids=labeled.ids,
        right=right,
        accuracy=Share(int(right.sum()), len(right)),
        baseline=float(counts.max() / len(Y)),
        baseline_classes=_classes(task, kinds[counts.argmax()]),
        balanced_accuracy=balanced_accuracy,
        recalls={
            class_id: Share(int((answers & Y)[:, k].sum()), int(Y[:, k].sum()))
            for k, class_id in enumerate(task.class_ids)
        },
        confusion=confusion,
        surest_mistakes=surest(labeled, probabilities, answers),
    )


def said(probabilities: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """The classes that probabilities amount to.

    Args:
        probabilities: float, shape (n, K).
        multi_label: whether a photograph may have several classes: then all from ``SURE`` on.

    Returns:
        bool, shape (n, K).
    """
    if multi_label:
        return probabilities >= SURE
    return np.eye(probabilities.shape[1], dtype=bool)[probabilities.argmax(axis=1)]


def _of_one(Y: np.ndarray, answers: np.ndarray) -> tuple[float, np.ndarray]:
    """Balanced accuracy and confusion where each photograph has one class."""
    y, predicted, count = Y.argmax(axis=1), answers.argmax(axis=1), Y.shape[1]
    table = metrics.confusion_matrix(y, predicted, labels=np.arange(count))
    return report.scores(y, predicted, count).balanced_accuracy, table


def _of_several(Y: np.ndarray, answers: np.ndarray) -> tuple[float, np.ndarray]:
    """Balanced accuracy and confusion where a photograph may have any number of classes."""
    tables = metrics.multilabel_confusion_matrix(Y, answers)
    rows = tables.sum(axis=2)
    judged = rows.all(axis=1)  # photographs with the class, and photographs without it
    shares = np.diagonal(tables[judged], axis1=1, axis2=2) / rows[judged]
    return (float(shares.mean()) if judged.any() else math.nan), tables


def _classes(task: linear.Task, row: np.ndarray) -> tuple[int, ...]:
    return tuple(task.class_ids[k] for k in np.flatnonzero(row))


def surest(
    labeled: linear.Labeled, probabilities: np.ndarray, answers: np.ndarray
) -> tuple[Mistake, ...]:
    """The mistakes that a head is surest of, at most so many as ``MISTAKES``, the surest first.

    Args:
        labeled: n photographs that the head was not trained on.
        probabilities: float64, shape (n, K), what it says.
        answers: bool, shape (n, K), what that amounts to: see :func:`said`.
    """
    chosen = answers != labeled.Y if labeled.task.multi_label else answers
    sure = np.where(answers, probabilities, 1 - probabilities)
    confidence = np.where(chosen, sure, -np.inf).max(axis=1)
    wrong = np.flatnonzero((answers != labeled.Y).any(axis=1))
    order = wrong[np.lexsort((labeled.ids[wrong], -confidence[wrong]))][:MISTAKES]
    return tuple(
        Mistake(
            photograph_id=int(labeled.ids[i]),
            labeled=_classes(labeled.task, labeled.Y[i]),
            said=_classes(labeled.task, answers[i]),
            confidence=float(confidence[i]),
        )
        for i in order
    )


@dataclasses.dataclass(frozen=True)
class SideBySide:
    """Two heads on the same photographs of the test set.

    Attributes:
        first: how the first did.
        second: how the second did.
        disagreement: on how many photographs only one of them is right, with McNemar's p.
        only_first: the photographs that only the first gets right.
        only_second: the photographs that only the second gets right.
    """

    first: Tested
    second: Tested
    disagreement: judgment.Disagreement
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]


def compare(
    first: linear.Head,
    second: linear.Head,
    labeled: linear.Labeled,
    merged: Mapping[int, int] | None = None,
) -> SideBySide:
    """Let two heads answer for the same photographs, judged by the same labels.

    Args:
        first: one version's head.
        second: another's; both for the same features.
        labeled: photographs of the test set, with the labels of now.
        merged: classes that have become part of another one.

    Raises:
        linear.CannotLearn: when there is no photograph.
        ValueError: as :func:`of` does.
    """
    one, other = (of(head, labeled, merged) for head in (first, second))
    return SideBySide(
        first=one,
        second=other,
        disagreement=judgment.mcnemar(one.right, other.right),
        only_first=tuple(labeled.ids[one.right & ~other.right].tolist()),
        only_second=tuple(labeled.ids[~one.right & other.right].tolist()),
    )
