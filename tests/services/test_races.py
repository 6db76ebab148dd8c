"""Many workers at once, on both engines: what must happen once happens once, whoever comes first."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import select

from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.domain.sending import Kind
from monitor.domain.terms import Band
from monitor.errors import BadInput, GatewayRefused
from monitor.locking import lock
from monitor.models import Alert, Assessment, Clinic, Episode, Event, Heartbeat, Inbound, Message, Page, PhoneText, Task
from monitor.scheduler import Ticks
from monitor.services.acknowledge import take
from monitor.services.clinic import the_clinic
from monitor.services.dispatch import dispatch
from monitor.services.enrol import Enrolment, enrol
from monitor.services.escalate import escalate
from monitor.services.outbox import queue_to_number
from monitor.services.raise_alert import Finding, raise_alert
from monitor.services.read import read_waiting
from monitor.services.receive import save_inbound
from monitor.services.seed import bundle_of
from monitor.services.settle import settle
from monitor.sms.gateway import Received
from tests.story import CHECKIN, FIRST_TEXT, Story

T = TypeVar("T")
WORKERS = 4


def at_once(work: Callable[[int], T], *, workers: int = WORKERS) -> list[T]:
    """The same work by several threads that begin together; any error in one is the test's."""
    ready = threading.Barrier(workers)

    def begin(number: int) -> T:
        ready.wait(10)
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return [job.result(60) for job in [pool.submit(begin, number) for number in range(workers)]]


def test_a_text_that_is_delivered_to_several_web_processes_at_once_is_kept_once(story: Story) -> None:
    for round_ in range(5):
        received = Received(f"SM{round_}", "+12025550101", "clinic", "hello", 0, story.clock.now())

        def save(_: int, received: Received = received) -> bool:
            with transaction(story.app.sessions) as session:
                return save_inbound(session, received, raw=None, now=received.received_at)

        assert Counter(at_once(save)) == {True: 1, False: WORKERS - 1}
    assert len(story.all(Inbound)) == 5
    story.run()
    story.phone("+12025550101").expects("do not know")


def test_workers_that_find_the_same_at_once_open_one_alert(story: Story) -> None:
    ann = story.patient()

    def find(number: int) -> int:
        with transaction(story.app.sessions) as session:
            episode = session.get_one(Episode, ann.episode)
            clinic = session.get_one(Clinic, 1)
            bundle = bundle_of(session, episode.protocol_version_id)
            reason = {"rule": f"r{number}", "said": "", "text": "", "sign": None, "band": "soon", "points": 0}
            finding = Finding(
                clinic=clinic,
                kind="review",
                band=Band.SOON,
                day=3,
                version_id=episode.protocol_version_id,
                reasons=[reason],
                patient=episode.patient,
                episode=episode,
            )
            return raise_alert(session, finding, bundle=bundle, now=story.clock.now()).id

    assert len(set(at_once(find))) == 1
    assert sorted(reason["rule"] for reason in story.alert().reasons) == ["r0", "r1", "r2", "r3"]


def test_a_tier_is_climbed_by_one_worker(story: Story) -> None:
    nurse, doctor = story.staff(), story.staff("Dr Lee", "+12025550172", tier=2)
    ann = story.asked()
    ann.types("there is pus")
    read_waiting(story.app.sessions, story.clock)

    def climb(_: int) -> int:
        return escalate(story.app.sessions, story.clock, public_url="https://m.example.org")

    at_once(climb)
    assert [page.phone for page in story.all(Page)] == [nurse.number]
    story.clock.forward(minutes=16)
    at_once(climb)
    assert [page.phone for page in story.all(Page)] == [nurse.number, doctor.number]
    assert story.alert().stage == 2
    story.run()
    story.forward(seconds=4)
    doctor.closes(doctor.expects_page())
    nurse.new_texts()
    ann.new_texts()


def test_of_two_who_reply_at_once_one_has_the_alert(story: Story) -> None:
    nurse, doctor = story.staff(), story.staff("Dr Lee", "+12025550172")
    ann = story.asked()
    ann.texts("there is pus")
    nurse.types(nurse.expects_page())
    doctor.types(doctor.expects_page())
    at_once(lambda _: read_waiting(story.app.sessions, story.clock))
    while story.all(Inbound, Inbound.handled_at.is_(None)):
        read_waiting(story.app.sessions, story.clock)
    story.run()
    answers = [*nurse.new_texts(), *doctor.new_texts()]
    assert sum("It is yours" in answer for answer in answers) == 1
    assert sum("has it" in answer or "already" in answer for answer in answers) == 1
    assert len(story.events("alert_taken")) == 1
    ann.new_texts()


def test_an_alert_that_is_taken_while_its_page_is_lost_stays_taken(story: Story) -> None:
    """The page's fate is known in the same moment: it must not begin paging anew."""
    nurse = story.staff()
    ann = story.asked()
    story.carrier.silent.add(nurse.number)
    ann.texts("there is pus")
    code = nurse.expects_page()
    (page,) = story.all(Message, Message.kind == "page")

    def race(number: int) -> None:
        with transaction(story.app.sessions) as session:
            if number:
                take(session, lock(session, Alert, page.alert_id), by=None, how="sms", now=story.clock.now())
            else:
                settle(session, lock(session, Message, page.id), State.UNDELIVERED, now=story.clock.now(), why="off")

    at_once(race, workers=2)
    alert = story.alert()
    assert alert.state == "taken"
    assert alert.step_at is not None
    assert alert.step_at > story.clock.now() + timedelta(hours=1)
    assert code
    ann.new_texts()


