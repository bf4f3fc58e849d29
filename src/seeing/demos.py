"""Export a small Keras network, and small images, for the demos that run in the page.

The demo and the chapter cannot disagree: the file holds the chapter's own weights, and probe
images with the probabilities that Keras computed for them, which the site's tests compare with
what the browser computes.

Explained in chapter 4, *A First Honest CNN*.
"""

import base64
import pathlib
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from seeing import exports

FORMAT = "seeing-network-1"

# A drawing in the page has sixteen levels of gray, so that a link can hold it: 255 is 15 times 17.
LEVEL_STEP = 17

# What stands for a run of empty pixels in a drawing's text: 1 to 46 of them.
RUNS = string.ascii_lowercase[6:] + string.ascii_uppercase

# Layers that do nothing outside training.
TRAINING_ONLY = (
    keras.layers.Dropout,
    keras.layers.InputLayer,
    keras.layers.RandomTranslation,
    keras.layers.RandomRotation,
    keras.layers.RandomZoom,
)


def write_network(
    model: keras.Sequential,
    path: pathlib.Path,
    *,
    class_names: Sequence[str],
    probes: np.ndarray,
    beside: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a Sequential network of logits, and probe images with their probabilities.

    Args:
        model: layers from :func:`layer_as_json`'s list; input (H, W, C), output K logits.
        path: the JSON file; its folder is made if need be.
        class_names: K names.
        probes: float32, shape (N, H, W, C): the images that tests compare.
        beside: what else a demo of this network reads, by name.

    Returns:
        What was written.

    Raises:
        ValueError: when a layer has no counterpart in the browser, names and outputs differ, or
            ``beside`` has a name that the network's own entries have.
    """
    classes = model.output_shape[-1]
    if len(class_names) != classes:
        raise ValueError(f"the network has {classes} outputs, but {len(class_names)} class names")
    layers = [
        layer_as_json(layer) for layer in model.layers if not isinstance(layer, TRAINING_ONLY)
    ]
    logits = model.predict(probes, verbose=0)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits, axis=-1))
    network = {
        "format": FORMAT,
        "input_shape": list(model.input_shape[1:]),
        "class_names": list(class_names),
        "layers": layers,
        "probes": [
            {"image": as_base64(image), "probabilities": [float(p) for p in row]}
            for image, row in zip(probes, probabilities, strict=True)
        ],
    }
    taken = sorted(network.keys() & (beside or {}).keys())
    if taken:
        raise ValueError(f"the network's file already has {', '.join(taken)}: choose other names")
    network |= beside or {}
    return exports.write(path, network)


def in_levels(images: np.ndarray) -> np.ndarray:
    """Gray images in the sixteen levels that a drawing in the page has.

    Args:
        images: uint8, 0 is paper and 255 is ink, any shape.

    Returns:
        uint8, the same shape: multiples of 17.

    Raises:
        ValueError: when they are not uint8.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype}; expected uint8 from 0 to 255")
    return (np.rint(images / LEVEL_STEP) * LEVEL_STEP).astype(np.uint8)


def as_text(image: np.ndarray) -> str:
    """An image in sixteen levels as a short text, row by row: what a demo's file and a link hold.

    A level from 1 to 15 is a digit from 1 to f, and a run of 1 to 46 empty pixels a letter, g to z
    and then A to Z. What is empty at the end is left out. `book/_static/pixels.js` reads it.

    Args:
        image: uint8, shape (height, width); brought to sixteen levels.

    Raises:
        ValueError: when it is not uint8, or has not two axes.
    """
    levels = in_levels(image) // LEVEL_STEP
    if levels.ndim != 2:
        raise ValueError(f"the image has shape {levels.shape}; expected (height, width)")
    digits = "".join(f"{level:x}" for level in levels.ravel()).rstrip("0")
    return re.sub(f"0{{1,{len(RUNS)}}}", lambda run: RUNS[len(run[0]) - 1], digits)


def as_base64(array: np.ndarray) -> str:
    """An array's values as base64 of little-endian float32, in C order."""
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode("ascii")


