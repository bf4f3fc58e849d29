"""All that the studio keeps: photographs, classes, and the log of what labelers said.

Explained on the page *The Studio*.

The log only grows. A labeler's label of a photograph is the last event that they wrote about it;
taking something back writes what was in force before. Events are numbered in the order in which
they become visible, whatever clocks say, so "as of event n" names one state of everything, for
good.
"""

import contextlib
import dataclasses
import datetime
import operator
import pathlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Literal, Self

import sqlalchemy
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from seeing.studio import database, draw, names, opinions, schema

How = Literal["key", "bulk", "import"]

UNDONE = ("key", "bulk", "import", "rollback")  # what an undo takes back
_CHUNK = 500  # parameters of one statement; old versions of SQLite take 999


class Unknown(LookupError):
    """There is no photograph, class or labeler of that number, or nothing to take back."""


class BadAnswer(ValueError):
    """An answer does not fit the project. The message says why. Nothing was written."""


class BlindTestSet(ValueError):
    """A model's suggestion was shown for a photograph of the test set. Nothing was written."""


class NameTaken(ValueError):
    """Another class has that name or key.

    Attributes:
        class_id: which class.
    """

    def __init__(self, class_id: int, message: str):
        self.class_id = class_id
        super().__init__(message)


class OtherPhotographs(ValueError):
    """None of the project's photographs is in the folder: it is likely another project's."""


class Conflict(RuntimeError):
    """Somebody else has written about a photograph since the writer last saw it.

    Nothing was written. Whoever has seen ``others`` may answer again, with ``last_event`` as
    what they have seen.

    Attributes:
        others: what the others say now of those photographs (``"clear"`` if they took it back).
        last_event: number of the project's last event, as it was found.
    """

    def __init__(self, others: Sequence[opinions.Opinion], last_event: int, message: str):
        self.others = tuple(others)
        self.last_event = last_event
        super().__init__(message)


@dataclasses.dataclass(frozen=True)
class Project:
    """What a project is, for good.

    Attributes:
        multi_label: whether a photograph may have any number of classes; otherwise it has one.
        seed: of the test set's draw, and of all else that is random.
        test_share: of the test set, between 0 and 1.
        created: when, in UTC.
    """

    multi_label: bool
    seed: int
    test_share: float
    created: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Labeler:
    """A person who labels."""

    id: int
    name: str


@dataclasses.dataclass(frozen=True)
class Photograph:
    """A file's content at a place in the folder.

    Attributes:
        id: its number, for good.
        path: below the folder, with ``/`` between its parts.
        sha256: of the file's bytes.
        place: its group of near-duplicates and its part of the data, for good.
        present: whether the last scan found it.
    """

    id: int
    path: str
    sha256: str
    place: draw.Place
    present: bool


@dataclasses.dataclass(frozen=True)
class Found:
    """A file that a scan has found: its path below the folder, and its content's SHA-256."""

    path: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class Registered:
    """What a scan has changed: ids of photographs.

    Attributes:
        ids: of all that were found, in the order in which they were given.
        new: those met for the first time.
        moved: those that have another path now.
        gone: those that were there and are no more; their labels are kept.
        back: those that had been gone.
        across: near-duplicates that had been drawn into both parts before anybody knew that they
            are any: they stay where they are, and should not be trained on.
    """

    ids: tuple[int, ...]
    new: tuple[int, ...]
    moved: tuple[int, ...]
    gone: tuple[int, ...]
    back: tuple[int, ...]
    across: tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class Class:
    """A class as it is now, or was.

    Attributes:
        id: its number, for good.
        name: as somebody wrote it; unique among the classes that are not merged, however spelled.
        key: one character; None where it has none.
        merged_into: the class that it is part of, if it was merged.
    """

    id: int
    name: str
    key: str | None
    merged_into: int | None = None


@dataclasses.dataclass(frozen=True)
class Written:
    """What an action has written.

    Attributes:
        action: the action's number.
        last_event: number of its last event, which is the project's last.
        now: what the labeler says now of each photograph of the action.
    """

    action: int
    last_event: int
    now: tuple[opinions.Opinion, ...]


@dataclasses.dataclass(frozen=True)
class Event:
    """One line of the log, for people to read.

    Attributes:
        number: its place in the log.
        action: number of the action that it belongs to.
        time: by the clock of the machine that wrote it, in UTC; the order is that of the numbers.
        labeler_id: who.
        how: ``"key"``, ``"bulk"``, ``"import"``, ``"undo"``, ``"rollback"`` or ``"class"``.
        undoes: of an undo, the action that it takes back.
        said: of an answer, what was said; its classes as they were named then.
        change: of a class, what was changed.
    """

    number: int
    action: int
    time: datetime.datetime
    labeler_id: int
    how: str
    undoes: int | None
    said: opinions.Opinion | None
    change: "ClassChange | None"


@dataclasses.dataclass(frozen=True)
class ClassChange:
    """A change of a class: ``"create"``, ``"rename"``, ``"key"`` or ``"merge"``."""

    class_id: int
    change: str
    name: str | None
    key: str | None
    into_id: int | None


