"""What to label or to look at next, and in which order.

No queue proposes a photograph of the locked test set, whatever it is asked with, but
:func:`test_set`, which keeps the order of the draw: a test set that a model has a say in measures
the model's own choice.

Explained on the page *The Studio*.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import threadpoolctl
from scipy import special
from sklearn import cluster, decomposition

from seeing.studio import linear, scores

CLUSTERS = 20
COMPONENTS = 50  # that features are reduced to before they are clustered
ITERATIONS = 100


@dataclasses.dataclass(frozen=True)
class Item:
    """A photograph in a queue.

    Attributes:
        photograph_id: which one.
        score: what it is here for; each queue says what that is. 0 in queues without any.
        suggestion: the classes that a head would give it, where the queue has one.
    """

    photograph_id: int
    score: float = 0.0
    suggestion: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Photographs:
    """All photographs of a project, and which of them may be proposed for labeling.

    Attributes:
        ids: int64, shape (n,), different ones.
        groups: int64, shape (n,); near-duplicates share a number.
        waiting: bool, shape (n,): False for those that are labeled, or laid aside.
        test_order: the photographs of the locked test set, in the order of their draw.
    """

    ids: np.ndarray
    groups: np.ndarray
    waiting: np.ndarray
    test_order: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        shapes = {len(self.ids), len(self.groups), len(self.waiting)}
        if len(shapes) > 1 or len(np.unique(self.ids)) != len(self.ids):
            raise ValueError(
                f"{len(self.ids)} ids, {len(self.groups)} groups, {len(self.waiting)} that wait or "
                "do not; expected as many of each, and different ids"
            )

    @property
    def proposed(self) -> np.ndarray:
        """Places of the photographs that may be proposed: they wait, and are not of the test set.

        A photograph that is a near-duplicate of one of the test set has no place here either.
        """
        of_test = np.isin(self.ids, self.test_order)
        of_test |= np.isin(self.groups, self.groups[of_test])
        return np.flatnonzero(self.waiting & ~of_test)


def uncertain(photographs: Photographs, probabilities: np.ndarray, *, limit: int) -> list[Item]:
    """Photographs whose two most probable classes are nearest to each other; nearest first.

    The score is that margin (T. Scheffer, C. Decomain and S. Wrobel, *Active Hidden Markov Models
    for Information Extraction*, 2001). Of near-duplicates, the first comes in its turn, the others
    after all other photographs.

    Args:
        photographs: all of them, n.
        probabilities: float, shape (n, K), K at least 2, each row's sum 1; a row of NaN for a
            photograph without features, which is left out.
        limit: how many at most.

    Raises:
        ValueError: when there are not as many rows, or fewer than two classes.
    """
    margins = _margins(_rows(photographs, probabilities, classes=2))
    return _ranked(photographs, margins, limit, order=(margins,))


def uncertain_of_several(
    photographs: Photographs, probabilities: np.ndarray, *, limit: int
) -> list[Item]:
    """The same where a photograph may have several classes.

    The score is the smallest difference between the probability of having a class and that of not
    having it.

    Args:
        photographs: all of them, n.
        probabilities: float, shape (n, K), each from 0 to 1; rows of NaN as for :func:`uncertain`.
        limit: how many at most.

    Raises:
        ValueError: when there are not as many rows, or there is no class.
    """
    rows = _rows(photographs, probabilities, classes=1)
    certainty = np.abs(2 * rows - 1).min(axis=1)
    return _ranked(photographs, certainty, limit, order=(certainty,))


def disagreeing(
    photographs: Photographs, opinions: np.ndarray, *, multi_label: bool, limit: int
) -> list[Item]:
    """Photographs about which the members of a committee differ most; the most contested first.

    The score is the entropy of their votes in nats (I. Dagan and S. P. Engelson, *Committee-Based
    Sampling for Training Probabilistic Classifiers*, 1995), 0 where all vote alike. A few members
    leave many ties: among these, those come first whose mean opinion is the least certain.

    The votes are counted, not the probabilities compared: how far these diverge is largest for
    photographs that are like no other, and learning from those was worse than from chance on
    flowers.

    Args:
        photographs: all of them, n.
        opinions: float, shape (members, n, K): each member's probabilities; rows of NaN as for
            :func:`uncertain`.
        multi_label: whether a photograph may have several classes: then the entropies of the votes
            for and against each class are added up.
        limit: how many at most.

    Raises:
        ValueError: when there are not as many rows, or fewer than two members.
    """
    if opinions.ndim != 3 or len(opinions) < 2 or opinions.shape[1] != len(photographs.ids):
        raise ValueError(
            f"opinions have shape {opinions.shape}; expected (members, {len(photographs.ids)}, "
            "classes), with two members or more"
        )
    consensus = opinions.mean(axis=0)
    if multi_label:
        share = (opinions >= scores.SURE).mean(axis=0)
        entropy = (special.entr(share) + special.entr(1 - share)).sum(axis=1)
        certainty = np.abs(2 * consensus - 1).min(axis=1)
    else:
        answers = scores.said(opinions.reshape(-1, opinions.shape[2]), multi_label=False)
        entropy = special.entr(answers.reshape(opinions.shape).mean(axis=0)).sum(axis=1)
        certainty = _margins(consensus)
    entropy = np.where(np.isfinite(certainty), np.round(entropy, 9), np.nan)  # no ties by rounding
    return _ranked(photographs, entropy, limit, order=(certainty, -entropy))


def likely_mislabeled(
    photographs: Photographs,
    labeled: linear.Labeled,
    probabilities: np.ndarray,
    judged: np.ndarray,
    *,
    limit: int,
) -> list[Item]:
    """Photographs whose label a head finds least probable that has not met them; worst first.

    The score is the *self-confidence*, the out-of-fold probability of the given label (C. G.
    Northcutt, L. Jiang and I. L. Chuang, *Confident Learning: Estimating Uncertainty in Dataset
    Labels*, Journal of Artificial Intelligence Research 70, 2021). Where a photograph may have
    several classes, it is that of the class, given or not given, which is least probable.

    Args:
        photographs: all of them.
        labeled: those that have a label, n.
        probabilities: float, shape (n, K), as :func:`seeing.studio.learner.out_of_fold` gives.
        judged: bool, shape (n,), from there too; the others are left out.
        limit: how many at most.

    Raises:
        ValueError: when there are not as many rows.
    """
    if probabilities.shape != labeled.Y.shape or judged.shape != labeled.ids.shape:
        raise ValueError(
            f"probabilities {probabilities.shape}, judged {judged.shape} for labels "
            f"{labeled.Y.shape}; expected as many"
        )
    if labeled.task.multi_label:
        confidence = np.where(labeled.Y, probabilities, 1 - probabilities).min(axis=1)
    else:
        confidence = probabilities[labeled.Y]
    answers = scores.said(probabilities, multi_label=labeled.task.multi_label)
    may = judged & ~np.isin(labeled.ids, photographs.test_order)
    rows = np.flatnonzero(may)
    order = rows[np.lexsort((labeled.ids[rows], confidence[rows]))][:limit]
    return [
        Item(
            photograph_id=int(labeled.ids[i]),
            score=float(confidence[i]),
            suggestion=tuple(labeled.task.class_ids[k] for k in np.flatnonzero(answers[i])),
        )
        for i in order
    ]


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two photographs that look the same and are labeled differently.

    Attributes:
        first: a photograph.
        second: another one.
        likeness: how alike they are, 1 for identical pixels.
    """

    first: int
    second: int
    likeness: float


