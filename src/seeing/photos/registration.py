"""Lay pairs of small gray pictures on each other, and say how alike they are.

A copy is often cropped a little, so its pixels lie elsewhere. Only when both pictures have been
brought to the same place and size does comparing their pixels say anything.

Explained on the page *The Command Line*.
"""

import dataclasses

import numpy as np

# Of a picture's width and height, the share in the middle that is compared. What it leaves out on
# each side, an eighth, is how much a copy may have been cropped there.
MIDDLE = 0.75

# Bounds of the search, so that an alignment that runs away ends as "not alike".
MAX_SCALE, MAX_SHIFT = 1.35, 0.15


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the points of one picture lie in another: ``scale * point + shift``, along each axis.

    Points are counted from the picture's middle, in widths (heights) of the picture, so that a
    placement holds for pictures of every size.

    Attributes:
        scale: float32, shape (n, 2), vertical and horizontal.
        shift: float32, shape (n, 2), vertical and horizontal.
    """

    scale: np.ndarray
    shift: np.ndarray

    @classmethod
    def unchanged(cls, count: int) -> "Placement":
        """Each picture lies on the other as it is."""
        return cls(np.ones((count, 2), np.float32), np.zeros((count, 2), np.float32))

    def of(self, chosen: np.ndarray) -> "Placement":
        """The placements of some of the pairs, given by index or by mask."""
        return Placement(self.scale[chosen], self.shift[chosen])


def align(
    first: np.ndarray, second: np.ndarray, *, start: Placement, steps: int
) -> tuple[np.ndarray, Placement]:
    """Find where the middle of each first picture lies in its second, and how alike they are there.

    Gauss-Newton steps on the squared difference, after brightness and contrast have been
    evened out: the inverse compositional algorithm of S. Baker and I. Matthews, *Lucas-Kanade
    20 Years On* (2004), for scale and shift along each axis.

    Args:
        first: float32, shape (n, side, side), gray values.
        second: as ``first``: pair k is ``first[k]``, ``second[k]``.
        start: where the search begins; what a smaller version of the pictures gave, or
            :meth:`Placement.unchanged`.
        steps: how many steps; the best of all visited placements counts.

    Returns:
        Correlation of the gray values, float32, shape (n,), from -1 to 1 (0 for a plain picture),
        and the placements.
    """
    points = _middle_points(first.shape[1])
    wanted, descent = _template(first, points)
    scale, shift = start.scale.copy(), start.shift.copy()
    best = np.full(len(first), -1, np.float32)
    best_scale, best_shift = scale.copy(), shift.copy()
    for step in range(steps + 1):
        seen = _sampled(second, scale, shift, points)
        likeness = np.einsum("np,np->n", wanted, seen)
        better = likeness > best
        best[better] = likeness[better]
        best_scale[better], best_shift[better] = scale[better], shift[better]
        if step < steps:
            change = np.einsum("npk,np->nk", descent, seen - wanted)
            scale = np.clip(scale / (1 + change[:, :2]), 1 / MAX_SCALE, MAX_SCALE)
            shift = np.clip(shift - scale * change[:, 2:], -MAX_SHIFT, MAX_SHIFT)
    return best, Placement(best_scale, best_shift)


def _middle_points(side: int) -> np.ndarray:
    """The rows (columns) of the middle that is compared, from the picture's middle, in sides."""
    margin = round(side * (1 - MIDDLE) / 2)
    return ((np.arange(margin, side - margin) - (side - 1) / 2) / side).astype(np.float32)


def _evened(values: np.ndarray) -> np.ndarray:
    """Mean 0 and length 1 along the last axis; a plain picture becomes zeros."""
    values = values - values.mean(axis=-1, keepdims=True)
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-3)


def _template(pictures: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middles, evened (n, pixels), and what turns a difference to a step (n, pixels, 4)."""
    count, side, _ = pictures.shape
    margin = (side - len(points)) // 2
    middle = slice(margin, side - margin)
    pixels = len(points) ** 2
    cut = pictures[:, middle, middle].reshape(count, pixels)
    length = np.linalg.norm(cut - cut.mean(axis=1, keepdims=True), axis=1)
    down, right = (
        slope[:, middle, middle] * side / np.maximum(length, 1e-3)[:, None, None]
        for slope in np.gradient(pictures, axis=(1, 2))
    )
    columns = [down * points[:, None], right * points[None, :], down, right]
    slopes = np.stack([column.reshape(count, pixels) for column in columns], axis=-1)
    slopes -= slopes.mean(axis=1, keepdims=True)
    normal = slopes.transpose(0, 2, 1) @ slopes
    # A picture of parallel stripes leaves a direction open: the smallest push keeps it in place.
    trace = np.trace(normal, axis1=1, axis2=2)[:, None, None]
    normal += (1e-3 * trace + 1e-6) * np.eye(4, dtype=np.float32)
    return _evened(cut), slopes @ np.linalg.inv(normal)


def _sampled(
    pictures: np.ndarray, scale: np.ndarray, shift: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """The pictures at the placed points, evened: float32, shape (n, pixels)."""
    side = pictures.shape[1]
    rows, columns = (
        _interpolation(scale[:, axis], shift[:, axis], points, side) for axis in (0, 1)
    )
    seen = rows @ pictures @ columns.transpose(0, 2, 1)
    return _evened(seen.reshape(len(pictures), len(points) ** 2))


def _interpolation(
    scale: np.ndarray, shift: np.ndarray, points: np.ndarray, side: int
) -> np.ndarray:
    """Weights of a line's pixels at each point (linear, edges repeated): (n, points, side)."""
    places = (scale[:, None] * points + shift[:, None]) * side + (side - 1) / 2
    places = np.clip(places, 0, side - 1)[:, :, None]
    return np.maximum(0, 1 - np.abs(places - np.arange(side, dtype=np.float32)))
