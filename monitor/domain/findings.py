"""What a patient's texts have said together: several texts in a row make one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from monitor.domain.reading import Reading
from monitor.domain.score import Facts
from monitor.domain.terms import Amount, Detail, Presence, Sign, Trend

MILDER = {Detail.BRUSHING: Sign.BLEEDING, Detail.FILM: Sign.PUS, Detail.KNOWN: Sign.NUMBNESS}


@dataclass(frozen=True, slots=True)
class Findings:
    """Signs, trends, amounts and numbers so far; `words` are the patient's own for each sign."""

    signs: Mapping[Sign, Presence] = field(default_factory=dict)
    trend: Mapping[Sign, Trend] = field(default_factory=dict)
    amount: Mapping[Sign, Amount] = field(default_factory=dict)
    details: frozenset[Detail] = frozenset()
    pain: int | None = None
    temp_c: float | None = None
    hours_ago: float | None = None
    words: Mapping[Sign, str] = field(default_factory=dict)

    def has(self, sign: Sign) -> bool:
        return self.signs.get(sign) == Presence.PRESENT

    def joined(self, reading: Reading, text: str) -> Findings:
        """These findings with a newer text's on top; what it says of a sign replaces what was said before.

        >>> first = Findings().joined(Reading(signs={Sign.PUS: Presence.PRESENT}), "pus")
        >>> first.joined(Reading(signs={Sign.PUS: Presence.ABSENT}), "no pus, sorry").has(Sign.PUS)
        False
        """
        gone = {s for s, p in reading.signs.items() if p == Presence.ABSENT}
        # What made a sign seem harmless does not outlive a newer text that names the sign without it.
        milder = {detail for detail, sign in MILDER.items() if reading.has(sign)}
        trace = (
            {Sign.BLEEDING} if reading.has(Sign.BLEEDING) and self.amount.get(Sign.BLEEDING) == Amount.TRACE else set()
        )
        return replace(
            self,
            signs={**self.signs, **reading.signs},
            trend=_without({**self.trend, **reading.trend}, gone),
            amount=_without({**_without(self.amount, trace), **reading.amount}, gone),
            details=(self.details - milder) | reading.details,
            pain=reading.pain if reading.pain is not None else None if Sign.PAIN in gone else self.pain,
            temp_c=reading.temp_c if reading.temp_c is not None else None if Sign.FEVER in gone else self.temp_c,
            hours_ago=reading.hours_ago if reading.hours_ago is not None else self.hours_ago,
            words={**_without(self.words, gone), **words_of(reading, text)},
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "signs": dict(self.signs),
            "trend": dict(self.trend),
            "amount": dict(self.amount),
            "details": sorted(self.details),
            "pain": self.pain,
            "temp_c": self.temp_c,
            "hours_ago": self.hours_ago,
            "words": dict(self.words),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Findings:
        """
        >>> findings = Findings(signs={Sign.PUS: Presence.PRESENT}, pain=3)
        >>> Findings.from_json(findings.to_json()) == findings
        True
        """
        return cls(
            signs={Sign(s): Presence(p) for s, p in data.get("signs", {}).items()},
            trend={Sign(s): Trend(t) for s, t in data.get("trend", {}).items()},
            amount={Sign(s): Amount(a) for s, a in data.get("amount", {}).items()},
            details=frozenset(Detail(d) for d in data.get("details", ())),
            pain=data.get("pain"),
            temp_c=data.get("temp_c"),
            hours_ago=data.get("hours_ago"),
            words={Sign(s): w for s, w in data.get("words", {}).items()},
        )


def facts_of(findings: Findings, day: int) -> Facts:
    """The scorer's input without any history.

    >>> facts_of(Findings(pain=3), 7).pain
    3
    """
    return Facts(
        day=day,
        signs=findings.signs,
        trend=findings.trend,
        amount=findings.amount,
        details=findings.details,
        pain=findings.pain,
        temp_c=findings.temp_c,
        words=findings.words,
    )


def is_clinical(reading: Reading) -> bool:
    """Whether a text says anything about the body that can be scored."""
    return bool(reading.signs or reading.trend or reading.amount or reading.details) or (
        reading.pain is not None or reading.temp_c is not None
    )


def words_of(reading: Reading, text: str) -> dict[Sign, str]:
    """The patient's own words for each sign, at most 60 characters of each.

    >>> from monitor.domain.reading import Evidence
    >>> words_of(Reading(evidence=(Evidence("pus", 5, 17),)), "some yellow stuff")
    {<Sign.PUS: 'pus'>: 'yellow stuff'}
    """
    found: dict[Sign, str] = {}
    for piece in reading.evidence:
        name = {"pain_score": "pain", "temp_c": "fever"}.get(piece.sign, piece.sign)
        if name in set(Sign):
            found.setdefault(Sign(name), text[piece.start : piece.end][:60])
    return found


def _without(mapping: Mapping[Sign, Any], gone: set[Sign]) -> dict[Sign, Any]:
    return {sign: value for sign, value in mapping.items() if sign not in gone}
