"""A trained classifier made ready to answer many questions: compiled once, several at a time.

Explained on the page *The Command Line*.
"""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from seeing.app import classifier
from seeing.models import backbones
from seeing.photos import reading


class Compiled:
    """A classifier's network as one graph, and what it looks at of a photograph."""

    def __init__(self, trained: classifier.PhotoClassifier) -> None:
        """Compile the network and try it, which takes seconds; answers then take milliseconds.

        Raises:
            MemoryError: when memory runs out.
        """
        self.trained = trained
        size = trained.image_size
        # Of any number of images: another number of them must not compile the network anew.
        signature = [tf.TensorSpec((None, size, size, 3), tf.uint8)]
        self._network = tf.function(
            lambda images: trained.network(images, training=False), input_signature=signature
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
        images = np.concatenate(photographs)
        with backbones.memory_errors(f"looking at {len(images)} images"):
            answers = keras.ops.convert_to_numpy(self._network(images))
        ends = np.cumsum([len(views) for views in photographs])
        each = np.split(answers, ends[:-1])
        return np.stack([views.mean(axis=0, dtype=np.float32) for views in each])
