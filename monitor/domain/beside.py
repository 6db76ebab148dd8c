"""What bears on whether a text to a patient may leave: the patient, the episode, and the patient's other texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.domain.delivery import LEFT, NOT_GONE, State
from monitor.domain.localtime import Window, local_date, local_instant
from monitor.domain.plan import postop_day
from monitor.domain.sending import ONE_A_DAY, Candidate, Kind

ONE_CONVERSATION = timedelta(hours=20)  # another episode's check-in so lately is the same morning's
ONE_DAY = timedelta(days=1)
ONE_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Beside:
    """One of a patient's texts, as far as it bears on another; `checkin_day` is the day that a check-in is of."""

    kind: str
    state: str
    episode_id: int | None
    checkin_day: int | None
    due_at: datetime
    claimed_at: datetime | None = None
    sent_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a text is for, and when it may reach them."""

    zone: ZoneInfo
    texting: Window
    opted_out: bool = False
    bad_number: bool = False


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The episode that a text belongs to."""

    surgery_on: date
    cancelled: bool = False
    paused_until: datetime | None = None


def candidate_of(
    text: Beside, to: Recipient, episode: FollowUp | None, beside: Sequence[Beside], now: datetime
) -> Candidate:
    """A text that is due with all that bears on it. `beside` are the patient's texts of the last seven days and those
    that wait, this one among them.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 8, 12, tzinfo=UTC)
    >>> ann = Recipient(ZoneInfo("UTC"), Window(time(9), time(20)))
    >>> checkin = Beside("checkin", "sent", 7, 4, noon, claimed_at=noon)
    >>> advice = Beside("reminder", "planned", 7, None, noon)
    >>> candidate_of(advice, ann, FollowUp(date(2026, 11, 4)), [checkin, advice], noon).sent_today
    1
    """
    today, week = _sent_lately(beside, to.zone, now=now)
    tomorrow = local_instant(local_date(now, to.zone) + ONE_DAY, time(0), to.zone)
    return Candidate(
        kind=Kind(text.kind),
        due_at=text.due_at,
        expires_at=text.expires_at,
        day=postop_day(episode.surgery_on, now, to.zone) if episode else 0,
        zone=to.zone,
        texting=to.texting,
        opted_out=to.opted_out,
        bad_number=to.bad_number,
        cancelled=episode is not None and episode.cancelled,
        paused_until=episode.paused_until if episode else None,
        sent_today=today,
        sent_this_week=week,
        welcome_due_at=_welcome_due(beside),
        welcomed=any(b.kind == Kind.WELCOME and b.state in LEFT for b in beside),
        merged_into=_later_checkin(text, beside, now=now),
        checkin_today=any(b.due_at < tomorrow for b in beside if _waits(b)),
        in_conversation=_other_checkin_open(text, beside, now=now),
    )


def _waits(text: Beside) -> bool:
    return text.kind == Kind.CHECKIN and text.state == State.PLANNED


def _sent_lately(beside: Sequence[Beside], zone: ZoneInfo, *, now: datetime) -> tuple[int, int]:
    """Texts of which one a day may leave: how many did today (local) and in the last seven days."""
    sent = [b.sent_at or b.claimed_at for b in beside if b.kind in ONE_A_DAY and b.state in LEFT]
    today = local_date(now, zone)
    return len([at for at in sent if at and local_date(at, zone) == today]), len(sent)


def _welcome_due(beside: Sequence[Beside]) -> datetime | None:
    """When the first text is due that has not certainly left."""
    return max((b.due_at for b in beside if b.kind == Kind.WELCOME and b.state in NOT_GONE), default=None)


def _later_checkin(text: Beside, beside: Sequence[Beside], *, now: datetime) -> int | None:
    """The day of the last check-in of the same episode that is due as well."""
    if text.kind != Kind.CHECKIN or text.checkin_day is None:
        return None
    due = [b for b in beside if _waits(b) and b.episode_id == text.episode_id and b.due_at <= now]
    return max(
        (b.checkin_day for b in due if b.checkin_day is not None and b.checkin_day > text.checkin_day), default=None
    )


def _other_checkin_open(text: Beside, beside: Sequence[Beside], *, now: datetime) -> bool:
    """Whether another episode's check-in is being talked about."""
    if text.kind != Kind.CHECKIN or text.episode_id is None:
        return False
    others = [b for b in beside if b.kind == Kind.CHECKIN and b.state in LEFT and b.episode_id is not None]
    lately = now - ONE_CONVERSATION
    return any(b.episode_id != text.episode_id and b.claimed_at and b.claimed_at >= lately for b in others)
