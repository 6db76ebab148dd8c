"""Everything heard in a text, summed up as one Reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.domain.language.clauses import Clause
from monitor.domain.language.doubts import doubts_of, unmeasured
from monitor.domain.language.heard import Heard, in_turn, is_blanket, pain_of
from monitor.domain.language.intents import read_intent
from monitor.domain.language.items import Pause
from monitor.domain.language.kinds import Kind
from monitor.domain.language.mentions import FEVER_FROM, Mention
from monitor.domain.language.quantities import Measure, Quantity, is_temperature
from monitor.domain.language.unknowns import may_hide_complaint, unknown_in
from monitor.domain.reading import PASSED_BY, Evidence, Reading
from monitor.domain.terms import CHECKIN_OPEN, NONE, REMINDER, Amount, Detail, Intent, Presence, Sign, Trend

_FEW = 2  # words beside "better" that leave it an answer
_LONG = 4  # letters of a word that is no slip of the thumb
_IMPLIED = {Sign.HEAVY_BLEEDING: Sign.BLEEDING}
_MAY_BE_RED = frozenset(
    {"words not understood", "bleeding goes on", "sign in doubt", "body complaint not understood", "not understood"}
)
_FADING = frozenset({Sign.PAIN, Sign.SWELLING, Sign.REDNESS, Sign.BLEEDING, Sign.FEVER, Sign.SMELL})
_COURTESIES = frozenset({Intent.STOP, Intent.START, Intent.HELP, Intent.CONFIRM, Intent.THANKS})
_REQUESTS = frozenset({Intent.QUESTION, Intent.RESCHEDULE, Intent.WRONG_NUMBER})


def summarise(heard: Heard) -> Reading:
    """One reading of everything heard.

    >>> from monitor.domain.language.mentions import Mention
    >>> from monitor.domain.language.options import Chosen
    >>> from monitor.domain.language.remarks import Asked
    >>> from monitor.domain.normalise import Shape, Token
    >>> pus = Mention(Sign.PUS, Presence.PRESENT, 0, 0, 0)
    >>> heard = Heard([Token("pus", Shape.WORD, 4, 7)], [], [pus], [], Chosen(), Asked("none", ()), frozenset(), None)
    >>> summarise(heard).evidence
    (Evidence(sign=<Sign.PUS: 'pus'>, start=4, end=7),)
    """
    pain, temperature = pain_of(heard), _temperature(heard.quantities)
    signs = _signs(heard, pain=pain, temperature=temperature)
    blanket = is_blanket(heard)
    unsure = any(clause.kinds & {Kind.VAGUE, Kind.UNSURE} for clause in heard.clauses)
    numbers = (pain, temperature) != (None, None)
    told = bool(signs) or bool(_trends(heard, signs)) or numbers or blanket or unsure
    intent = read_intent(heard.clauses, question=heard.asked.question, answered=told)
    beside = intent is Intent.CONFIRM and _asks_for_no_visit(heard) and not (blanket or numbers)
    courteous = intent in _COURTESIES | _REQUESTS and not beside and not _thanks_for_more(heard, intent)
    understood = courteous or _answers(heard, signs, blanket=blanket)
    calm = understood and _is_calm(heard, signs, pain=pain)
    if any(may_hide_complaint(clause, before) for clause, before in in_turn(heard)):
        signs = _without_bare_denials(heard, signs)
    review = [
        *doubts_of(heard, intent=intent, told=told, calm=calm),
        *unmeasured(heard, signs, pain=pain, blanket=blanket),
    ]
    if beside or (not understood and told):
        review.append(PASSED_BY)
    elif not understood and _says_something(heard):
        review.append("not understood")
    return Reading(
        signs=signs,
        trend=_trends(heard, signs),
        amount=_amounts(heard, signs),
        details=heard.details,
        pain=pain,
        temp_c=temperature,
        hours_ago=_hours_ago(heard, signs),
        intent=intent,
        evidence=tuple(_evidence(heard, signs)),
        review=tuple(dict.fromkeys(review)),
        may_be_red=_may_be_red(review),
        understood=understood,
        blanket=blanket,
        by_digit=bool(heard.chosen.quantities) and bool(heard.chosen.signs),
    )


def _asks_for_no_visit(heard: Heard) -> bool:
    """Whether "I'll be there" answers nothing: no visit was spoken of, and no sign is named either."""
    named = any(not mention.bare for mention in heard.mentions)
    return heard.asked.question not in (REMINDER, NONE) and not named


def _thanks_for_more(heard: Heard, intent: Intent) -> bool:
    """ "Found it in my soup. Thanks": a thank-you under which an answer in unknown words may hide."""
    asked = heard.asked.question not in (NONE, REMINDER)
    return intent is Intent.THANKS and asked and any(clause.words for clause in heard.clauses)


def _temperature(quantities: Sequence[Quantity]) -> float | None:
    degrees = [one for one in quantities if one.measure is Measure.TEMPERATURE]
    now = [one.value for one in degrees if not one.past]
    return max(now or [one.value for one in degrees], default=None)


def _signs(heard: Heard, *, pain: int | None, temperature: float | None) -> dict[Sign, Presence]:
    signs = dict(heard.chosen.signs)
    for sign in dict.fromkeys(mention.sign for mention in heard.mentions):
        presence = _settled([mention for mention in heard.mentions if mention.sign is sign])
        if presence is not Presence.UNKNOWN:
            signs[sign] = presence
    for sign, implied in _IMPLIED.items():
        if signs.get(sign) is Presence.PRESENT and signs.get(implied) is Presence.ABSENT and _is_over(heard, sign):
            signs[sign] = Presence.ABSENT
        elif signs.get(sign) is Presence.PRESENT:
            signs[implied] = Presence.PRESENT
    if Detail.SEVERE in heard.details and signs.get(Sign.PAIN) is not Presence.ABSENT:
        signs[Sign.PAIN] = Presence.PRESENT
    if pain is not None:
        signs[Sign.PAIN] = Presence.PRESENT if pain else Presence.ABSENT
    if temperature is not None and _is_of_late(heard):
        signs[Sign.FEVER] = Presence.PRESENT if temperature >= FEVER_FROM else Presence.ABSENT
    return signs


def _without_bare_denials(heard: Heard, signs: Mapping[Sign, Presence]) -> dict[Sign, Presence]:
    """The signs less those that only a "no" or a "fine" denied, since what else was said may take it back."""
    named = {mention.sign for mention in heard.mentions if not mention.bare} | set(heard.chosen.signs)
    return {sign: said for sign, said in signs.items() if sign in named or said is Presence.PRESENT}


def _is_over(heard: Heard, sign: Sign) -> bool:
    """ "Soaked five gauzes on the first day, nothing today": the worse form was told of the past alone."""
    return all(m.past for m in heard.mentions if m.sign is sign and m.presence is Presence.PRESENT)


def _is_of_late(heard: Heard) -> bool:
    """Whether a temperature counts: measured now, or told after a denial that it takes back."""
    degrees = [one for one in heard.quantities if is_temperature(one)]
    denials = [one for one in heard.mentions if one.sign is Sign.FEVER and one.presence is Presence.ABSENT]
    return any(not one.past for one in degrees) or (bool(denials) and degrees[-1].clause > denials[-1].clause)


def _settled(mentions: Sequence[Mention]) -> Presence:
    """What several mentions of one sign come to: there now wins, then not there, then what was said last of late."""
    named = [mention for mention in mentions if not mention.bare]
    if any(not m.weak and m.presence is Presence.ABSENT for m in named):
        named = [mention for mention in named if not mention.weak]  # "no blood, even when brushing"
    elif named and all(m.past for m in named) and any(m.presence is Presence.ABSENT and not m.past for m in mentions):
        return Presence.ABSENT  # "No. I shivered on the first day"
    said = {(mention.presence, mention.past) for mention in named or mentions}  # "yes doctor, no pain"
    if (Presence.PRESENT, False) in said:
        return Presence.ABSENT if _is_gone_now(named) else Presence.PRESENT
    if (Presence.ABSENT, False) in said:
        return Presence.ABSENT
    past = [mention.presence for mention in mentions if mention.past and mention.presence is not Presence.UNKNOWN]
    return past[-1] if past else Presence.UNKNOWN


def _is_gone_now(mentions: Sequence[Mention]) -> bool:
    """ "It bled in the evening, now it does not": what fades was there before, if what was said last is of now."""
    if not mentions or mentions[0].sign not in _FADING:
        return False
    return mentions[-1].now and mentions[-1].presence is Presence.ABSENT and not any(m.now for m in mentions[:-1])


def _trends(heard: Heard, signs: Mapping[Sign, Presence]) -> dict[Sign, Trend]:
    trends = dict(heard.chosen.trend)
    trends |= {mention.sign: mention.trend for mention in heard.mentions if mention.trend is not None}
    return {sign: trend for sign, trend in trends.items() if signs.get(sign) is not Presence.ABSENT}


def _amounts(heard: Heard, signs: Mapping[Sign, Presence]) -> dict[Sign, Amount]:
    said = {m.sign: m.amount for m in heard.mentions if m.amount is not None and m.sign is Sign.BLEEDING}
    amounts = heard.chosen.amount | said
    if Sign.HEAVY_BLEEDING in signs and signs[Sign.HEAVY_BLEEDING] is Presence.PRESENT:
        amounts[Sign.BLEEDING] = Amount.MORE
    return {sign: amount for sign, amount in amounts.items() if signs.get(sign) is Presence.PRESENT}


def _answers(heard: Heard, signs: Mapping[Sign, Presence], *, blanket: bool) -> bool:
    """Whether the question was answered; an open or no question is, by anything said of the body."""
    asked = heard.asked.signs
    if blanket:
        return True
    if heard.asked.question == CHECKIN_OPEN and not signs and _is_better(heard):
        return True
    if _hours_ago(heard, signs) is not None and Sign.FELL_OUT in asked:
        return True
    told = {*signs, *_trends(heard, signs)}
    return not told.isdisjoint(asked) if asked else bool(told)


def _hours_ago(heard: Heard, signs: Mapping[Sign, Presence]) -> float | None:
    """How long ago a part came out: said so, or a bare number in answer to that question."""
    if heard.asked.question == Sign.FELL_OUT and heard.hours_ago is None:
        bare = [one.value for one in heard.quantities if one.measure is Measure.BARE]
        plain = not any(unknown_in(clause) for clause in heard.clauses)
        return bare[0] if len(bare) == 1 and plain else None
    out = heard.asked.question == Sign.FELL_OUT or signs.get(Sign.FELL_OUT) is Presence.PRESENT
    return heard.hours_ago if out else None


def _says_better(clause: Clause) -> bool:
    alone = clause.words == 0 and clause.kinds <= {Kind.RESOLVED, Kind.OPENER, Kind.NOW, Kind.MUCH}
    return (Kind.BETTER in clause.kinds and clause.words <= _FEW) or (Kind.RESOLVED in clause.kinds and alone)


def _is_better(heard: Heard) -> bool:
    """ "Getting there", "back to normal": better, and little else said that the word could belong to."""
    kinds = {kind for clause in heard.clauses for kind in clause.kinds}
    short = any(_says_better(clause) for clause in heard.clauses)
    return short and kinds.isdisjoint({Kind.SAME, Kind.WORSE, Kind.NOT})


def _is_calm(heard: Heard, signs: Mapping[Sign, Presence], *, pain: int | None) -> bool:
    """Whether every sign that is there was told clearly: pain with its number, gum going down, a trace of blood."""
    there = {sign for sign, presence in signs.items() if presence is Presence.PRESENT}
    fading = {sign for sign, trend in _trends(heard, signs).items() if trend is Trend.BETTER}
    traces = {sign for sign, amount in _amounts(heard, signs).items() if amount is Amount.TRACE}
    numbered = {Sign.PAIN} if pain is not None else set()
    return there <= numbered | (fading & {Sign.SWELLING, Sign.REDNESS}) | traces


def _says_something(heard: Heard) -> bool:
    """Whether there is more than a lone word or letter to a text that was not understood."""
    kinds = {kind for clause in heard.clauses for kind in clause.kinds}
    words = sum(clause.words for clause in heard.clauses)
    return (
        words > 1
        or bool(kinds & {Kind.BODY, Kind.PART, Kind.STITCH, Kind.IDIOM, Kind.ELSEWHERE})
        or _has_long_stranger(heard)
    )


def _has_long_stranger(heard: Heard) -> bool:
    unknown = [item for clause in heard.clauses for item in clause.items if item.kind == Pause.UNKNOWN]
    return any(len(heard.tokens[item.first].text) >= _LONG for item in unknown)


def _may_be_red(review: Sequence[str]) -> bool:
    return not _MAY_BE_RED.isdisjoint(review)


def _evidence(heard: Heard, signs: Mapping[Sign, Presence]) -> Iterator[Evidence]:
    tokens = heard.tokens
    for mention in heard.mentions:
        if signs.get(mention.sign) is mention.presence:
            yield Evidence(mention.sign, tokens[mention.first].start, tokens[mention.last].end)
    for one in heard.quantities:
        name = {Measure.PAIN: "pain_score", Measure.TEMPERATURE: "temp_c"}.get(one.measure)
        if name:
            yield Evidence(name, tokens[one.first].start, tokens[one.last].end)
    for one in heard.chosen.quantities:
        for sign in heard.chosen.signs:
            yield Evidence(sign, tokens[one.first].start, tokens[one.last].end)
