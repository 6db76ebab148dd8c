"""What several stories begin with."""

from __future__ import annotations

from tests.story import Someone, Story


def on_day_3(story: Story) -> Someone:
    """A patient who has had the text of day 3; the next one is the check-in of day 4, tomorrow morning."""
    ann = story.patient(day=3)
    story.forward(seconds=6)
    ann.expects("no sauna")
    return ann


def answers_that_all_is_well(ann: Someone) -> None:
    ann.texts("0")
    ann.expects("Pain 0", "swelling or redness")
    ann.texts("0")
    ann.expects("Gum calm", "Any of these")
    ann.texts("0")
    ann.expects("Thank you, noted", "check-in")


def raises_pus(story: Story) -> Someone:
    """A patient on day 30 who has just reported pus and been told who calls by when."""
    ann = story.patient(day=30)
    ann.texts("there is pus")
    ann.expects("The team has been told: pus", "by Mon 2 Nov 16:00")
    return ann
