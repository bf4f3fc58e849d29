"""What chapter 10's demo reads: its network, ten digits, and what Keras makes of an attack on them.

Explained in chapter 10, *When Classifiers Fail*.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from seeing import demos, exports

CHECKS_FORMAT = "seeing-attack-checks-1"

# From a network, images (N, 28, 28, 1) and labels (N,) to the loss's slope in every pixel.
Slope = Callable[[keras.Model, Any, np.ndarray], Any]
# From a network, images, labels and a budget in levels to changed images.
Attack = Callable[[keras.Model, np.ndarray, np.ndarray, float], np.ndarray]


def write(
    path: str | pathlib.Path,
    network: keras.Sequential,
    X: np.ndarray,
    y: Sequence[int],
    *,
    epsilon: float,
    slope: Slope,
    fgsm: Attack,
    checked: Sequence[float],
) -> dict[str, Any]:
    """Write what the demo of attacks reads, and beside it what its tests compare.

    The demo computes slopes and attacks itself. What Keras computes stands in a file of its own,
    whose name ends with ``-checks``, so that no reader's page loads it.

    Args:
        path: the JSON file; its folder is made if need be.
        network: digits with pixels from 0 to 255 to ten logits.
        X: float32, shape (N, 28, 28, 1), from 0 to 255.
        y: their labels, shape (N,).
        epsilon: the chapter's budget, in levels of 255.
        slope: as the chapter defines it.
        fgsm: as the chapter defines it.
        checked: budgets at which tests compare, in levels of 255.

    Returns:
        What was written to the first file.

    Raises:
        ValueError: when there is not one label an image, or pixels lie outside the range.
    """
    path = pathlib.Path(path)
    X, y = np.asarray(X, dtype=np.float32), np.asarray(y)
    if y.shape != X.shape[:1]:
        raise ValueError(f"{len(X)} images, but labels of shape {y.shape}")
    if X.min() < 0 or X.max() > 255:
        raise ValueError(f"pixels from {X.min():g} to {X.max():g}; expected 0 to 255")
    content = demos.write_network(
        network,
        path,
        class_names=[str(digit) for digit in range(10)],
        probes=X,
        beside={"labels": [int(label) for label in y], "epsilon": float(epsilon)},
    )
    checks = {
        "format": CHECKS_FORMAT,
        "slopes": _as_texts(slope(network, keras.ops.convert_to_tensor(X), y)),
        "fgsm": [_check(network, X, y, budget, slope, fgsm) for budget in checked],
    }
    exports.write(path.with_name(f"{path.stem}-checks.json"), checks)
    return content


def _check(
    network: keras.Sequential,
    X: np.ndarray,
    y: np.ndarray,
    epsilon: float,
    slope: Slope,
    fgsm: Attack,
) -> dict[str, Any]:
    """FGSM's images at one budget, the slopes there, and what the network says of them."""
    changed = fgsm(network, X, y, epsilon)
    probabilities = keras.ops.softmax(network(changed, training=False), axis=-1)
    return {
        "epsilon": float(epsilon),
        "images": _as_texts(changed),
        "slopes": _as_texts(slope(network, keras.ops.convert_to_tensor(changed), y)),
        "probabilities": keras.ops.convert_to_numpy(probabilities).tolist(),
    }


def _as_texts(images: Any) -> list[str]:
    return [demos.as_base64(image) for image in keras.ops.convert_to_numpy(images)]
