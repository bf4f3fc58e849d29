"""registration: pictures are laid on each other, whatever was cropped, and only where they fit."""

import numpy as np
import pytest
from scipy import ndimage

from seeing.photos import registration

SIDE = 64


def picture(seed, side=SIDE):
    """Soft random shapes, float32."""
    noise = np.random.default_rng(seed).normal(size=(side, side))
    return ndimage.gaussian_filter(noise, 3).astype(np.float32)


def placed(image, scale, shift):
    """The picture whose point p shows what the image shows at ``scale * p + shift``."""
    points = (np.arange(SIDE) - (SIDE - 1) / 2)[:, None] * np.array(scale)
    points += (SIDE - 1) / 2 + SIDE * np.array(shift)
    grid = np.meshgrid(points[:, 0], points[:, 1], indexing="ij")
    return ndimage.map_coordinates(image, grid, order=1, mode="nearest").astype(np.float32)


def aligned(first, second, steps=12):
    start = registration.Placement.unchanged(len(first))
    return registration.align(np.stack(first), np.stack(second), start=start, steps=steps)


@pytest.mark.parametrize(
    ("scale", "shift"),
    [((1, 1), (0, 0)), ((0.92, 0.95), (0.02, -0.03)), ((1.08, 1), (-0.02, 0.01))],
)
def test_the_placement_is_found(scale, shift):
    image = picture(1)
    likeness, place = aligned([placed(image, scale, shift)], [image])
    assert likeness[0] > 0.99
    np.testing.assert_allclose(place.scale[0], scale, atol=0.01)
    np.testing.assert_allclose(place.shift[0], shift, atol=0.005)


def test_light_and_contrast_do_not_matter():
    likeness, _ = aligned([picture(1)], [3 * picture(1) + 100], steps=0)
    assert likeness[0] == pytest.approx(1, abs=1e-5)


def test_other_pictures_do_not_fit():
    likeness, place = aligned([picture(i) for i in range(20)], [picture(50 + i) for i in range(20)])
    assert likeness.max() < 0.8
    assert np.abs(place.shift).max() <= registration.MAX_SHIFT
    assert place.scale.max() <= registration.MAX_SCALE


def test_each_pair_is_for_itself():
    image = picture(2)
    moved = placed(image, (0.95, 0.95), (0, 0))
    together, _ = aligned([moved, picture(3)], [image, image])
    alone, _ = aligned([moved], [image])
    assert together[0] == pytest.approx(alone[0], abs=1e-4)
    assert together[1] < 0.8


def test_a_plain_picture_is_like_nothing():
    plain = np.full((SIDE, SIDE), 7, np.float32)
    likeness, place = aligned([plain, plain], [plain, picture(1)])
    np.testing.assert_allclose(likeness, 0, atol=1e-3)
    assert np.isfinite(place.scale).all()


def test_a_start_helps_and_nothing_to_align_is_fine():
    image = picture(4)
    first = placed(image, (0.9, 0.9), (0.03, 0.03))[None]
    start = registration.Placement(
        np.full((1, 2), 0.9, np.float32), np.full((1, 2), 0.03, np.float32)
    )
    likeness, _ = registration.align(first, image[None], start=start, steps=0)
    assert likeness[0] > 0.99
    assert aligned([first[0]], [image], steps=0)[0][0] < 0.9
    none = np.zeros((0, SIDE, SIDE), np.float32)
    likeness, _ = registration.align(none, none, start=registration.Placement.unchanged(0), steps=2)
    assert likeness.shape == (0,)