@dataclasses.dataclass(frozen=True)
class TestSet:
    """How far the locked test set is labeled.

    Attributes:
        photographs: how many it has, of those that are there.
        labeled: how many have an agreed label.
        disputed: on how many labelers differ.
        counts: how many have each class, for every class that is not merged.
    """

    photographs: int
    labeled: int
    disputed: int
    counts: dict[int, int]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Store:
    """A project's database, open. All methods may be called from any thread.

    Every method that writes does all of it or nothing, and has it on disk when it returns. Every
    method raises :class:`seeing.studio.database.NotSaved` when the database does not do its part:
    its disk is full, another program keeps it busy, its server does not answer.
    """

    def __init__(
        self,
        folder: pathlib.Path | str,
        url: str | None = None,
        *,
        multi_label: bool | None = None,
        test_share: float | None = None,
        seed: int | None = None,
        clock: Callable[[], datetime.datetime] = _now,
    ):
        """Open a project, or begin one.

        Args:
            folder: the studio's own, beside the photographs; made if SQLite needs it.
            url: SQLAlchemy's, of a SQLite or PostgreSQL database. Default: ``labels.sqlite3`` in
                the folder.
            multi_label: whether a photograph may have any number of classes. Default: as the
                project is, or one class for a new project.
            test_share: of the test set, between 0 and 1. Default: as the project has it, or 0.2.
            seed: of what is drawn, 0 to 2**31 - 1. Default: as the project has it, or a random
                one.
            clock: what events are dated by.

        Raises:
            database.CannotOpen: when the database cannot be opened, is open in another studio
                (SQLite), was written by a later version of this program, or holds a project of
                another kind than is asked for.
            ValueError: when the share or the seed of a new project cannot be used.
        """
        draw.require_share(draw.SHARE if test_share is None else test_share)
        if seed is not None and not 0 <= seed < 2**31:
            raise ValueError(f"the seed is {seed}; expected 0 to {2**31 - 1}")
        self._clock = clock
        self._database = database.Database(pathlib.Path(folder), url)
        try:
            self.project = self._begun(multi_label, test_share, seed)
        except BaseException:
            self._database.close()
            raise

    def _begun(
        self, multi_label: bool | None, test_share: float | None, seed: int | None
    ) -> Project:
        """The project that is there, or a new one."""
        with self._database.writing() as connection:
            table = schema.Project.__table__
            values = {
                "id": 1,
                "version": schema.VERSION,
                "multi_label": bool(multi_label),
                "seed": secrets.randbits(31) if seed is None else seed,
                "test_share": draw.SHARE if test_share is None else test_share,
                "created": self._clock(),
                "last_event": 0,
            }
            # Two programs may begin the same project at once.
            insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
            begin = insert[connection.dialect.name](table).values(values)
            connection.execute(begin.on_conflict_do_nothing())
            row = connection.execute(select(table)).one()
        if row.version != schema.VERSION:
            raise database.CannotOpen(
                f"{self._database.shown} was written by another version of this program "
                f"(tables of version {row.version}, this one knows {schema.VERSION}); use that one"
            )
        asked = {"multi_label": multi_label, "test_share": test_share, "seed": seed}
        for name, value in asked.items():
            if value is not None and value != getattr(row, name):
                raise database.CannotOpen(
                    f"{self._database.shown} holds a project with {name} {getattr(row, name)}, "
                    f"not {value}; that is for good: leave the option out, or use another database"
                )
        return Project(row.multi_label, row.seed, row.test_share, row.created)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Self:
        """For ``with``."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the database."""
        self.close()

    # Labelers.

    def labeler(self, name: str) -> Labeler:
        """The labeler of a name, however it is spelled; a new one if there is none.

        Raises:
            names.BadName: when the name cannot be used.
        """
        kept = names.clean(name, "labeler")
        table = schema.Labeler.__table__
        with self._database.writing() as connection:
            _lock(connection)
            query = select(table).where(table.c.folded == names.folded(kept))
            row = connection.execute(query).one_or_none()
            if row is not None:
                return Labeler(row.id, row.name)
            number = _next_id(connection, table)
            connection.execute(
                table.insert(), {"id": number, "name": kept, "folded": names.folded(kept)}
            )
            return Labeler(number, kept)

    def labelers(self) -> list[Labeler]:
        """All labelers, in the order in which they came."""
        table = schema.Labeler.__table__
        with self._database.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.id)).all()
        return [Labeler(row.id, row.name) for row in rows]

    # Photographs.

    def register(
        self,
        found: Sequence[Found],
        groups: Iterable[Sequence[int]] = (),
        *,
        other_folder: bool = False,
    ) -> Registered:
        """Note what a scan has found, and draw the part of each new photograph.

        A photograph is a content at a path. One that was moved keeps its id and its labels. A
        file whose content has changed is a new photograph, a near-duplicate of the old one.

        Args:
            found: all photographs of the folder, with different paths.
            groups: near-duplicates, as indices into ``found``; of all photographs, at every scan.
            other_folder: whether it is meant that no known photograph is there any more.

        Raises:
            OtherPhotographs: when no known photograph is there any more, and that is not meant.
            ValueError: when a path occurs twice.
        """
        if len({one.path for one in found}) != len(found):
            raise ValueError("a path occurs twice among the photographs; expected different paths")
        groups = [list(group) for group in groups]
        with self._database.writing() as connection:
            _lock(connection)
            known = _photographs(connection)
            matched = _matched(found, known)
            if known and not other_folder and not any(matched):
                raise OtherPhotographs(
                    f"none of the {len(known):,} photographs of {self._database.shown} is in this "
                    "folder; is it another project's database? If the photographs were replaced, "
                    "say so"
                )
            return self._noted(connection, found, groups, known, matched)

    def _noted(
        self,
        connection: sqlalchemy.Connection,
        found: Sequence[Found],
        groups: list[list[int]],
        known: list[Photograph],
        matched: list[Photograph | None],
    ) -> Registered:
        table = schema.Photograph.__table__
        # Where a file's content has changed, the photograph that was there stands for one more
        # member of its group, so that the new one is not drawn apart from it.
        there = {one.id for one in matched if one is not None}
        at_path = {one.path: one for one in known if one.id not in there}
        before = {
            i: at_path[one.path]
            for i, one in enumerate(found)
            if matched[i] is None and one.path in at_path
        }
        extra = list(before.items())
        places = draw.deal(
            [one.sha256 for one in found] + [old.sha256 for _, old in extra],
            [*groups, *([i, len(found) + k] for k, (i, _) in enumerate(extra))],
            [one.place if one else None for one in matched] + [old.place for _, old in extra],
            seed=self.project.seed,
            share=self.project.test_share,
            first_group=max((one.place.group for one in known), default=0) + 1,
        )
        free = _next_id(connection, table)
        ids, new = [], []
        for one, old, place in zip(found, matched, places, strict=False):
            if old is None:
                new.append(_photograph_row(free, one, place))
                ids.append(free)
                free += 1
            else:
                ids.append(old.id)
        if new:
            connection.execute(table.insert(), new)
        pairs = [(one, old) for one, old in zip(found, matched, strict=True) if old is not None]
        moved = {old.id: one.path for one, old in pairs if one.path != old.path}
        gone = [one.id for one in known if one.present and one.id not in there]
        back = [old.id for _, old in pairs if not old.present]
        for number, path in moved.items():
            connection.execute(table.update().where(table.c.id == number).values(path=path))
        for numbers, present in ((gone, False), (back, True)):
            for some in _chunks(numbers):
                query = table.update().where(table.c.id.in_(some))
                connection.execute(query.values(present=present))
        across = [
            tuple(ids[i] for i in group)
            for group in draw.joined([one.sha256 for one in found], groups)
            if {"training", "test"} <= {places[i].part for i in group}
        ]
        return Registered(
            ids=tuple(ids),
            new=tuple(row["id"] for row in new),
            moved=tuple(moved),
            gone=tuple(gone),
            back=tuple(back),
            across=tuple(across),
        )

    def photographs(self) -> list[Photograph]:
        """All photographs that were ever found, by id."""
        with self._database.reading() as connection:
            return _photographs(connection)

    # Classes.

    def classes(self, as_of: int | None = None) -> list[Class]:
        """All classes, those that were merged included, by id.

        Args:
            as_of: as they were after that event. Default: as they are.
        """
        with self._database.reading() as connection:
            return list(_classes(connection, as_of).values())

    def add_class(self, labeler_id: int, name: str, key: str | None = None) -> Class:
        """Make a class.

        Args:
            labeler_id: who.
            name: its name.
            key: one character. Default: the first digit or letter that is free, if one is.

        Raises:
            NameTaken: when another class has that name, however spelled, or that key.
            names.BadName: when the name or the key cannot be used.
            Unknown: when there is no such labeler.
        """
        kept = names.clean(name, "class")
        chosen = None if key is None else names.clean_key(key)
        with self._changing_classes(labeler_id) as (connection, known):
            _require_free_name(known, kept)
            if chosen is None:
                chosen = names.free_key({one.key for one in _live(known) if one.key})
            else:
                _require_free_key(known, chosen)
            number = _next_id(connection, schema.Class.__table__)
            connection.execute(schema.Class.__table__.insert(), {"id": number})
            self._change(connection, labeler_id, number, "create", name=kept, key=chosen)
            return Class(number, kept, chosen)

    def rename_class(self, labeler_id: int, class_id: int, name: str) -> Class:
        """Give a class another name.

        Raises:
            NameTaken: when another class has that name, however spelled; merge the two instead.
            names.BadName: when the name cannot be used.
            Unknown: when there is no such class (any more), or no such labeler.
        """
        kept = names.clean(name, "class")
        with self._changing_classes(labeler_id) as (connection, known):
            old = _require_live(known, class_id)
            _require_free_name(known, kept, but=class_id)
            self._change(connection, labeler_id, class_id, "rename", name=kept)
            return dataclasses.replace(old, name=kept)

    def set_key(self, labeler_id: int, class_id: int, key: str | None) -> Class:
        """Give a class another key, or none.

        Raises:
            NameTaken: when another class has that key.
            names.BadName: when the key cannot be used.
            Unknown: when there is no such class (any more), or no such labeler.
        """
        chosen = None if key is None else names.clean_key(key)
        with self._changing_classes(labeler_id) as (connection, known):
            old = _require_live(known, class_id)
            if chosen is not None:
                _require_free_key(known, chosen, but=class_id)
            self._change(connection, labeler_id, class_id, "key", key=chosen)
            return dataclasses.replace(old, key=chosen)

    def merge_class(self, labeler_id: int, class_id: int, into_id: int) -> Class:
        """Make a class part of another: what was labeled as it counts as the other from now on.

        The log keeps what was said; states as of earlier events do not change.

        Returns:
            The class that remains.

        Raises:
            BadAnswer: when it would be merged into itself.
            Unknown: when one of the classes is not there (any more), or no such labeler.
        """
        with self._changing_classes(labeler_id) as (connection, known):
            _require_live(known, class_id)
            into = _require_live(known, into_id)
            if class_id == into_id:
                raise BadAnswer(f"class {into.name!r} cannot be merged into itself; name another")
            self._change(connection, labeler_id, class_id, "merge", into_id=into_id)
            return into

    @contextlib.contextmanager
    def _changing_classes(
        self, labeler_id: int
    ) -> Iterator[tuple[sqlalchemy.Connection, dict[int, Class]]]:
        with self._database.writing() as connection:
            _lock(connection)
            _require_labeler(connection, labeler_id)
            yield connection, _classes(connection, None)

    def _change(
        self,
        connection: sqlalchemy.Connection,
        labeler_id: int,
        class_id: int,
        change: str,
        **what: str | int | None,
    ) -> None:
        number = self._act(connection, labeler_id, "class", events=1)
        row = {"name": None, "key": None, "into_id": None} | what
        row |= {"number": number, "action": number, "class_id": class_id, "change": change}
        connection.execute(schema.ClassEvent.__table__.insert(), row)

    # Labels.

    def label(
        self,
        labeler_id: int,
        answers: Sequence[opinions.Answer],
        *,
        how: How = "key",
        token: str | None = None,
    ) -> Written:
        """Write what a labeler says of one or more photographs, in one action.

        Args:
            labeler_id: who.
            answers: at least one, each of another photograph.
            how: with a key, for a selection in bulk, or from a file.
            token: the writer's own name for this action, at most 200 characters. Where the same
                labeler has written one of that name, nothing is written and that one is returned:
                what is sent again after a broken connection counts once.

        Raises:
            Conflict: when somebody else has written about one of the photographs since; nobody is
                overwritten unseen.
            BlindTestSet: when an answer to a photograph of the test set saw a suggestion.
            BadAnswer: when an answer does not fit the project, or its writer claims to have seen
                events that are none.
            Unknown: when there is no such photograph, class or labeler.
        """
        answers = [_plain(answer) for answer in answers]
        self._require_sound(answers, how, token)
        with self._database.writing() as connection:
            last = _lock(connection)
            _require_labeler(connection, labeler_id)
            known = _classes(connection, None)
            written = _written_before(connection, labeler_id, token)
            if written is not None:
                return self._written(connection, labeler_id, written, known)
            _require_known_classes(known, answers)
            self._require_blind(connection, answers)
            _require_seen(connection, labeler_id, answers, last, known)
            rows = [
                {
                    "photograph_id": answer.photograph_id,
                    "kind": answer.kind,
                    "decides": answer.decides,
                    "restates": None,
                    "model_version": answer.prelabel and answer.prelabel.model_version,
                    "said": answer.class_ids,
                    "shown": answer.prelabel.class_ids if answer.prelabel else (),
                }
                for answer in answers
            ]
            action = self._write(connection, labeler_id, how, rows, token=token)
            return self._written(connection, labeler_id, action, known)

    def undo(self, labeler_id: int, *, token: str | None = None) -> Written:
        """Take back a labeler's last action that is not taken back yet, by writing anew.

        Each photograph of the action gets what the labeler had said of it before. Repeated, it
        goes back further. Changes of classes are left as they are.

        Args:
            labeler_id: who.
            token: as for :meth:`label`.

        Raises:
            Unknown: when there is nothing to take back, or no such labeler.
        """
        with self._database.writing() as connection:
            _lock(connection)
            _require_labeler(connection, labeler_id)
            known = _classes(connection, None)
            written = _written_before(connection, labeler_id, token)
            if written is not None:
                return self._written(connection, labeler_id, written, known)
            action = _last_action(connection, labeler_id)
            if action is None:
                raise Unknown("there is nothing to take back; you have labeled nothing yet")
            table = schema.LabelEvent.__table__
            undone = connection.execute(
                select(table.c.photograph_id).where(table.c.action == action)
            ).scalars()
            before = {
                said.photograph_id: said
                for said in _opinions(connection, action - 1, {}, labeler_id=labeler_id)
            }
            rows = [_restated(number, before.get(number)) for number in sorted(undone)]
            number = self._write(connection, labeler_id, "undo", rows, undoes=action, token=token)
            return self._written(connection, labeler_id, number, known)

    def roll_back(self, labeler_id: int, to: int) -> Written:
        """Put all of one labeler's labels back to what they were after an event, by writing anew.

        Classes, and what others say, are left as they are. It can be undone like a bulk.

        Args:
            labeler_id: whose labels.
            to: the event's number; 0 is before the first.

        Raises:
            Unknown: when there was no such event yet, nothing has changed since, or no such
                labeler.
        """
        with self._database.writing() as connection:
            last = _lock(connection)
            _require_labeler(connection, labeler_id)
            if not 0 <= to <= last:
                raise Unknown(f"there is no event {to}; expected 0 to {last}")
            then, now = (
                {
                    said.photograph_id: said
                    for said in _opinions(connection, number, {}, labeler_id=labeler_id)
                }
                for number in (to, last)
            )
            changed = [
                number
                for number, said in sorted(now.items())
                if _content(then.get(number)) != _content(said)
            ]
            if not changed:
                raise Unknown(f"your labels are as they were after event {to}; nothing to do")
            rows = [_restated(number, then.get(number)) for number in changed]
            action = self._write(connection, labeler_id, "rollback", rows)
            return self._written(connection, labeler_id, action, _classes(connection, None))

    def current(self, as_of: int | None = None) -> list[opinions.Opinion]:
        """What every labeler says of every photograph that they have not cleared.

        Args:
            as_of: as it was after that event, with the classes of then. Default: as it is.

        Returns:
            By photograph, then by labeler.
        """
        with self._database.reading() as connection:
            said = _opinions(connection, as_of, _classes(connection, as_of))
        return [one for one in said if one.kind != "clear"]

    def current_of(self, photograph_ids: Sequence[int]) -> list[opinions.Opinion]:
        """As :meth:`current`, of some photographs only."""
        with self._database.reading() as connection:
            known = _classes(connection, None)
            said = _opinions(connection, None, known, photograph_ids=photograph_ids)
        return [one for one in said if one.kind != "clear"]

    def last_event(self) -> int:
        """Number of the last event; 0 before the first."""
        with self._database.reading() as connection:
            return connection.execute(select(schema.Project.last_event)).scalar_one()

    def test_set(self, as_of: int | None = None) -> TestSet:
        """How far the locked test set is labeled, and how many of each class it holds so far.

        Args:
            as_of: as it was after that event. Default: as it is.
        """
        with self._database.reading() as connection:
            known = _classes(connection, as_of)
            said = _opinions(connection, as_of, known)
            photographs = _photographs(connection)
        members = {one.id for one in photographs if one.place.part == "test" and one.present}
        result = [one for one in opinions.agreed(said).values() if one.photograph_id in members]
        counts = dict.fromkeys((one.id for one in _live(known)), 0)
        for one in result:
            for class_id in one.class_ids or ():
                counts[class_id] += 1
        return TestSet(
            photographs=len(members),
            labeled=sum(one.class_ids is not None for one in result),
            disputed=sum(one.disputed for one in result),
            counts=counts,
        )

    def log(
        self, *, after: int = 0, limit: int = 1000, photograph_id: int | None = None
    ) -> list[Event]:
        """Lines of the log, oldest first, with classes as they were named then.

        Args:
            after: from the event that follows this number.
            limit: at most so many.
            photograph_id: only what was said of this photograph.
        """
        with self._database.reading() as connection:
            found = _label_events(connection, after, limit, photograph_id)
            if photograph_id is None:
                found += _class_events(connection, after, limit)
        return sorted(found, key=lambda event: event.number)[:limit]

    def _require_sound(
        self, answers: Sequence[opinions.Answer], how: str, token: str | None
    ) -> None:
        """Refuse what can be seen to be wrong without the database."""
        if how not in ("key", "bulk", "import"):
            raise BadAnswer(f"how is {how!r}; expected 'key', 'bulk' or 'import'")
        if token is not None and not 1 <= len(token) <= 200:
            raise BadAnswer(f"the token has {len(token)} characters; expected 1 to 200")
        if not answers:
            raise BadAnswer("there is no answer; expected one or more")
        if len({answer.photograph_id for answer in answers}) != len(answers):
            raise BadAnswer("a photograph is answered twice; expected each once in an action")
        for answer in answers:
            self._require_sound_answer(answer)

    def _require_sound_answer(self, answer: opinions.Answer) -> None:
        where = f"the answer to photograph {answer.photograph_id}"
        count = len(answer.class_ids)
        if answer.kind not in schema.KINDS:
            raise BadAnswer(
                f"{where} is {answer.kind!r}; expected one of {', '.join(schema.KINDS)}"
            )
        if answer.kind != "label" and count:
            raise BadAnswer(f"{where} is {answer.kind!r} and names classes; expected none of them")
        if answer.kind == "label" and count != 1 and not self.project.multi_label:
            raise BadAnswer(
                f"{where} names {count} classes; expected exactly one, as the project is of a "
                "single label"
            )
        if answer.decides and answer.kind not in ("label", "unsure"):
            raise BadAnswer(f"{where} decides, but says nothing; expected a label or unsure")

    def _require_blind(
        self, connection: sqlalchemy.Connection, answers: Sequence[opinions.Answer]
    ) -> None:
        """Refuse unknown photographs, and suggestions for those of the test set."""
        table = schema.Photograph.__table__
        parts: dict[int, str] = {}
        for some in _chunks([answer.photograph_id for answer in answers]):
            query = select(table.c.id, table.c.part).where(table.c.id.in_(some))
            parts |= {row.id: row.part for row in connection.execute(query)}
        for answer in answers:
            if answer.photograph_id not in parts:
                raise Unknown(f"there is no photograph {answer.photograph_id}; scan again")
        seen = [
            answer.photograph_id
            for answer in answers
            if answer.prelabel is not None and parts[answer.photograph_id] == "test"
        ]
        if seen:
            raise BlindTestSet(
                f"{_counted(seen, 'photograph')} of the test set came with a model's suggestion; "
                "they are labeled without one, or their accuracy would flatter the model"
            )

    def _act(
        self,
        connection: sqlalchemy.Connection,
        labeler_id: int,
        how: str,
        *,
        events: int,
        undoes: int | None = None,
        token: str | None = None,
    ) -> int:
        """Note an action and take numbers for its events; returns the first, which is its own."""
        table = schema.Project.__table__
        last = connection.execute(select(table.c.last_event)).scalar_one()
        connection.execute(table.update().values(last_event=last + events))
        row = {"number": last + 1, "time": self._clock(), "labeler_id": labeler_id, "how": how}
        row |= {"undoes": undoes, "token": token}
        connection.execute(schema.Action.__table__.insert(), row)
        return last + 1

    def _write(
        self,
        connection: sqlalchemy.Connection,
        labeler_id: int,
        how: str,
        rows: Sequence[dict],
        *,
        undoes: int | None = None,
        token: str | None = None,
    ) -> int:
        """Write an action's events; returns the action's number."""
        action = self._act(
            connection, labeler_id, how, events=len(rows), undoes=undoes, token=token
        )
        events, classes = [], []
        for number, row in enumerate(rows, start=action):
            event = {key: value for key, value in row.items() if key not in schema.ROLES}
            events.append(event | {"number": number, "action": action, "labeler_id": labeler_id})
            classes += [
                {"event": number, "role": role, "class_id": class_id}
                for role in schema.ROLES
                for class_id in row[role]
            ]
        connection.execute(schema.LabelEvent.__table__.insert(), events)
        if classes:
            connection.execute(schema.EventClass.__table__.insert(), classes)
        return action

    def _written(
        self,
        connection: sqlalchemy.Connection,
        labeler_id: int,
        action: int,
        known: dict[int, Class],
    ) -> Written:
        """What an action has left in force; of an earlier one, as it is by now."""
        table = schema.LabelEvent.__table__
        numbers = connection.execute(
            select(table.c.photograph_id).where(table.c.action == action)
        ).scalars()
        now = _opinions(
            connection, None, known, photograph_ids=sorted(numbers), labeler_id=labeler_id
        )
        last = connection.execute(select(schema.Project.last_event)).scalar_one()
        return Written(action, last, tuple(now))


