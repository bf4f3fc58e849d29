"""Look through a folder: which photographs it holds, which are alike, and what is left out.

Every file is decoded once, to find the damaged ones and to keep a thumbnail and what the search for
near-duplicates needs. What was found is kept, so that a second look takes seconds: a file of the
same size and time of change is not read again.

Explained on the page *The Studio*.
"""

import concurrent.futures
import contextlib
import dataclasses
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Sequence

import numpy as np

from seeing.photos import folders, glances, near_duplicates, reading
from seeing.studio import features, files, jobs, store, thumbnails

FORMAT = 1  # counted up when photographs are read, or their copies found, in another way
NOTED_FILE = "scan.npz"
CHUNK = 64  # photographs between two words about the progress


@dataclasses.dataclass(frozen=True)
class Scanned:
    """What a folder holds. Every file is either a photograph or left out.

    Attributes:
        found: the photographs, sorted by their paths.
        sizes: ``(width, height)`` of each in pixels, upright.
        pairs: near-duplicates, ``(i, j, likeness)``, as indices into ``found``.
        groups: those that the pairs join.
        skipped: files and folders that were left out, with reasons.
    """

    found: tuple[store.Found, ...]
    sizes: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int, float], ...]
    groups: tuple[tuple[int, ...], ...]
    skipped: tuple[folders.Skipped, ...]


@dataclasses.dataclass(frozen=True)
class _Noted:
    """What one look at a file has found; ``refused`` says why it is no photograph.

    Attributes:
        bytes: its size then.
        changed: its time of change then, in nanoseconds.
        sha256: of its bytes; empty where it was refused.
        size: width and height.
        refused: why it cannot be used; None if it can.
        glance: what it looks like; None where it was refused.
    """

    bytes: int
    changed: int
    sha256: str
    size: tuple[int, int]
    refused: str | None
    glance: glances.Glance | None


