"""The web part: webhooks, health, metrics, and the built-in phones where no SMS leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from monitor.bootstrap import App
from monitor.errors import MonitorError
from monitor.web import health, phones, webhooks

log = logging.getLogger(__name__)
HERE = Path(__file__).parent


def create_app(
    app: App,
    *,
    wake: Callable[[], None],
    run_everything: Callable[[], None],
    phones_forced: bool = False,
) -> FastAPI:
    """The ASGI application. `wake` has the worker look at once; `run_everything` runs all ticks now."""
    web = FastAPI(title="implant-monitor", docs_url=None, redoc_url=None, openapi_url=None)
    web.state.monitor, web.state.wake = app, wake
    web.state.run_everything, web.state.phones_forced = run_everything, phones_forced
    web.include_router(webhooks.router)
    web.include_router(health.router)
    web.include_router(phones.router)
    web.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    web.add_exception_handler(MonitorError, _explain)
    return web


async def _explain(request: Request, error: Exception) -> JSONResponse:
    """An error this project knows: its own status, and for bad input the field and what is allowed."""
    assert isinstance(error, MonitorError)
    log.warning("%s at %s", type(error).__name__, request.url.path)
    return JSONResponse({"detail": str(error)}, error.status)
