"""Split photographs into training, validation and test by their names.

- :func:`split`: by the file names, as the book's flowers are.
- :func:`stratified_split`: for folders of any kind, where classes may be small and hold the same
  file names.

Explained in chapter 8, *A Flower Classifier*, and on the page *The Command Line*.
"""

import dataclasses
import hashlib
import math
import pathlib
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from seeing.datasets import sources

SPLITS = ("training", "validation", "test")

# Shares of the test and of the validation part, in percent.
TEST_SHARE, VALIDATION_SHARE = 20, 10


def split_of(file_name: str) -> str:
    """The part of the data that a photograph belongs to, by a hash of its file's name.

    ``int(sha256(file name), 16) % 100``: below 20 test, 20 to 29 validation, the rest training.
    The same photograph lands in the same part on every machine, in any order, and however many
    other photographs are added or missing.

    Args:
        file_name: the name without its folder, for example ``"100080576_f52e8ee070_n.jpg"``.

    Returns:
        ``"training"``, ``"validation"`` or ``"test"``.
    """
    bucket, _ = _place(file_name)
    if bucket < TEST_SHARE:
        return "test"
    return "validation" if bucket < TEST_SHARE + VALIDATION_SHARE else "training"


def _place(name: str) -> tuple[int, str]:
    """A name's bucket, 0 to 99, and its hash, which orders the names of a bucket."""
    composed = unicodedata.normalize("NFC", name)
    digest = hashlib.sha256(composed.encode("utf-8", "surrogateescape")).hexdigest()
    return int(digest, 16) % 100, digest


def as_array(parts: Iterable[str]) -> np.ndarray:
    """Names of parts as an array: str, shape (n,)."""
    return np.array(list(parts), dtype=f"<U{max(map(len, SPLITS))}")


def split(paths: Sequence[pathlib.Path], groups: Sequence[Sequence[int]] = ()) -> np.ndarray:
    """The part that each photograph belongs to; a group of near-duplicates stays in one part.

    A group goes where its smallest file name would go by :func:`split_of`.

    Args:
        paths: the photographs.
        groups: indices of photographs that belong together.

    Returns:
        str, shape (n,): ``"training"``, ``"validation"`` or ``"test"``.
    """
    names = [path.name for path in paths]
    for group in groups:
        smallest = min(names[i] for i in group)
        for i in group:
            names[i] = smallest
    return as_array(split_of(name) for name in names)


def stratified_split(
    names: Sequence[str], y: np.ndarray, groups: Sequence[Sequence[int]] = ()
) -> np.ndarray:
    """The part that each photograph belongs to, with enough of every class in every part.

    As :func:`split_of` does, but from the class's name and the file's name together, so that a
    file name that every class has does not decide for all of them. In each class, the test part
    holds between half and twice its share of 20 %, the validation part of its 10 %; a class of
    three photographs or more has one in each part, a class of two none for validation, a
    single photograph is for training. Where chance alone would give less or more, photographs
    whose hashes come next are moved.

    So photographs that are added later leave the others where they were: all of them in a class
    of some hundred photographs or more, nearly all in a smaller one.

    A group of near-duplicates stays together and goes where its smallest name would go, unless
    it alone is larger than that part may be: then it goes into the training part.

    Args:
        names: each photograph's path below the data's folder, its class first:
            ``"daisy/IMG_0001.jpg"``.
        y: their labels, integers, shape (n,).
        groups: indices of photographs that belong together. A group that has several labels
            counts for the class of its smallest name.

    Returns:
        str, shape (n,): ``"training"``, ``"validation"`` or ``"test"``.
    """
    grouped = {i for group in groups for i in group}
    units = [list(group) for group in groups]
    units += [[i] for i in range(len(names)) if i not in grouped]
    of_class: dict[int, list[_Unit]] = {}
    for members in units:
        first = min(members, key=lambda i: names[i])
        bucket, digest = _place(names[first])
        of_class.setdefault(int(y[first]), []).append(_Unit(bucket, digest, members))
    parts = [""] * len(names)
    for members in of_class.values():
        for unit, name in _dealt(members):
            for i in unit.members:
                parts[i] = name
    return as_array(parts)


@dataclasses.dataclass(frozen=True, order=True)
class _Unit:
    """What is dealt together: a photograph, or a group. Ordered by its name's hash."""

    bucket: int
    digest: str
    members: list[int] = dataclasses.field(compare=False)

    def __len__(self) -> int:
        return len(self.members)


