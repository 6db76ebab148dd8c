"""Stretches of the rota are what paging finds at every instant in between."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from monitor.domain.rota import Cover, How, Person, Rota, WeeklyShift, stretches
from tests.domain.test_rota import DAYS, LIN, NEW_YORK, NIGHTS, OLA, RAY, at

QUARTERS = some.builds(time, some.integers(0, 23), some.sampled_from((0, 15, 30, 45)))
SHIFTS = some.lists(
    some.builds(WeeklyShift, some.sampled_from((1, 2, 3)), some.integers(0, 6), QUARTERS, QUARTERS), max_size=6
)


def test_day_and_night_shifts_follow_one_another_without_a_seam() -> None:
    found = stretches(Rota(NEW_YORK, [RAY, LIN], [*DAYS, *NIGHTS]), at("2026-11-02 00:00"), at("2026-11-04 00:00"))
    assert [(s.person_id, s.starts_at, s.ends_at) for s in found] == [
        (2, at("2026-11-02 00:00"), at("2026-11-02 08:00")),
        (1, at("2026-11-02 08:00"), at("2026-11-02 18:00")),
        (2, at("2026-11-02 18:00"), at("2026-11-03 08:00")),
        (1, at("2026-11-03 08:00"), at("2026-11-03 18:00")),
        (2, at("2026-11-03 18:00"), at("2026-11-04 00:00")),
    ]


@pytest.mark.parametrize(
    ("evening", "hours"), [("2026-10-31 19:00", 13), ("2027-03-13 19:00", 11), ("2026-11-07 19:00", 12)]
)
def test_a_night_shift_is_an_hour_longer_or_shorter_when_clocks_change(evening: str, hours: int) -> None:
    rota = Rota(NEW_YORK, [LIN], [WeeklyShift(2, day, time(19), time(7)) for day in range(7)])
    start = at(evening)
    (night,) = [
        s for s in stretches(rota, start - timedelta(hours=1), start + timedelta(days=1)) if s.starts_at == start
    ]
    assert night.ends_at - night.starts_at == timedelta(hours=hours)


def test_a_tier_without_shifts_is_one_stretch_for_each_and_says_why() -> None:
    found = stretches(Rota(NEW_YORK, [RAY, LIN, OLA]), at("2026-11-02 00:00"), at("2026-11-09 00:00"))
    assert [(s.tier, s.person_id, s.how) for s in found] == [
        (1, 1, How.ALWAYS),
        (1, 2, How.ALWAYS),
        (2, 3, How.ALWAYS),
    ]


def test_a_cover_is_told_apart_from_a_shift() -> None:
    cover = Cover(3, 1, at("2026-11-02 12:00"), at("2026-11-02 14:00"))
    rota = Rota(NEW_YORK, [RAY, OLA], DAYS, [cover])
    found = stretches(rota, at("2026-11-02 08:00"), at("2026-11-02 18:00"))
    assert [(s.person_id, s.how) for s in found if s.tier == 1] == [(1, How.SHIFT), (3, How.COVER), (1, How.SHIFT)]


@settings(max_examples=60, deadline=None)
@given(
    shifts=SHIFTS,
    monday=some.sampled_from([datetime(2026, 10, 26, tzinfo=UTC), datetime(2027, 3, 8, tzinfo=UTC)]),
    zone=some.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    cover=some.tuples(some.integers(0, 500), some.integers(1, 200)),
)
def test_at_every_quarter_of_an_hour_they_say_what_paging_finds(
    shifts: list[WeeklyShift], monday: datetime, zone: str, cover: tuple[int, int]
) -> None:
    quarter = timedelta(minutes=15)
    starts = monday + cover[0] * quarter
    team = [Person(1, "+1", 1), Person(2, "+2", 1), Person(3, "+3", 2)]
    rota = Rota(ZoneInfo(zone), team, shifts, [Cover(3, 1, starts, starts + cover[1] * quarter)])
    end = monday + timedelta(days=7)
    found = stretches(rota, monday, end)
    for tier in (1, 2):
        mine = [s for s in found if s.tier == tier]
        instant = monday
        while instant < end:
            said = sorted(s.person_id for s in mine if s.starts_at <= instant < s.ends_at and s.person_id is not None)
            assert said == [person.id for person in rota.on_call(tier, instant)]
            instant += quarter
        moments = sorted({m for s in mine for m in (s.starts_at, s.ends_at)})
        assert (moments[0], moments[-1]) == (monday, end)
        assert all(any(s.overlaps(a, b) for s in mine) for a, b in pairwise(moments))