def _lock(connection: sqlalchemy.Connection) -> int:
    """Wait for all other writers; returns the number of the last event."""
    # SQLite knows no row locks: there, the transaction itself began as the only writer.
    query = select(schema.Project.last_event).with_for_update()
    return connection.execute(query).scalar_one()


def _next_id(connection: sqlalchemy.Connection, table: sqlalchemy.Table) -> int:
    return (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]


def _counted(numbers: Sequence[int], what: str) -> str:
    if len(numbers) == 1:
        return f"{what} {numbers[0]}"
    return f"{len(numbers):,} {what}s (the first is {numbers[0]})"


def _require_labeler(connection: sqlalchemy.Connection, labeler_id: int) -> None:
    table = schema.Labeler.__table__
    query = select(table.c.id).where(table.c.id == labeler_id)
    if connection.execute(query).one_or_none() is None:
        raise Unknown(f"there is no labeler {labeler_id}; say a name first")


# Photographs.


def _photographs(connection: sqlalchemy.Connection) -> list[Photograph]:
    table = schema.Photograph.__table__
    return [
        Photograph(
            row.id,
            row.path,
            row.sha256,
            draw.Place(row.group_number, row.part, row.draw),
            row.present,
        )
        for row in connection.execute(select(table).order_by(table.c.id))
    ]


