"""After a restore: learn from the provider what happened since the backup, before anything may be sent.

What the backup holds as waiting may have been sent since, so the provider is asked about each text whose time is
past. The replies since then are read again, each at the moment at which it came, so that they set off the same
answers; these are asked about in their turn. Only what the provider does not know of is left for a worker to send.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from monitor.clock import Clock, StoppedClock
from monitor.db import Sessions, transaction
from monitor.domain.delivery import State
from monitor.domain.localtime import Window
from monitor.domain.phone import normalise_sender
from monitor.domain.sending import Kind
from monitor.errors import ProtocolError
from monitor.locking import lock, note_moment
from monitor.models import Alert, CheckIn, Cursor, Episode, Message, Patient
from monitor.services.audit import record
from monitor.services.backup import Tell, quiet
from monitor.services.chase import extend_plans, look, waiting_question
from monitor.services.compose import patient_text
from monitor.services.escalate import tell_slip
from monitor.services.read import read_waiting
from monitor.services.receive import save_inbound
from monitor.services.reconcile import CLOCK_SLACK, CURSOR, FETCH_OVERLAP, adopt, find_match
from monitor.services.seed import bundle_of
from monitor.sms.gateway import Gateway, Received, Sent

RESTORED = "restored"  # the cursor of a restore that is not finished: the moment of the backup
IN_DOUBT = (State.SENDING, State.UNKNOWN)
TOLD_AS_OF_NOW = (Kind.ANSWER, Kind.EMERGENCY)  # their words may hold a time
LOOK_UPS = 200  # numbers that are asked about together
AT_ONCE = 16  # of them at the same time
MINUTES = re.compile(r"(?<=\d:)\d\d")


@dataclass(frozen=True, slots=True)
class Caught:
    """What the provider knew that the backup did not."""

    since: datetime
    sent: int
    received: int


def unfinished_since(sessions: Sessions) -> datetime | None:
    """The moment of the backup, while a restore is not finished and nothing may be sent."""
    with transaction(sessions) as session:
        cursor = session.get(Cursor, RESTORED)
        return cursor.at if cursor else None


def catch_up(sessions: Sessions, gateway: Gateway, clock: Clock, *, since: datetime, tell: Tell = quiet) -> Caught:
    """Finish a restore. Safe to repeat: what an earlier try has learned is in the database."""
    now = clock.now()
    past = Past(sessions, gateway, _since(sessions, since), now)
    texts = gateway.received_since(_read_until(sessions, since) - FETCH_OVERLAP)
    read_waiting(sessions, StoppedClock(since))
    received = 0
    for done, text in enumerate(texts):
        received += past.receive(text)
        tell(done, len(texts))
    past.ask(now, tell=tell)
    _nudge_as_then(sessions, now)
    past.ask(now)
    past.tell_slips()
    extend_plans(sessions, clock)
    past.ask(now)
    with transaction(sessions) as session:
        note_moment(session, Cursor, CURSOR, now)
        session.delete(session.get_one(Cursor, RESTORED))
        record(session, "restored", at=now, since=since.isoformat(), sent=past.found, received=received)
    return Caught(since, past.found, received)


@dataclass
class Past:
    """The time since the backup as the provider has it, asked once a number: nothing is sent meanwhile."""

    sessions: Sessions
    gateway: Gateway
    since: datetime
    until: datetime
    found: int = 0
    _asked: set[int] = field(default_factory=set)
    _sent: dict[str, Sequence[Sent]] = field(default_factory=dict)

    def receive(self, text: Received) -> bool:
        """Read a text that the backup has not, on what its phone had been sent by then; False if it has it."""
        at = min(text.received_at, self.until)
        self.ask(at, Message.to_number == normalise_sender(text.from_))
        with transaction(self.sessions) as session:
            is_new = save_inbound(session, text, raw=None, now=at)
            if is_new:
                record(session, "inbound_fetched", at=at)
        read_waiting(self.sessions, StoppedClock(at))
        return is_new

    def ask(self, until: datetime, which: ColumnElement[bool] | None = None, *, tell: Tell = quiet) -> None:
        """Whether the texts were sent that were due by then, and those that came of these. A page is simply
        sent again."""
        while rows := self._not_asked(until, which):
            for done, (message_id, to) in enumerate(rows):
                if to not in self._sent:
                    self._look_up([number for _, number in rows[done : done + LOOK_UPS]])
                listed = self._sent_to(to)
                with transaction(self.sessions) as session:
                    self._adopt_if_sent(session, lock(session, Message, message_id), listed)
                self._asked.add(message_id)
                tell(done, len(rows))

    def _not_asked(self, until: datetime, which: ColumnElement[bool] | None) -> list[tuple[int, str]]:
        due = or_(Message.state.in_(IN_DOUBT), (Message.state == State.PLANNED) & (Message.due_at <= until))
        rows = select(Message.id, Message.to_number).where(
            due, Message.kind != Kind.PAGE, true() if which is None else which
        )
        with transaction(self.sessions) as session:
            found = session.execute(rows.order_by(Message.due_at, Message.id)).all()
        return [(message_id, to) for message_id, to in found if message_id not in self._asked]

    def _look_up(self, numbers: Sequence[str]) -> None:
        """Several at a time: the provider's answers are what takes long."""
        new = [number for number in dict.fromkeys(numbers) if number not in self._sent]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._sent.update(zip(new, pool.map(self._sent_to, new), strict=True))

    def _sent_to(self, number: str) -> Sequence[Sent]:
        if number not in self._sent:
            self._sent[number] = self.gateway.sent_since(number, self.since)
        return self._sent[number]

    def tell_slips(self) -> None:
        """Promises that passed: what the patient was told of it in that time is not told again. What the provider
        does not know of stays undone, and a worker tells it as of now."""
        with transaction(self.sessions) as session:
            promised = select(Alert.id, Patient.phone).join(Patient, Patient.id == Alert.patient_id)
            late = session.execute(promised.where(Alert.closed_at.is_(None), Alert.told_by_at <= self.until)).all()
        for alert_id, phone in late:
            listed = self._sent_to(phone)
            while self._was_told_slip(alert_id, listed):
                pass

    def _was_told_slip(self, alert_id: int, listed: Sequence[Sent]) -> bool:
        with transaction(self.sessions) as session:
            alert = lock(session, Alert, alert_id)
            if alert.told_by_at is None or alert.told_by_at > self.until:
                return False
            with session.begin_nested() as attempt:
                tell_slip(session, alert, now=alert.told_by_at)
                rows = select(Message).where(Message.once.like(f"slip:{alert_id}:%"), Message.state == State.PLANNED)
                row = session.scalar(rows)
                told = row is not None and self._adopt_if_sent(session, row, listed)
                if not told:
                    attempt.rollback()
            return told

    def _adopt_if_sent(self, session: Session, message: Message, listed: Sequence[Sent]) -> bool:
        not_before = self._earliest(message) - CLOCK_SLACK
        possible = [sent for sent in listed if sent.sent_at is None or sent.sent_at >= not_before]
        body = message.body or _written(session, message)
        match = find_match(session, message, possible, body)
        if match is None and body and message.kind in TOLD_AS_OF_NOW:
            about = [replace(sent, body=_to_the_hour(sent.body)) for sent in possible]
            match = find_match(session, message, about, _to_the_hour(body))
        if match is None:
            return False
        at = match.sent_at or self.until
        if message.state == State.PLANNED:
            message.state, message.claimed_at, message.body = State.SENDING, at, body
            message.attempts += 1
        message.sent_at = at
        adopt(session, message, match, now=at)
        self.found += 1
        return True

    def _earliest(self, message: Message) -> datetime:
        """Before this the provider cannot have had it: another text with the same words is not this one."""
        if message.state in IN_DOUBT:
            return message.claimed_at or message.created_at
        return self.since if message.kind == Kind.NUDGE else message.due_at


