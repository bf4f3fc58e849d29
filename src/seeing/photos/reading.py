"""Read one photograph, for training, testing and prediction alike.

Explained in chapter 8, *A Flower Classifier*.
"""

import contextlib
import pathlib
import stat
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from PIL import Image, ImageOps, features

from seeing.photos import named_warnings

MIN_SIDE = 8

MAX_PIXELS = 80_000_000  # 240 MB once decoded; the usual phone takes 12 to 50 million

MAX_ELONGATION = 20  # longer side : shorter side; a panorama has 8 at most

# The formats that are read, by Pillow's names, and how their files' names end. Pillow knows more;
# for some of those it starts another program, as Ghostscript for EPS, whatever a file is called.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".mpo",),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)

HEIC_SUFFIXES = frozenset({".heic", ".heif"})
HEIC_REASON = "HEIC photographs cannot be read; export it as JPEG"

GIT_LFS_START = b"version https://git-lfs"
GIT_LFS_REASON = "a Git LFS pointer, not the file itself; fetch that with `git lfs pull`"

# How files of other kinds start, which are often found among photographs.
OTHER_STARTS = {
    b"%!PS": "EPS",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"%PDF": "PDF",
    b"8BPS": "Photoshop",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xffO\xffQ": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x01\x00": "icon",
    b"<svg": "SVG",
}
# An ISO base media file names the kinds of its content: ISO/IEC 23008-12, MIAF and AVIF.
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
AVIF_BRANDS = {b"avif", b"avis"}

# Bits of a sensor or a program whose gray values are often stored in files of 16 bits.
GRAY_BITS = (8, 10, 12, 14, 16)

Crop = Literal["center", "whole", "random", "stretched"]
Look = Literal["center", "whole"]  # the crops that chance has no part in


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


def decodes_avif() -> bool:
    """Whether the installed Pillow can decode AVIF, as Pillow's own packages since 11.3 can."""
    Image.init()
    return "AVIF" in Image.OPEN and bool(features.check("avif"))  # an older one would warn


