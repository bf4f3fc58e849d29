"""Any folder of labeled images, one subfolder a class: what it holds and what it skips.

Explained in chapter 8, *A Flower Classifier*, and on the page *The Command Line*.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import stat
import unicodedata
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from seeing.photos import glances, reading, splits

# Folders that systems and network drives put beside photographs; their images are thumbnails,
# previews and thrown-away files. Names that begin with a dot are hidden anyway.
SYSTEM_FOLDERS = frozenset(
    {
        "__macosx",
        "@eadir",
        "#recycle",
        "#snapshot",
        "@recycle",
        "@recently-snapshot",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "found.000",
    }
)

# How people call the folders of a data set that is split already.
PART_FOLDERS = {
    "train": "training",
    "training": "training",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


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
        looks: one look at each image; None where the images were not decoded.
        given_split: str, shape (n,), the part that each image belongs to, where the folder is
            split already (``train/daisy/``, ``val/daisy/``); None where it is not.
    """

    root: pathlib.Path
    class_names: tuple[str, ...]
    paths: tuple[pathlib.Path, ...]
    y: np.ndarray
    skipped: tuple[Skipped, ...]
    looks: glances.Glances | None = None
    given_split: np.ndarray | None = None

    @property
    def names(self) -> list[str]:
        """Each image's path below the folder, with ``/`` between its parts."""
        return [path.relative_to(self.root).as_posix() for path in self.paths]

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


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A file that may be an image of a class; ``part`` is None in a folder that is not split."""

    class_name: str
    path: pathlib.Path
    part: str | None
    glance: glances.Glance | None = None


def scan(root: pathlib.Path | str, *, decode: bool = True) -> ImageFolder:
    """List a folder's images and labels; say what cannot be used, and why.

    The class is the first folder below ``root``; images in folders further down belong to it too.
    A folder that is split already is recognized: where ``root`` holds a folder ``train`` (or
    ``training``) with two or more folders in it, and beside it ``val``, ``valid``,
    ``validation``, ``test`` or ``testing``, the class is the first folder below these.

    A class folder may be a link. Links to folders further down are left out, and so are folders
    of the operating system, pipes, and whatever cannot be opened: each is named in ``skipped``.

    Args:
        root: a folder with one subfolder a class.
        decode: whether to decode every image, which finds the damaged ones and takes a look at
            the others (about 1,000 small photographs a second). False only where a hash has
            already vouched for the files.

    Returns:
        The images that can be used, and the list of what was left out.

    Raises:
        NotAnImageFolder: when ``root`` is no folder, cannot be opened, or fewer than two classes
            hold images.
    """
    root = pathlib.Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise NotAnImageFolder(f"{root} {what}; expected a folder with one subfolder a class")
    parts = _part_folders(root)
    walked = Walk(root, class_depth=2 if parts else 1)
    candidates, skipped = _candidates(walked, parts)
    if decode:
        candidates, damaged = _looked_at(candidates)
        skipped += damaged
    candidates.sort(key=lambda candidate: (candidate.class_name, str(candidate.path)))
    class_names = tuple(sorted({candidate.class_name for candidate in candidates}))
    skipped += _empty_classes(walked, parts, candidates)
    if len(class_names) < 2:
        raise NotAnImageFolder(_too_few_classes(root, class_names, skipped))
    number = {name: k for k, name in enumerate(class_names)}
    looks = [candidate.glance for candidate in candidates]
    return ImageFolder(
        root=root,
        class_names=class_names,
        paths=tuple(candidate.path for candidate in candidates),
        y=np.array([number[candidate.class_name] for candidate in candidates], dtype=np.int64),
        skipped=tuple(sorted(skipped, key=lambda item: str(item.path))),
        looks=glances.Glances.of(looks) if decode else None,
        given_split=splits.as_array(candidate.part for candidate in candidates) if parts else None,
    )


def _part_folders(root: pathlib.Path) -> dict[str, str]:
    """The part that each first folder stands for, by name; empty where the folder is not split."""
    found = {}
    for name in _folders_in(root):
        part = PART_FOLDERS.get(name.lower())
        if part is not None:
            found[name] = part
    training = [name for name, part in found.items() if part == "training"]
    classes = {inner for name in training for inner in _folders_in(root / name)}
    return found if len(set(found.values())) > 1 and len(classes) > 1 else {}


def _folders_in(folder: pathlib.Path) -> list[str]:
    """Names of the folders in a folder, and of links to such; none of the system's."""
    try:
        inner = [path for path in folder.iterdir() if not _is_system(path.name)]
    except OSError:
        return []  # the walk reports it
    return sorted(path.name for path in inner if _kind(path) == "folder")


def _is_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


