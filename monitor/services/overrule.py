"""A clinician overrules what the program read in a text. What was read stays, and the correction stands beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.findings import Findings
from monitor.domain.reading import Reading
from monitor.domain.score import Assessment as Scored
from monitor.domain.score import Reason
from monitor.domain.terms import Amount, Band, Disposition, Presence, Sign, Trend
from monitor.errors import BadInput, Stale
from monitor.locking import lock
from monitor.models import Alert, Assessment, Episode, Inbound, Staff
from monitor.queries import assessments_of, open_alert, were_joined
from monitor.services.assess import score_findings
from monitor.services.audit import record
from monitor.services.clinic import check_name
from monitor.services.raise_alert import Finding, raise_alert, reasons_json
from monitor.services.seed import bundle_of

MAX_PAIN = 10
MAX_WHY = 300
BLEEDING = frozenset({Sign.BLEEDING, Sign.HEAVY_BLEEDING})
TEMPERATURES = (34.0, 43.0)  # degrees Celsius that a person can have
JOINED_TO = "in a text before this one"


@dataclass(frozen=True, slots=True)
class Correction:
    """What is so instead: signs that are there or not, and of those that are, how they go, how much it is, how much it
    hurts (0 to 10), or how hot (degrees Celsius). One answer about the gum is about two signs."""

    signs: tuple[Sign, ...]
    presence: Presence
    pain: int | None = None
    trend: Trend | None = None
    amount: Amount | None = None
    temp_c: float | None = None

    def __post_init__(self) -> None:
        beside = (
            ("pain", self.pain, frozenset({Sign.PAIN}), "pain"),
            ("amount", self.amount, BLEEDING, "bleeding"),
            ("temp", self.temp_c, frozenset({Sign.FEVER}), "fever"),
            ("trend", self.trend, frozenset(Sign), "a sign"),
        )
        for name, value, signs, words in beside:
            if value is not None and not signs.issuperset(self.signs):
                raise BadInput(name, value, f"nothing, but beside {words}")
            if value and self.presence == Presence.ABSENT:
                raise BadInput(name, value, "nothing beside what is not there")
        if self.pain is not None and not 0 <= self.pain <= MAX_PAIN:
            raise BadInput("pain", self.pain, "a whole number from 0 to 10")
        if self.temp_c is not None and not TEMPERATURES[0] <= self.temp_c <= TEMPERATURES[1]:
            raise BadInput("temp", self.temp_c, "degrees Celsius from 34 to 43")

    def applied_to(self, findings: Findings) -> Findings:
        """
        >>> findings = Findings(signs={Sign.PUS: Presence.PRESENT}, pain=3, words={Sign.PUS: "pus"})
        >>> Correction((Sign.PUS,), Presence.ABSENT).applied_to(findings).has(Sign.PUS)
        False
        >>> Correction((Sign.PAIN,), Presence.PRESENT, 8).applied_to(findings).pain
        8
        """
        said = Reading(
            signs=dict.fromkeys(self.signs, self.presence),
            trend=dict.fromkeys(self.signs, self.trend) if self.trend else {},
            amount=dict.fromkeys(self.signs, self.amount) if self.amount else {},
            pain=self.pain,
            temp_c=self.temp_c,
        )
        return findings.joined(said, "")

    def is_said_anew_in(self, reading: Mapping[str, Any]) -> bool:
        """Whether a later text speaks of the same by itself, so that what is corrected in an earlier one no longer
        counts there.

        >>> pus = Correction((Sign.PUS,), Presence.ABSENT)
        >>> pus.is_said_anew_in({"signs": {"pus": "present"}}), pus.is_said_anew_in({"signs": {}, "pain": 3})
        (True, False)
        """
        spoken = {*reading.get("signs", ()), *reading.get("trend", ())}
        return not spoken.isdisjoint(self.signs) or (Sign.PAIN in self.signs and reading.get("pain") is not None)

    def in_words(self, names: Mapping[str, str] = MappingProxyType({})) -> str:
        """`names` are the signs' as staff read them.

        >>> Correction((Sign.PAIN,), Presence.PRESENT, 8).in_words()
        'pain: 8 of 10'
        >>> Correction((Sign.PUS,), Presence.ABSENT).in_words({"pus": "pus from the wound"})
        'pus from the wound: no'
        >>> Correction((Sign.SWELLING, Sign.REDNESS), Presence.PRESENT, trend=Trend.BETTER).in_words()
        'swelling and redness: yes, better'
        """
        what = " and ".join(names.get(sign, sign) for sign in self.signs)
        if self.pain is not None:
            return f"{what}: {self.pain} of 10"
        how = ["yes" if self.presence == Presence.PRESENT else "no", self.trend, self.amount]
        degrees = f"{self.temp_c:g} °C" if self.temp_c is not None else None
        return f"{what}: {', '.join(str(part) for part in (*how, degrees) if part)}"


def overrule(
    session: Session, old: Assessment, correction: Correction, why: str, *, by: Staff, now: datetime
) -> Assessment:
    """Read a text as a clinician does, score it anew by the same rules, and tell staff if that makes it worse. Later
    texts that were read together with it, and do not speak of the same, are corrected with it.

    An alert that the old reading raised stays open and says what was overruled: it ends by an outcome, as any.
    Raises Stale if somebody has overruled this reading already.
    """
    lock(session, Assessment, old.id)
    if session.scalar(select(Assessment.id).where(Assessment.corrects_id == old.id)) is not None:
        raise Stale("Somebody has overruled this reading already; the correction stands in the timeline.")
    reason, episode = check_name("why", why, MAX_WHY), session.get_one(Episode, old.episode_id)
    bundle = bundle_of(session, episode.protocol_version_id)
    what = f"{correction.in_words({str(sign): name for sign, name in bundle.protocol.signs.items()})}. {reason}"
    read = [old, *_joined_to(session, old, correction)]
    new, *later = [
        _correct(session, text, correction, what if text is old else f"{JOINED_TO}: {what}"[:400], by=by, now=now)
        for text in read
    ]
    known = {reason["rule"] for text in read for reason in text.reasons}
    scored = [each[1] for each in (new, *later)]
    fresh = {r.rule: r for each in scored for r in each.reasons if r.band >= Band.SOON and r.rule not in known}
    if fresh:  # what was known before was paged then, and may have been dealt with
        at_night = any(each.at_night for each in scored)
        _tell_staff(session, episode, old, fresh.values(), f"{by.name} overruled: {what}", at_night, now=now)
    elif (alert := open_alert(session, f"episode:{episode.id}")) is not None:
        _say_on_alert(alert, f"{by.name} overruled: {what}")
    return new[0]


def _joined_to(session: Session, old: Assessment, correction: Correction) -> list[Assessment]:
    """The readings that stand of texts after this one which took over from it what is corrected, in their order."""
    standing = session.scalars(assessments_of(old.episode_id or 0)).all()[::-1]
    found: list[Assessment] = []
    before = old
    for text in standing[standing.index(old) + 1 :]:
        if not were_joined(session, before, text) or correction.is_said_anew_in(text.reading):
            break
        found.append(text)
        before = text
    return found


def _correct(
    session: Session,
    old: Assessment,
    correction: Correction,
    what: str,
    *,
    by: Staff,
    now: datetime,
) -> tuple[Assessment, Scored]:
    """The reading that stands from now on."""
    episode = session.get_one(Episode, old.episode_id)
    findings = correction.applied_to(Findings.from_json(old.findings))
    text = session.get(Inbound, old.inbound_id) if old.inbound_id else None
    scored = score_findings(
        session, episode, findings, day=old.day, at=text.received_at if text is not None else old.created_at
    )
    new = _store(session, old, findings, scored, what, by=by)
    record(
        session,
        "overruled",
        at=now,
        patient_id=old.patient_id,
        assessment=old.id,
        correction=new.id,
        sign=[str(sign) for sign in correction.signs],
        old=old.band,
        new=new.band,
    )
    return new, scored


def _store(
    session: Session, old: Assessment, findings: Findings, scored: Scored, what: str, *, by: Staff
) -> Assessment:
    new = Assessment(
        inbound_id=old.inbound_id,
        patient_id=old.patient_id,
        episode_id=old.episode_id,
        checkin_id=old.checkin_id,
        protocol_version_id=old.protocol_version_id,
        question=old.question,
        day=old.day,
        band=scored.band,
        score=scored.score,
        disposition=Disposition.ALERT if scored.band >= Band.SOON else Disposition.CLOSE,
        reasons=reasons_json(scored.reasons),
        reading=old.reading,
        findings=findings.to_json(),
        corrects_id=old.id,
        corrected_by_id=by.id,
        correction=what,
        created_at=old.created_at,
    )
    session.add(new)
    session.flush()
    return new


def _tell_staff(
    session: Session,
    episode: Episode,
    old: Assessment,
    fresh: Collection[Reason],
    why: str,
    at_night: bool,
    *,
    now: datetime,
) -> None:
    """What holds now and did not before is an alert like any. It quotes nobody: these are no words of the patient."""
    patient = episode.patient
    finding = Finding(
        clinic=patient.clinic,
        kind="finding",
        band=max(reason.band for reason in fresh),
        day=old.day,
        version_id=episode.protocol_version_id,
        signs=list(dict.fromkeys(reason.sign.value for reason in fresh if reason.sign is not None)),
        reasons=[{**reason, "said": "", "text": f"{why} {reason['text']}"} for reason in reasons_json(list(fresh))],
        at_night=at_night,
        patient=patient,
        episode=episode,
    )
    raise_alert(session, finding, bundle=bundle_of(session, episode.protocol_version_id), now=now)


def _say_on_alert(alert: Alert, text: str) -> None:
    note = {"rule": "overruled", "sign": None, "said": "", "band": Band.EXPECTED, "points": 0, "source": "staff"}
    alert.reasons = [*alert.reasons, {**note, "text": text}]
