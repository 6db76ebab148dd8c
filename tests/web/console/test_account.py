"""One's own account: the password, recovery codes, other browsers, rights in words."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Account, Event, RecoveryCode
from tests.web.console.conftest import RAY
from tests.web.staffer import PASSWORD, Office, Staffer, words_of

FRESH = "walnut harbour violin 7"


def kinds(office: Office) -> list[str]:
    with transaction(office.app.sessions) as session:
        return list(session.scalars(select(Event.kind)))


def test_the_password_is_changed_with_the_present_one_and_others_are_signed_out(office: Office, ray: Staffer) -> None:
    other = ray.elsewhere()
    other.signs_in()
    done = ray.does("/account", "password", old=PASSWORD, password=FRESH, again=FRESH)
    assert done.headers["location"] == "/account?said=password"
    assert ray.get("/account").status_code == 200
    assert other.get("/").headers["location"] == "/sign-in"
    assert other.signs_in().status_code == 422
    assert other.signs_in(password=FRESH).headers["location"] == "/"
    assert "password_changed" in kinds(office)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"old": "wrong"}, "The present one: this is not right; it must be the password with which you sign in now"),
        ({"old": ""}, "The present one: this is missing; it must be the password with which you sign in now"),
        (
            {"again": "something else 12"},
            "The new one again: this is not right; it must be the same new password",
        ),
        ({"password": "short", "again": "short"}, "12 to 200 characters"),
        ({"password": "x" * 10_000, "again": "x" * 10_000}, "12 to 200 characters"),
        ({"password": "Dr Ray +12025550171", "again": "Dr Ray +12025550171"}, "not your name or number"),
    ],
)
def test_a_password_that_cannot_be_is_refused_and_nothing_typed_is_sent_back(
    office: Office, ray: Staffer, given: dict[str, str], why: str
) -> None:
    typed = {"old": PASSWORD, "password": FRESH, "again": FRESH} | given
    refused = ray.does("/account", "password", **typed)
    assert refused.status_code == 422
    assert why in words_of(refused)
    assert not any(value in refused.text for value in typed.values() if len(value) > 5 and value != "something")
    assert "password_changed" not in kinds(office)


def test_whoever_guesses_the_present_password_at_an_open_browser_is_kept_waiting(office: Office, ray: Staffer) -> None:
    for _ in range(5):
        assert ray.does("/account", "password", old="wrong", password=FRESH, again=FRESH).status_code == 422
    waiting = ray.does("/account", "password", old=PASSWORD, password=FRESH, again=FRESH)
    assert waiting.status_code == 429
    assert "password_changed" not in kinds(office)
    office.real_time.forward(minutes=2)
    assert ray.does("/account", "password", old=PASSWORD, password=FRESH, again=FRESH).status_code == 303


def test_new_recovery_codes_are_shown_once_and_take_the_place_of_the_old(office: Office, ray: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        old = set(session.scalars(select(RecoveryCode.digest)))
    answer = ray.does("/account", "codes", code=ray.totp())
    shown = re.findall(r"<code>([A-Z2-9-]{14})</code>", answer.text)
    assert (answer.status_code, len(set(shown))) == (200, 10)
    with transaction(office.app.sessions) as session:
        new = set(session.scalars(select(RecoveryCode.digest)))
    assert (len(new), new & old) == (10, set())
    assert not any(code in ray.get("/account").text for code in shown)
    assert "recovery_codes_renewed" in kinds(office)
    away = ray.elsewhere()
    away.post("/sign-in", {"who": RAY, "password": PASSWORD})
    assert away.post("/sign-in/code", {"code": shown[0], "next": "/"}).headers["location"] == "/"
    assert "9 of your codes are left" in ray.reads("/account")


@pytest.mark.parametrize("code", ["", "000000", "x" * 10_000, "<script>"])
def test_without_the_apps_code_there_are_no_new_ones(office: Office, ray: Staffer, code: str) -> None:
    assert ray.does("/account", "codes", code=code).status_code == 422
    assert "recovery_codes_renewed" not in kinds(office)


def test_a_recovery_code_makes_no_new_ones_and_is_not_used_up_by_that(office: Office, ray: Staffer) -> None:
    shown = re.findall(r"<code>([A-Z2-9-]{14})</code>", ray.does("/account", "codes", code=ray.totp()).text)
    assert ray.does("/account", "codes", code=shown[0]).status_code == 422
    assert "10 of your codes are left" in ray.reads("/account")


def test_a_code_of_the_app_counts_once(office: Office, ray: Staffer) -> None:
    code = ray.totp()
    assert ray.does("/account", "codes", code=code).status_code == 200
    assert ray.does("/account", "codes", code=code).status_code == 422


def test_one_signs_out_everywhere_else(office: Office, ray: Staffer) -> None:
    other = ray.elsewhere()
    other.signs_in()
    assert "You are signed in in 1 other browser." in ray.reads("/account")
    assert ray.does("/account", "sign-out").headers["location"] == "/account?said=signed-out"
    assert other.get("/").headers["location"] == "/sign-in"
    assert "You are signed in here alone." in ray.reads("/account")


def test_everybody_reads_what_they_and_each_role_may(ray: Staffer, desk: Staffer) -> None:
    assert "Overrule a finding yes yes – –" in ray.reads("/account")
    page = desk.reads("/account")
    assert "Overrule a finding no yes – –" in page
    assert "Change the rota yes yes yes yes" in page


def test_nobody_changes_anothers_password(office: Office, ray: Staffer, desk: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        before = session.get_one(Account, ray.id).password
    form = desk.filled("/account", "password", old=PASSWORD, password=FRESH, again=FRESH)
    desk.post("/account", {**form, "who": RAY, "staff": ray.id, "number": ray.id})
    with transaction(office.app.sessions) as session:
        assert session.get_one(Account, ray.id).password == before
    stolen = ray.filled("/account", "password", old=PASSWORD, password=FRESH, again=FRESH)
    assert desk.post("/account", stolen).status_code == 409  # the token of another's visit


def test_a_password_typed_after_the_visit_ended_stands_on_no_page(office: Office, ray: Staffer) -> None:
    form = ray.filled("/account", "password", old=PASSWORD, password=FRESH, again=FRESH)
    ray.post("/sign-out", {})
    asked = ray.post("/account", form)
    assert asked.status_code == 401
    assert FRESH not in asked.text
    assert PASSWORD not in asked.text
