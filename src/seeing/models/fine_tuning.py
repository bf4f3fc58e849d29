"""Train the upper part of a pretrained network on kept activations of its frozen part.

Explained in chapter 8, *A Flower Classifier*.
"""

import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from seeing.models import backbones, graphs

WARM_UP = 0.1  # share of all steps in which the learning rate rises


class CachedViews(keras.utils.PyDataset):
    """Batches for ``fit``: each epoch shows every photograph once, in the next of its views.

    Attributes:
        views: V of shape (n, ...): what the frozen part says about view v of photograph i.
        targets: float32, shape (n, K), one-hot labels.
    """

    def __init__(
        self,
        views: Sequence[np.ndarray | backbones.StoredView],
        y: np.ndarray,
        *,
        n_classes: int,
        batch_size: int = backbones.BATCH_SIZE,
        seed: int = 0,
    ):
        """Keep references to the views; nothing is copied, and what is on disk stays there.

        Args:
            views: in memory or on disk, all of the same shape (n, ...).
            y: integer labels, shape (n,), 0 to ``n_classes - 1``.
            n_classes: number of classes, K.
            batch_size: photographs a batch; the last batch of an epoch may hold fewer.
            seed: decides the order, and with which view each photograph starts.

        Raises:
            ValueError: when there is no view, the views differ in shape, or there are not as many
                labels as photographs.
        """
        super().__init__()
        shapes = sorted({view.shape for view in views})
        if len(shapes) != 1 or shapes[0][0] != len(y) or len(y) == 0:
            raise ValueError(
                f"views of shape {shapes} and {len(y)} labels; expected one view or more, all of "
                "one shape (n, ...), and n labels, n at least 1"
            )
        self.views = views
        self.targets = keras.utils.to_categorical(y, num_classes=n_classes).astype("float32")
        self._batch_size = batch_size
        self._random = np.random.default_rng(seed)
        self._first_view = self._random.integers(len(views), size=len(y))
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self.targets) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch ``index``: activations (batch, ...) and one-hot targets (batch, K)."""
        start = index * self._batch_size
        chosen = self._order[start : start + self._batch_size]
        view = (self._first_view[chosen] + self._epoch) % len(self.views)
        images = np.stack([self.views[v][i] for v, i in zip(view, chosen, strict=True)])
        # Kept in half precision, computed in single: processors are slow at halves.
        return images.astype("float32"), self.targets[chosen]

    def on_epoch_end(self) -> None:
        """Deal the photographs anew, and turn to each one's next view."""
        self._epoch += 1
        self._order = self._random.permutation(len(self.targets))


class _Stopwatch(keras.callbacks.Callback):
    def on_train_begin(self, logs: dict | None = None) -> None:
        self._start, self.seconds = time.perf_counter(), []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._start)


