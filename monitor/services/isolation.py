"""Work through the items of a pass so that one which fails holds up no other.

    with Pass("escalate") as each:
        for alert_id in due:
            with each(alert_id), transaction(sessions) as session:
                ...

The transaction stands inside, so it is rolled back before the next item has its turn. What failed is counted,
logged by its id and place, shown by /metrics and /readyz, and tried again by the next pass.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar

from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError

from monitor.db import is_outage
from monitor.errors import NotReady
from monitor.logs import place_of

log = logging.getLogger(__name__)
ITEM_ERRORS = Counter("monitor_item_errors", "Items of a pass that failed; the next pass tries them again", ["work"])
FAILING = "failing: "  # before the work's name, in the heartbeats of a worker that has failing work
Key = TypeVar("Key", int, str)

_failing: dict[str, frozenset[int | str]] = {}  # what failed in the last pass of each kind of work


class Pass:
    """One pass of a kind of work through its items, which are known by their ids."""

    def __init__(self, work: str) -> None:
        self.work = work
        self.failed: set[int | str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _failing[self.work] = frozenset(self.failed)

    @contextmanager
    def __call__(self, key: int | str) -> Iterator[None]:
        """Try one item. A database that is away is nobody's fault and ends the pass."""
        try:
            yield
        except Exception as error:
            if isinstance(error, NotReady) or (isinstance(error, DBAPIError) and is_outage(error)):
                raise
            self._note(key, error)

    def sound_first(self, keys: Sequence[Key]) -> list[Key]:
        """The same items, those that failed in the last pass behind the others: they cannot fill a batch."""
        return sorted(keys, key=lambda key: key in _failing.get(self.work, ()))

    def _note(self, key: int | str, error: Exception) -> None:
        ITEM_ERRORS.labels(self.work).inc()
        if key not in self.failed | _failing.get(self.work, frozenset()):  # urgent passes come ten times a second
            log.error("%s, item %s: %s", self.work, key, place_of(error))
        self.failed.add(key)


def failing_work() -> list[str]:
    """The kinds of work of this process in whose last pass an item failed."""
    return sorted(work for work, keys in _failing.items() if keys)
