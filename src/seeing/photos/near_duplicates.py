"""Near-duplicates: the same photograph twice, recolored, reduced or taken again a second later.

A photograph in the training set whose twin is in the test set makes a test too easy. There are
two ways to find such pairs:

- :func:`search`: by a *perceptual hash* alone, few bits that say what a picture looks like from
  afar. The right way where somebody has looked at the pairs, as was done for the book's flowers.
  On other pictures (digits, scans, a fixed camera) everything has nearly the same hash.
- :func:`find`: for folders that nobody has looked through. Candidates are laid on each other and
  their pixels compared, and what cannot be decided is said instead of joined.

Explained in chapter 1, *Pixels, Labels, Splits*, and on the page *The Command Line*.
"""

import concurrent.futures
import dataclasses
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import fft, ndimage, sparse
from scipy.sparse import csgraph

from seeing.photos import glances, reading, registration

HASH_SIDE = 16
BITS = HASH_SIDE**2

# Chosen by eye on 3,000 of the flower photographs: all 33 pairs that differ in 76 bits or fewer
# show the same scene; from 82 on, most pairs are different flowers that merely look alike.
THRESHOLD = 78

# Says how pairs were found; noted pairs that were found in another way are not used.
METHOD = f"perceptual hash, {BITS} bits, at most {THRESHOLD} differ, version 1"


# Copies (JPEG saved again, reduced, brightened, up to a tenth cropped on each side) of 600 flower
# photographs reach 0.96 and more; other photographs 0.87 at most, save those of one scene.
ALIKE = 0.93

# Below this correlation of the small versions, the larger ones are not compared.
WORTH_A_CLOSER_LOOK = 0.9

# Where more photographs than this are alike, they are no copies but all of one kind: of a fixed
# camera, a scanner, a film.
LARGEST_GROUP = 8

# Standard deviation of the details in a thumbnail, in gray values of 0 to 255. Photographs of
# flowers have 5 and more; what has less is the noise of saving a plain picture.
FEWEST_DETAILS = 2.0

_COARSE_SIDE = 16  # of the thumbnails whose nearest neighbors are the candidates
_SMALL_SIDE = 32  # of those that are aligned first
_BATCH = 256  # pairs that are aligned at a time: 25 MB


@dataclasses.dataclass(frozen=True)
class NearDuplicates:
    """What :func:`find` found. All numbers are indices of photographs.

    Attributes:
        pairs: ``(i, j, likeness)`` with i < j, most alike first. The likeness is the correlation
            of the details, 1 for identical pixels.
        groups: photographs that the pairs join, two or more each, sorted.
        crowds: photographs of which more than ``LARGEST_GROUP`` are alike. Copies cannot be told
            from them, so they are not joined (unless their pixels are identical).
        plain: photographs without enough details to compare; only identical ones are joined.
    """

    pairs: tuple[tuple[int, int, float], ...]
    groups: tuple[tuple[int, ...], ...]
    crowds: tuple[tuple[int, ...], ...]
    plain: tuple[int, ...]

    def across(self, labels: np.ndarray) -> list[tuple[int, int, float]]:
        """The pairs whose photographs have different labels, or lie in different parts.

        Args:
            labels: shape (n,), of any type that can be compared.
        """
        return [pair for pair in self.pairs if labels[pair[0]] != labels[pair[1]]]


def find(looks: glances.Glances) -> NearDuplicates:
    """Find copies among photographs, and say which photographs cannot be told from copies.

    Identical pixels are a copy. For the others, each photograph's nearest neighbors are laid on it
    (a copy may be cropped by a tenth on each side) and their details compared. Nothing is joined
    by the first, rough comparison, and no long chain of pairs becomes a group.

    Takes about three milliseconds of one core a photograph up to some ten thousand photographs; the
    first comparison grows with the square of their number.

    Args:
        looks: one look at each photograph, as :func:`seeing.photos.folders.scan` takes it.
    """
    copies = _identical(looks.digests)
    repeated = {j for _, j, _ in copies}
    details = _details(looks.thumbnails)
    enough = details.std(axis=(1, 2)) >= FEWEST_DETAILS
    compared = np.array([i for i in np.flatnonzero(enough) if i not in repeated], dtype=np.intp)
    alike = _alike(looks.thumbnails[compared], details[compared])
    alike = [(int(compared[i]), int(compared[j]), likeness) for i, j, likeness in alike]
    count = len(looks.digests)
    crowds = [group for group in groups(count, alike) if len(group) > LARGEST_GROUP]
    crowded = {i for crowd in crowds for i in crowd}
    pairs = copies + [pair for pair in alike if pair[0] not in crowded]
    return NearDuplicates(
        pairs=tuple(sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))),
        groups=tuple(tuple(group) for group in groups(count, pairs)),
        crowds=tuple(tuple(crowd) for crowd in crowds),
        plain=tuple(np.flatnonzero(~enough).tolist()),
    )


