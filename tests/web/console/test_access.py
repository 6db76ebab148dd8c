"""What each role may see and do, and what forged, stolen and late requests come to: for every page that there is."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, func, select

from monitor.db import reading, transaction
from monitor.domain.access import Role, permissions_of
from monitor.models import Event, Task
from monitor.services.clinic import the_clinic
from monitor.services.settle import add_task
from monitor.services.sign_in import find
from monitor.web.auth import VISIT, csrf_token
from monitor.web.console.frame import ALL_KEPT, MAX_FIELDS, NEVER_KEPT, Page
from tests.web.console.conftest import ANN, BEN, enrolled, samples_of, texts
from tests.web.console.pages import Samples, address, other_routes, pages
from tests.web.staffer import PASSWORD, Office, Staffer, forms_of, words_of

CONSOLE = Path(__file__).parents[3] / "monitor" / "web" / "templates" / "console"
DOOR = {"/sign-in", "/sign-in/code", "/sign-out", "/join", "/join/second-factor"}
FILLED = {"{what:str}": "pain", "{key}": "replies", "{link}": "abcdefgh"}
SECURE = {
    "content-security-policy": "default-src 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
SEATS = [(role, admin) for role in Role for admin in (False, True)]
STOLEN = {"sec-fetch-site": "cross-site"}


@pytest.fixture
def samples(office: Office, ray: Staffer) -> Samples:
    """One thing of each kind, of the first clinic."""
    return samples_of(office, ray, ANN)


def token_of(staffer: Staffer) -> str:
    """What a form on this person's pages carries."""
    with reading(staffer.app.sessions) as session:
        found = find(session, staffer.cookies[VISIT], factors=2, now=staffer.real_time.now())
        assert found is not None
        return csrf_token(found.csrf)


def sends(staffer: Staffer, path: str, do: str, **fields: str) -> httpx.Response:
    """A form with everything that our own would have around it."""
    return staffer.post(path, {"csrf": token_of(staffer), "do": do, **fields})


def opened(page: Page, staffer: Staffer, samples: Samples) -> int:
    """What comes of opening a page; of one that no browser opens, of sending its form."""
    where = address(page.path, samples)
    answer = staffer.get(where)
    if answer.status_code == 405:
        answer = sends(staffer, where, next(iter(page.actions)))
    return answer.status_code


def events(office: Office, kind: str) -> int:
    with transaction(office.app.sessions) as session:
        return session.scalar(select(func.count()).select_from(Event).where(Event.kind == kind)) or 0


# --- roles, page by page


def test_there_are_pages_to_try() -> None:
    paths = {page.path for page in pages()}
    assert {"/", "/inbox", "/messages", "/alerts/{number:row}"} <= paths
    assert all(page.needs is not None or page.path.split("/")[1] in {"account", "help"} for page in pages())


@pytest.mark.parametrize(("role", "admin"), SEATS)
def test_a_page_opens_for_those_who_may_see_it_and_for_nobody_else(
    office: Office, samples: Samples, role: Role, admin: bool
) -> None:
    someone = office.seats("Sam Seat", "+12025550180", role=role, admin=admin)
    may = permissions_of(role, admin=admin)
    found = {page.path: opened(page, someone, samples) for page in pages()}
    expected = {page.path: page.needs is None or page.needs in may for page in pages()}
    assert {path: status != 403 for path, status in found.items()} == expected
    broken = {path: status for path, status in found.items() if status not in {200, 403, 422}}
    assert broken == {}


@pytest.mark.parametrize(("role", "admin"), SEATS)
def test_a_form_does_nothing_for_those_who_may_not(office: Office, samples: Samples, role: Role, admin: bool) -> None:
    someone = office.seats("Sam Seat", "+12025550180", role=role, admin=admin)
    may = permissions_of(role, admin=admin)
    for page in pages():
        for do, action in page.actions.items():
            answer = sends(someone, address(page.path, samples), do)
            allowed = {need for need in (page.needs, action.needs) if need is not None} <= may
            if not allowed:
                assert answer.status_code == 403, (page.path, do)
            assert answer.status_code < 500, (page.path, do)


