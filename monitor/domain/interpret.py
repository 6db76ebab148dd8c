"""One text of a patient, read: words in, a Reading out. Deterministic, and every finding shows its words.

tokens -> items (lexicon) -> clauses -> mentions of signs, quantities, intent -> reading
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.domain.language.clauses import Clause, cut_clauses
from monitor.domain.language.details import find_details, read_details
from monitor.domain.language.frames import FOREIGN, Frame, frames_of, without_others
from monitor.domain.language.heard import Heard
from monitor.domain.language.intents import KEYWORD_INTENTS
from monitor.domain.language.items import Item, Pause, read_items
from monitor.domain.language.keywords import read_keyword
from monitor.domain.language.kinds import Kind
from monitor.domain.language.lexicon import Lexicon
from monitor.domain.language.listing import with_lines, without_list_marks
from monitor.domain.language.mentions import Mention, measured_fever, mentions_in, pain_on_pressure
from monitor.domain.language.negation import goes_on_listing
from monitor.domain.language.options import options_of, read_options
from monitor.domain.language.quantities import Measure, Quantity, is_temperature, pains_before, read_quantities
from monitor.domain.language.remarks import Asked, asked_signs, remark_on, shown_by_answers
from monitor.domain.language.summary import summarise
from monitor.domain.language.words import unglued
from monitor.domain.normalise import Token, tokenise
from monitor.domain.protocol import Option
from monitor.domain.reading import Evidence, Reading
from monitor.domain.terms import REMINDER, Band, Detail, Disposition, Intent, Presence, Sign


def interpret(
    text: str,
    *,
    question: str,
    day: int,  # noqa: ARG001  (what a word means does not hang on the day; what follows from it does: score.py)
    language: str,
    lexicons: Mapping[str, Lexicon],
    options: tuple[Option, ...] = (),
) -> Reading:
    """What one text says, as an answer to `question` on postop day `day`. Never raises on any text.

    >>> from monitor.domain.language.lexicon import load_lexicons
    >>> from monitor.domain.terms import Sign
    >>> words = "".join(f"[signs.{sign}]\\nnames = ['{sign}']\\n" for sign in Sign)
    >>> lexicons = load_lexicons({"en.toml": words + "[negation]\\nno = ['no']\\n[joints]\\ncontrast = ['but']"})
    >>> reading = interpret("no pus but fever", question="none", day=3, language="en", lexicons=lexicons)
    >>> {sign.value: presence.value for sign, presence in reading.signs.items()}
    {'pus': 'absent', 'fever': 'present'}
    """
    tokens = unglued(with_lines(without_list_marks(tokenise(text))), lexicons)
    asked = Asked(question, asked_signs(question, options))
    items = _settle_alone(read_items(tokens, language, lexicons, asked=shown_by_answers(asked.signs)))
    word = read_keyword(tokens, lexicons)
    if word is not None:
        return _keyword_reading(word, tokens, cancels=question == REMINDER and _names(items, Kind.RESCHEDULE))
    clauses = cut_clauses(items)
    frames = frames_of(clauses)
    quantities = [
        quantity
        for number, (clause, earlier) in enumerate(zip(clauses, pains_before(clauses), strict=True))
        for quantity in read_quantities(clause, number, frames=frames[number], question=question, earlier=earlier)
    ]
    quantities = _corrected(quantities, items)
    mentions = _mentions(clauses, frames, quantities, asked=asked)
    silent = _silent_places(clauses, frames)
    told = find_details(tokens, lexicons)
    named, _ = read_details(tokens, told, silent=silent)
    details, hours_ago = read_details(tokens, told, silent=silent | _denied_places(mentions))
    if Detail.SEVERE in named - details:
        mentions = [_not_that_severe(mention) for mention in mentions]
    return summarise(
        Heard(
            tokens=tokens,
            clauses=without_others(clauses, frames),
            mentions=mentions,
            quantities=quantities,
            chosen=read_options(quantities, options_of(question, options), asked.signs),
            asked=asked,
            details=details,
            hours_ago=hours_ago,
        )
    )


def _settle_alone(items: Sequence[Item]) -> list[Item]:
    """ "n" is a no where it is the whole text; between other words it stands for "and"."""
    alone = all(item.kind in {Kind.NO_ALONE, *Pause} and item.kind != Pause.UNKNOWN for item in items)
    meant = Kind.NO if alone else Kind.JOINER
    return [replace(item, kind=meant) if item.kind == Kind.NO_ALONE else item for item in items]


def _silent_places(clauses: Sequence[Clause], frames: Sequence[Sequence[Frame]]) -> frozenset[int]:
    """Token places that say nothing of this patient's wound: idioms, other people, other parts of the body."""
    return frozenset(
        place
        for clause, row in zip(clauses, frames, strict=True)
        for item, frame in zip(clause.items, row, strict=True)
        if item.kind == Kind.IDIOM or frame.other or frame.hypothetical or not clause.kinds.isdisjoint(FOREIGN)
        for place in range(item.first, item.last + 1)
    )