def near_duplicates_across(
    photographs: Photographs,
    pairs: Iterable[tuple[int, int, float]],
    labels: Mapping[int, Collection[int]],
    *,
    limit: int,
) -> list[Pair]:
    """Near-duplicates of different labels, of which one is likely wrong; the most alike first.

    Args:
        photographs: all of them.
        pairs: ``(id, id, likeness)``, of photographs.
        labels: the classes of each photograph that has been labeled.
        limit: how many at most.
    """
    hidden = set(photographs.test_order)
    found = [
        Pair(int(i), int(j), float(likeness))
        for i, j, likeness in pairs
        if i in labels
        and j in labels
        and not {int(i), int(j)} & hidden
        and set(labels[i]) != set(labels[j])
    ]
    return sorted(found, key=lambda pair: (-pair.likeness, pair.first, pair.second))[:limit]


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Photographs that are like each other.

    Attributes:
        center: the photograph nearest to the middle.
        members: all of them, the nearest to the middle first; ``center`` is the first.
    """

    center: int
    members: tuple[int, ...]


def clusters(
    photographs: Photographs, X: np.ndarray, *, count: int = CLUSTERS, seed: int = 0
) -> list[Cluster]:
    """Photographs that wait, sorted by what they look like; the largest cluster first.

    For a start without labels: the centers are as different as the photographs are, and where
    a cluster shows one thing, it can be labeled at once. K-means on the first principal components
    of the standardized features.

    Args:
        photographs: all of them, n.
        X: float, shape (n, d), their features; rows of NaN as for :func:`uncertain`.
        count: how many clusters; fewer where there are fewer different photographs.
        seed: of the components and of the first centers.

    Raises:
        ValueError: when there are not as many rows, or ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected 1 cluster or more")
    rows = photographs.proposed
    rows = rows[np.isfinite(_rows(photographs, X, classes=1)[rows]).all(axis=1)]
    if not len(rows):
        return []
    Z, copy_of = _different(linear.Scaling.of(X[rows]).apply(X[rows]))
    options = {"n_init": 1, "max_iter": ITERATIONS, "random_state": seed}
    with threadpoolctl.threadpool_limits(1):  # as for a head: see linear.fit
        Z = _components(Z, seed)
        found = cluster.KMeans(min(count, len(Z)), **options).fit(Z)
    distance = np.linalg.norm(Z - found.cluster_centers_[found.labels_], axis=1)[copy_of]
    of_cluster = found.labels_[copy_of]
    ids = photographs.ids[rows]
    sorted_out = []
    for k in np.unique(of_cluster):
        own = np.flatnonzero(of_cluster == k)
        members = ids[own[np.lexsort((ids[own], distance[own]))]].tolist()
        sorted_out.append(Cluster(center=members[0], members=tuple(members)))
    return sorted(sorted_out, key=lambda one: (-len(one.members), one.center))


