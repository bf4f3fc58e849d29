"""One small network and one training call, with every remedy against overfitting as a switch.

So that remedies can be compared on the same budget: ``Remedies`` says which are used, and all else
stays the same. Explained in chapter 6, *Generalize, Don't Memorize*.
"""

import dataclasses

import keras
import numpy as np

from seeing.models import graphs
from seeing.transforms import augment

BATCH_SIZE = 50


@dataclasses.dataclass(frozen=True)
class Remedies:
    """How to train; the defaults do nothing against overfitting."""

    n_images: int = 500  # training images
    l1: float = 0.0  # times the sum of absolute weights, added to the loss
    l2: float = 0.0  # times the sum of squared weights, added to the loss
    # AdamW's: this times the rate is the share that a weight loses in a step.
    weight_decay: float = 0.0
    # Share of numbers set to 0 in training, before and after the dense layer.
    dropout: float = 0.0
    # Stop after so many rounds without a lower validation loss; 0: never.
    patience: int = 0
    normalize: bool = False  # batch normalization after each convolution
    # Kinds of augmentation, and how strong.
    changes: tuple[tuple[str, float], ...] = ()
    mix: str = ""  # "mixup" or "CutMix"
    label_smoothing: float = 0.0  # share of a label spread over all classes
    initializer: str = "glorot_uniform"  # Keras's name for how weights start
    rate: float = 0.001  # the learning rate
    falling: bool = False  # whether it falls along a cosine to 0


def change(name: str, low: float, high: float) -> keras.layers.Layer:
    """A layer that changes each image by something between low and high.

    Args:
        name: ``"mirror"`` (half of the images, whatever low and high are),
            ``"shift"`` (a share of height and width), ``"rotation"`` (a share
            of a full turn), ``"zoom"`` (a share of the size; above 0 the image
            gets smaller) or ``"contrast"`` (a share of it).
        low: the least change, for example -0.1.
        high: the largest change.

    Returns:
        A layer for images of 0 to 255; what it moves into sight is a
        reflection.

    Raises:
        ValueError: when there is no change of that name, or contrast is to
            fall further than it rises: the layer of Keras sorts its two
            numbers, so that it would do the opposite.
    """
    if name == "contrast" and -low > high:
        expected = f"expected low to be at least {-high}"
        raise ValueError(f"contrast from {low} to {high}; {expected}")
    limits = (low, high)
    layers = {
        "mirror": lambda: keras.layers.RandomFlip("horizontal"),
        "shift": lambda: keras.layers.RandomTranslation(limits, limits),
        "rotation": lambda: keras.layers.RandomRotation(limits),
        "zoom": lambda: keras.layers.RandomZoom(limits),
        "contrast": lambda: keras.layers.RandomContrast((-low, high)),
    }
    if name not in layers:
        expected = f"expected one of {', '.join(layers)}"
        raise ValueError(f"no change is called {name!r}; {expected}")
    return layers[name]()


def mixing(name: str) -> keras.layers.Layer:
    """A layer that mixes images and labels.

    Args:
        name: ``"mixup"`` or ``"CutMix"``.

    Raises:
        ValueError: when there is no mixing of that name.
    """
    layers = {
        "mixup": lambda: keras.layers.MixUp(0.2),
        "CutMix": lambda: keras.layers.CutMix((1.0, 1.0)),
    }
    if name not in layers:
        raise ValueError(f"no mixing is called {name!r}; expected one of {', '.join(layers)}")
    return layers[name]()


def build(
    remedies: Remedies,
    shape: tuple[int, int, int],
    n_classes: int,
    filters: tuple[int, ...],
) -> keras.Sequential:
    """Convolutions that halve the image, then two dense layers.

    Args:
        remedies: decide on penalties, dropout, batch normalization,
            augmentation and the start.
        shape: of the images: height, width, channels.
        n_classes: number of classes.
        filters: number of kernels of each convolution.

    Returns:
        A network: images of 0 to 255 to one logit a class.

    Raises:
        ValueError: when a change has an unknown name.
    """
    network = keras.Sequential([keras.Input(shape)])
    for name, strength in remedies.changes:
        network.add(change(name, -strength, strength))
    network.add(keras.layers.Rescaling(1 / 255))
    penalty = keras.regularizers.L1L2(remedies.l1, remedies.l2)
    weights = {
        "kernel_initializer": remedies.initializer,
        "kernel_regularizer": penalty,
    }
    halving = {"strides": 2, "padding": "same"}
    for count in filters:
        network.add(keras.layers.Conv2D(count, 3, **halving, **weights))
        if remedies.normalize:
            network.add(keras.layers.BatchNormalization(momentum=0.9))
        network.add(keras.layers.ReLU())
    network.add(keras.layers.Flatten())
    network.add(keras.layers.Dropout(remedies.dropout))
    network.add(keras.layers.Dense(256, activation="relu", **weights))
    network.add(keras.layers.Dropout(remedies.dropout))
    network.add(keras.layers.Dense(n_classes, **weights))
    return network


def train(
    remedies: Remedies,
    X: np.ndarray,
    y: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    seed: int,
    *,
    filters: tuple[int, ...],
    rounds: int,
    steps: int,
) -> tuple[keras.Sequential, dict[str, list[float]]]:
    """Train with some remedies, for a fixed number of steps.

    Args:
        remedies: what to do against overfitting; their ``n_images`` is the
            caller's business.
        X: training images, 0 to 255, shape (n, height, width, channels).
        y: labels, shape (n,), 0 to K - 1, the largest among them.
        validation: images and labels to measure after each round.
        seed: of all random numbers.
        filters: as for :func:`build`.
        rounds: how often to look at the validation images.
        steps: batches of 50 images between two looks.

    Returns:
        The network, and Keras's history: ``loss``, ``accuracy``, ``val_loss``
        and ``val_accuracy``, one value a round. Losses include the penalties.

    Raises:
        ValueError: as :func:`augment.endless_batches` does, and for an unknown
            name.
    """
    graphs.clear()
    keras.utils.set_random_seed(seed)
    n_classes = int(np.max(y)) + 1
    network = build(remedies, X.shape[1:], n_classes, filters)
    mix = augment.mixer(mixing(remedies.mix)) if remedies.mix else None
    deal = {"n_classes": n_classes, "batch_size": BATCH_SIZE, "seed": seed}
    rate = remedies.rate
    if remedies.falling:
        rate = keras.optimizers.schedules.CosineDecay(rate, rounds * steps)
    decay = remedies.weight_decay
    network.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=decay),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=remedies.label_smoothing
        ),
        metrics=["accuracy"],
    )
    stop = keras.callbacks.EarlyStopping(
        patience=remedies.patience,
        restore_best_weights=True,
    )
    one_hot = keras.utils.to_categorical(validation[1], n_classes)
    history = network.fit(
        augment.endless_batches(X, y, **deal, change=mix),
        epochs=rounds,
        steps_per_epoch=steps,
        validation_data=(validation[0], one_hot),
        validation_batch_size=1_000,
        callbacks=[stop] if remedies.patience else [],
        shuffle=False,  # the batches are; Keras warns otherwise
        verbose=0,
    )
    return network, history.history
