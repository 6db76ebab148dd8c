"""History: what ended long ago leaves the outbox, comes back if it must, and is never sent again."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from monitor.bootstrap import build
from monitor.clock import StoppedClock
from monitor.config import Settings
from monitor.db import transaction
from monitor.domain.delivery import FINAL, State
from monitor.models import Callback, CheckIn, Cursor, Episode, Event, Message, PastMessage
from monitor.services import archive as archive_service
from monitor.services.archive import archive
from monitor.services.backup import back_up
from monitor.services.change import change_episode
from monitor.services.dispatch import dispatch
from monitor.services.forget import forget
from monitor.services.ledger import check_ledger
from monitor.services.restore import opened, put_back
from monitor.services.track import track
from monitor.worklists.commands import planned_texts
from tests.services.test_races import at_once
from tests.stories.people import answers_that_all_is_well, raises_pus
from tests.story import Someone, Story

KEEP = timedelta(days=30)
YEAR = timedelta(days=365)
COLUMNS = [column.key for column in Message.__table__.columns]
Row = dict[str, Any]


def rows(story: Story, table: type[Any]) -> dict[int, Row]:
    """What stands in a table, by id."""
    return {row.id: {name: getattr(row, name) for name in COLUMNS} for row in story.all(table)}


def everything(story: Story) -> dict[int, Row]:
    """Every text, wherever it stands; it stands in one place."""
    here, past = rows(story, Message), rows(story, PastMessage)
    assert not here.keys() & past.keys()
    return here | past


def move(story: Story) -> int:
    return archive(story.app.sessions, story.clock, keep=KEEP)


def long_ago(story: Story) -> Someone:
    """A patient whose check-in was answered, after an outage in which the next one's time has passed."""
    ann = story.asked()
    answers_that_all_is_well(ann)
    story.outage(days=45)
    ann.new_texts()
    return ann


def test_what_ended_long_ago_moves_as_it_stood(story: Story) -> None:
    ann = long_ago(story)
    before = everything(story)
    old = {
        key
        for key, row in before.items()
        if row["state"] in FINAL and row["ended_at"] < story.clock.now() - KEEP and key != max(before)
    }
    assert move(story) == len(old) > 4
    assert rows(story, PastMessage).keys() == old
    assert everything(story) == before
    assert move(story) == 0
    assert {row.state for row in story.plan(ann).values()} >= {State.PLANNED}, "what waits stays"


def test_the_books_are_the_same_after_it(story: Story) -> None:
    ann = long_ago(story)

    def books() -> tuple[Any, Any]:
        with transaction(story.app.sessions) as session:
            return asdict(check_ledger(session, story.clock.now())), planned_texts(session, ann.episode)

    before = books()
    assert move(story) > 0
    assert books() == before


def test_planning_anew_repeats_nothing_that_was_sent_and_takes_up_what_was_not(story: Story) -> None:
    ann = long_ago(story)
    before = everything(story)
    sent = {key: row for key, row in before.items() if row["sid"]}
    skipped = story.plan(ann)["checkin-4"]
    assert (skipped.state, skipped.sid) == (State.SKIPPED, None)
    assert move(story) > 0
    assert skipped.id in rows(story, PastMessage)
    with transaction(story.app.sessions) as session:
        episode = session.get_one(Episode, ann.episode)
        change_episode(session, episode, now=story.clock.now(), surgery_on=date(2026, 12, 14))
    planned = story.plan(ann)["checkin-4"]
    assert (planned.id, planned.state) == (skipped.id, State.PLANNED)
    story.until("2026-12-18 11:01")
    ann.new_texts()
    after = everything(story)
    assert {key: after[key] for key in sent} == sent
    assert max(Counter(row["once"] for row in after.values()).values()) == 1
    assert move(story) > 0, "it moves again"


def test_who_was_texted_long_ago_gets_no_second_first_text(story: Story) -> None:
    long_ago(story)
    assert move(story) > 0
    with transaction(story.app.sessions) as session:
        for message in session.scalars(select(Message).where(Message.sid.is_not(None))):
            message.sid = None  # the last text stays behind; it shall not answer for the others
    ann = story.patient(welcome=False)
    story.forward(seconds=20)
    assert not any("we will check by text" in text for text in ann.new_texts())


def test_a_late_word_of_the_provider_finds_a_text_that_has_moved(story: Story) -> None:
    long_ago(story)
    with transaction(story.app.sessions) as session:
        first = session.scalars(select(Message).where(Message.kind == "checkin", Message.sid.is_not(None))).first()
        assert first is not None
        number, sid = first.id, first.sid
        first.state, first.why = State.UNCONFIRMED, "the provider never learned more"
    assert move(story) > 0
    assert number in rows(story, PastMessage)
    with transaction(story.app.sessions) as session:
        params = {"MessageSid": sid or "", "MessageStatus": "delivered"}
        assert track(session, params, message_id=number, now=story.clock.now())
    assert rows(story, Message)[number]["state"] == State.DELIVERED
    assert number not in rows(story, PastMessage)
    assert story.all(Callback)[-1].message_id == number


