"""The frozen part of a pretrained network: cut it off, keep what it says about photographs.

Explained in chapter 8, *A Flower Classifier*.
"""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence

import keras
import numpy as np
import psutil
import tensorflow as tf
import tqdm

from seeing.photos import pipeline, reading

# Cut ResNet50 here, and the last five of its 16 residual blocks come after the cut.
LAST_BLOCKS = "conv4_block4_out"

BATCH_SIZE = 32

# What ResNet50, the largest network here, needs for each pixel of a batch while it is run: 210 to
# 280 measured (two cores, batches of 32, 320 and 128 pixels), the rest for batches that wait.
BYTES_A_PIXEL = 300

# Batches that Keras keeps ready while one is trained on: the queue of a ``PyDataset``.
WAITING_BATCHES = 10


def cut(network: keras.Model, layer_name: str) -> tuple[keras.Model, keras.Model]:
    """Two networks that, one after the other, compute what the given one computes.

    Args:
        network: a functional network with one input and one output, such as ResNet50.
        layer_name: the layer whose output is where to cut; no connection may pass it by.

    Returns:
        The lower part (input to that layer's output) and the upper part (from there to the end).
        Both share the given network's weights.

    Raises:
        ValueError: when there is no such layer, or a connection passes it by.
    """
    names = [layer.name for layer in network.layers]
    if layer_name not in names:
        raise ValueError(
            f"{network.name} has no layer {layer_name!r}; it has {len(names)} layers, from "
            f"{names[0]!r} to {names[-1]!r}"
        )
    here = network.get_layer(layer_name).output
    # Asked of the graph itself: Keras 3.12.0 to 3.13.2 build such a network without a word, and
    # it fails when it is run.
    if _reaches_an_input(network, past=here):
        raise ValueError(
            f"{network.name} cannot be cut after {layer_name!r}: a connection passes it by. "
            "Cut where all paths meet, in ResNet50 at a layer whose name ends in '_out'."
        )
    lower = keras.Model(network.input, here, name="lower")
    return lower, keras.Model(here, network.output, name="upper")


def _reaches_an_input(network: keras.Model, *, past: keras.KerasTensor) -> bool:
    """Whether a path leads from the output back to an input without meeting a tensor."""
    seen = {id(past)}
    waiting = list(network.outputs)
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        # Where a tensor comes from, Keras says only here; layer.input knows but a first call.
        operation, node_index, _ = tensor._keras_history
        came_from = operation._inbound_nodes[node_index].input_tensors
        if not came_from:
            return True
        waiting += came_from
    return False


def from_pixels(network: keras.Model) -> keras.Model:
    """The same network, fed with RGB pixels from 0 to 255: ResNet50's preprocessing goes first.

    Preprocessing that is part of the network cannot be forgotten, or done in another way, later.
    """
    pixels = keras.Input(network.input.shape[1:], name="pixels")
    ready = keras.applications.resnet50.preprocess_input(pixels)
    return keras.Model(pixels, network(ready, training=False))


def activations(
    network: keras.Model,
    batches: Iterable,
    count: int,
    *,
    dtype: str = "float16",
    label: str = "activations",
) -> np.ndarray:
    """What a frozen network says about each image, in one array.

    Args:
        network: images to activations; run in inference mode.
        batches: ``(images, labels)`` batches, such as :func:`pipeline.dataset` gives, in a
            fixed order. Labels are not used.
        count: number of images in all batches.
        dtype: of the result. Half precision takes half the memory, and rounds to three digits.
        label: what the progress bar says; ``SEEING_PROGRESS=0`` hides the bar.

    Returns:
        Shape (count, ...), in the order of the batches.

    Raises:
        ValueError: when the batches hold more or fewer images than ``count``, or an activation
            does not fit into ``dtype``.
        MemoryError: when memory runs out.
    """
    found, filled = np.zeros((0,), dtype=dtype), 0
    for batch in _answers(network, batches, count, label):
        if not filled:
            # One block of memory from the start: joining batches at the end would need two.
            found = np.zeros((count, *batch.shape[1:]), dtype=dtype)
        found[filled : filled + len(batch)] = _rounded(batch, dtype)
        filled += len(batch)
    return found


def _answers(
    network: keras.Model, batches: Iterable, count: int, label: str
) -> Iterator[np.ndarray]:
    """What :func:`activations` keeps, batch by batch, as the network gives it."""
    filled, hidden = 0, os.environ.get("SEEING_PROGRESS") == "0"
    with tqdm.tqdm(total=count, desc=label, unit="image", disable=hidden) as progress:
        for images, _ in batches:
            images = np.asarray(images)
            if not filled:
                size = len(images)
            # The last batch is filled up: another size would compile the network a second time.
            padding = [(0, max(0, size - len(images)))] + [(0, 0)] * (images.ndim - 1)
            shape = "×".join(map(str, images.shape[1:]))
            with memory_errors(f"looking at {len(images)} images of {shape} numbers"):
                batch = network.predict_on_batch(np.pad(images, padding))[: len(images)]
            filled += len(batch)
            if filled > count:
                raise ValueError(f"the batches hold more than {count} images")
            yield batch
            progress.update(len(batch))
    if filled != count:
        raise ValueError(f"the batches hold {filled} images, expected {count}")


