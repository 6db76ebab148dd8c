"""Run the stand-in by hand: `python -m tests.twilio_standin --port 4010 --public-url http://127.0.0.1:8000`."""

from __future__ import annotations

import argparse
import signal
import sys
from threading import Event

from tests.twilio_standin import control
from tests.twilio_standin.standin import ACCOUNT_SID, AUTH_TOKEN, NUMBER, PAGE_NUMBER, SERVICE_SID, Standin


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.twilio_standin", description="A stand-in for Twilio.")
    parser.add_argument("--port", type=int, default=4010)
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    parser.add_argument("--number", action="append", help="a number of the account; may be repeated")
    parser.add_argument("--service-sid", default=SERVICE_SID)
    parser.add_argument("--public-url", default="http://127.0.0.1:8000", help="where the webhooks go")
    options = parser.parse_args()
    stopped = Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    with Standin(
        port=options.port,
        account_sid=options.account_sid,
        auth_token=options.auth_token,
        numbers=tuple(options.number or (NUMBER, PAGE_NUMBER)),
        service_sid=options.service_sid,
        public_url=options.public_url.rstrip("/"),
    ) as standin:
        sys.stdout.write(f"{control.__doc__}\nTWILIO_BASE_URL={standin.url}\n")
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main()
