"""Any folder of labeled images, one subfolder a class: listed, read, split and fed to a model.

::

    my_flowers/
        daisy/      a.jpg  b.jpg  holiday/c.png
        rosé wild/  d.jpg

Nothing is dropped in silence: a file that cannot be used is listed with the reason. One function,
:func:`read_image`, reads an image for training, for testing and for a prediction alike, so that
the model never sees the same photograph in two ways.

Explained in chapter 8, *A Flower Classifier*.
"""

import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
import unicodedata
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageOps

from seeing.datasets import sources

if TYPE_CHECKING:
    import tensorflow as tf

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)

MIN_SIDE = 8
MAX_PIXELS = 80_000_000  # 240 MB once decoded; the usual phone takes 12 to 50 million
MAX_ELONGATION = 20  # longer side : shorter side; a panorama has 8 at most

SPLITS = ("training", "validation", "test")

Crop = Literal["center", "random"]


class UnreadableImage(ValueError):
    """A file is no image that can be used. The message names the file and says why.

    Attributes:
        path: the file.
        reason: why it cannot be used, in one line.
    """

    def __init__(self, path: pathlib.Path | str, reason: str):
        self.path = pathlib.Path(path)
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class NotAnImageFolder(ValueError):
    """A folder does not hold two or more class folders with images. The message says why."""


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file or folder that was left out, and why."""

    path: pathlib.Path
    reason: str


@dataclasses.dataclass(frozen=True)
class ImageFolder:
    """A folder's images, their labels, and what was left out.

    Attributes:
        root: the folder.
        class_names: names of the class folders that hold images, sorted; accents composed (NFC).
        paths: the images, sorted by class and then by path.
        y: int64, shape (n,), indices into ``class_names``.
        skipped: files and folders that were left out, with reasons.
    """

    root: pathlib.Path
    class_names: tuple[str, ...]
    paths: tuple[pathlib.Path, ...]
    y: np.ndarray
    skipped: tuple[Skipped, ...]

    def summary(self) -> str:
        """A few lines for a reader: images per class, and each thing left out, with its reason."""
        counts = np.bincount(self.y, minlength=len(self.class_names))
        lines = [f"{len(self.paths):,} images in {len(self.class_names)} classes:"]
        lines += [
            f"  {count:6,} {name}" for name, count in zip(self.class_names, counts, strict=True)
        ]
        if self.skipped:
            lines.append(f"{len(self.skipped)} left out:")
            lines += [f"  {skipped.path}: {skipped.reason}" for skipped in self.skipped]
        return "\n".join(lines)


def scan(root: pathlib.Path | str, *, decode: bool = True) -> ImageFolder:
    """List a folder's images and labels; say what cannot be used, and why.

    The class is the first folder below ``root``; images in folders further down belong to it too.

    Args:
        root: a folder with one subfolder a class.
        decode: whether to decode every image, which finds the damaged ones (about 1,000
            small photographs a second). False only where a hash has already vouched for the files.

    Returns:
        The images that can be used, and the list of what was left out.

    Raises:
        NotAnImageFolder: when ``root`` is no folder, or fewer than two classes hold images.
    """
    root = pathlib.Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise NotAnImageFolder(f"{root} {what}; expected a folder with one subfolder a class")
    candidates, skipped = _candidates(root)
    if decode:
        candidates, damaged = _readable(candidates)
        skipped += damaged
    class_names = tuple(sorted({name for name, _ in candidates}))
    skipped += _empty_classes(root, class_names)
    if len(class_names) < 2:
        raise NotAnImageFolder(_too_few_classes(root, class_names, skipped))
    candidates.sort(key=lambda candidate: (candidate[0], str(candidate[1])))
    return ImageFolder(
        root=root,
        class_names=class_names,
        paths=tuple(path for _, path in candidates),
        y=np.array([class_names.index(name) for name, _ in candidates], dtype=np.int64),
        skipped=tuple(sorted(skipped, key=lambda item: str(item.path))),
    )


def _candidates(root: pathlib.Path) -> tuple[list[tuple[str, pathlib.Path]], list[Skipped]]:
    """(class name, path) of each file that looks like an image by its name, and the others."""
    candidates: list[tuple[str, pathlib.Path]] = []
    skipped: list[Skipped] = []
    for folder, subfolders, names in os.walk(root):
        subfolders.sort()
        for name in sorted(names):
            path = pathlib.Path(folder) / name
            inner = path.relative_to(root).parts
            reason = _why_not(inner)
            if reason is None:
                candidates.append((_class_name(inner[0]), path))
            else:
                skipped.append(Skipped(path=path, reason=reason))
    return candidates, skipped


def _why_not(parts: tuple[str, ...]) -> str | None:
    """Why a file, given as its path's parts below the root, is no candidate; None if it is."""
    suffix = pathlib.PurePath(parts[-1]).suffix.lower()
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return "hidden file of the operating system"
    if len(parts) == 1:
        return "lies in no class folder"
    if suffix in {".heic", ".heif"}:
        return "HEIC photographs cannot be read; export it as JPEG"
    if suffix not in SUFFIXES:
        return f"its name does not end like an image's ({suffix or 'no ending'})"
    return None


