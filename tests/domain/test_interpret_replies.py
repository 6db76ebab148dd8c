"""What patients text, read as a dentist would: the vignettes of tests/cases/replies-*.toml, a test for each group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from monitor.domain.interpret import dispose, interpret
from monitor.domain.score import Facts
from monitor.domain.terms import Presence, Sign
from tests.domain.replies import groups, languages, seed_lexicons
from tests.domain.vignettes import assess_seed


def _groups() -> Iterator[Any]:
    for language in languages():
        for about, replies in groups(language):
            yield pytest.param(language, replies, id=f"{language}: {about}")


def _read(language: str, reply: Mapping[str, Any]) -> dict[str, Any]:
    """What was read of a reply, put as its expectation is."""
    reading = interpret(
        reply["text"], question=reply["asked"], day=reply["day"], language=language, lexicons=seed_lexicons()
    )
    facts = Facts(
        day=reply["day"],
        signs=reading.signs,
        trend=reading.trend,
        amount=reading.amount,
        details=reading.details,
        pain=reading.pain,
        temp_c=reading.temp_c,
    )
    said = reading.signs
    return {
        "present": [sign for sign in reply.get("present", ()) if said.get(Sign(sign)) is Presence.PRESENT],
        "absent": [sign for sign in reply.get("absent", ()) if said.get(Sign(sign)) is Presence.ABSENT],
        "not_present": [s for s in reply.get("not_present", ()) if said.get(Sign(s)) is not Presence.PRESENT],
        "pain": reading.pain,
        "temp_c": reading.temp_c,
        "intent": reading.intent.value,
        "then": dispose(reading, assess_seed(facts).band).value,
    }


def _mistakes(language: str, reply: Mapping[str, Any]) -> Iterator[str]:
    read = _read(language, reply)
    for key in reply.keys() & read.keys():
        if read[key] != reply[key]:
            yield f"{reply['asked']} day {reply['day']}: {reply['text']!r}: {key} {read[key]}, not {reply[key]}"
    if read["then"] == reply.get("never"):
        yield f"{reply['asked']} day {reply['day']}: {reply['text']!r}: {read['then']}"


@pytest.mark.parametrize(("language", "replies"), list(_groups()))
def test_replies_are_read_as_a_dentist_would(language: str, replies: list[dict[str, Any]]) -> None:
    wrong = [mistake for reply in replies for mistake in _mistakes(language, reply)]
    assert not wrong, "\n".join(wrong)


def test_an_unexpected_reading_is_noticed() -> None:
    reply = {"text": "no pus", "asked": "pus", "day": 7, "present": ["pus"], "then": "alert", "never": "close"}
    assert len(list(_mistakes("en", reply))) == 3
