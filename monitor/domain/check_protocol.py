"""What is wrong with a protocol though each part of it is well formed: the parts contradict each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from monitor.domain.check_rules import PAIN, Fault, check_rules, knows_trait
from monitor.domain.check_texts import check_texts
from monitor.domain.messages import Catalogue
from monitor.domain.protocol import NOT_REACHED, TRAITS, Protocol, Question, Step, StepKind
from monitor.domain.score import reason_of_risk
from monitor.domain.terms import CHECKIN_OPEN, GUM, NONE, QUESTIONS, REMINDER, SIGNS
from monitor.errors import ProtocolError

LETTERS = 26
CHECKIN_QUESTIONS = ("pain", GUM, SIGNS)
OPEN_QUESTIONS = (
    CHECKIN_OPEN,
    REMINDER,
    NONE,
)  # what a step's text may ask without being a question of its own


def check_protocol(protocol: Protocol, *, file: str, catalogues: Mapping[str, Catalogue]) -> list[ProtocolError]:
    """Every contradiction, each with file, key, what was found and what is allowed; empty when there is none.

    `catalogues` are the texts by language, checked against the steps and questions that send them.
    """
    faults = [
        *_repeated(protocol),
        *check_rules(protocol),
        *_combinations(protocol),
        *_risks(protocol),
        *_steps(protocol),
        *_questions(protocol),
        *_rest(protocol),
    ]
    return [ProtocolError(file, *fault) for fault in faults] + check_texts(protocol, catalogues)


def _repeated(protocol: Protocol) -> Iterator[Fault]:
    ids = [rule.id for rule in protocol.rules] + [c.id for c in protocol.combinations] + [protocol.risk_lift.id]
    ids += map(reason_of_risk, protocol.risks)
    for name in _twice(ids):
        yield f"rules[{name}].id", name, "an id that stands only once"
    for key in _twice(step.key for step in protocol.steps):
        yield f"steps[{key}].key", key, "a key that stands only once"


def _twice(names: Iterable[object]) -> list[object]:
    return [name for name, count in Counter(names).items() if count > 1]


def _combinations(protocol: Protocol) -> Iterator[Fault]:
    for made in protocol.combinations:
        at = f"combinations[{made.id}]"
        if made.count < 2:
            yield f"{at}.count", made.count, "2 or more"
        if made.makes <= made.of:
            yield f"{at}.makes", made.makes.value, f"more than {made.of.value}"
        yield from _explained(at, made.reason, made.source, points=made.points)


def _risks(protocol: Protocol) -> Iterator[Fault]:
    lift, lifting = protocol.risk_lift, [risk for risk in protocol.risks.values() if risk.lifts]
    for risk in protocol.risks.values():
        yield from _explained(f"risks[{risk.name}]", risk.reason, risk.source, points=risk.points)
    if not 1 <= lift.count <= len(lifting):
        yield "risk_lift.count", lift.count, f"1 to {len(lifting)}, the risk factors that lift"
    if lift.makes <= lift.of:
        yield "risk_lift.makes", lift.makes.value, f"more than {lift.of.value}"
    yield from _explained("risk_lift", lift.reason, lift.source)


def _explained(at: str, reason: str, source: str, *, points: int = 0) -> Iterator[Fault]:
    if points < 0:
        yield f"{at}.points", points, "0 or more"
    for name, words in (("reason", reason), ("source", source)):
        if not words.strip():
            yield f"{at}.{name}", "nothing", "words"


def _steps(protocol: Protocol) -> Iterator[Fault]:
    for step in protocol.steps:
        for key, found, allowed in (*_timing(step), *_purpose(protocol, step)):
            yield f"steps[{step.key}].{key}", found, allowed


def _timing(step: Step) -> Iterator[Fault]:
    if step.days < 0 or step.months < 0:
        yield "days", min(step.days, step.months), "0 or more"
    if step.expires_days < 0:
        yield "expires_days", step.expires_days, "0 or more: it would expire before it is due"
    if step.repeat_months is not None and step.repeat_months < 1:
        yield "repeat_months", step.repeat_months, "1 or more"


def _purpose(protocol: Protocol, step: Step) -> Iterator[Fault]:
    asked = [*protocol.questions, *OPEN_QUESTIONS]
    if step.question is not None and step.question not in asked:
        yield "question", step.question, "one of " + ", ".join(asked)
    if step.kind == StepKind.CHECKIN and step.question not in CHECKIN_QUESTIONS:
        yield "question", step.question, "one of " + ", ".join(CHECKIN_QUESTIONS)
    if step.needs is not None and not (step.needs in TRAITS or knows_trait(step.needs)):
        yield "needs", step.needs, "one of " + ", ".join(sorted(TRAITS))
    if not step.source.strip():
        yield "source", "nothing", "words"


def _questions(protocol: Protocol) -> Iterator[Fault]:
    for name in CHECKIN_QUESTIONS:
        if name not in protocol.questions or protocol.questions[name].after is not None:
            yield f"questions[{name}]", "nothing", "a question without `after`: every check-in asks it"
    called = {rule.ask for rule in protocol.rules}
    for name, question in protocol.questions.items():
        if question.after is None and name not in QUESTIONS:
            yield f"questions[{name}].name", name, "a sign, gum or signs, or a follow-up with `after`"
        if question.after is not None and name not in called:
            yield f"questions[{name}]", "no rule asks it", "at least one rule with `ask`"
        yield from _options(question)


def _options(question: Question) -> Iterator[Fault]:
    at = f"questions[{question.name}].options"
    for digit in _twice(option.digit for option in question.options):
        yield at, digit, "each digit once"
    for option in question.options:
        if option.sign is not None and option.sign not in question.signs:
            yield at, option.sign.value, "one of the question's signs"
        if not (option.absent or option.sign or option.trend or option.amount):
            yield at, option.digit, "a digit that says something: absent, sign, trend or amount"
        if option.digit < 0:
            yield at, option.digit, "0 or more"


def _rest(protocol: Protocol) -> Iterator[Fault]:
    if not PAIN[0] <= protocol.severe_pain <= PAIN[1]:
        yield "severe_pain", protocol.severe_pain, f"{PAIN[0]} to {PAIN[1]}"
    yield from _outcomes(protocol)
    for sign in sorted(protocol.red - protocol.signs.keys()):
        yield "red", sign.value, "a sign with a name under [signs]"


def _outcomes(protocol: Protocol) -> Iterator[Fault]:
    if not 0 < len(protocol.outcomes) <= LETTERS:
        yield "outcomes", len(protocol.outcomes) or "nothing", f"1 to {LETTERS}: staff choose one by its letter"
    for key, outcome in protocol.outcomes.items():
        if not outcome.words.strip():
            yield f"outcomes.{key}.words", "nothing", "words"
        if key == NOT_REACHED and outcome.needed is not None:
            yield f"outcomes.{key}.needed", outcome.needed.value, "no mark: nobody knows yet, and paging goes on"
