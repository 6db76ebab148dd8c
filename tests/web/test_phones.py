"""The built-in phones as a page: what it shows, what its forms do, and who may not use it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any
from unittest.mock import create_autospec

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.models import Alert, Inbound, Message, Patient, PhoneText, Staff, VirtualClock
from monitor.scheduler import Ticks
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.staff import add_staff
from monitor.sms.gateway import Gateway
from monitor.web.app import create_app
from monitor.web.phone_clock import AMOUNTS, MAX_STEPS, move_clock

ANN, BEN = "+12025550101", "+12025550102"
NURSE, DOCTOR, LAST_RESORT, NOBODY = "+12025550171", "+12025550172", "+12025550199", "+12025550166"
PUS = "yellow pus is coming out"
CHOKING = "I cannot breathe"


@dataclass
class Visitor:
    """Somebody with a browser. `woken` counts how often the worker was asked to look."""

    app: App
    clock: StoppedClock
    exposed: bool = False
    address: str = "127.0.0.1"
    woken: int = 0
    ran_at: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ticks = Ticks(self.app)
        self.web: FastAPI = create_app(
            self.app, wake=self._wake, run_everything=self._run_everything, phones_forced=self.exposed
        )

    def get(self, path: str = "/phones", **headers: str) -> httpx.Response:
        return self._ask("GET", path, headers=headers)

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: object) -> httpx.Response:
        return self._ask("POST", f"/phones/{path}", headers=headers or {}, data=fields)

    def post_raw(self, path: str, content: bytes) -> httpx.Response:
        return self._ask("POST", f"/phones/{path}", content=content)

    def text(self, phone: str, body: str) -> httpx.Response:
        return self.post("text", phone=phone, body=body)

    def reads(self, path: str = "/phones") -> str:
        """The page's words, without its marks."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.get(path).text)).split())

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.web, client=(self.address, 50000))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                return await client.request(method, path, **given)

        return asyncio.run(once())

    def _wake(self) -> None:
        self.woken += 1
        self.ticks.urgent()

    def _run_everything(self) -> None:
        self.ran_at.append(self.clock.now())
        self.ticks.everything()


@pytest.fixture
def visitor(app: App, clock: StoppedClock) -> Visitor:
    """A clinic with two patients, on days 4 and 0, and two people to page; it is 12:00 in New York."""
    clock.forward(hours=4)
    with transaction(app.sessions) as session:
        clinic = the_clinic(session)
        add_staff(session, clinic, "Nurse Lind", NURSE, now=clock.now(), tier=1)
        add_staff(session, clinic, "Dr Okafor", DOCTOR, now=clock.now(), tier=2)
    enrol_someone(app, clock, "Ann Carter", ANN, day=4)
    enrol_someone(app, clock, "Ben Petrov", BEN, day=0)
    visitor = Visitor(app, clock)
    visitor.ticks.everything()
    return visitor


def enrol_someone(app: App, clock: StoppedClock, name: str, phone: str, *, day: int) -> None:
    surgery = (clock.now() - timedelta(days=day)).date()
    with transaction(app.sessions) as session:
        enrol(session, the_clinic(session), Enrolment(name, phone, surgery, "signed form"), now=clock.now())


def count(app: App, table: type[Any], *where: Any) -> int:
    with transaction(app.sessions) as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


# --- what the page shows


def test_the_page_shows_everybodys_phone_and_says_that_no_sms_leaves(visitor: Visitor) -> None:
    words = visitor.reads()
    assert "No SMS leaves this machine" in words
    for part in ("Ann Carter", ANN, "Day 4 after surgery", "Ben Petrov", "Day of surgery", "Last resort", LAST_RESORT):
        assert part in words
    assert "Nurse Lind" in words
    assert "Staff, tier 1" in words
    assert "12:00" in words
    assert "Sun 1 Nov 2026" in words


def test_everything_the_page_sends_comes_from_its_own_files(visitor: Visitor) -> None:
    page = visitor.get()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|https?://(?!m\.example)", page.text)
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        assert visitor.get(path).status_code == 200


def test_without_javascript_each_phone_has_a_form_and_each_field_a_label(visitor: Visitor) -> None:
    page = Fields()
    page.feed(visitor.get().text)
    assert "Without JavaScript this page stands still" in visitor.reads()
    assert page.forms.count("/phones/text") == 5
    assert set(page.forms) == {f"/phones/{name}" for name in ("clock", "text", "enrol", "staff", "new")} | {"/phones"}
    assert page.unlabelled == []


