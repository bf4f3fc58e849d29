"""What the studio's labels survive: a kill at any moment, a full disk, a server that falls over."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy
import studio_databases
from fakes import ROOT
from sqlalchemy import event

from seeing.studio import database, opinions, schema, store


def begin(place: studio_databases.Place, photographs: int = 40) -> tuple[int, int]:
    """Begin a project with photographs; returns a labeler and a class."""
    with place.open() as opened:
        labeler = opened.labeler("Ann").id
        made = opened.add_class(labeler, "daisy").id
        opened.register([store.Found(f"{i}.jpg", f"{i:064x}") for i in range(photographs)])
    return labeler, made


def photographs_of(events: list[store.Event]) -> list[int]:
    """What the answers in a log are about, in their order."""
    return [one.said.photograph_id for one in events if one.said is not None]


def require_whole(place: studio_databases.Place) -> None:
    """The log has no gap and no loose end, and SQLite finds nothing wrong with its file."""
    with place.open() as opened:
        log = opened.log(limit=10**6)
        assert [one.number for one in log] == list(range(1, opened.last_event() + 1))
    with place.connect() as connection:
        named = sqlalchemy.select(sqlalchemy.func.count()).select_from(schema.EventClass)
        said = sqlalchemy.select(sqlalchemy.func.count()).where(schema.LabelEvent.kind == "label")
        assert connection.execute(named).scalar() == connection.execute(said).scalar()
        if place.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


# Labels one photograph after the other, and says which only when the store has taken it.
LABEL = """
import itertools, sys
from seeing.studio import opinions, store
folder, url, labeler, class_id = sys.argv[1:]
opened = store.Store(folder, url or None)
ids = [one.id for one in opened.photographs()]
for photograph in itertools.cycle(ids):
    answer = opinions.Answer(photograph, "label", (int(class_id),))
    written = opened.label(int(labeler), [answer])
    print(written.last_event, photograph, flush=True)
"""


def test_labels_survive_kills_of_the_program_all_but_the_one_in_flight(place):
    """A real program is killed while it labels as fast as it can, three times."""
    labeler, class_id = begin(place)
    command = [sys.executable, "-c", LABEL, place.folder, place.url or "", labeler, class_id]
    known = 1  # the class is the first event
    for confirmed in (1, 7, 40):
        with subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        ) as program:
            lines = [program.stdout.readline() for _ in range(confirmed)]
            program.send_signal(signal.SIGKILL)
            lines += program.stdout.readlines()  # what it had said by then
        assert program.returncode == -signal.SIGKILL
        said = [tuple(map(int, line.split())) for line in lines if line.endswith("\n")]
        assert [number for number, _ in said] == list(range(known + 1, known + 1 + len(said)))
        require_whole(place)
        with place.open() as opened:
            log = opened.log(after=known, limit=10**6)
        # All that it had confirmed, and at most one more, which was in flight.
        assert photographs_of(log)[: len(said)] == [photograph for _, photograph in said]
        assert len(said) <= len(log) <= len(said) + 1
        known += len(log)


# Labels all photographs in one action, and is killed before its n-th statement, for every n; the
# commit counts as the last. Each time, a child does it: only one that is alone can be killed so.
STEPS = """
import os, signal, sys
from sqlalchemy import event
from seeing.studio import opinions, store
folder, url, labeler, class_id, photographs = sys.argv[1:]

def attempt(fatal):
    opened = store.Store(folder, url or None)
    engine, left = opened._database._engine, [fatal]
    def step(*_):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    answers = [
        opinions.Answer(i, "label", (int(class_id),)) for i in range(1, int(photographs) + 1)
    ]
    opened.label(int(labeler), answers, how="bulk")
    os._exit(0)

