"""A story's people and clock: `ann.texts("pus")`, `story.forward(minutes=16)`, `nurse.expects_page("URGENT")`.

Everything is the real program on the built-in phones. When a story ends, every text and call must have been
expected, no error may have been logged, and the ledger must have no hole.
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
from monitor.models import Alert, Assessment, CheckIn, Event, Inbound, Message, PhoneText, Task
from monitor.scheduler import Ticks, next_due
from monitor.services.acknowledge import take_by_keypress
from monitor.services.clinic import change_clinic, the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.ledger import Hole, check_ledger
from monitor.services.receive import save_inbound
from monitor.services.staff import add_staff
from monitor.services.track import track
from monitor.sms.gateway import Received
from tests.carrier import TroubledPhones

CODE = re.compile(r"Reply (\d{4,6}) to take it$")
NEW_YORK = "America/New_York"
FIRST_TEXT = "we will check by text"
CHECKIN = "worst pain in the last 24 hours"


@dataclass
class Phone:
    """A phone of the story: what came in since it was last looked at, and what its owner types."""

    story: Story
    number: str

    def texts(self, body: str) -> None:
        """Type a text; the few seconds pass in which we answer."""
        self.types(body)
        self.story.run()
        self.story.forward(seconds=4)

    def types(self, body: str) -> None:
        """Type a text that reaches us and that nobody has looked at yet."""
        self._arrives(self.story.carrier.type_text(self.number, body))

    def sends_photo(self) -> None:
        """A picture without a word."""
        self._arrives(self.story.carrier.photo(self.number))
        self.story.run()
        self.story.forward(seconds=4)

    def _arrives(self, received: Received) -> None:
        with transaction(self.story.app.sessions) as session:
            save_inbound(session, received, raw=None, now=received.received_at)

    # --- what its screen shows

    def expects(self, *parts: str) -> str:
        """Exactly one new text, which holds these parts; returns it."""
        texts = self.new_texts()
        assert len(texts) == 1, f"expected one text with {parts}, found {texts}"
        for part in parts:
            assert part.casefold() in texts[0].casefold(), f"{part!r} is not in {texts[0]!r}"
        return texts[0]

    def expects_all(self, *parts: str) -> list[str]:
        """As many new texts as parts, in order, each holding its part."""
        texts = self.new_texts()
        assert len(texts) == len(parts), f"expected {len(parts)} texts with {parts}, found {texts}"
        for part, text in zip(parts, texts, strict=True):
            assert part.casefold() in text.casefold(), f"{part!r} is not in {text!r}"
        return texts

    def expects_one_of(self, *parts: str) -> str:
        """Exactly one new text, which holds at least one of these parts."""
        text = self.expects()
        assert any(part in text for part in parts), f"none of {parts} is in {text!r}"
        return text

    def expects_nothing(self) -> None:
        texts = self.new_texts()
        assert not texts, f"expected no text, found {texts}"

    def expects_page(self, *parts: str) -> str:
        """Exactly one new text, a page with these parts; returns its code."""
        page = self.expects(*parts)
        code = CODE.search(page)
        assert code is not None, f"no reply code ends {page!r}"
        return code[1]

    def expects_call(self, *parts: str) -> PhoneText:
        """Exactly one new call, in which these parts are spoken."""
        calls = self.story.unread(self.number, call=True)
        assert len(calls) == 1, f"expected one call with {parts}, found {[c.body for c in calls]}"
        for part in parts:
            assert part.casefold() in calls[0].body.casefold(), f"{part!r} is not in {calls[0].body!r}"
        return calls[0]

    def new_texts(self) -> list[str]:
        """What came in since the last look."""
        return [text.body for text in self.story.unread(self.number, call=False)]


@dataclass
class Someone(Phone):
    """A patient or member of staff."""

    id: int = 0
    episode: int = 0

    def takes(self, code: str) -> None:
        """Reply the code of a page and read that the alert is theirs."""
        self.texts(code)
        self.expects("It is yours", code)

    def closes(self, code: str, letter: str = "A") -> None:
        """Record an outcome by its letter."""
        self.texts(f"{code} {letter}")
        self.expects("Recorded")

    def presses_a_key(self, call: PhoneText) -> None:
        """In a call: what the provider tells us when somebody pressed a key."""
        assert call.message_id is not None
        with transaction(self.story.app.sessions) as session:
            take_by_keypress(session, call.message_id, now=self.story.clock.now())
        self.story.run()


@dataclass
class Story:
    app: App
    clock: StoppedClock
    ticks: Ticks = field(init=False)
    seen: set[int] = field(default_factory=set)
    errors_expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ticks = Ticks(self.app)

    @property
    def carrier(self) -> TroubledPhones:
        assert isinstance(self.app.gateway, TroubledPhones)
        return self.app.gateway

    # --- people

    def patient(
        self, name: str = "Ann Carter", phone: str = "+12025550101", *, day: int = 0, welcome: bool = True, **more: Any
    ) -> Someone:
        """Enrol a patient whose surgery was `day` days ago; the first text is already looked at."""
        zone = ZoneInfo(more.get("timezone") or NEW_YORK)
        surgery: date = more.pop("surgery_on", None) or self.clock.now().astimezone(zone).date() - timedelta(days=day)
        given = Enrolment(name=name, phone=phone, surgery_on=surgery, consent="signed form", **more)
        with transaction(self.app.sessions) as session:
            episode = enrol(session, the_clinic(session), given, now=self.clock.now())
            someone = Someone(self, phone, id=episode.patient_id, episode=episode.id)
        self.run()
        if welcome:
            someone.expects(FIRST_TEXT)
        return someone

    def asked(self, name: str = "Ann Carter", phone: str = "+12025550101", *, day: int = 7, **more: Any) -> Someone:
        """A patient whose check-in question has just arrived and been looked at."""
        someone = self.patient(name, phone, day=day, **more)
        self.forward(seconds=6)
        someone.expects(CHECKIN)
        return someone

    def staff(self, name: str = "Dr Ray", phone: str = "+12025550171", *, tier: int = 1) -> Someone:
        with transaction(self.app.sessions) as session:
            person = add_staff(session, the_clinic(session), name, phone, tier=tier, now=self.clock.now())
            return Someone(self, person.phone, id=person.id)

    def phone(self, number: str = "+12025550188") -> Phone:
        return Phone(self, number)

    def spoil_history(self, someone: Someone) -> None:
        """Make the earlier assessments of an episode such that reading the next text fails."""
        with transaction(self.app.sessions) as session:
            for old in session.scalars(select(Assessment).where(Assessment.episode_id == someone.episode)):
                old.findings = {"signs": {"a sign of another age": "present"}}

    def clinic(self, **changes: str) -> None:
        with transaction(self.app.sessions) as session:
            change_clinic(session, the_clinic(session), changes, now=self.clock.now())

    def forget_last_resort(self) -> None:
        """A clinic that never named a last-resort number."""
        with transaction(self.app.sessions) as session:
            the_clinic(session).last_resort_phone = None

    # --- time

    def run(self) -> None:
        """All ticks once, at this moment, and whatever the carrier has to report."""
        self.ticks.everything()
        while self.carrier.reports:
            report = self.carrier.reports.pop(0)
            params = {"MessageSid": report.sid, "MessageStatus": report.status}
            params |= {"ErrorCode": str(report.code)} if report.code else {}
            with transaction(self.app.sessions) as session:
                track(session, params, message_id=report.message_id, now=self.clock.now())
            self.ticks.everything()

    def forward(self, *, until: datetime | None = None, **parts: float) -> None:
        """Let time pass as it would: stopping wherever something is due, and often while somebody waits."""
        end = until or self.clock.now() + timedelta(**parts)
        while self.clock.now() < end:
            due = next_due(self.app)
            stops = [end, self.clock.now() + (timedelta(minutes=30) if self._somebody_waits() else timedelta(hours=6))]
            if due is not None:
                stops.append(max(due, self.clock.now() + timedelta(seconds=1)))
            self.clock.move_to(min(stops))
            self.run()

    def until(self, text: str, zone: str = NEW_YORK) -> None:
        """Let time pass until a local moment, such as "2026-11-05 10:00"."""
        self.forward(until=self.moment(text, zone))

    def moment(self, text: str, zone: str = NEW_YORK) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))

    def outage(self, *, until: str | None = None, **parts: float) -> None:
        """The program stands still for so long, then runs again."""
        self.clock.move_to(self.moment(until) if until else self.clock.now() + timedelta(**parts))
        self.run()

    def _somebody_waits(self) -> bool:
        waiting = (
            select(CheckIn.id).where(CheckIn.state == "open"),
            select(Alert.id).where(Alert.closed_at.is_(None)),
            select(Message.id).where(Message.state.in_(["sending", "unknown", "sent"])),
        )
        with transaction(self.app.sessions) as session:
            return any(session.scalar(query.limit(1)) is not None for query in waiting)

    # --- what stands in the books

    def all(self, table: type[Any], *where: Any) -> list[Any]:
        """Rows of a table, oldest first."""
        with transaction(self.app.sessions) as session:
            return list(session.scalars(select(table).where(*where).order_by(table.id)))

    def alert(self) -> Alert:
        """The one alert of the story."""
        alerts = self.all(Alert)
        assert len(alerts) == 1, f"expected one alert, found {[(a.band, a.signs) for a in alerts]}"
        found: Alert = alerts[0]
        return found

    def plan(self, someone: Someone) -> dict[str, Message]:
        """An episode's planned texts by the key of their step."""
        rows = self.all(Message, Message.episode_id == someone.episode, Message.once.startswith("plan:"))
        return {row.once.split(":", 2)[2]: row for row in rows}

    def tasks(self) -> list[str]:
        """What the front desk has to do."""
        return [task.kind for task in self.all(Task, Task.closed_at.is_(None))]

    def events(self, kind: str) -> list[Event]:
        return self.all(Event, Event.kind == kind)

    def results(self) -> list[str]:
        """What each text that arrived was taken for."""
        return [row.result for row in self.all(Inbound)]

    def code_in(self, page: str) -> str:
        """The code at the end of a page's text."""
        found = CODE.search(page)
        assert found is not None, f"no reply code ends {page!r}"
        return found[1]

    def holes(self) -> list[Hole]:
        with transaction(self.app.sessions) as session:
            return check_ledger(session, self.clock.now()).holes

    def unread(self, number: str | None = None, *, call: bool | None = None) -> list[PhoneText]:
        """What phones show and nobody has looked at; looking at one phone marks it read."""
        where = [PhoneText.incoming, PhoneText.id.not_in(self.seen)]
        where += [PhoneText.phone == number] if number else []
        where += [PhoneText.call == call] if call is not None else []
        found = self.all(PhoneText, *where)
        if number is not None:
            self.seen |= {text.id for text in found}
        return found

    def expects_error(self, part: str) -> None:
        """An error will be logged whose text holds this."""
        self.errors_expected.append(part)
