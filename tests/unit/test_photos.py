"""image_folder: every odd file is read rightly, or named with the reason why not."""

import hashlib
import io
import os
import pathlib
import re
import struct
import subprocess
import unicodedata
import zlib

import numpy as np
import pytest
from fakes import ROOT
from PIL import EpsImagePlugin, Image

from seeing.datasets import drawn_flowers
from seeing.photos import folders, glances, near_duplicates, pipeline, reading, splits


@pytest.fixture(scope="module")
def picture():
    """A drawn flower, 64 pixels wide and 48 high."""
    return drawn_flowers.draw(0, size=64)[8:56]


def save(path, array, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **settings)
    return path


def png(width, height, rows=b"", *, bits=8, channels=3):
    """A PNG file's bytes, given its rows, each after a 0; without them its header lies."""

    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    color = {3: 2, 4: 6}[channels]  # RGB, RGBA
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


def png_of_16_bits(pixels):
    """A PNG file's bytes of 16 bits a channel, which Pillow does not write."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return png(width, height, rows, bits=16, channels=channels)


def tree(root, picture, **classes):
    """Class folders with as many copies of a picture as asked for."""
    for name, count in classes.items():
        for i in range(count):
            save(root / name / f"{i}.png", picture)
    return root


class TestReadImage:
    def test_rgb_pixels_come_back_as_they_are(self, tmp_path, picture):
        read = reading.read_image(save(tmp_path / "a.png", picture))
        assert read.dtype == np.uint8
        assert np.array_equal(read, picture)

    def test_the_result_belongs_to_the_caller(self, tmp_path, picture):
        read = reading.read_image(save(tmp_path / "a.png", picture))
        read[:] = 0

    @pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".webp", ".tif", ".gif", ".ppm"])
    def test_other_formats(self, tmp_path, picture, suffix):
        read = reading.read_image(save(tmp_path / f"a{suffix}", picture))
        assert read.shape == picture.shape
        assert np.abs(read.astype(float) - picture).mean() < 16

    def test_gray(self, tmp_path, picture):
        gray = picture.mean(axis=2).astype(np.uint8)
        read = reading.read_image(save(tmp_path / "a.png", gray))
        assert np.array_equal(read, np.repeat(gray[..., None], 3, axis=2))

    def test_black_and_white(self, tmp_path, picture):
        bits = Image.fromarray((picture[..., 0] > 99).astype(np.uint8) * 255).convert("1")
        bits.save(tmp_path / "a.png")
        assert set(np.unique(reading.read_image(tmp_path / "a.png"))) == {0, 255}

    def test_cmyk(self, tmp_path, picture):
        Image.fromarray(picture).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
        read = reading.read_image(tmp_path / "a.jpg")
        assert read.shape == picture.shape
        assert np.abs(read.astype(float) - picture).mean() < 10

    def test_16_bit_gray_is_scaled_to_8_bits(self, tmp_path):
        values = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
        for name in ("a.png", "a.tif"):
            Image.fromarray(values).save(tmp_path / name)
            read = reading.read_image(tmp_path / name)
            assert read[..., 0].ravel().tolist() == list(range(256))
            assert np.array_equal(read[..., 0], read[..., 2])

    def test_32_bit_and_floating_point_gray_are_refused(self, tmp_path):
        Image.fromarray(np.full((16, 16), 70000, dtype=np.int32)).save(tmp_path / "wide.tif")
        Image.fromarray(np.full((16, 16), 0.5, dtype=np.float32)).save(tmp_path / "real.tif")
        with pytest.raises(reading.UnreadableImage, match="32-bit gray values"):
            reading.read_image(tmp_path / "wide.tif")
        with pytest.raises(reading.UnreadableImage, match="floating-point gray values"):
            reading.read_image(tmp_path / "real.tif")

    def test_transparent_parts_are_laid_on_white(self, tmp_path, picture):
        alpha = np.zeros(picture.shape[:2], dtype=np.uint8)
        alpha[:, :32] = 255
        read = reading.read_image(save(tmp_path / "a.png", np.dstack([picture, alpha])))
        assert np.array_equal(read[:, :32], picture[:, :32])
        assert (read[:, 32:] == 255).all()

    def test_transparent_palette(self, tmp_path):
        indexed = Image.new("P", (16, 16), 1)
        indexed.putpalette([255, 0, 0, 0, 0, 255])
        indexed.paste(0, (0, 0, 8, 16))
        indexed.save(tmp_path / "a.png", transparency=1)
        read = reading.read_image(tmp_path / "a.png")
        assert read[0, 0].tolist() == [255, 0, 0]
        assert read[0, 15].tolist() == [255, 255, 255]

    def test_the_first_frame_of_an_animation(self, tmp_path, picture):
        frames = [Image.new("RGB", (20, 16), color) for color in ("red", "lime", "blue")]
        for name in ("a.gif", "a.webp", "a.png"):
            frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
            read = reading.read_image(tmp_path / name)
            assert read.shape == (16, 20, 3)
            assert np.abs(read.astype(int) - [255, 0, 0]).max() < 16

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_exif_orientation(self, tmp_path, picture, orientation):
        # What a camera stores so that the viewer, turning it back, shows the picture upright.
        stored = {
            1: picture,
            2: picture[:, ::-1],
            3: picture[::-1, ::-1],
            4: picture[::-1],
            5: picture.transpose(1, 0, 2),
            6: np.rot90(picture, 1),
            7: picture[::-1, ::-1].transpose(1, 0, 2),
            8: np.rot90(picture, -1),
        }[orientation]
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = save(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
        assert np.array_equal(reading.read_image(path), picture)

    @pytest.mark.filterwarnings("ignore:.*Corrupt EXIF data")
    def test_damaged_exif_does_not_cost_the_photograph(self, tmp_path, picture):
        path = save(tmp_path / "a.jpg", picture, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
        assert reading.read_image(path).shape == picture.shape

    def test_shorter_side(self, tmp_path, picture):
        path = save(tmp_path / "a.png", picture)  # 64 wide, 48 high
        assert reading.read_image(path, shorter_side=24).shape == (24, 32, 3)
        assert reading.read_image(path, shorter_side=96).shape == (96, 128, 3)
        reduced = reading.read_image(path, shorter_side=24).astype(float)
        boxes = picture.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
        assert np.abs(reduced - boxes).mean() < 4

    def test_shorter_side_of_a_large_jpeg(self, tmp_path):
        large = save(tmp_path / "a.jpg", drawn_flowers.draw(3, size=800), quality=95)
        fast = reading.read_image(large, shorter_side=64).astype(float)
        whole = Image.fromarray(reading.read_image(large))
        exact = np.asarray(whole.resize((64, 64), Image.Resampling.BILINEAR), dtype=float)
        assert np.abs(fast - exact).mean() < 1

    @pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
    def test_gray_of_fewer_bits_in_a_16_bit_file_is_stretched(self, tmp_path, bits):
        values = np.linspace(0, 2**bits - 1, 256).round().astype(np.uint16).reshape(16, 16)
        Image.fromarray(values).save(tmp_path / "a.png")
        assert reading.read_image(tmp_path / "a.png")[..., 1].ravel().tolist() == list(range(256))

    @pytest.mark.parametrize("name", ["black.png", "black.tif"])
    def test_black_in_16_bits_stays_black(self, tmp_path, name):
        Image.fromarray(np.zeros((16, 16), np.uint16)).save(tmp_path / name)
        assert not reading.read_image(tmp_path / name).any()

    def test_colors_of_16_bits(self, tmp_path, picture):
        (tmp_path / "a.png").write_bytes(png_of_16_bits(picture.astype(np.uint16) * 257))
        assert np.array_equal(reading.read_image(tmp_path / "a.png"), picture)

    @pytest.mark.parametrize("name", ["a.jfif", "a.jpe", "a.mpo", "a.pnm", "a.pbm", "a.avif"])
    def test_rare_endings_are_read_in_training_as_in_prediction(self, tmp_path, picture, name):
        if name == "a.avif" and not reading.decodes_avif():
            pytest.skip("this Pillow was built without AVIF")
        root = tree(tmp_path, picture, daisy=1, tulips=1)
        formats = {".jfif": "JPEG", ".jpe": "JPEG", ".pnm": "PPM"}
        image = Image.fromarray(picture)
        if name == "a.pbm":
            image = image.convert("1")
        image.save(root / "daisy" / name, format=formats.get(pathlib.Path(name).suffix))
        listed = folders.scan(root)
        assert root / "daisy" / name in listed.paths
        assert listed.skipped == ()
        assert reading.read_image(root / "daisy" / name).shape == picture.shape

    def test_the_page_names_the_endings_that_are_read_and_no_others(self):
        page = (ROOT / "book" / "command_line.md").read_text(encoding="utf-8")
        table = page.partition("(image-formats)=")[2].partition("\n`train` looks at")[0]
        assert set(re.findall(r"`(\.\w+)`", table)) == reading.SUFFIXES

    @pytest.mark.parametrize("name", ["daisy in the rain.jpg", "rosé üppig.jpg", "牡丹.jpg"])
    def test_any_name(self, tmp_path, picture, name):
        assert reading.read_image(str(save(tmp_path / name, picture))).ndim == 3


class TestUnreadable:
    """Each message names the file and says why, and no other exception escapes."""

    def assert_refused(self, path, reason):
        with pytest.raises(reading.UnreadableImage, match=reason) as caught:
            reading.read_image(path)
        assert caught.value.path == path
        assert str(path) in str(caught.value)
        assert "\n" not in caught.value.reason

    def test_truncated_photograph(self, tmp_path, picture):
        for suffix in (".jpg", ".png", ".gif", ".webp"):
            path = save(tmp_path / f"a{suffix}", picture)
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
            self.assert_refused(path, "damaged|no image")

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".webp", ".tif", ".bmp"])
    def test_random_damage_never_raises_anything_else(self, tmp_path, picture, suffix):
        random = np.random.default_rng(0)
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, Image.registered_extensions()[suffix])
        path = tmp_path / f"a{suffix}"
        for _ in range(60):
            content = bytearray(buffer.getvalue())
            for position in random.integers(0, len(content), size=8):
                content[position] = random.integers(256)
            path.write_bytes(bytes(content[: random.integers(1, len(content) + 1)]))
            try:
                read = reading.read_image(path)
            except reading.UnreadableImage as error:
                assert error.reason
            else:
                assert read.dtype == np.uint8
                assert read.shape[2] == 3

    def test_text_called_jpg(self, tmp_path):
        path = tmp_path / "notes.jpg"
        path.write_text("Buy seeds.")
        self.assert_refused(path, "no image that can be read: it starts with b'Buy seeds.'")

    def test_no_file_starts_a_program(self, tmp_path, picture, monkeypatch):
        path = tmp_path / "drawing.jpg"
        Image.fromarray(picture).save(path, format="EPS")
        started = []
        monkeypatch.setattr(EpsImagePlugin, "gs_binary", "gs")  # as if Pillow had found it
        monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(a))
        self.assert_refused(path, "EPS files cannot be read; export it as JPEG or PNG")
        assert started == []

    @pytest.mark.parametrize("name", ["a.heic", "a.jpg", "a"])
    @pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic"])
    def test_heic_gets_its_hint_whatever_its_name(self, tmp_path, name, brands):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftyp" + brands + b"\0" * 200)
        self.assert_refused(tmp_path / name, "HEIC photographs cannot be read; export it as JPEG")

    @pytest.mark.parametrize(
        ("start", "reason"),
        [
            (b"%PDF-1.7", "PDF files cannot be read"),
            (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer, not the file"),
        ],
    )
    def test_other_kinds_are_named(self, tmp_path, start, reason):
        (tmp_path / "a.jpg").write_bytes(start)
        self.assert_refused(tmp_path / "a.jpg", reason)

    def test_avif_that_pillow_cannot_decode(self, tmp_path, monkeypatch):
        monkeypatch.setattr(reading, "decodes_avif", lambda: False)
        (tmp_path / "a.avif").write_bytes(b"\0\0\0\x18ftypavif\0\0\0\0avifmif1")
        self.assert_refused(tmp_path / "a.avif", "AVIF, which the installed Pillow cannot decode")

    def test_colors_of_12_bits_in_16(self, tmp_path, picture):
        """Pillow keeps each color's upper 8 bits, which here are nearly all 0."""
        for alpha in (False, True):
            pixels = picture.astype(np.uint16) * 16
            if alpha:
                pixels = np.dstack([pixels, np.full(picture.shape[:2], 65535, np.uint16)])
            (tmp_path / "a.png").write_bytes(png_of_16_bits(pixels))
            self.assert_refused(tmp_path / "a.png", "16-bit colors that use 12 bits or fewer")

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "a.jpg")
        self.assert_refused(tmp_path / "a.jpg", "no ordinary file, but a pipe or a device")

    def test_a_name_that_is_too_long(self, tmp_path):
        self.assert_refused(tmp_path / f"{'a' * 300}.jpg", "too long")

    def test_empty_file(self, tmp_path):
        (tmp_path / "a.jpg").touch()
        self.assert_refused(tmp_path / "a.jpg", "empty: 0 bytes")

    def test_missing_file(self, tmp_path):
        self.assert_refused(tmp_path / "a.jpg", "does not exist")

    def test_folder(self, tmp_path):
        self.assert_refused(tmp_path, "is a directory|permission denied")

    def test_one_pixel(self, tmp_path):
        path = save(tmp_path / "a.png", np.zeros((1, 1, 3), dtype=np.uint8))
        self.assert_refused(path, "too small: 1×1 pixels")

    def test_a_line(self, tmp_path):
        path = save(tmp_path / "a.png", np.zeros((8, 2000, 3), dtype=np.uint8))
        self.assert_refused(path, "too long and narrow: 2000×8 pixels")

    @pytest.mark.parametrize("side", [9_000, 12_000, 20_000])
    def test_decompression_bomb(self, tmp_path, side):
        path = tmp_path / "bomb.png"
        path.write_bytes(png(side, side))
        self.assert_refused(path, "too large: ")

    def test_decompression_bomb_where_warnings_are_errors(self, tmp_path):
        path = tmp_path / "bomb.png"
        path.write_bytes(png(12_000, 12_000))
        self.assert_refused(path, "too large: ")