def _different(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row once, and which of them each given row is.

    K-means looks in vain for more centers than there are different rows.
    """
    place: dict[bytes, int] = {}
    copy_of = np.array([place.setdefault(row.tobytes(), len(place)) for row in Z])
    _, first = np.unique(copy_of, return_index=True)
    return Z[first], copy_of


def _components(Z: np.ndarray, seed: int) -> np.ndarray:
    """The first principal components, float32; all of them where there are few."""
    fewest = min(Z.shape)
    if fewest <= COMPONENTS:
        return Z
    reduced = decomposition.PCA(COMPONENTS, svd_solver="randomized", random_state=seed)
    return reduced.fit_transform(Z)


def diverse(
    photographs: Photographs, X: np.ndarray, *, limit: int = CLUSTERS, seed: int = 0
) -> list[Item]:
    """As many photographs, as different as possible: the centers of as many :func:`clusters`.

    The score is the share of the waiting photographs that are in the photograph's cluster.

    Args:
        photographs: all of them, n.
        X: as for :func:`clusters`.
        limit: how many at most.
        seed: as for :func:`clusters`.

    Raises:
        ValueError: as :func:`clusters` does.
    """
    found = clusters(photographs, X, count=limit, seed=seed)
    total = sum(len(one.members) for one in found)
    return [Item(one.center, len(one.members) / total) for one in found]


def at_random(photographs: Photographs, *, limit: int, seed: int | Sequence[int] = 0) -> list[Item]:
    """Photographs that wait, in an order drawn at random, which stays while they are labeled.

    Args:
        photographs: all of them.
        limit: how many at most.
        seed: of the order.
    """
    place = np.empty(len(photographs.ids), dtype=np.int64)
    by_id = np.argsort(photographs.ids, kind="stable")
    place[by_id] = np.random.default_rng(seed).permutation(len(by_id))
    rows = photographs.proposed
    return [Item(int(i)) for i in photographs.ids[rows[np.argsort(place[rows])]][:limit]]


def test_set(photographs: Photographs, *, limit: int) -> list[Item]:
    """Photographs of the locked test set that wait, in the order of their draw.

    Nothing else has a say in it: an accuracy of the first so many is then one of a random sample.

    Args:
        photographs: all of them.
        limit: how many at most.
    """
    waiting = set(photographs.ids[photographs.waiting].tolist())
    return [Item(one) for one in photographs.test_order if one in waiting][:limit]


def _rows(photographs: Photographs, array: np.ndarray, *, classes: int) -> np.ndarray:
    count = len(photographs.ids)
    if array.ndim != 2 or len(array) != count or array.shape[1] < classes:
        raise ValueError(
            f"an array of shape {array.shape} for {count} photographs; expected a row for each, "
            f"{classes} numbers or more"
        )
    return array


def _margins(probabilities: np.ndarray) -> np.ndarray:
    """How far the two most probable classes are apart, float (n,)."""
    best = np.sort(probabilities, axis=1)[:, -2:]
    return best[:, -1] - best[:, 0]


def _ranked(
    photographs: Photographs, score: np.ndarray, limit: int, *, order: tuple[np.ndarray, ...]
) -> list[Item]:
    """The photographs that may be proposed and have a score, in an order; ties by their ids.

    Args:
        photographs: all of them, n.
        score: shape (n,); NaN where there is none.
        limit: how many at most.
        order: what they are sorted by, each of shape (n,) and the smallest first; the last one
            counts most.
    """
    rows = photographs.proposed
    rows = rows[np.isfinite(score[rows])]
    ordered = np.lexsort((photographs.ids[rows], *(key[rows] for key in order)))
    return [
        Item(int(photographs.ids[i]), float(score[i]))
        for i in _spread(photographs, rows[ordered])[:limit]
    ]


def _spread(photographs: Photographs, rows: np.ndarray) -> np.ndarray:
    """The same places; of near-duplicates, all but the first behind the other photographs."""
    _, first = np.unique(photographs.groups[rows], return_index=True)
    is_first = np.zeros(len(rows), dtype=bool)
    is_first[first] = True
    return np.concatenate([rows[is_first], rows[~is_first]])
