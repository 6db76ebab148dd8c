"""A protocol in plain words, for a dentist to read and a clinic to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from monitor.domain.protocol import Protocol, Question, Rule, Step, When


def describe(protocol: Protocol) -> str:
    """Signs with their rules, what findings make together, risk factors, calendar, questions and outcomes.

    >>> from monitor.domain.protocol import RiskLift
    >>> from monitor.domain.terms import Band, Sign
    >>> pus = Rule("pus", When(Sign.PUS), Band.URGENT, 5, "Pus on any day.", "S0")
    >>> lift = RiskLift("two-risks", 2, Band.SOON, Band.URGENT, "Two risk factors.", "S0")
    >>> names = {Sign.PUS: "pus"}
    >>> text = describe(Protocol("tiny", names, frozenset(names), (pus,), (), {}, lift, (), {}, {}, 7))
    >>> "urgent     any day     Pus on any day." in text
    True
    """
    parts = (_signs, _together, _risks, _calendar, _questions, _outcomes)
    lines = [f"Protocol {protocol.name}", *(line for part in parts for line in part(protocol))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _signs(protocol: Protocol) -> Iterator[str]:
    for sign, name in protocol.signs.items():
        yield ""
        yield f"{name} ({sign})" + (" - a red sign, never filed as fine" if sign in protocol.red else "")
        rules = [rule for rule in protocol.rules if rule.when.sign == sign]
        for rule in sorted(rules, key=lambda rule: (rule.when.day_min or 0, rule.band)):
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    marks = [mark for mark, on in (("also at night", rule.at_night), ("by the hour", rule.clock)) if on]
    marks += [f"asks {rule.ask}"] if rule.ask else []
    yield f"  {rule.band:<10} {days_of(rule.when):<11} {rule.reason}" + (f" [{', '.join(marks)}]" if marks else "")
    yield f"{'':25}{rule.id}, {_points(rule.points)}; {rule.source}"
    if condition := condition_of(rule.when):
        yield f"{'':25}when {condition}"
    if rule.replaces:
        yield f"{'':25}instead of {', '.join(rule.replaces)}"


def days_of(when: When) -> str:
    """The days on which a rule holds.

    >>> from monitor.domain.terms import Sign
    >>> days_of(When(Sign.PAIN, day_min=7, day_max=13)), days_of(When(Sign.PAIN, day_max=3))
    ('day 7-13', 'to day 3')
    """
    low, high = when.day_min, when.day_max
    if low is None:
        return "any day" if high is None else f"to day {high}"
    if high is None:
        return f"from day {low}"
    return f"day {low}" if low == high else f"day {low}-{high}"


def condition_of(when: When) -> str:
    """The parts of a condition beside sign and days.

    >>> from monitor.domain.terms import Sign
    >>> condition_of(When(Sign.PAIN, day_min=4, pain_min=7))
    'pain_min 7'
    """
    skipped = {"sign", "day_min", "day_max"}
    parts = [part for part in fields(When) if part.name not in skipped]
    given = [(part.name, getattr(when, part.name)) for part in parts if getattr(when, part.name) != part.default]
    return ", ".join(_part(name, value) for name, value in given)


def _part(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return f"{name} {' or '.join(value) if isinstance(value, tuple) else value}"


def _points(points: int) -> str:
    return f"{points} point" if points == 1 else f"{points} points"


def _together(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Findings together")
    lift = protocol.risk_lift
    for made in protocol.combinations:
        yield f"  {made.count} of {made.of} make {made.makes}: {made.reason} {made.id}; {made.source}"
    yield f"  {lift.count} risk factors, {lift.of} makes {lift.makes}: {lift.reason} {lift.id}; {lift.source}"


def _risks(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Risk factors")
    for risk in protocol.risks.values():
        lifts = ", lifts" if risk.lifts else ""
        yield f"  {risk.name:<18} {_points(risk.points)}{lifts}: {risk.reason} {risk.source}"


def _calendar(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Calendar")
    for step in protocol.steps:
        yield f"  {_when_due(step):<34} {step.key:<18} {step.message}; {step.source}"


def _when_due(step: Step) -> str:
    due = f"month {step.months}" if step.months else f"day {step.days}"
    due += f" at {step.at:%H:%M}" if step.at else ""
    due += f", then every {step.repeat_months} months" if step.repeat_months else ""
    return due + (f", if {step.needs}" if step.needs else "")


def _questions(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Questions")
    for question in protocol.questions.values():
        after = f", after {question.after}" if question.after else ""
        yield f"  {question.name:<12} {question.message}{after} {_digits(question)}"


def _digits(question: Question) -> str:
    said = ((o.digit, o.sign if o.amount is None else o.amount, o.trend) for o in question.options)
    return ", ".join(f"{digit} {sign or trend or 'none'}" for digit, sign, trend in said)


def _outcomes(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Outcomes")
    for key, words in protocol.outcomes.items():
        yield f"  {key:<18} {words}"
