"""Silence is a finding: nudge once, then tell staff; and write the calendar further ahead as time passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.db import Sessions, transaction
from monitor.domain.delivery import State
from monitor.domain.localtime import Window, local_instant
from monitor.domain.plan import HORIZON, postop_day
from monitor.domain.sending import Kind
from monitor.domain.terms import Band
from monitor.locking import lock
from monitor.models import Alert, CheckIn, Episode, Message
from monitor.queries import assessments_of
from monitor.services.audit import record
from monitor.services.compose import patient_text
from monitor.services.isolation import Pass
from monitor.services.outbox import queue_to_patient
from monitor.services.plan import write_plan
from monitor.services.raise_alert import Finding, raise_alert
from monitor.services.seed import bundle_of

EXTEND_BEFORE = timedelta(days=60)
EVER = datetime.min.replace(tzinfo=UTC)
REACHED = (State.SENT, State.DELIVERED, State.UNCONFIRMED)


def chase(sessions: Sessions, clock: Clock) -> int:
    """Look at every open check-in once; returns how many were nudged or became a finding."""
    with transaction(sessions) as session:
        ids = session.scalars(select(CheckIn.id).where(CheckIn.state == "open")).all()
    moved = 0
    with Pass("chase") as each:
        for checkin_id in ids:
            with each(checkin_id), transaction(sessions) as session:
                checkin = lock(session, CheckIn, checkin_id)
                moved += checkin.state == "open" and look(session, checkin, now=clock.now())
    return moved


def extend_plans(sessions: Sessions, clock: Clock) -> int:
    """The maintenance reminders have no end; their rows are written out a year ahead."""
    now, extended = clock.now(), 0
    with transaction(sessions) as session:
        ids = session.scalars(
            select(Episode.id).where(Episode.cancelled_at.is_(None), Episode.planned_until < now + EXTEND_BEFORE)
        ).all()
    with Pass("extend plans") as each:
        for episode_id in ids:
            with each(episode_id), transaction(sessions) as session:
                extended += _extend(session, lock(session, Episode, episode_id), now=now)
    return extended


def _extend(session: Session, episode: Episode, *, now: datetime) -> bool:
    if episode.cancelled_at is not None or episode.planned_until >= now + EXTEND_BEFORE:
        return False  # somebody was first
    episode.planned_until = now + HORIZON
    write_plan(session, episode, bundle_of(session, episode.protocol_version_id), now=now)
    return True


def look(session: Session, checkin: CheckIn, *, now: datetime) -> bool:
    episode = session.get_one(Episode, checkin.episode_id)
    silence = bundle_of(session, episode.protocol_version_id).policy.silence
    asked = waiting_question(session, checkin)
    if asked is None or asked.sent_at is None or _was_helped(session, episode, since=asked.sent_at):
        return _end_if_old(checkin, silence.question_open, now=now)
    zone = ZoneInfo(episode.patient.timezone)
    day_after = asked.sent_at.astimezone(zone).date() + timedelta(days=1)
    first = checkin.asked_at or asked.sent_at
    if checkin.silent_at is None and now >= local_instant(day_after, silence.finding_at, zone):
        _find_silence(session, checkin, episode, now=now)
        return True
    if checkin.silent_at is not None and now - first >= silence.question_open:
        checkin.state, checkin.closed_at = ("partial" if checkin.answered_at else "silent"), now
        return True
    if checkin.nudged_at is None and checkin.silent_at is None and now - asked.sent_at >= silence.nudge:
        return _nudge(session, checkin, episode, asked, now=now)
    return False


def waiting_question(session: Session, checkin: CheckIn) -> Message | None:
    """The last question that reached the patient, if nothing was written since."""
    last = session.scalar(
        select(Message)
        .where(
            Message.checkin_id == checkin.id,
            Message.question.is_not(None),
            Message.kind != Kind.NUDGE,  # a reminder is no new question: it gives no further day
            Message.state.in_(REACHED),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    if last is None or last.sent_at is None:
        return None
    return None if checkin.answered_at is not None and checkin.answered_at > last.sent_at else last


def _was_helped(session: Session, episode: Episode, *, since: datetime) -> bool:
    """Whether staff have dealt with an alert since then: who was just called owes no answer to a text."""
    closed = select(Alert.id).where(Alert.episode_id == episode.id, Alert.closed_at >= since)
    return session.scalar(closed.limit(1)) is not None


def _end_if_old(checkin: CheckIn, open_for: timedelta, *, now: datetime) -> bool:
    """A check-in in which nothing waits for the patient ends when its questions do."""
    last = max(at for at in (checkin.answered_at, checkin.opened_at, checkin.asked_at, EVER) if at)
    if now - last < open_for:
        return False
    checkin.state, checkin.closed_at = ("partial" if checkin.answered_at else "silent"), now
    return True


def _nudge(session: Session, checkin: CheckIn, episode: Episode, asked: Message, *, now: datetime) -> bool:
    patient = episode.patient
    texting = Window(patient.clinic.texting_from, patient.clinic.texting_until)
    if texting.next_open(now, ZoneInfo(patient.timezone)) > now:
        return False
    bundle = bundle_of(session, episode.protocol_version_id)
    question = bundle.protocol.questions[asked.question or "pain"]
    checkin.nudged_at = now
    queue_to_patient(
        session,
        patient,
        patient_text(bundle, patient, "nudge", question.message, day=checkin.day),
        once=f"nudge:{checkin.id}",
        kind=Kind.NUDGE,
        due_at=now,
        now=now,
        question=question.name,
        checkin_id=checkin.id,
        episode_id=episode.id,
    )
    return True


def _find_silence(session: Session, checkin: CheckIn, episode: Episode, *, now: datetime) -> None:
    """Half an answer or none by the next morning: staff must know, urgently if it is not the first time."""
    checkin.silent_at = now
    band = Band.URGENT if _is_worrying(session, checkin, episode) else Band.SOON
    patient = episode.patient
    day = max(postop_day(episode.surgery_on, now, ZoneInfo(patient.timezone)), 0)
    what = "left the check-in half answered" if checkin.answered_at else "did not answer the check-in"
    reason = {
        "rule": f"silence:{checkin.step}",
        "sign": None,
        "said": "",
        "text": f"The text was delivered and the patient {what} of day {checkin.day}.",
        "band": band,
        "points": 0,
        "source": "I",
    }
    raise_alert(
        session,
        Finding(
            clinic=patient.clinic,
            kind="silence",
            band=band,
            day=day,
            version_id=episode.protocol_version_id,
            reasons=[reason],
            patient=patient,
            episode=episode,
        ),
        bundle=bundle_of(session, episode.protocol_version_id),
        now=now,
    )
    record(session, "silence", at=now, patient_id=patient.id, checkin=checkin.id, band=band)


def _is_worrying(session: Session, checkin: CheckIn, episode: Episode) -> bool:
    """A second silent check-in, or silence after an abnormal answer."""
    before = session.scalar(
        select(CheckIn.id).where(
            CheckIn.episode_id == episode.id, CheckIn.id != checkin.id, CheckIn.silent_at.is_not(None)
        )
    )
    last = session.scalar(assessments_of(episode.id).limit(1))
    return before is not None or (last is not None and Band(last.band) > Band.EXPECTED)
