"""Versions are whole or absent, never written over, and any of them can be the current one."""

import dataclasses
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeing.studio import files, linear, scores, versions

MADE = versions.Made(
    last_event=7,
    labels_sha256="ab" * 32,
    photographs=3,
    features="cd" * 16,
    strength=0.01,
    seed=5,
    tested=scores.Share(9, 10),
    time="2026-11-28T16:00:00+00:00",
)


def head(number: float = 0.0, *, multi_label: bool = False) -> linear.Head:
    weights = np.arange(6, dtype=np.float64).reshape(3, 2) + number
    return linear.Head(linear.Task((4, 9), multi_label), weights, np.array([-np.inf, number]))


def same(one: linear.Head, other: linear.Head) -> bool:
    return (
        one.task == other.task
        and np.array_equal(one.weights, other.weights)
        and np.array_equal(one.biases, other.biases)
    )


@pytest.mark.parametrize("made", [MADE, dataclasses.replace(MADE, tested=None)])
@pytest.mark.parametrize("multi_label", [False, True])
def test_a_version_is_read_as_it_was_kept(tmp_path, made, multi_label):
    kept = versions.Versions(tmp_path / "models")
    added = kept.add(head(multi_label=multi_label), made)
    read = versions.Versions(tmp_path / "models").load(1)
    assert (read.number, read.made) == (added.number, made) == (1, made)
    assert same(read.head, head(multi_label=multi_label))


def test_before_the_first_there_is_none(tmp_path):
    kept = versions.Versions(tmp_path / "models")
    assert kept.numbers() == kept.history() == list(kept.readable()) == []
    assert kept.current() is None
    assert not (tmp_path / "models").exists()
    with pytest.raises(KeyError, match="there is no version 1"):
        kept.load(1)


def test_the_newest_is_current_until_an_older_one_is_made_so(tmp_path):
    kept = versions.Versions(tmp_path)
    for number in range(3):
        kept.add(head(number), MADE)
    assert kept.current().number == 3
    assert kept.roll_back(1).number == 1
    assert same(kept.current().head, head(0))
    assert kept.numbers() == [1, 2, 3]
    assert kept.add(head(9), MADE).number == 4
    assert kept.current().number == 4
    said = [(turn.version, turn.why) for turn in kept.history()]
    assert said == [(1, "trained"), (2, "trained"), (3, "trained"), (1, "rollback"), (4, "trained")]
    with pytest.raises(KeyError, match=r"no version 8; there are \[1, 2, 3, 4\]"):
        kept.roll_back(8)


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", b"PK\x03\x04", "cut", "other arrays", "pickled", "other shapes"],
)
def test_a_damaged_version_is_said_and_the_others_are_still_there(tmp_path, content):
    kept = versions.Versions(tmp_path)
    for number in range(2):
        kept.add(head(number), MADE)
    path = tmp_path / "version-000002.npz"
    whole = path.read_bytes()
    if content == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif content == "other arrays":
        np.savez(path, weights=np.zeros((2, 2)))
    elif content == "other shapes":
        with np.load(path) as arrays:
            np.savez(path, **{**arrays, "biases": np.zeros(3)})
    elif content == "pickled":
        np.savez(path, weights=np.array([{}], dtype=object))
    else:
        path.write_bytes(content)
    with pytest.raises(versions.DamagedVersion, match=r"version-000002.npz cannot be read"):
        kept.current()
    assert [version.number for version in kept.readable()] == [1]
    assert kept.roll_back(1).number == kept.current().number == 1
    assert kept.add(head(5), MADE).number == 3  # a number is never given twice


@settings(max_examples=60)
@given(st.data())
def test_a_version_with_a_wrong_byte_is_refused_or_the_same(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("models")
    kept = versions.Versions(folder)
    kept.add(head(1.5), MADE)
    path = folder / "version-000001.npz"
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        read = kept.load(1)
    except versions.DamagedVersion:
        return
    assert read.made == MADE
    assert same(read.head, head(1.5))


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"version": "x", "why": "trained"}]'])
def test_a_damaged_history_is_said_with_what_to_do(tmp_path, content):
    kept = versions.Versions(tmp_path)
    kept.add(head(), MADE)
    kept.add(head(1), MADE)
    (tmp_path / versions.HISTORY_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(versions.DamagedVersion, match="remove it: then the newest version is"):
        kept.current()
    (tmp_path / versions.HISTORY_FILE).unlink()
    assert kept.current().number == 2


def test_a_second_program_waits_for_its_turn(tmp_path):
    kept = versions.Versions(tmp_path)
    kept.add(head(), MADE)
    with files.only_writer(tmp_path):
        for change in (lambda: kept.add(head(), MADE), lambda: kept.roll_back(1)):
            with pytest.raises(files.Busy, match="another program or job"):
                change()
        assert kept.current().number == 1  # reading needs no turn
    assert kept.numbers() == [1]


# Adds a second version, and is killed when the file of that name is to be renamed to its place.
KILLED = """
import os, pathlib, signal, sys
sys.path.insert(0, sys.argv[1])
import test_studio_versions as tests
from seeing.studio import versions

real = pathlib.Path.replace

def replace(self, place):
    if pathlib.Path(place).name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, place)

pathlib.Path.replace = replace
versions.Versions(sys.argv[2]).add(tests.head(1), tests.MADE)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("name", "numbers"), [("version-000002.npz", [1]), (versions.HISTORY_FILE, [1, 2])]
)
def test_a_kill_leaves_the_version_before_current(tmp_path, name, numbers):
    kept = versions.Versions(tmp_path)
    kept.add(head(), MADE)
    here = str(pathlib.Path(__file__).parent)
    command = [sys.executable, "-c", KILLED, here, str(tmp_path), name]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert kept.current().number == 1
    assert kept.numbers() == numbers
    assert [version.number for version in kept.readable()] == numbers
    assert kept.add(head(2), MADE).number == len(numbers) + 1
    assert not list(tmp_path.glob(f"{files.PARTIAL}*"))


def test_a_full_disk_leaves_no_version_and_the_one_before_current(tmp_path, monkeypatch):
    kept = versions.Versions(tmp_path)
    kept.add(head(), MADE)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(OSError, match="No space left"):
        kept.add(head(1), MADE)
    assert (kept.numbers(), kept.current().number) == ([1], 1)
