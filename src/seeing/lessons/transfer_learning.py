"""What chapter 8 alone needs: a linear probe on two splits, and recorded runs in its figures.

A linear probe is logistic regression on what a frozen network says: how good it is says how good
the features are. Every photograph is looked at twice, as it is and mirrored; the probe learns from
both and answers with the mean of both.

Explained in chapter 8, *A Flower Classifier*.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from matplotlib import pyplot as plt
from sklearn import linear_model

from seeing.figures import style
from seeing.models import backbones, heads
from seeing.photos import pipeline, splits
from seeing.record import chapter
from seeing.record import metric as metrics

FAINT = "#767676"  # of what this run measured, beside the recorded run


@dataclasses.dataclass(frozen=True)
class Tested:
    """A probe, and how it did on photographs that it was not solved on.

    Attributes:
        solved: scikit-learn's logistic regression; its ``classes_`` are the labels it has met.
        C: the strength of its regularization.
        n: number of test photographs.
        accuracy: share whose label is the most probable class.
        top5_accuracy: share whose label is among the five most probable classes.
    """

    solved: linear_model.LogisticRegression
    C: float
    n: int
    accuracy: float
    top5_accuracy: float

    def head(self) -> keras.Sequential:
        """The same probe as Keras layers: features to one logit a class in ``solved.classes_``.

        Raises:
            ValueError: when there are only two classes: scikit-learn gives one logit then.
        """
        n_classes, feature_count = self.solved.coef_.shape
        if n_classes == 1:
            raise ValueError("a probe of two classes has one logit; expected three classes or more")
        layers = heads.head(feature_count, n_classes)
        layers.set_weights([self.solved.coef_.T, self.solved.intercept_])
        return layers


def two_looks(
    extractor: keras.Model, paths: Sequence[pathlib.Path | str], image_size: int
) -> np.ndarray:
    """What a frozen network says about each photograph and about its mirror image.

    Args:
        extractor: RGB images, 0 to 255, to features.
        paths: image files.
        image_size: width and height that their middle squares are brought to, in pixels.

    Returns:
        float32, shape (2, n, features).

    Raises:
        ValueError: when there is no photograph.
    """
    batches = pipeline.dataset(paths, np.zeros(len(paths)), image_size=image_size, cache=False)
    mirrored = ((images[:, :, ::-1], y) for images, y in batches)
    return np.stack(
        [
            backbones.activations(extractor, look, len(paths), dtype="float32", label=label)
            for look, label in ((batches, "features"), (mirrored, "features, mirrored"))
        ]
    )


def official_split(
    looks: np.ndarray, y: np.ndarray, split: np.ndarray, strengths: Sequence[float]
) -> Tested:
    """Choose C on the validation part, solve on training and validation, test once.

    Args:
        looks: float, shape (2, n, features), as :func:`two_looks` gives.
        y: labels, shape (n,).
        split: str, shape (n,): ``"training"``, ``"validation"`` or ``"test"``.
        strengths: candidates for C; the first wins a tie.

    Raises:
        ValueError: when a part is empty, or there is no candidate.
    """
    parts = [np.flatnonzero(split == part) for part in splits.SPLITS]
    if not all(len(part) for part in parts) or not strengths:
        counts = dict(zip(splits.SPLITS, map(len, parts), strict=True))
        raise ValueError(f"the parts hold {counts}, {len(strengths)} candidates; expected 1 each")
    training, validation, test = parts
    if len(strengths) > 1:
        tried = [_tested(looks, y, training, validation, C).accuracy for C in strengths]
        strengths = [strengths[int(np.argmax(tried))]]
    return _tested(looks, y, np.concatenate([training, validation]), test, strengths[0])


def random_split(looks: np.ndarray, y: np.ndarray, *, C: float, seed: int) -> Tested:
    """Solve on nine tenths, drawn at random, and test on the rest.

    Args:
        looks: as for :func:`official_split`.
        y: labels, shape (n,), n at least 10.
        C: the strength of the regularization, chosen before.
        seed: of the draw.

    Raises:
        ValueError: when there are fewer than 10 photographs.
    """
    if len(y) < 10:
        raise ValueError(f"{len(y)} photographs; expected 10 or more, so that a tenth is one")
    test, training = np.split(np.random.default_rng(seed).permutation(len(y)), [len(y) // 10])
    return _tested(looks, y, training, test, C)


def _tested(
    looks: np.ndarray, y: np.ndarray, training: np.ndarray, test: np.ndarray, C: float
) -> Tested:
    X, twice = np.concatenate(looks[:, training]), np.tile(y[training], len(looks))
    solved = linear_model.LogisticRegression(C=C, **heads.SOLVER).fit(X, twice)
    probabilities = np.mean([solved.predict_proba(look) for look in looks[:, test]], axis=0)
    best = solved.classes_[np.argsort(-probabilities, axis=1, kind="stable")[:, :5]]
    hits = best == y[test, np.newaxis]
    return Tested(solved, C, len(test), float(hits[:, 0].mean()), float(hits.any(axis=1).mean()))


def keep_histories(
    sample: chapter.Sample, name: str, histories: Sequence[Mapping[str, Sequence[float]]]
) -> None:
    """Keep training histories as a series: one line a quantity, one value a seed at each epoch.

    Args:
        sample: what the runs were measured on.
        name: the series' name in the results file.
        histories: one a seed, all with the same quantities and the same number of epochs.
    """
    lines = {
        quantity: list(zip(*(history[quantity] for history in histories), strict=True))
        for quantity in histories[0]
    }
    epochs = range(1, len(next(iter(lines.values()))) + 1)
    sample.add_series(name, epochs, lines, unit=metrics.RATIO)


def recorded_or(
    series: Mapping[str, Any] | None, history: Mapping[str, Sequence[float]]
) -> tuple[Mapping[str, Sequence[float]], str]:
    """A recorded training history where there is one, else this run's; and whose it is.

    Args:
        series: a series that :func:`keep_histories` kept, or None where none is recorded.
        history: this run's, of its first seed.

    Returns:
        A history, the mean over the seeds where it is the recorded one, and a title for a figure.
    """
    if series is None:
        return history, "this run, first seed"
    means = {
        quantity: [float(np.mean(values)) for values in line]
        for quantity, line in series["lines"].items()
    }
    return means, "recorded run, mean over the seeds"


def draw_this_run(
    axis: plt.Axes,
    recorded: Mapping[str, Sequence[metrics.Metric]],
    here: Mapping[str, Sequence[metrics.Metric | None]],
) -> None:
    """Add what this run measured to a figure of recorded lines: faint marks, one legend entry.

    Args:
        axis: as :func:`seeing.figures.curves.accuracy_by_size` gives it.
        recorded: the lines that it shows, by name.
        here: this run's metrics at the same places; None where it measured nothing. What equals
            the recorded one is not drawn twice.
    """
    label = "this run"
    for (way, line), marker in zip(recorded.items(), style.MARKERS, strict=False):
        marks = [
            (place, own.mean)
            for place, (known, own) in enumerate(zip(line, here[way], strict=True))
            if own is not None and own.values != known.values
        ]
        if marks:
            look = {"color": FAINT, "markerfacecolor": "none", "markersize": 5}
            axis.plot(*zip(*marks, strict=True), marker, label=label, **look)
            label = None  # a second entry would say the same
    axis.legend(loc="lower right")
