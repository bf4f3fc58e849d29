"""The tables of the studio's database, on SQLite and on PostgreSQL, and what they refuse.

All that people say is a log: rows of its tables are added and never changed. What a
photograph's label is now, or was at any earlier time, is computed from it. Triggers hold to that
in the database itself, whatever program writes to it:

- no row of the log is changed or deleted;
- no photograph leaves the part of the data that it was drawn for, and none is deleted;
- no answer to a photograph of the test set says that a model's suggestion was shown.

Explained on the page *The Studio*.
"""

import datetime
import re

import sqlalchemy
from sqlalchemy import orm

VERSION = 1  # of the tables; a database says which one it has

KINDS = ("label", "unsure", "skip", "clear")
HOWS = ("key", "bulk", "import", "undo", "rollback", "class")
PARTS = ("training", "test", "neither")
ROLES = ("said", "shown")
CHANGES = ("create", "rename", "key", "merge")

# SQLite counts rows only in a column that is called INTEGER.
_Number = sqlalchemy.BigInteger().with_variant(sqlalchemy.Integer(), "sqlite")

_ESCAPED = re.compile(r"\\(\\|udc[0-9a-f]{2})")


def _storable(text: str) -> str:
    """Text that every database takes; what Python makes of bytes that are no UTF-8 is spelled."""
    return text.replace("\\", "\\\\").encode("utf-8", "backslashreplace").decode("utf-8")


