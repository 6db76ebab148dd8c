"""Check planned against actual: every text, every reply, every alert accounted for, or named as a hole.

A full look walks through each table once, some thousand rows at a time, each time in a short transaction: it takes
as little memory for a million rows as for one, and a worker hardly notices it. A quick look counts what hangs on
things that are still open, which indexes find at once however much there is behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from monitor.domain.delivery import FINAL, State
from monitor.domain.plan import plan_episode
from monitor.models import Alert, Assessment, CheckIn, Episode, Inbound, Message, MessageColumns, PastMessage, Tally
from monitor.queries import IS_MOVING, is_due, wherever
from monitor.services.forget import DELETED, forgotten_before
from monitor.services.plan import course_of
from monitor.services.seed import bundle_of

# How late each thing may be before it counts as lost sight of.
OVERDUE = timedelta(minutes=10)
IN_DOUBT = timedelta(hours=3)
UNCONFIRMED = timedelta(hours=30)
UNREAD = timedelta(minutes=2)

ROWS = 10_000  # looked at in one transaction
CALENDARS = 200
ENOUGH = 1000  # of one kind: a quick look counts no further
ALL_HOLES = "ledger holes"  # the tally of the last full look
Open = Callable[[], AbstractContextManager[Session]]
Tell = Callable[[float], None]  # how much of it is done, from 0 to 1


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that nobody is looking after any more."""

    what: str
    id: int | str
    why: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts by state, and the holes; an empty list of holes is what two of the promises ask for."""

    texts: dict[str, int] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    replies: dict[str, int] = field(default_factory=lambda: {"received": 0, "read": 0})
    checkins: dict[str, int] = field(default_factory=dict)
    alerts: dict[str, int] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)

    def add(self, part: str, state: str, count: int) -> None:
        counts: dict[str, int] = getattr(self, part)
        counts[state] = counts.get(state, 0) + count


@dataclass(frozen=True, slots=True)
class Walk:
    """One table: what may be a hole in it, by the reason that is told, and how its rows are counted.

    `open` is of what is not over, which an index holds; the rest can only be found by looking at every row.
    """

    what: str
    id: Any  # the column by which the table is walked
    shown: Any  # the column by which a hole is known
    open: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    over: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    part: SQLColumnExpression[str] | None = None  # of the ledger
    state: SQLColumnExpression[str] | None = None

    def holes(self) -> Select[Any]:
        every = {**self.open, **self.over}
        why = case(*((is_one, literal(why)) for why, is_one in every.items()))
        return select(self.shown, why).where(or_(*every.values())).order_by(self.id)

    def counts(self) -> Select[str, str, int]:
        assert self.part is not None
        assert self.state is not None
        return select(self.part.label("part"), self.state.label("status"), func.count()).group_by("part", "status")


def check_ledger(session: Session, now: datetime) -> Ledger:
    """The state of everything at this moment, within one transaction: for a database that is small."""
    ledger = Ledger()
    ledger.holes.extend(look_through(lambda: nullcontext(session), ledger, now))
    return ledger


def look_through(open_session: Open, ledger: Ledger, now: datetime, *, tell: Tell = lambda _: None) -> Iterator[Hole]:
    """Each hole as it is found, by short transactions that `open_session` opens; the counts are written into the
    ledger meanwhile and are whole at the end."""
    walks = _walks(now)
    for done, walk in enumerate(walks):
        for window, part in _windows(open_session, walk.id, ROWS):
            yield from _look(open_session, walk, window, ledger)
            tell((done + part) / (len(walks) + 1))
    for window, part in _windows(open_session, Episode.id, CALENDARS):
        with open_session() as session:
            missing = list(_plans(session, window, now))
        yield from missing
        tell((len(walks) + part) / (len(walks) + 1))
    with open_session() as session:
        for tally in session.scalars(select(Tally).where(Tally.name.startswith(DELETED))):
            whom, state = tally.name.removeprefix(DELETED).split()
            ledger.add("texts" if whom == "patient" else "pages", state, tally.count)


def count_holes(session: Session, now: datetime) -> dict[str, int]:
    """What a quick look finds: how many holes of each kind, at most ENOUGH for each reason."""
    found: dict[str, int] = {}
    for walk in _walks(now):
        for is_one in walk.open.values():
            some = select(walk.shown).where(is_one).limit(ENOUGH).subquery()
            count = session.scalar(select(func.count()).select_from(some)) or 0
            found[walk.what] = found.get(walk.what, 0) + count
    return found


def _walks(now: datetime) -> list[Walk]:
    checkins = Walk("checkin", CheckIn.id, CheckIn.id, part=literal("checkins"), state=CheckIn.state)
    return [_texts(now), _history(), _replies(now), _scores(), checkins, _alerts(now), _episodes(now)]


def _texts(now: datetime) -> Walk:
    return Walk(
        "text",
        Message.id,
        Message.id,
        open={
            "due and not sent": is_due(now - OVERDUE),
            "handed to the provider and never settled": and_(
                IS_MOVING,
                Message.state.in_([State.SENDING, State.UNKNOWN]),
                Message.claimed_at < now - IN_DOUBT,
            ),
            "sent and never asked about": and_(
                IS_MOVING, Message.state == State.SENT, Message.sent_at < now - UNCONFIRMED
            ),
        },
        over={"ended without a reason": _ended_silently(Message)},
        part=_whose(Message),
        state=Message.state,
    )


def _history() -> Walk:
    return Walk(
        "text",
        PastMessage.id,
        PastMessage.id,
        over={
            "ended without a reason": _ended_silently(PastMessage),
            "in history and not ended": PastMessage.state.not_in(FINAL),
        },
        part=_whose(PastMessage),
        state=PastMessage.state,
    )


def _replies(now: datetime) -> Walk:
    handled = Inbound.handled_at.is_not(None)
    return Walk(
        "reply",
        Inbound.id,
        Inbound.id,
        open={
            "received and not read": and_(Inbound.handled_at.is_(None), Inbound.received_at < now - UNREAD),
        },
        over={"read and not scored": and_(handled, _needs_score(), ~_score().exists())},
        part=literal("replies"),
        state=case((handled, "read"), else_="received"),
    )


def _scores() -> Walk:
    return Walk(
        "reply",
        Assessment.id,
        Assessment.inbound_id,
        over={"needs a person and raised no alert": _unheard()},
    )


def _alerts(now: datetime) -> Walk:
    return Walk(
        "alert",
        Alert.id,
        Alert.id,
        open={
            "open, and nobody will be paged": and_(
                Alert.closed_at.is_(None), or_(Alert.step_at.is_(None), Alert.step_at < now - OVERDUE)
            ),
        },
        over={"closed without an outcome": and_(Alert.closed_at.is_not(None), Alert.outcome.is_(None))},
        part=literal("alerts"),
        state=Alert.state,
    )


def _episodes(now: datetime) -> Walk:
    return Walk(
        "episode",
        Episode.id,
        Episode.id,
        open={"its calendar is not written on": and_(Episode.cancelled_at.is_(None), Episode.planned_until < now)},
    )


def _whose(texts: type[MessageColumns]) -> ColumnElement[str]:
    return case((texts.patient_id.is_not(None), "texts"), else_="pages")


def _ended_silently(texts: type[MessageColumns]) -> ColumnElement[bool]:
    reasonless = or_(texts.ended_at.is_(None), texts.why.is_(None))
    return and_(texts.state.in_(FINAL - {State.DELIVERED}), reasonless, texts.error_code.is_(None))


def _score() -> Select[Any]:
    return select(Assessment.id).where(Assessment.inbound_id == Inbound.id)


def _needs_score() -> ColumnElement[bool]:
    return Inbound.result.not_in(["staff", "unknown_number", "failed"])


def _unheard() -> ColumnElement[bool]:
    alert = select(Alert.id).where(
        Alert.patient_id == Assessment.patient_id,
        Alert.opened_at <= Assessment.created_at,
        or_(Alert.closed_at.is_(None), Alert.closed_at >= Assessment.created_at),
    )
    # A correction stands at the time of what it corrects, and what it raises is raised by whoever makes it.
    needed = and_(Assessment.disposition.in_(["alert", "review"]), Assessment.corrects_id.is_(None))
    return and_(needed, ~alert.exists())


def _windows(open_session: Open, id_: Any, rows: int) -> Iterator[tuple[ColumnElement[bool], float]]:
    """The table's rows in the order of their ids, so many at a time, and how much of it each time ends."""
    with open_session() as session:
        first, last = session.execute(select(func.min(id_), func.max(id_))).one()
    after = first - 1 if first is not None else None
    while after is not None and after < last:
        with open_session() as session:
            nth = select(id_).where(id_ > after, id_ <= last).order_by(id_).offset(rows - 1).limit(1)
            end = session.scalar(nth) or last
        yield and_(id_ > after, id_ <= end), (end - first + 1) / (last - first + 1)
        after = end


