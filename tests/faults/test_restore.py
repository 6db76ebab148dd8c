"""An old backup is put back after more has happened: nothing is sent twice, and what was written is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.errors import BadInput, GatewayError
from monitor.models import Alert, Inbound
from monitor.services.backup import back_up
from monitor.services.catch_up import Caught, catch_up, unfinished_since
from monitor.services.ledger import check_ledger
from monitor.services.restore import is_empty, opened, put_back
from tests.services.conftest import ANN, NURSE, OnTwilio, clock, on_twilio
from tests.twilio_standin import Delivery, server_error, silence

__all__ = ["clock", "on_twilio"]
BEN, CLEO = "+12025550102", "+12025550103"


def make(world: OnTwilio) -> Path:
    app = world.app
    return back_up(app.engine, app.sessions, app.settings.backups, clock=app.clock)


def load(world: OnTwilio, backup: Path) -> None:
    with opened(world.app.engine, backup) as ready:
        put_back(world.app.engine, ready)


def restore(world: OnTwilio, backup: Path) -> Caught:
    load(world, backup)
    since = unfinished_since(world.app.sessions)
    assert since is not None
    caught = catch_up(world.app.sessions, world.app.gateway, world.clock, since=since)
    assert unfinished_since(world.app.sessions) is None
    return caught


def ledger(world: OnTwilio) -> dict[str, Any]:
    with transaction(world.app.sessions) as session:
        return asdict(check_ledger(session, world.clock.now()))


def doubled(world: OnTwilio) -> dict[tuple[str, str], int]:
    sent = Counter((m.to, m.body) for m in world.standin.messages if m.direction == "outbound-api" and m.to != NURSE)
    return {key: n for key, n in sent.items() if n > 1}


def signs(world: OnTwilio) -> list[list[str]]:
    with transaction(world.app.sessions) as session:
        return [alert.signs for alert in session.scalars(select(Alert).where(Alert.kind == "finding"))]


def replies(world: OnTwilio) -> list[str]:
    with transaction(world.app.sessions) as session:
        return list(session.scalars(select(Inbound.body).order_by(Inbound.id)))


def test_the_ledger_is_the_same_after_as_before(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol()
    on_twilio.texts(ANN, "3")
    before, backup = ledger(on_twilio), make(on_twilio)
    assert restore(on_twilio, backup) == Caught(on_twilio.clock.now(), 0, 0)
    assert ledger(on_twilio) == before
    on_twilio.run()
    assert ledger(on_twilio) == before


def test_after_an_old_backup_nothing_is_doubled_and_every_reply_is_read(on_twilio: OnTwilio) -> None:
    """A week is lost: a conversation, a red sign, a nudge, a resend, a silence."""
    world = on_twilio
    world.staff()
    for phone in (ANN, BEN, CLEO):
        world.enrol(day=3, phone=phone)
    backup = make(world)
    world.standin.deliver_next(Delivery(ends="undelivered", error_code=30003), to=CLEO)
    world.forward(hours=23)
    world.forward(minutes=61)  # Cleo's phone was off: once more
    for body in ("3", "going down", "there is pus"):
        world.texts(ANN, body)
    for _ in range(5):
        world.forward(hours=1)  # Ben and Cleo are nudged
    world.texts(BEN, "2 and all is fine")
    before, said = ledger(world), {phone: world.screen(phone) for phone in (ANN, BEN, CLEO)}
    once_more = doubled(world)
    assert [phone for phone, _ in once_more] == [CLEO]
    caught = restore(world, backup)
    assert caught.received == 4
    world.run()
    world.forward(seconds=30)
    assert {phone: world.screen(phone) for phone in (ANN, BEN, CLEO)} == said
    assert doubled(world) == once_more
    assert replies(world) == ["3", "going down", "there is pus", "2 and all is fine"]
    assert signs(world) == [["pus"]]
    after = ledger(world)
    before["texts"]["delivered"] -= 1  # Ben has answered, so that nobody asks whether he was nudged before
    assert {part: after[part] for part in ("texts", "replies", "checkins", "holes")} == {
        part: before[part] for part in ("texts", "replies", "checkins", "holes")
    }
    assert "pus" in world.screen(NURSE)[-1]
    world.forward(days=2)
    assert doubled(world) == once_more


def test_what_was_really_not_sent_is_sent(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    backup = make(on_twilio)
    on_twilio.clock.forward(hours=23)  # nobody works
    caught = restore(on_twilio, backup)
    assert caught.sent == 0
    on_twilio.run()
    assert "worst pain" in on_twilio.screen(ANN)[-1]
    assert on_twilio.planned("checkin-4").state == "delivered"


def test_a_promise_that_passed_while_nobody_worked_is_told_late_once(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol(day=7)
    backup = make(on_twilio)
    on_twilio.texts(ANN, "there is pus")
    assert any("They will call you by" in body for body in on_twilio.screen(ANN))
    on_twilio.clock.forward(hours=5)
    restore(on_twilio, backup)
    said = len(on_twilio.screen(ANN))
    on_twilio.run()
    on_twilio.forward(seconds=30)
    assert ["have not: sorry" in body for body in on_twilio.screen(ANN)[said:]].count(True) == 1
    assert doubled(on_twilio) == {}


def test_a_text_in_doubt_when_the_backup_was_made_is_asked_about(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.mute()
    on_twilio.standin.fail_next(silence(), to=ANN)
    on_twilio.clock.forward(hours=23)
    on_twilio.ticks.urgent()
    assert on_twilio.planned("checkin-4").state == "unknown"
    backup = make(on_twilio)
    on_twilio.clock.forward(hours=9)
    assert restore(on_twilio, backup).sent == 1
    for _ in range(4):
        on_twilio.forward(seconds=30)
    assert doubled(on_twilio) == {}
    assert on_twilio.planned("checkin-4").sid == on_twilio.standin.sent_to(ANN)[-1].sid


def test_while_the_provider_does_not_answer_the_restore_stays_unfinished(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    backup = make(on_twilio)
    on_twilio.forward(hours=23)
    on_twilio.texts(ANN, "3")
    said = on_twilio.screen(ANN)
    on_twilio.standin.fail_next(server_error(), method="GET", to=ANN, times=None)
    with pytest.raises(GatewayError):
        restore(on_twilio, backup)
    since = unfinished_since(on_twilio.app.sessions)
    assert since is not None
    on_twilio.standin.mend()
    app = on_twilio.app
    catch_up(app.sessions, app.gateway, on_twilio.clock, since=since)
    on_twilio.run()
    assert on_twilio.screen(ANN) == said


def test_stop_that_was_written_since_the_backup_is_heeded(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    backup = make(on_twilio)
    on_twilio.texts(ANN, "STOP")
    said = on_twilio.screen(ANN)
    on_twilio.clock.forward(hours=23)
    restore(on_twilio, backup)
    on_twilio.run()
    assert on_twilio.screen(ANN) == said
    assert on_twilio.planned("checkin-4").state in {"skipped", "cancelled"}


def test_a_backup_of_an_unfinished_restore_keeps_the_older_moment(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    load(on_twilio, make(on_twilio))
    first = unfinished_since(on_twilio.app.sessions)
    on_twilio.clock.forward(hours=1)
    load(on_twilio, make(on_twilio))
    assert unfinished_since(on_twilio.app.sessions) == first


@pytest.mark.parametrize("spoil", ["cut", "damaged", "strange", "missing"])
def test_a_file_that_is_not_whole_is_refused_and_nothing_is_touched(on_twilio: OnTwilio, spoil: str) -> None:
    on_twilio.enrol()
    backup = make(on_twilio)
    whole = backup.read_bytes()
    middle = len(whole) // 2
    match spoil:
        case "cut":
            backup.write_bytes(whole[:middle])
        case "damaged":
            backup.write_bytes(whole[:middle] + b"\xff" * 40_000 + whole[middle + 40_000 :])
        case "strange":
            backup.write_bytes(b"id,name\n" * 100)
        case "missing":
            backup.unlink()
    before = ledger(on_twilio)
    with pytest.raises(BadInput, match="a file that `monitor backup` wrote"):
        load(on_twilio, backup)
    assert ledger(on_twilio) == before
    assert unfinished_since(on_twilio.app.sessions) is None


def test_a_backup_of_a_later_schema_is_refused(on_twilio: OnTwilio) -> None:
    engine = on_twilio.app.engine
    with engine.begin() as connection:
        (now,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one()
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'abcdef123456'")
    backup = make(on_twilio)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{now}'")
    with pytest.raises(BadInput, match="schema abcdef123456"):
        load(on_twilio, backup)


def test_set_up_and_not_used_counts_as_empty(on_twilio: OnTwilio) -> None:
    assert is_empty(on_twilio.app.sessions)
    on_twilio.staff()
    assert not is_empty(on_twilio.app.sessions)


def test_who_had_taken_an_alert_is_paged_anew_with_another_code(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol()
    backup = make(on_twilio)
    on_twilio.texts(ANN, "there is pus")
    code = on_twilio.screen(NURSE)[-1].split("Reply ")[1].split(" ")[0]
    on_twilio.texts(NURSE, code)
    on_twilio.texts(NURSE, f"{code} A")
    assert "Recorded" in on_twilio.screen(NURSE)[-1]
    said = on_twilio.screen(ANN)
    on_twilio.clock.forward(minutes=30)
    assert restore(on_twilio, backup).received == 3
    on_twilio.run()
    on_twilio.forward(seconds=5)
    assert on_twilio.screen(ANN) == said
    new = [body for body in on_twilio.screen(NURSE) if "Reply " in body and "pus" in body][-1]
    fresh = new.split("Reply ")[1].split(" ")[0]
    on_twilio.texts(NURSE, fresh)
    assert "It is yours" in on_twilio.screen(NURSE)[-1]


def test_a_reminder_of_that_time_is_not_repeated_when_it_is_restored_at_night(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    backup = make(on_twilio)
    on_twilio.forward(hours=23)
    for _ in range(5):
        on_twilio.forward(hours=1)
    said = on_twilio.screen(ANN)
    assert said[-1].startswith("Reminder")
    on_twilio.clock.forward(hours=6)
    assert restore(on_twilio, backup).sent == 2
    for _ in range(12):
        on_twilio.forward(hours=1)
    assert on_twilio.screen(ANN)[: len(said)] == said
    assert doubled(on_twilio) == {}
