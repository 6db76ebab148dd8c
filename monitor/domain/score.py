"""Findings, day and history in; band, points and reasons out. (Written against the protocol's rules.)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from monitor.domain.protocol import Combination, Protocol, Rule, When
from monitor.domain.terms import Amount, Band, Detail, Presence, Sign, Trend


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the patient at one moment: this reading joined with the open check-in, and history.

    `day` is the postop day, `hours` since surgery where known. `last_pain` is the pain of the last earlier
    assessment that had one; `known` the signs that an earlier assessment already had ("new" against "known");
    `words` the patient's words that showed each sign, for the reasons.
    """

    day: int
    hours: float | None = None
    signs: Mapping[Sign, Presence] = field(default_factory=dict)
    trend: Mapping[Sign, Trend] = field(default_factory=dict)
    amount: Mapping[Sign, Amount] = field(default_factory=dict)
    details: frozenset[Detail] = frozenset()
    pain: int | None = None
    temp_c: float | None = None
    last_pain: int | None = None
    known: frozenset[Sign] = frozenset()
    traits: frozenset[str] = frozenset()
    risks: frozenset[str] = frozenset()
    words: Mapping[Sign, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule, its sign, what was said, the threshold in words, band and points, and who says so."""

    rule: str
    sign: Sign | None
    said: str
    text: str
    band: Band
    points: int
    source: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """How soon somebody must act, and why. `score` is the sum of the reasons' points."""

    band: Band
    score: int
    reasons: tuple[Reason, ...]
    signs: tuple[Sign, ...]  # the abnormal ones, worst first
    at_night: bool  # paged at night too
    ask: tuple[str, ...] = ()  # follow-up questions that the findings call for
    clock: bool = False  # something loses its chance by the hour


def assess(protocol: Protocol, facts: Facts) -> Assessment:
    """Score the facts by the protocol's rules; every threshold, band and source is the protocol's.

    Rules that look at one sign hold first; then those that need another sign beside it; then what several
    findings make together; then the risk factors. The band is the highest, the score the sum of points.

    >>> from monitor.domain.protocol import Risk, RiskLift
    >>> pus = Rule("pus", When(Sign.PUS), Band.URGENT, 5, "pus on any day", "S0")
    >>> lift = RiskLift("lift", 2, Band.SOON, Band.URGENT, "two risk factors", "S0")
    >>> names = {Sign.PUS: "pus"}
    >>> protocol = Protocol("tiny", names, frozenset(names), (pus,), (), {}, lift, (), {}, {}, 7)
    >>> facts = Facts(day=2, signs={Sign.PUS: Presence.PRESENT}, words={Sign.PUS: "yellow ooze"})
    >>> found = assess(protocol, facts)
    >>> found.band, found.score, found.reasons[0].said
    (<Band.URGENT: 'urgent'>, 5, 'pus: "yellow ooze"')
    """
    facts = _severe_words_as_number(protocol, facts)
    rules = _rules_that_hold(protocol, facts)
    reasons = [_reason(protocol, facts, rule) for rule in rules]
    reasons += _combined(protocol, reasons)
    reasons += _risky(protocol, facts, reasons)
    reasons.sort(key=lambda reason: reason.band, reverse=True)
    band = _worst(reasons)
    return Assessment(
        band=band,
        score=sum(reason.points for reason in reasons),
        reasons=tuple(reasons),
        signs=_abnormal_signs(reasons),
        at_night=band == Band.EMERGENCY or any(rule.at_night for rule in rules),
        ask=tuple(dict.fromkeys(rule.ask for rule in rules if rule.ask)),
        clock=any(rule.clock for rule in rules),
    )


def holds_trait(trait: str, traits: Set[str]) -> bool:
    """Whether a fact of the episode holds; "not_x" holds where "x" is not known.

    >>> holds_trait("not_crown_fitted", frozenset()), holds_trait("not_crown_fitted", {"crown_fitted"})
    (True, False)
    """
    return trait in traits or (trait.startswith("not_") and trait.removeprefix("not_") not in traits)


def _severe_words_as_number(protocol: Protocol, facts: Facts) -> Facts:
    if Detail.SEVERE not in facts.details or facts.signs.get(Sign.PAIN) == Presence.ABSENT:
        return facts
    return replace(facts, pain=max(facts.pain or 0, protocol.severe_pain))


def _rules_that_hold(protocol: Protocol, facts: Facts) -> list[Rule]:
    """First the rules that look at one sign, then those that look at what else was found."""
    own = [rule for rule in protocol.rules if not _looks_around(rule.when) and _holds(rule.when, facts)]
    own = _without_replaced(own)
    there = {sign for sign, presence in facts.signs.items() if presence == Presence.PRESENT}
    there |= {rule.when.sign for rule in own}
    abnormal = {rule.when.sign for rule in own if rule.band > Band.EXPECTED}
    around = [
        rule
        for rule in protocol.rules
        if _looks_around(rule.when) and rule.when.sign in there and all(_parts(rule.when, facts))
        if _is_beside(rule.when, there, abnormal)
    ]
    return _without_replaced(own + around)


def _looks_around(when: When) -> bool:
    return bool(when.with_any or when.beside)


def _is_beside(when: When, there: Set[Sign], abnormal: Set[Sign]) -> bool:
    others, worse = there - {when.sign}, abnormal - {when.sign}
    return not others.isdisjoint(when.beside) or not worse.isdisjoint(when.with_any)


def _without_replaced(rules: list[Rule]) -> list[Rule]:
    replaced = {name for rule in rules for name in rule.replaces}
    return [rule for rule in rules if rule.id not in replaced]


def _holds(when: When, facts: Facts) -> bool:
    """Whether the sign is there and each part of the condition holds. A measured number shows its sign by
    itself, whatever words stand beside it."""
    measured = when.pain_min is not None or when.temp_min is not None
    return (measured or facts.signs.get(when.sign) == Presence.PRESENT) and all(_parts(when, facts))


def _parts(when: When, facts: Facts) -> Iterator[bool]:
    sign = when.sign
    rise = None if facts.pain is None or facts.last_pain is None else facts.pain - facts.last_pain
    yield _within(facts.day, when.day_min, when.day_max)
    yield _within(facts.hours, when.hours_min, when.hours_max)
    yield _within(facts.pain, when.pain_min, when.pain_max)
    yield _within(rise, when.rise_min, None)
    yield _within(facts.temp_c, when.temp_min, None)
    yield when.temp_below is None or (facts.temp_c is not None and facts.temp_c < when.temp_below)
    yield not when.no_number or _number_of(sign, facts) is None
    yield _allowed(facts.trend.get(sign), when.trend, or_silence=when.no_trend)
    yield _allowed(facts.amount.get(sign), when.amount, or_silence=when.no_amount)
    yield when.detail is None or when.detail in facts.details
    yield when.without_detail is None or when.without_detail not in facts.details
    yield when.new is None or when.new == (sign not in facts.known)
    yield when.trait is None or holds_trait(when.trait, facts.traits)
    yield when.risk is None or when.risk in facts.risks


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _allowed(said: str | None, wanted: tuple[str, ...], *, or_silence: bool) -> bool:
    if not wanted and not or_silence:
        return True
    return said in wanted if said is not None else or_silence


def _number_of(sign: Sign, facts: Facts) -> float | None:
    return {Sign.PAIN: facts.pain, Sign.FEVER: facts.temp_c}.get(sign)


def _reason(protocol: Protocol, facts: Facts, rule: Rule) -> Reason:
    sign = rule.when.sign
    said = _said(protocol, facts, sign)
    return Reason(rule.id, sign, said, rule.reason, rule.band, rule.points, rule.source)


def _said(protocol: Protocol, facts: Facts, sign: Sign) -> str:
    """What was understood of a sign, then the patient's own words for it."""
    number = _number_of(sign, facts)
    unit = " of 10" if sign == Sign.PAIN else " °C"
    parts = [protocol.signs.get(sign, sign.value) + (f" {number:g}{unit}" if number is not None else "")]
    parts += [str(word) for word in (facts.trend.get(sign), facts.amount.get(sign)) if word]
    said = ", ".join(parts)
    return f'{said}: "{facts.words[sign]}"' if facts.words.get(sign) else said


def _worst(reasons: list[Reason]) -> Band:
    return max((reason.band for reason in reasons), default=Band.EXPECTED)


def _abnormal_signs(reasons: list[Reason]) -> tuple[Sign, ...]:
    found = (r.sign for r in reasons if r.sign is not None and r.band > Band.EXPECTED)
    return tuple(dict.fromkeys(found))


def _combined(protocol: Protocol, reasons: list[Reason]) -> list[Reason]:
    """What several findings of one band make together, where nothing is worse already."""
    made = []
    for combination in protocol.combinations:
        signs = [r.sign for r in reasons if r.sign is not None and r.band == combination.of]
        groups = {_group_of(combination, sign) for sign in signs}
        if len(groups) >= combination.count and _worst(reasons) < combination.makes:
            said = ", ".join(protocol.signs.get(sign, sign.value) for sign in dict.fromkeys(signs))
            c = combination
            made.append(Reason(c.id, None, said, c.reason, c.makes, c.points, c.source))
    return made


def _group_of(combination: Combination, sign: Sign) -> frozenset[Sign]:
    return next((group for group in combination.groups if sign in group), frozenset({sign}))


def reason_of_risk(name: str) -> str:
    """A risk factor as reasons name it.

    >>> reason_of_risk("smoking")
    'risk-smoking'
    """
    return f"risk-{name}"


def _risky(protocol: Protocol, facts: Facts, reasons: list[Reason]) -> list[Reason]:
    """Risk factors weigh only where something is abnormal: a clean answer stays clean."""
    band, lift = _worst(reasons), protocol.risk_lift
    if band == Band.EXPECTED:
        return []
    risks = [risk for name, risk in protocol.risks.items() if name in facts.risks]
    found = [
        Reason(reason_of_risk(risk.name), None, risk.name, risk.reason, Band.EXPECTED, risk.points, risk.source)
        for risk in risks
    ]
    lifting = [risk.name for risk in risks if risk.lifts]
    if band == lift.of and len(lifting) >= lift.count:
        found.append(Reason(lift.id, None, ", ".join(lifting), lift.reason, lift.makes, 0, lift.source))
    return found