for fatal in range(100):
    child = os.fork()
    if child == 0:
        attempt(fatal)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_bulk_is_there_whole_or_not_at_all_wherever_it_is_killed(place):
    labeler, class_id = begin(place)
    command = [sys.executable, "-c", STEPS, place.folder, place.url or "", labeler, class_id, 40]
    ends = []
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    ) as program:
        while 0 not in ends:
            ends.append(int(program.stdout.readline()))
            with place.open() as opened:
                events = opened.last_event()
            assert events == (41 if ends[-1] == 0 else 1)
            if ends[-1] != 0:
                program.stdin.write("\n")
                program.stdin.flush()
        program.kill()
    # The lock, who labels, the classes, tokens and parts, what others said, then the writing.
    assert len(ends) > 8
    assert set(ends[:-1]) == {-signal.SIGKILL}
    require_whole(place)


def test_what_was_confirmed_survives_a_fall_of_the_server(postgresql_server, tmp_path):
    place = studio_databases.Place(tmp_path, postgresql_server.new())
    labeler, class_id = begin(place)
    opened = place.open()
    try:
        for photograph in range(1, 20):
            opened.label(labeler, [opinions.Answer(photograph, "label", (class_id,))])
        postgresql_server.crash()
        with pytest.raises(database.NotSaved, match="does not answer") as raised:
            opened.label(labeler, [opinions.Answer(20, "label", (class_id,))])
        assert raised.value.reason == "unreachable"
    finally:
        postgresql_server.start()
    # The same store goes on as soon as the server is back.
    assert photographs_of(opened.log()) == list(range(1, 20))
    opened.label(labeler, [opinions.Answer(20, "label", (class_id,))])
    place.close()
    require_whole(place)


def test_a_connection_that_breaks_in_a_commit_may_have_saved(postgresql_server, tmp_path):
    place = studio_databases.Place(tmp_path, postgresql_server.new())
    labeler, class_id = begin(place)
    opened = place.open()

    def cut(connection: sqlalchemy.Connection) -> None:
        pid = connection.connection.dbapi_connection.info.backend_pid
        postgresql_server.execute(f"SELECT pg_terminate_backend({pid}, 10000)")

    event.listen(opened._database._engine, "commit", cut)
    with pytest.raises(database.NotSaved, match="may have been saved if"):
        opened.label(labeler, [opinions.Answer(1, "label", (class_id,))], token="a")
    event.remove(opened._database._engine, "commit", cut)
    # Whoever does not know sends it again, under the same token.
    opened.label(labeler, [opinions.Answer(1, "label", (class_id,))], token="a")
    assert photographs_of(opened.log()) == [1]
    place.close()
    require_whole(place)


# A full disk.


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, size: str) -> Iterator[pathlib.Path]:
    """A disk that is soon full; the test is skipped where none can be mounted."""
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(studio_databases.small_disk(folder, size))
        except studio_databases.Missing as missing:
            pytest.skip(str(missing))
        yield disk