def test_several_workers_send_each_text_once_and_in_order(story: Story) -> None:
    people = [story.patient(f"P {n}", f"+1202555{n:04d}", welcome=False, day=7) for n in range(100, 120)]
    for someone in people:
        someone.new_texts()
    story.clock.forward(seconds=6)  # every check-in is due
    sent = at_once(
        lambda n: sum(
            dispatch(story.app.sessions, story.app.gateway, story.clock, worker=f"w{n}") for _ in range(len(people))
        )
    )
    assert sum(sent) == len(people)
    for someone in people:
        someone.expects(CHECKIN)


def test_a_number_is_sent_to_by_one_worker_at_a_time(story: Story) -> None:
    """Two texts that leave together may arrive in the wrong order."""
    with transaction(story.app.sessions) as session:
        for number in range(12):
            text = Message(once=f"n:{number}", clinic_id=1, kind="notice", body=f"notice {number}", priority=5)
            text.to_number, text.due_at, text.created_at = "+12025550188", story.clock.now(), story.clock.now()
            session.add(text)
    at_once(lambda n: [dispatch(story.app.sessions, story.app.gateway, story.clock, worker=f"w{n}") for _ in range(12)])
    while dispatch(story.app.sessions, story.app.gateway, story.clock, worker="last"):
        pass
    shown = [text.body for text in story.all(PhoneText, PhoneText.phone == "+12025550188")]
    assert shown == [f"notice {number}" for number in range(12)]
    story.phone().new_texts()


def test_texts_of_one_phone_are_read_in_order_and_once(story: Story) -> None:
    nurse = story.staff()
    ann = story.asked()
    for body in ("3", "there is pus", "and it is swollen", "it also bleeds"):
        ann.types(body)
    at_once(lambda _: read_waiting(story.app.sessions, story.clock))
    while story.all(Inbound, Inbound.handled_at.is_(None)):
        read_waiting(story.app.sessions, story.clock)
    assert [row.inbound_id for row in story.all(Assessment)] == [1, 2, 3, 4]
    assert story.alert().signs[:1] != []
    assert len(story.events("alert_opened")) == 1
    story.run()
    story.forward(seconds=4)
    nurse.new_texts()
    ann.new_texts()


def test_somebody_who_is_enrolled_twice_at_once_has_one_episode(story: Story) -> None:
    surgery = story.clock.now().date()
    given = Enrolment(name="Ann Carter", phone="+12025550101", surgery_on=surgery, consent="signed form")

    def try_to(_: int) -> bool:
        try:
            with transaction(story.app.sessions) as session:
                enrol(session, the_clinic(session), given, now=story.clock.now())
        except BadInput:
            return False
        return True

    assert Counter(at_once(try_to)) == {True: 1, False: WORKERS - 1}
    assert len(story.all(Episode)) == 1
    story.run()
    story.phone("+12025550101").expects(FIRST_TEXT)


def test_an_account_that_is_refused_for_many_texts_at_once_is_one_task(story: Story) -> None:
    people = [story.patient(f"P {n}", f"+1202555{n:04d}", welcome=False, day=7) for n in range(100, 110)]
    for someone in people:
        someone.new_texts()
        story.carrier.failing[someone.number] = GatewayRefused(20003)
    story.clock.forward(seconds=6)
    at_once(lambda n: dispatch(story.app.sessions, story.app.gateway, story.clock, worker=f"w{n}"))
    assert [task.kind for task in story.all(Task)] == ["provider_settings"]
    assert {row.state for row in story.all(Message, Message.attempts > 0, Message.kind == "checkin")} == {"planned"}
    assert len(story.all(Event, Event.kind == "task_opened")) == 1


def test_the_first_heartbeats_of_several_workers_are_one_row(story: Story) -> None:
    at_once(lambda _: Ticks(story.app).heartbeat())
    assert [beat.name for beat in _heartbeats(story)] == ["worker"]


def test_a_worker_that_is_gone_holds_nobody_up_for_long(story: Story) -> None:
    """Its text is under way, as far as anybody knows: the next one to that number waits some seconds."""
    with transaction(story.app.sessions) as session:
        for number, state in enumerate((State.SENDING, State.PLANNED)):
            text = Message(once=f"n:{number}", clinic_id=1, kind="notice", body=f"notice {number}", priority=5)
            text.to_number, text.due_at, text.created_at = "+12025550188", story.clock.now(), story.clock.now()
            text.state, text.claimed_at, text.attempts = state, story.clock.now(), 1
            text.lease_until = story.clock.now() + timedelta(minutes=1)
            session.add(text)
    sessions, gateway = story.app.sessions, story.app.gateway
    assert dispatch(sessions, gateway, story.clock, worker="other") == 0
    with transaction(sessions) as session:
        body, once, now = "a page", "page:1", story.clock.now()
        queue_to_number(session, the_clinic(session), "+12025550188", body, once=once, kind=Kind.PAGE, now=now)
    assert dispatch(sessions, gateway, story.clock, worker="other") == 1
    story.phone().expects("a page")
    story.clock.forward(seconds=16)
    while dispatch(sessions, gateway, story.clock, worker="other"):
        pass
    story.phone().expects("notice 1")
    for _ in range(3):  # the provider is asked twice
        story.forward(minutes=1)
    story.phone().expects("notice 0")


def _heartbeats(story: Story) -> list[Heartbeat]:
    with transaction(story.app.sessions) as session:
        return list(session.scalars(select(Heartbeat)))
