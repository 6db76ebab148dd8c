"""Who may use the built-in phones: this machine, by their own page; nobody with a real provider."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import create_autospec

import pytest

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.models import Inbound
from monitor.sms.gateway import Gateway
from tests.web.visitor import ANN, NOBODY, Visitor, count


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
