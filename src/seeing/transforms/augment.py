"""Feed a network the same images again and again, each time a little different.

Keras has the layers that change images (``keras.layers.RandomFlip`` and others) and those that mix
images and their labels (``keras.layers.MixUp`` and ``CutMix``, from Keras 3.9 on). Here is what
joins them to arrays and to ``tf.data``.

Explained in chapter 6, *Generalize, Don't Memorize*.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

Change = Callable[[Any, Any], tuple[Any, Any]]


def apply(
    layers: Sequence[keras.layers.Layer], images: np.ndarray, *, batch_size: int = 64
) -> np.ndarray:
    """Run layers over images, one after the other, as they run in training.

    Args:
        layers: layers that give images of the same shape; none leaves the images as they are.
        images: shape (n, height, width, channels), 0 to 255.
        batch_size: images that go through the layers at once.

    Returns:
        float32, the same shape. Layers without a seed follow ``keras.utils.set_random_seed``.

    Raises:
        ValueError: when the images' shape is another, or a layer changes it.
    """
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"images have shape {images.shape}; expected (n, height, width, channels)")
    changed = np.empty(images.shape, dtype=np.float32)
    for start in range(0, len(images), batch_size):
        batch = keras.ops.convert_to_tensor(images[start : start + batch_size], dtype="float32")
        for layer in layers:
            batch = layer(batch, training=True)
        found = keras.ops.convert_to_numpy(batch)
        if found.shape[1:] != images.shape[1:]:
            raise ValueError(
                f"the layers turned images of shape {images.shape[1:]} into {found.shape[1:]}; "
                "expected the same shape"
            )
        changed[start : start + batch_size] = found
    return changed


def moved(images: np.ndarray, by: int, random: np.random.Generator) -> np.ndarray:
    """Each image moved by up to some pixels up or down, and left or right; zeros move in.

    Args:
        images: shape (n, height, width, channels), 0 for paper.
        by: the most pixels, at least 0 and less than height and width.
        random: draws both moves of each image.

    Returns:
        A new array of the same shape and type.

    Raises:
        ValueError: when the images' shape is another, or they cannot be moved so far.
    """
    if images.ndim != 4:
        raise ValueError(f"images have shape {images.shape}; expected (n, height, width, channels)")
    height, width = images.shape[1:3]
    if not 0 <= by < min(height, width):
        raise ValueError(f"by is {by}; expected at least 0 and less than {min(height, width)}")
    border = ((0, 0), (by, by), (by, by), (0, 0))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(images, border), (height, width), axis=(1, 2)
    )
    down, right = random.integers(0, 2 * by + 1, size=(2, len(images)))
    return np.moveaxis(windows[np.arange(len(images)), down, right], 1, -1)


def mixer(layer: keras.layers.Layer) -> Change:
    """A layer that mixes images and labels, as a function for ``tf.data``'s ``map``.

    Args:
        layer: ``keras.layers.MixUp`` or ``keras.layers.CutMix``.

    Returns:
        A function: images (batch, height, width, channels) and one-hot labels (batch, K) to mixed
        images and mixed labels, float32, of the same shapes.
    """

    def mix(images: Any, labels: Any) -> tuple[Any, Any]:
        mixed = layer({"images": images, "labels": labels}, training=True)
        return mixed["images"], mixed["labels"]

    return mix


def endless_batches(
    X: np.ndarray,
    y: np.ndarray,
    *,
    n_classes: int,
    batch_size: int,
    seed: int = 0,
    change: Change | None = None,
) -> "tf.data.Dataset":
    """Batches for ``fit(..., steps_per_epoch=...)`` that never end.

    So a training run's length is its number of steps, however many images there are. Each pass
    shows every image once, in a new order; a batch may end one pass and begin the next.

    Args:
        X: images, shape (n, height, width, channels).
        y: integer labels, shape (n,), 0 to ``n_classes - 1``.
        n_classes: number of classes, K.
        batch_size: images a batch.
        seed: decides the orders.
        change: applied to each batch of images and one-hot labels, such as :func:`mixer` gives;
            None leaves the batches as they are.

    Returns:
        ``tf.data.Dataset`` of (images, float32 one-hot labels of shape (batch_size, K)). With the
        same seed, and after the same ``keras.utils.set_random_seed``, the same batches.

    Raises:
        ValueError: when there is no image, there are not as many labels as images, or
            ``batch_size`` is less than 1.
    """
    # TensorFlow takes seconds to import, and the rest of this module does without it.
    import tensorflow as tf

    if len(X) != len(y) or len(X) == 0:
        raise ValueError(f"{len(X)} images and {len(y)} labels; expected as many, at least 1")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; expected 1 or more")
    one_hot = keras.utils.to_categorical(y, num_classes=n_classes).astype("float32")
    batches = tf.data.Dataset.from_tensor_slices((X, one_hot))
    batches = batches.shuffle(len(X), seed=seed, reshuffle_each_iteration=True).repeat()
    batches = batches.batch(batch_size, drop_remainder=True)
    if change is not None:
        # One batch after the other: several at once would draw from one random stream in an order
        # that differs from run to run.
        batches = batches.map(change)
    return batches.prefetch(tf.data.AUTOTUNE)