def fit(
    network: keras.Model,
    views: Sequence[np.ndarray | backbones.StoredView],
    y: np.ndarray,
    *,
    n_classes: int,
    epochs: int,
    peak_rate: float,
    batch_size: int = backbones.BATCH_SIZE,
    weight_decay: float = 0.01,
    label_smoothing: float = 0.1,
    validation_data: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Train a network of logits on kept views: AdamW, a rate that rises, then falls to zero.

    Args:
        network: activations to logits; its layers' ``trainable`` says what is trained.
        views: one array a view, all of one shape (n, ...).
        y: integer labels, shape (n,).
        n_classes: number of classes, K.
        epochs: how often each photograph is seen.
        peak_rate: the largest learning rate.
        batch_size: photographs a step.
        weight_decay: AdamW's, a share of each weight a step, times the learning rate.
        label_smoothing: share of the target that is spread over all classes.
        validation_data: activations and integer labels to measure after each epoch.
        seed: of the order and the views. The network's own random numbers follow
            ``keras.utils.set_random_seed``.

    Returns:
        Keras's history, one value an epoch: ``loss``, ``accuracy``, with validation data also
        ``val_loss`` and ``val_accuracy``; and ``seconds`` since the start, validation included.

    Raises:
        ValueError: as :class:`CachedViews` does.
        MemoryError: when memory runs out.
    """
    graphs.release()  # of a network trained before
    data = CachedViews(views, y, n_classes=n_classes, batch_size=batch_size, seed=seed)
    steps = epochs * len(data)
    rising = max(1, round(WARM_UP * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=peak_rate,
        warmup_steps=rising,
        decay_steps=max(1, steps - rising),
    )
    network.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=weight_decay),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=label_smoothing
        ),
        metrics=["accuracy"],
    )
    if validation_data is not None:
        X, labels = validation_data
        validation_data = (X, keras.utils.to_categorical(labels, num_classes=n_classes))
    watch = _Stopwatch()
    with backbones.memory_errors(f"training on batches of {batch_size}"):
        trained = network.fit(
            data, epochs=epochs, validation_data=validation_data, callbacks=[watch], verbose=0
        )
    return trained.history | {"seconds": watch.seconds}


def fine_tunable(
    upper: keras.Model, new_head: keras.Model, *, freeze_normalization: bool = True
) -> keras.Model:
    """The upper part of a network, pooled, with a head: what fine-tuning trains.

    Batch normalization is frozen: its layers keep ImageNet's means and variances, in training
    too, where a batch of few photographs would give poorer ones.

    Args:
        upper: activations to a feature map (rows, columns, channels), such as :func:`cut` gives.
        new_head: features to logits; trained on the frozen features before, or else its random
            weights' large gradients would spoil what the upper part has learned.
        freeze_normalization: False trains batch normalization too, as Keras does by default.

    Returns:
        A network of logits. It shares all weights with the two that were given.
    """
    for layer in upper.layers:
        is_normalization = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = not (is_normalization and freeze_normalization)
    inputs = keras.Input(upper.input.shape[1:])
    features = keras.layers.GlobalAveragePooling2D()(upper(inputs))
    return keras.Model(inputs, new_head(features), name="fine_tunable")


def fine_tune(
    upper: keras.Model,
    solved_head: keras.Model,
    views: Sequence[np.ndarray | backbones.StoredView],
    y: np.ndarray,
    *,
    peak_rate: float = 2e-4,
    freeze_normalization: bool = True,
    seed: int = 0,
    **options: Any,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train copies of a network's upper part and of its head; the originals stay as they are.

    Args:
        upper: activations to a feature map, such as :func:`cut` gives.
        solved_head: features to logits, such as :func:`solve_head` gives.
        views: what the part below the cut says, as for :func:`fit`.
        y: integer labels, shape (n,).
        peak_rate: the largest learning rate.
        freeze_normalization: as for :func:`fine_tunable`.
        seed: of all random numbers.
        options: :func:`fit`'s others: ``n_classes``, ``epochs``, ``validation_data``, ...

    Returns:
        The trained network, activations to logits, and its history, as :func:`fit` gives it.

    Raises:
        ValueError: as :func:`fit` does.
    """
    keras.utils.set_random_seed(seed)
    copies = [keras.models.clone_model(part) for part in (upper, solved_head)]
    for copy, part in zip(copies, (upper, solved_head), strict=True):
        copy.set_weights(part.get_weights())
    network = fine_tunable(*copies, freeze_normalization=freeze_normalization)
    return network, fit(network, views, y, peak_rate=peak_rate, seed=seed, **options)


def classifier(parts: Sequence[keras.Model], image_size: int) -> keras.Model:
    """Parts joined to one network, from pixels to probabilities.

    It looks at each photograph and at its mirror image, and averages the two answers.

    Args:
        parts: networks to run one after the other, from pixels to logits.
        image_size: width and height of the images, in pixels.

    Returns:
        A network: RGB images (n, image_size, image_size, 3), 0 to 255, to (n, K).
    """
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    answers = []
    for numbers in (pixels, keras.ops.flip(pixels, axis=2)):
        for part in parts:
            numbers = part(numbers, training=False)
        answers.append(keras.layers.Softmax()(numbers))
    return keras.Model(pixels, keras.layers.Average(name="probabilities")(answers))
