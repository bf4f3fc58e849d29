"""Near-duplicates: the same photograph twice, recolored, reduced or taken again a second later.

A photograph in the training set whose twin is in the test set makes a test too easy. A
*perceptual hash* finds such pairs: few bits that say what a picture looks like from afar. Two
pictures are near-duplicates when their hashes differ in few bits.

Explained in chapter 1, *Pixels, Labels, Splits*.
"""

import concurrent.futures
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image
from scipy import fft, sparse
from scipy.sparse import csgraph

from seeing.photos import reading

HASH_SIDE = 16
BITS = HASH_SIDE**2

# Chosen by eye on 3,000 of the flower photographs: all 33 pairs that differ in 76 bits or fewer
# show the same scene; from 82 on, most pairs are different flowers that merely look alike.
THRESHOLD = 78

# Says how pairs were found; noted pairs that were found in another way are not used.
METHOD = f"perceptual hash, {BITS} bits, at most {THRESHOLD} differ, version 1"


def search(paths: Sequence[pathlib.Path | str]) -> list[tuple[int, int, int]]:
    """Pairs of photographs that show nearly the same picture: hashes, then :func:`pairs`.

    Takes one to two milliseconds a photograph (240 pixels on the shorter side).

    Args:
        paths: image files.

    Returns:
        ``(i, j, distance)`` with i < j, nearest pairs first.

    Raises:
        reading.UnreadableImage: when a file is no image that can be read.
    """
    return pairs(perceptual_hashes(paths))


def perceptual_hashes(paths: Sequence[pathlib.Path | str]) -> np.ndarray:
    """256-bit perceptual hashes of photographs, from the low frequencies of their gray values.

    Each photograph is reduced to 64×64 gray values and transformed by a discrete cosine
    transform; a bit says whether one of the 16×16 lowest frequencies lies above their median.
    Source: N. Krawetz, *Looks Like It* (2011), whose hash has 8×8 bits; with 16×16, the pairs in
    the flower photographs stand clear of chance. The same bits as ``imagehash.phash(photograph,
    hash_size=16)``.

    Args:
        paths: image files.

    Returns:
        bool, shape (n, 256).

    Raises:
        reading.UnreadableImage: when a file is no image that can be read.
    """
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        thumbnails = list(pool.map(_thumbnail, paths))
    if not thumbnails:
        return np.zeros((0, BITS), dtype=bool)
    return hash_thumbnails(np.stack(thumbnails))


def hash_thumbnails(thumbnails: np.ndarray) -> np.ndarray:
    """Perceptual hashes of 64×64 gray thumbnails: uint8 (n, 64, 64) -> bool (n, 256)."""
    frequencies = fft.dctn(thumbnails.astype(np.float64), axes=(1, 2))
    low = frequencies[:, :HASH_SIDE, :HASH_SIDE].reshape(len(thumbnails), BITS)
    return low > np.median(low, axis=1, keepdims=True)


def pairs(hashes: np.ndarray, *, threshold: int = THRESHOLD) -> list[tuple[int, int, int]]:
    """All pairs of hashes that differ in at most ``threshold`` bits.

    Args:
        hashes: bool, shape (n, bits).
        threshold: largest number of differing bits (the Hamming distance) that makes a pair.

    Returns:
        ``(i, j, distance)`` with i < j, nearest pairs first.
    """
    signs = np.where(hashes, 1, -1).astype(np.float32)
    bits = hashes.shape[1]
    found = []
    for i in range(len(signs) - 1):
        # Two vectors of ±1 agree in (bits + dot product) / 2 places.
        distances = (bits - signs[i + 1 :] @ signs[i]) / 2
        near = np.flatnonzero(distances <= threshold)
        found += [(i, i + 1 + int(j), round(float(distances[j]))) for j in near]
    return sorted(found, key=lambda pair: (pair[2], pair[0], pair[1]))


def groups(count: int, found: Iterable[tuple[int, int, int]]) -> list[list[int]]:
    """Pairs joined to groups: if a looks like b and b like c, the three belong together.

    Args:
        count: number of photographs.
        found: pairs as :func:`pairs` returns them.

    Returns:
        Groups of two or more indices, each sorted, in order of their first index.
    """
    joined = [(i, j) for i, j, _ in found]
    first, second = np.array(joined, dtype=np.intp).reshape(-1, 2).T
    graph = sparse.coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    _, labels = csgraph.connected_components(graph, directed=False)
    members: dict[int, list[int]] = {}
    for i, label in enumerate(labels.tolist()):
        members.setdefault(label, []).append(i)
    return [group for group in members.values() if len(group) > 1]


def _thumbnail(path: pathlib.Path | str) -> np.ndarray:
    """64×64 gray values, uint8. Squeezed to a square, so that a crop's edges do not matter."""
    side = 4 * HASH_SIDE
    gray = Image.fromarray(reading.read_image(path)).convert("L")
    return np.asarray(gray.resize((side, side), Image.Resampling.LANCZOS))