def test_the_bar_leads_to_what_its_owner_may_open_and_nowhere_else(office: Office, samples: Samples) -> None:
    for number, (role, admin) in enumerate(SEATS):
        someone = office.seats("Sam Seat", f"+120255501{80 + number}", role=role, admin=admin)
        bar = someone.get("/").text.partition("<nav")[2].partition("</nav>")[0]
        for path in re.findall(r'href="([^"]+)"', bar):
            assert someone.get(path).status_code == 200, (role, path)


# --- nobody, and somebody of another clinic


def test_nobody_is_shown_anything_who_is_not_signed_in(office: Office, samples: Samples) -> None:
    nobody = Staffer(office.app, office.web, office.real_time, 0, "")
    for page in pages():
        where = address(page.path, samples)
        answer = nobody.get(where)
        if answer.status_code != 405:
            assert answer.status_code == 303, page.path
            assert answer.headers["location"].startswith("/sign-in"), page.path
            assert answer.text == "", page.path
        if page.actions:
            sent = nobody.post(where, {"do": next(iter(page.actions))})
            assert (sent.status_code, "Sign in" in sent.text) == (401, True), page.path


def test_nothing_but_the_door_answers_who_is_not_signed_in(office: Office, samples: Samples) -> None:
    nobody = Staffer(office.app, office.web, office.real_time, 0, "")
    for path in other_routes() - DOOR:
        for blank, value in FILLED.items():
            path = path.replace(blank, value)
        answer = nobody.get(address(path, samples))
        assert answer.status_code in {401, 303, 405}, path
        assert "Pat" not in answer.text, path


@pytest.mark.parametrize("role", Role)
def test_what_belongs_to_another_clinic_is_not_there(
    office: Office, samples: Samples, elsewhere: int, role: Role
) -> None:
    stranger = office.seats("Oz Other", "+12025550188", role=role, admin=True, clinic=elsewhere)
    theirs = samples_of(office, stranger, BEN, clinic=elsewhere)
    assert not set(theirs.items()) & set(samples.items())
    for page in pages():
        where = address(page.path, samples)
        if "{number" in page.path:
            assert opened(page, stranger, theirs) in {200, 403}, page.path  # one's own of the same kind
            assert opened(page, stranger, samples) in {404, 403}, page.path
            for do, action in page.actions.items():
                allowed = action.needs is None or action.needs in permissions_of(role, admin=True)
                assert sends(stranger, where, do).status_code == (404 if allowed else 403), (page.path, do)
        else:
            answer = stranger.get(where)
            assert "Pat 0101" not in answer.text, page.path
            assert "Dr Ray" not in answer.text, page.path


def test_pictures_of_another_clinics_patients_are_not_there(office: Office, samples: Samples, elsewhere: int) -> None:
    stranger = office.seats("Oz Other", "+12025550188", role="manager", clinic=elsewhere)
    for path in other_routes():
        if "{number" in path:
            where = address(path.replace("{what:str}", "pain"), samples)
            assert stranger.get(where).status_code == 404, path


@pytest.mark.parametrize("number", ["0", "999", "2147483648", "9" * 400])
def test_a_number_that_nothing_has_is_not_there(office: Office, boss: Staffer, number: str) -> None:
    for page in pages():
        if "{number" in page.path:
            assert boss.get(page.path.replace("{number:row}", number)).status_code == 404, page.path


# --- forged forms


@pytest.mark.parametrize("token", ["", "0.0", "x" * 5000, "ü.é", "."])
def test_a_form_without_our_token_does_nothing_and_shows_what_was_typed(
    office: Office, boss: Staffer, samples: Samples, token: str
) -> None:
    for page in pages():
        for do in page.actions:
            given = {"csrf": token, "do": do, "note": "typed <by> hand"}
            answer = boss.post(address(page.path, samples), given)
            assert answer.status_code == 409, (page.path, do)
            assert "typed &lt;by&gt; hand" in answer.text
    assert events(office, "task_closed") == 0


