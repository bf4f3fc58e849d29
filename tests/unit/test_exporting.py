"""``python -m seeing export``: files that give Keras's answers without Keras, or none at all."""

import dataclasses
import importlib.util
import json
import shutil
import sys
import zipfile

import hypothesis
import keras
import numpy as np
import onnx
import onnxruntime
import psutil
import pytest
from ai_edge_litert import interpreter as litert
from hypothesis import strategies as st
from PIL import Image

from seeing import __main__ as command_line
from seeing.app import any_size, classifier, exporting
from seeing.models import backbones, fine_tuning, heads
from seeing.photos import reading

SIDE = 32
NAMES = ("blue sky", "rosé", "玫瑰")
FORMATS = ("keras", "litert", "onnx", "litert-int8")


def small(width: int = 8, names: tuple[str, ...] = NAMES) -> classifier.PhotoClassifier:
    """An untrained network, put together as ``train`` does, whose answers vary."""
    keras.utils.set_random_seed(0)
    ready = keras.Input((None, None, 3))
    numbers = keras.layers.Rescaling(1 / 64)(ready)
    for strides in (1, 2, 2):
        numbers = keras.layers.Conv2D(width, 3, strides=strides, activation="relu")(numbers)
    numbers = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(numbers))
    parts = [backbones.from_pixels(keras.Model(ready, numbers)), heads.head(width, len(names))]
    network = fine_tuning.classifier(parts, SIDE)
    return classifier.PhotoClassifier(network, names, looks=("center", "whole"))


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise on a slope of colors, uint8, (height, width, 3)."""
    random = np.random.default_rng(seed)
    slope = np.linspace(0, 200, width)[np.newaxis, :, np.newaxis] * random.uniform(0, 1, 3)
    return np.clip(slope + random.normal(30, 30, (height, width, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A saved classifier, ``model``, and ``photographs`` of several sizes, one not readable."""
    folder = tmp_path_factory.mktemp("exporting")
    small().save(folder / "model")
    (folder / "photographs" / "deep").mkdir(parents=True)
    for i in range(8):
        pixels = picture(40 + 9 * i, 90 - 5 * i, seed=i)
        Image.fromarray(pixels).save(folder / "photographs" / "deep" / f"{i}.png")
    (folder / "photographs" / "notes.jpg").write_text("not a picture")
    return folder


@pytest.fixture(scope="module")
def said():
    """What the export of the fixture below says."""
    return []


@pytest.fixture(scope="module")
def exported(folder, said):
    """All formats of it, in the folder ``files`` beside it."""
    return exporting.export(
        folder / "model",
        folder / "files",
        FORMATS,
        photographs=folder / "photographs",
        say=said.append,
    )


@pytest.fixture(scope="module")
def whole():
    """The network that is exported, run by Keras."""
    trained = small()
    return any_size.from_photographs(trained.network, trained.looks)


class TestAnySize:
    @hypothesis.settings(max_examples=30)
    @hypothesis.given(
        st.integers(8, 150), st.integers(8, 150), st.sampled_from(["center", "whole"])
    )
    def test_its_squares_are_pillows_to_one_step_of_rounding(self, height, width, look):
        pixels = picture(height, width)
        wanted = reading.square_of(pixels, SIDE, look=look)
        found = keras.ops.convert_to_numpy(
            any_size.squares(
                keras.ops.convert_to_tensor(pixels[np.newaxis].astype("float32")), SIDE, look
            )
        )
        assert found.shape == (1, SIDE, SIDE, 3)
        assert np.abs(found[0] - wanted).max() <= 1

    def test_where_nothing_lies_between_two_numbers_they_are_the_same(self):
        pixels = picture(61, 97)
        wanted = reading.square_of(pixels, SIDE)
        found = any_size.squares(
            keras.ops.convert_to_tensor(pixels[np.newaxis].astype("float32")), SIDE
        )
        assert np.mean(keras.ops.convert_to_numpy(found)[0] != wanted) < 0.005

    @pytest.mark.parametrize("looks", [("center",), ("whole",), ("center", "whole")])
    def test_its_answer_is_the_mean_of_predicts_looks(self, tmp_path, looks):
        trained = dataclasses.replace(small(), looks=looks)
        Image.fromarray(picture(70, 45)).save(tmp_path / "a.png")
        network = any_size.from_photographs(trained.network, looks)
        found = keras.ops.convert_to_numpy(network(picture(70, 45)[np.newaxis]))
        wanted = trained.probabilities([tmp_path / "a.png"])
        np.testing.assert_allclose(found, wanted, atol=1e-3)

    def test_several_photographs_of_one_size_are_kept_apart(self, whole):
        pixels = np.stack([picture(50, 40, seed) for seed in range(3)])
        one_by_one = np.concatenate([whole(pixels[i : i + 1]) for i in range(3)])
        np.testing.assert_allclose(whole(pixels), one_by_one, atol=1e-6)
        assert np.ptp(one_by_one, axis=0).max() > 1e-3


