"""Names that people type: of classes and of labelers, and when two of them are the same.

Explained on the page *The Studio*.
"""

import unicodedata

LONGEST = 200  # characters

# What the page takes for itself: unsure, skip, undo.
RESERVED_KEYS = "usz"
KEYS = "1234567890" + "".join(key for key in "abcdefghijklmnopqrstuvwxyz" if key not in "usz")


class BadName(ValueError):
    """A name or a key cannot be used. The message says why."""


def clean(name: str, what: str) -> str:
    """A name as it is kept: accents composed (NFC), no space around it.

    Args:
        name: as somebody typed it.
        what: what it names, for the message: ``"class"``.

    Raises:
        BadName: when nothing is left, it is too long, or it holds a character that cannot be
            seen or stored: of control, or half of one (a lone surrogate).
    """
    kept = unicodedata.normalize("NFC", name).strip()
    if not kept:
        raise BadName(f"the {what}'s name is empty; expected 1 to {LONGEST} characters")
    if len(kept) > LONGEST:
        raise BadName(
            f"the {what}'s name has {len(kept)} characters; expected 1 to {LONGEST}: "
            f"{kept[:40]!r} ..."
        )
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in kept):
        raise BadName(
            f"the {what}'s name {kept!r} holds a control character; expected letters, digits, "
            "signs and spaces, on one line"
        )
    return kept


def folded(name: str) -> str:
    """What two spellings of a name have in common: equal for ``"Café"`` and ``"CAFE\\u0301"``."""
    # Folding may take a text out of NFC, and composing may bring out what folds: once more.
    once = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return unicodedata.normalize("NFC", once.casefold())


def clean_key(key: str) -> str:
    """A class's key as it is kept: one character, small.

    Raises:
        BadName: when it is none, or one that the page needs for itself.
    """
    kept = unicodedata.normalize("NFC", key).strip().casefold()
    if len(kept) != 1 or not kept.isprintable() or unicodedata.category(kept) == "Cs":
        raise BadName(f"the key {key!r} is not one character; expected a letter, digit or sign")
    if kept in RESERVED_KEYS:
        raise BadName(
            f"the key {kept!r} is taken: u is unsure, s skips, z takes back; choose another"
        )
    return kept


def free_key(taken: set[str]) -> str | None:
    """The first key that no class has; None where all are taken."""
    return next((key for key in KEYS if key not in taken), None)