def read_image(path: pathlib.Path | str, *, shorter_side: int | None = None) -> np.ndarray:
    """Read an image file as RGB pixels, upright.

    - Turned as its EXIF orientation says.
    - Gray, palette and CMYK become RGB (without color management: profiles are ignored).
    - 16-bit gray is scaled to 8 bits. Its full scale is the smallest of 8, 10, 12, 14 and 16 bits
      that holds its largest value: a 12-bit camera's picture would else be nearly black.
    - Transparent parts are laid on white.
    - Of an animation, the first frame.

    Pillow's warnings, of damaged EXIF for example, are given on with the file's name.

    Args:
        path: a JPEG, PNG, GIF, BMP, WebP, TIFF, PNM or AVIF file, whatever its name. AVIF needs a
            Pillow that was built with it, as Pillow's own packages are since version 11.3.
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
    path = pathlib.Path(path)
    # What is said of the file as a warning is left to the caller: its exception is no damage.
    with named_warnings.about(path):
        return _open_or_refuse(path, shorter_side)


def _open_or_refuse(path: pathlib.Path, shorter_side: int | None) -> Image.Image:
    """The image, or one kind of error, whatever Pillow raises."""
    try:
        return _open(path, shorter_side)
    except UnreadableImage:
        raise
    except FileNotFoundError as error:
        raise UnreadableImage(path, "does not exist") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage(path, f"too large: more than {MAX_PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
        raise UnreadableImage(path, _unidentified(path)) from error
    except MemoryError as error:
        raise UnreadableImage(path, "too large for this machine's memory") from error
    # Pillow's decoders meet damaged files with nearly every kind of exception.
    except Exception as error:
        raise UnreadableImage(path, _damage(path, error)) from error


def _open(path: pathlib.Path, shorter_side: int | None) -> Image.Image:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would wait for ever
        raise UnreadableImage(path, "no ordinary file, but a pipe or a device")
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]  # an old Pillow has no AVIF
    with Image.open(path, formats=formats) as image:
        width, height = image.size
        _require_usable_size(path, width, height)
        has_16_bits = any(";16" in str(tile[3]) for tile in image.tile)  # gone once it is loaded
        if shorter_side is not None:
            # A JPEG far larger than needed is decoded at 1/2, 1/4 or 1/8 of its size.
            scale = 2 * shorter_side / min(width, height)
            image.draft("RGB", (int(width * scale), int(height * scale)))
        return _as_rgb(_upright(image), path, has_16_bits)


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


def _as_rgb(image: Image.Image, path: pathlib.Path, has_16_bits: bool) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(image), path)).convert("RGB")
    if image.mode == "F":
        raise UnreadableImage(path, "floating-point gray values; convert it to 8 or 16 bits")
    if has_16_bits:
        _require_high_bits(image, path)
    if image.mode == "RGB":
        return image
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(paper, opaque).convert("RGB")
    return image.convert("RGB")


def _eight_bits(gray: np.ndarray, path: pathlib.Path) -> np.ndarray:
    smallest, largest = int(gray.min()), int(gray.max())
    if smallest < 0 or largest > 65535:
        raise UnreadableImage(path, "32-bit gray values; convert it to 8 or 16 bits")
    full_scale = next(2**bits - 1 for bits in GRAY_BITS if largest < 2**bits)
    return ((gray.astype(np.uint32) * 255 + full_scale // 2) // full_scale).astype(np.uint8)


def _require_high_bits(image: Image.Image, path: pathlib.Path) -> None:
    """Of 16-bit colors Pillow keeps the upper 8 bits: of 12-bit values next to nothing."""
    colors = image.convert("RGB")  # without what is transparent
    if max(high for _, high in colors.getextrema()) < 16:
        raise UnreadableImage(
            path, "16-bit colors that use 12 bits or fewer; convert it to 8 bits a channel"
        )


def _resized(image: Image.Image, shorter_side: int) -> Image.Image:
    width, height = image.size
    scale = shorter_side / min(width, height)
    size = (max(shorter_side, round(width * scale)), max(shorter_side, round(height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR)


def _damage(path: pathlib.Path, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:  # the system's; those of Pillow have no number
        return (error.strerror or "cannot be opened").lower()
    text = " ".join(str(error).split()) or type(error).__name__
    return _other_kind(_start(path)) or f"damaged: {text}"


def _unidentified(path: pathlib.Path) -> str:
    start = _start(path)
    if not start:
        return "empty: 0 bytes"
    return _other_kind(start) or f"no image that can be read: it starts with {start[:16]!r}"


def _other_kind(start: bytes) -> str | None:
    """What to say of a file that is of a kind which is not read; None if it is not known."""
    if start.startswith(GIT_LFS_START):
        return GIT_LFS_REASON
    if start[4:8] == b"ftyp":
        brands = {start[i : i + 4] for i in range(8, len(start), 4)}
        if brands & HEIC_BRANDS:
            return HEIC_REASON
        if brands & AVIF_BRANDS and not decodes_avif():
            return "AVIF, which the installed Pillow cannot decode; export it as JPEG"
    for beginning, kind in OTHER_STARTS.items():
        if start.startswith(beginning):
            return f"{kind} files cannot be read; export it as JPEG or PNG"
    return None


def _start(path: pathlib.Path) -> bytes:
    # Looked at to explain another error, which a second one must not replace.
    with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
        return file.read(64)
    return b""


def read_square(
    path: pathlib.Path | str,
    image_size: int,
    *,
    shorter_side: int | None = None,
    look: Look = "center",
) -> np.ndarray:
    """Read the middle square of an image, or all of it, as the pipeline's crops of that name do.

    Args:
        path: an image file.
        image_size: width and height of the result, in pixels.
        shorter_side: length of the shorter side before the middle is cut out; default
            ``image_size``. A whole image has no such side.
        look: ``"center"``, the middle square; or ``"whole"``, everything, squeezed into a square,
            which changes the shape of things unless the image is a square.

    Returns:
        uint8, shape (image_size, image_size, 3).

    Raises:
        UnreadableImage: as :func:`read_image` does.
        ValueError: when ``shorter_side`` is less than ``image_size``, or there is no such look.
    """
    if look not in get_args(Look):
        raise ValueError(f"look is {look!r}; expected one of {', '.join(get_args(Look))}")
    shorter_side = shorter_side or image_size
    if shorter_side < image_size:
        raise ValueError(f"shorter_side is {shorter_side}, less than image_size {image_size}")
    return _square(_opened(path, shorter_side), image_size, shorter_side, look)


def square_of(pixels: np.ndarray, image_size: int, *, look: Look = "center") -> np.ndarray:
    """One square of an image that is in memory, as :func:`read_square` gives it of a file.

    Args:
        pixels: uint8, shape (height, width, 3).
        image_size: width and height of the result, in pixels.
        look: as for :func:`read_square`.

    Returns:
        uint8, shape (image_size, image_size, 3).
    """
    return _square(Image.fromarray(pixels), image_size, image_size, look)


def _square(image: Image.Image, image_size: int, shorter_side: int, look: Look) -> np.ndarray:
    box = (0.0, 0.0, float(image.width), float(image.height))
    if look == "center":
        # Cut and resize in one step: pixels outside the square are never computed.
        side = min(image.size) * image_size / shorter_side
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
    square = image.resize((image_size, image_size), Image.Resampling.BILINEAR, box=box)
    return np.array(square)


def read_squares(
    paths: Sequence[pathlib.Path | str], size: int, *, look: Look = "center"
) -> np.ndarray:
    """One square of each of several images, as :func:`read_square` gives it.

    Args:
        paths: image files, n of them.
        size: width and height of each square, in pixels.
        look: as for :func:`read_square`.

    Returns:
        uint8, shape (n, size, size, 3).

    Raises:
        UnreadableImage: naming the first file that cannot be used.
        ValueError: when there is no such look.
    """
    squares = [read_square(path, size, look=look) for path in paths]
    return np.stack(squares) if squares else np.zeros((0, size, size, 3), dtype=np.uint8)