def of_photographs(
    network: keras.Model,
    paths: Sequence[pathlib.Path | str],
    *,
    image_size: int,
    crop: reading.Crop = "center",
    seed: int = 0,
    dtype: str = "float32",
    label: str = "features",
) -> np.ndarray:
    """What a frozen network says about one square of each photograph, the middle one by default.

    Args:
        network: RGB images, 0 to 255, to activations.
        paths: image files, n of them; none gives an array of shape (0, ...).
        image_size: width and height that the squares are brought to, in pixels.
        crop: which square, as for :func:`seeing.photos.pipeline.dataset`.
        seed: of crops by chance.
        dtype: of the result.
        label: what the progress bar says.

    Returns:
        Shape (n, ...).

    Raises:
        reading.UnreadableImage: naming a file that cannot be used.
        ValueError: when an activation does not fit into ``dtype``.
        MemoryError: when the work would not fit into memory; said before it begins.
    """
    shape = network.compute_output_shape((1, image_size, image_size, 3))[1:]
    if not paths:
        return np.zeros((0, *shape), dtype=dtype)
    kept = len(paths) * int(np.prod(shape)) * np.dtype(dtype).itemsize
    _require_batches(
        kept,
        image_size,
        f"features of {len(paths):,} photographs of {image_size} pixels",
        "smaller images",
    )
    options = {"image_size": image_size, "crop": crop, "seed": seed, "cache": False}
    batches = pipeline.batches(paths, np.zeros(len(paths)), **options)
    return activations(network, batches, len(paths), dtype=dtype, label=label)


