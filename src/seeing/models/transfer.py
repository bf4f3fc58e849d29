"""Transfer learning on a budget: cut a pretrained network in two, keep what the frozen part says.

A frozen layer computes the same numbers for the same photograph in every epoch. So they are
computed once and kept (:func:`activations`); an epoch then costs only what the trained part costs.
To keep augmentation, several random *views* of each photograph are kept, and every epoch sees
another one (:class:`CachedViews`).

Explained in chapter 8, *A Flower Classifier*.
"""

import os
import pathlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import psutil
import tqdm
from sklearn import linear_model

from seeing.datasets import image_folder

# Cut ResNet50 here, and the last five of its 16 residual blocks come after the cut.
LAST_BLOCKS = "conv4_block4_out"

BATCH_SIZE = 32
# With the default tolerance, 1e-4, the solver works four times as long on ResNet50's features,
# for the same answers.
SOLVER = {"max_iter": 5_000, "tol": 1e-3}
WARM_UP = 0.1  # share of all steps in which the learning rate rises


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
    try:
        upper = keras.Model(here, network.output, name="upper")
    except ValueError as error:
        raise ValueError(
            f"{network.name} cannot be cut after {layer_name!r}: a connection passes it by. "
            "Cut where all paths meet, in ResNet50 at a layer whose name ends in '_out'."
        ) from error
    return keras.Model(network.input, here, name="lower"), upper


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
        batches: ``(images, labels)`` batches, such as :func:`image_folder.dataset` gives, in a
            fixed order. Labels are not used.
        count: number of images in all batches.
        dtype: of the result. Half precision takes half the memory, and rounds to three digits.
        label: what the progress bar says; ``SEEING_PROGRESS=0`` hides the bar.

    Returns:
        Shape (count, ...), in the order of the batches.

    Raises:
        ValueError: when the batches hold more or fewer images than ``count``, or an activation
            does not fit into ``dtype``.
    """
    found, filled = np.zeros((0,), dtype=dtype), 0
    hidden = os.environ.get("SEEING_PROGRESS") == "0"
    with tqdm.tqdm(total=count, desc=label, unit="image", disable=hidden) as progress:
        for images, _ in batches:
            images = np.asarray(images)
            if not filled:
                size = len(images)
            # The last batch is filled up: another size would compile the network a second time.
            padding = [(0, max(0, size - len(images)))] + [(0, 0)] * (images.ndim - 1)
            batch = network.predict_on_batch(np.pad(images, padding))[: len(images)]
            if not filled:
                # One block of memory from the start: joining batches at the end would need two.
                found = np.zeros((count, *batch.shape[1:]), dtype=dtype)
            if filled + len(batch) > count:
                raise ValueError(f"the batches hold more than {count} images")
            _store(batch, found[filled : filled + len(batch)])
            filled += len(batch)
            progress.update(len(batch))
    if filled != count:
        raise ValueError(f"the batches hold {filled} images, expected {count}")
    return found


def of_photographs(
    network: keras.Model,
    paths: Sequence[pathlib.Path | str],
    *,
    image_size: int,
    dtype: str = "float32",
    label: str = "features",
) -> np.ndarray:
    """What a frozen network says about the middle square of each photograph.

    Args:
        network: RGB images, 0 to 255, to activations.
        paths: image files, n of them; none gives an array of shape (0, ...).
        image_size: width and height that the squares are brought to, in pixels.
        dtype: of the result.
        label: what the progress bar says.

    Returns:
        Shape (n, ...).

    Raises:
        image_folder.UnreadableImage: naming a file that cannot be used.
        ValueError: when an activation does not fit into ``dtype``.
    """
    if not paths:
        shape = network.compute_output_shape((1, image_size, image_size, 3))
        return np.zeros((0, *shape[1:]), dtype=dtype)
    batches = image_folder.dataset(paths, np.zeros(len(paths)), image_size=image_size, cache=False)
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
    seed: int = 0,
) -> list[np.ndarray]:
    """What a frozen network says about several random views of each photograph.

    A view is a random square of the photograph, mirrored in half of all cases, and enlarged so
    that 60 to 100 % of the square's width fill the picture.

    Args:
        network: RGB images, 0 to 255, to activations.
        paths: image files, n of them.
        count: number of views.
        image_size: width and height of the images, in pixels.
        seed: of the crops, mirrors and zooms.

    Returns:
        ``count`` arrays, float16, shape (n, ...).

    Raises:
        ValueError: when ``count`` is less than 1.
        MemoryError: when the arrays would not fit into memory; said before the work begins.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected 1 view or more")
    _require_memory(network, len(paths), count, image_size)
    augmentation = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal", seed=seed),
            keras.layers.RandomZoom((-0.4, 0.0), seed=seed + 1),
        ]
    )
    views = []
    for view in range(count):
        batches = image_folder.dataset(
            paths,
            np.zeros(len(paths)),
            image_size=image_size,
            crop="random",
            seed=seed + view,
            cache=False,
        )
        augmented = ((augmentation(images, training=True), y) for images, y in batches)
        label = f"view {view + 1} of {count}"
        views.append(activations(network, augmented, len(paths), label=label))
    return views


