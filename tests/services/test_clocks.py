"""What reads the machine's own clock: heartbeats, and the doctor who looks at them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from freezegun import freeze_time

from monitor.bootstrap import App
from monitor.clock import ShiftedClock, StoppedClock, SystemClock
from monitor.db import transaction
from monitor.models import Heartbeat, Message
from monitor.scheduler import Ticks
from monitor.services.doctor import examine
from tests.story import Story

NOON = datetime(2026, 11, 2, 17, tzinfo=UTC)


def found(app: App, what: str, *, at: datetime) -> list[str]:
    with freeze_time(at):
        checks = examine(
            app.sessions, app.gateway, SystemClock(), public_url="https://m.example.org", trusted_proxies="::1"
        )
    return [f"{check.level}: {check.found}" for check in checks if check.what == what]


def test_the_system_clock_is_aware_utc_and_a_shifted_one_keeps_its_distance() -> None:
    with freeze_time(NOON) as frozen:
        assert SystemClock().now() == NOON
        shifted = ShiftedClock()
        shifted.move_to(NOON + timedelta(days=3))
        frozen.tick(timedelta(minutes=5))
        assert shifted.now() == NOON + timedelta(days=3, minutes=5)


def test_a_heartbeat_is_real_time_whatever_the_patients_clock_says(app: App, clock: StoppedClock) -> None:
    clock.forward(days=100)
    with freeze_time(NOON):
        Ticks(app).heartbeat()
    with transaction(app.sessions) as session:
        assert session.get_one(Heartbeat, "worker").at == NOON


def test_the_doctor_sees_a_worker_that_stopped(app: App) -> None:
    assert "no worker" in found(app, "worker", at=NOON)[0]
    with freeze_time(NOON):
        Ticks(app).heartbeat()
    assert found(app, "worker", at=NOON + timedelta(seconds=30)) == ["ok: alive"]
    assert "no worker" in found(app, "worker", at=NOON + timedelta(minutes=10))[0]


def test_the_doctor_sees_a_clock_that_went_back(story: Story) -> None:
    ann = story.patient(day=30, welcome=False)
    story.until("2026-11-01 09:01")
    ann.new_texts()
    sent = max(row.sent_at for row in story.all(Message) if row.sent_at)
    assert found(story.app, "clock", at=sent + timedelta(minutes=1)) == []
    assert "went back" in found(story.app, "clock", at=sent - timedelta(hours=1))[0]
