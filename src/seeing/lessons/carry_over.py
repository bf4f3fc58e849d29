"""A frozen network's head that has seen changed pictures.

Explained in chapter 6b, *Do the Remedies Carry Over?*.
"""

import keras
import numpy as np

from seeing.models import backbones, heads, remedies
from seeing.transforms import augment


def solve_frozen(
    extractor: keras.Model,
    chosen: remedies.Remedies,
    X: np.ndarray,
    y: np.ndarray,
    seed: int,
    *,
    n_views: int,
    C: float = 0.01,
) -> keras.Sequential:
    """A linear model on a frozen network's features of images, also changed.

    Args:
        extractor: images to features, such as ResNet50 with its preprocessing.
        chosen: their ``changes`` say how to change; without any, each image
            is seen once.
        X: images, 0 to 255, shape (n, height, width, channels).
        y: labels, shape (n,), each of 0 to K - 1 at least once.
        seed: of the changes.
        n_views: changed versions of each image, beside the image itself.
        C: the inverse strength of regularization, which is a penalty, for n
            rows. With more rows the data would weigh more against the weights'
            size: so it is divided by the versions' number.

    Returns:
        The solved head: features to K logits.

    Raises:
        ValueError: as :func:`seeing.models.heads.solve_head` does, and for an
            unknown name.
    """
    keras.utils.set_random_seed(seed)
    layers = [remedies.change(name, -most, most) for name, most in chosen.changes]
    n_changed = n_views if layers else 0
    views = [X] + [augment.apply(layers, X) for _ in range(n_changed)]
    features = [backbones.of_images(extractor, view) for view in views]
    F = np.concatenate(features)
    labels, n_classes = np.tile(y, len(views)), int(np.max(y)) + 1
    return heads.solve_head(F, labels, n_classes=n_classes, C=C / len(views))
