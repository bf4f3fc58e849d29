"""Chapter 4's own: letters made up as digits are, and what Keras says of many digits."""

import base64
import hashlib
import json
import string

import keras
import numpy as np
import pytest
from keras import layers
from scipy import ndimage

from seeing.lessons import first_cnn


def decode(text: str) -> np.ndarray:
    """What the site's tests do with a string of base64."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def test_letters_stand_as_digits_do():
    found = first_cnn.letters(string.ascii_letters)
    assert found.shape == (52, 28, 28) and found.dtype == np.uint8
    for name, image in zip(string.ascii_letters, found, strict=True):
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20), name
        np.testing.assert_allclose(ndimage.center_of_mass(image), 13.5, atol=0.51, err_msg=name)
        assert image.max() > 200, name


def test_letters_differ_and_come_in_their_order():
    found = first_cnn.letters(["A", "B", "A"])
    np.testing.assert_array_equal(found[0], found[2])
    assert (found[0] != found[1]).any()
    # A bar is upright: all of it in a few columns.
    assert np.count_nonzero(first_cnn.letters("I")[0].any(axis=0)) < 6


@pytest.mark.parametrize("name", ["", " ", "AB"])
def test_what_is_no_letter_is_refused(name):
    with pytest.raises(ValueError, match="is no character that leaves ink"):
        first_cnn.letters([name])


def test_checks_hold_what_keras_says_and_which_images_it_saw(tmp_path):
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(2, 5, strides=4),
            layers.ReLU(),
            layers.Conv2D(3, 3),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    images = np.random.default_rng(0).integers(0, 256, (7, 28, 28)).astype(np.uint8)
    probe = images[3, ..., np.newaxis].astype("float32") / 255
    path = tmp_path / "a folder" / "checks.json"
    written = first_cnn.write_checks(path, network, images, probe)
    assert json.loads(path.read_text(encoding="utf-8")) == written
    assert written["format"] == first_cnn.CHECKS_FORMAT
    assert written["sha256"] == hashlib.sha256(images.tobytes()).hexdigest()
    pixels = images[..., np.newaxis].astype("float32") / 255
    wanted = keras.ops.softmax(network(pixels, training=False))
    found = decode(written["probabilities"]).reshape(written["images"], 10)
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(wanted), atol=1e-6)
    sizes = [decode(one).size for one in written["maps"]]
    assert sizes == [6 * 6 * 2, 4 * 4 * 3]
    first = keras.ops.convert_to_numpy(network.layers[1](network.layers[0](probe[np.newaxis])))
    np.testing.assert_allclose(decode(written["maps"][0]).reshape(6, 6, 2), first[0], atol=1e-6)
