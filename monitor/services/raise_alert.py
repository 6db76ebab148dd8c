"""Open an alert, or make the open one worse. A worse finding pages again even when it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from monitor.domain.bundle import Bundle
from monitor.domain.escalation import first_page_at, first_silence_page_at, promise_by
from monitor.domain.score import Reason
from monitor.domain.sending import Kind
from monitor.domain.terms import Band, Sign
from monitor.locking import add_once
from monitor.models import Alert, Clinic, Episode, Inbound, Patient, Staff
from monitor.queries import calendar_of, open_alert
from monitor.services.audit import record
from monitor.services.compose import staff_text
from monitor.services.outbox import queue_to_number

KINDS = ("silence", "review", "finding")  # an alert that holds several is of the last of its kinds


@dataclass(frozen=True, slots=True)
class Finding:
    """Why somebody must act. `kind`: finding, review or silence. Without an episode, `phone` is who wrote."""

    clinic: Clinic
    kind: str
    band: Band
    day: int
    version_id: int
    signs: Sequence[str] = ()
    reasons: Sequence[dict[str, Any]] = ()
    at_night: bool = False
    patient: Patient | None = None
    episode: Episode | None = None
    phone: str = ""

    @property
    def subject(self) -> str:
        return f"episode:{self.episode.id}" if self.episode else f"phone:{self.phone}"


def raise_alert(session: Session, finding: Finding, *, bundle: Bundle, now: datetime) -> Alert:
    """The open alert of this episode or number, now holding this finding too."""
    alert = open_alert(session, finding.subject)
    if alert is None:
        if (opened := _open(session, finding, bundle, now=now)) is not None:
            return opened
        return raise_alert(session, finding, bundle=bundle, now=now)  # another worker has just opened it
    further = [s for s in finding.signs if s not in alert.signs]
    wakes = finding.at_night and not alert.at_night  # "fever", and then how high: it cannot wait until morning
    worse = finding.band > alert.band or (finding.band >= Band.URGENT and bool(further)) or (wakes and alert.stage == 0)
    known = {(reason["rule"], reason["said"]) for reason in alert.reasons}
    alert.signs = [*further, *alert.signs] if worse else [*alert.signs, *further]
    alert.reasons = [*alert.reasons, *(r for r in finding.reasons if (r["rule"], r["said"]) not in known)]
    alert.band = max(Band(alert.band), finding.band)
    alert.at_night = alert.at_night or finding.at_night
    alert.kind = max(alert.kind, finding.kind, key=KINDS.index)
    if worse:
        _page_anew(alert, finding, bundle, now=now)
    elif alert.state == "taken" and (further or wakes or finding.kind == "review"):
        _tell_taker(session, alert, finding, bundle, now=now)
    kind = "alert_raised" if worse else "alert_added"
    record(session, kind, at=now, alert_id=alert.id, patient_id=alert.patient_id, band=alert.band, signs=further)
    return alert


def _tell_taker(session: Session, alert: Alert, finding: Finding, bundle: Bundle, *, now: datetime) -> None:
    """Whoever has the alert learns that the patient wrote again, so that closing it buries nothing."""
    taker = session.get(Staff, alert.taken_by_id) if alert.taken_by_id else None
    if taker is None or finding.patient is None:
        return
    body = staff_text(
        bundle,
        finding.clinic,
        "staff.more",
        initials=finding.patient.initials,
        chart=finding.patient.chart or "-",
        day=finding.day,
        signs=", ".join(bundle.protocol.signs[Sign(s)] for s in finding.signs) or "a message to read",
    )
    once = f"more:{alert.id}:{int(now.timestamp())}"
    queue_to_number(
        session, finding.clinic, taker.phone, body, once=once, kind=Kind.ANSWER, staff_id=taker.id, alert=alert, now=now
    )


def _open(session: Session, finding: Finding, bundle: Bundle, *, now: datetime) -> Alert | None:
    alert = Alert(
        clinic_id=finding.clinic.id,
        patient_id=finding.patient.id if finding.patient else None,
        episode_id=finding.episode.id if finding.episode else None,
        subject=finding.subject,
        protocol_version_id=finding.version_id,
        kind=finding.kind,
        band=finding.band,
        signs=list(finding.signs),
        reasons=list(finding.reasons),
        day=finding.day,
        at_night=finding.at_night,
        opened_at=now,
        raised_at=now,
    )
    alert.step_at = _first_page(alert, finding.clinic, bundle, now=now)
    if not add_once(session, alert):
        return None
    record(
        session,
        "alert_opened",
        at=now,
        alert_id=alert.id,
        patient_id=alert.patient_id,
        band=alert.band,
        signs=alert.signs,
        why=finding.kind,
    )
    return alert


def _page_anew(alert: Alert, finding: Finding, bundle: Bundle, *, now: datetime) -> None:
    alert.state, alert.stage, alert.rounds = "open", 0, alert.rounds + 1
    alert.taken_at = alert.taken_by_id = None
    alert.raised_at, alert.day = now, finding.day
    alert.step_at = _first_page(alert, finding.clinic, bundle, now=now)


def _first_page(alert: Alert, clinic: Clinic, bundle: Bundle, *, now: datetime) -> datetime:
    calendar = calendar_of(clinic, now)
    if alert.kind == "silence" and alert.band == Band.SOON:
        return first_silence_page_at(now, calendar)
    return first_page_at(Band(alert.band), bool(alert.at_night), now, bundle.policy, calendar)


def promised(alert: Alert, clinic: Clinic, bundle: Bundle, *, now: datetime) -> datetime:
    """By when the patient is told to expect a call; a promise made earlier is kept if it is the sooner."""
    by = promise_by(Band(alert.band), bool(alert.at_night), now, bundle.policy, calendar_of(clinic, now))
    return min(by, alert.told_by_at) if alert.told_by_at and alert.told_by_at > now else by


def reasons_json(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """Reasons as they are kept with an assessment and an alert."""
    return [
        {
            "rule": r.rule,
            "sign": r.sign,
            "said": r.said,
            "text": r.text,
            "band": r.band,
            "points": r.points,
            "source": r.source,
        }
        for r in reasons
    ]


def review_reason(inbound: Inbound, reason: str, band: Band) -> dict[str, Any]:
    """Why a person must read a text, in the shape of a rule's reason."""
    return {
        "rule": f"review:{reason}",
        "sign": None,
        "said": inbound.body[:200],
        "text": f"A person must read this: {reason}.",
        "band": band,
        "points": 0,
        "source": "I",
    }
