"""`monitor worker` or `monitor web` in a hurry: `python -m tests.faults.process worker [--die STEP --at COUNT] ...`.

Leases, pauses and time-outs are short, so that a fault is over in seconds. With a step the process kills itself
there, as the power going out, at the COUNT-th time that it gets so far. The machine's clock is off by as many
seconds as the file of --clock says. What is not named here goes to the command itself.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import apscheduler.executors.base
import apscheduler.schedulers.base
import apscheduler.triggers.interval
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from monitor import clock, scheduler
from monitor.domain import delivery
from monitor.services import claim, dispatch, outcome, reconcile
from monitor.sms import twilio_gateway

STEPS = ("claimed", "committed", "handed over", "recording", "recorded")
# The function at whose end each step of a worker lies.
AT_THE_END_OF = {
    "claimed": (claim, "_claim_each"),  # marked, and not committed
    "committed": (dispatch, "claim"),  # ours, and not handed over
    "handed over": (dispatch, "_outcome_of"),  # the provider has it, and nothing says so
    "recording": (outcome, "open_asked"),  # written, and not committed
    "recorded": (dispatch, "record_outcomes"),  # all done, for these texts
}
WEB_STEPS = ("saving", "saved")  # a text that arrived is written and not committed; committed and not answered
SEES_THE_TIME = (clock, apscheduler.schedulers.base, apscheduler.triggers.interval, apscheduler.executors.base)


def hurry(read_timeout: float) -> None:
    claim.LEASE, dispatch.LEAVES_WITHIN = timedelta(seconds=4), timedelta(seconds=1.5)
    claim.IN_ORDER = timedelta(seconds=2)
    short = (1, 2, 4, 8, 15)
    delivery.BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in short)  # type: ignore[assignment]
    reconcile.LOOK_AGAIN_AFTER = 3.0  # longer than a time-out, as it is in earnest
    reconcile.ASK_AFTER = reconcile.ASK_AGAIN = timedelta(seconds=3)
    scheduler.SECONDS.update(reconcile=1, fetch_inbound=3)
    inner = twilio_gateway.TwilioGateway
    twilio_gateway.TwilioGateway = partial(inner, read_timeout=read_timeout)  # type: ignore[misc, assignment]


def follow(offset: Path) -> None:
    """Have this process see a machine's clock that is off; `monotonic` counts on as it does."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=float(offset.read_text()))  # noqa: TID251 -- the machine's

    for module in SEES_THE_TIME:
        setattr(module, "datetime", Moved)  # noqa: B010 -- mypy knows the module's own


class Death:
    """This process ends itself when it has come to a step so often."""

    def __init__(self, count: int) -> None:
        self._lock, self._left = threading.Lock(), count

    def comes_nearer(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: str, death: Death) -> None:
    if step in WEB_STEPS:
        die_at_commit(death, after=step == "saved")
        return
    module, name = AT_THE_END_OF[step]
    inner: Callable[..., Any] = getattr(module, name)

    def outer(*arguments: Any, **more: Any) -> Any:
        result = inner(*arguments, **more)
        if result or step not in {"claimed", "committed"}:  # else nothing was due
            death.comes_nearer()
        return result

    setattr(module, name, outer)


def die_at_commit(death: Death, *, after: bool) -> None:
    """Right before or after the commit of a text that arrived, whoever writes it and however."""
    writing = threading.local()

    @event.listens_for(Engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        writing.it = getattr(writing, "it", False) or statement.startswith("INSERT INTO inbound")

    inner = DefaultDialect.do_commit

    def commit(self: DefaultDialect, connection: Any) -> None:
        mine, writing.it = getattr(writing, "it", False), False
        if mine and not after:
            death.comes_nearer()
        inner(self, connection)
        if mine and after:
            death.comes_nearer()

    DefaultDialect.do_commit = commit  # type: ignore[method-assign]


def main() -> None:
    from monitor.cli import main as monitor

    parser = argparse.ArgumentParser(prog="python -m tests.faults.process", description=__doc__)
    parser.add_argument("--die", choices=[*STEPS, *WEB_STEPS])
    parser.add_argument("--at", type=int, default=1, help="how often the step is come to")
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--read-timeout", type=float, default=2.0, help="seconds that the provider is waited for")
    parser.add_argument("--turn", type=float, default=5.0, help="seconds between a worker's own looks at what is due")
    options, command = parser.parse_known_args()
    hurry(options.read_timeout)
    scheduler.SECONDS["urgent"] = options.turn
    follow(options.clock)
    if options.die:
        die_at(options.die, Death(options.at))
    sys.argv = ["monitor", *command]
    monitor()


if __name__ == "__main__":
    main()
