"""oxford_flowers: labels from 0, the official split, the edition named, no stand-in."""

import os
import pathlib
import tarfile

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
