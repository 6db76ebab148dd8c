"""Clauses without a sign of their own: bare answers, and remarks on what was spoken of just before.

"No", "same", "a little" answer the question; "but it stopped", "still there" speak of the last sign named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.domain.language.clauses import NOES, Clause, Lead
from monitor.domain.language.frames import FOREIGN
from monitor.domain.language.kinds import OF_THE_MOUTH, Kind
from monitor.domain.language.mentions import LASTING, LOOSE_PARTS, TRENDS, Mention, presence_if_better
from monitor.domain.protocol import Option
from monitor.domain.terms import GUM, SIGNS, Amount, Presence, Sign

_COURSES = (Kind.WORSE, Kind.SAME, Kind.RECURS, Kind.PERSISTS, Kind.BETTER, Kind.RESOLVED, Kind.TRACE, Kind.MUCH)
_WORSE_FORM = {Sign.BLEEDING: Sign.HEAVY_BLEEDING, Sign.SWELLING: Sign.SPREADING_SWELLING}
_FEW = 2  # "I stopped at the shop" says nothing of the bleeding
_BESIDE_NOT = frozenset(
    {
        Kind.NOT,
        Kind.PART,
        Kind.SUBJECT,
        Kind.OPENER,
        Kind.NOW,
        Kind.PAST,
        Kind.LABEL,
        Kind.UNIT,
        Kind.NUMBER,
        Kind.ACK,
    }
)
_OF_ANY_PART = LOOSE_PARTS | {Sign.PAIN, Sign.PRESSURE_PAIN}  # what another tooth may have as well
_LOOSE = (Kind.PERSISTS, Kind.TRACE, Kind.MUCH)  # said of anything: "all morning", "a lot"
_ASKING_OR_WANTING = frozenset({Kind.STOP, Kind.RESCHEDULE, Kind.QUESTION, Kind.PRESUMING, Kind.WONDER})
_NOT_OF_THE_WOUND = frozenset({Kind.COMPLAINT, Kind.STITCH, *FOREIGN})
_SHORT = 1  # so many other words leave "nothing", "I think so", "fine" an answer


@dataclass(frozen=True, slots=True)
class Asked:
    """What the text answers: the question's signs."""

    question: str
    signs: tuple[Sign, ...]


def asked_signs(question: str, options: Sequence[Option] = ()) -> tuple[Sign, ...]:
    """The signs a question is about: those of its numbered list, none for open questions.

    >>> asked_signs("gum")
    (<Sign.SWELLING: 'swelling'>, <Sign.REDNESS: 'redness'>)
    """
    if question == GUM:
        return (Sign.SWELLING, Sign.REDNESS)
    if question == SIGNS:
        return tuple(option.sign for option in options if option.sign is not None)
    return (Sign(question),) if question in tuple(Sign) else ()


def shown_by_answers(signs: tuple[Sign, ...]) -> tuple[Sign, ...]:
    """The signs that a short answer may show, the worse one first: "it won't stop", asked about bleeding.

    >>> shown_by_answers((Sign.BLEEDING,))
    (<Sign.HEAVY_BLEEDING: 'heavy_bleeding'>, <Sign.BLEEDING: 'bleeding'>)
    """
    return tuple(shown for sign in signs for shown in ((_WORSE_FORM[sign], sign) if sign in _WORSE_FORM else (sign,)))