def _photograph_row(number: int, found: Found, place: draw.Place) -> dict:
    return {
        "id": number,
        "path": found.path,
        "sha256": found.sha256,
        "group_number": place.group,
        "part": place.part,
        "draw": place.number,
        "present": True,
    }


def _matched(found: Sequence[Found], known: Sequence[Photograph]) -> list[Photograph | None]:
    """The known photograph that each file is: at the same path, or moved from one that is gone."""
    by_both = {(one.path, one.sha256): one for one in known}
    matched = [by_both.get((one.path, one.sha256)) for one in found]
    taken = {one.id for one in matched if one is not None}
    waiting: dict[str, list[Photograph]] = {}
    # Of several with one content, those that were there at the last scan come first.
    for one in sorted(known, key=lambda one: (not one.present, one.id)):
        if one.id not in taken:
            waiting.setdefault(one.sha256, []).append(one)
    for i, one in enumerate(found):
        if matched[i] is None and waiting.get(one.sha256):
            matched[i] = waiting[one.sha256].pop(0)
    return matched


# Classes.


def _classes(connection: sqlalchemy.Connection, as_of: int | None) -> dict[int, Class]:
    """Classes by id, as all their changes up to an event have left them."""
    table = schema.ClassEvent.__table__
    query = select(table).order_by(table.c.number)
    if as_of is not None:
        query = query.where(table.c.number <= as_of)
    known: dict[int, Class] = {}
    for row in connection.execute(query):
        if row.change == "create":
            known[row.class_id] = Class(row.class_id, row.name, row.key)
            continue
        field = {"rename": "name", "key": "key", "merge": "into_id"}[row.change]
        attribute = {"into_id": "merged_into"}.get(field, field)
        known[row.class_id] = dataclasses.replace(
            known[row.class_id], **{attribute: getattr(row, field)}
        )
    return known