class Walk:
    """All files below a folder, and what stands in the way of more.

    Nothing is opened: a pipe would wait for ever.

    Attributes:
        root: where the walk began.
        files: regular files, and links to such.
        folders: folders that were looked into, by their path's parts below the root.
        skipped: what was not looked into, and why.
    """

    def __init__(self, root: pathlib.Path, *, class_depth: int):
        """Walk through a folder.

        Args:
            root: the folder.
            class_depth: down to which depth links to folders are followed; 0 for none.

        Raises:
            NotAnImageFolder: when the folder cannot be opened.
        """
        self.root = root
        self.files: list[pathlib.Path] = []
        self.folders: list[tuple[str, ...]] = []
        self.skipped: list[Skipped] = []
        self._class_depth = class_depth
        self._linked: dict[str, pathlib.Path] = {}
        waiting = [root]
        while waiting:
            waiting += self._look_into(waiting.pop())

    def _look_into(self, folder: pathlib.Path) -> list[pathlib.Path]:
        """Sort a folder's entries; returns the folders among them that are to be looked into."""
        inner = folder.relative_to(self.root).parts
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            if folder == self.root:
                raise NotAnImageFolder(f"{folder} cannot be opened: {error.strerror}") from error
            self._skip(folder, f"folder cannot be opened: {error.strerror}")
            return []
        self.folders.append(inner)
        further = []
        for path in paths:
            kind = _kind(path)
            if kind == "folder" and _is_system(path.name):
                self._skip(path, "folder of the operating system or of a program; not looked into")
            elif kind == "folder" and path.is_symlink():
                reason = self._why_not_follow(path, depth=len(inner) + 1)
                if reason is None:
                    further.append(path)
                else:
                    self._skip(path, reason)
            elif kind == "folder":
                further.append(path)
            elif kind == "file":
                self.files.append(path)
            else:
                self._skip(path, kind)
        return further

    def _why_not_follow(self, link: pathlib.Path, depth: int) -> str | None:
        """Why a link to a folder is left out; None for a class that is a link, met once."""
        if depth > self._class_depth:
            inside = " inside a class; links there" if self._class_depth else "; such links"
            return f"link to a folder{inside} are not followed"
        target, root = os.path.realpath(link), os.path.realpath(self.root)
        common = os.path.commonpath([target, root]) if _same_drive(target, root) else ""
        if common == target:
            return "link to a folder that holds this one"
        if common == root:
            return "link to a folder that is listed anyway"
        if target in self._linked:
            return f"link to the same folder as {self._linked[target]}"
        self._linked[target] = link
        return None

    def _skip(self, path: pathlib.Path, reason: str) -> None:
        self.skipped.append(Skipped(path=path, reason=reason))


def _same_drive(a: str, b: str) -> bool:
    return os.path.splitdrive(a)[0] == os.path.splitdrive(b)[0]


def _kind(path: pathlib.Path) -> str:
    """``"folder"``, ``"file"``, or why a path is neither. Opens nothing: a pipe would wait."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if path.is_symlink():
            return f"link that leads nowhere: {error.strerror}"
        return f"cannot be looked at: {error.strerror}"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "no regular file (a pipe, a socket or a device)"


def _candidates(walked: Walk, parts: Mapping[str, str]) -> tuple[list[_Candidate], list[Skipped]]:
    """Each file that looks like an image by its name and place, and what does not."""
    candidates: list[_Candidate] = []
    skipped = list(walked.skipped)
    for path in walked.files:
        inner = path.relative_to(walked.root).parts
        reason = _why_not(inner, parts)
        if reason is None:
            part = parts[inner[0]] if parts else None
            candidates.append(_Candidate(_class_name(inner[1 if parts else 0]), path, part))
        else:
            skipped.append(Skipped(path=path, reason=reason))
    return candidates, skipped


def _why_not(inner: tuple[str, ...], parts: Mapping[str, str]) -> str | None:
    """Why a file, given as its path's parts below the root, is no candidate; None if it is."""
    if not inner[-1].startswith("."):
        if parts and len(inner) > 1 and inner[0] not in parts:
            return f"lies beside {', '.join(sorted(parts))}, which split this folder"
        if len(inner) < (3 if parts else 2):
            return "lies in no class folder"
    return why_no_photograph(inner[-1])


def why_no_photograph(name: str) -> str | None:
    """Why a file of that name is taken for no photograph; None if it is."""
    if name.startswith("."):
        return "hidden file of the operating system"
    suffix = pathlib.PurePath(name).suffix.lower()
    if suffix in reading.HEIC_SUFFIXES:
        return reading.HEIC_REASON
    if suffix not in reading.SUFFIXES:
        return f"its name does not end like an image's ({suffix or 'no ending'})"
    return None


def _class_name(folder: str) -> str:
    # macOS stores "é" as two characters, Linux and Windows as one: the same name either way.
    return unicodedata.normalize("NFC", folder)


def _looked_at(candidates: Sequence[_Candidate]) -> tuple[list[_Candidate], list[Skipped]]:
    """The candidates that can be decoded, each with its glance, and the others with the reason."""

    def look(candidate: _Candidate) -> glances.Glance | Skipped:
        try:
            return glances.glance(reading.read_image(candidate.path))
        except reading.UnreadableImage as error:
            return Skipped(path=candidate.path, reason=error.reason)

    # Decoding lets go of the interpreter's lock, so threads share the work.
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        looks = list(pool.map(look, candidates))
    judged = list(zip(candidates, looks, strict=True))
    good = [
        dataclasses.replace(candidate, glance=look)
        for candidate, look in judged
        if isinstance(look, glances.Glance)
    ]
    return good, [look for look in looks if isinstance(look, Skipped)]


def _empty_classes(
    walked: Walk, parts: Mapping[str, str], candidates: Collection[_Candidate]
) -> list[Skipped]:
    """Class folders without an image: of a folder that is split, those of each part."""
    depth = 2 if parts else 1
    full = {candidate.path.relative_to(walked.root).parts[:depth] for candidate in candidates}
    return [
        Skipped(
            path=walked.root.joinpath(*inner),
            reason="class folder without an image that can be read",
        )
        for inner in walked.folders
        if len(inner) == depth and inner not in full and (not parts or inner[0] in parts)
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
