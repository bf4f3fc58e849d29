"""flowers: fetched, verified, split by content; drawn flowers stand in where nothing serves."""

import hashlib
import os
import pathlib
import tarfile

import numpy as np
import pytest
from PIL import Image

from seeing.datasets import archives, drawn_flowers, flowers, sources
from seeing.photos import near_duplicates, reading, splits

MIRROR = os.environ.get("SEEING_MIRROR")
MIRRORED = MIRROR is not None and any(
    (pathlib.Path(MIRROR) / name).is_file() for name in flowers.REDUCED
)


@pytest.fixture
def mirror(tmp_path, monkeypatch, offline):
    """A mirror folder that serves 30 drawn flowers and one copy as if they were the archive."""
    root = tmp_path / "flower_photos"
    paths = drawn_flowers.write_folder(root, 30, size=48)
    # Copies of a test picture, under names that by themselves belong to other parts.
    original = next(path for path in paths if splits.split_of(path.name) == "test")
    for part in ("training", "validation"):
        name = next(n for n in map("zz{}.jpg".format, range(99)) if splits.split_of(n) == part)
        Image.open(original).save(original.parent / name, quality=90)
    (root / "LICENSE.txt").write_text("drawn by code")
    folder = tmp_path / "mirror"
    folder.mkdir()
    with tarfile.open(folder / "flower_photos_240px.tar", "w") as tar:
        tar.add(root, "flower_photos")
    edition = {"flower_photos_240px.tar": sources.sha256(folder / "flower_photos_240px.tar")}
    monkeypatch.setattr(flowers, "REDUCED", edition)
    monkeypatch.setattr(flowers, "EDITIONS", {"original": flowers.ORIGINAL, "240 px": edition})
    monkeypatch.setenv("SEEING_MIRROR", str(folder))
    return folder


def test_photographs_come_with_labels_split_and_record(mirror, capsys):
    data = flowers.load()
    assert "from the mirror folder (flower_photos_240px.tar), verified" in capsys.readouterr().out
    assert len(data.paths) == len(data.y) == len(data.split) == 32
    assert data.class_names == drawn_flowers.CLASS_NAMES
    for path, label in zip(data.paths, data.y, strict=True):
        assert path.is_file()
        assert path.parent.name == data.class_names[label]
    assert data.edition == "240 px"
    assert data.record.name == "flower_photos"
    assert data.record.sha256 == flowers.REDUCED["flower_photos_240px.tar"]
    assert not data.record.is_stand_in
    sizes = [len(data.part(name)[0]) for name in splits.SPLITS]
    assert sum(sizes) == 32
    with pytest.raises(ValueError, match="no part is called 'train'"):
        data.part("train")


def test_near_duplicates_stay_in_one_part(mirror):
    data = flowers.load()
    (group,) = near_duplicates.groups(32, data.near_duplicates)
    names = [data.paths[i].name for i in group]
    assert len(names) == 3
    assert {splits.split_of(name) for name in names} == set(splits.SPLITS)
    assert set(data.split[group]) == {splits.split_of(min(names))} == {"test"}
    for i, path in enumerate(data.paths):
        assert i in group or data.split[i] == splits.split_of(path.name)


def test_near_duplicates_are_noted_when_unpacked(mirror, monkeypatch):
    first = flowers.load()
    searches = []
    search = near_duplicates.search
    monkeypatch.setattr(
        near_duplicates, "search", lambda paths: (searches.append(1), search(paths))[1]
    )
    assert flowers.load().near_duplicates == first.near_duplicates
    assert searches == []
    monkeypatch.setattr(near_duplicates, "METHOD", "another")
    assert flowers.load().near_duplicates == first.near_duplicates
    assert searches == [1]


def test_the_second_load_needs_no_mirror(mirror, monkeypatch, capsys):
    first = flowers.load()
    monkeypatch.delenv("SEEING_MIRROR")
    second = flowers.load()
    assert second.paths == first.paths
    assert np.array_equal(second.split, first.split)
    assert second.record == first.record
    assert "from the cache, verified" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["changed", "missing", "new", "manifest"])