def run_onnx(path, pixels):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"photograph": pixels})[0]


def run_litert(path, pixels):
    ready = litert.Interpreter(model_path=str(path))
    ready.resize_tensor_input(ready.get_input_details()[0]["index"], pixels.shape)
    ready.allocate_tensors()
    ready.set_tensor(ready.get_input_details()[0]["index"], pixels)
    ready.invoke()
    return ready.get_tensor(ready.get_output_details()[0]["index"])


def run_keras(path, pixels):
    return keras.ops.convert_to_numpy(keras.saving.load_model(path, compile=False)(pixels))


RUN = {"keras": run_keras, "litert": run_litert, "onnx": run_onnx}


class TestFiles:
    @pytest.mark.parametrize("name", RUN)
    @pytest.mark.parametrize(("height", "width"), [(8, 8), (33, 64), (200, 90)])
    def test_a_float_file_gives_keras_answers(self, folder, exported, whole, name, height, width):
        for seed in range(3):
            pixels = picture(height, width, seed)[np.newaxis]
            found = RUN[name](folder / "files" / exporting.FILES[name], pixels)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, whole(pixels), atol=exporting.TOLERANCE)

    def test_onnxruntime_alone_reads_names_and_input_from_the_file(self, folder, exported):
        session = onnxruntime.InferenceSession(folder / "files" / "classifier.onnx")
        stored = session.get_modelmeta().custom_metadata_map
        assert json.loads(stored["class_names"]) == list(NAMES)
        assert json.loads(stored["looks"]) == ["center", "whole"]
        assert "RGB" in stored["input"]
        [takes] = session.get_inputs()
        assert (takes.type, len(takes.shape), takes.shape[3]) == ("tensor(uint8)", 4, 3)

    @pytest.mark.parametrize("name", ["keras", "litert", "litert-int8"])
    def test_names_and_input_are_a_zip_archives_member(self, folder, exported, name):
        with zipfile.ZipFile(folder / "files" / exporting.FILES[name]) as archive:
            stored = json.loads(archive.read("classes.json"))
        assert stored["class_names"] == list(NAMES)
        assert stored["image_size"] == SIDE

    @pytest.mark.parametrize("name", FORMATS)
    def test_they_are_read_back_in_one_way(self, folder, exported, name):
        path = folder / "files" / exporting.FILES[name]
        assert exporting.described(path) == exporting.describe(small())

    def test_litert_needs_no_operation_of_tensorflow(self, folder, exported):
        content = (folder / "files" / "classifier.tflite").read_bytes()
        assert b"Flex" not in content

    def test_the_report(self, folder, exported, said):
        report = json.loads((folder / "files" / "report.json").read_text(encoding="utf-8"))
        assert [one["format"] for one in report["files"]] == list(FORMATS)
        for one in report["files"]:
            assert one["bytes"] == (folder / "files" / one["name"]).stat().st_size
            assert one["milliseconds"] > 0
            assert (one["share"] is None) == (one["format"] != "litert-int8")
        assert report["description"]["class_names"] == list(NAMES)
        assert report["versions"]["keras"] == keras.__version__
        assert report["predict_difference"] < 1e-3
        assert str(folder) not in json.dumps(report)
        left_out, *written = said
        assert written == [f"writing {name} ..." for name in FORMATS]
        assert left_out.startswith("left out: ") and "notes.jpg: no image" in left_out

    def test_the_agreement_is_counted_on_used_and_unused_photographs(self, exported):
        int8 = exported.files[-1]
        assert {which: count for which, (_, count) in int8.agreement.items()} == {
            "calibrated on": 4,
            "not used": 4,
        }
        assert "its first answer is Keras's on" in exported.table()

    def test_nothing_else_is_left(self, folder, exported):
        names = {path.name for path in (folder / "files").iterdir()}
        assert names == {*exporting.FILES.values(), "report.json"}
        assert not list(folder.glob(".export-*"))


