"""A database with many rows, written by SQL within it: texts that wait for their day, or that ended long ago."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, text

from monitor.domain.sending import PRIORITY, Kind
from monitor.models import CheckIn, Episode, Message, MessageColumns, PastMessage, Patient
from tests.bench.morning import OWNED, STRIDE

FIRST = 1_000_000_000  # the ids of what is written here: far from any other
A_COURSE = 15  # texts of one episode
# What waits in an episode's calendar, text by text.
KINDS = [Kind.SAFETY, *[Kind.CARE] * 2, *[Kind.CHECKIN] * 3, *[Kind.REMINDER] * 9]
COUNT = {
    "postgresql": "SELECT generate_series(0, {rows} - 1) AS i",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows}) SELECT i FROM n",
}
LATER = {
    "postgresql": "now() + ({days}) * interval '1 day'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', ({days}) || ' days')",
}
_MOVED = f"{{name}} + (i + 1) * {STRIDE}"
_COPIED = {
    **dict.fromkeys(("id", *OWNED), _MOVED),
    "once": f"'plan:' || (it.episode_id + (i + 1) * {STRIDE}) || substr(it.once, length('plan:' || it.episode_id) + 1)",
    "phone": "'+1202' || (5000001 + i)",
    "to_number": "'+1202' || (5000001 + i)",
}
NAME = {"postgresql": "lpad(i::text, 9, '0')", "sqlite": "printf('%09d', i)"}


def write_waiting(engine: Engine, rows: int) -> None:
    """Texts of other patients, due from tomorrow on, over the next 400 days."""
    _write(engine, Message, rows, state="planned", days="1 + i % 400 + (i % 86400) / 86400.0", ended=None)


def write_ended(engine: Engine, rows: int, table: type[MessageColumns] = PastMessage) -> None:
    """Texts of other patients, delivered a long time ago."""
    days = "-(100 + i % 400 + (i % 86400) / 86400.0)"
    _write(engine, table, rows, state="delivered", days=days, ended=days)


def _write(engine: Engine, table: type[MessageColumns], rows: int, *, state: str, days: str, ended: str | None) -> None:
    on = engine.dialect.name
    with _plain(engine) as connection:
        _trust_us(connection)
        _write_patients(connection, rows // A_COURSE + 1)
        indexes = sorted(table.__table__.indexes, key=lambda index: str(index.name))  # type: ignore[attr-defined]
        for index in indexes:  # they are made much faster than kept
            index.drop(connection)
        kinds = " ".join(f"WHEN {n} THEN '{kind}'" for n, kind in enumerate(KINDS))
        ranks = " ".join(f"WHEN {n} THEN {PRIORITY[kind]}" for n, kind in enumerate(KINDS))
        done = LATER[on].format(days=ended) if ended else "NULL"
        sid = f"'SM' || {NAME[on]}" if ended else "NULL"
        connection.execute(
            text(
                f"INSERT INTO {table.__tablename__} (id, once, clinic_id, patient_id, episode_id, kind, channel, "  # type: ignore[attr-defined]
                "to_number, template, priority, due_at, expires_at, state, attempts, sid, created_at, claimed_at, "
                "sent_at, ended_at) "
                f"SELECT {FIRST} + i, 'plan:' || {NAME[on]}, 1, {FIRST} + i / {A_COURSE}, {FIRST} + i / {A_COURSE}, "
                f"CASE i % {A_COURSE} {kinds} END, 'sms', '+1303' || (i / {A_COURSE}), 'care', "
                f"CASE i % {A_COURSE} {ranks} END, {LATER[on].format(days=days)}, NULL, '{state}', 0, "
                f"{sid}, "
                f"{LATER[on].format(days='0')}, {done}, {done}, {done} FROM ({COUNT[on].format(rows=rows)}) AS n"
            )
        )
        for index in indexes:
            index.create(connection)


def copy_patients(engine: Engine, patients: int) -> None:
    """The first patient, with episode, check-ins and calendar, so many times over, in the place of all others."""
    numbers = COUNT[engine.dialect.name].format(rows=patients - 1)
    with _plain(engine) as connection:
        _trust_us(connection)
        for table in (Message, CheckIn, Episode, Patient):
            connection.execute(text(f"DELETE FROM {table.__tablename__} WHERE id >= {STRIDE}"))
        for table in (Patient, Episode, CheckIn, Message):
            names = [column.key for column in table.__table__.columns]
            copied = ", ".join(_COPIED.get(name, "{name}").format(name=f"it.{name}") for name in names)
            connection.execute(
                text(
                    f"INSERT INTO {table.__tablename__} ({', '.join(names)}) SELECT {copied} "
                    f"FROM {table.__tablename__} AS it, ({numbers}) AS n WHERE it.id < {STRIDE}"
                )
            )
    tidy(engine)


def tidy(engine: Engine) -> None:
    """What the planner knows is of these rows, and no cleaner comes in the middle of a measurement."""
    with _plain(engine) as connection:
        if engine.dialect.name == "postgresql":  # SQLite knows nothing of its rows unless it is told to, and is not
            connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def _plain(engine: Engine) -> Iterator[Connection]:
    """Each statement is a transaction: ours opens one before the first."""
    plain = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with plain.connect() as connection:
        yield connection
    plain.dispose()


def _trust_us(connection: Connection) -> None:
    """References are right as they are written, and checking each takes most of the time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("SET maintenance_work_mem = '512MB'"))
    else:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        connection.execute(text("PRAGMA synchronous=OFF"))
        connection.execute(text("PRAGMA cache_size=-500000"))


def _write_patients(connection: Connection, patients: int) -> None:
    numbers = COUNT[connection.dialect.name].format(rows=patients)
    now = LATER[connection.dialect.name].format(days="0")
    connection.execute(
        text(
            "INSERT INTO patients (id, clinic_id, name, phone, timezone, language, consented_at, consent_how, "
            f"created_at) SELECT {FIRST} + i, 1, 'P', '+1303' || i, 'UTC', 'en', {now}, 'signed form', {now} "
            f"FROM ({numbers}) AS n WHERE true ON CONFLICT DO NOTHING"
        )
    )
    connection.execute(
        text(
            "INSERT INTO episodes (id, patient_id, protocol_version_id, surgery_on, two_stage, stitches, flap, risks, "
            f"planned_until, created_at) SELECT {FIRST} + i, {FIRST} + i, 1, CURRENT_DATE, false, 'none', false, '[]', "
            f"{LATER[connection.dialect.name].format(days='399')}, {now} FROM ({numbers}) AS n "
            "WHERE true ON CONFLICT DO NOTHING"
        )
    )
