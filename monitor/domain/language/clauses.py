"""Items cut into clauses: the stretch of a text in which one "no", one person, one time holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from monitor.domain.language.items import Item, Pause
from monitor.domain.language.kinds import OF_THE_MOUTH, Kind
from monitor.domain.terms import Sign


class Lead(StrEnum):
    """What stands before a clause."""

    START = "start"  # the beginning of a sentence
    COMMA = "comma"
    CONTRAST = "contrast"
    EXCEPT = "except"
    JOINED = "joined"  # "and it ...": a new statement in the same breath


@dataclass(frozen=True, slots=True)
class Clause:
    """Items that belong together; `sentence` counts sentences, `asked` says that it ends in a question mark."""

    lead: Lead
    items: tuple[Item, ...]
    sentence: int
    asked: bool = False
    words: int = 0  # everyday and unknown words beside the items: how much else is said
    places: frozenset[int] = frozenset()  # the token places of those words
    kinds: frozenset[str] = field(init=False)  # of its items; worked out once, since every step asks for it

    @property
    def signs(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.is_sign)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", frozenset(item.kind for item in self.items))


_FEW = 2  # words that say what "again" is about
_LONGEST = 20  # items of a clause; a text that runs on is cut, so that time stays in proportion to length
NOES = (Kind.NO, Kind.NONE)
_SCORED = (Sign.PAIN, Sign.PRESSURE_PAIN)
# What a negation makes of the word after it: "not better" says the same, "not fine" is a complaint.
_NEGATED = {
    Kind.RESOLVED: Kind.SAME,
    Kind.BETTER: Kind.SAME,
    Kind.WORSE: Kind.SAME,
    Kind.FINE: Kind.COMPLAINT,
    Kind.BLANKET: Kind.COMPLAINT,
    Kind.MUCH: Kind.TRACE,
    Kind.ACK: Kind.COMPLAINT,
}
_SILENCED = (Kind.CALL, Kind.WORRY, Kind.COMPLAINT)  # "not worried", "not dizzy"
_DEGREES = (Kind.BETTER, Kind.WORSE, Kind.MUCH)
# What may follow a "no" that is an answer of its own: "no, it fell out", "no all good".
_NEW_START = frozenset(
    {
        Kind.SUBJECT,
        Kind.PERSISTS,
        Kind.RECURS,
        Kind.FINE,
        Kind.BLANKET,
        Kind.DENIED,
        Kind.NO,
        Kind.NONE,
        Kind.NOT,
        Kind.YES,
    }
)
# After these a statement is complete: "pain is fine its the blood" begins a new one at "its".
_CLOSED = frozenset({Kind.FINE, Kind.BLANKET, Kind.RESOLVED, Kind.BETTER, Kind.SAME})
_LEADS = {Kind.CONTRAST: Lead.CONTRAST, Kind.EXCEPT: Lead.EXCEPT}


def cut_clauses(items: Sequence[Item]) -> list[Clause]:
    """Clauses in order, with negated courses ("not better") already read as what they say.

    >>> kinds = [Kind.NO, Kind.NAMES, Kind.CONTRAST, Kind.NOT, Kind.BETTER]
    >>> clauses = cut_clauses([Item(kind, place, place) for place, kind in enumerate(kinds)])
    >>> [(str(clause.lead), [str(item.kind) for item in clause.items]) for clause in clauses]
    [('start', ['no', 'names']), ('contrast', ['same'])]
    """
    clauses: list[Clause] = []
    for sentence, (part, asked) in enumerate(_sentences(items)):
        for own in _answer_first(_read_zeros(part)):
            pieces = _with_lists([_without_words(piece) for piece in _pieces(_read_negated(own), sentence)])
            clauses += [replace(piece, asked=asked) for piece in pieces]
    return clauses


def _sentences(items: Sequence[Item]) -> Iterator[tuple[list[Item], bool]]:
    part: list[Item] = []
    for item in items:
        if item.kind in (Pause.STOP, Pause.ASK):
            yield part, item.kind == Pause.ASK
            part = []
        else:
            part.append(item)
    yield part, False


def _without_words(clause: Clause) -> Clause:
    """The clause with its everyday words counted and taken out."""
    items = tuple(item for item in clause.items if item.kind != Kind.WORD)
    said = [item for item in clause.items if item.kind in (Kind.WORD, Pause.UNKNOWN)]
    places = frozenset(item.first for item in said)
    return replace(clause, items=tuple(_settle_again(items, len(said))), words=len(said), places=places)


def _settle_again(items: Sequence[Item], words: int) -> Iterator[Item]:
    """ "Again" brings a sign back, unless other words say what is back: "I can drink coffee again"."""
    of_it = any(item.is_sign or item.kind == Kind.PART or item.about in (Kind.THING, *OF_THE_MOUTH) for item in items)
    for item in items:
        if item.kind != Kind.AGAIN:
            yield item
        elif of_it or words < _FEW:
            yield replace(item, kind=Kind.RECURS)


def _with_lists(clauses: Sequence[Clause]) -> list[Clause]:
    """Clauses with a list that one "no" closes put together: "pain, swelling, fever: none".

    Two names alone stay apart: of "swelling, fever none" the first may well be there.
    """
    out: list[Clause] = []
    for clause in clauses:
        names = _names_before(out) if _closes_list(clause) else []
        if len(names) > 1:
            del out[-len(names) :]
            comma = Item(Pause.COMMA, clause.items[0].first, clause.items[0].first)
            listed = [item for name in names for item in (*name.items, comma)]
            clause = replace(clause, lead=names[0].lead, items=(*listed, *clause.items))
        out.append(clause)
    return out


def _closes_list(clause: Clause) -> bool:
    kinds = [item.kind for item in clause.items]
    return len(kinds) > 1 and kinds[0] == Kind.NAMES and kinds[-1] in NOES and clause.words == 0


def _names_before(clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses at the end that are nothing but one name each."""
    names: list[Clause] = []
    for clause in reversed(clauses):
        if [item.kind for item in clause.items] != [Kind.NAMES] or clause.words:
            break
        names.insert(0, clause)
    return names