class TestInt8:
    @pytest.fixture(scope="class")
    def wide(self, folder):
        """A network whose weights are most of its file."""
        small(width=128).save(folder / "wide")
        return exporting.export(
            folder / "wide",
            folder / "wide files",
            ["litert-int8"],
            photographs=folder / "photographs",
            say=lambda text: None,
        )

    def test_it_is_at_most_three_tenths_of_the_float_file(self, folder, wide):
        [file] = wide.files
        assert 0.25 < file.share < 0.3
        assert file.share * 128 * 128 * 9 * 2 * 4 < file.bytes
        assert "of the float file's size\n" in wide.table()

    def test_the_float_file_that_it_was_made_from_is_not_kept(self, folder, wide):
        names = {path.name for path in (folder / "wide files").iterdir()}
        assert names == {"classifier_int8.tflite", "report.json"}

    def test_its_answers_are_near_and_its_numbers_8_bits(self, folder, wide):
        path = folder / "wide files" / "classifier_int8.tflite"
        ready = litert.Interpreter(model_path=str(path))
        ready.allocate_tensors()
        weights = [one for one in ready.get_tensor_details() if one["dtype"] == np.int8]
        assert any(tuple(one["shape"]) == (128, 3, 3, 128) for one in weights)
        trained = small(width=128)
        network = any_size.from_photographs(trained.network, trained.looks)
        pixels = picture(60, 80, seed=9)[np.newaxis]
        np.testing.assert_allclose(run_litert(path, pixels), network(pixels), atol=0.05)

    def test_a_file_that_is_hardly_smaller_is_called_so(self, exported):
        assert exported.files[-1].share > 0.3
        assert "more than 30%: the network is so small" in exported.table()


