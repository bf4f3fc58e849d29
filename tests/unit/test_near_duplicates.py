"""near_duplicates: copies are found, other pictures are not, and what is undecided is said."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage

from seeing.datasets import drawn_flowers
from seeing.photos import glances, near_duplicates, reading


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


def scene(seed):
    """A picture of soft shapes and fine ones, 96 wide and 72 high."""
    random = np.random.default_rng(seed)
    coarse, fine = (
        ndimage.gaussian_filter(random.normal(size=(72, 96, 3)), (width, width, 0))
        for width in (8, 2)
    )
    pixels = 128 + 40 * coarse / coarse.std() + 25 * fine / fine.std()
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def saved_as_jpeg(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


def looks(images):
    return glances.Glances.of([glances.glance(np.asarray(image)) for image in images])


VERIFIED_COPIES = {
    "identical": lambda image: image.copy(),
    "saved as JPEG": saved_as_jpeg,
    "reduced": lambda image: image.resize((67, 50)),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.75),
    "cropped": lambda image: image.crop((3, 1, 93, 70)),
    "cropped by a tenth": lambda image: image.crop((9, 0, 96, 66)),
    "all of it": lambda image: saved_as_jpeg(
        ImageEnhance.Brightness(image.crop((2, 3, 95, 71)).resize((80, 60))).enhance(1.15)
    ),
}


@pytest.mark.parametrize("change", VERIFIED_COPIES)
def test_verified_copies_are_found_and_nothing_else(change):
    images = [scene(seed) for seed in range(30)]
    copies = [VERIFIED_COPIES[change](images[i]) for i in (3, 17, 20)]
    found = near_duplicates.find(looks([*images, *copies]))
    assert found.groups == ((3, 30), (17, 31), (20, 32))
    assert {(i, j) for i, j, _ in found.pairs} == {(3, 30), (17, 31), (20, 32)}
    assert all(near_duplicates.ALIKE <= likeness <= 1.0001 for *_, likeness in found.pairs)
    assert found.crowds == found.plain == ()


def test_one_scene_by_a_camera_that_does_not_move_is_a_crowd():
    random = np.random.default_rng(5)
    still = np.asarray(scene(1), dtype=float)
    shots = [
        Image.fromarray((still + random.normal(0, 6, still.shape)).clip(0, 255).astype(np.uint8))
        for _ in range(24)
    ]
    others = [scene(seed) for seed in range(2, 12)]
    found = near_duplicates.find(looks([*shots, *others, shots[4], saved_as_jpeg(others[3])]))
    assert found.crowds == (tuple(range(24)),)
    # Identical pixels are a copy, even in a crowd.
    assert found.groups == ((4, 34), (27, 35))


def test_a_group_as_large_as_allowed_is_a_group():
    most = near_duplicates.LARGEST_GROUP
    image = scene(1)
    copies = [image.crop((i, 0, 96, 72)) for i in range(most)]
    others = [scene(seed) for seed in range(2, 20)]
    assert near_duplicates.find(looks([*copies, *others])).groups == (tuple(range(most)),)
    crowd = near_duplicates.find(looks([*copies, *others, saved_as_jpeg(image)]))
    assert crowd.groups == ()
    assert crowd.crowds == ((*range(most), most + len(others)),)


def test_plain_pictures_are_joined_only_when_identical():
    colors = [Image.new("RGB", (40, 40), (200 + i, 0, 0)) for i in range(12)]
    noisy = [saved_as_jpeg(color) for color in colors]
    found = near_duplicates.find(looks([*colors, colors[2], *noisy, scene(1)]))
    assert (2, 12) in {(i, j) for i, j, _ in found.pairs}
    assert all(likeness == 1 for *_, likeness in found.pairs)
    assert found.plain == tuple(range(25))
    assert found.crowds == ()


def test_pairs_across_labels():
    found = near_duplicates.find(looks([scene(1), scene(2), scene(1), saved_as_jpeg(scene(2))]))
    assert [pair[:2] for pair in found.across(np.array([0, 1, 0, 0]))] == [(1, 3)]
    assert found.across(np.array(["a", "b", "a", "b"])) == []


def test_drawn_flowers_have_no_verified_copies(drawn):
    found = near_duplicates.find(looks([Image.open(path).convert("RGB") for path in drawn]))
    assert found.groups == ()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_photographs(count):
    found = near_duplicates.find(looks([scene(seed) for seed in range(count)]))
    assert found == near_duplicates.NearDuplicates((), (), (), ())


def test_a_glance():
    wide = np.zeros((10, 20, 3), dtype=np.uint8)
    tall = np.zeros((20, 10, 3), dtype=np.uint8)
    assert glances.glance(wide).digest == glances.glance(wide.copy()).digest
    assert glances.glance(wide).digest != glances.glance(tall).digest  # the same bytes
    changed = wide.copy()
    changed[3, 4, 1] = 1
    assert glances.glance(wide).digest != glances.glance(changed).digest
    assert glances.glance(wide).thumbnail.shape == (glances.SIDE, glances.SIDE)
    assert glances.Glances.of([]).thumbnails.shape == (0, glances.SIDE, glances.SIDE)
