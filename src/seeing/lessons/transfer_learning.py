"""What chapter 8 alone needs: a linear probe on two splits, photographs of another source, and
recorded runs in its figures.

A linear probe is logistic regression on what a frozen network says: how good it is says how good
the features are. Every photograph is looked at twice, as it is and mirrored; the probe learns from
both and answers with the mean of both.

Explained in chapter 8, *A Flower Classifier*.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from matplotlib import pyplot as plt
from PIL import Image
from sklearn import linear_model

from seeing.figures import style
from seeing.models import backbones, heads
from seeing.photos import pipeline, reading, splits
from seeing.record import chapter
from seeing.record import metric as metrics

# A size to which a web site might bring all its photographs, whatever their shape: width, height.
ANOTHER_SIZE = (499, 665)

# The kinds of flowers that two collections share: Oxford Flowers-102's name of each, and the name
# of the folder among the five kinds. Its "siam tulip" is no tulip.
SHARED_KINDS = {
    "oxeye daisy": "daisy",
    "common dandelion": "dandelion",
    "rose": "roses",
    "sunflower": "sunflowers",
}

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


def write_stretched(
    paths: Sequence[pathlib.Path | str],
    folder: pathlib.Path,
    size: tuple[int, int] = ANOTHER_SIZE,
) -> list[pathlib.Path]:
    """Write each photograph once more, pulled to one size, whatever its shape was.

    Args:
        paths: image files.
        folder: an existing folder for the new files, JPEG of high quality.
        size: width and height, in pixels.

    Returns:
        The new files' paths, in the order of ``paths``.

    Raises:
        reading.UnreadableImage: naming the first file that cannot be used.
    """
    written = []
    for number, path in enumerate(paths):
        image = Image.fromarray(reading.read_image(path))
        written.append(folder / f"{number:05d}.jpg")
        image.resize(size, Image.Resampling.BILINEAR).save(written[-1], quality=95)
    return written


def of_shared_kinds(
    elsewhere: splits.SplitPhotographs, class_names: Sequence[str], limit: int | None = None
) -> tuple[list[pathlib.Path], np.ndarray]:
    """Photographs of another collection that show kinds which both have (``SHARED_KINDS``).

    Args:
        elsewhere: the other collection, Oxford Flowers-102.
        class_names: this collection's names.
        limit: the largest number of each kind.

    Returns:
        The files' paths, kind by kind, and their labels: indices into ``class_names``.

    Raises:
        ValueError: when a kind has no name in one of the two.
    """
    lacking = {*SHARED_KINDS} - {*elsewhere.class_names}
    lacking |= {*SHARED_KINDS.values()} - {*class_names}
    if lacking:
        raise ValueError(f"no class is called {', '.join(sorted(lacking))}")
    paths: list[pathlib.Path] = []
    labels: list[int] = []
    for there, here in SHARED_KINDS.items():
        found = np.flatnonzero(elsewhere.y == elsewhere.class_names.index(there))[:limit]
        paths += [elsewhere.paths[i] for i in found]
        labels += [list(class_names).index(here)] * len(found)
    return paths, np.array(labels)


def history_to_draw(
    sample: chapter.Sample, name: str, histories: Sequence[Mapping[str, Sequence[float]]]
) -> tuple[dict[str, list[float]], str]:
    """Keep training histories as a series, and return the recorded one where there is one.

    Args:
        sample: what the runs were measured on.
        name: the series' name in the results file: one line a quantity, such as ``val_accuracy``,
            one value a seed at each epoch.
        histories: this run's, one a seed, all with the same quantities and number of epochs.

    Returns:
        The recorded history as its mean over the seeds, or else this run's of the first seed; and
        a title for a figure, which says whose it is.
    """
    lines = {
        quantity: list(zip(*(history[quantity] for history in histories), strict=True))
        for quantity in histories[0]
    }
    epochs = range(1, len(next(iter(lines.values()))) + 1)
    sample.add_series(name, epochs, lines, unit=metrics.RATIO)
    series = sample.chapter.series(name)
    if series is None:
        first = {quantity: list(values) for quantity, values in histories[0].items()}
        return first, "this run, first seed"
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
    beside = 0.07  # of the distance between two places, so that no mark hides another
    for (way, line), marker in zip(recorded.items(), style.MARKERS, strict=False):
        marks = [
            (place + beside, own.mean)
            for place, (known, own) in enumerate(zip(line, here[way], strict=True))
            if own is not None and own.values != known.values
        ]
        if marks:
            look = {"color": FAINT, "markerfacecolor": "none", "markersize": 5}
            axis.plot(*zip(*marks, strict=True), marker, label=label, **look)
            label = None  # a second entry would say the same
    handles, labels = axis.get_legend_handles_labels()
    entries = sorted(zip(handles, labels, strict=True), key=lambda entry: entry[1] == "this run")
    axis.legend(*zip(*entries, strict=True), loc="lower right")
