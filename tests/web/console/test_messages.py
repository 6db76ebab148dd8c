"""Messages: what leaves on a day, what has left, and what lately did not arrive."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.domain.delivery import MEANINGS, REMEDIES, State
from monitor.models import Message
from monitor.services.settle import settle
from monitor.worklists.text_words import WHAT, WHERE
from tests.web.console.conftest import ANN, BEN, enrolled, texts
from tests.web.staffer import Office, Staffer


def ends(office: Office, state: State, *, code: int | None = None, kind: str = "checkin") -> None:
    """The newest text of this kind ends so."""
    with transaction(office.app.sessions) as session:
        newest = select(Message).where(Message.kind == kind).order_by(Message.id.desc()).limit(1)
        message = session.scalars(newest).one()
        message.state, message.sent_at, message.attempts = State.SENT, message.sent_at or office.clock.now(), 1
        settle(session, message, state, now=office.clock.now(), code=code)


def test_every_kind_state_and_code_has_words() -> None:
    assert set(WHERE) == set(State)
    assert len(WHAT) == 11
    assert set(MEANINGS) == set(REMEDIES)


def test_a_day_without_texts_says_so_kindly(desk: Staffer) -> None:
    assert "No more texts leave today." in desk.reads("/messages")
    assert "No text left that day." in desk.reads("/messages?show=left&day=2026-10-01")
    assert "Every text of the last 14 days has arrived." in desk.reads("/messages?show=troubles")


def test_what_is_due_stands_there_in_the_order_in_which_it_leaves(office: Office, desk: Staffer) -> None:
    episode = enrolled(office, day=3)
    enrolled(office, "Ben Petrov", BEN, day=0)
    page = desk.get("/messages?day=2026-11-02").text
    assert f'<a href="/episodes/{episode}"><bdi>Ann Carter</bdi></a>' in page
    assert "Check-in of day 4" in page
    assert page.index("Ann Carter") != page.index("Ben Petrov")
    hours = [line[:5] for line in page.split('<td class="when">')[1:]]
    assert hours == sorted(hours)


def test_what_should_have_left_stands_first_by_its_rank(office: Office, desk: Staffer) -> None:
    enrolled(office, day=4)
    with transaction(office.app.sessions) as session:
        two = session.scalars(select(Message).where(Message.state == State.PLANNED).limit(2)).all()
        two[0].due_at, two[0].priority, two[0].kind = office.clock.now() - timedelta(hours=2), 9, "care"
        two[1].due_at, two[1].priority, two[1].kind = office.clock.now() - timedelta(hours=1), 2, "answer"
        two[1].once = "answer:99"
    page = desk.reads("/messages")
    assert page.index("now since Sun 1 Nov, 11:00") < page.index("now since Sun 1 Nov, 10:00")


def test_a_text_that_a_pause_holds_up_stands_where_it_will_leave(office: Office, desk: Staffer) -> None:
    """Of day 4 it is of no use after the pause; of day 7 it leaves when the pause ends."""
    episode = enrolled(office, day=3)
    desk.does(f"/episodes/{episode}", "pause", until="2026-11-10")
    assert "Check-in of day 4 will be left out the staff have paused the texts" in desk.reads(
        "/messages?day=2026-11-02"
    )
    assert "Check-in of day 7 waits until Tue 10 Nov, 09:00" in desk.reads("/messages?day=2026-11-05")
    assert "09:00 Ann Carter Check-in of day 7 waits for its time" in desk.reads("/messages?day=2026-11-10")
    assert "Check-in of day 14 waits for its time" in desk.reads("/messages?day=2026-11-12")
    desk.does(f"/episodes/{episode}", "resume")
    assert "Check-in of day 4 waits for its time" in desk.reads("/messages?day=2026-11-02")
    assert "Check-in of day 7" not in desk.reads("/messages?day=2026-11-10")


def test_a_text_that_waits_for_its_turn_says_until_when(office: Office, desk: Staffer) -> None:
    enrolled(office, day=4)
    page = desk.reads("/messages")
    assert "Check-in of day 4 waits for its time" in page
    assert "Reminder: advice waits until Mon 2 Nov, 12:00" in page


def test_the_words_of_a_text_are_shown_once_they_are_written(office: Office, desk: Staffer) -> None:
    enrolled(office, day=3)
    assert 'class="body' not in desk.get("/messages?day=2026-11-02").text
    assert "Smile Dental" in desk.get("/messages?show=left").text.split('class="body')[1]


def test_what_has_left_says_whether_it_arrived(office: Office, desk: Staffer) -> None:
    enrolled(office)
    page = desk.reads("/messages?show=left")
    assert "12:00 Ann Carter First text" in page
    assert "arrived" in page


def test_a_text_of_late_evening_belongs_to_the_clinics_day(office: Office, desk: Staffer) -> None:
    enrolled(office)
    with transaction(office.app.sessions) as session:
        one = session.scalars(select(Message).where(Message.kind == "welcome")).one()
        one.sent_at = one.ended_at = office.clock.now() + timedelta(hours=11, minutes=59)  # 23:59 in New York
    assert "23:59 Ann Carter" in desk.reads("/messages?show=left&day=2026-11-01")
    assert "23:59 Ann Carter" not in desk.reads("/messages?show=left&day=2026-11-02")


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        (State.UNDELIVERED, 30003, ("the phone is off or out of reach", "sent again")),
        (State.UNDELIVERED, 30006, ("a landline", "stands in the inbox", "the number is marked as wrong")),
        (State.UNDELIVERED, 21610, ("opted out of our texts", "they are sent no more texts")),
        (State.FAILED, 30007, ("a carrier took it for spam", "stands in the inbox")),
        (State.UNDELIVERED, 98765, ("error 98765 of the texting service",)),
        (State.UNCONFIRMED, None, ("sent, arrival never reported",)),
    ],
)
def test_a_trouble_says_why_and_what_was_done(
    office: Office, desk: Staffer, state: State, code: int | None, said: tuple[str, ...]
) -> None:
    episode = enrolled(office, day=4)
    office.clock.forward(minutes=1)
    office.ticks.everything()
    ends(office, state, code=code)
    page = desk.get("/messages?show=troubles").text
    assert f'href="/episodes/{episode}"' in page
    for words in said:
        assert words in page


def test_what_the_front_desk_has_done_about_it_is_told(office: Office, desk: Staffer) -> None:
    enrolled(office, day=4)
    office.clock.forward(minutes=1)
    office.ticks.everything()
    ends(office, State.UNDELIVERED, code=30006)
    desk.does("/inbox", "task", task="1")
    assert "the front desk has dealt with it" in desk.reads("/messages?show=troubles")


def test_a_page_that_did_not_arrive_leads_to_its_alert(office: Office, desk: Staffer, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    ends(office, State.UNDELIVERED, code=30003, kind="page")
    page = desk.get("/messages?show=troubles").text
    assert "Dr Ray" in page
    assert "paging went on" in page
    assert 'href="/alerts/1"' in page


def test_troubles_of_three_weeks_ago_are_over(office: Office, desk: Staffer) -> None:
    enrolled(office, day=4)
    ends(office, State.UNDELIVERED, code=30006, kind="welcome")
    assert "Ann Carter" in desk.reads("/messages?show=troubles")
    office.clock.forward(days=15)
    assert "Ann Carter" not in desk.reads("/messages?show=troubles")


@pytest.mark.parametrize(
    "asked",
    [
        *("day=never", "day=0001-01-01", "day=9999-12-31", "day=2026-11-31", "day=%00", "day=" + "9" * 5000),
        *("page=0", "page=-1", "page=99999999", "page=one", "page=%C2%B2", "page=<script>"),
    ],
)
def test_an_address_that_is_none_of_ours_is_refused_with_what_is_allowed(desk: Staffer, asked: str) -> None:
    refused = desk.get(f"/messages?{asked}")
    assert refused.status_code == 422
    assert "it must be a " in refused.text
    assert "<script>" not in refused.text


def test_a_list_that_does_not_exist_is_the_first(desk: Staffer) -> None:
    assert "No more texts leave today." in desk.reads("/messages?show=secrets")


def test_another_clinics_texts_are_not_there(office: Office, desk: Staffer, elsewhere: int) -> None:
    enrolled(office, day=3)
    ends(office, State.UNDELIVERED, code=30006, kind="welcome")
    other = office.hires("Oz Other", "+12025550179", role="manager", clinic=elsewhere)
    for asked in ("day=2026-11-02", "show=left", "show=troubles"):
        assert "Ann Carter" in desk.reads(f"/messages?{asked}")
        assert "Ann Carter" not in other.reads(f"/messages?{asked}")


def test_a_long_list_comes_in_pages(office: Office, desk: Staffer) -> None:
    enrolled(office, day=3)
    now = office.clock.now()
    with transaction(office.app.sessions) as session:
        for n in range(250):
            session.add(
                Message(
                    once=f"answer:x{n}", clinic_id=1, patient_id=1, kind="answer", to_number=ANN, body=f"text {n:03}",
                    priority=2, due_at=now + timedelta(minutes=n), created_at=now,
                )
            )  # fmt: skip
    first, last = desk.reads("/messages"), desk.reads("/messages?page=3")
    assert "Page 1 of 3" in first
    assert "text 000" in first
    assert "text 090" in first
    assert "text 100" not in first
    assert "text 249" in last
    assert "Page 3 of 3" in desk.reads("/messages?page=77")


def test_the_lists_are_called_what_they_hold(office: Office, desk: Staffer) -> None:
    page = desk.reads("/messages")
    assert re.search(r"To send [0-9]+ Sent [0-9]+ Not delivered \(14 days\) [0-9]+", page)