def test_somebody_elses_token_is_none(office: Office, boss: Staffer, ray: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        add_task(session, "in_doubt", "one", clinic_id=the_clinic(session).id, now=office.clock.now())
    stolen = {"csrf": token_of(ray), "do": "task", "task": "1"}
    assert boss.post("/inbox", stolen).status_code == 409
    again = forms_of(boss.post("/inbox", stolen))["/inbox"]
    assert boss.post("/inbox", again).headers["location"] == "/inbox?said=done"


@pytest.mark.parametrize(
    "sent_by",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "SAME-ORIGIN; x"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
        {"origin": "http://127.0.0.1:8001"},
    ],
    ids=str,
)
def test_a_form_that_another_sites_page_sends_is_refused_even_with_our_token(
    office: Office, boss: Staffer, samples: Samples, sent_by: Mapping[str, str]
) -> None:
    token = token_of(boss)
    for page in pages():
        for do in page.actions:
            answer = boss.post(address(page.path, samples), {"csrf": token, "do": do}, headers=dict(sent_by))
            assert answer.status_code == 403, page.path
    for door in DOOR:
        assert boss.post(door, {}, headers=dict(sent_by)).status_code == 403, door
    assert boss.get("/").status_code == 200  # not signed out by it


@pytest.mark.parametrize(
    "sent_by", [{"sec-fetch-site": "same-origin"}, {"origin": "http://127.0.0.1:8000"}, {}], ids=str
)
def test_our_own_pages_forms_are_taken(office: Office, boss: Staffer, sent_by: Mapping[str, str]) -> None:
    with transaction(office.app.sessions) as session:
        add_task(session, "in_doubt", "one", clinic_id=the_clinic(session).id, now=office.clock.now())
    given = {"csrf": token_of(boss), "do": "task", "task": "1"}
    assert boss.post("/inbox", given, headers=dict(sent_by)).status_code == 303


def test_a_foreign_form_is_not_kept_for_whoever_signs_in(office: Office, boss: Staffer) -> None:
    boss.post("/sign-out")
    planted = boss.post("/inbox", {"do": "task", "task": "1"}, headers=STOLEN)
    assert planted.status_code == 403
    assert "kept" not in planted.text


@pytest.mark.parametrize("do", ["", "nothing", "__class__", "x" * 10_000, "<script>"])
def test_a_form_that_asks_for_what_no_page_does_is_refused(
    office: Office, boss: Staffer, samples: Samples, do: str
) -> None:
    for page in pages():
        if page.actions:
            answer = sends(boss, address(page.path, samples), do)
            assert answer.status_code == 422, page.path
            assert "<script>" not in re.sub(r'<script src="[^"]+" defer></script>', "", answer.text)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=%ff", b"=&" * 100, b"x=" + b"y" * 3_000_000])
def test_what_is_no_form_is_refused_everywhere(office: Office, boss: Staffer, samples: Samples, body: bytes) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for path in [*(address(page.path, samples) for page in pages() if page.actions), *DOOR]:
        assert boss.ask("POST", path, content=body, headers=kind).status_code in {409, 422}, path


# --- what was typed when the visit ended


def signs_in_again(office: Office, there: Staffer, page: httpx.Response, password: str = PASSWORD) -> httpx.Response:
    """Through both steps, with whatever the pages carry along."""
    first = {**forms_of(page)["/sign-in"], "who": there.phone, "password": password}
    second = there.post("/sign-in", first)
    if second.status_code != 200:
        return second
    return there.post("/sign-in/code", {**forms_of(second)["/sign-in/code"], "code": there.totp()})


