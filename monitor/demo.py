"""The demo: a year of four patients in a minute or two, on the built-in phones, in a home of its own.

Everything is the real program; only the people (seeds/demo.toml) and the clock are played.
"""

from __future__ import annotations

import re
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as clock_time
from heapq import heappop, heappush
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.bootstrap import App, build, prepare, save_clock
from monitor.clock import StoppedClock, SystemClock
from monitor.config import Settings, SmsKind, read_settings
from monitor.db import data_folder, transaction
from monitor.domain.localtime import local_instant
from monitor.domain.terms import Band
from monitor.models import (
    Alert,
    Assessment,
    CheckIn,
    Clinic,
    Event,
    Inbound,
    Message,
    Patient,
    PhoneText,
    Staff,
)
from monitor.scheduler import Ticks, next_due
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.init import initialise
from monitor.services.join import invite
from monitor.services.ledger import check_ledger
from monitor.services.receive import save_inbound
from monitor.services.staff import add_staff
from monitor.sms.phones import PhonesGateway

YEAR = timedelta(days=365)
CODE = re.compile(r"Reply (\d{4,6}) to take it$")
TAKEN = re.compile(r"reply (\d{4,6}) and a letter")
COLOURS = {
    Band.EXPECTED: "green",
    Band.SOON: "yellow",
    Band.URGENT: "red",
    Band.EMERGENCY: "bold white on red",
}


@dataclass(order=True)
class Typed:
    """Somebody will type this text at that moment."""

    at: datetime
    phone: str
    text: str


@dataclass
class Play:
    """The running demo: what is to be typed next, and what has been shown so far."""

    app: App
    clock: StoppedClock
    script: dict[str, Any]
    console: Console
    pause: float
    typed: list[Typed] = field(default_factory=list)
    seen: dict[type[Any], int] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[int, int], int] = field(default_factory=dict)


def play(*, pause: bool) -> None:
    """Play the year, print it, and say how to look at it in the browser."""
    settings = demo_settings(read_settings())
    _start_afresh(settings)
    script = tomllib.loads((data_folder("seeds") / "demo.toml").read_text(encoding="utf-8"))
    clock = StoppedClock(_beginning(ZoneInfo(script["clinic"]["timezone"])))
    app = build(settings, clock=clock)
    console = Console(highlight=False, soft_wrap=False)
    playing = Play(app, clock, script, console, 0.02 if pause and console.is_terminal else 0)
    console.print(Text("A year at Riverside Dental. The clock is wound on; no SMS leaves this machine.", "bold"))
    _run(playing)
    _leave_one_open(playing)
    _summarise(playing)
    save_clock(app)
    code = _invite_first(app)
    app.engine.dispose()
    console.print(Text("\nSee every phone in the browser, live (http://127.0.0.1:8000/phones):", "bold"))
    console.print(Text(f"MONITOR_SMS=phones MONITOR_HOME='{settings.folder}' {sys.argv[0]} run"), soft_wrap=True)
    who = script["staff"][0]
    console.print(Text("\nand what the staff see, at http://127.0.0.1:8000/join", "bold"))
    console.print(Text(f"as {who['name']}, with the number {who['phone']} and the code {code}"), soft_wrap=True)


def _invite_first(app: App) -> str:
    """A code with which somebody looks at the console as the first of the demo's staff."""
    with transaction(app.sessions) as session:
        person = session.scalars(select(Staff).order_by(Staff.id)).first()
        assert person is not None
        return invite(session, person, now=app.clock.now(), real_now=SystemClock().now())


def _beginning(zone: ZoneInfo) -> datetime:
    """A year ago, in the morning: the demo ends about today."""
    day = (SystemClock().now() - YEAR).astimezone(zone).date()
    return local_instant(day, clock_time(9), zone)


def demo_settings(settings: Settings) -> Settings:
    """A home of its own below the real one, SQLite, always the built-in phones."""
    return settings.model_copy(update={"home": settings.folder / "demo", "database": None, "sms": SmsKind.PHONES})


def _start_afresh(settings: Settings) -> None:
    for name in ("monitor.db", "monitor.db-wal", "monitor.db-shm"):
        Path(settings.folder / name).unlink(missing_ok=True)
    prepare(settings).dispose()


