"""What a served classifier was shown and what it said, in a folder: one line for each photograph.

Lines are only ever appended, each by one call of the system, and every server writes a file of
its own. So a server that is killed loses at most the line that it was writing, and what is half
written is passed over when it is read.

A line holds no client's address and no file's name.

Explained on the page *The Command Line*.
"""

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import heapq
import json
import os
import pathlib
import re
import stat
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import numpy as np
from PIL import Image

from seeing.app import held_out
from seeing.photos import reading

PHOTOGRAPHS = "photographs"  # the folder inside, for those that are kept
PATTERN = "answers-*.jsonl"
MOST_BYTES = 1_000_000_000
RECOUNT = 1000  # so many lines, written or lost, until what others wrote or removed is counted

_NAME = re.compile(r"[0-9a-f]{64}\.[a-z]+")  # of a photograph
DIGITS = 4  # of a probability


class CannotLog(ValueError):
    """A folder cannot be logged to, or holds no log. The message says why."""


def rounded(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities as they are logged: to four digits, however small they are.

    What is compared with them has to be rounded, too: the tests look at which is larger.
    """
    flat = [_rounded(one) for one in np.asarray(probabilities, dtype=np.float64).flat]
    return np.array(flat).reshape(np.shape(probabilities))


def _rounded(probability: float) -> float:
    return float(f"{probability:.{DIGITS}g}")


@dataclasses.dataclass(frozen=True)
class Record:
    """One photograph that was answered.

    Attributes:
        time: when, in UTC, such as ``2026-01-31T12:00:00.000000Z``.
        id: of this answer alone; nothing that a client sent is in it.
        model: SHA-256 of the network's file.
        answer: the name that was given; None for "don't know".
        unsure_below: where the largest probability was less, the answer was "don't know".
        probabilities: of all classes, by name.
        features: float16, shape (d,); None where there are none.
        photograph: the file's name in the folder of photographs; None where it was not kept.
    """

    time: str
    id: str
    model: str
    answer: str | None
    unsure_below: float
    probabilities: dict[str, float]
    features: np.ndarray | None
    photograph: str | None


class Log:
    """The file that one server appends to.

    Where a line cannot be written (a full disk, the limit), serving goes on: the line is lost and
    counted, and the first of those that are lost in a row is told of.
    """

    def __init__(
        self,
        folder: pathlib.Path | str,
        *,
        model: str,
        class_names: Sequence[str],
        keeps_photographs: bool = False,
        most_bytes: int = MOST_BYTES,
        say: Callable[[str], None] | None = None,
    ):
        """Make the folder if there is none, and a new file in it.

        Args:
            folder: where; only its owner can read what is new in it.
            model: SHA-256 of the network's file.
            class_names: K names, in the order of the probabilities.
            keeps_photographs: whether the photographs themselves are kept, too.
            most_bytes: for all that is in the folder, with what was there before.
            say: is told when lines begin to be lost, and when they no longer are; prints to
                stderr if None.

        Raises:
            CannotLog: when nothing can be written there.
        """
        self.folder, self.keeps_photographs = pathlib.Path(folder), keeps_photographs
        self.written = self.lost = 0
        self._model, self._class_names, self._most = model, tuple(class_names), most_bytes
        self._say = say or _to_stderr
        self._is_losing = self._is_torn = False
        time = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        self._path = self.folder / f"answers-{time}-{uuid.uuid4().hex[:8]}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if keeps_photographs:
                (self.folder / PHOTOGRAPHS).mkdir(exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
            self._file = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise CannotLog(
                f"{self.folder} cannot be logged to ({error.strerror}); choose another folder"
            ) from error
        self._used = _size(self.folder)

    def close(self) -> None:
        """Close the file; one without a line is removed."""
        os.close(self._file)
        if not self.written:
            with contextlib.suppress(OSError):
                if not self._path.stat().st_size:
                    self._path.unlink()

    def what(self) -> str:
        """What is logged and where, in a sentence for whoever starts the server."""
        each = "its time, its answer and the features that the network sees"
        if self.keeps_photographs:
            each += ", and the photograph itself"
        return (
            f"logging to {self.folder}, up to {self._most / 1e6:,.0f} MB: of each photograph {each}"
        )

    def add(
        self,
        probabilities: np.ndarray,
        features: np.ndarray | None,
        answer: str | None,
        unsure_below: float,
        photograph: IO[bytes],
    ) -> bool:
        """Append one line; whether that could be done.

        Args:
            probabilities: shape (K,).
            features: shape (d,), or None.
            answer: the name that was given, or None.
            unsure_below: the bound that decided so.
            photograph: its file.
        """
        line = {
            "time": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "id": uuid.uuid4().hex,
            "model": self._model,
            "answer": answer,
            "unsure_below": unsure_below,
            "probabilities": {
                name: _rounded(float(one))
                for name, one in zip(self._class_names, probabilities, strict=True)
            },
        }
        halved = held_out.halved(features)
        if halved is not None:
            line["features"] = base64.b64encode(halved.tobytes()).decode("ascii")
        try:
            if self.keeps_photographs:
                line["photograph"] = self._keep(photograph)
            self._append(json.dumps(line).encode("ascii") + b"\n")
        except OSError as error:
            self._lose(error.strerror or str(error))
            return False
        self.written += 1
        if self._is_losing:
            self._is_losing = False
            self._say(f"logging to {self.folder} again; {self.lost:,} answers so far are lost")
        return True

    def _lose(self, reason: str) -> None:
        self.lost += 1
        if not self._is_losing:
            self._is_losing = True
            self._say(
                f"warning: answers are no longer logged to {self.folder} ({reason}); serving goes "
                "on, and /metrics counts what is lost"
            )

    def _require_room(self, count: int) -> None:
        """Refuse bytes beyond the limit.

        Raises:
            OSError: saying that it is reached.
        """
        if not (self.written + self.lost) % RECOUNT or (
            not self._is_losing and self._used + count > self._most
        ):
            self._used = _size(self.folder)
        if self._used + count > self._most:
            raise OSError(None, f"its limit of {self._most / 1e6:,.0f} MB is reached")

    def _append(self, line: bytes) -> None:
        """Write one line, or nothing of it.

        Raises:
            OSError: when it cannot be written.
        """
        self._require_room(len(line))
        if self._is_torn:
            line = b"\n" + line
        start, left = os.fstat(self._file).st_size, line
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            self._is_torn = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, start)
                self._is_torn = False
            raise
        self._is_torn = False
        self._used += len(line)

    def _keep(self, photograph: IO[bytes]) -> str:
        """Keep a photograph under the hash of its content; its file's name.

        Raises:
            OSError: when it cannot be written.
        """
        photograph.seek(0)
        digest = hashlib.file_digest(photograph, "sha256").hexdigest()
        name = digest + _suffix(photograph)
        place = self.folder / PHOTOGRAPHS / name
        if place.exists():
            return name
        size = photograph.seek(0, os.SEEK_END)
        photograph.seek(0)
        self._require_room(size)
        number, partial = tempfile.mkstemp(prefix=".partial-", dir=place.parent)
        try:
            with os.fdopen(number, "wb") as file:
                while block := photograph.read(1 << 20):
                    file.write(block)
            pathlib.Path(partial).replace(place)
        except BaseException:
            pathlib.Path(partial).unlink(missing_ok=True)
            raise
        self._used += size
        return name


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _suffix(photograph: IO[bytes]) -> str:
    """How a file's name has to end, by its content."""
    photograph.seek(0)
    Image.init()
    with Image.open(
        photograph, formats=[one for one in reading.FORMATS if one in Image.OPEN]
    ) as it:
        return reading.FORMATS[it.format][0]


def _size(folder: pathlib.Path) -> int:
    """Bytes of all files in a folder; what goes away meanwhile does not count."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            found = path.lstat()
            total += found.st_size * stat.S_ISREG(found.st_mode)
    return total


# Reading.


def read(folder: pathlib.Path | str, notice: Callable[[str], None]) -> Iterator[Record]:
    """All lines of a log, of all its files, in the order of their times.

    Args:
        folder: the log's.
        notice: is told of every line that is passed over, and why.

    Raises:
        CannotLog: when the folder holds no log.
        OSError: when a file cannot be read.
    """
    folder = pathlib.Path(folder)
    files = sorted(folder.glob(PATTERN))
    if not files:
        what = "holds no log" if folder.is_dir() else "is no folder"
        raise CannotLog(f"{folder} {what}; expected one that `serve MODEL --log FOLDER` writes")
    return heapq.merge(*(_lines(path, notice) for path in files), key=lambda one: one.time)


def _lines(path: pathlib.Path, notice: Callable[[str], None]) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield _record(line)
            except (ValueError, TypeError, KeyError, RecursionError):
                if line.strip():
                    notice(f"{path}, line {number}: half written or damaged; passed over")


def _record(line: bytes) -> Record:
    """One line's record.

    Raises:
        ValueError: when it is none, as KeyError and TypeError say, too.
    """
    said = json.loads(line)
    if not isinstance(said, dict) or not isinstance(said["probabilities"], dict):
        raise TypeError("no object of JSON")
    features = said.get("features")
    if features is not None:
        features = np.frombuffer(base64.b64decode(features, validate=True), dtype="<f2")
    photograph = said.get("photograph")
    if photograph is not None and not _NAME.fullmatch(photograph):
        raise ValueError("no name that a log gives: it might lead out of the folder")
    answer = said["answer"]
    datetime.datetime.fromisoformat(said["time"])
    return Record(
        time=said["time"],
        id=str(said["id"]),
        model=str(said["model"]),
        answer=None if answer is None else str(answer),
        unsure_below=float(said["unsure_below"]),
        probabilities={str(k): float(one) for k, one in said["probabilities"].items()},
        features=features,
        photograph=photograph,
    )