def _as_given(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        spelled = found.group(1)
        return "\\" if spelled == "\\" else chr(int(spelled[1:], 16))

    return _ESCAPED.sub(one, text)


class FilePath(sqlalchemy.types.TypeDecorator[str]):
    """A file's path; on Linux, its bytes need not be UTF-8, and no database takes such text."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sqlalchemy.Dialect) -> str | None:
        """As the database keeps it."""
        return None if value is None else _storable(value)

    def process_result_value(self, value: str | None, dialect: sqlalchemy.Dialect) -> str | None:
        """As it was given to the database."""
        return None if value is None else _as_given(value)


class Utc(sqlalchemy.types.TypeDecorator[datetime.datetime]):
    """A time in UTC; SQLite keeps no time zone, PostgreSQL answers in that of the session."""

    impl = sqlalchemy.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: sqlalchemy.Dialect
    ) -> datetime.datetime | None:
        """As the database keeps it."""
        return None if value is None else value.astimezone(datetime.UTC)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: sqlalchemy.Dialect
    ) -> datetime.datetime | None:
        """As the same moment in UTC."""
        if value is None or value.tzinfo is not None:
            return value and value.astimezone(datetime.UTC)
        return value.replace(tzinfo=datetime.UTC)


def _one_of(column: str, values: tuple[str, ...]) -> sqlalchemy.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sqlalchemy.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


class Base(orm.DeclarativeBase):
    """What all tables share: names of constraints that are the same in every database."""

    metadata = sqlalchemy.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Project(Base):
    """One row: what the project is, and the number of its last event.

    Every writer locks this row first. So events are numbered without gaps in the order in which
    they become visible, and whoever has seen number n has seen all before it.
    """

    __tablename__ = "studio_project"
    __table_args__ = (sqlalchemy.CheckConstraint("id = 1", name="is_the_only_one"),)

    id: orm.Mapped[int] = orm.mapped_column(_Number, primary_key=True, autoincrement=False)
    version: orm.Mapped[int]
    multi_label: orm.Mapped[bool]
    seed: orm.Mapped[int] = orm.mapped_column(_Number)
    test_share: orm.Mapped[float] = orm.mapped_column(sqlalchemy.Double)
    created: orm.Mapped[datetime.datetime] = orm.mapped_column(Utc)
    last_event: orm.Mapped[int] = orm.mapped_column(_Number)


class Labeler(Base):
    """A person who labels. ``folded`` is what two spellings of a name have in common."""

    __tablename__ = "studio_labelers"

    id: orm.Mapped[int] = orm.mapped_column(_Number, primary_key=True, autoincrement=False)
    name: orm.Mapped[str] = orm.mapped_column(sqlalchemy.Text)
    folded: orm.Mapped[str] = orm.mapped_column(sqlalchemy.Text, unique=True)


class Photograph(Base):
    """A file's content at a place in the folder, and the part of the data it was drawn for.

    ``group_number`` is the same for near-duplicates, ``draw`` the random number that decided.
    """

    __tablename__ = "studio_photographs"
    __table_args__ = (_one_of("part", PARTS),)

    id: orm.Mapped[int] = orm.mapped_column(_Number, primary_key=True, autoincrement=False)
    path: orm.Mapped[str] = orm.mapped_column(FilePath)
    sha256: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(64), index=True)
    group_number: orm.Mapped[int] = orm.mapped_column(_Number)
    part: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(16))
    draw: orm.Mapped[float] = orm.mapped_column(sqlalchemy.Double)
    present: orm.Mapped[bool]


class Class(Base):
    """That there is a class; its name and key are what the last change of it says."""

    __tablename__ = "studio_classes"

    id: orm.Mapped[int] = orm.mapped_column(_Number, primary_key=True, autoincrement=False)


class Action(Base):
    """Who did something, when and how: one key, a bulk of photographs, an undo.

    ``number`` is that of its first event. ``token`` is the writer's own name for the action: one
    that is sent twice is written once.
    """

    __tablename__ = "studio_actions"
    __table_args__ = (
        _one_of("how", HOWS),
        sqlalchemy.UniqueConstraint("labeler_id", "token"),
    )

    number: orm.Mapped[int] = orm.mapped_column(_Number, primary_key=True, autoincrement=False)
    time: orm.Mapped[datetime.datetime] = orm.mapped_column(Utc)
    labeler_id: orm.Mapped[int] = orm.mapped_column(
        _Number, sqlalchemy.ForeignKey(Labeler.id), index=True
    )
    how: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(16))
    undoes: orm.Mapped[int | None] = orm.mapped_column(
        _Number, sqlalchemy.ForeignKey("studio_actions.number"), unique=True
    )
    token: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.String(200))


class LabelEvent(Base):
    """What a labeler said of one photograph.

    ``restates`` is set by undo and rollback: the event whose content is in force again.
    ``decides`` settles a dispute: older answers of others no longer count.
    """

    __tablename__ = "studio_label_events"
    __table_args__ = (
        _one_of("kind", KINDS),
        sqlalchemy.Index(None, "photograph_id", "labeler_id", "number"),
    )

    number: orm.Mapped[int] = orm.mapped_column(_Number, primary_key=True, autoincrement=False)
    action: orm.Mapped[int] = orm.mapped_column(
        _Number, sqlalchemy.ForeignKey(Action.number), index=True
    )
    labeler_id: orm.Mapped[int] = orm.mapped_column(_Number, sqlalchemy.ForeignKey(Labeler.id))
    photograph_id: orm.Mapped[int] = orm.mapped_column(
        _Number, sqlalchemy.ForeignKey(Photograph.id)
    )
    kind: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(16))
    decides: orm.Mapped[bool]
    restates: orm.Mapped[int | None] = orm.mapped_column(
        _Number, sqlalchemy.ForeignKey("studio_label_events.number")
    )
    model_version: orm.Mapped[int | None] = orm.mapped_column(_Number)


class EventClass(Base):
    """A class that an event named: said by the labeler, or shown to them by a model."""

    __tablename__ = "studio_event_classes"
    __table_args__ = (_one_of("role", ROLES),)

    event: orm.Mapped[int] = orm.mapped_column(
        _Number, sqlalchemy.ForeignKey(LabelEvent.number), primary_key=True, autoincrement=False
    )
    role: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(8), primary_key=True)
    class_id: orm.Mapped[int] = orm.mapped_column(
        _Number, sqlalchemy.ForeignKey(Class.id), primary_key=True, autoincrement=False
    )


class ClassEvent(Base):
    """A change of a class: created, renamed, given another key, merged into another."""

    __tablename__ = "studio_class_events"
    __table_args__ = (_one_of("change", CHANGES),)

    number: orm.Mapped[int] = orm.mapped_column(_Number, primary_key=True, autoincrement=False)
    action: orm.Mapped[int] = orm.mapped_column(_Number, sqlalchemy.ForeignKey(Action.number))
    class_id: orm.Mapped[int] = orm.mapped_column(_Number, sqlalchemy.ForeignKey(Class.id))
    change: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(8))
    name: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.Text)
    key: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.Text)
    into_id: orm.Mapped[int | None] = orm.mapped_column(_Number, sqlalchemy.ForeignKey(Class.id))


LOG = (Class, Action, LabelEvent, EventClass, ClassEvent)
LOCKED_COLUMNS = ("id", "sha256", "group_number", "part", "draw")

REFUSED = "the studio keeps what was said and drawn"  # how the triggers' messages begin
REFUSED_BLIND = "the studio keeps its test set blind"


def create(connection: sqlalchemy.Connection) -> None:
    """Make the tables and their triggers, in the caller's transaction.

    Args:
        connection: to SQLite or PostgreSQL.
    """
    Base.metadata.create_all(connection)
    statements = {"sqlite": _sqlite_triggers, "postgresql": _postgresql_triggers}
    for statement in statements[connection.dialect.name]():
        connection.exec_driver_sql(statement)


def _sqlite_triggers() -> list[str]:
    photographs, events = Photograph.__tablename__, LabelEvent.__tablename__
    kept = {f"{table.__tablename__}_update": f"UPDATE ON {table.__tablename__}" for table in LOG}
    kept |= {
        f"{table.__tablename__}_delete": f"DELETE ON {table.__tablename__}"
        for table in (*LOG, Photograph)
    }
    kept[f"{photographs}_update"] = f"UPDATE OF {', '.join(LOCKED_COLUMNS)} ON {photographs}"
    made = [
        f"CREATE TRIGGER {name} BEFORE {what} BEGIN "
        f"SELECT RAISE(ABORT, '{REFUSED}: no {what}'); END"
        for name, what in kept.items()
    ]
    blind = (
        f"CREATE TRIGGER {events}_blind BEFORE INSERT ON {events} "
        "WHEN NEW.model_version IS NOT NULL AND "
        f"(SELECT part FROM {photographs} WHERE id = NEW.photograph_id) = 'test' "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSED_BLIND}'); END"
    )
    return [*made, blind]


def _postgresql_triggers() -> list[str]:
    photographs, events = Photograph.__tablename__, LabelEvent.__tablename__
    function = (
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN {body} RETURN NEW; END $$"
    )
    refuse = (
        f"RAISE EXCEPTION USING MESSAGE = '{REFUSED}: no ' || TG_OP || ' ON ' || TG_TABLE_NAME;"
    )
    blind = (
        f"IF (SELECT part FROM {photographs} WHERE id = NEW.photograph_id) = 'test' THEN "
        f"RAISE EXCEPTION USING MESSAGE = '{REFUSED_BLIND}'; END IF;"
    )
    kept = {table.__tablename__: "UPDATE OR DELETE OR TRUNCATE" for table in LOG}
    kept[photographs] = f"UPDATE OF {', '.join(LOCKED_COLUMNS)} OR DELETE OR TRUNCATE"
    return [
        function.format(name="studio_refuse", body=refuse),
        function.format(name="studio_blind", body=blind),
        *(
            f"CREATE TRIGGER {table}_kept BEFORE {what} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION studio_refuse()"
            for table, what in kept.items()
        ),
        f"CREATE TRIGGER {events}_blind BEFORE INSERT ON {events} FOR EACH ROW "
        "WHEN (NEW.model_version IS NOT NULL) EXECUTE FUNCTION studio_blind()",
    ]