def _run(playing: Play) -> None:
    app, clock, script = playing.app, playing.clock, playing.script
    with transaction(app.sessions) as session:
        initialise(session, script["clinic"], now=clock.now())
        for person in script["staff"]:
            add_staff(
                session,
                the_clinic(session),
                person["name"],
                person["phone"],
                tier=person["tier"],
                admin=person["tier"] == 1,
                now=clock.now(),
            )
    ticks = Ticks(app)
    waiting = sorted(script["patients"], key=lambda p: p["after_days"])
    start, end = clock.now(), clock.now() + YEAR
    while clock.now() < end:
        while waiting and clock.now() >= start + timedelta(days=waiting[0]["after_days"]):
            _enrol(playing, waiting.pop(0))
        while playing.typed and playing.typed[0].at <= clock.now():
            _type(playing, heappop(playing.typed))
        ticks.everything()
        _react(playing)
        _show(playing)
        clock.move_to(min(end, *_next_instants(playing, waiting, start)))


def _leave_one_open(playing: Play) -> None:
    """One text more, which the staff have not seen yet: whoever opens the console finds something to take."""
    last, ticks = playing.script["at_the_end"], Ticks(playing.app)
    _type(playing, Typed(playing.clock.now(), last["phone"], last["text"]))
    for _ in range(2):  # what is written in one breath is read together, some seconds later
        ticks.everything()
        playing.clock.move_to(playing.clock.now() + timedelta(seconds=6))
    _show(playing)


def _next_instants(playing: Play, waiting: list[dict[str, Any]], start: datetime) -> Iterator[datetime]:
    """Whatever comes next: a text due, a page, somebody typing, an enrolment, or the next look at what is open."""
    now = playing.clock.now()
    soonest = now + timedelta(seconds=1)
    if (due := next_due(playing.app)) is not None:
        yield max(due, soonest)
    if playing.typed:
        yield max(playing.typed[0].at, soonest)
    if waiting:
        yield max(start + timedelta(days=waiting[0]["after_days"]), soonest)
    with transaction(playing.app.sessions) as session:
        open_ones = session.scalar(select(func.count()).select_from(CheckIn).where(CheckIn.state == "open"))
    on_the_hour = now.replace(minute=0, second=0, microsecond=0)
    yield on_the_hour + timedelta(hours=1 if open_ones else 4)


def _enrol(playing: Play, person: dict[str, Any]) -> None:
    zone = ZoneInfo(playing.script["clinic"]["timezone"])
    today = playing.clock.now().astimezone(zone).date()
    given = Enrolment(
        name=person["name"],
        phone=person["phone"],
        surgery_on=today,
        consent="signed form",
        chart=person["chart"],
        stitches=person.get("stitches", "none"),
        risks=tuple(person.get("risks", ())),
    )
    with transaction(playing.app.sessions) as session:
        enrol(session, the_clinic(session), given, now=playing.clock.now())
    for text in person.get("unprompted", ()):
        at = local_instant(today + timedelta(days=text["day"]), clock_time.fromisoformat(text["at"]), zone)
        heappush(playing.typed, Typed(at, person["phone"], text["text"]))
    _line(playing, person["name"], f"enrolled on the day of surgery ({person['story']})", "cyan")


def _type(playing: Play, typed: Typed) -> None:
    gateway = playing.app.gateway
    assert isinstance(gateway, PhonesGateway)
    received = gateway.type_text(typed.phone, typed.text)
    with transaction(playing.app.sessions) as session:
        save_inbound(session, received, raw=None, now=playing.clock.now())


def _react(playing: Play) -> None:
    """The people look at their phones: patients answer questions, staff answer pages."""
    with transaction(playing.app.sessions) as session:
        last = playing.seen.get(Phone, 0)
        new = session.scalars(select(PhoneText).where(PhoneText.id > last).order_by(PhoneText.id)).all()
        for text in new:
            playing.seen[Phone] = text.id
            if text.incoming and not text.call:
                _patient_reacts(playing, session, text)
                _staff_reacts(playing, text)


class Phone:
    """Marks how far the people have read their phones."""


def _patient_reacts(playing: Play, session: Session, text: PhoneText) -> None:
    person = next((p for p in playing.script["patients"] if p["phone"] == text.phone), None)
    message = session.get(Message, text.message_id) if text.message_id else None
    if person is None or message is None or message.checkin_id is None or message.question is None:
        return
    day = session.get_one(CheckIn, message.checkin_id).day
    answers = person.get("checkins", {}).get(str(day), [])
    number = playing.answers.get((message.checkin_id, day), 0)
    if number < len(answers):
        playing.answers[message.checkin_id, day] = number + 1
        at = playing.clock.now() + timedelta(minutes=person["reply_minutes"])
        heappush(playing.typed, Typed(at, text.phone, answers[number]))


