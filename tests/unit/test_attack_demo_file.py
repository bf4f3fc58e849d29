"""What chapter 10's demo reads: the network, the digits, and Keras's slopes and attacks."""

import base64
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from seeing.lessons import attack_demo


def numbers(text: str) -> np.ndarray:
    """What the demo's tests do with a string of base64."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")


@pytest.fixture(scope="module")
def network() -> keras.Sequential:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(3, 5, strides=4, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 256, (3, 28, 28, 1)).astype("float32"), np.array([4, 0, 8])


def slope(network, X, y):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    with tf.GradientTape() as tape:
        tape.watch(X)
        total = loss(y, network(X))
    return tape.gradient(total, X)


def fgsm(network, X, y, epsilon):
    stepped = X + epsilon * np.sign(slope(network, tf.constant(X), y))
    return np.clip(stepped, 0, 255).astype("float32")


@pytest.fixture(scope="module")
def written(network, digits, tmp_path_factory):
    """What is in both files, read back."""
    path = tmp_path_factory.mktemp("exports") / "a folder" / "attack.json"
    given = {"epsilon": 25.5, "slope": slope, "fgsm": fgsm, "checked": (8, 25.5)}
    content = attack_demo.write(str(path), network, *digits, **given)
    assert json.loads(path.read_text(encoding="utf-8")) == content
    checks = path.with_name("attack-checks.json")
    return content, json.loads(checks.read_text(encoding="utf-8"))


def test_the_page_gets_the_network_and_the_digits(written, network, digits):
    content, _ = written
    X, y = digits
    assert content["format"] == "seeing-network-1"
    assert content["labels"] == y.tolist() and content["epsilon"] == 25.5
    assert content["class_names"] == [str(digit) for digit in range(10)]
    wanted = keras.ops.convert_to_numpy(keras.ops.softmax(network(X)))
    for probe, image, row in zip(content["probes"], X, wanted, strict=True):
        np.testing.assert_array_equal(numbers(probe["image"]), image.ravel())
        np.testing.assert_allclose(probe["probabilities"], row, atol=1e-6)


def test_its_tests_get_what_keras_makes_of_them(written, network, digits):
    _, checks = written
    X, y = digits
    assert checks["format"] == attack_demo.CHECKS_FORMAT
    wanted = np.asarray(slope(network, tf.constant(X), y))
    assert np.abs(wanted).max() > 0
    for text, values in zip(checks["slopes"], wanted, strict=True):
        np.testing.assert_allclose(numbers(text), values.ravel(), atol=1e-7)
    assert [one["epsilon"] for one in checks["fgsm"]] == [8, 25.5]
    for one in checks["fgsm"]:
        changed = np.stack([numbers(text).reshape(28, 28, 1) for text in one["images"]])
        np.testing.assert_array_equal(changed, fgsm(network, X, y, one["epsilon"]))
        assert np.abs(changed - X).max() == one["epsilon"]
        there = np.stack([numbers(text).reshape(28, 28, 1) for text in one["slopes"]])
        np.testing.assert_allclose(there, slope(network, tf.constant(changed), y), atol=1e-7)
        shares = keras.ops.convert_to_numpy(keras.ops.softmax(network(changed)))
        np.testing.assert_allclose(one["probabilities"], shares, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "shift", "said"),
    [([1, 2], 0, r"3 images, but labels of shape \(2,\)"), ([1, 2, 3], 1, "from 1 to 256")],
)
def test_what_does_not_fit_is_refused(network, digits, tmp_path, labels, shift, said):
    X = digits[0].copy()
    X[0, 0, 0], X[0, 0, 1] = 0, 255
    path = tmp_path / "attack.json"
    given = {"epsilon": 25.5, "slope": slope, "fgsm": fgsm, "checked": (8,)}
    with pytest.raises(ValueError, match=said):
        attack_demo.write(path, network, X.clip(0, 255) + shift, labels, **given)
    assert list(tmp_path.iterdir()) == []
