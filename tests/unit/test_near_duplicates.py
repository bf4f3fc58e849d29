"""near_duplicates: recolored, reduced and brightened copies are found, other pictures are not."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from seeing.datasets import drawn_flowers
from seeing.photos import near_duplicates, reading


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    return drawn_flowers.write_folder(folder, 60, size=96)


# imagehash.phash(thumbnail, hash_size=16), version 4.3.2, of the thumbnail in the test.
IMAGEHASH = "8cd006cd0edd0cdd0ed91ed53cd5fc95f895e095019503b5bf3dfe21b06900eb"


COPIES = {
    "the same": lambda image: image,
    "gray": ImageOps.grayscale,
    "half the size": lambda image: image.resize((48, 48)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "recolored": lambda image: Image.merge("RGB", image.split()[::-1]),
}


@pytest.mark.parametrize("change", COPIES)
def test_copies_are_found(tmp_path, drawn, change):
    copies = []
    for i in (3, 17, 41):
        copies.append(tmp_path / f"{i}.jpg")
        COPIES[change](Image.open(drawn[i])).save(copies[-1], quality=85)
    found = near_duplicates.search([*drawn, *copies])
    assert {(3, 60), (17, 61), (41, 62)} <= {(i, j) for i, j, _ in found}


def test_different_pictures_are_not_pairs(drawn):
    assert near_duplicates.search(drawn) == []


def test_hashes_are_balanced_bits(drawn):
    hashes = near_duplicates.perceptual_hashes(drawn[:5])
    assert hashes.shape == (5, 256)
    assert hashes.dtype == bool
    assert hashes.sum(axis=1).tolist() == [128] * 5


def test_the_hash_is_that_of_the_imagehash_library():
    i, j = np.mgrid[:64, :64]
    thumbnail = ((i * i * 7 + j * j * 3 + i * j * 5) // 16 % 256).astype(np.uint8)
    bits = near_duplicates.hash_thumbnails(thumbnail[None])[0]
    assert np.packbits(bits).tobytes().hex() == IMAGEHASH


def test_pairs_by_hand():
    hashes = np.zeros((4, 256), dtype=bool)
    hashes[1, :5] = True
    hashes[2, :7] = True
    hashes[3] = True
    assert near_duplicates.pairs(hashes, threshold=6) == [(1, 2, 2), (0, 1, 5)]
    assert near_duplicates.pairs(hashes, threshold=7) == [(1, 2, 2), (0, 1, 5), (0, 2, 7)]
    assert len(near_duplicates.pairs(hashes, threshold=256)) == 6


def test_groups_join_what_pairs_link():
    found = [(0, 4, 1), (4, 2, 1), (7, 5, 1), (6, 7, 1), (2, 0, 3)]
    assert near_duplicates.groups(9, found) == [[0, 2, 4], [5, 6, 7]]
    assert near_duplicates.groups(3, []) == []


def test_nothing_to_compare():
    assert near_duplicates.search([]) == []


def test_an_unreadable_file_is_named(tmp_path, drawn):
    (tmp_path / "a.jpg").write_text("no")
    with pytest.raises(reading.UnreadableImage, match=r"a\.jpg"):
        near_duplicates.search([drawn[0], tmp_path / "a.jpg"])