def _look(open_session: Open, walk: Walk, window: ColumnElement[bool], ledger: Ledger) -> list[Hole]:
    with open_session() as session:
        if walk.part is not None:
            for part, state, count in session.execute(walk.counts().where(window)):
                ledger.add(part, state, count)
                if (part, state) == ("replies", "read"):
                    ledger.add(part, "received", count)
        if not walk.open and not walk.over:
            return []
        return [Hole(walk.what, id_ or 0, why) for id_, why in session.execute(walk.holes().where(window))]


def _plans(session: Session, window: ColumnElement[bool], now: datetime) -> Iterator[Hole]:
    """Every step of every open episode's calendar must stand in the outbox or in history, unless that is deleted."""
    forgotten = forgotten_before(session)
    written = wherever(
        lambda texts: (
            select(texts.episode_id, texts.once)
            .join(Episode, Episode.id == texts.episode_id)
            .where(window, texts.once.startswith("plan:"))
        )
    )
    there = {once for _, once in session.execute(written)}
    still_open = select(Episode).where(window, Episode.cancelled_at.is_(None)).order_by(Episode.id)
    episodes = session.scalars(still_open).all()
    protocols = {key: bundle_of(session, key).protocol for key in {e.protocol_version_id for e in episodes}}
    for episode in episodes:
        protocol = protocols[episode.protocol_version_id]
        for row in plan_episode(protocol, course_of(episode), now, until=episode.planned_until):
            is_kept = forgotten is None or row.due_at >= forgotten
            if is_kept and f"plan:{episode.id}:{row.key}" not in there:
                yield Hole("episode", episode.id, f"no text is planned for {row.key}")
