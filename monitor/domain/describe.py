"""A protocol in plain words, for a dentist to read and a clinic to print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from monitor.domain.protocol import Protocol, Question, Rule, Step, When, need_of
from monitor.domain.score import reason_of_risk
from monitor.domain.terms import Sign


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
        for rule in rules_of(protocol, sign):
            yield from _rule(rule)


def rules_of(protocol: Protocol, sign: Sign) -> list[Rule]:
    """The rules about a sign, by the days on which they begin to hold."""
    rules = [rule for rule in protocol.rules if rule.when.sign == sign]
    return sorted(rules, key=lambda rule: (rule.when.day_min or 0, rule.band))


def names_in_reasons(protocol: Protocol) -> frozenset[str]:
    """All that a reason can name of a protocol: its rules, what findings make together, its risk factors. A reason
    may name something else, which no protocol holds: that nobody answered, that a person must read a text."""
    together = [*(made.id for made in protocol.combinations), protocol.risk_lift.id]
    return frozenset([*(rule.id for rule in protocol.rules), *together, *map(reason_of_risk, protocol.risks)])


def _rule(rule: Rule) -> Iterator[str]:
    marks = marks_of(rule)
    yield f"  {rule.band:<10} {days_of(rule.when):<11} {rule.reason}" + (f" [{', '.join(marks)}]" if marks else "")
    yield f"{'':25}{rule.id}, {points_of(rule.points)}; {rule.source}"
    if condition := condition_of(rule.when):
        yield f"{'':25}when {condition}"
    if rule.replaces:
        yield f"{'':25}instead of {', '.join(rule.replaces)}"


def marks_of(rule: Rule) -> list[str]:
    """What is special about a rule: paged at night too, lost by the hour, asks further."""
    marks = [mark for mark, on in (("also at night", rule.at_night), ("by the hour", rule.clock)) if on]
    return marks + ([f"asks {rule.ask}"] if rule.ask else [])


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


PARTS: Mapping[str, str] = {
    "trend": "{}",
    "no_trend": "no word on better or worse",
    "amount": "{} of it",
    "no_amount": "no word on how much",
    "detail": "with {}",
    "without_detail": "without {}",
    "pain_min": "pain {} or more",
    "pain_max": "pain {} or less",
    "rise_min": "risen by {} or more since it was last scored",
    "temp_min": "{} °C or more",
    "temp_below": "below {} °C",
    "no_number": "no number given",
    "hours_min": "{} hours after surgery or later",
    "hours_max": "within {} hours of surgery",
    "with_any": "{} not as it should be, too",
    "beside": "{} there, too",
    "trait": "{}",
    "risk": "risk factor {}",
}
EITHER = {"no_trend": "trend", "no_amount": "amount"}  # beside these, silence is as good as the word


def condition_of(when: When) -> str:
    """The parts of a condition beside sign and days.

    >>> from monitor.domain.terms import Sign, Trend
    >>> condition_of(When(Sign.PAIN, day_min=4, pain_min=4, rise_min=3))
    'pain 4 or more, risen by 3 or more since it was last scored'
    >>> condition_of(When(Sign.SWELLING, trend=(Trend.SAME,), no_trend=True))
    'same, or no word on better or worse'
    """
    skipped = {"sign", "day_min", "day_max"}
    parts = [part for part in fields(When) if part.name not in skipped]
    given = {part.name: value for part in parts if (value := getattr(when, part.name)) != part.default}
    either = {name: "or " for name, other in EITHER.items() if other in given}
    return ", ".join(either.get(name, "") + _part(name, value) for name, value in given.items())


def _part(name: str, value: object) -> str:
    if name == "new":
        return "never reported before" if value else "reported before"
    words = " or ".join(value) if isinstance(value, tuple) else value
    return PARTS[name].format(f"{words:g}" if isinstance(words, float) else str(words).replace("_", " "))


def points_of(points: int) -> str:
    """
    >>> points_of(1), points_of(5)
    ('1 point', '5 points')
    """
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
        yield f"  {risk.name:<18} {points_of(risk.points)}{lifts}: {risk.reason} {risk.source}"


def _calendar(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Calendar")
    for step in protocol.steps:
        yield f"  {when_due(step):<34} {step.key:<18} {step.message}; {step.source}"


def when_due(step: Step) -> str:
    """When a text of the calendar is due, and for whom.

    >>> from datetime import time
    >>> from monitor.domain.protocol import StepKind
    >>> when_due(Step("care", StepKind.CARE, "step.care", "S0", at=time(18), needs="flap"))
    'day 0 at 18:00, if flap'
    """
    due = f"month {step.months}" if step.months else f"day {step.days}"
    due += f" at {step.at:%H:%M}" if step.at else ""
    due += f", then every {step.repeat_months} months" if step.repeat_months else ""
    return due + (f", if {step.needs}" if step.needs else "")


def _questions(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Questions")
    for question in protocol.questions.values():
        after = f", after {question.after}" if question.after else ""
        yield f"  {question.name:<12} {question.message}{after} {digits_of(question)}"


def digits_of(question: Question) -> str:
    """What each digit of a question means.

    >>> from monitor.domain.protocol import Option
    >>> from monitor.domain.terms import Sign, Trend
    >>> digits_of(Question("gum", "ask.gum", (), (Option(0, absent=True), Option(3, trend=Trend.WORSE))))
    '0 none, 3 worse'
    """
    said = ((o.digit, o.sign if o.amount is None else o.amount, o.trend) for o in question.options)
    return ", ".join(f"{digit} {sign or trend or 'none'}" for digit, sign, trend in said)


def _outcomes(protocol: Protocol) -> Iterator[str]:
    yield from ("", "Outcomes")
    for key, outcome in protocol.outcomes.items():
        needed = need_of(key, protocol.outcomes)
        yield f"  {key:<18} {outcome.words}" + (f"; the patient needed {needed}" if needed else "")
