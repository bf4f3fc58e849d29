"""A network's features, and what it says of held-out photographs, kept beside it."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image
from test_classifier import SIDE, folder, small_backbone  # noqa: F401
from test_exporting import small

from seeing.app import classifier, described, held_out, stored

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")


def said(n=7, d=4, k=3):
    return held_out.HeldOut(
        RANDOM.normal(size=(n, d)).astype("float32"),
        RANDOM.dirichlet(np.ones(k), n).astype("float32"),
    )


class TestFeatures:
    images = RANDOM.integers(0, 255, (3, 32, 32, 3)).astype("float32")

    def test_the_answers_stay_and_the_features_are_the_heads_inputs(self):
        network = small().network
        found = described.with_features(network).predict_on_batch(self.images)
        np.testing.assert_allclose(found[:, :3], network.predict_on_batch(self.images), atol=1e-6)
        extractor = next(layer for layer in network.layers if isinstance(layer, keras.Model))
        views = [extractor.predict_on_batch(one) for one in (self.images, self.images[:, :, ::-1])]
        np.testing.assert_allclose(found[:, 3:], np.mean(views, axis=0), atol=1e-4)

    def test_of_a_network_that_was_saved_and_read(self, tmp_path):
        small().network.save(tmp_path / "a.keras")
        network = keras.saving.load_model(tmp_path / "a.keras")
        found, wanted = (
            described.with_features(one).predict_on_batch(self.images)
            for one in (network, small().network)
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("sequential", [True, False])
    def test_of_a_network_of_ones_own(self, sequential):
        layers = [
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
        network = keras.Sequential([keras.Input((4, 4, 3)), *layers])
        if not sequential:
            inputs = outputs = keras.Input((4, 4, 3))
            for layer in layers:
                outputs = layer(outputs)
            network = keras.Model(inputs, outputs)
        images = self.images[:, :4, :4]
        found = described.with_features(network).predict_on_batch(images)
        weights, biases = layers[1].get_weights()
        before = np.maximum(images.reshape(3, -1) @ weights + biases, 0)
        np.testing.assert_allclose(found[:, 2:], before, rtol=1e-4, atol=1e-3)

    def test_of_a_network_that_has_none(self):
        inputs = keras.Input((8, 8, 3))
        maps = keras.layers.Conv2D(2, 3)(inputs)
        outputs = keras.layers.Softmax()(keras.layers.GlobalAveragePooling2D()(maps))
        assert described.with_features(keras.Model(inputs, outputs)) is None

        class Own(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(2)

            def call(self, images):
                return self.dense(keras.ops.mean(images, axis=(1, 2)))

        assert described.with_features(Own()) is None

    def test_the_classifier_averages_them_over_its_looks(self, tmp_path):
        pixels = RANDOM.integers(0, 255, (50, 90, 3)).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / "a.png")
        both = small()
        answers, features = both.answers_and_features([tmp_path / "a.png"])
        np.testing.assert_allclose(answers, both.probabilities([tmp_path / "a.png"]), atol=1e-6)
        each = [
            dataclasses.replace(both, looks=(look,)).answers_and_features([tmp_path / "a.png"])[1]
            for look in both.looks
        ]
        assert np.abs(each[0] - each[1]).max() > 1e-3
        np.testing.assert_allclose(features, np.mean(each, axis=0), rtol=1e-5)


def test_train_keeps_what_it_says_of_all_that_it_was_not_trained_on(
    folder,  # noqa: F811
    small_backbone,  # noqa: F811
    tmp_path,
):
    training = classifier.train(folder, image_size=SIDE, say=lambda text: None)
    counts = training.counts
    assert len(training.classifier.on_held_out) == counts["validation"] + counts["test"] > 0
    training.classifier.save(tmp_path / "model")
    description = stored.describe(tmp_path / "model")
    kept = held_out.read(tmp_path / "model", 2, description.network_sha256)
    np.testing.assert_allclose(kept.probabilities.sum(axis=1), 1, atol=1e-5)
    assert kept.features.dtype == np.float16
    paths = sorted(folder.glob("*/*.png"))
    answers, features = training.classifier.answers_and_features(paths)
    # Each row is that of one of the photographs.
    gaps = np.abs(kept.features[:, None].astype(float) - features[None]).max(axis=2)
    assert (gaps.min(axis=1) <= 1e-3 * np.abs(features).max()).all()
    gaps = np.abs(kept.probabilities[:, None] - answers[None]).max(axis=2)
    assert gaps.min(axis=1).max() < 1e-5
    assert classifier.load(tmp_path / "model").on_held_out is None  # who predicts needs none


class TestKept:
    def test_it_comes_back(self, tmp_path):
        one = said()
        held_out.write(tmp_path, one, "ab")
        kept = held_out.read(tmp_path, 3, "ab")
        np.testing.assert_array_equal(kept.probabilities, one.probabilities)
        np.testing.assert_allclose(kept.features, one.features, rtol=1e-3)
        assert len(kept) == 7

    def test_features_that_half_precision_cannot_hold_are_left_out(self, tmp_path):
        one = dataclasses.replace(said(), features=np.full((7, 4), 1e5))
        held_out.write(tmp_path, one, "ab")
        assert held_out.read(tmp_path, 3, "ab").features is None

    def test_parts_are_joined_and_many_are_thinned_by_lot(self):
        assert held_out.joined([]) is None
        assert len(held_out.joined([said(5), said(8)])) == 13
        half = dataclasses.replace(said(), features=None)
        assert held_out.joined([said(), half]).features is None
        many = held_out.joined([said(800), said(900)])
        assert len(many) == len(many.features) == held_out.MOST

    def test_what_cannot_be_used_says_what_to_do(self, tmp_path):
        with pytest.raises(held_out.NoHeldOut, match=r"holds no held_out.npz.*--reference"):
            held_out.read(tmp_path, 3, "ab")
        held_out.write(tmp_path, said(), "ab")
        with pytest.raises(held_out.NoHeldOut, match="belongs to another network"):
            held_out.read(tmp_path, 3, "cd")
        with pytest.raises(held_out.NoHeldOut, match="does not fit 4 classes"):
            held_out.read(tmp_path, 4, "ab")
        path = tmp_path / held_out.FILE
        whole = path.read_bytes()
        for content in (b"", whole[: len(whole) // 2], b"no archive", whole[:-200] + bytes(200)):
            path.write_bytes(content)
            with pytest.raises(held_out.NoHeldOut, match="is damaged"):
                held_out.read(tmp_path, 3, "ab")