def _live(known: dict[int, Class]) -> list[Class]:
    return [one for one in known.values() if one.merged_into is None]


def _resolved(known: dict[int, Class], class_ids: Iterable[int]) -> tuple[int, ...]:
    """The classes that these are by now, sorted."""
    found = set()
    for class_id in class_ids:
        while class_id in known and known[class_id].merged_into is not None:
            class_id = known[class_id].merged_into
        found.add(class_id)
    return tuple(sorted(found))


def _require_live(known: dict[int, Class], class_id: int) -> Class:
    if class_id not in known:
        raise Unknown(f"there is no class {class_id}")
    found = known[class_id]
    if found.merged_into is not None:
        [into] = _resolved(known, [class_id])
        raise Unknown(f"class {found.name!r} was merged into {known[into].name!r}; use that one")
    return found


def _require_free_name(known: dict[int, Class], name: str, *, but: int | None = None) -> None:
    for one in _live(known):
        if one.id != but and names.folded(one.name) == names.folded(name):
            raise NameTaken(
                one.id,
                f"there is a class {one.name!r}, and {name!r} is the same name; choose another, "
                "or merge the two",
            )


def _require_free_key(known: dict[int, Class], key: str, *, but: int | None = None) -> None:
    for one in _live(known):
        if one.id != but and one.key == key:
            raise NameTaken(one.id, f"class {one.name!r} has the key {key!r}; choose another")


