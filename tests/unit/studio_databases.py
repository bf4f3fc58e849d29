"""Databases for the studio's tests: a real PostgreSQL server of the tests' own, a small disk."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy

from seeing.studio import store

if TYPE_CHECKING:
    import pwd  # Windows has none

UNPRIVILEGED = ("postgres", "nobody")  # initdb refuses to run as root
START_S = 60


class Missing(RuntimeError):
    """This machine lacks what a test needs. The message says what."""


class Server:
    """A PostgreSQL server on a Unix socket in a temporary folder; nobody else reaches it."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._user = _unprivileged()
        # Not in pytest's own folder, where other users may not go; and a socket's path is short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="studio-pg-"))
        self.give(self.folder)
        self._names = itertools.count(1)
        try:
            self._run("initdb", "--auth=trust", "--username=studio", "--encoding=UTF8", "--no-sync")
            self.start()
        except BaseException:
            self.close()
            raise

    def give(self, folder: pathlib.Path) -> None:
        """Let the server write into a folder."""
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def start(self) -> None:
        """Start, after :meth:`crash` too, and wait until it answers."""
        # Without fsync only a power cut would lose anything, and no test cuts the power.
        options = f"-F -c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        log = self.folder / "log.txt"
        self._run("pg_ctl", "--wait", f"--timeout={START_S}", "-l", log, "-o", options, "start")

    def crash(self) -> None:
        """End without a word and without saving anything: the next start has to recover."""
        self._run("pg_ctl", "--mode=immediate", "--wait", "stop")

    def close(self) -> None:
        """Stop, and remove all that there was."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "--mode=fast", "--wait", "stop")
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres", **query: str) -> str:
        """SQLAlchemy's URL of a database of this server."""
        made = sqlalchemy.URL.create(
            "postgresql+psycopg",
            username="studio",
            database=database,
            query={"host": str(self.folder), **query},
        )
        return made.render_as_string(hide_password=False)

    def new(self) -> str:
        """The URL of an empty schema, which is all that its connections see."""
        name = f"project_{next(self._names)}"
        self.execute(f"CREATE SCHEMA {name}")
        return self.url(options=f"-csearch_path={name}")

    def execute(self, *statements: str) -> None:
        """Run statements outside of transactions."""
        engine = sqlalchemy.create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def _run(self, program: str, *arguments: object) -> None:
        who = {}
        if self._user is not None:
            who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        # What the server prints goes into a file: a pipe would stay open as long as it runs.
        with (self.folder / "said.txt").open("a") as said:
            subprocess.run(
                [self._programs / program, "-D", self.folder / "data", *map(str, arguments)],
                cwd=self.folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=True,
                **who,
            )


def _programs() -> pathlib.Path:
    """Where PostgreSQL's programs are; Debian leaves them outside PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return pathlib.Path(found).resolve().parent
    installed = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: float(path.parts[-3]), default=None)
    if newest is None:
        raise Missing("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return newest.parent


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as where the tests run as root; None: as the tests do."""
    import pwd

    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Missing(f"root cannot run PostgreSQL, and there is no user {' or '.join(UNPRIVILEGED)}")


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, size: str) -> Iterator[pathlib.Path]:
    """A disk of its own that is soon full, mounted on a folder.

    Raises:
        Missing: where this process may not mount one.
    """
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        raise Missing("only root can mount a small disk to fill it")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Missing(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([shutil.which("umount") or "umount", "--lazy", folder], check=True)


@dataclasses.dataclass
class Place:
    """Where a project is, or will be: opened as often as a test likes, closed at its end.

    Attributes:
        folder: the studio's own.
        url: of the database; None for SQLite in that folder.
    """

    folder: pathlib.Path
    url: str | None
    _open: list[store.Store] = dataclasses.field(default_factory=list)

    @property
    def is_sqlite(self) -> bool:
        """Whether only one program may have it open."""
        return self.url is None

    def open(self, **options: Any) -> store.Store:
        """Open the project; see :class:`seeing.studio.store.Store`."""
        opened = store.Store(self.folder, self.url, **options)
        self._open.append(opened)
        return opened

    def close(self) -> None:
        """Close all that was opened."""
        while self._open:
            self._open.pop().close()

    def connect(self) -> sqlalchemy.Connection:
        """A connection of another program, which has its own ideas."""
        url = self.url or f"sqlite:///{self.folder / 'labels.sqlite3'}"
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        return engine.connect()
