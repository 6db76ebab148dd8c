"""Changes of the rota: what cannot be meant is refused, and what is taken back leaves no trace but in the log."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.errors import BadInput, NotFound
from monitor.models import Event, Override, Shift
from monitor.queries import rota_of
from monitor.services.clinic import create_clinic, the_clinic
from monitor.services.rota import Occurrence, add_cover, add_shift, remove_cover, remove_shift, swap
from monitor.services.staff import add_staff, remove_staff

RAY, LIN, OLA, FOREIGN = 1, 2, 3, 4
TUESDAY, WEDNESDAY = date(2026, 11, 10), date(2026, 11, 11)


@pytest.fixture
def team(app: App, clock: StoppedClock) -> App:
    """Dr Ray and Dr Lin in tier 1, Ola in tier 2, and somebody of another clinic."""
    now = clock.now()
    with transaction(app.sessions) as session:
        clinic = the_clinic(session)
        for n, (name, tier) in enumerate((("Dr Ray", 1), ("Dr Lin", 1), ("Ola", 2))):
            add_staff(session, clinic, name, f"+1202555017{n}", tier=tier, now=now)
        other = create_clinic(session, {"name": "Other", "timezone": "Europe/London"}, now=now)
        add_staff(session, other, "Foreign", "+12025550188", now=now)
        add_shift(session, RAY, "tue", "08:00", "18:00", now=now)  # shift 1
        add_shift(session, LIN, "wed", "20:00", "06:00", now=now)  # shift 2
        add_shift(session, FOREIGN, "wed", "08:00", "18:00", now=now)  # shift 3
        add_shift(session, OLA, "tue", "08:00", "18:00", now=now)  # shift 4
        add_shift(session, LIN, "tue", "12:00", "13:00", now=now)  # shift 5
    return app


def on_call(session: Session, text: str, tier: int = 1) -> list[int]:
    from tests.domain.test_rota import at

    return [person.id for person in rota_of(session, the_clinic(session)).on_call(tier, at(text))]


def test_two_people_swap_and_each_is_on_call_for_the_other(team: App, clock: StoppedClock) -> None:
    with transaction(team.sessions) as session:
        swap(session, Occurrence(1, TUESDAY), Occurrence(2, WEDNESDAY), clinic_id=1, now=clock.now())
    with transaction(team.sessions) as session:
        assert on_call(session, "2026-11-10 09:00") == [LIN]
        assert on_call(session, "2026-11-12 05:00") == [RAY]
        assert on_call(session, "2026-11-17 09:00") == [RAY]  # the week after goes by the plan
        events = session.scalars(select(Event).where(Event.kind == "cover_added")).all()
        assert [(e.detail["staff"], e.detail["instead_of"], e.detail["swap"]) for e in events] == [
            (LIN, RAY, True),
            (RAY, LIN, True),
        ]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (Occurrence(1, TUESDAY), Occurrence(1, TUESDAY), "two people swap"),
        (Occurrence(2, WEDNESDAY), Occurrence(5, TUESDAY), "two people swap"),
        (Occurrence(1, TUESDAY), Occurrence(5, TUESDAY), "both are on call then anyway"),
        (Occurrence(1, WEDNESDAY), Occurrence(2, WEDNESDAY), "a day on which this shift comes round"),
        (Occurrence(1, date(2026, 10, 27)), Occurrence(2, WEDNESDAY), "has not begun yet"),
        (Occurrence(1, date(1999, 11, 9)), Occurrence(2, WEDNESDAY), "a day on which"),
        (Occurrence(1, TUESDAY), Occurrence(3, WEDNESDAY), "one of your clinic's"),
        (Occurrence(99, TUESDAY), Occurrence(2, WEDNESDAY), "one of your clinic's"),
    ],
)
def test_a_swap_that_cannot_be_is_refused_as_a_whole(
    team: App, clock: StoppedClock, one: Occurrence, other: Occurrence, why: str
) -> None:
    with pytest.raises(BadInput, match=why), transaction(team.sessions) as session:
        swap(session, one, other, clinic_id=1, now=clock.now())
    with transaction(team.sessions) as session:
        assert session.scalars(select(Override)).all() == []


def test_two_tiers_may_swap_shifts_of_the_same_hours(team: App, clock: StoppedClock) -> None:
    with transaction(team.sessions) as session:
        swap(session, Occurrence(1, TUESDAY), Occurrence(4, TUESDAY), clinic_id=1, now=clock.now())
        assert (on_call(session, "2026-11-10 09:00"), on_call(session, "2026-11-10 09:00", tier=2)) == ([OLA], [RAY])


def test_a_cover_taken_back_before_it_begins_is_gone_and_one_that_runs_ends_now(team: App, clock: StoppedClock) -> None:
    now = clock.now()
    with transaction(team.sessions) as session:
        add_cover(session, OLA, "2026-11-10 08:00", "2026-11-10 18:00", instead_of=RAY, now=now)
        add_cover(session, LIN, "2026-10-31 08:00", "2026-11-10 18:00", now=now)
        remove_cover(session, 1, clinic_id=1, now=now)
        remove_cover(session, 2, clinic_id=1, now=now)
    with transaction(team.sessions) as session:
        assert [(c.id, c.ends_at) for c in session.scalars(select(Override))] == [(2, now)]
        with pytest.raises(BadInput, match="still to come"):
            remove_cover(session, 2, clinic_id=1, now=now)


@pytest.mark.parametrize(
    ("staff", "start", "end", "more", "why"),
    [
        (RAY, "2026-11-10 08:00", "2026-11-10 08:00", {}, "a moment after that"),
        (RAY, "2026-11-10 08:00", "2027-01-09 08:01", {}, "at most 60 days"),
        (RAY, "2026-10-10 08:00", "2026-10-11 08:00", {}, "still to come"),
        (RAY, "2026-11-10 08:00", "2026-11-10 18:00", {"instead_of": RAY}, "somebody other"),
        (RAY, "2026-11-10 08:00", "2026-11-10 18:00", {"instead_of": FOREIGN}, "of the same clinic"),
        (OLA, "2026-11-10 08:00", "2026-11-10 18:00", {"tier": 1}, "whom of tier 1 they stand in for"),
        (RAY, "2026-11-10 08:00", "2026-11-10 18:00", {"tier": 1, "instead_of": OLA}, "somebody of tier 1"),
        (OLA, "2026-11-20 09:00", "2026-11-20 10:00", {"instead_of": LIN}, "Dr Ray covers Fri 20 Nov 08:00"),
        (RAY, "2026-11-20 09:00", "2026-11-22 10:00", {"instead_of": LIN}, "take that back first"),
    ],
)
def test_a_cover_that_cannot_be_meant_is_refused(
    team: App, clock: StoppedClock, staff: int, start: str, end: str, more: dict[str, int], why: str
) -> None:
    now = clock.now()
    with transaction(team.sessions) as session:
        add_cover(session, RAY, "2026-11-20 08:00", "2026-11-20 18:00", instead_of=LIN, now=now)
    with pytest.raises(BadInput, match=why), transaction(team.sessions) as session:
        add_cover(session, staff, start, end, now=now, **more)


def test_covers_may_follow_one_another_at_the_minute(team: App, clock: StoppedClock) -> None:
    with transaction(team.sessions) as session:
        for start, end in (("08:00", "12:00"), ("12:00", "18:00")):
            day = "2026-11-10"
            add_cover(session, OLA, f"{day} {start}", f"{day} {end}", instead_of=RAY, now=clock.now())
        assert len(session.scalars(select(Override)).all()) == 2


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [("tue", "17:59", "19:00"), ("mon", "20:00", "09:00"), ("mon-fri", "08:00", "18:00"), ("tue", "00:00", "00:00")],
)
def test_nobody_has_two_shifts_at_once(team: App, clock: StoppedClock, days: str, start: str, end: str) -> None:
    with pytest.raises(BadInput, match="tue 08:00-18:00 is theirs already"), transaction(team.sessions) as session:
        add_shift(session, RAY, days, start, end, now=clock.now())
    with transaction(team.sessions) as session:
        assert len(session.scalars(select(Shift).where(Shift.staff_id == RAY)).all()) == 1


def test_a_shift_that_ends_when_another_begins_is_fine_also_over_the_end_of_the_week(
    team: App, clock: StoppedClock
) -> None:
    with transaction(team.sessions) as session:
        add_shift(session, RAY, "tue", "18:00", "08:00", now=clock.now())
        add_shift(session, RAY, "sun", "22:00", "06:00", now=clock.now())
    with pytest.raises(BadInput, match="sun 22:00-06:00"), transaction(team.sessions) as session:
        add_shift(session, RAY, "mon", "05:00", "07:00", now=clock.now())


def test_another_clinics_shifts_and_covers_are_not_there(team: App, clock: StoppedClock) -> None:
    now = clock.now()
    with transaction(team.sessions) as session:
        add_cover(session, FOREIGN, "2026-11-10 08:00", "2026-11-10 18:00", now=now)
        with pytest.raises(NotFound):
            remove_shift(session, 3, clinic_id=1, now=now)
        with pytest.raises(NotFound):
            remove_cover(session, 1, clinic_id=1, now=now)
        remove_shift(session, 3, clinic_id=2, now=now)
        remove_cover(session, 1, clinic_id=2, now=now)


def test_with_the_last_shift_gone_a_tier_is_on_call_at_all_hours_again(team: App, clock: StoppedClock) -> None:
    with transaction(team.sessions) as session:
        assert on_call(session, "2026-11-15 03:00") == []
        for shift in (1, 2, 5):
            remove_shift(session, shift, clinic_id=1, now=clock.now())
        assert on_call(session, "2026-11-15 03:00") == [RAY, LIN]


def test_who_covers_for_somebody_who_leaves_stays_on_call(team: App, clock: StoppedClock) -> None:
    now = clock.now()
    with transaction(team.sessions) as session:
        add_cover(session, LIN, "2026-11-10 08:00", "2026-11-10 18:00", instead_of=RAY, now=now)
        remove_staff(session, RAY, now=now)
    with transaction(team.sessions) as session:
        assert on_call(session, "2026-11-10 09:00") == [LIN]
