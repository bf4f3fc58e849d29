"""How many pixels of an image have each color, wherever they are.

The method is that of M. J. Swain and D. H. Ballard, "Color Indexing", International Journal of
Computer Vision 1991, doi:10.1007/BF00130487.

Explained in chapter 9 (Before Deep Learning).
"""

import numpy as np
import numpy.typing as npt


def histogram(images: npt.NDArray[np.uint8], levels: int = 4) -> npt.NDArray[np.float32]:
    """The share of pixels in each of ``levels``³ boxes of the RGB cube.

    Args:
        images: uint8, shape (n, height, width, 3), at least one pixel.
        levels: how many equal parts each channel is cut into, 2 to 16.

    Returns:
        float32, shape (n, levels³), each row adding up to 1. Red counts slowest, blue fastest.

    Raises:
        ValueError: when the shape, the dtype or ``levels`` is another.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images are {images.dtype} of shape {images.shape}; "
            "expected uint8 (n, height, width, 3)"
        )
    if images.shape[1] * images.shape[2] == 0:
        raise ValueError(f"images of shape {images.shape} have no pixel; expected one or more")
    if not 2 <= levels <= 16:
        raise ValueError(f"levels is {levels}; expected 2 to 16")
    bins, pixels = levels**3, images.shape[1] * images.shape[2]
    shares = np.empty((len(images), bins), dtype=np.float32)
    for row, image in zip(shares, images, strict=True):
        red, green, blue = np.moveaxis(image.reshape(-1, 3).astype(np.intp) * levels // 256, 1, 0)
        row[:] = np.bincount((red * levels + green) * levels + blue, minlength=bins) / pixels
    return shares
