"""A head on features: logistic regression, solved to the end, kept as plain arrays.

Explained on the page *The Studio*.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import threadpoolctl
from scipy import special
from sklearn import linear_model, preprocessing

# scikit-learn's C, on standardized features: small is cautious. On ResNet50's features of 1,500
# flower photographs, with 100 to 1,000 labels, it does as well as any of 0.001 to 0.1 by accuracy,
# and best or nearly so by cross-entropy, which the queues depend on.
STRENGTH = 0.03

# On those, no probability is more than 0.002 off the exact solution's. With 1e-3, as chapter 8's
# heads have it on features that are not standardized, some are 0.3 off.
SOLVER = {"max_iter": 5_000, "tol": 1e-5}


class CannotLearn(ValueError):
    """The labels do not allow to train. The message says why, and what to label."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What photographs are labeled with.

    Attributes:
        class_ids: K different classes, in the order of all arrays' columns.
        multi_label: whether a photograph may have any number of classes, none included; otherwise
            it has exactly one.
    """

    class_ids: tuple[int, ...]
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Refuse a class that is there twice."""
        if len(set(self.class_ids)) != len(self.class_ids):
            raise ValueError(f"class_ids are {self.class_ids}; expected different ones")


@dataclasses.dataclass(frozen=True)
class Labeled:
    """Photographs with features and labels.

    Attributes:
        task: what the labels are about.
        ids: int64, shape (n,), the photographs.
        X: float32, shape (n, d), their features.
        Y: bool, shape (n, K), which classes each has.
        groups: int64, shape (n,); near-duplicates share a number.
    """

    task: Task
    ids: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    groups: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together, with what is wrong."""
        n, classes = len(self.ids), len(self.task.class_ids)
        shapes = {"X": self.X.shape[:1], "Y": self.Y.shape, "groups": self.groups.shape}
        expected = {"X": (n,), "Y": (n, classes), "groups": (n,)}
        if shapes != expected:
            raise ValueError(f"{n} photographs with arrays of {shapes}; expected {expected}")
        if len(np.unique(self.ids)) != n:
            raise ValueError("a photograph is there twice; expected each once")
        if not self.task.multi_label and (self.Y.sum(axis=1) != 1).any():
            raise ValueError("a photograph has not exactly one class; expected a multi-label task")
        if not np.isfinite(self.X).all():
            raise ValueError("a photograph has no features; leave it out")

    @classmethod
    def of(
        cls,
        task: Task,
        labels: Mapping[int, Collection[int]],
        ids: np.ndarray,
        X: np.ndarray,
        groups: np.ndarray,
    ) -> "Labeled":
        """Those of some photographs that have a label and features, in the order of their ids.

        Args:
            task: what the labels are about.
            labels: the classes of each photograph that has been labeled.
            ids: int, shape (n,), all photographs.
            X: float32, shape (n, d), their features; a row of NaN where there are none.
            groups: int, shape (n,); near-duplicates share a number.

        Raises:
            ValueError: when a label is no class of the task, or not one where one is expected.
        """
        there = np.isfinite(X).all(axis=1)
        rows = [i for i in np.argsort(ids, kind="stable") if there[i] and int(ids[i]) in labels]
        column = {class_id: k for k, class_id in enumerate(task.class_ids)}
        Y = np.zeros((len(rows), len(column)), dtype=bool)
        for place, i in enumerate(rows):
            for class_id in labels[int(ids[i])]:
                if class_id not in column:
                    raise ValueError(
                        f"photograph {ids[i]} has class {class_id}; expected one of "
                        f"{task.class_ids}"
                    )
                Y[place, column[class_id]] = True
        return cls(
            task=task,
            ids=np.asarray(ids, dtype=np.int64)[rows],
            X=np.asarray(X, dtype=np.float32)[rows],
            Y=Y,
            groups=np.asarray(groups, dtype=np.int64)[rows],
        )

    def __len__(self) -> int:
        """Photographs."""
        return len(self.ids)

    def take(self, rows: np.ndarray) -> "Labeled":
        """Some of the photographs, by their places."""
        return dataclasses.replace(
            self, ids=self.ids[rows], X=self.X[rows], Y=self.Y[rows], groups=self.groups[rows]
        )

    @property
    def kinds(self) -> np.ndarray:
        """Int64, shape (n,): photographs share a number when they have the same classes."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        return np.unique(self.Y, axis=0, return_inverse=True)[1].reshape(-1)

    @property
    def sha256(self) -> str:
        """What two sets of labels share only when they say the same of the same photographs."""
        classes = np.array(self.task.class_ids, dtype=np.int64)
        said = sorted(
            (int(i), sorted(map(int, classes[row])))
            for i, row in zip(self.ids, self.Y, strict=True)
        )
        text = json.dumps([self.task.multi_label, said], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Scaling:
    """Mean and spread of each feature, to standardize with.

    Attributes:
        mean: float64, shape (d,).
        scale: float64, shape (d,): the standard deviation, 1 where there is none.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray) -> "Scaling":
        """The scaling of some photographs' features.

        Taken of all that may be labeled, with a label or without: from a handful of labels the
        spread of a feature is hardly known, and one that is far too small lets it decide alone.
        No label is used, and photographs of the test set have no place among these.

        Args:
            X: float, shape (n, d); rows of NaN are left out.

        Raises:
            CannotLearn: when there is no photograph with features.
        """
        X = X[np.isfinite(X).all(axis=1)]
        if not len(X):
            raise CannotLearn("no photograph has features yet; wait until they are computed")
        found = preprocessing.StandardScaler().fit(X)
        return cls(mean=found.mean_, scale=found.scale_)

    def apply(self, X: np.ndarray) -> np.ndarray:
        """Standardized features, float32, of the same shape."""
        return ((X - self.mean) / self.scale).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Head:
    """A linear model: features to the probabilities of classes. Standardizing is part of it.

    Attributes:
        task: the classes that it knows.
        weights: float64, shape (d, K).
        biases: float64, shape (K,); -inf for a class of which it has seen no photograph.
    """

    task: Task
    weights: np.ndarray
    biases: np.ndarray

    def probabilities(
        self,
        X: np.ndarray,
        class_ids: Sequence[int] | None = None,
        merged: Mapping[int, int] | None = None,
    ) -> np.ndarray:
        """How probable each class is for each photograph.

        Args:
            X: float, shape (n, d); a row of NaN gives a row of NaN.
            class_ids: the classes to answer about, m of them; its own by default. One that it
                does not know gets 0.
            merged: classes that have become part of another one since: old to new.

        Returns:
            float64, shape (n, m). Where a photograph has exactly one class and all that are known
            are asked for, each row's sum is 1.
        """
        logits = X @ self.weights + self.biases
        own = special.expit(logits) if self.task.multi_label else special.softmax(logits, axis=1)
        if class_ids is None and not merged:
            return own
        wanted = {class_id: k for k, class_id in enumerate(class_ids or self.task.class_ids)}
        found = np.zeros((len(X), len(wanted)))
        for class_id, column in zip(self.task.class_ids, own.T, strict=True):
            place = wanted.get(_now(class_id, merged or {}))
            if place is None:
                continue
            if self.task.multi_label:  # the photograph shows one or the other
                found[:, place] = np.maximum(found[:, place], column)
            else:
                found[:, place] += column
        return found


def _now(class_id: int, merged: Mapping[int, int]) -> int:
    """What a class has become, which may have been merged several times."""
    for _ in range(len(merged)):
        class_id = merged.get(class_id, class_id)
    return class_id


def fit(
    labeled: Labeled, scaling: Scaling, *, C: float = STRENGTH, times: np.ndarray | None = None
) -> Head:
    """Solve a logistic regression: multinomial, or one a class where a photograph may have several.

    The same labels give the same head; nothing is drawn at random.

    Args:
        labeled: n photographs, at least 1. A class that none of them has gets the probability 0
            where a photograph has one class, and where it may have several, nearly 0.
        scaling: of the features.
        C: scikit-learn's inverse strength of regularization.
        times: int, shape (n,): how often each photograph counts; once by default.

    Raises:
        CannotLearn: when there is no photograph.
    """
    if not len(labeled):
        raise CannotLearn("no photograph is labeled yet; label some of each class")
    Z = scaling.apply(labeled.X)
    solve = _each if labeled.task.multi_label else _together
    # The steps are small: threads that wait for each other made a machine with other work take 30
    # times as long. And so the head does not depend on how many cores there are.
    with threadpoolctl.threadpool_limits(1):
        weights, biases = solve(Z, labeled.Y, C, times)
    weights = weights / scaling.scale[:, np.newaxis]
    return Head(task=labeled.task, weights=weights, biases=biases - scaling.mean @ weights)


def _together(
    Z: np.ndarray, Y: np.ndarray, C: float, times: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases of one regression over all classes that there are."""
    present = np.flatnonzero(Y.any(axis=0))
    weights = np.zeros((Z.shape[1], Y.shape[1]))
    biases = np.full(Y.shape[1], -np.inf)
    biases[present] = 0.0
    if len(present) > 1:
        solved = linear_model.LogisticRegression(C=C, **SOLVER).fit(Z, Y.argmax(axis=1), times)
        # Of two classes scikit-learn gives one logit, the second's; the first's is 0.
        learned = present[1:] if len(present) == 2 else present
        weights[:, learned], biases[learned] = solved.coef_.T, solved.intercept_
    return weights, biases


def _each(
    Z: np.ndarray, Y: np.ndarray, C: float, times: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases of one regression for each class."""
    weights, biases = np.zeros((Z.shape[1], Y.shape[1])), np.zeros(Y.shape[1])
    for k, y in enumerate(Y.T):
        if y.any() and not y.all():
            solved = linear_model.LogisticRegression(C=C, **SOLVER).fit(Z, y, times)
            weights[:, k], biases[k] = solved.coef_[0], solved.intercept_[0]
        else:  # nothing to compare with: Laplace's rule of succession
            biases[k] = special.logit((y.sum() + 1) / (len(y) + 2))
    return weights, biases
