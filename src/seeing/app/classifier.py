"""Train a classifier on a folder of photographs, keep it, and ask it about new ones.

The steps are chapter 8's: ResNet50's features, a new head, and if wanted the last blocks trained
too. ``python -m seeing`` offers the same from the command line.

Explained in chapter 8, *A Flower Classifier*.
"""

import dataclasses
import json
import math
import os
import pathlib
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np
from matplotlib import pyplot as plt

from seeing.app import report
from seeing.figures import pictures
from seeing.models import backbones, fine_tuning, heads, resnet50
from seeing.photos import folders, near_duplicates, reading, splits

NETWORK_FILE = "network.keras"
CLASSES_FILE = "classes.json"

IMAGE_SIZE = 256
CROP = 7 / 8  # of the image size: random crops show less, so that flowers look larger in them
BATCH_SIZE = 32
FEW = 128  # to ask so few photographs takes less time than to compile the network first
VIEWS = 6
# Of the head's regularization, scikit-learn's C: the candidates, and the one without validation.
STRENGTHS, USUAL_STRENGTH = (0.001, 0.01, 0.1), 0.01

UNKNOWN = "not known: no photograph in it"


class CannotTrain(ValueError):
    """A folder or an option does not allow training. The message says why, and what to do."""


class NotAClassifier(ValueError):
    """A folder does not hold a classifier that can be read. The message says why."""


