"""What will become of the texts that wait, as the worker will decide: of the patients who stand on a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from monitor.domain.beside import ONE_WEEK, Beside, FollowUp, Recipient
from monitor.domain.delivery import LEFT, NOT_GONE
from monitor.domain.foretell import Fate, foretell
from monitor.domain.localtime import Window
from monitor.domain.sending import ONE_A_DAY, QUIET, Kind
from monitor.models import CheckIn, Clinic, Episode, Message, Patient
from monitor.queries import IS_PLANNED


@dataclass
class Waiting:
    """A patient's texts that wait, by their ids, and those that bear on them."""

    to: Recipient
    texts: dict[int, Beside] = field(default_factory=dict)
    episodes: dict[int | None, FollowUp] = field(default_factory=dict)


def fates_of(session: Session, patients: Collection[int], now: datetime) -> dict[int, Fate]:
    """By the id of each of these patients' texts that waits for its time in the calendar."""
    waiting = waiting_texts(session, patients, now).values()
    return {key: fate for one in waiting for key, fate in foretell(one.texts, one.to, one.episodes, now).items()}


def next_of(session: Session, patients: Collection[int], now: datetime) -> dict[int, datetime]:
    """When the next scheduled text of each episode of these patients leaves, by the episode's number."""
    earliest: dict[int, datetime] = {}
    for one in waiting_texts(session, patients, now).values():
        for key, fate in foretell(one.texts, one.to, one.episodes, now).items():
            episode = one.texts[key].episode_id
            if episode is not None and fate.leaves:
                earliest[episode] = min(fate.at, earliest.get(episode, fate.at))
    return earliest


def waiting_texts(session: Session, patients: Collection[int], now: datetime) -> Mapping[int, Waiting]:
    """By the patients' ids, of those to whom a text has lately left or will leave; in one statement."""
    found: dict[int, Waiting] = {}
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_texts(patients, now)):
        rows[row.patient_id].append(row)
    for patient_id, texts in rows.items():
        one = found[patient_id] = Waiting(_recipient(texts[0]))
        for row in texts:
            one.texts[row.id] = _beside(row)
            if row.surgery_on is not None:
                one.episodes[row.episode_id] = FollowUp(row.surgery_on, row.cancelled_at is not None, row.paused_until)
    return found


def _texts(patients: Collection[int], now: datetime) -> Any:
    """What the worker looks at, and the whole calendar that waits."""
    waits = and_(IS_PLANNED, Message.kind.in_(QUIET))
    welcome = and_(Message.kind == Kind.WELCOME, Message.state.in_({*NOT_GONE, *LEFT}))
    lately = and_(Message.kind.in_(ONE_A_DAY), Message.state.in_(LEFT), Message.claimed_at >= now - ONE_WEEK)
    return (
        select(
            *(Message.id, Message.patient_id, Message.episode_id, Message.kind, Message.state, CheckIn.day),
            *(Message.due_at, Message.expires_at, Message.claimed_at, Message.sent_at),
            *(Episode.surgery_on, Episode.cancelled_at, Episode.paused_until),
            *(Patient.timezone, Patient.opted_out_at, Patient.bad_number_at, Clinic.texting_from, Clinic.texting_until),
        )
        .join(Patient, Patient.id == Message.patient_id)
        .join(Clinic, Clinic.id == Patient.clinic_id)
        .outerjoin(Episode, Episode.id == Message.episode_id)
        .outerjoin(CheckIn, CheckIn.id == Message.checkin_id)
        .where(Message.patient_id.in_(patients), or_(waits, welcome, lately))
        .order_by(Message.id)
    )


def _recipient(row: Any) -> Recipient:
    return Recipient(
        zone=ZoneInfo(row.timezone),
        texting=Window(row.texting_from, row.texting_until),
        opted_out=row.opted_out_at is not None,
        bad_number=row.bad_number_at is not None,
    )


def _beside(row: Any) -> Beside:
    return Beside(
        kind=row.kind,
        state=row.state,
        episode_id=row.episode_id,
        checkin_day=row.day,
        due_at=row.due_at,
        claimed_at=row.claimed_at,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
    )
