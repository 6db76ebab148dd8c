"""Somebody who uses the built-in phones in a browser, and the people of the clinic."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import func, select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.scheduler import Ticks
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.web.app import create_app

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


def enrol_someone(app: App, clock: StoppedClock, name: str, phone: str, *, day: int) -> None:
    surgery = (clock.now() - timedelta(days=day)).date()
    with transaction(app.sessions) as session:
        enrol(session, the_clinic(session), Enrolment(name, phone, surgery, "signed form"), now=clock.now())


def count(app: App, table: type[Any], *where: Any) -> int:
    with transaction(app.sessions) as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0
