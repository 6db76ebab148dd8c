"""The audit log: everything of the own clinic, nothing of another's, and no way to change it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

import monitor
from monitor.db import transaction
from monitor.domain.delivery import FINAL
from monitor.models import Clinic, Event, Patient, Shift
from monitor.services.audit import record
from monitor.services.clinic import add_clinic, change_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.rota import Occurrence, add_cover, add_shift, remove_cover, swap
from monitor.services.seed import read_files, store_version
from monitor.worklists.audit import AT_ONCE, GROUPS
from monitor.worklists.event_words import WORDS
from tests.web.console.conftest import ANN, BEN, enrolled, texts
from tests.web.staffer import Office, Staffer


def test_a_line_says_who_did_what_when_and_leads_to_the_record(office: Office, ray: Staffer, boss: Staffer) -> None:
    episode = enrolled(office)
    texts(office, ANN, "there is yellow pus")
    ray.does("/", "take", alert="1")
    page = boss.get("/audit")
    assert "12:00:06 Dr Ray took the alert alert 1 Ann Carter" in boss.reads("/audit")
    assert f'<a href="/episodes/{episode}">Ann Carter</a>' in page.text
    assert "Sun 1 Nov 2026" in page.text


def test_views_stand_in_it_too_with_those_who_were_seen(office: Office, ray: Staffer, boss: Staffer) -> None:
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN)
    texts(office, ANN, "there is yellow pus")
    texts(office, BEN, "there is yellow pus")
    ray.get("/")
    assert "Dr Ray looked at the worklist Ann Carter , Ben Petrov" in boss.reads("/audit?kind=looks")
    assert "Bo Boss looked at the audit log" in boss.reads("/audit?kind=looks")


def test_what_was_changed_of_an_episode_is_told_with_what_stood_there(
    office: Office, desk: Staffer, boss: Staffer
) -> None:
    record_of = f"/episodes/{enrolled(office)}"
    desk.does(record_of, "reschedule", surgery="2026-10-26", crown="2026-10-28", timezone="America/Chicago")
    desk.does(record_of, "reschedule", crown="")
    told = (
        "Dee Desk changed the episode (surgery date: 26 Oct 2026 instead of 25 Oct 2026; crown fitted on: 28 Oct 2026 "
        "instead of none; time zone: America/Chicago instead of America/New_York), and texts were planned anew",
        "Dee Desk changed the episode (crown fitted on: none instead of 28 Oct 2026), and texts were planned anew",
    )
    for page in (boss.reads("/audit?kind=patients"), desk.reads(record_of)):
        for line in told:
            assert line in page
    with transaction(office.app.sessions) as session:
        last = session.scalars(select(Event).where(Event.kind == "episode_changed").order_by(Event.id.desc())).first()
        assert last is not None
        assert last.detail == {"episode": 1, "changes": {"crown": ["2026-10-28", None]}}
        record(session, "episode_changed", at=office.clock.now(), patient_id=1, episode=1)
    assert "The program changed the episode, and texts were planned anew" in boss.reads("/audit?kind=patients")


def test_a_cover_is_told_with_when_and_for_whom(office: Office, ray: Staffer, boss: Staffer) -> None:
    lin = office.seats("Dr Lin", "+12025550175")
    with transaction(office.app.sessions) as session:
        now = office.clock.now()
        add_cover(session, ray.id, "2026-11-03T19:00", "2026-11-04T07:00", instead_of=lin.id, now=now)
        add_cover(session, ray.id, "2026-11-05T19:00", "2026-11-05T20:00", now=now)
        remove_cover(session, 1, clinic_id=1, now=now)
    page = boss.reads("/audit?kind=people")
    assert "had Dr Ray cover Tue 3 Nov, 19:00 to Wed 4 Nov, 07:00 for Dr Lin" in page
    assert "had Dr Ray cover Thu 5 Nov, 19:00 to Thu 5 Nov, 20:00 beside whoever has a shift" in page
    assert "took back that Dr Ray covers Tue 3 Nov, 19:00 to Wed 4 Nov, 07:00 for Dr Lin" in page


def test_the_newest_comes_first_and_older_pages_follow_without_a_gap(office: Office, boss: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        for number in range(2 * AT_ONCE):
            at = office.clock.now() + timedelta(seconds=number)
            record(session, "digest", at=at, clinic_id=1, number=number)
        newest = session.scalar(select(func.max(Event.id)))
    first = boss.get("/audit?kind=texts")
    assert first.text.count("The morning list was sent") == AT_ONCE
    older = re.search(r'href="(/audit\?[^"]*before=[^"]*)"', first.text)
    assert older is not None
    assert older[1].endswith(f"before={newest - AT_ONCE + 1}")  # type: ignore[operator]
    second = boss.get(older[1].replace("&amp;", "&"))
    assert second.text.count("The morning list was sent") == AT_ONCE
    assert "before=" not in second.text
    assert "12:01:00" in first.text
    assert "12:01:00" not in second.text


def test_only_one_persons_doings(office: Office, ray: Staffer, boss: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    ray.does("/", "take", alert="1")
    mine = boss.reads(f"/audit?who={ray.id}")
    assert "Dr Ray took the alert" in mine
    assert "Alert: urgent" not in mine
    assert "Alert: urgent" in boss.reads("/audit?who=program")
    assert "took the alert" not in boss.reads(f"/audit?who={ray.id}&kind=entry")


def test_only_one_record_and_who_saw_it(office: Office, ray: Staffer, boss: Staffer) -> None:
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN)
    for phone in (ANN, BEN):
        texts(office, phone, "there is yellow pus")
    ray.get("/")
    page = boss.reads("/audit?patient=1")
    assert "Only what is about Ann Carter" in page
    assert "Dr Ray looked at the worklist" in page  # where she was one of two
    assert "Paged: " in page  # of her alert
    log = boss.get("/audit?patient=1").text.partition("<main")[2]
    for line in re.findall(r"<li[ >].*?</li>", log, re.S):
        assert "Ann Carter" in line


def test_nothing_of_another_clinic_stands_in_it(office: Office, boss: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        other = add_clinic(session, {"name": "Other Dental", "timezone": "America/New_York"}, now=office.clock.now())
        given = Enrolment("Zoe Other", "+12025550109", office.clock.now().date(), "signed form")
        enrol(session, other, given, now=office.clock.now())
        zoe = session.scalars(select(Patient.id).where(Patient.name == "Zoe Other")).one()
        record(session, "note_added", at=office.clock.now(), clinic_id=other.id, patient_id=zoe)
        # A look that showed patients of both would be a fault; ours alone would be named.
        record(session, "viewed", at=office.clock.now(), clinic_id=1, what="a list", patients=[zoe])
        other_id = other.id
    page = boss.reads("/audit")
    assert "Zoe" not in page
    assert "note" not in page
    assert boss.get(f"/audit?patient={zoe}").status_code == 404
    owner = office.hires("Ola Other", "+12025550190", role="manager", clinic=other_id)
    assert "Zoe Other" in owner.reads("/audit")
    assert "Bo Boss" not in owner.reads("/audit")
    assert f'value="{boss.id}"' not in owner.get("/audit").text


def test_what_was_changed_by_command_stands_in_the_log_of_whom_it_is_about(office: Office, boss: Staffer) -> None:
    files = read_files()
    files["escalation.toml"] = files["escalation.toml"].replace("next_tier_minutes = 3", "next_tier_minutes = 4")
    with transaction(office.app.sessions) as session:
        given = {"name": "Other Dental", "timezone": "America/New_York"}
        other = add_clinic(session, given, now=office.clock.now()).id
    owner = office.hires("Ola Other", "+12025550190", role="manager", clinic=other)
    with transaction(office.app.sessions) as session:
        now = office.clock.now()
        change_clinic(session, session.get_one(Clinic, 1), {"out_of_hours_phone": "+12025550155"}, now=now)
        version = store_version(session, files, now=now).id
    changed, loaded = "The program changed the clinic's settings: out of hours phone", f"loaded version {version} of"
    assert 'href="/audit?kind=clinic"' in boss.get("/settings").text
    ours, theirs = boss.reads("/audit?kind=clinic"), owner.reads("/audit?kind=clinic")
    assert changed in ours
    assert changed not in theirs
    assert loaded in ours
    assert loaded in theirs


def test_nothing_on_it_changes_anything(office: Office, boss: Staffer) -> None:
    enrolled(office)
    assert 'method="post" action="/audit' not in boss.get("/audit").text
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert boss.ask(method, "/audit").status_code == 405


@pytest.mark.parametrize(
    "asked",
    ["before=0", "before=-1", "before=1e9", "before=99999999999999999999", "kind=<script>", "who=' OR 1=1 --",
     "who=99999", "patient=0", "patient=x", "kind=" + "k" * 10_000, "before=%00", "patient=١"],
)  # fmt: skip
def test_what_an_address_should_not_hold_is_as_if_it_were_not_there(office: Office, boss: Staffer, asked: str) -> None:
    answer = boss.get(f"/audit?{asked}")
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "Bo Boss signed in" in answer.text or "Bo Boss joined" in answer.text


def test_a_patient_who_is_not_there_is_a_page_that_is_not_there(office: Office, boss: Staffer) -> None:
    assert boss.get("/audit?patient=4711").status_code == 404
    assert boss.get("/audit?patient=9999999999").status_code == 404


def test_a_hostile_name_is_shown_as_it_is_written(office: Office, boss: Staffer) -> None:
    enrolled(office, "<script>alert(1)</script>")
    text = boss.get("/audit").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_it_is_for_managers(office: Office, ray: Staffer, desk: Staffer) -> None:
    assert ray.get("/audit").status_code == 403
    assert desk.get("/audit").status_code == 403
    admin = office.hires("Ada Admin", "+12025550195", role="front-desk", admin=True)
    assert admin.get("/audit").status_code == 200


def test_a_kind_without_words_is_named_as_it_is(office: Office, boss: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        record(session, "brand_new_kind", at=office.clock.now(), clinic_id=1, who="{who}", x="{0}")
    assert "brand new kind" in boss.reads("/audit")


def recorded_kinds() -> set[str]:
    """Every kind that the program writes down, as its source names them."""
    written = re.compile(r'\brecord(?:_many)?\(\s*[\w.]+,\s*"(\w+)"')
    sources = (path.read_text() for path in Path(monitor.__file__).parent.rglob("*.py"))
    found = {kind for source in sources for kind in written.findall(source)}
    return found | {f"message_{state}" for state in FINAL} | {"alert_raised", "alert_added"}


def test_every_kind_of_event_has_words_and_a_place_among_the_filters() -> None:
    kinds = recorded_kinds()
    assert len(kinds) > 50
    assert kinds - WORDS.keys() == set()
    assert kinds - {kind for _, of in GROUPS.values() for kind in of} == set()


def test_no_word_and_no_filter_is_for_what_nothing_writes_down() -> None:
    kinds = recorded_kinds()
    assert WORDS.keys() - kinds == set()
    assert {kind for _, of in GROUPS.values() for kind in of} - kinds == set()


def test_a_swap_and_the_first_recovery_codes_stand_in_it(office: Office, ray: Staffer, boss: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        for person in (ray, boss):
            add_shift(session, person.id, "mon-sun", "08:00", "18:00", now=office.clock.now())
        tuesday, wednesday = date(2026, 11, 10), date(2026, 11, 11)
        other = session.scalars(select(Shift.id).where(Shift.staff_id == boss.id, Shift.weekday == 2)).one()
        swap(session, Occurrence(2, tuesday), Occurrence(other, wednesday), clinic_id=1, now=office.clock.now())
    assert "had Dr Ray and Bo Boss swap shifts" in boss.reads("/audit?kind=people")
    assert "Dr Ray got recovery codes on joining" in boss.reads("/audit?kind=entry")
