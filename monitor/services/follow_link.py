"""Open an alert by the link in a page: once, for whoever was paged."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.errors import NotFound, Stale
from monitor.models import Alert, Page, Staff
from monitor.services.audit import record


def follow_link(session: Session, link: str, *, by: Staff, now: datetime) -> int:
    """The alert's number. A link to the last resort's phone is whose of the clinic opens it first. Raises NotFound for
    what is no link of this clinic, Stale for one that has been used, or is a colleague's and stays theirs."""
    page = session.scalar(select(Page).where(Page.link == link).with_for_update())
    alert = session.get(Alert, page.alert_id) if page is not None else None
    if page is None or alert is None or alert.clinic_id != by.clinic_id:
        raise NotFound("link", "this one", "the link of a page that was sent to your clinic")
    if page.link_used_at is not None or page.staff_id not in {None, by.id}:
        raise Stale("This link has opened its alert before, or was sent to a colleague.")
    page.link_used_at = now
    record(session, "link_opened", at=now, alert_id=alert.id, patient_id=alert.patient_id)
    return alert.id