def nearly_fill(disk: pathlib.Path, left: int = 150_000) -> pathlib.Path:
    """Write a file that leaves so many bytes of a disk."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - left))
    return ballast


def fill(opened: store.Store, labeler: int, class_id: int) -> tuple[int, database.NotSaved]:
    """Label until nothing more is taken; how many events were, and what was said then."""
    taken = opened.last_event()
    for _ in range(10_000):
        answers = [opinions.Answer(i, "label", (class_id,)) for i in range(1, 41)]
        try:
            taken = opened.label(labeler, answers, how="bulk").last_event
        except database.NotSaved as error:
            return taken, error
    raise AssertionError("the disk was never full")


def test_a_file_that_may_not_grow_is_a_full_disk_to_sqlite(tmp_path):
    place = studio_databases.Place(tmp_path, None)
    labeler, class_id = begin(place)
    opened = place.open()

    def limit(pages: int) -> None:
        with opened._database.writing() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    limit(1)  # which means: as many as there are
    taken, error = fill(opened, labeler, class_id)
    assert error.reason == "full"
    assert str(error) == (
        f"nothing was saved: the disk that holds {tmp_path / database.FILE} is full; free space "
        "there, then try again"
    )
    assert opened.last_event() == taken
    limit(100_000)
    answer = opinions.Answer(1, "label", (class_id,))
    assert opened.label(labeler, [answer]).last_event == taken + 1
    place.close()
    require_whole(place)


def test_a_real_full_disk_loses_nothing_that_was_confirmed_on_sqlite(tmp_path):
    with small_disk(tmp_path, "4m") as disk:
        place = studio_databases.Place(disk / "studio", None)
        labeler, class_id = begin(place)
        opened = place.open()
        ballast = nearly_fill(disk)
        taken, error = fill(opened, labeler, class_id)
        assert error.reason == "full"
        assert "is full; free space there" in str(error)
        assert opened.last_event() == taken
        ballast.unlink()
        answer = opinions.Answer(1, "label", (class_id,))
        assert opened.label(labeler, [answer]).last_event > taken
        place.close()
        require_whole(place)


def test_a_real_full_disk_loses_nothing_that_was_confirmed_on_postgresql(
    postgresql_server, tmp_path
):
    mounted = postgresql_server.folder / "small"
    mounted.mkdir()
    with small_disk(mounted, "24m") as disk:
        space = disk / "space"
        space.mkdir(mode=0o700)
        postgresql_server.give(space)
        postgresql_server.execute(
            f"CREATE TABLESPACE small LOCATION '{space}'", "CREATE DATABASE small TABLESPACE small"
        )
        place = studio_databases.Place(tmp_path, postgresql_server.url("small"))
        try:
            labeler, class_id = begin(place)
            opened = place.open()
            ballast = nearly_fill(disk)
            taken, error = fill(opened, labeler, class_id)
            assert error.reason == "full"
            assert "is full; free space there" in str(error)
            assert opened.last_event() == taken
            ballast.unlink()
            answer = opinions.Answer(1, "label", (class_id,))
            assert opened.label(labeler, [answer]).last_event > taken
            place.close()
            require_whole(place)
        finally:
            place.close()
            postgresql_server.execute("DROP DATABASE small", "DROP TABLESPACE small")


# Others who keep the database busy.


def test_another_writer_who_does_not_end_is_named_as_the_cause(place, monkeypatch):
    monkeypatch.setattr(database, "WAIT_S", 0.05)
    labeler, class_id = begin(place)
    opened = place.open()
    with place.connect() as other:
        if place.is_sqlite:
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.execute(sqlalchemy.select(schema.Project.last_event).with_for_update())
        with pytest.raises(database.NotSaved, match="busy") as raised:
            opened.label(labeler, [opinions.Answer(1, "label", (class_id,))])
        assert raised.value.reason == "busy"
        assert opened.last_event() == 1  # who only reads does not wait
        other.rollback()
    opened.label(labeler, [opinions.Answer(1, "label", (class_id,))])


def test_a_damaged_file_is_said_to_be_damaged(tmp_path):
    place = studio_databases.Place(tmp_path, None)
    begin(place, photographs=2000)
    path = tmp_path / database.FILE
    content = bytearray(path.read_bytes())
    content[20_000:-4096] = b"\xff" * len(content[20_000:-4096])
    path.write_bytes(content)
    with pytest.raises(database.NotSaved, match=r"is damaged.*restore a backup") as raised:
        place.open().photographs()
    assert raised.value.reason == "damaged"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_is_named(tmp_path):
    place = studio_databases.Place(tmp_path, None)
    begin(place)
    (tmp_path / database.FILE).chmod(0o400)
    with pytest.raises(database.NotSaved, match="cannot be written to"):
        place.open()


def test_a_server_that_forbids_to_make_tables_is_named(postgresql_server, tmp_path):
    postgresql_server.execute("CREATE ROLE guest LOGIN", "CREATE SCHEMA private")
    url = postgresql_server.url(options="-csearch_path=private").replace("studio@", "guest@")
    with pytest.raises(database.NotSaved, match="forbids it") as raised:
        store.Store(tmp_path, url)
    assert raised.value.reason == "read-only"


def test_a_mistake_in_a_statement_is_no_trouble_with_the_disk(place):
    opened = place.open()
    with (
        pytest.raises(sqlalchemy.exc.DBAPIError, match="no_such_table"),
        opened._database.reading() as connection,
    ):
        connection.exec_driver_sql("SELECT 1 FROM no_such_table")
