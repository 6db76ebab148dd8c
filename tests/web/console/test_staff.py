"""The staff pages: who works here, codes to join with, changes, and what becomes of what somebody had."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Account, Alert, Event, Override, Shift, SignIn, Staff
from monitor.services.clinic import the_clinic
from monitor.services.rota import add_cover, add_shift
from monitor.services.staff import add_staff
from tests.web.console.conftest import ANN, DESK, RAY, enrolled, texts
from tests.web.console.test_rota import stranger
from tests.web.staffer import PASSWORD, Office, Staffer, words_of

NEW: dict[str, Any] = {
    "name": "Nia New",
    "phone": "+1 202 555 0177",
    "email": "Nia@Example.org",
    "tier": "2",
    "role": "front-desk",
}


def rows(office: Office, table: type) -> list:
    with transaction(office.app.sessions) as session:
        return list(session.scalars(select(table)))


def person(office: Office, number: int) -> Staff:
    with transaction(office.app.sessions) as session:
        return session.get_one(Staff, number)


def code_of(text: str) -> str:
    return re.findall(r"<code>([A-Z2-9]{4}(?:-[A-Z2-9]{4}){3})</code>", text)[0]


def test_everybody_stands_there_with_who_is_on_call_and_who_has_joined(
    office: Office, boss: Staffer, ray: Staffer
) -> None:
    with transaction(office.app.sessions) as session:
        add_staff(session, the_clinic(session), "Una Joined", "+12025550178", now=office.clock.now())
    page = boss.reads("/staff")
    assert "Dr Ray +12025550171 1 Clinician on call yes Sun 1 Nov, 12:0" in page
    assert "Una Joined +12025550178 1 Clinician on call not yet never" in page
    assert "Bo Boss (you)" in page


def test_whoever_adds_somebody_chooses_when_they_are_paged(office: Office, boss: Staffer) -> None:
    form = boss.filled("/staff", "add", name="Rita Reception", phone="+12025550179", role="front-desk")
    refused = boss.post("/staff", form)
    assert "Tier: this is missing; it must be one of the list." in words_of(refused)
    assert len(rows(office, Staff)) == 1


def test_who_is_added_joins_with_the_code_that_is_shown_once(office: Office, boss: Staffer) -> None:
    answer = boss.does("/staff", "add", **NEW)
    assert answer.status_code == 200
    code = code_of(answer.text)
    assert "http://127.0.0.1:8000/join" in answer.text
    assert code not in boss.get("/staff").text
    assert "invited until Sun 8 Nov, 12:0" in boss.reads("/staff")
    browser = boss.elsewhere()
    given = {"who": "nia@example.org", "code": code, "password": PASSWORD, "again": PASSWORD}
    assert browser.post("/join", given).headers["location"] == "/join/second-factor"
    assert browser.elsewhere().post("/join", given).status_code == 422  # once
    assert code not in " ".join(str(event.detail) for event in rows(office, Event))


def test_a_form_that_is_sent_twice_adds_nobody_twice(office: Office, boss: Staffer) -> None:
    form = boss.filled("/staff", "add", **NEW)
    boss.post("/staff", form)
    second = boss.post("/staff", form)
    assert second.status_code == 422
    assert "a number that nobody else has" in words_of(second)
    assert 'value="Nia New"' in second.text


def test_a_new_code_takes_the_place_of_the_one_before(office: Office, boss: Staffer) -> None:
    first = code_of(boss.does("/staff", "add", **NEW).text)
    nia = max(row.id for row in rows(office, Staff))
    second = code_of(boss.does(f"/staff/{nia}", "code").text)
    given = {"who": "+12025550177", "password": PASSWORD, "again": PASSWORD}
    assert boss.elsewhere().post("/join", {**given, "code": first}).status_code == 422
    assert boss.elsewhere().post("/join", {**given, "code": second}).status_code == 303


def test_all_that_is_known_of_somebody_is_changed_and_recorded(office: Office, boss: Staffer, ray: Staffer) -> None:
    done = boss.does(f"/staff/{ray.id}", "change", tier="3", role="manager", email="ray@example.org", admin="yes")
    assert done.headers["location"] == "/staff?said=saved"
    now = person(office, ray.id)
    assert (now.tier, now.role, now.email, now.admin, now.phone) == (3, "manager", "ray@example.org", True, RAY)
    (event,) = [event for event in rows(office, Event) if event.kind == "staff_changed"]
    assert (event.actor, event.detail["fields"]) == (f"staff:{boss.id}", ["email", "tier", "role", "admin"])
    assert ray.get("/staff").status_code == 200  # the visit goes on with the new rights


def test_whoever_is_second_reads_who_was_first_and_loses_nothing(office: Office, boss: Staffer, ray: Staffer) -> None:
    old = boss.filled(f"/staff/{ray.id}", "change", name="Dr Raymond")
    boss.does(f"/staff/{ray.id}", "change", tier="2")
    second = boss.post(f"/staff/{ray.id}", old)
    assert second.status_code == 409
    assert "Bo Boss changed this at 12:0" in words_of(second)
    assert 'value="Dr Raymond"' in second.text
    assert person(office, ray.id).name == "Dr Ray"


def test_a_number_that_a_colleague_has_is_refused_and_one_that_they_had_is_not(
    office: Office, boss: Staffer, ray: Staffer, desk: Staffer
) -> None:
    assert boss.does(f"/staff/{ray.id}", "change", phone=DESK).status_code == 422
    boss.does(f"/staff/{desk.id}", "remove", sure="yes")
    assert boss.does(f"/staff/{ray.id}", "change", phone=DESK).status_code == 303
    with transaction(office.app.sessions) as session:
        assert (session.get_one(Staff, ray.id).phone, session.get_one(Staff, desk.id).phone) == (
            DESK,
            f"left:{desk.id}",
        )


def test_who_is_removed_is_out_at_once_and_cannot_come_back(office: Office, boss: Staffer, ray: Staffer) -> None:
    assert boss.does(f"/staff/{ray.id}", "remove").status_code == 422  # not ticked
    assert boss.does(f"/staff/{ray.id}", "remove", sure="yes").headers["location"] == "/staff?said=removed"
    assert ray.get("/").headers["location"] == "/sign-in"
    assert ray.post("/sign-in", {"who": RAY, "password": PASSWORD}).status_code == 422
    assert "Dr Ray" not in boss.reads("/staff")
    assert boss.get(f"/staff/{ray.id}").status_code == 404
    assert [row.staff_id for row in rows(office, Account)] == [boss.id]


def test_whoever_comes_back_begins_anew(office: Office, boss: Staffer, ray: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        add_shift(session, ray.id, "mon", "08:00", "18:00", now=office.clock.now())
    boss.does(f"/staff/{ray.id}", "remove", sure="yes")
    code_of(boss.does("/staff", "add", **{**NEW, "phone": RAY}).text)
    assert ray.post("/sign-in", {"who": RAY, "password": PASSWORD}).status_code == 422
    assert rows(office, Shift) == []


def test_what_somebody_had_of_alerts_is_paged_to_who_is_on_call(office: Office, boss: Staffer, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    ray.does("/", "take", alert="1")
    assert "They have 1 open alert: whoever is on call is paged for it at once" in boss.reads(f"/staff/{ray.id}")
    before = len([event for event in rows(office, Event) if event.kind == "paged"])
    boss.does(f"/staff/{ray.id}", "remove", sure="yes")
    (alert,) = rows(office, Alert)
    assert (alert.state, alert.taken_by_id) == ("open", None)
    assert len([event for event in rows(office, Event) if event.kind == "paged"]) == before + 1
    kinds = {event.kind: event for event in rows(office, Event)}
    assert kinds["alert_given_back"].actor == f"staff:{boss.id}"
    assert kinds["staff_removed"].detail["alerts"] == [1]


def test_covers_end_with_who_leaves_and_who_covers_for_them_stays_on_call(
    office: Office, boss: Staffer, ray: Staffer, desk: Staffer
) -> None:
    now = office.clock.now()
    with transaction(office.app.sessions) as session:
        add_cover(session, ray.id, "2026-11-05 08:00", "2026-11-05 18:00", instead_of=desk.id, now=now)
        add_cover(session, boss.id, "2026-11-06 08:00", "2026-11-06 18:00", instead_of=ray.id, now=now)
        add_cover(session, ray.id, "2026-10-31 08:00", "2026-11-08 18:00", now=now)
    boss.does(f"/staff/{ray.id}", "remove", sure="yes")
    left = {(row.staff_id, row.instead_of_id, row.ends_at <= now) for row in rows(office, Override)}
    assert left == {(boss.id, None, False), (ray.id, None, True)}


def test_nobody_removes_themselves_nor_the_last_who_manages(office: Office, boss: Staffer, ray: Staffer) -> None:
    assert "Yes, Bo Boss leaves" not in boss.reads(f"/staff/{boss.id}")
    form = boss.filled(f"/staff/{ray.id}", "remove", sure="yes")
    refused = boss.post(f"/staff/{boss.id}", form)
    assert refused.status_code == 422
    assert "somebody other than yourself" in words_of(refused)
    demoted = boss.does(f"/staff/{boss.id}", "change", role="clinician")
    assert demoted.status_code == 422
    assert "a change that leaves nobody to manage staff is not possible" in words_of(demoted)
    boss.does(f"/staff/{ray.id}", "change", admin="yes")
    assert boss.does(f"/staff/{boss.id}", "change", role="clinician").status_code == 303


def test_somebody_is_signed_out_everywhere(office: Office, boss: Staffer, ray: Staffer) -> None:
    assert boss.does(f"/staff/{ray.id}", "sign-out").status_code == 303
    assert ray.get("/").headers["location"] == "/sign-in"
    assert {row.staff_id for row in rows(office, SignIn)} == {boss.id}
    assert "signed_out_everywhere" in [event.kind for event in rows(office, Event)]


# --- what others try


@pytest.mark.parametrize("role", ["clinician", "front-desk"])
def test_who_does_not_manage_sees_and_changes_nothing(office: Office, boss: Staffer, role: str) -> None:
    other = office.hires("Eve", "+12025550179", role=role)
    assert other.get("/staff").status_code == 403
    assert other.get(f"/staff/{boss.id}").status_code == 403
    token = other.filled("/rota", "shift")["csrf"]  # a token that is good
    for path, do in (("/staff", "add"), (f"/staff/{other.id}", "change"), (f"/staff/{boss.id}", "remove")):
        assert other.post(path, {**NEW, "csrf": token, "do": do, "sure": "yes", "admin": "yes"}).status_code == 403
    assert other.post(f"/staff/{other.id}", {"csrf": token, "do": "code"}).status_code == 403
    assert (len(rows(office, Staff)), person(office, other.id).admin) == (2, False)


def test_nobody_of_another_clinic_can_be_looked_at_or_touched(office: Office, boss: Staffer, ray: Staffer) -> None:
    foreign = stranger(office)
    assert "Ola Other" not in boss.get("/staff").text
    assert boss.get(f"/staff/{foreign}").status_code == 404
    for do in ("change", "code", "sign-out", "remove"):
        form = boss.filled(f"/staff/{ray.id}", do, sure="yes")
        assert boss.post(f"/staff/{foreign}", form).status_code == 404, do
    left = person(office, foreign)
    assert (left.name, left.left_at) == ("Ola Other", None)
    assert foreign not in {row.staff_id for row in rows(office, Account)}


def test_without_the_pages_own_token_nothing_is_done(office: Office, boss: Staffer) -> None:
    assert boss.post("/staff", {**NEW, "do": "add"}).status_code == 409
    form = boss.filled("/staff", "add", **NEW)
    assert boss.post("/staff", form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert len(rows(office, Staff)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 10_000),
        ("name", "a\x1b[31mb"),
        ("name", "\u202eevil"),
        ("phone", ""),
        ("phone", "12"),
        ("phone", "+44 20 7946 0018"),
        ("phone", "1" * 10_000),
        ("email", "ray"),
        ("email", "a@b.c" + "c" * 300),
        ("email", "a\x01@b.cc"),
        ("tier", "0"),
        ("tier", "99"),
        ("tier", "first"),
        ("tier", ""),
        ("role", "king"),
        ("role", ""),
    ],
)
def test_what_cannot_be_used_is_named_at_its_field(office: Office, boss: Staffer, field: str, value: str) -> None:
    refused = boss.does("/staff", "add", **{**NEW, field: value})
    assert refused.status_code == 422
    assert 'class="hint wrong"' in refused.text
    assert len(rows(office, Staff)) == 1
    changed = boss.does(f"/staff/{boss.id}", "change", **{**NEW, "role": "manager", field: value})
    assert changed.status_code == 422
    assert person(office, boss.id).name == "Bo Boss"


def test_hostile_names_are_shown_as_they_are(office: Office, boss: Staffer) -> None:
    answer = boss.does("/staff", "add", **{**NEW, "name": "<script>alert(1)</script>\"'"})
    for page in (answer.text, boss.get("/staff").text, boss.get(f"/staff/{boss.id + 1}").text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
