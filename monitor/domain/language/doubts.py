"""Why a person must read a text: what was guessed, left open, or may be more than it seems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.domain.language.clauses import Clause, Lead
from monitor.domain.language.heard import Heard, in_turn, is_blanket, pain_of
from monitor.domain.language.intents import review_reasons
from monitor.domain.language.kinds import Kind
from monitor.domain.language.mentions import Mention
from monitor.domain.language.quantities import is_temperature
from monitor.domain.language.unknowns import is_shaky, is_strange_complaint, is_weighty, may_hide_complaint, unknown_in
from monitor.domain.terms import Amount, Detail, Intent, Presence, Sign, Trend

_SEVERE, _MOST = 7, 10  # of the scale of pain
_FADING = frozenset({Sign.PAIN, Sign.SWELLING, Sign.REDNESS, Sign.BLEEDING})


def doubts_of(heard: Heard, *, intent: Intent, told: bool, calm: bool) -> tuple[str, ...]:
    """Why a person must read the text, but for what cannot be measured; `told` says that it told of something,
    `calm` that it answered and every sign in it was told clearly."""
    reasons = list(review_reasons(heard.clauses))
    if not told and any(Kind.OTHERS in clause.kinds and clause.signs for clause in heard.clauses):
        reasons.append("about somebody else")
    if intent is Intent.RESCHEDULE:
        reasons.append("appointment")
    if any(_is_doubted(mention, heard) or _is_late_but(mention, heard) for mention in heard.mentions):
        reasons.append("sign in doubt")
    guessed = any(_is_guessed(one, heard) for one in heard.mentions)
    if guessed or any(is_shaky(clause) for clause in heard.clauses):
        reasons.append("words not understood")
    reasons += _strange_words(heard, calm=calm)
    if _goes_on_bleeding(heard):
        reasons.append("bleeding goes on")
    if any(mention.sign is Sign.STITCHES and mention.presence is Presence.PRESENT for mention in heard.mentions):
        reasons.append("stitches")
    measured = heard.asked.question == Sign.FEVER and any(is_temperature(one) for one in heard.quantities)
    unread = heard.chosen.unread and told and not measured and not is_blanket(heard)
    if unread or _may_be_a_score(heard):
        reasons.append("number not clear")
    return tuple(dict.fromkeys(reasons))


def _may_be_a_score(heard: Heard) -> bool:
    """ "Was 2 all week, woke up today at 7": an hour or a score? Only one higher than the pain told matters."""
    pain = pain_of(heard)
    if heard.asked.question != Sign.PAIN or pain is None:
        return False
    hours = [one for clause in heard.clauses if Kind.NOW in clause.kinds for one in _labelled(clause)]
    return any(_SEVERE <= hour <= _MOST and hour > pain for hour in hours)


def _labelled(clause: Clause) -> Iterator[float]:
    """Numbers of a clause that a word like "at" makes something else of."""
    for before, item in zip(clause.items, clause.items[1:], strict=False):
        if before.kind == Kind.LABEL and item.kind == Kind.NUMBER and before.last + 1 == item.first:
            yield float(item.about)


def _is_guessed(mention: Mention, heard: Heard) -> bool:
    """Whether a sign was found only by mending a word, and no thermometer tells of it."""
    measured = mention.sign is Sign.FEVER and any(is_temperature(one) for one in heard.quantities)
    return not mention.exact and mention.presence is Presence.PRESENT and not measured


def _is_doubted(mention: Mention, heard: Heard) -> bool:
    """Whether a sign was left open; how much it hurts is not, once a score says so."""
    return mention.doubted and not (mention.sign is Sign.PAIN and pain_of(heard) is not None)


def _is_late_but(mention: Mention, heard: Heard) -> bool:
    """ "No fever, but last night I was shivering": what fades by itself apart, a person must ask."""
    there = mention.past and mention.presence is Presence.PRESENT and mention.sign not in _FADING
    return there and heard.clauses[mention.clause].lead is Lead.CONTRAST


def _goes_on_bleeding(heard: Heard) -> bool:
    """Bleeding that is said not to stop may be more than a trace on any day."""
    lasting = {Kind.PERSISTS, Kind.SAME}
    own = [m for m in heard.mentions if m.sign is Sign.BLEEDING and m.presence is Presence.PRESENT]
    open_ended = any(m.amount is not Amount.TRACE and m.trend is not Trend.BETTER for m in own)
    said = {number for number, clause in enumerate(heard.clauses) if not clause.kinds.isdisjoint(lasting)}
    return not said.isdisjoint(m.clause for m in own) or (open_ended and bool(said))


def _strange_words(heard: Heard, *, calm: bool) -> Iterator[str]:
    """Unknown words that a person must read: beside a clear and harmless answer only those that may be a complaint."""
    for clause, before in in_turn(heard):
        if calm and may_hide_complaint(clause, before):
            yield "body complaint not understood"
        if not calm and unknown_in(clause) and is_weighty(clause):
            yield "words not understood"
        if not calm and is_strange_complaint(clause):
            yield "body complaint not understood"


def unmeasured(heard: Heard, signs: Mapping[Sign, Presence], *, pain: int | None, blanket: bool) -> Iterator[str]:
    """What is not fine and cannot be scored: pain without a number, "so so", "awful"."""
    if signs.get(Sign.PAIN) is Presence.PRESENT and pain is None and Detail.SEVERE not in heard.details:
        yield "pain without a number"
    first = min((mention.clause for mention in heard.mentions), default=len(heard.clauses))
    told_first = any(_goes_on_unnamed(clause) for clause in heard.clauses[:first]) and not heard.asked.signs
    if not blanket and (told_first or any(_sounds_unwell(clause) for clause in heard.clauses)):
        yield "unwell"


def _sounds_unwell(clause: Clause) -> bool:
    return bool(clause.kinds & {Kind.VAGUE, Kind.WORSE}) and Kind.PAST not in clause.kinds and not clause.signs


def _goes_on_unnamed(clause: Clause) -> bool:
    """ "It does not stop, ...": before any sign is named, nobody knows what goes on."""
    return not clause.signs and bool(clause.kinds & {Kind.SAME, Kind.RECURS})