class Fields(HTMLParser):
    """The forms' addresses, and the fields that nothing labels."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[str] = []
        self.labelled: set[str] = set()
        self.unlabelled: list[str] = []
        self.in_label = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(str(given["action"]))
        elif tag == "label":
            self.in_label = True
            self.labelled.add(str(given.get("for")))
        elif tag in {"input", "textarea"} and given.get("type") != "hidden" and not self._is_labelled(given):
            self.unlabelled.append(str(given))

    def handle_endtag(self, tag: str) -> None:
        self.in_label = self.in_label and tag != "label"

    def _is_labelled(self, given: dict[str, str | None]) -> bool:
        return self.in_label or given.get("id") in self.labelled


def test_phones_in_use_last_stand_first(visitor: Visitor) -> None:
    visitor.text(BEN, "hello, is the clinic open on Friday?")
    order = re.findall(r'<article class="phone" id="phone-(\d+)"', visitor.get().text)
    assert order[0] == BEN[1:]
    assert set(order) == {n[1:] for n in (ANN, BEN, NURSE, DOCTOR, LAST_RESORT)}


def test_days_divide_the_texts_of_a_screen(visitor: Visitor) -> None:
    visitor.post("clock", amount="1 day")
    page = visitor.get("/phones?find=ben").text
    assert page.count('<li class="day">') == 2
    assert "Mon 2 Nov 2026" in page


def test_a_shared_phone_names_all_its_owners(visitor: Visitor) -> None:
    enrol_someone(visitor.app, visitor.clock, "Zoe Carter", ANN, day=7)
    page = visitor.get().text
    assert "Ann Carter and Zoe Carter" in page
    assert page.count('id="phone-12025550101"') == 1


def test_a_red_text_shows_how_it_was_read_the_alert_and_the_page_on_the_staffs_phone(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)
    words = visitor.reads()
    assert "urgent staff are told" in words
    assert "A.C. day 4 pus" in words
    assert re.search(r"1 page out, nobody has taken it; next step Sun 1 Nov, 12:15", words)
    assert re.search(r"URGENT Smile Dental: A\.C\. .*? Reply \d{4} to take it", words)
    assert '<b class="badge urgent">urgent</b>' in visitor.get("/phones?find=carter").text


def test_a_taken_alert_names_who_has_it(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)
    code = re.search(r"Reply (\d{4}) to take it", visitor.reads())
    assert code is not None
    visitor.text(NURSE, code[1])
    assert "Taken by Nurse Lind; outcome wanted by Sun 1 Nov, 16:00" in visitor.reads()


def test_an_opt_out_is_marked_on_the_phone(visitor: Visitor) -> None:
    visitor.text(BEN, "STOP")
    words = visitor.reads("/phones?find=ben")
    assert "opted out" in words
    assert "unsubscribed" in words


def test_the_screens_are_sent_again_only_when_they_changed(visitor: Visitor) -> None:
    first = visitor.get("/phones/screens")
    assert first.status_code == 200
    assert "<html" not in first.text
    same = visitor.get("/phones/screens", **{"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.text) == (304, "")
    visitor.text(ANN, "0")
    assert visitor.get("/phones/screens", **{"If-None-Match": first.headers["etag"]}).status_code == 200


def test_of_many_phones_sixty_are_shown_and_find_narrows_them(visitor: Visitor) -> None:
    for number in range(70):
        enrol_someone(visitor.app, visitor.clock, f"Patient {number:02}", f"+1202555{2000 + number}", day=30)
    page = visitor.get()
    assert page.text.count("<article") == 60
    assert "60 of 75 phones" in page.text
    for find in ("patient 07", "+1 202 555-2007", "P.0."):
        assert "Patient 07" in visitor.reads(f"/phones?find={find.replace('+', '%2B')}")
    assert visitor.get("/phones?find=nobody+at+all").text.count("<article") == 0


def test_only_the_last_texts_of_a_long_conversation_are_shown(visitor: Visitor) -> None:
    with transaction(visitor.app.sessions) as session:
        for number in range(100):
            session.add(
                PhoneText(sid=f"PH{number}", phone=NOBODY, incoming=True, body=f"n{number}", at=visitor.clock.now())
            )
    words = visitor.reads("/phones?find=5550166")
    assert "40 earlier texts" in words
    assert " n40 " in words
    assert " n39 " not in words


# --- texting


def test_a_text_is_kept_the_worker_is_woken_and_the_page_comes_back_at_that_phone(visitor: Visitor) -> None:
    answer = visitor.text(ANN, "pain 3")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/phones#phone-12025550101"
    assert visitor.woken == 1
    assert count(visitor.app, Inbound, Inbound.from_number == ANN, Inbound.body == "pain 3") == 1
    assert "pain 3" in visitor.reads()


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "\u202eright to left\u202c",
        "שלום وألم 😀",
        "'\"><img src=x onerror=alert(1)>",
        "x" * 1600,
    ],
)
def test_hostile_and_foreign_texts_are_shown_as_they_were_typed(visitor: Visitor, body: str) -> None:
    assert visitor.text(ANN, body).status_code == 303
    page = visitor.get().text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert body in unescape(page)
    assert count(visitor.app, Inbound, Inbound.body == body) == 1


def test_line_ends_are_those_of_a_phone_and_a_nul_is_replaced(visitor: Visitor) -> None:
    visitor.text(ANN, "one\r\ntwo\x00")
    assert count(visitor.app, Inbound, Inbound.body == "one\ntwo\ufffd") == 1


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 1601])
def test_no_text_and_one_that_is_too_long_are_refused_by_name(visitor: Visitor, body: str) -> None:
    answer = visitor.text(ANN, body)
    assert answer.status_code == 422
    assert "<strong>body</strong>" in answer.text
    assert "1 to 1600 characters" in answer.text
    assert count(visitor.app, Inbound) == 0


def test_what_was_typed_is_still_there_after_a_mistake(visitor: Visitor) -> None:
    typed = "x" * 1601
    assert f">{typed}</textarea>" in visitor.text(ANN, typed).text
    again = visitor.post("enrol", name="Cy Dent", phone="12", days=3).text
    assert 'value="Cy Dent"' in again
    assert '<details class="add" id="add" open>' in again


@pytest.mark.parametrize("phone", ["", "12", "+1202555", "<b>", "+442079460018"])
def test_a_number_that_cannot_text_is_refused_by_name(visitor: Visitor, phone: str) -> None:
    for path, fields in (("text", {"body": "hello"}), ("new", {})):
        answer = visitor.post(path, phone=phone, **fields)
        assert answer.status_code == 422
        assert "<strong>phone</strong>" in answer.text
        assert "<b>" + "”" not in answer.text
    assert count(visitor.app, Inbound) == 0


@pytest.mark.parametrize("raw", [b"phone=%2B12025550101&body=%ff", b"\xff", b"&".join([b"a=1"] * 30), b"a" * 70_000])
def test_bytes_that_are_no_form_are_refused(visitor: Visitor, raw: bytes) -> None:
    answer = visitor.post_raw("text", raw)
    assert answer.status_code == 422
    assert "<strong>form</strong>" in answer.text


def test_the_last_resort_may_text_though_it_is_a_landline(visitor: Visitor) -> None:
    with transaction(visitor.app.sessions) as session:
        the_clinic(session).last_resort_phone = "+442079460018"
    assert visitor.text("+442079460018", "who is this?").status_code == 303


# --- adding phones


def test_a_number_that_nobody_has_gets_a_phone_and_can_text(visitor: Visitor) -> None:
    answer = visitor.post("new", phone="+1 (202) 555-0166")
    assert answer.headers["location"] == "/phones?also=%2B12025550166#phone-12025550166"
    page = visitor.get("/phones?also=%2B12025550166").text
    assert "Unknown number" in page
    assert 'action="/phones/text?also=%2B12025550166"' in page
    assert visitor.text(NOBODY, PUS).status_code == 303
    assert "Unknown number" in visitor.reads()


def test_an_address_that_asks_for_nonsense_shows_the_page_without_it(visitor: Visitor) -> None:
    for query in ("also=%3Cscript%3E", "moved=-1", "moved=x&short=1", "also=%2B", "find=" + "y" * 500):
        page = visitor.get(f"/phones?{query}")
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "clock moved" not in page.text


def test_a_patient_is_enrolled_and_welcomed(visitor: Visitor) -> None:
    answer = visitor.post("enrol", name="Cy Dent", phone="+12025550144", days="2")
    assert answer.headers["location"] == "/phones#phone-12025550144"
    words = visitor.reads("/phones?find=dent")
    assert "Cy Dent" in words
    assert "Day 2 after surgery" in words
    assert "No texts yet" not in words


def test_somebody_to_page_is_added(visitor: Visitor) -> None:
    assert visitor.post("staff", name="Dr New", phone="+12025550173", tier="3").status_code == 303
    assert count(visitor.app, Staff, Staff.name == "Dr New", Staff.tier == 3) == 1


@pytest.mark.parametrize(
    ("path", "wrong", "named"),
    [
        ("enrol", {"days": "soon"}, "days"),
        ("enrol", {"days": "-1"}, "days"),
        ("enrol", {"days": "366"}, "days"),
        ("enrol", {"name": " "}, "name"),
        ("staff", {"tier": "0"}, "tier"),
        ("staff", {"tier": "²"}, "tier"),
        ("staff", {"phone": NURSE}, "phone"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_added(
    visitor: Visitor, path: str, wrong: dict[str, str], named: str
) -> None:
    fields = {"name": "Cy Dent", "phone": "+12025550144", "days": "1", "tier": "1"} | wrong
    answer = visitor.post(path, **fields)
    assert answer.status_code == 422
    assert f"<strong>{named}</strong>" in answer.text
    assert count(visitor.app, Patient) == 2
    assert count(visitor.app, Staff) == 2


def test_a_clinic_without_anybody_says_how_to_begin(app: App, clock: StoppedClock) -> None:
    with transaction(app.sessions) as session:
        the_clinic(session).last_resort_phone = None
    page = Visitor(app, clock).get().text
    assert "No phones yet" in page
    assert '<details class="add" id="add" open>' in page


# --- calls


@pytest.fixture
def ringing(visitor: Visitor) -> str:
    """The number of a call that rings on the nurse's phone."""
    visitor.text(ANN, CHOKING)
    found = re.search(r'name="message" value="(\d+)"', visitor.get("/phones?find=lind").text)
    assert found is not None
    return found[1]


