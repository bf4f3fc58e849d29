"""The log of a server: what is in it, and that neither a kill nor a full disk spoils it."""

import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys

import httpx
import numpy as np
import pytest
import studio_databases
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_api import NAMES, ColorNamer, picture, serving
from test_serve import untrained

from seeing.app import logged

MODEL = "ab" * 32


class Describing(ColorNamer):
    """In a network's place: names a color, and describes it by four numbers."""

    def answers_and_features(self, photographs):
        rows = self.probabilities(photographs)
        return rows, 10 * rows.astype(np.float32)


class Plain(ColorNamer):
    """One that has no features."""

    def answers_and_features(self, photographs):
        return self.probabilities(photographs), None


@pytest.fixture
def said():
    return []


@pytest.fixture
def start(tmp_path, said):
    """Opens logs in one folder, and closes them."""
    opened = []

    def open_log(**options):
        options = {"model": MODEL, "class_names": NAMES, "say": said.append} | options
        opened.append(logged.Log(tmp_path / "log", **options))
        return opened[-1]

    yield open_log
    for log in opened:
        log.close()


def add(log, content=b"", answer="red", row=(0.7, 0.1, 0.1, 0.1)):
    return log.add(np.array(row), np.arange(4.0), answer, 0.5, io.BytesIO(content))


def read(tmp_path):
    notices = []
    return list(logged.read(tmp_path / "log", notices.append)), notices


class TestServing:
    def test_each_answer_is_a_line_that_names_no_client_and_no_file(self, tmp_path, start):
        log = start()
        with serving(Describing(), log=log) as client:
            secret = ("holiday of Ann.png", picture())
            answer = client.post("/photograph?top=1", files={"photograph": secret}).json()
            files = [("photographs", picture((0, 0, 250))), ("photographs", b"none")]
            client.post("/photographs?unsure_below=1", files=files)
            metrics = client.get("/metrics").text
        assert 'seeing_logged_photographs_total{outcome="written"} 2.0' in metrics
        assert 'seeing_logged_photographs_total{outcome="lost"} 0.0' in metrics
        (first, second), notices = read(tmp_path)
        assert notices == []
        assert (first.answer, second.answer) == ("red", None)
        assert (first.unsure_below, second.unsure_below) == (0.0, 1.0)
        assert first.model == second.model == MODEL
        assert first.id != second.id
        assert first.time <= second.time
        assert first.probabilities["red"] == pytest.approx(
            answer["classes"][0]["probability"], rel=1e-3
        )
        assert list(first.probabilities) == list(NAMES)  # all, whatever `top` was
        np.testing.assert_allclose(
            first.features, [10 * first.probabilities[name] for name in NAMES], rtol=1e-2
        )
        assert first.photograph is None
        [file] = (tmp_path / "log").iterdir()
        text = file.read_text()
        for private in ("holiday", "Ann", "127.0.0.1", "png"):
            assert private not in text

    def test_photographs_are_kept_by_their_content_where_that_is_wanted(self, tmp_path, start):
        log = start(keeps_photographs=True)
        jpeg = picture((0, 250, 0), kind="JPEG")
        with serving(Describing(), log=log) as client:
            for content in (picture(), jpeg, picture()):
                client.post("/photograph", files={"photograph": ("x.tiff", content)})
        records, _ = read(tmp_path)
        names = [one.photograph for one in records]
        assert names[0] == names[2] != names[1]
        assert [name[64:] for name in names[:2]] == [".png", ".jpg"]
        kept = {path.name: path.read_bytes() for path in (log.folder / "photographs").iterdir()}
        assert kept == {names[0]: picture(), names[1]: jpeg}
        assert stat.S_IMODE(log.folder.stat().st_mode) == 0o700

    def test_a_network_without_features_is_logged_without(self, tmp_path, start):
        with serving(Plain(), log=start()) as client:
            client.post("/photograph", files={"photograph": picture()})
        [one], _ = read(tmp_path)
        assert one.features is None
        assert one.answer == "red"

    def test_nothing_is_logged_and_nothing_counted_unless_it_is_asked_for(self):
        with serving(ColorNamer()) as client:
            client.post("/photograph", files={"photograph": picture()})
            assert "logged" not in client.get("/metrics").text

    def test_a_log_that_cannot_be_written_leaves_serving_alone(
        self, tmp_path, start, said, monkeypatch
    ):
        log = start()
        real, full = os.write, []

        def write(file, content):
            if full and file == log._file:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(file, content)

        monkeypatch.setattr(os, "write", write)
        with serving(Describing(), log=log) as client:
            for is_full in (False, True, True, False):
                full[:] = [1] * is_full
                assert isinstance(
                    client.post("/photograph", files={"photograph": picture()}), httpx.Response
                )
            metrics = client.get("/metrics").text
        assert 'seeing_photographs_total{outcome="named"} 4.0' in metrics
        assert 'seeing_logged_photographs_total{outcome="lost"} 2.0' in metrics
        assert len(said) == 2
        assert "no longer logged" in said[0] and "(No space left on device)" in said[0]
        assert "serving goes on" in said[0]
        assert said[1].endswith("again; 2 answers so far are lost")
        assert len(read(tmp_path)[0]) == 2


