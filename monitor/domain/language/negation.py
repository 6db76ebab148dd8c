"""Which signs of a clause a negation covers: before ("no fever, pus or smell") and after ("pus: none")."""

from __future__ import annotations

from collections.abc import Sequence, Set

from monitor.domain.language.clauses import NOES, Clause, Lead
from monitor.domain.language.items import Item, Pause
from monitor.domain.language.kinds import Kind

# Once a negation has its sign, these show that a new statement has begun.
_CLOSERS = frozenset(
    {
        Kind.SUBJECT,
        Kind.OPENER,
        Kind.PERSISTS,
        Kind.TRACE,
        Kind.MUCH,
        Kind.WORSE,
        Kind.SAME,
        Kind.YES,
        Kind.SELF,
        Kind.RECURS,
        Kind.AFFIRM,
        Kind.PAST,
    }
)
# What ends the reach of a "no" that has not met its sign yet, if a new thing is spoken of after it.
_BETWEEN = frozenset({Kind.JOINER, Kind.PAST, Kind.NOW, Kind.NUMBER, Kind.UNIT, Kind.LABEL})
_STRESSED = frozenset({Kind.TRACE, Kind.MUCH, Kind.PERSISTS, Kind.RECURS, Kind.WORSE, Kind.YES, Kind.AFFIRM})
_LISTING = frozenset({Kind.JOINER, Kind.CHOICE, Pause.SLASH, Pause.LINK, Pause.DASH, Pause.COMMA})


def denied_places(clause: Clause, *, goes_on: bool) -> frozenset[int]:
    """Places in `clause.items` of the signs that a negation covers.

    `goes_on` says that the clause continues a negated list of the clause before ("no fever, pus or smell").

    >>> def clause(*kinds):
    ...     return Clause(Lead.START, tuple(Item(kind, place, place) for place, kind in enumerate(kinds)), 0)
    >>> sorted(denied_places(clause(Kind.NO, Kind.NAMES, Kind.CHOICE, Kind.NAMES), goes_on=False))
    [1, 3]
    >>> sorted(denied_places(clause(Kind.NAMES, Kind.NO), goes_on=False))
    [0]
    """
    items, denied = clause.items, set[int]()
    scope, fresh, choice = _carried(clause) if goes_on else None, False, False
    for at, item in enumerate(items):
        if item.kind == Kind.BLANKET:
            denied.update(_run_before(items, at))
        elif item.kind in (*NOES, Kind.NOT, Kind.NOR):
            listed = _run_before(items, at) if item.kind in NOES and _stands_after(items, at, clause.places) else ()
            denied.update(listed)
            scope, fresh = (None if listed or _answers_alone(items, at) else _scope_of(item)), True
        elif item.is_sign:
            if scope and _reaches(items, at, scope=scope, fresh=fresh, choice=choice):
                denied.add(at)
                fresh, choice = False, False
            else:
                scope = None
        elif item.kind == Kind.CHOICE:
            choice = True
        elif item.kind in _CLOSERS and (not fresh or _begins_anew(items, at)):
            scope = None
    return frozenset(denied)


def _begins_anew(items: Sequence[Item], at: int) -> bool:
    """ "None on day 1 and since then there is ...": a thing spoken of after other words is not what was denied."""
    return items[at].about == Kind.THING and items[at - 1].kind in _BETWEEN


def _scope_of(negation: Item) -> Kind:
    return Kind.NO if negation.kind in NOES else Kind.NOT


def _carried(clause: Clause) -> Kind:
    """The negation a list goes on with: "or" carries every kind of sign, a mere comma only names."""
    return Kind.NOT if Kind.CHOICE in clause.kinds else Kind.NO


def _reaches(items: Sequence[Item], at: int, *, scope: Kind, fresh: bool, choice: bool) -> bool:
    """Whether an open negation covers the sign at this place."""
    item, before = items[at], items[at - 1] if at else None
    if fresh:
        owned = before is not None and before.kind == Kind.PART
        answer = item.kind == Kind.DENIED or (owned and item.kind == Kind.EVENTS)
        return scope is Kind.NOT or not answer
    after = items[at + 1].kind if at + 1 < len(items) else ""
    if after in _STRESSED or (after == Kind.OPENER and choice is False and item.kind == Kind.NAMES):
        return False  # "no pus smell is awful"
    return choice or item.kind == Kind.NAMES or (scope is Kind.NOT and item.kind == Kind.STATES)


def _answers_alone(items: Sequence[Item], at: int) -> bool:
    """`no it fell out`: the no is an answer of its own."""
    return items[at].kind in NOES and at + 1 < len(items) and items[at + 1].kind == Kind.SUBJECT


def _stands_after(items: Sequence[Item], at: int, words: Set[int]) -> bool:
    """Whether a no belongs to the sign before it: `pus no`, `pus: no fever: no`, not `fever no pus`."""
    before = [item for item in items[:at] if item.kind not in (Kind.TRACE, Kind.NOW)]
    if not before or not (before[-1].is_sign or before[-1].kind in (Pause.LINK, Pause.DASH)):
        return False
    if not before[-1].is_sign:
        return any(item.is_sign for item in before)
    if at + 1 < len(items) and items[at + 1].kind == Kind.UNIT:
        return False  # "bleeds no day less"
    if items[at].about == Kind.BOTH and not words.isdisjoint(range(items[at].last + 1, items[at].last + 3)):
        return False  # "with a fever I did not go to work", where one word says no and not
    rest = [item for item in items[at + 1 :] if item.is_sign or item.kind in NOES]
    return not rest or (items[0].is_sign and rest[-1].kind in NOES)


def _run_before(items: Sequence[Item], at: int) -> tuple[int, ...]:
    """The signs listed right before a no that stands after them: `pain, swelling and fever: none`."""
    run: list[int] = []
    for place in range(at - 1, -1, -1):
        if items[place].is_sign:
            run += [place] if items[place].kind != Kind.DENIED else []
        elif items[place].kind not in _LISTING and items[place].kind != Kind.NOW:
            break
        if items[place].is_sign and not _listed_before(items, place):
            break
    return tuple(run)


def _listed_before(items: Sequence[Item], place: int) -> bool:
    """Whether the place goes on a list: after a comma or "and", or name after name."""
    before = items[place - 1].kind if place else ""
    return before in _LISTING or (before == Kind.NAMES and items[place].kind == Kind.NAMES)


def goes_on_listing(clause: Clause, before: Clause, denied: frozenset[int]) -> bool:
    """Whether a clause continues the negated list of the one before: only bare names, no word of its own.

    `before` must end in a denied sign; `denied` are its denied places.

    >>> name = Item(Kind.NAMES, 1, 1)
    >>> before = Clause(Lead.START, (Item(Kind.NO, 0, 0), name), 0)
    >>> goes_on_listing(Clause(Lead.COMMA, (name,), 0), before, frozenset({1}))
    True
    """
    if clause.lead is not Lead.COMMA or not clause.signs or clause.sentence != before.sentence:
        return False
    signs = [at for at, item in enumerate(before.items) if item.is_sign]
    ends_denied = bool(signs) and signs[-1] in denied
    allowed = _LISTING | {Kind.NAMES, Kind.NOR, *NOES}
    has_choice = Kind.CHOICE in clause.kinds
    plain = all(item.kind in allowed or (has_choice and item.is_sign) for item in clause.items)
    return ends_denied and plain
