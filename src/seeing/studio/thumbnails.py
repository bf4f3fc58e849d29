"""Photographs as the page shows them: reduced, upright, and none of their metadata with them.

The page never gets a file itself: what it shows was decoded here, by the book's own reader, and
encoded anew. Small ones are kept, by the hash of their photograph's content.

Explained on the page *The Studio*.
"""

import contextlib
import io
import pathlib

import numpy as np
from PIL import Image

from seeing.photos import reading
from seeing.studio import features, files

SIDES = (128, 256, 512, 1024, 2048)  # pixels of the longer side, that may be asked for
KEPT = (128, 256, 512)  # larger ones are made anew each time: of 20,000, they would fill a disk
FIRST = 256  # made while a folder is scanned
QUALITY = 82
TYPE = "image/jpeg"
END = b"\xff\xd9"  # of every JPEG


class Thumbnails:
    """Reduced photographs, in a folder."""

    def __init__(self, folder: pathlib.Path):
        """Say where; the folder is made with the first one."""
        self._folder = folder

    def keep(self, sha256: str, pixels: np.ndarray) -> None:
        """Keep the usual size of a photograph that was decoded anyway.

        Args:
            sha256: of its file.
            pixels: uint8, shape (height, width, 3).
        """
        self._keep(self._place(sha256, FIRST), _encoded(Image.fromarray(pixels), FIRST))

    def of(self, path: pathlib.Path, sha256: str, size: tuple[int, int], side: int) -> bytes:
        """A photograph as JPEG, never larger than its file's own pixels.

        Args:
            path: its file.
            sha256: of that file, as it was when it was listed.
            size: its width and height, upright.
            side: of the longer side, one of ``SIDES``.

        Raises:
            reading.UnreadableImage: when the file cannot be read (any more), or has changed.
            ValueError: when there is no such size.
        """
        if side not in SIDES:
            raise ValueError(f"side is {side}; expected one of {', '.join(map(str, SIDES))}")
        place = self._place(sha256, side)
        if side in KEPT:
            with contextlib.suppress(OSError):
                content = place.read_bytes()
                if content.endswith(END):  # a power cut may have left less
                    return content
        # A JPEG far larger than needed is decoded at a part of its size.
        shorter = round(side * min(size) / max(size))
        pixels = reading.read_image(path, shorter_side=shorter if max(size) > side else None)
        # Else another photograph would be shown, and labeled, under this one's name.
        if features.digest(path) != sha256:
            raise reading.UnreadableImage(path, features.CHANGED)
        content = _encoded(Image.fromarray(pixels), side)
        if side in KEPT:
            self._keep(place, content)
        return content

    def _place(self, sha256: str, side: int) -> pathlib.Path:
        return self._folder / sha256[:2] / f"{sha256[2:]}-{side}.jpg"

    def _keep(self, place: pathlib.Path, content: bytes) -> None:
        """Write it, if there is room: without, it is made anew when it is asked for."""
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            files.write(place, content, durable=False)


def _encoded(image: Image.Image, side: int) -> bytes:
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)  # never enlarges
    content = io.BytesIO()
    image.save(content, "JPEG", quality=QUALITY, optimize=True)
    return content.getvalue()
