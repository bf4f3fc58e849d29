"""What chapter 4 alone needs: letters for a network that knows digits, and what its demo reads.

Explained in chapter 4, *A First Honest CNN*.
"""

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from seeing import demos, exports

CHECKS_FORMAT = "seeing-digit-checks-1"

# Of an image, of what is on it, and of the letters before they are made as small.
SIDE, INSIDE, LARGE = 28, 20, 96


def letters(names: Sequence[str]) -> np.ndarray:
    """Letters of the font that matplotlib brings, made up as MNIST's digits are.

    Each is scaled into 20 × 20 pixels, and its center of mass is brought to the middle.

    Args:
        names: single characters.

    Returns:
        uint8, shape (len(names), 28, 28), 0 is paper and 255 is ink.

    Raises:
        ValueError: when a name is not one character, or has no ink.
    """
    path = pathlib.Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    font = ImageFont.truetype(str(path), LARGE)
    return np.array([_letter(name, font) for name in names], dtype=np.uint8)


def _letter(name: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    sheet = Image.new("L", (3 * LARGE, 3 * LARGE))
    if len(name) == 1:
        ImageDraw.Draw(sheet).text((LARGE, LARGE), name, fill=255, font=font)
    box = sheet.getbbox()
    if box is None:
        raise ValueError(f"{name!r} is no character that leaves ink")
    cut = sheet.crop(box)
    scale = INSIDE / max(cut.size)
    small = cut.resize([max(1, round(scale * length)) for length in cut.size], Image.Resampling.BOX)
    image = np.zeros((SIDE, SIDE))
    ink = np.asarray(small, dtype=float)
    top, left = (SIDE - np.array(ink.shape)) // 2
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    down, right = np.rint((SIDE - 1) / 2 - np.array(ndimage.center_of_mass(image))).astype(int)
    return np.rint(ndimage.shift(image, (down, right), order=0))


def write_checks(
    path: pathlib.Path, network: keras.Sequential, images: np.ndarray, probe: np.ndarray
) -> dict[str, Any]:
    """Write what Keras says of many digits, for the site's tests; no page reads it.

    The digits themselves stay where they are: the file holds their hash.

    Args:
        path: the JSON file; its folder is made if need be.
        network: pixels from 0 to 1, shape (28, 28, 1), to logits.
        images: uint8, shape (N, 28, 28).
        probe: one image, as the network takes it: its feature maps are written, too.

    Returns:
        What was written.
    """
    relus = [layer.output for layer in network.layers if isinstance(layer, keras.layers.ReLU)]
    observer = keras.Model(network.inputs[0], relus)
    pixels = images[..., np.newaxis].astype("float32") / 255
    softmax = keras.ops.softmax(network.predict(pixels, batch_size=1_000, verbose=0))
    maps = [keras.ops.convert_to_numpy(one) for one in observer(probe[np.newaxis])]
    content = {
        "format": CHECKS_FORMAT,
        "images": len(images),
        "sha256": hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest(),
        "probabilities": demos.as_base64(keras.ops.convert_to_numpy(softmax)),
        "maps": [demos.as_base64(one) for one in maps],
    }
    return exports.write(path, content)
