"""A classifier that takes photographs of any size: what Pillow does to them, inside the network.

Explained on the page *The Command Line*.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from seeing.photos import reading

# A little more than 1/2. Values just between two whole numbers are frequent, and each program that
# runs the network errs by some 1e-5 around them: so all of them round up, everywhere.
HALF = 0.5 + 2**-10


def from_photographs(network: keras.Model, looks: Sequence[reading.Look]) -> keras.Model:
    """A network for squares, fed with whole photographs: cutting and resizing go first.

    Made of Keras's own operations alone, so that its file can be read without this package.

    Args:
        network: RGB squares (n, size, size, 3), 0 to 255, to probabilities (n, K).
        looks: the squares of each photograph, as :func:`seeing.photos.reading.read_square` cuts
            them; the answers to them are averaged.

    Returns:
        RGB photographs, uint8, (n, height, width, 3), all of one size, to probabilities (n, K).
    """
    size, n_classes = network.inputs[0].shape[1], network.outputs[0].shape[-1]
    photographs = keras.Input((None, None, 3), dtype="uint8", name="photograph")
    pixels = ops.cast(photographs, "float32")
    cut = ops.concatenate([squares(pixels, size, look) for look in looks], axis=0)
    answers = ops.reshape(network(cut, training=False), (len(looks), -1, n_classes))
    whole = keras.Model(photographs, ops.mean(answers, axis=0), name="classifier")
    return _without_tensors(whole)


def _without_tensors(network: keras.Model) -> keras.Model:
    """The same network, its layers shared, with plain numbers where it adds or subtracts tensors.

    Keras's preprocessing for ResNet50 adds one, and tf2onnx takes it for an input of the network.
    """

    def call(operation: keras.Operation, *values: object, **options: object) -> object:
        values, options = keras.tree.map_structure(_as_numbers, (values, options))
        return operation(*values, **options)

    # Not by Keras's own recursion: 3.12.1's forgets about `call` in networks within the network.
    def clone(layer: keras.Layer) -> keras.Layer:
        return _without_tensors(layer) if isinstance(layer, keras.Model) else layer

    if isinstance(network, keras.Sequential):
        return keras.models.clone_model(network, clone_function=clone)
    return keras.models.clone_model(network, clone_function=clone, call_function=call)


def _as_numbers(one: object) -> object:
    return one.numpy() if isinstance(one, tf.Tensor) else one


def squares(
    pixels: keras.KerasTensor, size: int, look: reading.Look = "center"
) -> keras.KerasTensor:
    """One square of each photograph: Pillow's bilinear resizing, which averages what it reduces.

    Pillow rounds to whole numbers after each direction, and so does this. Where a value lies just
    between two of them, its fixed-point numbers may round the other way: by 1, never more.

    Args:
        pixels: float, (n, height, width, 3), whole numbers, 0 to 255.
        size: width and height of the squares, in pixels.
        look: ``"center"``, the middle square; or ``"whole"``, everything, squeezed into a square.

    Returns:
        Float, (n, size, size, 3), whole numbers, 0 to 255.
    """
    # Where the rows and columns are, without asking for the shape, which Keras does not yet know.
    rows = ops.cumsum(ops.ones_like(pixels[0, :, 0, 0]))
    columns = ops.cumsum(ops.ones_like(pixels[0, 0, :, 0]))
    height, width = ops.max(rows), ops.max(columns)
    tall, wide = height, width
    if look == "center":
        tall = wide = ops.minimum(height, width)
    across = _weights(columns, (width - wide) / 2, wide, size)
    down = _weights(rows, (height - tall) / 2, tall, size)
    narrow = _whole(ops.matmul(ops.transpose(pixels, (0, 1, 3, 2)), across))  # n, height, 3, size
    small = _whole(ops.matmul(ops.transpose(narrow, (0, 2, 3, 1)), down))  # n, 3, size, size
    return ops.transpose(small, (0, 3, 2, 1))


def _weights(
    ends: keras.KerasTensor, start: keras.KerasTensor, length: keras.KerasTensor, size: int
) -> keras.KerasTensor:
    """How much of each pixel goes into each of ``size`` pixels, (pixels, size); columns sum to 1.

    ``ends`` is where each pixel ends. Of the line, ``length`` pixels from ``start`` are resized; a
    triangle as wide as two new pixels, two old ones at least, weighs what lies under it.
    """
    scale = length / size
    middles = start + scale * (np.arange(size, dtype="float32") + 0.5)
    away = ops.abs(ops.expand_dims(ends - 0.5, 1) - ops.expand_dims(middles, 0))
    triangles = ops.relu(1.0 - away / ops.maximum(scale, 1.0))
    return triangles / ops.sum(triangles, axis=0, keepdims=True)


def _whole(numbers: keras.KerasTensor) -> keras.KerasTensor:
    return ops.floor(numbers + HALF)