def _require_known_classes(known: dict[int, Class], answers: Sequence[opinions.Answer]) -> None:
    """Refuse classes that never were; those merged since the page was drawn are understood."""
    for answer in answers:
        shown = answer.prelabel.class_ids if answer.prelabel else ()
        for class_id in (*answer.class_ids, *shown):
            if class_id not in known:
                raise Unknown(f"there is no class {class_id}; draw the page anew")


# Labels.


def _opinions(
    connection: sqlalchemy.Connection,
    as_of: int | None,
    known: dict[int, Class],
    *,
    photograph_ids: Sequence[int] | None = None,
    labeler_id: int | None = None,
) -> list[opinions.Opinion]:
    """The last event of each labeler on each photograph, by photograph and labeler.

    Args:
        connection: of a transaction.
        as_of: as of that event.
        known: the classes that the named ones are resolved by; empty: as they were said.
        photograph_ids: only of these.
        labeler_id: only of this one.
    """
    table = schema.LabelEvent.__table__
    chunks = [None] if photograph_ids is None else _chunks(photograph_ids)
    found = []
    for some in chunks:
        query = select(func.max(table.c.number)).group_by(table.c.photograph_id, table.c.labeler_id)
        if as_of is not None:
            query = query.where(table.c.number <= as_of)
        if some is not None:
            query = query.where(table.c.photograph_id.in_(some))
        if labeler_id is not None:
            query = query.where(table.c.labeler_id == labeler_id)
        found += _said(connection, query, known)
    return sorted(found, key=lambda said: (said.photograph_id, said.labeler_id))


