"""Feed photographs to a model as a tf.data pipeline.

Explained in chapter 8, *A Flower Classifier*.
"""

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seeing.photos import reading

if TYPE_CHECKING:
    import tensorflow as tf


def dataset(
    paths: Sequence[pathlib.Path | str],
    y: Sequence[int] | np.ndarray,
    *,
    image_size: int,
    batch_size: int = 32,
    crop: reading.Crop = "center",
    shorter_side: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    cache: bool = True,
) -> "tf.data.Dataset":
    """Feed image files to a model: read, resize, crop, batch; the next batch while one trains.

    The first pass decodes the files on all cores and keeps the resized pixels in memory (uint8:
    ``image_size**2 * 3`` bytes an image, and about 1.7 times that with random crops); later
    passes only crop and batch.

    Args:
        paths: image files.
        y: their labels, integers.
        image_size: width and height of the images in a batch, in pixels.
        batch_size: images a batch; the last batch may hold fewer.
        crop: ``"center"``, or ``"random"``: another place in every pass, for training.
        shorter_side: length of an image's shorter side before the crop, in pixels. Default:
            ``image_size`` for center crops, 8/7 of it for random ones.
        shuffle: whether to deal the images in another order in every pass.
        seed: decides the order and the random crops.
        cache: whether to keep the resized pixels in memory.

    Returns:
        ``tf.data.Dataset`` of (float32 (batch, image_size, image_size, 3), 0 to 255; int64
        (batch,)). Preprocessing belongs to the model.

    Raises:
        ValueError: when there are no images, or not as many labels, or ``shorter_side`` is less
            than ``image_size``. A file that cannot be read stops the iteration with a message
            that names it; :func:`seeing.photos.folders.scan` finds such files beforehand.
    """
    # TensorFlow takes seconds to import, and reading an image does not need it.
    import tensorflow as tf

    shorter_side = _shorter_side(paths, y, image_size, crop, shorter_side)

    def read(path: "tf.Tensor", label: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        def pixels(name: bytes) -> np.ndarray:
            path = os.fsdecode(name)
            if crop == "center":
                return reading.read_square(path, image_size, shorter_side=shorter_side)
            return reading.read_image(path, shorter_side=shorter_side)

        image = tf.numpy_function(pixels, [path], tf.uint8, stateful=False)
        image.set_shape((image_size, image_size, 3) if crop == "center" else (None, None, 3))
        return image, label

    def random_crop(
        seeds: "tf.Tensor", pair: tuple["tf.Tensor", "tf.Tensor"]
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        image, label = pair
        return tf.image.stateless_random_crop(image, (image_size, image_size, 3), seeds), label

    def to_float(images: "tf.Tensor", labels: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        return tf.cast(images, tf.float32), labels

    names = [os.fsencode(path) for path in paths]
    images = tf.data.Dataset.from_tensor_slices((names, np.asarray(y, dtype=np.int64)))
    images = images.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    if cache:
        images = images.cache()
    if shuffle:
        images = images.shuffle(len(names), seed=seed, reshuffle_each_iteration=True)
    if crop == "random":
        seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        images = tf.data.Dataset.zip(seeds, images).map(
            random_crop, num_parallel_calls=tf.data.AUTOTUNE
        )
    images = images.batch(batch_size).map(to_float, num_parallel_calls=tf.data.AUTOTUNE)
    return images.prefetch(tf.data.AUTOTUNE)


def _shorter_side(
    paths: Sequence,
    y: Sequence | np.ndarray,
    image_size: int,
    crop: reading.Crop,
    given: int | None,
) -> int:
    if len(paths) == 0 or len(paths) != len(y):
        raise ValueError(f"{len(paths)} images and {len(y)} labels; expected as many, at least 1")
    if crop not in ("center", "random"):
        raise ValueError(f"crop is {crop!r}; expected 'center' or 'random'")
    shorter_side = given or (image_size if crop == "center" else round(image_size * 8 / 7))
    if shorter_side < image_size:
        raise ValueError(f"shorter_side is {shorter_side}, less than image_size {image_size}")
    return shorter_side
