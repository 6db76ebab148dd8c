"""Every sign that a text speaks of, and what it says of it: there, not there, better, a trace, long past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.domain.language.clauses import Clause, Lead
from monitor.domain.language.frames import FOREIGN, SUBJECTS, Frame
from monitor.domain.language.items import Item, Pause
from monitor.domain.language.kinds import Kind
from monitor.domain.language.negation import denied_places
from monitor.domain.language.quantities import Quantity
from monitor.domain.terms import Amount, Presence, Sign, Trend


@dataclass(frozen=True, slots=True)
class Mention:
    """One sign spoken of once. `first:last` are token places; `clause` says in which clause it stands."""

    sign: Sign
    presence: Presence
    clause: int
    first: int
    last: int
    past: bool = False
    now: bool = False  # told of this moment
    trend: Trend | None = None
    amount: Amount | None = None
    doubted: bool = False  # "not sure if it moves": a person must ask
    exact: bool = True
    weak: bool = False  # shown only by a word that counts in answer to the question: "when brushing"
    bare: bool = False  # a yes, a no, a "fine" in answer to the question; the sign itself is not named


FEVER_FROM = 38.0
TRENDS = {Kind.BETTER: Trend.BETTER, Kind.SAME: Trend.SAME, Kind.WORSE: Trend.WORSE}
_GUM = frozenset({Sign.SWELLING, Sign.REDNESS})
LASTING = frozenset({Sign.FELL_OUT, Sign.EXPOSED, Sign.STITCHES})  # no word like "stopped" undoes them
LOOSE_PARTS = frozenset({Sign.MOBILITY, Sign.FELL_OUT, Sign.EXPOSED})
# Somebody else's cold is nobody's alarm; somebody else's implant is the patient's, told by family.
_ANYBODYS = frozenset({Sign.PAIN, Sign.FEVER, Sign.SMELL, Sign.SWELLING, Sign.REDNESS, Sign.REACTION, Sign.COLLAPSE})


def mentions_in(
    clause: Clause, number: int, *, frames: Sequence[Frame], goes_on: bool
) -> tuple[list[Mention], frozenset[int]]:
    """The mentions of one clause, and the places it denies. `frames` has one for each item.

    >>> pus = Item(Kind.NAMES, 1, 1, Sign.PUS)
    >>> clause = Clause(Lead.START, (Item(Kind.NO, 0, 0), pus), 0)
    >>> mentions, denied = mentions_in(clause, 0, frames=[Frame(), Frame()], goes_on=False)
    >>> mentions[0].presence, sorted(denied)
    (<Presence.ABSENT: 'absent'>, [1])
    """
    denied = denied_places(clause, goes_on=goes_on) | _named_and_denied(clause)
    mentions: list[Mention] = []
    for at, item in enumerate(clause.items):
        if not item.is_sign:
            continue
        frame = frames[at]
        sign = _sign_meant(clause, at, frame.subject)
        if sign is not None and not _is_anothers(sign, frame):
            mention = _mention(item, sign, number, clause=clause, denied=at in denied)
            mentions.append(_framed(mention, clause, frame))
    return mentions, denied


def _named_and_denied(clause: Clause) -> frozenset[int]:
    """Places of names whose own clause denies them in other words: "the temperature did not rise"."""
    denying = {item.about for item in clause.items if item.kind == Kind.DENIED}
    names = [at for at, item in enumerate(clause.items) if item.kind in (Kind.NAMES, Kind.ASKED)]
    return frozenset(at for at in names if clause.items[at].about in denying)


def _is_anothers(sign: Sign, frame: Frame) -> bool:
    return frame.other == Kind.STRANGERS or (frame.other == Kind.OTHERS and sign in _ANYBODYS)


def _sign_meant(clause: Clause, at: int, earlier: str) -> Sign | None:
    """The sign, given whose it is: a stitch that came out is no lost part, and a sore knee is not ours."""
    sign = Sign(clause.items[at].about)
    subject = _subject_of(clause.items, at) or (earlier if Kind.SUBJECT in clause.kinds else "")
    if subject == Kind.STITCH and sign in LOOSE_PARTS:
        return None if sign is Sign.EXPOSED else Sign.STITCHES
    if subject in FOREIGN:
        return None
    return sign


def _subject_of(items: Sequence[Item], at: int) -> str:
    """The nearest thing that the sign at this place can be said of: before it, else right after it."""
    for item in reversed(items[:at]):
        if item.kind in SUBJECTS:
            return item.kind
    for item in items[at + 1 :]:
        if item.kind in SUBJECTS:
            return item.kind
        if item.is_sign:
            break
    return ""


def _mention(item: Item, sign: Sign, number: int, *, clause: Clause, denied: bool) -> Mention:
    kinds = clause.kinds
    absent = denied != (item.kind == Kind.DENIED)
    past = Kind.PAST in kinds and not kinds & {Kind.NOW, Kind.PERSISTS, Kind.RECURS, Kind.SAME}
    turned = (denied or item.kind == Kind.DENIED) and _is_turned(item, clause, nots=2 if denied else 1)
    turned = turned or (denied and _is_of_another_verb(item, clause))
    turned = turned or (item.kind == Kind.DENIED and _was_so(item, clause))
    mention = Mention(
        sign=sign,
        presence=Presence.UNKNOWN if turned else Presence.ABSENT if absent else Presence.PRESENT,
        doubted=turned,
        clause=number,
        first=item.first,
        last=item.last,
        past=past,
        now=Kind.NOW in kinds,
        weak=item.kind == Kind.ASKED and clause.lead not in (Lead.CONTRAST, Lead.EXCEPT),
        exact=item.exact,
    )
    return mention if absent or turned else _coursed(mention, item, clause)


def _is_turned(item: Item, clause: Clause, *, nots: int) -> bool:
    """Whether a second negation takes the first one back: "it's not as if the fever went away", "not a day that it
    does not move". A person must tell."""
    place = clause.items.index(item)
    start = max((at + 1 for at, one in enumerate(clause.items[:place]) if one.is_sign), default=0)
    found = sum(one.kind == Kind.NOT for one in clause.items[start:place])
    gone = any(one.kind == Kind.RESOLVED for one in clause.items[place + 1 :])
    return found >= nots or (found == 1 and gone)


