"""What patients wrote that raised an alert: their whole texts, with the words that were found in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, union_all
from sqlalchemy.orm import Session

from monitor.domain.terms import Band, Disposition
from monitor.models import Alert, Assessment, Inbound

SHOWN = 2  # texts on an alert: the worst, and the latest
LOOKED_AT = 6  # of an alert's texts, the newest
BEFORE = 40  # characters before the first word that was found, where a text has room for a few lines alone
CUT = 60  # characters to which the words of a reason are cut
RANKS: Mapping[str, int] = {str(band): band.rank for band in Band}  # 0 is expected; asked thousands of times a page
FROM_STRANGERS = ("unknown_number", "failed")


@dataclass(frozen=True, slots=True)
class Said:
    """One text as the patient wrote it; `found` are the stretches in it that show a sign, in order, and `worst` is
    where the worst of them begins."""

    body: str
    found: tuple[tuple[int, int], ...] = ()
    worst: int = 0

    def parts(self, start: int = 0) -> Iterator[tuple[str, bool]]:
        """The text piece by piece, and whether the piece is what was found.

        >>> list(Said("it smells, pus too", ((11, 14),)).parts())
        [('it smells, ', False), ('pus', True), (' too', False)]
        """
        for since, until in self.found:
            if until <= start:
                continue
            if start < since:
                yield self.body[start:since], False
            yield self.body[since:until], True
            start = until
        if start < len(self.body):
            yield self.body[start:], False

    def opening(self) -> Iterator[tuple[str, bool]]:
        """The same for where a few lines are shown: of a long text, from shortly before the worst that was found.

        >>> list(Said("and so on " * 9 + "pus", ((90, 93),), 90).opening())
        [('… ', False), ('so on and so on and so on and so on ', False), ('pus', True)]
        """
        start = self.body.find(" ", self.worst - BEFORE) + 1 if self.worst > 2 * BEFORE else 0
        if start:
            yield "… ", False
        yield from self.parts(min(start, self.worst))


def texts_of_alerts(session: Session, which: ColumnElement[bool]) -> Mapping[int, Sequence[str]]:
    """The last texts that came to each of these alerts, the newest first: one query, however many alerts."""
    theirs = (
        select(Alert.id.label("alert"), Inbound.id, Inbound.body)
        .join(Assessment, Assessment.episode_id == Alert.episode_id)
        .join(Inbound, Inbound.id == Assessment.inbound_id)
        .where(
            which,
            Assessment.created_at >= Alert.opened_at,
            Assessment.disposition != Disposition.CLOSE,
            Assessment.corrects_id.is_(None),
        )
    )
    strangers = (
        select(Alert.id.label("alert"), Inbound.id, Inbound.body)
        .join(Inbound, Inbound.from_number == func.substr(Alert.subject, len("phone:") + 1))
        .where(
            which,
            Alert.episode_id.is_(None),
            Inbound.handled_at >= Alert.opened_at,
            Inbound.result.in_(FROM_STRANGERS),
        )
    )
    both = union_all(theirs, strangers).subquery()
    place = func.row_number().over(partition_by=both.c.alert, order_by=both.c.id.desc()).label("place")
    each = select(both, place).subquery()
    found: dict[int, list[str]] = {}
    last = select(each.c.alert, each.c.body).where(each.c.place <= LOOKED_AT).order_by(each.c.place)
    for alert, body in session.execute(last):
        found.setdefault(alert, []).append(body)
    return found


def raising_texts(reasons: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> tuple[Said, ...]:
    """Of an alert's texts, the newest first, the one with the worst sign and the latest. Words of a reason that stand
    in none of them, such as those of long ago, count as a text.

    >>> bleeding = {"band": "emergency", "sign": "bleeding", "rule": "heavy", "said": 'bleeding: "bleeding wont stop"'}
    >>> smell = {"band": "soon", "sign": "smell", "rule": "smell", "said": 'smell: "smell"'}
    >>> [said.body for said in raising_texts([bleeding, smell], ["now a smell", "and a smell", "bleeding wont stop!"])]
    ['bleeding wont stop!', 'now a smell']
    >>> [said.body for said in raising_texts([bleeding, smell], ["now a smell"])]
    ['bleeding wont stop', 'now a smell']
    """
    quotes = _quotes(reasons)
    places = {text: [(words, place) for words in quotes for place in _places(words, text)] for text in texts if text}
    ranks = {text: max((quotes[words] for words, _ in found), default=0) for text, found in places.items()}
    there = {words for found in places.values() for words, _ in found}
    lost = {words: rank for words, rank in quotes.items() if words not in there}
    ranks |= lost
    if not ranks:
        return ()
    worst = max(ranks, key=lambda text: ranks[text])  # among equals the newest
    chosen = dict.fromkeys((worst, *places, *lost))
    return tuple(_marked(text, places.get(text, ()), quotes) for text in list(chosen)[:SHOWN])


def words_said(reasons: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The patient's words that raised an alert, each once, the newest last; risk factors are no words of theirs.

    >>> words_said([{"band": "urgent", "sign": "pus", "rule": "pus", "said": 'pus: "yellow ooze"'}])
    ('yellow ooze',)
    """
    return tuple(dict.fromkeys(_quoted(reason) for reason in reasons if _is_said(reason)))


