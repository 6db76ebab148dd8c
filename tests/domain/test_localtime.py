"""Wall clocks: both nights on which they change, windows over midnight, working days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.localtime import WEEKDAYS, Window, WorkCalendar, local_date, local_instant

BERLIN, NEW_YORK, SYDNEY = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
MOMENTS = st.integers(0, 2 * 365 * 24 * 4).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * n))
WEEK = {day: Window(time(8), time(18)) for day in WEEKDAYS[:5]}


@pytest.mark.parametrize(
    ("day", "at", "zone", "utc"),
    [
        (date(2026, 3, 29), time(2, 30), BERLIN, "2026-03-29 01:30"),  # skipped: the hour after the jump
        (date(2026, 3, 29), time(10), BERLIN, "2026-03-29 08:00"),
        (date(2026, 10, 25), time(2, 30), BERLIN, "2026-10-25 00:30"),  # twice: the first
        (date(2026, 10, 25), time(10), BERLIN, "2026-10-25 09:00"),
        (date(2027, 3, 14), time(2, 30), NEW_YORK, "2027-03-14 07:30"),
        (date(2026, 11, 1), time(1, 30), NEW_YORK, "2026-11-01 05:30"),
        (date(2026, 10, 4), time(2, 15), SYDNEY, "2026-10-03 15:45"),  # a jump of half an hour
    ],
)
def test_an_instant_on_the_bad_nights(day: date, at: time, zone: ZoneInfo, utc: str) -> None:
    assert f"{local_instant(day, at, zone):%Y-%m-%d %H:%M}" == utc


@given(MOMENTS, st.sampled_from([BERLIN, NEW_YORK, SYDNEY]))
def test_the_local_date_of_a_local_instant_is_the_date_it_was_made_of(now: datetime, zone: ZoneInfo) -> None:
    assert local_date(local_instant(now.date(), time(10), zone), zone) == now.date()


@pytest.mark.parametrize(
    ("start", "end", "at", "inside"),
    [
        (9, 20, time(9), True),
        (9, 20, time(20), False),
        (9, 20, time(8, 59, 59), False),
        (22, 7, time(23), True),
        (22, 7, time(6, 59), True),
        (22, 7, time(7), False),
    ],
)
def test_a_window_holds_its_start_and_not_its_end(start: int, end: int, at: time, inside: bool) -> None:
    assert Window(time(start), time(end)).holds(at) is inside


@given(
    MOMENTS,
    st.sampled_from([BERLIN, NEW_YORK, SYDNEY]),
    st.sampled_from([Window(time(9), time(20)), Window(time(22), time(7))]),
)
def test_the_next_opening_is_inside_and_less_than_a_day_or_so_away(
    now: datetime, zone: ZoneInfo, window: Window
) -> None:
    opening = window.next_open(now, zone)
    assert window.holds(opening.astimezone(zone).time())
    assert timedelta() <= opening - now <= timedelta(hours=25)


def test_working_days_leave_out_weekends_and_holidays() -> None:
    calendar = WorkCalendar(NEW_YORK, WEEK, frozenset({date(2026, 11, 26)}))
    assert calendar.next_working_day(date(2026, 11, 20)) == date(2026, 11, 23)
    assert calendar.next_working_day(date(2026, 11, 25)) == date(2026, 11, 27)
    assert calendar.works_at(datetime(2026, 11, 24, 14, tzinfo=UTC))
    assert not calendar.works_at(datetime(2026, 11, 26, 14, tzinfo=UTC))
    assert not calendar.works_at(datetime(2026, 11, 24, 23, 30, tzinfo=UTC))


def test_a_clinic_without_hours_works_every_day() -> None:
    assert WorkCalendar(NEW_YORK).next_working_day(date(2026, 11, 20)) == date(2026, 11, 21)
