"""Pillow's warnings name the file that they are about, from every entrance and in every thread."""

import concurrent.futures
import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from bookbuild import site
from seeing.photos import folders, named_warnings, pipeline, reading

DAMAGED_EXIF = b"Exif\x00\x00II*\x00\xff\xff\xff\xff"


@pytest.fixture
def damaged(tmp_path):
    """Three photographs of which Pillow complains, in two classes."""
    paths = [tmp_path / name for name in ("a/one.jpg", "a/two.jpg", "b/three.jpg")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (40, 40), "red").save(path, exif=DAMAGED_EXIF)
    return paths


@pytest.fixture
def shown(monkeypatch):
    """What Python shows of warnings where nobody has changed its settings."""
    texts = []
    with warnings.catch_warnings():
        warnings.resetwarnings()
        monkeypatch.setattr(
            warnings, "showwarning", lambda message, *rest: texts.append(str(message))
        )
        yield texts


def warns_of(path):
    return pytest.warns(UserWarning, match=f"^{path}: Corrupt EXIF data")


def test_the_librarys_own_reading_names_the_file(damaged):
    with warns_of(damaged[0]):
        reading.read_image(damaged[0])
    with warns_of(damaged[1]):
        reading.read_square(damaged[1], 32)


def test_every_file_is_named_once_not_only_the_first(damaged, shown):
    for path in [*damaged, *damaged]:
        reading.read_image(path)
    assert [text.partition(": ")[0] for text in shown] == list(map(str, damaged))


def test_listing_a_folder_and_the_pipeline_name_the_files(damaged, shown):
    folders.scan(damaged[0].parents[1])
    assert {text.partition(": ")[0] for text in shown} == set(map(str, damaged))
    other = damaged[0].with_name("other.jpg")
    damaged[0].rename(other)
    for _ in pipeline.dataset([other], [0], image_size=32):
        pass
    assert shown[-1].startswith(f"{other}: Corrupt EXIF data")


def test_the_build_names_the_picture(damaged):
    with warns_of(damaged[0]):
        assert site.picture_size(damaged[0]) == (40, 40)


def warn_as_pillow(text):
    warnings.warn_explicit(text, UserWarning, "Image.py", 1, module="PIL.Image")


def test_where_warnings_are_errors_the_error_names_the_file_and_is_no_damage(damaged):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=f"^{damaged[0]}: Corrupt EXIF data"):
            reading.read_image(damaged[0])


def test_of_a_file_that_is_refused_the_error_is_enough(tmp_path, shown):
    with pytest.raises(ValueError, match="refused"), named_warnings.about(tmp_path / "a.jpg"):
        warn_as_pillow("odd")
        raise ValueError("refused")
    assert shown == []


def test_threads_that_read_at_once_name_their_own_file(damaged, shown):
    """All are in the middle of their file before the first warns, and leave at different times."""
    together, before = threading.Barrier(3, timeout=30), (warnings.showwarning, warnings.filters[:])

    def read(path):
        with named_warnings.about(path):
            together.wait()
            warn_as_pillow(f"about {path.name}")
            together.wait()
        reading.read_image(path)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(read, damaged))
    for path in damaged:
        of_file = [text for text in shown if text.startswith(f"{path}: ")]
        assert of_file[0] == f"{path}: about {path.name}"
        assert "Corrupt EXIF data" in of_file[1]
    assert (warnings.showwarning, warnings.filters) == before


def test_warnings_of_others_pass_as_they_are(damaged, shown):
    with named_warnings.about(damaged[0]):
        thread = threading.Thread(target=warnings.warn, args=("of another thread",))
        thread.start()
        thread.join()
    warnings.warn("afterwards", UserWarning, stacklevel=1)
    assert shown == ["of another thread", "afterwards"]


def test_a_hook_that_somebody_put_back_later_does_no_harm(damaged, shown):
    """Whoever restores warnings while a file is read in another thread restores ours, too."""
    with named_warnings.about(damaged[0]):
        found = warnings.showwarning
    warnings.showwarning = found
    warnings.warn("of another", UserWarning, stacklevel=1)
    reading.read_image(damaged[0])
    assert shown[0] == "of another"
    assert shown[1].startswith(f"{damaged[0]}: Corrupt EXIF data")


def test_what_is_said_twice_of_one_file_is_given_on_once(tmp_path, shown):
    with named_warnings.about(tmp_path / "a.jpg"):
        for text in ("odd", "odd", "rare", "odd"):
            warn_as_pillow(text)
    assert shown == [f"{tmp_path / 'a.jpg'}: {text}" for text in ("odd", "rare")]


def test_what_others_have_said_once_stays_said(damaged, shown):
    for _ in range(2):
        warnings.warn("once", UserWarning, stacklevel=1)
        reading.read_image(damaged[0])
    assert shown.count("once") == 1
    assert len(shown) == 2


def test_pixels_are_what_they_were(damaged):
    with warns_of(damaged[0]):
        pixels = reading.read_image(damaged[0])
    assert np.all(pixels[..., 0] > 240)
