"""The list of patients: a page at a time, searched without a word in an address, and one clinic's alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from monitor.bootstrap import App
from monitor.db import transaction
from monitor.models import Episode, Event, Patient
from monitor.services.clinic import add_clinic, the_clinic
from monitor.services.enrol import Enrolment, enrol_many
from monitor.worklists.patients import PAGE
from tests.web.console.conftest import ANN, BEN, enrolled, texts
from tests.web.staffer import Office, Staffer, words_of


def many(office: Office, count: int, *, clinic: int | None = None, name: str = "Person") -> None:
    """So many patients, the first one operated on today, each further one a day earlier."""
    today = office.clock.now().date()
    given = [
        Enrolment(f"{name} {n}", f"+1202555{1000 + n}", today - timedelta(days=n), "form", chart=f"C-{n}")
        for n in range(count)
    ]
    with transaction(office.app.sessions) as session:
        enrol_many(session, the_clinic(session, clinic), given, now=office.clock.now())


def looks_for(staffer: Staffer, text: str) -> str:
    answer = staffer.does("/patients", "find", q=text)
    assert answer.status_code == 200
    return words_of(answer)


def other_clinic(office: Office) -> int:
    with transaction(office.app.sessions) as session:
        return add_clinic(session, {"name": "Smile North", "timezone": "America/New_York"}, now=office.clock.now()).id


@contextmanager
def counted(app: App) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(app.engine, "before_cursor_execute", note)
    yield statements
    event.remove(app.engine, "before_cursor_execute", note)


def test_a_line_says_who_which_day_what_comes_next_and_how_bad_it_is(office: Office, ray: Staffer) -> None:
    number = enrolled(office, chart="C-17")
    texts(office, ANN, "there is yellow pus")
    page = ray.get("/patients")
    assert f'href="/episodes/{number}"' in page.text
    assert "Ann Carter A.C. urgent : open alert C-17 Sun 25 Oct 2026 7 open" in words_of(page)
    assert "Sun 8 Nov, 10:" in words_of(page)
    assert "urgent" in words_of(page)


def test_those_with_an_open_alert_are_shown_alone(office: Office, ray: Staffer) -> None:
    assert "No patient has an open alert." in ray.reads("/patients?show=alerts")
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN, day=3)
    texts(office, ANN, "there is yellow pus")
    texts(office, "+12025550133", "there is yellow pus")  # an alert about nobody's number
    page = ray.reads("/patients?show=alerts")
    assert "Ann Carter" in page
    assert "Ben Petrov" not in page
    assert "Ben Petrov" in ray.reads("/patients?show=nonsense")


def test_the_newest_surgery_comes_first(office: Office, ray: Staffer) -> None:
    enrolled(office, "Ben Petrov", BEN, day=3)
    enrolled(office, day=9)
    page = ray.reads("/patients")
    assert page.index("Ben Petrov") < page.index("Ann Carter")


def test_whom_no_text_reaches_is_marked(office: Office, ray: Staffer) -> None:
    enrolled(office)
    with transaction(office.app.sessions) as session:
        patient = session.scalars(select(Patient)).one()
        patient.opted_out_at = patient.bad_number_at = office.clock.now()
    page = ray.reads("/patients")
    assert "opted out wrong number – none" in page


def test_what_has_ended_or_is_paused_says_so(office: Office, ray: Staffer) -> None:
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN, day=8)
    with transaction(office.app.sessions) as session:
        ann, ben = session.scalars(select(Episode).order_by(Episode.surgery_on.desc()))
        ann.paused_until = office.clock.now() + timedelta(days=2)
        ben.cancelled_at = office.clock.now()
    page = ray.reads("/patients")
    assert "paused until Tue 3 Nov 2026" in page
    assert page.index("ended") > page.index("Ben Petrov")


def test_without_patients_the_page_leads_to_the_first_one(office: Office, ray: Staffer) -> None:
    assert "No patient has been enrolled yet. Enrol the first one" in ray.reads("/patients")


def test_fifty_stand_on_a_page(office: Office, ray: Staffer) -> None:
    many(office, PAGE + 3)
    first, second = ray.get("/patients"), ray.get("/patients?page=2")
    assert first.text.count('href="/episodes/') == PAGE
    assert second.text.count('href="/episodes/') == 3
    assert "Page 2 of 2 (53 surgeries)" in words_of(second)
    assert f"Person {PAGE} P" in words_of(second)


@pytest.mark.parametrize("page", ["99", "999999", "0", "-1", "x", "1e3", "9" * 400, "%00", "2;drop"])
def test_a_page_that_is_not_there_is_the_last_or_the_first(page: str, office: Office, ray: Staffer) -> None:
    many(office, 2)
    assert "Person 1 P" in ray.reads(f"/patients?page={page}")


def test_a_page_asks_the_database_as_often_for_fifty_as_for_one(office: Office, ray: Staffer) -> None:
    many(office, 1)
    with counted(office.app) as few:
        ray.get("/patients")
    many(office, PAGE)
    with counted(office.app) as all_of_them:
        ray.get("/patients")
    assert len(all_of_them) == len(few)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("carter", True),
        ("ann CAR", True),
        ("carter ann", True),
        ("202 555 0101", True),
        ("(0202) 555-0101", True),
        ("+12025550101", True),
        ("0101", True),
        ("c-17", True),
        ("C-1", True),
        ("-17", False),
        ("17", False),
        ("Petrov", False),
        ("%", False),
        ("_nn", False),
        ("' OR 1=1 --", False),
    ],
)
def test_a_search_goes_by_name_number_or_chart(text: str, found: bool, office: Office, ray: Staffer) -> None:
    enrolled(office, chart="C-17")
    page = looks_for(ray, text)
    assert ("Ann Carter" in page) is found
    assert ("1 found for" if found else "Nobody was found for") in page


@pytest.mark.parametrize("text", ["ольга", "Ольга", "ОЛЬГА", "ив"])
def test_a_search_knows_capital_letters_of_every_script(text: str, office: Office, ray: Staffer) -> None:
    enrolled(office, "Ольга Иванова")
    assert "Ольга Иванова" in looks_for(ray, text)


def test_a_search_that_finds_many_says_so(office: Office, ray: Staffer) -> None:
    many(office, PAGE + 5)
    assert f"{PAGE + 5} found for Person ; the newest {PAGE} stand here" in looks_for(ray, "Person")


def test_what_is_looked_for_stands_in_no_address(office: Office, ray: Staffer) -> None:
    answer = ray.does("/patients", "find", q="carter")
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert ray.get("/patients?q=carter").text.count('value="carter"') == 0


def test_nothing_looked_for_is_everybody(office: Office, ray: Staffer) -> None:
    answer = ray.does("/patients", "find", q="   ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/patients")


@pytest.mark.parametrize("text", ["x" * 81, "x" * 10_000, "a\x07b", "a\nb"])
def test_a_search_for_what_nobody_is_called_is_refused(text: str, office: Office, ray: Staffer) -> None:
    assert ray.does("/patients", "find", q=text).status_code == 422


def test_what_was_looked_for_is_shown_as_text(office: Office, ray: Staffer) -> None:
    answer = ray.does("/patients", "find", q="<script>alert(1)</script>")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


def test_nobody_of_another_clinic_is_listed_or_found(office: Office, ray: Staffer) -> None:
    many(office, 3, clinic=other_clinic(office), name="Stranger")
    enrolled(office)
    assert "Stranger" not in ray.reads("/patients")
    for text in ("Stranger", "C-1", "2025551001"):
        assert "Nobody was found" in looks_for(ray, text)


def test_who_looked_at_whom_is_written_down(office: Office, ray: Staffer) -> None:
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN)
    looks_for(ray, "petrov")
    with transaction(office.app.sessions) as session:
        seen = session.scalars(select(Event).where(Event.kind == "viewed").order_by(Event.id.desc())).first()
    assert seen is not None
    assert (seen.actor, seen.patient_id, seen.detail["what"]) == (f"staff:{ray.id}", 2, "the list of patients")


def test_the_front_desk_sees_the_list_and_the_way_to_enrol(office: Office, desk: Staffer) -> None:
    enrolled(office)
    page = desk.get("/patients")
    assert "Ann Carter" in page.text
    assert 'href="/enrol"' in page.text
