"""Requests that come while a transaction is under way share the next one, and each is answered once it is committed.

A commit waits for the disk, and that takes as long for a hundred rows as for one. Nobody is kept waiting for company:
who comes alone is written at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from monitor.db import Sessions, transaction
from monitor.errors import NotReady

Item = TypeVar("Item")
MOST = 500  # items in one transaction, so that the first of them need not wait for all others


class GroupCommit(Generic[Item]):
    """One writer for the requests of one event loop. `save` keeps several items, or none of them."""

    def __init__(self, sessions: Sessions, save: Callable[[Session, Sequence[Item]], object]) -> None:
        self._sessions, self._save = sessions, save
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> None:
        """Return when the item is committed; raises what its own transaction raised."""
        committed = asyncio.get_running_loop().create_future()
        self._waiting.append((item, committed))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await committed

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                outcomes = await self._commit([item for item, _ in batch])
                for (_, committed), outcome in zip(batch, outcomes, strict=True):
                    _tell(committed, outcome)
        finally:
            self._writer = None

    async def _commit(self, items: Sequence[Item]) -> list[Exception | None]:
        try:
            return await run_in_threadpool(commit_together, self._sessions, self._save, items)
        except Exception as error:  # noqa: BLE001 -- no thread could be had: nobody may wait for ever
            return [error] * len(items)


def commit_together(
    sessions: Sessions, save: Callable[[Session, Sequence[Item]], object], items: Sequence[Item]
) -> list[Exception | None]:
    """What became of each: all in one transaction, or, where one of them breaks it, each in one of its own."""
    try:
        with transaction(sessions) as session:
            save(session, items)
    except NotReady as error:  # the database is away, for all of them
        return [error] * len(items)
    except Exception as error:  # noqa: BLE001 -- it is raised where the request is answered
        if len(items) == 1:
            return [error]
        return [outcome for item in items for outcome in commit_together(sessions, save, [item])]
    return [None] * len(items)


def _tell(committed: asyncio.Future[None], outcome: Exception | None) -> None:
    if committed.done():  # whoever asked has gone
        return
    if outcome is None:
        committed.set_result(None)
    else:
        committed.set_exception(outcome)
