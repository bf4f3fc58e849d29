"""The studio's database: opened, kept from a second start, each transaction whole or not at all.

SQLite writes ahead (WAL) and waits for the disk at each commit, PostgreSQL does so by itself: what
is committed survives a killed program. Writers come one after the other.

Explained on the page *The Studio*.
"""

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import filelock
import sqlalchemy
from sqlalchemy import event, exc

from seeing.studio import schema

FILE = "labels.sqlite3"
WAIT_S = 10  # for another writer
CONNECTIONS = 60  # at most, besides those that are kept: more than a server has threads

_FORBIDDEN = ("42501", "3F000")  # no right to do so; no schema to do it in
_CREATING = 0x5EE1_0001  # of an advisory lock of PostgreSQL: two programs that create the tables


class CannotOpen(ValueError):
    """A database cannot be opened, or is not the one that was meant. The message says why."""


class NotSaved(RuntimeError):
    """The database did not take or did not give what it was asked. The message says what to do.

    Attributes:
        reason: ``"full"``, ``"busy"``, ``"unreachable"``, ``"read-only"`` or ``"damaged"``.
    """

    def __init__(self, reason: str, message: str):
        self.reason = reason
        super().__init__(message)


class Database:
    """A database of one project; :meth:`close` lets go of it."""

    def __init__(self, folder: pathlib.Path, url: str | None = None):
        """Open a database, with tables in it; see :meth:`writing` and :meth:`reading`.

        Args:
            folder: the studio's own. Without a URL, a SQLite database in it, ``labels.sqlite3``;
                the folder is made if it is missing.
            url: SQLAlchemy's, of SQLite or PostgreSQL.

        Raises:
            CannotOpen: when the URL is none, its driver is not installed, another studio has the
                SQLite file open, or it is no database.
            NotSaved: when the database cannot be written to.
        """
        self.url = _url(folder, url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.shown = _shown(self.url)
        self._lock = _locked(pathlib.Path(str(self.url.database))) if self.is_sqlite else None
        try:
            self._engine = self._connected()
            with self._translated("opened"):
                self._create_once()
        except BaseException:
            self.close()
            raise

    def _connected(self) -> sqlalchemy.Engine:
        try:
            if self.is_sqlite:
                engine = sqlalchemy.create_engine(
                    self.url, connect_args={"timeout": WAIT_S}, max_overflow=CONNECTIONS
                )
                event.listen(engine, "connect", _prepare_sqlite)
                event.listen(engine, "begin", _begin_sqlite)
                return engine
            engine = sqlalchemy.create_engine(
                self.url,
                pool_pre_ping=True,
                isolation_level="READ COMMITTED",
                max_overflow=CONNECTIONS,
            )
            event.listen(engine, "connect", _prepare_postgresql)
            return engine
        except ModuleNotFoundError as error:
            raise CannotOpen(
                f"{self.shown} needs the package {error.name}, which is not installed; install the "
                "extra `studio`, in a clone of the book with `pip install '.[studio]'`"
            ) from error

    def _create_once(self) -> None:
        name = schema.Project.__tablename__
        with self._connect(writes=True) as connection, connection.begin():
            if not self.is_sqlite:
                lock = sqlalchemy.func.pg_advisory_xact_lock(_CREATING)
                connection.execute(sqlalchemy.select(lock))
            if not sqlalchemy.inspect(connection).has_table(name):
                schema.create(connection)

    def close(self) -> None:
        """Close all connections, and let another studio open the database."""
        engine = getattr(self, "_engine", None)
        if engine is not None:
            engine.dispose()
        if self._lock is not None:
            self._lock.release()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction of the only writer: committed at the end, or as if it had never been.

        Raises:
            NotSaved: when it could not be committed.
        """
        with (
            self._translated("saved"),
            self._connect(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction that sees one state of the database, whoever writes meanwhile.

        Raises:
            NotSaved: when it could not be read.
        """
        with (
            self._translated("read"),
            self._connect(writes=False) as connection,
            connection.begin(),
        ):
            yield connection

    def _connect(self, *, writes: bool) -> sqlalchemy.Connection:
        connection = self._engine.connect()
        if self.is_sqlite:
            return connection.execution_options(studio_writes=writes)
        if not writes:
            return connection.execution_options(isolation_level="REPEATABLE READ")
        return connection

    @contextlib.contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        """What drivers raise, as one kind of error that says what to do."""
        driver = self._engine.dialect.loaded_dbapi
        mistakes = (driver.IntegrityError, driver.ProgrammingError, driver.DataError)
        try:
            yield
        except (exc.DBAPIError, driver.Error) as error:
            # What happens while a connection is prepared comes as the driver raised it.
            original = error.orig if isinstance(error, exc.DBAPIError) else error
            mistaken = self.is_sqlite and _sqlite_code(original) == sqlite3.SQLITE_ERROR
            forbidden = getattr(original, "sqlstate", None) in _FORBIDDEN
            if (isinstance(original, mistakes) and not forbidden) or mistaken:
                raise
            if self.is_sqlite and _sqlite_code(original) == sqlite3.SQLITE_NOTADB:
                raise CannotOpen(
                    f"{self.url.database} is no SQLite database; expected one that the studio "
                    "wrote, or a name that is free"
                ) from error
            explained = self._explained_sqlite if self.is_sqlite else self._explained_postgresql
            reason, message = explained(original)
            if reason == "unreachable" and done == "saved" and not self.is_sqlite:
                message += ". It may have been saved if the connection broke at the very end"
            raise NotSaved(reason, f"nothing was {done}: {message}") from error

    def _explained_postgresql(self, error: BaseException) -> tuple[str, str]:
        state = getattr(error, "sqlstate", None) or ""
        if state == "53100":
            return "full", f"the disk of {self.shown} is full; free space there, then try again"
        if state in ("55P03", "40P01", "40001"):
            return "busy", f"another program has kept {self.shown} busy; try again"
        if state == "25006":
            return "read-only", f"{self.shown} takes no writes; ask who runs that server"
        if state in _FORBIDDEN:
            return "read-only", (
                f"{self.shown} forbids it ({_line(error)}); ask who runs that server for the right "
                "to make tables and to write"
            )
        if state in ("XX001", "XX002"):
            return "damaged", f"{self.shown} is damaged ({_line(error)}); restore a backup"
        return "unreachable", (
            f"{self.shown} does not answer, or does not let us in ({_line(error)}); see that the "
            "server runs and that the URL is right, then try again"
        )

    def _explained_sqlite(self, error: BaseException) -> tuple[str, str]:
        path, code = self.url.database, _sqlite_code(error)
        if code == sqlite3.SQLITE_FULL:
            return "full", f"the disk that holds {path} is full; free space there, then try again"
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return "busy", f"another program has kept {path} busy for {WAIT_S} s; try again"
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return (
                "read-only",
                f"{path} cannot be written to ({_line(error)}); see who may write there",
            )
        if code == sqlite3.SQLITE_IOERR:
            return "unreachable", (
                f"the disk that holds {path} failed ({_line(error)}); is it full, or gone?"
            )
        return "damaged", f"{path} is damaged ({_line(error)}); restore a backup of it"


def _url(folder: pathlib.Path, url: str | None) -> sqlalchemy.URL:
    """The database's URL; SQLite's file with its whole path."""
    if url is None:
        return sqlalchemy.URL.create("sqlite+pysqlite", database=str((folder / FILE).absolute()))
    try:
        parsed = sqlalchemy.make_url(url)
        backend = parsed.get_backend_name()
    except (exc.ArgumentError, ValueError) as error:
        # The URL may hold a password: it is not shown.
        raise CannotOpen(
            "the database's URL cannot be read; expected such as "
            "postgresql+psycopg://user@host/name or sqlite:////home/ann/labels.sqlite3"
        ) from error
    if backend == "postgres" or parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "postgresql":
        return parsed
    shown = _shown(parsed)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise CannotOpen(
            f"{shown} is no database that the studio knows; expected sqlite or postgresql"
        )
    if not parsed.database or ":memory:" in parsed.database or parsed.query:
        raise CannotOpen(
            f"{shown} names no plain file; expected such as sqlite:////home/ann/labels.sqlite3"
        )
    return parsed.set(database=str(pathlib.Path(parsed.database).absolute()))


def _shown(url: sqlalchemy.URL) -> str:
    """A URL without its passwords: drivers take them behind its question mark, too."""
    hidden = {key: "***" for key in url.query if key.endswith("password")}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _locked(path: pathlib.Path) -> filelock.BaseFileLock:
    """The SQLite file's lock; the system ends that of a killed program."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whichever thread opened it, any may close it.
        lock = filelock.FileLock(f"{path}.lock", timeout=0, thread_local=False)
        lock.acquire()
    except filelock.Timeout as error:
        raise CannotOpen(
            f"{path} is open in another studio; go on in that one's page, or stop it first"
        ) from error
    except OSError as error:
        raise CannotOpen(
            f"{path.parent} cannot be written to ({error.strerror}); the labels need a folder "
            "that can"
        ) from error
    return lock


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says
    for setting in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "fullfsync = ON",  # macOS's only real one; no other system knows it
        "foreign_keys = ON",
        "trusted_schema = OFF",  # a file that somebody sent runs no functions of its own
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: sqlalchemy.Connection) -> None:
    writes = connection.get_execution_options().get("studio_writes")
    # A reader that turned into a writer would fail if another had written since.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: sqlalchemy.PoolProxiedConnection, record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute(f"SET lock_timeout TO '{WAIT_S}s'")
        cursor.execute("SET idle_in_transaction_session_timeout TO '60s'")
    connection.commit()


def _sqlite_code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
