"""What remains of a photograph after one look at it: enough to find its copies.

A photograph is decoded once when a folder is listed. Its thumbnail and a digest of its pixels are
kept, so that the search for near-duplicates need not decode it again.

Explained on the page *The Command Line*.
"""

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

SIDE = 64


@dataclasses.dataclass(frozen=True)
class Glance:
    """One look at one photograph.

    Attributes:
        thumbnail: uint8, shape (64, 64), gray values of the photograph, squeezed to a square.
        digest: 16 bytes that two photographs share only when their pixels are the same.
    """

    thumbnail: np.ndarray
    digest: bytes


@dataclasses.dataclass(frozen=True)
class Glances:
    """One look at each of several photographs.

    Attributes:
        thumbnails: uint8, shape (n, 64, 64).
        digests: n digests.
    """

    thumbnails: np.ndarray
    digests: tuple[bytes, ...]

    @classmethod
    def of(cls, several: Sequence[Glance]) -> "Glances":
        """The looks in one table."""
        thumbnails = [glance.thumbnail for glance in several]
        return cls(
            thumbnails=np.array(thumbnails, dtype=np.uint8).reshape(-1, SIDE, SIDE),
            digests=tuple(glance.digest for glance in several),
        )


def glance(pixels: np.ndarray) -> Glance:
    """Look at a photograph.

    Args:
        pixels: uint8, shape (height, width, 3), as :func:`seeing.photos.reading.read_image` gives.
    """
    size = np.array(pixels.shape, dtype="<u4").tobytes()
    digest = hashlib.blake2b(np.ascontiguousarray(pixels), digest_size=16, key=size).digest()
    return Glance(thumbnail=thumbnail(pixels), digest=digest)


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Gray values of a photograph, squeezed to a square: uint8 (h, w, 3) -> uint8 (64, 64)."""
    gray = Image.fromarray(pixels).convert("L")
    return np.asarray(gray.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
