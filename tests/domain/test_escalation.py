"""Whom to page when: hours, tiers, rounds, and that no alert is ever left without a next step."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.db import data_folder
from monitor.domain.escalation import Decision, Paging, decide_paging, first_page_at, may_page, promise_by, stages
from monitor.domain.localtime import WEEKDAYS, Window, WorkCalendar
from monitor.domain.policy import load_policy
from monitor.domain.rota import Person, Rota, WeeklyShift
from monitor.domain.terms import Band

NEW_YORK = ZoneInfo("America/New_York")
POLICY = load_policy((data_folder("seeds") / "escalation.toml").read_text(encoding="utf-8"))
CALENDAR = WorkCalendar(NEW_YORK, {d: Window(time(8), time(18)) for d in WEEKDAYS[:5]}, frozenset({date(2026, 11, 26)}))
RAY, LIN, OLA = Person(1, "+1", 1), Person(2, "+2", 1), Person(3, "+3", 2)
TEAM = Rota(NEW_YORK, [RAY, LIN, OLA])
MOMENTS = st.integers(0, 2 * 365 * 24 * 4).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * n))
ALERTING = (Band.SOON, Band.URGENT, Band.EMERGENCY)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def page(now: str = "2026-11-02 12:00", rota: Rota = TEAM, *, last_resort: bool = True, **where: object) -> Decision:
    paging = Paging(**({"band": Band.URGENT, "at_night": False, "stage": 0, "rounds": 0} | where))  # type: ignore[arg-type]
    return decide_paging(paging, rota, at(now), policy=POLICY, calendar=CALENDAR, has_last_resort=last_resort)


def test_each_stage_pages_its_own_people() -> None:
    assert stages(TEAM) == ["tier 1", "tier 2", "everyone", "last resort"]
    assert [[p.id for p in page(stage=stage).people] for stage in range(4)] == [[1, 2], [3], [1, 2, 3], []]
    assert [page(stage=stage).last_resort for stage in range(4)] == [False, False, False, True]


def test_after_the_last_stage_the_next_round_begins_at_once() -> None:
    decision = page(stage=4, rounds=2)
    assert (decision.stage_name, decision.rounds) == ("tier 1", 3)


def test_after_a_round_that_reached_nobody_it_breathes() -> None:
    decision = page(stage=4, stage_failed=True)
    assert decision.people == ()
    assert decision.next_at == at("2026-11-02 12:15")


@pytest.mark.parametrize(("band", "minutes"), [(Band.EMERGENCY, 3), (Band.URGENT, 15), (Band.SOON, 60)])
def test_each_band_waits_its_own_time_for_the_next_tier(band: Band, minutes: int) -> None:
    assert page(band=band).next_at == at("2026-11-02 12:00") + timedelta(minutes=minutes)


def test_only_emergencies_and_the_last_resort_ring() -> None:
    assert page(band=Band.EMERGENCY).ring
    assert not page(band=Band.URGENT).ring
    assert page(band=Band.URGENT, stage=3).ring


def test_a_stage_without_anybody_is_passed_and_named() -> None:
    weekend = Rota(NEW_YORK, [RAY, OLA], [WeeklyShift(1, 5, time(8), time(18))])
    decision = page(rota=weekend)
    assert ([p.id for p in decision.people], decision.unmanned) == ([3], ("tier 1",))


def test_an_empty_rota_goes_straight_to_the_last_resort() -> None:
    decision = page(rota=Rota(NEW_YORK, []))
    assert decision.last_resort
    assert decision.unmanned == ("everyone",)


def test_with_nobody_at_all_it_is_looked_at_again() -> None:
    decision = page(rota=Rota(NEW_YORK, []), last_resort=False)
    assert (decision.people, decision.last_resort) == ((), False)
    assert decision.unmanned == ("everyone", "last resort")
    assert decision.next_at == at("2026-11-02 12:15")


def test_taken_without_an_outcome_starts_again_from_the_first_tier() -> None:
    decision = page(taken=True, stage=3, rounds=1)
    assert (decision.stage_name, decision.rounds) == ("tier 1", 2)


@pytest.mark.parametrize(
    ("band", "at_night", "now", "may"),
    [
        (Band.EMERGENCY, False, "2026-11-02 03:00", True),
        (Band.URGENT, False, "2026-11-02 06:59", False),
        (Band.URGENT, False, "2026-11-02 07:00", True),
        (Band.URGENT, False, "2026-11-02 21:59", True),
        (Band.URGENT, False, "2026-11-02 22:00", False),
        (Band.URGENT, True, "2026-11-02 03:00", True),
        (Band.SOON, False, "2026-11-02 03:00", False),
    ],
)
def test_the_hours_at_which_people_are_paged(band: Band, at_night: bool, now: str, may: bool) -> None:
    assert may_page(band, at_night, at(now), POLICY, CALENDAR) is may


@pytest.mark.parametrize(
    ("band", "now", "first"),
    [
        (Band.EMERGENCY, "2026-11-02 03:00", "2026-11-02 03:00"),
        (Band.URGENT, "2026-11-02 12:00", "2026-11-02 12:00"),
        (Band.URGENT, "2026-11-02 23:00", "2026-11-03 07:00"),
        (Band.URGENT, "2026-11-02 02:00", "2026-11-02 07:00"),
        (Band.SOON, "2026-11-02 09:00", "2026-11-03 12:00"),
        (Band.SOON, "2026-11-05 20:00", "2026-11-06 12:00"),
        (Band.SOON, "2026-11-06 20:00", "2026-11-08 12:00"),  # Monday noon is more than 48 hours away
        (Band.SOON, "2026-11-07 13:00", "2026-11-09 12:00"),
        (Band.SOON, "2026-11-25 13:00", "2026-11-27 12:00"),  # over Thanksgiving
        (Band.SOON, "2026-10-30 13:00", "2026-11-01 12:00"),  # over the night that has 25 hours
    ],
)
def test_when_paging_begins(band: Band, now: str, first: str) -> None:
    assert first_page_at(band, False, at(now), POLICY, CALENDAR) == at(first)


@given(MOMENTS, st.sampled_from(ALERTING), st.booleans())
def test_nothing_waits_longer_than_its_band_allows(now: datetime, band: Band, at_night: bool) -> None:
    first = first_page_at(band, at_night, now, POLICY, CALENDAR)
    longest = {Band.EMERGENCY: timedelta(), Band.URGENT: timedelta(hours=10), Band.SOON: timedelta(hours=48)}[band]
    assert timedelta() <= first - now <= longest
    assert first < promise_by(band, at_night, now, POLICY, CALENDAR)


@given(
    MOMENTS,
    st.sampled_from(ALERTING),
    st.integers(0, 6),
    st.booleans(),
    st.booleans(),
    st.lists(st.sampled_from([RAY, LIN, OLA]), unique=True),
)
def test_whatever_happens_there_is_a_next_step_in_time(
    now: datetime, band: Band, stage: int, failed: bool, last_resort: bool, people: list[Person]
) -> None:
    paging = Paging(band, False, stage, 0, stage_failed=failed)
    decision = decide_paging(
        paging, Rota(NEW_YORK, people), now, policy=POLICY, calendar=CALENDAR, has_last_resort=last_resort
    )
    longest = timedelta(days=5) if band == Band.SOON else timedelta(hours=10)  # what can wait rests at weekends
    assert timedelta() < decision.next_at - now <= longest
