"""The scorer: every vignette, and what must hold whatever a patient says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.protocol import TRAITS, Combination, Protocol, Risk, RiskLift, Rule, When
from monitor.domain.score import Assessment, Facts, assess
from monitor.domain.terms import Amount, Band, Detail, Presence, Sign, Trend
from tests.domain.vignettes import Vignette, assess_seed, rules_of, seed_protocol, vignettes

RED = sorted(seed_protocol().red)
DAYS = st.integers(0, 20) | st.integers(0, 20000)
FACTS = st.builds(
    Facts,
    day=DAYS,
    hours=st.none() | st.floats(0, 200),
    signs=st.dictionaries(st.sampled_from(Sign), st.sampled_from(Presence)),
    trend=st.dictionaries(st.sampled_from(Sign), st.sampled_from(Trend), max_size=4),
    amount=st.dictionaries(st.sampled_from(Sign), st.sampled_from(Amount), max_size=4),
    details=st.frozensets(st.sampled_from(Detail)),
    pain=st.none() | st.integers(0, 10),
    temp_c=st.none() | st.floats(35, 42),
    last_pain=st.none() | st.integers(0, 10),
    known=st.frozensets(st.sampled_from(Sign)),
    traits=st.frozensets(st.sampled_from(sorted(TRAITS))),
    risks=st.frozensets(st.sampled_from(sorted(seed_protocol().risks))),
    words=st.dictionaries(st.sampled_from(Sign), st.text(max_size=10), max_size=4),
)


@pytest.mark.parametrize("case", vignettes(), ids=lambda case: case.name)
def test_vignette(case: Vignette) -> None:
    found = assess_seed(case.facts)
    assert (found.band, rules_of(found)) == (case.band, case.rules)
    assert (found.at_night, found.clock, found.ask) == (case.at_night, case.clock, case.ask)


@pytest.mark.parametrize("other", [sign for sign in Sign if sign != Sign.SMELL])
def test_a_bad_smell_with_any_other_abnormal_sign_is_urgent_or_worse(other: Sign) -> None:
    # On day 6 stitches are not due yet; pain needs its score, and biting hurts abnormally from day 7.
    day = 7 if other == Sign.PRESSURE_PAIN else 6
    pain = 7 if other == Sign.PAIN else None
    amount = {Sign.BLEEDING: Amount.MORE}
    signs = {Sign.SMELL: Presence.PRESENT, other: Presence.PRESENT}
    found = assess_seed(Facts(day, signs=signs, amount=amount, pain=pain))
    assert found.band >= Band.URGENT
    assert "smell-with-other" in rules_of(found)


@pytest.mark.parametrize("sign", RED)
@given(facts=FACTS)
def test_a_red_sign_is_never_filed_as_fine(sign: Sign, facts: Facts) -> None:
    found = assess_seed(with_sign(facts, sign, Presence.PRESENT))
    anaesthetic = sign == Sign.NUMBNESS and facts.day <= 2 and facts.hours is not None and facts.hours <= 8
    assert found.band >= Band.SOON or anaesthetic


@given(facts=FACTS, sign=st.sampled_from(Sign))
def test_a_further_sign_never_lowers_the_band(facts: Facts, sign: Sign) -> None:
    assert assess_seed(with_sign(facts, sign, Presence.PRESENT)).band >= assess_seed(facts).band


@given(facts=FACTS, sign=st.sampled_from(Sign))
def test_a_denied_sign_never_raises_the_band(facts: Facts, sign: Sign) -> None:
    unsaid = replace(facts, signs={s: p for s, p in facts.signs.items() if s != sign})
    assert assess_seed(with_sign(facts, sign, Presence.ABSENT)).band <= assess_seed(unsaid).band


@given(facts=FACTS, risk=st.sampled_from(sorted(seed_protocol().risks)))
def test_a_further_risk_factor_never_lowers_the_band(facts: Facts, risk: str) -> None:
    assert assess_seed(replace(facts, risks=facts.risks | {risk})).band >= assess_seed(facts).band


@given(facts=FACTS)
def test_every_band_explains_itself(facts: Facts) -> None:
    found = assess_seed(facts)
    assert found.score == sum(reason.points for reason in found.reasons)
    assert found.band == max((reason.band for reason in found.reasons), default=Band.EXPECTED)
    for reason in found.reasons:
        assert all(text.strip() for text in (reason.rule, reason.said, reason.text, reason.source))
        if reason.sign is not None and facts.words.get(reason.sign):
            assert facts.words[reason.sign] in reason.said


@given(facts=FACTS)
def test_signs_are_the_abnormal_ones_worst_first(facts: Facts) -> None:
    found = assess_seed(facts)
    worst = {sign: max(r.band for r in found.reasons if r.sign == sign) for sign in found.signs}
    assert [band.rank for band in worst.values()] == sorted((band.rank for band in worst.values()), reverse=True)
    assert all(band >= Band.SOON for band in worst.values())
    assert found.at_night or found.band < Band.EMERGENCY


def test_what_was_said_stands_with_the_patients_words() -> None:
    facts = Facts(7, signs={Sign.SWELLING: Presence.PRESENT}, trend={Sign.SWELLING: Trend.SAME}, pain=8)
    found = assess_seed(replace(facts, words={Sign.SWELLING: "puffy as yesterday"}))
    assert [r.said for r in found.reasons] == ["pain 8 of 10", 'swelling, same: "puffy as yesterday"']


def test_parts_of_a_condition_that_the_seed_does_not_use_hold_as_well() -> None:
    day, hours = Rule("late", When(Sign.PAIN, hours_min=24), Band.SOON, 2, "a", "I"), 30.0
    plain = Rule("plain", When(Sign.PUS, without_detail=Detail.FILM), Band.URGENT, 5, "b", "I")
    facts = Facts(1, hours=hours, signs={Sign.PAIN: Presence.PRESENT, Sign.PUS: Presence.PRESENT})
    assert rules_of(assess_rules((day, plain), facts)) == {"late", "plain"}
    film = replace(facts, hours=None, details=frozenset({Detail.FILM}))
    assert rules_of(assess_rules((day, plain), film)) == frozenset()


def test_a_combination_stays_silent_where_something_is_as_bad_already() -> None:
    rules = (
        Rule("a", When(Sign.PUS), Band.SOON, 2, "a", "I"),
        Rule("b", When(Sign.SMELL), Band.SOON, 2, "b", "I"),
        Rule("c", When(Sign.BREATHING), Band.URGENT, 5, "c", "I"),
    )
    both = Facts(1, signs={Sign.PUS: Presence.PRESENT, Sign.SMELL: Presence.PRESENT})
    assert rules_of(assess_rules(rules, both)) == {"a", "b", "two"}
    assert "two" not in rules_of(assess_rules(rules, with_sign(both, Sign.BREATHING, Presence.PRESENT)))


def test_a_risk_factor_of_another_version_is_passed_over() -> None:
    found = assess_seed(Facts(2, signs={Sign.PUS: Presence.PRESENT}, risks=frozenset({"gout"})))
    assert rules_of(found) == {"pus"}


def with_sign(facts: Facts, sign: Sign, presence: Presence) -> Facts:
    return replace(facts, signs={**facts.signs, sign: presence})


def assess_rules(rules: tuple[Rule, ...], facts: Facts) -> Assessment:
    """Score by these rules alone, with one combination of two and one risk factor."""
    two = Combination("two", 2, Band.SOON, Band.URGENT, (), 1, "two", "I")
    lift = RiskLift("lift", 1, Band.SOON, Band.URGENT, "lift", "I")
    risks = {"smoking": Risk("smoking", 1, True, "smokes", "I")}
    protocol = Protocol("small", {}, frozenset(), rules, (two,), risks, lift, (), {}, {}, 7)
    return assess(protocol, facts)
