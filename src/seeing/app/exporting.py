"""Write a trained classifier as files that other programs can run, and try each before it counts.

Each file takes the pixels of a photograph, of any size, and holds what has to be known about it:
the names of the classes, and what its input and its output are.

Explained on the page *The Command Line*.
"""

import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import io
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from seeing.app import any_size, classifier, stored
from seeing.models import backbones
from seeing.photos import reading

if TYPE_CHECKING:
    from ai_edge_litert import interpreter as litert

FILES = {
    "keras": "classifier.keras",
    "litert": "classifier.tflite",
    "onnx": "classifier.onnx",
    "litert-int8": "classifier_int8.tflite",
}
# What each needs besides the book's own requirements: modules of the extra `export`.
MODULES = {
    "keras": (),
    "litert": ("ai_edge_litert",),
    "onnx": ("onnx", "onnxruntime", "tf2onnx"),
    "litert-int8": ("ai_edge_litert", "ai_edge_quantizer"),
}
PACKAGES = ("keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime")
PACKAGES += ("ai-edge-litert", "ai-edge-quantizer")
REPORT_FILE = "report.json"
DESCRIPTION_FILE = "classes.json"  # within the zip archives that Keras's and LiteRT's files hold

TOLERANCE = 1e-4  # of a probability, between Keras and another program that runs the same numbers
SHARE = 0.3  # of the float file's size, what a file of 8-bit numbers may have: 1/4, and a little
# Of memory for one byte of weights, while tf2onnx folds constants: 9.6 GB for ResNet50's 94 MB.
ONNX_BYTES_A_BYTE = 100
MOST = 64  # photographs to calibrate on, and as many others to compare on
COMPARED = 8  # of the photographs, for float files, which differ by rounding alone
RUNS = 5  # whose median is the latency
DRAWN_SIZES = ((1.0, 1.0), (1.5, 1.0), (1.0, 2.0), (0.5, 0.75))  # in sides of the network's squares

Runner = Callable[[np.ndarray], np.ndarray]


class CannotExport(ValueError):
    """A classifier cannot be exported as was wished. The message says why, and what to do."""


@dataclasses.dataclass(frozen=True)
class File:
    """One exported file, and how it did.

    Attributes:
        format: its name among ``FILES``.
        name: of the file.
        bytes: its size.
        largest_difference: between its probabilities and Keras's, over all pictures compared.
        agreement: for a file of 8-bit numbers, on how many photographs its first answer is
            Keras's, and on how many they were compared: those it was calibrated on, and others.
        share: for a file of 8-bit numbers, its size in sizes of the float file; else None.
        milliseconds: median time that one picture takes.
    """

    format: str
    name: str
    bytes: int
    largest_difference: float
    agreement: dict[str, tuple[int, int]]
    share: float | None
    milliseconds: float


@dataclasses.dataclass(frozen=True)
class Exported:
    """What was written, and what was found out about it.

    Attributes:
        files: one for each format.
        compared: what the files were tried on, in words.
        timed: size of the picture that was timed, (height, width) in pixels.
        predict_difference: largest difference between the probabilities of the exported network,
            run by Keras, and those of ``predict``, which resizes by Pillow.
    """

    files: tuple[File, ...]
    compared: str
    timed: tuple[int, int]
    predict_difference: float

    def table(self) -> str:
        """Format, size, difference and latency of each file, and what is to be said of some."""
        lines = [f"{'format':12} {'MB':>7} {'off by':>8} {'ms':>7}  file"]
        for one in self.files:
            lines.append(
                f"{one.format:12} {one.bytes / 1e6:7.1f} {one.largest_difference:8.1e} "
                f"{one.milliseconds:7.1f}  {one.name}"
            )
        height, width = self.timed
        lines.append(f"off by: largest difference from Keras's probabilities, on {self.compared}")
        lines.append(f"ms: median of {RUNS} runs on a picture of {width}×{height} pixels")
        lines.append(f"resized in the file, not by Pillow: {self.predict_difference:.1e} at most")
        for one in self.files:
            lines += _said_of_int8(one)
        return "\n".join(lines)

    def as_json(self, description: dict[str, object]) -> str:
        """The report: all of this, what the files say about themselves, and who made them."""
        versions = {}
        for package in PACKAGES:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                versions[package] = importlib.metadata.version(package)
        report = {**dataclasses.asdict(self), "description": description, "versions": versions}
        return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _said_of_int8(one: File) -> list[str]:
    if one.share is None:
        return []
    agreement = ", ".join(
        f"{same} of {count} photographs {which}" for which, (same, count) in one.agreement.items()
    )
    lines = [f"{one.format}: {one.share:.1%} of the float file's size"]
    if one.share > SHARE:
        lines[0] += f", more than {SHARE:.0%}: the network is so small that other things weigh more"
    return [*lines, f"  its first answer is Keras's on {agreement}"]


