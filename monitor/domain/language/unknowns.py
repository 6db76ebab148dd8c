"""Words that no lexicon knows: which of them may hide a complaint, and which only tell of somebody's day."""

from __future__ import annotations

from monitor.domain.language.clauses import Clause, Lead
from monitor.domain.language.items import PROPER, Item, Pause
from monitor.domain.language.kinds import OF_THE_MOUTH, Kind

_DENYING = frozenset({Kind.NO, Kind.NONE, Kind.NOT, Kind.NOR, Kind.RESOLVED})
_BODILY = frozenset({Kind.BODY, Kind.PART, Kind.STITCH, Kind.COMPLAINT})
# What a complaint is said with: "it is squelchy", "there is gloop", "cannot braethe", "a bit throbby".
_SAID_WITH = frozenset(
    {Kind.OPENER, Kind.AFFIRM, Kind.TRACE, Kind.MUCH, Kind.NOT, Kind.PERSISTS, Kind.RECURS, Kind.WORSE, Kind.SAME}
)
_SAID_AFTER = frozenset({Kind.PERSISTS, Kind.RECURS, Kind.WORSE, Kind.SAME})  # "sweling: same"
# What leaves nothing open in a clause: good, better, denied, measured.
_SETTLED = _DENYING | {Kind.FINE, Kind.BLANKET, Kind.BETTER, Kind.ACK, Kind.NUMBER, Kind.THANKS}
_NAMING = frozenset({Kind.BODY, Kind.PART, Kind.SUBJECT, Kind.OPENER})
_NEAR = 4  # tokens: a word so close to the mouth may be said of it
_NEXT = 2  # tokens: a word so close to a verb is what the verb says
_SEVERAL = 2  # of a text that told nothing clear


def is_shaky(clause: Clause) -> bool:
    """A sign or a denial that may be the opposite: found only by mending a word, cut off, or after an "or".

    >>> is_shaky(Clause(Lead.START, (Item(Kind.NO, 0, 0, exact=False), Item(Kind.NAMES, 1, 1)), 0))
    True
    """
    mended = any(not item.exact and item.kind in _DENYING for item in clause.items)
    headless = bool(clause.items) and clause.items[0].kind == Kind.CHOICE
    cut_off = bool(clause.signs) and _ends_in_not(clause)
    return mended or cut_off or (headless and is_weighty(clause)) or _denies_a_verb_far_off(clause)


def _denies_a_verb_far_off(clause: Clause) -> bool:
    """ "No deja de sangrar": between a no that turns verbs and its sign another verb may stand, which takes it back."""
    if clause.words == 0:
        return False
    noes = [item for item in clause.items if item.kind == Kind.NO and item.about == Kind.BOTH]
    events = [item for item in clause.items if item.kind == Kind.EVENTS]
    return any(no.last + 1 < event.first for no in noes for event in events)


def is_weighty(clause: Clause) -> bool:
    """Whether a clause names or denies a sign."""
    return bool(clause.signs) or not clause.kinds.isdisjoint(_DENYING)


def _ends_in_not(clause: Clause) -> bool:
    """Whether a "not" stands after the last sign, with nothing that it denies: "the bleeding wont top"."""
    last = max(at for at, item in enumerate(clause.items) if item.is_sign)
    rest = [item.kind for item in clause.items[last:]]
    return any(kind in (Kind.NOT, Kind.NOR) for kind in rest) and rest[-1] not in (Kind.NO, Kind.NONE)


def unknown_in(clause: Clause) -> tuple[Item, ...]:
    """The words of a clause that no lexicon knows."""
    return tuple(item for item in clause.items if item.kind == Pause.UNKNOWN)


def is_strange_complaint(clause: Clause) -> bool:
    """Whether unknown words may be a complaint in a text that told nothing clear: said of the mouth, or several."""
    unknown = len(unknown_in(clause))
    of_the_mouth = not clause.kinds.isdisjoint({*_BODILY, Kind.SUBJECT})
    return unknown > _SEVERAL or (unknown > 0 and of_the_mouth)


