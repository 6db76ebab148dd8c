"""Engine, declarative base, the UTC column type, and the one way to open a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    any_,
    cast,
    create_engine,
    event,
    func,
    insert,
    literal,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from monitor.errors import BadInput, NotReady

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC instant. A naive one is a mistake and is refused on its way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored: give it a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The tables' common ground; datetimes are aware UTC everywhere."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UTCDateTime()}  # noqa: RUF012 -- SQLAlchemy reads it as it stands

    def is_work(self) -> bool:
        """Whether a worker must look at this row at once, now that it is written."""
        return False


def insert_many(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with the same columns as they are, in one statement, past the session's own bookkeeping. A column
    that they do not name has its default."""
    if rows:
        session.execute(insert(Base.metadata.tables[table.__tablename__]), rows)


Sessions = sessionmaker[Session]
READS_ONLY = "reads_only"
POSTGRES = {"postgresql+psycopg"}
DRIVERS = {"sqlite+pysqlite"} | POSTGRES
ON_POSTGRES: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_size": 8,
    "max_overflow": 16,
    "connect_args": {
        "connect_timeout": 5,
        "application_name": "implant-monitor",
        # Nobody waits for ever for a row, and a process that was stopped half-way holds up nobody for long.
        "options": "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
    },
}


def connect(url: str) -> Engine:
    """An engine for this URL. SQLite runs in WAL mode with immediate transactions, so a writer never
    finds half-way that another one was first."""
    try:
        where = make_url(url)
        if where.drivername == "postgresql":
            where = where.set(drivername="postgresql+psycopg")
        # A statement's parameters are patients' names, numbers and words: no message may show them.
        engine = create_engine(where, hide_parameters=True, **(ON_POSTGRES if where.drivername in POSTGRES else {}))
    except ModuleNotFoundError as error:
        if error.name == "psycopg":
            raise NotReady("PostgreSQL needs its driver: pip install 'implant-monitor[postgres]'") from None
        engine = None
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        engine = None
    if engine is None or f"{engine.dialect.name}+{engine.driver}" not in DRIVERS:
        scheme = url.partition("://")[0] if "://" in url else "no scheme"  # the rest may hold a password
        raise BadInput("MONITOR_DATABASE_URL", scheme, "sqlite:///path or postgresql+psycopg://user@host/name")
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    return engine


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in ("journal_mode=WAL", "busy_timeout=10000", "foreign_keys=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        reads_only = connection.get_execution_options().get(READS_ONLY)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


WORK = "work for a worker was written"  # among what a session knows


def note_work(session: Session) -> None:
    """Say that this transaction writes what a worker must look at at once, where no `Base.is_work` can tell."""
    session.info[WORK] = True


def open_sessions(engine: Engine) -> Sessions:
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def transaction(sessions: Sessions) -> Iterator[Session]:
    """One unit of work: committed at the end, rolled back on any error.

    What the database itself cannot do (locked, read-only, full, gone) becomes `NotReady`,
    so that a webhook answers 503 and the provider comes again.
    """
    try:
        with sessions.begin() as session:
            yield session
    except DBAPIError as error:
        if is_outage(error):
            raise NotReady(f"the database cannot work now: {reason_of(error)}") from error
        raise


@contextmanager
def reading(sessions: Sessions) -> Iterator[Session]:
    """A transaction that writes nothing: on SQLite it keeps no writer waiting, however long it takes."""
    with transaction(sessions) as session:
        session.connection(execution_options={READS_ONLY: True})
        yield session


AS_JSON = JSON().with_variant(JSONB(), "postgresql")


def one_of(session: Session, column: InstrumentedAttribute[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column IN values` as one parameter on PostgreSQL: the statement is the same for any number of values, so that
    it is compiled and planned once."""
    if session.get_bind().dialect.name == "sqlite":
        return column.in_(values)
    return column == any_(literal(list(values), ARRAY(column.type)))


def update_each(
    session: Session, column: InstrumentedAttribute[Any], values: Mapping[int, str], *where: Any, **same: Any
) -> frozenset[int]:
    """Set a text column of many rows, each to a value of its own, and other columns to what is the same for all: one
    statement, on both engines. Returns the ids of the rows that were there and fit; objects in the session stay old."""
    if not values:
        return frozenset()
    table = column.class_
    read = func.json_each if session.get_bind().dialect.name == "sqlite" else func.jsonb_each_text
    given = read(literal(dict(values), AS_JSON)).table_valued("key", "value")
    changed = session.scalars(
        update(table)
        .where(table.id == cast(given.c.key, Integer), *where)
        .values({column: given.c.value, **{getattr(table, name): value for name, value in same.items()}})
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return frozenset(changed)


OUTAGE_WORDS = (
    "locked",
    "readonly",
    "read-only",
    "full",
    "unable to open",
    "disk i/o",
    "not a database",
    "malformed",
)


MISSING_TABLE = "42P01"  # PostgreSQL's code
NO_CONNECTION = (
    "connection refused",
    "no such file or directory",
    "timeout expired",
    "password authentication failed",
    "does not exist",
    "too many clients",
    "starting up",
    "shutting down",
)


def is_outage(error: DBAPIError) -> bool:
    """Whether this is the database's trouble and not a mistake in what was asked of it."""
    words = str(error.orig).lower()
    lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return lost or _is_unmade(error) or any(word in words for word in OUTAGE_WORDS)


def _is_unmade(error: DBAPIError) -> bool:
    """Whether nobody has made the tables yet."""
    return getattr(error.orig, "sqlstate", None) == MISSING_TABLE or "no such table" in str(error.orig)


def reason_of(error: DBAPIError) -> str:
    """What the driver says of an outage: its own words hold no row data; str(error) would show the statement.

    Of a connection that could not be made they hold parts of the URL, and so perhaps of a password: then only
    the kind of failure is told.
    """
    words = str(error.orig).splitlines()[0] if error.orig else "no answer"
    if _is_unmade(error):
        return f"{words}: run `monitor init`"
    if getattr(error.orig, "sqlstate", "") is None:
        return next((known for known in NO_CONNECTION if known in str(error.orig).lower()), "no connection to it")
    return words


def storable(text: str) -> str:
    """A text as every database can keep it: NUL and lone surrogates become a sign that stands for them.

    >>> storable("a\\x00b")
    'a\ufffdb'
    """
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def migrations_folder() -> Path:
    """Inside the wheel, or beside the package in a checkout."""
    return data_folder("migrations")


def data_folder(name: str) -> Path:
    here = Path(__file__).parent
    inside = here / name
    return inside if inside.is_dir() else here.parent / name
