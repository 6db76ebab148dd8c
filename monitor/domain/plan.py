"""An episode's calendar as planned texts: what, when, until when, and what is skipped and why."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from monitor.domain.localtime import Window, local_date, local_instant
from monitor.domain.protocol import Protocol, Step, StepKind

WELCOME = "welcome"
DAYTIME = Window(time(9), time(20))
SPREAD = timedelta(hours=1)
HORIZON = timedelta(days=400)  # how far ahead the endless maintenance reminders are written out


@dataclass(frozen=True, slots=True)
class Course:
    """What a plan depends on: the surgery, the person's clock and hours, and the episode's traits."""

    surgery_on: date
    zone: ZoneInfo
    hour: time = time(10)
    texting: Window = DAYTIME
    traits: Set[str] = frozenset()
    spread_key: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """One row of the schedule. `skip` says why it is written down but will not be sent."""

    key: str
    step: Step | None  # None: the welcome
    day: int
    due_at: datetime
    expires_at: datetime
    skip: str | None = None


def postop_day(surgery_on: date, instant: datetime, zone: ZoneInfo) -> int:
    """Days since surgery on the patient's local calendar; before surgery, negative.

    >>> postop_day(date(2026, 11, 1), datetime(2026, 11, 8, 9, tzinfo=ZoneInfo("UTC")), ZoneInfo("UTC"))
    7
    """
    return (local_date(instant, zone) - surgery_on).days


def day_of_text(surgery_on: date, received_at: datetime, zone: ZoneInfo) -> int:
    """The postop day by whose rules a text is read: what is written before surgery counts as of its day.

    >>> day_of_text(date(2026, 11, 1), datetime(2026, 10, 30, 9, tzinfo=ZoneInfo("UTC")), ZoneInfo("UTC"))
    0
    """
    return max(postop_day(surgery_on, received_at, zone), 0)


def plan_episode(protocol: Protocol, course: Course, now: datetime, *, until: datetime) -> list[Planned]:
    """Every text due until then, in order of time. What is overdue is sent at once or skipped with a reason:
    only the latest overdue check-in is asked."""
    rows = [_plan_step(step, day, key, course, now) for step, day, key in _occurrences(protocol, course, until)]
    rows = [row for row in rows if row.due_at <= until]
    return sorted(_merge_overdue(rows, now), key=lambda row: row.due_at)


def plan_welcome(course: Course, now: datetime) -> Planned:
    """The first text: names the clinic, says how to stop. It leaves as soon as texting hours allow."""
    due = course.texting.next_open(now, course.zone)
    day = postop_day(course.surgery_on, now, course.zone)
    return Planned(WELCOME, None, day, due, now + timedelta(days=7))


def add_months(day: date, months: int) -> date:
    """The same day so many months on, or the month's last.

    >>> add_months(date(2026, 8, 31), 6).isoformat()
    '2027-02-28'
    """
    year, month = divmod(day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(day.year + year, month + 1, last)
        except ValueError:
            continue
    return date(day.year + year, month + 1, day.day)


def _occurrences(protocol: Protocol, course: Course, until: datetime) -> list[tuple[Step, date, str]]:
    found = []
    for step in protocol.steps:
        count = 0
        while True:
            months = step.months + count * (step.repeat_months or 0)
            day = add_months(course.surgery_on, months) + timedelta(days=step.days)
            found.append((step, day, f"{step.key}#{count}" if count else step.key))
            count += 1
            if not step.repeat_months or local_instant(day, time(0), course.zone) > until:
                break
    return found


def _plan_step(step: Step, day: date, key: str, course: Course, now: datetime) -> Planned:
    due = local_instant(day, step.at or course.hour, course.zone)
    if step.at is None:
        due += _spread(course.spread_key)
    last_day = day + timedelta(days=step.expires_days if step.send_late else 0)
    expires = local_instant(last_day + timedelta(days=1), time(0), course.zone)
    skip = None
    if step.needs and step.needs not in course.traits:
        skip = f"not for this patient: needs {step.needs}"
    elif expires <= now:
        skip = "its time had passed when it was planned"
    return Planned(key, step, (day - course.surgery_on).days, due, expires, skip)


def _spread(key: str) -> timedelta:
    """A stable offset within the first hour, so that a clinic's day never falls on one second."""
    share = int.from_bytes(sha256(key.encode()).digest()[:4], "big") / 2**32
    return timedelta(seconds=int(SPREAD.total_seconds() * share))


def _merge_overdue(rows: list[Planned], now: datetime) -> list[Planned]:
    overdue = [r for r in rows if r.skip is None and r.due_at <= now and _is_checkin(r)]
    latest = max((r.day for r in overdue), default=None)
    merged = []
    for row in rows:
        if row in overdue and row.day != latest:
            row = _skipped(row, f"merged into the check-in of day {latest}")
        merged.append(row)
    return merged


def _is_checkin(row: Planned) -> bool:
    return row.step is not None and row.step.kind == StepKind.CHECKIN


def _skipped(row: Planned, why: str) -> Planned:
    return Planned(row.key, row.step, row.day, row.due_at, row.expires_at, why)