@dataclasses.dataclass(frozen=True)
class PhotoClassifier:
    """A network and the names of its classes, which belong together.

    Attributes:
        network: RGB images (n, size, size, 3), 0 to 255, to probabilities (n, K).
        class_names: K names; output k of the network is the probability of ``class_names[k]``.
    """

    network: keras.Model
    class_names: tuple[str, ...]

    @property
    def image_size(self) -> int:
        """Width and height of the images that the network sees, in pixels."""
        return self.network.input.shape[1]

    def probabilities(self, paths: Sequence[pathlib.Path | str]) -> np.ndarray:
        """How probable each class is for each photograph.

        Args:
            paths: image files.

        Returns:
            float32, shape (number of paths, K); each row's sum is 1.

        Raises:
            reading.UnreadableImage: naming the first file that cannot be used.
        """
        if not paths:
            return np.zeros((0, len(self.class_names)), dtype=np.float32)
        batches = (
            (reading.read_squares(paths[start : start + BATCH_SIZE], self.image_size), None)
            for start in range(0, len(paths), BATCH_SIZE)
        )
        if len(paths) <= FEW:
            return np.concatenate([backbones.look(self.network, images) for images, _ in batches])
        return backbones.activations(
            self.network, batches, len(paths), dtype="float32", label="photographs"
        )

    def top(self, path: pathlib.Path | str, k: int = 5) -> list[tuple[str, float]]:
        """The k most probable classes of a photograph, ``(name, probability)``, best first."""
        return self.best(self.probabilities([path])[0], k)

    def best(self, row: np.ndarray, k: int) -> list[tuple[str, float]]:
        """The k most probable classes, best first, given a photograph's probabilities (K,)."""
        return [(self.class_names[i], float(row[i])) for i in np.argsort(-row, kind="stable")[:k]]

    def show(self, path: pathlib.Path | str, k: int = 5) -> plt.Figure:
        """Draw the photograph with its most probable class as title, and the top k as bars.

        The whole photograph is drawn; the network sees its middle square.
        """
        return self.draw(path, self.probabilities([path])[0], k)

    def draw(self, path: pathlib.Path | str, row: np.ndarray, k: int) -> plt.Figure:
        """What :meth:`show` draws, given the photograph's probabilities, shape (K,)."""
        picture = reading.read_image(path, shorter_side=self.image_size)
        axes = pictures.top_k_bars(row, self.class_names, k=k, image=picture)
        return axes[0].figure

    def save(self, folder: pathlib.Path | str) -> None:
        """Write the network and its class names into a new folder, both or neither.

        Raises:
            FileExistsError: when there is something of that name already.
        """
        folder = pathlib.Path(folder)
        require_new(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            self.network.save(partial / NETWORK_FILE)
            names = json.dumps({"class_names": self.class_names}, ensure_ascii=False, indent=1)
            (partial / CLASSES_FILE).write_text(names + "\n", encoding="utf-8")
            partial.chmod(0o755)
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


@dataclasses.dataclass(frozen=True)
class Measured:
    """A classifier, and how it did on photographs that it has not met.

    Attributes:
        classifier: the classifier.
        probabilities: float32, shape (n, K), its answers.
        accuracy: share of photographs whose most probable class is their label.
        seconds: from the files to the answers.
    """

    classifier: PhotoClassifier
    probabilities: np.ndarray
    accuracy: float
    seconds: float

    def surest_mistakes(self, y: np.ndarray, count: int) -> list[int]:
        """The photographs, by index, that it got most confidently wrong; the surest first.

        Args:
            y: integer labels, shape (n,).
            count: how many at most.
        """
        wrong = np.flatnonzero(self.probabilities.argmax(axis=1) != y)
        confidence = self.probabilities[wrong].max(axis=1)
        return [int(i) for i in wrong[np.argsort(-confidence, kind="stable")][:count]]


def measure(
    classifier: PhotoClassifier, paths: Sequence[pathlib.Path | str], y: np.ndarray
) -> Measured:
    """Ask a classifier about labeled photographs.

    Args:
        classifier: the classifier.
        paths: n image files, n at least 1.
        y: integer labels, shape (n,).

    Raises:
        ValueError: when there is no photograph, or there are not as many labels.
        reading.UnreadableImage: naming the first file that cannot be used.
    """
    if not paths or len(paths) != len(y):
        raise ValueError(f"{len(paths)} photographs, {len(y)} labels; expected as many, at least 1")
    start = time.perf_counter()
    probabilities = classifier.probabilities(paths)
    seconds = time.perf_counter() - start
    accuracy = float(np.mean(probabilities.argmax(axis=1) == y))
    return Measured(classifier, probabilities, accuracy, seconds)


def require_new(folder: pathlib.Path) -> None:
    """Refuse to write over anything.

    Raises:
        FileExistsError: when there is something of that name already.
        PermissionError: when nothing can be written beside it.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; choose another name, or remove it first")
    if folder.parent.exists() and not os.access(folder.parent, os.W_OK):
        raise PermissionError(f"{folder.parent} cannot be written to; choose another place")


def load(folder: pathlib.Path | str) -> PhotoClassifier:
    """Read what :meth:`PhotoClassifier.save` wrote.

    Raises:
        NotAClassifier: when a file is missing or damaged, or the names do not fit the network.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise NotAClassifier(f"{folder} {what}; expected a folder that `train` wrote")
    for name in (NETWORK_FILE, CLASSES_FILE):
        if not (folder / name).is_file():
            raise NotAClassifier(
                f"{folder} holds no {name}; expected a folder that `python -m seeing train` wrote"
            )
    try:
        stored = json.loads((folder / CLASSES_FILE).read_text(encoding="utf-8"))
        class_names = tuple(_strings(stored["class_names"]))
        network = keras.saving.load_model(folder / NETWORK_FILE, compile=False)
    # A damaged archive fails in as many ways as zip, HDF5 and JSON have.
    except Exception as error:
        raise NotAClassifier(f"{folder} cannot be read: {error}") from error
    if network.output.shape[-1] != len(class_names):
        raise NotAClassifier(
            f"{folder}: the network has {network.output.shape[-1]} outputs, {CLASSES_FILE} "
            f"{len(class_names)} names; they do not belong together"
        )
    return PhotoClassifier(network, class_names)


def _strings(found: object) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"class_names is {found!r}; expected a list of names")
    return found


