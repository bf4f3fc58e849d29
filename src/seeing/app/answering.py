"""A trained classifier made ready to answer many questions: compiled once, several at a time.

Explained on the page *The Command Line*.
"""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from seeing.app import classifier, described
from seeing.models import backbones
from seeing.photos import reading


class Compiled:
    """A classifier's network as one graph, and what it looks at of a photograph."""

    def __init__(self, trained: classifier.PhotoClassifier, *, with_features: bool = False) -> None:
        """Compile the network and try it, which takes seconds; answers then take milliseconds.

        Args:
            trained: the classifier.
            with_features: whether :meth:`answers_and_features` will be asked for features.

        Raises:
            MemoryError: when memory runs out.
        """
        self.trained = trained
        size, network = trained.image_size, trained.network
        if with_features:
            network = described.with_features(network) or network
        # Of any number of images: another number of them must not compile the network anew.
        signature = [tf.TensorSpec((None, size, size, 3), tf.uint8)]
        self._network = tf.function(
            lambda images: network(images, training=False), input_signature=signature
        )
        self.probabilities([np.zeros((1, size, size, 3), np.uint8)])

    def views(self, path: pathlib.Path) -> np.ndarray:
        """What the classifier looks at of one photograph.

        Where all its looks show the same, as they do of a square photograph, it is one view.

        Args:
            path: an image file.

        Returns:
            uint8, shape (number of views, size, size, 3).

        Raises:
            reading.UnreadableImage: when the file cannot be used.
        """
        size, looks = self.trained.image_size, self.trained.looks
        views = np.stack([reading.read_square(path, size, look=look) for look in looks])
        return views[:1] if (views == views[0]).all() else views

    def probabilities(self, photographs: Sequence[np.ndarray]) -> np.ndarray:
        """How probable each class is for each photograph: one call of the network.

        Args:
            photographs: each photograph's views, as :meth:`views` gives them; one or more.

        Returns:
            float32, shape (number of photographs, K): for each the mean over its views.

        Raises:
            MemoryError: when memory runs out.
        """
        return self.answers_and_features(photographs)[0]

    def answers_and_features(
        self, photographs: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """How probable each class is for each photograph, and what the network sees in it.

        Args:
            photographs: as for :meth:`probabilities`.

        Returns:
            As :meth:`probabilities`; and float32, shape (number of photographs, d), the features,
            or None where they were not asked for, or the network has none.

        Raises:
            MemoryError: when memory runs out.
        """
        images = np.concatenate(photographs)
        with backbones.memory_errors(f"looking at {len(images)} images"):
            answers = keras.ops.convert_to_numpy(self._network(images))
        ends = np.cumsum([len(views) for views in photographs])
        each = np.split(answers, ends[:-1])
        rows = np.stack([views.mean(axis=0, dtype=np.float32) for views in each])
        count = len(self.trained.class_names)
        return rows[:, :count], rows[:, count:] if rows.shape[1] > count else None
