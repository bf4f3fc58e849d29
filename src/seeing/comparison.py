"""Ways to train on one budget, each with every seed, shown as gains over the plain one.

Explained in chapter 6, *Generalize, Don't Memorize*.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import keras

from seeing import profiles
from seeing.record import chapter, reference

COLUMNS = {"Validation accuracy": "validation_accuracy", "Gain": "gain", "Gap": "gap"}


# Trains in one way with one seed: the network, its history, and its accuracy on training and on
# validation images. Asked twice for the same, it returns the same.
Train = Callable[[str, int], tuple[keras.Model, Mapping[str, Sequence[float]], float, float]]


class Comparison:
    """Compares ways to train, and keeps what it measured in the chapter's record.

    Attributes:
        in_quick: the ways that a quick run trains; the tables show the others as recorded.
    """

    def __init__(
        self,
        record: chapter.Chapter,
        sample: chapter.Sample,
        train: Train,
        *,
        prefix: str,
        seeds: Sequence[int],
        in_quick: Collection[str],
        plain: str = "plain",
    ):
        """Say what is compared.

        Args:
            record: the chapter's.
            sample: what the validation accuracies are measured on.
            train: trains in one way with one seed.
            prefix: the beginning of the metrics' names.
            seeds: of the runs.
            in_quick: the ways that a quick run trains, the plain one among them.
            plain: the way that the gains are measured against.

        Raises:
            ValueError: when a quick run would leave out the plain way.
        """
        if plain not in in_quick:
            raise ValueError(f"a quick run leaves out {plain!r}; expected it in in_quick")
        self.in_quick = in_quick
        self._record, self._sample, self._train = record, sample, train
        self._prefix, self._seeds, self._plain = prefix, seeds, plain

    def is_trained(self, way: str) -> bool:
        """Whether this run trains in a way: in the full profile in all."""
        return profiles.name() == "full" or way in self.in_quick

    def show(self, *ways: str, columns: Mapping[str, str] = COLUMNS) -> None:
        """Train in several ways, with every seed; show the gains over the plain one.

        ``validation_accuracy`` is a fraction; ``gain``, over the plain way with the same seed, and
        ``gap``, the training accuracy less the validation accuracy, are in points.

        Args:
            ways: the rows.
            columns: each column's heading and the end of its metrics' names, of those three.
        """
        rows = {way: self._name(way) for way in ways}
        for way, name in rows.items():
            self._record.expect(name, COLUMNS.values(), otherwise="not in a quick run")
            for seed in self._seeds if self.is_trained(way) else []:
                *_, seen, unseen = self._train(way, seed)
                *_, plain = self._train(self._plain, seed)
                numbers = {"validation_accuracy": unseen, "gap": 100 * (seen - unseen)}
                numbers["gain"] = 100 * (unseen - plain)
                self._sample.add(name, numbers, seed=seed)
        self._record.show(columns, rows, title="Recipe")

    def gain(self, way: str, over: str | None = None) -> reference.Difference:
        """How much more is right on validation images, as recorded.

        Args:
            way: the way, or its part of the metrics' names.
            over: what it is compared with; None: the plain way.

        Raises:
            KeyError: naming the metrics that there are.
        """
        return self._record.difference(
            *(f"{self._name(one)}_validation_accuracy" for one in (way, over or self._plain))
        )

    def on_training_images(self, way: str) -> float:
        """The recorded accuracy on the training images, a fraction: accuracy plus gap."""
        name = self._name(way)
        accuracy = self._record.metric(f"{name}_validation_accuracy").mean
        return accuracy + self._record.metric(f"{name}_gap").mean / 100

    def _name(self, way: str) -> str:
        return f"{self._prefix}_{chapter.slug(way)}"