@dataclasses.dataclass(frozen=True)
class Training:
    """What :func:`train` made, and how well it does.

    Attributes:
        classifier: the trained classifier.
        folder: the photographs that were used, and what was left out.
        counts: photographs in each part: ``"training"``, ``"validation"``, ``"test"``.
        near_duplicates: pairs of photographs that show nearly the same picture, kept in one part.
        validation_accuracy: NaN where no photograph is in that part.
        test_scores: the test part was used for these alone; None where it is empty.
        seconds: from the first photograph to the trained network.
    """

    classifier: PhotoClassifier
    folder: folders.ImageFolder
    counts: dict[str, int]
    near_duplicates: int
    validation_accuracy: float
    test_scores: report.Scores | None
    seconds: float

    @property
    def test_accuracy(self) -> float:
        """Share of the test photographs that were named rightly; NaN where there are none."""
        return self.test_scores.accuracy if self.test_scores else math.nan

    def summary(self) -> str:
        """What was found, what was left out, and how good the classifier is."""
        return f"{self.folder.summary()}\n{self.scores()}"

    def scores(self) -> str:
        """How many photographs each part held, and how good the classifier is."""
        parts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        lines = [f"split: {parts}"]
        if self.near_duplicates:
            lines.append(f"{self.near_duplicates:,} pairs of near-duplicates")
        validated = not math.isnan(self.validation_accuracy)
        said = f"{self.validation_accuracy:.1%}" if validated else UNKNOWN
        lines.append(f"validation accuracy: {said}")
        if self.test_scores is None:
            lines.append(f"test accuracy: {UNKNOWN}")
        else:
            lines.append(report.after_testing(self.test_scores, self.classifier.class_names))
        lines.append(f"trained in {self.seconds:.0f} s")
        return "\n".join(lines)


def train(
    root: pathlib.Path | str,
    *,
    image_size: int = IMAGE_SIZE,
    fine_tuning_epochs: int = 0,
    seed: int = 0,
    weights: resnet50.Weights | None = None,
    say: Callable[[str], None] = print,
) -> Training:
    """Train a classifier on a folder that holds one subfolder of photographs a class.

    A folder that is split already is used as it is. Otherwise the photographs are split by their
    classes' and files' names (:func:`seeing.photos.splits.stratified_split`), and near-duplicates
    stay in one part. The test part is opened once, at the end. Of the frozen and the fine-tuned
    network, the one that does better on the validation part is kept.

    Args:
        root: the folder.
        image_size: width and height in pixels that photographs are reduced to; 32 or more.
        fine_tuning_epochs: passes over the photographs, to train ResNet50's last five blocks too;
            0 leaves the network as ImageNet made it.
        seed: of all random numbers.
        weights: ResNet50's; loaded if not given.
        say: gets what was found, how it is split and what the split lacks, and how each network
            does on the validation part.

    Returns:
        The classifier and its record.

    Raises:
        folders.NotAnImageFolder: when fewer than two classes hold photographs.
        sources.DataUnavailable: when ResNet50's weights cannot be had.
        CannotTrain: when a class has no photograph in the training part, or an option is out of
            its range.
        MemoryError: when fine-tuning would need more memory than is free.
    """
    if image_size < 32:
        raise CannotTrain(f"the image size is {image_size} pixels; expected 32 or more")
    if fine_tuning_epochs < 0:
        raise CannotTrain(f"{fine_tuning_epochs} epochs of fine-tuning; expected 0 or more")
    start = time.perf_counter()
    folder = folders.scan(root)
    say(folder.summary())
    found = near_duplicates.find(folder.looks)
    split = folder.given_split
    if split is None:
        split = splits.stratified_split(folder.names, folder.y, found.groups)
    say(report.before_training(folder, found, split))
    _require_every_class(folder, split)
    keras.utils.set_random_seed(seed)
    backbone = resnet50.build(include_top=False, input_shape=(None, None, 3), weights=weights)
    candidates = {"frozen": _frozen(backbone, folder, split, image_size)}
    if fine_tuning_epochs:
        head = candidates["frozen"][-1]
        candidates["fine-tuned"] = _fine_tuned(
            backbone, head, folder, split, image_size, fine_tuning_epochs, seed
        )
    best, validation_accuracy = None, math.nan
    for name, parts in candidates.items():
        classifier = PhotoClassifier(fine_tuning.classifier(parts, image_size), folder.class_names)
        accuracy = _accuracy(classifier, folder, split, "validation")
        if not math.isnan(accuracy):
            say(f"{name}: validation accuracy {accuracy:.1%}")
        # Written so that the last one is kept where there is no validation part.
        if best is None or not accuracy < validation_accuracy:
            best, validation_accuracy = classifier, accuracy
    seconds = time.perf_counter() - start
    return Training(
        classifier=best,
        folder=folder,
        counts={name: int(np.sum(split == name)) for name in splits.SPLITS},
        near_duplicates=len(found.pairs),
        validation_accuracy=validation_accuracy,
        test_scores=_test_scores(best, folder, split),
        seconds=seconds,
    )


