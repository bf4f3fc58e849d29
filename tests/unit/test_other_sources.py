"""other_sources: photographs pulled out of shape, kinds that two collections share, two looks."""

import types

import keras
import numpy as np
import pytest
from PIL import Image
from scipy import special

from seeing.datasets import oxford_flowers
from seeing.lessons import other_sources
from seeing.photos import reading

FIVE = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


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


def collection(names: tuple[str, ...], labels: list[int]):
    """A collection of photographs, as far as its labels go."""
    paths = tuple(f"{i}.jpg" for i in range(len(labels)))
    return types.SimpleNamespace(class_names=names, paths=paths, y=np.array(labels))


def test_kinds_that_both_collections_have():
    names = ("rose", "anthurium", "oxeye daisy", "common dandelion", "sunflower")
    elsewhere = collection(names, [0, 1, 2, 0, 3, 4, 0])
    paths, labels = other_sources.of_shared_kinds(elsewhere, FIVE)
    assert paths == ["2.jpg", "4.jpg", "0.jpg", "3.jpg", "6.jpg", "5.jpg"]
    assert [FIVE[label] for label in labels] == ["daisy", "dandelion", *["roses"] * 3, "sunflowers"]
    paths, _ = other_sources.of_shared_kinds(elsewhere, FIVE, limit=1)
    assert paths == ["2.jpg", "4.jpg", "0.jpg", "5.jpg"]


def test_the_shared_kinds_are_named_as_the_collection_names_them():
    assert set(other_sources.SHARED_KINDS) <= set(oxford_flowers.CLASS_NAMES)


def test_a_kind_without_a_name_is_told():
    with pytest.raises(ValueError, match=r"no class is called roses, sunflower$"):
        other_sources.of_shared_kinds(
            collection(("rose", "oxeye daisy", "common dandelion"), [0]),
            ("daisy", "dandelion", "sunflowers"),
        )


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
