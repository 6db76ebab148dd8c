"""The forms of the built-in phones: texting as anybody, adding people, and what is refused by name."""

from __future__ import annotations

from html import unescape

import pytest

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.models import Inbound, Patient, Staff
from monitor.services.clinic import the_clinic
from tests.web.visitor import ANN, NOBODY, NURSE, PUS, Visitor, count


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
