"""What is wrong with the rules of a protocol, though each is well formed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import product
from typing import Any

from monitor.domain.protocol import TRAITS, Protocol, Rule, When
from monitor.domain.score import Facts, assess
from monitor.domain.terms import Band, Presence, Sign

Fault = tuple[str, object, str]  # key, found, allowed
PAIN = (0, 10)
TEMPERATURE = (35.0, 43.0)
LAST_DAY = 20000  # a text is scored for as long as anybody lives


def check_rules(protocol: Protocol) -> Iterator[Fault]:
    """Every fault of every rule, then what the rules leave open together."""
    for number, rule in enumerate(protocol.rules):
        faults = (
            *_names(protocol, rule),
            *_limits(rule.when),
            *_worth(rule),
            *_shadows(protocol, rule, number),
        )
        for key, found, allowed in faults:
            yield f"rules[{rule.id}].{key}", found, allowed
    yield from _unread(protocol)
    yield from _silent_days(protocol)


def knows_trait(trait: str) -> bool:
    """Whether a trait, or what "not_" negates, is one that episodes have.

    >>> knows_trait("flap"), knows_trait("not_flap"), knows_trait("flab")
    (True, True, False)
    """
    return trait in TRAITS or trait.removeprefix("not_") in TRAITS


def _names(protocol: Protocol, rule: Rule) -> Iterator[Fault]:
    """Names that stand for nothing."""
    followed = [name for name, question in protocol.questions.items() if question.after is not None]
    same_sign = [other.id for other in protocol.rules if other.when.sign == rule.when.sign and other is not rule]
    if rule.ask is not None and rule.ask not in followed:
        yield "ask", rule.ask, "a question with `after`: " + ", ".join(followed)
    if rule.when.trait is not None and not knows_trait(rule.when.trait):
        yield (
            "when.trait",
            rule.when.trait,
            "one of " + ", ".join(sorted(TRAITS)) + ", or not_ and one of them",
        )
    if rule.when.risk is not None and rule.when.risk not in protocol.risks:
        yield "when.risk", rule.when.risk, "one of " + ", ".join(protocol.risks)
    for name in rule.replaces:
        if name not in same_sign:
            yield "replaces", name, "another rule of the same sign: " + ", ".join(same_sign)


def _limits(when: When) -> Iterator[Fault]:
    """Thresholds that nothing can meet."""
    for name in ("pain_min", "pain_max", "rise_min"):
        yield from _outside(name, getattr(when, name), PAIN)
    for name in ("temp_min", "temp_below"):
        yield from _outside(name, getattr(when, name), TEMPERATURE)
    for name in ("day_min", "day_max", "hours_min", "hours_max"):
        yield from _outside(name, getattr(when, name), (0, LAST_DAY))
    for low, high in (("day_min", "day_max"), ("pain_min", "pain_max"), ("hours_min", "hours_max")):
        yield from _crossed(low, getattr(when, low), high, getattr(when, high))
    if when.temp_min is not None and when.temp_below is not None and when.temp_min >= when.temp_below:
        yield "when.temp_min", when.temp_min, f"less than temp_below, {when.temp_below}"
    yield from _wrong_sign(when)


def _outside(name: str, value: float | None, limits: tuple[float, float]) -> Iterator[Fault]:
    if value is not None and not limits[0] <= value <= limits[1]:
        yield f"when.{name}", value, f"{limits[0]} to {limits[1]}"


def _crossed(low: str, least: float | None, high: str, most: float | None) -> Iterator[Fault]:
    if least is not None and most is not None and least > most:
        yield f"when.{low}", least, f"at most {high}, {most}: no day or number is both"


def _wrong_sign(when: When) -> Iterator[Fault]:
    measured = {
        "pain": (when.pain_min, when.pain_max, when.rise_min),
        "fever": (when.temp_min, when.temp_below),
    }
    given = {name for name, values in measured.items() if any(value is not None for value in values)}
    for name in sorted(given - {when.sign.value}):
        yield "when.sign", when.sign.value, f"{name}: the rule reads a number that only {name} has"
    if when.no_number and (given or when.sign.value not in measured):
        yield "when.no_number", True, "only for pain or fever, and without a limit on the number"
    if when.sign in (*when.with_any, *when.beside):
        yield "when.with_any", when.sign.value, "signs other than the rule's own"


def _worth(rule: Rule) -> Iterator[Fault]:
    """Band, points and the words that explain them."""
    if rule.points < 0:
        yield "points", rule.points, "0 or more"
    for name in ("id", "reason", "source"):
        if not getattr(rule, name).strip():
            yield name, "nothing", "words"
    if (rule.at_night or rule.clock) and rule.band < Band.URGENT:
        yield "at_night", rule.band.value, "urgent or emergency, since nobody is paged at night for less"


def _shadows(protocol: Protocol, rule: Rule, number: int) -> Iterator[Fault]:
    """A rule that can never count: one before it says the same, or one that holds with it replaces it."""
    for earlier in protocol.rules[:number]:
        if earlier.when == rule.when:
            yield "when", "the same as in " + earlier.id, "a condition that no other rule has"
    for other in protocol.rules:
        if rule.id in other.replaces and other.id in rule.replaces:
            yield "replaces", other.id, "a rule that does not replace this one: both would vanish"
        elif rule.id in other.replaces and _covers(other.when, rule.when):
            yield "id", "always replaced by " + other.id, "a condition under which this rule is left standing"


def _covers(wide: When, narrow: When) -> bool:
    """Whether the wide condition surely holds wherever the narrow one does."""
    words = ("trend", "no_trend", "amount", "no_amount")
    return (
        _words_cover(_words(wide.trend, wide.no_trend), _words(narrow.trend, narrow.no_trend))
        and _words_cover(_words(wide.amount, wide.no_amount), _words(narrow.amount, narrow.no_amount))
        and all(
            _part_covers(part.name, getattr(wide, part.name), getattr(narrow, part.name), default=part.default)
            for part in fields(When)
            if part.name not in words
        )
    )


def _words(said: tuple[str, ...], or_silence: bool) -> frozenset[str]:
    return frozenset(said) | ({"(nothing)"} if or_silence else set())


def _words_cover(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return not wide or (bool(narrow) and narrow <= wide)


def _part_covers(name: str, wide: Any, narrow: Any, *, default: object) -> bool:
    if wide in (narrow, default):
        return True
    if name.endswith("_min"):
        return narrow is not None and narrow >= wide
    return name.endswith(("_max", "_below")) and narrow is not None and narrow <= wide


def _unread(protocol: Protocol) -> Iterator[Fault]:
    read = {rule.when.sign for rule in protocol.rules}
    for sign in Sign:
        if sign not in protocol.signs:
            yield f"signs.{sign}", "nothing", "the name that staff read"
        if sign not in read:
            yield f"signs.{sign}", "no rule reads it", "at least one rule"


def _silent_days(protocol: Protocol) -> Iterator[Fault]:
    """A red sign must never be filed as fine: each is tried on both sides of every boundary."""
    for sign in sorted(protocol.red):
        rules = [rule.when for rule in protocol.rules if rule.when.sign == sign]
        days = {0, LAST_DAY} | {
            d + step for w in rules for d in (w.day_min, w.day_max) if d is not None for step in (-1, 0, 1)
        }
        traits = {frozenset({w.trait.removeprefix("not_")}) for w in rules if w.trait} | {frozenset[str]()}
        for day, trait, known in product(sorted(d for d in days if d >= 0), traits, (frozenset[Sign](), {sign})):
            facts = Facts(day, signs={sign: Presence.PRESENT}, traits=trait, known=frozenset(known))
            band = assess(protocol, facts).band
            if band < Band.SOON:
                yield f"red.{sign}", f"{band.value} on day {day}", "a rule of soon or above on every day"
                break
