"""Features of photographs: computed once for each content, and kept on disk.

What a frozen network says about a photograph does not change while it is labeled. So it is asked
once, and training a new head takes seconds. A photograph is known by the hash of its file: moved,
renamed or listed twice, it is the same; changed, it is another.

Each entry is a file of its own with a checksum. An entry that was half written, or damaged later,
does not count and is made anew.

Explained on the page *The Studio*.
"""

import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seeing.app import keras_settings
from seeing.datasets import sources
from seeing.photos import reading
from seeing.studio import files, jobs

if TYPE_CHECKING:
    import keras

FORMAT = 1  # counted up when entries are written, or photographs read, in another way
DIGEST = re.compile(r"[0-9a-f]{64}")
BATCH_SIZE = 32
IMAGE_SIZE = 224
RESNET50_FEATURES = 2048

NOT_FINITE = "the network's answer to it is not a finite number; save it again as JPEG"
CHANGED = "changed since it was listed; list the folder again"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How features are made. Those of another recipe are other features, and kept apart.

    Attributes:
        name: says which network with which weights; another one has another name.
        image_size: width and height in pixels that photographs are reduced to.
        look: what of a photograph the network sees.
        feature_count: numbers that describe a photograph, d.
        build: makes the network: RGB images (n, size, size, 3), 0 to 255, to features (n, d).
            Called only where a photograph's features are missing, for it may take seconds.
    """

    name: str
    image_size: int
    look: reading.Look
    feature_count: int
    build: Callable[[], "keras.Model"] = dataclasses.field(compare=False)

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that two recipes share only when their features are the same."""
        said = [FORMAT, self.name, self.image_size, self.look, self.feature_count]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def of_resnet50(image_size: int = IMAGE_SIZE, look: reading.Look = "center") -> Recipe:
    """The recipe of the studio: ResNet50's 2,048 features, as ImageNet made them.

    Args:
        image_size: width and height in pixels that photographs are reduced to; 32 or more.
        look: ``"center"``, the middle square; or ``"whole"``, for photographs whose edges count,
            such as scans. On flowers, which it squeezes out of shape, that is a point less exact.
    """
    return Recipe("ResNet50, ImageNet", image_size, look, RESNET50_FEATURES, _build_resnet50)


def _build_resnet50() -> "keras.Model":
    # Keras takes seconds to import, and features that are kept are read without it.
    keras_settings.require_usable()
    from seeing.models import backbones, resnet50

    return backbones.from_pixels(
        resnet50.build(include_top=False, input_shape=(None, None, 3), pooling="avg")
    )


def digest(path: pathlib.Path | str) -> str:
    """What a photograph is known by: SHA-256 of its file, 64 hexadecimal digits.

    Raises:
        reading.UnreadableImage: when the file cannot be opened.
    """
    path = pathlib.Path(path)
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise reading.UnreadableImage(path, "does not exist, or is no ordinary file")
        return sources.sha256(path)
    except OSError as error:
        reason = (error.strerror or "cannot be opened").lower()
        raise reading.UnreadableImage(path, reason) from error


@dataclasses.dataclass(frozen=True)
class Added:
    """What :meth:`Kept.add` did with each photograph; the three add up to all of them.

    Attributes:
        kept: photographs whose features were there already.
        computed: photographs whose features were computed now.
        refused: why the others have none, by their digest.
    """

    kept: int
    computed: int
    refused: Mapping[str, str]


