"""Stories begin on a working day at noon, when everybody may be texted and paged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.clock import StoppedClock


@pytest.fixture
def clock() -> StoppedClock:
    """Monday 2 November 2026, noon in New York."""
    return StoppedClock(datetime(2026, 11, 2, 17, tzinfo=UTC))
