"""Warnings about an image file name the file, whoever reads it, in whichever thread.

Pillow warns of damaged EXIF data, say, without a word about where; and Python shows a warning
that it has shown before no second time, so that of two such files one would not be heard of.

Explained on the page *The Command Line*.
"""

import contextlib
import contextvars
import pathlib
import re
import threading
import warnings
from collections.abc import Iterator
from typing import TextIO

_kept: contextvars.ContextVar[list[tuple[str, type[Warning]]] | None] = contextvars.ContextVar(
    "kept", default=None
)

# An entry of `warnings.filters`: action, message, category, module, line.
_EVERY_ONE = ("always", None, Warning, re.compile(r"PIL\."), 0)


@contextlib.contextmanager
def about(path: pathlib.Path | str) -> Iterator[None]:
    """Give Pillow's warnings on anew when the block ends, with the file's name before them.

    How they are shown, whether they raise or are recorded, is decided then, as for any warning.
    Where the block raises, they are dropped: the error says what is wrong with the file.

    Args:
        path: the file that the block reads.
    """
    kept: list[tuple[str, type[Warning]]] = []
    token = _kept.set(kept)
    try:
        with _HOOK:
            yield
    finally:
        _kept.reset(token)
    for message, category in dict.fromkeys(kept):
        warnings.warn(f"{path}: {message}", category, stacklevel=3)


class _Hook:
    """Keeps the warnings of threads that read a file, while there are any; passes on all others.

    ``warnings.catch_warnings`` is for one thread: of two that read at once, the first to end would
    undo the other's. And each use of it makes Python forget what it has shown already.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._show = warnings.showwarning
        self._filters: list = []

    def __enter__(self) -> None:
        with self._lock:
            self._readers += 1
            if self._readers > 1:
                return
            if warnings.showwarning != self._keep:  # left by somebody who put it back too late
                self._show = warnings.showwarning
            warnings.showwarning = self._keep
            self._filters = warnings.filters
            # By hand: `warnings.filterwarnings`, too, makes Python forget.
            self._filters.insert(0, _EVERY_ONE)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers:
                return
            if warnings.showwarning == self._keep:
                warnings.showwarning = self._show
            with contextlib.suppress(ValueError):  # somebody has changed the list meanwhile
                self._filters.remove(_EVERY_ONE)

    def _keep(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        kept = _kept.get()
        if kept is None:
            self._show(message, category, filename, lineno, file, line)
        else:
            kept.append((str(message), category))


_HOOK = _Hook()
