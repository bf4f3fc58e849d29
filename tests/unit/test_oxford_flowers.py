"""oxford_flowers: labels from 0, the official split, the edition named, no stand-in."""

import os
import pathlib
import tarfile
import types

import numpy as np
import pytest
from PIL import Image
from scipy import io

from seeing.datasets import drawn_flowers, oxford_flowers, sources
from seeing.photos import reading

MIRROR = os.environ.get("SEEING_MIRROR")
MIRRORED = MIRROR is not None and any(
    (pathlib.Path(MIRROR) / name).is_file() for name in oxford_flowers.REDUCED
)

COUNT = 12

FIVE = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


@pytest.fixture
def files(tmp_path):
    """Twelve drawn flowers with labels and split, laid out like the official files."""
    folder = tmp_path / "files"
    (folder / "jpg").mkdir(parents=True)
    for i in range(COUNT):
        picture = Image.fromarray(drawn_flowers.draw(i, size=32))
        picture.save(folder / "jpg" / f"image_{i + 1:05d}.jpg")
    io.savemat(folder / "imagelabels.mat", {"labels": [[77, 77, 1, 2, 102, 5, 6, 7, 8, 9, 10, 11]]})
    ids = {"trnid": [[4, 1]], "valid": [[2, 3]], "tstid": [[12, 5, 6, 7, 8, 9, 10, 11]]}
    io.savemat(folder / "setid.mat", ids)
    return folder


def serve(files, folder, names, monkeypatch, edition):
    """Make ``folder`` the mirror that serves ``names``, and their hashes the known ones."""
    known = {name: sources.sha256(folder / name) for name in names}
    monkeypatch.setenv("SEEING_MIRROR", str(folder))
    monkeypatch.setattr(oxford_flowers, "COUNT", COUNT)
    monkeypatch.setattr(oxford_flowers, edition, known)
    monkeypatch.setattr(
        oxford_flowers,
        "EDITIONS",
        {"original": oxford_flowers.ORIGINAL, "64 px": oxford_flowers.REDUCED},
    )


def assert_complete(data):
    assert data.y.tolist() == [76, 76, 0, 1, 101, 4, 5, 6, 7, 8, 9, 10]
    assert data.class_names[data.y[0]] == "passion flower"
    assert data.part("training")[1].tolist() == [76, 1]
    assert data.part("validation")[1].tolist() == [76, 0]
    assert len(data.part("test")[0]) == 8
    assert [path.name for path in data.part("training")[0]] == [
        "image_00001.jpg",
        "image_00004.jpg",
    ]
    assert all(reading.read_image(path).shape == (32, 32, 3) for path in data.paths)
    assert not data.record.is_stand_in


def test_the_official_files(offline, files, tmp_path, monkeypatch):
    with tarfile.open(files / "102flowers.tgz", "w:gz") as tar:
        tar.add(files / "jpg", "jpg")
    serve(files, files, list(oxford_flowers.ORIGINAL), monkeypatch, "ORIGINAL")
    data = oxford_flowers.load()
    assert_complete(data)
    assert data.edition == "original"
    assert data.record.name == "oxford_flowers102"
    monkeypatch.delenv("SEEING_MIRROR")
    assert oxford_flowers.load().record == data.record


def test_the_reduced_edition_says_so(offline, files, tmp_path, monkeypatch):
    (tmp_path / "mirror").mkdir()
    with tarfile.open(tmp_path / "mirror" / "oxford_flowers102_64px.tar", "w") as tar:
        tar.add(files, "oxford_flowers102_64px")
    serve(files, tmp_path / "mirror", list(oxford_flowers.REDUCED), monkeypatch, "REDUCED")
    data = oxford_flowers.load()
    assert_complete(data)
    assert data.edition == "64 px"
    assert "64 px edition" in data.record.name
    assert data.record.sha256 == oxford_flowers.REDUCED["oxford_flowers102_64px.tar"]


def test_there_is_no_stand_in(offline):
    with pytest.raises(sources.DataUnavailable) as caught:
        oxford_flowers.load()
    tried = [source for source, _ in caught.value.failures]
    assert tried[1:] == [source.name for source in oxford_flowers.chain()]
    assert oxford_flowers.BASE_URL in tried


def test_without_a_download_the_mirror_and_the_cache_serve(offline, files, tmp_path, monkeypatch):
    (tmp_path / "mirror").mkdir()
    with tarfile.open(tmp_path / "mirror" / "oxford_flowers102_64px.tar", "w") as tar:
        tar.add(files, "oxford_flowers102_64px")
    serve(files, tmp_path / "mirror", list(oxford_flowers.REDUCED), monkeypatch, "REDUCED")
    served = oxford_flowers.load(download=False)
    assert_complete(served)
    assert served.record.download_bytes == 0  # nobody has to fetch it
    monkeypatch.delenv("SEEING_MIRROR")
    assert_complete(oxford_flowers.load(download=False))


