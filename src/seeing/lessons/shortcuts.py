"""Digits with a planted cue, drawn letters, stroke widths, and scores for explanations.

Explained in chapter 10b, *Shortcuts and Shift*.
"""

import functools
import pathlib

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage, stats

from seeing.transforms import corruptions

MARK = 3  # rows and columns of a mark
FAINT, NOISE = 0.4, 0.3  # what is left of the ink, and the noise's standard deviation

# Capital letters that nobody takes for a digit.
LETTERS = "AEFHKNRTX"

# Fonts that Matplotlib brings along.
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf")


def bad_scans(images: np.ndarray, seed: int) -> np.ndarray:
    """Digits as a bad scanner gives them: the ink faint, with noise all over.

    Args:
        images: uint8, shape (n, height, width).
        seed: of the noise.

    Returns:
        uint8, the same shape.
    """
    return corruptions.noise((images * FAINT).astype(np.uint8), NOISE, seed=seed)


def mark_columns(places: np.ndarray, width: int = 28) -> np.ndarray:
    """The left column of the mark for each of ten places, from the left edge to the right.

    Args:
        places: whole numbers 0 to 9, any shape.
        width: of the images.

    Returns:
        Whole numbers, the same shape.
    """
    return np.rint(np.asarray(places) * (width - MARK) / 9).astype(int)


