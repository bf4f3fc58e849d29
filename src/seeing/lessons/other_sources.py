"""Photographs of another source than the training set's, and networks that look at them twice.

Explained in chapter 8b, *Photographs From Elsewhere*.
"""

import concurrent.futures
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np
from PIL import Image
from scipy import special

from seeing.models import backbones
from seeing.photos import reading

# Gains of red, green and blue in the light of a low sun.
EVENING = (1.1, 0.85, 0.6)

# A size to which a web site might bring all its photographs, whatever their shape: width, height.
ANOTHER_SIZE = (499, 665)


@dataclasses.dataclass(frozen=True)
class Change:
    """How a view of a photograph may differ from its middle square, as it is.

    Chance draws from each range; where its two ends are equal, that stays as it is.

    Attributes:
        shape: width to height of the part that is cut out and squeezed into a square.
        size: share of the largest such part that the view shows; where it may be less than 1, its
            place is left to chance, too.
        light: a gain of all colors.
        color: a gain of each color, red, green and blue, drawn by itself.
    """

    shape: tuple[float, float] = (1.0, 1.0)
    size: tuple[float, float] = (1.0, 1.0)
    light: tuple[float, float] = (1.0, 1.0)
    color: tuple[float, float] = (1.0, 1.0)

    def view(self, pixels: np.ndarray, image_size: int, random: np.random.Generator) -> np.ndarray:
        """One view of a photograph.

        Args:
            pixels: uint8, shape (height, width, 3).
            image_size: width and height of the view.
            random: decides.

        Returns:
            uint8, shape (image_size, image_size, 3).
        """
        height, width = pixels.shape[:2]
        shape = np.exp(random.uniform(*np.log(self.shape)))
        size = random.uniform(*self.size)
        across, down, *gains = random.uniform(size=5)
        tall = min(height, width / shape) * np.sqrt(size)
        wide = tall * shape
        if self.size == (1.0, 1.0):
            across = down = 0.5
        tall, wide = min(tall, height), min(wide, width)  # rounding may exceed them by a hair
        left, top = across * (width - wide), down * (height - tall)
        box = (left, top, min(left + wide, width), min(top + tall, height))
        square = Image.fromarray(pixels).resize(
            (image_size, image_size), Image.Resampling.BILINEAR, box=box
        )
        low, high = self.color
        gains = random.uniform(*self.light) * (low + (high - low) * np.array(gains))
        return _relit(np.asarray(square), gains)


# What each does by itself. The range of shapes holds those of photographs that lie and stand; that
# of sizes is the one that fine-tuning has.
CHANGES = {
    "shape": Change(shape=(0.6, 1 / 0.6)),
    "size and place": Change(size=(0.3, 1.0)),
    "shape, size and place": Change(shape=(0.6, 1 / 0.6), size=(0.3, 1.0)),
    "light": Change(light=(0.5, 1.5)),
    "color": Change(color=(0.6, 1.4)),
}


def _relit(pixels: np.ndarray, gains: Sequence[float] | np.ndarray) -> np.ndarray:
    """Each color times its gain; what would be brighter than white is white."""
    return np.clip(np.rint(pixels * np.asarray(gains)), 0, 255).astype(np.uint8)


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

    def stretch(pixels: np.ndarray) -> Image.Image:
        return Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)

    return _write(paths, folder, "stretched", stretch)


def write_in_evening_light(
    paths: Sequence[pathlib.Path | str],
    folder: pathlib.Path,
    gains: tuple[float, float, float] = EVENING,
) -> list[pathlib.Path]:
    """Write each photograph once more, as if the sun stood low: redder, and a little darker.

    Args:
        paths: image files.
        folder: an existing folder for the new files, JPEG of high quality.
        gains: of red, green and blue.

    Returns:
        The new files' paths, in the order of ``paths``.

    Raises:
        reading.UnreadableImage: naming the first file that cannot be used.
    """
    return _write(paths, folder, "evening", lambda pixels: Image.fromarray(_relit(pixels, gains)))


def _write(
    paths: Sequence[pathlib.Path | str],
    folder: pathlib.Path,
    name: str,
    change: Callable[[np.ndarray], Image.Image],
) -> list[pathlib.Path]:
    written = []
    for number, path in enumerate(paths):
        written.append(folder / f"{name} {number:05d}.jpg")
        change(reading.read_image(path)).save(written[-1], quality=95)
    return written


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


def changed_views(
    network: keras.Model,
    paths: Sequence[pathlib.Path | str],
    image_size: int,
    change: Change,
    *,
    seed: int = 0,
    label: str = "views",
) -> np.ndarray:
    """What a frozen network says about one changed view of each photograph.

    Args:
        network: RGB images, 0 to 255, to numbers.
        paths: n image files.
        image_size: width and height of the views, in pixels.
        change: how a view may differ from the middle square.
        seed: decides, together with a photograph's place in ``paths``, what its view is.
        label: what the progress bar says.

    Returns:
        float32, shape (n, ...).

    Raises:
        reading.UnreadableImage: naming the first file that cannot be used.
    """

    def view(number: int) -> np.ndarray:
        random = np.random.default_rng((seed, number))
        return change.view(reading.read_image(paths[number]), image_size, random)

    def batches() -> Iterator[tuple[np.ndarray, None]]:
        # Read while the network looks at those before.
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            views = pool.map(view, range(len(paths)))
            while some := list(itertools.islice(views, backbones.BATCH_SIZE)):
                yield np.stack(some).astype("float32"), None

    return backbones.activations(network, batches(), len(paths), dtype="float32", label=label)


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
