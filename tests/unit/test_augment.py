"""augment: layers over arrays, mixed labels, and batches without end."""

import keras
import numpy as np
import pytest

from seeing.transforms import augment


def images(count: int = 6, side: int = 8, channels: int = 1) -> np.ndarray:
    """uint8 images of random numbers."""
    shape = (count, side, side, channels)
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def even_images(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Images of one value each, 80 times their label, and the labels 0 to 2."""
    y = np.arange(count) % 3
    X = np.broadcast_to(80 * y[:, None, None, None], (count, 16, 16, 1)).astype(np.float32)
    return X, y


class TestApply:
    def test_no_layer_changes_nothing(self):
        X = images()
        same = augment.apply([], X)
        assert same.dtype == np.float32
        np.testing.assert_array_equal(same, X)

    @pytest.mark.parametrize("count", [0, 1, 6, 7])
    def test_every_image_goes_through_whatever_the_batches(self, count):
        X = images(count)
        turned = augment.apply([keras.layers.RandomRotation((0.5, 0.5))], X, batch_size=3)
        np.testing.assert_allclose(turned, np.rot90(X, 2, axes=(1, 2)), atol=0.1)

    def test_layers_run_as_in_training_and_in_order(self):
        X = np.full((4, 8, 8, 1), 100, np.uint8)
        noisy = augment.apply([keras.layers.GaussianNoise(1.0)], X)
        assert noisy.std() == pytest.approx(1, rel=0.2)
        brighter, darker = keras.layers.Rescaling(2.0), keras.layers.Rescaling(1.0, offset=-50)
        assert set(augment.apply([brighter, darker], X).ravel()) == {150}
        assert set(augment.apply([darker, brighter], X).ravel()) == {100}

    def test_the_seed_of_keras_decides(self):
        X = images()
        found = []
        for seed in (1, 1, 2):
            keras.utils.set_random_seed(seed)
            found.append(augment.apply([keras.layers.RandomRotation(0.4)], X))
        np.testing.assert_array_equal(found[0], found[1])
        assert not np.array_equal(found[0], found[2])

    def test_contrast_given_as_a_pair_goes_both_ways(self):
        # A single number would only ever raise the contrast: Keras takes it as (0, number).
        X = np.zeros((200, 4, 4, 1), np.uint8)
        X[:, :2], X[:, 2:] = 100, 140
        changed = augment.apply([keras.layers.RandomContrast((0.5, 0.5))], X)
        spread = changed.max(axis=(1, 2, 3)) - changed.min(axis=(1, 2, 3))
        assert spread.min() < 30 and spread.max() > 50
        assert spread.min() >= 19.99 and spread.max() <= 60.01

    def test_a_layer_that_changes_the_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"\(8, 8, 1\) into \(6, 6, 1\)"):
            augment.apply([keras.layers.CenterCrop(6, 6)], images())

    def test_images_have_four_axes(self):
        with pytest.raises(ValueError, match=r"shape \(6, 8, 8\); expected \(n, height"):
            augment.apply([], images()[..., 0])


class TestMoved:
    def test_each_image_is_moved_whole_and_paper_moves_in(self):
        X = np.zeros((200, 7, 7, 1), dtype="float32")
        X[:, 3, 3] = 1
        moved = augment.moved(X, 2, np.random.default_rng(0))
        assert moved.shape == X.shape and moved.dtype == X.dtype
        np.testing.assert_array_equal(moved.sum(axis=(1, 2, 3)), 1)
        places = {tuple(place) for place in np.argwhere(moved)[:, 1:3]}
        assert places == {(a, b) for a in range(1, 6) for b in range(1, 6)}

    def test_what_leaves_the_picture_is_lost(self):
        X = np.ones((50, 3, 3, 1), dtype="float32")
        moved = augment.moved(X, 1, np.random.default_rng(0))
        assert set(moved.sum(axis=(1, 2, 3))) == {4, 6, 9}

    def test_by_nothing_is_a_copy(self):
        X = np.random.default_rng(0).random((4, 5, 6, 2))
        moved = augment.moved(X, 0, np.random.default_rng(1))
        np.testing.assert_array_equal(moved, X)
        assert moved is not X

    @pytest.mark.parametrize("by", [-1, 5])
    def test_too_far_is_refused(self, by):
        with pytest.raises(ValueError, match="less than 5"):
            augment.moved(np.zeros((1, 5, 6, 1)), by, np.random.default_rng(0))

    def test_channels_move_together(self):
        X = np.random.default_rng(0).random((20, 6, 7, 3))
        moved = augment.moved(X, 2, np.random.default_rng(1))
        for channel in range(3):
            alone = augment.moved(X[..., [channel]], 2, np.random.default_rng(1))
            np.testing.assert_array_equal(moved[..., [channel]], alone)

    def test_another_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"expected \(n, height, width, channels\)"):
            augment.moved(np.zeros((5, 6, 7)), 1, np.random.default_rng(0))


class TestMixer:
    @pytest.mark.parametrize(
        "layer",
        [keras.layers.MixUp(0.8, seed=0), keras.layers.CutMix((1.0, 1.0), seed=0)],
        ids=["MixUp", "CutMix"],
    )
    def test_labels_say_how_much_of_each_image_is_there(self, layer):
        X, y = even_images()
        mixed, labels = augment.mixer(layer)(X, keras.utils.to_categorical(y, 3))
        mixed, labels = (keras.ops.convert_to_numpy(found) for found in (mixed, labels))
        assert mixed.shape == X.shape and labels.shape == (12, 3)
        np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-5)
        assert np.any(labels.max(axis=1) < 0.99)
        # CutMix' patch ends at whole pixels, its label does not: hence the tolerance.
        expected = labels @ np.float32([0, 80, 160])
        np.testing.assert_allclose(mixed.mean(axis=(1, 2, 3)), expected, atol=21)

    def test_mixup_is_exact_in_every_pixel(self):
        X, y = even_images()
        layer = keras.layers.MixUp(0.8, seed=0)
        mixed, labels = augment.mixer(layer)(X, keras.utils.to_categorical(y, 3))
        mixed, labels = (keras.ops.convert_to_numpy(found) for found in (mixed, labels))
        expected = (labels @ np.float32([0, 80, 160]))[:, None, None, None]
        np.testing.assert_allclose(mixed, np.broadcast_to(expected, X.shape), atol=0.01)


class TestEndlessBatches:
    def batches(self, count, X=None, y=None, **options):
        X, y = (images(), np.arange(6) % 3) if X is None else (X, y)
        options = {"n_classes": 3, "batch_size": 4, **options}
        found = augment.endless_batches(X, y, **options).take(count)
        return [(np.asarray(one), np.asarray(other)) for one, other in found]

    def test_shapes_and_labels(self):
        X, y = even_images()
        for batch, labels in self.batches(5, X, y):
            assert batch.shape == (4, 16, 16, 1) and labels.shape == (4, 3)
            assert labels.dtype == np.float32
            np.testing.assert_array_equal(batch[:, 0, 0, 0] / 80, labels.argmax(axis=1))

    def test_each_pass_shows_every_image_once_in_a_new_order(self):
        X = np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1)
        seen = [batch.ravel() for batch, _ in self.batches(6, X, np.arange(6) % 3)]
        passes = np.concatenate(seen).reshape(4, 6)
        np.testing.assert_array_equal(np.sort(passes, axis=1), np.tile(np.arange(6), (4, 1)))
        assert len({tuple(order) for order in passes}) > 1

    def test_the_seed_decides(self):
        X = np.arange(60, dtype=np.float32).reshape(60, 1, 1, 1)
        first, again, other = (
            np.concatenate([b.ravel() for b, _ in self.batches(15, X, np.arange(60) % 3, seed=s)])
            for s in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_a_batch_may_be_larger_than_all_images(self):
        ((batch, _),) = self.batches(1, images(2), np.array([0, 2]), batch_size=9)
        assert batch.shape == (9, 8, 8, 1)

    @pytest.mark.parametrize("kind", [keras.layers.MixUp, keras.layers.CutMix])
    def test_mixing_in_the_pipeline_follows_keras_seed(self, kind):
        X, y = even_images()
        found = []
        for _ in range(2):
            keras.utils.set_random_seed(3)
            found.append(self.batches(3, X, y, change=augment.mixer(kind())))
        for (one, labels), (other, same) in zip(*found, strict=True):
            np.testing.assert_array_equal(one, other)
            np.testing.assert_array_equal(labels, same)
            np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-5)

    def test_a_network_trains_on_them(self):
        X, y = even_images()
        network = keras.Sequential(
            [keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
        )
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        network.compile(optimizer="adam", loss=loss)
        batches = augment.endless_batches(X, y, n_classes=3, batch_size=5)
        history = network.fit(batches, epochs=2, steps_per_epoch=7, shuffle=False, verbose=0)
        assert len(history.history["loss"]) == 2
        assert int(network.optimizer.iterations) == 14

    def test_what_is_refused(self):
        with pytest.raises(ValueError, match="6 images and 5 labels"):
            augment.endless_batches(images(), np.zeros(5), n_classes=3, batch_size=4)
        with pytest.raises(ValueError, match="0 images and 0 labels"):
            augment.endless_batches(images(0), np.zeros(0), n_classes=3, batch_size=4)
        with pytest.raises(ValueError, match="batch_size is 0"):
            augment.endless_batches(images(), np.zeros(6), n_classes=3, batch_size=0)
