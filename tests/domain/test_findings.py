"""What several texts say together: the newer word counts, and nothing else is forgotten."""

from __future__ import annotations

from monitor.domain.findings import Findings, facts_of, is_clinical, words_of
from monitor.domain.reading import Evidence, Reading
from monitor.domain.terms import Amount, Detail, Presence, Sign, Trend

PRESENT, ABSENT = Presence.PRESENT, Presence.ABSENT


def test_texts_add_up() -> None:
    found = Findings().joined(Reading(signs={Sign.PUS: PRESENT}), "pus")
    found = found.joined(Reading(pain=3, signs={Sign.PAIN: PRESENT}), "pain 3")
    assert found.has(Sign.PUS)
    assert found.pain == 3


def test_the_newer_word_counts() -> None:
    found = Findings().joined(Reading(pain=8), "8").joined(Reading(pain=2), "2")
    assert found.pain == 2


def test_what_is_taken_back_takes_its_particulars_with_it() -> None:
    first = Reading(
        signs={Sign.FEVER: PRESENT, Sign.BLEEDING: PRESENT, Sign.SWELLING: PRESENT},
        trend={Sign.SWELLING: Trend.WORSE},
        amount={Sign.BLEEDING: Amount.MORE},
        temp_c=39.0,
        evidence=(Evidence("fever", 0, 5),),
    )
    gone = Reading(signs={Sign.FEVER: ABSENT, Sign.BLEEDING: ABSENT, Sign.SWELLING: ABSENT})
    found = Findings().joined(first, "fever ...").joined(gone, "none of that")
    assert (found.temp_c, found.trend, found.amount, found.words) == (None, {}, {}, {})


def test_they_survive_being_stored() -> None:
    found = Findings(
        signs={Sign.FELL_OUT: PRESENT},
        trend={Sign.REDNESS: Trend.SAME},
        amount={Sign.BLEEDING: Amount.TRACE},
        details=frozenset({Detail.CROWN}),
        pain=4,
        temp_c=38.2,
        hours_ago=2.0,
        words={Sign.FELL_OUT: "came out"},
    )
    assert Findings.from_json(found.to_json()) == found
    assert Findings.from_json({}) == Findings()


def test_facts_hold_what_was_found() -> None:
    facts = facts_of(Findings(signs={Sign.PUS: PRESENT}, pain=3), 9)
    assert (facts.day, facts.pain, facts.signs) == (9, 3, {Sign.PUS: PRESENT})


def test_thanks_says_nothing_of_the_body_and_a_zero_does() -> None:
    assert not is_clinical(Reading())
    assert is_clinical(Reading(pain=0))
    assert is_clinical(Reading(temp_c=36.6))
    assert is_clinical(Reading(trend={Sign.SWELLING: Trend.BETTER}))


def test_the_first_words_for_a_sign_are_kept_and_not_too_many() -> None:
    text = "pus " + "x" * 100 + " pus"
    reading = Reading(evidence=(Evidence("pus", 0, 104), Evidence("pus", 105, 108), Evidence("intent", 0, 3)))
    assert words_of(reading, text) == {Sign.PUS: text[:60]}


def test_what_made_a_sign_harmless_does_not_outlive_a_newer_text_without_it() -> None:
    brushing = Reading(
        signs={Sign.BLEEDING: Presence.PRESENT},
        amount={Sign.BLEEDING: Amount.TRACE},
        details=frozenset({Detail.BRUSHING}),
    )
    plain = Reading(signs={Sign.BLEEDING: Presence.PRESENT})
    joined = Findings().joined(brushing, "a little when I brush").joined(plain, "it is bleeding")
    assert Detail.BRUSHING not in joined.details
    assert Sign.BLEEDING not in joined.amount