def understood(reason: Mapping[str, Any], name: str) -> str:
    """A sign as it was understood: with its number, where it has one.

    >>> understood({"said": 'pain 9 of 10, worse: "9"'}, "pain"), understood({"said": "loose: it wobbles"}, "loose cap")
    ('pain 9 of 10', 'loose cap')
    """
    words: str = reason["said"].partition(': "')[0].partition(", ")[0]
    return words if words.startswith(f"{name} ") else name


def _is_said(reason: Mapping[str, Any]) -> bool:
    raises = RANKS[reason["band"]] and reason["said"]
    return bool(raises and (reason["sign"] or _is_review(reason)))


def _quoted(reason: Mapping[str, Any]) -> str:
    """What a reason quotes, without what was understood of it. What a person must read is quoted as a whole."""
    said: str = reason["said"]
    first, last = said.find('"'), said.rfind('"')
    return said if _is_review(reason) or not 0 <= first < last else said[first + 1 : last]


def _is_review(reason: Mapping[str, Any]) -> bool:
    return str(reason["rule"]).startswith("review:")


def _quotes(reasons: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The words that reasons quote, each with the rank of the worst of them. What was understood of a text without
    words of its own, such as a correction by the staff, is no quote."""
    found: dict[str, int] = {}
    for reason in reasons:
        if _is_said(reason) and (_is_review(reason) or '"' in reason["said"]) and (words := _quoted(reason)):
            found[words] = max(found.get(words, 0), RANKS[reason["band"]])
    return found


def _marked(text: str, places: Sequence[tuple[str, tuple[int, int]]], quotes: Mapping[str, int]) -> Said:
    """A text with where the quoted words stand. If it is quoted as a whole, none of its words stand out for that."""
    whole = text[:200]
    places = [(words, place) for words, place in places if words != whole]
    found: list[tuple[int, int]] = []
    for since, until in sorted(place for _, place in places):
        if not found or since >= found[-1][1]:
            found.append((since, until))
    worst = max(places, key=lambda each: quotes[each[0]])[1][0] if places else 0
    return Said(text, tuple(found), worst)


def _places(words: str, text: str) -> list[tuple[int, int]]:
    """Where these words stand in a text as words: 9 does not stand in 19."""
    found, at = [], text.find(words)
    while at >= 0:
        end = at + len(words)
        begins = at == 0 or not (text[at - 1].isalnum() and words[0].isalnum())
        ends = end == len(text) or len(words) >= CUT or not (text[end].isalnum() and words[-1].isalnum())
        if begins and ends:
            found.append((at, end))
        at = text.find(words, end)
    return found
