"""transfer: cutting a network, keeping activations, training the rest on views."""

import errno
import pathlib
import shutil
import tempfile

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image
from sklearn import linear_model

from seeing.models import backbones, fine_tuning, heads
from seeing.photos import pipeline


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")


@pytest.fixture(scope="module")
def network():
    """A small residual network: images to a feature map of 8 channels, half as wide."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    first = keras.layers.Conv2D(8, 3, strides=2, padding="same", name="first")(inputs)
    inner = keras.layers.Conv2D(8, 3, padding="same", name="inner")(first)
    normal = keras.layers.BatchNormalization(name="normal")(inner)
    joined = keras.layers.Add(name="joined")([first, normal])
    last = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="last")(joined)
    return keras.Model(inputs, last, name="small")


def images(count, side=16, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(0, 255, (count, side, side, 3)).astype("float32")


def batches(array, size):
    return [(array[i : i + size], None) for i in range(0, len(array), size)]


class TestCut:
    def test_both_parts_compute_what_the_whole_does(self, network):
        lower, upper = backbones.cut(network, "joined")
        x = images(3)
        halfway = backbones.look(lower, x)
        assert halfway.shape == (3, 8, 8, 8)
        np.testing.assert_allclose(
            backbones.look(upper, halfway), backbones.look(network, x), rtol=1e-5, atol=1e-3
        )

    def test_weights_are_shared(self, network):
        _, upper = backbones.cut(network, "joined")
        assert upper.get_layer("last") is network.get_layer("last")

    def test_an_unknown_layer(self, network):
        with pytest.raises(ValueError, match=r"small has no layer 'middle'; it has 6 layers"):
            backbones.cut(network, "middle")

    def test_a_connection_that_passes_by(self, network):
        with pytest.raises(ValueError, match=r"cannot be cut after 'inner': a connection passes"):
            backbones.cut(network, "inner")

    @pytest.mark.parametrize("name", ["left", "left again", "right"])
    def test_a_path_beside_the_cut(self, name):
        inputs = keras.Input((4,))
        first = keras.layers.Dense(4, name="first")(inputs)
        left = keras.layers.Dense(4, name="left")(first)
        left = keras.layers.Dense(4, name="left again")(left)
        right = keras.layers.Dense(4, name="right")(first)
        joined = keras.layers.Add(name="joined")([left, right])
        network = keras.Model(inputs, keras.layers.Dense(2, name="last")(joined), name="small")
        with pytest.raises(ValueError, match=f"cannot be cut after '{name}': a connection passes"):
            backbones.cut(network, name)

    @pytest.mark.parametrize("name", ["first", "joined"])
    def test_a_layer_that_is_called_twice(self, name):
        inputs = keras.Input((4,))
        first = keras.layers.Dense(4, name="first")(inputs)
        shared = keras.layers.Dense(4, activation="tanh", name="shared")
        joined = keras.layers.Add(name="joined")([shared(first), shared(shared(first))])
        network = keras.Model(inputs, keras.layers.Dense(2, name="last")(joined), name="small")
        lower, upper = backbones.cut(network, name)
        x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
        found = backbones.look(upper, backbones.look(lower, x))
        np.testing.assert_allclose(found, backbones.look(network, x), rtol=1e-5, atol=1e-6)

    def test_the_input_is_a_place_to_cut(self, network):
        lower, upper = backbones.cut(network, network.layers[0].name)
        x = images(2)
        np.testing.assert_array_equal(backbones.look(lower, x), x)
        np.testing.assert_array_equal(backbones.look(upper, x), backbones.look(network, x))


class TestFromPixels:
    def test_preprocessing_goes_first(self, network):
        x = images(2)
        ready = keras.applications.resnet50.preprocess_input(x.copy())
        np.testing.assert_allclose(
            backbones.look(backbones.from_pixels(network), x),
            backbones.look(network, ready),
            rtol=1e-5,
            atol=1e-3,
        )


class TestActivations:
    @pytest.mark.parametrize(("count", "size"), [(5, 2), (4, 2), (1, 8)])
    def test_they_are_those_of_all_images_in_order(self, network, count, size):
        x = images(count)
        found = backbones.activations(network, batches(x, size), count, dtype="float32")
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, backbones.look(network, x), rtol=1e-5, atol=1e-3)

    def test_half_precision_rounds(self, network):
        x = images(3)
        found = backbones.activations(network, batches(x, 2), 3)
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, backbones.look(network, x), rtol=2e-3, atol=0.1)

    @pytest.mark.parametrize("count", [4, 6])
    def test_the_count_must_be_right(self, network, count):
        with pytest.raises(ValueError, match=r"the batches hold"):
            backbones.activations(network, batches(images(5), 2), count)

    def test_no_images(self, network):
        assert len(backbones.activations(network, [], 0)) == 0

    def test_what_does_not_fit_is_refused(self, network):
        with pytest.raises(ValueError, match=r"an activation of .* does not fit into float16"):
            backbones.activations(network, batches(1e6 * images(2), 2), 2)

    def test_nan_is_refused(self, network):
        x = images(2)
        x[0, 0, 0, 0] = np.nan
        lower, _ = backbones.cut(network, "joined")
        with pytest.raises(ValueError, match=r"an activation of nan does not fit"):
            backbones.activations(lower, batches(x, 2), 2)


class TestRandomViews:
    @pytest.fixture
    def paths(self, tmp_path):
        made = [tmp_path / f"{i}.png" for i in range(3)]
        for i, path in enumerate(made):
            Image.fromarray(images(1, 40, seed=i)[0].astype("uint8")).save(path)
        return made

    def test_shapes_and_variety(self, network, paths):
        views = backbones.random_views(network, paths, count=2, image_size=16)
        assert [view.shape for view in views] == [(3, 8, 8, 8)] * 2
        assert not np.array_equal(views[0][:], views[1][:])

    def test_on_disk_they_are_what_the_network_says_in_half_precision(self, network, paths):
        """The same random crops, mirrors and zooms, asked for here and kept in memory."""
        found = backbones.random_views(network, paths, count=2, image_size=16, seed=3)
        flip = keras.layers.RandomFlip("horizontal", seed=3)
        zoom = keras.layers.RandomZoom((-0.4, 0.0), seed=4)
        for view, stored in enumerate(found):
            shown = pipeline.dataset(
                paths, np.zeros(3), image_size=16, crop="random", seed=3 + view, cache=False
            )
            augmented = ((zoom(flip(x, training=True), training=True), y) for x, y in shown)
            known = backbones.activations(network, augmented, 3)
            assert (stored.shape, stored.nbytes) == (known.shape, known.nbytes)
            assert (stored[:].dtype, len(stored)) == (np.float16, 3)
            np.testing.assert_array_equal(stored[:], known)

    def test_the_seed_decides(self, network, paths):
        first = backbones.random_views(network, paths, count=1, image_size=16, seed=3)[0][:]
        again = backbones.random_views(network, paths, count=1, image_size=16, seed=3)[0][:]
        other = backbones.random_views(network, paths, count=1, image_size=16, seed=4)[0][:]
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_stretched_views_are_mirrored_and_not_enlarged_once_more(self, network, paths):
        options = {"image_size": 16, "crop": "stretched"}
        (found,) = backbones.random_views(network, paths, count=1, seed=3, **options)
        flip = keras.layers.RandomFlip("horizontal", seed=3)
        shown = pipeline.dataset(paths, np.zeros(3), seed=3, cache=False, **options)
        known = backbones.activations(network, ((flip(x, training=True), y) for x, y in shown), 3)
        np.testing.assert_array_equal(found[:], known)

    def test_a_crop_without_chance_is_no_view(self, network, paths):
        with pytest.raises(ValueError, match="crop is 'center'; expected one of random, stretched"):
            backbones.random_views(network, paths, count=1, image_size=16, crop="center")

    def test_no_view(self, network, paths):
        with pytest.raises(ValueError, match=r"count is 0"):
            backbones.random_views(network, paths, count=0, image_size=16)

    def test_too_little_memory_is_said_before_the_work(self, network, monkeypatch):
        free = psutil.virtual_memory()._replace(available=1_000)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
        with pytest.raises(MemoryError, match=r"2 views of 1 photographs of 16 pixels need"):
            backbones.random_views(network, ["no file"], count=2, image_size=16)

    def test_batches_that_wait_count_and_views_on_disk_do_not(self, network, monkeypatch):
        """Ten batches of 32 times 8 x 8 x 8 numbers of four bytes, and the network's own need."""
        needed = 10 * 32 * 8**3 * 4 + 32 * 16**2 * backbones.BYTES_A_PIXEL
        for available, error in ((1.3 * needed, OSError), (1.2 * needed, MemoryError)):
            free = psutil.virtual_memory()._replace(available=available)
            monkeypatch.setattr(psutil, "virtual_memory", lambda free=free: free)
            # So many photographs that the disk is too small: where memory is enough, that is said.
            with pytest.raises(error, match=r"1000 views of .* photographs"):
                backbones.random_views(network, range(10**9), count=1000, image_size=16)

    def test_too_little_disk_is_said_before_the_work(self, network, monkeypatch):
        usage = shutil.disk_usage(tempfile.gettempdir())._replace(free=1_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
        with pytest.raises(OSError, match=r"1 views of 1 .* of disk, .* the variable TMPDIR"):
            backbones.random_views(network, ["no file"], count=1, image_size=16)


class TestStoredView:
    def stored(self, *arrays):
        view = backbones.StoredView()
        for array in arrays:
            view.append(array)
        return view

    def test_batches_become_one_array(self):
        whole = np.random.default_rng(0).normal(size=(7, 3, 2)).astype("float16")
        view = self.stored(whole[:3], whole[3:6], whole[6:])
        assert (len(view), view.shape, view.nbytes) == (7, (7, 3, 2), whole.nbytes)
        np.testing.assert_array_equal(view[:], whole)
        np.testing.assert_array_equal(view[5], whole[5])
        np.testing.assert_array_equal(view[np.array([6, 0])], whole[[6, 0]])

    def test_what_is_read_is_a_copy(self):
        view = self.stored(np.ones((2, 3), dtype="float32"))
        read = view[1]
        assert type(read) is np.ndarray
        read[:] = 0
        np.testing.assert_array_equal(view[:], np.ones((2, 3)))

    def test_a_transposed_batch_is_written_in_its_own_order(self):
        batch = np.arange(6, dtype="float16").reshape(2, 3).T
        np.testing.assert_array_equal(self.stored(batch)[:], batch)

    @pytest.mark.parametrize(
        "batch", [np.zeros((1, 3), "float16"), np.zeros((1, 2), "float32")], ids=["shape", "type"]
    )
    def test_batches_must_be_alike(self, batch):
        with pytest.raises(ValueError, match=r"expected float16 and rows of shape \(2,\)"):
            self.stored(np.zeros((1, 2), "float16"), batch)

    def test_nothing_is_left_in_the_folder_for_temporary_files(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        view = self.stored(np.zeros((2, 2)))
        assert list(tmp_path.iterdir()) == []
        assert view[1].tolist() == [0, 0]

    @pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="Linux has it")
    def test_a_full_disk_says_where(self, monkeypatch):
        full = pathlib.Path("/dev/full")
        monkeypatch.setattr(
            tempfile, "TemporaryFile", lambda **options: full.open("wb", buffering=0)
        )
        view = backbones.StoredView()
        with pytest.raises(OSError, match=r"takes no more: No space left") as raised:
            view.append(np.zeros((2, 2)))
        assert raised.value.errno == errno.ENOSPC
        assert len(view) == 0


class TestMemory:
    def test_features_that_do_not_fit_are_refused_before_a_photograph_is_read(
        self, network, monkeypatch
    ):
        free = psutil.virtual_memory()._replace(available=10**9)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
        extractor, _ = backbones.cut(network, "joined")
        message = r"features of 2 photographs of 2048 pixels need .* 1\.0 GB are free: take smaller"
        with pytest.raises(MemoryError, match=message):
            backbones.of_photographs(extractor, ["no file", "no file"], image_size=2048)

    @pytest.mark.parametrize(
        "raised", [tf.errors.ResourceExhaustedError(None, None, "OOM"), MemoryError()]
    )
    def test_memory_that_runs_out_is_said_in_one_way(self, network, monkeypatch, raised):
        def run_out(*arguments, **options):
            raise raised

        monkeypatch.setattr(keras.Model, "predict_on_batch", run_out)
        monkeypatch.setattr(keras.Model, "fit", run_out)
        with pytest.raises(
            MemoryError, match=r"memory ran out while looking at 2 images of 16×16×3"
        ):
            backbones.activations(network, batches(images(2), 2), 2)
        with pytest.raises(MemoryError, match="memory ran out while training on batches of 32"):
            fine_tuning.fit(
                heads.head(4, 2),
                [np.zeros((2, 4))],
                np.array([0, 1]),
                n_classes=2,
                epochs=1,
                peak_rate=0.1,
            )
        with pytest.raises(MemoryError, match="memory ran out while looking at 3 examples"):
            backbones.look(run_out, np.zeros((3, 4)))

    def test_other_errors_stay_what_they_are(self):
        with pytest.raises(ValueError, match="another"), backbones.memory_errors("waiting"):
            raise ValueError("another")


class TestCachedViews:
    def test_an_epoch_shows_each_photograph_once(self):
        views = [np.arange(7, dtype="float16").reshape(7, 1) + 100 * v for v in range(3)]
        data = fine_tuning.CachedViews(views, np.arange(7) % 2, n_classes=2, batch_size=3, seed=0)
        assert len(data) == 3
        seen = {i: [] for i in range(7)}
        for _ in range(3):
            for b in range(len(data)):
                x, targets = data[b]
                assert x.dtype == np.float32
                assert targets.shape == (len(x), 2)
                for value, target in zip(x[:, 0], targets, strict=True):
                    photograph, view = int(value % 100), int(value // 100)
                    assert target.argmax() == photograph % 2
                    seen[photograph].append(view)
            data.on_epoch_end()
        # Three epochs, three views: each photograph has shown each of its views.
        assert all(sorted(shown) == [0, 1, 2] for shown in seen.values())

    def test_on_disk_and_in_memory_views_give_the_same_batches_and_the_same_network(self):
        views = list(np.random.default_rng(0).normal(size=(2, 40, 4)).astype("float16"))
        on_disk = [backbones.StoredView() for _ in views]
        for stored, view in zip(on_disk, views, strict=True):
            stored.append(view)
        y, weights = np.arange(40) % 3, []
        for kept in (views, on_disk):
            keras.utils.set_random_seed(5)
            head = heads.head(4, 3)
            fine_tuning.fit(head, kept, y, n_classes=3, epochs=3, peak_rate=0.1)
            weights.append(head.get_weights()[0])
        np.testing.assert_array_equal(*weights)
        dealt = [
            fine_tuning.CachedViews(kept, y, n_classes=3, seed=1)[1] for kept in (views, on_disk)
        ]
        for known, found in zip(*dealt, strict=True):
            np.testing.assert_array_equal(known, found)

    def test_the_order_changes(self):
        data = fine_tuning.CachedViews([np.arange(50.0)[:, None]], np.zeros(50, int), n_classes=2)
        first = data[0][0].ravel().tolist()
        data.on_epoch_end()
        assert data[0][0].ravel().tolist() != first

    @pytest.mark.parametrize(
        ("views", "labels"),
        [([], 3), ([np.zeros((3, 1)), np.zeros((3, 2))], 3), ([np.zeros((3, 1))], 2)],
    )
    def test_views_and_labels_must_fit(self, views, labels):
        with pytest.raises(ValueError, match=r"expected one view or more"):
            fine_tuning.CachedViews(views, np.zeros(labels, int), n_classes=2)


class TestFit:
    def test_a_head_learns_what_is_linear(self):
        generator = np.random.default_rng(0)
        X = generator.normal(size=(200, 4)).astype("float32")
        y = (X[:, 0] > 0).astype(int)
        keras.utils.set_random_seed(0)
        head = heads.head(4, 2)
        history = fine_tuning.fit(head, [X], y, n_classes=2, epochs=20, peak_rate=0.03)
        assert len(history["loss"]) == 20
        assert history["loss"][-1] < history["loss"][0]
        assert np.mean(backbones.look(head, X).argmax(axis=1) == y) > 0.9

    def test_the_same_seed_gives_the_same_weights(self):
        X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
        weights = []
        for _ in range(2):
            keras.utils.set_random_seed(5)
            head = heads.head(4, 3)
            fine_tuning.fit(head, [X], np.arange(40) % 3, n_classes=3, epochs=2, peak_rate=0.01)
            weights.append(head.get_weights()[0])
        np.testing.assert_array_equal(*weights)

    def test_the_rate_rises_and_falls(self):
        X = np.zeros((64, 2), dtype="float32")
        head = heads.head(2, 2)
        fine_tuning.fit(head, [X], np.zeros(64, int), n_classes=2, epochs=10, peak_rate=0.5)
        rate = head.optimizer._learning_rate
        assert float(rate(0)) == 0.0
        assert float(rate(2)) == pytest.approx(0.5)  # a tenth of 20 steps
        assert float(rate(20)) == pytest.approx(0.0, abs=1e-6)

    def test_the_history_has_one_time_an_epoch_and_validation_by_integer_labels(self):
        X, head = np.zeros((8, 2), dtype="float32"), heads.head(2, 3)
        options = {"n_classes": 3, "epochs": 3, "peak_rate": 0.1}
        zeros = np.zeros(8, int)
        history = fine_tuning.fit(head, [X], zeros, validation_data=(X, zeros), **options)
        first, second, third = history["seconds"]
        assert 0 < first < second < third
        assert history["val_accuracy"][-1] == 1.0
        assert "val_loss" not in fine_tuning.fit(head, [X], zeros, **options)


class TestOfPhotographs:
    def test_the_middle_squares_in_order_and_none(self, network, tmp_path):
        paths = [tmp_path / f"{i}.png" for i in range(3)]
        for path, pixels in zip(paths, images(3, side=20), strict=True):
            Image.fromarray(pixels[:16].astype("uint8")).save(path)
        found = backbones.of_photographs(network, paths, image_size=16)
        squares = np.stack([np.asarray(Image.open(path))[:, 2:18] for path in paths])
        known = backbones.look(network, squares.astype("float32"))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, known, rtol=1e-5, atol=1e-3)
        none = backbones.of_photographs(network, [], image_size=16, dtype="float16")
        assert (none.shape, none.dtype) == ((0, 8, 8, 8), np.float16)


class TestAccuracy:
    @pytest.mark.parametrize("count", [1, 64, 65, 150])
    def test_in_batches_it_is_the_share_of_right_answers(self, count):
        X = np.random.default_rng(0).normal(size=(count, 3)).astype("float32")
        y = X.argmax(axis=1)
        y[0] = (y[0] + 1) % 3
        inputs = keras.Input((3,))
        same = keras.Model(inputs, keras.layers.Identity()(inputs))
        assert heads.accuracy(same, X, y) == pytest.approx((count - 1) / count)

    def test_the_best_head_is_chosen_and_the_first_wins_a_tie(self):
        X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
        y = (X[:, 0] > 0).astype(int)
        good = heads.solve_head(X, y, n_classes=2, C=10.0)
        bad = heads.solve_head(X, 1 - y, n_classes=2, C=10.0)
        best, scores = heads.choose_head({0.1: bad, 0.2: good, 0.3: good}, X, y)
        assert best == 0.2
        assert scores[0.1] < 0.2 < 0.8 < scores[0.2] == scores[0.3]


class TestFineTune:
    def test_the_originals_stay_as_they_are(self, network):
        _, upper = backbones.cut(network, "joined")
        head = heads.head(8, 2)
        x = backbones.look(backbones.cut(network, "joined")[0], images(8))
        before = [weight.copy() for part in (upper, head) for weight in part.get_weights()]
        options = {"n_classes": 2, "epochs": 2, "peak_rate": 0.01}
        trained, history = fine_tuning.fine_tune(upper, head, [x], np.arange(8) % 2, **options)
        after = [weight for part in (upper, head) for weight in part.get_weights()]
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)
        changed = [np.any(a != b) for a, b in zip(before, trained.get_weights(), strict=True)]
        assert all(changed)
        assert len(history["seconds"]) == 2

    def test_one_seed_gives_one_result(self, network):
        lower, upper = backbones.cut(network, "joined")
        x, y = backbones.look(lower, images(80)), np.arange(80) % 2
        head, options = heads.head(8, 2), {"n_classes": 2, "epochs": 2, "peak_rate": 0.01}
        first, again, other = (
            fine_tuning.fine_tune(upper, head, [x], y, seed=seed, **options)[0].get_weights()
            for seed in (1, 1, 2)
        )
        np.testing.assert_allclose(first[0], again[0], atol=1e-5)
        assert not np.allclose(first[0], other[0], atol=1e-4)


