"""An asyncio loop in a thread of its own: many requests under way at once for a program that is not asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Thread, current_thread
from typing import Any, TypeVar

Result = TypeVar("Result")


class BackgroundLoop:
    """Runs from its making until it is closed; a daemon thread, so that it holds up no program's end."""

    def __init__(self, name: str) -> None:
        begun: Future[asyncio.AbstractEventLoop] = Future()
        self._over = asyncio.Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve(begun)), name=name, daemon=True)
        self._thread.start()
        self._loop = begun.result()

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Begin something from any thread; what comes of it is in the future."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Do one last thing and end; what is still under way is broken off."""
        self.submit(self._end(last))
        if current_thread() is not self._thread:  # the garbage collector may run in any thread
            self._thread.join()

    async def _serve(self, begun: Future[asyncio.AbstractEventLoop]) -> None:
        begun.set_result(asyncio.get_running_loop())
        await self._over.wait()

    async def _end(self, last: Coroutine[Any, Any, None]) -> None:
        await last
        self._over.set()
