"""`monitor worker` in a hurry: `python -m tests.faults.worker [STEP [COUNT]]`.

Leases and pauses are short, so that a fault is over in seconds. With a step the process kills itself there, as
the power going out, at the COUNT-th time that it gets so far.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from monitor import scheduler
from monitor.services import claim, dispatch, outcome, reconcile

STEPS = ("claimed", "committed", "handed over", "recording", "recorded")
# The function at whose end each step lies.
AT_THE_END_OF = {
    "claimed": (claim, "_claim_each"),  # marked, and not committed
    "committed": (dispatch, "claim"),  # ours, and not handed over
    "handed over": (dispatch, "_outcome_of"),  # the provider has it, and nothing says so
    "recording": (outcome, "open_asked"),  # written, and not committed
    "recorded": (dispatch, "record_outcomes"),  # all done, for these texts
}


def hurry() -> None:
    claim.LEASE, dispatch.LEAVES_WITHIN = timedelta(seconds=4), timedelta(seconds=1.5)
    claim.IN_ORDER = timedelta(seconds=2)
    reconcile.LOOK_AGAIN_AFTER = 2.0
    reconcile.CLOCK_SLACK = timedelta(seconds=30)
    reconcile.ASK_AFTER = reconcile.ASK_AGAIN = timedelta(seconds=3)
    scheduler.SECONDS.update(reconcile=1, fetch_inbound=3)


def die_at(step: str, count: int) -> None:
    """Have this process kill itself there."""
    (module, name), lock, left = AT_THE_END_OF[step], threading.Lock(), [count]
    inner: Callable[..., Any] = getattr(module, name)

    def outer(*arguments: Any, **more: Any) -> Any:
        result = inner(*arguments, **more)
        if step in {"claimed", "committed"} and not result:
            return result  # nothing was due
        with lock:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, name, outer)


def main() -> None:
    from monitor.cli import main as monitor

    hurry()
    if len(sys.argv) > 1:
        die_at(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    sys.argv = ["monitor", "worker"]
    monitor()


if __name__ == "__main__":
    main()
