"""Somebody of the staff at a browser: joins, signs in, opens pages and sends the forms that stand on them."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pyotp
from sqlalchemy import select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.models import Account, Clinic, Staff
from monitor.scheduler import Ticks
from monitor.services.clinic import the_clinic
from monitor.services.join import invite
from monitor.services.sign_in import begin
from monitor.services.staff import add_staff
from monitor.web.app import create_app
from monitor.web.auth import VISIT

PASSWORD = "horse staple battery moon"


class _Forms(HTMLParser):
    """Every form of a page, with what its fields hold as the page came."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self._field: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": given.get("action", ""), "fields": []})
        if not self.forms or "name" not in given:
            if tag == "option" and self._field and "selected" in given:
                self.forms[-1]["fields"].append((self._field[1], given.get("value", "")))
            return
        fields, name = self.forms[-1]["fields"], given["name"]
        if tag == "input" and (given.get("type") not in {"checkbox", "radio"} or "checked" in given):
            fields.append((name, given.get("value", "")))
        elif tag == "textarea":
            fields.append((name, ""))
        elif tag == "select":
            self._field = ("select", name)


@dataclass
class Staffer:
    """One person's browser, at one program. `web` may be shared by several people."""

    app: App
    web: Any
    real_time: StoppedClock
    id: int
    phone: str
    address: str = "127.0.0.1"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    # --- plain requests

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, fields: Any = None, **more: Any) -> httpx.Response:
        return self.ask("POST", path, data=fields or {}, **more)

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.web, client=(self.address, 50000))
            base = "http://127.0.0.1:8000"
            async with httpx.AsyncClient(transport=transport, base_url=base, cookies=self.cookies) as client:
                answer = await client.request(method, path, **given)
                self.cookies = client.cookies
                return answer

        with ThreadPoolExecutor(1) as beside:  # a test that drives a browser has a loop of its own here
            return beside.submit(asyncio.run, once()).result()

    def reads(self, path: str) -> str:
        """A page's words; it must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("location"))
        return words_of(answer)

    # --- forms

    def does(self, path: str, do: str, *, at: str | None = None, **fields: Any) -> httpx.Response:
        """Send the form that stands on the page and asks for `do`, with these fields filled in."""
        return self.post(at or path.partition("?")[0], self.filled(path, do, **fields))

    def filled(self, path: str, do: str, **fields: Any) -> dict[str, Any]:
        """That form's fields as a browser would send them."""
        page = self.get(path)
        assert page.status_code == 200, (path, page.status_code)
        parsed = _Forms()
        parsed.feed(page.text)
        for form in parsed.forms:
            given: dict[str, Any] = {}
            for name, value in form["fields"]:
                given.setdefault(name, []).append(value)
            if given.get("do") == [do]:
                return given | {name.replace("__", "-"): value for name, value in fields.items()}
        raise AssertionError(f"no form for {do!r} on {path}")

    # --- signing in

    def joins(self) -> None:
        """With a fresh code, a password and an authenticator app; the browser is signed in then."""
        with transaction(self.app.sessions) as session:
            code = invite(
                session, session.get_one(Staff, self.id), now=self.app.clock.now(), real_now=self.real_time.now()
            )
        given = {"who": self.phone, "code": code, "password": PASSWORD, "again": PASSWORD}
        assert self.post("/join", given).headers["location"] == "/join/second-factor"
        assert self.get("/join/second-factor").status_code == 200
        done = self.post("/join/second-factor", {"code": self.totp()})
        assert done.status_code == 200, done.text
        self.real_time.forward(minutes=1)  # the next code is another one

    def totp(self) -> str:
        """What the authenticator app shows now."""
        with transaction(self.app.sessions) as session:
            secret = session.scalars(select(Account.totp_secret).where(Account.staff_id == self.id)).one()
        assert secret is not None
        return pyotp.TOTP(secret).at(self.real_time.now())

    def signs_in(self, *, password: str = PASSWORD) -> httpx.Response:
        first = self.post("/sign-in", {"who": self.phone, "password": password})
        if first.status_code != 200:
            return first
        second = self.post("/sign-in/code", {"code": self.totp(), "next": "/"})
        self.real_time.forward(minutes=1)
        return second

    def elsewhere(self, address: str = "203.0.113.9") -> Staffer:
        """The same person, or somebody who pretends to be, at a browser that was never here."""
        return Staffer(self.app, self.web, self.real_time, self.id, self.phone, address)


@dataclass
class Office:
    """A program with its staff: the first clinic's, and others'."""

    app: App
    clock: StoppedClock
    real_time: StoppedClock

    def __post_init__(self) -> None:
        self.ticks = Ticks(self.app)
        self.web = create_app(
            self.app, wake=self.ticks.urgent, run_everything=self.ticks.everything, real_time=self.real_time
        )

    def hires(
        self, name: str, phone: str, *, role: str = "clinician", clinic: int | None = None, **more: Any
    ) -> Staffer:
        """Somebody new, who has joined and is signed in."""
        with transaction(self.app.sessions) as session:
            where = session.get_one(Clinic, clinic) if clinic else the_clinic(session)
            person = add_staff(session, where, name, phone, role=role, now=self.clock.now(), **more)
        staffer = Staffer(self.app, self.web, self.real_time, person.id, person.phone)
        staffer.joins()
        return staffer

    def seats(
        self, name: str, phone: str, *, role: str = "clinician", clinic: int | None = None, **more: Any
    ) -> Staffer:
        """Somebody new who is signed in as if they had just shown both factors, without the time that takes."""
        with transaction(self.app.sessions) as session:
            where = session.get_one(Clinic, clinic) if clinic else the_clinic(session)
            person = add_staff(session, where, name, phone, role=role, now=self.clock.now(), **more)
            session.add(Account(staff_id=person.id, totp_at=self.real_time.now()))
            token = begin(session, person.id, factors=2, now=self.real_time.now())
        staffer = Staffer(self.app, self.web, self.real_time, person.id, person.phone)
        staffer.cookies.set(VISIT, token, domain="127.0.0.1", path="/")
        return staffer


def forms_of(answer: httpx.Response) -> dict[str, dict[str, str]]:
    """What each form of a page would send as it came, by the address that it goes to; the last one of each."""
    parsed = _Forms()
    parsed.feed(answer.text)
    return {form["action"]: dict(form["fields"]) for form in parsed.forms}


def words_of(answer: httpx.Response) -> str:
    """A page's words, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
