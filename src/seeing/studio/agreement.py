"""How far two labelers agree, beyond what chance alone would bring.

Explained on the page *The Studio*.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
from sklearn import metrics

from seeing.record import metric
from seeing.studio import opinions

RESAMPLES = 1000  # of the photographs, for an interval
LEVEL = 0.95  # of intervals
_BATCH = 2_000_000  # numbers of a resample that are in memory at once: 16 MB


@dataclasses.dataclass(frozen=True)
class Agreement:
    """What two labelers said of the photographs that both have labeled.

    Attributes:
        class_ids: K classes, in the order of all arrays.
        photographs: n, how many both have labeled.
        same: on how many both said exactly the same.
        one_unsure: how many only one has labeled, and the other was unsure of; they do not count.
        counts: int64, shape (K, K): how often the first said the class of the row where the second
            said that of the column. In a multi-label project, a photograph counts in every pair
            of classes that the two said, so that the sum is not n.
        kappa: Cohen's, -1 to 1: 0 is what chance would bring, 1 is complete. In a multi-label
            project the mean over the classes that have one. NaN where chance alone would agree.
        interval: 95 % interval of kappa: how much other photographs could change it; NaN as kappa.
        of_each: float64, shape (K,): kappa of each class against all others; NaN where both said
            it always or never.
        different: the photographs on which they differ, sorted.
    """

    class_ids: tuple[int, ...]
    photographs: int
    same: int
    one_unsure: int
    counts: np.ndarray
    kappa: float
    interval: tuple[float, float]
    of_each: np.ndarray
    different: tuple[int, ...]

    @property
    def share(self) -> float:
        """On what share they agree, a fraction of 1; NaN of none."""
        return self.same / self.photographs if self.photographs else math.nan

    @property
    def share_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of that share; from 0 to 1 where nothing is known."""
        if not self.photographs:
            return 0.0, 1.0
        return metric.Metric((self.share,), n=self.photographs).interval(LEVEL)


def compare(
    said: Iterable[opinions.Opinion],
    first: int,
    second: int,
    class_ids: Sequence[int],
    *,
    multi_label: bool = False,
    seed: int = 0,
) -> Agreement:
    """Compare two labelers on the photographs that both have labeled (J. Cohen, 1960).

    Args:
        said: what labelers say, at most one opinion of each for each photograph.
        first: the one labeler's number.
        second: the other's.
        class_ids: all classes that are not merged.
        multi_label: whether a photograph may have any number of classes.
        seed: of the interval.

    Raises:
        ValueError: when both are the same, or an opinion names another class.
    """
    if first == second:
        raise ValueError(f"labeler {first} cannot be compared with themselves; name two")
    of: dict[int, dict[int, opinions.Opinion]] = {first: {}, second: {}}
    for one in said:
        if one.labeler_id in of and one.kind in ("label", "unsure"):
            of[one.labeler_id][one.photograph_id] = one
    both = sorted(of[first].keys() & of[second].keys())
    sure = [i for i in both if all(of[who][i].kind == "label" for who in (first, second))]
    mixed = [i for i in both if of[first][i].kind != of[second][i].kind]
    A, B = (_indicators([of[who][i] for i in sure], class_ids) for who in (first, second))
    differs = (A != B).any(axis=1)
    weights = np.ones((1, len(sure)))
    return Agreement(
        class_ids=tuple(class_ids),
        photographs=len(sure),
        same=int(np.sum(~differs)),
        one_unsure=len(mixed),
        counts=A.T.astype(np.int64) @ B.astype(np.int64),
        kappa=_kappa(A, B, multi_label=multi_label),
        interval=_interval(A, B, multi_label=multi_label, seed=seed),
        of_each=_kappas(A, B, weights)[0],
        different=tuple(i for i, one in zip(sure, differs, strict=True) if one),
    )


def _indicators(said: Sequence[opinions.Opinion], class_ids: Sequence[int]) -> np.ndarray:
    """Which classes each opinion names: bool, shape (n, K)."""
    column = {class_id: k for k, class_id in enumerate(class_ids)}
    named = np.zeros((len(said), len(class_ids)), dtype=bool)
    for row, one in enumerate(said):
        for class_id in one.class_ids:
            if class_id not in column:
                raise ValueError(f"class {class_id} is named, which is not among {class_ids}")
            named[row, column[class_id]] = True
    return named


def _kappa(A: np.ndarray, B: np.ndarray, *, multi_label: bool) -> float:
    """Cohen's kappa by scikit-learn, which warns where there is none."""
    if multi_label:
        return _mean(_kappas(A, B, np.ones((1, len(A)))))[0]
    classes = np.flatnonzero(A.any(axis=0) | B.any(axis=0))
    if len(classes) < 2:  # both have said the same class of all, or nothing of any
        return math.nan
    return float(metrics.cohen_kappa_score(A.argmax(axis=1), B.argmax(axis=1)))


def _kappas(A: np.ndarray, B: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Kappa of each class against the others, for rows of weights: float64, shape (rows, K)."""
    n = weights.sum(axis=1, keepdims=True)
    a, b = weights @ A, weights @ B
    differing = weights @ (A != B)
    by_chance = a * (n - b) + b * (n - a)  # n times as many would differ
    found = np.full(by_chance.shape, np.nan)
    return 1 - np.divide(n * differing, by_chance, out=found, where=by_chance > 0)


def _mean(kappas: np.ndarray) -> np.ndarray:
    """The mean over the classes that have a kappa; NaN where none has."""
    known = ~np.isnan(kappas)
    sums, counts = np.where(known, kappas, 0).sum(axis=1), known.sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(kappas), np.nan), where=counts > 0)


def _of_one(A: np.ndarray, B: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Kappa of labels of exactly one class, for rows of weights."""
    n = weights.sum(axis=1)
    same = weights @ (A == B).all(axis=1)
    expected = ((weights @ A) * (weights @ B)).sum(axis=1) / n
    found = np.full(len(weights), np.nan)
    return np.divide(same - expected, n - expected, out=found, where=n - expected > 1e-9)


def _interval(A: np.ndarray, B: np.ndarray, *, multi_label: bool, seed: int) -> tuple[float, float]:
    """Percentiles over photographs that are drawn anew (the bootstrap)."""
    n = len(A)
    if n < 2:
        return math.nan, math.nan
    random = np.random.default_rng(seed)
    rows = max(1, _BATCH // n)
    found = []
    for start in range(0, RESAMPLES, rows):
        count = min(rows, RESAMPLES - start)
        weights = random.multinomial(n, np.full(n, 1 / n), size=count).astype(np.float64)
        found.append(_mean(_kappas(A, B, weights)) if multi_label else _of_one(A, B, weights))
    kappas = np.concatenate(found)
    kappas = kappas[~np.isnan(kappas)]
    if not len(kappas):
        return math.nan, math.nan
    low, high = np.quantile(kappas, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
