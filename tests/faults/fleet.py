"""Several real workers and one web process on one database, with the stand-in for Twilio: started, killed, watched."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, timezone
from pathlib import Path

from sqlalchemy import Engine, func, select

from monitor.bootstrap import prepare
from monitor.clock import ShiftedClock, SystemClock
from monitor.config import Settings, SmsKind
from monitor.db import Sessions, connect, open_sessions, transaction
from monitor.domain.delivery import State
from monitor.models import Alert, Inbound, Message
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.init import initialise
from monitor.services.ledger import check_ledger
from monitor.services.staff import add_staff
from tests.running import ROOT, free_port, wait_for
from tests.twilio_standin import Standin
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER

NURSE = "+12025550171"
NOON = 12 - SystemClock().now().hour  # hours to add to UTC for it to be noon or a little later
UNDER_WAY = (State.SENDING, State.UNKNOWN)
OPTED_OUT = 21610  # the provider's word that somebody wants no texts
KEPT_BUSY = "NotReady"  # by others: who waited ten seconds in vain to write comes again
PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a run; `seconds` from the end of the fault until all was done."""

    texts: int
    lost: int
    doubled: int
    seconds: float


@dataclass
class Fleet:
    """A clinic where it is noon, one person to page, and as many processes as are asked for."""

    home: Path
    database: str | None
    standin: Standin
    clock: ShiftedClock = field(default_factory=ShiftedClock)  # what the machine's says
    over_at: float = field(default_factory=time.monotonic)  # when the fault was over
    counted: Counted | None = None
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    engine: Engine = field(init=False)
    sessions: Sessions = field(init=False)
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        settings = Settings.model_construct(home=self.home, database=self.database, sms=SmsKind.TWILIO)
        prepare(settings).dispose()
        self.engine = connect(settings.database_url)
        self.sessions = open_sessions(self.engine)
        self.standin.public_url = f"http://127.0.0.1:{self.port}"
        self.set_clock(self.clock.offset)
        with transaction(self.sessions) as session:
            given = {"name": "Smile Dental", "timezone": f"Etc/GMT{-NOON:+d}", "emergency_number": "911"}
            initialise(session, given, now=self.clock.now())
            add_staff(session, the_clinic(session), "Nurse Lind", NURSE, now=self.clock.now())

    # --- people --------------------------------------------------------------------------------

    def enrol(self, count: int, *, first: int = 0, day: int = 7) -> list[str]:
        """So many patients on day 7: a first text now, a check-in some seconds after it. Returns their numbers."""
        today: date = self.clock.now().astimezone(timezone(timedelta(hours=NOON))).date()
        given = Enrolment(name="", phone="", surgery_on=today - timedelta(days=day), consent="signed form")
        numbers = [f"+1202555{1000 + first + n:04d}" for n in range(count)]
        with transaction(self.sessions) as session:
            clinic = the_clinic(session)
            for n, number in enumerate(numbers):
                enrol(session, clinic, replace(given, name=f"P {n}", phone=number), now=self.clock.now())
        return numbers

    # --- processes -----------------------------------------------------------------------------

    def worker(
        self, step: str | None = None, count: int = 1, *, read_timeout: float = 2.0, turn: float = 5.0
    ) -> subprocess.Popen[str]:
        """One more worker, which may be made to kill itself at a step. It wakes by itself every `turn` seconds."""
        return self._start("worker", "--read-timeout", str(read_timeout), "--turn", str(turn), *_dying(step, count))

    def web(self, step: str | None = None, count: int = 1) -> subprocess.Popen[str]:
        """The web process, once it answers; it may be made to kill itself at a step, too."""
        process = self._start("web", "--port", str(self.port), *_dying(step, count))
        wait_for("the web process", self._answers)
        return process

    def set_clock(self, off: timedelta) -> None:
        """Set the machine's clock, of all processes that run and of those that will."""
        self.clock.offset = off
        new = self._offset.with_suffix(".new")
        new.write_text(str(off.total_seconds()))
        new.rename(self._offset)

    def mended(self) -> None:
        """The fault is over; from now on recovery is timed."""
        self.over_at = time.monotonic()

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        self.processes.remove(process)

    def close(self) -> None:
        for process in list(self.processes):
            self.kill(process)
        self.engine.dispose()

    @property
    def log(self) -> str:
        return (self.home.parent / "fleet.log").read_text()

    @property
    def _offset(self) -> Path:
        return self.home.parent / "clock"

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        except OSError:
            return False

    def _start(self, command: str, *options: str) -> subprocess.Popen[str]:
        return self._spawn("-m", "tests.faults.process", command, "--clock", str(self._offset), *options)

    def _spawn(self, *arguments: str) -> subprocess.Popen[str]:
        with (self.home.parent / "fleet.log").open("a") as log:
            command = [sys.executable, *arguments]
            process = subprocess.Popen(command, cwd=ROOT, env=self._env(), stdout=log, stderr=log, text=True)
        self.processes.append(process)
        return process

    def _env(self) -> dict[str, str]:
        here = os.environ.items()  # noqa: TID251 -- handed on, but for settings of this project
        outside = {name: value for name, value in here if not name.startswith(("MONITOR_", "TWILIO_"))}
        ours = {
            "PYTHONPATH": str(ROOT),
            "MONITOR_HOME": str(self.home),
            "MONITOR_SMS": "twilio",
            "MONITOR_PUBLIC_URL": self.standin.public_url,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_FROM_NUMBER": NUMBER,
            "TWILIO_BASE_URL": self.standin.url,
        }
        return outside | ours | ({"MONITOR_DATABASE_URL": self.database} if self.database else {})

    # --- what came of it -----------------------------------------------------------------------

    def count(self, *where: object) -> int:
        with transaction(self.sessions) as session:
            counted = select(func.count()).select_from(Message).where(*where)  # type: ignore[arg-type]
            return session.scalar(counted) or 0

    def is_done(self) -> bool:
        """Nothing is due, under way, unread or not reported on."""
        now = self.clock.now()
        with transaction(self.sessions) as session:
            due = select(Message.id).where(Message.state == State.PLANNED, Message.due_at <= now + timedelta(seconds=8))
            moving = select(Message.id).where(Message.state.in_([*UNDER_WAY, State.SENT]))
            unread = select(Inbound.id).where(Inbound.handled_at.is_(None))
            unpaged = select(Alert.id).where(Alert.stage == 0, Alert.closed_at.is_(None), Alert.band != "soon")
            return not any(session.scalar(query.limit(1)) for query in (due, moving, unread, unpaged))

    def finish(self, what: str) -> None:
        """Until all is done; then nothing may be lost or doubled."""
        wait_for(what, self.is_done, seconds=PATIENCE)
        seconds = time.monotonic() - self.over_at
        self.standin.settle()
        self.check(seconds)

    def check(self, seconds: float = 0.0) -> None:
        """The ledger is clean, no patient's text was lost or sent twice, every urgent alert was paged, and nothing of
        a patient stands in the log."""
        lost = self.lost()
        self.counted = Counted(self.count(Message.claimed_at.is_not(None)), len(lost), len(self.doubled()), seconds)
        assert lost == [], lost
        assert self.doubled() == {}, self.doubled()
        assert not any(private in self.log for private in ("+1202555", "there is pus"))

    def lost(self) -> list[str]:
        """What nobody looks after, texts to patients that did not arrive, alerts that paged nobody."""
        arrived = Message.state.in_([State.DELIVERED, State.PLANNED])
        with transaction(self.sessions) as session:
            holes = [str(hole) for hole in check_ledger(session, self.clock.now()).holes]
            tried = select(Message).where(
                Message.claimed_at.is_not(None),
                Message.kind != "page",
                ~arrived,
                Message.error_code.is_distinct_from(OPTED_OUT),
            )
            astray = [f"text {message.id} is {message.state}: {message.why}" for message in session.scalars(tried)]
            paged = select(Message.alert_id).where(Message.kind == "page", Message.state == State.DELIVERED)
            urgent = select(Alert.id).where(Alert.band != "soon", Alert.id.not_in(paged))
            return [*holes, *astray, *(f"alert {alert_id} paged nobody" for alert_id in session.scalars(urgent))]

    def errors(self, *, but: str = "") -> list[str]:
        """What any of the processes has logged as one, but for a kind that is to be expected."""
        found = [line for line in self.log.splitlines() if " ERROR " in line or "Traceback" in line]
        return [line for line in found if not (but and but in line)]

    def doubled(self) -> dict[tuple[str, str], int]:
        """The texts that a patient was sent more than once."""
        ours = [m for m in self.standin.messages if m.direction == "outbound-api" and m.to != NURSE]
        return {key: n for key, n in Counter((m.to, m.body) for m in ours).items() if n > 1}

    def texted(self, number: str, *parts: str) -> Callable[[], bool]:
        """Whether a number has been sent a text with each of these parts."""
        return lambda: all(any(part in m.body for m in self.standin.sent_to(number)) for part in parts)

    def reached(self, numbers: Collection[str], part: str) -> int:
        """How many of these numbers have been sent a text with this part."""
        sent = {m.to for m in list(self.standin.messages) if m.direction == "outbound-api" and part in m.body}
        return len(sent.intersection(numbers))

    def expect(self, numbers: Collection[str], *parts: str) -> None:
        """Wait until each of these numbers has been sent a text with each of these parts."""

        def is_so() -> bool:
            return all(self.reached(numbers, part) == len(numbers) for part in parts)

        wait_for(f"all to be sent {parts}", is_so, seconds=PATIENCE)

    def pages(self, sign: str = "pus") -> list[str]:
        """What staff were paged for it, oldest first."""
        return [m.body for m in self.standin.sent_to(NURSE) if sign in m.body]


def _dying(step: str | None, count: int) -> list[str]:
    return [] if step is None else ["--die", step, "--at", str(count)]
