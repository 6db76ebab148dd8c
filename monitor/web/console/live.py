"""The worklist, live: a stream that tells the browser when to fetch it anew, and the part that it fetches.

The stream carries no word about anybody. It ends when the visit does, and does not keep a visit alive.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from monitor.bootstrap import App
from monitor.db import reading
from monitor.domain.access import Permission
from monitor.errors import Denied, NotReady, SignedOut
from monitor.web.auth import app_of, find_visit
from monitor.web.console import worklist
from monitor.web.console.frame import enter, log_view, render
from monitor.web.console.visit import Visit
from monitor.worklists.alerts import fingerprint

router = APIRouter()
EVERY = 1.0  # seconds between two looks, however many browsers watch
VISITS = 2000  # that are remembered
CHECKED_EVERY = 15  # looks between two questions whether somebody is still signed in
OVER = "event: over\ndata: signed out\n\n"


@dataclass
class _Seen:
    version: str = ""
    at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Watch:
    """What stands on each clinic's worklist, looked up once a second at most; and whom each visit has seen on it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._seen: dict[int, _Seen] = defaultdict(_Seen)
        self._shown: dict[tuple[str, str], set[int]] = {}

    def log_once(self, visit: Visit) -> None:
        """Log those patients whom this visit has not been shown in this way before: an open page fetches its list all
        day long, and the pictures on it, and each of them is logged once."""
        if len(self._shown) > VISITS:
            self._shown.clear()  # they are logged anew
        shown = self._shown.setdefault((visit.person.digest, visit.looked_into), set())
        visit.viewed -= shown
        log_view(visit)
        shown |= visit.viewed

    async def version(self, clinic_id: int) -> str:
        """The last known one while the database is away."""
        seen = self._seen[clinic_id]
        async with seen.lock:
            if time.monotonic() - seen.at >= EVERY * 0.9:
                seen.version = await run_in_threadpool(self._look, clinic_id, seen.version)
                seen.at = time.monotonic()
        return seen.version

    def _look(self, clinic_id: int, before: str) -> str:
        try:
            with reading(self.app.sessions) as session:
                return fingerprint(session, clinic_id)
        except NotReady:
            return before


@router.get("/live")
async def follow(request: Request) -> Response:
    """Server-sent events: one whenever the worklist has changed since the page was made."""
    try:
        visit = await run_in_threadpool(partial(enter, request, Permission.PATIENTS, counts_as_seen=False))
    except Denied as error:
        return Response(str(error), error.status)
    watch: Watch = request.app.state.watch
    known = request.headers.get("last-event-id") or request.query_params.get("seen", "")
    stream = _events(request, watch, visit.clinic_id, known)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(request: Request, watch: Watch, clinic_id: int, known: str) -> AsyncIterator[str]:
    looks = 0
    yield "retry: 2000\n\n"
    while True:
        looks += 1
        if looks % CHECKED_EVERY == 0:
            if not await run_in_threadpool(_is_still_in, request):
                yield OVER
                return
            yield ": still here\n\n"
        version = await watch.version(clinic_id)
        if version != known:
            known = version
            yield f"id: {version}\ndata: changed\n\n"
        await asyncio.sleep(EVERY)


def _is_still_in(request: Request) -> bool:
    try:
        with reading(app_of(request).sessions) as session:
            return find_visit(session, request, factors=2) is not None
    except NotReady:
        return True


@router.get("/worklist")
def show_part(request: Request) -> Response:
    """The list alone, for the page that is open; 401 once the visit is over."""
    try:
        visit = enter(request, Permission.PATIENTS, counts_as_seen=False)
    except (SignedOut, Denied) as error:
        return Response(str(error), error.status)
    with reading(visit.app.sessions) as session:
        context = worklist.show_worklist(visit, session)
    watch: Watch = request.app.state.watch
    watch.log_once(visit)
    return render(visit, "worklist/list.html", context)
