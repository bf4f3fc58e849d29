"""Two budgets for every chapter: ``quick`` proves that it runs, ``full`` is the real thing.

Explained on the page *How to run this book*.
"""

import os
import sys
from typing import TypeVar

Value = TypeVar("Value")

NAMES = ("quick", "full")

# Set for a rehearsal: a full run with the quick budgets and all of its seeds, before the hour that
# the real one takes.
REHEARSAL = "SEEING_REHEARSAL"


def name() -> str:
    """The profile in force: ``SEEING_PROFILE``, else ``full`` on Colab and ``quick`` elsewhere.

    Raises:
        ValueError: when ``SEEING_PROFILE`` is neither ``quick`` nor ``full``.
    """
    default = "full" if on_colab() else "quick"
    chosen = os.environ.get("SEEING_PROFILE") or default
    if chosen not in NAMES:
        raise ValueError(
            f"SEEING_PROFILE is {chosen!r}; expected 'quick' or 'full'. Set it to one of the two."
        )
    return chosen


def choose(*, quick: Value, full: Value) -> Value:
    """The value for the profile in force, with both budgets in the reader's sight.

    Example: ``epochs = profiles.choose(quick=1, full=5)``
    """
    return quick if name() == "quick" or is_rehearsal() else full


def is_rehearsal() -> bool:
    """Whether a full run is only rehearsed: what it measures means nothing."""
    return os.environ.get(REHEARSAL, "0") not in ("", "0")


def seeds(*, quick: int, full: int) -> list[int]:
    """Consecutive seeds, as many as the profile asks for, starting at ``SEEING_SEED`` (or 0).

    A reference run moves ``SEEING_SEED`` to see how much the quick profile's results vary.

    Raises:
        ValueError: when ``SEEING_SEED`` is not a whole number that is at least 0.
    """
    text = os.environ.get("SEEING_SEED") or "0"
    if not text.isdecimal():
        raise ValueError(f"SEEING_SEED is {text!r}; expected a whole number, such as 0.")
    first = int(text)
    return list(range(first, first + (quick if name() == "quick" else full)))


def on_colab() -> bool:
    """Whether this runs on Google Colab, whose kernel imports ``google.colab`` at its start."""
    return "google.colab" in sys.modules
