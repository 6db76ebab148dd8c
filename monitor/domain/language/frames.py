"""What holds over a stretch of a text: somebody else, a hypothesis, a doubt, a thing spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.domain.language.clauses import Clause, Lead
from monitor.domain.language.items import Item, Pause
from monitor.domain.language.kinds import Kind

SUBJECTS = (Kind.PART, Kind.STITCH, Kind.ELSEWHERE, Kind.AILMENT)
FOREIGN = (Kind.ELSEWHERE, Kind.AILMENT)


@dataclass(frozen=True, slots=True)
class Frame:
    """What earlier words of the sentence set for the next. `other` is OTHERS or STRANGERS, or nothing."""

    hypothetical: bool = False
    doubt: bool = False
    other: str = ""
    subject: str = ""
    sentence: int = 0


def frames_of(clauses: Sequence[Clause]) -> list[list[Frame]]:
    """For each clause the frame in which each of its items stands.

    >>> mine, theirs = Item(Kind.SELF, 1, 1), Item(Kind.STRANGERS, 0, 0)
    >>> [str(frame.other) for frame in frames_of([Clause(Lead.START, (theirs, mine), 0)])[0]]
    ['strangers', '']
    """
    proxy = any(Kind.PROXY in clause.kinds for clause in clauses)
    own = max((number for number, clause in enumerate(clauses) if Kind.SELF in clause.kinds), default=-1)
    frame, frames = Frame(), list[list[Frame]]()
    last = ""
    for number, clause in enumerate(clauses):
        frame = _before(frame, clause, after=last)
        last = clause.items[-1].kind if clause.items else ""
        row = []
        for item in clause.items:
            frame = _after(frame, item, clause, proxy=proxy, told_apart=own > number)
            row.append(frame)
        frames.append(row)
    return frames


def without_others(clauses: Sequence[Clause], frames: Sequence[Sequence[Frame]]) -> list[Clause]:
    """The clauses less the ailments of other people, which nobody here need look after.

    >>> flu = Clause(Lead.START, (Item(Kind.STRANGERS, 0, 0), Item(Kind.AILMENT, 1, 1)), 0)
    >>> [str(item.kind) for item in without_others([flu], frames_of([flu]))[0].items]
    ['strangers']
    """
    return [
        replace(
            clause,
            items=tuple(item for item, frame in zip(clause.items, row, strict=True) if not _is_anothers(item, frame)),
        )
        for clause, row in zip(clauses, frames, strict=True)
    ]


def _is_anothers(item: Item, frame: Frame) -> bool:
    strange = item.kind == Kind.COMPLAINT and frame.other == Kind.STRANGERS
    return strange or (item.kind in (*FOREIGN, Pause.UNKNOWN) and bool(frame.other))


def _before(frame: Frame, clause: Clause, *, after: str) -> Frame:
    """The frame in which a clause begins: a new sentence forgets all but what was spoken of.

    `after` is the kind of the last item before: "my son however has" goes on about the son.
    """
    if clause.sentence != frame.sentence:
        return Frame(subject=frame.subject, sentence=clause.sentence)
    begins_with_no = bool(clause.items) and clause.items[0].kind == Kind.NO
    if clause.lead is Lead.COMMA and frame.other == Kind.STRANGERS and begins_with_no:
        return replace(frame, other="")  # "everybody came to lunch, no pain"
    if clause.lead is Lead.CONTRAST:
        if after in (Kind.OTHERS, Kind.STRANGERS):
            return frame
        return replace(frame, hypothetical=False, doubt=False, other="")
    return frame


def _after(frame: Frame, item: Item, clause: Clause, *, proxy: bool, told_apart: bool) -> Frame:
    """The frame after an item; `told_apart` says that the patient's own state is told later: "but mine is fine"."""
    if item.kind in (Kind.HYPOTHETICAL, Kind.WONDER, Kind.WORRY) and Kind.PRESUMING not in clause.kinds:
        return replace(frame, hypothetical=True)
    if item.kind == Kind.DOUBT:
        return replace(frame, doubt=True)
    if item.kind == Kind.THEIRS and not proxy:
        return replace(frame, other=Kind.STRANGERS if told_apart else Kind.OTHERS)
    if item.kind == Kind.STRANGERS or (item.kind == Kind.OTHERS and not proxy):
        return replace(frame, other=item.kind)
    if item.kind == Kind.SELF or item.about == Kind.ME:
        return replace(frame, other="")
    if item.kind in SUBJECTS:
        return replace(frame, subject=item.kind)
    return frame