def _answer_first(items: Sequence[Item]) -> list[list[Item]]:
    """A "yes" or "no" at the beginning set apart, where it answers by itself: "yes and some swelling"."""
    rest = [item.kind for item in items[1:] if item.kind != Kind.WORD]
    following = rest[0] if rest else ""
    alone = items and (items[0].kind == Kind.YES or (items[0].kind == Kind.NO and following in _NEW_START))
    parts = [list(items[:1]), list(items[1:])] if alone else [list(items)]
    return [part for part in parts if part]


def _read_zeros(items: Sequence[Item]) -> list[Item]:
    """Zeros that deny read as "no": "0 swelling", "swelling 0"; the pain's own zero stays a number."""
    read: list[Item] = []
    for at, item in enumerate(items):
        before = items[at - 1] if at else None
        after = items[at + 1] if at + 1 < len(items) else None
        owned = at > 1 and items[0].kind == items[at - 2].kind == Kind.NUMBER  # "0 pain 0 swelling"
        follows = before is not None and before.is_sign and not owned
        scored = follows and before is not None and before.about in _SCORED
        leads = after is not None and after.is_sign and after.about not in _SCORED and not follows
        zero = item.kind == Kind.NUMBER and item.about == "0" and (leads or (follows and not scored))
        read.append(replace(item, kind=Kind.NO, about="") if zero else item)
    return read


def _read_negated(items: Sequence[Item]) -> list[Item]:
    """Joins a negation with the course it turns: "not going down" is one item, SAME."""
    read: list[Item] = []
    for item in items:
        before = _negation_before(read)
        turned = _turned(read[before], item) if before is not None else None
        if before is not None and turned is not None:
            del read[before:]
            read.append(replace(item, kind=turned, about=""))
        elif before is not None and item.kind in _SILENCED:
            read.append(replace(item, kind=Kind.WORD))
        elif before is not None and item.kind in (Kind.PERSISTS, Kind.RECURS, Kind.AGAIN):
            continue  # "not any more", "no longer still": the negation itself stays and reaches on
        elif item.kind == Kind.NOT and read and read[-1].kind == Kind.NOT and read[-1].last + 1 == item.first:
            read.pop()  # "it does not NOT move"
        else:
            read.append(item)
    return read


def _turned(negation: Item, item: Item) -> Kind | None:
    """What a negation makes of the word after it. A "no" that denies names only turns degrees: "nope, all gone"."""
    names_only = negation.kind == Kind.NO and negation.about != Kind.BOTH
    if item.kind not in _NEGATED or (names_only and item.kind not in _DEGREES):
        return None
    if item.kind == Kind.ACK and negation.kind != Kind.NOT:
        return None  # "nothing, thumbs up"
    return _NEGATED[Kind(item.kind)]


def _negation_before(read: Sequence[Item]) -> int | None:
    """Where the negation is that the next item follows, openers between them allowed."""
    at = len(read) - 1
    subject = False
    while at >= 0 and read[at].kind in (Kind.OPENER, Kind.WORD, Kind.SUBJECT):
        subject = subject or read[at].kind == Kind.SUBJECT
        at -= 1
    if subject and at >= 0 and read[at].kind in NOES:
        return None  # "no, it stopped"
    return at if at >= 0 and read[at].kind in (*NOES, Kind.NOT, Kind.NOR) else None


def _pieces(items: Sequence[Item], sentence: int) -> Iterator[Clause]:
    lead, piece = Lead.START, list[Item]()
    for at, item in enumerate(items):
        following = items[at + 1].kind if at + 1 < len(items) else ""
        if len(piece) == _LONGEST:
            yield Clause(lead, tuple(piece), sentence)
            lead, piece = Lead.JOINED, []
        new = _lead_of(item, following)
        if item.kind == Kind.SUBJECT and piece and piece[-1].kind in _CLOSED:
            yield Clause(lead, tuple(piece), sentence)
            lead, piece = Lead.JOINED, [item]
            continue
        if new is None:
            piece.append(item)
            continue
        if piece:
            yield Clause(lead, tuple(piece), sentence)
        lead, piece = (new, []) if piece or new is not Lead.COMMA else (lead, [])
    if piece:
        yield Clause(lead, tuple(piece), sentence)


def _lead_of(item: Item, following: str) -> Lead | None:
    """The lead of the clause that this item opens, None if it opens none."""
    if item.kind in _LEADS:
        return _LEADS[Kind(item.kind)]
    if item.kind == Pause.COMMA:
        return Lead.COMMA
    if item.kind in (Kind.JOINER, Pause.LINK, Pause.DASH) and following in (Kind.SUBJECT, Kind.OPENER):
        return Lead.JOINED
    return None
