"""Files of the studio are whole or not there, whenever their writer is killed."""

import signal
import subprocess
import sys

import pytest

from seeing.studio import files, jobs

# Writes a file over an old one, and is killed in the middle of a step.
KILLED = """
import os, pathlib, signal, sys
from seeing.studio import files

step, path = sys.argv[1], pathlib.Path(sys.argv[2])

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

class Half:
    def __init__(self, file):
        self.file = file
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.file.close()
    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        die()

if step == "writing":
    real = os.fdopen
    os.fdopen = lambda number, mode: Half(real(number, mode))
elif step == "before the rename":
    pathlib.Path.replace = die
elif step == "after the rename":
    files._sync_folder = die
with files.only_writer(path.parent):
    files.write(path, b"new " * 1000, durable=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("step", "content"),
    [
        ("writing", b"old"),
        ("before the rename", b"old"),
        ("after the rename", b"new " * 1000),
    ],
)
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path, step, content):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, step, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == content
    # Its claim is gone with it, and the next writer clears up what it left.
    with files.only_writer(tmp_path):
        assert {one.name for one in tmp_path.iterdir()} == {"file", files.LOCK_FILE}


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write(path, b"new", durable=True)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_second_writer_is_told_so_and_may_write_afterwards(tmp_path):
    with (
        files.only_writer(tmp_path),
        pytest.raises(files.Busy, match="is being written to by another"),
        files.only_writer(tmp_path),
    ):
        pass
    with files.only_writer(tmp_path):
        pass


def test_a_claim_ends_with_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="mine"), files.only_writer(tmp_path):
        raise RuntimeError("mine")
    with files.only_writer(tmp_path / "a folder that is not there yet"):
        pass
    with files.only_writer(tmp_path):
        pass


def test_a_job_says_how_far_it_is_until_somebody_ends_it():
    said = []
    job = jobs.Job(lambda *step: said.append(step))
    job.step("counting", 1, 3)
    job.cancel()
    job.cancel()
    with pytest.raises(jobs.Canceled, match="counting: canceled after 2 of 3"):
        job.step("counting", 2, 3)
    assert said == [("counting", 1, 3)]


def test_nobody_needs_to_listen():
    jobs.Job().step("counting", 1, 3)