def remark_on(
    clause: Clause, number: int, mentions: Sequence[Mention], *, asked: Asked, self_asked: bool
) -> list[Mention]:
    """The mentions after a clause without signs: earlier ones changed, or the question's signs answered.

    `self_asked` says that the clause before was a question with a sign: "Is it loose? No".

    >>> from monitor.domain.language.items import Item
    >>> pus = Asked("pus", (Sign.PUS,))
    >>> said = remark_on(Clause(Lead.START, (Item(Kind.YES, 0, 0),), 0), 0, [], asked=pus, self_asked=False)
    >>> [(mention.sign, mention.presence) for mention in said]
    [(<Sign.PUS: 'pus'>, <Presence.PRESENT: 'present'>)]
    """
    kinds, last = clause.kinds, _last_spoken(mentions)
    course = next((kind for kind in _COURSES if kind in kinds), None)
    if course in (Kind.RESOLVED, Kind.BETTER) and Kind.DOUBT in kinds:
        course = Kind.SAME  # "I would not say that it is gone"
    if (course in _LOOSE and _tells_of_people(clause)) or not kinds.isdisjoint(_ASKING_OR_WANTING):
        course = None
    bare = bare_answer(clause)
    if self_asked and bare is not None:
        return _changed(mentions, last, presence=bare)
    if _is_of_something_else(clause) and last and last[0].sign in _OF_ANY_PART:
        return _changed(mentions, last, presence=Presence.UNKNOWN, doubted=True)
    excepted = clause.lead is Lead.EXCEPT and not kinds & {Kind.STRANGERS, Kind.OTHERS}
    if excepted and last and all(mention.presence is Presence.ABSENT for mention in last):
        return _changed(mentions, last, presence=Presence.UNKNOWN, doubted=True)  # "no pain unless I squeeze it"
    if last and _denies_what_was_feared(clause, last):
        return _changed(mentions, last, presence=Presence.ABSENT)
    foreign = not kinds.isdisjoint(_NOT_OF_THE_WOUND)  # "the stitches are gone" answers nothing about the swelling
    if course is Kind.WORSE and not last and not asked.signs and _of_the_mouth(clause):
        return [*mentions, _swollen(clause, number, course)]
    if course in TRENDS and not foreign and _of_the_gum_beside_pain(clause, last or mentions, asked):
        return [*mentions, _swollen(clause, number, course)]
    if course is not None and (last or (asked.signs and asked.question != SIGNS)) and not foreign:
        return _coursed(clause, number, mentions, course=course, last=last, asked=asked, bare=bare)
    if last and all(mention.past for mention in last) and _is_well_now(clause, bare):
        return _changed(mentions, last, presence=Presence.ABSENT, past=False)
    answer = Presence.ABSENT if says_all_is_well(clause) and bare is None else bare
    if bare is not None and last and last[0].bare:
        return _changed(mentions, last, presence=bare)  # "no ... well, yes", "yeah, no"
    if bare is Presence.PRESENT and _denied_before(asked, mentions) and Kind.NOW not in kinds:
        return _doubted(mentions, asked)  # "no fever, yes since last night"
    if bare is Presence.PRESENT and last and (clause.lead is Lead.CONTRAST or Kind.NOW in kinds):
        return _changed(mentions, last, presence=bare)  # "not before, but now it does"
    if answer is None or not _is_new(asked, mentions) or Kind.COMPLAINT in kinds:
        return list(mentions)
    if asked.question == SIGNS and answer is not Presence.ABSENT:
        return list(mentions)  # "yes" to a list of signs says only that some of them are there
    return [*mentions, *_answers(clause, number, asked=asked, presence=answer)]


def _denied_before(asked: Asked, mentions: Sequence[Mention]) -> bool:
    said = [mention.presence for mention in mentions if mention.sign in asked.signs]
    return bool(said) and all(presence is Presence.ABSENT for presence in said)


def _doubted(mentions: Sequence[Mention], asked: Asked) -> list[Mention]:
    return [replace(m, presence=Presence.UNKNOWN, doubted=True) if m.sign in asked.signs else m for m in mentions]


def _is_well_now(clause: Clause, bare: Presence | None) -> bool:
    """ "Was swollen, now fine", "had some yellow at first, nothing for a week": what was said before is over."""
    fine = Kind.NOW in clause.kinds and not clause.kinds.isdisjoint({Kind.FINE, Kind.ACK, Kind.BLANKET})
    return fine or (bare is Presence.ABSENT and clause.words <= _SHORT)