def _class_name(folder: str) -> str:
    # macOS stores "é" as two characters, Linux and Windows as one: the same name either way.
    return unicodedata.normalize("NFC", folder)


def _readable(
    candidates: list[tuple[str, pathlib.Path]],
) -> tuple[list[tuple[str, pathlib.Path]], list[Skipped]]:
    def problem(candidate: tuple[str, pathlib.Path]) -> str | None:
        try:
            read_image(candidate[1])
        except UnreadableImage as error:
            return error.reason
        return None

    # Decoding lets go of the interpreter's lock, so threads share the work.
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        problems = list(pool.map(problem, candidates))
    judged = list(zip(candidates, problems, strict=True))
    good = [candidate for candidate, reason in judged if reason is None]
    bad = [Skipped(path=path, reason=reason) for (_, path), reason in judged if reason is not None]
    return good, bad


def _empty_classes(root: pathlib.Path, class_names: Collection[str]) -> list[Skipped]:
    return [
        Skipped(path=folder, reason="class folder without an image that can be read")
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        and not folder.name.startswith(".")
        and folder.name != "__MACOSX"
        and _class_name(folder.name) not in class_names
    ]


def _too_few_classes(
    root: pathlib.Path, class_names: Sequence[str], skipped: Sequence[Skipped]
) -> str:
    found = f"only one class with images, {class_names[0]!r}" if class_names else "no class"
    lines = [
        f"{root} holds {found}; a classifier needs two or more. Expected one subfolder a class, "
        f"such as {root.name}/daisy/one.jpg and {root.name}/rose/two.jpg."
    ]
    if skipped:
        lines.append(f"{len(skipped)} left out:")
        lines += [f"  {item.path}: {item.reason}" for item in skipped[:10]]
        lines += ["  ..."] if len(skipped) > 10 else []
    return "\n".join(lines)


def read_image(path: pathlib.Path | str, *, shorter_side: int | None = None) -> np.ndarray:
    """Read an image file as RGB pixels, upright.

    - Turned as its EXIF orientation says.
    - Gray, palette and CMYK become RGB (without color management: profiles are ignored).
    - 16-bit gray is scaled to 8 bits.
    - Transparent parts are laid on white.
    - Of an animation, the first frame.

    Args:
        path: a JPEG, PNG, GIF, BMP, WebP, TIFF or PNM file.
        shorter_side: resize to this many pixels on the shorter side, the aspect ratio kept
            (bilinear, antialiased). Default: the image's own size.

    Returns:
        uint8, shape (height, width, 3), 0 to 255.

    Raises:
        UnreadableImage: when the file is missing, empty, damaged, no image, smaller than 8 pixels
            on a side, larger than 80 million pixels, or more than 20 times as long as wide.
    """
    image = _opened(path, shorter_side)
    return np.array(image if shorter_side is None else _resized(image, shorter_side))


