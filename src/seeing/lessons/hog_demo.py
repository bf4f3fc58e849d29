"""What chapter 9's demo reads: ten digits, a small linear SVM, and what Python makes of them.

Explained in chapter 9, *Before Deep Learning*.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from seeing import demos, exports
from seeing.features import hog

FORMAT = "seeing-hog-1"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How an image is described, in the demo's words.

    Attributes:
        orientations: directions, the bins of the half circle.
        cell: side of a cell, in pixels.
        block: side of a block, in cells.
        norm: how a block is normalized, one of ``hog.BLOCK_NORMS``.
    """

    orientations: int = 9
    cell: int = 4
    block: int = 2
    norm: str = "L2-Hys"

    def describe(self, images: np.ndarray) -> np.ndarray:
        """The descriptors of gray images (N, height, width): float32, shape (N, F)."""
        cell, block = (self.cell, self.cell), (self.block, self.block)
        return hog.hog(images, self.orientations, cell, block, self.norm)


# Other settings at which the demo's tests compare: each screw turned, with few numbers.
ELSEWHERE = (
    Settings(cell=7),
    Settings(orientations=4, cell=5),
    Settings(orientations=12, cell=9, block=1),
    Settings(cell=6, block=3),
    Settings(cell=6, norm="L1"),
    Settings(cell=6, norm="L1-sqrt"),
    Settings(cell=6, norm="L2"),
)


class Machine(Protocol):
    """What a fitted ``sklearn.svm.LinearSVC`` of many classes knows."""

    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Descriptors (n, F) to one value for each class, shape (n, K)."""


def write(
    path: pathlib.Path,
    machine: Machine,
    settings: Settings,
    images: np.ndarray,
    labels: Sequence[int],
) -> dict[str, Any]:
    """Write what the demo of HOG reads, and the numbers that its tests compare.

    The demo knows sixteen levels of gray, as a link does, so the images are brought to these
    before they are described.

    Args:
        path: the JSON file; its folder is made if need be.
        machine: a linear SVM, one class against the rest, trained on such descriptors.
        settings: of these descriptors.
        images: uint8, shape (N, 28, 28), 0 is paper.
        labels: N digits.

    Returns:
        What was written.

    Raises:
        ValueError: when the machine's weights do not fit the descriptor, or there is not one
            label for each image.
    """
    images = demos.in_levels(images)
    if len(labels) != len(images):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    described = settings.describe(images)
    wanted = (len(machine.classes_), described.shape[1])
    if machine.coef_.shape != wanted:
        raise ValueError(
            f"the machine has weights {machine.coef_.shape}, and these settings need {wanted}: "
            "train it on descriptors of the same settings, with three classes or more"
        )
    content = {
        "format": FORMAT,
        "class_names": [str(name) for name in machine.classes_],
        "settings": dataclasses.asdict(settings),
        "weights": demos.as_base64(machine.coef_),
        "biases": [float(bias) for bias in machine.intercept_],
        "digits": [
            {"label": int(label), "ink": demos.as_text(image)}
            for label, image in zip(labels, images, strict=True)
        ],
        "decisions": machine.decision_function(described).round(6).tolist(),
        "descriptors": [
            {
                "digit": index % len(images),
                "settings": dataclasses.asdict(one),
                "values": demos.as_base64(one.describe(images[[index % len(images)]])),
            }
            for index, one in enumerate((settings, *ELSEWHERE))
        ],
    }
    return exports.write(path, content)
