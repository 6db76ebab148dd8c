"""A real browser for tests, and a program for it to visit: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (375, 768, 1440)
SCHEMES = ("light", "dark")
SOON = 30_000  # milliseconds in which something must show, on a busy machine


@contextmanager
def open_browser() -> Iterator[Any]:
    """Chromium; whoever asks for it where there is none is skipped, and told why."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    sync_api.expect.set_options(timeout=SOON)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def serve(web: FastAPI) -> Iterator[str]:
    """The program on a free port, in a thread of its own: its address. Streams that are open are cut at the end."""
    config = uvicorn.Config(web, port=0, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


class Troubles(list[str]):
    """Everything that goes wrong in a page unseen: errors of scripts, whatever the browser refuses to load or to run,
    boxes that pop up. `expected` are the statuses of answers that a test asks for."""

    def __init__(self, page: Any, *expected: int) -> None:
        super().__init__()
        self.expected = expected
        page.on("pageerror", lambda error: self.append(f"a script: {error}"))
        page.on("console", lambda line: self._note(line) if line.type == "error" else None)
        page.on("dialog", lambda dialog: self.append(f"a dialog: {dialog.message}"))

    def _note(self, line: Any) -> None:
        if not any(f"status of {status}" in line.text for status in self.expected):
            self.append(line.text)


def is_as_wide_as_its_window(page: Any) -> bool:
    """Whether nothing has to be scrolled sideways but what scrolls within itself."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    return wide
