"""Whether a text that is due may leave: its own time, opt-outs, quiet hours, one scheduled text a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.domain.localtime import Window
from monitor.domain.sending import (
    DESPITE_OPT_OUT,
    ONE_A_DAY,
    PRIORITY,
    QUIET,
    SCHEDULED,
    Act,
    Candidate,
    Kind,
    decide_send,
)

NEW_YORK = ZoneInfo("America/New_York")
TEXTING = Window(time(9), time(20))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


NOON, NIGHT = at("2026-11-06 12:00"), at("2026-11-06 23:00")


def due(kind: Kind, **more: object) -> Candidate:
    text = Candidate(kind, at("2026-11-06 10:20"), at("2026-11-09 00:00"), 4, NEW_YORK, TEXTING)
    return replace(text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(Kind))
def test_by_day_everything_may_leave(kind: Kind) -> None:
    assert decide_send(due(kind), NOON).act == Act.SEND


@pytest.mark.parametrize("kind", list(Kind))
def test_at_night_only_what_cannot_wait_leaves(kind: Kind) -> None:
    verdict = decide_send(due(kind), NIGHT)
    if kind in QUIET:
        assert (verdict.act, verdict.until) == (Act.DEFER, at("2026-11-07 09:00"))
    else:
        assert verdict.act == Act.SEND


@pytest.mark.parametrize("kind", list(Kind))
def test_who_opted_out_gets_emergency_advice_and_the_confirmation_and_nothing_else(kind: Kind) -> None:
    act = decide_send(due(kind, opted_out=True), NOON).act
    assert act == (Act.SEND if kind in DESPITE_OPT_OUT else Act.SKIP)


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        ({"opted_out": True}, "the patient has opted out"),
        ({"cancelled": True}, "the episode was cancelled"),
        ({"bad_number": True}, "the number is known to be dead"),
        ({"merged_into": 14}, "merged into the check-in of day 14"),
        ({"in_conversation": True}, "asked in the other episode's check-in of the same day"),
    ],
)
def test_what_is_skipped_says_why(fact: dict[str, object], why: str) -> None:
    verdict = decide_send(due(Kind.CHECKIN, **fact), NOON)
    assert (verdict.act, verdict.why) == (Act.SKIP, why)


def test_past_its_time_it_expires_even_if_it_would_be_skipped() -> None:
    assert decide_send(due(Kind.CHECKIN, opted_out=True), at("2026-11-09 00:00")).act == Act.EXPIRE


@pytest.mark.parametrize("kind", sorted(ONE_A_DAY))
def test_a_second_check_in_or_reminder_of_the_day_waits_for_tomorrow_at_its_own_hour(kind: Kind) -> None:
    assert decide_send(due(kind, sent_today=1), NOON).until == at("2026-11-07 10:20")


@pytest.mark.parametrize("kind", sorted(SCHEDULED - ONE_A_DAY))
def test_a_safety_text_waits_for_no_other(kind: Kind) -> None:
    assert decide_send(due(kind, sent_today=1, checkin_today=True), NOON).act == Act.SEND


@pytest.mark.parametrize("kind", list(Kind))
def test_no_scheduled_text_overtakes_the_first_one_which_says_how_to_stop(kind: Kind) -> None:
    verdict = decide_send(due(kind, welcome_due_at=at("2026-11-06 12:05")), NOON)
    if kind in SCHEDULED:
        assert (verdict.act, verdict.until) == (Act.DEFER, at("2026-11-06 12:05:10"))
    else:
        assert verdict.act == Act.SEND


def test_the_first_text_and_a_reminder_do_not_count() -> None:
    assert decide_send(due(Kind.WELCOME, sent_today=1), NOON).act == Act.SEND
    assert decide_send(due(Kind.NUDGE, sent_today=1), NOON).act == Act.SEND


@pytest.mark.parametrize(("day", "week", "act"), [(14, 3, Act.SEND), (15, 2, Act.SEND), (15, 3, Act.DEFER)])
def test_three_a_week_after_day_14(day: int, week: int, act: Act) -> None:
    assert decide_send(due(Kind.REMINDER, day=day, sent_this_week=week), NOON).act == act


def test_what_would_have_to_wait_beyond_its_use_ends_now_and_says_so() -> None:
    verdict = decide_send(due(Kind.CHECKIN, expires_at=at("2026-11-07 00:00"), sent_today=1), NOON)
    assert (verdict.act, verdict.why) == (Act.EXPIRE, "no time to send it was left before it was of no use")


def test_through_the_night_on_which_clocks_change_it_waits_for_nine_oclock() -> None:
    verdict = decide_send(due(Kind.CHECKIN, expires_at=None), at("2027-03-13 23:00"))
    assert verdict.until == at("2027-03-14 09:00")
    assert verdict.until - at("2027-03-13 23:00").astimezone(ZoneInfo("UTC")) == timedelta(hours=9)


def test_pages_first_then_emergencies_then_answers_then_check_ins_then_reminders() -> None:
    order = [Kind.PAGE, Kind.EMERGENCY, Kind.ANSWER, Kind.CHECKIN, Kind.REMINDER]
    assert sorted(order, key=PRIORITY.__getitem__) == order
