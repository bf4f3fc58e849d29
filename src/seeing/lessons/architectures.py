"""What counts a Keras network's arithmetic, looks into its attention, and compares networks' costs.

Explained in chapter 7, *Architecture Workshop*.
"""

import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


def multiply_adds(network: keras.Model) -> int:
    """Multiplications for one image, as Keras's layers have them.

    Each number that a convolution gives out costs one kernel; a dense layer costs its kernel at
    each place that it is applied to; attention also compares and mixes all pairs of places.
    Normalization, activations and pooling are left out.

    Args:
        network: with one input of a fixed size.

    Raises:
        ValueError: when the size of a layer's output is not known.
    """
    return sum(_of_layer(layer) for layer in network.layers)


def _of_layer(layer: keras.layers.Layer) -> int:
    layers = keras.layers
    if isinstance(layer, layers.MultiHeadAttention):
        _, places, _ = layer.input[0].shape if isinstance(layer.input, list) else layer.input.shape
        kernels = sum(int(np.prod(w.shape)) for w in layer.weights if "kernel" in w.path)
        width = layer.num_heads * (layer.key_dim + (layer.value_dim or layer.key_dim))
        return _whole(places, layer) * (kernels + places * width)
    if isinstance(layer, layers.DepthwiseConv2D | layers.Conv2D):
        _, height, width, channels = layer.output.shape
        kernel = int(np.prod(layer.kernel.shape[:3]))
        if isinstance(layer, layers.DepthwiseConv2D):
            kernel = int(np.prod(layer.kernel.shape[:2]))
        return _whole(height, layer) * _whole(width, layer) * channels * kernel
    if isinstance(layer, layers.Dense):
        places = [_whole(size, layer) for size in layer.output.shape[1:-1]]
        return int(np.prod(places, dtype=int)) * int(np.prod(layer.kernel.shape))
    return 0


def _whole(size: int | None, layer: keras.layers.Layer) -> int:
    if size is None:
        raise ValueError(f"the size of {layer.name}'s output is not known; fix the input's size")
    return size


def attention(network: keras.Model, X: np.ndarray) -> list[np.ndarray]:
    """What each block's attention looks at, for each image.

    Args:
        network: its ``MultiHeadAttention`` layers were called with
            ``return_attention_scores=True``.
        X: images, as the network takes them.

    Returns:
        One array a block, shape (images, heads, places, places): a row says how a place shares
        its attention among all places.

    Raises:
        ValueError: when the network has no such layer, or one gives no scores.
    """
    found = [one for one in network.layers if isinstance(one, keras.layers.MultiHeadAttention)]
    outputs = [one.output for one in found]
    if not found or any(not isinstance(output, list | tuple) for output in outputs):
        raise ValueError(
            f"{network.name} gives no attention scores; expected MultiHeadAttention layers that "
            "were called with return_attention_scores=True"
        )
    observer = keras.Model(network.inputs[0], [scores for _, scores in outputs])
    given = observer(X, training=False)
    return [keras.ops.convert_to_numpy(one) for one in ([given] if len(found) == 1 else given)]


def microseconds(network: keras.Model, X: np.ndarray, *, repeats: int = 3) -> float:
    """Time of an answer for one image, when many are asked at once: the fastest of some tries.

    Args:
        network: to be asked.
        X: at least one image.
        repeats: tries, after one that does not count.
    """
    network.predict_on_batch(X)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        network.predict_on_batch(X)
        times.append(time.perf_counter() - start)
    return 1e6 * min(times) / len(X)


def best_costs(series: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """For each cost, what each network has: means over seeds, of times the fastest seed's.

    (The first seed's time holds the working out of TensorFlow's steps, too.)

    Args:
        series: as :meth:`seeing.record.chapter.Chapter.series` gives it: ``x`` names networks,
            ``lines`` has one line a cost, a list of the seeds' values for each network. A cost
            whose name holds "seconds" is a time.
    """
    return {
        cost: {
            name: float(np.min(values) if "seconds" in cost else np.mean(values))
            for name, values in zip(series["x"], line, strict=True)
        }
        for cost, line in series["lines"].items()
    }


def pareto_front(right: Mapping[str, float], price: Mapping[str, float]) -> list[str]:
    """The networks that no other beats: at least as right *and* as cheap, and better in one.

    Args:
        right: accuracy of each network.
        price: what each costs; the less, the better.

    Returns:
        Names in the order of ``right``.
    """
    return [
        one
        for one in right
        if not any(
            right[other] >= right[one]
            and price[other] <= price[one]
            and (right[other], price[other]) != (right[one], price[one])
            for other in right
        )
    ]
