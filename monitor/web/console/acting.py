"""Who may act on an alert, and taking it: from the worklist and from the alert's own page alike."""

from __future__ import annotations

from collections.abc import Iterable, Set

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.domain.access import Permission, may_act_on
from monitor.errors import Denied
from monitor.models import Alert, Page
from monitor.services.acknowledge import find_alert, take
from monitor.web.console.visit import Visit
from monitor.worklists.alerts import AlertLine, are_open


def may_act(visit: Visit, session: Session, alert: Alert) -> bool:
    paged = select(Page.id).where(Page.alert_id == alert.id, Page.staff_id == visit.person.id)
    return may_act_on(
        visit.person.permissions,
        was_paged=session.scalar(paged.limit(1)) is not None,
        rules={reason["rule"] for reason in alert.reasons},
    )


def may_act_among(visit: Visit, session: Session, lines: Iterable[AlertLine]) -> Set[int]:
    """Of these open alerts, those that whoever is signed in may act on: one query for all of them."""
    mine: Set[int] = frozenset()
    if not visit.may(Permission.ALERTS):  # who may act on all of them need not have been paged
        paged = select(Page.alert_id).join(Alert, Alert.id == Page.alert_id)
        mine = set(session.scalars(paged.where(are_open(visit.clinic_id), Page.staff_id == visit.person.id)))
    may = visit.person.permissions
    return {line.id for line in lines if may_act_on(may, was_paged=line.id in mine, rules=line.rules)}


def alert_to_act_on(visit: Visit, session: Session, number: int | None = None) -> Alert:
    """An alert of this clinic, locked, for somebody who may act on it: that of the page, if none is named."""
    alert = find_alert(session, visit.own(session, Alert, number).id)
    if not may_act(visit, session, alert):
        raise Denied(f"your role ({visit.person.role}) may not do this: {Permission.ALERTS}")
    return alert


def take_it(visit: Visit, session: Session, number: int | None = None) -> str:
    """One tap takes an alert. Whoever is second reads who has it, and whoever taps twice that they have it."""
    alert = alert_to_act_on(visit, session, number)
    if take(session, alert, by=visit.staff(session), how="console", now=visit.now):
        return f"/alerts/{alert.id}?said=taken"
    has_it = alert.state == "taken" and alert.taken_by_id == visit.person.id
    return f"/alerts/{alert.id}?said={'yours' if has_it else 'already'}"