class TestRefusals:
    def fails(self, capsys, *words):
        assert command_line.main(["export", *map(str, words)]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        return said.err

    def test_an_unknown_format(self, folder, capsys):
        said = self.fails(capsys, folder / "model", "--formats", "onnx", "coreml")
        assert "there is no format 'coreml'; expected one or more of keras, litert," in said

    def test_int8_without_photographs(self, folder, capsys):
        said = self.fails(capsys, folder / "model", "--formats", "litert-int8")
        assert "litert-int8 needs photographs" in said and "--calibrate" in said

    def test_a_folder_of_photographs_that_is_none(self, folder, tmp_path, capsys):
        for place, message in (
            (tmp_path / "nowhere", "nowhere does not exist; expected a folder of photographs"),
            (folder / "photographs" / "notes.jpg", "notes.jpg is a file; expected a folder"),
        ):
            assert message in self.fails(capsys, folder / "model", "--calibrate", place)

    def test_too_few_photographs(self, folder, tmp_path, capsys):
        Image.fromarray(picture(40, 40)).save(tmp_path / "one.png")
        words = ["--calibrate", tmp_path, "--output", tmp_path / "new"]
        said = self.fails(capsys, folder / "model", *words)
        assert "holds 1 photographs that can be read; expected 2 or more" in said

    def test_a_bad_model(self, tmp_path, capsys):
        said = self.fails(capsys, tmp_path / "nowhere")
        assert "nowhere does not exist; expected a folder that `train` wrote" in said
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "network.keras").write_bytes(b"PK broken")
        (tmp_path / "m" / "classes.json").write_text('{"class_names": ["a", "b"]}')
        assert "is cut short" in self.fails(capsys, tmp_path / "m")
        assert {path.name for path in tmp_path.iterdir()} == {"m"}

    def test_a_folder_that_exists_is_left_as_it_is(self, folder, tmp_path, capsys):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "classifier.onnx").write_text("precious")
        said = self.fails(capsys, folder / "model", "--output", tmp_path / "mine")
        assert "mine exists already; choose another name" in said
        assert (tmp_path / "mine" / "classifier.onnx").read_text() == "precious"

    def test_a_missing_package_is_named_with_the_extra_before_any_work(
        self, folder, monkeypatch, capsys
    ):
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else real(name)
        )
        monkeypatch.setattr(classifier, "load", lambda folder: pytest.fail("work was begun"))
        said = self.fails(capsys, folder / "model", "--formats", "onnx")
        assert "onnx cannot be exported without tf2onnx; install the extra `export`" in said

    def test_keras_alone_needs_no_package_of_the_extra(self, folder, tmp_path, monkeypatch):
        for name in ("onnx", "onnxruntime", "tf2onnx", "ai_edge_litert", "ai_edge_quantizer"):
            monkeypatch.setitem(sys.modules, name, None)  # importing it fails
        exported = exporting.export(folder / "model", tmp_path / "new", ["keras"])
        assert [one.format for one in exported.files] == ["keras"]
        assert exported.compared == "4 drawn pictures"

    def test_memory_that_onnx_would_not_find(self, folder, tmp_path, monkeypatch, capsys):
        free = psutil.virtual_memory()._replace(available=1_000)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
        said = self.fails(capsys, folder / "model", "--output", tmp_path / "new")
        assert "the steps to an ONNX file need" in said and "take another format" in said
        assert not (tmp_path / "new").exists()
        words = [folder / "model", "--output", tmp_path / "new", "--formats", "keras"]
        assert command_line.main(["export", *map(str, words)]) == 0

    def test_a_disk_that_is_nearly_full(self, folder, tmp_path, monkeypatch, capsys):
        full = shutil.disk_usage(tmp_path)._replace(free=1_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
        said = self.fails(capsys, folder / "model", "--output", tmp_path / "new")
        assert "an export of it takes up to" in said


class TestAllOrNothing:
    """What fails after some files have been written leaves no trace of them."""

    @pytest.mark.parametrize(
        ("failure", "status", "message"),
        [
            (
                OSError(28, "No space left on device"),
                1,
                "could not be written (No space left on device); nothing is left of it",
            ),
            (ValueError("no such layer"), 1, "cannot be written as onnx: no such layer; leave"),
            (KeyboardInterrupt(), command_line.STOPPED, "stopped"),
        ],
    )
    def test_a_failure_half_way(
        self, folder, tmp_path, monkeypatch, capsys, failure, status, message
    ):
        real = exporting._embed

        def embed(path, description):
            if path.suffix == ".onnx":
                assert (path.parent / "classifier.keras").exists()
                raise failure
            real(path, description)

        monkeypatch.setattr(exporting, "_embed", embed)
        words = [str(folder / "model"), "--formats", "keras", "onnx"]
        assert command_line.main(["export", *words, "--output", str(tmp_path / "new")]) == status
        assert message in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("wrong", [2e-4, np.nan])
    def test_a_file_that_gives_other_answers_than_keras(
        self, folder, tmp_path, monkeypatch, capsys, wrong
    ):
        real = exporting._runner

        def off(name, path):
            run = real(name, path)
            return lambda pixels: run(pixels) + (wrong if name == "onnx" else 0)

        monkeypatch.setattr(exporting, "_runner", off)
        words = [str(folder / "model"), "--formats", "keras", "onnx"]
        assert command_line.main(["export", *words, "--output", str(tmp_path / "new")]) == 1
        assert "the onnx file gives other probabilities than Keras" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []


def test_the_command_line_prints_a_table_and_nothing_of_the_converters(folder, tmp_path, capfd):
    shutil.copytree(folder / "model", tmp_path / "model")
    assert command_line.main(["export", str(tmp_path / "model")]) == 0
    said = capfd.readouterr()
    lines = said.out.splitlines()[3:]
    assert lines[0].split() == ["format", "MB", "off", "by", "ms", "file"]
    assert [line.split()[0] for line in lines[1:4]] == ["keras", "litert", "onnx"]
    assert lines[-1] == f"saved: {tmp_path / 'model_exported'}"
    assert said.err == ""
    onnx.checker.check_model(tmp_path / "model_exported" / "classifier.onnx", full_check=True)
