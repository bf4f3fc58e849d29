"""Read one photograph, for training, testing and prediction alike.

Explained in chapter 8, *A Flower Classifier*.
"""

import pathlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

MIN_SIDE = 8

MAX_PIXELS = 80_000_000  # 240 MB once decoded; the usual phone takes 12 to 50 million

MAX_ELONGATION = 20  # longer side : shorter side; a panorama has 8 at most

Crop = Literal["center", "random"]


class UnreadableImage(ValueError):
    """A file is no image that can be used. The message names the file and says why.

    Attributes:
        path: the file.
        reason: why it cannot be used, in one line.
    """

    def __init__(self, path: pathlib.Path | str, reason: str):
        self.path = pathlib.Path(path)
        self.reason = reason
        super().__init__(f"{path}: {reason}")


def read_image(path: pathlib.Path | str, *, shorter_side: int | None = None) -> np.ndarray:
    """Read an image file as RGB pixels, upright.

    - Turned as its EXIF orientation says.
    - Gray, palette and CMYK become RGB (without color management: profiles are ignored).
    - 16-bit gray is scaled to 8 bits.
    - Transparent parts are laid on white.
    - Of an animation, the first frame.

    Args:
        path: a JPEG, PNG, GIF, BMP, WebP, TIFF or PNM file.
        shorter_side: resize to this many pixels on the shorter side, the aspect ratio kept
            (bilinear, antialiased). Default: the image's own size.

    Returns:
        uint8, shape (height, width, 3), 0 to 255.

    Raises:
        UnreadableImage: when the file is missing, empty, damaged, no image, smaller than 8 pixels
            on a side, larger than 80 million pixels, or more than 20 times as long as wide.
    """
    image = _opened(path, shorter_side)
    return np.array(image if shorter_side is None else _resized(image, shorter_side))


def _opened(path: pathlib.Path | str, shorter_side: int | None) -> Image.Image:
    """The image, upright and RGB; a JPEG may already be reduced, but not below what is needed."""
    try:
        return _open(pathlib.Path(path), shorter_side)
    except UnreadableImage:
        raise
    except FileNotFoundError as error:
        raise UnreadableImage(path, "does not exist") from error
    except (IsADirectoryError, PermissionError) as error:
        raise UnreadableImage(path, (error.strerror or "cannot be opened").lower()) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage(path, f"too large: more than {MAX_PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
        raise UnreadableImage(path, _unidentified(pathlib.Path(path))) from error
    except MemoryError as error:
        raise UnreadableImage(path, "too large for this machine's memory") from error
    # Pillow's decoders meet damaged files with nearly every kind of exception.
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImage(path, f"damaged: {text}") from error


def _open(path: pathlib.Path, shorter_side: int | None) -> Image.Image:
    with Image.open(path) as image:
        width, height = image.size
        _require_usable_size(path, width, height)
        if shorter_side is not None:
            # A JPEG far larger than needed is decoded at 1/2, 1/4 or 1/8 of its size.
            scale = 2 * shorter_side / min(width, height)
            image.draft("RGB", (int(width * scale), int(height * scale)))
        return _as_rgb(_upright(image), path)


def _require_usable_size(path: pathlib.Path, width: int, height: int) -> None:
    size = f"{width}×{height} pixels"
    if min(width, height) < MIN_SIDE:
        raise UnreadableImage(path, f"too small: {size}, expected {MIN_SIDE} on a side or more")
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            path, f"too large: {size}, expected at most {MAX_PIXELS:,} in all; reduce it first"
        )
    if max(width, height) > MAX_ELONGATION * min(width, height):
        raise UnreadableImage(
            path, f"too long and narrow: {size}, expected {MAX_ELONGATION}:1 at most"
        )


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    # Damaged EXIF says nothing about the pixels: show them unturned, as image viewers do.
    except Exception:
        return image


def _as_rgb(image: Image.Image, path: pathlib.Path) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise UnreadableImage(path, "32-bit gray values; convert it to 8 or 16 bits")
        eight_bits = ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        return Image.fromarray(eight_bits).convert("RGB")
    if image.mode == "F":
        raise UnreadableImage(path, "floating-point gray values; convert it to 8 or 16 bits")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(paper, opaque).convert("RGB")
    return image.convert("RGB")


def _resized(image: Image.Image, shorter_side: int) -> Image.Image:
    width, height = image.size
    scale = shorter_side / min(width, height)
    size = (max(shorter_side, round(width * scale)), max(shorter_side, round(height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR)


def _unidentified(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        return "empty: 0 bytes"
    return f"no image that can be read: it starts with {start!r}"


def read_square(
    path: pathlib.Path | str, image_size: int, *, shorter_side: int | None = None
) -> np.ndarray:
    """Read the middle square of an image, as the pipeline does with ``crop="center"``.

    Args:
        path: an image file.
        image_size: width and height of the result, in pixels.
        shorter_side: length of the shorter side before the crop; default ``image_size``.

    Returns:
        uint8, shape (image_size, image_size, 3).

    Raises:
        UnreadableImage: as :func:`read_image` does.
        ValueError: when ``shorter_side`` is less than ``image_size``.
    """
    shorter_side = shorter_side or image_size
    if shorter_side < image_size:
        raise ValueError(f"shorter_side is {shorter_side}, less than image_size {image_size}")
    image = _opened(path, shorter_side)
    # Cut and resize in one step: pixels outside the square are never computed.
    side = min(image.size) * image_size / shorter_side
    left, top = (image.width - side) / 2, (image.height - side) / 2
    square = image.resize(
        (image_size, image_size),
        Image.Resampling.BILINEAR,
        box=(left, top, left + side, top + side),
    )
    return np.array(square)


def read_squares(paths: Sequence[pathlib.Path | str], size: int) -> np.ndarray:
    """The middle squares of several images, as :func:`read_square` gives them.

    Args:
        paths: image files, n of them.
        size: width and height of each square, in pixels.

    Returns:
        uint8, shape (n, size, size, 3).

    Raises:
        UnreadableImage: naming the first file that cannot be used.
    """
    squares = [read_square(path, size) for path in paths]
    return np.stack(squares) if squares else np.zeros((0, size, size, 3), dtype=np.uint8)
