"""Chapter 9's own: what the demo of HOG reads."""

import base64
import dataclasses
import json

import numpy as np
import pytest
from skimage import feature
from sklearn import svm

from seeing import demos
from seeing.features import hog
from seeing.lessons import hog_demo

SETTINGS = hog_demo.Settings(cell=7)


def decode(text: str) -> np.ndarray:
    """What the demo does with a string of base64."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Three kinds of strokes, in gray values that no level meets."""
    random = np.random.default_rng(0)
    made = random.integers(0, 60, (12, 28, 28))
    for index, image in enumerate(made):
        places = np.arange(6, 22)
        rows, columns = ((places, places), (places, 14), (14, places))[index % 3]
        image[rows, columns] = 250
    return made.astype(np.uint8)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.arange(12) % 3 + 4


@pytest.fixture(scope="module")
def machine(images, labels) -> svm.LinearSVC:
    return svm.LinearSVC(random_state=0).fit(SETTINGS.describe(images), labels)


@pytest.fixture(scope="module")
def written(machine, images, labels, tmp_path_factory):
    """What is in the file, read back."""
    path = tmp_path_factory.mktemp("exports") / "a folder" / "hog.json"
    content = hog_demo.write(path, machine, SETTINGS, images[:4], labels[:4])
    assert json.loads(path.read_text(encoding="utf-8")) == content
    return content


def test_a_reader_of_the_file_decides_as_scikit_learn(written, machine, images, labels):
    assert written["format"] == hog_demo.FORMAT
    assert written["class_names"] == ["4", "5", "6"]
    assert written["settings"] == dataclasses.asdict(SETTINGS)
    weights = decode(written["weights"]).reshape(3, -1)
    described = hog.hog(demos.in_levels(images[:4]), 9, (7, 7), (2, 2))
    by_hand = described @ weights.T + np.array(written["biases"])
    np.testing.assert_allclose(written["decisions"], by_hand, atol=1e-5)
    assert [one["label"] for one in written["digits"]] == labels[:4].tolist()
    assert [one["ink"] for one in written["digits"]] == [demos.as_text(i) for i in images[:4]]


def test_the_descriptors_are_scikit_image_s_in_all_settings(written, images):
    shown = demos.in_levels(images)
    found = written["descriptors"]
    assert len(found) == 1 + len(hog_demo.ELSEWHERE)
    for one in found:
        cell, block = one["settings"]["cell"], one["settings"]["block"]
        wanted = feature.hog(
            shown[one["digit"]],
            orientations=one["settings"]["orientations"],
            pixels_per_cell=(cell, cell),
            cells_per_block=(block, block),
            block_norm=one["settings"]["norm"],
        )
        np.testing.assert_allclose(decode(one["values"]), wanted, atol=1e-6)


def test_each_setting_is_turned_somewhere():
    usual = dataclasses.asdict(hog_demo.Settings())
    for name, value in usual.items():
        assert any(getattr(one, name) != value for one in hog_demo.ELSEWHERE), name
    assert {one.norm for one in hog_demo.ELSEWHERE} == set(hog.BLOCK_NORMS)


def test_a_machine_of_other_settings_is_refused(machine, images, labels, tmp_path):
    path = tmp_path / "hog.json"
    with pytest.raises(ValueError, match="train it on descriptors of the same settings"):
        hog_demo.write(path, machine, hog_demo.Settings(), images, labels)
    assert not path.exists()


def test_a_missing_label_is_refused(machine, images, labels, tmp_path):
    with pytest.raises(ValueError, match="12 images, but 11 labels"):
        hog_demo.write(tmp_path / "hog.json", machine, SETTINGS, images, labels[1:])
