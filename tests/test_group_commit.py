"""Texts that come together are committed together, and each is answered as if it had come alone. On both engines."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from monitor.bootstrap import App
from monitor.db import connect, open_sessions, transaction
from monitor.errors import NotReady
from monitor.locking import lock
from monitor.models import Inbound
from monitor.services.receive import Arrival, save_arrivals
from monitor.sms.gateway import Received
from monitor.web.group_commit import GroupCommit, commit_together
from tests.running import Installation, wait_for
from tests.twilio_standin.webhooks import Webhooks

ACCOUNT, TOKEN, NUMBER = "AC" + "1" * 32, "the token", "+12025550100"


def arrival(app: App, number: int, *, media: int = 0) -> Arrival:
    now = app.clock.now()
    return Arrival(Received(f"SM{number}", "+12025550101", NUMBER, "it hurts", media, now), b"Body=it+hurts", now)


def kept(app: App) -> list[str]:
    """The ids of the texts that are committed, in the order in which they will be read."""
    with transaction(app.sessions) as session:
        return list(session.scalars(select(Inbound.sid).order_by(Inbound.id)))


class Slow:
    """Saves, and counts how many texts each transaction was to keep. The first one lasts until all others wait."""

    def __init__(self, app: App) -> None:
        self.batches = list[int]()
        self.commit = GroupCommit(app.sessions, self._save)
        self._begun, self._go = threading.Event(), threading.Event()

    def _save(self, session: Session, arrivals: Sequence[Arrival]) -> None:
        self.batches.append(len(arrivals))
        self._begun.set()
        assert self._go.wait(10)
        save_arrivals(session, arrivals)

    async def after(self, first: Arrival, others: Sequence[Arrival]) -> list[BaseException | None]:
        """What the others are answered, who came while the first was written."""
        requests = [asyncio.create_task(self.commit(first))]
        await asyncio.to_thread(self._begun.wait, 10)
        requests += [asyncio.create_task(self.commit(other)) for other in others]
        await asyncio.sleep(0)
        self._go.set()
        return (await asyncio.gather(*requests, return_exceptions=True))[1:]


def settings_of(app: App) -> dict[str, str]:
    """The same database, with Twilio."""
    return {
        "MONITOR_DATABASE_URL": app.settings.database_url,
        "MONITOR_SMS": "twilio",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_FROM_NUMBER": NUMBER,
    }


def all_at_once(*requests: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    """What each request was answered."""

    async def gather() -> list[BaseException | None]:
        return await asyncio.gather(*requests, return_exceptions=True)

    return asyncio.run(gather())


# --- together ------------------------------------------------------------------------------------


def test_who_comes_alone_is_written_at_once_and_who_comes_meanwhile_shares_the_next_transaction(app: App) -> None:
    slow = Slow(app)
    assert asyncio.run(slow.after(arrival(app, 0), [arrival(app, n) for n in range(1, 60)])) == [None] * 59
    assert slow.batches == [1, 59]
    assert kept(app) == [f"SM{number}" for number in range(60)]


def test_nobody_is_answered_before_the_commit(app: App) -> None:
    commit = GroupCommit(app.sessions, save_arrivals)

    async def request(number: int) -> None:
        await commit(arrival(app, number))
        assert f"SM{number}" in await asyncio.to_thread(kept, app)

    assert all_at_once(*map(request, range(30))) == [None] * 30


def test_a_flood_is_written_in_several_transactions(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.web.group_commit.MOST", 20)
    slow = Slow(app)
    assert asyncio.run(slow.after(arrival(app, 0), [arrival(app, n) for n in range(1, 51)])) == [None] * 50
    assert slow.batches == [1, 20, 20, 10]
    assert len(kept(app)) == 51


# --- one among many ------------------------------------------------------------------------------


def test_a_text_that_the_database_refuses_spoils_no_other(app: App) -> None:
    slow = Slow(app)
    others = [arrival(app, n, media=2**70 if n == 7 else 0) for n in range(1, 20)]
    answers = asyncio.run(slow.after(arrival(app, 0), others))
    assert slow.batches == [1, 19] + [1] * 19
    assert isinstance(answers[6], Exception)
    assert not isinstance(answers[6], NotReady)
    assert [answer for answer in answers if answer is not None] == [answers[6]]
    assert kept(app) == [f"SM{number}" for number in range(20) if number != 7]


def test_the_same_text_twice_in_one_transaction_is_one_text(app: App) -> None:
    slow = Slow(app)
    again = [arrival(app, number) for number in (1, 2, 1, 0, 3, 2)]
    assert asyncio.run(slow.after(arrival(app, 0), again)) == [None] * 6
    assert slow.batches == [1, 6]
    assert kept(app) == ["SM0", "SM1", "SM2", "SM3"]


def test_the_same_texts_at_several_web_processes_are_kept_once_each(app: App) -> None:
    ready = threading.Barrier(3)

    def process(_: int) -> list[BaseException | None]:
        engine = connect(app.settings.database_url)
        commit = GroupCommit(open_sessions(engine), save_arrivals)
        ready.wait(10)
        answers = all_at_once(*(commit(arrival(app, number)) for number in range(40)))
        engine.dispose()
        return answers

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(process, range(3))) == [[None] * 40] * 3
    assert sorted(kept(app)) == sorted(f"SM{number}" for number in range(40))


# --- a database that cannot work now, and an end -------------------------------------------------


def test_a_locked_database_is_told_to_each(app: App) -> None:
    @event.listens_for(app.engine, "checkout")
    def hurry(connection: Any, *_: object) -> None:
        shorten = "PRAGMA busy_timeout=50" if app.settings.database is None else "SET lock_timeout = 50"
        connection.execute(shorten)

    commit = GroupCommit(app.sessions, save_arrivals)
    elsewhere = connect(app.settings.database_url)
    with elsewhere.begin() as other:  # on SQLite that is enough
        if app.settings.database is not None:
            other.execute(text("LOCK TABLE inbound"))
        answers = all_at_once(*(commit(arrival(app, number)) for number in range(10)))
    elsewhere.dispose()
    assert [type(answer) for answer in answers] == [NotReady] * 10
    assert kept(app) == []
    assert all_at_once(*(commit(arrival(app, number)) for number in range(10))) == [None] * 10
    assert len(kept(app)) == 10


@pytest.mark.engine("postgresql")
def test_a_connection_that_breaks_in_the_transaction_is_told_to_each_and_the_next_is_made_anew(app: App) -> None:
    cut = [True]

    def save(session: Session, arrivals: Sequence[Arrival]) -> None:
        save_arrivals(session, arrivals)
        if cut and cut.pop():
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    arrivals = [arrival(app, number) for number in range(10)]
    outcomes = commit_together(app.sessions, save, arrivals)
    assert [type(outcome) for outcome in outcomes] == [NotReady] * 10
    assert kept(app) == []
    assert commit_together(app.sessions, save, arrivals) == [None] * 10


@pytest.mark.engine("postgresql")
def test_who_was_broken_off_by_a_deadlock_tries_one_by_one(app: App) -> None:
    """Another transaction holds the second row and waits for the first; who began to wait is broken off."""
    with transaction(app.sessions) as session:
        session.add_all(arrival(app, number).row() for number in (1, 2))
    theirs, ours = threading.Event(), threading.Event()
    tries: list[list[int]] = []

    def elsewhere() -> None:
        with transaction(app.sessions) as session:
            lock(session, Inbound, 2)
            theirs.set()
            assert ours.wait(10)
            time.sleep(0.3)  # they wait by now, and so they are the first to look for a circle
            lock(session, Inbound, 1)

    def save(session: Session, numbers: Sequence[int]) -> None:
        tries.append(list(numbers))
        for number in numbers:
            lock(session, Inbound, number).media += 1
            session.flush()
            ours.set()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(elsewhere)
        assert theirs.wait(10)
        assert commit_together(app.sessions, save, [1, 2]) == [None, None]
        other.result()
    assert tries == [[1, 2], [1], [2]]
    with transaction(app.sessions) as session:
        assert list(session.scalars(select(Inbound.media))) == [1, 1]


def test_a_request_that_is_given_up_is_kept_all_the_same_and_disturbs_no_other(app: App) -> None:
    commit = GroupCommit(app.sessions, save_arrivals)

    async def give_one_up() -> None:
        requests = [asyncio.create_task(commit(arrival(app, number))) for number in range(5)]
        await asyncio.sleep(0)
        requests[2].cancel()
        answers = await asyncio.gather(*requests, return_exceptions=True)
        assert [type(answer) for answer in answers] == [type(None)] * 2 + [asyncio.CancelledError] + [type(None)] * 2

    asyncio.run(give_one_up())
    assert len(kept(app)) == 5


def test_threads_with_event_loops_of_their_own_share_one_writer(app: App) -> None:
    commit = GroupCommit(app.sessions, save_arrivals)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda n: all_at_once(*(commit(arrival(app, 10 * n + m)) for m in range(10))), range(4))
        assert list(answers) == [[None] * 10] * 4
    assert len(kept(app)) == 40


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_what_was_answered_by_a_process_that_ends_is_safe(how: signal.Signals, app: App) -> None:
    """Each of the others was told nothing, or to come again."""
    web = Installation(app.settings.folder, settings_of(app))
    webhooks = Webhooks(auth_token=TOKEN, previous_auth_token="")
    answered: dict[str, int] = {}
    numbers, over = count(), threading.Event()

    def text_away(_: int) -> None:
        while not over.is_set():
            sid = f"SM{next(numbers):032d}"
            params = {"MessageSid": sid, "From": "+12025550101", "To": NUMBER, "Body": "it hurts", "NumMedia": "0"}
            answered[sid] = webhooks.call(f"{web.url}/twilio/inbound", params).status
            if not answered[sid]:  # it is not there yet, or no more
                over.wait(0.1)

    web.settings["MONITOR_PUBLIC_URL"] = web.url
    web.spawn("web", "--port", str(web.port))
    try:
        with ThreadPoolExecutor(8) as pool:
            try:
                turns = [pool.submit(text_away, number) for number in range(8)]
                wait_for("texts that are answered", lambda: list(answered.values()).count(200) > 40)
                assert web.process is not None
                web.process.send_signal(how)
                web.process.wait(20)
            finally:
                over.set()
        for turn in turns:
            turn.result()
    finally:
        web.close()
    safe = {sid for sid, status in answered.items() if status == 200}
    assert safe <= set(kept(app))
    assert set(answered.values()) <= {0, 200, 503}, set(answered.values())
