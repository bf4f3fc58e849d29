"""The studio's store: nothing that was said is lost, changed or overwritten unseen.

Every test of a project runs on SQLite and on a real PostgreSQL server.
"""

import datetime
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import sqlalchemy
import studio_databases
from fakes import ROOT
from sqlalchemy import exc

from seeing.studio import database, names, opinions, schema, store

SEED = 4  # with it, three of the twelve photographs below are in the test set


def answer(photograph_id: int, *class_ids: int, **more) -> opinions.Answer:
    """A label; without classes, whatever ``kind`` says."""
    kind = more.pop("kind", "label")
    return opinions.Answer(photograph_id, kind, class_ids, **more)


def files(*numbers: int) -> list[store.Found]:
    """Files of different content."""
    return [store.Found(f"a/{number}.jpg", f"{number:064x}") for number in numbers]


class Project:
    """A project with two labelers, two classes and twelve photographs."""

    def __init__(self, place: studio_databases.Place, **options):
        self.place = place
        self.store = place.open(seed=SEED, **options)
        self.ann = self.store.labeler("Ann").id
        self.bob = self.store.labeler("Bob").id
        self.daisy = self.store.add_class(self.ann, "daisy").id
        self.rose = self.store.add_class(self.ann, "rose").id
        self.store.register(files(*range(12)))
        photographs = self.store.photographs()
        self.test = [one.id for one in photographs if one.place.part == "test"]
        self.training = [one.id for one in photographs if one.place.part == "training"]

    def said(self, as_of: int | None = None) -> dict[tuple[int, int], tuple]:
        """What is said, by labeler and photograph."""
        return {
            (one.labeler_id, one.photograph_id): (one.kind, one.class_ids)
            for one in self.store.current(as_of)
        }

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.place.connect() as connection:
            return {
                name: connection.execute(
                    sqlalchemy.select(sqlalchemy.func.count()).select_from(table)
                ).scalar_one()
                for name, table in schema.Base.metadata.tables.items()
            }


@pytest.fixture
def project(place):
    return Project(place)


# Opening.


def test_a_project_is_what_it_was_begun_as(place):
    begun = place.open(multi_label=True, test_share=0.3, seed=5)
    assert (begun.project.multi_label, begun.project.test_share) == (True, 0.3)
    begun.close()
    again = place.open()
    assert again.project == begun.project
    assert again.project.created.utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize("other", [{"multi_label": True}, {"test_share": 0.5}, {"seed": 8}])
def test_a_project_cannot_become_another_kind(project, other):
    project.place.close()
    [name] = other
    with pytest.raises(database.CannotOpen, match=f"{name}.*for good"):
        project.place.open(**other)
    project.place.open()  # and the refusal let go of the file


def test_projects_without_a_seed_draw_different_test_sets(new_place):
    assert new_place().open().project.seed != new_place().open().project.seed


@pytest.mark.parametrize("options", [{"test_share": 0.0}, {"test_share": 1.0}, {"seed": -1}])
def test_what_cannot_be_drawn_with_is_refused(place, options):
    with pytest.raises(ValueError, match="expected"):
        place.open(**options)
    place.open()


def test_tables_of_another_version_are_left_alone(project):
    project.place.close()
    with project.place.connect() as connection, connection.begin():
        connection.execute(sqlalchemy.update(schema.Project).values(version=schema.VERSION + 1))
    with pytest.raises(database.CannotOpen, match="another version"):
        project.place.open()


def test_a_second_start_is_for_sqlite_refused_and_for_postgresql_one_more_labelers(project):
    if not project.place.is_sqlite:
        assert project.place.open().last_event() == project.store.last_event()
        return
    with pytest.raises(database.CannotOpen, match="open in another studio"):
        project.place.open()
    project.store.close()
    project.place.open()


