"""What is said next: one question at a time, what was read said back, and never two reasons to call."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from monitor.db import data_folder
from monitor.domain.conversation import Dialogue, Turn, decide_turn, interpreted_as
from monitor.domain.findings import Findings
from monitor.domain.load_protocol import load_protocol
from monitor.domain.protocol import Protocol
from monitor.domain.reading import Reading
from monitor.domain.terms import Band, Disposition, Intent, Presence, Sign, Trend

NAME = "protocols/dental-implant.toml"
PRESENT, ABSENT = Presence.PRESENT, Presence.ABSENT
IN_CHECKIN = Dialogue("pain", asked={"pain"}, in_checkin=True)


@cache
def protocol() -> Protocol:
    return load_protocol((data_folder("seeds") / NAME).read_text(encoding="utf-8"), file=NAME)


def turn(dialogue: Dialogue, reading: Reading, band: Band = Band.EXPECTED, **more: object) -> Turn:
    usual = Disposition.ALERT if band > Band.EXPECTED else Disposition.CLOSE
    given = {"findings": Findings().joined(reading, ""), "disposition": usual} | more
    return decide_turn(protocol(), dialogue, reading, band=band, **given)  # type: ignore[arg-type]


def keys(said: Turn) -> list[tuple[str, ...]]:
    return [line.keys for line in said.lines]


PAIN_3 = Reading(pain=3, signs={Sign.PAIN: PRESENT})
PUS = Reading(signs={Sign.PUS: PRESENT})


def test_a_number_is_said_back_before_the_next_question() -> None:
    said = turn(IN_CHECKIN, PAIN_3)
    assert keys(said) == [("said.pain", "ask.gum")]
    assert said.answered == {"pain"}
    assert not said.over


def test_what_is_known_is_not_asked() -> None:
    both = replace(PAIN_3, trend={Sign.SWELLING: Trend.BETTER})
    assert keys(turn(IN_CHECKIN, both)) == [("said.pain", "ask.signs")]


def test_the_last_answer_closes() -> None:
    dialogue = Dialogue("signs", asked={"pain", "gum", "signs"}, answered={"pain", "gum"}, in_checkin=True)
    said = turn(dialogue, Reading(blanket=True))
    assert keys(said) == [("close.expected",)]
    assert said.over
    assert not said.give_up


def test_a_red_sign_is_told_first_and_the_check_in_goes_on() -> None:
    assert keys(turn(IN_CHECKIN, PUS, Band.URGENT)) == [("close.urgent",), ("ask.pain",)]


def test_an_emergency_ends_the_questions() -> None:
    said = turn(IN_CHECKIN, Reading(signs={Sign.BREATHING: PRESENT}), Band.EMERGENCY)
    assert keys(said) == [("close.emergency",)]
    assert said.over


def test_who_was_told_already_is_not_told_again() -> None:
    told = Dialogue(None, told=Band.URGENT)
    assert keys(turn(told, PUS, Band.URGENT)) == []
    assert keys(turn(Dialogue(None, told=Band.SOON), PUS, Band.URGENT)) == [("close.urgent",)]


def test_what_can_wait_is_told_at_the_end() -> None:
    pain_5 = Reading(pain=5, signs={Sign.PAIN: PRESENT})
    assert keys(turn(IN_CHECKIN, pain_5, Band.SOON)) == [("said.pain", "ask.gum")]
    last = Dialogue("signs", asked={"pain", "gum", "signs"}, answered={"pain", "gum", "signs"}, in_checkin=True)
    assert keys(turn(last, pain_5, Band.SOON)) == [("close.soon",)]


def test_a_follow_up_comes_before_the_next_main_question() -> None:
    fever = Reading(signs={Sign.FEVER: PRESENT})
    said = turn(IN_CHECKIN, fever, Band.URGENT, follow_ups={"temperature"})
    assert keys(said) == [("close.urgent",), ("ask.temperature",)]
    known = replace(fever, temp_c=38.4)
    assert keys(turn(IN_CHECKIN, known, Band.URGENT, follow_ups={"temperature"}))[-1] == ("ask.pain",)


def test_a_follow_up_is_asked_once() -> None:
    asked = replace(IN_CHECKIN, asked={"pain", "temperature"})
    fever = Reading(signs={Sign.FEVER: PRESENT})
    assert ("ask.temperature",) not in keys(turn(asked, fever, Band.URGENT, follow_ups={"temperature"}))


def test_unreadable_is_asked_again_once_and_then_read_by_a_person() -> None:
    nothing = Reading(understood=False)
    first = turn(IN_CHECKIN, nothing, disposition=Disposition.ASK)
    assert (keys(first), first.reasked) == ([("ask.again", "ask.pain")], True)
    second = turn(replace(IN_CHECKIN, reasked=True), nothing, disposition=Disposition.ASK)
    assert (keys(second), second.give_up, second.over) == ([("close.review",)], True, True)


def test_a_text_that_passes_the_question_by_is_heard_and_the_question_comes_again() -> None:
    blood = Reading(signs={Sign.BLEEDING: PRESENT}, understood=False)
    said = turn(IN_CHECKIN, blood, disposition=Disposition.ASK, follow_ups={"amount"})
    assert keys(said) == [("said.found", "ask.amount")]


@pytest.mark.parametrize(("number", "key"), [(True, "ask.number"), (False, "ask.again_open")])
def test_with_no_question_open_it_is_asked_what_it_is_about(number: bool, key: str) -> None:
    said = turn(Dialogue(None), Reading(understood=False), disposition=Disposition.ASK, bare_number=number)
    assert keys(said) == [(key,)]


def test_a_red_sign_by_a_lone_digit_can_be_corrected() -> None:
    digit = replace(PUS, by_digit=True)
    last = Dialogue("signs", asked={"pain", "gum", "signs"}, answered={"pain", "gum"}, in_checkin=True)
    assert keys(turn(last, digit, Band.URGENT)) == [("close.urgent",), ("said.digit",)]
    fever = Reading(signs={Sign.FEVER: PRESENT}, by_digit=True)
    said = turn(last, fever, Band.URGENT, follow_ups={"temperature"})
    assert keys(said) == [("close.urgent",), ("said.digit", "ask.temperature")]


def test_the_gum_by_a_digit_is_said_back_in_words() -> None:
    gum = Dialogue("gum", asked={"pain", "gum"}, answered={"pain"}, in_checkin=True)
    worse = Reading(trend={Sign.SWELLING: Trend.WORSE}, signs={Sign.SWELLING: PRESENT}, by_digit=True)
    assert keys(turn(gum, worse, Band.URGENT)) == [("close.urgent",), ("said.gum.worse", "ask.signs")]
    gone = Reading(signs={Sign.SWELLING: ABSENT, Sign.REDNESS: ABSENT}, by_digit=True)
    assert keys(turn(gum, gone)) == [("said.gum.gone", "ask.signs")]


def test_thanks_gets_no_answer_and_a_report_does() -> None:
    assert keys(turn(Dialogue(None), Reading(intent=Intent.THANKS))) == []
    assert keys(turn(Dialogue(None), PAIN_3)) == [("close.expected",)]


def test_no_to_an_open_question_is_acknowledged() -> None:
    assert keys(turn(Dialogue("checkin_open"), Reading(blanket=True))) == [("close.expected",)]


@pytest.mark.parametrize(
    ("name", "read_as"), [("temperature", "fever"), ("when_out", "fell_out"), ("gum_trend", "gum"), ("pain", "pain")]
)
def test_a_follow_up_is_read_as_being_about_its_sign(name: str, read_as: str) -> None:
    assert interpreted_as(protocol().questions[name]) == read_as