class TestWriting:
    @pytest.mark.parametrize("can_be_shortened", [True, False])
    def test_half_a_line_that_a_full_disk_leaves_spoils_no_other(
        self, tmp_path, start, monkeypatch, can_be_shortened
    ):
        log = start()
        assert add(log)
        real = os.write
        blows = iter([20, OSError(errno.ENOSPC, "full")])

        def write(file, content):
            blow = next(blows, None)
            if isinstance(blow, OSError):
                raise blow
            return real(file, content[:blow])

        def refuse(file, length):
            raise OSError(errno.EIO, "broken")

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", write)
            if not can_be_shortened:
                patched.setattr(os, "ftruncate", refuse)
            assert not add(log)
        assert add(log)
        records, notices = read(tmp_path)
        assert len(records) == 2
        assert len(notices) == (0 if can_be_shortened else 1)

    def test_a_write_that_takes_a_part_is_gone_on_with(self, tmp_path, start, monkeypatch):
        log, real = start(), os.write
        monkeypatch.setattr(os, "write", lambda file, content: real(file, content[:7]))
        assert add(log)
        assert len(read(tmp_path)[0]) == 1

    def test_nothing_more_than_the_limit_and_again_when_there_is_room(self, tmp_path, start, said):
        older = tmp_path / "log" / "older"
        older.parent.mkdir()
        older.write_bytes(bytes(5000))
        log = start(most_bytes=6500)
        written = [add(log) for _ in range(10)]
        assert written.index(False) == sum(written) > 1  # some, and then none
        assert sum(path.stat().st_size for path in older.parent.iterdir()) <= 6500
        assert len(said) == 1
        assert "its limit of 0 MB is reached" in said[0]
        older.unlink()
        while log.lost + log.written < logged.RECOUNT:
            add(log)
        assert add(log)
        assert "again" in said[-1]

    def test_a_photograph_beyond_the_limit_is_not_kept(self, tmp_path, start):
        log = start(keeps_photographs=True, most_bytes=3000)
        noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype("uint8")
        content = io.BytesIO()
        Image.fromarray(noise).save(content, "PNG")
        assert not add(log, content.getvalue())
        assert list((tmp_path / "log" / "photographs").iterdir()) == []
        assert add(log, picture())

    def test_two_servers_write_files_of_their_own(self, tmp_path, start):
        first, second = start(), start()
        for k in range(6):
            add((first, second)[k % 2], answer=NAMES[k % 4])
        records, _ = read(tmp_path)
        assert [one.answer for one in records] == [NAMES[k % 4] for k in range(6)]
        assert len(list((tmp_path / "log").glob("answers-*"))) == 2

    def test_a_file_without_a_line_goes_away(self, tmp_path):
        logged.Log(tmp_path / "log", model=MODEL, class_names=NAMES).close()
        assert list((tmp_path / "log").iterdir()) == []

    def test_a_place_that_cannot_be_used(self, tmp_path):
        (tmp_path / "log").write_text("a file")
        with pytest.raises(logged.CannotLog, match="log cannot be logged to"):
            logged.Log(tmp_path / "log", model=MODEL, class_names=NAMES)

    def test_features_beyond_half_precision_are_left_out(self, tmp_path, start):
        start().add(np.full(4, 0.25), np.full(4, 1e6), "red", 0.0, io.BytesIO())
        [one], _ = read(tmp_path)
        assert one.features is None

    def test_a_killed_server_loses_one_line_at_most(self, tmp_path, start_python):
        process = start_python(
            "import io, sys, numpy as np\n"
            "from seeing.app import logged\n"
            "log = logged.Log(sys.argv[1], model='ab', class_names=['a', 'b'])\n"
            "for k in range(10**9):\n"
            "    log.add(np.array([0.5, 0.5]), np.full(2000, k % 7), 'a', 0.0, io.BytesIO())\n"
            "    if k >= 50: print(k, flush=True)\n",
            tmp_path / "log",
        )
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        printed = [int(line) for line in process.stdout.read().split()] or [50]
        process.wait()
        records, notices = read(tmp_path)
        assert len(records) > printed[-1]
        assert len(notices) <= 1
        assert (records[-1].features == (len(records) - 1) % 7).all()

    def test_a_disk_that_is_really_full(self, tmp_path, said):
        folder = tmp_path / "disk"
        folder.mkdir()
        try:
            with studio_databases.small_disk(folder, "64k"):
                log = logged.Log(folder / "log", model=MODEL, class_names=NAMES, say=said.append)
                written = [
                    log.add(np.full(4, 0.25), np.arange(2000.0), "red", 0.0, io.BytesIO())
                    for _ in range(30)
                ]
                notices = []
                records = list(logged.read(folder / "log", notices.append))
                log.close()
        except studio_databases.Missing as missing:
            pytest.skip(str(missing))
        assert 0 < sum(written) == len(records) < 30
        assert written == sorted(written, reverse=True)
        assert notices == []
        [warning] = said
        assert "no longer logged" in warning

    def test_a_server_that_is_killed_has_logged_what_it_has_answered(self, tmp_path):
        untrained().save(tmp_path / "model")
        options = ["--port", "0", "--log", str(tmp_path / "log"), "--log-photographs"]
        process = subprocess.Popen(
            [sys.executable, "-m", "seeing", "serve", str(tmp_path / "model"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        try:
            what, started = process.stdout.readline(), process.stdout.readline()
            assert what.startswith(f"logging to {tmp_path / 'log'}, up to 1,000 MB: of each")
            assert "and the photograph itself" in what
            with httpx.Client(base_url=started.split()[-1], timeout=30, trust_env=False) as client:
                said = [
                    client.post("/photograph", files={"photograph": picture(color)}).json()
                    for color in ((250, 0, 0), (0, 250, 0))
                ]
        finally:
            process.kill()
            process.communicate()
        records, notices = read(tmp_path)
        assert notices == []
        assert [one.answer for one in records] == [one["answer"] for one in said]
        assert [len(one.features) for one in records] == [8, 8]
        kept = [(tmp_path / "log" / "photographs" / one.photograph) for one in records]
        assert [path.read_bytes() for path in kept] == [picture((250, 0, 0)), picture((0, 250, 0))]


class TestReading:
    def test_wherever_the_last_line_breaks_off_the_others_count(self, tmp_path, start):
        for k in range(3):
            add(start(), answer=NAMES[k])
        files = sorted((tmp_path / "log").iterdir(), key=lambda path: path.read_text())
        lines = [path.read_bytes() for path in files]
        for path in files[1:]:
            path.unlink()
        for length in range(len(lines[2])):
            files[0].write_bytes(b"".join(lines[:2]) + lines[2][:length])
            records, notices = read(tmp_path)
            is_whole = length == len(lines[2]) - 1  # all but the end of the line
            assert len(records) == 2 + is_whole
            assert len(notices) == (0 < length < len(lines[2]) - 1)
            assert not notices or "line 3: half written or damaged; passed over" in notices[0]

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("photograph", "../../etc/passwd"),
            ("photograph", 3),
            ("time", "yesterday"),
            ("time", None),
            ("features", "###"),
            ("features", "YQ=="),
            ("probabilities", [1]),
            ("probabilities", {"red": "x"}),
            ("answer", ...),
        ],
    )
    def test_a_line_of_another_form_is_passed_over(self, tmp_path, start, key, value):
        log = start()
        add(log)
        [path] = (tmp_path / "log").iterdir()
        line = json.loads(path.read_text())
        if value is ...:
            del line[key]
        else:
            line[key] = value
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n" + "\0" * 40 + "\n[]\n" + "[" * 100_000 + "\n")
        add(log)
        records, notices = read(tmp_path)
        assert len(records) == 2
        assert len(notices) == 4

    def test_a_folder_without_a_log(self, tmp_path):
        for folder, what in ((tmp_path, "holds no log"), (tmp_path / "none", "is no folder")):
            with pytest.raises(logged.CannotLog, match=what):
                logged.read(folder, print)

    @given(st.lists(st.floats(0, 1), min_size=1))
    def test_rounding_again_changes_nothing_and_keeps_the_order(self, probabilities):
        once = logged.rounded(np.array(probabilities))
        np.testing.assert_array_equal(logged.rounded(once), once)
        np.testing.assert_allclose(once, probabilities, rtol=1e-3, atol=1e-320)
        order = np.argsort(probabilities, kind="stable")
        assert (np.diff(once[order]) >= 0).all()
