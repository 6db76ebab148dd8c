"""What a text is for, beside the signs it tells of, and what in it a person must answer."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.domain.language.clauses import Clause, Lead
from monitor.domain.language.items import Pause
from monitor.domain.language.kinds import SIGN_KINDS, Kind
from monitor.domain.terms import NONE, REMINDER, Intent, Sign

KEYWORD_INTENTS = {Kind.STOP_WORD: Intent.STOP, Kind.START: Intent.START, Kind.HELP: Intent.HELP}
_ASKING = frozenset({Kind.QUESTION, Kind.PRESUMING, Kind.WONDER})
_ANSWERING = frozenset(
    {Kind.NO, Kind.NONE, Kind.NOT, Kind.YES, Kind.AFFIRM, Kind.BLANKET, Kind.FINE, Kind.NUMBER, Kind.BETTER}
)
_DECLINING = frozenset({Kind.NO, Kind.NONE, Kind.NOT})
_TOLD = frozenset({*SIGN_KINDS, Kind.BLANKET, Kind.BETTER, Kind.NUMBER})
_TELLING = frozenset({Kind.FINE, Kind.BLANKET, Kind.BETTER, Kind.RESOLVED, Kind.PAST, Kind.NUMBER, Kind.ACK})
_TOP = 10  # of the scale of pain
_REVIEWS = {
    Kind.QUESTION: "question",
    Kind.PRESUMING: "question",
    Kind.WONDER: "question",
    Kind.CALL: "call for help",
    Kind.WORRY: "worried",
    Kind.RESCHEDULE: "appointment",
    Kind.WRONG_NUMBER: "wrong number",
    Kind.COMPLAINT: "body complaint not understood",
    Kind.AILMENT: "body complaint elsewhere",
    Kind.REMARK: "remark",
    Kind.UNSURE: "cannot say",
}


def read_intent(clauses: Sequence[Clause], *, question: str, answered: bool) -> Intent:
    """What the text is for; `answered` says that it told of a sign, a number or a course.

    >>> from monitor.domain.language.clauses import Lead
    >>> from monitor.domain.language.items import Item
    >>> yes = Clause(Lead.START, (Item(Kind.YES, 0, 0),), 0)
    >>> read_intent([yes], question="reminder", answered=False), read_intent([yes], question="pus", answered=True)
    (<Intent.CONFIRM: 'confirm'>, <Intent.ANSWER: 'answer'>)
    """
    kinds = frozenset().union(*(clause.kinds for clause in clauses)) if clauses else frozenset[str]()
    for kind, intent in ((Kind.STOP, Intent.STOP), (Kind.WRONG_NUMBER, Intent.WRONG_NUMBER)):
        if kind in kinds:
            return intent
    declined = question == REMINDER and kinds & _DECLINING and not any(_confirms(clause) for clause in clauses)
    if Kind.RESCHEDULE in kinds or declined:
        return Intent.RESCHEDULE
    if is_question(clauses):
        return Intent.QUESTION
    if Kind.CONFIRM in kinds or (
        question == REMINDER and kinds & {Kind.YES, Kind.AFFIRM, Kind.ACK, Kind.FINE, Kind.BLANKET}
    ):
        return Intent.CONFIRM
    if Kind.THANKS in kinds and question == NONE and kinds.isdisjoint(_TOLD):
        return Intent.THANKS
    if answered:
        return Intent.ANSWER
    if Kind.CALL in kinds:
        return Intent.HELP
    if Kind.THANKS in kinds:
        return Intent.THANKS
    return Intent.OTHER


def _confirms(clause: Clause) -> bool:
    """ "I won't forget, see you there": words that confirm, not denied in their own clause."""
    return Kind.CONFIRM in clause.kinds and clause.kinds.isdisjoint(_DECLINING)


def is_question(clauses: Sequence[Clause]) -> bool:
    """Whether the text asks something of us: question words, or a question mark that nothing answers.

    >>> from monitor.domain.language.clauses import Lead
    >>> is_question([Clause(Lead.START, (), 0, asked=True)]), is_question([])
    (True, False)
    """
    for clause in clauses:
        kinds = clause.kinds
        asks = not kinds.isdisjoint(_ASKING) or (_may_ask(clause) and _begins_with_question(clause))
        if asks and Pause.LINK not in kinds:
            return True
    following = [*clauses[1:], None] if clauses else []
    ends = [one for one in zip(clauses, following, strict=True) if _ends_sentence(*one)]
    return any(clause.asked and not _is_answered(clause, after) for clause, after in ends)


def _may_ask(clause: Clause) -> bool:
    return Kind.RELATIVE in clause.kinds or any(item.about == Kind.ASKER for item in clause.items[:1])


def _ends_sentence(clause: Clause, after: Clause | None) -> bool:
    return after is None or after.sentence != clause.sentence


def _is_answered(clause: Clause, after: Clause | None) -> bool:
    """Whether a question is the patient's own: one that is answered at once, or ours said again: "Red? ..."."""
    echo = bool(clause.signs) and len(clause.items) == 1 and clause.words == 0
    return (echo and after is not None) or (_asks_oneself(clause) and _answered_by(after))