def test_a_form_that_comes_after_the_visit_is_kept_through_the_sign_in(office: Office, ray: Staffer) -> None:
    texts(office, "+12025550133", "hello")
    form = ray.filled("/inbox", "text", body='We are "Smile" <Dental>\nПривет 😀 & co')
    office.real_time.forward(hours=2)
    page = ray.post("/inbox", form)
    assert page.status_code == 401
    assert "You were signed out before this was saved." in words_of(page)
    slip = signs_in_again(office, ray, page, password="not the one at all")
    assert slip.status_code == 422
    again = signs_in_again(office, ray, slip)
    assert "Send this now?" in words_of(again)
    assert "We are &#34;Smile&#34; &lt;Dental&gt;" in again.text
    sent = ray.post("/inbox", forms_of(again)["/inbox"])
    assert sent.headers["location"] == "/inbox?said=texted"
    assert "Привет 😀 & co" in ray.reads("/inbox")


def test_what_cannot_be_saved_just_now_is_kept_to_be_sent_again(office: Office, ray: Staffer) -> None:
    """Somebody else writes for longer than this one waits."""

    @event.listens_for(office.app.engine, "checkout")
    def shorten(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    enrolled(office, "Ann Carter")
    form = ray.filled("/episodes/1", "note", note="Calls back <at> four")
    with closing(sqlite3.connect(office.app.settings.folder / "monitor.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = ray.post("/episodes/1", form)
        assert answer.status_code == 503
        assert "could not save this just now" in words_of(answer)
        assert "Calls back &lt;at&gt; four" in answer.text
        other.execute("ROLLBACK")
    sent = ray.post("/episodes/1", forms_of(answer)["/episodes/1"])
    assert sent.headers["location"] == "/episodes/1?said=noted"
    assert "Calls back <at> four" in ray.reads("/episodes/1")


def test_what_is_kept_says_whom_it_is_about_and_what_it_does_in_words(
    office: Office, ray: Staffer, elsewhere: int
) -> None:
    enrolled(office, "Ann Carter")
    form = ray.filled("/episodes/1", "note", note="Calls back at four")
    office.real_time.forward(hours=2)
    again = signs_in_again(office, ray, ray.post("/episodes/1", form))
    said = words_of(again)
    assert "This is what you typed on the page Patients , about Ann Carter :" in said
    assert "What to do Write something down Note Calls back at four" in said
    assert events(office, "viewed") > 0
    assert ray.post("/episodes/1", forms_of(again)["/episodes/1"]).status_code == 303
    theirs = office.hires("Ola Other", "+12025550188", clinic=elsewhere)
    form = theirs.filled("/account", "password") | {"csrf": "", "do": "note", "note": "hm"}
    foreign = theirs.post("/episodes/1", form)
    assert foreign.status_code == 409
    assert "Ann Carter" not in foreign.text


def test_much_that_was_typed_is_kept_too(office: Office, ray: Staffer) -> None:
    office.real_time.forward(hours=2)
    fields = {f"note{n}": "ъ😀" * 2400 for n in range(12)}
    page = ray.post("/inbox", {"do": "text", **fields}, headers={"content-type": "multipart/form-data"})
    assert page.status_code in {401, 422}
    page = ray.post("/inbox", {"do": "text", "body": "ъ" * 9000})
    again = signs_in_again(office, ray, page)
    assert forms_of(again)["/inbox"]["body"] == "ъ" * 9000


def test_no_password_is_kept_or_shown_again(office: Office, boss: Staffer) -> None:
    account = boss.get("/account")
    secret = set(re.findall(r'<input[^>]*name="([^"]+)"[^>]*type="password"', account.text))
    for template in CONSOLE.rglob("*.html"):
        secret |= set(re.findall(r'<input[^>]*name="(\w+)"[^>]*type="password"', template.read_text()))
    assert secret >= {"password", "again"}
    assert secret <= NEVER_KEPT
    office.real_time.forward(hours=2)
    page = boss.post("/account", {"do": "password", **dict.fromkeys(secret, PASSWORD)})
    assert page.status_code == 401
    assert PASSWORD not in page.text


NOT_KEPT_BY_US = [
    *("{", "null", "7", '{"a": 1}', '["ab"]', "[[1]]", "[" * 60_000, '[["do", {"a": []}]]'),
    "[" + '["x", "y"],' * 5000 + '["x", "y"]]',
]


@pytest.mark.parametrize("kept", NOT_KEPT_BY_US, ids=lambda kept: kept[:12])
def test_what_was_not_kept_by_us_breaks_nothing(office: Office, ray: Staffer, kept: str) -> None:
    there = ray.elsewhere()
    there.post("/sign-in", {"who": ray.phone, "password": PASSWORD})
    answer = there.post("/sign-in/code", {"code": there.totp(), "next": "/inbox", "kept": kept})
    assert answer.status_code in {303, 409}
    assert answer.text.count("<input") < 2 * MAX_FIELDS + 5
    assert ALL_KEPT < 60_000


# --- headers, logs


def test_every_answer_of_the_console_tells_the_browser_to_trust_nothing_else(
    office: Office, boss: Staffer, samples: Samples
) -> None:
    nobody = Staffer(office.app, office.web, office.real_time, 0, "")
    asked = [address(page.path, samples) for page in pages()]
    asked += ["/sign-in", "/join", "/join/second-factor", "/nothing-here", "/alerts/999", "/worklist"]
    for who in (boss, nobody):
        for path in asked:
            for answer in (who.get(path), who.post(path, {})):
                for name, value in SECURE.items():
                    assert answer.headers[name].startswith(value), (path, name)
                assert answer.headers["cache-control"] == "no-store", path
                assert "unsafe" not in answer.headers["content-security-policy"]
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_no_page_has_a_script_or_style_in_itself(office: Office, boss: Staffer, samples: Samples) -> None:
    for page in pages():
        text = boss.get(address(page.path, samples)).text
        assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", text) == [], page.path


def test_logs_and_addresses_hold_no_name_number_word_or_token(
    office: Office, boss: Staffer, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    went_to: list[str] = []

    def noted(answer: httpx.Response) -> httpx.Response:
        went_to.append(answer.headers.get("location", ""))
        return answer

    texts(office, "+12025550133", "granny is in agony")
    secret, token = boss.cookies[VISIT], token_of(boss)
    for page in pages():
        where = address(page.path, samples)
        noted(boss.get(where))
        for do in page.actions:
            noted(boss.post(where, {"csrf": token, "do": do, "note": "granny", "name": "Pat 0101", "phone": ANN}))
    there = boss.elsewhere()
    noted(there.post("/sign-in", {"who": boss.phone, "password": "granny in agony"}))
    there.post("/sign-in", {"who": boss.phone, "password": PASSWORD})
    code = there.totp()
    noted(there.post("/sign-in/code", {"code": code}))
    noted(there.post("/join", {"who": boss.phone, "code": "GRAN-NYIN", "password": PASSWORD, "again": PASSWORD}))
    log = caplog.text + " ".join(went_to)
    for word in ("granny", "agony", "Pat 0101", "Bo Boss", ANN[2:], boss.phone[2:], PASSWORD, secret, token, code):
        assert word.lower() not in log.lower(), word
    assert secret not in boss.get("/").text


def test_who_looked_at_whom_is_written_down_for_every_page_about_a_patient(
    office: Office, boss: Staffer, samples: Samples
) -> None:
    for page in pages():
        if page.path.split("/")[1] in {"alerts", "episodes"}:
            before = events(office, "viewed")
            boss.reads(address(page.path, samples))
            assert events(office, "viewed") == before + 1, page.path


def test_a_task_of_another_clinic_cannot_be_done_by_a_forged_choice(
    office: Office, boss: Staffer, elsewhere: int
) -> None:
    with transaction(office.app.sessions) as session:
        add_task(session, "in_doubt", "theirs", clinic_id=elsewhere, now=office.clock.now())
    assert sends(boss, "/inbox", "task", task="1").status_code == 404
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Task.closed_at)).one() is None


def test_an_address_that_leads_nowhere_is_a_page_for_people_and_none_for_programs(boss: Staffer) -> None:
    page = boss.get("/no/such/thing", accept="text/html,*/*")
    assert (page.status_code, "There is no such page" in page.text) == (404, True)
    assert boss.get("/no/such/thing", accept="*/*").json() == {"detail": "Not Found"}
