"""What holds over a stretch of a text: somebody else, a hypothesis, a doubt, a thing spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.domain.clauses import Clause, Lead
from monitor.domain.items import Item
from monitor.domain.lexicon import Kind

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
    frame, frames = Frame(), list[list[Frame]]()
    for clause in clauses:
        frame = _before(frame, clause)
        row = []
        for item in clause.items:
            frame = _after(frame, item, clause, proxy=proxy)
            row.append(frame)
        frames.append(row)
    return frames


def _before(frame: Frame, clause: Clause) -> Frame:
    """The frame in which a clause begins: a new sentence forgets all but what was spoken of."""
    if clause.sentence != frame.sentence:
        return Frame(subject=frame.subject, sentence=clause.sentence)
    if clause.lead is Lead.CONTRAST:
        return replace(frame, hypothetical=False, doubt=False, other="")
    return frame


def _after(frame: Frame, item: Item, clause: Clause, *, proxy: bool) -> Frame:
    if item.kind in (Kind.HYPOTHETICAL, Kind.WONDER, Kind.WORRY) and Kind.PRESUMING not in clause.kinds:
        return replace(frame, hypothetical=True)
    if item.kind == Kind.DOUBT:
        return replace(frame, doubt=True)
    if item.kind == Kind.STRANGERS or (item.kind == Kind.OTHERS and not proxy):
        return replace(frame, other=item.kind)
    if item.kind == Kind.SELF:
        return replace(frame, other="")
    if item.kind in SUBJECTS:
        return replace(frame, subject=item.kind)
    return frame