def _is_of_something_else(clause: Clause) -> bool:
    """ "... not the implant": what was said just before is not of the implant."""
    return Kind.PART in clause.kinds and bool(clause.kinds & {*NOES, Kind.NOT}) and not clause.words


def _of_the_mouth(clause: Clause) -> bool:
    return any(item.about in OF_THE_MOUTH for item in clause.items)


def _of_the_gum_beside_pain(clause: Clause, last: Sequence[Mention], asked: Asked) -> bool:
    """ "5, gums the same": who tells of the pain, or was asked about it, and then of the gum, tells of two things."""
    spoken = {mention.sign for mention in last} or set(asked.signs)
    return spoken == {Sign.PAIN} and any(item.about == Kind.FLESH for item in clause.items)


def _swollen(clause: Clause, number: int, course: Kind) -> Mention:
    """ "My cheek has doubled": a part of the mouth that is bigger, worse or as it was is swollen."""
    first, last = clause.items[0].first, clause.items[-1].last
    said = Mention(Sign.SWELLING, Presence.PRESENT, number, first, last, trend=TRENDS[course])
    return replace(said, presence=presence_if_better(said, clause)) if course is Kind.BETTER else said


def _tells_of_people(clause: Clause) -> bool:
    """ "We watched cartoons all morning", "I slept little": what went on is what somebody did."""
    subjects = [item for item in clause.items if item.kind == Kind.SUBJECT]
    of_it = any(item.about in (Kind.THING, *OF_THE_MOUTH) for item in subjects) or Kind.PART in clause.kinds
    return bool(subjects) and clause.words >= _FEW and not of_it


def _denies_what_was_feared(clause: Clause, last: Sequence[Mention]) -> bool:
    """ "... watch for pus but there isn't any": denies what was named without being asserted."""
    unsaid = all(mention.presence is Presence.UNKNOWN and not mention.doubted for mention in last)
    return unsaid and Kind.NOT in clause.kinds and clause.kinds <= {Kind.NOT, Kind.SUBJECT, Kind.OPENER}


def bare_answer(clause: Clause) -> Presence | None:
    """Yes or no to what was asked, None if the clause is neither: "nothing helps" is no "no".

    >>> from monitor.domain.language.items import Item
    >>> nothing = (Item(Kind.NONE, 0, 0),)
    >>> bare_answer(Clause(Lead.START, nothing, 0)), bare_answer(Clause(Lead.START, nothing, 0, words=3))
    (<Presence.ABSENT: 'absent'>, None)
    """
    kinds, short = clause.kinds, clause.words == 0
    verbal = clause.words > 0 and all(item.about == Kind.BOTH for item in clause.items if item.kind == Kind.NO)
    if Kind.NO in kinds and Kind.YES in kinds:
        return None  # "1 no 2 no 3 yes"
    if (Kind.NO in kinds and not verbal) or (Kind.NONE in kinds and short) or _is_bare_not(clause):
        return Presence.ABSENT
    if Kind.YES in kinds or Kind.TRIGGER in kinds or (Kind.AFFIRM in kinds and short):
        return Presence.PRESENT
    return None


def _is_bare_not(clause: Clause) -> bool:
    """ "It does not", "I don't have it now", "hasn't since day 3", or the word alone where a language uses it so."""
    alone = Kind.NOT in clause.kinds and clause.kinds <= _BESIDE_NOT and clause.words == 0
    of_it = any(item.about in (Kind.THING, *OF_THE_MOUTH) or item.kind == Kind.PART for item in clause.items)
    of_it = of_it or (_is_of_me(clause) and all(item.about != Kind.CANNOT for item in clause.items))  # "I don't"
    since = Kind.LABEL in clause.kinds
    whole = all(item.first == item.last for item in clause.items if item.kind == Kind.NOT)
    short = clause.kinds == {Kind.NOT} or (clause.kinds == {Kind.NOT, Kind.NOW} and whole)
    alone = alone and (short or of_it != since)
    return alone or {Kind.NOT, Kind.AFFIRM} <= clause.kinds


