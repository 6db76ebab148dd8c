"""What to say next: the reading and the findings so far in, the texts to send out.

read ── red sign ── tell who calls by when ── ask about it (how long ago? how high?)
  │                                               │
  ├── not readable ── ask again once ── then a person reads it
  └── answered ── say back what was read + next open question ── … ── close: what happens next
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from monitor.domain.findings import Findings, is_clinical
from monitor.domain.protocol import Protocol, Question
from monitor.domain.reading import Reading
from monitor.domain.terms import GUM, SIGNS, Band, Detail, Disposition, Intent, Presence, Sign, Trend

MAIN_QUESTIONS = ("pain", GUM, SIGNS)
FOLLOW_UP_OF = {"temperature": "fever", "amount": "bleeding", "when_out": "fell_out", "gum_trend": GUM}


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Where a conversation stands before this text: the question it answers, and what was asked already.

    `in_checkin`: the main questions are still wanted. `told` is the band the patient already knows somebody
    calls about.
    """

    question: str | None
    asked: Set[str] = frozenset()
    answered: Set[str] = frozenset()
    in_checkin: bool = False
    reasked: bool = False
    told: Band | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One text to send: message keys in order, joined by a blank; `ask` is the question it asks."""

    keys: tuple[str, ...]
    ask: Question | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer to one text. `answered` are the questions that count as answered from now on; `over`
    closes the check-in; `give_up` says that a person must read what we could not."""

    lines: tuple[Line, ...] = ()
    answered: frozenset[str] = frozenset()
    over: bool = False
    reasked: bool = False
    give_up: bool = False


def interpreted_as(question: Question | None) -> str:
    """The name under which the interpreter knows a question: a follow-up is about its sign.

    >>> interpreted_as(None)
    'none'
    """
    if question is None:
        return "none"
    return FOLLOW_UP_OF.get(question.name, question.name)


def decide_turn(
    protocol: Protocol,
    dialogue: Dialogue,
    reading: Reading,
    *,
    findings: Findings,
    band: Band,
    disposition: Disposition,
    follow_ups: Set[str] = frozenset(),
    bare_number: bool = False,
) -> Turn:
    """What to say to a text that asks for more than its own effect. `findings` already hold this reading;
    `follow_ups` are the questions that the rules which fired call for."""
    answered = dialogue.answered | _answers(protocol, dialogue, reading, findings)
    # Somebody who reports an emergency is answered each time: it may be another one.
    if band == Band.EMERGENCY and (dialogue.told != Band.EMERGENCY or reading.present()):
        lines = (Line(("close.emergency",), urgent=True), *_perhaps_mistyped(protocol, reading))
        return Turn(lines, frozenset(answered), over=True)
    if disposition == Disposition.ASK and not _says_something(dialogue, reading):
        return _ask_again(protocol, dialogue, frozenset(answered), bare_number=bare_number)
    following = _next_question(protocol, dialogue, findings, answered=answered, follow_ups=follow_ups)
    told = _tell(dialogue, band, disposition, more_to_ask=following is not None)
    if following is None:
        told = (*told, *_perhaps_mistyped(protocol, reading)) if told else ()
        return _close(dialogue, reading, band, told, answered=frozenset(answered))
    said = tuple(_say_back(reading)) if not told or reading.by_digit else ()
    lines = (*told, Line((*said, following.message), following))
    again = following.name == dialogue.question
    return Turn(lines, frozenset(answered), reasked=again)


def _says_something(dialogue: Dialogue, reading: Reading) -> bool:
    """Whether a text that does not answer what was asked was read all the same: then the question simply
    comes again, without a "we could not read that"."""
    return is_clinical(reading) or (dialogue.question == "when_out" and reading.hours_ago is not None)


def _answers(protocol: Protocol, dialogue: Dialogue, reading: Reading, findings: Findings) -> frozenset[str]:
    """Which main questions are answered by what is known now."""
    done = set()
    if findings.pain is not None or (Sign.PAIN in findings.signs and not findings.has(Sign.PAIN)):
        done.add("pain")
    if Detail.SEVERE in findings.details:
        done.add("pain")
    if any(s in findings.trend or findings.signs.get(s) == Presence.ABSENT for s in (Sign.SWELLING, Sign.REDNESS)):
        done.add(GUM)
    asked = protocol.questions.get(dialogue.question or "")
    if asked is not None and (reading.blanket or _touches(asked, reading)) and asked.name != "pain":
        done.add(asked.name)
    if reading.blanket:
        done |= {"pain", SIGNS} if dialogue.question == SIGNS else {"pain"}
    return frozenset(done)


