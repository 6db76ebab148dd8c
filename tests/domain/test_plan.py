"""The calendar of an episode: nothing left out, nothing out of its time, nothing dropped without a word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.db import data_folder
from monitor.domain.load_protocol import load_protocol
from monitor.domain.localtime import Window
from monitor.domain.plan import HORIZON, Course, Planned, add_months, plan_episode, plan_welcome, postop_day
from monitor.domain.protocol import Protocol

NEW_YORK = ZoneInfo("America/New_York")
MOMENTS = st.integers(0, 2 * 365 * 24 * 4).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * n))
SURGERY = date(2026, 11, 2)
NAME = "protocols/dental-implant.toml"


@cache
def protocol() -> Protocol:
    return load_protocol((data_folder("seeds") / NAME).read_text(encoding="utf-8"), file=NAME)


def plan(now: str, *, surgery: date = SURGERY, **traits: object) -> dict[str, Planned]:
    course = Course(surgery, NEW_YORK, spread_key="1:1", **traits)  # type: ignore[arg-type]
    at = datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)
    return {row.key: row for row in plan_episode(protocol(), course, at, until=at + HORIZON)}


def local(row: Planned) -> str:
    return f"{row.due_at.astimezone(NEW_YORK):%Y-%m-%d %H}"


def test_the_calendar_of_the_facts() -> None:
    rows = plan("2026-11-02 12:00", traits=frozenset({"removable_stitches_plain", "not_crown_fitted"}))
    assert {key: local(rows[key]) for key in ("care", "safety", "advice", "checkin-4", "checkin-7", "checkin-14")} == {
        "care": "2026-11-02 18",
        "safety": "2026-11-03 09",
        "advice": "2026-11-05 10",
        "checkin-4": "2026-11-06 10",
        "checkin-7": "2026-11-09 10",
        "checkin-14": "2026-11-16 10",
    }
    assert [rows[key].day for key in ("stitches", "review", "integration")] == [8, 42, 56]
    assert local(rows["maintenance"]).startswith("2027-05-02")
    assert local(rows["maintenance-xray"]).startswith("2027-11-02")
    assert [key for key, row in rows.items() if row.skip] == ["stitches-flap"]


@pytest.mark.parametrize(
    ("step", "last", "first_useless"),
    [
        ("checkin-4", "2026-11-08 23:59", "2026-11-09 00:00"),  # to the end of day 6
        ("checkin-7", "2026-11-14 23:59", "2026-11-15 00:00"),  # day 12
        ("checkin-14", "2026-11-22 23:59", "2026-11-23 00:00"),  # day 20
    ],
)
def test_a_check_in_is_of_use_until_its_last_day(step: str, last: str, first_useless: str) -> None:
    assert plan(last)[step].skip is None
    assert plan(first_useless)[step].skip == "its time had passed when it was planned"


def test_two_overdue_check_ins_become_the_later_one() -> None:
    """With days as the seeds have them they never overlap; a clinic's own may."""
    wide = replace(protocol(), steps=tuple(replace(s, expires_days=30) for s in protocol().steps))
    now = datetime(2026, 11, 20, 12, tzinfo=NEW_YORK)
    rows = plan_episode(wide, Course(SURGERY, NEW_YORK), now, until=now + HORIZON)
    why = {row.key: row.skip for row in rows if row.key.startswith("checkin")}
    merged = "merged into the check-in of day 14"
    assert why == {"checkin-4": merged, "checkin-7": merged, "checkin-14": None}


def test_what_the_episode_does_not_need_is_skipped_with_the_reason() -> None:
    assert plan("2026-11-02 12:00")["stitches"].skip == "not for this patient: needs removable_stitches_plain"


def test_the_hour_holds_on_both_sides_of_a_clock_change() -> None:
    rows = plan("2026-10-28 12:00", surgery=date(2026, 10, 28))
    assert local(rows["checkin-4"]) == "2026-11-01 10"
    assert rows["checkin-4"].due_at - rows["advice"].due_at == timedelta(hours=25)


def test_check_ins_of_different_patients_are_spread_over_the_first_hour() -> None:
    now = datetime(2026, 11, 2, 12, tzinfo=NEW_YORK)
    dues = {
        next(
            row.due_at
            for row in plan_episode(
                protocol(), Course(SURGERY, NEW_YORK, spread_key=f"1:{n}"), now, until=now + HORIZON
            )
            if row.key == "checkin-4"
        )
        for n in range(60)
    }
    assert len(dues) > 50
    assert max(dues) - min(dues) < timedelta(hours=1)
    assert min(dues) >= datetime(2026, 11, 6, 10, tzinfo=NEW_YORK)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-30, 3000),
    MOMENTS,
    st.sampled_from(["America/New_York", "Europe/Berlin", "Pacific/Apia", "UTC"]),
)
def test_whenever_somebody_is_enrolled_each_step_is_there_once_and_in_its_time(
    days: int, now: datetime, zone_name: str
) -> None:
    zone = ZoneInfo(zone_name)
    course = Course(now.astimezone(zone).date() - timedelta(days=days), zone, spread_key="1:7")
    rows = plan_episode(protocol(), course, now, until=now + HORIZON)
    keys = [row.key for row in rows]
    assert len(keys) == len(set(keys))
    assert {step.key for step in protocol().steps} <= {key.split("#")[0] for key in keys}
    for row in rows:
        assert row.skip is not None or row.expires_at > now
        assert row.due_at < row.expires_at
    asked_now = [row for row in rows if row.key.startswith("checkin") and row.skip is None and row.due_at <= now]
    assert len(asked_now) <= 1


def test_the_first_text_waits_for_texting_hours() -> None:
    course = Course(SURGERY, NEW_YORK, texting=Window(time(9), time(20)))
    noon, night = (datetime(2026, 11, 2, hour, tzinfo=NEW_YORK) for hour in (12, 23))
    assert plan_welcome(course, noon).due_at == noon
    assert local(plan_welcome(course, night)) == "2026-11-03 09"


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 1, 15), 12, date(2027, 1, 15)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
    ],
)
def test_months_end_where_the_month_does(day: date, months: int, then: date) -> None:
    assert add_months(day, months) == then


def test_the_postop_day_changes_at_the_patients_midnight() -> None:
    before = datetime(2026, 11, 10, 4, 59, tzinfo=UTC)
    assert postop_day(SURGERY, before, NEW_YORK) == 7
    assert postop_day(SURGERY, before + timedelta(minutes=1), NEW_YORK) == 8
