"""The seed protocol: every rule has a source and a vignette, and every number in it is held by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from monitor.domain.check_protocol import check_protocol
from monitor.domain.describe import describe
from monitor.domain.messages import load_catalogue
from monitor.domain.protocol import Protocol, Rule, StepKind, When
from monitor.domain.score import assess
from monitor.domain.terms import Band, Sign
from tests.domain.vignettes import PROTOCOL_FILE, SEEDS, seed_protocol, vignettes

SOURCE = re.compile(r"(S0|S2|L|W|I)\b")
SENTENCE = re.compile(r"[A-Z0-9].+\.$")
STEP_OF = {"temp_min": 0.1, "temp_below": 0.1, "hours_max": 0.5, "hours_min": 0.5}
POINTS = {Band.EXPECTED: {1}, Band.SOON: {2, 3}, Band.URGENT: {5}, Band.EMERGENCY: {10}}


def bounds() -> Iterator[tuple[Rule, str, float]]:
    """Every threshold of every rule, moved one step down and one step up."""
    for rule in seed_protocol().rules:
        for part in fields(When):
            value = getattr(rule.when, part.name)
            if type(value) in (int, float):
                step = STEP_OF.get(part.name, 1)
                yield from ((rule, part.name, round(value + move, 1)) for move in (-step, step))


def switches() -> Iterator[Rule]:
    """Every rule with one mark, word or replacement changed."""
    for rule in seed_protocol().rules:
        if rule.band < Band.EMERGENCY:  # an emergency is paged at night whatever its mark says
            yield replace(rule, at_night=not rule.at_night)
        yield replace(rule, clock=not rule.clock)
        yield replace(rule, ask=None if rule.ask else "amount")
        for name in rule.replaces:
            yield replace(rule, replaces=tuple(other for other in rule.replaces if other != name))
        for part in ("trait", "detail", "risk", "new"):
            if getattr(rule.when, part) is not None:
                yield replace(rule, when=with_part(rule.when, part, None))


def with_part(when: When, part: str, value: object) -> When:
    changed: dict[str, Any] = {part: value}
    return replace(when, **changed)


def is_noticed(protocol: Protocol) -> bool:
    """Whether some vignette holds no longer."""
    return any(not case.is_met(assess(protocol, case.facts)) for case in vignettes())


def with_rule(changed: Rule) -> Protocol:
    rules = tuple(changed if rule.id == changed.id else rule for rule in seed_protocol().rules)
    return replace(seed_protocol(), rules=rules)


def test_the_seed_has_no_contradiction() -> None:
    paths = sorted((SEEDS / "messages").glob("*.toml"))
    catalogues = {p.stem: load_catalogue(p.read_text(encoding="utf-8"), file=p.name) for p in paths}
    faults = check_protocol(seed_protocol(), file=PROTOCOL_FILE.name, catalogues=catalogues)
    assert [str(fault) for fault in faults] == []


def test_every_rule_has_a_vignette() -> None:
    protocol = seed_protocol()
    ids = {rule.id for rule in protocol.rules} | {made.id for made in protocol.combinations}
    ids |= {protocol.risk_lift.id} | {f"risk-{name}" for name in protocol.risks}
    shown = {name for case in vignettes() for name in case.rules}
    assert ids - shown == set()


def test_every_rule_names_its_source_and_gives_its_reason_in_a_sentence() -> None:
    protocol = seed_protocol()
    explained = [(rule.reason, rule.source) for rule in protocol.rules]
    explained += [(made.reason, made.source) for made in protocol.combinations]
    explained += [(risk.reason, risk.source) for risk in protocol.risks.values()]
    explained += [(protocol.risk_lift.reason, protocol.risk_lift.source)]
    assert [reason for reason, source in explained if not SOURCE.match(source) or not SENTENCE.match(reason)] == []
    assert [step.key for step in protocol.steps if not SOURCE.match(step.source)] == []


def test_points_follow_the_scale() -> None:
    assert [rule.id for rule in seed_protocol().rules if rule.points not in POINTS[rule.band]] == []


def test_both_sides_of_every_boundary_have_a_vignette() -> None:
    changed = (
        (f"{rule.id} {part}={value}", replace(rule, when=with_part(rule.when, part, value)))
        for rule, part, value in bounds()
    )
    assert [name for name, rule in changed if not is_noticed(with_rule(rule))] == []


def test_every_mark_of_a_rule_has_a_vignette() -> None:
    assert [rule for rule in switches() if not is_noticed(with_rule(rule))] == []


@pytest.mark.parametrize("band", Band)
def test_every_band_of_a_rule_has_a_vignette(band: Band) -> None:
    # A rule that needs an abnormal sign beside it stands in that one's shadow.
    others = [rule for rule in seed_protocol().rules if rule.band != band and not rule.when.with_any]
    assert [rule.id for rule in others if not is_noticed(with_rule(replace(rule, band=band)))] == []


def test_combination_and_risk_factors_have_vignettes_on_both_sides() -> None:
    protocol = seed_protocol()
    (two,), lift = protocol.combinations, protocol.risk_lift
    assert is_noticed(replace(protocol, combinations=(replace(two, count=3),)))
    for group in two.groups:
        rest = tuple(other for other in two.groups if other != group)
        assert is_noticed(replace(protocol, combinations=(replace(two, groups=rest),)))
    assert is_noticed(replace(protocol, risk_lift=replace(lift, count=1)))
    assert is_noticed(replace(protocol, risk_lift=replace(lift, count=3)))
    for name, risk in protocol.risks.items():
        changed = {**protocol.risks, name: replace(risk, lifts=not risk.lifts)}
        assert is_noticed(replace(protocol, risks=changed)), name


@pytest.mark.parametrize("score", [6, 8])
def test_severe_words_have_a_vignette_on_both_sides(score: int) -> None:
    assert is_noticed(replace(seed_protocol(), severe_pain=score))


def test_the_calendar_is_the_clinical_one() -> None:
    due = {step.key: (step.days, step.months, step.repeat_months) for step in seed_protocol().steps}
    assert due == {
        "care": (0, 0, None),
        "safety": (1, 0, None),
        "advice": (3, 0, None),
        "checkin-4": (4, 0, None),
        "checkin-7": (7, 0, None),
        "checkin-14": (14, 0, None),
        "stitches": (8, 0, None),
        "stitches-flap": (10, 0, None),
        "review": (42, 0, None),
        "integration": (56, 0, None),
        "crown": (0, 3, None),
        "maintenance": (0, 6, 12),
        "maintenance-xray": (0, 12, 12),
    }


def test_check_ins_expire_on_days_6_12_and_20() -> None:
    checkins = [step for step in seed_protocol().steps if step.kind == StepKind.CHECKIN]
    assert [step.days + step.expires_days for step in checkins] == [6, 12, 20]


def test_the_two_maintenance_texts_never_fall_on_one_day() -> None:
    half, full = (step for step in seed_protocol().steps if step.repeat_months)
    assert {half.months + n * 12 for n in range(50)}.isdisjoint({full.months + n * 12 for n in range(50)})


def test_the_check_in_asks_pain_gum_and_signs_before_any_follow_up() -> None:
    questions = [*seed_protocol().questions.values()]
    assert [question.name for question in questions[:3]] == ["pain", "gum", "signs"]
    assert all(question.after is not None for question in questions[3:])
    assert [option.sign for option in questions[2].options] == [None, *questions[2].signs]


def test_the_protocol_can_be_read_by_a_dentist() -> None:
    text = describe(seed_protocol())
    for sign in Sign:
        assert f"({sign})" in text
    for rule in seed_protocol().rules:
        assert rule.reason in text
        assert rule.source in text
    for step in seed_protocol().steps:
        assert step.key in text