def of_images(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """What a frozen network says about images that are in memory.

    Args:
        network: images to numbers.
        images: shape (n, height, width, channels), n at least 1.

    Returns:
        float32, shape (n, ...).
    """
    # One type of numbers: for another one TensorFlow would trace the network anew.
    images = images.astype("float32")
    batches = [(images[i : i + BATCH_SIZE], None) for i in range(0, len(images), BATCH_SIZE)]
    return activations(network, batches, len(images), dtype="float32")


def random_views(
    network: keras.Model,
    paths: Sequence[pathlib.Path | str],
    *,
    count: int,
    image_size: int,
    crop: reading.Crop = "random",
    seed: int = 0,
) -> list["StoredView"]:
    """What a frozen network says about several random views of each photograph, kept on disk.

    A view is a crop by chance, mirrored in half of all cases. A ``"random"`` crop is a square, and
    enlarged so that 60 to 100 % of its width fill the picture. A ``"stretched"`` one has a shape
    of its own and is squeezed into a square, so that the shape of things is no cue to learn: a
    network that has only met round flowers may not know them in a stretched photograph.

    Args:
        network: RGB images, 0 to 255, to activations.
        paths: image files, n of them.
        count: number of views.
        image_size: width and height of the images, in pixels.
        crop: ``"random"`` or ``"stretched"``, as for :func:`seeing.photos.pipeline.dataset`.
        seed: of the crops, mirrors and zooms.

    Returns:
        ``count`` views, float16, shape (n, ...).

    Raises:
        reading.UnreadableImage: naming a file that cannot be used.
        ValueError: when ``count`` is less than 1, the crop is none of chance, or an activation
            does not fit into float16.
        MemoryError: when the work would not fit into memory; said before it begins.
        OSError: when the views would not fit on the disk; said before the work begins.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected 1 view or more")
    if crop not in pipeline.BY_CHANCE:
        raise ValueError(f"crop is {crop!r}; expected one of {', '.join(pipeline.BY_CHANCE)}")
    shape = network.compute_output_shape((1, image_size, image_size, 3))[1:]
    what = f"{count} views of {len(paths):,} photographs of {image_size} pixels"
    numbers = int(np.prod(shape))
    # Read again, the numbers of a batch are single precision, and batches wait for their turn.
    _require_batches(4 * WAITING_BATCHES * BATCH_SIZE * numbers, image_size, what, "smaller images")
    _require_disk(2 * len(paths) * count * numbers, what, "fewer views or smaller images")
    layers = [keras.layers.RandomFlip("horizontal", seed=seed)]
    if crop == "random":
        layers.append(keras.layers.RandomZoom((-0.4, 0.0), seed=seed + 1))
    augmentation = keras.Sequential(layers)
    views = []
    for view in range(count):
        batches = pipeline.batches(
            paths,
            np.zeros(len(paths)),
            image_size=image_size,
            crop=crop,
            seed=seed + view,
            cache=False,
        )
        augmented = ((augmentation(images, training=True), y) for images, y in batches)
        label = f"view {view + 1} of {count}"
        stored = StoredView()
        for batch in _answers(network, augmented, len(paths), label):
            stored.append(_rounded(batch, "float16"))
        views.append(stored)
    return views


class StoredView:
    """An array on disk that grows by batches and is read a photograph at a time.

    Of many views of many photographs, memory then holds a few batches. The file is in the folder
    for temporary files (``TMPDIR`` names another) and has no name there: it is gone as soon as
    nothing refers to it, however the process ends.

    Attributes:
        shape: (n, ...), n the photographs so far.
        nbytes: bytes on disk.
    """

    def __init__(self) -> None:
        """Make an empty file; the first batch says of which shape and type its rows are."""
        # Kept open, for it has no name; unbuffered, so that closing has nothing left to write.
        self._file = tempfile.TemporaryFile(prefix="seeing-", buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._dtype = np.dtype("float16")
        self.shape: tuple[int, ...] = (0,)
        self.nbytes = 0

    def append(self, batch: np.ndarray) -> None:
        """Write some photographs' numbers behind those that are there.

        Args:
            batch: shape (m, ...), the same ``...`` and type of numbers in every batch.

        Raises:
            ValueError: when the shape or the type is not the first batch's.
            OSError: when the disk is full.
        """
        if not self.nbytes:
            self._dtype, self.shape = batch.dtype, (0, *batch.shape[1:])
        if (batch.dtype, batch.shape[1:]) != (self._dtype, self.shape[1:]):
            raise ValueError(
                f"a batch of {batch.dtype} {batch.shape}; expected {self._dtype} and rows of "
                f"shape {self.shape[1:]}"
            )
        # Written as a file and not into a memory map: a full disk would end the process there.
        left = np.ascontiguousarray(batch).reshape(-1).view("uint8").data
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise OSError(
                error.errno, f"{tempfile.gettempdir()} takes no more: {error.strerror}"
            ) from error
        self.shape = (self.shape[0] + len(batch), *self.shape[1:])
        self.nbytes += batch.nbytes

    def __len__(self) -> int:
        """Photographs so far."""
        return self.shape[0]

    def __getitem__(self, chosen: int | slice | np.ndarray) -> np.ndarray:
        """The numbers of one photograph or of several, as NumPy chooses from an array's rows."""
        # Mapped anew each time: a map that stays would count as memory, row by row.
        return np.array(np.memmap(self._file, self._dtype, mode="r", shape=self.shape)[chosen])


def _require_disk(needed: int, what: str, instead: str) -> None:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > 0.9 * free:
        raise OSError(
            errno.ENOSPC,
            f"{what} need {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free in {folder}: "
            f"take {instead}, or name a larger folder in the variable TMPDIR",
        )


def _require_batches(kept: int, image_size: int, what: str, instead: str) -> None:
    """Refuse a result of ``kept`` bytes that does not fit into memory beside a batch of images."""
    require_memory(kept + BATCH_SIZE * image_size**2 * BYTES_A_PIXEL, what, instead)


def require_memory(needed: int, what: str, instead: str) -> None:
    """Refuse work that needs more than most of the memory that is free.

    Args:
        needed: bytes.
        what: what needs them, in words, several things.
        instead: what to take instead.

    Raises:
        MemoryError: with all of that in a sentence.
    """
    available = psutil.virtual_memory().available
    if needed > 0.8 * available:
        raise MemoryError(
            f"{what} need {needed / 1e9:.1f} GB of memory, {available / 1e9:.1f} GB are free: "
            f"take {instead}"
        )


@contextlib.contextmanager
def memory_errors(doing: str) -> Iterator[None]:
    """Turn each library's way to say that memory ran out into one ``MemoryError``.

    Args:
        doing: what is done meanwhile, such as "looking at 32 images".

    Raises:
        MemoryError: when memory runs out, the computer's or the graphics card's.
    """
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise MemoryError(
            f"memory ran out while {doing}: take smaller images, or close other programs"
        ) from error


def look(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """A network's output for one batch, in inference mode, as a NumPy array.

    For a few images: ``predict`` would compile the network first, which takes longer than that.

    Raises:
        MemoryError: when memory runs out.
    """
    with memory_errors(f"looking at {len(images)} examples"):
        return keras.ops.convert_to_numpy(network(images, training=False))


def _rounded(batch: np.ndarray, dtype: str) -> np.ndarray:
    largest = float(np.abs(batch).max(initial=0.0))
    if not largest <= float(np.finfo(dtype).max):  # written so that NaN is refused too
        raise ValueError(f"an activation of {largest:g} does not fit into {dtype}")
    return batch.astype(dtype)
