"""What the form foretells before somebody is enrolled is what leaves then, text by text and day by day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.domain.delivery import LEFT
from monitor.models import Message
from monitor.queries import earliest_due
from monitor.services.clinic import the_clinic
from monitor.services.dispatch import dispatch
from monitor.services.enrol import Enrolment, check_enrolment, enrol
from monitor.services.foresee import Foreseen, foresee
from monitor.services.seed import bundle_of, current_version
from monitor.worklists.text_words import what_text

ANN = "+12025550101"
NEW_YORK = ZoneInfo("America/New_York")
NOON, EARLY, LATE = "2026-11-02 12:00", "2026-11-02 06:30", "2026-11-02 21:15"
Said = tuple[str, str]  # what a text is for, and on which local date it leaves, or why it does not


def given(clock: StoppedClock, day: int, **more: Any) -> Enrolment:
    surgery = clock.now().astimezone(NEW_YORK).date() - timedelta(days=day)
    return Enrolment("Ann Carter", ANN, surgery, "signed form", **more)


def foretold(app: App, clock: StoppedClock, enrolment: Enrolment) -> Foreseen:
    with transaction(app.sessions) as session:
        clinic, bundle = the_clinic(session), bundle_of(session, current_version(session).id)
        checked = check_enrolment(clinic, enrolment, bundle, now=clock.now())
        return foresee(session, clinic, checked, bundle, now=clock.now())


def enrolled(app: App, clock: StoppedClock, enrolment: Enrolment) -> int:
    with transaction(app.sessions) as session:
        return enrol(session, the_clinic(session), enrolment, now=clock.now()).id


def leaves_in_time(app: App, clock: StoppedClock) -> None:
    """The worker sends each text in its time, until the last of the calendar has ended."""
    while True:
        with transaction(app.sessions) as session:
            due = earliest_due(session)
        if due is None:
            return
        clock.move_to(max(due, clock.now()))
        while dispatch(app.sessions, app.gateway, clock, worker="one"):
            pass


def what_came(app: App, episode: int) -> tuple[list[Said], list[Said]]:
    """What has left, and what was left out."""
    with transaction(app.sessions) as session:
        rows = session.scalars(select(Message).where(Message.episode_id == episode)).all()
    gone, left_out = [], []
    for row in rows:
        what = what_text(row.kind, row.once)
        if row.state in LEFT:
            assert row.sent_at is not None
            gone.append((what, row.sent_at.astimezone(NEW_YORK).date().isoformat()))
        else:
            left_out.append((what, row.why or ""))
    return sorted(gone), sorted(left_out)


def what_was_foretold(found: Foreseen) -> tuple[list[Said], list[Said]]:
    gone = sorted((text.what, text.on.isoformat()) for text in found.texts)
    return gone, sorted((text.what, text.why or "") for text in found.left_out)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize("day", range(21))
def test_what_is_foretold_is_what_leaves(app: App, clock: StoppedClock, day: int) -> None:
    clock.move_to(moment(NOON))
    said = foretold(app, clock, given(clock, day))
    episode = enrolled(app, clock, given(clock, day))
    leaves_in_time(app, clock)
    assert what_was_foretold(said) == what_came(app, episode)


@pytest.mark.parametrize("day", [-3, 0, 4, 5, 8, 11])
@pytest.mark.parametrize("at", [EARLY, LATE])
def test_so_it_is_whenever_somebody_enrols_and_whatever_was_done(
    app: App, clock: StoppedClock, day: int, at: str
) -> None:
    clock.move_to(moment(at))
    more = {"stitches": "removable", "flap": day % 2 == 0, "two_stage": True}
    said = foretold(app, clock, given(clock, day, **more))
    episode = enrolled(app, clock, given(clock, day, **more))
    leaves_in_time(app, clock)
    assert what_was_foretold(said) == what_came(app, episode)


@pytest.mark.parametrize("day", [0, 3, 4, 6, 10])
def test_the_texts_of_another_surgery_are_reckoned_with(app: App, clock: StoppedClock, day: int) -> None:
    clock.move_to(moment(NOON))
    enrolled(app, clock, given(clock, 7))
    while dispatch(app.sessions, app.gateway, clock, worker="one"):
        pass
    clock.forward(hours=2)
    said = foretold(app, clock, given(clock, day, site="46"))
    episode = enrolled(app, clock, given(clock, day, site="46"))
    leaves_in_time(app, clock)
    assert what_was_foretold(said) == what_came(app, episode)


def test_a_text_that_another_one_holds_up_is_not_promised_at_once(app: App, clock: StoppedClock) -> None:
    clock.move_to(moment(NOON))
    found = foretold(app, clock, given(clock, 5))
    assert [text.what for text in found.texts if text.at == "at once"] == ["First text", "Check-in of day 4"]
    late = next(text for text in found.left_out if text.what == "Reminder: advice")
    assert late.why == "no time to send it was left before it was of no use"