def test_pressing_a_key_takes_the_alert_and_the_call_is_over(visitor: Visitor, ringing: str) -> None:
    assert "Incoming call" in visitor.reads()
    answer = visitor.post("call", message=ringing, key="1")
    assert answer.headers["location"] == "/phones#phone-12025550171"
    words = visitor.reads("/phones?find=lind")
    assert "Incoming call" not in words
    assert "Call ended" in words
    assert "Taken by Nurse Lind" in words
    assert "It is yours" in words


def test_a_call_that_rings_out_takes_nothing(visitor: Visitor, ringing: str) -> None:
    assert visitor.post("call", message=ringing, key="none").status_code == 303
    assert "Incoming call" not in visitor.reads()
    assert count(visitor.app, Message, Message.id == int(ringing), Message.state == "undelivered") == 1
    assert count(visitor.app, Alert, Alert.state == "open") == 1


def test_of_several_calls_about_one_alert_only_the_newest_rings(visitor: Visitor, ringing: str) -> None:
    visitor.post("clock", amount="10 minutes")
    page = visitor.get("/phones?find=lind").text
    assert count(visitor.app, PhoneText, PhoneText.phone == NURSE, PhoneText.call) > 1
    assert page.count("Incoming call") == 1
    assert f'value="{ringing}"' not in page


