"""Texts that come together are committed together, and each is answered as if it had come alone. On both engines."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from monitor.bootstrap import App
from monitor.db import connect, open_sessions, transaction
from monitor.errors import NotReady
from monitor.models import Inbound
from monitor.services.receive import Arrival, save_arrivals
from monitor.sms.gateway import Received
from monitor.web.group_commit import GroupCommit
from tests.running import Installation, wait_for
from tests.twilio_standin.webhooks import Webhooks

Save = Callable[[Session, Sequence[Arrival]], object]
ACCOUNT, TOKEN, NUMBER = "AC" + "1" * 32, "the token", "+12025550100"


def arrival(app: App, number: int, *, media: int = 0) -> Arrival:
    now = app.clock.now()
    return Arrival(Received(f"SM{number}", "+12025550101", NUMBER, "it hurts", media, now), b"Body=it+hurts", now)


def kept(app: App) -> list[str]:
    """The ids of the texts that are committed, in the order in which they will be read."""
    with transaction(app.sessions) as session:
        return list(session.scalars(select(Inbound.sid).order_by(Inbound.id)))


class Counted:
    """How many texts each transaction was to keep."""

    def __init__(self, save: Save = save_arrivals) -> None:
        self.save, self.batches = save, list[int]()

    def __call__(self, session: Session, arrivals: Sequence[Arrival]) -> object:
        self.batches.append(len(arrivals))
        return self.save(session, arrivals)


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
    save = Counted()
    commit = GroupCommit(app.sessions, save)

    async def come_while_the_first_is_written() -> None:
        first = asyncio.create_task(commit(arrival(app, 0)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # its writer has begun
        await asyncio.gather(first, *(commit(arrival(app, number)) for number in range(1, 60)))

    asyncio.run(come_while_the_first_is_written())
    assert save.batches == [1, 59]
    assert kept(app) == [f"SM{number}" for number in range(60)]


def test_nobody_is_answered_before_the_commit(app: App) -> None:
    commit = GroupCommit(app.sessions, save_arrivals)

    async def request(number: int) -> None:
        await commit(arrival(app, number))
        assert f"SM{number}" in await asyncio.to_thread(kept, app)

    assert all_at_once(*map(request, range(30))) == [None] * 30


def test_a_flood_is_written_in_several_transactions(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.web.group_commit.MOST", 20)
    save = Counted()
    commit = GroupCommit(app.sessions, save)
    assert all_at_once(*(commit(arrival(app, number)) for number in range(50))) == [None] * 50
    assert save.batches == [20, 20, 10]
    assert len(kept(app)) == 50


# --- one among many ------------------------------------------------------------------------------


def test_a_text_that_the_database_refuses_spoils_no_other(app: App) -> None:
    commit = GroupCommit(app.sessions, save_arrivals)
    answers = all_at_once(*(commit(arrival(app, n, media=2**70 if n == 7 else 0)) for n in range(20)))
    assert isinstance(answers[7], Exception)
    assert not isinstance(answers[7], NotReady)
    assert [answer for answer in answers if answer is not None] == [answers[7]]
    assert kept(app) == [f"SM{number}" for number in range(20) if number != 7]


def test_the_same_text_twice_in_one_transaction_is_one_text(app: App) -> None:
    save = Counted()
    commit = GroupCommit(app.sessions, save)
    again = [arrival(app, number) for number in (1, 2, 1, 1, 3, 2)]
    assert all_at_once(*map(commit, again)) == [None] * 6
    assert save.batches == [6]
    assert kept(app) == ["SM1", "SM2", "SM3"]


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


def test_a_locked_database_is_told_to_each_after_one_try(app: App) -> None:
    @event.listens_for(app.engine, "checkout")
    def hurry(connection: Any, *_: object) -> None:
        shorten = "PRAGMA busy_timeout=50" if app.settings.database is None else "SET lock_timeout = 50"
        connection.execute(shorten)

    save = Counted()
    commit = GroupCommit(app.sessions, save)
    elsewhere = connect(app.settings.database_url)
    with elsewhere.begin() as other:  # on SQLite that is enough
        if app.settings.database is not None:
            other.execute(text("LOCK TABLE inbound"))
        answers = all_at_once(*(commit(arrival(app, number)) for number in range(10)))
    elsewhere.dispose()
    assert [type(answer) for answer in answers] == [NotReady] * 10
    assert len(save.batches) <= 1
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

    commit = GroupCommit(app.sessions, save)
    answers = all_at_once(*(commit(arrival(app, number)) for number in range(10)))
    assert [type(answer) for answer in answers] == [NotReady] * 10
    assert kept(app) == []
    assert all_at_once(*(commit(arrival(app, number)) for number in range(10))) == [None] * 10


def test_where_no_thread_can_be_had_nobody_waits_for_ever(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    commit = GroupCommit(app.sessions, save_arrivals)
    with monkeypatch.context() as patched:
        patched.setattr("monitor.web.group_commit.run_in_threadpool", refuse)
        answers = all_at_once(*(commit(arrival(app, number)) for number in range(3)))
    assert [type(answer) for answer in answers] == [RuntimeError] * 3
    assert all_at_once(commit(arrival(app, 1))) == [None]


def test_a_request_that_is_given_up_is_kept_all_the_same_and_disturbs_no_other(app: App) -> None:
    commit = GroupCommit(app.sessions, save_arrivals)

    async def give_one_up() -> None:
        requests = [asyncio.create_task(commit(arrival(app, number))) for number in range(5)]
        await asyncio.sleep(0)
        requests[2].cancel()
        assert await asyncio.gather(*requests, return_exceptions=True) != [None] * 5
        assert [request.cancelled() for request in requests] == [False, False, True, False, False]

    asyncio.run(give_one_up())
    assert len(kept(app)) == 5


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