def _identical(digests: Sequence[bytes]) -> list[tuple[int, int, float]]:
    """Each photograph whose pixels are those of an earlier one, after the first such one."""
    first: dict[bytes, int] = {}
    return [
        (first[digest], i, 1.0)
        for i, digest in enumerate(digests)
        if first.setdefault(digest, i) != i
    ]


def _details(thumbnails: np.ndarray) -> np.ndarray:
    """What is left of thumbnails when the light and the largest shapes are taken away."""
    gray = thumbnails.astype(np.float32)
    details = gray - ndimage.gaussian_filter(gray, (0, 4, 4))
    return ndimage.gaussian_filter(details, (0, 0.7, 0.7))


def _alike(thumbnails: np.ndarray, details: np.ndarray) -> list[tuple[int, int, float]]:
    """Pairs whose details agree when one photograph has been laid on the other."""
    pairs = _candidates(thumbnails)
    small = ndimage.gaussian_filter(_reduced(thumbnails, _SMALL_SIDE), (0, 0.7, 0.7))
    found = []
    for start in range(0, len(pairs), _BATCH):
        i, j = pairs[start : start + _BATCH].T
        likeness, place = registration.align(
            small[i], small[j], start=registration.Placement.unchanged(len(i)), steps=6
        )
        near = likeness >= WORTH_A_CLOSER_LOOK
        i, j, place = i[near], j[near], place.of(near)
        likeness, _ = registration.align(details[i], details[j], start=place, steps=5)
        found += zip(i.tolist(), j.tolist(), likeness.tolist(), strict=True)
    return [pair for pair in found if pair[2] >= ALIKE]


def _candidates(thumbnails: np.ndarray) -> np.ndarray:
    """Each picture with those whose coarse version is nearest, int (pairs, 2), i < j.

    As many as the largest group has members: a photograph of a crowd meets more of its crowd.
    """
    count = len(thumbnails)
    if count < 2:
        return np.zeros((0, 2), dtype=np.intp)
    coarse = _reduced(thumbnails, _COARSE_SIDE).reshape(count, -1)
    coarse -= coarse.mean(axis=1, keepdims=True)
    coarse /= np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-3)
    nearest = min(LARGEST_GROUP, count - 1)
    pairs = []
    for start in range(0, count, _BATCH):
        rows = np.arange(start, min(start + _BATCH, count))
        likeness = coarse[rows] @ coarse.T
        likeness[np.arange(len(rows)), rows] = -2  # below every other: nobody is his own neighbor
        neighbors = np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]
        pairs.append(np.stack([np.repeat(rows, nearest), neighbors.ravel()], axis=1))
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def _reduced(thumbnails: np.ndarray, side: int) -> np.ndarray:
    """Thumbnails at a smaller size, float32 (n, side, side): means of square blocks."""
    block = glances.SIDE // side
    blocks = thumbnails.reshape(-1, side, block, side, block)
    return blocks.mean(axis=(2, 4), dtype=np.float32)


def search(paths: Sequence[pathlib.Path | str]) -> list[tuple[int, int, int]]:
    """Pairs of photographs that may show nearly the same picture: hashes, then :func:`pairs`.

    Nobody has verified the pairs: look at them, or use :func:`find`. Takes one to two
    milliseconds a photograph (240 pixels on the shorter side).

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


def groups(count: int, found: Iterable[tuple[int, int, float]]) -> list[list[int]]:
    """Pairs joined to groups: if a looks like b and b like c, the three belong together.

    Args:
        count: number of photographs.
        found: pairs as :func:`pairs` or :func:`find` returns them.

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
    return glances.thumbnail(reading.read_image(path))
