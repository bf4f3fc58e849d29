"""What the unit tests share: an empty cache, a web server that misbehaves on request, figures."""

import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import hypothesis
import matplotlib
import pytest
from fakes import ROOT, Book, Server

if TYPE_CHECKING:
    import studio_databases

# Not the environment's MPLBACKEND: kernels that other tests start would inherit it.
matplotlib.use("Agg")
# Before anything imports TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# A busy machine is no reason to fail; on CI, hypothesis' own profile says so already.
hypothesis.settings.register_profile("book", deadline=None)
if hypothesis.settings.get_current_profile_name() == "default":
    hypothesis.settings.load_profile("book")


@pytest.fixture
def root() -> pathlib.Path:
    """The book's checkout."""
    return ROOT


@pytest.fixture
def cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An empty cache folder (not made yet), no mirror folder, and a network that is allowed."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEEING_CACHE", str(folder))
    monkeypatch.setenv("SEEING_PROGRESS", "0")
    for name in ("SEEING_MIRROR", "SEEING_OFFLINE", "SEEING_PROFILE", "SEEING_SEED"):
        monkeypatch.delenv(name, raising=False)
    # Whatever proxy this machine has, the test's own server is reached without it.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


@pytest.fixture
def offline(cache: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The empty cache folder in the quick profile, without a mirror and without a network."""
    monkeypatch.setenv("SEEING_OFFLINE", "1")
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    return cache


@pytest.fixture
def server() -> Iterator[Server]:
    """A local web server; see :class:`Server`."""
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.release()
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Retries without their pauses; the list holds how long each pause would have been."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def start_python() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python programs of the test's own; the end of the test ends those still running."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def fake_npm(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a program named ``npm`` on PATH; its texts are shell scripts.

    The first is for ``npm pack``: in it, ``$2`` is the package and ``$6`` the folder that the
    archive must go to. ``view`` is for ``npm view``, which is asked first.
    """

    def install(script: str, *, view: str = "exit 0") -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "npm"
        program.write_text(
            f'#!/bin/sh\nif [ "$1" = view ]; then\n{view}\nfi\n{script}\n', encoding="utf-8"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.fixture
def no_npm(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH without npm, or anything else."""
    empty = tmp_path / "empty-bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def figures() -> Iterator[None]:
    """Matplotlib's own defaults before and after the test, and no figure left open."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.use("Agg")
        yield
        plt.close("all")


@pytest.fixture
def book(tmp_path: pathlib.Path, cache: pathlib.Path) -> Book:
    """A small book without chapters; see :class:`Book`."""
    return Book(tmp_path / "a small book")


@pytest.fixture(scope="session")
def postgresql_server() -> "Iterator[studio_databases.Server]":
    """A real PostgreSQL server; a test that asks for it is skipped where there is none."""
    import studio_databases

    try:
        running = studio_databases.Server()
    except studio_databases.Missing as missing:
        pytest.skip(str(missing))
    yield running
    running.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> "Iterator[Callable[[], studio_databases.Place]]":
    """Gives places for new projects, on SQLite and then on PostgreSQL."""
    import studio_databases

    server = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
    made: list[studio_databases.Place] = []

    def new() -> studio_databases.Place:
        url = None if server is None else server.new()
        made.append(studio_databases.Place(tmp_path / f"{len(made)}_studio", url))
        return made[-1]

    yield new
    for place in made:
        place.close()


@pytest.fixture
def place(new_place: "Callable[[], studio_databases.Place]") -> "studio_databases.Place":
    """A place for one new project, on SQLite and then on PostgreSQL."""
    return new_place()
