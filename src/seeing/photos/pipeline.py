"""Feed photographs to a model as a tf.data pipeline.

Explained in chapter 8, *A Flower Classifier*.
"""

import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from seeing.photos import reading

if TYPE_CHECKING:
    import tensorflow as tf

BY_CHANCE = ("random", "stretched")  # crops that differ from pass to pass

# Of stretched crops: the share of the image that they show, and their width to their height.
AREA, RATIO = (0.3, 1.0), (0.6, 1 / 0.6)


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
    refused: list[reading.UnreadableImage] | None = None,
) -> "tf.data.Dataset":
    """Feed image files to a model: read, resize, crop, batch; the next batch while one trains.

    The first pass decodes the files on all cores and keeps the resized pixels in memory (uint8:
    ``image_size**2 * 3`` bytes an image, and about 1.7 times that where chance crops); later
    passes only crop and batch.

    Args:
        paths: image files.
        y: their labels, integers.
        image_size: width and height of the images in a batch, in pixels.
        batch_size: images a batch; the last batch may hold fewer.
        crop: ``"center"``, the middle square; ``"whole"``, everything, squeezed into a square;
            ``"random"``, for training, a square at another place in every pass; or
            ``"stretched"``, for training, a part of random place, size (``AREA`` of the image) and
            shape (``RATIO``, its width to its height), squeezed into a square.
        shorter_side: length of an image's shorter side before the crop, in pixels; a whole image
            has none. Default: ``image_size`` for center crops, 8/7 of it where chance crops.
        shuffle: whether to deal the images in another order in every pass.
        seed: decides the order and the crops of chance.
        cache: whether to keep the resized pixels in memory.
        refused: gets what reading said of a file that stopped the iteration; TensorFlow's own
            error has that as text alone.

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
    is_random = crop in BY_CHANCE

    def read(path: "tf.Tensor", label: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        def pixels(name: bytes) -> np.ndarray:
            path = os.fsdecode(name)
            try:
                if is_random:
                    return reading.read_image(path, shorter_side=shorter_side)
                return reading.read_square(path, image_size, shorter_side=shorter_side, look=crop)
            except reading.UnreadableImage as error:
                if refused is not None:
                    refused.append(error)
                raise

        image = tf.numpy_function(pixels, [path], tf.uint8, stateful=False)
        image.set_shape((None, None, 3) if is_random else (image_size, image_size, 3))
        return image, label

    def random_crop(
        seeds: "tf.Tensor", pair: tuple["tf.Tensor", "tf.Tensor"]
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        image, label = pair
        if crop == "stretched":
            return stretched(image, seeds), label
        return tf.image.stateless_random_crop(image, (image_size, image_size, 3), seeds), label

    def stretched(image: "tf.Tensor", seeds: "tf.Tensor") -> "tf.Tensor":
        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            tf.shape(image),
            tf.zeros((1, 0, 4)),
            seed=seeds,
            area_range=AREA,
            aspect_ratio_range=RATIO,
            use_image_if_no_bounding_boxes=True,
        )
        part = tf.slice(image, begin, size)
        squeezed = tf.image.resize(part, (image_size, image_size), antialias=True)
        squeezed.set_shape((image_size, image_size, 3))
        return tf.cast(tf.round(squeezed), tf.uint8)

    def to_float(images: "tf.Tensor", labels: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        return tf.cast(images, tf.float32), labels

    names = [os.fsencode(path) for path in paths]
    images = tf.data.Dataset.from_tensor_slices((names, np.asarray(y, dtype=np.int64)))
    images = images.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    if cache:
        images = images.cache()
    if shuffle:
        images = images.shuffle(len(names), seed=seed, reshuffle_each_iteration=True)
    if is_random:
        seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        images = tf.data.Dataset.zip(seeds, images).map(
            random_crop, num_parallel_calls=tf.data.AUTOTUNE
        )
    images = images.batch(batch_size).map(to_float, num_parallel_calls=tf.data.AUTOTUNE)
    return images.prefetch(tf.data.AUTOTUNE)


def batches(
    paths: Sequence[pathlib.Path | str], y: Sequence[int] | np.ndarray, **options: Any
) -> Iterator[tuple["tf.Tensor", "tf.Tensor"]]:
    """One pass over a :func:`dataset`, for a loop of one's own.

    Args:
        paths: image files.
        y: their labels, integers.
        options: :func:`dataset`'s others.

    Yields:
        What :func:`dataset` holds.

    Raises:
        reading.UnreadableImage: naming a file that cannot be used: one that has gone since the
            folder was listed, for example.
        ValueError: as :func:`dataset` does.
    """
    import tensorflow as tf

    refused: list[reading.UnreadableImage] = []
    try:
        yield from dataset(paths, y, refused=refused, **options)
    except tf.errors.OpError as error:
        if not refused:
            raise
        raise refused[0] from error


def _shorter_side(
    paths: Sequence,
    y: Sequence | np.ndarray,
    image_size: int,
    crop: reading.Crop,
    given: int | None,
) -> int:
    if len(paths) == 0 or len(paths) != len(y):
        raise ValueError(f"{len(paths)} images and {len(y)} labels; expected as many, at least 1")
    if crop not in get_args(reading.Crop):
        expected = ", ".join(map(repr, get_args(reading.Crop)))
        raise ValueError(f"crop is {crop!r}; expected one of {expected}")
    shorter_side = given or (round(image_size * 8 / 7) if crop in BY_CHANCE else image_size)
    if shorter_side < image_size:
        raise ValueError(f"shorter_side is {shorter_side}, less than image_size {image_size}")
    return shorter_side