def _to_the_hour(body: str) -> str:
    """A promise of the second time around may be a minute off.

    >>> _to_the_hour("They will call you by Tue 3 Nov 16:01.")
    'They will call you by Tue 3 Nov 16:.'
    """
    return MINUTES.sub("", body)


def _since(sessions: Sessions, backup: datetime) -> datetime:
    """From when on to ask: the backup, or the claim of a text that was in doubt when it was made."""
    with transaction(sessions) as session:
        oldest = session.scalar(select(func.min(Message.claimed_at)).where(Message.state.in_(IN_DOUBT)))
    return min(backup, oldest or backup) - CLOCK_SLACK


def _read_until(sessions: Sessions, backup: datetime) -> datetime:
    with transaction(sessions) as session:
        cursor = session.get(Cursor, CURSOR)
        return min(cursor.at, backup) if cursor else backup


def _nudge_as_then(sessions: Sessions, until: datetime) -> None:
    """Look at each silent check-in as of the moment at which its reminder was due."""
    silent = select(CheckIn.id).where(CheckIn.state == "open", CheckIn.nudged_at.is_(None), CheckIn.silent_at.is_(None))
    with transaction(sessions) as session:
        ids = session.scalars(silent).all()
    for checkin_id in ids:
        with transaction(sessions) as session:
            checkin = lock(session, CheckIn, checkin_id)
            at = _nudge_due(session, checkin)
            if at is not None and at <= until:
                look(session, checkin, now=at)


def _nudge_due(session: Session, checkin: CheckIn) -> datetime | None:
    asked = waiting_question(session, checkin)
    if asked is None or asked.sent_at is None:
        return None
    episode = session.get_one(Episode, checkin.episode_id)
    patient, silence = episode.patient, bundle_of(session, episode.protocol_version_id).policy.silence
    texting = Window(patient.clinic.texting_from, patient.clinic.texting_until)
    return texting.next_open(asked.sent_at + silence.nudge, ZoneInfo(patient.timezone))


def _written(session: Session, message: Message) -> str | None:
    """The words of a text that is written only when it leaves; None if it cannot be."""
    episode = session.get(Episode, message.episode_id) if message.episode_id else None
    if episode is None:
        return None
    checkin = session.get(CheckIn, message.checkin_id) if message.checkin_id else None
    try:
        bundle = bundle_of(session, episode.protocol_version_id)
        return patient_text(bundle, episode.patient, message.template or "", day=checkin.day if checkin else 0)
    except ProtocolError:
        return None
