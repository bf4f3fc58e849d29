"""Drawn photographs for the tests of the studio, and a network that sees their colors."""

import pathlib

import numpy as np
from PIL import Image, ImageDraw

from seeing.studio import features

COLORS = {"red": (200, 40, 40), "green": (40, 170, 60), "blue": (40, 60, 200)}
SIDE = 16


def draw(folder: pathlib.Path, count: int, *, seed: int = 0, size: tuple[int, int] = (96, 72)):
    """Draw photographs of one main color each, in turn, with shapes that no other has.

    Returns:
        The paths, as strings below the folder, with the name of the color.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for i in range(count):
        name = list(COLORS)[i % len(COLORS)]
        color = np.clip(np.array(COLORS[name]) + random.integers(-30, 30, 3), 0, 255)
        image = Image.new("RGB", size, tuple(int(c) for c in color))
        pencil = ImageDraw.Draw(image)
        for _ in range(10):
            x, y = random.integers(0, size[0]), random.integers(0, size[1])
            w, h = random.integers(4, 24, 2)
            shade = tuple(int(c) for c in np.clip(color + random.integers(-60, 60, 3), 0, 255))
            pencil.rectangle([int(x), int(y), int(x + w), int(y + h)], fill=shade)
        path = folder / f"photo {i:05d}.jpg"
        image.save(path, quality=85)
        found[path.name] = name
    return found


class Eye:
    """In a network's place: mean colors of an image, and how they vary."""

    name = "eye"

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], 6)

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        return np.concatenate([images.mean(axis=(1, 2)), images.std(axis=(1, 2))], axis=1)


def recipe() -> features.Recipe:
    """Six features, made in no time."""
    return features.Recipe("eye", SIDE, "whole", 6, Eye)