@pytest.mark.parametrize("key", ["", "2", "11"])
def test_another_key_is_refused_by_name(visitor: Visitor, ringing: str, key: str) -> None:
    answer = visitor.post("call", message=ringing, key=key)
    assert answer.status_code == 422
    assert "<strong>key</strong>" in answer.text


@pytest.mark.parametrize("message", ["", "x", "0", "999999", "9" * 30, "1"])
def test_what_is_no_ringing_call_is_refused_by_name(visitor: Visitor, message: str) -> None:
    answer = visitor.post("call", message=message, key="1")
    assert answer.status_code == 422
    assert "<strong>message</strong>" in answer.text


def test_a_call_is_answered_once(visitor: Visitor, ringing: str) -> None:
    visitor.post("call", message=ringing, key="1")
    assert visitor.post("call", message=ringing, key="1").status_code == 422


# --- the clock


@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_clock_moves_on_by_the_amount_and_is_kept(visitor: Visitor, amount: str) -> None:
    before = visitor.clock.now()
    answer = visitor.post("clock", amount=amount)
    assert answer.status_code == 303
    assert visitor.clock.now() == before + AMOUNTS[amount]
    assert f"{before + AMOUNTS[amount] - timedelta(hours=5):%H:%M}" in visitor.reads()
    assert "what was due on the way has been done" in visitor.reads(answer.headers["location"])
    assert count(visitor.app, VirtualClock) == 1


def test_the_clock_stops_at_what_is_due_and_at_every_half_hour(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)  # paged at 12:00; the next tiers follow every 15 minutes
    visitor.post("clock", amount="1 hour")
    stops = [f"{at - timedelta(hours=5):%H:%M:%S}" for at in visitor.ran_at]
    assert stops == ["12:00:05", "12:15:00", "12:30:00", "12:45:00", "13:00:00"]  # the first: after a welcome
    assert count(visitor.app, PhoneText, PhoneText.phone == DOCTOR) >= 2


