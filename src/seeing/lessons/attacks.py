"""What attacks on images share: many images in parts, how far a change goes, and patches.

Explained in chapter 10, *When Classifiers Fail*.
"""

import io
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

PART = 250  # images at a time: the gradients of a small network for these fit into the cache


def in_parts(function: Callable, *arrays: np.ndarray, size: int = PART) -> np.ndarray:
    """What a function gives for many images, asked about some at a time.

    Args:
        function: takes as many tensors as there are arrays; gives one, with an entry an image.
        arrays: of equal length, at least 1.
        size: images at a time.

    Returns:
        The function's answers, one after the other.

    Raises:
        ValueError: when the arrays are empty, or differ in length.
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"arrays of the lengths {sorted(lengths)}; expected one, at least 1")
    found = []
    for start in range(0, lengths.pop(), size):
        some = [tf.convert_to_tensor(array[start : start + size]) for array in arrays]
        found.append(np.asarray(function(*some)))
    return np.concatenate(found)


def reach(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The largest change of any number in each image: the maximum norm of the change.

    Args:
        before: n images, any shape behind the first axis.
        after: the same images, changed.

    Returns:
        Shape (n,), in the images' own unit.

    Raises:
        ValueError: when the shapes differ.
    """
    return np.abs(_change(before, after)).max(axis=1)


def changed_pixels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How many pixels of each image differ at all, in whichever channel.

    Args:
        before: shape (n, height, width, channels).
        after: the same images, changed.

    Returns:
        Shape (n,), whole numbers.

    Raises:
        ValueError: when the shapes differ.
    """
    channels = before.shape[-1]
    differs = _change(before, after).reshape(len(before), -1, channels) != 0
    return differs.any(axis=2).sum(axis=1)


def whole_levels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Changed images as a file could hold them: each change cut to whole levels, toward zero.

    Rounding to the nearest level may leave the budget: 25.5 would become 26.

    Args:
        before: images in whole levels from 0 to 255.
        after: the same images, changed, from 0 to 255.

    Returns:
        Images in whole levels, none further from ``before`` than ``after`` is.

    Raises:
        ValueError: when the shapes differ.
    """
    return before + np.trunc(_change(before, after).reshape(before.shape))


def _change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    before, after = np.asarray(before), np.asarray(after)
    if before.shape != after.shape:
        raise ValueError(f"images of shape {before.shape} before, {after.shape} after")
    # Whole numbers without a sign would wrap around below 0.
    change = after.astype(np.float64) - before.astype(np.float64)
    return change.reshape(len(change), -1)


def saved_as_jpeg(images: np.ndarray, quality: int = 95) -> np.ndarray:
    """Images as they come back from a JPEG file.

    Args:
        images: shape (n, height, width, 3), whole levels from 0 to 255.
        quality: Pillow's, 1 to 95.

    Returns:
        float32, the same shape.
    """
    found = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image.astype(np.uint8)).save(file, "jpeg", quality=quality)
        found.append(np.asarray(Image.open(file), dtype=np.float32))
    return np.stack(found)


def paste(X: tf.Tensor, patch: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Put a square patch on each image, at a place of its own; TensorFlow can differentiate it.

    Args:
        X: float32, shape (n, height, width, 1).
        patch: float32, shape (side, side).
        rows: whole numbers, shape (n,): of the patch's upper edge, 0 to height - side.
        columns: the same for its left edge.

    Returns:
        float32, shape (n, height, width, 1).
    """
    height, width, side = X.shape[1], X.shape[2], patch.shape[0]
    # Which row of the image takes which row of the patch: 0 or 1, shape (n, height, side).
    down = tf.one_hot(rows[:, tf.newaxis] + tf.range(side), height, axis=1)
    across = tf.one_hot(columns[:, tf.newaxis] + tf.range(side), width, axis=1)

    def placed(square: tf.Tensor) -> tf.Tensor:
        return tf.einsum("nhi,ij,nwj->nhw", down, square, across)[..., tf.newaxis]

    return X * (1 - placed(tf.ones_like(patch))) + placed(patch)


def cat(side: int) -> np.ndarray:
    """The middle square of Chelsea the cat, the photograph that scikit-image ships.

    Stéfan van der Walt took it and gave it to the public domain (CC0).

    Args:
        side: width and height in pixels.

    Returns:
        float32, shape (1, side, side, 3), whole levels from 0 to 255.
    """
    # scikit-image takes a second to import, and only one section needs it.
    from skimage import data

    pixels = data.chelsea()
    height, width = pixels.shape[:2]
    left = (width - height) // 2
    square = Image.fromarray(pixels[:, left : left + height])
    square = square.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(square, dtype=np.float32)[np.newaxis]
