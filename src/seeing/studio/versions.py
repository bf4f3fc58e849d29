"""Versions of a head: each is kept with what made it, and any of them can be the current one.

Explained on the page *The Studio*.
"""

import contextlib
import dataclasses
import io
import json
import pathlib
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from seeing.studio import files, linear, scores

HISTORY_FILE = "current.json"
FILE = re.compile(r"version-(\d{6,})\.npz")


class DamagedVersion(ValueError):
    """A file cannot be read. The message names it and says why, and what to do."""


@dataclasses.dataclass(frozen=True)
class Made:
    """What made a version.

    Attributes:
        last_event: the number of the last event of the labels' log that it was trained on.
        labels_sha256: of the labels, see :attr:`seeing.studio.linear.Labeled.sha256`.
        photographs: number of photographs that it was trained on.
        features: the fingerprint of the recipe of their features.
        strength: scikit-learn's C.
        seed: of the project's random numbers. The head itself needs none.
        tested: how many photographs of the test set it got right, and of how many that were
            labeled then; None where none was.
        time: when it was made, UTC, as ISO 8601 writes it. Clocks err: versions are in the order
            of their numbers.
    """

    last_event: int
    labels_sha256: str
    photographs: int
    features: str
    strength: float
    seed: int
    tested: scores.Share | None
    time: str


@dataclasses.dataclass(frozen=True)
class Version:
    """A head, its number, and what made it."""

    number: int
    head: linear.Head
    made: Made


@dataclasses.dataclass(frozen=True)
class Turn:
    """A version became the current one.

    Attributes:
        version: which one.
        why: ``"trained"`` or ``"rollback"``.
    """

    version: int
    why: str


class Versions:
    """The versions in a folder. Nothing here is ever deleted or written over."""

    def __init__(self, folder: pathlib.Path | str):
        """Say where; nothing is read or written yet, and the folder is made with the first one."""
        self._folder = pathlib.Path(folder)

    def numbers(self) -> list[int]:
        """Of all versions, the oldest first; damaged ones too."""
        if not self._folder.is_dir():
            return []
        found = (FILE.fullmatch(path.name) for path in self._folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def load(self, number: int) -> Version:
        """Read a version. A file is arrays and a text; nothing in it is ever executed.

        Raises:
            KeyError: when there is no such version.
            DamagedVersion: when its file cannot be read.
        """
        path = self._place(number)
        if not path.is_file():
            raise KeyError(f"there is no version {number}; there are {self.numbers()}")
        try:
            return _unpacked(number, path.read_bytes())
        # A damaged archive fails in as many ways as zip, NumPy's arrays and JSON have.
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise DamagedVersion(
                f"{path} cannot be read ({error}); make another version the current one, or train"
            ) from error
        except (NotImplementedError, RuntimeError, OverflowError, MemoryError) as error:
            raise DamagedVersion(f"{path} cannot be read ({error}); train again") from error

    def readable(self) -> Iterator[Version]:
        """All versions that can be read, the oldest first."""
        for number in self.numbers():
            with contextlib.suppress(DamagedVersion):
                yield self.load(number)

    def add(self, head: linear.Head, made: Made) -> Version:
        """Keep a new version and make it the current one.

        A kill at any moment leaves it whole or absent; killed in between, it is there and the
        one before it is still current.

        Raises:
            files.Busy: when another program or job is adding one.
            DamagedVersion: when the history cannot be read.
            OSError: when it cannot be written, as on a full disk.
        """
        with files.only_writer(self._folder):
            turns = self.history()
            version = Version(max(self.numbers(), default=0) + 1, head, made)
            files.write(self._place(version.number), _packed(version), durable=True)
            self._write_history([*turns, Turn(version.number, "trained")])
        return version

    def roll_back(self, number: int) -> Version:
        """Make an older version the current one; the newer ones stay.

        Raises:
            KeyError: when there is no such version.
            DamagedVersion: when it, or the history, cannot be read.
            files.Busy: when another program or job is adding one.
            OSError: when it cannot be written down.
        """
        version = self.load(number)
        with files.only_writer(self._folder):
            self._write_history([*self.history(), Turn(number, "rollback")])
        return version

    def history(self) -> list[Turn]:
        """Which version became the current one, one after the other.

        Raises:
            DamagedVersion: when the file cannot be read.
        """
        path = self._folder / HISTORY_FILE
        try:
            written = json.loads(path.read_text(encoding="utf-8"))
            return [Turn(int(turn["version"]), str(turn["why"])) for turn in written]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedVersion(
                f"{path} cannot be read ({error}); remove it: then the newest version is current"
            ) from error

    def current(self) -> Version | None:
        """The current version: that of the last turn, without any the newest; None if none is.

        Raises:
            KeyError: when its file is gone.
            DamagedVersion: when its file, or the history, cannot be read.
        """
        turns, numbers = self.history(), self.numbers()
        if turns:
            return self.load(turns[-1].version)
        return self.load(numbers[-1]) if numbers else None

    def _place(self, number: int) -> pathlib.Path:
        return self._folder / f"version-{number:06d}.npz"

    def _write_history(self, turns: list[Turn]) -> None:
        text = json.dumps([dataclasses.asdict(turn) for turn in turns], indent=1)
        files.write(self._folder / HISTORY_FILE, f"{text}\n".encode(), durable=True)


def _packed(version: Version) -> bytes:
    head = version.head
    description = {"task": dataclasses.asdict(head.task), "made": dataclasses.asdict(version.made)}
    content = io.BytesIO()
    np.savez(
        content,
        weights=head.weights,
        biases=head.biases,
        description=np.array(json.dumps(description)),
    )
    return content.getvalue()


def _unpacked(number: int, content: bytes) -> Version:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        weights, biases = arrays["weights"], arrays["biases"]
        description: dict[str, Any] = json.loads(str(arrays["description"]))
    told, made = description["task"], dict(description["made"])
    task = linear.Task(tuple(told["class_ids"]), told["multi_label"])
    if weights.ndim != 2 or not weights.shape[1:] == biases.shape == (len(task.class_ids),):
        raise ValueError(f"weights {weights.shape}, biases {biases.shape} of {task}")
    tested = made.pop("tested")
    made["tested"] = None if tested is None else scores.Share(**tested)
    return Version(number, linear.Head(task, weights, biases), Made(**made))
