"""Split photographs into training, validation and test by their names.

Explained in chapter 8, *A Flower Classifier*.
"""

import dataclasses
import hashlib
import pathlib
import unicodedata
from collections.abc import Sequence

import numpy as np

from seeing.datasets import sources

SPLITS = ("training", "validation", "test")


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
    name = unicodedata.normalize("NFC", file_name)
    bucket = int(hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest(), 16) % 100
    return "test" if bucket < 20 else "validation" if bucket < 30 else "training"


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
    return np.array([split_of(name) for name in names], dtype=f"<U{max(map(len, SPLITS))}")


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