class TestFineTunable:
    def test_batch_normalization_keeps_what_it_knows(self, network):
        lower, upper = backbones.cut(keras.models.clone_model(network), "first")
        tunable = fine_tuning.fine_tunable(upper, heads.head(8, 2))
        normal = upper.get_layer("normal")
        before = [np.asarray(weight) for weight in normal.weights]
        kernel = np.asarray(upper.get_layer("last").kernel)
        x = backbones.look(lower, images(8))
        fine_tuning.fit(tunable, [x], np.arange(8) % 2, n_classes=2, epochs=2, peak_rate=0.01)
        for weight, known in zip(normal.weights, before, strict=True):
            np.testing.assert_array_equal(np.asarray(weight), known)
        assert not np.array_equal(np.asarray(upper.get_layer("last").kernel), kernel)

    def test_batch_normalization_moves_if_it_is_not_frozen(self, network):
        lower, upper = backbones.cut(keras.models.clone_model(network), "first")
        tunable = fine_tuning.fine_tunable(upper, heads.head(8, 2), freeze_normalization=False)
        known = np.asarray(upper.get_layer("normal").moving_mean)
        x = backbones.look(lower, images(8))
        fine_tuning.fit(tunable, [x], np.arange(8) % 2, n_classes=2, epochs=2, peak_rate=0.01)
        assert not np.array_equal(np.asarray(upper.get_layer("normal").moving_mean), known)


