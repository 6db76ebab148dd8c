"""The escalation policy's file: the seed says what was decided, and what cannot be used is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.db import data_folder
from monitor.domain.describe_policy import describe_policy
from monitor.domain.escalation import promise_by
from monitor.domain.localtime import WEEKDAYS, Window, WorkCalendar
from monitor.domain.policy import PageWhen, load_policy
from monitor.domain.terms import Band
from monitor.errors import ProtocolError

SEED = (data_folder("seeds") / "escalation.toml").read_text(encoding="utf-8")


def test_the_seed_holds_the_deadlines_that_were_decided() -> None:
    policy = load_policy(SEED)
    emergency, urgent, soon = (policy.bands[band] for band in (Band.EMERGENCY, Band.URGENT, Band.SOON))
    assert (emergency.page, emergency.ring) == (PageWhen.AT_ONCE, True)
    assert (emergency.next_tier, emergency.outcome) == (timedelta(minutes=3), timedelta(minutes=30))
    assert (urgent.page, urgent.ring) == (PageWhen.IN_DAY, False)
    assert (urgent.next_tier, urgent.outcome) == (timedelta(minutes=15), timedelta(hours=4))
    assert (soon.page, soon.latest) == (PageWhen.NEXT_NOON, timedelta(hours=48))
    assert (policy.day.start, policy.day.end) == (time(7), time(22))
    assert policy.silence.nudge == timedelta(hours=4)
    assert policy.silence.finding_at == time(10)
    assert policy.silence.question_open == timedelta(hours=48)
    assert policy.ring_last_resort


def test_what_stands_of_the_patients_promise_is_what_is_promised() -> None:
    """Of what came up on a Monday at 13:00 the patient is told "by Tuesday 18:00", 29 hours later."""
    policy = load_policy(SEED)
    monday = datetime(2026, 11, 2, 13, tzinfo=UTC)
    hours = {day: Window(time(8), time(18)) for day in WEEKDAYS[:5]}
    calendar = WorkCalendar(ZoneInfo("UTC"), hours)
    told = describe_policy(policy)
    assert promise_by(Band.SOON, False, monday, policy, calendar) == monday + timedelta(hours=29)
    assert told["soon"]["the patient is told"].startswith("that somebody calls within 6 h of that noon, not of their")
    night = monday + timedelta(hours=8)
    assert promise_by(Band.URGENT, False, night, policy, calendar) == monday + timedelta(hours=21)
    assert "within 4 h; the hours from 22:00 to 07:00 do not count" in told["urgent"]["the patient is told"]
    assert promise_by(Band.EMERGENCY, False, night, policy, calendar) == night + timedelta(minutes=30)
    assert told["emergency"]["the patient is told"] == "that somebody calls within 30 min"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('from = "07:00"', "from = 7", 'day.from: found 7; allowed: a time such as "07:00"'),
        ("ring = true ", "ring = 1 ", "emergency.ring: found 1; allowed: true or false"),
        ("next_tier_minutes = 3\n", "next_tier_minutes = 0\n", "emergency.next_tier_minutes: found 0; allowed: whole"),
        ('page = "at_once" ', 'page = "later" ', "emergency.page: found 'later'; allowed: one of at_once, in_day"),
        ("nudge_minutes = 240", "nudge_hours = 4", "silence.nudge_hours: found 4; allowed: one of finding_at, nudge"),
        ("[digest]", "[newsletter]", "newsletter: found"),
        ("[day]", "[day", "(the file): found"),
    ],
)
def test_what_cannot_be_used_is_refused_with_file_key_found_and_allowed(old: str, new: str, message: str) -> None:
    assert SEED.count(old) >= 1
    with pytest.raises(ProtocolError) as refused:
        load_policy(SEED.replace(old, new, 1), file="escalation.toml")
    assert str(refused.value).startswith("escalation.toml: ")
    assert message in str(refused.value)


@pytest.mark.parametrize("section", ["day", "digest", "emergency", "urgent", "soon", "last_resort", "silence"])
def test_no_section_may_be_left_out(section: str) -> None:
    head, _, rest = SEED.partition(f"[{section}]")
    _, bracket, tail = rest.partition("\n[")
    with pytest.raises(ProtocolError, match=f"{section}\\."):
        load_policy(head + (bracket + tail).lstrip("\n"))
