"""Set handwritten digits upright, so that a writer's slant no longer matters.

The ink's own second moments give the slope: how far it moves sideways, on average, for each row
further down. Each row is then shifted back. LeCun and colleagues deslanted digits so in 1998
(*Gradient-based learning applied to document recognition*).

Explained in chapter 9 (Before Deep Learning).
"""

import numpy as np


def upright(images: np.ndarray) -> np.ndarray:
    """Shear digits horizontally until their ink has no slant.

    Args:
        images: uint8, shape (n, height, width), 0 is paper. At least two pixels wide.

    Returns:
        uint8, the same shape. The ink's center stays where it is; an image without ink, or with
        all of it in one row, is returned as it was.

    Raises:
        ValueError: when the shape or the dtype is another.
    """
    images = np.asarray(images)
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[2] < 2:
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}; expected uint8 (n, height, width)"
        )
    ink = images.astype(np.float32)
    height, width = images.shape[1:]
    down = np.arange(height, dtype=np.float32)[:, np.newaxis]
    across = np.arange(width, dtype=np.float32)
    total = np.maximum(ink.sum(axis=(1, 2), keepdims=True), 1)
    down = down - (ink * down).sum(axis=(1, 2), keepdims=True) / total
    from_middle = across - (ink * across).sum(axis=(1, 2), keepdims=True) / total
    together = (ink * from_middle * down).sum(axis=(1, 2), keepdims=True)
    alone = (ink * down**2).sum(axis=(1, 2), keepdims=True)
    slope = together / np.maximum(alone, 1)
    # Where each pixel comes from, between two neighbors in its row; paper beyond the edge.
    source = across + slope * down
    left = np.floor(source)
    share = source - left
    pixels = []
    for step in (0, 1):
        place = (left + step).astype(np.int64)
        inside = (place >= 0) & (place < width)
        found = np.take_along_axis(ink, np.clip(place, 0, width - 1), axis=2)
        pixels.append(np.where(inside, found, 0))
    return np.rint(pixels[0] + share * (pixels[1] - pixels[0])).astype(np.uint8)
