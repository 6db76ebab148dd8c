"""The versions of the protocol, and how many of a clinic's open episodes follow each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.models import Episode, Patient, ProtocolVersion


@dataclass(frozen=True, slots=True)
class VersionLine:
    id: int
    digest: str
    loaded_at: datetime
    episodes: int


def protocol_versions(session: Session, clinic_id: int, zone: ZoneInfo) -> list[VersionLine]:
    """The newest first: the one that new episodes start with."""
    used = (
        select(Episode.protocol_version_id, func.count().label("episodes"))
        .join(Patient, Patient.id == Episode.patient_id)
        .where(Patient.clinic_id == clinic_id, Episode.cancelled_at.is_(None))
        .group_by(Episode.protocol_version_id)
        .subquery()
    )
    count = func.coalesce(used.c.episodes, 0)
    rows = session.execute(
        select(ProtocolVersion.id, ProtocolVersion.digest, ProtocolVersion.loaded_at, count)
        .outerjoin(used, used.c.protocol_version_id == ProtocolVersion.id)
        .order_by(ProtocolVersion.id.desc())
    )
    return [VersionLine(id_, digest, at.astimezone(zone), episodes) for id_, digest, at, episodes in rows]