def _said(
    connection: sqlalchemy.Connection, numbers: sqlalchemy.Select, known: dict[int, Class]
) -> list[opinions.Opinion]:
    """What the events of some numbers say."""
    table, classes = schema.LabelEvent.__table__, schema.EventClass.__table__
    chosen = numbers.subquery()
    [number] = chosen.c
    named: dict[tuple[int, str], list[int]] = {}
    for row in connection.execute(select(classes).join(chosen, classes.c.event == number)):
        named.setdefault((row.event, row.role), []).append(row.class_id)
    found = []
    for row in connection.execute(select(table).join(chosen, table.c.number == number)):
        shown = tuple(sorted(named.get((row.number, "shown"), [])))
        found.append(
            opinions.Opinion(
                photograph_id=row.photograph_id,
                labeler_id=row.labeler_id,
                event=row.number,
                kind=row.kind,
                class_ids=_resolved(known, named.get((row.number, "said"), [])),
                prelabel=(
                    None
                    if row.model_version is None
                    else opinions.PreLabel(row.model_version, shown)
                ),
                decides=row.decides,
                since=row.restates or row.number,
            )
        )
    return found


def _plain(answer: opinions.Answer) -> opinions.Answer:
    """The same with Python's own numbers: no driver takes NumPy's for certain."""
    prelabel = answer.prelabel
    if prelabel is not None:
        shown = tuple(sorted(set(map(operator.index, prelabel.class_ids))))
        prelabel = opinions.PreLabel(operator.index(prelabel.model_version), shown)
    return dataclasses.replace(
        answer,
        photograph_id=operator.index(answer.photograph_id),
        class_ids=tuple(sorted(set(map(operator.index, answer.class_ids)))),
        seen=operator.index(answer.seen),
        prelabel=prelabel,
    )