def layer_as_json(layer: keras.Layer) -> dict[str, Any]:
    """One layer as the browser reads it: its kind, its settings, its weights as base64 float32.

    Knows Rescaling, Conv2D, BatchNormalization, ReLU, Activation("relu"), MaxPooling2D,
    AveragePooling2D, GlobalAveragePooling2D, Flatten and Dense (with "linear" or "relu").

    Raises:
        ValueError: for any other layer or setting, naming it.
    """
    if isinstance(layer, keras.layers.Rescaling):
        return {"kind": "affine", **_weights(scale=layer.scale, offset=layer.offset)}
    if isinstance(layer, keras.layers.Conv2D):
        _require(layer, layer.dilation_rate == (1, 1) and layer.groups == 1, "dilation or groups")
        _require_channels_last(layer)
        kernel, bias = _kernel_and_bias(layer)
        return {
            "kind": "convolution",
            "strides": list(layer.strides),
            "padding": layer.padding,
            "kernel_shape": list(kernel.shape),
            "activation": _activation(layer),
            **_weights(kernel=kernel, bias=bias),
        }
    if isinstance(layer, keras.layers.BatchNormalization):
        _require(layer, layer.axis in (-1, len(layer.input.shape) - 1), f"axis {layer.axis}")
        return {"kind": "affine", **_weights(**_batch_normalization_as_affine(layer))}
    if isinstance(layer, (keras.layers.ReLU, keras.layers.Activation)):
        return {"kind": "activation", "activation": _activation(layer)}
    if isinstance(layer, (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)):
        _require(layer, layer.padding == "valid", "padding")
        _require_channels_last(layer)
        kind = "maximum" if isinstance(layer, keras.layers.MaxPooling2D) else "average"
        return {
            "kind": f"{kind}_pooling",
            "size": list(layer.pool_size),
            "strides": list(layer.strides),
        }
    if isinstance(layer, keras.layers.GlobalAveragePooling2D):
        _require(layer, not layer.keepdims, "keepdims")
        _require_channels_last(layer)
        return {"kind": "global_average_pooling"}
    if isinstance(layer, keras.layers.Flatten):
        return {"kind": "flatten"}
    if isinstance(layer, keras.layers.Dense):
        kernel, bias = _kernel_and_bias(layer)
        return {
            "kind": "dense",
            "kernel_shape": list(kernel.shape),
            "activation": _activation(layer),
            **_weights(kernel=kernel, bias=bias),
        }
    raise ValueError(f"the page's demo knows no layer {type(layer).__name__} ({layer.name})")


def _batch_normalization_as_affine(layer: keras.layers.BatchNormalization) -> dict[str, np.ndarray]:
    """At inference, batch normalization multiplies each channel by a number and adds another."""
    mean = np.asarray(layer.moving_mean)
    scale = 1.0 / np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * np.asarray(layer.gamma)
    offset = -mean * scale
    if layer.center:
        offset = offset + np.asarray(layer.beta)
    return {"scale": scale, "offset": offset}


def _kernel_and_bias(layer: keras.Layer) -> tuple[np.ndarray, np.ndarray]:
    kernel = np.asarray(layer.kernel)
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(kernel.shape[-1], np.float32)
    return kernel, bias


def _activation(layer: keras.Layer) -> str:
    if isinstance(layer, keras.layers.ReLU):
        plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
        _require(layer, plain, "max_value, a slope or a threshold")
        return "relu"
    name = keras.activations.serialize(layer.activation)
    _require(layer, name in ("linear", "relu"), f"the activation {name!r}")
    return name


def _require(layer: keras.Layer, fits: bool, what: str) -> None:
    if not fits:
        raise ValueError(
            f"the page's demo cannot run {type(layer).__name__} ({layer.name}) with {what}"
        )


def _require_channels_last(layer: keras.Layer) -> None:
    _require(layer, layer.data_format == "channels_last", f"data_format {layer.data_format!r}")


def _weights(**arrays: np.ndarray | float) -> dict[str, str]:
    return {name: as_base64(np.atleast_1d(array)) for name, array in arrays.items()}
