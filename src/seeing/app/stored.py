"""The folder that holds a trained classifier: what can be said of it without loading Keras.

Explained on the page *The Command Line*.
"""

import collections
import dataclasses
import json
import pathlib
import zipfile
from typing import get_args

from seeing.datasets import sources
from seeing.photos import reading

NETWORK_FILE = "network.keras"
CLASSES_FILE = "classes.json"


class NotAClassifier(ValueError):
    """A folder does not hold a classifier that can be read. The message says why."""


@dataclasses.dataclass(frozen=True)
class Description:
    """What a classifier's folder says of its network.

    Attributes:
        class_names: K different names.
        looks: what the network looks at of each photograph.
        network_sha256: of the network's file, where it is given.
    """

    class_names: tuple[str, ...]
    looks: tuple[reading.Look, ...]
    network_sha256: str | None

    def identity(self, folder: pathlib.Path) -> str:
        """The SHA-256 of the network's file, calculated if it is not given.

        Args:
            folder: as for :func:`describe`.
        """
        return self.network_sha256 or sources.sha256(folder / NETWORK_FILE)


def describe(folder: pathlib.Path) -> Description:
    """Look at a classifier's folder, all but the network: in milliseconds, and without Keras.

    Args:
        folder: what :func:`seeing.app.classifier.load` takes.

    Raises:
        NotAClassifier: when a file is missing, the names cannot be used, or the network's file is
            of another kind or cut short.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise NotAClassifier(f"{folder} {what}; expected a folder that `train` wrote")
    for name in (NETWORK_FILE, CLASSES_FILE):
        if not (folder / name).is_file():
            raise NotAClassifier(
                f"{folder} holds no {name}; expected a folder that `python -m seeing train` wrote"
            )
    description = _read_names(folder / CLASSES_FILE)
    _require_keras_file(folder / NETWORK_FILE)
    return description


def _read_names(path: pathlib.Path) -> Description:
    content = path.read_bytes()
    if content.startswith(reading.GIT_LFS_START):
        raise NotAClassifier(f"{path} is {reading.GIT_LFS_REASON}")
    try:
        written = json.loads(content.decode("utf-8-sig"))  # some editors put a mark before the text
    except UnicodeDecodeError as error:
        raise NotAClassifier(f"{path} cannot be read: it is not UTF-8; save it as UTF-8") from error
    except ValueError as error:
        raise NotAClassifier(f"{path} cannot be read: {error}") from error
    class_names = written.get("class_names") if isinstance(written, dict) else None
    if not isinstance(class_names, list) or not all(isinstance(name, str) for name in class_names):
        raise NotAClassifier(
            f"{path} holds {shortened(repr(written))}; expected a list of names, such as "
            '{"class_names": ["daisy", "rose"]}'
        )
    for name, count in collections.Counter(class_names).items():
        if count > 1:
            raise NotAClassifier(f"{path} names {name!r} {count} times; expected different names")
    looks, known = written.get("looks", ["center"]), get_args(reading.Look)
    if not isinstance(looks, list) or not looks or not set(map(str, looks)) <= set(known):
        raise NotAClassifier(
            f"{path} has looks of {shortened(repr(looks))}; expected a list of one or more of "
            f"{', '.join(known)}; a later version of this program may have written it"
        )
    return Description(tuple(class_names), tuple(looks), written.get("network_sha256"))


def _require_keras_file(path: pathlib.Path) -> None:
    if zipfile.is_zipfile(path):
        return
    with path.open("rb") as file:
        start = file.read(64)
    what = "is no Keras network: a .keras file is a zip archive"
    if start.startswith(reading.GIT_LFS_START):
        what = f"is {reading.GIT_LFS_REASON}"
    elif start.startswith(b"PK"):
        what = f"is cut short, it ends after {path.stat().st_size:,} bytes; copy it again"
    elif start.startswith(b"\x89HDF"):
        what = "is an HDF5 file; load it with Keras and save it as .keras"
    raise NotAClassifier(f"{path} cannot be read: it {what}")


def shortened(text: str, length: int = 200) -> str:
    """One line of at most so many characters: Keras's messages may fill a page."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length]} ..."