def test_next_moves_to_what_is_due_next(visitor: Visitor) -> None:
    found = re.search(r"Next due : (.*?) (?:Find|Open)", visitor.reads())
    assert found is not None
    visitor.post("clock", amount="next")
    assert f"{visitor.clock.now() - timedelta(hours=5):%H:%M}" in found[1]


def test_next_stays_where_it_is_if_nothing_is_planned(app: App, clock: StoppedClock) -> None:
    visitor, before = Visitor(app, clock), clock.now()
    answer = visitor.post("clock", amount="next")
    assert clock.now() == before
    assert "Nothing is planned ahead" in visitor.reads(answer.headers["location"])


@pytest.mark.parametrize("amount", ["", "-1 day", "2 days", "1 DAY"])
def test_another_amount_is_refused_by_name(visitor: Visitor, amount: str) -> None:
    before = visitor.clock.now()
    answer = visitor.post("clock", amount=amount)
    assert answer.status_code == 422
    assert "<strong>amount</strong>" in answer.text
    assert visitor.clock.now() == before


def test_a_clock_that_meets_something_every_minute_rests_and_says_so(visitor: Visitor) -> None:
    def always_more() -> None:
        with transaction(visitor.app.sessions) as session:
            alert = session.scalars(select(Alert)).one()
            alert.step_at = visitor.clock.now() + timedelta(seconds=30)

    visitor.text(ANN, PUS)
    moved = move_clock(visitor.app, "1 week", always_more)
    assert (moved.steps, moved.arrived) == (MAX_STEPS, False)
    assert "Not all the way" in visitor.reads(f"/phones?moved={moved.steps}&short=1")


def test_what_stays_due_does_not_hold_up_the_clock(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)
    before = visitor.clock.now()
    assert move_clock(visitor.app, "1 day", lambda: None).arrived
    assert visitor.clock.now() == before + timedelta(days=1)


# --- who may not


def without_phones(app: App) -> App:
    return replace(app, gateway=create_autospec(Gateway, instance=True))


@pytest.mark.parametrize("path", ["", "/screens", "/text", "/call", "/clock", "/new", "/enrol", "/staff", "/x"])
def test_with_a_real_provider_there_are_no_phones(app: App, clock: StoppedClock, path: str) -> None:
    visitor = Visitor(without_phones(app), clock)
    method = "GET" if path in {"", "/screens", "/x"} else "POST"
    assert visitor._ask(method, f"/phones{path}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Origin": "https://127.0.0.1:8000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8000"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "[::1"},
        {"Host": ""},
    ],
)
def test_another_sites_page_cannot_use_the_phones(visitor: Visitor, headers: dict[str, str]) -> None:
    answer = visitor.post("text", headers, phone=ANN, body="hello")
    assert answer.status_code == 403
    assert count(visitor.app, Inbound) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Host": "localhost:8000", "Origin": "http://localhost:8000"},
        {"Host": "[::1]:8000"},
    ],
)
def test_the_page_itself_and_programs_of_this_machine_may_use_them(visitor: Visitor, headers: dict[str, str]) -> None:
    assert visitor.post("text", headers, phone=ANN, body="hello").status_code == 303


def test_a_foreign_name_or_address_may_not_even_look(visitor: Visitor, app: App, clock: StoppedClock) -> None:
    assert visitor.get("/phones", Host="evil.example").status_code == 403
    assert visitor.get("/phones/screens", Host="evil.example").status_code == 403
    assert Visitor(app, clock, address="192.0.2.7").get().status_code == 403


def test_exposed_phones_are_served_to_others_but_never_to_another_sites_page(app: App, clock: StoppedClock) -> None:
    visitor = Visitor(app, clock, exposed=True, address="192.0.2.7")
    assert visitor.get("/phones", Host="monitor.lan:8000").status_code == 200
    ours = {"Host": "monitor.lan:8000", "Origin": "http://monitor.lan:8000"}
    assert visitor.post("new", ours, phone=NOBODY).status_code == 303
    assert visitor.post("new", ours | {"Origin": "http://evil.example"}, phone=NOBODY).status_code == 403


def test_the_clock_of_a_texts_arrival_is_the_virtual_one(visitor: Visitor) -> None:
    visitor.post("clock", amount="3 days")
    visitor.text(ANN, "2")
    with transaction(visitor.app.sessions) as session:
        arrived = session.scalars(select(Inbound.received_at)).one()
    assert arrived == visitor.clock.now() == datetime(2026, 11, 4, 17, tzinfo=UTC)
