"""What chapter 10b's demos read: two networks with marked scans, and how sure a network is."""

import base64
import json

import keras
import numpy as np
import pytest

from seeing.lessons import shortcut_demos, shortcuts


def numbers(text: str) -> np.ndarray:
    """What the demo does with a string of base64."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")


def network(seed: int) -> keras.Sequential:
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


def by_hand(network, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(network(images[..., np.newaxis].astype("float32")))


class TestWriteNetworks:
    @pytest.fixture(scope="class")
    def networks(self):
        return network(0), network(1)

    @pytest.fixture(scope="class")
    def images(self):
        return np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)

    @pytest.fixture(scope="class")
    def folder(self, networks, images, tmp_path_factory):
        folder = tmp_path_factory.mktemp("exports") / "a folder"
        path = folder / "marks.json"
        content = shortcut_demos.write_networks(str(path), *networks, images, [4, 0, 8])
        assert json.loads(path.read_text(encoding="utf-8")) == content
        return folder

    def read(self, folder, name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    def test_the_first_file_has_the_scans_and_where_marks_go(self, folder, images):
        content = self.read(folder, "marks.json")
        assert content["labels"] == [4, 0, 8]
        assert content["lefts"] == shortcuts.mark_columns(np.arange(10)).tolist()
        assert content["mark"] == shortcuts.MARK
        for probe, image in zip(content["probes"], images, strict=True):
            np.testing.assert_array_equal(numbers(probe["image"]), image.ravel())

    def test_it_names_the_second_network_s_file(self, folder, networks, images):
        name = self.read(folder, "marks.json")["other"]
        assert name == "data/marks-marked.json"
        other = self.read(folder, "marks-marked.json")
        kernel = numbers(other["layers"][-1]["kernel"])
        np.testing.assert_array_equal(kernel, np.asarray(networks[1].layers[-1].kernel).ravel())

    def test_logits_are_keras_s_without_a_mark_and_at_each_place(self, folder, networks, images):
        checks = self.read(folder, "marks-checks.json")
        assert checks["format"] == shortcut_demos.CHECKS_FORMAT
        for one, texts in zip(networks, checks["logits"], strict=True):
            bare, *others = (numbers(text).reshape(3, 10) for text in texts)
            np.testing.assert_allclose(bare, by_hand(one, images), atol=1e-5)
            assert len(others) == 10
            for place, logits in enumerate(others):
                marked = shortcuts.with_marks(images, np.full(3, place))
                np.testing.assert_allclose(logits, by_hand(one, marked), atol=1e-5)

    def test_a_missing_label_is_refused(self, networks, images, tmp_path):
        with pytest.raises(ValueError, match="3 images, but 2 labels"):
            shortcut_demos.write_networks(tmp_path / "marks.json", *networks, images, [1, 2])
        assert list(tmp_path.iterdir()) == []


class TestWriteCertainties:
    def given(self):
        random = np.random.default_rng(0)
        known = {way: random.random(5).astype("float32") for way in ("probability", "energy")}
        unknown = {"letters": {way: random.random(3).astype("float32") for way in known}}
        return known, np.array([True, False, True, True, False]), unknown

    def test_values_come_back_bit_for_bit(self, tmp_path):
        known, is_right, unknown = self.given()
        path = tmp_path / "a folder" / "certainty.json"
        content = shortcut_demos.write_certainties(str(path), known, is_right, unknown)
        assert json.loads(path.read_text(encoding="utf-8")) == content
        assert content["format"] == shortcut_demos.CERTAINTY_FORMAT
        assert content["ways"] == ["probability", "energy"]
        assert content["right"] == "10110"
        for way, values in known.items():
            np.testing.assert_array_equal(numbers(content["known"][way]), values)
            letters = numbers(content["unknown"]["letters"][way])
            np.testing.assert_array_equal(letters, unknown["letters"][way])

    def test_a_way_that_is_missing_is_refused(self, tmp_path):
        known, is_right, unknown = self.given()
        del unknown["letters"]["energy"]
        with pytest.raises(ValueError, match=r"letters has the ways \['probability'\]"):
            shortcut_demos.write_certainties(tmp_path / "a.json", known, is_right, unknown)

    def test_what_is_not_finite_is_refused(self, tmp_path):
        known, is_right, unknown = self.given()
        unknown["letters"]["energy"][1] = np.inf
        with pytest.raises(ValueError, match="letters, energy: not all values are finite"):
            shortcut_demos.write_certainties(tmp_path / "a.json", known, is_right, unknown)

    def test_one_answer_each(self, tmp_path):
        known, is_right, unknown = self.given()
        with pytest.raises(ValueError, match=r"probability: \(5,\) values, \(4,\) answers"):
            shortcut_demos.write_certainties(tmp_path / "a.json", known, is_right[:4], unknown)
        assert list(tmp_path.iterdir()) == []
