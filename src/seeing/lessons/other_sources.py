"""Photographs of another source than the training set's, and networks that look at them twice.

Explained in chapter 8b, *Photographs From Elsewhere*.
"""

import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from PIL import Image
from scipy import special

from seeing.models import backbones
from seeing.photos import reading, splits

# A size to which a web site might bring all its photographs, whatever their shape: width, height.
ANOTHER_SIZE = (499, 665)

# The kinds of flowers that two collections share: Oxford Flowers-102's name of each, and the name
# of the folder among the five kinds. Its "siam tulip" is no tulip.
SHARED_KINDS = {
    "oxeye daisy": "daisy",
    "common dandelion": "dandelion",
    "rose": "roses",
    "sunflower": "sunflowers",
}


def write_stretched(
    paths: Sequence[pathlib.Path | str],
    folder: pathlib.Path,
    size: tuple[int, int] = ANOTHER_SIZE,
) -> list[pathlib.Path]:
    """Write each photograph once more, pulled to one size, whatever its shape was.

    Args:
        paths: image files.
        folder: an existing folder for the new files, JPEG of high quality.
        size: width and height, in pixels.

    Returns:
        The new files' paths, in the order of ``paths``.

    Raises:
        reading.UnreadableImage: naming the first file that cannot be used.
    """
    written = []
    for number, path in enumerate(paths):
        image = Image.fromarray(reading.read_image(path))
        written.append(folder / f"{number:05d}.jpg")
        image.resize(size, Image.Resampling.BILINEAR).save(written[-1], quality=95)
    return written


def of_shared_kinds(
    elsewhere: splits.SplitPhotographs, class_names: Sequence[str], limit: int | None = None
) -> tuple[list[pathlib.Path], np.ndarray]:
    """Photographs of another collection that show kinds which both have (``SHARED_KINDS``).

    Args:
        elsewhere: the other collection, Oxford Flowers-102.
        class_names: this collection's names.
        limit: the largest number of each kind.

    Returns:
        The files' paths, kind by kind, and their labels: indices into ``class_names``.

    Raises:
        ValueError: when a kind has no name in one of the two.
    """
    lacking = {*SHARED_KINDS} - {*elsewhere.class_names}
    lacking |= {*SHARED_KINDS.values()} - {*class_names}
    if lacking:
        raise ValueError(f"no class is called {', '.join(sorted(lacking))}")
    paths: list[pathlib.Path] = []
    labels: list[int] = []
    for there, here in SHARED_KINDS.items():
        found = np.flatnonzero(elsewhere.y == elsewhere.class_names.index(there))[:limit]
        paths += [elsewhere.paths[i] for i in found]
        labels += [list(class_names).index(here)] * len(found)
    return paths, np.array(labels)


def both_looks(
    network: keras.Model,
    paths: Sequence[pathlib.Path | str],
    image_size: int,
) -> dict[str, np.ndarray]:
    """What a frozen network says about the middle square of each photograph, and about all of it.

    Args:
        network: RGB images, 0 to 255, to numbers.
        paths: n image files.
        image_size: width and height of the squares, in pixels.

    Returns:
        By look, ``"center"`` and ``"whole"``, float32 of shape (n, ...).

    Raises:
        reading.UnreadableImage: naming a file that cannot be used.
    """
    looks: tuple[reading.Look, ...] = ("center", "whole")
    return {
        look: backbones.of_photographs(
            network, paths, image_size=image_size, crop=look, label=f"features, {look}"
        )
        for look in looks
    }


def mean_answer(
    network: keras.Model, seen: Mapping[str, np.ndarray], looks: Sequence[str]
) -> np.ndarray:
    """A network's probabilities, averaged over some looks at each photograph.

    Args:
        network: numbers to K logits.
        seen: as :func:`both_looks` gives them.
        looks: the looks to ask about.

    Returns:
        Shape (n, K); each row's sum is 1.
    """
    logits = [backbones.of_images(network, seen[look]) for look in looks]
    return np.mean([special.softmax(one, axis=1) for one in logits], axis=0)
