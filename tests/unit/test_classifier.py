"""The photo classifier and ``python -m seeing``: from a folder to names, and every way to fail."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
from PIL import Image

from seeing import __main__ as command_line
from seeing.app import classifier, keras_settings, stored
from seeing.datasets import sources
from seeing.models import backbones, fine_tuning, resnet50
from seeing.photos import reading, splits

SIDE = 32
COLORS = {"blue sky": (40, 80, 220), "rosé": (230, 60, 90)}


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")


@pytest.fixture
def small_backbone(monkeypatch):
    """In ResNet50's place: a network that is as deep as two layers, cut at the same name."""

    def build(**options):
        assert options == {
            "include_top": False,
            "input_shape": (None, None, 3),
            "weights": None,
        }
        keras.utils.set_random_seed(0)
        inputs = keras.Input((None, None, 3))
        lower = keras.layers.Conv2D(8, 3, strides=4, name=backbones.LAST_BLOCKS)(inputs)
        normal = keras.layers.BatchNormalization()(lower)
        return keras.Model(inputs, keras.layers.Conv2D(8, 1, activation="relu")(normal))

    monkeypatch.setattr(resnet50, "build", build)


@pytest.fixture
def folder(tmp_path):
    """Two classes of plain colors with noise, 20 pictures each; one of them is no picture."""
    random = np.random.default_rng(0)
    for name, color in COLORS.items():
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(20):
            pixels = np.clip(np.array(color) + random.normal(0, 40, (40, 48, 3)), 0, 255)
            Image.fromarray(pixels.astype("uint8")).save(
                tmp_path / "pictures" / name / f"picture {i}.png"
            )
    (tmp_path / "pictures" / "rosé" / "notes.jpg").write_text("not a picture")
    return tmp_path / "pictures"


def untrained(class_names=("a", "b", "c")):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    outputs = keras.layers.Dense(len(class_names), activation="softmax")(pooled)
    return classifier.PhotoClassifier(keras.Model(inputs, outputs), class_names)


class TestTrain:
    @pytest.mark.parametrize("fine_tuning_epochs", [0, 2])
    def test_it_learns_and_reports(self, folder, small_backbone, fine_tuning_epochs):
        said = []
        training = classifier.train(
            folder, image_size=SIDE, fine_tuning_epochs=fine_tuning_epochs, say=said.append
        )
        assert training.classifier.class_names == tuple(COLORS)
        assert training.classifier.image_size == SIDE
        assert sum(training.counts.values()) == 40
        assert training.test_accuracy > 0.8
        assert "notes.jpg: no image that can be read" in said[0]
        summary = training.summary()
        assert f"{training.counts['test']} test" in summary
        assert f"test accuracy: {training.test_accuracy:.1%}" in summary

    def test_it_learns_from_the_middle_and_from_the_whole_and_looks_at_both(
        self, folder, small_backbone, monkeypatch
    ):
        asked = []
        real = backbones.of_photographs

        def listening(network, paths, **options):
            asked.append((options["label"].split(", ")[1], options["crop"], list(paths)))
            return real(network, paths, **options)

        monkeypatch.setattr(backbones, "of_photographs", listening)
        training = classifier.train(folder, image_size=SIDE, say=lambda text: None)
        assert training.classifier.looks == ("center", "whole")
        seen = {(part, crop): paths for part, crop, paths in asked}
        middle, whole = seen["training", "center"], seen["training", "whole"]
        assert not set(middle) & set(whole) and len(middle) - len(whole) in (0, 1)
        for paths in (middle, whole):  # no class is known by its look
            assert {path.parent.name for path in paths} == set(COLORS)
        assert seen["validation", "center"] == seen["validation", "whole"]

    def test_near_duplicates_are_counted_and_named_before_training(self, folder, small_backbone):
        shutil.copy(folder / "rosé" / "picture 1.png", folder / "rosé" / "the same.png")
        shutil.copy(folder / "rosé" / "picture 2.png", folder / "blue sky" / "wrong.png")
        said = []
        training = classifier.train(folder, image_size=SIDE, say=said.append)
        assert training.near_duplicates == 2
        assert "2 pairs of near-duplicates" in training.scores()
        assert "rosé/picture 1.png, rosé/the same.png" in said[1]
        wrong = said[1].partition("possible wrong labels")[2].splitlines()[1]
        assert wrong.strip() == "blue sky/wrong.png, rosé/picture 2.png"

    def test_a_folder_that_is_split_already_is_used_as_it_is(self, folder, small_backbone):
        for name in COLORS:
            for i, part in enumerate(("train", "train", "train", "val")):
                (folder.parent / "split" / part / name).mkdir(parents=True, exist_ok=True)
                for path in sorted((folder / name).glob("*.png"))[i::4]:
                    shutil.copy(path, folder.parent / "split" / part / name / path.name)
        said = []
        training = classifier.train(folder.parent / "split", image_size=SIDE, say=said.append)
        assert training.counts == {"training": 30, "validation": 10, "test": 0}
        assert np.isnan(training.test_accuracy)
        assert "there is no test part" in said[1]  # before training
        assert "test accuracy: not known: no photograph in it" in training.scores()

    def test_classes_without_training_photographs_are_all_named(self, folder, small_backbone):
        split = folder.parent / "split"
        for part, names in (("train", ("blue sky", "sea")), ("test", ("rosé", "aster", "sea"))):
            for name in names:
                (split / part / name).mkdir(parents=True)
                shutil.copy(folder / "rosé" / "picture 0.png", split / part / name)
        with pytest.raises(
            classifier.CannotTrain, match=r"2 of 4 classes .* training part: aster, rosé; add"
        ):
            classifier.train(split, image_size=SIDE, say=lambda text: None)

    def test_every_class_of_few_photographs_takes_part(self, folder, small_backbone):
        for name in COLORS:
            for path in sorted((folder / name).glob("*.png"))[4:]:
                path.unlink()
        training = classifier.train(folder, image_size=SIDE, say=lambda text: None)
        assert training.counts == {"training": 4, "validation": 2, "test": 2}
        assert training.test_scores.counts.tolist() == [1, 1]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"image_size": 31}, "the image size is 31 pixels; expected 32 or more"),
            ({"fine_tuning_epochs": -1}, "-1 epochs of fine-tuning; expected 0 or more"),
        ],
    )
    def test_options_out_of_range(self, folder, options, message):
        with pytest.raises(classifier.CannotTrain, match=message):
            classifier.train(folder, **options)

    def test_the_better_of_both_on_the_validation_part_is_kept(
        self, folder, small_backbone, monkeypatch
    ):
        def ruin(network, *arguments, **options):
            network.set_weights([0 * weight for weight in network.get_weights()])

        monkeypatch.setattr(fine_tuning, "fit", ruin)
        said = []
        training = classifier.train(folder, image_size=SIDE, fine_tuning_epochs=1, say=said.append)
        frozen, tuned = (float(line.split()[-1].rstrip("%")) / 100 for line in said[2:])
        assert tuned < frozen
        assert training.validation_accuracy == pytest.approx(frozen, abs=0.001)