class TestScan:
    def test_paths_and_labels(self, tmp_path, picture):
        listed = folders.scan(tree(tmp_path, picture, tulips=2, daisy=3))
        assert listed.class_names == ("daisy", "tulips")
        assert listed.y.tolist() == [0, 0, 0, 1, 1]
        assert listed.y.dtype == np.int64
        assert [path.parent.name for path in listed.paths] == ["daisy"] * 3 + ["tulips"] * 2
        assert listed.paths == tuple(sorted(listed.paths))
        assert listed.skipped == ()

    def test_nothing_is_dropped_in_silence(self, tmp_path, picture):
        root = tree(tmp_path / "flowers", picture, daisy=1, tulips=1)
        odd = {
            "daisy/cut short.jpg": "damaged",
            "daisy/notes.jpg": "no image that can be read",
            "daisy/dot.png": "too small",
            "tulips/bomb.png": "too large",
            "tulips/list.txt": r"does not end like an image's \(.txt\)",
            "tulips/README": r"\(no ending\)",
            "tulips/from a phone.HEIC": "HEIC",
            "tulips/.DS_Store": "hidden",
            "LICENSE.txt": "lies in no class folder",
            "loose.png": "lies in no class folder",
            "nothing here": "class folder without an image",
        }
        save(root / "daisy/cut short.jpg", picture)
        content = (root / "daisy/cut short.jpg").read_bytes()
        (root / "daisy/cut short.jpg").write_bytes(content[:-200])
        save(root / "daisy/dot.png", np.zeros((1, 1, 3), dtype=np.uint8))
        (root / "tulips/bomb.png").write_bytes(png(20_000, 20_000))
        save(root / "loose.png", picture)
        (root / "nothing here").mkdir()
        for name in odd:
            if not (root / name).exists():
                (root / name).write_text("text")
        listed = folders.scan(root)
        assert len(listed.paths) == 2
        found = {item.path.relative_to(root).as_posix(): item.reason for item in listed.skipped}
        assert found.keys() == odd.keys()
        summary = listed.summary()
        assert "2 images in 2 classes" in summary
        assert "11 left out" in summary
        for name, reason in odd.items():
            assert re.search(reason, found[name]), (name, found[name])
            assert name.rsplit("/")[-1] in summary

    def test_odd_but_readable_images_are_kept(self, tmp_path, picture):
        root = tree(tmp_path, picture, daisy=1, tulips=1)
        Image.fromarray(picture).convert("CMYK").save(root / "daisy/cmyk.jpg")
        Image.fromarray(np.full((16, 16), 999, dtype=np.uint16)).save(root / "daisy/16 bit.png")
        Image.fromarray(picture).convert("RGBA").save(root / "daisy/alpha.png")
        Image.fromarray(picture).convert("P").save(root / "daisy/palette.GIF")
        listed = folders.scan(root)
        assert np.bincount(listed.y).tolist() == [5, 1]
        assert listed.skipped == ()

    def test_names_with_spaces_and_accents(self, tmp_path, picture):
        composed, decomposed = "rosé sauvage", unicodedata.normalize("NFD", "rosé sauvage")
        save(tmp_path / decomposed / "fleur d'été 1.png", picture)
        save(tmp_path / "rose" / "a b.png", picture)
        listed = folders.scan(tmp_path)
        assert listed.class_names == ("rose", composed)
        images = pipeline.dataset(listed.paths, listed.y, image_size=16)
        assert next(iter(images))[0].shape == (2, 16, 16, 3)

    def test_images_in_deeper_folders_belong_to_the_class(self, tmp_path, picture):
        root = tree(tmp_path, picture, daisy=1, tulips=1)
        save(root / "daisy" / "holiday" / "beach" / "x.png", picture)
        assert folders.scan(root).y.tolist() == [0, 0, 1]

    def test_without_decoding_only_names_are_looked_at(self, tmp_path, picture):
        root = tree(tmp_path, picture, daisy=1, tulips=1)
        (root / "daisy/broken.jpg").write_bytes(b"x")
        assert len(folders.scan(root, decode=False).paths) == 3
        assert len(folders.scan(root).paths) == 2

    def test_the_images_are_decoded_once(self, tmp_path, picture, monkeypatch):
        root = tree(tmp_path, picture, daisy=2, tulips=1)
        read, reads = reading.read_image, []
        monkeypatch.setattr(reading, "read_image", lambda path: (reads.append(path), read(path))[1])
        listed = folders.scan(root)
        assert sorted(reads) == sorted(listed.paths)
        near_duplicates.find(listed.looks)
        assert len(reads) == 3
        assert listed.looks.digests[0] == glances.glance(picture).digest
        assert folders.scan(root, decode=False).looks is None
        assert len(reads) == 3

    def test_folders_of_systems_are_named_and_not_looked_into(self, tmp_path, picture):
        root = tree(tmp_path / "pictures", picture, daisy=1, tulips=1)
        inside = (
            "@eaDir",
            "#recycle",
            "$RECYCLE.BIN",
            "__MACOSX",
            ".ipynb_checkpoints",
            "@Recycle",
        )
        for k, name in enumerate(inside):
            save((root if k % 2 else root / "daisy") / name / "daisy" / "small.png", picture)
        listed = folders.scan(root)
        assert len(listed.paths) == 2
        assert listed.class_names == ("daisy", "tulips")
        assert {item.path.name for item in listed.skipped} == set(inside)
        assert all("folder of the operating system" in item.reason for item in listed.skipped)

    @pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
    def test_links(self, tmp_path, picture):
        elsewhere = tree(tmp_path / "elsewhere", picture, roses=2, asters=1)
        root = tree(tmp_path / "pictures", picture, daisy=1, tulips=1)
        links = {
            "roses": elsewhere / "roses",
            "roses again": elsewhere / "roses",
            "all": tmp_path,
            "daisies": root / "daisy",
            "tulips/more": elsewhere / "asters",
            "tulips/loop": root,
            "tulips/lost.png": tmp_path / "nowhere.png",
            "tulips/one.png": elsewhere / "asters" / "0.png",
        }
        for name, target in links.items():
            (root / name).symlink_to(target)
        (root / "tulips" / "itself").symlink_to(root / "tulips" / "itself")
        listed = folders.scan(root)
        assert dict(zip(listed.class_names, np.bincount(listed.y), strict=True)) == {
            "daisy": 1,
            "roses": 2,  # a class may be a link
            "tulips": 2,  # and so may a photograph
        }
        reasons = {item.path.relative_to(root).as_posix(): item.reason for item in listed.skipped}
        expected = {
            "roses again": "link to the same folder as .*roses",
            "all": "link to a folder that holds this one",
            "daisies": "link to a folder that is listed anyway",
            "tulips/more": "link to a folder inside a class",
            "tulips/loop": "link to a folder inside a class",
            "tulips/lost.png": "link that leads nowhere",
            "tulips/itself": "link that leads nowhere",
        }
        assert reasons.keys() == expected.keys()
        for name, reason in expected.items():
            assert re.match(reason, reasons[name]), (name, reasons[name])

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
    @pytest.mark.parametrize("decode", [True, False])
    def test_a_pipe_is_named_and_not_waited_for(self, tmp_path, picture, decode):
        root = tree(tmp_path, picture, daisy=1, tulips=1)
        os.mkfifo(root / "daisy" / "pipe.jpg")
        listed = folders.scan(root, decode=decode)
        assert len(listed.paths) == 2
        (skipped,) = listed.skipped
        assert (skipped.path.name, skipped.reason[:15]) == ("pipe.jpg", "no regular file")

    def test_folders_that_cannot_be_opened_are_named(self, tmp_path, picture, monkeypatch):
        root = tree(tmp_path, picture, daisy=1, tulips=1, roses=1)
        save(root / "daisy" / "private" / "x.png", picture)
        closed = {root / "daisy" / "private", root / "roses"}
        iterdir = pathlib.Path.iterdir

        def refuse(path):
            if path in closed:
                raise PermissionError(13, "Permission denied", str(path))
            return iterdir(path)

        monkeypatch.setattr(pathlib.Path, "iterdir", refuse)
        listed = folders.scan(root)
        assert listed.class_names == ("daisy", "tulips")
        assert {item.path for item in listed.skipped} == closed
        assert all(
            item.reason == "folder cannot be opened: Permission denied" for item in listed.skipped
        )
        closed.add(root)
        with pytest.raises(folders.NotAnImageFolder, match="cannot be opened: Permission denied"):
            folders.scan(root)

    @pytest.mark.parametrize(
        ("names", "parts"),
        [
            (("train", "val"), ("training", "validation")),
            (("Training", "validation", "TEST"), ("training", "validation", "test")),
            (("train", "test"), ("training", "test")),
        ],
    )
    def test_a_folder_that_is_split_already(self, tmp_path, picture, names, parts):
        for name in names:
            tree(tmp_path / name, picture, daisy=2, tulips=1)
        save(tmp_path / names[-1] / "unlabeled.png", picture)
        save(tmp_path / "drafts" / "daisy" / "x.png", picture)
        (tmp_path / names[-1] / "roses").mkdir()
        listed = folders.scan(tmp_path)
        assert listed.class_names == ("daisy", "tulips")
        found = [path.relative_to(tmp_path).parts[0] for path in listed.paths]
        expected = dict(zip(names, parts, strict=True))
        assert listed.given_split.tolist() == [expected[name] for name in found]
        assert listed.y.tolist() == [0] * 2 * len(names) + [1] * len(names)
        reasons = {item.path.name: item.reason for item in listed.skipped}
        assert reasons["unlabeled.png"] == "lies in no class folder"
        assert "which split this folder" in reasons["x.png"]
        assert reasons["roses"] == "class folder without an image that can be read"
        assert len(reasons) == 3

    @pytest.mark.parametrize("names", [("train", "bus"), ("train", "test"), ("train",)])
    def test_classes_that_only_sound_like_parts(self, tmp_path, picture, names):
        root = tree(tmp_path, picture, plane=1, **dict.fromkeys(names, 1))
        save(root / "train" / "steam" / "x.png", picture)
        listed = folders.scan(root)
        assert listed.class_names == tuple(sorted({*names, "plane"}))
        assert listed.given_split is None

    def test_names_below_the_folder(self, tmp_path, picture):
        root = tree(tmp_path, picture, daisy=1, tulips=1)
        save(root / "daisy" / "beach" / "x.png", picture)
        assert folders.scan(root).names == ["daisy/0.png", "daisy/beach/x.png", "tulips/0.png"]

    def test_a_single_class_is_refused(self, tmp_path, picture):
        with pytest.raises(folders.NotAnImageFolder, match=r"only one class .*'daisy'"):
            folders.scan(tree(tmp_path, picture, daisy=2))

    def test_images_without_class_folders_are_refused_and_named(self, tmp_path, picture):
        save(tmp_path / "one.png", picture)
        with pytest.raises(folders.NotAnImageFolder, match=r"no class(.|\n)*one.png: lies in"):
            folders.scan(tmp_path)

    def test_no_folder(self, tmp_path):
        with pytest.raises(folders.NotAnImageFolder, match="does not exist"):
            folders.scan(tmp_path / "nowhere")
        (tmp_path / "file").touch()
        with pytest.raises(folders.NotAnImageFolder, match="is a file"):
            folders.scan(tmp_path / "file")


