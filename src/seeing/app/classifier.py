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
import unicodedata
from collections.abc import Callable, Iterable, Sequence

import keras
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from seeing.app import described, held_out, keras_settings, report, stored
from seeing.datasets import sources
from seeing.figures import lettering, pictures
from seeing.models import backbones, fine_tuning, heads, resnet50
from seeing.photos import folders, near_duplicates, reading, splits

ROOM = 110_000_000  # bytes on disk: ResNet50's weights take 94 million, the last blocks' no more
MAX_SEED = 2**31 - 1  # what all libraries' generators take

IMAGE_SIZE = 256
CROP = 7 / 8  # of the image size: random crops show less, so that flowers look larger in them
BATCH_SIZE = 32
FEW = 128  # to ask so few photographs takes less time than to compile the network first
VIEWS = 6
# What a new classifier learns from and looks at. Middle squares alone teach it that flowers are
# round, and photographs from another source may be stretched.
LOOKS: tuple[reading.Look, ...] = ("center", "whole")
# Of the head's regularization, scikit-learn's C: the candidates, and the one without validation.
STRENGTHS, USUAL_STRENGTH = (0.001, 0.01, 0.1), 0.01

UNKNOWN = "not known: no photograph in it"


class CannotTrain(ValueError):
    """A folder or an option does not allow training. The message says why, and what to do."""


class SavedElsewhere(OSError):
    """A classifier could not be written to its place. The message says why, and where it is now."""