@dataclasses.dataclass(frozen=True)
class _Pictures:
    """What the files are tried on: uint8, (1, height, width, 3) each.

    Attributes:
        calibration: what a file of 8-bit numbers is calibrated on.
        held: others.
        words: what they are.
    """

    calibration: list[np.ndarray]
    held: list[np.ndarray]
    words: str


def export(
    model: pathlib.Path | str,
    output: pathlib.Path | str,
    formats: Sequence[str] = ("keras", "litert", "onnx"),
    *,
    photographs: pathlib.Path | str | None = None,
    say: Callable[[str], None] = print,
) -> Exported:
    """Write a classifier in some formats, try each file, and write a report beside them.

    All is written into a folder beside the new one, which gets its name at the end: whatever
    fails, there is no half of an export.

    Args:
        model: a folder that ``python -m seeing train`` wrote.
        output: a new folder.
        formats: names among ``FILES``.
        photographs: a folder of photographs, at any depth, to calibrate files of 8-bit numbers on
            and to compare all files on. Float files are otherwise compared on drawn pictures.
        say: gets each photograph that cannot be used, with the reason, and which format is being
            written; of a large network one takes a minute.

    Raises:
        CannotExport: when a format is not known, a package for it is not installed, there are no
            photographs where they are needed, the network cannot be written in a format, or a file
            gives other probabilities than Keras.
        stored.NotAClassifier: when there is no classifier in ``model``.
        FileExistsError: when there is something of the name of ``output`` already.
        OSError: when nothing can be written there, or the disk is too full.
        MemoryError: when memory runs out, or ONNX would need more than is free.
    """
    model, output = pathlib.Path(model), pathlib.Path(output)
    formats = tuple(dict.fromkeys(formats))
    _require_formats(formats, photographs)
    network_file = model / stored.NETWORK_FILE
    size = network_file.stat().st_size if network_file.is_file() else 0
    classifier.require_place(output, size * (len(formats) + 2), "an export of it")
    if "onnx" in formats:
        backbones.require_memory(
            ONNX_BYTES_A_BYTE * size, "the steps to an ONNX file", "another format"
        )
    trained = classifier.load(model)
    pictures = _drawn(trained.image_size)
    if photographs is not None:
        pictures = _read(pathlib.Path(photographs), trained.image_size, say)
    network = any_size.from_photographs(trained.network, trained.looks)
    backbones.look(network, pictures.held[0])  # Keras exports only what has been run
    description = describe(trained)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=".export-", dir=output.parent))
    try:
        exported = _write_all(trained, network, formats, pictures, description, partial, say)
        (partial / REPORT_FILE).write_text(exported.as_json(description), encoding="utf-8")
        partial.chmod(0o755)
        partial.rename(output)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OSError(
            f"{output} could not be written ({error.strerror or error}); nothing is left of it"
        ) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return exported


