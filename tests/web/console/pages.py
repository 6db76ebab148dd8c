"""Every page and other route of the console, read off its router, so that one that is added later is tried too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from monitor.web import console
from monitor.web.console.frame import Page

Samples = dict[str, int]  # the number of one thing of a clinic, by the first part of its pages' addresses


def routes(router: Any = console.router) -> Iterator[Any]:
    """Routes, also of routers that are included in one another."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from routes(inner)


def pages() -> list[Page]:
    found = {id(owner): owner for route in routes() if isinstance(owner := _owner(route), Page)}
    return list(found.values())


def other_routes() -> set[str]:
    """Addresses that are no pages: pictures, files, parts of pages, the door."""
    return {route.path for route in routes() if not isinstance(_owner(route), Page)}


def address(path: str, samples: Samples) -> str:
    """A path with the number of a sample in it. A page about things of a new kind needs a sample of its kind."""
    kind, path = path.split("/")[1], path.replace("/help/{page}", "/help/worklist")
    if "{number:row}" in path:
        assert kind in samples, f"add a sample for {path} to tests/web/console/conftest.py"
        path = path.replace("{number:row}", str(samples[kind]))
    assert not re.search("[{}]", path), f"{path} has more than a number in its address: say here how to fill it"
    return path


def _owner(route: Any) -> object:
    return getattr(getattr(route, "endpoint", None), "__self__", None)
