"""Chapter 4's recipe as a helper: what it builds, and that it learns."""

import keras
import numpy as np
import pytest

from seeing.models import digit_network


@pytest.fixture
def bars() -> tuple[np.ndarray, np.ndarray]:
    """Two easy classes: a bar that lies is a 3, one that stands is a 7."""
    random = np.random.default_rng(0)
    X = random.integers(0, 60, (200, 28, 28)).astype(np.uint8)
    y = np.where(np.arange(200) % 2, 3, 7)
    X[y == 3, 12:16, 4:24] = 250
    X[y == 7, 4:24, 12:16] = 250
    return X, y


def test_it_is_the_network_of_chapter_4():
    network = digit_network.DigitNetwork(seed=0)
    # Three convolutions without bias, four numbers a channel of normalization, a dense layer.
    convolutions = 25 * 24 + 9 * 24 * 32 + 9 * 32 * 64
    assert (
        network.network.count_params() == convolutions + 4 * (24 + 32 + 64) + (3 * 3 * 64 + 1) * 10
    )
    assert network.size_bytes == 4 * network.network.count_params()


def test_it_learns_and_the_seed_decides(bars, monkeypatch):
    monkeypatch.setattr(digit_network, "MIN_IMAGES_SEEN", 2_000)
    X, y = bars
    first, again = (
        digit_network.DigitNetwork(seed=1).fit(X, y).network(X[:5, ..., None]) for _ in range(2)
    )
    assert np.array_equal(first, again)
    predicted = digit_network.DigitNetwork(seed=2).fit(X, y).predict(X)
    assert predicted.shape == (200,) and np.mean(predicted == y) > 0.95


def test_a_handful_of_images_is_enough_to_run(bars, monkeypatch):
    monkeypatch.setattr(digit_network, "MIN_IMAGES_SEEN", 0)
    X, y = bars
    assert set(digit_network.DigitNetwork().fit(X[:3], y[:3]).predict(X[:3])) <= set(range(10))


def test_outputs_are_the_networks_with_or_without_a_channel_axis():
    keras.utils.set_random_seed(0)
    X = np.random.default_rng(0).integers(0, 256, (1_001, 28, 28)).astype("uint8")
    for shape in ((28, 28), (28, 28, 1)):
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(3)]
        network = keras.Sequential([keras.Input(shape), *layers])
        known = network(X.reshape(-1, *shape).astype("float32"), training=False)
        found = digit_network.outputs(network, X)
        assert found.shape == (1_001, 3)
        np.testing.assert_allclose(found, keras.ops.convert_to_numpy(known), atol=1e-5)
