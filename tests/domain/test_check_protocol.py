"""Every kind of contradiction is found, named with its place, and found alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from monitor.domain.check_protocol import check_protocol
from monitor.domain.messages import Catalogue
from monitor.domain.protocol import Option, Outcome, Protocol, Rule, When
from monitor.domain.terms import Band, Detail, Need, Sign, Trend
from tests.domain.vignettes import seed_protocol

Change = Callable[[Protocol], Protocol]


def faults(protocol: Protocol, *catalogues: Catalogue) -> list[tuple[str, object]]:
    named = {catalogue.language: catalogue for catalogue in catalogues}
    return [(fault.key, fault.found) for fault in check_protocol(protocol, file="p.toml", catalogues=named)]


def rule(name: str, **changes: Any) -> Change:
    """The seed with one rule changed."""
    return lambda p: replace(p, rules=tuple(replace(r, **changes) if r.id == name else r for r in p.rules))


def when(name: str, **changes: Any) -> Change:
    """The seed with the condition of one rule changed."""
    own = next(r for r in seed_protocol().rules if r.id == name)
    return rule(name, when=replace(own.when, **changes))


def added(new: Rule) -> Change:
    return lambda p: replace(p, rules=(*p.rules, new))


def without_rules(sign: Sign) -> Change:
    return lambda p: replace(p, rules=tuple(r for r in p.rules if r.when.sign != sign))


def step(name: str, **changes: Any) -> Change:
    return lambda p: replace(p, steps=tuple(replace(s, **changes) if s.key == name else s for s in p.steps))


def question(name: str, **changes: Any) -> Change:
    return lambda p: replace(p, questions={**p.questions, name: replace(p.questions[name], **changes)})


def combination(**changes: Any) -> Change:
    return lambda p: replace(p, combinations=(replace(p.combinations[0], **changes),))


def risk(name: str, **changes: Any) -> Change:
    return lambda p: replace(p, risks={**p.risks, name: replace(p.risks[name], **changes)})


def lift(**changes: Any) -> Change:
    return lambda p: replace(p, risk_lift=replace(p.risk_lift, **changes))


def test_the_seed_has_none() -> None:
    assert faults(seed_protocol()) == []


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        # signs and rules
        (without_rules(Sign.REACTION), "signs.reaction", "no rule reads it"),
        (
            lambda p: replace(p, signs={Sign.PAIN: "pain"} | {s: n for s, n in p.signs.items() if s != Sign.SINUS}),
            "signs.sinus",
            "nothing",
        ),
        (added(Rule("pus", When(Sign.PUS, day_min=9), Band.URGENT, 5, "again", "S0")), "rules[pus].id", "pus"),
        (
            added(Rule("pus-2", When(Sign.PUS), Band.URGENT, 5, "again", "S0")),
            "rules[pus-2].when",
            "the same as in pus",
        ),
        (when("pain-lasting", day_min=14), "rules[pain-lasting].when.day_min", 14),
        (when("pain-lasting", pain_max=11), "rules[pain-lasting].when.pain_max", 11),
        (when("pain-lasting", pain_min=7), "rules[pain-lasting].when.pain_min", 7),
        (when("pain-rising", rise_min=-1), "rules[pain-rising].when.rise_min", -1),
        (when("fever-high", temp_min=390.0), "rules[fever-high].when.temp_min", 390.0),
        (when("fever-measured-lower", temp_below=3.8), "rules[fever-measured-lower].when.temp_below", 3.8),
        (when("fever-high", temp_below=38.5), "rules[fever-high].when.temp_min", 39.0),
        (when("numbness-anaesthetic", hours_max=-1.0), "rules[numbness-anaesthetic].when.hours_max", -1.0),
        (when("reaction", day_min=20001), "rules[reaction].when.day_min", 20001),
        (when("reaction", pain_min=3), "rules[reaction].when.sign", "reaction"),
        (when("reaction", no_number=True), "rules[reaction].when.no_number", True),
        (when("pain-severe", no_number=True), "rules[pain-severe].when.no_number", True),
        (when("smell-early-beside", beside=(Sign.SMELL,)), "rules[smell-early-beside].when.with_any", "smell"),
        (when("exposed-buried", trait="two_stages"), "rules[exposed-buried].when.trait", "two_stages"),
        (when("bleeding-thinners", risk="aspirin"), "rules[bleeding-thinners].when.risk", "aspirin"),
        (rule("fever-unmeasured", ask="temperatur"), "rules[fever-unmeasured].ask", "temperatur"),
        (rule("fever-unmeasured", ask="pain"), "rules[fever-unmeasured].ask", "pain"),
        (rule("fever-high", replaces=("pus",)), "rules[fever-high].replaces", "pus"),
        (rule("fever-high", replaces=("fever-high",)), "rules[fever-high].replaces", "fever-high"),
        (rule("fever", replaces=("fever-high",)), "rules[fever].replaces", "fever-high"),
        (rule("reaction", source=" "), "rules[reaction].source", "nothing"),
        (rule("reaction", reason=""), "rules[reaction].reason", "nothing"),
        (rule("reaction", points=-1), "rules[reaction].points", -1),
        (rule("pain-mild", at_night=True), "rules[pain-mild].at_night", "expected"),
        # red signs
        (when("pus", day_min=1), "red.pus", "expected on day 0"),
        (when("mobility", day_max=365), "red.mobility", "expected on day 366"),
        (when("fell-out-crowned", trait="flap"), "red.fell_out", "expected on day 0"),
        (when("numbness-known", day_min=8), "red.numbness", "expected on day 3"),
        (rule("exposed", band=Band.EXPECTED), "red.exposed", "expected on day 0"),
        (lambda p: replace(p, red=p.red | {Sign.SMELL}), "red.smell", "expected on day 0"),
        # findings together, risk factors
        (combination(count=1), "combinations[two-soon].count", 1),
        (combination(makes=Band.SOON), "combinations[two-soon].makes", "soon"),
        (combination(id="pus"), "rules[pus].id", "pus"),
        (combination(source=""), "combinations[two-soon].source", "nothing"),
        (lift(count=5), "risk_lift.count", 5),
        (lift(count=0), "risk_lift.count", 0),
        (lift(makes=Band.EXPECTED), "risk_lift.makes", "expected"),
        (lift(source=""), "risk_lift.source", "nothing"),
        (risk("smoking", points=-1), "risks[smoking].points", -1),
        (risk("smoking", source=""), "risks[smoking].source", "nothing"),
        # calendar
        (step("advice", key="care"), "steps[care].key", "care"),
        (step("advice", days=-1), "steps[advice].days", -1),
        (step("advice", expires_days=-1), "steps[advice].expires_days", -1),
        (step("maintenance", repeat_months=0), "steps[maintenance].repeat_months", 0),
        (step("stitches", needs="stiches"), "steps[stitches].needs", "stiches"),
        (step("checkin-4", question="gums"), "steps[checkin-4].question", "gums"),
        (step("checkin-4", question=None), "steps[checkin-4].question", None),
        (step("safety", source=""), "steps[safety].source", "nothing"),
        # questions
        (question("gum", after=Sign.PUS), "questions[gum]", "nothing"),
        (question("amount", after=None), "questions[amount].name", "amount"),
        (rule("fever-unmeasured", ask=None), "questions[temperature]", "no rule asks it"),
        (question("gum", options=(Option(1, trend=Trend.SAME),) * 2), "questions[gum].options", 1),
        (question("gum", options=(Option(1),)), "questions[gum].options", 1),
        (question("gum", options=(Option(-1, absent=True),)), "questions[gum].options", -1),
        (question("gum", options=(Option(1, sign=Sign.PUS),)), "questions[gum].options", "pus"),
        # the rest
        (lambda p: replace(p, severe_pain=11), "severe_pain", 11),
        (lambda p: replace(p, outcomes={}), "outcomes", "nothing"),
        (lambda p: replace(p, outcomes={f"o{n}": Outcome("o") for n in range(27)}), "outcomes", 27),
        (lambda p: replace(p, outcomes={"seen": Outcome(" ")}), "outcomes.seen.words", "nothing"),
        (
            lambda p: replace(p, outcomes={"not_reached": Outcome("page on", Need.ADVICE)}),
            "outcomes.not_reached.needed",
            "advice",
        ),
    ],
)
def test_a_contradiction_is_named(change: Change, key: str, found: object) -> None:
    assert (key, found) in faults(change(seed_protocol()))


def test_a_rule_that_another_always_replaces_is_named() -> None:
    wide = added(Rule("any-loose", When(Sign.MOBILITY, day_min=5), Band.SOON, 3, "a", "I", replaces=("late-loose",)))
    late = added(Rule("late-loose", When(Sign.MOBILITY, day_min=9, detail=Detail.CROWN), Band.SOON, 3, "b", "I"))
    assert faults(late(wide(seed_protocol()))) == [("rules[late-loose].id", "always replaced by any-loose")]


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (When(Sign.REDNESS, day_min=5), When(Sign.REDNESS, day_max=9)),
        (When(Sign.REDNESS, no_trend=True), When(Sign.REDNESS, trend=(Trend.SAME,), no_trend=True, day_min=3)),
        (When(Sign.REDNESS, new=True), When(Sign.REDNESS, new=False)),
        (When(Sign.REDNESS, trait="flap"), When(Sign.REDNESS, day_min=3)),
    ],
)
def test_a_rule_that_is_sometimes_left_standing_is_not(wide: When, narrow: When) -> None:
    first = added(Rule("first", wide, Band.SOON, 3, "a", "I", replaces=("second",)))
    second = added(Rule("second", narrow, Band.SOON, 3, "b", "I"))
    assert faults(second(first(seed_protocol()))) == []


@pytest.fixture
def texts() -> dict[str, str]:
    """Just enough texts for the seed."""
    protocol = seed_protocol()
    keys = {step.message for step in protocol.steps} | {q.message for q in protocol.questions.values()}
    return dict.fromkeys(keys, "{clinic}: hello")


def test_enough_texts_are_enough(texts: dict[str, str]) -> None:
    assert faults(seed_protocol(), Catalogue("en", texts, {})) == []


@pytest.mark.parametrize("key", ["ask.signs", "step.care"])
def test_a_missing_text_is_named(texts: dict[str, str], key: str) -> None:
    del texts[key]
    assert faults(seed_protocol(), Catalogue("en", texts, {})) == [(f"texts.{key}", "nothing")]


def test_a_missing_translation_is_named_with_its_file(texts: dict[str, str]) -> None:
    english = Catalogue("en", {**texts, "nudge": "Hello?", "staff.page": "Take it"}, {}, "messages/en.toml")
    russian = Catalogue("ru", texts, {}, "messages/ru.toml")
    named = check_protocol(seed_protocol(), file="p.toml", catalogues={"en": english, "ru": russian})
    assert [(fault.file, fault.key) for fault in named] == [("messages/ru.toml", "texts.nudge")]


def test_an_unknown_field_is_named(texts: dict[str, str]) -> None:
    texts["step.care"] = "{clinik}: rest"
    assert faults(seed_protocol(), Catalogue("en", texts, {})) == [("texts.step.care", "{clinik}")]


def test_a_text_over_its_segments_is_named(texts: dict[str, str]) -> None:
    texts["step.care"] = "{clinic}" + "x" * 132
    assert faults(seed_protocol(), Catalogue("en", texts, {})) == [
        ("texts.step.care", "161 units of GSM-7 in 2 segments")
    ]
    assert faults(seed_protocol(), Catalogue("en", texts, {"step.care": 2})) == []


def test_an_allowance_for_no_text_is_named(texts: dict[str, str]) -> None:
    assert faults(seed_protocol(), Catalogue("en", texts, {"step.caer": 2})) == [("segments.step.caer", 2)]
