"""The photo classifier and ``python -m seeing``: from a folder to names, and every way to fail."""

import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from seeing import __main__ as command_line
from seeing.app import classifier
from seeing.datasets import sources
from seeing.models import backbones, fine_tuning, resnet50
from seeing.photos import reading

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


class TestPhotoClassifier:
    def test_probabilities_of_none_few_and_many(self, folder):
        classifier = untrained()
        paths = sorted((folder / "rosé").glob("*.png")) * 7  # more than are asked uncompiled
        assert classifier.probabilities([]).shape == (0, 3)
        many = classifier.probabilities(paths)
        assert many.shape == (140, 3)
        assert many.dtype == np.float32
        np.testing.assert_allclose(many[:5], classifier.probabilities(paths[:5]), rtol=1e-5)

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

    def test_nothing_is_written_over(self, tmp_path):
        (tmp_path / "model").mkdir()
        with pytest.raises(FileExistsError, match=r"model exists already; choose another name"):
            untrained().save(tmp_path / "model")

    def test_nothing_half_written_stays(self, tmp_path, monkeypatch):
        def fail(self, *arguments, **options):
            raise OSError("disk full")

        monkeypatch.setattr(keras.Model, "save", fail)
        with pytest.raises(OSError, match="disk full"):
            untrained().save(tmp_path / "model")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("lost", ["network.keras", "classes.json"])
    def test_a_missing_file(self, tmp_path, lost):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / lost).unlink()
        with pytest.raises(classifier.NotAClassifier, match=f"holds no {lost}"):
            classifier.load(tmp_path / "model")

    @pytest.mark.parametrize("damaged", ["network.keras", "classes.json"])
    def test_a_damaged_file(self, tmp_path, damaged):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / damaged).write_bytes(b"\x00\x01")
        with pytest.raises(classifier.NotAClassifier, match="cannot be read"):
            classifier.load(tmp_path / "model")

    def test_names_that_are_no_list(self, tmp_path):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / "classes.json").write_text(json.dumps({"class_names": "abc"}))
        with pytest.raises(classifier.NotAClassifier, match="expected a list of names"):
            classifier.load(tmp_path / "model")

    def test_names_that_do_not_belong(self, tmp_path):
        untrained().save(tmp_path / "model")
        (tmp_path / "model" / "classes.json").write_text(json.dumps({"class_names": ["a"]}))
        with pytest.raises(classifier.NotAClassifier, match=r"3 outputs, .* 1 names"):
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