def _touches(question: Question, reading: Reading) -> bool:
    about = set(reading.signs) | set(reading.trend)
    return bool(about & set(question.signs)) or (question.name == "temperature" and reading.temp_c is not None)


def _next_question(
    protocol: Protocol, dialogue: Dialogue, findings: Findings, *, answered: Set[str], follow_ups: Set[str]
) -> Question | None:
    for question in protocol.questions.values():
        follows = question.after is not None and question.name in follow_ups
        if follows and question.name not in dialogue.asked and not _known(question, findings):
            return question
    if not dialogue.in_checkin:
        return None
    for name in MAIN_QUESTIONS:
        # Each main question is asked at most twice: once, and once more where the answer passed it by.
        if name not in answered and not (name in dialogue.asked and dialogue.reasked):
            return protocol.questions[name]
    return None


def _known(question: Question, findings: Findings) -> bool:
    match question.name:
        case "temperature":
            return findings.temp_c is not None
        case "amount":
            return Sign.BLEEDING in findings.amount
        case "when_out":
            return findings.hours_ago is not None
        case _:
            return any(s in findings.trend for s in question.signs)


def _ask_again(protocol: Protocol, dialogue: Dialogue, answered: frozenset[str], *, bare_number: bool) -> Turn:
    """An unreadable text is asked about once; then a person reads it."""
    question = protocol.questions.get(dialogue.question or "")
    if dialogue.reasked:
        return Turn((Line(("close.review",)),), answered, over=True, give_up=True)
    if question is not None:
        return Turn((Line(("ask.again", question.message), question),), answered, reasked=True)
    return Turn((Line(("ask.number" if bare_number else "ask.again_open",)),), answered, reasked=True)


def _tell(dialogue: Dialogue, band: Band, disposition: Disposition, *, more_to_ask: bool) -> tuple[Line, ...]:
    """That the team knows and calls by when: at once for what is urgent or was asked of us, at the end of
    the check-in for what can wait."""
    if dialogue.told is not None and dialogue.told >= band and not _ends(dialogue, more_to_ask):
        return ()
    if disposition == Disposition.ALERT and band >= Band.URGENT:
        return (Line(("close.urgent",), urgent=True),)
    if disposition == Disposition.REVIEW:
        return (Line(("close.review",)),)
    if disposition == Disposition.ALERT and not more_to_ask:
        return (Line(("close.soon",)),)
    return ()


def _ends(dialogue: Dialogue, more_to_ask: bool) -> bool:
    return dialogue.in_checkin and not more_to_ask


def _close(
    dialogue: Dialogue,
    reading: Reading,
    band: Band,
    told: tuple[Line, ...],
    *,
    answered: frozenset[str],
) -> Turn:
    """The last words of a check-in, or of a text that nobody had asked for. What was never answered
    goes to a person."""
    missing = dialogue.in_checkin and not answered.issuperset(MAIN_QUESTIONS) and band != Band.EMERGENCY
    if told:
        return Turn(told, answered, over=True, give_up=missing)
    if missing:
        return Turn((Line(("close.review",)),), answered, over=True, give_up=True)
    courtesy = reading.intent in {Intent.THANKS, Intent.CONFIRM} and not is_clinical(reading)
    says_something = is_clinical(reading) or (reading.blanket and dialogue.question is not None)
    wanted = dialogue.in_checkin or (says_something and not courtesy and dialogue.told is None)
    return Turn((Line(("close.expected",)),) if wanted else (), answered, over=True)


def _perhaps_mistyped(protocol: Protocol, reading: Reading) -> Iterator[Line]:
    """A red sign chosen by a lone digit is said back once more, with a way to correct it."""
    if reading.by_digit and not protocol.red.isdisjoint(reading.present()):
        yield Line(("said.digit",))


def _say_back(reading: Reading) -> Iterator[str]:
    """Keys of what was read, said back: a lone digit is easily mistyped."""
    if reading.by_digit and reading.present() and not reading.trend:
        yield "said.digit"
    elif reading.pain is not None or reading.signs.get(Sign.PAIN) == Presence.ABSENT:
        yield "said.pain"
    elif reading.temp_c is not None:
        yield "said.temperature"
    elif gum := _gum_said(reading):
        yield f"said.gum.{gum}"
    elif reading.present():
        yield "said.found"


def _gum_said(reading: Reading) -> str | None:
    both = (Sign.SWELLING, Sign.REDNESS)
    for trend in (Trend.WORSE, Trend.SAME, Trend.BETTER):
        if any(reading.trend.get(s) == trend for s in both):
            return str(trend)
    return "gone" if any(reading.signs.get(s) == Presence.ABSENT for s in both) else None