HOLD = """
import sys
from seeing.studio import store
opened = store.Store(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_start_is_refused_while_another_program_runs_and_not_once_it_is_killed(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    with holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(database.CannotOpen, match="open in another studio"):
            store.Store(tmp_path)
        holder.kill()
        holder.wait()
        store.Store(tmp_path).close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense:secret", "cannot be read"),
        ("mysql://ann:secret@host/name", "expected sqlite or postgresql"),
        ("mysql://host/name?password=secret", "expected sqlite or postgresql"),
        ("sqlite://", "no plain file"),
        ("sqlite:///:memory:", "no plain file"),
        ("sqlite:///file:a.db?uri=true", "no plain file"),
        ("postgresql+asyncpg://ann:secret@host/name", "needs the package asyncpg"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_no_password_shown(tmp_path, url, said):
    with pytest.raises(database.CannotOpen, match=said) as raised:
        store.Store(tmp_path, url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("given", ["ann:secret@/name?", "ann@/name?password=secret&"])
def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path, given):
    url = f"postgresql://{given}host={tmp_path}"
    with pytest.raises(database.NotSaved, match="does not answer") as raised:
        store.Store(tmp_path, url)
    assert raised.value.reason == "unreachable"
    assert "secret" not in str(raised.value)


def test_a_database_that_is_not_there_is_named(tmp_path, postgresql_server):
    with pytest.raises(database.NotSaved, match=r'does not let us in.*"nowhere" does not'):
        store.Store(tmp_path, postgresql_server.url("nowhere"))


def test_another_file_is_not_taken_for_a_database(tmp_path):
    (tmp_path / database.FILE).write_bytes(b"a photograph, perhaps" * 100)
    with pytest.raises(database.CannotOpen, match="is no SQLite database"):
        store.Store(tmp_path)
    assert (tmp_path / database.FILE).read_bytes() == b"a photograph, perhaps" * 100


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(database.CannotOpen, match=r"file.*cannot be written to"):
        store.Store(tmp_path / "file" / "studio")


def test_a_database_may_lie_elsewhere(tmp_path):
    with store.Store(tmp_path / "studio", f"sqlite:///{tmp_path / 'elsewhere.db'}") as opened:
        opened.labeler("Ann")
    assert (tmp_path / "elsewhere.db").is_file()
    assert not (tmp_path / "studio").exists()


def test_every_connection_waits_for_the_disk(place):
    """The settings that make a commit last; the kills below cannot show what a power cut does."""
    if place.is_sqlite:
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        asked = "PRAGMA {}"
    else:
        wanted, asked = {"synchronous_commit": "on"}, "SHOW {}"
        place.url += "%20-csynchronous_commit%3Doff"  # as a server may have it
    opened = place.open()
    for _ in range(2):
        with opened._database.writing() as connection:
            found = {
                name: connection.exec_driver_sql(asked.format(name)).scalar() for name in wanted
            }
        assert found == wanted


# The log only grows.


@pytest.mark.parametrize("table", schema.LOG, ids=lambda table: table.__tablename__)
def test_the_database_itself_refuses_to_change_or_delete_what_was_said(project, table):
    shown = opinions.PreLabel(1, (project.rose,))
    project.store.label(project.ann, [answer(project.training[0], project.daisy, prelabel=shown)])
    before = project.counts()
    column = next(iter(table.__table__.columns)).name
    statements = [
        f"UPDATE {table.__tablename__} SET {column} = {column}",
        f"DELETE FROM {table.__tablename__}",
    ]
    if not project.place.is_sqlite:
        statements.append(f"TRUNCATE {table.__tablename__} CASCADE")
    assert before[table.__tablename__] > 0
    for statement in statements:
        with project.place.connect() as connection:
            with pytest.raises(exc.DBAPIError, match=schema.REFUSED):
                connection.exec_driver_sql(statement)
            connection.rollback()
    assert project.counts() == before


def test_the_database_itself_keeps_the_test_set_as_it_was_drawn(project):
    table = schema.Photograph.__tablename__
    for statement in (
        f"UPDATE {table} SET part = 'training'",
        f"UPDATE {table} SET group_number = 1",
        f"DELETE FROM {table}",
    ):
        with project.place.connect() as connection:
            with pytest.raises(exc.DBAPIError, match=schema.REFUSED):
                connection.exec_driver_sql(statement)
            connection.rollback()


def test_every_write_adds_to_the_log_and_takes_nothing_from_it(project):
    first, second, *_ = project.training
    seen = [project.store.log()]
    for write in (
        lambda: project.store.label(project.ann, [answer(first, project.daisy)]),
        lambda: project.store.label(project.ann, [answer(first, kind="unsure")]),
        lambda: project.store.label(
            project.ann, [answer(first, project.rose), answer(second, project.rose)], how="bulk"
        ),
        lambda: project.store.undo(project.ann),
        lambda: project.store.roll_back(project.ann, to=5),
        lambda: project.store.rename_class(project.bob, project.rose, "roses"),
        lambda: project.store.merge_class(project.bob, project.rose, project.daisy),
    ):
        write()
        seen.append(project.store.log())
        assert seen[-1][: len(seen[-2])] == seen[-2]
        assert len(seen[-1]) > len(seen[-2])
    log = seen[-1]
    assert [event.number for event in log] == list(range(1, project.store.last_event() + 1))
    expected = ["class"] * 2 + ["key"] * 2 + ["bulk"] * 2 + ["undo"] * 2 + ["rollback"]
    assert [event.how for event in log] == [*expected, "class", "class"]
    assert {event.undoes for event in log if event.how == "undo"} == {5}
    assert project.store.log(after=4, limit=3) == log[4:7]
    assert project.store.log(photograph_id=second) == [
        event for event in log if event.said and event.said.photograph_id == second
    ]


def test_the_order_is_that_of_the_numbers_even_if_a_clock_jumps_back(place):
    times = iter(datetime.datetime(2026, 1, 30 - day, tzinfo=datetime.UTC) for day in range(29))
    project = Project(place, clock=lambda: next(times))
    [number, *_] = project.training
    for class_id in (project.daisy, project.rose, project.daisy, project.rose):
        project.store.label(project.ann, [answer(number, class_id)])
    assert project.said() == {(project.ann, number): ("label", (project.rose,))}
    log = project.store.log(photograph_id=number)
    assert [event.time for event in log] == sorted((e.time for e in log), reverse=True)
    assert [event.said.class_ids for event in log[-2:]] == [(project.daisy,), (project.rose,)]
    project.store.undo(project.ann)
    assert project.said() == {(project.ann, number): ("label", (project.daisy,))}


def test_a_local_time_is_kept_as_the_same_moment_in_utc(place):
    east = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    moment = datetime.datetime(2026, 3, 1, 2, 0, tzinfo=east)
    project = Project(place, clock=lambda: moment)
    [event, *_] = project.store.log()
    assert event.time == moment
    assert event.time.isoformat() == "2026-02-28T20:30:00+00:00"


# Labels.


def test_the_last_word_of_each_labeler_counts_and_both_are_kept(project):
    number = project.training[0]
    mine = project.store.label(project.ann, [answer(number, project.daisy)])
    project.store.label(project.ann, [answer(number, project.rose)])
    project.store.label(project.bob, [answer(number, project.daisy, seen=mine.last_event + 1)])
    assert project.said() == {
        (project.ann, number): ("label", (project.rose,)),
        (project.bob, number): ("label", (project.daisy,)),
    }
    assert project.store.current_of([number]) == project.store.current()
    assert project.store.current_of(project.training[1:]) == []


def test_what_is_cleared_is_said_no_more_but_stays_in_the_log(project):
    number = project.training[0]
    project.store.label(project.ann, [answer(number, project.daisy)])
    written = project.store.label(project.ann, [answer(number, kind="clear")])
    assert [one.kind for one in written.now] == ["clear"]
    assert project.said() == {}
    assert len(project.store.log(photograph_id=number)) == 2


def test_numbers_may_be_numpys(project):
    number, class_id = np.int64(project.training[0]), np.int64(project.rose)
    shown = opinions.PreLabel(np.int64(3), (class_id,))
    project.store.label(project.ann, [answer(number, class_id, seen=np.int64(1), prelabel=shown)])
    [said] = project.store.current()
    assert said.class_ids == (project.rose,)
    assert said.prelabel == opinions.PreLabel(3, (project.rose,))


def test_the_suggestion_that_was_shown_is_kept_as_it_was(project):
    shown = opinions.PreLabel(4, (project.rose,))
    project.store.label(project.ann, [answer(project.training[0], project.daisy, prelabel=shown)])
    project.store.label(project.ann, [answer(project.training[0], project.rose)])
    project.store.undo(project.ann)
    project.store.merge_class(project.ann, project.rose, project.daisy)
    [said] = project.store.current()
    assert (said.class_ids, said.prelabel) == ((project.daisy,), shown)


def test_a_multi_label_project_takes_any_number_of_classes(place):
    project = Project(place, multi_label=True)
    first, second, *_ = project.training
    both = (project.rose, project.daisy)
    project.store.label(project.ann, [answer(first, *both), answer(second)])
    assert project.said() == {
        (project.ann, first): ("label", tuple(sorted(both))),
        (project.ann, second): ("label", ()),
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda p: [], "no answer"),
        (lambda p: [answer(1, p.daisy), answer(1, p.rose)], "answered twice"),
        (lambda p: [answer(1, p.daisy, p.rose)], "expected exactly one"),
        (lambda p: [answer(1)], "expected exactly one"),
        (lambda p: [answer(1, p.daisy, kind="skip")], "names classes"),
        (lambda p: [answer(1, kind="maybe")], "'maybe'; expected one of label"),
        (lambda p: [answer(1, kind="skip", decides=True)], "says nothing"),
        (lambda p: [answer(1, p.daisy, seen=99)], "the last one is 2"),
        (lambda p: [answer(1, p.daisy, seen=-1)], "the last one is 2"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_whole(project, wrong, said):
    before = project.counts()
    with pytest.raises(store.BadAnswer, match=said):
        project.store.label(project.ann, wrong(project))
    assert project.counts() == before


@pytest.mark.parametrize(
    ("answers", "who", "said"),
    [
        ([answer(1, 1), answer(99, 1)], 1, "no photograph 99"),
        ([answer(1, 1), answer(2, 99)], 1, "no class 99"),
        ([answer(1, 1)], 99, "no labeler 99"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_written(project, answers, who, said):
    before = project.counts()
    with pytest.raises(store.Unknown, match=said):
        project.store.label(who, answers, how="bulk")
    assert project.counts() == before


def test_an_unknown_way_or_an_endless_token_is_refused(project):
    with pytest.raises(store.BadAnswer, match="how is 'undo'"):
        project.store.label(project.ann, [answer(1, project.daisy)], how="undo")
    with pytest.raises(store.BadAnswer, match="token has 201"):
        project.store.label(project.ann, [answer(1, project.daisy)], token="x" * 201)


def test_what_is_sent_twice_counts_once(project):
    number = project.training[0]
    first = project.store.label(project.ann, [answer(number, project.daisy)], token="a")
    again = project.store.label(project.ann, [answer(number, project.daisy)], token="a")
    assert again == first
    # The token is each labeler's own.
    seen = first.last_event
    project.store.label(project.bob, [answer(number, project.rose, seen=seen)], token="a")
    undone = project.store.undo(project.ann, token="b")
    assert project.store.undo(project.ann, token="b").action == undone.action
    assert project.said() == {(project.bob, number): ("label", (project.rose,))}


# Nobody is overwritten unseen.


def test_a_label_over_somebody_elses_unseen_one_is_a_conflict_that_says_whose_and_what(project):
    first, second, third, *_ = project.training
    project.store.label(project.ann, [answer(first, project.daisy), answer(second, project.rose)])
    before = project.counts()
    with pytest.raises(store.Conflict, match="Ann labeled it 'daisy'") as raised:
        project.store.label(
            project.bob, [answer(n, project.rose) for n in (third, second, first)], how="bulk"
        )
    assert project.counts() == before
    others = {one.photograph_id: one.class_ids for one in raised.value.others}
    assert others == {first: (project.daisy,), second: (project.rose,)}
    seen = raised.value.last_event
    project.store.label(
        project.bob, [answer(n, project.rose, seen=seen) for n in (first, second, third)]
    )
    assert len(project.said()) == 5


def test_what_somebody_else_took_back_is_news_too(project):
    number = project.training[0]
    written = project.store.label(project.ann, [answer(number, project.daisy)])
    project.store.undo(project.ann)
    with pytest.raises(store.Conflict, match="Ann wrote 'clear'") as raised:
        project.store.label(project.bob, [answer(number, project.rose, seen=written.last_event)])
    assert [one.kind for one in raised.value.others] == ["clear"]


def test_ones_own_newer_label_and_what_was_seen_are_no_conflict(project):
    number = project.training[0]
    mine = project.store.label(project.ann, [answer(number, project.daisy)])
    project.store.label(project.ann, [answer(number, project.rose)])
    with pytest.raises(store.Conflict):
        project.store.label(project.bob, [answer(number, project.rose, seen=mine.last_event)])
    project.store.label(project.bob, [answer(number, project.rose, seen=mine.last_event + 1)])


def opened_by(place: studio_databases.Place, count: int) -> list[store.Store]:
    """As many stores as there are programs: one for SQLite, each its own for PostgreSQL."""
    if place.is_sqlite:
        return [place._open[0]] * count
    return [place.open() for _ in range(count)]


def at_once(*functions) -> list:
    """What functions return or raise that are started at the same time."""
    together = threading.Barrier(len(functions))
    results: list = [None] * len(functions)

    def run(i: int) -> None:
        together.wait()
        try:
            results[i] = functions[i]()
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_two_who_label_the_same_photograph_at_once_one_is_told(project):
    ours, theirs = opened_by(project.place, 2)
    for number in project.training:
        results = at_once(
            lambda n=number: ours.label(project.ann, [answer(n, project.daisy)]),
            lambda n=number: theirs.label(project.bob, [answer(n, project.rose)]),
        )
        assert sorted(type(one).__name__ for one in results) == ["Conflict", "Written"]
        written, *_ = (one for one in results if isinstance(one, store.Written))
        [refused] = [one for one in results if isinstance(one, store.Conflict)]
        assert refused.others == written.now
    assert len(project.said()) == len(project.training)


def test_many_who_write_at_once_lose_nothing_and_leave_no_gap(project):
    """Meanwhile a reader finds at every moment all events up to the last one."""
    stores = opened_by(project.place, 4)
    who = [project.store.labeler(f"labeler {i}").id for i in range(4)]
    reader, done, seen = stores[0], threading.Event(), []

    def write(i: int) -> None:
        for number in project.training * 4:
            seen_event = 0
            while True:
                try:
                    stores[i].label(who[i], [answer(number, project.daisy, seen=seen_event)])
                    break
                except store.Conflict as conflict:
                    seen_event = conflict.last_event

    def read() -> None:
        while not done.is_set():
            with reader._database.reading() as connection:
                last = connection.execute(sqlalchemy.select(schema.Project.last_event)).scalar_one()
                number = schema.LabelEvent.number
                count = connection.execute(
                    sqlalchemy.select(sqlalchemy.func.count(number))
                ).scalar_one()
            seen.append((last, count))

    watching = threading.Thread(target=read)
    watching.start()
    results = at_once(*(lambda i=i: write(i) for i in range(4)))
    done.set()
    watching.join()
    assert results == [None] * 4
    expected = 2 + 4 * 4 * len(project.training)  # the two classes are events, too
    assert [event.number for event in project.store.log()] == list(range(1, expected + 1))
    assert seen
    assert all(last == count + 2 for last, count in seen)
    assert len(project.said()) == 4 * len(project.training)


def test_two_who_make_the_same_class_at_once_make_one(project):
    ours, theirs = opened_by(project.place, 2)
    for name in ("tulip", "aster"):
        results = at_once(
            lambda n=name: ours.add_class(project.ann, n),
            lambda n=name: theirs.add_class(project.bob, n.upper()),
        )
        [made] = [one for one in results if isinstance(one, store.Class)]
        [refused] = [one for one in results if isinstance(one, store.NameTaken)]
        assert refused.class_id == made.id
    assert len(project.store.classes()) == 4


def test_two_who_begin_the_same_project_at_once_begin_one(new_place):
    place = new_place()
    if place.is_sqlite:
        results = at_once(place.open, place.open)
        kinds = sorted(type(one).__name__ for one in results)
        assert kinds == ["CannotOpen", "Store"]
    else:
        first, second = at_once(place.open, place.open)
        assert first.project == second.project


# Undo.


def test_undo_takes_back_a_bulk_as_one_and_goes_on_backwards(project):
    first, second, third, *_ = project.training
    label = project.store.label
    label(project.ann, [answer(first, project.daisy)])
    label(project.bob, [answer(third, project.daisy)])
    label(project.ann, [answer(n, project.rose) for n in (first, second)], how="bulk")
    undone = project.store.undo(project.ann)
    assert {one.photograph_id: one.kind for one in undone.now} == {first: "label", second: "clear"}
    bobs = {(project.bob, third): ("label", (project.daisy,))}
    assert project.said() == {(project.ann, first): ("label", (project.daisy,)), **bobs}
    label(project.ann, [answer(second, kind="skip")])
    project.store.undo(project.ann)
    project.store.undo(project.ann)
    assert project.said() == bobs
    with pytest.raises(store.Unknown, match="nothing to take back"):
        project.store.undo(project.ann)
    assert project.said() == bobs


def test_undo_goes_on_after_a_new_start(project):
    number = project.training[0]
    project.store.label(project.ann, [answer(number, project.daisy)])
    project.store.label(project.ann, [answer(number, project.rose)])
    project.place.close()
    again = project.place.open()
    assert again.undo(project.ann).now[0].class_ids == (project.daisy,)


def test_two_undos_at_once_take_back_two_actions(project):
    ours, theirs = opened_by(project.place, 2)
    for class_id in (project.daisy, project.rose, project.daisy):
        project.store.label(project.ann, [answer(project.training[0], class_id)])
    results = at_once(lambda: ours.undo(project.ann), lambda: theirs.undo(project.ann))
    assert all(isinstance(one, store.Written) for one in results)
    assert [event.undoes for event in project.store.log() if event.undoes] == [5, 4]
    assert project.said() == {(project.ann, project.training[0]): ("label", (project.daisy,))}


# The test set.


def test_a_suggestion_for_the_test_set_is_refused_with_all_that_came_with_it(project):
    before = project.counts()
    shown = opinions.PreLabel(1, (project.daisy,))
    answers = [
        answer(n, project.daisy, prelabel=shown) for n in (project.training[0], project.test[0])
    ]
    with pytest.raises(store.BlindTestSet, match=f"photograph {project.test[0]} of the test set"):
        project.store.label(project.ann, answers, how="bulk")
    assert project.counts() == before
    project.store.label(project.ann, answers[:1])
    project.store.label(project.ann, [answer(project.test[0], project.daisy)])


def test_the_database_itself_keeps_the_test_set_blind(project):
    project.store.label(project.ann, [answer(project.training[0], project.daisy)])
    event = {"number": 99, "action": 3, "labeler_id": project.ann, "kind": "label"}
    event |= {"decides": False, "restates": None, "model_version": 1}
    insert = sqlalchemy.insert(schema.LabelEvent)
    with project.place.connect() as connection:
        with pytest.raises(exc.DBAPIError, match=schema.REFUSED_BLIND):
            connection.execute(insert, event | {"photograph_id": project.test[0]})
        connection.rollback()
        connection.execute(insert, event | {"photograph_id": project.training[0]})
        connection.rollback()


def test_the_test_set_says_how_many_of_each_class_it_holds_so_far(project):
    first, second, *_ = project.test
    empty = store.TestSet(len(project.test), 0, 0, {project.daisy: 0, project.rose: 0})
    assert project.store.test_set() == empty
    project.store.label(project.ann, [answer(n, project.daisy) for n in (first, second)])
    project.store.label(project.ann, [answer(project.training[0], project.rose)])
    assert project.store.test_set().counts == {project.daisy: 2, project.rose: 0}
    seen = project.store.last_event()
    project.store.label(project.bob, [answer(first, project.rose, seen=seen)])
    now = project.store.test_set()
    assert (now.labeled, now.disputed, now.counts[project.daisy]) == (1, 1, 1)
    assert project.store.test_set(as_of=seen).labeled == 2
    project.store.merge_class(project.bob, project.rose, project.daisy)
    assert project.store.test_set().counts == {project.daisy: 2}


# Photographs.


def test_a_second_scan_changes_nothing(project):
    before = project.store.photographs()
    found = project.store.register(files(*range(12)))
    assert (found.new, found.moved, found.gone, found.back) == ((), (), (), ())
    assert found.across == ()
    assert found.ids == tuple(one.id for one in before)
    assert project.store.photographs() == before


def test_a_photograph_that_was_moved_keeps_its_labels_and_its_part(project):
    [number, *_] = project.training
    project.store.label(project.ann, [answer(number, project.daisy)])
    before = {one.id: one for one in project.store.photographs()}
    moved = [store.Found(f"b/{one.path}", one.sha256) for one in before.values()]
    found = project.store.register(moved)
    assert found.new == ()
    assert sorted(found.moved) == sorted(before)
    after = {one.id: one for one in project.store.photographs()}
    assert {one.path for one in after.values()} == {one.path for one in moved}
    assert {i: one.place for i, one in after.items()} == {i: one.place for i, one in before.items()}
    assert project.said() == {(project.ann, number): ("label", (project.daisy,))}


def test_what_is_gone_keeps_its_labels_and_comes_back_with_them(project):
    [number, *_] = project.training
    project.store.label(project.ann, [answer(number, project.daisy)])
    rest = [one for i, one in enumerate(files(*range(12)), start=1) if i != number]
    assert project.store.register(rest).gone == (number,)
    assert [one.id for one in project.store.photographs() if not one.present] == [number]
    assert project.store.register(rest).gone == ()
    assert project.store.register(files(*range(12))).back == (number,)
    assert project.said() == {(project.ann, number): ("label", (project.daisy,))}


def test_a_copy_is_a_photograph_of_its_own_beside_the_first(project):
    copy = store.Found("copy.jpg", files(0)[0].sha256)
    found = project.store.register([*files(*range(12)), copy])
    first, last = project.store.photographs()[0], project.store.photographs()[-1]
    assert found.new == (last.id,)
    assert (last.path, last.place) == ("copy.jpg", first.place)


def test_a_file_with_new_content_is_a_new_photograph_where_the_old_one_was_drawn(project):
    """Saved again, it would else be a near-duplicate of itself across the parts."""
    before = project.store.photographs()
    changed = [store.Found(one.path, f"{99 + one.id:064x}") for one in before]
    found = project.store.register(changed, other_folder=True)
    assert len(found.new) == len(found.gone) == 12
    after = {one.id: one for one in project.store.photographs()}
    places = [after[number].place for number in found.ids]
    assert places == [one.place for one in before]


def test_of_two_files_that_swapped_places_each_keeps_its_own(project):
    swapped = files(*range(12))
    swapped[0], swapped[1] = (
        store.Found(swapped[0].path, swapped[1].sha256),
        store.Found(swapped[1].path, swapped[0].sha256),
    )
    found = project.store.register(swapped)
    assert found.new == ()
    assert found.ids[:2] == (2, 1)


def test_another_folder_is_taken_for_another_project(project):
    before = project.store.photographs()
    with pytest.raises(store.OtherPhotographs, match="none of the 12 photographs"):
        project.store.register(files(100, 101))
    assert project.store.photographs() == before
    project.store.register(files(100, 101), other_folder=True)
    assert sum(one.present for one in project.store.photographs()) == 2


def test_a_path_that_occurs_twice_is_refused(project):
    with pytest.raises(ValueError, match="occurs twice"):
        project.store.register([*files(1), *files(1)])


def test_near_duplicates_are_drawn_together_and_later_ones_follow(project):
    later = files(*range(20, 80))
    groups = [[i, 12 + i, 24 + i] for i in range(12)]  # each with one that is known
    project.store.register([*files(*range(12)), *later], groups)
    photographs = project.store.photographs()
    for group in groups:
        assert len({photographs[i].place for i in group}) == 1


def test_near_duplicates_that_were_drawn_apart_stay_and_are_named(project):
    before = project.store.photographs()
    first, second, third = project.training[0], project.test[0], project.test[1]
    pairs = [[first - 1, second - 1], [second - 1, third - 1]]
    found = project.store.register(files(*range(12)), pairs)
    assert found.across == (tuple(sorted([first, second, third])),)
    assert project.store.photographs() == before


def test_two_who_scan_at_once_register_every_photograph_once(project):
    ours, theirs = opened_by(project.place, 2)
    results = at_once(
        lambda: ours.register(files(*range(30))), lambda: theirs.register(files(*range(30)))
    )
    assert results[0].ids == results[1].ids
    assert sorted(len(one.new) for one in results) == [0, 18]
    assert len(project.store.photographs()) == 30


@pytest.mark.parametrize(
    "path",
    [
        "a/ü \U0001f33c 'quoted\" %s %(x)s :x ?.jpg",
        "back\\slash\\udc80.jpg",
        os.fsdecode(b"latin-1 \xe9\xff.jpg"),
        "new\nline.jpg",
        "x" * 4000 + ".jpg",
    ],
)
def test_a_path_comes_back_as_it_was_whatever_it_holds(place, path):
    opened = place.open()
    opened.register([store.Found(path, "0" * 64)])
    assert [one.path for one in opened.photographs()] == [path]


# Classes.


def test_classes_get_the_first_free_key_and_keep_it(project):
    assert [(one.name, one.key) for one in project.store.classes()] == [
        ("daisy", "1"),
        ("rose", "2"),
    ]
    project.store.set_key(project.ann, project.daisy, "D")
    made = project.store.add_class(project.ann, "tulip")
    assert made.key == "1"
    assert project.store.set_key(project.ann, made.id, None).key is None
    assert [one.key for one in project.store.classes()] == ["d", "2", None]


def test_a_key_or_a_name_that_another_class_has_is_refused(project):
    with pytest.raises(store.NameTaken, match="'daisy' has the key '1'") as raised:
        project.store.set_key(project.ann, project.rose, "1")
    assert raised.value.class_id == project.daisy
    with pytest.raises(store.NameTaken, match="'daisy' has the key '1'"):
        project.store.add_class(project.ann, "tulip", key="1")
    with pytest.raises(store.NameTaken, match="same name; choose another, or merge"):
        project.store.rename_class(project.ann, project.rose, " DAISY ")
    assert project.store.rename_class(project.ann, project.rose, "Rose").name == "Rose"


def test_when_all_keys_are_taken_a_class_has_none(project):
    made = [project.store.add_class(project.ann, f"class {i}") for i in range(len(names.KEYS))]
    assert [one.key for one in made[-3:]] == ["y", None, None]
    assert len({one.key for one in made if one.key}) == len(names.KEYS) - 2


def test_after_a_merge_labels_count_as_the_other_class_but_the_log_says_what_was_said(project):
    first, second, *_ = project.training
    project.store.label(project.ann, [answer(first, project.daisy)])
    seen = project.store.last_event()
    before = project.store.label(project.bob, [answer(first, project.rose, seen=seen)]).last_event
    assert opinions.agreed(project.store.current())[first].disputed
    assert project.store.merge_class(project.bob, project.rose, project.daisy).name == "daisy"
    assert not opinions.agreed(project.store.current())[first].disputed
    assert opinions.agreed(project.store.current(as_of=before))[first].disputed
    assert [event.said.class_ids for event in project.store.log(photograph_id=first)] == [
        (project.daisy,),
        (project.rose,),
    ]
    assert [one.merged_into for one in project.store.classes()] == [None, project.daisy]
    # A page that was drawn before still knows the class.
    project.store.label(project.ann, [answer(second, project.rose)])
    assert project.said()[project.ann, second] == ("label", (project.daisy,))


def test_a_merged_class_is_left_alone_and_its_name_and_key_are_free(project):
    project.store.merge_class(project.ann, project.rose, project.daisy)
    with pytest.raises(store.Unknown, match="'rose' was merged into 'daisy'"):
        project.store.rename_class(project.ann, project.rose, "other")
    with pytest.raises(store.Unknown, match="'rose' was merged into 'daisy'"):
        project.store.merge_class(project.ann, project.daisy, project.rose)
    again = project.store.add_class(project.ann, "rose", key="2")
    project.store.merge_class(project.ann, project.daisy, again.id)
    assert [one.merged_into for one in project.store.classes()] == [again.id, project.daisy, None]
    project.store.label(project.ann, [answer(1, project.rose)])
    assert project.said() == {(project.ann, 1): ("label", (again.id,))}


def test_a_class_cannot_be_merged_into_itself_nor_one_that_is_not_there(project):
    with pytest.raises(store.BadAnswer, match="into itself"):
        project.store.merge_class(project.ann, project.rose, project.rose)
    with pytest.raises(store.Unknown, match="no class 99"):
        project.store.merge_class(project.ann, project.rose, 99)


def test_classes_as_of_an_event_are_those_of_then(project):
    then = project.store.last_event()
    project.store.rename_class(project.ann, project.rose, "roses")
    project.store.add_class(project.ann, "tulip")
    assert [one.name for one in project.store.classes(then)] == ["daisy", "rose"]
    assert [one.name for one in project.store.classes(then + 1)] == ["daisy", "roses"]
    assert project.store.classes(0) == []


def test_a_labeler_is_the_same_however_the_name_is_spelled(project):
    assert project.store.labeler("  ANN ").id == project.ann
    composed, apart = project.store.labeler("Zoë"), project.store.labeler("zoe\u0308")
    assert composed == apart
    assert [one.name for one in project.store.labelers()] == ["Ann", "Bob", "Zoë"]
    with pytest.raises(names.BadName, match="labeler's name is empty"):
        project.store.labeler(" ")


# Versions of the labels.


def test_rolling_back_restores_ones_own_labels_and_can_be_undone(project):
    first, second, third, *_ = project.training
    label = project.store.label
    label(project.ann, [answer(first, project.daisy), answer(second, project.daisy)])
    then = project.store.last_event()
    label(project.ann, [answer(first, project.rose), answer(third, project.rose)])
    label(project.bob, [answer(second, project.rose, seen=then)])
    now = project.said()
    written = project.store.roll_back(project.ann, then)
    assert len(written.now) == 2
    bobs = {(project.bob, second): ("label", (project.rose,))}
    assert project.said() == {
        (project.ann, first): ("label", (project.daisy,)),
        (project.ann, second): ("label", (project.daisy,)),
        **bobs,
    }
    project.store.undo(project.ann)
    assert project.said() == now
    project.store.roll_back(project.ann, 0)
    assert project.said() == bobs


def test_there_is_no_way_back_to_where_one_is_or_never_was(project):
    project.store.label(project.ann, [answer(1, project.daisy)])
    last = project.store.last_event()
    with pytest.raises(store.Unknown, match="nothing to do"):
        project.store.roll_back(project.ann, last)
    for never in (-1, last + 1):
        with pytest.raises(store.Unknown, match=f"no event {never}; expected 0 to {last}"):
            project.store.roll_back(project.ann, never)


def test_a_restored_decision_does_not_outvote_what_came_after_it(project):
    number = project.training[0]

    def label(labeler_id: int, *class_ids: int, **more) -> None:
        seen = project.store.last_event()
        project.store.label(labeler_id, [answer(number, *class_ids, seen=seen, **more)])

    label(project.ann, project.daisy)
    label(project.bob, project.rose, decides=True)
    assert opinions.agreed(project.store.current())[number].class_ids == (project.rose,)
    label(project.bob, kind="unsure")
    label(project.ann, project.daisy)
    project.store.undo(project.bob)
    assert opinions.agreed(project.store.current())[number].disputed
