"""The rota page: who is on call, where nobody is, and how people put it right."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Event, Override, Shift
from monitor.services.clinic import create_clinic
from monitor.services.rota import add_cover, add_shift
from monitor.services.staff import add_staff, remove_staff
from tests.web.console.conftest import RAY
from tests.web.staffer import Office, Staffer, words_of

LIN = "+12025550174"
NEXT = "/rota?week=2026-11-09"  # today is Sunday 1 November, the night of which clocks went back


def rows(office: Office, table: type) -> list:
    with transaction(office.app.sessions) as session:
        return list(session.scalars(select(table).order_by(table.id)))


def shifts(office: Office, person: Staffer, days: str, start: str, end: str) -> None:
    with transaction(office.app.sessions) as session:
        add_shift(session, person.id, days, start, end, now=office.clock.now())


def covers(office: Office, person: Staffer, start: str, end: str, instead_of: Staffer | None = None) -> None:
    other = instead_of.id if instead_of else None
    with transaction(office.app.sessions) as session:
        add_cover(session, person.id, start, end, instead_of=other, now=office.clock.now())


def stranger(office: Office) -> int:
    """Somebody who works at another clinic."""
    with transaction(office.app.sessions) as session:
        other = create_clinic(session, {"name": "Other", "timezone": "Europe/London"}, now=office.clock.now())
        return add_staff(session, other, "Ola Other", "+12025550188", now=office.clock.now()).id


@pytest.fixture
def lin(office: Office) -> Staffer:
    """A second clinician of the first tier, signed in."""
    return office.hires("Dr Lin", LIN)


def test_until_a_tier_has_a_shift_the_page_says_that_everybody_is_always_on_call(ray: Staffer, lin: Staffer) -> None:
    page = ray.reads(NEXT)
    assert "everybody in it is on call at all hours" in page
    assert "Somebody is on call in every tier all week" in page
    assert "on call at all hours: Dr Ray , Dr Lin" in page


def test_shifts_stand_on_their_days_by_the_clinics_clock(office: Office, ray: Staffer, lin: Staffer) -> None:
    shifts(office, ray, "mon-fri", "08:00", "18:00")
    shifts(office, lin, "mon-sun", "18:00", "08:00")
    page = ray.reads(NEXT)
    assert "Mon 9 Nov" in page
    monday = page[page.index("Mon 9 Nov", page.index("Tier 1 ")) : page.index("Tue 10 Nov")]
    assert "Dr Lin 00:00–08:00" in monday
    assert "Dr Ray 08:00–18:00" in monday
    assert "Dr Lin 18:00–24:00" in monday


def test_gaps_stand_on_top_in_words_with_a_link_that_fills_the_form(office: Office, ray: Staffer) -> None:
    shifts(office, ray, "mon-fri", "00:00", "00:00")
    page = ray.get(NEXT).text
    said = words_of(ray.get(NEXT))
    assert "1 time without anybody on call Tier 1: Sat 14 Nov, 00:00 to Mon 16 Nov, 00:00 (48 h)" in said
    link = "/rota?week=2026-11-09&amp;tier=1&amp;from=2026-11-14T00:00&amp;to=2026-11-16T00:00#cover"
    assert link in page
    filled = ray.filled(link.replace("&amp;", "&").removesuffix("#cover"), "cover")
    assert (filled["from"], filled["to"], filled["tier"]) == (["2026-11-14T00:00"], ["2026-11-16T00:00"], ["1"])


def test_a_gap_is_gone_once_somebody_covers_it_and_back_once_it_is_taken_back(
    office: Office, ray: Staffer, desk: Staffer
) -> None:
    shifts(office, ray, "mon-fri", "00:00", "00:00")
    given = {"staff": ray.id, "tier": "1", "from": "2026-11-14T00:00", "to": "2026-11-16T00:00", "instead__of": ""}
    done = desk.does(NEXT, "cover", at="/rota", **given)
    assert done.headers["location"] == "/rota?week=2026-11-09&said=covered"
    assert "without anybody" not in ray.reads(NEXT)
    assert "Dr Ray beside the others" in ray.reads(NEXT)
    assert desk.does(NEXT, "back", at="/rota", cover="1", sure="yes").status_code == 303
    assert "1 time without anybody" in ray.reads(NEXT)
    assert [e.kind for e in rows(office, Event) if e.actor == f"staff:{desk.id}"][-2:] == [
        "cover_added",
        "cover_removed",
    ]


@pytest.mark.parametrize(
    ("week", "hours", "cells"), [("2026-10-26", "25", 25), ("2027-03-08", "23", 23), ("2026-11-09", "24", 24)]
)
def test_the_day_on_which_clocks_change_has_as_many_hours_as_it_has(
    office: Office, ray: Staffer, week: str, hours: str, cells: int
) -> None:
    page = ray.get(f"/rota?week={week}").text
    sunday = page.rsplit('<div class="hours"', 1)[1].split("</div>")[0]
    assert sunday.count("<b ") == cells
    assert ("clocks change" in page) == (cells != 24)


def test_a_shift_over_the_night_on_which_clocks_go_back_leaves_no_gap(
    office: Office, ray: Staffer, lin: Staffer
) -> None:
    shifts(office, ray, "mon-sun", "07:00", "19:00")
    shifts(office, lin, "mon-sun", "19:00", "07:00")
    for week in ("2026-10-26", "2027-03-08"):
        page = ray.reads(f"/rota?week={week}")
        assert "nobody" not in page.split("Cover for once")[0]


def test_two_people_swap_two_shifts_of_the_week(office: Office, ray: Staffer, lin: Staffer) -> None:
    shifts(office, ray, "tue", "08:00", "18:00")
    shifts(office, lin, "wed", "08:00", "18:00")
    done = ray.does(NEXT, "swap", at="/rota", one="1:2026-11-10", other="2:2026-11-11")
    assert done.headers["location"].endswith("said=covered")
    page = ray.reads(NEXT)
    assert "Dr Lin instead of Dr Ray Tue 10 Nov, 08:00 to Tue 10 Nov, 18:00" in page
    assert "Dr Ray instead of Dr Lin Wed 11 Nov, 08:00 to Wed 11 Nov, 18:00" in page
    tuesday = page[page.index("Tue 10 Nov ") : page.index("Wed 11 Nov ")]
    assert "Dr Lin 08:00–18:00 covers" in tuesday
    again = ray.does(NEXT, "swap", at="/rota", one="1:2026-11-10", other="2:2026-11-11")
    assert again.status_code == 422
    assert "take that back first" in words_of(again)
    assert len(rows(office, Override)) == 2


def test_a_weekly_shift_is_added_on_ticked_days_and_removed_by_one(office: Office, ray: Staffer, desk: Staffer) -> None:
    given = {"staff": ray.id, "from": "08:00", "to": "18:00", "days": ["mon", "fri"]}
    assert desk.does(NEXT, "shift", at="/rota", **given).status_code == 303
    assert [row.weekday for row in rows(office, Shift)] == [0, 4]
    twice = desk.does(NEXT, "shift", at="/rota", **given)
    assert twice.status_code == 422
    assert "Dr Ray has no shift: mon 08:00-18:00 is theirs already" in words_of(twice)
    assert 'value="fri" checked' in twice.text
    assert desk.does(NEXT, "remove", at="/rota", shift="1", sure="yes").status_code == 303
    assert [row.weekday for row in rows(office, Shift)] == [4]


def test_a_cover_in_another_tier_must_say_for_whom(office: Office, ray: Staffer, desk: Staffer) -> None:
    given = {"staff": desk.id, "tier": "1", "from": "2026-11-14T00:00", "to": "2026-11-16T00:00", "instead__of": ""}
    refused = ray.does(NEXT, "cover", at="/rota", **given)
    assert refused.status_code == 422
    assert "whom of tier 1 they stand in for: Dee Desk is of tier 2" in words_of(refused)
    assert 'value="2026-11-14T00:00"' in refused.text  # what was typed is still there
    assert ray.does(NEXT, "cover", at="/rota", **{**given, "instead__of": ray.id}).status_code == 303


def test_whoever_is_second_reads_who_changed_the_rota_first(office: Office, ray: Staffer, desk: Staffer) -> None:
    given = {"staff": ray.id, "tier": "1", "from": "2026-11-14T00:00", "to": "2026-11-16T00:00", "instead__of": ""}
    old = desk.filled(NEXT, "cover", **given)
    ray.does(NEXT, "cover", at="/rota", **given)
    second = desk.post("/rota", old)
    assert second.status_code == 409
    assert "Somebody else was first. Dr Ray changed this at 12:00 on 01 Nov" in words_of(second)
    assert 'value="2026-11-14T00:00"' in second.text


# --- what no form of ours sends


def test_nobody_of_another_clinic_is_seen_or_can_be_chosen(office: Office, ray: Staffer) -> None:
    foreign = stranger(office)
    assert "Ola Other" not in ray.get(NEXT).text
    given = {"staff": foreign, "tier": "1", "from": "2026-11-14T00:00", "to": "2026-11-16T00:00"}
    assert ray.does(NEXT, "cover", at="/rota", **given).status_code == 404
    given |= {"staff": ray.id, "instead__of": foreign}
    assert ray.does(NEXT, "cover", at="/rota", **given).status_code == 404
    weekly = {"staff": foreign, "from": "08:00", "to": "18:00", "days": "mon"}
    assert ray.does(NEXT, "shift", at="/rota", **weekly).status_code == 404
    assert rows(office, Override) == rows(office, Shift) == []


def test_shifts_and_covers_of_another_clinic_are_not_there(office: Office, ray: Staffer, lin: Staffer) -> None:
    foreign = stranger(office)
    shifts(office, ray, "tue", "08:00", "18:00")
    shifts(office, lin, "wed", "08:00", "18:00")
    with transaction(office.app.sessions) as session:
        add_shift(session, foreign, "wed", "08:00", "18:00", now=office.clock.now())
        add_cover(session, foreign, "2026-11-14 00:00", "2026-11-16 00:00", now=office.clock.now())
    covers(office, ray, "2026-11-14 00:00", "2026-11-15 00:00")
    for sure in ("", "yes"):
        assert ray.does(NEXT, "remove", at="/rota", shift="3", sure=sure).status_code == 404
        assert ray.does(NEXT, "back", at="/rota", cover="1", sure=sure).status_code == 404
    assert ray.does(NEXT, "swap", at="/rota", one="1:2026-11-10", other="3:2026-11-11").status_code == 404
    assert (len(rows(office, Shift)), len(rows(office, Override))) == (3, 2)


def test_who_has_left_meanwhile_is_no_choice(office: Office, ray: Staffer, lin: Staffer) -> None:
    given = {"staff": lin.id, "tier": "1", "from": "2026-11-14T00:00", "to": "2026-11-16T00:00"}
    with transaction(office.app.sessions) as session:
        remove_staff(session, lin.id, now=office.clock.now())
    refused = ray.does(NEXT, "cover", at="/rota", **given)
    assert refused.status_code == 422
    assert "somebody who still works here" in words_of(refused)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from", ""),
        ("from", "tomorrow"),
        ("from", "0001-01-01T00:00"),
        ("from", "2026-11-14T00:00+05:00"),
        ("to", "2026-11-13T00:00"),
        ("to", "2027-02-14T00:00"),  # more than 60 days
        ("to", "9999-12-31T23:59"),
        ("to", "x" * 10_000),
        ("staff", ""),
        ("staff", "1 OR 1=1"),
        ("staff", "99999999999999"),
        ("tier", "<script>alert(1)</script>"),
        ("tier", "\x00\x1b"),
    ],
)
def test_what_no_cover_can_be_is_refused_and_named(office: Office, ray: Staffer, field: str, value: str) -> None:
    given = {"staff": ray.id, "tier": "1", "from": "2026-11-14T00:00", "to": "2026-11-16T00:00"} | {field: value}
    refused = ray.does(NEXT, "cover", at="/rota", **given)
    assert refused.status_code in {422, 404}
    assert "it must be " in words_of(refused)
    assert "<script>alert" not in refused.text
    assert rows(office, Override) == []


@pytest.mark.parametrize(
    "value", ["", "1", "1:", "x:2026-11-10", "1:2026-11-11", "1:9999-99-99", "99999999999:2026-11-10"]
)
def test_what_no_swap_can_be_is_refused(office: Office, ray: Staffer, lin: Staffer, value: str) -> None:
    shifts(office, ray, "tue", "08:00", "18:00")
    shifts(office, lin, "wed", "08:00", "18:00")
    refused = ray.does(NEXT, "swap", at="/rota", one=value, other="2:2026-11-11")
    assert refused.status_code in {422, 404}
    assert rows(office, Override) == []


@pytest.mark.parametrize(
    "query", ["week=nonsense", "week=0001-01-01", "week=9999-12-31", "tier=9&from=<b>&to=x&instead=99"]
)
def test_an_address_that_cannot_be_meant_shows_this_week_and_fills_nothing_in(ray: Staffer, query: str) -> None:
    page = ray.get(f"/rota?{query}")
    assert page.status_code == 200
    assert "Mon 26 Oct 2026" in page.text
    assert "&lt;b&gt;" not in page.text
    assert "<b>&to" not in page.text


def test_hostile_names_are_shown_as_they_are(office: Office, ray: Staffer) -> None:
    office.hires('<img src=x onerror="alert(1)">', "+12025550190")
    page = ray.get(NEXT).text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_one_who_is_not_signed_in_sees_and_changes_nothing(office: Office, ray: Staffer) -> None:
    guest = ray.elsewhere()
    assert guest.get("/rota").headers["location"].startswith("/sign-in")
    guest.post("/rota", {"do": "shift", "staff": ray.id, "from": "08:00", "to": "18:00", "days": "mon"})
    assert rows(office, Shift) == []
    assert RAY not in guest.get("/sign-in").text


def test_a_shift_is_removed_only_once_somebody_says_so_and_then_the_gap_is_named(
    office: Office, ray: Staffer, desk: Staffer
) -> None:
    shifts(office, ray, "mon-sun", "00:00", "00:00")
    asked = desk.does(NEXT, "remove", at="/rota", shift="2")
    assert asked.status_code == 200
    assert "Remove this shift: Dr Ray, Tue 00:00–00:00, every week (tier 1)?" in words_of(asked)
    assert len(rows(office, Shift)) == 7
    done = desk.does(NEXT, "remove", at="/rota", shift="2", sure="yes")
    said = desk.reads(done.headers["location"])
    assert "Dr Ray’s weekly shift is removed: Tue, 00:00-00:00." in said
    assert "That leaves nobody on call: tier 1, Tue 10 Nov, 00:00 to Wed 11 Nov, 00:00." in said
    assert "weekly shift is removed" not in ray.reads(done.headers["location"])  # who only has the address


def test_whoever_takes_back_half_of_a_swap_is_told_of_the_other_half(
    office: Office, ray: Staffer, lin: Staffer, desk: Staffer
) -> None:
    shifts(office, ray, "tue", "08:00", "18:00")
    shifts(office, lin, "wed", "08:00", "18:00")
    ray.does(NEXT, "swap", at="/rota", one="1:2026-11-10", other="2:2026-11-11")
    asked = words_of(desk.does(NEXT, "back", at="/rota", cover="1"))
    assert "Take this cover back: Dr Lin instead of Dr Ray, Tue 10 Nov, 08:00 to Tue 10 Nov, 18:00?" in asked
    assert "The other half stands unless you take back both: Dr Ray instead of Dr Lin, Wed 11 Nov" in asked
    assert len(rows(office, Override)) == 2
    form = desk.filled(NEXT, "back", cover="1", sure="both") | {"other-half": "2"}
    assert desk.post("/rota", form).status_code == 303
    assert rows(office, Override) == []


def test_a_gap_of_the_past_is_quiet(office: Office, ray: Staffer) -> None:
    shifts(office, ray, "sun", "10:00", "14:00")
    page = ray.get("/rota?week=2026-10-26").text
    assert '<span class="piece over">nobody' in page
    assert page.count('class="piece none"') == 1  # what is left of Sunday