class TestSplit:
    def test_the_rule(self):
        # int(sha256(name), 16) % 100, worked out with sha256sum: 15, 21 and 66.
        assert splits.split_of("1031799732_e7f4008c03.jpg") == "test"
        assert splits.split_of("100080576_f52e8ee070_n.jpg") == "validation"
        assert splits.split_of("10140303196_b88d3d6cec.jpg") == "training"
        borders = {19: "test", 20: "validation", 29: "validation", 30: "training"}
        for name in map(str, range(400)):
            remainder = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100
            expected = borders.pop(remainder, None)
            assert expected in (None, splits.split_of(name))
        assert not borders

    def test_the_parts_have_their_sizes(self):
        counts = {"training": 0, "validation": 0, "test": 0}
        for i in range(5000):
            counts[splits.split_of(f"photograph {i}.jpg")] += 1
        assert 0.18 < counts["test"] / 5000 < 0.22
        assert 0.085 < counts["validation"] / 5000 < 0.115

    def test_a_group_stays_where_its_smallest_name_belongs(self, tmp_path):
        names = [f"{i:03d}.jpg" for i in range(100)]
        paths = [tmp_path / "flowers" / name for name in names]
        alone = splits.split(paths)
        assert alone.tolist() == [splits.split_of(name) for name in names]
        grouped = splits.split(paths, [list(range(10, 40)), [98, 50]])
        assert set(grouped[10:40]) == {splits.split_of("010.jpg")}
        assert grouped[98] == grouped[50] == splits.split_of("050.jpg")
        assert np.array_equal(grouped[:10], alone[:10])

    def test_the_folder_and_the_order_do_not_matter(self, tmp_path):
        paths = [tmp_path / f"{i}.jpg" for i in range(50)]
        moved = [tmp_path / "elsewhere" / path.name for path in reversed(paths)]
        assert splits.split(moved).tolist() == splits.split(paths).tolist()[::-1]

    def test_part(self, tmp_path):
        paths = [tmp_path / f"{i}.jpg" for i in range(4)]
        split = np.array(["training", "test", "training", "validation"])
        found, y = splits.part(paths, np.arange(4), split, "training")
        assert found == [paths[0], paths[2]]
        assert y.tolist() == [0, 2]
        with pytest.raises(ValueError, match="no part is called 'train'"):
            splits.part(paths, np.arange(4), split, "train")


