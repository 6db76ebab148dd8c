"""Give a fresh database what it cannot do without: a protocol version and the first clinic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.locking import hold
from monitor.models import Clinic, ProtocolVersion
from monitor.services.clinic import change_clinic, create_clinic, the_clinic
from monitor.services.seed import read_files, store_version


def initialise(session: Session, values: Mapping[str, str], *, now: datetime) -> Clinic:
    """The first clinic, made or changed, and the seeds, unless a clinic has loaded a protocol of its own."""
    hold(session, "set-up")  # two hosts may be set up at once
    if not session.scalar(select(func.count()).select_from(ProtocolVersion)):
        store_version(session, read_files(), now=now)
    if not session.scalar(select(func.count()).select_from(Clinic)):
        return create_clinic(session, values, now=now)
    clinic = the_clinic(session)
    if values:
        change_clinic(session, clinic, values, now=now)
    return clinic
