"""Features are computed once for each content, whatever happens to the files they are kept in."""

import os
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

from seeing.models import backbones
from seeing.photos import reading
from seeing.studio import features, files, jobs

SIZE = 8


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Four features of an image: its mean colors, and its brightest value."""
    pixels = keras.Input((SIZE, SIZE, 3))
    means = keras.layers.GlobalAveragePooling2D()(pixels)
    brightest = keras.layers.GlobalMaxPooling2D()(pixels)[:, :1]
    return keras.Model(pixels, keras.layers.Concatenate()([means, brightest]), name="tiny")


class Counted:
    """A network that knows how many batches it was asked about, and how often it was built."""

    def __init__(self, network: keras.Model):
        self.network, self.batches, self.built = network, 0, 0
        self.name = network.name

    def build(self) -> "Counted":
        self.built += 1
        return self

    def compute_output_shape(self, shape: tuple) -> tuple:
        return self.network.compute_output_shape(shape)

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        assert images.dtype == np.float32
        self.batches += 1
        return self.network.predict_on_batch(images)


@pytest.fixture
def counted(network) -> Counted:
    return Counted(network)


@pytest.fixture
def kept(tmp_path, counted) -> features.Kept:
    return features.Kept(tmp_path / "features", recipe(counted))


def recipe(counted: Counted, **changes) -> features.Recipe:
    options = {"name": "tiny", "image_size": SIZE, "look": "whole", "feature_count": 4}
    return features.Recipe(**{**options, **changes}, build=counted.build)


@pytest.fixture
def draw(tmp_path):
    """Draws so many photographs, each of one color that no other has; their paths by digest."""

    def drawn(count: int, *, start: int = 0) -> dict[str, pathlib.Path]:
        folder = tmp_path / "photographs"
        folder.mkdir(exist_ok=True)
        found = {}
        for i in range(start, start + count):
            path = folder / f"{i}.png"
            Image.new("RGB", (SIZE, SIZE), (i, 2 * i % 256, 255 - i)).save(path)
            found[features.digest(path)] = path
        return found

    return drawn


def colors(count: int, start: int = 0) -> np.ndarray:
    """What the tiny network says of those photographs."""
    i = np.arange(start, start + count)
    return np.stack([i, 2 * i % 256, 255 - i, i], axis=1).astype(np.float32)


def entries(kept: features.Kept) -> list[pathlib.Path]:
    return sorted(path for path in kept._folder.glob("??/*") if not path.name.startswith("."))


def test_features_are_what_the_network_says_of_each_photograph(kept, draw):
    photographs = draw(3)
    assert kept.add(photographs) == features.Added(kept=0, computed=3, refused={})
    X, there = kept.rows(list(photographs))
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, colors(3))
    assert there.all()


def test_they_are_those_of_the_projects_own_function(network, kept, draw):
    photographs = draw(5)
    kept.add(photographs)
    paths = list(photographs.values())
    expected = backbones.of_photographs(network, paths, image_size=SIZE, crop="whole")
    np.testing.assert_array_equal(kept.rows(list(photographs))[0], expected)


def test_nothing_is_computed_twice_and_the_network_is_not_even_built(kept, counted, draw):
    kept.add(draw(3))
    again = features.Kept(kept._folder.parent, kept.recipe)
    assert again.add(draw(3)).kept == 3
    assert (counted.built, counted.batches) == (1, 1)


def test_new_photographs_are_added_without_the_others(kept, counted, draw):
    kept.add(draw(40))
    before = {path: path.stat().st_mtime_ns for path in entries(kept)}
    assert kept.add(draw(43)) == features.Added(kept=40, computed=3, refused={})
    assert counted.batches == 2 + 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    np.testing.assert_allclose(kept.rows(list(draw(43)))[0], colors(43))


def test_a_photograph_that_was_moved_or_copied_is_the_same(kept, counted, draw, tmp_path):
    (name, path), *_ = draw(1).items()
    kept.add({name: path})
    other = tmp_path / "elsewhere.bmp"
    other.write_bytes(path.read_bytes())
    assert features.digest(other) == name
    assert kept.add({features.digest(other): other}).kept == 1


def test_photographs_without_features_have_rows_that_say_so(kept, draw):
    (name, path), (other, _) = draw(2).items()
    kept.add({name: path})
    X, there = kept.rows([other, name])
    assert there.tolist() == [False, True]
    assert np.isnan(X[0]).all()
    assert kept.rows([])[0].shape == (0, 4)


DAMAGES = {
    "cut short": lambda content: content[:-1],
    "empty": lambda content: b"",
    "one bit": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "one bit of the checksum": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "longer": lambda content: content + b"\0\0\0\0",
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_does_not_count_and_is_made_anew(kept, counted, draw, damage):
    photographs = draw(3)
    kept.add(photographs)
    broken = entries(kept)[1]
    broken.write_bytes(DAMAGES[damage](broken.read_bytes()))
    assert kept.rows(list(photographs))[1].sum() == 2
    assert kept.add(photographs) == features.Added(kept=2, computed=1, refused={})
    np.testing.assert_allclose(kept.rows(list(photographs))[0], colors(3))


def test_an_entry_under_another_photographs_name_does_not_count(kept, draw):
    photographs = draw(2)
    kept.add(photographs)
    first, second = entries(kept)
    second.write_bytes(first.read_bytes())
    assert kept.rows(list(photographs))[1].sum() == 1


def test_what_a_killed_writer_left_does_not_count_and_is_cleared_up(kept, draw):
    photographs = draw(2)
    kept.add(photographs)
    whole = entries(kept)[0]
    left = whole.parent / f"{files.PARTIAL}abc"
    whole.rename(left)
    assert kept.add(photographs).computed == 1
    assert not left.exists()


def test_another_recipe_has_features_of_its_own(kept, counted, draw):
    photographs = draw(1)
    kept.add(photographs)
    folder = kept._folder.parent
    for change in ({"name": "other"}, {"look": "center"}):
        other = features.Kept(folder, recipe(counted, **change))
        assert not other.rows(list(photographs))[1].any()
        assert other.add(photographs).computed == 1
    assert kept.rows(list(photographs))[1].all()


def test_every_photograph_is_accounted_for_with_a_reason(kept, draw, tmp_path):
    photographs = draw(2)
    folder = tmp_path / "bad"
    folder.mkdir()
    contents = {"empty.jpg": b"", "text.png": b"no image", "cut.png": b""}
    Image.effect_noise((64, 64), 50).save(folder / "whole.png")
    contents["cut.png"] = (folder / "whole.png").read_bytes()[:2000]
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        photographs[features.digest(folder / name)] = folder / name
    gone = "0" * 64
    photographs[gone] = folder / "gone.jpg"
    added = kept.add(photographs)
    assert (added.kept, added.computed) == (0, 2)
    reasons = {photographs[name].name: reason for name, reason in added.refused.items()}
    assert reasons["empty.jpg"] == "empty: 0 bytes"
    assert reasons["text.png"].startswith("no image that can be read")
    assert reasons["cut.png"].startswith("damaged")
    assert reasons["gone.jpg"] == "does not exist"
    assert added.kept + added.computed + len(added.refused) == len(photographs)
    # They are asked about again: a file may have been repaired, or Pillow renewed.
    assert kept.add(photographs).refused == added.refused


def test_a_batch_of_nothing_but_unreadable_files(kept, counted, tmp_path):
    path = tmp_path / "text.png"
    path.write_bytes(b"no image")
    added = kept.add({features.digest(path): path})
    assert (added.computed, len(added.refused), counted.batches) == (0, 1, 0)


def test_a_file_that_changed_meanwhile_does_not_get_the_name_of_its_old_content(kept, draw):
    (name, path), (_, other) = draw(2).items()
    path.write_bytes(other.read_bytes())
    assert kept.add({name: path}).refused == {name: features.CHANGED}
    assert not kept.rows([name])[1].any()


def test_an_answer_that_is_no_number_is_a_reason(tmp_path, draw):
    pixels = keras.Input((SIZE, SIZE, 3))
    means = keras.layers.GlobalAveragePooling2D()(pixels)
    logarithm = Counted(keras.Model(pixels, keras.ops.log(means), name="logarithm"))
    kept = features.Kept(tmp_path / "features", recipe(logarithm, feature_count=3))
    photographs = draw(2, start=0)  # the first has no red: its logarithm is minus infinity
    first, second = photographs
    assert kept.add(photographs).refused == {first: features.NOT_FINITE}
    assert kept.rows([first, second])[1].tolist() == [False, True]


def test_progress_counts_photographs_and_a_canceled_job_goes_on_later(kept, counted, draw):
    photographs = draw(70)
    said = []

    def say(doing: str, done: int, total: int) -> None:
        said.append((doing, done, total))
        if done == 32:
            job.cancel()

    job = jobs.Job(say)
    with pytest.raises(jobs.Canceled, match="canceled after 64 of 70"):
        kept.add(photographs, job=job)
    assert said == [("loading the network", 0, 70), ("features", 0, 70), ("features", 32, 70)]
    assert kept.rows(list(photographs))[1].sum() == 64
    later = []
    added = kept.add(photographs, job=jobs.Job(lambda *step: later.append(step)))
    assert added == features.Added(kept=64, computed=6, refused={})
    assert later == [
        ("loading the network", 64, 70),
        ("features", 64, 70),
        ("features", 70, 70),
    ]
    assert counted.batches == 2 + 1


def test_two_jobs_do_not_compute_into_one_folder(kept, draw):
    photographs = draw(1)
    with files.only_writer(kept._folder), pytest.raises(files.Busy, match="another program"):
        kept.add(photographs)
    assert kept.add(photographs).computed == 1


def test_a_full_disk_is_said_and_what_was_kept_stays(kept, draw, monkeypatch):
    photographs = draw(40)
    real, written = files.write, []

    def write(path, content, *, durable):
        if len(written) == 35:
            raise OSError(28, "No space left on device")
        written.append(path)
        real(path, content, durable=durable)

    monkeypatch.setattr(files, "write", write)
    with pytest.raises(OSError, match="No space left"):
        kept.add(photographs)
    monkeypatch.setattr(files, "write", real)
    assert kept.add(photographs) == features.Added(kept=35, computed=5, refused={})


def test_what_is_no_digest_is_no_path_either(kept):
    for name in ("", "..", "../../etc/passwd", "A" * 64, "0" * 63):
        with pytest.raises(ValueError, match="is no digest; expected 64 hexadecimal"):
            kept.rows([name])


def test_a_network_that_does_not_fit_the_recipe_is_refused(tmp_path, counted, draw):
    kept = features.Kept(tmp_path / "features", recipe(counted, feature_count=5))
    with pytest.raises(ValueError, match=r"tiny gives \(1, 4\) .* expected \(1, 5\)"):
        kept.add(draw(1))


def test_a_digest_is_of_an_ordinary_file(tmp_path):
    with pytest.raises(reading.UnreadableImage, match="does not exist"):
        features.digest(tmp_path / "gone.jpg")
    with pytest.raises(reading.UnreadableImage, match="no ordinary file"):
        features.digest(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(reading.UnreadableImage, match="no ordinary file"):
            features.digest(tmp_path / "pipe.jpg")


def test_the_studios_own_recipe_names_what_its_features_depend_on():
    usual = features.of_resnet50()
    assert (usual.feature_count, usual.look) == (2048, "center")
    others = [features.of_resnet50(256), features.of_resnet50(look="whole")]
    assert len({one.fingerprint for one in (usual, *others)}) == 3
    assert usual.fingerprint == features.of_resnet50().fingerprint
