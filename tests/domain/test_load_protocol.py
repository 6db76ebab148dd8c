"""A protocol file that cannot be used is refused with its place, what was found and what is allowed."""

from __future__ import annotations

import tomllib
from datetime import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.load_protocol import load_protocol
from monitor.domain.protocol import Outcome, Protocol, StepKind, When, need_of
from monitor.domain.terms import Amount, Band, Need, Sign, Trend
from monitor.errors import ProtocolError
from tests.domain.vignettes import PROTOCOL_FILE, seed_protocol

SEED = PROTOCOL_FILE.read_text(encoding="utf-8")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def refused(text: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        load_protocol(text, file="p.toml")
    return caught.value


def seed_with(old: str, new: str) -> str:
    assert old in SEED
    return SEED.replace(old, new, 1)


def test_the_seed_is_read_into_its_types() -> None:
    protocol = seed_protocol()
    rules = {rule.id: rule for rule in protocol.rules}
    assert rules["pain-severe-first-days"].when == When(Sign.PAIN, day_min=1, day_max=3, pain_min=7)
    assert rules["swelling-late"].when.trend == (Trend.SAME,)
    assert (rules["fell-out"].band, rules["fell-out"].at_night, rules["fell-out"].clock) == (Band.URGENT, True, True)
    assert protocol.steps[0].kind == StepKind.CARE
    assert protocol.steps[0].at == time(18)
    assert protocol.questions["amount"].options[0].amount == Amount.TRACE
    assert protocol.combinations[0].groups[0] == frozenset({Sign.SWELLING, Sign.REDNESS})
    assert list(protocol.questions)[:3] == ["pain", "gum", "signs"]


@pytest.mark.parametrize(
    ("old", "new", "key", "found"),
    [
        ('sign = "pain", pain_min = 1', 'sign = "pian", pain_min = 1', "rules[pain-mild].when.sign", "pian"),
        ("pain_min = 1,", "pain_min = 1.5,", "rules[pain-mild].when.pain_min", 1.5),
        ("pain_min = 1,", "pain_min = true,", "rules[pain-mild].when.pain_min", True),
        ("pain_min = 1,", "pain_min = 99999,", "rules[pain-mild].when.pain_min", 99999),
        ("pain_min = 1,", "pain_mim = 1,", "rules[pain-mild].when.pain_mim", 1),
        ('band = "expected"', 'band = "fine"', "rules[pain-mild].band", "fine"),
        ('band = "expected"', "band = 1", "rules[pain-mild].band", 1),
        ("points = 1", 'points = "1"', "rules[pain-mild].points", "1"),
        ('id = "pain-mild"\n', "", "rules[0].id", "nothing"),
        ("temp_min = 38.0", "temp_min = nan", "rules[fever].when.temp_min", "nan"),
        ('trend = ["worse"]', 'trend = "worse"', "rules[swelling-worse].when.trend", "worse"),
        ('trend = ["worse"]', 'trend = ["wrose"]', "rules[swelling-worse].when.trend[0]", "wrose"),
        ("at = 18:00:00", 'at = "18:00"', "steps[care].at", "18:00"),
        ('pain = "pain"', "pain = 7", "signs.pain", 7),
        ('pus = "pus"', 'puss = "pus"', "signs.puss", "puss"),
        ('name = "diabetes"', 'name = "smoking"', "risks", "smoking"),
        ('name = "gum"', 'name = "pain"', "questions", "pain"),
        ("severe_pain = 7", "severe = 7", "severe", 7),
        ('words = "advised by phone", ', "", "outcomes.advised.words", "nothing"),
        ('"advised by phone", needed = "advice"', '"advised", needed = "yes"', "outcomes.advised.needed", "yes"),
        ('"advised by phone", needed = "advice"', '"advised", needed = true', "outcomes.advised.needed", True),
        ('"advised by phone", needed = "advice"', '"advised", care = true', "outcomes.advised.care", True),
        ('{ words = "advised by phone", needed = "advice" }', "[]", "outcomes.advised", []),
    ],
)
def test_a_slip_is_named_with_its_place(old: str, new: str, key: str, found: object) -> None:
    error = refused(seed_with(old, new))
    assert (error.file, error.key) == ("p.toml", key)
    assert error.found == found or str(error.found) == found
    assert "allowed: " in str(error)


def test_outcomes_of_before_there_were_marks_are_read_and_say_what_they_always_did() -> None:
    head, _, _ = SEED.partition("[outcomes]")
    older = (
        '[outcomes]\nadvised = "advised"\nseen = "seen"\nmisread = "mistyped"\nnot_reached = "page on"\nfine = "fine"\n'
    )
    outcomes = load_protocol(head + older, file="p.toml").outcomes
    assert outcomes["seen"] == Outcome("seen")
    assert {key: need_of(key, outcomes) for key in outcomes} == {
        "advised": Need.ADVICE,
        "seen": Need.CARE,
        "misread": Need.NOTHING,
        "not_reached": None,
        "fine": Need.ADVICE,  # a clinic's own: somebody was needed, as long as it does not say otherwise
    }


def test_every_outcome_of_the_seed_says_what_the_patient_needed_and_a_new_one_takes_no_letter_of_another() -> None:
    outcomes = seed_protocol().outcomes
    assert [key for key, outcome in outcomes.items() if outcome.needed is None] == ["not_reached"]
    assert [key for key, outcome in outcomes.items() if outcome.needed == Need.NOTHING] == ["misread", "well"]
    assert "".join(key[0] for key in outcomes) == "abspmremnw"  # as staff know them: A advised, B booked ...


@pytest.mark.parametrize(
    "text",
    ["", "name", "name = ", "a = " + "9" * 5000, "a = " + "[" * 5000, "\x00", "\ud800 = 1", "rules = 1", "[[signs]]"],
)
def test_what_is_no_protocol_is_refused(text: str) -> None:
    assert refused(text).file == "p.toml"


@pytest.mark.parametrize("section", ["signs", "rules", "risks", "questions", "steps", "outcomes", "red", "risk_lift"])
@pytest.mark.parametrize("value", ["7", "true", '"x"', "[1]", "[[1]]", "{ x = 1 }", "[{ x = 1 }]"])
def test_a_section_of_another_shape_is_refused(section: str, value: str) -> None:
    assert refused(f"{section} = {value}\n").file == "p.toml"


@settings(deadline=None)  # the whole seed is parsed each time: slow on a busy machine, and right all the same
@given(data=st.data())
def test_whatever_stands_in_a_file_only_a_protocol_error_is_raised(data: st.DataObject) -> None:
    tables = tomllib.loads(SEED)
    spoil(tables, data)
    found = load_or_refusal(written(tables))
    assert isinstance(found, Protocol) or (found.file == "p.toml" and found.key and found.allowed)


@given(st.text(max_size=60))
def test_any_text_at_all_is_refused_in_words(text: str) -> None:
    assert refused(text).allowed


def load_or_refusal(text: str) -> Protocol | ProtocolError:
    try:
        return load_protocol(text, file="p.toml")
    except ProtocolError as error:
        return error


def spoil(tables: dict[str, Any], data: st.DataObject) -> None:
    """Put something else in one place of the file, up to three levels down."""
    here: Any = tables
    for _ in range(data.draw(st.integers(0, 2))):
        inner = here[data.draw(st.sampled_from(keys_of(here)))]
        if not isinstance(inner, dict | list) or not inner:
            break
        here = inner
    here[data.draw(st.sampled_from(keys_of(here)))] = data.draw(VALUES)


def keys_of(table: Any) -> list[Any]:
    return list(table) if isinstance(table, dict) else list(range(len(table)))


def written(value: Any) -> str:
    """The tables as TOML, every section as one inline value."""
    return "\n".join(f"{quoted(key)} = {inline(item)}" for key, item in value.items())


def inline(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return '""'
        case str():
            return quoted(value)
        case list():
            return "[" + ", ".join(inline(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{quoted(key)} = {inline(item)}" for key, item in value.items()) + "}"
        case _:
            return str(value).removeprefix("+")


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08X}" if ord(c) < 0xD800 or ord(c) > 0xDFFF else "?" for c in text) + '"'
