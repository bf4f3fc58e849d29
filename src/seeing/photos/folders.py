"""Any folder of labeled images, one subfolder a class: what it holds and what it skips.

Explained in chapter 8, *A Flower Classifier*.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import unicodedata
from collections.abc import Collection, Sequence

import numpy as np

from seeing.photos import reading


class NotAnImageFolder(ValueError):
    """A folder does not hold two or more class folders with images. The message says why."""


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file or folder that was left out, and why."""

    path: pathlib.Path
    reason: str


@dataclasses.dataclass(frozen=True)
class ImageFolder:
    """A folder's images, their labels, and what was left out.

    Attributes:
        root: the folder.
        class_names: names of the class folders that hold images, sorted; accents composed (NFC).
        paths: the images, sorted by class and then by path.
        y: int64, shape (n,), indices into ``class_names``.
        skipped: files and folders that were left out, with reasons.
    """

    root: pathlib.Path
    class_names: tuple[str, ...]
    paths: tuple[pathlib.Path, ...]
    y: np.ndarray
    skipped: tuple[Skipped, ...]

    def summary(self) -> str:
        """A few lines for a reader: images per class, and each thing left out, with its reason."""
        counts = np.bincount(self.y, minlength=len(self.class_names))
        lines = [f"{len(self.paths):,} images in {len(self.class_names)} classes:"]
        lines += [
            f"  {count:6,} {name}" for name, count in zip(self.class_names, counts, strict=True)
        ]
        if self.skipped:
            lines.append(f"{len(self.skipped)} left out:")
            lines += [f"  {skipped.path}: {skipped.reason}" for skipped in self.skipped]
        return "\n".join(lines)


def scan(root: pathlib.Path | str, *, decode: bool = True) -> ImageFolder:
    """List a folder's images and labels; say what cannot be used, and why.

    The class is the first folder below ``root``; images in folders further down belong to it too.

    Args:
        root: a folder with one subfolder a class.
        decode: whether to decode every image, which finds the damaged ones (about 1,000
            small photographs a second). False only where a hash has already vouched for the files.

    Returns:
        The images that can be used, and the list of what was left out.

    Raises:
        NotAnImageFolder: when ``root`` is no folder, or fewer than two classes hold images.
    """
    root = pathlib.Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise NotAnImageFolder(f"{root} {what}; expected a folder with one subfolder a class")
    candidates, skipped = _candidates(root)
    if decode:
        candidates, damaged = _readable(candidates)
        skipped += damaged
    class_names = tuple(sorted({name for name, _ in candidates}))
    skipped += _empty_classes(root, class_names)
    if len(class_names) < 2:
        raise NotAnImageFolder(_too_few_classes(root, class_names, skipped))
    candidates.sort(key=lambda candidate: (candidate[0], str(candidate[1])))
    return ImageFolder(
        root=root,
        class_names=class_names,
        paths=tuple(path for _, path in candidates),
        y=np.array([class_names.index(name) for name, _ in candidates], dtype=np.int64),
        skipped=tuple(sorted(skipped, key=lambda item: str(item.path))),
    )


def _candidates(root: pathlib.Path) -> tuple[list[tuple[str, pathlib.Path]], list[Skipped]]:
    """(class name, path) of each file that looks like an image by its name, and the others."""
    candidates: list[tuple[str, pathlib.Path]] = []
    skipped: list[Skipped] = []
    for folder, subfolders, names in os.walk(root):
        subfolders.sort()
        for name in sorted(names):
            path = pathlib.Path(folder) / name
            inner = path.relative_to(root).parts
            reason = _why_not(inner)
            if reason is None:
                candidates.append((_class_name(inner[0]), path))
            else:
                skipped.append(Skipped(path=path, reason=reason))
    return candidates, skipped


def _why_not(parts: tuple[str, ...]) -> str | None:
    """Why a file, given as its path's parts below the root, is no candidate; None if it is."""
    suffix = pathlib.PurePath(parts[-1]).suffix.lower()
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return "hidden file of the operating system"
    if len(parts) == 1:
        return "lies in no class folder"
    if suffix in reading.HEIC_SUFFIXES:
        return reading.HEIC_REASON
    if suffix not in reading.SUFFIXES:
        return f"its name does not end like an image's ({suffix or 'no ending'})"
    return None


def _class_name(folder: str) -> str:
    # macOS stores "é" as two characters, Linux and Windows as one: the same name either way.
    return unicodedata.normalize("NFC", folder)


def _readable(
    candidates: list[tuple[str, pathlib.Path]],
) -> tuple[list[tuple[str, pathlib.Path]], list[Skipped]]:
    def problem(candidate: tuple[str, pathlib.Path]) -> str | None:
        try:
            reading.read_image(candidate[1])
        except reading.UnreadableImage as error:
            return error.reason
        return None

    # Decoding lets go of the interpreter's lock, so threads share the work.
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        problems = list(pool.map(problem, candidates))
    judged = list(zip(candidates, problems, strict=True))
    good = [candidate for candidate, reason in judged if reason is None]
    bad = [Skipped(path=path, reason=reason) for (_, path), reason in judged if reason is not None]
    return good, bad


def _empty_classes(root: pathlib.Path, class_names: Collection[str]) -> list[Skipped]:
    return [
        Skipped(path=folder, reason="class folder without an image that can be read")
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        and not folder.name.startswith(".")
        and folder.name != "__MACOSX"
        and _class_name(folder.name) not in class_names
    ]


def _too_few_classes(
    root: pathlib.Path, class_names: Sequence[str], skipped: Sequence[Skipped]
) -> str:
    found = f"only one class with images, {class_names[0]!r}" if class_names else "no class"
    lines = [
        f"{root} holds {found}; a classifier needs two or more. Expected one subfolder a class, "
        f"such as {root.name}/daisy/one.jpg and {root.name}/rose/two.jpg."
    ]
    if skipped:
        lines.append(f"{len(skipped)} left out:")
        lines += [f"  {item.path}: {item.reason}" for item in skipped[:10]]
        lines += ["  ..."] if len(skipped) > 10 else []
    return "\n".join(lines)
