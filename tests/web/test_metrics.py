"""Metrics: counts of everything, and nothing of anybody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from monitor.clock import SystemClock
from monitor.db import transaction
from monitor.models import Message
from monitor.scheduler import Ticks
from monitor.services.clinic import the_clinic
from monitor.services.ledger import ALL_HOLES
from monitor.services.staff import add_staff
from monitor.services.tally import set_tally
from tests.web.caller import TEXT, Web
from tests.web.test_health import beat, lose_database, plan_text


def test_what_is_counted(web: Web) -> None:
    beat(web)
    plan_text(web, late=timedelta(minutes=5))
    received = web.metric("monitor_webhooks_received_total", path="/twilio/inbound")
    web.post("/twilio/inbound", TEXT)
    assert web.metric("monitor_webhooks_received_total", path="/twilio/inbound") == received + 1
    assert web.metric("monitor_inbound_unread") == 1
    assert web.metric("monitor_texts", kind="answer", state="planned") == 1
    assert web.metric("monitor_oldest_due_seconds") == 300
    assert 0 <= web.metric("monitor_heartbeat_age_seconds") < 30
    assert web.metric("monitor_database_up") == 1


def test_a_worker_that_never_was_is_told_apart(web: Web) -> None:
    assert web.metric("monitor_heartbeat_age_seconds") == -1


def test_metrics_answer_without_a_database_and_say_so(web: Web, tmp_path: Path) -> None:
    lose_database(web, tmp_path)
    assert web.client.get("/metrics").status_code == 200
    assert web.metric("monitor_database_up") == 0


def test_alerts_are_counted_by_band_and_state_and_nobody_is_named(web: Web) -> None:
    with transaction(web.app.sessions) as session:
        add_staff(session, the_clinic(session), "Dr Ray", "+12025550171", now=web.app.clock.now())
    web.post("/twilio/inbound", {**TEXT, "Body": "there is pus and I am in agony, Ann Carter"})
    Ticks(web.app).urgent()
    assert web.metric("monitor_alerts", band="urgent", state="open") == 1
    text = web.client.get("/metrics").text
    for part in ("Ann", "Carter", "2025550101", "agony", "Ray", "2025550171"):
        assert part not in text


def test_what_waits_for_its_day_and_what_ended_before_is_not_counted(web: Web) -> None:
    plan_text(web, late=-timedelta(days=3))
    assert web.metric("monitor_texts", kind="answer", state="planned") == 0
    with transaction(web.app.sessions) as session:
        text = session.scalars(select(Message)).one()
        text.state, text.ended_at = "delivered", web.app.clock.now() - timedelta(minutes=59)
    assert web.metric("monitor_texts", kind="answer", state="delivered") == 1
    with transaction(web.app.sessions) as session:
        session.scalars(select(Message)).one().ended_at = web.app.clock.now() - timedelta(minutes=61)
    assert web.metric("monitor_texts", kind="answer", state="delivered") == 0


def test_holes_are_counted(web: Web) -> None:
    assert web.metric("monitor_ledger_holes", what="text") == 0
    assert web.metric("monitor_ledger_holes_found") == -1
    assert web.metric("monitor_ledger_age_seconds") == -1
    plan_text(web, late=timedelta(minutes=11))
    with transaction(web.app.sessions) as session:
        set_tally(session, ALL_HOLES, 7, at=SystemClock().now() - timedelta(seconds=60))
    assert web.metric("monitor_ledger_holes", what="text") == 1
    assert web.metric("monitor_ledger_holes_found") == 7
    assert 60 <= web.metric("monitor_ledger_age_seconds") < 90
