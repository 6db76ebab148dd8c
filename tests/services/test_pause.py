"""Pausing one episode's texts: what it does to that episode, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta

from monitor.db import transaction
from monitor.models import CheckIn, Episode
from monitor.services.pause import pause_episode
from tests.story import Someone, Story


def pauses(story: Story, someone: Someone, *, days: int) -> None:
    """The staff pause one episode's texts until so many days from now."""
    with transaction(story.app.sessions) as session:
        until = (story.clock.now() + timedelta(days=days)).date()
        pause_episode(session, session.get_one(Episode, someone.episode), until, now=story.clock.now())


def checkin_states(story: Story, someone: Someone, *, day: int) -> list[str]:
    return [row.state for row in story.all(CheckIn, CheckIn.episode_id == someone.episode, CheckIn.day == day)]


def test_a_pause_ends_what_is_open_of_its_own_episode_and_of_no_other(story: Story) -> None:
    story.staff()
    left = story.patient(day=7)
    story.forward(minutes=1)
    left.expects("worst pain")
    story.forward(hours=24)
    left.new_texts()
    right = story.patient(day=7, site="46", welcome=False)
    story.forward(minutes=1)
    right.new_texts()
    assert checkin_states(story, left, day=7) == checkin_states(story, right, day=7) == ["open"]
    pauses(story, left, days=10)
    assert checkin_states(story, left, day=7) == ["cancelled"]
    assert checkin_states(story, right, day=7) == ["open"], "its silence is still a finding"