class TestKeptFromLongWork:
    """What would fail at the end of the training is found out at its beginning."""

    @pytest.mark.parametrize("seed", [-1, 2**31])
    def test_a_seed_out_of_range(self, seed):
        with pytest.raises(
            classifier.CannotTrain, match=f"the seed is {seed}; expected 0 to 2,147"
        ):
            classifier.train("nowhere", seed=seed)

    def test_a_class_name_that_is_no_text(self, folder):
        (folder / "rosé").rename(os.fsdecode(os.fsencode(folder) + b"/ros\xe9"))
        with pytest.raises(classifier.CannotTrain, match=r"'ros\\udce9' is no text in UTF-8"):
            classifier.train(folder, image_size=SIDE, say=lambda text: None)

    def test_a_class_name_that_breaks_lines(self, folder):
        (folder / "rosé").rename(folder / "ro\nse")
        with pytest.raises(classifier.CannotTrain, match=r"'ro\\nse' holds a control character"):
            classifier.train(folder, image_size=SIDE, say=lambda text: None)

    def test_places_that_nothing_can_be_written_to(self, tmp_path):
        (tmp_path / "file").touch()
        (tmp_path / "dangling").symlink_to("nowhere")
        long = "m" * 300
        places = {
            tmp_path / "file": (FileExistsError, "exists already"),
            tmp_path / "dangling": (FileExistsError, "is a link that leads nowhere"),
            tmp_path / "file" / "new" / "m": (NotADirectoryError, "file is a file: .* be made"),
            tmp_path / "dangling" / "m": (NotADirectoryError, "dangling is a link that leads"),
            tmp_path / long: (OSError, "cannot be made .*too long"),
            tmp_path / "new" / long / "m": (OSError, "cannot be made .*too long"),
        }
        for place, (kind, message) in places.items():
            with pytest.raises(kind, match=message):
                classifier.require_place(place)
        assert {path.name for path in tmp_path.iterdir()} == {"file", "dangling"}

    def test_a_place_where_something_new_can_be_made(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for place in ("model", "new/folders/model", "m" * 255):
            classifier.require_place(pathlib.Path(place), room=1)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written_to(self, tmp_path, monkeypatch):
        def refuse(*arguments, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(tempfile, "mkdtemp", refuse)
        with pytest.raises(PermissionError, match=r"cannot be written to \(Permission denied\)"):
            classifier.require_place(tmp_path / "new" / "folder" / "model")

    def test_a_disk_that_is_nearly_full(self, tmp_path, monkeypatch):
        full = shutil.disk_usage(tmp_path)._replace(free=50_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
        classifier.require_place(tmp_path / "model", room=50_000_000)
        with pytest.raises(OSError, match="has 50 MB left, a classifier takes up to 110 MB"):
            classifier.require_place(tmp_path / "model", classifier.ROOM)

    def test_the_command_line_asks_for_room_before_it_reads_a_photograph(
        self, tmp_path, monkeypatch, capsys
    ):
        full = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
        words = ["train", str(tmp_path / "nowhere"), "--output", str(tmp_path / "model")]
        assert command_line.main(words) == 1
        assert "has 1 MB left" in capsys.readouterr().err

    def test_a_folder_for_drawings_that_cannot_be_made(self, tmp_path, capsys):
        (tmp_path / "file").touch()
        words = ["predict", str(tmp_path / "nowhere"), "a.jpg", "--png", str(tmp_path / "file/x")]
        assert command_line.main(words) == 1
        assert "file/x cannot be used for drawings (Not a directory)" in capsys.readouterr().err
        words[-1] = str(tmp_path / "file")
        assert command_line.main(words) == 1
        assert "file cannot be used for drawings (is no folder)" in capsys.readouterr().err

    def test_a_folder_for_drawings_that_takes_no_file(self, tmp_path, monkeypatch, capsys):
        def no_file(**options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
        words = ["predict", str(tmp_path / "nowhere"), "a.jpg", "--png", str(tmp_path)]
        assert command_line.main(words) == 1
        assert "cannot be used for drawings (Permission denied)" in capsys.readouterr().err

    def test_the_default_place_beside_a_folder_that_has_no_name(self, monkeypatch, capsys):
        def require_place(folder, room):
            raise PermissionError(f"{folder} cannot be made")

        monkeypatch.setattr(classifier, "require_place", require_place)
        assert command_line.main(["train", os.sep]) == 1
        assert "_classifier cannot be made" in capsys.readouterr().err


class TestKerasSettings:
    def test_the_usual_ones(self):
        keras_settings.require_usable()

    @pytest.mark.parametrize(
        ("setting", "value", "message"),
        [
            (
                "image_data_format",
                "channels_first",
                "is 'channels_first', expected 'channels_last'",
            ),
            ("floatx", "float16", "floatx is 'float16', expected 'float32'"),
            ("backend", "jax", "backend is 'jax', expected 'tensorflow'"),
        ],
    )
    def test_others_are_refused_by_every_entrance(
        self, folder, tmp_path, monkeypatch, capsys, setting, value, message
    ):
        untrained().save(tmp_path / "model")
        monkeypatch.setattr(keras.config, setting, lambda: value)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        with pytest.raises(keras_settings.UnusableSettings, match=message) as raised:
            classifier.train(folder)
        assert str(tmp_path / "keras.json") in str(raised.value)
        with pytest.raises(keras_settings.UnusableSettings, match=message):
            classifier.load(tmp_path / "model")
        assert command_line.main(["predict", "nowhere", "a.jpg"]) == 1
        assert message in capsys.readouterr().err

    @pytest.mark.parametrize("name", keras_settings.LIMITS)
    def test_a_variable_that_ends_training_early(self, monkeypatch, name):
        monkeypatch.setenv(name, "1")
        with pytest.raises(keras_settings.UnusableSettings, match=f"variable {name} is 1"):
            keras_settings.require_usable()

    @pytest.mark.parametrize("setting", [{"KERAS_BACKEND": "theano"}, {"floatx": "float8"}])
    def test_settings_that_keras_itself_refuses(self, tmp_path, setting):
        """In a process of its own: Keras reads its settings once, when it is imported."""
        (tmp_path / "keras.json").write_text(json.dumps(setting))
        environment = os.environ | {"KERAS_HOME": str(tmp_path)}
        environment |= {name: value for name, value in setting.items() if name.isupper()}
        command = [sys.executable, "-m", "seeing", "predict", "nowhere", "a.jpg"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert ran.returncode == 1
        assert "error: Keras cannot be imported: " in ran.stderr
        assert f"Look at {tmp_path / 'keras.json'}" in ran.stderr
        assert ("KERAS_BACKEND (theano)" in ran.stderr) == ("KERAS_BACKEND" in setting)
        assert "Traceback" not in ran.stderr


class TestPhotoClassifier:
    def test_probabilities_of_none_few_and_many(self, folder):
        classifier = untrained()
        paths = sorted((folder / "rosé").glob("*.png")) * 7  # more than are asked uncompiled
        assert classifier.probabilities([]).shape == (0, 3)
        many = classifier.probabilities(paths)
        assert many.shape == (140, 3)
        assert many.dtype == np.float32
        np.testing.assert_allclose(many[:5], classifier.probabilities(paths[:5]), rtol=1e-5)

    def test_its_answer_is_the_mean_of_its_looks(self, tmp_path):
        """A photograph whose edges say one thing and whose middle says another."""
        wide = np.zeros((32, 96, 3), np.uint8)
        wide[:, 32:64] = 255
        Image.fromarray(wide).save(tmp_path / "wide.png")
        made = untrained()
        each = [
            dataclasses.replace(made, looks=(look,)).probabilities([tmp_path / "wide.png"])
            for look in ("center", "whole")
        ]
        assert np.abs(each[0] - each[1]).max() > 0.01
        both = dataclasses.replace(made, looks=("center", "whole"))
        found = both.probabilities([tmp_path / "wide.png"])
        np.testing.assert_allclose(found, (each[0] + each[1]) / 2, atol=1e-6)
        assert found.dtype == np.float32

    def test_top_is_sorted(self, folder):
        top = untrained().top(folder / "rosé" / "picture 0.png", 2)
        assert [name for name, _ in top] == sorted(
            [name for name, _ in top], key=dict(top).get, reverse=True
        )
        assert len(top) == 2

    def test_an_unreadable_photograph_is_named(self, folder):
        with pytest.raises(reading.UnreadableImage, match=r"notes\.jpg: no image"):
            untrained().probabilities([folder / "rosé" / "notes.jpg"])

    def test_show(self, folder, figures):
        figure = untrained(("x", "y")).show(folder / "rosé" / "picture 0.png")
        assert figure.axes[0].get_title() in {"x", "y"}
        assert len(figure.axes[1].patches) == 2


class TestMeasure:
    def test_accuracy_time_and_the_surest_mistakes(self, folder):
        model = untrained(("x", "y"))
        paths = sorted(folder.glob("*/*.png"))
        said = model.probabilities(paths).argmax(axis=1)
        wrong = [3, 30, 17]
        y = np.where(np.isin(np.arange(40), wrong), 1 - said, said)
        found = classifier.measure(model, paths, y)
        assert found.classifier is model
        assert found.accuracy == pytest.approx(37 / 40)
        assert found.seconds > 0
        surest = found.surest_mistakes(y, 2)
        confidence = found.probabilities.max(axis=1)
        assert surest == sorted(wrong, key=lambda i: -confidence[i])[:2]
        assert found.surest_mistakes(said, 12) == []

    @pytest.mark.parametrize(("count", "labels"), [(0, 0), (2, 1)])
    def test_what_is_refused(self, folder, count, labels):
        paths = sorted(folder.glob("*/*.png"))[:count]
        with pytest.raises(ValueError, match=f"{count} photographs, {labels} labels"):
            classifier.measure(untrained(), paths, np.zeros(labels, int))


class TestSaveAndLoad:
    def test_the_same_answers_and_the_same_order(self, folder, tmp_path):
        saved = untrained(("zinnia", "aster", "éclair"))
        saved.save(tmp_path / "new" / "model")
        loaded = classifier.load(tmp_path / "new" / "model")
        assert loaded.class_names == ("zinnia", "aster", "éclair")
        paths = sorted((folder / "rosé").glob("*.png"))[:4]
        np.testing.assert_array_equal(loaded.probabilities(paths), saved.probabilities(paths))
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]

    def test_the_looks_are_kept_and_are_the_middle_where_a_file_has_none(self, tmp_path):
        made = dataclasses.replace(untrained(), looks=("whole", "center"))
        made.save(tmp_path / "model")
        assert classifier.load(tmp_path / "model").looks == ("whole", "center")
        path = tmp_path / "model" / "classes.json"
        description = json.loads(path.read_text(encoding="utf-8"))
        del description["looks"]
        path.write_text(json.dumps(description), encoding="utf-8")
        assert classifier.load(tmp_path / "model").looks == ("center",)

    @pytest.mark.parametrize("looks", [[], "center", ["middle"], [["center"]], None])
    def test_looks_that_are_not_known(self, tmp_path, looks):
        untrained().save(tmp_path / "model")
        path = tmp_path / "model" / "classes.json"
        description = json.loads(path.read_text(encoding="utf-8")) | {"looks": looks}
        path.write_text(json.dumps(description), encoding="utf-8")
        with pytest.raises(stored.NotAClassifier, match=r"one or more of center, whole"):
            classifier.load(tmp_path / "model")

    def test_nothing_is_written_over(self, tmp_path):
        (tmp_path / "model").mkdir()
        with pytest.raises(FileExistsError, match=r"model exists already; choose another name"):
            untrained().save(tmp_path / "model")

    @pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
    def test_nothing_half_written_stays(self, tmp_path, monkeypatch, error):
        def fail(self, path, **options):
            path.write_text("half")
            raise error

        monkeypatch.setattr(keras.Model, "save", fail)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with pytest.raises(type(error), match="disk full" if isinstance(error, OSError) else None):
            untrained().save(tmp_path / "model")
        assert list(tmp_path.iterdir()) == []

    def test_a_network_that_cannot_be_written_to_its_place_goes_elsewhere(
        self, tmp_path, monkeypatch
    ):
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
        save = keras.Model.save

        def fail_in_its_place(self, path, **options):
            if path.parent.parent == tmp_path:
                raise OSError(28, "No space left on device")
            save(self, path, **options)

        monkeypatch.setattr(keras.Model, "save", fail_in_its_place)
        message = r"model could not be written \(No space left on device\)\. The classifier is kept"
        with pytest.raises(classifier.SavedElsewhere, match=message) as raised:
            untrained().save(tmp_path / "model")
        (kept,) = (tmp_path / "elsewhere").iterdir()
        assert str(kept) in str(raised.value)
        assert classifier.load(kept).class_names == ("a", "b", "c")
        assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]

    def test_a_network_on_disk_stays_there_when_the_rest_fails(self, tmp_path, monkeypatch):
        def fail(self, folder):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(classifier.PhotoClassifier, "_write_names", fail)
        with pytest.raises(classifier.SavedElsewhere, match=r"is kept: .*its outputs are a, b, c"):
            untrained().save(tmp_path / "model")
        (kept,) = tmp_path.glob(".classifier-*/network.keras")
        assert keras.saving.load_model(kept).output.shape == (None, 3)

    def test_a_network_that_goes_elsewhere_without_its_names(self, tmp_path, monkeypatch):
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
        save = keras.Model.save

        def fail_in_its_place(self, path, **options):
            if path.parent.parent == tmp_path:
                raise RuntimeError("HDF5 cannot write")
            save(self, path, **options)

        def fail(self, folder):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(keras.Model, "save", fail_in_its_place)
        monkeypatch.setattr(classifier.PhotoClassifier, "_write_names", fail)
        message = r"\(HDF5 cannot write\)\. The trained network is kept: .*its outputs are a, b, c"
        with pytest.raises(classifier.SavedElsewhere, match=message):
            untrained().save(tmp_path / "model")
        (kept,) = tmp_path.glob("elsewhere/.classifier-*/network.keras")
        assert keras.saving.load_model(kept).output.shape == (None, 3)

    def test_a_name_that_somebody_else_has_taken_meanwhile(self, tmp_path, monkeypatch):
        write_names = classifier.PhotoClassifier._write_names

        def take_the_name(self, folder):
            write_names(self, folder)
            (tmp_path / "model").write_text("another's")

        monkeypatch.setattr(classifier.PhotoClassifier, "_write_names", take_the_name)
        with pytest.raises(classifier.SavedElsewhere, match="could not be completed"):
            untrained().save(tmp_path / "model")
        assert (tmp_path / "model").read_text() == "another's"
        (kept,) = tmp_path.glob(".classifier-*")
        assert classifier.load(kept).class_names == ("a", "b", "c")

    def test_names_that_are_no_text_are_refused_before_anything_is_written(self, tmp_path):
        with pytest.raises(ValueError, match="is no text in UTF-8"):
            untrained(("a", "b\udce9")).save(tmp_path / "model")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("lost", ["network.keras", "classes.json"])
    def test_a_missing_file(self, tmp_path, lost):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / lost).unlink()
        with pytest.raises(stored.NotAClassifier, match=f"holds no {lost}"):
            classifier.load(tmp_path / "model")

    @pytest.mark.parametrize("damaged", ["network.keras", "classes.json"])
    def test_a_damaged_file(self, tmp_path, damaged):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / damaged).write_bytes(b"\x00\x01")
        with pytest.raises(stored.NotAClassifier, match="cannot be read"):
            classifier.load(tmp_path / "model")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b'{"class_names": "abc"}', "expected a list of names"),
            (b'["a", "b", "c"]', r"holds \['a', 'b', 'c'\]; expected a list of names, such as"),
            (b'{"names": ["a", "b", "c"]}', "expected a list of names"),
            (b'{"class_names": ["a", "b", 3]}', "expected a list of names"),
            (b'{"class_names": ["a", "b", "c",]}', "classes.json cannot be read: "),
            ('{"class_names": ["a", "b", "c"]}'.encode("utf-16"), "it is not UTF-8"),
            (b'{"class_names": ["a", "b", "a"]}', "names 'a' 2 times; expected different names"),
            (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ],
    )
    def test_names_that_cannot_be_used(self, tmp_path, content, message):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / "classes.json").write_bytes(content)
        with pytest.raises(stored.NotAClassifier, match=message):
            classifier.load(tmp_path / "model")

    def test_a_mark_that_an_editor_puts_before_the_names(self, tmp_path):
        untrained().save(tmp_path / "model")
        path = tmp_path / "model" / "classes.json"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert classifier.load(tmp_path / "model").class_names == ("a", "b", "c")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda whole: whole[:2000], "it is cut short, it ends after 2,000 bytes"),
            (lambda whole: b"", "a .keras file is a zip archive"),
            (
                lambda whole: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                r"it is a Git LFS pointer, not the file itself; fetch .* `git lfs pull`",
            ),
            (lambda whole: b"\x89HDF\r\n\x1a\n", "it is an HDF5 file; load it with Keras"),
        ],
    )
    def test_a_network_file_of_another_kind(self, tmp_path, change, message):
        untrained().save(tmp_path / "model")
        path = tmp_path / "model" / "network.keras"
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(stored.NotAClassifier, match=message):
            classifier.load(tmp_path / "model")

    def test_another_network_than_the_names_were_saved_with(self, tmp_path):
        untrained().save(tmp_path / "model")
        untrained(("x", "y", "z")).save(tmp_path / "other")
        shutil.copy(tmp_path / "other" / "network.keras", tmp_path / "model")
        with pytest.raises(stored.NotAClassifier, match="it is damaged, or was replaced"):
            classifier.load(tmp_path / "model")
        (tmp_path / "model" / "classes.json").write_text('{"class_names": ["x", "y", "z"]}')
        assert classifier.load(tmp_path / "model").class_names == ("x", "y", "z")

    @pytest.mark.parametrize(
        ("takes", "gives", "message"),
        [
            ([(8,)], [3], r"takes \(None, 8\) and gives \(None, 3\); expected one input"),
            ([(8, 8, 1)], [3], r"takes \(None, 8, 8, 1\)"),
            ([(8, 16, 3)], [3], r"takes \(None, 8, 16, 3\)"),
            ([(None, None, 3)], [3], r"takes \(None, None, None, 3\)"),
            ([(8, 8, 3), (8, 8, 3)], [3], r"takes .* and \(None, 8, 8, 3\) and gives"),
            ([(8, 8, 3)], [3, 2], r"gives \(None, 3\) and \(None, 2\)"),
        ],
    )
    def test_a_readers_own_network_of_another_kind(self, tmp_path, takes, gives, message):
        inputs = [keras.Input(shape) for shape in takes]
        pool = keras.layers.GlobalAveragePooling2D
        numbers = [x if len(x.shape) == 2 else pool()(x) for x in inputs]
        joined = keras.layers.Concatenate()(numbers) if len(numbers) > 1 else numbers[0]
        network = keras.Model(inputs, [keras.layers.Dense(count)(joined) for count in gives])
        network.save(tmp_path / "network.keras")
        (tmp_path / "classes.json").write_text('{"class_names": ["a", "b", "c"]}')
        with pytest.raises(stored.NotAClassifier, match=message):
            classifier.load(tmp_path)

    def test_a_readers_own_network_of_the_right_kind(self, tmp_path, folder):
        network = keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                keras.layers.Flatten(),
                keras.layers.Dense(2, activation="softmax"),
            ]
        )
        network.save(tmp_path / "network.keras")
        (tmp_path / "classes.json").write_text('{"class_names": ["a", "b"]}')
        answer = classifier.load(tmp_path).top(folder / "rosé" / "picture 0.png")
        assert {name for name, _ in answer} == {"a", "b"}

    def test_too_little_memory_is_no_damage(self, tmp_path, monkeypatch):
        def run_out(*arguments, **options):
            raise MemoryError

        untrained().save(tmp_path / "model")
        monkeypatch.setattr(keras.saving, "load_model", run_out)
        with pytest.raises(MemoryError, match="memory ran out while reading"):
            classifier.load(tmp_path / "model")

    def test_names_that_do_not_belong(self, tmp_path):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / "classes.json").write_text(json.dumps({"class_names": ["a"]}))
        with pytest.raises(stored.NotAClassifier, match=r"3 outputs, .* 1 names"):
            classifier.load(tmp_path / "model")


