"""A story's people and clock: `patient.texts("pus")`, `story.forward(minutes=16)`, `nurse.expects_page()`.

Everything is the real program on the built-in phones. Any text that a story did not expect fails it, and so
does any error that was logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.models import Alert, Event, PhoneText
from monitor.scheduler import Ticks, next_due
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.ledger import Hole, check_ledger
from monitor.services.receive import save_inbound
from monitor.services.staff import add_staff
from monitor.sms.phones import PhonesGateway

CODE = re.compile(r"Reply (\d{4,6}) to take it$")


@dataclass
class Phone:
    """A phone of the story: what came in since it was last looked at, and what its owner types."""

    story: Story
    number: str
    read: int = 0

    def texts(self, body: str, *, settle: bool = True) -> None:
        """Type a text; with `settle` the few seconds pass in which we answer."""
        gateway = self.story.app.gateway
        assert isinstance(gateway, PhonesGateway)
        received = gateway.type_text(self.number, body)
        with transaction(self.story.app.sessions) as session:
            save_inbound(session, received, raw=None, now=received.received_at)
        self.story.run()
        if settle:
            self.story.forward(seconds=4)

    def inbox(self) -> list[PhoneText]:
        """What has come in and was not looked at yet; looking marks it read."""
        with transaction(self.story.app.sessions) as session:
            new = session.scalars(
                select(PhoneText)
                .where(PhoneText.phone == self.number, PhoneText.incoming, PhoneText.id > self.read)
                .order_by(PhoneText.id)
            ).all()
        self.read = new[-1].id if new else self.read
        return list(new)

    def expects(self, *parts: str) -> str:
        """Exactly one new text, which holds these parts; returns it."""
        texts = [t.body for t in self.inbox()]
        assert len(texts) == 1, f"expected one text with {parts}, found {texts}"
        for part in parts:
            assert part.casefold() in texts[0].casefold(), f"{part!r} is not in {texts[0]!r}"
        return texts[0]

    def expects_all(self, *parts: str) -> list[str]:
        """As many new texts as parts, in order, each holding its part."""
        texts = [t.body for t in self.inbox()]
        assert len(texts) == len(parts), f"expected {len(parts)} texts with {parts}, found {texts}"
        for part, text in zip(parts, texts, strict=True):
            assert part.casefold() in text.casefold(), f"{part!r} is not in {text!r}"
        return texts

    def expects_nothing(self) -> None:
        texts = [t.body for t in self.inbox()]
        assert not texts, f"expected no text, found {texts}"

    def expects_page(self, *parts: str) -> str:
        """Exactly one new page (calls aside); returns its code."""
        pages = [t.body for t in self.inbox() if not t.call]
        assert len(pages) == 1, f"expected one page with {parts}, found {pages}"
        for part in parts:
            assert part.casefold() in pages[0].casefold(), f"{part!r} is not in {pages[0]!r}"
        code = CODE.search(pages[0])
        assert code is not None, f"no reply code ends {pages[0]!r}"
        return code[1]


@dataclass
class Someone(Phone):
    """A patient or member of staff."""

    id: int = 0
    episode: int = 0


@dataclass
class Story:
    app: App
    clock: StoppedClock
    ticks: Ticks = field(init=False)

    def __post_init__(self) -> None:
        self.ticks = Ticks(self.app)

    # --- people

    def patient(self, name: str = "Ann Carter", phone: str = "+12025550101", *, day: int = 0, **more: object) -> Someone:
        """Enrol a patient whose surgery was `day` days ago; the first texts are already looked at."""
        zone = ZoneInfo(str(more.get("timezone") or "America/New_York"))
        surgery = more.pop("surgery_on", None) or self.clock.now().astimezone(zone).date() - timedelta(days=day)
        assert isinstance(surgery, date)
        given = Enrolment(name=name, phone=phone, surgery_on=surgery, consent="signed form", **more)  # type: ignore[arg-type]
        with transaction(self.app.sessions) as session:
            episode = enrol(session, the_clinic(session), given, now=self.clock.now())
            someone = Someone(self, phone, id=episode.patient_id, episode=episode.id)
        self.run()
        return someone

    def staff(self, name: str = "Dr Ray", phone: str = "+12025550171", *, tier: int = 1) -> Someone:
        with transaction(self.app.sessions) as session:
            person = add_staff(session, the_clinic(session), name, phone, tier=tier, now=self.clock.now())
            return Someone(self, person.phone, id=person.id)

    def phone(self, number: str) -> Phone:
        return Phone(self, number)

    # --- time

    def run(self) -> None:
        """All ticks once, at this moment."""
        self.ticks.everything()

    def forward(self, *, until: datetime | None = None, **parts: float) -> None:
        """Let time pass as it would: stopping wherever something is due, and every half hour."""
        end = until or self.clock.now() + timedelta(**parts)
        while self.clock.now() < end:
            due = next_due(self.app)
            stops = [end, self.clock.now() + timedelta(minutes=30)]
            if due is not None:
                stops.append(max(due, self.clock.now() + timedelta(seconds=1)))
            self.clock.move_to(min(stops))
            self.run()

    def until(self, text: str, zone: str = "America/New_York") -> None:
        """Let time pass until a local moment, such as "2026-11-05 10:00"."""
        moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        self.forward(until=moment)

    # --- what stands in the books

    def all(self, table: type[Any], *where: Any) -> list[Any]:
        """Rows of a table, oldest first."""
        with transaction(self.app.sessions) as session:
            return list(session.scalars(select(table).where(*where).order_by(table.id)))

    def alerts(self) -> list[Alert]:
        return self.all(Alert)

    def events(self, kind: str) -> list[Event]:
        return self.all(Event, Event.kind == kind)

    def holes(self) -> list[Hole]:
        with transaction(self.app.sessions) as session:
            return check_ledger(session, self.clock.now()).holes