def _opened(path: pathlib.Path | str, shorter_side: int | None) -> Image.Image:
    """The image, upright and RGB; a JPEG may already be reduced, but not below what is needed."""
    try:
        return _open(pathlib.Path(path), shorter_side)
    except UnreadableImage:
        raise
    except FileNotFoundError as error:
        raise UnreadableImage(path, "does not exist") from error
    except (IsADirectoryError, PermissionError) as error:
        raise UnreadableImage(path, (error.strerror or "cannot be opened").lower()) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage(path, f"too large: more than {MAX_PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
        raise UnreadableImage(path, _unidentified(pathlib.Path(path))) from error
    except MemoryError as error:
        raise UnreadableImage(path, "too large for this machine's memory") from error
    # Pillow's decoders meet damaged files with nearly every kind of exception.
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImage(path, f"damaged: {text}") from error


def _open(path: pathlib.Path, shorter_side: int | None) -> Image.Image:
    with Image.open(path) as image:
        width, height = image.size
        _require_usable_size(path, width, height)
        if shorter_side is not None:
            # A JPEG far larger than needed is decoded at 1/2, 1/4 or 1/8 of its size.
            scale = 2 * shorter_side / min(width, height)
            image.draft("RGB", (int(width * scale), int(height * scale)))
        return _as_rgb(_upright(image), path)


def _require_usable_size(path: pathlib.Path, width: int, height: int) -> None:
    size = f"{width}×{height} pixels"
    if min(width, height) < MIN_SIDE:
        raise UnreadableImage(path, f"too small: {size}, expected {MIN_SIDE} on a side or more")
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            path, f"too large: {size}, expected at most {MAX_PIXELS:,} in all; reduce it first"
        )
    if max(width, height) > MAX_ELONGATION * min(width, height):
        raise UnreadableImage(
            path, f"too long and narrow: {size}, expected {MAX_ELONGATION}:1 at most"
        )


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    # Damaged EXIF says nothing about the pixels: show them unturned, as image viewers do.
    except Exception:
        return image


def _as_rgb(image: Image.Image, path: pathlib.Path) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise UnreadableImage(path, "32-bit gray values; convert it to 8 or 16 bits")
        eight_bits = ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        return Image.fromarray(eight_bits).convert("RGB")
    if image.mode == "F":
        raise UnreadableImage(path, "floating-point gray values; convert it to 8 or 16 bits")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(paper, opaque).convert("RGB")
    return image.convert("RGB")