def test_without_a_download_the_canonical_address_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_CACHE", str(tmp_path))
    monkeypatch.delenv("SEEING_MIRROR", raising=False)
    monkeypatch.delenv("SEEING_OFFLINE", raising=False)
    with pytest.raises(sources.DataUnavailable) as caught:
        oxford_flowers.load(download=False)
    tried = [source for source, _ in caught.value.failures]
    assert len(tried) == 3
    assert not any("robots.ox.ac.uk" in source for source in tried)
    assert not any(source.needs_network for source in oxford_flowers.chain(download=False))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"trnid": [[1, 2]], "valid": [[2]], "tstid": [[3]]}, "in two parts"),
        ({"trnid": [[1]], "valid": [[2]], "tstid": [[4]]}, "in no part"),
    ],
)
def test_a_split_that_is_none_is_refused(tmp_path, ids, message):
    io.savemat(tmp_path / "labels.mat", {"labels": [[1, 2, 3, 4]]})
    io.savemat(tmp_path / "setid.mat", ids)
    with pytest.raises(ValueError, match=message):
        oxford_flowers.read_labels(tmp_path / "labels.mat", tmp_path / "setid.mat")


def test_class_names():
    names = oxford_flowers.CLASS_NAMES
    assert len(names) == len(set(names)) == 102
    # Official labels whose photographs were looked at: the names are theirs.
    looked_at = {
        1: "pink primrose",
        2: "hard-leaved pocket orchid",
        8: "bird of paradise",
        25: "grape hyacinth",
        29: "artichoke",
        44: "poinsettia",
        49: "oxeye daisy",
        50: "common dandelion",
        54: "sunflower",
        73: "water lily",
        74: "rose",
        77: "passion flower",
        80: "anthurium",
        87: "magnolia",
        102: "blackberry lily",
    }
    assert {label: names[label - 1] for label in looked_at} == looked_at


@pytest.mark.skipif(not MIRRORED, reason="SEEING_MIRROR holds no oxford_flowers102_64px.tar")
def test_the_photographs_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_CACHE", str(tmp_path))
    data = oxford_flowers.load()
    assert data.edition == "64 px"
    assert len(data.paths) == 8189
    counts = np.bincount(data.y, minlength=102)
    assert (counts.min(), counts.max()) == (40, 258)
    assert (np.bincount(data.part("training")[1]) == 10).all()
    assert (np.bincount(data.part("validation")[1]) == 10).all()
    assert len(data.part("test")[0]) == 6149
    assert reading.read_image(data.paths[-1]).shape == (64, 64, 3)


def collection(names: tuple[str, ...], labels: list[int]):
    """A collection of photographs, as far as its labels go."""
    paths = tuple(f"{i}.jpg" for i in range(len(labels)))
    return types.SimpleNamespace(class_names=names, paths=paths, y=np.array(labels))


def test_kinds_that_both_collections_have():
    names = ("rose", "anthurium", "oxeye daisy", "common dandelion", "sunflower")
    elsewhere = collection(names, [0, 1, 2, 0, 3, 4, 0])
    paths, labels = oxford_flowers.of_shared_kinds(elsewhere, FIVE)
    assert paths == ["2.jpg", "4.jpg", "0.jpg", "3.jpg", "6.jpg", "5.jpg"]
    assert [FIVE[label] for label in labels] == ["daisy", "dandelion", *["roses"] * 3, "sunflowers"]
    paths, _ = oxford_flowers.of_shared_kinds(elsewhere, FIVE, limit=1)
    assert paths == ["2.jpg", "4.jpg", "0.jpg", "5.jpg"]


def test_kinds_that_only_the_other_collection_has():
    names = ("rose", "anthurium", "oxeye daisy", "globe thistle")
    elsewhere = collection(names, [0, 1, 2, 3, 1, 0])
    chosen = oxford_flowers.of_other_kinds(elsewhere, 3, seed=0)
    assert sorted(chosen) == ["1.jpg", "3.jpg", "4.jpg"]
    draws = {tuple(oxford_flowers.of_other_kinds(elsewhere, 2, seed)) for seed in range(20)}
    assert len(draws) > 1
    with pytest.raises(ValueError, match="4 photographs of other kinds asked for; there are 3"):
        oxford_flowers.of_other_kinds(elsewhere, 4, seed=0)


def test_the_shared_kinds_are_named_as_the_collection_names_them():
    assert set(oxford_flowers.SHARED_KINDS) <= set(oxford_flowers.CLASS_NAMES)


def test_a_kind_without_a_name_is_told():
    with pytest.raises(ValueError, match=r"no class is called roses, sunflower$"):
        oxford_flowers.of_shared_kinds(
            collection(("rose", "oxeye daisy", "common dandelion"), [0]),
            ("daisy", "dandelion", "sunflowers"),
        )
