"""Chapter 4's fast recipe for digits, behind scikit-learn's two verbs, ``fit`` and ``predict``.

Explained, ingredient by ingredient, in chapter 4, *A First Honest CNN*, whose last step for speed,
a second stride in place of pooling, is not taken here.
"""

import types
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 256
PEAK_RATE = 0.03
LABEL_SMOOTHING = 0.05

# (filters, kernel size, stride, pooling) of the three convolutions.
CONVOLUTIONS = ((24, 5, 2, 1), (32, 3, 1, 2), (64, 3, 1, 1))

# A small training set is seen more often, until about this many images have gone by.
EPOCHS, MIN_IMAGES_SEEN = 3, 20_000


class DigitNetwork:
    """A small convolutional network for 28×28 digits that trains in seconds.

    Attributes:
        network: the Keras model: uint8 images (n, 28, 28, 1) to ten logits.
    """

    def __init__(self, seed: int = 0):
        """Build the network.

        Args:
            seed: for the starting weights and the order of the images; sets Keras's, NumPy's and
                Python's random numbers.
        """
        # Keras takes seconds to import, and most chapters' helpers do without it.
        import keras

        from seeing.models import graphs

        graphs.clear()
        keras.utils.set_random_seed(seed)
        self.network = _build(keras)

    def fit(self, X: np.ndarray, y: np.ndarray) -> "DigitNetwork":
        """Train, three epochs or more: with Adam and a rate that rises, then falls to 0.

        Args:
            X: digits, uint8, shape (n, 28, 28).
            y: labels 0 to 9, shape (n,).

        Returns:
            Itself.
        """
        import keras

        epochs = max(EPOCHS, MIN_IMAGES_SEEN // len(X))
        steps = epochs * -(-len(X) // BATCH_SIZE)
        rise = max(1, steps // 5)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            warmup_target=PEAK_RATE,
            warmup_steps=rise,
            decay_steps=max(1, steps - rise),
        )
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=LABEL_SMOOTHING
        )
        self.network.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
        one_hot = keras.utils.to_categorical(y, num_classes=10)
        self.network.fit(
            X[..., np.newaxis], one_hot, batch_size=BATCH_SIZE, epochs=epochs, verbose=0
        )
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The digits' labels.

        Args:
            X: digits, uint8, shape (n, 28, 28).

        Returns:
            int64, shape (n,).
        """
        return outputs(self.network, X).argmax(axis=1)

    @property
    def size_bytes(self) -> int:
        """Bytes that its weights take."""
        return 4 * self.network.count_params()


def outputs(network: "keras.Model", X: np.ndarray) -> np.ndarray:
    """A network's outputs for digits, a thousand at a time, in inference mode.

    Args:
        network: digits, with or without a channel axis, to K outputs.
        X: digits, uint8, shape (n, 28, 28), n at least 1.

    Returns:
        float32, shape (n, K).
    """
    import keras

    X = X.reshape(-1, *network.input_shape[1:])
    parts = [X[start : start + 1_000] for start in range(0, len(X), 1_000)]
    found = [keras.ops.convert_to_numpy(network(part, training=False)) for part in parts]
    return np.concatenate(found)


def _build(keras: types.ModuleType) -> "keras.Sequential":
    network = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255)])
    for filters, size, stride, pool in CONVOLUTIONS:
        # Batch normalization adds an offset of its own.
        network.add(keras.layers.Conv2D(filters, size, strides=stride, use_bias=False))
        if pool > 1:
            network.add(keras.layers.MaxPooling2D(pool))
        network.add(keras.layers.BatchNormalization(momentum=0.9))
        network.add(keras.layers.ReLU())
    network.add(keras.layers.Flatten())
    network.add(keras.layers.Dense(10))
    return network