@dataclasses.dataclass(frozen=True)
class PhotoClassifier:
    """A network and the names of its classes, which belong together.

    Attributes:
        network: RGB images (n, size, size, 3), 0 to 255, to probabilities (n, K).
        class_names: K names; output k of the network is the probability of ``class_names[k]``.
        looks: what it looks at of each photograph: the middle square, or all of it, squeezed into
            a square. Its answer is the mean of the answers to each.
        on_held_out: what it says of photographs that it was not trained on, if that is known.
    """

    network: keras.Model
    class_names: tuple[str, ...]
    looks: tuple[reading.Look, ...] = ("center",)
    on_held_out: held_out.HeldOut | None = dataclasses.field(default=None, compare=False)

    @property
    def image_size(self) -> int:
        """Width and height of the images that the network sees, in pixels."""
        return self.network.inputs[0].shape[1]

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
        return self._answers(self.network, paths)

    def answers_and_features(
        self, paths: Sequence[pathlib.Path | str]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """How probable each class is for each photograph, and what the network sees in it.

        Args:
            paths: image files, 1 or more.

        Returns:
            float32, shape (number of paths, K), as :meth:`probabilities`; and float32, shape
            (number of paths, d), the features, each the mean over all looks. None instead, where
            :func:`seeing.app.described.with_features` finds none.

        Raises:
            reading.UnreadableImage: naming the first file that cannot be used.
        """
        network, count = described.with_features(self.network), len(self.class_names)
        if network is None:
            return self._answers(self.network, paths), None
        rows = self._answers(network, paths)
        return rows[:, :count], rows[:, count:]

    def _answers(self, network: keras.Model, paths: Sequence[pathlib.Path | str]) -> np.ndarray:
        """What a network says about each photograph: the mean over all looks."""
        answers = [self._of_look(network, paths, look) for look in self.looks]
        return np.mean(answers, axis=0, dtype=np.float32)

    def _of_look(
        self, network: keras.Model, paths: Sequence[pathlib.Path | str], look: reading.Look
    ) -> np.ndarray:
        """What a network says about one look at each photograph."""
        batches = (
            (reading.read_squares(paths[i : i + BATCH_SIZE], self.image_size, look=look), None)
            for i in range(0, len(paths), BATCH_SIZE)
        )
        if len(paths) <= FEW:
            return np.concatenate([backbones.look(network, images) for images, _ in batches])
        label = "photographs" if len(self.looks) == 1 else f"photographs, {look}"
        return backbones.activations(network, batches, len(paths), dtype="float32", label=label)

    def top(self, path: pathlib.Path | str, k: int = 5) -> list[tuple[str, float]]:
        """The k most probable classes of a photograph, ``(name, probability)``, best first."""
        return self.best(self.probabilities([path])[0], k)

    def best(self, row: np.ndarray, k: int) -> list[tuple[str, float]]:
        """The k most probable classes, best first, given a photograph's probabilities (K,)."""
        return [(self.class_names[i], float(row[i])) for i in np.argsort(-row, kind="stable")[:k]]

    def show(self, path: pathlib.Path | str, k: int = 5) -> plt.Figure:
        """Draw the photograph with its most probable class as title, and the top k as bars.

        The whole photograph is drawn, whatever the network looks at of it.
        """
        return self.draw(path, self.probabilities([path])[0], k)

    def draw(self, path: pathlib.Path | str, row: np.ndarray, k: int) -> plt.Figure:
        """What :meth:`show` draws, given the photograph's probabilities, shape (K,)."""
        picture = reading.read_image(path, shorter_side=self.image_size)
        with mpl.rc_context({"font.family": lettering.families()}):
            axes = pictures.top_k_bars(row, self.class_names, k=k, image=picture)
        return axes[0].figure

    def save(self, folder: pathlib.Path | str) -> None:
        """Write the network and its class names into a new folder, both or neither.

        What it says of held-out photographs goes with them, if that is known.

        What has been trained is not lost: a network that is on disk already stays there when the
        rest fails, and one that cannot be written beside ``folder`` goes to the system's folder
        for temporary files.

        Raises:
            ValueError: when a class name is no text.
            FileExistsError: when there is something of that name already.
            OSError: when nothing can be written at all; see :func:`require_place`.
            SavedElsewhere: when something fails while it is written.
        """
        folder = pathlib.Path(folder)
        _require_text(self.class_names)
        require_place(folder)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial = self._write_network(folder.parent)
        except Exception as error:  # as in `rescue`
            raise SavedElsewhere(
                f"{folder} could not be written ({_reason(error)}). {self.rescue()}"
            ) from error
        try:
            self._write_names(partial)
            partial.rename(folder)
        except OSError as error:
            raise SavedElsewhere(
                f"{folder} could not be completed ({_reason(error)}). {self._kept(partial)}"
            ) from error

    def _write_network(self, parent: pathlib.Path) -> pathlib.Path:
        """Write the network into a new folder within another one; the new folder, or no trace."""
        # Its name does not depend on the wanted one, which may be as long as a name can be.
        partial = pathlib.Path(tempfile.mkdtemp(prefix=".classifier-", dir=parent))
        try:
            self.network.save(partial / stored.NETWORK_FILE)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return partial

    def _write_names(self, folder: pathlib.Path) -> None:
        digest = sources.sha256(folder / stored.NETWORK_FILE)
        description = {
            "class_names": self.class_names,
            "looks": self.looks,
            "network_sha256": digest,
        }
        if self.on_held_out is not None:
            held_out.write(folder, self.on_held_out, digest)
        text = json.dumps(description, ensure_ascii=False, indent=1)
        (folder / stored.CLASSES_FILE).write_text(text + "\n", encoding="utf-8")
        folder.chmod(0o755)

    def rescue(self, *parents: pathlib.Path) -> str:
        """Write into a new folder, wherever that can be done; a sentence that says where it is.

        Args:
            parents: folders to try first, before the system's folder for temporary files.
        """
        failures = []
        for parent in (*parents, pathlib.Path(tempfile.gettempdir())):
            try:
                folder = self._write_network(parent)
            # A full disk meets zip, HDF5 and Keras, and each has an error of its own.
            except Exception as error:
                failures.append(f"{parent} ({_reason(error)})")
                continue
            try:
                self._write_names(folder)
            except OSError:
                return self._kept(folder)  # with the names, which the folder lacks
            return f"The classifier is kept in {folder}: move it"
        return f"Nor could it be written to {' or '.join(failures)}: it is lost"

    def _kept(self, folder: pathlib.Path) -> str:
        names = ", ".join(self.class_names)
        place = folder / stored.NETWORK_FILE
        return f"The trained network is kept: {place}; its outputs are {names}"


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


def require_place(folder: pathlib.Path, room: int = 0, what: str = "a classifier") -> None:
    """Find out whether a new folder can be made and filled: before hours of training, not after.

    Args:
        folder: the folder to be.
        room: bytes that it will hold.
        what: what it will hold.

    Raises:
        FileExistsError: when there is something of that name already; nothing is written over.
        OSError: when it cannot be made, nothing can be written there, or the disk is too full.
    """
    if os.path.lexists(folder):
        what = "exists already" if folder.exists() else "is a link that leads nowhere"
        raise FileExistsError(f"{folder} {what}; choose another name, or remove it first")
    parent, missing = folder.parent, [folder.name]
    while not os.path.lexists(parent):
        missing.append(parent.name)
        parent = parent.parent
    if not parent.is_dir():
        what = "is a file" if parent.exists() else "is a link that leads nowhere"
        raise NotADirectoryError(f"{parent} {what}: {folder} cannot be made; choose another place")
    for name in missing:
        try:
            (parent / name).lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OSError(
                f"{folder} cannot be made ({_reason(error)}); choose another name"
            ) from error
    try:
        with tempfile.TemporaryDirectory(prefix=".classifier-", dir=parent):
            free = shutil.disk_usage(parent).free
    except OSError as error:
        raise PermissionError(
            f"{parent} cannot be written to ({_reason(error)}); choose another place"
        ) from error
    if free < room:
        raise OSError(
            f"{parent} has {free / 1e6:.0f} MB left, {what} takes up to {room / 1e6:.0f} MB; "
            "choose another place, or make room"
        )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _require_text(class_names: Iterable[str]) -> None:
    """Refuse names that no UTF-8 file or no line can hold: a folder's name may be any bytes."""
    for name in class_names:
        if any(unicodedata.category(character) == "Cc" for character in name):
            raise CannotTrain(
                f"the class name {name!a} holds a control character, such as a new line, which "
                "would break every list of names; rename the folder"
            )
        try:
            name.encode("utf-8")
        except UnicodeEncodeError as error:
            raise CannotTrain(
                f"the class name {name!a} is no text in UTF-8, so that it cannot be "
                "saved; rename the folder"
            ) from error


def load(folder: pathlib.Path | str) -> PhotoClassifier:
    """Read what :meth:`PhotoClassifier.save` wrote, or a network of the reader's own, like it.

    Args:
        folder: holds ``network.keras``, RGB squares (n, size, size, 3) to probabilities (n, K);
            and ``classes.json``, such as ``{"class_names": ["daisy", "rose"]}``. Where that file
            has a ``network_sha256``, the network has to be the one of that hash; where it has no
            ``looks``, the network looks at the middle square.

    Raises:
        stored.NotAClassifier: when a file is missing or damaged, the network is of another kind, or
            the names or the looks do not belong to it.
        MemoryError: when memory runs out.
        keras_settings.UnusableSettings: when Keras is set up in another way than usual.
    """
    keras_settings.require_usable()
    folder = pathlib.Path(folder)
    description = stored.describe(folder)
    network = _read_network(folder / stored.NETWORK_FILE, description.network_sha256)
    if network.outputs[0].shape[-1] != len(description.class_names):
        raise stored.NotAClassifier(
            f"{folder}: the network has {network.outputs[0].shape[-1]} outputs, "
            f"{stored.CLASSES_FILE} {len(description.class_names)} names; they do not belong "
            "together"
        )
    return PhotoClassifier(network, description.class_names, description.looks)


def _read_network(path: pathlib.Path, digest: str | None) -> keras.Model:
    """The network in a file, if it is whole, the one that is expected, and names photographs."""
    if digest is not None and sources.sha256(path) != digest:
        raise stored.NotAClassifier(
            f"{path} is not the network that {stored.CLASSES_FILE} was saved with: it is damaged, "
            "or was replaced. Copy both files again; for a network of your own, write a "
            f"{stored.CLASSES_FILE} that has no network_sha256"
        )
    try:
        with backbones.memory_errors(f"reading {path}"):
            network = keras.saving.load_model(path, compile=False)
    except MemoryError:
        raise
    # A damaged archive fails in as many ways as zip, HDF5 and JSON have.
    except Exception as error:
        raise stored.NotAClassifier(
            f"{path} cannot be read: {stored.shortened(str(error))}"
        ) from error
    _require_photographs_to_probabilities(network, path)
    return network


def _require_photographs_to_probabilities(network: keras.Model, path: pathlib.Path) -> None:
    # A network of a reader's own class may not say what it takes and gives.
    takes, gives = (
        [tuple(numbers.shape) for numbers in getattr(network, name, None) or []]
        for name in ("inputs", "outputs")
    )
    if [len(shape) for shape in takes] == [4] and [len(shape) for shape in gives] == [2]:
        _, height, width, channels = takes[0]
        if channels == 3 and height is not None and height == width and gives[0][1] is not None:
            return
    raise stored.NotAClassifier(
        f"{path} is a network for something else: it takes {_listed(takes)} and gives "
        f"{_listed(gives)}; expected one input (None, size, size, 3), square RGB images, and one "
        "output (None, K), the probabilities of K classes"
    )


def _listed(shapes: Sequence[tuple]) -> str:
    return " and ".join(map(str, shapes)) or "what it does not say"


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
    keep: Callable[[PhotoClassifier], None] | None = None,
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
        keep: gets each classifier as soon as it is trained, before it is measured, and the best
            so far once more after that. If the rest fails or is stopped, the last one that it got
            is what there is.

    Returns:
        The classifier and its record.

    Raises:
        folders.NotAnImageFolder: when fewer than two classes hold photographs.
        sources.DataUnavailable: when ResNet50's weights cannot be had.
        CannotTrain: when a class has no photograph in the training part, its name cannot be saved,
            or an option is out of its range.
        reading.UnreadableImage: when a photograph that could be read before no longer can.
        MemoryError: when the features or fine-tuning would need more memory than is free.
        keras_settings.UnusableSettings: when Keras is set up in another way than usual.
    """
    keras_settings.require_usable()
    if image_size < 32:
        raise CannotTrain(f"the image size is {image_size} pixels; expected 32 or more")
    if fine_tuning_epochs < 0:
        raise CannotTrain(f"{fine_tuning_epochs} epochs of fine-tuning; expected 0 or more")
    if not 0 <= seed <= MAX_SEED:
        raise CannotTrain(f"the seed is {seed}; expected 0 to {MAX_SEED:,}")
    start = time.perf_counter()
    folder = folders.scan(root)
    _require_text(folder.class_names)
    say(folder.summary())
    found = near_duplicates.find(folder.looks)
    split = folder.given_split
    if split is None:
        split = splits.stratified_split(folder.names, folder.y, found.groups)
    say(report.before_training(folder, found, split))
    _require_every_class(folder, split)
    keras.utils.set_random_seed(seed)
    backbone = resnet50.build(include_top=False, input_shape=(None, None, 3), weights=weights)
    frozen = _frozen(backbone, folder, split, image_size)
    ways: dict[str, Callable[[], list[keras.Model]]] = {"frozen": lambda: frozen}
    if fine_tuning_epochs:
        ways["fine-tuned"] = lambda: _fine_tuned(
            backbone, frozen[-1], folder, split, image_size, fine_tuning_epochs, seed
        )
    best, validation, validation_accuracy = None, None, math.nan
    for name, parts in ways.items():
        network = fine_tuning.classifier(parts(), image_size)
        classifier = PhotoClassifier(network, folder.class_names, LOOKS)
        if keep is not None:
            keep(classifier)
        seen = _seen(classifier, folder, split, "validation")
        accuracy = _accuracy(seen)
        # Written so that the last one is kept where there is no validation part.
        if best is None or not accuracy < validation_accuracy:
            best, validation, validation_accuracy = classifier, seen, accuracy
        if keep is not None:
            keep(best)
        if not math.isnan(accuracy):
            say(f"{name}: validation accuracy {accuracy:.1%}")
    seconds = time.perf_counter() - start
    test = _seen(best, folder, split, "test")
    kept = [part.said for part in (validation, test) if part is not None]
    return Training(
        classifier=dataclasses.replace(best, on_held_out=held_out.joined(kept)),
        folder=folder,
        counts={name: int(np.sum(split == name)) for name in splits.SPLITS},
        near_duplicates=len(found.pairs),
        validation_accuracy=validation_accuracy,
        test_scores=_test_scores(test, len(folder.class_names)),
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
    backbone: keras.Model,
    folder: folders.ImageFolder,
    split: np.ndarray,
    image_size: int,
) -> list[keras.Model]:
    """A head for the frozen network: the parts from pixels to logits.

    Its regularization is the one that does best on the validation part.
    """
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    extractor = backbones.from_pixels(keras.Model(backbone.input, pooled))

    def features(part: str, look: reading.Look) -> tuple[np.ndarray, np.ndarray]:
        paths, y = splits.part(folder.paths, folder.y, split, part)
        if part == "training":
            # Each photograph once, in turn the middle and all of it: as good as both, in half the
            # time. They are sorted by class, so that each class is seen in both ways.
            chosen = slice(LOOKS.index(look), None, len(LOOKS))
            paths, y = paths[chosen], y[chosen]
        label = f"features, {part}, {look}"
        options = {"image_size": image_size, "crop": look, "label": label}
        return backbones.of_photographs(extractor, paths, **options), y

    def in_both_ways(part: str) -> tuple[np.ndarray, np.ndarray]:
        X, y = zip(*(features(part, look) for look in LOOKS), strict=True)
        return np.concatenate(X), np.concatenate(y)

    X, y = in_both_ways("training")
    n_classes = len(folder.class_names)
    candidates = {C: heads.solve_head(X, y, n_classes=n_classes, C=C) for C in STRENGTHS}
    X, y = in_both_ways("validation")
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
        extractor,
        paths,
        count=min(VIEWS, epochs),
        image_size=crop,
        crop="stretched",
        seed=seed,
    )
    options = {"n_classes": len(folder.class_names), "epochs": epochs, "seed": seed}
    network, _ = fine_tuning.fine_tune(upper, head, views, y, **options)
    return [extractor, network]


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What a classifier says of one part's photographs, and their labels."""

    said: held_out.HeldOut
    y: np.ndarray


def _seen(
    classifier: PhotoClassifier, folder: folders.ImageFolder, split: np.ndarray, name: str
) -> _Seen | None:
    """What a classifier says of a part; None where the part is empty."""
    paths, y = splits.part(folder.paths, folder.y, split, name)
    if not paths:
        return None
    probabilities, features = classifier.answers_and_features(paths)
    return _Seen(held_out.HeldOut(features, probabilities), y)


def _accuracy(seen: _Seen | None) -> float:
    return math.nan if seen is None else float(np.mean(_predicted(seen) == seen.y))


def _test_scores(seen: _Seen | None, n_classes: int) -> report.Scores | None:
    return None if seen is None else report.scores(seen.y, _predicted(seen), n_classes)


def _predicted(seen: _Seen) -> np.ndarray:
    return seen.said.probabilities.argmax(axis=1)
