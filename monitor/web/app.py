"""The web part: webhooks, health, metrics, the staff console, and the built-in phones where no SMS leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from monitor.bootstrap import App
from monitor.clock import Clock, SystemClock
from monitor.errors import MonitorError, NotFound
from monitor.logs import place_of, shown_path
from monitor.services.receive import save_arrivals
from monitor.services.track import track_together
from monitor.web import console, health, phones, webhooks
from monitor.web.auth import is_secure
from monitor.web.console.frame import refusal
from monitor.web.console.live import Watch
from monitor.web.group_commit import GroupCommit
from monitor.web.pages import SAFE_HEADERS

log = logging.getLogger(__name__)
HERE = Path(__file__).parent


def create_app(
    app: App,
    *,
    wake: Callable[[], None],
    run_everything: Callable[[], None],
    phones_forced: bool = False,
    real_time: Clock | None = None,
) -> FastAPI:
    """The ASGI application. `wake` has the worker look at once; `run_everything` runs all ticks now. `real_time` is
    what sign-in goes by, whatever the phones' clock says."""
    web = FastAPI(title="implant-monitor", docs_url=None, redoc_url=None, openapi_url=None)
    web.state.monitor, web.state.wake = app, wake
    web.state.save_text = GroupCommit(app.sessions, save_arrivals)
    web.state.keep_report = GroupCommit(app.sessions, track_together)
    web.state.run_everything, web.state.phones_forced = run_everything, phones_forced
    web.state.real_time, web.state.watch = real_time or SystemClock(), Watch(app)
    web.include_router(webhooks.router)
    web.include_router(health.router)
    web.include_router(phones.router)
    web.include_router(console.router)
    web.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    web.add_exception_handler(MonitorError, _explain)
    web.add_exception_handler(404, _no_such_page)
    web.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    web.add_middleware(Strict, secure=is_secure(app.settings))
    web.add_middleware(Discreet)
    return web


class Strict:
    """Every answer tells the browser to trust nothing but what comes from here. An answer's own word goes first."""

    def __init__(self, inner: ASGIApp, *, secure: bool) -> None:
        self.inner = inner
        self.headers = SAFE_HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "public, max-age=600")
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.inner(scope, receive, add)


class Discreet:
    """An error that nobody foresaw is answered 500 and logged by its kind and place alone.

    The server would log its words, and those may be a patient's.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def note(message: ASGIMessage) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.inner(scope, receive, note)
        except Exception as error:  # noqa: BLE001 -- the last one that can keep it out of the server's log
            log.error("%s at %s", place_of(error), shown_path(scope.get("path", "start-up")))
            if scope["type"] == "http" and not answered:
                failed = JSONResponse({"detail": "the program failed; this is in its log"}, 500)
                await failed(scope, receive, send)


async def _no_such_page(request: Request, error: Exception) -> Response:
    """An address that leads nowhere is answered to a person by a page, to a program in its own way."""
    assert isinstance(error, HTTPException)
    if "text/html" not in request.headers.get("accept", ""):
        return await http_exception_handler(request, error)
    return refusal(request, NotFound("address", "one that leads nowhere", "an address that stands on a page"))


async def _explain(request: Request, error: Exception) -> JSONResponse:
    """An error this project knows: its own status, and for bad input the field and what is allowed."""
    assert isinstance(error, MonitorError)
    log.warning("%s at %s", type(error).__name__, shown_path(request.url.path))
    return JSONResponse({"detail": str(error)}, error.status)