class TestStratifiedSplit:
    @staticmethod
    def of(counts, groups=()):
        """Names, labels and split of classes that hold 0.jpg, 1.jpg, ..."""
        names = [f"class {k}/{i}.jpg" for k, count in enumerate(counts) for i in range(count)]
        y = np.repeat(np.arange(len(counts)), counts)
        return names, y, splits.stratified_split(names, y, groups)

    def test_the_rule_in_a_large_class(self):
        names, _, split = self.of([500])
        assert split.tolist() == [splits.split_of(name) for name in names]

    def test_the_same_file_names_in_every_class_fall_apart(self):
        names, _, split = self.of([3] * 40)
        parts = {
            name: {split[i] for i, other in enumerate(names) if other.endswith(name)}
            for name in ("0.jpg", "1.jpg", "2.jpg")
        }
        assert all(found == set(splits.SPLITS) for found in parts.values())

    @pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 12, 20, 60])
    def test_every_class_has_its_share_in_every_part(self, count):
        _, y, split = self.of([count] * 100)
        for name, share, needed in (("test", 0.2, 2), ("validation", 0.1, 3)):
            found = np.bincount(y[split == name], minlength=100)
            if count < needed:
                assert found.max() == 0
            else:
                assert found.min() >= max(1, count * share / 2)
                assert found.max() <= max(1, count * share * 2)
        assert np.bincount(y[split == "training"], minlength=100).min() >= 1

    @pytest.mark.parametrize(("count", "share"), [(10, 0.1), (20, 0.05), (100, 0.01)])
    def test_photographs_stay_where_they_are_when_others_are_added(self, count, share):
        names, _, split = self.of([count] * 50)
        more, _, later = self.of([2 * count] * 50)
        where = dict(zip(more, later, strict=True))
        assert (
            np.mean([where[name] != part for name, part in zip(names, split, strict=True)]) < share
        )

    def test_other_classes_and_the_order_do_not_matter(self):
        names, y, split = self.of([9, 30])
        assert self.of([9])[2].tolist() == split[:9].tolist()
        backward = splits.stratified_split(names[::-1], y[::-1])
        assert backward.tolist() == split.tolist()[::-1]

    def test_groups_stay_together(self):
        groups = [list(range(k, k + 3)) for k in range(0, 240, 4)]
        names, _, split = self.of([120, 120], groups)
        for group in groups:
            assert len(set(split[group])) == 1
            assert split[group[0]] == splits.split_of(min(names[i] for i in group))
        assert set(split[[group[0] for group in groups]]) == set(splits.SPLITS)

    def test_a_group_that_is_too_large_for_a_part_is_for_training(self):
        for first in range(20):  # some of the names belong elsewhere by themselves
            group = list(range(first, first + 40))
            _, _, split = self.of([60], [group])
            assert set(split[group]) == {"training"}
            assert {"validation", "test"} <= set(split)

    def test_a_group_of_two_classes_stays_together(self):
        _, y, split = self.of([10, 10], [[3, 14]])
        assert split[3] == split[14]
        assert np.bincount(y[split == "test"], minlength=2).min() >= 1

    def test_accents_in_either_form(self):
        names = [f"rosé/{i}.jpg" for i in range(30)]
        other = [unicodedata.normalize("NFD", name) for name in names]
        y = np.zeros(30, int)
        assert splits.stratified_split(names, y).tolist() == (
            splits.stratified_split(other, y).tolist()
        )

    def test_nothing(self):
        assert splits.stratified_split([], np.zeros(0, int)).shape == (0,)