def _require_every_class(folder: folders.ImageFolder, split: np.ndarray) -> None:
    lacking = report.classes_without(folder, split, "training")
    if lacking:
        raise CannotTrain(
            f"{len(lacking)} of {len(folder.class_names)} classes have no photograph in the "
            f"training part: {', '.join(lacking)}; add photographs of them (twenty are a start), "
            "or take these folders away"
        )


def _frozen(
    backbone: keras.Model, folder: folders.ImageFolder, split: np.ndarray, image_size: int
) -> list[keras.Model]:
    """A head for the frozen network: the parts from pixels to logits.

    Its regularization is the one that does best on the validation part.
    """
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    extractor = backbones.from_pixels(keras.Model(backbone.input, pooled))

    def features(part: str) -> tuple[np.ndarray, np.ndarray]:
        paths, y = splits.part(folder.paths, folder.y, split, part)
        label = f"features, {part}"
        return backbones.of_photographs(extractor, paths, image_size=image_size, label=label), y

    X, y = features("training")
    n_classes = len(folder.class_names)
    candidates = {C: heads.solve_head(X, y, n_classes=n_classes, C=C) for C in STRENGTHS}
    X, y = features("validation")
    if not len(y):
        return [extractor, candidates[USUAL_STRENGTH]]
    best, _ = heads.choose_head(candidates, X, y)
    return [extractor, candidates[best]]


def _fine_tuned(
    backbone: keras.Model,
    head: keras.Model,
    folder: folders.ImageFolder,
    split: np.ndarray,
    image_size: int,
    epochs: int,
    seed: int,
) -> list[keras.Model]:
    """The network's last blocks and a copy of the head, trained: the parts from pixels to logits.

    The blocks' own weights change; the frozen candidate has to keep them, so a copy is trained.
    """
    paths, y = splits.part(folder.paths, folder.y, split, "training")
    lower, upper = backbones.cut(backbone, backbones.LAST_BLOCKS)
    extractor = backbones.from_pixels(lower)
    crop = max(32, round(CROP * image_size))
    views = backbones.random_views(
        extractor, paths, count=min(VIEWS, epochs), image_size=crop, seed=seed
    )
    options = {"n_classes": len(folder.class_names), "epochs": epochs, "seed": seed}
    network, _ = fine_tuning.fine_tune(upper, head, views, y, **options)
    return [extractor, network]


def _accuracy(
    classifier: PhotoClassifier, folder: folders.ImageFolder, split: np.ndarray, name: str
) -> float:
    paths, y = splits.part(folder.paths, folder.y, split, name)
    return measure(classifier, paths, y).accuracy if paths else math.nan


def _test_scores(
    classifier: PhotoClassifier, folder: folders.ImageFolder, split: np.ndarray
) -> report.Scores | None:
    paths, y = splits.part(folder.paths, folder.y, split, "test")
    if not paths:
        return None
    predicted = measure(classifier, paths, y).probabilities.argmax(axis=1)
    return report.scores(y, predicted, len(folder.class_names))