def describe(trained: classifier.PhotoClassifier) -> dict[str, object]:
    """What each file says about itself: class names, input, output, and how it looks."""
    return {
        "class_names": list(trained.class_names),
        "input": "photograph: RGB, upright, uint8, 0 to 255, (1, height, width, 3), any size",
        "output": "the probability of each class, float32, (1, number of classes)",
        "looks": list(trained.looks),
        "image_size": trained.image_size,
    }


def described(path: pathlib.Path | str) -> dict[str, object]:
    """What an exported file says about itself; see :func:`describe`.

    It needs no package of this book: the four lines may be copied.

    Args:
        path: a ``.keras``, ``.tflite`` or ``.onnx`` file that was exported.
    """
    if pathlib.Path(path).suffix == ".onnx":
        import onnx

        properties = onnx.load(path, load_external_data=False).metadata_props
        return {one.key: _from_property(one.value) for one in properties}
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(DESCRIPTION_FILE))


def _from_property(text: str) -> object:
    """ONNX's properties are texts: what is none was written as JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _require_formats(formats: Sequence[str], photographs: pathlib.Path | str | None) -> None:
    """Refuse at once what cannot be exported."""
    unknown = [one for one in formats if one not in FILES]
    if unknown or not formats:
        what = f"there is no format {', '.join(map(repr, unknown))}" if unknown else "no format"
        raise CannotExport(f"{what}; expected one or more of {', '.join(FILES)}")
    needed = dict.fromkeys(module for one in formats for module in MODULES[one])
    missing = [module for module in needed if importlib.util.find_spec(module) is None]
    if missing:
        raise CannotExport(
            f"{', '.join(formats)} cannot be exported without {', '.join(missing)}; install the "
            "extra `export`: pip install '.[export]', in the book's folder"
        )
    if "litert-int8" in formats and photographs is None:
        raise CannotExport(
            "litert-int8 needs photographs to find out which numbers occur in the network: give a "
            "folder of some that it has to do with, --calibrate PHOTOGRAPHS, or leave it out"
        )
    if photographs is not None and not pathlib.Path(photographs).is_dir():
        what = "is a file" if pathlib.Path(photographs).exists() else "does not exist"
        raise CannotExport(f"{photographs} {what}; expected a folder of photographs")


# What the files are tried on.


def _read(folder: pathlib.Path, image_size: int, say: Callable[[str], None]) -> _Pictures:
    """Up to twice ``MOST`` photographs, evenly from all: every second to calibrate on."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in reading.SUFFIXES)
    chosen = np.linspace(0, len(paths) - 1, min(len(paths), 2 * MOST)).round().astype(int)
    pixels = []
    for path in (paths[i] for i in chosen):
        try:
            pixels.append(_pixels(path, image_size))
        except reading.UnreadableImage as error:
            say(f"left out: {error}")
    if len(pixels) < 2:
        raise CannotExport(
            f"{folder} holds {len(pixels)} photographs that can be read; expected 2 or more, "
            "better 100, half of them to calibrate on"
        )
    words = f"photographs of {folder.name}"
    return _Pictures(calibration=pixels[::2], held=pixels[1::2], words=words)


def _pixels(path: pathlib.Path, image_size: int) -> np.ndarray:
    """A photograph; a large one reduced, but not below twice what the network sees."""
    pixels = reading.read_image(path)
    if min(pixels.shape[:2]) > 2 * image_size:
        pixels = reading.read_image(path, shorter_side=2 * image_size)
    return pixels[np.newaxis]


def _drawn(image_size: int) -> _Pictures:
    """Blurred noise of several sizes, always the same."""
    random = np.random.default_rng(0)
    pixels = []
    for tall, wide in DRAWN_SIZES:
        height, width = (max(reading.MIN_SIDE, round(image_size * side)) for side in (tall, wide))
        coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        fine = random.integers(-20, 21, (height, width, 3))
        rows, columns = np.arange(height) * 8 // height, np.arange(width) * 8 // width
        drawn = np.clip(coarse[rows][:, columns] + fine, 0, 255).astype(np.uint8)
        pixels.append(drawn[np.newaxis])
    return _Pictures(calibration=[], held=pixels, words="drawn pictures")


