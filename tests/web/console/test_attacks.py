"""Attacks on the console as somebody would really try them: each is a sentence about what does not come of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from monitor.db import transaction
from monitor.errors import BadInput
from monitor.models import Clinic, Event, Staff
from monitor.services import enrolment_table
from monitor.services.enrol import Enrolment
from monitor.services.import_patients import MAX_ROWS
from monitor.services.join import invite
from monitor.services.staff import add_staff
from monitor.web.forms import URLENCODED
from tests.web.console.conftest import ANN, BEN, BOSS, RAY, enrolled, texts
from tests.web.console.test_access import sends
from tests.web.staffer import PASSWORD, Office, Staffer

OTHER = "another clinic's own battery"


def at_the_second_step(staffer: Staffer) -> Staffer:
    """The same person at another browser, where the password was right."""
    there = staffer.elsewhere()
    assert there.post("/sign-in", {"who": staffer.phone, "password": PASSWORD}).status_code == 200
    return there


def views(office: Office) -> Sequence[Event]:
    with transaction(office.app.sessions) as session:
        return session.scalars(select(Event).where(Event.kind == "viewed").order_by(Event.id)).all()


def as_parts(staffer: Staffer, path: str, kind: str, value: bytes) -> httpx.Response:
    body = b'--x\r\nContent-Disposition: form-data; name="who"\r\n\r\n' + value + b"\r\n--x--\r\n"
    return staffer.ask("POST", path, content=body, headers={"content-type": kind})


# --- the door


def test_one_code_of_the_app_in_two_browsers_at_once_opens_one(office: Office, ray: Staffer) -> None:
    both, code = [at_the_second_step(ray), at_the_second_step(ray)], ray.totp()
    with ThreadPoolExecutor(2) as at_once:
        answers = list(at_once.map(lambda there: there.post("/sign-in/code", {"code": code}).status_code, both))
    assert sorted(answers) == [303, 422]
    assert sorted(there.get("/account").status_code for there in both) == [200, 303]


def test_one_code_to_join_at_two_browsers_at_once_serves_one(office: Office, ray: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        person = session.get_one(Staff, ray.id)
        code = invite(session, person, now=office.clock.now(), real_now=office.real_time.now())
    both = [ray.elsewhere(), ray.elsewhere("198.51.100.7")]
    given = {"who": RAY, "code": code, "password": OTHER, "again": OTHER}
    with ThreadPoolExecutor(2) as at_once:
        answers = list(at_once.map(lambda there: there.post("/join", given).status_code, both))
    assert sorted(answers) == [303, 422]


def test_codes_are_not_guessed_with_the_password_and_a_browser_that_is_known(office: Office, boss: Staffer) -> None:
    boss.post("/sign-out")
    answers = []
    for n in range(12):
        if n % 4 == 0:
            boss.post("/sign-in", {"who": BOSS, "password": PASSWORD})
        answers.append(boss.post("/sign-in/code", {"code": f"{n:06}"}).status_code)
    assert 429 in answers


def test_a_namesake_at_another_clinic_makes_no_more_guesses_possible(
    office: Office, ray: Staffer, elsewhere: int
) -> None:
    manager = office.seats("Oz Other", "+12025550188", role="manager", clinic=elsewhere)
    added = sends(manager, "/staff", "add", name="Twin", phone=RAY, tier="1", role="clinician").text
    found = re.search(r"[A-Z2-9]{4}(-[A-Z2-9]{4}){3}", added)
    assert found is not None
    thief = ray.elsewhere()
    thief.post("/join", {"who": RAY, "code": found[0], "password": OTHER, "again": OTHER})
    answers = []
    for n in range(12):
        if n % 4 == 0:
            thief.post("/sign-in", {"who": RAY, "password": OTHER})
        answers.append(thief.post("/sign-in", {"who": RAY, "password": f"guess {n}"}).status_code)
    assert 429 in answers


def test_a_stranger_keeps_nobody_from_joining(office: Office, ray: Staffer) -> None:
    thief = ray.elsewhere()
    for _ in range(6):
        thief.post("/join", {"who": RAY, "code": "wrong", "password": OTHER, "again": OTHER})
    ray.post("/sign-out")
    ray.joins()
    assert ray.get("/").status_code == 200


def test_a_new_password_lets_its_owner_in_while_somebody_guesses(office: Office, ray: Staffer) -> None:
    thief = ray.elsewhere()
    for _ in range(6):
        thief.post("/sign-in", {"who": RAY, "password": "wrong"})
    changed = sends(ray, "/account", "password", old=PASSWORD, password=OTHER, again=OTHER)
    assert changed.status_code == 303
    ray.post("/sign-out")
    assert ray.signs_in(password=OTHER).status_code == 303


# --- one cheap request


def test_a_form_cannot_choose_how_it_is_decoded(office: Office, ray: Staffer) -> None:
    for charset in ("undefined", "punycode", "utf-7"):
        answer = as_parts(ray, "/sign-in", f"multipart/form-data; boundary=x; charset={charset}", b"a+2AA-")
        assert (answer.status_code, "Form: “" in answer.text) == (422, True), charset


def test_an_endless_number_in_an_address_is_a_page_that_is_not_there(office: Office, ray: Staffer) -> None:
    assert ray.get("/alerts/" + "1" * 5000).status_code == 404


def test_an_address_cannot_write_a_line_of_the_log(
    office: Office, ray: Staffer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.web.console.help_pages.TOPICS", None)
    with caplog.at_level(logging.WARNING):
        ray.get("/help/x%0A2026-11-08 ERROR forged%1B[2J")
    assert caplog.messages
    assert not re.search("[\n\x1b]", "".join(caplog.messages))


def test_no_expression_is_held_to_an_endless_mail_address(
    office: Office, boss: Staffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.services.staff.EMAIL", None)  # one text of 7,000 dots kept it busy for seconds
    endless = "a@" + "." * 7000 + "@"
    answer = sends(boss, "/staff", "add", name="Q", phone=BEN, tier="1", role="clinician", email=endless)
    assert (answer.status_code, "an address such as" in answer.text) == (422, True)


def test_of_a_table_that_is_far_too_long_the_rest_is_not_read(
    office: Office, desk: Staffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, enrolment = [0], enrolment_table._enrolment

    def counted(columns: Sequence[str], cells: Sequence[str]) -> Enrolment | BadInput:
        read[0] += 1
        return enrolment(columns, cells)

    monkeypatch.setattr(enrolment_table, "_enrolment", counted)
    answer = sends(desk, "/enrol/import", "check", table="name,phone,surgery,consent\n" + "a,b\n" * 3 * MAX_ROWS)
    assert answer.status_code == 422
    assert read[0] <= 2 * (MAX_ROWS + 1)


def test_a_file_stands_in_for_no_other_field(office: Office, ray: Staffer) -> None:
    enrolled(office)
    form = ray.filled("/episodes/1", "note")
    form.pop("note")
    given = {name: value[0] if isinstance(value, list) else value for name, value in form.items()}
    answer = ray.post("/episodes/1", given, files={"note": ("note.txt", b"from a file")})
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", f"{URLENCODED}; charset=x"])
def test_a_form_of_another_kind_changes_nothing(office: Office, ray: Staffer, kind: str) -> None:
    enrolled(office)
    body = b'{"do": "stop", "x": "="}'
    answer = ray.ask("POST", "/episodes/1", content=body, headers={"content-type": kind})
    assert answer.status_code in {409, 422}
    assert "texts as planned" in ray.reads("/episodes/1")


# --- the log


def test_who_looks_at_a_picture_alone_is_logged(office: Office, ray: Staffer) -> None:
    enrolled(office)
    assert ray.get("/episodes/1/pain.svg").status_code == 200
    assert [line.patient_id for line in views(office)] == [1]


def test_who_reads_a_name_above_a_filtered_list_is_logged(office: Office, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    for _ in range(3):
        office.clock.forward(minutes=16)
        office.ticks.everything()
    assert "Ann Carter" in ray.reads("/?show=mine")
    assert [line.patient_id for line in views(office)] == [1]


def test_who_reads_whose_a_number_is_now_is_logged(office: Office, ray: Staffer) -> None:
    texts(office, "+12025550133", "hello")
    enrolled(office, "Cy Young", "+12025550133")
    assert "Cy Young" in ray.reads("/inbox")
    assert [line.patient_id for line in views(office)] == [1]


def test_what_somebody_did_stays_theirs_once_a_colleague_has_their_number(
    office: Office, boss: Staffer, ray: Staffer
) -> None:
    enrolled(office)
    ray.does("/episodes/1", "note", note="seen today")
    boss.does(f"/staff/{ray.id}", "remove", sure="yes")
    sends(boss, "/staff", "add", name="Nia Newcomer", phone=RAY, tier="1", role="clinician")
    assert "Nia Newcomer wrote a note" not in boss.reads("/audit")
    assert "Dr Ray wrote a note" in boss.reads("/audit")


def test_no_line_of_the_log_is_replaced(office: Office, ray: Staffer) -> None:
    if office.app.engine.dialect.name != "sqlite":
        pytest.skip("only SQLite knows this statement")
    forged = "INSERT OR REPLACE INTO events (id, at, kind, actor, detail) SELECT id, at, 'forged', actor, detail"
    with pytest.raises(DatabaseError), transaction(office.app.sessions) as session:
        session.execute(text(f"{forged} FROM events ORDER BY id LIMIT 1"))


# --- another clinic's staff


def test_a_patient_whom_another_clinic_calls_its_staff_is_heard_all_the_same(office: Office, elsewhere: int) -> None:
    enrolled(office)
    with transaction(office.app.sessions) as session:
        add_staff(session, session.get_one(Clinic, elsewhere), "Evil", ANN, now=office.clock.now())
    ray = office.seats("Dr Ray", RAY)
    texts(office, ANN, "I am bleeding heavily and cannot breathe")
    assert "Ann Carter" in ray.reads("/")