def _require_seen(
    connection: sqlalchemy.Connection,
    labeler_id: int,
    answers: Sequence[opinions.Answer],
    last: int,
    known: dict[int, Class],
) -> None:
    """Refuse to answer where somebody else has written what the writer has not seen."""
    seen = {answer.photograph_id: answer.seen for answer in answers}
    if max(seen.values()) > last or min(seen.values()) < 0:
        raise BadAnswer(
            f"events {min(seen.values())} to {max(seen.values())} are said to have been seen, and "
            f"the last one is {last}; draw the page anew"
        )
    others = [
        said
        for said in _opinions(connection, None, known, photograph_ids=list(seen))
        if said.labeler_id != labeler_id and said.event > seen[said.photograph_id]
    ]
    if not others:
        return
    table = schema.Labeler.__table__
    rows = connection.execute(select(table.c.id, table.c.name))
    who = {row.id: row.name for row in rows}
    photographs = sorted({said.photograph_id for said in others})
    first = others[0]
    what = ", ".join(known[number].name for number in first.class_ids) or "none of the classes"
    said = f"labeled it {what!r}" if first.kind == "label" else f"wrote {first.kind!r}"
    raise Conflict(
        others,
        last,
        f"nothing was saved: of {_counted(photographs, 'photograph')}, somebody else has written "
        f"since you last saw it: {who[first.labeler_id]} {said}; look at it, then answer again",
    )


def _written_before(
    connection: sqlalchemy.Connection, labeler_id: int, token: str | None
) -> int | None:
    """The action that a labeler has written under a token; None if there is none."""
    if token is None:
        return None
    table = schema.Action.__table__
    query = select(table.c.number).where(table.c.labeler_id == labeler_id, table.c.token == token)
    return connection.execute(query).scalar_one_or_none()


def _last_action(connection: sqlalchemy.Connection, labeler_id: int) -> int | None:
    """A labeler's last action that can be taken back, and is not yet."""
    table = schema.Action.__table__
    undone = table.alias()
    query = (
        select(func.max(table.c.number))
        .outerjoin(undone, undone.c.undoes == table.c.number)
        .where(
            table.c.labeler_id == labeler_id,
            table.c.how.in_(UNDONE),
            undone.c.number.is_(None),
        )
    )
    return connection.execute(query).scalar()


def _restated(photograph_id: int, said: opinions.Opinion | None) -> dict:
    """The event that puts an opinion in force again; without one, that clears."""
    if said is None:
        said = opinions.Opinion(photograph_id, 0, 0, "clear", (), None, False, 0)
    return {
        "photograph_id": photograph_id,
        "kind": said.kind,
        "decides": said.decides,
        "restates": said.since or None,
        "model_version": said.prelabel and said.prelabel.model_version,
        "said": said.class_ids,
        "shown": said.prelabel.class_ids if said.prelabel else (),
    }


def _content(said: opinions.Opinion | None) -> tuple:
    """What an opinion says, whichever event said so; a cleared one is as good as none."""
    if said is None or said.kind == "clear":
        return ("clear", (), False)
    return (said.kind, said.class_ids, said.decides)


# The log.


def _label_events(
    connection: sqlalchemy.Connection, after: int, limit: int, photograph_id: int | None
) -> list[Event]:
    table, actions = schema.LabelEvent.__table__, schema.Action.__table__
    numbers = select(table.c.number).where(table.c.number > after)
    if photograph_id is not None:
        numbers = numbers.where(table.c.photograph_id == photograph_id)
    numbers = numbers.order_by(table.c.number).limit(limit)
    chosen = numbers.subquery()
    query = (
        select(table.c.number.label("event"), actions)
        .join(actions, table.c.action == actions.c.number)
        .join(chosen, table.c.number == chosen.c.number)
    )
    rows = {row.event: row for row in connection.execute(query)}
    return [
        _event(said.event, rows[said.event], said=said) for said in _said(connection, numbers, {})
    ]


def _class_events(connection: sqlalchemy.Connection, after: int, limit: int) -> list[Event]:
    table, actions = schema.ClassEvent.__table__, schema.Action.__table__
    query = (
        select(table, actions.c.time, actions.c.labeler_id, actions.c.how, actions.c.undoes)
        .join(actions, table.c.action == actions.c.number)
        .where(table.c.number > after)
        .order_by(table.c.number)
        .limit(limit)
    )
    return [
        _event(
            row.number,
            row,
            change=ClassChange(row.class_id, row.change, row.name, row.key, row.into_id),
        )
        for row in connection.execute(query)
    ]


def _event(
    number: int,
    action: sqlalchemy.Row,
    *,
    said: opinions.Opinion | None = None,
    change: ClassChange | None = None,
) -> Event:
    return Event(
        number=number,
        action=getattr(action, "action", action.number),
        time=action.time,
        labeler_id=action.labeler_id,
        how=action.how,
        undoes=action.undoes,
        said=said,
        change=change,
    )
