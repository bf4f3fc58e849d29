"""Photographs to batches: seeing.datasets.image_folder against Keras's own loader, side by side.

Run ``python benchmarks/pipeline.py``. Both feed the same flower photographs (drawn ones where
there are none), resized with their aspect kept and cropped to a square, in batches of 32. The
first pass decodes; the later passes of ours come out of its cache, and so do Keras's with
``.cache()``, as its guides advise.

The pixels are not the same: ours are antialiased, Keras's loader interpolates without. So the
third peer is plain tf.data with TensorFlow's own antialiased resize.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from seeing.datasets import flowers
from seeing.photos import pipeline, reading

BATCH_SIZE = 32


def ours(data: flowers.Flowers, image_size: int, crop: reading.Crop) -> tf.data.Dataset:
    """Our pipeline, cached."""
    return pipeline.dataset(
        data.paths, data.y, image_size=image_size, batch_size=BATCH_SIZE, crop=crop
    )


def kerass(data: flowers.Flowers, image_size: int) -> tf.data.Dataset:
    """Keras's loader, cached and prefetched."""
    images = keras.utils.image_dataset_from_directory(
        data.paths[0].parents[1],
        image_size=(image_size, image_size),
        batch_size=BATCH_SIZE,
        crop_to_aspect_ratio=True,
        shuffle=False,
        verbose=False,
    )
    return images.cache().prefetch(tf.data.AUTOTUNE)


def antialiased(data: flowers.Flowers, image_size: int) -> tf.data.Dataset:
    """The same with TensorFlow's antialiased resize, cached and prefetched."""

    def read(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        height, width = tf.unstack(tf.shape(image)[:2])
        side = tf.minimum(height, width)
        image = image[(height - side) // 2 :, (width - side) // 2 :][:side, :side]
        image = tf.image.resize(image, (image_size, image_size), antialias=True)
        return tf.ensure_shape(image, (image_size, image_size, 3)), label

    images = tf.data.Dataset.from_tensor_slices(([str(path) for path in data.paths], data.y))
    images = images.map(read, num_parallel_calls=tf.data.AUTOTUNE).cache()
    return images.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)


def rates(make: Callable[[], tf.data.Dataset], repeats: int) -> tuple[float, float]:
    """Images a second in the first and in the second pass: medians over fresh pipelines."""
    passes: list[tuple[float, float]] = []
    for _ in range(repeats):
        images = make()
        passes.append((rate(images), rate(images)))
    first, second = zip(*passes, strict=True)
    return statistics.median(first), statistics.median(second)


def rate(images: tf.data.Dataset) -> float:
    """Images a second in one pass over a data set."""
    start = time.perf_counter()
    count = sum(int(labels.shape[0]) for _, labels in images)
    return count / (time.perf_counter() - start)


def main() -> int:
    """Print images a second for each pipeline and image size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="pipelines per measurement")
    repeats = parser.parse_args().repeats
    data = flowers.load(allow_stand_in=True)
    print(f"{len(data.paths):,} images, {data.edition} edition, {os.cpu_count()} CPU cores")
    print(f"{'pipeline':24}{'size':>6}{'first pass':>14}{'cached':>12}   images a second")
    for image_size in (64, 128, 224):
        pipelines = {
            "ours, center crop": lambda size=image_size: ours(data, size, "center"),
            "ours, random crop": lambda size=image_size: ours(data, size, "random"),
            "Keras, center crop": lambda size=image_size: kerass(data, size),
            "tf.image, antialiased": lambda size=image_size: antialiased(data, size),
        }
        for name, make in pipelines.items():
            first, second = rates(make, repeats)
            print(f"{name:24}{image_size:6}{first:14,.0f}{second:12,.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