def _was_so(item: Item, clause: Clause) -> bool:
    """ "There used to be just gum": what denies the sign is over."""
    place = clause.items.index(item)
    return place > 0 and clause.items[place - 1].kind == Kind.RESOLVED


def _is_of_another_verb(item: Item, clause: Clause) -> bool:
    """ "I could not sleep from the pain": a word between a negation of verbs and its sign is what was denied."""
    turning = [one.last for one in clause.items if _turns_verbs(one) and one.last < item.first]
    return bool(turning) and any(turning[-1] < place < item.first for place in clause.places)


def _turns_verbs(item: Item) -> bool:
    return item.kind in (Kind.NOT, Kind.NOR) or (item.kind == Kind.NO and item.about == Kind.BOTH)


def _coursed(mention: Mention, item: Item, clause: Clause) -> Mention:
    """The mention with what its clause says of its course: gone, fine, better, a trace."""
    kinds = clause.kinds
    if kinds & {Kind.PRESUMING, Kind.QUESTION, Kind.WONDER}:
        return mention
    if clause.lead is not Lead.EXCEPT:
        if Kind.RESOLVED in kinds and mention.sign not in LASTING and not _comes_back(item, clause):
            return replace(mention, presence=Presence.ABSENT)
        if kinds & {Kind.FINE, Kind.ACK} and item.kind in (Kind.NAMES, Kind.ASKED):
            gone = Kind.NOW in kinds or item.about == Sign.FEVER or _is_entry(item, clause)
            return replace(mention, presence=Presence.ABSENT if gone else Presence.UNKNOWN)
    lasting = Kind.RECURS in kinds or _is_stressed(item, clause)
    courses = (Kind.WORSE, Kind.SAME) if lasting else (Kind.WORSE, Kind.SAME, Kind.BETTER)
    trend = next((TRENDS[kind] for kind in courses if kind in kinds), None)
    amount = Amount.MORE if Kind.MUCH in kinds else Amount.TRACE if Kind.TRACE in kinds else None
    presence = presence_if_better(mention, clause) if trend is Trend.BETTER else mention.presence
    return replace(mention, presence=presence, trend=trend, amount=amount)


def _is_entry(item: Item, clause: Clause) -> bool:
    """Whether a name and "fine" stand in a form: "smell: ok", "temp - normal". Pain is told by its score alone."""
    after = clause.items[clause.items.index(item) + 1 :]
    return bool(after) and after[0].kind in (Pause.LINK, Pause.DASH) and item.about != Sign.PAIN


