"""A worker is woken at once by what another process has written: on PostgreSQL by NOTIFY, sent with the commit; on
SQLite, which has no such thing, by its count of commits, which costs microseconds to look at.

Polling goes on behind it, so that a notice which is lost costs seconds and no text.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from monitor.db import WORK, Base, Sessions, note_work, reason_of

log = logging.getLogger(__name__)
CHANNEL = "monitor_work"
LOOK_UP = 0.5  # seconds between two looks whether the worker is to end
COUNT_OF_COMMITS = "PRAGMA data_version"
COUNT_EVERY = 0.25  # seconds
AGAIN_AFTER = 2.0  # seconds before a connection that was lost is made anew


def announce_work(sessions: Sessions) -> None:
    """Have every transaction that writes work for a worker say so as it commits."""

    @event.listens_for(sessions, "after_flush")
    def _note(session: Session, _context: object) -> None:
        if any(isinstance(row, Base) and row.is_work() for row in (*session.new, *session.dirty)):
            note_work(session)

    @event.listens_for(sessions, "before_commit")
    def _announce(session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()
        if session.info.pop(WORK, False):
            session.execute(select(func.pg_notify(CHANNEL, "")))

    @event.listens_for(sessions, "after_rollback")
    def _forget(session: Session) -> None:
        session.info.pop(WORK, None)


class Listener(ABC):
    """A thread that calls `wake` for every notice, and once after each new connection: what was missed is found."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        self.engine, self.wake = engine, wake
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        failure = self.engine.dialect.loaded_dbapi.Error
        while not self._ended.is_set():
            try:
                self._connect()
            except (DBAPIError, failure) as error:
                reason = reason_of(error) if isinstance(error, DBAPIError) else type(error).__name__
                log.warning("listening for work broke off, polling goes on: %s", reason)
                self._ended.wait(AGAIN_AFTER)

    def _connect(self) -> None:
        connection = self.engine.raw_connection()
        try:
            self._listen(connection.driver_connection)
        finally:
            connection.invalidate()  # it listens: nobody else may be given it
            connection.close()

    @abstractmethod
    def _listen(self, driver: Any) -> None:
        """Until the end, or until the driver's connection breaks."""


class NoticeListener(Listener):
    """PostgreSQL's."""

    def _listen(self, driver: Any) -> None:
        driver.rollback()
        driver.autocommit = True
        driver.execute(f"LISTEN {CHANNEL}")
        self.wake()
        while not self._ended.is_set():
            for _ in driver.notifies(timeout=LOOK_UP, stop_after=1):
                self.wake()


class CommitListener(Listener):
    """SQLite's: a connection that only looks sees this number change with every commit of another one, ours too."""

    def _listen(self, driver: Any) -> None:
        seen = None
        while not self._ended.is_set():
            count = driver.execute(COUNT_OF_COMMITS).fetchall()
            if count != seen:
                seen = count
                self.wake()
            self._ended.wait(COUNT_EVERY)
