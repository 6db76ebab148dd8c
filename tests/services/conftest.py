"""The program against the stand-in Twilio: real requests over loopback, signed webhooks back into the app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.models import Message
from monitor.scheduler import Ticks
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.ledger import Hole, check_ledger
from monitor.services.staff import add_staff
from monitor.sms.twilio_gateway import TwilioGateway
from monitor.web.app import create_app
from tests.twilio_standin import Standin
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER

ANN, NURSE = "+12025550101", "+12025550171"


@dataclass
class OnTwilio:
    """The program, its clock, and the provider that it believes to be real."""

    app: App
    clock: StoppedClock
    standin: Standin
    ticks: Ticks

    def run(self) -> None:
        """All ticks once, and every callback they set off."""
        self.ticks.everything()
        self.standin.settle()

    def forward(self, **parts: float) -> None:
        self.clock.forward(**parts)
        self.run()

    def enrol(self, *, day: int = 7, phone: str = ANN) -> int:
        """A patient whose check-in question has gone out; returns the episode."""
        surgery: date = self.clock.now().date() - timedelta(days=day)
        given = Enrolment(name="Ann Carter", phone=phone, surgery_on=surgery, consent="signed form")
        with transaction(self.app.sessions) as session:
            episode = enrol(session, the_clinic(session), given, now=self.clock.now())
            number = episode.id
        self.run()
        self.forward(seconds=6)
        return number

    def staff(self, phone: str = NURSE) -> None:
        with transaction(self.app.sessions) as session:
            add_staff(session, the_clinic(session), "Dr Ray", phone, now=self.clock.now())

    def texts(self, phone: str, body: str, **more: Any) -> int:
        """Somebody texts; the webhook's answer, and what the text sets off."""
        status = self.standin.patient_texts(phone, body, **more)
        self.run()
        self.forward(seconds=4)
        return status

    def screen(self, phone: str) -> list[str]:
        """Everything that we sent to a phone."""
        return [message.body for message in self.standin.sent_to(phone)]

    def rows(self, *where: Any) -> list[Message]:
        with transaction(self.app.sessions) as session:
            return list(session.scalars(select(Message).where(*where).order_by(Message.id)))

    def planned(self, step: str) -> Message:
        (row,) = self.rows(Message.once.like(f"plan:%:{step}"))
        return row

    def holes(self) -> list[Hole]:
        with transaction(self.app.sessions) as session:
            return check_ledger(session, self.clock.now()).holes


@pytest.fixture
def clock() -> StoppedClock:
    """Monday 2 November 2026, noon in New York."""
    return StoppedClock(datetime(2026, 11, 2, 17, tzinfo=UTC))


async def post_to(web: FastAPI, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """A webhook straight into the app, without a socket."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web)) as client:
        answer = await client.post(url, content=body, headers=dict(headers))
    return answer.status_code, answer.text


@pytest.fixture
def on_twilio(app: App, clock: StoppedClock) -> Iterator[OnTwilio]:
    """When the test ends no text may be unaccounted for."""
    webs: list[FastAPI] = []

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        return asyncio.run(post_to(webs[0], url, body, headers))

    with Standin(public_url=app.settings.public_url, clock=clock, post=post) as standin:
        gateway = TwilioGateway(
            account_sid=ACCOUNT_SID,
            auth_token=AUTH_TOKEN,
            from_number=NUMBER,
            base_url=standin.url,
            public_url=app.settings.public_url,
            connect_timeout=1.0,
            read_timeout=0.3,
        )
        wired = replace(app, gateway=gateway)
        webs.append(create_app(wired, wake=lambda: None, run_everything=lambda: None))
        world = OnTwilio(wired, clock, standin, Ticks(wired))
        world.run()
        yield world
        standin.settle()
    assert world.holes() == []
