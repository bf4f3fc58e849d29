"""Networks as JSON: what the page's demo reads is what Keras computes with.

The arithmetic in the browser is tested in a browser, in tests/site.
"""

import base64
import json
import pathlib
from collections.abc import Callable
from typing import Any

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import layers

from seeing import demos

NAMES = ["ant", "bee", "cat"]


def decode(text: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """What the demo does with a string of base64: little-endian float32."""
    flat = np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")
    return flat if shape is None else flat.reshape(shape)


def built(layer: keras.Layer, shape: tuple[int, ...] = (6, 6, 2)) -> keras.Layer:
    """The layer, with weights, inside a network."""
    keras.Sequential([keras.Input(shape), layer])
    return layer


def randomize(layer: keras.Layer, seed: int = 0) -> None:
    """Give every weight of a layer a value of its own; variances stay positive."""
    generator = np.random.default_rng(seed)
    for weight in layer.weights:
        values = generator.normal(size=weight.shape)
        weight.assign(np.abs(values) + 0.01 if "variance" in weight.path else values)


@pytest.fixture(scope="module")
def model() -> keras.Sequential:
    """A small network of logits that holds every kind of layer the demo knows."""
    made = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
            layers.Rescaling(1 / 255, offset=-0.5),
            layers.Conv2D(4, 3, padding="same", strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SpatialDropout2D(0.5),
            layers.Conv2D(5, (1, 2), activation="relu"),
            layers.MaxPooling2D((2, 1), strides=1),
            layers.AveragePooling2D(2, strides=(1, 2)),
            layers.Activation("relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(7, activation="relu"),
            layers.Dense(3),
        ]
    )
    for index, layer in enumerate(made.layers):
        if layer.name.startswith(("conv", "dense", "batch")):
            randomize(layer, seed=index)
    return made


@pytest.fixture(scope="module")
def probes() -> np.ndarray:
    """Images to compare."""
    return np.random.default_rng(1).uniform(0, 255, (4, 8, 8, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def network(
    model: keras.Sequential, probes: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The exported network, read back from its file."""
    path = tmp_path_factory.mktemp("exports") / "a folder" / "network.json"
    written = demos.write_network(model, path, class_names=NAMES, probes=probes)
    text = path.read_text(encoding="utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads(text, parse_constant=refuse) == written
    return written


# The file.


def test_the_file_holds_the_layers_that_compute_in_their_order(network):
    assert [layer["kind"] for layer in network["layers"]] == [
        "affine",
        "convolution",
        "affine",
        "activation",
        "convolution",
        "maximum_pooling",
        "average_pooling",
        "activation",
        "flatten",
        "dense",
        "dense",
    ]
    assert network["format"] == "seeing-network-1"
    assert network["input_shape"] == [8, 8, 1]
    assert network["class_names"] == NAMES


def test_the_weights_are_those_of_the_network_bit_for_bit(model, network):
    weighted = [layer for layer in model.layers if isinstance(layer, layers.Conv2D | layers.Dense)]
    written = [layer for layer in network["layers"] if "kernel" in layer]
    assert len(weighted) == len(written) == 4
    for layer, exported in zip(weighted, written, strict=True):
        kernel = decode(exported["kernel"], tuple(exported["kernel_shape"]))
        np.testing.assert_array_equal(kernel, np.asarray(layer.kernel))
        bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(kernel.shape[-1])
        np.testing.assert_array_equal(decode(exported["bias"]), bias)


def test_the_settings_are_those_of_the_network(network):
    first, second = (layer for layer in network["layers"] if layer["kind"] == "convolution")
    assert (first["strides"], first["padding"], first["activation"]) == ([2, 2], "same", "linear")
    assert (second["strides"], second["padding"], second["activation"]) == ([1, 1], "valid", "relu")
    maximum, average = (layer for layer in network["layers"] if "pooling" in layer["kind"])
    assert (maximum["size"], maximum["strides"]) == ([2, 1], [1, 1])
    assert (average["size"], average["strides"]) == ([2, 2], [1, 2])
    dense = [layer["activation"] for layer in network["layers"] if layer["kind"] == "dense"]
    assert dense == ["relu", "linear"]


def test_rescaling_is_one_number_and_another(network):
    assert decode(network["layers"][0]["scale"]).tolist() == [np.float32(1 / 255)]
    assert decode(network["layers"][0]["offset"]).tolist() == [-0.5]


def test_the_probes_come_back_with_keras_probabilities(model, probes, network):
    expected = np.asarray(keras.ops.softmax(model(probes, training=False)))
    assert len(network["probes"]) == len(probes)
    for probe, image, probabilities in zip(network["probes"], probes, expected, strict=True):
        np.testing.assert_array_equal(decode(probe["image"], (8, 8, 1)), image)
        np.testing.assert_allclose(probe["probabilities"], probabilities, atol=1e-6)
        assert sum(probe["probabilities"]) == pytest.approx(1, abs=1e-5)


def forward(network: dict[str, Any], image: np.ndarray) -> np.ndarray:
    """A network of dense layers, affine maps and ReLUs, computed from its JSON alone."""
    x = image.ravel().astype(float)
    for layer in network["layers"]:
        if layer["kind"] == "affine":
            x = x * decode(layer["scale"]) + decode(layer["offset"])
        elif layer["kind"] == "dense":
            kernel = decode(layer["kernel"], tuple(layer["kernel_shape"]))
            x = x @ kernel + decode(layer["bias"])
        if layer.get("activation") == "relu":
            x = np.maximum(x, 0)
    e = np.exp(x - x.max())
    return e / e.sum()


def test_the_json_alone_gives_keras_probabilities(tmp_path):
    made = keras.Sequential(
        [
            keras.Input((3, 3, 1)),
            layers.Rescaling(0.1),
            layers.Flatten(),
            layers.Dense(8, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(3),
        ]
    )
    for index in (2, 3, 5):
        randomize(made.layers[index], seed=index)
    images = np.random.default_rng(2).normal(size=(5, 3, 3, 1)).astype(np.float32)
    network = demos.write_network(made, tmp_path / "network.json", class_names=NAMES, probes=images)
    for image, probe in zip(images, network["probes"], strict=True):
        np.testing.assert_allclose(forward(network, image), probe["probabilities"], atol=1e-5)


def test_names_that_do_not_fit_the_outputs_are_refused(model, probes, tmp_path):
    with pytest.raises(ValueError, match="3 outputs, but 2 class names"):
        demos.write_network(model, tmp_path / "network.json", class_names=NAMES[:2], probes=probes)
    assert list(tmp_path.iterdir()) == []


def test_a_layer_the_demo_does_not_know_leaves_no_file(probes, tmp_path):
    made = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.LayerNormalization(), layers.Dense(3)]
    )
    with pytest.raises(ValueError, match="knows no layer LayerNormalization"):
        demos.write_network(made, tmp_path / "network.json", class_names=NAMES, probes=probes)
    assert list(tmp_path.iterdir()) == []


# Single layers.


@hypothesis.settings(deadline=None)
@hypothesis.given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(max_dims=4, max_side=4),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    ),
    st.booleans(),
)
def test_every_float32_comes_back_from_base64(array, transposed):
    given = array.T if transposed else array
    np.testing.assert_array_equal(decode(demos.as_base64(given), given.shape), given)


@hypothesis.settings(max_examples=30)
@hypothesis.given(
    seed=st.integers(0, 1000),
    center=st.booleans(),
    scale=st.booleans(),
    epsilon=st.sampled_from([1e-3, 1e-5]),
)
def test_batch_normalization_is_an_affine_map(seed, center, scale, epsilon):
    layer = built(layers.BatchNormalization(center=center, scale=scale, epsilon=epsilon))
    randomize(layer, seed)
    exported = demos.layer_as_json(layer)
    assert exported["kind"] == "affine"
    x = np.random.default_rng(seed).normal(size=(3, 6, 6, 2)).astype(np.float32)
    found = x * decode(exported["scale"]) + decode(exported["offset"])
    np.testing.assert_allclose(found, np.asarray(layer(x, training=False)), rtol=1e-5, atol=1e-5)


def test_an_axis_may_be_named_from_either_end():
    assert demos.layer_as_json(built(layers.BatchNormalization(axis=3)))["kind"] == "affine"


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.DepthwiseConv2D(3),
        lambda: layers.SeparableConv2D(3, 3),
        lambda: layers.Conv2DTranspose(3, 3),
        lambda: layers.GlobalMaxPooling2D(),
        lambda: layers.LayerNormalization(),
        lambda: layers.Softmax(),
        lambda: layers.LeakyReLU(),
        lambda: layers.UpSampling2D(),
        lambda: layers.ZeroPadding2D(),
        lambda: layers.GaussianNoise(0.1, name="my_noise"),
    ],
    ids=lambda make: type(make()).__name__,
)
def test_an_unknown_layer_is_named(layer: Callable[[], keras.Layer]):
    made = built(layer())
    with pytest.raises(ValueError, match="knows no layer") as caught:
        demos.layer_as_json(made)
    assert f"{type(made).__name__} ({made.name})" in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "setting"),
    [
        (lambda: layers.Conv2D(2, 3, dilation_rate=2), "dilation or groups"),
        (lambda: layers.Conv2D(2, 3, groups=2), "dilation or groups"),
        (lambda: layers.Conv2D(2, 1, data_format="channels_first"), "data_format 'channels_first'"),
        (lambda: layers.Conv2D(2, 3, activation="gelu"), "the activation 'gelu'"),
        (lambda: layers.Dense(2, activation="softmax"), "the activation 'softmax'"),
        (lambda: layers.Activation("sigmoid"), "the activation 'sigmoid'"),
        (lambda: layers.ReLU(max_value=6.0), "max_value, a slope or a threshold"),
        (lambda: layers.ReLU(negative_slope=0.1), "max_value, a slope or a threshold"),
        (lambda: layers.ReLU(threshold=1.0), "max_value, a slope or a threshold"),
        (lambda: layers.MaxPooling2D(2, padding="same"), "padding"),
        (lambda: layers.AveragePooling2D(2, padding="same"), "padding"),
        (
            lambda: layers.MaxPooling2D(2, data_format="channels_first"),
            "data_format 'channels_first'",
        ),
        (lambda: layers.GlobalAveragePooling2D(keepdims=True), "keepdims"),
        (lambda: layers.BatchNormalization(axis=1), "axis 1"),
    ],
)
def test_a_setting_the_demo_does_not_know_is_named(layer: Callable[[], keras.Layer], setting: str):
    made = built(layer())
    with pytest.raises(ValueError, match="the page's demo cannot run") as caught:
        demos.layer_as_json(made)
    assert str(caught.value).endswith(f"{type(made).__name__} ({made.name}) with {setting}")


def test_global_average_pooling_needs_no_settings():
    layer = built(layers.GlobalAveragePooling2D())
    assert demos.layer_as_json(layer) == {"kind": "global_average_pooling"}


def test_the_path_may_be_anywhere(tmp_path: pathlib.Path, model, probes):
    path = tmp_path / "one" / "zwei ü" / "network.json"
    demos.write_network(model, path, class_names=["ä", "ö", "✿"], probes=probes[:1])
    assert json.loads(path.read_text(encoding="utf-8"))["class_names"] == ["ä", "ö", "✿"]


def test_what_stands_beside_the_network_is_in_its_file(tmp_path: pathlib.Path, model, probes):
    path = tmp_path / "network.json"
    beside = {"least": 0.5, "known": [{"label": 1}]}
    demos.write_network(model, path, class_names=NAMES, probes=probes[:1], beside=beside)
    read = json.loads(path.read_text(encoding="utf-8"))
    assert (read["least"], read["known"]) == (0.5, [{"label": 1}])
    assert [layer["kind"] for layer in read["layers"]][-1] == "dense"


def test_what_stands_beside_the_network_hides_nothing_of_it(tmp_path: pathlib.Path, model, probes):
    path = tmp_path / "network.json"
    beside = {"probes": [], "layers": []}
    with pytest.raises(ValueError, match="already has layers, probes"):
        demos.write_network(model, path, class_names=NAMES, probes=probes, beside=beside)
    assert not path.exists()


# Images in sixteen levels.


def from_text(text: str, shape: tuple[int, int]) -> np.ndarray:
    """What the demo does with a drawing's text: its levels, 0 to 15."""
    runs = {letter: length for length, letter in enumerate(demos.RUNS, start=1)}
    levels = "".join("0" * runs[one] if one in runs else one for one in text)
    levels = levels.ljust(shape[0] * shape[1], "0")
    return np.array([int(level, 16) for level in levels]).reshape(shape)


@hypothesis.given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=28)))
def test_an_image_in_levels_comes_back_from_its_text(image):
    text = demos.as_text(image)
    assert text == "" or text[-1] != "0"
    assert "0" not in text
    np.testing.assert_array_equal(from_text(text, image.shape), demos.in_levels(image) // 17)


def test_runs_of_empty_pixels_are_letters():
    image = np.zeros((4, 30), np.uint8)
    image[0, 1], image[1, 18], image[1, 20] = 255, 17, 170
    # One empty pixel, then 46, the longest run, then one again; the rest is left out.
    assert demos.as_text(image) == "gfZ1ga"
    image[1, 18] = 0
    assert demos.as_text(image) == "gfZha"
    assert demos.as_text(np.zeros((28, 28), np.uint8)) == ""


def test_levels_are_the_nearest_and_apply_once():
    every = np.arange(256, dtype=np.uint8)
    found = demos.in_levels(every)
    assert found.dtype == np.uint8
    assert sorted(set(found.tolist())) == list(range(0, 256, 17))
    assert np.abs(found.astype(int) - every).max() == 8
    np.testing.assert_array_equal(demos.in_levels(found), found)


@pytest.mark.parametrize("image", [np.zeros((28, 28)), np.zeros((28, 28), np.float32)])
def test_an_image_that_is_not_uint8_is_refused(image):
    with pytest.raises(ValueError, match="expected uint8"):
        demos.as_text(image)


def test_a_batch_has_no_text():
    with pytest.raises(ValueError, match=r"shape \(1, 28, 28\); expected \(height, width\)"):
        demos.as_text(np.zeros((1, 28, 28), np.uint8))