def may_hide_complaint(clause: Clause, before: Clause | None = None) -> bool:
    """Whether an unknown word may be a complaint beside an answer that is clear and harmless.

    Only one that could be said of the mouth: close to it or to a sign, right after what a complaint is said
    with, or alone. What somebody ate, met or did is none.

    >>> it, squelchy = Item(Kind.OPENER, 0, 0), Item(Pause.UNKNOWN, 1, 1)
    >>> may_hide_complaint(Clause(Lead.START, (it, squelchy), 0, words=1))
    True
    """
    return (
        _goes_on(clause)
        or _is_unable(clause)
        or _tells_of_the_mouth(clause, before)
        or any(_is_said_of_the_mouth(clause, word) for word in unknown_in(clause))
    )


def _tells_of_the_mouth(clause: Clause, before: Clause | None) -> bool:
    """ "The gum looks like a plum": something is said of the mouth in plain words, neither good nor denied."""
    of_it = _names_the_mouth(clause) or (clause.lead is Lead.JOINED and before is not None and _only_names(before))
    settled = not clause.kinds.isdisjoint(_SETTLED) and not _cannot(clause)
    settled = settled and not (Kind.UNIT in clause.kinds and clause.kinds.isdisjoint(_SETTLED - {Kind.NUMBER}))
    return of_it and clause.words > 0 and not clause.signs and not settled


def _is_unable(clause: Clause) -> bool:
    """ "I cannot get my breath": in plain words, not settled by anything else."""
    unable = any(item.about == Kind.CANNOT for item in clause.items)
    return (
        unable
        and clause.words > 0
        and not clause.signs
        and clause.kinds.isdisjoint(_SETTLED - _DENYING - {Kind.BETTER})
    )


def _cannot(clause: Clause) -> bool:
    """ "I do not feel half my face": a verb denied of the body may be the complaint itself."""
    turning = any(item.kind == Kind.NOT or item.about == Kind.BOTH for item in clause.items)
    fleshly = Kind.BODY in clause.kinds or any(item.about in OF_THE_MOUTH for item in clause.items)
    return turning and fleshly and clause.kinds.isdisjoint(_SETTLED - _DENYING)


def _names_the_mouth(clause: Clause) -> bool:
    return not clause.kinds.isdisjoint({Kind.BODY, Kind.PART}) or any(i.about in OF_THE_MOUTH for i in clause.items)


def _only_names(clause: Clause) -> bool:
    """ "The crown (and I ...)": what is said of it comes in the next clause."""
    return _names_the_mouth(clause) and clause.words == 0 and clause.kinds <= _NAMING


def _goes_on(clause: Clause) -> bool:
    """ "Better, but chewing gum is still a fight": something goes on, and it is not known what."""
    lasting = not clause.kinds.isdisjoint({Kind.PERSISTS, Kind.WORSE}) and clause.words > 0
    known = bool(clause.signs) or not clause.kinds.isdisjoint({Kind.FINE, Kind.BLANKET, Kind.BETTER})
    return clause.lead is Lead.CONTRAST and lasting and not known


def _is_said_of_the_mouth(clause: Clause, word: Item) -> bool:
    if len(unknown_in(clause)) == len(clause.items) == clause.words:
        return word.about != PROPER  # nothing else is said
    return any(_binds(item, word) for item in clause.items)


def _binds(item: Item, word: Item) -> bool:
    before, after = word.first - item.last, item.first - word.last
    if item.kind in _BODILY or item.is_sign or item.about in OF_THE_MOUTH:
        return max(before, after) <= _NEAR
    if word.about == PROPER:  # whom somebody met and where is no complaint
        return False
    if item.kind == Kind.RESOLVED:
        return max(before, after) <= _NEXT
    if item.kind == Kind.NO:  # a no that turns no verbs denies the noun after it, whatever it is
        return after == 1 or (before == 1 and item.about == Kind.BOTH)
    if item.about == Kind.THING:
        return before == 1
    if item.about == Kind.ARTICLE:
        return False
    if item.kind in (Kind.YES, Kind.AFFIRM):
        return 1 in (before, after)  # "gunk yes"
    if item.kind in _SAID_AFTER | {Kind.BETTER} and 0 < after <= _NEXT:
        return True
    return item.kind in _SAID_WITH and 0 < before <= _NEXT