def test_a_damaged_cache_is_noticed_and_replaced(mirror, capsys, damage):
    data = flowers.load()
    path = data.paths[4]
    content = path.read_bytes()
    if damage == "changed":
        path.write_bytes(content[:-1] + b"x")
    elif damage == "missing":
        path.unlink()
    elif damage == "new":
        (path.parent / "stranger.jpg").write_bytes(content)
    else:
        (path.parents[2] / archives.MANIFEST).write_text("{}")
    with pytest.raises(sources.SourceFailed):
        flowers.verify(path.parents[2])
    capsys.readouterr()
    again = flowers.load()
    assert "from the mirror folder" in capsys.readouterr().out
    assert again.paths == data.paths
    assert path.read_bytes() == content
    assert not (path.parent / "stranger.jpg").exists()


def test_an_archive_with_another_hash_is_refused(mirror):
    with (mirror / "flower_photos_240px.tar").open("ab") as file:
        file.write(b"x")
    with pytest.raises(sources.DataUnavailable, match=r"240px.tar has SHA-256 .* wrong bytes"):
        flowers.load(allow_stand_in=False)


def test_an_archive_that_is_none_is_refused(mirror, monkeypatch):
    path = mirror / "flower_photos_240px.tar"
    path.write_bytes(b"<html>Sign in to the network</html>")
    edition = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    monkeypatch.setattr(flowers, "REDUCED", edition)
    with pytest.raises(sources.DataUnavailable, match="cannot be unpacked"):
        flowers.load(allow_stand_in=False)


def test_every_source_is_named_when_all_fail(offline):
    with pytest.raises(sources.DataUnavailable) as caught:
        flowers.load(allow_stand_in=False)
    tried = [source for source, _ in caught.value.failures]
    assert tried[0].startswith("cache")
    assert tried[1:] == [source.name for source in flowers.chain()]
    assert flowers.ARCHIVE_URL in tried[-1]
    assert not list(offline.glob("flower_photos*"))


def test_photographs_that_are_not_here_are_not_fetched(monkeypatch, tmp_path):
    asked = []

    def chain(*, download):
        asked.append(download)
        return []

    monkeypatch.setenv("SEEING_CACHE", str(tmp_path))
    monkeypatch.setattr(flowers, "chain", chain)
    assert flowers.load_if_here() is None
    assert asked == [False]


def test_photographs_that_are_here_are_used_and_cost_no_download(mirror):
    here = flowers.load_if_here()
    assert here.paths == flowers.load().paths
    assert here.record.download_bytes == 0
    assert not here.record.is_stand_in


def test_without_a_download_the_mirror_serves_and_the_address_is_not_asked():
    asked = [source.name for source in flowers.chain(download=False)]
    assert asked == [source.name for source in flowers.chain()][:-1]
    assert flowers.ARCHIVE_URL not in "".join(asked)


def test_the_full_profile_takes_no_stand_in(offline, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    with pytest.raises(sources.DataUnavailable):
        flowers.load()


def test_the_stand_in_says_what_it_is(offline, monkeypatch, capsys):
    monkeypatch.setattr(flowers, "DRAWN_COUNT", 40)
    data = flowers.load()
    said = capsys.readouterr().out
    assert "STAND-IN DATA" in said
    assert "drawn by code" in said
    assert data.record.is_stand_in
    assert data.record.name == "flower_photos"
    assert "drawn" in data.record.origin
    assert data.edition == "drawn"
    assert data.class_names == drawn_flowers.CLASS_NAMES
    assert np.bincount(data.y).tolist() == [8] * 5
    again = flowers.stand_in(40)
    assert again.paths == data.paths
    assert again.record == data.record
    assert "from the cache" in capsys.readouterr().out


@pytest.mark.skipif(not MIRRORED, reason="SEEING_MIRROR holds no flower_photos_240px.tar")
def test_the_photographs_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_CACHE", str(tmp_path))
    data = flowers.load(allow_stand_in=False)
    assert data.class_names == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    assert np.bincount(data.y).tolist() == [600] * 5
    assert data.edition == "240 px"
    assert len(data.near_duplicates) == 33
    counts = {name: int(np.sum(data.split == name)) for name in splits.SPLITS}
    assert counts == {"training": 2079, "validation": 312, "test": 609}
    for i, j, _ in data.near_duplicates:
        assert data.y[i] == data.y[j]
        assert data.split[i] == data.split[j]
    image = reading.read_square(data.paths[0], 128)
    assert image.shape == (128, 128, 3)