class TestCommandLine:
    def test_train_then_predict(self, folder, tmp_path, small_backbone, capsys, figures):
        model = tmp_path / "model"
        picture = str(folder / "rosé" / "picture 0.png")
        words = ["train", str(folder), "--output", str(model), "--image-size", str(SIDE)]
        assert command_line.main(words) == 0
        said = capsys.readouterr().out
        assert "40 images in 2 classes" in said
        assert "notes.jpg: no image that can be read" in said
        assert f"saved: {model}" in said

        drawn = tmp_path / "drawn"
        words = ["predict", str(model), picture, picture, "--top", "1", "--png", str(drawn)]
        assert command_line.main(words) == 0
        said = capsys.readouterr().out
        assert said.count(picture) == 2
        assert said.count("rosé\n") == 2
        assert sorted(path.name for path in drawn.iterdir()) == [
            "picture 0 (2).png",
            "picture 0.png",
        ]
        with Image.open(drawn / "picture 0.png") as drawing:
            assert drawing.size[0] > 300

    def test_drawings_of_long_and_equal_names_all_find_a_place(self, tmp_path):
        for stem in ("x" * 255, "玫" * 85, "short"):
            places = [command_line._free_place(tmp_path, stem) for _ in range(1)]
            for _ in range(12):
                places[-1].touch()
                places.append(command_line._free_place(tmp_path, stem))
            assert len(set(places)) == 13
        assert command_line._free_place(tmp_path, "other").name == "other.png"

    def test_a_place_that_is_taken_during_the_training(
        self, folder, tmp_path, small_backbone, monkeypatch, capsys
    ):
        train = classifier.train

        def train_and_take_the_place(*arguments, **options):
            (tmp_path / "model").mkdir()
            return train(*arguments, **options)

        monkeypatch.setattr(classifier, "train", train_and_take_the_place)
        words = ["train", str(folder), "--output", str(tmp_path / "model"), "--image-size", "32"]
        assert command_line.main(words) == 1
        (kept,) = tmp_path.glob(".classifier-*")
        said = capsys.readouterr().err
        assert "model exists already" in said
        assert f"The classifier is kept in {kept}: move it" in said
        assert classifier.load(kept).class_names == tuple(COLORS)

    def test_the_default_name(self, folder, small_backbone, monkeypatch):
        monkeypatch.chdir(folder)
        assert command_line.main(["train", ".", "--image-size", str(SIDE)]) == 0
        assert (folder.parent / "pictures_classifier" / "classes.json").is_file()

    def test_a_bad_photograph_does_not_stop_the_others(self, folder, tmp_path, capsys):
        untrained().save(tmp_path / "model")
        good, bad = folder / "rosé" / "picture 0.png", folder / "rosé" / "notes.jpg"
        assert command_line.main(["predict", str(tmp_path / "model"), str(bad), str(good)]) == 1
        said = capsys.readouterr()
        assert "notes.jpg: no image that can be read" in said.err
        assert str(good) in said.out

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["train", "nowhere"], "nowhere does not exist; expected a folder"),
            (["train", "nowhere", "--output", os.curdir], "exists already"),
            (["predict", "nowhere", "a.jpg"], "nowhere does not exist; expected a folder"),
            (["predict", os.curdir, "a.jpg"], "holds no network.keras"),
        ],
    )
    def test_clear_messages(self, tmp_path, monkeypatch, capsys, words, message):
        monkeypatch.chdir(tmp_path)
        assert command_line.main(words) == 1
        assert message in capsys.readouterr().err

    def test_weights_that_cannot_be_had(self, folder, tmp_path, monkeypatch, capsys):
        def build(**options):
            raise sources.DataUnavailable("resnet50_imagenet", [("npm", "no network")])

        monkeypatch.setattr(resnet50, "build", build)
        words = ["train", str(folder), "--output", str(tmp_path / "model")]
        assert command_line.main(words) == 1
        assert "'resnet50_imagenet' could not be had" in capsys.readouterr().err
        assert not (tmp_path / "model").exists()

    def test_a_warning_names_its_file_and_is_said_once(self, folder, tmp_path, capsys):
        untrained().save(tmp_path / "model")
        damaged = b"Exif\x00\x00II*\x00\xff\xff\xff\xff"
        pictures = [tmp_path / "one.jpg", tmp_path / "two.jpg"]
        for path in pictures:
            Image.new("RGB", (40, 40)).save(path, exif=damaged)
        words = ["predict", str(tmp_path / "model"), *map(str, [*pictures, *pictures])]
        assert command_line.main(words) == 0
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 2
        for path, line in zip(pictures, said, strict=True):
            assert line.startswith(f"warning: {path}: Corrupt EXIF data")

    def test_too_little_memory(self, folder, tmp_path, monkeypatch, capsys):
        def train(*arguments, **options):
            raise MemoryError("9 GB needed")

        monkeypatch.setattr(classifier, "train", train)
        assert command_line.main(["train", str(folder), "--output", str(tmp_path / "m")]) == 1
        assert capsys.readouterr().err == "error: not enough memory: 9 GB needed\n"

    @pytest.mark.parametrize("part", splits.SPLITS)
    def test_a_photograph_that_is_gone_when_the_network_wants_it(
        self, folder, tmp_path, small_backbone, monkeypatch, capsys, part
    ):
        train = classifier.train
        names = [f"{name}/picture {i}.png" for name in sorted(COLORS) for i in range(20)]
        split = splits.stratified_split(names, np.repeat([0, 1], 20))
        gone = folder / names[int(np.flatnonzero(split == part)[-1])]

        def train_and_remove(root, **options):
            def say(text):
                if text.startswith("split"):
                    gone.unlink()

            return train(root, say=say, **options)

        monkeypatch.setattr(classifier, "train", train_and_remove)
        words = ["train", str(folder), "--output", str(tmp_path / "m"), "--image-size", "32"]
        assert command_line.main(words) == 1
        *saved, error = capsys.readouterr().err.splitlines()
        assert error == f"error: {gone}: does not exist"
        if part == "test":  # it was trained by then
            assert saved == [f"what was trained so far is saved, untested: {tmp_path / 'm'}"]
            assert classifier.load(tmp_path / "m").class_names == tuple(COLORS)
        else:
            assert not saved and not (tmp_path / "m").exists()

    @pytest.mark.parametrize(
        ("error", "status", "said"),
        [
            (KeyboardInterrupt(), 130, "stopped"),
            (MemoryError("9 GB"), 1, "error: not enough memory: 9 GB"),
            (OSError("the disk is full"), 1, "error: the disk is full"),
            (BrokenPipeError(), 141, None),
        ],
    )
    def test_the_frozen_network_is_saved_when_fine_tuning_is_stopped(
        self, folder, tmp_path, small_backbone, monkeypatch, capsys, error, status, said
    ):
        def fine_tune(*arguments, **options):
            raise error

        monkeypatch.setattr(fine_tuning, "fine_tune", fine_tune)
        monkeypatch.setattr(command_line, "_nobody_reads", lambda: 141)
        words = ["train", str(folder), "--output", str(tmp_path / "m"), "--image-size", "32"]
        assert command_line.main([*words, "--fine-tune", "1"]) == status
        lines = [line for line in capsys.readouterr().err.splitlines() if line]
        saved = f"what was trained so far is saved, untested: {tmp_path / 'm'}"
        assert lines == [saved, said] if said else [saved]
        kept = classifier.load(tmp_path / "m")
        assert kept.probabilities([folder / "rosé" / "picture 0.png"])[0].argmax() == 1

    def test_of_two_networks_the_better_one_is_saved_when_the_test_fails(
        self, folder, tmp_path, small_backbone, monkeypatch
    ):
        accuracies, kept = iter([0.9, 0.1]), []
        monkeypatch.setattr(classifier, "_accuracy", lambda *rest: next(accuracies))

        def no_test(*rest):
            raise KeyboardInterrupt

        monkeypatch.setattr(classifier, "_test_scores", no_test)
        options = {"fine_tuning_epochs": 1, "say": lambda text: None, "keep": kept.append}
        with pytest.raises(KeyboardInterrupt):
            classifier.train(folder, image_size=SIDE, **options)
        frozen, _, tuned, best = kept
        assert best is frozen is not tuned

    def test_being_stopped(self, folder, tmp_path, monkeypatch, capsys):
        def train(*arguments, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr(classifier, "train", train)
        assert command_line.main(["train", str(folder), "--output", str(tmp_path / "m")]) == 130
        assert "stopped" in capsys.readouterr().err

    def test_a_wrong_option(self, capsys):
        with pytest.raises(SystemExit):
            command_line.main(["predict", "model", "a.jpg", "--top", "0"])
        assert "'0' is not a whole number of 1 or more" in capsys.readouterr().err

    def test_a_name_that_is_no_text(self, tmp_path):
        """In a process of its own: pytest's capture has no encoding errors."""
        untrained().save(tmp_path / "model")
        name = os.fsencode(tmp_path) + b"/caf\xe9.png"
        Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "picture.png")
        (tmp_path / "picture.png").rename(os.fsdecode(name))
        command = [sys.executable, "-m", "seeing", "predict", str(tmp_path / "model"), name]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert r"caf\udce9.png" in ran.stdout

    def test_help(self, capsys):
        with pytest.raises(SystemExit) as stopped:
            command_line.main(["--help"])
        assert stopped.value.code == 0
        assert "python -m seeing" in capsys.readouterr().out
