"""Files that are whole or not there: written beside their place, then renamed.

Explained on the page *The Studio*.
"""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

import filelock

LOCK_FILE = ".lock"
PARTIAL = ".partial-"  # how the names of files begin that are being written


class Busy(RuntimeError):
    """Another program, or another job of this one, is writing into a folder."""


@contextlib.contextmanager
def only_writer(folder: pathlib.Path) -> Iterator[None]:
    """Make a folder and keep other writers out of it; the system ends a killed writer's claim.

    What a killed writer left half written is removed first.

    Raises:
        Busy: when there is another writer.
        OSError: when the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise Busy(
            f"{folder} is being written to by another program or job; wait until that has ended, "
            "or cancel it"
        ) from error
    try:
        for left in folder.rglob(f"{PARTIAL}*"):
            left.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def write(path: pathlib.Path, content: bytes, *, durable: bool) -> None:
    """Write a file, all of it or nothing; of a file that is there, the old or the new content.

    Args:
        path: the file; its folder is there.
        content: what it will hold.
        durable: whether to wait until the disk has it, so that it survives a power cut. A kill
            of this program cannot undo a rename either way.

    Raises:
        OSError: when it cannot be written, as on a full disk; then nothing is left of it.
    """
    number, name = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
    partial = pathlib.Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: pathlib.Path) -> None:
    """Wait until the disk knows a new name; Windows has no such call, and needs none."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
