"""Requests that come while a transaction is under way share the next one, and each is answered once it is committed.

A commit waits for the disk, and that takes as long for a hundred rows as for one. Nobody is kept waiting for company:
who comes alone is written at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from monitor.db import Sessions, transaction
from monitor.errors import NotReady
from monitor.locking import was_deadlock

Item = TypeVar("Item")
MOST = 500  # items in one transaction, so that the first of them need not wait for all others


class GroupCommit(Generic[Item]):
    """One writer for all requests of a process. `save` keeps several items, or none of them."""

    def __init__(self, sessions: Sessions, save: Callable[[Session, Sequence[Item]], object]) -> None:
        self._sessions, self._save = sessions, save
        self._waiting: SimpleQueue[tuple[Item, Future[None]]] = SimpleQueue()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="commit")

    async def __call__(self, item: Item) -> None:
        """Return when the item is committed; raises what its own transaction raised."""
        committed: Future[None] = Future()
        self._waiting.put((item, committed))
        # Whoever is ready in this turn of the event loop comes along; the first of them takes the others' items too.
        asyncio.get_running_loop().call_soon(self._writer.submit, self._write)
        await asyncio.wrap_future(committed)

    def _write(self) -> None:
        batch = [self._waiting.get() for _ in range(min(self._waiting.qsize(), MOST))]
        if batch:
            outcomes = commit_together(self._sessions, self._save, [item for item, _ in batch])
            for (_, committed), outcome in zip(batch, outcomes, strict=True):
                _tell(committed, outcome)


def commit_together(
    sessions: Sessions, save: Callable[[Session, Sequence[Item]], object], items: Sequence[Item]
) -> list[Exception | None]:
    """What became of each: all in one transaction, or, where one of them breaks it, each in one of its own."""
    try:
        with transaction(sessions) as session:
            save(session, items)
    except Exception as error:  # noqa: BLE001 -- it is raised where the request is answered
        away = isinstance(error, NotReady) and not was_deadlock(error)
        if away or len(items) == 1:
            return [error] * len(items)
        return [outcome for item in items for outcome in commit_together(sessions, save, [item])]
    return [None] * len(items)


def _tell(committed: Future[None], outcome: Exception | None) -> None:
    if not committed.set_running_or_notify_cancel():  # whoever asked has gone
        return
    if outcome is None:
        committed.set_result(None)
    else:
        committed.set_exception(outcome)