def test_what_is_open_keeps_its_texts(story: Story) -> None:
    ann = raises_pus(story)
    story.outage(days=40)
    ann.new_texts()
    with transaction(story.app.sessions) as session:
        answer = session.scalars(select(Message).where(Message.once.startswith("promise:"))).one()
        session.execute(update(Message).where(Message.alert_id.is_not(None)).values(ended_at=story.clock.now() - YEAR))
        checkin = session.scalars(select(CheckIn).where(CheckIn.episode_id == ann.episode)).first()
        assert checkin is not None
        checkin.state = "open"
        asked = session.scalars(select(Message).where(Message.checkin_id == checkin.id)).one()
        asked.ended_at = story.clock.now() - YEAR
    assert move(story) > 0
    assert {answer.id, asked.id} <= rows(story, Message).keys()
    with transaction(story.app.sessions) as session:
        session.get_one(CheckIn, checkin.id).state = "skipped"
    assert move(story) == 1
    assert asked.id in rows(story, PastMessage)
    story.seen |= {text.id for text in story.unread()}  # the pages of forty days


def test_an_id_is_never_given_again(story: Story) -> None:
    """SQLite gives a new row the id after the highest that is there."""
    long_ago(story)
    with transaction(story.app.sessions) as session:
        long_over = story.clock.now() - YEAR
        session.execute(update(Message).values(state=State.CANCELLED, why="a test", ended_at=long_over))
    highest = max(everything(story))
    move(story)
    assert rows(story, Message).keys() == {highest}
    with transaction(story.app.sessions) as session:
        session.execute(update(Episode).values(cancelled_at=story.clock.now()))


def test_workers_move_and_claim_side_by_side(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_service, "BATCH", 3)
    people = [story.patient(f"P{n}", f"+1202555{n:04d}", day=5) for n in range(200, 206)]
    for someone in people:
        someone.new_texts()
    story.clock.move_to(story.clock.now() + timedelta(seconds=20))
    with transaction(story.app.sessions) as session:
        due = set(session.scalars(select(Message.once).where(Message.state == "planned", Message.kind == "checkin")))
        ended = update(Message).where(Message.state.in_(FINAL)).values(ended_at=story.clock.now() - YEAR)
        session.execute(ended)
    before = everything(story)
    app = story.app

    def work(number: int) -> int:
        if number % 2:
            return sum(move(story) for _ in range(10))
        return sum(dispatch(app.sessions, app.gateway, story.clock, worker=f"w{number}") for _ in range(4))

    at_once(work)
    after = everything(story)
    assert after.keys() == before.keys()
    assert len(rows(story, PastMessage)) > 20
    texts = Counter(text.phone for someone in people for text in story.unread(someone.number))
    assert set(texts.values()) == {1}, texts
    assert due


def test_a_process_that_is_killed_half_way_has_moved_nothing(story: Story, settings: Settings) -> None:
    long_ago(story)
    before, here = everything(story), rows(story, Message)
    database = story.app.settings.database
    story.app.engine.dispose()
    mine = settings.model_copy(update={"database": database})
    child = get_context("spawn").Process(target=move_and_die, args=(mine, story.clock.now().isoformat()))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert rows(story, Message) == here
    assert move(story) > 0
    assert everything(story) == before


def move_and_die(settings: Settings, now: str) -> None:
    """Written into history, and not yet taken out of the messages."""
    archive_service.delete = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    clock = StoppedClock(datetime.fromisoformat(now))
    archive(build(settings, clock=clock).sessions, clock, keep=KEEP)


@pytest.fixture
def forgetful(story: Story) -> Callable[[], int]:
    """Delete what is older than a year."""
    return lambda: forget(story.app.sessions, story.clock, keep=YEAR)


def test_what_need_not_be_kept_is_deleted_and_still_counted(story: Story, forgetful: Callable[[], int]) -> None:
    ann = long_ago(story)
    with transaction(story.app.sessions) as session:
        sid = session.scalars(select(Message.sid).where(Message.kind == "checkin", Message.sid.is_not(None))).first()
        track(session, {"MessageSid": sid or "", "MessageStatus": "read"}, message_id=None, now=story.clock.now())
    move(story)
    assert forgetful() == 0
    story.outage(days=400)
    ann.new_texts()
    with transaction(story.app.sessions) as session:
        before = check_ledger(session, story.clock.now())
    assert move(story) > 0, "what writing the calendar on has brought back"
    events = len(story.all(Event))
    deleted = forgetful()
    assert deleted > 5
    assert forgetful() == 0
    with transaction(story.app.sessions) as session:
        assert asdict(check_ledger(session, story.clock.now())) == asdict(before)
    assert story.all(Callback) == []
    assert len(story.all(Event)) == events
    left = everything(story)
    with transaction(story.app.sessions) as session:
        change_episode(
            session, session.get_one(Episode, ann.episode), now=story.clock.now(), timezone="America/Chicago"
        )
    steps = {row["once"] for row in everything(story).values()} - {row["once"] for row in left.values()}
    assert not {f"plan:{ann.episode}:{key}" for key in ("care", "checkin-4", "checkin-7", "checkin-14")} & steps
    with transaction(story.app.sessions) as session:
        assert session.get_one(Cursor, "history deleted").at == story.clock.now() - YEAR


def test_a_backup_holds_history_too(story: Story, tmp_path: Path) -> None:
    long_ago(story)
    assert move(story) > 0
    before, past = everything(story), rows(story, PastMessage)
    app = story.app
    path = back_up(app.engine, app.sessions, tmp_path / "backups", clock=story.clock)
    with transaction(app.sessions) as session:
        session.execute(delete(PastMessage))
    with opened(app.engine, path) as ready:
        put_back(app.engine, ready)
    app.engine.dispose()
    assert rows(story, PastMessage) == past
    assert everything(story) == before