def _is_of_me(clause: Clause) -> bool:
    return any(item.about == Kind.ME for item in clause.items)


def says_all_is_well(clause: Clause) -> bool:
    """Whether a clause denies everything: "all good"; "fine" only where little else is said.

    >>> from monitor.domain.language.items import Item
    >>> says_all_is_well(Clause(Lead.START, (Item(Kind.BLANKET, 0, 0),), 0))
    True
    """
    rest = any(item.about == Kind.REST for item in clause.items)  # "everything else is fine"
    plain_fine = Kind.FINE in clause.kinds and clause.words <= _SHORT + 1 and not clause.signs and not rest
    return Kind.BLANKET in clause.kinds or (plain_fine and not clause.kinds & {Kind.COMPLAINT, *FOREIGN})


def _is_new(asked: Asked, mentions: Sequence[Mention]) -> bool:
    spoken = {mention.sign for mention in mentions}
    return bool(asked.signs) and spoken.isdisjoint(asked.signs)


def _last_spoken(mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    clause = mentions[-1].clause if mentions else -1
    return tuple(mention for mention in mentions if mention.clause == clause)


def _changed(mentions: Sequence[Mention], last: Sequence[Mention], **change: object) -> list[Mention]:
    return [replace(m, **change) if m in last else m for m in mentions]  # type: ignore[arg-type]


def _answers(clause: Clause, number: int, *, asked: Asked, presence: Presence) -> list[Mention]:
    first, end = clause.items[0].first, clause.items[-1].last
    return [
        Mention(sign=sign, presence=presence, clause=number, first=first, last=end, bare=True) for sign in asked.signs
    ]


def _coursed(
    clause: Clause,
    number: int,
    mentions: Sequence[Mention],
    *,
    course: Kind,
    last: Sequence[Mention],
    asked: Asked,
    bare: Presence | None,
) -> list[Mention]:
    """What "gone", "same", "still", "a bit" say of the last sign, or else of the question's."""
    if clause.words > _FEW and (course is Kind.RESOLVED or not last):
        return list(mentions)
    if not last or (bare is not None and _is_new(asked, mentions)):
        fresh = _answers(clause, number, asked=asked, presence=bare or Presence.PRESENT)
        return [*mentions, *(_follow(mention, course, clause) for mention in fresh)]
    if clause.lead is Lead.START and course in (Kind.TRACE, Kind.MUCH):
        return list(mentions)
    return [_follow(mention, course, clause) if mention in last else mention for mention in mentions]


def _follow(mention: Mention, course: Kind, clause: Clause) -> Mention:
    """One mention as a course leaves it."""
    if course is Kind.RESOLVED:
        return mention if mention.sign in LASTING else replace(mention, presence=Presence.ABSENT)
    denied = mention.presence is Presence.ABSENT
    if course in (Kind.TRACE, Kind.MUCH):
        excepted = clause.lead in (Lead.CONTRAST, Lead.EXCEPT) or bool(clause.kinds & {*NOES})
        excepted = excepted or (clause.lead is Lead.COMMA and clause.kinds == {course})  # "no blood, a little"
        if denied and not excepted:
            return mention
        amount = Amount.TRACE if course is Kind.TRACE else Amount.MORE
        return replace(mention, presence=Presence.PRESENT, amount=amount)
    if course is Kind.PERSISTS:
        return replace(mention, presence=Presence.PRESENT)
    if course is Kind.RECURS:
        return replace(mention, presence=Presence.PRESENT, trend=None)
    trend = TRENDS[course]
    if course is Kind.BETTER:
        return mention if denied else replace(mention, presence=presence_if_better(mention, clause), trend=trend)
    return replace(mention, presence=Presence.PRESENT, trend=trend)
