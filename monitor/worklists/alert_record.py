"""One alert with all that whoever has it must know: who, how bad, why by which rule, who was paged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.delivery import LOST, NOT_SHOWN, State
from monitor.domain.terms import Band
from monitor.models import Alert, Clinic, Episode, Message, Page, Patient, Staff
from monitor.queries import rota_of
from monitor.worklists.text_words import WHERE

ON_CALL = ", on call now"
UNREACHED = " (our last text to them did not arrive)"


@dataclass(frozen=True, slots=True)
class Paged:
    """One person who was called for help: how often, when last, what became of the last text and how many of them
    were lost, and whether they answered."""

    name: str
    times: int
    last_at: datetime
    state: str
    lost: bool
    lost_times: int
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the patient and the surgery before anybody calls."""

    patient_id: int
    episode_id: int
    phone: str
    language: str
    surgery_on: date
    site: str
    stitches: str
    risks: tuple[str, ...]
    opted_out: bool
    dead_number: bool


def facts_of(patient: Patient, episode: Episode, risks: Mapping[str, str]) -> Facts:
    """`risks` are the risk factors in words."""
    where = [episode.site or "", f"{episode.jaw} jaw" if episode.jaw else "", "buried" if episode.two_stage else ""]
    return Facts(
        patient_id=patient.id,
        episode_id=episode.id,
        phone=patient.phone,
        language=patient.language,
        surgery_on=episode.surgery_on,
        site=", ".join(part for part in where if part),
        stitches=episode.stitches,
        risks=tuple(risks.get(risk, risk) for risk in episode.risks),
        opted_out=patient.opted_out_at is not None,
        dead_number=patient.bad_number_at is not None,
    )


def paged_people(session: Session, alert: Alert, zone: ZoneInfo) -> list[Paged]:
    """Who was called, whoever was called last before the others. A page with a call beside its text shows what became
    of the text."""
    found = session.execute(
        select(Page, Staff.name)
        .outerjoin(Staff, Staff.id == Page.staff_id)
        .where(Page.alert_id == alert.id)
        .order_by(Page.created_at.desc(), Page.id.desc())
    ).all()
    sent = select(Message.once, Message.state).where(Message.alert_id == alert.id, Message.channel == "sms")
    states = {row.once: State(row.state) for row in session.execute(sent)}
    calls: dict[str, list[tuple[Page, State | None]]] = {}
    for page, name in found:
        state = states.get(f"page:{page.id}:sms") or states.get(f"handed:{page.id}")
        calls.setdefault(name or "The last-resort number", []).append((page, state))
    return [_paged(name, theirs, zone) for name, theirs in calls.items()]


def _paged(name: str, calls: Sequence[tuple[Page, State | None]], zone: ZoneInfo) -> Paged:
    """Their calls, the newest first, in one line."""
    last, state = calls[0]
    answered = max((page.acked_at for page, _ in calls if page.acked_at), default=None)
    return Paged(
        name=name,
        times=len(calls),
        last_at=last.created_at.astimezone(zone),
        state=WHERE[state] if state else "in the morning list",
        lost=state in LOST,
        lost_times=sum(state in LOST for _, state in calls),
        answered_at=answered.astimezone(zone) if answered else None,
    )


def reasons_of(alert: Alert) -> Sequence[Mapping[str, Any]]:
    """Why, rule by rule: the worst first."""
    return sorted(alert.reasons, key=lambda reason: -Band(reason["band"]).rank)


def colleagues(session: Session, clinic_id: int, now: datetime) -> list[tuple[int, str]]:
    """Everybody of a clinic, by name: what they are, whether they are on call now, and whether our last text to them
    arrived."""
    last = (
        select(Message.state)
        .where(Message.staff_id == Staff.id, Message.channel == "sms", Message.ended_at.is_not(None))
        .order_by(Message.ended_at.desc(), Message.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    of_clinic = Staff.clinic_id == clinic_id, Staff.left_at.is_(None)
    found = session.execute(select(Staff, last).where(*of_clinic).order_by(Staff.name, Staff.id)).all()
    rota = rota_of(session, session.get_one(Clinic, clinic_id))
    on_call = {person.id for tier in rota.tiers() for person in rota.on_call(tier, now)}
    return [
        (
            one.id,
            f"{one.name}, {one.role.replace('-', ' ')}, tier {one.tier}"
            + (ON_CALL if one.id in on_call else "")
            + (UNREACHED if state in NOT_SHOWN else ""),
        )
        for one, state in found
    ]
