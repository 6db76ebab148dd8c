"""A sender as APScheduler's documentation shows it: one stored job a text, sent by the synchronous Twilio SDK.

    python -m tests.bench.stored_jobs DATABASE_URL

Everything is APScheduler's default; the grace time for a job that is late is stored with each job.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.bench.bench_dispatch import send_by_sdk


def scheduler_on(url: str, kind: type[BaseScheduler] = BackgroundScheduler, **defaults: Any) -> BaseScheduler:
    return kind(jobstores={"default": SQLAlchemyJobStore(url=url)}, job_defaults=defaults, timezone="UTC")


def store_jobs(url: str, provider: str, due: Mapping[str, datetime], **defaults: Any) -> None:
    """One job for each number; a scheduler that is started later runs them."""
    scheduler = scheduler_on(url, **defaults)
    scheduler.start(paused=True)
    for number, at in due.items():
        scheduler.add_job(send_by_sdk, "date", run_date=at, args=(provider, number))
    scheduler.shutdown()


def count_jobs(url: str) -> int:
    """How many are still stored."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM apscheduler_jobs")) or 0)


if __name__ == "__main__":
    scheduler = scheduler_on(sys.argv[1], BlockingScheduler)
    scheduler.add_listener(lambda _: print("running", file=sys.stderr), EVENT_SCHEDULER_STARTED)  # noqa: T201
    scheduler.start()