# Writing.


def _write_all(
    trained: classifier.PhotoClassifier,
    network: keras.Model,
    formats: Sequence[str],
    pictures: _Pictures,
    description: dict[str, object],
    folder: pathlib.Path,
    say: Callable[[str], None],
) -> Exported:
    """Write each format into a folder, and try it."""
    compared = pictures.held[:COMPARED]
    wanted = _all_answers(lambda pixels: backbones.look(network, pixels), compared)
    by_pillow = np.concatenate([_predicted(trained, pixels) for pixels in compared])
    written = []
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch:
        for name in formats:
            say(f"writing {name} ...")
            path = folder / FILES[name]
            with _named(name):
                _write(name, network, pictures, path, pathlib.Path(scratch))
                _embed(path, description)
                run = _runner(name, path)
                found = _all_answers(run, compared)
            share, agreement = None, {}
            if name == "litert-int8":
                share = (
                    path.stat().st_size / (pathlib.Path(scratch) / FILES["litert"]).stat().st_size
                )
                agreement = _agreement(network, run, pictures)
            else:
                _require_equal(name, found, wanted)
            written.append(
                File(
                    format=name,
                    name=path.name,
                    bytes=path.stat().st_size,
                    largest_difference=float(np.abs(found - wanted).max()),
                    agreement=agreement,
                    share=share,
                    milliseconds=_milliseconds(run, compared[0]),
                )
            )
    return Exported(
        files=tuple(written),
        compared=f"{len(compared)} {pictures.words}",
        timed=compared[0].shape[1:3],
        predict_difference=float(np.abs(wanted - by_pillow).max()),
    )


def _write(
    name: str,
    network: keras.Model,
    pictures: _Pictures,
    path: pathlib.Path,
    scratch: pathlib.Path,
) -> None:
    """Write the network in one format; what is needed on the way goes into ``scratch``."""
    if name == "keras":
        network.save(path)
    elif name == "onnx":
        with _quietly():
            network.export(str(path), format="onnx", verbose=False)
    else:
        plain = scratch / FILES["litert"]
        if not plain.exists():
            plain.write_bytes(_litert(network, scratch / "saved"))
        if name == "litert":
            shutil.copyfile(plain, path)
        else:
            path.write_bytes(_quantized(plain, pictures.calibration))


def _litert(network: keras.Model, scratch: pathlib.Path) -> bytes:
    """A LiteRT file of the network.

    What Keras's own export to LiteRT does since version 3.13, but for one thing: that one lets
    TensorFlow's operations in, with which a program on a telephone has to bring TensorFlow along.
    """
    import tensorflow as tf

    with _quietly():
        network.export(str(scratch), format="tf_saved_model", verbose=False)
        return tf.lite.TFLiteConverter.from_saved_model(str(scratch)).convert()


def _quantized(plain: pathlib.Path, calibration: Sequence[np.ndarray]) -> bytes:
    """A LiteRT file whose convolutions and dense layers calculate with 8-bit numbers.

    They hold nearly all weights. The rest, such as where a photograph's pixels lie, stays as it is:
    there 8 bits would not do.
    """
    with _quietly():
        from ai_edge_quantizer import qtyping, quantizer

        operations = qtyping.TFLOperationName
        recipe = quantizer.Quantizer(str(plain))
        for one in (
            operations.CONV_2D,
            operations.DEPTHWISE_CONV_2D,
            operations.FULLY_CONNECTED,
        ):
            recipe.add_static_config(
                regex=".*", operation_name=one, activation_num_bits=8, weight_num_bits=8
            )
        samples = [{"photograph": pixels} for pixels in calibration]
        found = recipe.calibrate({"serving_default": samples})
        return bytes(recipe.quantize(found).quantized_model)


