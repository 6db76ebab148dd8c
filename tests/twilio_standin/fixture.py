"""The fixture, for any conftest to import."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.twilio_standin.standin import Standin


@pytest.fixture
def standin() -> Iterator[Standin]:
    """A stand-in Twilio on a port of its own, closed afterwards."""
    with Standin() as standin:
        yield standin
