"""Pictures made worse on purpose: noise, blur, shift and rotation, each with a strength.

A network is tested on them to see how much it bears. The idea of sweeping kinds and strengths is
that of D. Hendrycks and T. Dietterich, *Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations*, ICLR 2019, who have fifteen kinds for photographs.

All functions take uint8 images and give new ones of the same shape. The same seed gives the same
pictures, so that two networks can be asked about the very same ones.

Explained in chapter 6, *Generalize, Don't Memorize*.
"""

import math

import numpy as np
from scipy import ndimage

DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # right, left, down, up


def noise(images: np.ndarray, strength: float, *, seed: int = 0) -> np.ndarray:
    """Add normally distributed noise to every number.

    Args:
        images: uint8, shape (n, height, width) or (n, height, width, channels).
        strength: the noise's standard deviation, as a share of the range from 0 to 255; 0 or more.
        seed: of the noise.

    Returns:
        uint8, the same shape: rounded, and cut off at 0 and 255.

    Raises:
        ValueError: when the images' shape or dtype is another, or the strength is negative.
    """
    images = _checked(images, strength)
    drawn = np.random.default_rng(seed).standard_normal(images.shape, dtype=np.float32)
    return _as_uint8(images + np.float32(255 * strength) * drawn)


def blur(images: np.ndarray, strength: float) -> np.ndarray:
    """Blur with a Gaussian; beyond the edge the nearest pixel goes on.

    Args:
        images: uint8, shape (n, height, width) or (n, height, width, channels).
        strength: the Gaussian's standard deviation in pixels; 0 leaves the images as they are.

    Returns:
        uint8, the same shape.

    Raises:
        ValueError: when the images' shape or dtype is another, or the strength is negative.
    """
    images = _checked(images, strength)
    widths = (0, strength, strength, 0)[: images.ndim]
    return _as_uint8(ndimage.gaussian_filter(images.astype(np.float32), widths, mode="nearest"))


def shift(images: np.ndarray, strength: int, *, fill: int = 0, seed: int = 0) -> np.ndarray:
    """Move each image right, left, down or up.

    Args:
        images: uint8, shape (n, height, width) or (n, height, width, channels).
        strength: by how many whole pixels; 0 or more.
        fill: value of the pixels that come into sight; 0 is MNIST's paper.
        seed: decides each image's direction.

    Returns:
        uint8, the same shape.

    Raises:
        ValueError: when the images' shape or dtype is another, or the strength is negative or not
            a whole number.
    """
    images = _checked(images, strength)
    if strength != int(strength):
        raise ValueError(f"strength is {strength}; a shift is a whole number of pixels, such as 2")
    pixels, (height, width) = int(strength), images.shape[1:3]
    # Never more than the image's own size: further out there is nothing but fill.
    room = min(pixels, max(height, width))
    border = [(0, 0), (room, room), (room, room), (0, 0)][: images.ndim]
    wide = np.pad(images, border, constant_values=fill)
    moved = np.empty_like(images)
    drawn = np.random.default_rng(seed).integers(len(DIRECTIONS), size=len(images))
    for index, (down, right) in enumerate(DIRECTIONS):
        top, left = room * (1 - down), room * (1 - right)
        chosen = drawn == index
        moved[chosen] = wide[chosen, top : top + height, left : left + width]
    return moved


def rotate(images: np.ndarray, strength: float, *, fill: int = 0, seed: int = 0) -> np.ndarray:
    """Rotate each image about its middle, to the left or to the right (bilinear).

    Args:
        images: uint8, shape (n, height, width) or (n, height, width, channels).
        strength: by how many degrees; 0 or more.
        fill: value of the pixels that come into sight; 0 is MNIST's paper.
        seed: decides each image's direction.

    Returns:
        uint8, the same shape: what leaves the frame is lost.

    Raises:
        ValueError: when the images' shape or dtype is another, or the strength is negative.
    """
    images = _checked(images, strength)
    rotated = np.empty_like(images)
    to_the_left = np.random.default_rng(seed).random(len(images)) < 0.5
    for chosen, degrees in ((to_the_left, strength), (~to_the_left, -strength)):
        if not chosen.any():
            continue
        turned = ndimage.rotate(
            images[chosen].astype(np.float32),
            degrees,
            axes=(1, 2),
            reshape=False,
            order=1,
            mode="constant",
            cval=fill,
        )
        rotated[chosen] = _as_uint8(turned)
    return rotated


def _checked(images: np.ndarray, strength: float) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim not in (3, 4) or images.dtype != np.uint8:
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}; "
            "expected uint8 (n, height, width) or (n, height, width, channels)"
        )
    if not (math.isfinite(strength) and strength >= 0):
        raise ValueError(f"strength is {strength}; expected a number that is at least 0")
    return images


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
