"""drawn_flowers: seeded, varied, and told apart by shape rather than by color."""

import numpy as np
import pytest
from PIL import Image
from sklearn import linear_model

from seeing.datasets import drawn_flowers


def test_pictures_are_rgb_bytes_and_the_species_take_turns():
    drawn = drawn_flowers.make(11, size=32)
    assert drawn.X.shape == (11, 32, 32, 3)
    assert drawn.X.dtype == np.uint8
    assert drawn.y.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]
    assert drawn.y.dtype == np.int64
    assert len(drawn.class_names) == 5
    assert all(name.startswith("drawn ") for name in drawn.class_names)


def test_the_record_says_that_they_only_stand_in():
    record = drawn_flowers.make(5, size=16, seed=3).record
    assert record.is_stand_in
    assert "seed 3" in record.origin
    assert len(record.sha256) == 64


def test_a_picture_depends_on_its_seed_and_index_alone():
    few = drawn_flowers.make(7, size=32)
    again = drawn_flowers.make(3, size=32, first=4)
    assert np.array_equal(few.X[4:], again.X)
    assert np.array_equal(few.y[4:], again.y)
    assert np.array_equal(few.X[6], drawn_flowers.draw(6, size=32))
    other = drawn_flowers.make(7, size=32, seed=1)
    assert not any(np.array_equal(a, b) for a, b in zip(few.X, other.X, strict=True))


@pytest.mark.parametrize("size", [16, 33, 150])
def test_any_size(size):
    drawn = drawn_flowers.make(10, size=size)
    assert drawn.X.shape == (10, size, size, 3)
    # A picture of its own, not a plain color: gray values spread in each one.
    assert drawn.X.std(axis=(1, 2, 3)).min() > 10


def test_two_sizes_show_the_same_picture():
    for index in range(10):
        small = drawn_flowers.draw(index, size=48).astype(float)
        large = Image.fromarray(drawn_flowers.draw(index, size=96))
        reduced = np.asarray(large.resize((48, 48), Image.Resampling.BOX), dtype=float)
        assert np.abs(small - reduced).mean() < 12


@pytest.mark.parametrize(
    "settings", [{"count": 0}, {"count": 1, "size": 15}, {"count": 1, "seed": -1}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match="expected at least 1, 16, 0 and 0"):
        drawn_flowers.make(**settings)


def test_write_folder_makes_one_folder_a_species(tmp_path):
    paths = drawn_flowers.write_folder(tmp_path, 7, size=24, seed=2)
    assert len(paths) == len(set(paths)) == 7
    assert sorted(folder.name for folder in tmp_path.iterdir()) == list(drawn_flowers.CLASS_NAMES)
    for index, path in enumerate(paths):
        assert path.parent.name == drawn_flowers.CLASS_NAMES[index % 5]
        drawn = drawn_flowers.draw(index, size=24, seed=2)
        assert np.array_equal(np.asarray(Image.open(path)), drawn)


def test_a_linear_model_on_raw_pixels_does_badly():
    train = drawn_flowers.make(600, size=48)
    test = drawn_flowers.make(300, size=48, first=600)
    X_train = train.X.reshape(len(train.X), -1) / 255
    X_test = test.X.reshape(len(test.X), -1) / 255
    model = linear_model.RidgeClassifier(alpha=100).fit(X_train, train.y)
    assert model.score(X_test, test.y) < 0.45


def test_color_says_little_about_the_species():
    # Mean and spread of each color: what a model could use that sees no shape at all.
    train = drawn_flowers.make(600, size=48)
    test = drawn_flowers.make(300, size=48, first=600)

    def colors(X):
        return np.concatenate([X.mean(axis=(1, 2)), X.std(axis=(1, 2))], axis=1) / 255

    model = linear_model.LogisticRegression(max_iter=1000).fit(colors(train.X), train.y)
    assert model.score(colors(test.X), test.y) < 0.5