class TestSolveHead:
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_it_gives_logistic_regressions_probabilities(self, n_classes):
        X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
        y = np.arange(60) % n_classes
        found = keras.ops.softmax(
            backbones.look(heads.solve_head(X, y, n_classes=n_classes, C=0.5), X)
        )
        known = linear_model.LogisticRegression(C=0.5, tol=1e-6).fit(X, y)
        np.testing.assert_allclose(np.asarray(found), known.predict_proba(X), atol=5e-3)

    @pytest.mark.parametrize(
        ("y", "n_classes"), [([0, 0, 0], 1), ([0, 2, 2], 3), ([1, 2, 1], 3), ([0, 1, 1], 3)]
    )
    def test_a_missing_label(self, y, n_classes):
        with pytest.raises(ValueError, match=r"expected each of 0 to \d at least once"):
            heads.solve_head(np.eye(3), np.array(y), n_classes=n_classes)


class TestClassifier:
    def test_probabilities_of_a_picture_and_of_its_mirror_image_are_one(self, network):
        pooled = keras.layers.GlobalAveragePooling2D()(network.output)
        seen = backbones.from_pixels(keras.Model(network.input, pooled))
        whole = fine_tuning.classifier([seen, heads.head(8, 3)], 16)
        x = images(4)
        found = backbones.look(whole, x)
        assert found.shape == (4, 3)
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(
            found, backbones.look(whole, x[:, :, ::-1]), rtol=1e-4, atol=1e-6
        )
