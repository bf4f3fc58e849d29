"""Train a head on the labels there are, ask it about photographs it has not met, say when to stop.

- :func:`retrain`: from labels to a new version, tested on the locked test set.
- :func:`out_of_fold`: what heads say about labeled photographs that they were not trained on.
- :func:`committee`: several heads, each on photographs drawn anew.
- :func:`learning_curve`: what more labels have brought, and what that says about still more.

All are for features that are there already, and take seconds for some thousand photographs.

Explained on the page *The Studio*.
"""

import dataclasses
import datetime
import math
from collections.abc import Mapping

import numpy as np
from scipy import stats

from seeing import judgment
from seeing.studio import jobs, linear, scores, versions

FOLDS = 5
MEMBERS = 5  # of a committee
PARTS = (0.25, 0.5)  # of the labels, in a learning curve, before all of them: each is a doubling
FEWEST = 40  # labels that a learning curve says something with
WORTH = 0.01  # accuracy that a doubling of the labels must be able to bring
LEVEL = 0.95  # of intervals


@dataclasses.dataclass(frozen=True)
class Trained:
    """A new version, and how it does on the locked test set; None where that has no label yet."""

    version: versions.Version
    tested: scores.Tested | None


def retrain(
    labeled: linear.Labeled,
    test_set: linear.Labeled,
    scaling: linear.Scaling,
    kept: versions.Versions,
    *,
    last_event: int,
    features: str,
    seed: int = 0,
    C: float = linear.STRENGTH,
    job: jobs.Job | None = None,
) -> Trained:
    """Train a head, test it, and keep it as the current version.

    Args:
        labeled: the photographs to train on, none of the test set.
        test_set: those of the locked test set that are labeled.
        scaling: of the features of all photographs outside the test set.
        kept: where the version goes.
        last_event: the number of the last event of the labels' log that the labels rest on.
        features: the fingerprint of the features' recipe.
        seed: of the project; kept with the version.
        C: scikit-learn's inverse strength of regularization.
        job: hears of the progress, and may cancel between the steps; then no version is kept.

    Raises:
        linear.CannotLearn: when the labels are too few, or all the same.
        ValueError: when a photograph of the test set, or a near-duplicate of one, would be
            trained on, or the two have other classes.
        jobs.Canceled: when the job was canceled.
        files.Busy: when another program or job is adding a version.
        OSError: when the version cannot be written.
    """
    job = job or jobs.Job()
    require_apart(labeled, test_set)
    require_two_kinds(labeled)
    job.step("training", 0, 3)
    head = linear.fit(labeled, scaling, C=C)
    job.step("testing", 1, 3)
    tested = scores.of(head, test_set) if len(test_set) else None
    job.step("keeping the version", 2, 3)
    made = versions.Made(
        last_event=last_event,
        labels_sha256=labeled.sha256,
        photographs=len(labeled),
        features=features,
        strength=C,
        seed=seed,
        tested=tested.accuracy if tested else None,
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    version = kept.add(head, made)
    return Trained(version, tested)


def require_apart(labeled: linear.Labeled, test_set: linear.Labeled) -> None:
    """Refuse to train on what is tested on.

    Raises:
        ValueError: when a photograph or a group of near-duplicates is in both, or the classes of
            the two differ.
    """
    if labeled.task != test_set.task:
        raise ValueError(f"trained on {labeled.task}, tested on {test_set.task}; expected the same")
    both = np.intersect1d(labeled.ids, test_set.ids)
    if len(both):
        raise ValueError(
            f"{len(both)} photographs of the test set would be trained on, the first is {both[0]}; "
            "leave the test set out"
        )
    shared = labeled.ids[np.isin(labeled.groups, test_set.groups)]
    if len(shared):
        raise ValueError(
            f"{len(shared)} photographs have near-duplicates in the test set, the first is "
            f"{shared[0]}; draw the test set by groups"
        )


def require_two_kinds(labeled: linear.Labeled) -> None:
    """Refuse labels that say the same of every photograph, or nothing.

    Raises:
        linear.CannotLearn: saying what to label.
    """
    if not len(labeled):
        raise linear.CannotLearn("no photograph is labeled yet; label some of each class")
    if len(np.unique(labeled.kinds)) < 2:
        raise linear.CannotLearn(
            f"all {len(labeled):,} labeled photographs have the same label; label some of another "
            "class"
        )


def folds(labeled: linear.Labeled, count: int = FOLDS, *, seed: int = 0) -> np.ndarray:
    """Deal photographs into folds: near-duplicates into one, each class over all.

    scikit-learn's ``StratifiedGroupKFold`` does so too, but warns of every class that has fewer
    photographs than there are folds, as each class has at first.

    Args:
        labeled: n photographs. A group counts for the label of its first one.
        count: how many folds.
        seed: of the draw.

    Returns:
        int64, shape (n,), 0 to ``count`` - 1; fewer where there are fewer groups.
    """
    _, first, group = np.unique(labeled.groups, return_index=True, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(first))
    dealt = drawn[np.argsort(labeled.kinds[first][drawn], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[dealt] = np.arange(len(first)) % count
    return fold[group]


@dataclasses.dataclass(frozen=True)
class OutOfFold:
    """What heads say about photographs that they were not trained on.

    Attributes:
        fold: int64, shape (n,), the fold that each photograph was left out with.
        probabilities: float64, shape (n, K), what the head said that was trained on the others.
        judged: bool, shape (n,): False where the others held none of the photograph's class, so
            that nothing can be said about its label.
    """

    fold: np.ndarray
    probabilities: np.ndarray
    judged: np.ndarray


def out_of_fold(
    labeled: linear.Labeled,
    scaling: linear.Scaling,
    *,
    count: int = FOLDS,
    seed: int = 0,
    C: float = linear.STRENGTH,
    job: jobs.Job | None = None,
) -> OutOfFold:
    """Cross-validate by groups of near-duplicates.

    Args:
        labeled: n photographs, none of the test set.
        scaling: of the features; it knows no labels.
        count: how many folds.
        seed: of the folds.
        C: as for :func:`retrain`.
        job: hears of the progress, and may cancel between folds.

    Raises:
        linear.CannotLearn: when there is nothing to learn from, or all photographs are
            near-duplicates of each other.
        jobs.Canceled: when the job was canceled.
    """
    require_two_kinds(labeled)
    if len(np.unique(labeled.groups)) < 2:
        raise linear.CannotLearn(
            "all labeled photographs are near-duplicates; label others before they are checked"
        )
    fold = folds(labeled, count, seed=seed)
    every = {left_out: np.flatnonzero(fold != left_out) for left_out in np.unique(fold).tolist()}
    probabilities = _left_out(labeled, scaling, fold, every, C, "cross-validation", job)
    judged = np.ones(len(labeled), dtype=bool)
    for left_out, rows in every.items():
        met, here = labeled.Y[rows].any(axis=0), fold == left_out
        judged[here] = (met | ~labeled.Y[here]).all(axis=1)
    return OutOfFold(fold=fold, probabilities=probabilities, judged=judged)


def _left_out(
    labeled: linear.Labeled,
    scaling: linear.Scaling,
    fold: np.ndarray,
    rows: Mapping[int, np.ndarray],
    C: float,
    doing: str,
    job: jobs.Job | None,
) -> np.ndarray:
    """What a head says about each fold that was trained on the rows given for it."""
    probabilities = np.zeros(labeled.Y.shape)
    for done, (left_out, others) in enumerate(rows.items()):
        (job or jobs.Job()).step(doing, done, len(rows))
        here = np.flatnonzero(fold == left_out)
        head = linear.fit(labeled.take(others), scaling, C=C)
        probabilities[here] = head.probabilities(labeled.X[here])
    return probabilities


def committee(
    labeled: linear.Labeled,
    scaling: linear.Scaling,
    *,
    members: int = MEMBERS,
    seed: int = 0,
    C: float = linear.STRENGTH,
    job: jobs.Job | None = None,
) -> list[linear.Head]:
    """Heads that differ as they would if other photographs had been labeled.

    Each is trained on a bootstrap sample: as many photographs, drawn with replacement (B. Efron,
    *Bootstrap Methods: Another Look at the Jackknife*, 1979), class by class, so that no member
    lacks one.

    Args:
        labeled: photographs, none of the test set.
        scaling: of the features.
        members: how many heads.
        seed: of the draws.
        C: as for :func:`retrain`.
        job: hears of the progress, and may cancel between members.

    Raises:
        linear.CannotLearn: when there is nothing to learn from.
        jobs.Canceled: when the job was canceled.
    """
    require_two_kinds(labeled)
    random, kinds, heads = np.random.default_rng(seed), labeled.kinds, []
    of_each = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    for member in range(members):
        (job or jobs.Job()).step("a committee", member, members)
        drawn = np.concatenate([random.choice(rows, len(rows)) for rows in of_each])
        times = np.bincount(drawn, minlength=len(labeled))
        some = np.flatnonzero(times)
        heads.append(linear.fit(labeled.take(some), scaling, C=C, times=times[some]))
    return heads


@dataclasses.dataclass(frozen=True)
class LearningCurve:
    """What more labels have brought so far.

    Attributes:
        sizes: photographs that were trained on, from few to all; the mean over the folds.
        right: bool, shape (len(sizes), n): which photographs a head of that size got right that
            had not met them.
    """

    sizes: tuple[int, ...]
    right: np.ndarray

    @property
    def shares(self) -> list[scores.Share]:
        """The out-of-fold accuracy for each size."""
        return [scores.Share(int(row.sum()), len(row)) for row in self.right]

    def advice(self, worth: float = WORTH) -> "Advice":
        """What the last doubling of the labels has brought, and what follows.

        Learning curves flatten: the next doubling will hardly bring more than the last one did.
        So there is no point in going on where even the upper end of the last gain's interval is
        less than what is worth the work. The interval is of the photographs, pair by pair (A.
        Agresti and Y. Min, *Simple Improved Confidence Intervals for Comparing Matched
        Proportions*, 2005); that other labels could have been trained on is not in it.

        What is labeled was chosen by queues, so this accuracy is none of the test set's: only
        its growth counts here.

        Args:
            worth: the gain in accuracy that a doubling of the labels must be able to bring, a
                fraction.
        """
        found = judgment.mcnemar(self.right[-2], self.right[-1])
        n, gain, loss = self.right.shape[1], found.only_second, found.only_first
        middle = (gain - loss) / (n + 2)
        error = math.sqrt(gain + loss + 1 - (gain - loss) ** 2 / (n + 2)) / (n + 2)
        low, high = stats.norm.interval(LEVEL, middle, error)
        verdict = "undecided"
        if n < FEWEST or low > worth:
            verdict = "go on"
        elif high < worth:
            verdict = "stop"
        return Advice(
            verdict=verdict,
            fewer=self.sizes[-2],
            more=self.sizes[-1],
            gain=(gain - loss) / n,
            low=float(low),
            high=float(high),
            worth=worth,
        )


@dataclasses.dataclass(frozen=True)
class Advice:
    """Whether to go on labeling.

    Attributes:
        verdict: ``"go on"``, ``"stop"``, or ``"undecided"``.
        fewer: photographs that were trained on before the last doubling.
        more: photographs after it.
        gain: of out-of-fold accuracy, a fraction.
        low: lower end of its 95 % interval.
        high: upper end of it.
        worth: the gain that is worth a doubling of the labels.
    """

    verdict: str
    fewer: int
    more: int
    gain: float
    low: float
    high: float
    worth: float

    def __str__(self) -> str:
        """A sentence for the labeler."""
        said = (
            f"From {self.fewer:,} to {self.more:,} labels, accuracy on photographs left out "
            f"changed by {100 * self.gain:+.1f} points (95 % interval {100 * self.low:+.1f} to "
            f"{100 * self.high:+.1f})"
        ).replace("-", "−")
        follows = {
            "go on": "more labels should help; go on.",
            "stop": f"twice as many will hardly bring {100 * self.worth:g} more; you may stop.",
            "undecided": "that does not yet say whether more labels will help.",
        }
        return f"{said}: {follows[self.verdict]}"


def learning_curve(
    labeled: linear.Labeled,
    scaling: linear.Scaling,
    full: OutOfFold,
    *,
    seed: int = 0,
    C: float = linear.STRENGTH,
    job: jobs.Job | None = None,
) -> LearningCurve:
    """Train on parts of the labels, drawn at random, and test on the photographs left out.

    Args:
        labeled: n photographs, none of the test set.
        scaling: of the features.
        full: what :func:`out_of_fold` found for the same photographs.
        seed: of the draw.
        C: as for :func:`out_of_fold`, the same.
        job: hears of the progress, and may cancel between folds.

    Returns:
        The curve for a quarter, a half and all of the labels; a larger part holds the smaller one.

    Raises:
        jobs.Canceled: when the job was canceled.
    """
    place = np.random.default_rng(seed).permutation(len(labeled))
    sizes, right = [], []
    for part in PARTS:
        rows = {}
        for left_out in np.unique(full.fold).tolist():
            others = np.flatnonzero(full.fold != left_out)
            order = others[_evenly(labeled.kinds[others], place[others])]
            rows[left_out] = order[: max(1, math.ceil(part * len(order)))]
        doing = f"learning curve, {part:.0%} of the labels"
        said = _left_out(labeled, scaling, full.fold, rows, C, doing, job)
        sizes.append(round(np.mean([len(some) for some in rows.values()])))
        right.append(_right(labeled, said))
    sizes.append(round(np.mean([np.sum(full.fold != k) for k in np.unique(full.fold)])))
    right.append(_right(labeled, full.probabilities))
    return LearningCurve(sizes=tuple(sizes), right=np.array(right))


def _evenly(kinds: np.ndarray, place: np.ndarray) -> np.ndarray:
    """An order of which each beginning holds about the same share of every kind.

    Args:
        kinds: int, shape (n,).
        place: int, shape (n,), where each would be in an order drawn at random.
    """
    key = np.empty(len(kinds))
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        key[rows[np.argsort(place[rows])]] = (np.arange(len(rows)) + 0.5) / len(rows)
    return np.lexsort((place, key))


def _right(labeled: linear.Labeled, probabilities: np.ndarray) -> np.ndarray:
    """Which photographs have all their classes said of them, and no other; bool (n,)."""
    said = scores.said(probabilities, multi_label=labeled.task.multi_label)
    return (said == labeled.Y).all(axis=1)
