"""The worklist: what waits for somebody, the worst first, live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.domain.terms import Band
from monitor.queries import rota_of
from monitor.services.seed import bundle_of, current_version
from monitor.web.console.acting import may_act_among, take_it
from monitor.web.console.frame import Action, Page
from monitor.web.console.visit import Visit
from monitor.worklists.alerts import AlertLine, Eyes, fingerprint, open_alerts

router = APIRouter()
FILTERS: Mapping[str, str] = {"all": "All", "nobody": "Nobody has it", "mine": "Mine"}
NAMED = 5  # of those for whom no staff answered, on top
BANDS = (Band.EMERGENCY, Band.URGENT, Band.SOON)


def show_worklist(visit: Visit, session: Session) -> Mapping[str, Any]:
    """Open alerts by band and clock, those of the chosen filter; the counts are of all."""
    lines = open_alerts(session, eyes_of(visit, session))
    kept = visit.asked("show", FILTERS, "all")
    band = visit.asked("band", BANDS, "")
    shown = [line for line in lines if _belongs(line, kept, band, visit.person.id)]
    unanswered = [line for line in lines if line.nobody_answered]
    visit.view((line.patient_id for line in (*shown, *unanswered[:NAMED])), "the worklist")
    return {
        "lines": shown,
        "all": lines,
        "unanswered": unanswered,
        "named": NAMED,
        "filters": FILTERS,
        "bands": BANDS,
        "kept": kept,
        "band": band,
        "counts": {b: sum(line.band == b for line in lines) for b in BANDS},
        "may_take": may_act_among(visit, session, shown),
        "version": fingerprint(session, visit.clinic_id),
        "now": visit.now.astimezone(visit.person.zone),
    }


def take_from_list(visit: Visit, session: Session) -> str:
    return take_it(visit, session, visit.chosen("alert"))


def eyes_of(visit: Visit, session: Session) -> Eyes:
    """How whoever is signed in reads an alert."""
    signs = bundle_of(session, current_version(session).id).protocol.signs
    return Eyes(
        clinic_id=visit.clinic_id,
        zone=visit.person.zone,
        now=visit.now,
        names={str(sign): name for sign, name in signs.items()},
        everyone_at=len(rota_of(session, visit.clinic(session)).tiers()) + 1,
    )


def _belongs(line: AlertLine, kept: str, band: str, me: int) -> bool:
    if band and line.band != band:
        return False
    return kept == "all" or (kept == "nobody" and not line.is_taken) or (kept == "mine" and line.taken_by_id == me)


Page(
    "/",
    "worklist.html",
    show_worklist,
    Permission.PATIENTS,
    {"take": Action(take_from_list)},
).add_to(router)
