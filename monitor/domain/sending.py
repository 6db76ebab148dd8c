"""Whether a text that is due may leave now: opt-outs, quiet hours, the day's limit, its own last moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from monitor.domain.localtime import Window, local_date, local_instant


class Kind(StrEnum):
    """What a text is for; the order of `PRIORITY` is the order in which they leave."""

    PAGE = "page"
    EMERGENCY = "emergency"
    ANSWER = "answer"
    NOTICE = "notice"  # a promise that slipped, a confirmed opt-out
    WELCOME = "welcome"
    SAFETY = "safety"
    CHECKIN = "checkin"
    NUDGE = "nudge"
    CARE = "care"
    DIGEST = "digest"
    REMINDER = "reminder"


PRIORITY = {kind: rank for rank, kind in enumerate(Kind)}
SCHEDULED = frozenset({Kind.SAFETY, Kind.CHECKIN, Kind.CARE, Kind.REMINDER})
ONE_A_DAY = frozenset({Kind.CHECKIN, Kind.REMINDER})  # a safety text waits for no other, and holds up none
QUIET = SCHEDULED | {Kind.WELCOME, Kind.NUDGE}
DESPITE_OPT_OUT = frozenset({Kind.EMERGENCY, Kind.NOTICE})
TOLD_TO_TAKER = ("handed:", "more:")  # how texts are named without which whoever has an alert cannot help
NUMBER_IS_DEAD = "the number is known to be dead"
PAUSED = "the staff have paused the texts of this episode"
AFTER_WELCOME = timedelta(seconds=10)
MAX_LATER = 3  # scheduled texts in seven days, from day 15 on
LATER_DAY = 14


class Act(StrEnum):
    SEND = "send"
    SKIP = "skip"
    DEFER = "defer"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text to a patient that is due, and what bears on it. Counts are of such already sent as
    leave one a day."""

    kind: Kind
    due_at: datetime
    expires_at: datetime | None
    day: int
    zone: ZoneInfo
    texting: Window
    opted_out: bool = False
    bad_number: bool = False
    cancelled: bool = False
    sent_today: int = 0
    sent_this_week: int = 0
    merged_into: int | None = None  # a later check-in is due as well
    checkin_today: bool = False  # a check-in is planned for today: the day's one text is that
    welcome_due_at: datetime | None = None  # the first text, which says how to stop, has not left yet
    welcomed: bool = False  # the first text has left already, with another episode
    paused_until: datetime | None = None  # staff have paused the episode's texts
    in_conversation: bool = False  # another episode's check-in is being talked about today


@dataclass(frozen=True, slots=True)
class Verdict:
    act: Act
    why: str = ""
    until: datetime | None = None


def decide_send(text: Candidate, now: datetime) -> Verdict:
    """Send, skip with a reason, wait until a better time, or expire.

    >>> from datetime import UTC
    >>> night = datetime(2026, 11, 8, 23, tzinfo=UTC)
    >>> text = Candidate(Kind.REMINDER, night, None, 42, ZoneInfo("UTC"), Window(time(9), time(20)))
    >>> decide_send(text, night).until.isoformat()
    '2026-11-09T09:00:00+00:00'
    """
    if text.expires_at is not None and text.expires_at <= now:
        return Verdict(Act.EXPIRE, "its time had passed before it could be sent")
    if why := _reason_to_skip(text):
        return Verdict(Act.SKIP, why)
    wait = _wait_until(text, now)
    if wait is None:
        return Verdict(Act.SEND)
    if text.expires_at is not None and wait >= text.expires_at:
        return Verdict(Act.EXPIRE, "no time to send it was left before it was of no use")
    return Verdict(Act.DEFER, until=wait)


def _reason_to_skip(text: Candidate) -> str:
    if text.opted_out and text.kind not in DESPITE_OPT_OUT:
        return "the patient has opted out"
    if text.cancelled and text.kind in QUIET:
        return "the episode was cancelled"
    if text.bad_number and text.kind in QUIET:
        return NUMBER_IS_DEAD
    if _is_lost_to_pause(text):
        return PAUSED
    if text.merged_into is not None:
        return f"merged into the check-in of day {text.merged_into}"
    if text.welcomed and text.kind == Kind.WELCOME:
        return "the patient has had it with another episode"
    if text.in_conversation and text.kind == Kind.CHECKIN:
        return "asked in the other episode's check-in of the same day"
    return ""


def _is_lost_to_pause(text: Candidate) -> bool:
    """Whether a text is of no use any more when the pause ends."""
    if text.paused_until is None or text.expires_at is None or text.kind not in QUIET:
        return False
    return text.due_at < text.paused_until and text.expires_at <= text.paused_until


def _wait_until(text: Candidate, now: datetime) -> datetime | None:
    """The next time at which it may go, or None for now."""
    if text.kind not in QUIET:
        return None
    if text.paused_until is not None and text.paused_until > now:
        return text.texting.next_open(text.paused_until, text.zone)
    if text.kind in SCHEDULED and text.welcome_due_at is not None:
        return max(now, text.welcome_due_at) + AFTER_WELCOME
    if text.kind in ONE_A_DAY and _day_is_full(text):
        tomorrow = local_date(now, text.zone) + timedelta(days=1)
        return local_instant(tomorrow, max(text.texting.start, _hour(text)), text.zone)
    opening = text.texting.next_open(now, text.zone)
    return None if opening <= now else opening


def _day_is_full(text: Candidate) -> bool:
    if text.sent_today >= 1 or (text.checkin_today and text.kind != Kind.CHECKIN):
        return True
    return text.day > LATER_DAY and text.sent_this_week >= MAX_LATER


def _hour(text: Candidate) -> time:
    local = text.due_at.astimezone(text.zone).time()
    return local if text.texting.holds(local) else text.texting.start