class TestSplitPhotographs:
    @pytest.fixture
    def photographs(self, tmp_path):
        return splits.SplitPhotographs(
            class_names=("a", "b"),
            paths=tuple(tmp_path / f"{i}.jpg" for i in range(12)),
            y=np.array([0] * 8 + [1] * 4),
            split=np.array(["training"] * 9 + ["validation"] * 2 + ["test"]),
            edition="tiny",
            record=None,
        )

    def test_a_limit_draws_always_the_same(self, photographs):
        paths, y = photographs.part("training", limit=4)
        again, _ = photographs.part("training", limit=4)
        everything, _ = photographs.part("training")
        assert paths == again
        assert len(set(paths)) == len(y) == 4
        assert set(paths) < set(everything)
        assert paths != everything[:4]
        assert [photographs.y[int(path.stem)] for path in paths] == y.tolist()

    def test_a_limit_beyond_the_part_takes_all(self, photographs):
        paths, y = photographs.part("validation", limit=50)
        assert (paths, y.tolist()) == (photographs.part("validation")[0], [1, 1])

    def test_a_limit_of_nothing_is_refused(self, photographs):
        with pytest.raises(ValueError, match="limit is 0; expected 1 or more"):
            photographs.part("test", limit=0)

    def test_counts(self, photographs):
        header, rows = photographs.counts()
        assert header == ["class", "training", "validation", "test"]
        assert rows == [["a", "8", "0", "0"], ["b", "1", "2", "1"]]