def _require_memory(network: keras.Model, photographs: int, views: int, image_size: int) -> None:
    shape = network.compute_output_shape((1, image_size, image_size, 3))
    needed = 2 * photographs * views * int(np.prod(shape))
    available = psutil.virtual_memory().available
    if needed > 0.8 * available:
        raise MemoryError(
            f"{views} views of {photographs:,} photographs of {image_size} pixels need "
            f"{needed / 1e9:.1f} GB of memory, {available / 1e9:.1f} GB are free: take fewer views "
            "or smaller images"
        )


def look(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """A network's output for one batch, in inference mode, as a NumPy array.

    For a few images: ``predict`` would compile the network first, which takes longer than that.
    """
    return keras.ops.convert_to_numpy(network(images, training=False))


def accuracy(network: keras.Model, X: np.ndarray, y: np.ndarray) -> float:
    """Share of examples whose largest output is their label's.

    Args:
        network: examples to one number a class: logits or probabilities.
        X: n examples, at least 1.
        y: integer labels, shape (n,).
    """
    answers = [look(network, X[i : i + 2 * BATCH_SIZE]) for i in range(0, len(X), 2 * BATCH_SIZE)]
    return float(np.mean(np.concatenate(answers).argmax(axis=1) == y))


def _store(batch: np.ndarray, place: np.ndarray) -> None:
    largest = float(np.abs(batch).max(initial=0.0))
    if not largest <= float(np.finfo(place.dtype).max):  # written so that NaN is refused too
        raise ValueError(f"an activation of {largest:g} does not fit into {place.dtype}")
    place[...] = batch


class CachedViews(keras.utils.PyDataset):
    """Batches for ``fit``: each epoch shows every photograph once, in the next of its views.

    Attributes:
        views: V arrays of shape (n, ...): what the frozen part says about view v of photograph i.
        targets: float32, shape (n, K), one-hot labels.
    """

    def __init__(
        self,
        views: Sequence[np.ndarray],
        y: np.ndarray,
        *,
        n_classes: int,
        batch_size: int = BATCH_SIZE,
        seed: int = 0,
    ):
        """Keep references to the views; nothing is copied.

        Args:
            views: one array a view, all of the same shape (n, ...).
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


def head(feature_count: int, n_classes: int) -> keras.Sequential:
    """A new last layer: one logit a class.

    Args:
        feature_count: numbers that describe a photograph; 2,048 for ResNet50.
        n_classes: number of classes.
    """
    return keras.Sequential(
        [
            keras.Input((feature_count,)),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(n_classes),
        ],
        name="head",
    )


def fit(
    network: keras.Model,
    views: Sequence[np.ndarray],
    y: np.ndarray,
    *,
    n_classes: int,
    epochs: int,
    peak_rate: float,
    batch_size: int = BATCH_SIZE,
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
    """
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
    trained = network.fit(
        data, epochs=epochs, validation_data=validation_data, callbacks=[watch], verbose=0
    )
    return trained.history | {"seconds": watch.seconds}


def solve_head(
    features: np.ndarray, y: np.ndarray, *, n_classes: int, C: float = 0.01
) -> keras.Sequential:
    """A new head by logistic regression: the same linear model, solved to the end.

    Training by steps comes near this solution; scikit-learn's solver reaches it, needs no seed, and
    takes seconds for a few thousand photographs.

    Args:
        features: float, shape (n, feature_count), what the frozen network said.
        y: integer labels, shape (n,), each of 0 to K - 1 at least once.
        n_classes: number of classes, K, at least 2.
        C: scikit-learn's inverse strength of regularization: small is cautious.

    Returns:
        A network like :func:`head`: features to K logits.

    Raises:
        ValueError: when a label is missing, or there are fewer than two classes.
    """
    present = np.unique(y)
    if n_classes < 2 or not np.array_equal(present, np.arange(n_classes)):
        raise ValueError(
            f"the labels are {present}; expected each of 0 to {n_classes - 1} at least once, and "
            "two classes or more"
        )
    solved = linear_model.LogisticRegression(C=C, **SOLVER).fit(features, y)
    weights, biases = solved.coef_.T, solved.intercept_
    if n_classes == 2:  # scikit-learn gives one logit; the other is 0
        weights = np.concatenate([np.zeros_like(weights), weights], axis=1)
        biases = np.concatenate([np.zeros(1), biases])
    new_head = head(features.shape[1], n_classes)
    new_head.set_weights([weights, biases])
    return new_head


def choose_head(
    heads: Mapping[float, keras.Model], features: np.ndarray, y: np.ndarray
) -> tuple[float, dict[float, float]]:
    """Which of several heads does best on validation photographs; the first wins a tie.

    Args:
        heads: heads by the C that they were solved with.
        features: float, shape (n, feature_count), n at least 1.
        y: integer labels, shape (n,).

    Returns:
        The best head's C, and each one's accuracy by its C.
    """
    scores = {C: accuracy(solved, features, y) for C, solved in heads.items()}
    return max(scores, key=scores.get), scores


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
    views: Sequence[np.ndarray],
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