def _dealt(units: Sequence[_Unit]) -> list[tuple[_Unit, str]]:
    """The part of each unit of one class: by its bucket, as far as every part has enough."""
    count = sum(map(len, units))
    borders = {"test": (0, TEST_SHARE), "validation": (TEST_SHARE, TEST_SHARE + VALIDATION_SHARE)}
    room = {}
    for (name, (low, high)), needed in zip(borders.items(), (2, 3), strict=True):
        fewest, most = _bounds(count, high - low) if count >= needed else (0, 0)
        by_chance = [len(unit) for unit in units if low <= unit.bucket < high]
        room[name] = min(max(fewest, sum(n for n in by_chance if n <= most)), most)
    dealt = []
    for unit in sorted(units):
        name = next((name for name in room if len(unit) <= room[name]), "training")
        if name in room:
            room[name] -= len(unit)
        dealt.append((unit, name))
    return dealt


def _bounds(count: int, share: int) -> tuple[int, int]:
    """Half and twice a part's share of so many photographs; one at least."""
    return math.ceil(count * share / 200), max(1, math.floor(count * share / 50))


def part(
    paths: Sequence[pathlib.Path], y: np.ndarray, split: np.ndarray, name: str
) -> tuple[list[pathlib.Path], np.ndarray]:
    """The paths and labels of one part of the data.

    Args:
        paths: image files.
        y: their labels, shape (n,).
        split: the part that each belongs to, shape (n,), as :func:`split` returns it.
        name: ``"training"``, ``"validation"`` or ``"test"``.

    Raises:
        ValueError: when there is no part of that name.
    """
    if name not in SPLITS:
        raise ValueError(f"no part is called {name!r}; expected one of {', '.join(SPLITS)}")
    chosen = np.flatnonzero(split == name)
    return [paths[i] for i in chosen], y[chosen]


def some_of_each(y: np.ndarray, per_class: int, *, seed: int = 0) -> np.ndarray:
    """Draw as many images of each class.

    Args:
        y: integer labels, shape (n,).
        per_class: how many of each class; of a smaller class, all.
        seed: of the draw; with the same seed, a larger draw holds the smaller one.

    Returns:
        int64 indices, class by class.

    Raises:
        ValueError: when ``per_class`` is less than 1.
    """
    if per_class < 1:
        raise ValueError(f"per_class is {per_class}; expected 1 or more")
    order = np.random.default_rng(seed).permutation(len(y))
    return np.concatenate([order[y[order] == k][:per_class] for k in np.unique(y)])


def images_of_each(
    X: np.ndarray, y: np.ndarray, per_class: int, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw as many images of each class: the images and labels that :func:`some_of_each` names.

    Args:
        X: images, shape (n, ...).
        y: integer labels, shape (n,).
        per_class: as for :func:`some_of_each`.
        seed: as for :func:`some_of_each`.

    Returns:
        Copies of the images and of their labels, class by class.

    Raises:
        ValueError: when ``per_class`` is less than 1.
    """
    chosen = some_of_each(y, per_class, seed=seed)
    return X[chosen], y[chosen]


@dataclasses.dataclass(frozen=True)
class SplitPhotographs:
    """Labeled photographs on disk, and the part of the data each one belongs to.

    Attributes:
        class_names: K names; a label is an index into them.
        paths: the image files.
        y: int64, shape (n,), the labels.
        split: str, shape (n,): ``"training"``, ``"validation"`` or ``"test"``.
        edition: which of the data's editions this is, for example ``"original"``.
        record: the data's name, source and hash; says whether it is a stand-in.
    """

    class_names: tuple[str, ...]
    paths: tuple[pathlib.Path, ...]
    y: np.ndarray
    split: np.ndarray
    edition: str
    record: sources.DataRecord

    def part(self, name: str, *, limit: int | None = None) -> tuple[list[pathlib.Path], np.ndarray]:
        """The image files and the labels of one part.

        Args:
            name: ``"training"``, ``"validation"`` or ``"test"``.
            limit: take only so many, drawn at random and always the same ones; None takes all.

        Returns:
            Paths, and int64 labels of shape (number of paths,).

        Raises:
            ValueError: when there is no part of that name, or the limit is less than 1.
        """
        paths, y = part(self.paths, self.y, self.split, name)
        if limit is None:
            return paths, y
        if limit < 1:
            raise ValueError(f"limit is {limit}; expected 1 or more, or None for all")
        drawn = np.sort(np.random.default_rng(0).permutation(len(paths))[:limit])
        return [paths[i] for i in drawn], y[drawn]

    def counts(self) -> tuple[list[str], list[list[str]]]:
        """How many photographs of each class are in each part: a table's header and rows."""
        rows = [
            [name, *(f"{np.sum(self.y[self.split == part] == k):,}" for part in SPLITS)]
            for k, name in enumerate(self.class_names)
        ]
        return ["class", *SPLITS], rows