class Kept:
    """Features on disk, of photographs known by the hash of their content."""

    def __init__(self, folder: pathlib.Path | str, recipe: Recipe):
        """Say where; nothing is read or written yet.

        Args:
            folder: where features are kept; made when the first are.
            recipe: how they are made.
        """
        self.recipe = recipe
        self._folder = pathlib.Path(folder) / recipe.fingerprint

    def rows(self, digests: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The features of photographs, as far as they are kept.

        Args:
            digests: n photographs, as :func:`digest` names them.

        Returns:
            float32, shape (n, d), a row of NaN for each photograph without features; and bool,
            shape (n,), which ones have some.

        Raises:
            ValueError: when one is no digest.
        """
        X = np.full((len(digests), self.recipe.feature_count), np.nan, dtype=np.float32)
        there = np.zeros(len(digests), dtype=bool)
        for i, name in enumerate(digests):
            row = self._read(name)
            if row is not None:
                X[i], there[i] = row, True
        return X, there

    def add(
        self, photographs: Mapping[str, pathlib.Path | str], *, job: jobs.Job | None = None
    ) -> Added:
        """Compute and keep the features of those photographs that have none yet.

        When this is canceled or killed, what is there stays, and the next call goes on from there.

        Args:
            photographs: image files by their digests.
            job: hears of the progress, photograph by photograph, and may cancel between batches.

        Raises:
            jobs.Canceled: when the job was canceled.
            files.Busy: when another program or job is computing into the same folder.
            ValueError: when one is no digest, or the network is none for this recipe.
            MemoryError: when memory runs out.
            OSError: when the features cannot be written, as on a full disk.
        """
        job = job or jobs.Job()
        if not self._lacking(photographs):
            job.step("features", len(photographs), len(photographs))
            return Added(kept=len(photographs), computed=0, refused={})
        with files.only_writer(self._folder):
            lacking = self._lacking(photographs)  # another program may have been faster
            kept = len(photographs) - len(lacking)
            job.step("loading the network", kept, len(photographs))
            network = self._built()
            refused: dict[str, str] = {}
            for start in range(0, len(lacking), BATCH_SIZE):
                job.step("features", kept + start, len(photographs))
                batch = {name: photographs[name] for name in lacking[start : start + BATCH_SIZE]}
                refused |= self._compute(network, batch)
            job.step("features", len(photographs), len(photographs))
        return Added(kept=kept, computed=len(lacking) - len(refused), refused=refused)

    def _lacking(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._read(name) is None]

    def _built(self) -> "keras.Model":
        network, recipe = self.recipe.build(), self.recipe
        size = recipe.image_size
        gives = tuple(network.compute_output_shape((1, size, size, 3)))
        if gives != (1, recipe.feature_count):
            raise ValueError(
                f"{network.name} gives {gives} for an image of {size} pixels; expected "
                f"{(1, recipe.feature_count)}, as the recipe {recipe.name!r} says"
            )
        return network

    def _compute(
        self, network: "keras.Model", batch: Mapping[str, pathlib.Path | str]
    ) -> dict[str, str]:
        """Keep the features of a batch; why some have none, by their digest."""
        # Decoding lets go of the interpreter's lock, so threads share the work.
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            found = list(pool.map(self._square, batch.keys(), batch.values()))
        squares = {
            name: square
            for name, square in zip(batch, found, strict=True)
            if isinstance(square, np.ndarray)
        }
        refused = {
            name: reason
            for name, reason in zip(batch, found, strict=True)
            if isinstance(reason, str)
        }
        if not squares:
            return refused
        rows = _answers(network, np.stack(list(squares.values())))
        for name, row in zip(squares, rows, strict=True):
            if np.isfinite(row).all():
                self._write(name, row)
            else:
                refused[name] = NOT_FINITE
        return refused

    def _square(self, name: str, path: pathlib.Path | str) -> np.ndarray | str:
        """What the network sees of a photograph; or why it cannot be seen."""
        recipe = self.recipe
        try:
            square = reading.read_square(path, recipe.image_size, look=recipe.look)
            # Hashed after it was read: features never get the name of another content, unless
            # the file was changed and changed back meanwhile.
            return square if digest(path) == name else CHANGED
        except reading.UnreadableImage as error:
            return error.reason

    def _place(self, name: str) -> pathlib.Path:
        if not DIGEST.fullmatch(name):
            raise ValueError(f"{name!r} is no digest; expected 64 hexadecimal digits of SHA-256")
        return self._folder / name[:2] / name[2:]

    def _read(self, name: str) -> np.ndarray | None:
        """An entry's features; None where it is missing, cut short, damaged or another one's."""
        try:
            content = self._place(name).read_bytes()
        except OSError:
            return None
        numbers = content[: -hashlib.sha256().digest_size]
        if content != self._entry(name, numbers):
            return None
        row = np.frombuffer(numbers, dtype="<f4")
        return row if len(row) == self.recipe.feature_count else None

    def _write(self, name: str, row: np.ndarray) -> None:
        place = self._place(name)
        place.parent.mkdir(exist_ok=True)
        # What a power cut takes is found by its checksum and computed again: no need to wait.
        files.write(place, self._entry(name, row.astype("<f4").tobytes()), durable=False)

    def _entry(self, name: str, numbers: bytes) -> bytes:
        """A file's content: the numbers, and a checksum of them and of whose they are."""
        whose = f"{self.recipe.fingerprint} {name} ".encode()
        return numbers + hashlib.sha256(whose + numbers).digest()


def _answers(network: "keras.Model", squares: np.ndarray) -> np.ndarray:
    """What a network says about some images, float32 (n, d)."""
    from seeing.models import backbones

    # The last batch is filled up: another size would compile the network a second time.
    padding = [(0, BATCH_SIZE - len(squares)), (0, 0), (0, 0), (0, 0)]
    with backbones.memory_errors(f"looking at {len(squares)} photographs"):
        answers = network.predict_on_batch(np.pad(squares, padding).astype(np.float32))
    return np.asarray(answers)[: len(squares)]