def scan(
    root: pathlib.Path, kept: pathlib.Path, small: thumbnails.Thumbnails, job: jobs.Job
) -> Scanned:
    """Look through a folder and all folders in it.

    Args:
        root: the photographs' folder; nothing in it is changed.
        kept: the studio's own folder, where what was found is noted.
        small: gets a thumbnail of every photograph that is met for the first time.
        job: hears of the progress, and may cancel.

    Raises:
        folders.NotAnImageFolder: when the folder cannot be opened, or holds no photograph.
        jobs.Canceled: when the job was canceled; what was found until then is noted.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise folders.NotAnImageFolder(f"{root} {what}; expected a folder of photographs")
    walked = folders.Walk(root, class_depth=0)
    skipped, paths = list(walked.skipped), []
    for path in walked.files:
        reason = folders.why_no_photograph(path.name) or _why_outside(path, root)
        if reason is None:
            paths.append(path)
        else:
            skipped.append(folders.Skipped(path, reason))
    paths.sort(key=lambda path: path.relative_to(root).as_posix())
    before, pairs_before = _read(kept / NOTED_FILE)
    now: dict[str, _Noted] = {}
    try:
        _look(root, paths, before, now, small, job)
    except BaseException:
        _write(kept / NOTED_FILE, before | now, {})  # what is read is read
        raise
    names = [name for name, one in now.items() if one.refused is None]
    skipped += [
        folders.Skipped(root / name, one.refused) for name, one in now.items() if one.refused
    ]
    if not names:
        raise folders.NotAnImageFolder(_nothing(root, skipped))
    job.step("looking for near-duplicates", 0, 1)
    looked = [now[name] for name in names]
    key = [one.sha256 for one in looked]
    pairs = pairs_before.get("pairs") if pairs_before.get("key") == key else None
    if pairs is None:
        alike = near_duplicates.find(glances.Glances.of([one.glance for one in looked]))
        pairs = [list(pair) for pair in alike.pairs]
    _write(kept / NOTED_FILE, now, {"key": key, "pairs": pairs})
    joined = [(int(i), int(j), float(likeness)) for i, j, likeness in pairs]
    return Scanned(
        found=tuple(store.Found(name, now[name].sha256) for name in names),
        sizes=tuple(one.size for one in looked),
        pairs=tuple(joined),
        groups=tuple(map(tuple, near_duplicates.groups(len(names), joined))),
        skipped=tuple(sorted(skipped, key=lambda item: str(item.path))),
    )


def _why_outside(path: pathlib.Path, root: pathlib.Path) -> str | None:
    """Why a link is not followed; None for what lies in the folder."""
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        return "link to a file outside the folder; such links are not followed"
    return None


def _nothing(root: pathlib.Path, skipped: Sequence[folders.Skipped]) -> str:
    lines = [f"{root} holds no photograph that can be read"]
    lines += [f"  {item.path}: {item.reason}" for item in skipped[:10]]
    lines += ["  ..."] if len(skipped) > 10 else []
    return "\n".join(lines)


def _look(
    root: pathlib.Path,
    paths: Sequence[pathlib.Path],
    before: dict[str, _Noted],
    now: dict[str, _Noted],
    small: thumbnails.Thumbnails,
    job: jobs.Job,
) -> None:
    """Look at each file, and note what was found, by its path below the folder."""

    def look(path: pathlib.Path) -> _Noted:
        name = path.relative_to(root).as_posix()
        try:
            there = path.stat()
        except OSError as error:
            return _Noted(0, 0, "", (0, 0), f"cannot be looked at: {error.strerror}", None)
        old = before.get(name)
        if old and (old.bytes, old.changed) == (there.st_size, there.st_mtime_ns):
            return old
        try:
            sha256 = features.digest(path)
            pixels = reading.read_image(path)
        except reading.UnreadableImage as error:
            return _Noted(there.st_size, there.st_mtime_ns, "", (0, 0), error.reason, None)
        small.keep(sha256, pixels)
        height, width = pixels.shape[:2]
        size, glance = (width, height), glances.glance(pixels)
        return _Noted(there.st_size, there.st_mtime_ns, sha256, size, None, glance)

    # Decoding lets go of the interpreter's lock, so threads share the work.
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(paths), CHUNK):
            job.step("looking at photographs", start, len(paths))
            some = paths[start : start + CHUNK]
            for path, noted in zip(some, pool.map(look, some), strict=True):
                now[path.relative_to(root).as_posix()] = noted
    job.step("looking at photographs", len(paths), len(paths))


def _write(path: pathlib.Path, noted: dict[str, _Noted], pairs: dict) -> None:
    """Note what was found, for the next time. That it cannot be is no reason to stop."""
    text = {
        "format": FORMAT,
        "files": [
            [name, one.bytes, one.changed, one.sha256, *one.size, one.refused]
            for name, one in noted.items()
        ],
        "near": pairs,
    }
    good = [one.glance for one in noted.values() if one.glance is not None]
    looks, content = glances.Glances.of(good), io.BytesIO()
    np.savez(
        content,
        text=np.frombuffer(json.dumps(text).encode(), dtype=np.uint8),
        thumbnails=looks.thumbnails,
        digests=np.frombuffer(b"".join(looks.digests), dtype=np.uint8).reshape(-1, 16),
    )
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, content.getvalue(), durable=False)


def _read(path: pathlib.Path) -> tuple[dict[str, _Noted], dict]:
    """What an earlier scan has noted; nothing where that cannot be read."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            text = json.loads(arrays["text"].tobytes())
            small, digests = arrays["thumbnails"], arrays["digests"]
        if text["format"] != FORMAT:
            return {}, {}
        noted, place = {}, 0
        for name, size, changed, sha256, width, height, refused in text["files"]:
            glance = None
            if refused is None:
                glance = glances.Glance(small[place], digests[place].tobytes())
                place += 1
            noted[name] = _Noted(size, changed, sha256, (width, height), refused, glance)
        return noted, text["near"]
    # A damaged archive fails in as many ways as zip, NumPy's arrays and JSON have.
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile):
        return {}, {}
