"""Work in the background: it says how far it is, and ends early when somebody asks it to.

Explained on the page *The Studio*.
"""

import threading
from collections.abc import Callable

# Gets what is done, how many steps of it are done, and of how many.
Say = Callable[[str, int, int], None]


class Canceled(Exception):
    """Somebody asked a job to end. What it has kept until then is whole and stays."""


class Job:
    """A piece of work that one thread does, and others watch and may cancel."""

    def __init__(self, say: Say | None = None):
        """Say who hears of the progress; nobody by default."""
        self._say = say
        self._cancel = threading.Event()

    def cancel(self) -> None:
        """Ask the work to end at its next step; from any thread, as often as one likes."""
        self._cancel.set()

    def step(self, doing: str, done: int, total: int) -> None:
        """Say how far the work is; called by the work itself, between its steps.

        Args:
            doing: what is done, in words.
            done: steps that are done.
            total: steps in all.

        Raises:
            Canceled: when somebody has asked for the end.
        """
        if self._cancel.is_set():
            raise Canceled(f"{doing}: canceled after {done:,} of {total:,}")
        if self._say is not None:
            self._say(doing, done, total)
