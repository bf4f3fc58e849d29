"""other_sources: photographs pulled out of shape, and two looks."""

import dataclasses

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import special

from seeing.lessons import other_sources
from seeing.photos import reading


def half_bright(path, width: int, height: int):
    """An image whose left half is bright."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 200
    Image.fromarray(pixels).save(path)
    return path


def test_every_photograph_gets_the_same_size_and_shows_the_same(tmp_path):
    (tmp_path / "new").mkdir()
    paths = [half_bright(tmp_path / f"{w}.png", w, 60) for w in (40, 120)]
    written = other_sources.write_stretched(paths, tmp_path / "new", (30, 50))
    assert [path.parent.name for path in written] == ["new", "new"]
    for path in written:
        image = reading.read_image(path)
        assert image.shape == (50, 30, 3)
        assert image[:, :12].min() > 180 and image[:, 18:].max() < 20


def test_a_whole_look_does_not_see_that_a_photograph_was_stretched(tmp_path):
    """A square in the middle of a wide picture: stretched, it is tall to the middle look alone."""
    picture = Image.new("RGB", (160, 80))
    picture.paste((255, 255, 255), (70, 30, 90, 50))
    picture.save(tmp_path / "wide.png")
    paths = [tmp_path / "wide.png"]
    paths += other_sources.write_stretched(paths, tmp_path, (60, 90))
    differ = {}
    for look in ("center", "whole"):
        before, after = (reading.read_square(path, 32, look=look).astype(int) for path in paths)
        differ[look] = np.abs(before - after).mean()
    assert differ["center"] > 2 * differ["whole"]


def test_both_looks_and_their_mean_answer(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")
    paths = [half_bright(tmp_path / f"{w}.png", w, 64) for w in (64, 128)]
    inputs = keras.Input((32, 32, 3))
    left = keras.layers.Cropping2D(((0, 0), (0, 24)))(inputs)
    extractor = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(left))
    seen = other_sources.both_looks(extractor, paths, 32)
    assert {look: found.shape for look, found in seen.items()} == {
        "center": (2, 3),
        "whole": (2, 3),
    }
    np.testing.assert_allclose(seen["center"], 200)
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, :32] = 200  # bright on the left, where the middle square does not reach
    Image.fromarray(pixels).save(tmp_path / "edge.png")
    edge = other_sources.both_looks(extractor, [tmp_path / "edge.png"], 32)
    assert edge["center"].max() < 30 and edge["whole"].min() > 170
    head = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    seen = {"center": np.eye(3, dtype="float32"), "whole": -np.eye(3, dtype="float32")}
    weights, _ = head.get_weights()
    for looks in (["center"], ["whole"], ["center", "whole"]):
        wanted = np.mean([special.softmax(seen[one] @ weights, axis=1) for one in looks], axis=0)
        found = other_sources.mean_answer(head, seen, looks)
        np.testing.assert_allclose(found, wanted, atol=1e-6)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_a_photograph_in_evening_light_is_redder_and_stays_in_range(tmp_path):
    gray = np.full((40, 60, 3), 100, np.uint8)
    gray[:, 30:] = 250
    Image.fromarray(gray).save(tmp_path / "gray.png")
    stretched = other_sources.write_stretched([tmp_path / "gray.png"], tmp_path)
    evening = other_sources.write_in_evening_light([tmp_path / "gray.png"], tmp_path)
    assert stretched != evening  # both in one folder
    pixels = reading.read_image(*evening)
    assert pixels.shape == (40, 60, 3)
    np.testing.assert_allclose(pixels[5, 5], (110, 85, 60), atol=3)
    np.testing.assert_allclose(pixels[5, 50], (255, 212, 150), atol=3)


@pytest.fixture
def rings():
    """A wide picture of rings, gray."""
    y, x = np.mgrid[:120, :200]
    shade = 127 + 90 * np.sin(np.hypot(x - 100, y - 60) / 6)
    return np.repeat(shade.astype(np.uint8)[..., np.newaxis], 3, axis=2)


def drawn(change, pixels, count=20, size=48):
    return [change.view(pixels, size, np.random.default_rng(i)) for i in range(count)]


def test_a_view_without_a_change_is_the_middle_square(tmp_path, rings):
    Image.fromarray(rings).save(tmp_path / "rings.png")
    middle = reading.read_square(tmp_path / "rings.png", 48)
    for view in drawn(other_sources.Change(), rings, count=3):
        assert np.abs(view.astype(int) - middle).max() <= 1


def test_shapes_stretch_the_middle_in_both_directions(rings):
    """Of a disk in the middle: its height, as a share of its width, in each view."""
    y, x = np.mgrid[:120, :200]
    disk = np.repeat(np.uint8(255 * (np.hypot(x - 100, y - 60) < 30))[..., np.newaxis], 3, axis=2)
    tall = []
    for view in drawn(other_sources.CHANGES["shape"], disk, count=60):
        bright = view[..., 0] > 127
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        assert abs(rows.mean() - 23.5) < 1.5 and abs(columns.mean() - 23.5) < 1.5
        tall.append(len(rows) / len(columns))
    assert 0.55 < min(tall) < 0.75 and 1.35 < max(tall) < 1.8


def test_sizes_enlarge_a_part_whose_place_differs():
    y, x = np.mgrid[:100, :100]
    place = np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8)
    views = np.array(drawn(other_sources.CHANGES["size and place"], place, count=60)).astype(int)
    across = views[:, 24, -1, 0] - views[:, 24, 0, 0]
    down = views[:, -1, 24, 1] - views[:, 0, 24, 1]
    np.testing.assert_allclose(across, down, atol=3)  # squares of the picture
    assert 50 < across.min() < 65 and 90 < across.max() < 100
    assert views[:, 0, 0, 0].std() > 5 and views[:, 0, 0, 1].std() > 5


def test_light_has_one_gain_and_color_one_for_each(rings):
    gray = np.full((60, 60, 3), 100, np.uint8)
    light = np.array(drawn(other_sources.CHANGES["light"], gray))[:, 0, 0]
    assert np.all(light == light[:, :1]) and 50 <= light.min() < 70 and 130 < light.max() <= 150
    color = np.array(drawn(other_sources.CHANGES["color"], gray))[:, 0, 0].astype(int)
    assert np.abs(color[:, 0] - color[:, 2]).max() > 40
    assert 60 <= color.min() < 75 and 125 < color.max() <= 140


def test_what_is_seen_of_a_photograph_depends_on_its_place_and_the_seed_alone(
    tmp_path, monkeypatch, rings
):
    monkeypatch.setenv("SEEING_PROGRESS", "0")
    paths = []
    for i in range(40):  # more than a batch
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(np.roll(rings, i, axis=1)).save(paths[-1])
    inputs = keras.Input((16, 16, 3))
    network = keras.Model(inputs, keras.layers.Flatten()(inputs))
    change = other_sources.CHANGES["shape, size and place"]
    found = other_sources.changed_views(network, paths, 16, change, seed=3)
    assert found.shape == (40, 768) and found.dtype == np.float32
    random = np.random.default_rng((3, 37))
    wanted = change.view(reading.read_image(paths[37]), 16, random)
    assert np.array_equal(found[37], wanted.ravel())
    fewer = other_sources.changed_views(network, paths[:5], 16, change, seed=3)
    assert np.array_equal(fewer, found[:5])
    other = other_sources.changed_views(network, paths[:5], 16, change, seed=4)
    assert not np.array_equal(other, found[:5])


@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    shape=st.floats(0.1, 10),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_view_lies_within_its_photograph(width, height, shape, seed):
    # With a photograph's own shape a view is as large as it can be: rounding must not exceed it.
    pixels = np.full((height, width, 3), 100, np.uint8)
    for one in (shape, width / height):
        change = other_sources.Change(shape=(one, one), size=(0.3, 1.0))
        view = change.view(pixels, 8, np.random.default_rng(seed))
        assert view.shape == (8, 8, 3)
        assert (view == 100).all()
        whole = dataclasses.replace(change, size=(1.0, 1.0))
        assert (whole.view(pixels, 8, np.random.default_rng(seed)) == 100).all()


def test_a_view_of_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_PROGRESS", "0")
    (tmp_path / "text.jpg").write_text("no")
    inputs = keras.Input((16, 16, 3))
    with pytest.raises(reading.UnreadableImage, match=r"text\.jpg"):
        other_sources.changed_views(
            keras.Model(inputs, inputs), [tmp_path / "text.jpg"], 16, other_sources.Change()
        )