def _embed(path: pathlib.Path, description: dict[str, object]) -> None:
    """Put the description into a file: for ONNX its properties, else a member of a zip archive.

    A Keras file is such an archive. To a LiteRT file one is appended, where TensorFlow Lite's
    metadata has its associated files; programs that run it read from the other end.
    """
    if path.suffix == ".onnx":
        import onnx

        model = onnx.load(path)
        texts = {
            key: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
            for key, one in description.items()
        }
        onnx.helper.set_model_props(model, texts)
        onnx.save(model, path)
        return
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(DESCRIPTION_FILE, json.dumps(description, ensure_ascii=False, indent=1))


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which format it is that cannot be written or run."""
    try:
        with backbones.memory_errors(f"writing {name}"):
            yield
    except (OSError, MemoryError, CannotExport):
        raise
    # Each converter has its own kinds of errors for layers that it does not know.
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise CannotExport(
            f"the network cannot be written as {name}: {text or type(error).__name__}; leave that "
            "format out"
        ) from error


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep converters from printing; some do it from C++, past Python's streams."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        with (
            tempfile.TemporaryFile() as nowhere,
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            for number in kept:
                os.dup2(nowhere.fileno(), number)
            yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


# Trying.


def _runner(name: str, path: pathlib.Path) -> Runner:
    """How to run an exported file: a photograph (1, height, width, 3) to probabilities (1, K)."""
    if name == "keras":
        network = keras.saving.load_model(path, compile=False)
        return lambda pixels: backbones.look(network, pixels)
    if name == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        takes = session.get_inputs()[0].name
        return lambda pixels: session.run(None, {takes: pixels})[0]
    interpreter = _interpreter(path)

    def run(pixels: np.ndarray) -> np.ndarray:
        takes, gives = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        if tuple(takes["shape"]) != pixels.shape:
            interpreter.resize_tensor_input(takes["index"], pixels.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(takes["index"], pixels)
        interpreter.invoke()
        return interpreter.get_tensor(gives["index"])

    return run


def _interpreter(path: pathlib.Path) -> "litert.Interpreter":
    from ai_edge_litert import interpreter as litert

    with _quietly():
        made = litert.Interpreter(model_path=str(path))
        made.allocate_tensors()
    return made


def _all_answers(run: Runner, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Probabilities of several pictures, shape (n, K)."""
    return np.concatenate([run(pixels) for pixels in pictures])


def _predicted(trained: classifier.PhotoClassifier, pixels: np.ndarray) -> np.ndarray:
    """What ``predict`` says about a photograph, (1, height, width, 3): (1, K)."""
    cut = [reading.square_of(pixels[0], trained.image_size, look=look) for look in trained.looks]
    return backbones.look(trained.network, np.stack(cut)).mean(axis=0, keepdims=True)


def _require_equal(name: str, found: np.ndarray, wanted: np.ndarray) -> None:
    difference = np.abs(found - wanted).max()
    if not difference <= TOLERANCE:  # written so that NaN is refused too
        raise CannotExport(
            f"the {name} file gives other probabilities than Keras, by {difference:.1e}, expected "
            f"{TOLERANCE} at most; nothing was kept. Leave that format out"
        )


def _agreement(
    network: keras.Model, run: Runner, pictures: _Pictures
) -> dict[str, tuple[int, int]]:
    """On how many photographs a file's first answer is Keras's."""
    counts = {}
    for which, some in (
        ("calibrated on", pictures.calibration),
        ("not used", pictures.held[:MOST]),
    ):
        same = sum(
            int(run(pixels).argmax() == backbones.look(network, pixels).argmax()) for pixels in some
        )
        counts[which] = (same, len(some))
    return counts


def _milliseconds(run: Runner, pixels: np.ndarray) -> float:
    times = []
    for _ in range(RUNS + 1):  # the first prepares
        start = time.perf_counter()
        run(pixels)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])