def _resized(image: Image.Image, shorter_side: int) -> Image.Image:
    width, height = image.size
    scale = shorter_side / min(width, height)
    size = (max(shorter_side, round(width * scale)), max(shorter_side, round(height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR)


def _unidentified(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        return "empty: 0 bytes"
    return f"no image that can be read: it starts with {start!r}"


def read_square(
    path: pathlib.Path | str, image_size: int, *, shorter_side: int | None = None
) -> np.ndarray:
    """Read the middle square of an image, as :func:`dataset` does with ``crop="center"``.

    Args:
        path: an image file.
        image_size: width and height of the result, in pixels.
        shorter_side: length of the shorter side before the crop; default ``image_size``.

    Returns:
        uint8, shape (image_size, image_size, 3).

    Raises:
        UnreadableImage: as :func:`read_image` does.
        ValueError: when ``shorter_side`` is less than ``image_size``.
    """
    shorter_side = shorter_side or image_size
    if shorter_side < image_size:
        raise ValueError(f"shorter_side is {shorter_side}, less than image_size {image_size}")
    image = _opened(path, shorter_side)
    # Cut and resize in one step: pixels outside the square are never computed.
    side = min(image.size) * image_size / shorter_side
    left, top = (image.width - side) / 2, (image.height - side) / 2
    square = image.resize(
        (image_size, image_size),
        Image.Resampling.BILINEAR,
        box=(left, top, left + side, top + side),
    )
    return np.array(square)


def read_squares(paths: Sequence[pathlib.Path | str], size: int) -> np.ndarray:
    """The middle squares of several images, as :func:`read_square` gives them.

    Args:
        paths: image files, n of them.
        size: width and height of each square, in pixels.

    Returns:
        uint8, shape (n, size, size, 3).

    Raises:
        UnreadableImage: naming the first file that cannot be used.
    """
    squares = [read_square(path, size) for path in paths]
    return np.stack(squares) if squares else np.zeros((0, size, size, 3), dtype=np.uint8)


def split_of(file_name: str) -> str:
    """The part of the data that a photograph belongs to, by a hash of its file's name.

    ``int(sha256(file name), 16) % 100``: below 20 test, 20 to 29 validation, the rest training.
    The same photograph lands in the same part on every machine, in any order, and however many
    other photographs are added or missing.

    Args:
        file_name: the name without its folder, for example ``"100080576_f52e8ee070_n.jpg"``.

    Returns:
        ``"training"``, ``"validation"`` or ``"test"``.
    """
    name = unicodedata.normalize("NFC", file_name)
    bucket = int(hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest(), 16) % 100
    return "test" if bucket < 20 else "validation" if bucket < 30 else "training"


def split(paths: Sequence[pathlib.Path], groups: Sequence[Sequence[int]] = ()) -> np.ndarray:
    """The part that each photograph belongs to; a group of near-duplicates stays in one part.

    A group goes where its smallest file name would go by :func:`split_of`.

    Args:
        paths: the photographs.
        groups: indices of photographs that belong together.

    Returns:
        str, shape (n,): ``"training"``, ``"validation"`` or ``"test"``.
    """
    names = [path.name for path in paths]
    for group in groups:
        smallest = min(names[i] for i in group)
        for i in group:
            names[i] = smallest
    return np.array([split_of(name) for name in names], dtype=f"<U{max(map(len, SPLITS))}")


def part(
    paths: Sequence[pathlib.Path], y: np.ndarray, split: np.ndarray, name: str
) -> tuple[list[pathlib.Path], np.ndarray]:
    """The paths and labels of one part of the data.

    Args:
        paths: image files.
        y: their labels, shape (n,).
        split: the part that each belongs to, shape (n,), as :func:`split` returns it.
        name: ``"training"``, ``"validation"`` or ``"test"``.

    Raises:
        ValueError: when there is no part of that name.
    """
    if name not in SPLITS:
        raise ValueError(f"no part is called {name!r}; expected one of {', '.join(SPLITS)}")
    chosen = np.flatnonzero(split == name)
    return [paths[i] for i in chosen], y[chosen]


def some_of_each(y: np.ndarray, per_class: int, *, seed: int = 0) -> np.ndarray:
    """Draw as many images of each class.

    Args:
        y: integer labels, shape (n,).
        per_class: how many of each class; of a smaller class, all.
        seed: of the draw; with the same seed, a larger draw holds the smaller one.

    Returns:
        int64 indices, class by class.

    Raises:
        ValueError: when ``per_class`` is less than 1.
    """
    if per_class < 1:
        raise ValueError(f"per_class is {per_class}; expected 1 or more")
    order = np.random.default_rng(seed).permutation(len(y))
    return np.concatenate([order[y[order] == k][:per_class] for k in np.unique(y)])


def images_of_each(
    X: np.ndarray, y: np.ndarray, per_class: int, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw as many images of each class: the images and labels that :func:`some_of_each` names.

    Args:
        X: images, shape (n, ...).
        y: integer labels, shape (n,).
        per_class: as for :func:`some_of_each`.
        seed: as for :func:`some_of_each`.

    Returns:
        Copies of the images and of their labels, class by class.

    Raises:
        ValueError: when ``per_class`` is less than 1.
    """
    chosen = some_of_each(y, per_class, seed=seed)
    return X[chosen], y[chosen]


@dataclasses.dataclass(frozen=True)
class SplitPhotographs:
    """Labeled photographs on disk, and the part of the data each one belongs to.

    Attributes:
        class_names: K names; a label is an index into them.
        paths: the image files.
        y: int64, shape (n,), the labels.
        split: str, shape (n,): ``"training"``, ``"validation"`` or ``"test"``.
        edition: which of the data's editions this is, for example ``"original"``.
        record: the data's name, source and hash; says whether it is a stand-in.
    """

    class_names: tuple[str, ...]
    paths: tuple[pathlib.Path, ...]
    y: np.ndarray
    split: np.ndarray
    edition: str
    record: sources.DataRecord

    def part(self, name: str, *, limit: int | None = None) -> tuple[list[pathlib.Path], np.ndarray]:
        """The image files and the labels of one part.

        Args:
            name: ``"training"``, ``"validation"`` or ``"test"``.
            limit: take only so many, drawn at random and always the same ones; None takes all.

        Returns:
            Paths, and int64 labels of shape (number of paths,).

        Raises:
            ValueError: when there is no part of that name, or the limit is less than 1.
        """
        paths, y = part(self.paths, self.y, self.split, name)
        if limit is None:
            return paths, y
        if limit < 1:
            raise ValueError(f"limit is {limit}; expected 1 or more, or None for all")
        drawn = np.sort(np.random.default_rng(0).permutation(len(paths))[:limit])
        return [paths[i] for i in drawn], y[drawn]

    def counts(self) -> tuple[list[str], list[list[str]]]:
        """How many photographs of each class are in each part: a table's header and rows."""
        rows = [
            [name, *(f"{np.sum(self.y[self.split == part] == k):,}" for part in SPLITS)]
            for k, name in enumerate(self.class_names)
        ]
        return ["class", *SPLITS], rows


def dataset(
    paths: Sequence[pathlib.Path | str],
    y: Sequence[int] | np.ndarray,
    *,
    image_size: int,
    batch_size: int = 32,
    crop: Crop = "center",
    shorter_side: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    cache: bool = True,
) -> "tf.data.Dataset":
    """Feed image files to a model: read, resize, crop, batch; the next batch while one trains.

    The first pass decodes the files on all cores and keeps the resized pixels in memory (uint8:
    ``image_size**2 * 3`` bytes an image, and about 1.7 times that with random crops); later
    passes only crop and batch.

    Args:
        paths: image files.
        y: their labels, integers.
        image_size: width and height of the images in a batch, in pixels.
        batch_size: images a batch; the last batch may hold fewer.
        crop: ``"center"``, or ``"random"``: another place in every pass, for training.
        shorter_side: length of an image's shorter side before the crop, in pixels. Default:
            ``image_size`` for center crops, 8/7 of it for random ones.
        shuffle: whether to deal the images in another order in every pass.
        seed: decides the order and the random crops.
        cache: whether to keep the resized pixels in memory.

    Returns:
        ``tf.data.Dataset`` of (float32 (batch, image_size, image_size, 3), 0 to 255; int64
        (batch,)). Preprocessing belongs to the model.

    Raises:
        ValueError: when there are no images, or not as many labels, or ``shorter_side`` is less
            than ``image_size``. A file that cannot be read stops the iteration with a message
            that names it; :func:`scan` finds such files beforehand.
    """
    # TensorFlow takes seconds to import, and reading an image does not need it.
    import tensorflow as tf

    shorter_side = _shorter_side(paths, y, image_size, crop, shorter_side)

    def read(path: "tf.Tensor", label: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        def pixels(name: bytes) -> np.ndarray:
            path = os.fsdecode(name)
            if crop == "center":
                return read_square(path, image_size, shorter_side=shorter_side)
            return read_image(path, shorter_side=shorter_side)

        image = tf.numpy_function(pixels, [path], tf.uint8, stateful=False)
        image.set_shape((image_size, image_size, 3) if crop == "center" else (None, None, 3))
        return image, label

    def random_crop(
        seeds: "tf.Tensor", pair: tuple["tf.Tensor", "tf.Tensor"]
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        image, label = pair
        return tf.image.stateless_random_crop(image, (image_size, image_size, 3), seeds), label

    def to_float(images: "tf.Tensor", labels: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        return tf.cast(images, tf.float32), labels

    names = [os.fsencode(path) for path in paths]
    images = tf.data.Dataset.from_tensor_slices((names, np.asarray(y, dtype=np.int64)))
    images = images.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    if cache:
        images = images.cache()
    if shuffle:
        images = images.shuffle(len(names), seed=seed, reshuffle_each_iteration=True)
    if crop == "random":
        seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        images = tf.data.Dataset.zip(seeds, images).map(
            random_crop, num_parallel_calls=tf.data.AUTOTUNE
        )
    images = images.batch(batch_size).map(to_float, num_parallel_calls=tf.data.AUTOTUNE)
    return images.prefetch(tf.data.AUTOTUNE)


def _shorter_side(
    paths: Sequence, y: Sequence | np.ndarray, image_size: int, crop: Crop, given: int | None
) -> int:
    if len(paths) == 0 or len(paths) != len(y):
        raise ValueError(f"{len(paths)} images and {len(y)} labels; expected as many, at least 1")
    if crop not in ("center", "random"):
        raise ValueError(f"crop is {crop!r}; expected 'center' or 'random'")
    shorter_side = given or (image_size if crop == "center" else round(image_size * 8 / 7))
    if shorter_side < image_size:
        raise ValueError(f"shorter_side is {shorter_side}, less than image_size {image_size}")
    return shorter_side
