"""The locked test set: which photographs belong to it is drawn before anyone labels one.

Each group of near-duplicates gets one random number, and belongs to the test set if that is below
the test set's share. The number comes from the project's seed and the photographs' content, so
neither the order of the files nor their names matter, and what is added later is drawn by the same
rule. Whoever does not know the seed cannot foresee it; whoever does can check it.

Explained on the page *The Studio*.
"""

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Sequence

SHARE = 0.2


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a photograph belongs.

    Attributes:
        group: the same number for near-duplicates.
        part: ``"training"``, ``"test"``, or ``"neither"``: a near-duplicate of photographs in
            both, which must not be trained on and must not test.
        number: the random number that decided, 0 to 1 (exclusive). Sorted by it, any first part
            of the test set is a random sample, too.
    """

    group: int
    part: str
    number: float


def random_number(seed: int, key: str) -> float:
    """A number from 0 to 1 (exclusive), uniform over seeds and keys; 52 bits of a SHA-256.

    Args:
        seed: of the project.
        key: what is drawn for, a photograph's content hash.
    """
    digest = hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
    return int(digest[:13], 16) / 2**52


def require_share(share: float) -> None:
    """Refuse a share that leaves nothing to test or nothing to train on.

    Raises:
        ValueError: when it is not between 0 and 1.
    """
    if not (math.isfinite(share) and 0 < share < 1):
        raise ValueError(f"the test set's share is {share}; expected more than 0 and less than 1")


def deal(
    sha256s: Sequence[str],
    groups: Iterable[Sequence[int]],
    known: Sequence[Place | None],
    *,
    seed: int,
    share: float = SHARE,
    first_group: int = 0,
) -> list[Place]:
    """Give every photograph that has no place one; those that have one keep it.

    A new photograph goes where its known near-duplicates are. Where these are in several parts,
    as when it joins two photographs that were drawn apart, it belongs to neither.

    Args:
        sha256s: the photographs' content hashes, n of them. Equal ones are near-duplicates.
        groups: near-duplicates, as indices of photographs.
        known: the places there are already, n of them; None for a new photograph.
        seed: of the project.
        share: of the test set, between 0 and 1.
        first_group: the lowest number that new groups may have.

    Returns:
        n places.

    Raises:
        ValueError: when the numbers of photographs differ, or the share is none.
    """
    require_share(share)
    if len(sha256s) != len(known):
        raise ValueError(f"{len(sha256s)} content hashes, {len(known)} places; expected as many")
    free = max([first_group, *(place.group + 1 for place in known if place is not None)])
    places: dict[int, Place] = {}
    for members in joined(sha256s, groups):
        there = [known[i] for i in members if known[i] is not None]
        new = [i for i in members if known[i] is None]
        if not new:
            continue
        number = random_number(seed, min(sha256s[i] for i in new))
        if not there:
            place = Place(free, "test" if number < share else "training", number)
        elif len({one.part for one in there}) == 1 and there[0].part != "neither":
            place = min(there, key=lambda one: one.group)
        else:
            place = Place(free, "neither", number)
        free = max(free, place.group + 1)
        places |= dict.fromkeys(new, place)
    return [place if place is not None else places[i] for i, place in enumerate(known)]


def joined(sha256s: Sequence[str], groups: Iterable[Sequence[int]]) -> list[list[int]]:
    """Put together what belongs together, by content or as near-duplicates.

    Args:
        sha256s: the photographs' content hashes, n of them.
        groups: near-duplicates, as indices of photographs.

    Returns:
        All n indices, each once: those that belong together in one list, sorted.
    """
    first = list(range(len(sha256s)))

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    same: dict[str, int] = {}
    pairs = [(same.setdefault(sha256, i), i) for i, sha256 in enumerate(sha256s)]
    pairs += [(group[0], i) for group in groups for i in group]
    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        first[high] = low
    together: dict[int, list[int]] = {}
    for i in range(len(sha256s)):
        together.setdefault(root(i), []).append(i)
    return list(together.values())
