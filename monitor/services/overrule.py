"""A clinician overrules what the program read in a text. What was read stays, and the correction stands beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.findings import Findings
from monitor.domain.reading import Reading
from monitor.domain.score import Assessment as Scored
from monitor.domain.terms import Band, Disposition, Presence, Sign
from monitor.errors import BadInput, Stale
from monitor.models import Alert, Assessment, Episode, Staff
from monitor.queries import open_alert
from monitor.services.assess import score_findings
from monitor.services.audit import record
from monitor.services.clinic import check_name
from monitor.services.raise_alert import Finding, raise_alert, reasons_json
from monitor.services.seed import bundle_of

MAX_PAIN = 10
MAX_WHY = 300


@dataclass(frozen=True, slots=True)
class Correction:
    """What is so instead: a sign that is there or not, or how much it hurts (0 to 10)."""

    sign: Sign
    presence: Presence
    pain: int | None = None

    def __post_init__(self) -> None:
        if self.pain is not None and self.sign != Sign.PAIN:
            raise BadInput("pain", self.pain, "a number of 0 to 10 beside the sign pain only")
        if self.pain and self.presence == Presence.ABSENT:
            raise BadInput("pain", self.pain, "no number beside a pain that is not there")
        if self.pain is not None and not 0 <= self.pain <= MAX_PAIN:
            raise BadInput("pain", self.pain, "a whole number from 0 to 10")

    def applied_to(self, findings: Findings) -> Findings:
        """
        >>> findings = Findings(signs={Sign.PUS: Presence.PRESENT}, pain=3, words={Sign.PUS: "pus"})
        >>> Correction(Sign.PUS, Presence.ABSENT).applied_to(findings).has(Sign.PUS)
        False
        >>> Correction(Sign.PAIN, Presence.PRESENT, 8).applied_to(findings).pain
        8
        """
        return findings.joined(Reading(signs={self.sign: self.presence}, pain=self.pain), "")

    def in_words(self) -> str:
        """
        >>> Correction(Sign.PAIN, Presence.PRESENT, 8).in_words(), Correction(Sign.PUS, Presence.ABSENT).in_words()
        ('pain: 8 of 10', 'pus: no')
        """
        if self.pain is not None:
            return f"{self.sign}: {self.pain} of 10"
        return f"{self.sign}: {'yes' if self.presence == Presence.PRESENT else 'no'}"


def overrule(
    session: Session, old: Assessment, correction: Correction, why: str, *, by: Staff, now: datetime
) -> Assessment:
    """Read a text as a clinician does, score it anew by the same rules, and tell staff if that makes it worse.

    An alert that the old reading raised stays open and says what was overruled: it ends by an outcome, as any.
    Raises Stale if somebody has overruled this reading already.
    """
    if session.scalar(select(Assessment.id).where(Assessment.corrects_id == old.id)) is not None:
        raise Stale("Somebody has overruled this reading already; the correction stands in the timeline.")
    reason = check_name("why", why, MAX_WHY)
    episode = session.get_one(Episode, old.episode_id)
    findings = correction.applied_to(Findings.from_json(old.findings))
    scored = score_findings(session, episode, findings, day=old.day, at=old.created_at)
    new = _store(session, old, findings, scored, f"{correction.in_words()}. {reason}", by=by)
    record(
        session,
        "overruled",
        at=now,
        patient_id=old.patient_id,
        assessment=old.id,
        correction=new.id,
        sign=correction.sign,
        old=old.band,
        new=new.band,
    )
    _tell_staff(session, episode, old, scored, correction, reason, by=by, now=now)
    return new


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
    scored: Scored,
    correction: Correction,
    reason: str,
    *,
    by: Staff,
    now: datetime,
) -> None:
    """What holds now and did not before is an alert like any; what turns out better is said on one that is open."""
    before = {reason["rule"] for reason in old.reasons}
    fresh = [reason for reason in scored.reasons if reason.band >= Band.SOON and reason.rule not in before]
    if fresh:  # what was known before was paged then, and may have been dealt with
        patient = episode.patient
        finding = Finding(
            clinic=patient.clinic,
            kind="finding",
            band=max(reason.band for reason in fresh),
            day=old.day,
            version_id=episode.protocol_version_id,
            signs=list(dict.fromkeys(reason.sign.value for reason in fresh if reason.sign is not None)),
            reasons=reasons_json(fresh),
            at_night=scored.at_night,
            patient=patient,
            episode=episode,
        )
        raise_alert(session, finding, bundle=bundle_of(session, episode.protocol_version_id), now=now)
    elif (alert := open_alert(session, f"episode:{episode.id}")) is not None:
        _say_on_alert(alert, f"{by.name} overruled: {correction.in_words()}. {reason}")


def _say_on_alert(alert: Alert, text: str) -> None:
    note = {"rule": "overruled", "sign": None, "said": "", "band": Band.EXPECTED, "points": 0, "source": "staff"}
    alert.reasons = [*alert.reasons, {**note, "text": text}]