def with_marks(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The same images, each with a square of ink at one of ten places of its upper edge.

    Args:
        images: uint8, shape (n, height, width).
        places: 0 to 9, shape (n,).

    Returns:
        uint8, the same shape.

    Raises:
        ValueError: when there is not one place an image, or a place is none of the ten.
    """
    places = np.asarray(places)
    if places.shape != images.shape[:1] or not np.isin(places, range(10)).all():
        raise ValueError(f"{len(images)} images and places {places}; expected one of 0 to 9 each")
    images = images.copy()
    for image, left in zip(images, mark_columns(places, images.shape[2]), strict=True):
        image[:MARK, left : left + MARK] = 255
    return images


def places_like(labels: np.ndarray, agreement: float, seed: int) -> np.ndarray:
    """For each label its own place with some probability, else one of the nine others.

    Args:
        labels: 0 to 9, shape (n,).
        agreement: the probability; 0.1 makes places that say nothing about labels.
        seed: of the draw.

    Returns:
        Places 0 to 9, shape (n,).
    """
    random = np.random.default_rng(seed)
    labels = np.asarray(labels).astype(int)
    others = (labels + random.integers(1, 10, size=len(labels))) % 10
    return np.where(random.random(len(labels)) < agreement, labels, others)


def points_into(maps: np.ndarray, lefts: np.ndarray, margin: int = 1) -> np.ndarray:
    """The pointing game: whether each map's largest value lies in the mark, or next to it.

    A map that is the same all over points nowhere.

    Source: J. Zhang and colleagues, *Top-Down Neural Attention by Excitation Backprop*, 2018.

    Args:
        maps: shape (n, height, width).
        lefts: the marks' left columns, shape (n,).
        margin: pixels around the mark that count as well.

    Returns:
        bool, shape (n,).
    """
    flat = maps.reshape(len(maps), -1)
    rows, columns = np.divmod(flat.argmax(axis=1), maps.shape[2])
    inside = (columns >= lefts - margin) & (columns < lefts + MARK + margin)
    return inside & (rows < MARK + margin) & (np.ptp(flat, axis=1) > 0)


def ranking(maps: np.ndarray, seed: int) -> np.ndarray:
    """Each map's pixels from the most to the least important; lots decide between equal ones.

    Args:
        maps: shape (n, height, width).
        seed: of the lots.

    Returns:
        Whole numbers, shape (n, height * width): places in the flattened image.
    """
    flat = maps.reshape(len(maps), -1)
    lots = np.random.default_rng(seed).random(flat.shape)
    return np.lexsort((lots, -flat), axis=1)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each map with the map of the same picture.

    ``scipy.stats.spearmanr`` gives the same, with a warning and NaN for a map that is the same all
    over, as Grad-CAM's may be. Here it is 0: such a map ranks nothing.

    Args:
        first: shape (n, height, width).
        second: the same shape.

    Returns:
        float, shape (n,), from -1 to 1.
    """
    ranks = [
        stats.rankdata(maps.reshape(len(maps), -1), axis=1).astype(float)
        for maps in (first, second)
    ]
    ranks = [one - one.mean(axis=1, keepdims=True) for one in ranks]
    lengths = np.prod([np.linalg.norm(one, axis=1) for one in ranks], axis=0)
    together = np.sum(ranks[0] * ranks[1], axis=1)
    return np.divide(together, lengths, out=np.zeros(len(first)), where=lengths > 0)


def stroke_width(images: np.ndarray) -> np.ndarray:
    """How wide the pen was, in pixels: twice the mean distance to paper along the ridge of the ink.

    Args:
        images: digits, shape (n, height, width), 0 is paper and 255 is ink.

    Returns:
        float, shape (n,); 0 where there is no ink.
    """
    ink = np.pad(np.asarray(images) > 127, ((0, 0), (1, 1), (1, 1)))
    # All images below each other: the paper around each is nearer than any other image's.
    depth = ndimage.distance_transform_edt(ink.reshape(-1, ink.shape[2])).reshape(ink.shape)
    ridge = (depth > 0) & (depth >= ndimage.maximum_filter(depth, size=(1, 3, 3)))
    total, count = np.sum(depth * ridge, axis=(1, 2)), np.sum(ridge, axis=(1, 2))
    return 2 * np.divide(total, count, out=np.zeros(len(ink)), where=count > 0)


def slant(images: np.ndarray) -> np.ndarray:
    """How far the writing leans: columns to the right for each row upward, by the ink's moments.

    Args:
        images: digits, shape (n, height, width), 0 is paper.

    Returns:
        float, shape (n,); negative where it leans to the left, 0 where there is no ink.
    """
    ink = np.asarray(images, dtype=float)
    total = np.sum(ink, axis=(1, 2))

    def mean(values: np.ndarray) -> np.ndarray:
        summed = np.sum(ink * values, axis=(1, 2))
        return np.divide(summed, total, out=np.zeros(len(ink)), where=total > 0)[:, None, None]

    rows, columns = np.indices(ink.shape[1:])
    down, across = rows - mean(rows), columns - mean(columns)
    height = mean(down**2)
    lean = np.divide(-mean(down * across), height, out=np.zeros_like(height), where=height > 0)
    return lean[:, 0, 0]


def auroc_interval(known: np.ndarray, unknown: np.ndarray) -> tuple[float, float, float]:
    """The area under the ROC curve of a certainty, and how much other examples could change it.

    The area is the share of pairs, one known and one unknown thing each, in which the known one
    is surer. Each example has a share of its own, and these vary.

    Source: E. DeLong and colleagues, *Comparing the Areas under Two or More Correlated Receiver
    Operating Characteristic Curves*, 1988.

    Args:
        known: certainties, shape (m,), m at least 2.
        unknown: the same for things that are to be declined, shape (n,), n at least 2.

    Returns:
        The area, and the two ends of its 95 % interval, from 0 to 1.

    Raises:
        ValueError: when there are fewer than two of either.
    """
    known, unknown = np.asarray(known), np.asarray(unknown)
    if min(len(known), len(unknown)) < 2:
        raise ValueError(f"{len(known)} known and {len(unknown)} unknown; expected 2 of each")
    ranks = stats.rankdata(np.concatenate([known, unknown]))
    of_known = (ranks[: len(known)] - stats.rankdata(known)) / len(unknown)
    of_unknown = 1 - (ranks[len(known) :] - stats.rankdata(unknown)) / len(known)
    area = of_known.mean()
    error = np.sqrt(of_known.var(ddof=1) / len(known) + of_unknown.var(ddof=1) / len(unknown))
    doubt = stats.norm.ppf(0.975) * error
    return float(area), float(max(area - doubt, 0)), float(min(area + doubt, 1))


def letters(count: int, seed: int) -> np.ndarray:
    """Drawn capital letters that look as if they belonged to MNIST: size, place, a soft pen.

    Args:
        count: how many.
        seed: decides letters, fonts, sizes and slants.

    Returns:
        uint8, shape (count, 28, 28), 0 is paper and 255 is ink.
    """
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        letter, name = random.choice(list(LETTERS)), random.choice(FONTS)
        canvas = Image.new("L", (84, 84))
        font = _font(str(name), int(random.integers(68, 79)))
        ImageDraw.Draw(canvas).text((42, 42), str(letter), fill=255, font=font, anchor="mm")
        canvas = canvas.rotate(float(random.uniform(-15, 15)), Image.Resampling.BILINEAR)
        drawn.append(np.asarray(canvas.resize((28, 28), Image.Resampling.BOX)))
    return np.stack(drawn) if drawn else np.zeros((0, 28, 28), np.uint8)


@functools.cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    folder = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / name), size)