class TestDataset:
    @pytest.fixture(scope="class")
    def files(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("drawn flowers")
        paths = drawn_flowers.write_folder(folder, 10, size=40)
        for i, path in enumerate(paths):  # 48 wide, 40 high
            picture = np.pad(np.asarray(Image.open(path)), ((0, 0), (4, 4), (0, 0)))
            picture[0, 4] = i * 20
            Image.fromarray(picture).save(path)
        return paths, np.arange(10) % 5

    def test_batches(self, files):
        paths, y = files
        batches = list(pipeline.dataset(paths, y, image_size=32, batch_size=4))
        assert [images.shape for images, _ in batches] == [(4, 32, 32, 3)] * 2 + [(2, 32, 32, 3)]
        images = np.concatenate([images for images, _ in batches])
        labels = np.concatenate([labels for _, labels in batches])
        assert images.dtype == np.float32
        assert labels.dtype == np.int64
        assert labels.tolist() == y.tolist()
        assert 0 <= images.min() < 10
        assert 200 < images.max() <= 255

    def test_a_prediction_sees_the_same_pixels_as_training(self, files):
        paths, y = files
        (images, _), *_ = pipeline.dataset(paths, y, image_size=24, batch_size=10)
        for path, image in zip(paths, images, strict=True):
            assert np.array_equal(reading.read_square(path, 24), image)

    def test_several_squares_are_those_of_each(self, files):
        paths, _ = files
        squares = reading.read_squares(paths[:3], 24)
        assert (squares.dtype, squares.shape) == (np.uint8, (3, 24, 24, 3))
        assert np.array_equal(squares[2], reading.read_square(paths[2], 24))
        assert reading.read_squares([], 24).shape == (0, 24, 24, 3)

    def test_center_crop_keeps_the_middle(self, files):
        paths, _ = files
        whole = reading.read_image(paths[0])
        assert np.array_equal(reading.read_square(paths[0], 40), whole[:, 4:44])
        inner = reading.read_square(paths[0], 30, shorter_side=40)
        assert np.array_equal(inner, whole[5:35, 9:39])
        with pytest.raises(ValueError, match="shorter_side is 39, less than image_size 40"):
            reading.read_square(paths[0], 40, shorter_side=39)

    def test_a_square_is_the_middle_of_the_resized_image(self, files):
        resized = reading.read_image(files[0][1], shorter_side=20).astype(float)
        square = reading.read_square(files[0][1], 20).astype(float)
        assert np.abs(resized[:, 2:22] - square).max() <= 1

    def test_a_whole_image_is_squeezed_and_nothing_of_it_is_lost(self, tmp_path):
        wide = np.zeros((20, 60, 3), np.uint8)
        wide[:, :3] = 200
        Image.fromarray(wide).save(tmp_path / "wide.png")
        assert not reading.read_square(tmp_path / "wide.png", 20).any()
        whole = reading.read_square(tmp_path / "wide.png", 20, look="whole")
        assert whole.shape == (20, 20, 3)
        assert (whole[:, 0] > 150).all() and not whole[:, 3:].any()
        with pytest.raises(ValueError, match="look is 'middle'; expected one of center, whole"):
            reading.read_square(tmp_path / "wide.png", 20, look="middle")

    def test_the_pipeline_squeezes_as_reading_does(self, files):
        images, _ = next(iter(pipeline.dataset(*files, image_size=24, crop="whole")))
        squares = reading.read_squares(files[0], 24, look="whole")
        np.testing.assert_array_equal(images.numpy()[: len(squares)], squares[: len(images)])

    def test_stretched_crops_change_the_shape_of_things(self, tmp_path):
        """A ring that is round in the photograph is an ellipse in most crops, of either kind."""
        y, x = np.mgrid[:120, :120] - 59.5
        ring = np.where(np.abs(np.hypot(x, y) - 12) < 3, 255, 0).astype(np.uint8)
        Image.fromarray(np.stack([ring] * 3, axis=-1)).save(tmp_path / "ring.png")
        crops = pipeline.dataset(
            [tmp_path / "ring.png"] * 60, [0] * 60, image_size=60, batch_size=60, crop="stretched"
        )
        images = next(iter(crops))[0].numpy()[..., 0] > 100
        ratios = []
        for image in images:
            rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
            ends = {*rows[:1], *rows[-1:], *columns[:1], *columns[-1:]}
            if ends and not ends & {0, 59}:  # all of the ring is in sight
                ratios.append((np.ptp(columns) + 1) / (np.ptp(rows) + 1))
        assert len(ratios) > 10
        assert min(ratios) < 0.8 and max(ratios) > 1.25
        low, high = pipeline.RATIO
        assert all(low * 0.85 < ratio < high * 1.15 for ratio in ratios)

    def test_an_unknown_crop(self, files):
        with pytest.raises(ValueError, match="crop is 'middle'; expected one of 'center', 'whole'"):
            pipeline.dataset(*files, image_size=24, crop="middle")

    def test_static_shape_is_known_to_a_model(self, files):
        for crop in ("center", "whole", "random", "stretched"):
            images = pipeline.dataset(*files, image_size=32, crop=crop)
            assert images.element_spec[0].shape.as_list() == [None, 32, 32, 3]

    @pytest.mark.parametrize("crop", ["random", "stretched"])
    def test_crops_by_chance_differ_from_pass_to_pass_and_repeat_with_the_seed(self, files, crop):
        def passes(seed):
            images = pipeline.dataset(*files, image_size=24, batch_size=10, crop=crop, seed=seed)
            return [next(iter(images))[0].numpy() for _ in range(2)]

        first, second = passes(seed=1)
        assert first.shape == (10, 24, 24, 3)
        assert not np.array_equal(first, second)
        assert np.array_equal(passes(seed=1), [first, second])
        assert not np.array_equal(passes(seed=2)[0], first)

    def test_random_crops_are_parts_of_the_image(self, files):
        paths, y = files
        images, _ = next(
            iter(
                pipeline.dataset(
                    paths, y, image_size=36, batch_size=10, crop="random", shorter_side=40
                )
            )
        )
        whole = reading.read_image(paths[3], shorter_side=40).astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(whole, (36, 36, 3))
        assert (windows == images[3].numpy()).all(axis=(-1, -2, -3)).any()

    def test_shuffling_keeps_images_with_their_labels(self, files):
        paths, _ = files
        images = pipeline.dataset(
            paths, range(10), image_size=40, batch_size=10, shuffle=True, cache=False
        )
        orders = []
        for pixels, labels in [next(iter(images)), next(iter(images))]:
            assert sorted(labels.numpy()) == list(range(10))
            assert pixels[:, 0, 0, 0].numpy().tolist() == (labels.numpy() * 20).tolist()
            orders.append(labels.numpy().tolist())
        assert orders[0] != orders[1]

    def test_the_cache_reads_each_file_once(self, files, monkeypatch):
        reads = []
        read = reading.read_square
        monkeypatch.setattr(
            reading, "read_square", lambda *a, **k: (reads.append(1), read(*a, **k))[1]
        )
        images = pipeline.dataset(*files, image_size=16, batch_size=3)
        for _ in range(3):
            assert len(list(images)) == 4
        assert len(reads) == 10

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, files):
        paths, _ = files
        broken = tmp_path / "broken flower.jpg"
        broken.write_text("no")
        images = pipeline.dataset([*paths[:2], broken], [0, 1, 2], image_size=16)
        with pytest.raises(Exception, match=r"broken flower.jpg: no image that can be read"):
            list(images)
        images = pipeline.batches([*paths[:2], broken], [0, 1, 2], image_size=16)
        with pytest.raises(reading.UnreadableImage, match="no image that can be read") as raised:
            list(images)
        assert raised.value.path == broken

    def test_what_is_no_fault_of_a_file_stays_what_it_is(self, files, monkeypatch):
        def no_memory(*arguments, **options):
            raise MemoryError("too little")

        monkeypatch.setattr(reading, "read_square", no_memory)
        with pytest.raises(Exception, match="too little") as raised:
            list(pipeline.batches(*files, image_size=16))
        assert not isinstance(raised.value, reading.UnreadableImage)

    def test_one_pass_gives_what_the_pipeline_holds(self, files):
        options = {"image_size": 16, "batch_size": 3}
        once, again = pipeline.batches(*files, **options), pipeline.dataset(*files, **options)
        for (images, labels), (expected, known) in zip(once, again, strict=True):
            assert np.array_equal(images, expected)
            assert np.array_equal(labels, known)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"y": [0]}, "10 images and 1 labels"),
            ({"paths": [], "y": []}, "0 images"),
            ({"crop": "left"}, "crop is 'left'"),
            ({"shorter_side": 8}, "shorter_side is 8, less than image_size 16"),
        ],
    )
    def test_impossible_settings_are_refused(self, files, change, message):
        settings = {"paths": files[0], "y": files[1], "image_size": 16} | change
        with pytest.raises(ValueError, match=message):
            pipeline.dataset(settings.pop("paths"), settings.pop("y"), **settings)


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such file name")
def test_a_file_name_that_is_no_unicode(tmp_path, picture):
    root = tree(tmp_path, picture, daisy=1, tulips=1)
    content = (root / "daisy/0.png").read_bytes()
    (root / "daisy" / os.fsdecode(b"\xff.png")).write_bytes(content)
    listed = folders.scan(root)
    assert len(listed.paths) == 3
    images = pipeline.dataset(listed.paths, listed.y, image_size=16)
    assert next(iter(images))[0].shape[0] == 3
    assert splits.split(listed.paths).shape == (3,)


class TestSomeOfEach:
    def test_as_many_of_each_class(self):
        y = np.array([0] * 9 + [2] * 3 + [1] * 7)
        chosen = splits.some_of_each(y, 4, seed=1)
        assert np.bincount(y[chosen]).tolist() == [4, 4, 3]
        assert len(set(chosen.tolist())) == len(chosen)

    def test_the_seed_decides_and_a_larger_draw_holds_the_smaller(self):
        y = np.arange(60) % 3
        small, large = (set(splits.some_of_each(y, n, seed=1).tolist()) for n in (2, 5))
        assert small < large
        assert small != set(splits.some_of_each(y, 2, seed=2).tolist())

    def test_images_come_with_their_labels(self):
        y = np.array([1, 0, 1, 0, 1])
        X = np.arange(5)[:, np.newaxis] * 10 + y[:, np.newaxis]
        some, labels = splits.images_of_each(X, y, 2, seed=3)
        assert labels.tolist() == [0, 0, 1, 1]
        assert (some[:, 0] % 10).tolist() == labels.tolist()
        assert len(np.unique(some)) == 4

    def test_none_of_each(self):
        with pytest.raises(ValueError, match="per_class is 0"):
            splits.some_of_each(np.zeros(3, int), 0)