def presence_if_better(mention: Mention, clause: Clause) -> Presence:
    """Whether a sign that is better is still there: gum may mean gone or nearly, unless a bit is left.

    >>> smell = Mention(Sign.SMELL, Presence.PRESENT, 0, 0, 0)
    >>> presence_if_better(smell, Clause(Lead.START, (), 0))
    <Presence.PRESENT: 'present'>
    """
    if mention.sign in _GUM and not clause.kinds & {Kind.TRACE, Kind.PERSISTS}:
        return Presence.UNKNOWN
    return Presence.PRESENT


def _comes_back(item: Item, clause: Clause) -> bool:
    """Whether the clause takes "gone" back (came back), or says it of the signs on its other side."""
    gone = next(at for at, one in enumerate(clause.items) if one.kind == Kind.RESOLVED)
    back = [at for at, one in enumerate(clause.items) if one.kind in (Kind.PERSISTS, Kind.SAME)]
    if Kind.RECURS in clause.kinds or any(at > gone for at in back):
        return True
    place = clause.items.index(item)
    if item.kind == Kind.EVENTS and any(one.kind == Kind.JOINER for one in clause.items[gone:place]):
        return True  # "it passed, and it bleeds"
    became = item.kind in (Kind.STATES, Kind.ASKED)  # "gone dark red", "went all puffy"
    return place > gone and (became or any(one.is_sign for one in clause.items[:gone]))


def _is_stressed(item: Item, clause: Clause) -> bool:
    """ "Very swollen": no "better" elsewhere in the clause makes it less."""
    before = clause.items[clause.items.index(item) - 1]
    return item.kind == Kind.STATES and before.kind == Kind.MUCH and before.last + 1 == item.first


def _framed(mention: Mention, clause: Clause, frame: Frame) -> Mention:
    """The mention as the frame leaves it: nothing is asserted in a hypothesis, in doubt or of another time."""
    wondered = clause.asked and frame.hypothetical  # "can there be pus without a fever?"
    if mention.presence is Presence.ABSENT and Kind.DOUBT not in clause.kinds and not wondered:
        return mention
    if clause.asked and len(clause.items) == 1:
        return replace(mention, presence=Presence.UNKNOWN)  # "Red? My gum is fine": only the question, said again
    if frame.doubt:
        return replace(mention, presence=Presence.UNKNOWN, doubted=True)
    if frame.hypothetical or Kind.ELSEWHEN in clause.kinds:
        return replace(mention, presence=Presence.UNKNOWN)
    return mention


def pain_on_pressure(clause: Clause, number: int, told: Sequence[Mention], *, scored: bool) -> list[Mention]:
    """Pain on pressure where pain, named or scored, comes on that condition: "a 3 if I bite", "none unless I press".

    `told` are the mentions so far, this clause's own among them.

    >>> bite = Item(Kind.TRIGGER, 1, 1, Kind.PRESSING)
    >>> said = pain_on_pressure(Clause(Lead.START, (bite,), 0), 0, [], scored=True)
    >>> [(mention.sign, mention.presence) for mention in said]
    [(<Sign.PRESSURE_PAIN: 'pressure_pain'>, <Presence.PRESENT: 'present'>)]
    """
    pains = [mention for mention in told if mention.sign in (Sign.PAIN, Sign.PRESSURE_PAIN)]
    here = any(mention.clause == number and mention.presence is Presence.PRESENT for mention in pains)
    hurts = scored or here or (clause.lead is Lead.EXCEPT and bool(pains))
    return [
        Mention(Sign.PRESSURE_PAIN, Presence.PRESENT, number, item.first, item.last)
        for item in clause.items
        if item.about == Kind.PRESSING and hurts
    ]


def measured_fever(temperature: Quantity) -> Mention:
    """A temperature as a mention of fever, so that "yesterday 38, normal today" is understood.

    >>> from monitor.domain.language.quantities import Measure
    >>> measured_fever(Quantity(Measure.TEMPERATURE, 37.4, 0, 0, 0)).presence
    <Presence.ABSENT: 'absent'>
    """
    return Mention(
        sign=Sign.FEVER,
        presence=Presence.PRESENT if temperature.value >= FEVER_FROM else Presence.ABSENT,
        clause=temperature.clause,
        first=temperature.first,
        last=temperature.last,
        past=temperature.past,
    )