def _staff_reacts(playing: Play, text: PhoneText) -> None:
    person = next((p for p in playing.script["staff"] if p["phone"] == text.phone), None)
    if person is None:
        return
    now = playing.clock.now()
    if page := CODE.search(text.body):
        ignored = playing.ignored.get(text.phone, 0)
        if ignored < person.get("ignores_first", 0):
            playing.ignored[text.phone] = ignored + 1
            return
        heappush(
            playing.typed,
            Typed(now + timedelta(minutes=person["answers_after_minutes"]), text.phone, page[1]),
        )
    elif taken := TAKEN.search(text.body):
        at = now + timedelta(minutes=person["outcome_after_minutes"])
        heappush(playing.typed, Typed(at, text.phone, f"{taken[1]} {person['outcome']}"))


def _show(playing: Play) -> None:
    """Print what has happened since the last look: texts, bands with their reasons, alerts."""
    with transaction(playing.app.sessions) as session:
        names = {row.phone: row.name for row in session.execute(select(Patient.phone, Patient.name))}
        names |= {row.phone: row.name for row in session.execute(select(Staff.phone, Staff.name))}
        for text in _new(playing, session, PhoneText):
            arrow = ("☎" if text.call else "←") if text.incoming else "→"
            style = "dim" if text.incoming else "bold"
            _line(playing, names.get(text.phone, text.phone), f"{arrow} {text.body}", style, at=text.at)
        for found in _new(playing, session, Assessment):
            if Band(found.band) > Band.EXPECTED:
                why = "; ".join(r["text"] for r in found.reasons if Band(r["band"]) > Band.EXPECTED)
                patient = session.get_one(Patient, found.patient_id)
                _line(playing, patient.name, f"  {found.band.upper()}: {why}", COLOURS[Band(found.band)])
        for event in _new(playing, session, Event):
            if event.kind in {"alert_opened", "alert_taken", "outcome", "nobody_on_call", "silence"}:
                detail = " ".join(
                    str(event.detail[k]) for k in ("band", "outcome", "how", "stage") if k in event.detail
                )
                whose = session.get(Patient, event.patient_id) if event.patient_id else None
                what = f"  {event.kind.replace('_', ' ')} {detail}"
                _line(playing, whose.name if whose else "", what, "magenta")


def _new(playing: Play, session: Session, table: type[Any]) -> list[Any]:
    last = playing.seen.get(table, 0)
    rows = list(session.scalars(select(table).where(table.id > last).order_by(table.id)))
    playing.seen[table] = rows[-1].id if rows else last
    return rows


def _line(playing: Play, who: str, what: str, style: str, *, at: datetime | None = None) -> None:
    zone = ZoneInfo(playing.script["clinic"]["timezone"])
    moment = (at or playing.clock.now()).astimezone(zone)
    row = Table.grid(padding=(0, 2))
    row.add_column(width=15, style="dim")
    row.add_column(width=15, style="cyan")
    row.add_column()
    row.add_row(f"{moment:%d %b %y %H:%M}", who, Text(what, style))
    playing.console.print(row)
    time.sleep(playing.pause)


def _summarise(playing: Play) -> None:
    table = Table("patient", "story", "texts", "replies", "worst band", "alerts", "outcome", title="The year")
    with transaction(playing.app.sessions) as session:
        for person in playing.script["patients"]:
            patient = session.scalars(select(Patient).where(Patient.phone == person["phone"])).one()
            table.add_row(person["name"], person["story"], *_totals(session, patient))
        ledger = check_ledger(session, playing.clock.now())
        clinic = session.scalars(select(Clinic)).one()
    playing.console.print(table)
    holes = f"{len(ledger.holes)} holes" if ledger.holes else "nothing lost"
    playing.console.print(Text(f"Ledger of {clinic.name}: {holes}.", "bold"))


def _totals(session: Session, patient: Patient) -> tuple[str, ...]:
    sent = select(func.count()).where(Message.patient_id == patient.id, Message.sid.is_not(None))
    replies = select(func.count()).where(Inbound.from_number == patient.phone)
    alerts = session.scalars(select(Alert).where(Alert.patient_id == patient.id)).all()
    bands = [Band(a.band) for a in alerts]
    outcomes = ", ".join(alert.outcome or "open" for alert in alerts)
    worst = max(bands, default=Band.EXPECTED)
    return str(session.scalar(sent)), str(session.scalar(replies)), worst, str(len(alerts)), outcomes or "-"