def _is_of_others(clause: Clause, row: Sequence[Frame]) -> bool:
    """Whether a clause speaks of what strangers have, or of what may never be: it answers nothing."""
    own = not clause.kinds.isdisjoint({Kind.PART, Kind.NOT}) or any(item.about == Kind.THING for item in clause.items)
    return bool(row) and (row[-1].hypothetical or (row[-1].other == Kind.STRANGERS and not own))


def _corrected(quantities: Sequence[Quantity], items: Sequence[Item]) -> list[Quantity]:
    """The numbers, those that the patient takes back as past ones: "7, no wait, 5"."""
    place = max((item.first for item in items if item.kind == Kind.CORRECTS), default=-1)
    later = any(one.first > place for one in quantities)
    return [replace(one, past=True) if later and one.first < place else one for one in quantities]


def _denied_places(mentions: Sequence[Mention]) -> frozenset[int]:
    """Token places of signs that are not there: "not unbearable" is not severe."""
    gone = [mention for mention in mentions if mention.presence is Presence.ABSENT]
    return frozenset(place for mention in gone for place in range(mention.first, mention.last + 1))


def _not_that_severe(mention: Mention) -> Mention:
    """ "Not unbearable" leaves open how much it hurts."""
    denied = mention.sign is Sign.PAIN and mention.presence is Presence.ABSENT
    return replace(mention, presence=Presence.UNKNOWN, doubted=True) if denied else mention


def _names(items: Sequence[Item], kind: Kind) -> bool:
    return any(item.kind == kind for item in items)


def _keyword_reading(word: Kind, tokens: Sequence[Token], *, cancels: bool) -> Reading:
    """STOP, START or HELP; "cancel" in answer to a reminder cancels an appointment too."""
    evidence = (Evidence("intent", tokens[0].start, tokens[-1].end),)
    if cancels:
        return Reading(intent=Intent.RESCHEDULE, evidence=evidence, review=("appointment", "opted out"))
    return Reading(intent=KEYWORD_INTENTS[word], evidence=evidence)


def _mentions(
    clauses: Sequence[Clause],
    frames: Sequence[Sequence[Frame]],
    quantities: Sequence[Quantity],
    *,
    asked: Asked,
) -> list[Mention]:
    """The signs spoken of in all clauses, each clause read in the light of those before it."""
    mentions: list[Mention] = []
    before, denied = None, frozenset[int]()
    fevers: dict[int, list[Mention]] = {}
    scored = {one.clause for one in quantities if one.measure is Measure.PAIN and one.value > 0}
    for one in filter(is_temperature, quantities):
        fevers.setdefault(one.clause, []).append(measured_fever(one))
    for number, clause in enumerate(clauses):
        goes_on = before is not None and goes_on_listing(clause, before, denied)
        own, denied = mentions_in(clause, number, frames=frames[number], goes_on=goes_on)
        own += fevers.get(number, [])
        own += pain_on_pressure(clause, number, [*mentions, *own], scored=number in scored)
        if own or clause.signs:
            mentions += own
        elif not _is_of_others(clause, frames[number]):
            self_asked = before is not None and before.asked and bool(before.signs)
            mentions = remark_on(clause, number, mentions, asked=asked, self_asked=self_asked)
        before = clause
    return mentions


def dispose(reading: Reading, band: Band) -> Disposition:
    """What happens next with a reply of this band.

    >>> dispose(Reading(understood=False), Band.EXPECTED), dispose(Reading(), Band.SOON)
    (<Disposition.ASK: 'ask'>, <Disposition.ALERT: 'alert'>)
    """
    if band >= Band.SOON:
        return Disposition.ALERT
    if reading.review:
        return Disposition.REVIEW
    if not reading.understood:
        return Disposition.ASK
    return Disposition.CLOSE
