"""What chapter 10b's demos read: two networks and marked scans, and how sure a network is.

Explained in chapter 10b, *Shortcuts and Shift*.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from seeing import demos, exports
from seeing.lessons import shortcuts
from seeing.models import digit_network

CERTAINTY_FORMAT = "seeing-certainty-1"
CHECKS_FORMAT = "seeing-shortcut-checks-1"
PLACES = 10


def write_networks(
    path: str | pathlib.Path,
    plain: keras.Sequential,
    shortcut: keras.Sequential,
    images: np.ndarray,
    labels: Sequence[int],
) -> dict[str, Any]:
    """Write what the demo of the mark reads: scans, and two networks, a file each.

    The second network's file has the first one's name and ``-marked``, and a third, ``-checks``,
    holds the logits that tests compare.

    Args:
        path: the JSON file of scans and of the first network; its folder is made if need be.
        plain: learned without marks.
        shortcut: learned with marks, the same inputs and outputs.
        images: scans without marks, uint8, shape (N, 28, 28).
        labels: their digits, N of them.

    Returns:
        What was written to the first file.

    Raises:
        ValueError: when there is not one label for each image.
    """
    if len(labels) != len(images):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    path = pathlib.Path(path)
    other = path.with_name(f"{path.stem}-marked.json")
    names = [str(digit) for digit in range(10)]
    probes = images[..., np.newaxis].astype(np.float32)
    content = demos.write_network(
        plain,
        path,
        class_names=names,
        probes=probes,
        beside={
            "labels": [int(label) for label in labels],
            "mark": shortcuts.MARK,
            "lefts": shortcuts.mark_columns(np.arange(PLACES)).tolist(),
            "other": f"data/{other.name}",
        },
    )
    # The scans are in the first file; one probe shows that the second network is what it was.
    demos.write_network(shortcut, other, class_names=names, probes=probes[:1])
    checks = {
        "format": CHECKS_FORMAT,
        "logits": [
            [_logits(network, images, place) for place in (None, *range(PLACES))]
            for network in (plain, shortcut)
        ],
    }
    exports.write(path.with_name(f"{path.stem}-checks.json"), checks)
    return content


def _logits(network: keras.Sequential, images: np.ndarray, place: int | None) -> str:
    """A network's logits for scans that all have the mark at one place, or no mark."""
    if place is not None:
        images = shortcuts.with_marks(images, np.full(len(images), place))
    return demos.as_base64(digit_network.outputs(network, images))


def write_certainties(
    path: str | pathlib.Path,
    known: Mapping[str, np.ndarray],
    is_right: np.ndarray,
    unknown: Mapping[str, Mapping[str, np.ndarray]],
) -> dict[str, Any]:
    """Write what the demo of abstaining reads: numbers that are the larger, the surer.

    Args:
        path: the JSON file; its folder is made if need be.
        known: for each way to measure certainty its values for known things, shape (N,); the
            way ``probability`` has values from 0 to 1.
        is_right: whether the network names each of them right, bool, shape (N,).
        unknown: for each kind of unknown things and each way the values, shape (M,).

    Returns:
        What was written; values as base64 of float32.

    Raises:
        ValueError: when a way is missing somewhere, a number is not finite, or the known values
            are not one an answer.
    """
    is_right = np.asarray(is_right, dtype=bool)
    for kind, ways in {"known": known, **unknown}.items():
        if set(ways) != set(known):
            raise ValueError(f"{kind} has the ways {sorted(ways)}; expected {sorted(known)}")
        for way, values in ways.items():
            if not np.isfinite(values).all():
                raise ValueError(f"{kind}, {way}: not all values are finite")
    for way, values in known.items():
        if np.shape(values) != is_right.shape:
            raise ValueError(f"{way}: {np.shape(values)} values, {is_right.shape} answers")
    content = {
        "format": CERTAINTY_FORMAT,
        "ways": list(known),
        "right": "".join("1" if one else "0" for one in is_right),
        "known": {way: demos.as_base64(known[way]) for way in known},
        "unknown": {
            kind: {way: demos.as_base64(ways[way]) for way in known}
            for kind, ways in unknown.items()
        },
    }
    return exports.write(path, content)