def _asks_oneself(clause: Clause) -> bool:
    """Whether a question may be one that the patient goes on to answer: it names what was asked about, or is short."""
    open_ended = not clause.kinds.isdisjoint({Kind.DOUBT, Kind.VAGUE, Kind.FINE})
    return bool(clause.signs) or (clause.words <= 1 and not open_ended)


def _answered_by(after: Clause | None) -> bool:
    """Whether a question is answered by the patient right after it: "Is it loose? No", "Fever? 36.6"."""
    return after is not None and (bool(after.signs) or not after.kinds.isdisjoint(_ANSWERING))


def _begins_with_question(clause: Clause) -> bool:
    """Whether a word like "when" asks: at the beginning of a statement, or before a question mark."""
    plain = all(item.about == Sign.STITCHES for item in clause.signs)
    plain = plain and not any(item.kind in _TELLING and item.exact for item in clause.items)
    first = clause.items[0]
    asks = first.kind == Kind.RELATIVE or (first.about == Kind.ASKER and clause.words > 0)
    return clause.asked or (clause.lead is Lead.START and asks and plain)


def _complains(clause: Clause) -> bool:
    """Whether a clause about another part of the body says something of it, other than that nothing is the matter."""
    scored = any(item.kind == Kind.NUMBER and float(item.about) <= _TOP for item in clause.items)
    open_ended = not clause.kinds.isdisjoint({Kind.COMPLAINT, Pause.UNKNOWN})
    return open_ended or ((bool(clause.signs) or scored) and not _is_denied(clause))


def _is_denied(clause: Clause) -> bool:
    """Whether a no stands before what is told or ends the clause: "my head does not hurt", "head pain: none"."""
    told = [at for at, item in enumerate(clause.items) if item.is_sign or item.kind == Kind.NUMBER]
    noes = [at for at, item in enumerate(clause.items) if item.kind in _DECLINING]
    return bool(noes) and (noes[0] < told[0] or noes[-1] == len(clause.items) - 1)


def _is_of_the_body(clause: Clause) -> bool:
    """Whether a clause speaks of another part of the body, and not of a mere thing: "the chair wobbles"."""
    return any(item.kind == Kind.ELSEWHERE and item.about != Kind.OBJECT for item in clause.items)


def review_reasons(clauses: Sequence[Clause]) -> tuple[str, ...]:
    """Why a person must read the text, from its words alone.

    >>> from monitor.domain.language.clauses import Lead
    >>> from monitor.domain.language.items import Item
    >>> review_reasons([Clause(Lead.START, (Item(Kind.CALL, 0, 0),), 0)])
    ('call for help',)
    """
    found = [
        _REVIEWS[Kind(item.kind)]
        for clause in clauses
        for item in clause.items
        if item.kind in _REVIEWS and not (item.kind == Kind.WORRY and Kind.PAST in clause.kinds)
    ]
    if any(_is_of_the_body(clause) and _complains(clause) for clause in clauses):
        found.append("body complaint elsewhere")
    if is_question(clauses):
        found.append("question")
    return tuple(dict.fromkeys(found))
