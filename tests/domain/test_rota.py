"""Who is on call: shifts over midnight and clock changes, covers, gaps."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.domain.rota import Cover, Person, Rota, WeeklyShift

NEW_YORK = ZoneInfo("America/New_York")
RAY, LIN, OLA = Person(1, "+1", 1), Person(2, "+2", 1), Person(3, "+3", 2)
DAYS = [WeeklyShift(1, day, time(8), time(18)) for day in range(5)]
NIGHTS = [WeeklyShift(2, day, time(18), time(8)) for day in range(7)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def on_call(rota: Rota, text: str, tier: int = 1) -> list[int]:
    return [person.id for person in rota.on_call(tier, at(text))]


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-11-02 08:00", [1]),
        ("2026-11-02 17:59", [1]),
        ("2026-11-02 18:00", [2]),
        ("2026-11-03 07:59", [2]),  # Monday's night shift, on Tuesday morning
        ("2026-11-07 12:00", []),  # Saturday noon
        ("2026-11-01 01:30", [2]),  # the hour that comes twice
        ("2027-03-14 03:30", [2]),  # after the hour that is skipped
    ],
)
def test_shifts_are_the_clinics_wall_clock(moment: str, who: list[int]) -> None:
    assert on_call(Rota(NEW_YORK, [RAY, LIN], [*DAYS, *NIGHTS]), moment) == who


def test_until_a_tier_has_a_shift_everybody_in_it_is_on_call() -> None:
    rota = Rota(NEW_YORK, [RAY, LIN, OLA], [WeeklyShift(3, 0, time(8), time(18))])
    assert on_call(rota, "2026-11-07 03:00") == [1, 2]
    assert on_call(rota, "2026-11-07 03:00", tier=2) == []


def test_a_cover_takes_somebodys_place_even_from_another_tier() -> None:
    cover = Cover(3, 1, at("2026-11-02 08:00"), at("2026-11-02 18:00"))
    rota = Rota(NEW_YORK, [RAY, LIN, OLA], [*DAYS, *NIGHTS], [cover])
    assert on_call(rota, "2026-11-02 07:59") == [2]
    assert on_call(rota, "2026-11-02 12:00") == [3]
    assert on_call(Rota(NEW_YORK, [RAY, OLA], [*DAYS], [cover]), "2026-11-02 18:00") == []


def test_a_cover_beside_the_shifts_adds_somebody() -> None:
    cover = Cover(2, None, at("2026-11-02 08:00"), at("2026-11-02 18:00"))
    assert on_call(Rota(NEW_YORK, [RAY, LIN], DAYS, [cover]), "2026-11-02 12:00") == [1, 2]


def test_a_cover_by_nobody_leaves_a_gap_that_is_named() -> None:
    cover = Cover(None, 1, at("2026-11-02 08:00"), at("2026-11-02 18:00"))
    rota = Rota(NEW_YORK, [RAY, LIN], [*DAYS, *NIGHTS], [cover])
    gaps = rota.gaps(at("2026-11-02 00:00"), at("2026-11-03 12:00"))
    assert gaps == [(1, at("2026-11-02 08:00"))]


def test_no_gap_where_somebody_is_always_there() -> None:
    start = at("2026-10-31 00:00")
    rota = Rota(NEW_YORK, [LIN], [WeeklyShift(2, day, time(0), time(0)) for day in range(7)])
    assert rota.gaps(start, start + timedelta(days=3)) == []
