"""A fleet on each engine; closed, whatever happened to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.fleet import Fleet
from tests.twilio_standin import Standin
from tests.twilio_standin.fixture import standin

__all__ = ["standin"]


@pytest.fixture
def fleet(tmp_path: Path, standin: Standin, database: str | None) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path / "home", database, standin)
    yield fleet
    fleet.close()
