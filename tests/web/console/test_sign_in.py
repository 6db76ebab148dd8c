"""Who gets in: joining, passwords, the second factor, how long a visit holds, and tries that fail."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.domain.access import FIRST_WAIT, INVITED_FOR, TRIES_OF_AN_ADDRESS
from monitor.models import Account, Event, Staff
from monitor.services.clinic import the_clinic
from monitor.services.join import invite
from monitor.services.sign_in import name_of
from monitor.services.staff import add_staff, remove_staff
from monitor.web.app import create_app
from monitor.web.auth import VISIT
from tests.web.console.conftest import DESK, RAY
from tests.web.staffer import PASSWORD, Office, Staffer, forms_of, words_of

WRONG = "not the one at all"
CLOSED = "Too many tries have failed here."


def newcomer(office: Office, name: str = "Nia New", phone: str = "+12025550177") -> Staffer:
    """Somebody who has been added and has not joined yet."""
    with transaction(office.app.sessions) as session:
        person = add_staff(session, the_clinic(session), name, phone, now=office.clock.now())
    return Staffer(office.app, office.web, office.real_time, person.id, person.phone)


def invited(office: Office, person: Staffer) -> str:
    with transaction(office.app.sessions) as session:
        who = session.get_one(Staff, person.id)
        return invite(session, who, now=office.clock.now(), real_now=office.real_time.now())


def tries_to_join(person: Staffer, code: str, password: str = PASSWORD, **more: str) -> int:
    given = {"who": person.phone, "code": code, "password": password, "again": password, **more}
    return person.post("/join", given).status_code


def is_in(person: Staffer) -> bool:
    answer = person.get("/")
    assert answer.status_code == 200 or answer.headers["location"] == "/sign-in"
    return answer.status_code == 200


# --- joining


def test_a_code_lets_its_owner_in_once(office: Office) -> None:
    nia = newcomer(office)
    code = invited(office, nia)
    assert tries_to_join(nia, code.lower().replace("-", " ")) == 303
    assert not is_in(nia)  # not before the second factor
    assert tries_to_join(nia.elsewhere(), code) == 422


def test_a_code_is_too_old_after_a_week(office: Office) -> None:
    nia = newcomer(office)
    code = invited(office, nia)
    office.real_time.forward(days=INVITED_FOR.days)
    assert tries_to_join(nia, code) == 422


def test_a_new_code_takes_the_place_of_the_one_before(office: Office) -> None:
    nia = newcomer(office)
    first, second = invited(office, nia), invited(office, nia)
    assert tries_to_join(nia, first) == 422
    assert tries_to_join(nia, second) == 303


@pytest.mark.parametrize("code", ["", "ABCD-EFGH-JKMN-PQRS", "x" * 10_000, "' OR 1=1 --", "\x00"])
def test_a_wrong_code_lets_nobody_in(office: Office, code: str) -> None:
    nia = newcomer(office)
    invited(office, nia)
    assert tries_to_join(nia, code) == 422


def test_a_code_is_for_its_owners_number_alone(office: Office) -> None:
    nia, max_ = newcomer(office), newcomer(office, "Max Next", "+12025550178")
    code = invited(office, nia)
    assert tries_to_join(max_, code) == 422
    assert tries_to_join(nia, code) == 303


def test_whoever_joins_anew_is_signed_out_everywhere_and_needs_the_new_app(office: Office, ray: Staffer) -> None:
    code = invited(office, ray)
    with transaction(office.app.sessions) as session:
        before = session.get_one(Account, ray.id).totp_secret
    new = ray.elsewhere()
    assert tries_to_join(new, code) == 303
    assert not is_in(ray)
    assert new.get("/join/second-factor").status_code == 200
    with transaction(office.app.sessions) as session:
        assert session.get_one(Account, ray.id).totp_secret not in {None, before}


@pytest.mark.parametrize(
    "password",
    ["", "elevenchars", "x" * 201, "aaaaaaaaaaaa", "Nia New Nia New Nia", "smile dental", "+12025550177"],
)
def test_a_password_that_is_easily_guessed_is_refused_and_not_shown(office: Office, password: str) -> None:
    nia = newcomer(office)
    code = invited(office, nia)
    refused = nia.post("/join", {"who": nia.phone, "code": code, "password": password, "again": password})
    assert refused.status_code == 422
    assert "12 to 200 characters" in words_of(refused)
    fields = forms_of(refused)["/join"]
    assert (fields["password"], fields["again"]) == ("", "")
    assert tries_to_join(nia, code) == 303  # the code is still good


def test_two_passwords_that_differ_are_refused(office: Office) -> None:
    nia = newcomer(office)
    assert tries_to_join(nia, invited(office, nia), again=PASSWORD + "!") == 422


def test_a_slip_in_a_password_keeps_the_code_and_no_password(office: Office) -> None:
    nia = newcomer(office)
    code = invited(office, nia)
    given = {"who": nia.phone, "code": code, "password": PASSWORD, "again": PASSWORD + "!"}
    refused = nia.post("/join", given)
    fields = forms_of(refused)["/join"]
    assert (fields["who"], fields["code"], fields["password"], fields["again"]) == (nia.phone, code, "", "")
    assert PASSWORD not in refused.text


def test_whoever_joins_on_the_phone_with_the_app_opens_it_from_there(office: Office) -> None:
    nia = newcomer(office)
    tries_to_join(nia, invited(office, nia))
    page = nia.get("/join/second-factor").text
    link = re.search('<a class="button" href="(otpauth://totp/[^"]+)">Open in the app on this phone</a>', page)
    assert link is not None
    secret = parse_qs(urlsplit(unescape(link.group(1))).query)["secret"]
    assert pyotp.TOTP(secret[0]).at(office.real_time.now()) == nia.totp()


def test_joining_is_over_once_the_app_has_shown_its_first_code(office: Office) -> None:
    nia = newcomer(office)
    tries_to_join(nia, invited(office, nia))
    assert nia.get("/join/second-factor").status_code == 200
    assert nia.post("/join/second-factor", {"code": "000000"}).status_code == 422
    done = nia.post("/join/second-factor", {"code": nia.totp()})
    assert done.text.count("<li><code>") == 10
    assert is_in(nia)
    assert nia.get("/join/second-factor").headers["location"] == "/sign-in"
    assert nia.get("/sign-in").headers["location"] == "/"


# --- the password and the second factor


def test_password_and_code_let_somebody_in(ray: Staffer) -> None:
    there = ray.elsewhere()
    assert there.signs_in().headers["location"] == "/"
    assert is_in(there)


@pytest.mark.parametrize("who", ["(202) 555-0171", "202-555-0171", "  +1 202 555 0171 "])
def test_a_number_may_be_written_in_any_way(ray: Staffer, who: str) -> None:
    assert ray.elsewhere().post("/sign-in", {"who": who, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("password", ["", WRONG, PASSWORD.upper(), PASSWORD + " ", "x" * 60_000, "\x00"])
def test_a_wrong_password_lets_nobody_in(ray: Staffer, password: str) -> None:
    there = ray.elsewhere()
    refused = there.post("/sign-in", {"who": ray.phone, "password": password})
    assert refused.status_code == 422
    assert VISIT not in there.cookies
    assert password not in refused.text or not password.strip("\x00")


@pytest.mark.parametrize("code", ["", "000000", "１２３４５６", "12345", "x" * 10_000, "' OR 1=1 --"])
def test_a_wrong_code_of_the_app_lets_nobody_in(ray: Staffer, code: str) -> None:
    there = ray.elsewhere()
    there.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
    assert there.post("/sign-in/code", {"code": code}).status_code == 422
    assert not is_in(there)


def test_a_code_of_the_app_works_once(ray: Staffer) -> None:
    code, first, second = ray.totp(), ray.elsewhere(), ray.elsewhere("203.0.113.10")
    for there, status in ((first, 303), (second, 422)):
        there.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
        assert there.post("/sign-in/code", {"code": code}).status_code == status


@pytest.mark.parametrize(("old", "status"), [(0, 303), (30, 303), (60, 422), (-30, 303), (-60, 422)])
def test_a_code_holds_for_a_phone_whose_clock_is_half_a_minute_off_and_no_longer(
    office: Office, ray: Staffer, old: int, status: int
) -> None:
    office.real_time.forward(minutes=5)
    there = ray.elsewhere()
    there.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
    with transaction(office.app.sessions) as session:
        secret = session.get_one(Account, ray.id).totp_secret or ""
    code = pyotp.TOTP(secret).at(office.real_time.now() - timedelta(seconds=old))
    assert there.post("/sign-in/code", {"code": code}).status_code == status


def test_a_recovery_code_stands_in_for_the_app_once(office: Office) -> None:
    nia = newcomer(office)
    tries_to_join(nia, invited(office, nia))
    nia.get("/join/second-factor")
    shown = nia.post("/join/second-factor", {"code": nia.totp()}).text
    code = shown.partition("<li><code>")[2].partition("<")[0].lower()
    for address, status in (("203.0.113.1", 303), ("203.0.113.2", 422)):
        there = nia.elsewhere(address)
        there.post("/sign-in", {"who": nia.phone, "password": PASSWORD})
        assert there.post("/sign-in/code", {"code": code}).status_code == status
    with transaction(office.app.sessions) as session:
        ways = session.scalars(select(Event).where(Event.kind == "signed_in")).all()
    assert [event.detail["how"] for event in ways] == ["joining", "recovery code"]


def test_the_password_alone_opens_no_page_and_for_ten_minutes_only(office: Office, ray: Staffer) -> None:
    there = ray.elsewhere()
    there.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
    assert not is_in(there)
    office.real_time.forward(minutes=11)
    late = there.post("/sign-in/code", {"code": there.totp(), "next": "/inbox", "kept": '[["do", "task"]]'})
    assert late.status_code == 401
    assert forms_of(late)["/sign-in"] == {"next": "/inbox", "kept": '[["do", "task"]]', "who": "", "password": ""}


def test_the_browser_is_given_a_new_name_at_each_step(ray: Staffer) -> None:
    there = ray.elsewhere()
    there.cookies.set(VISIT, "planted-by-somebody", domain="127.0.0.1", path="/")
    there.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
    half = there.cookies[VISIT]
    there.post("/sign-in/code", {"code": there.totp()})
    whole = there.cookies[VISIT]
    assert len({"planted-by-somebody", half, whole}) == 3
    thief = ray.elsewhere("198.51.100.7")
    thief.cookies.set(VISIT, half, domain="127.0.0.1", path="/")
    assert not is_in(thief)
    assert is_in(there)


def test_who_signs_in_ends_the_visit_that_this_browser_had(ray: Staffer) -> None:
    before = ray.cookies[VISIT]
    ray.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
    thief = ray.elsewhere()
    thief.cookies.set(VISIT, before, domain="127.0.0.1", path="/")
    assert not is_in(thief)


# --- how long a visit holds


def test_a_visit_ends_after_an_hour_without_a_sign_of_life(office: Office, ray: Staffer) -> None:
    for _ in range(3):
        office.real_time.forward(minutes=59)
        assert is_in(ray)
    office.real_time.forward(minutes=61)
    assert not is_in(ray)


def test_what_a_page_fetches_by_itself_is_no_sign_of_life(office: Office, ray: Staffer) -> None:
    office.real_time.forward(minutes=40)
    assert ray.get("/worklist").status_code == 200
    office.real_time.forward(minutes=30)
    assert ray.get("/worklist").status_code == 401
    assert not is_in(ray)


def test_a_visit_ends_after_twelve_hours_whatever_happens(office: Office, ray: Staffer) -> None:
    for _ in range(14):
        assert is_in(ray)
        office.real_time.forward(minutes=50)
    office.real_time.forward(minutes=20)
    assert not is_in(ray)


def test_the_phones_clock_ends_no_visit(office: Office, ray: Staffer) -> None:
    office.clock.forward(days=3)
    assert is_in(ray)


def test_who_signs_out_is_out_and_so_is_a_thief_of_the_cookie(ray: Staffer) -> None:
    thief = ray.elsewhere()
    thief.cookies.set(VISIT, ray.cookies[VISIT], domain="127.0.0.1", path="/")
    assert is_in(thief)
    assert ray.post("/sign-out").headers["location"] == "/sign-in"
    assert VISIT not in ray.cookies
    assert not is_in(ray)
    assert not is_in(thief)


def test_who_has_left_the_clinic_is_out_at_once_and_stays_out(office: Office, ray: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        remove_staff(session, ray.id, now=office.clock.now())
    assert not is_in(ray)
    assert ray.signs_in().status_code == 422


# --- tries that fail


def guesses(there: Staffer, who: str, count: int) -> list[int]:
    return [there.post("/sign-in", {"who": who, "password": WRONG}).status_code for _ in range(count)]


def test_five_wrong_passwords_close_an_account_to_strangers_and_not_to_its_owner(office: Office, ray: Staffer) -> None:
    ray.post("/sign-out")  # the browser is known all the same
    thief = ray.elsewhere()
    assert guesses(thief, RAY, 6) == [422] * 5 + [429]
    assert thief.signs_in().status_code == 429  # the right one would not help now
    assert ray.elsewhere("198.51.100.1").signs_in().status_code == 429
    assert ray.signs_in().headers["location"] == "/"


def test_an_owner_who_mistypes_waits_as_well(office: Office, ray: Staffer) -> None:
    ray.post("/sign-out")
    assert guesses(ray, RAY, 6) == [422] * 5 + [429]
    assert ray.elsewhere().signs_in().headers["location"] == "/"


def test_one_persons_slips_keep_nobody_else_of_the_office_out(office: Office, ray: Staffer, desk: Staffer) -> None:
    shared = "203.0.113.77"
    guesses(ray.elsewhere(shared), RAY, 12)
    assert desk.elsewhere(shared).signs_in().headers["location"] == "/"


def test_an_address_that_tries_many_accounts_is_kept_waiting(office: Office, ray: Staffer) -> None:
    thief = ray.elsewhere()
    statuses = [guesses(thief, f"+1202555{n:04}", 1)[0] for n in range(31)]
    assert statuses == [422] * 30 + [429]
    assert ray.elsewhere("198.51.100.1").signs_in().headers["location"] == "/"


def test_waits_double_up_to_a_quarter_of_an_hour_and_are_forgiven(office: Office, ray: Staffer) -> None:
    thief = ray.elsewhere()
    guesses(thief, RAY, 5)
    for minutes in (1, 2, 4, 8, 15, 15):
        assert f"Please wait {minutes} min." in words_of(thief.post("/sign-in", {"who": RAY, "password": WRONG}))
        office.real_time.forward(minutes=minutes, seconds=-1)
        assert guesses(thief, RAY, 1) == [429]
        office.real_time.forward(seconds=2)
        assert guesses(thief, RAY, 1) == [422]
    office.real_time.forward(hours=1, seconds=1)
    assert guesses(thief, RAY, 6) == [422] * 5 + [429]


def test_a_right_password_forgives_the_slips_before_it(office: Office, ray: Staffer) -> None:
    there = ray.elsewhere()
    for _ in range(3):
        guesses(there, RAY, 4)
        assert there.signs_in().headers["location"] == "/"
        there.cookies.clear()


def test_codes_of_the_app_cannot_be_guessed_through(office: Office, ray: Staffer) -> None:
    thief = ray.elsewhere()
    thief.post("/sign-in", {"who": RAY, "password": PASSWORD})
    tried = [thief.post("/sign-in/code", {"code": f"{n:06}"}) for n in range(7)]
    assert [answer.status_code for answer in tried] == [422] * 5 + [429] * 2
    assert thief.post("/sign-in/code", {"code": thief.totp()}).status_code == 429


def test_codes_to_join_cannot_be_guessed_through_and_whoever_guesses_keeps_nobody_else_out(office: Office) -> None:
    nia = newcomer(office)
    code = invited(office, nia)
    thief = nia.elsewhere()
    assert [tries_to_join(thief, "WRONG") for _ in range(TRIES_OF_AN_ADDRESS + 1)] == [422] * TRIES_OF_AN_ADDRESS + [
        429
    ]
    assert tries_to_join(thief, code) == 429
    office.real_time.forward(seconds=FIRST_WAIT.seconds + 1)
    assert tries_to_join(nia, code) == 303


def test_nobody_can_tell_from_refusals_who_has_an_account(office: Office, ray: Staffer) -> None:
    told = []
    for who in ("0171", "0199"):
        thief, seen = ray.elsewhere(f"198.51.100.{who[-2:]}"), []
        for written in (f"+1202555{who}", f"(202) 555-{who}", f"202 555 {who}", f"1-202-555-{who}", f"+1 202555{who}"):
            answer = thief.post("/sign-in", {"who": written, "password": WRONG})
            seen.append((answer.status_code, words_of(answer), sorted(answer.headers)))
        answer = thief.post("/sign-in", {"who": f"+1202555{who}", "password": WRONG})
        told.append([*seen, (answer.status_code, words_of(answer), sorted(answer.headers))])
    assert told[0] == told[1]
    assert told[0][-1][0] == 429
    assert CLOSED in told[0][-1][1]


def test_tries_are_counted_under_no_readable_number(office: Office, ray: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        assert name_of(session, DESK) == name_of(session, "(202) 555-0172")
        assert "2025550172" not in name_of(session, DESK)


# --- where it leads


@pytest.mark.parametrize(
    "asked",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "\t//evil.example", "",
     "/a\r\nSet-Cookie: x=1", "///evil.example", "evil.example"],
)  # fmt: skip
def test_no_address_but_ours_is_gone_to_after_signing_in(ray: Staffer, asked: str) -> None:
    there = ray.elsewhere()
    first = there.post("/sign-in", {"who": ray.phone, "password": PASSWORD, "next": asked})
    assert forms_of(first)["/sign-in/code"]["next"] == "/"
    assert there.post("/sign-in/code", {"code": there.totp(), "next": asked}).headers["location"] == "/"
    assert there.ask("GET", "/sign-in", params={"next": asked}).headers["location"] == "/"


def test_who_was_on_the_way_to_a_page_comes_to_it(ray: Staffer) -> None:
    there = ray.elsewhere()
    sent = there.get("/inbox?said=done").headers["location"]
    assert sent == "/sign-in?next=%2Finbox%3Fsaid%3Ddone"
    page = there.get(sent)
    assert forms_of(page)["/sign-in"]["next"] == "/inbox?said=done"
    there.post("/sign-in", {"who": ray.phone, "password": PASSWORD, "next": "/inbox?said=done"})
    done = there.post("/sign-in/code", {"code": there.totp(), "next": "/inbox?said=done"})
    assert done.headers["location"] == "/inbox?said=done"


# --- cookies


@pytest.mark.parametrize(
    ("url", "prefix", "secure"), [("http://127.0.0.1:8000", "", False), ("https://m.example.org", "__Host-", True)]
)
def test_cookies_are_for_this_program_alone(office: Office, ray: Staffer, url: str, prefix: str, secure: bool) -> None:
    app = replace(office.app, settings=office.app.settings.model_copy(update={"public_url": url}))
    ticks = office.ticks
    web = create_app(app, wake=ticks.urgent, run_everything=ticks.everything, real_time=office.real_time)
    there = Staffer(office.app, web, office.real_time, ray.id, ray.phone)
    first = there.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
    half = first.cookies[f"{prefix}visit"]
    second = there.post("/sign-in/code", {"code": there.totp()}, headers={"cookie": f"{prefix}visit={half}"})
    given = [*first.headers.get_list("set-cookie"), *second.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in given} == {f"{prefix}visit", f"{prefix}device"}
    for cookie in given:
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=lax"} <= flags
        assert ("secure" in flags) == secure
        assert not any(flag.startswith("domain") for flag in flags)
    assert ("strict-transport-security" in first.headers) == secure
