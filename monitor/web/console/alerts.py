"""One alert: take it, hand it over, record what came of it, call or text the patient; and the link in a page."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from monitor.db import transaction
from monitor.domain.access import Permission
from monitor.domain.protocol import NOT_REACHED, Outcome, outcome_words
from monitor.domain.terms import Band
from monitor.errors import BadInput, Stale
from monitor.models import Alert, Episode, Patient, Staff
from monitor.services.acknowledge import MAX_NOTE as MAX_OUTCOME_NOTE
from monitor.services.acknowledge import record_outcome, take
from monitor.services.audit import act_as
from monitor.services.follow_link import follow_link
from monitor.services.hand_over import hand_over
from monitor.services.note import MAX_NOTE, add_note
from monitor.services.seed import bundle_of, names_by_version
from monitor.services.text_patient import MAX_TEXT, text_patient
from monitor.web.console import frame
from monitor.web.console.acting import alert_to_act_on, may_act, take_it
from monitor.web.console.frame import Action, answered, enter
from monitor.web.console.visit import Visit, version_of
from monitor.web.console.worklist import eyes_of
from monitor.worklists.alert_record import colleagues, facts_of, paged_people, reasons_of
from monitor.worklists.alerts import one_alert
from monitor.worklists.strangers import talk_about
from monitor.worklists.timeline import timeline

router = APIRouter()
TALK_KEPT, TALK_SHOWN = 12, 5  # of what was said lately; the rest unfolds, but never the patient's last text
REASONS_SHOWN = 3


def show_alert(visit: Visit, session: Session) -> Mapping[str, Any]:
    alert = visit.own(session, Alert)
    patient = session.get(Patient, alert.patient_id) if alert.patient_id else None
    episode = session.get(Episode, alert.episode_id) if alert.episode_id else None
    protocol = bundle_of(session, alert.protocol_version_id).protocol
    names = {str(sign): name for sign, name in protocol.signs.items()}
    risks = {name: risk.reason for name, risk in protocol.risks.items()}
    zone = visit.person.zone
    if patient:
        visit.view([patient.id], f"alert {alert.id}")
    told = timeline(session, patient, zone, names, protocol.outcomes) if patient else talk_about(session, alert, zone)
    talk = [entry for entry in told if entry.look in {"in", "out", "note"}][:TALK_KEPT]
    has_it = {alert.taken_by_id, visit.person.id}  # nobody hands it to themselves, or to whom it is already
    return {
        "alert": alert.id,
        "line": one_alert(session, eyes_of(visit, session), alert.id),
        "closed_at": alert.closed_at.astimezone(zone) if alert.closed_at else None,
        "outcome": outcome_words(alert.outcome or "", protocol.outcomes),
        "all_reasons": reasons_of(alert),
        "reasons_shown": REASONS_SHOWN,
        "version": alert.protocol_version_id,
        "named": names_by_version(session, [alert.protocol_version_id]),
        "facts": facts_of(patient, episode, risks) if patient and episode else None,
        "paged": paged_people(session, alert, zone),
        "talk": talk,
        "talk_shown": max(TALK_SHOWN, 1 + next((n for n, entry in enumerate(talk) if entry.look == "in"), 0)),
        "outcomes": [(key, outcome.words) for key, outcome in protocol.outcomes.items()],
        "colleagues": [one for one in colleagues(session, visit.clinic_id, visit.now) if one[0] not in has_it],
        "unsaved": _unsaved(visit, protocol.outcomes) if alert.closed_at else None,
        "may_act": may_act(visit, session, alert),
        "seen": version_of_alert(alert),
        "once": secrets.token_hex(8),
        "limits": {"text": MAX_TEXT, "note": MAX_NOTE, "outcome": MAX_OUTCOME_NOTE},
    }


def _unsaved(visit: Visit, outcomes: Mapping[str, Outcome]) -> Mapping[str, str] | None:
    """What somebody had typed about an alert that was closed before they sent it: its form is gone, and it is not."""
    chosen = visit.kept("outcome", "outcome")
    outcome = outcome_words(chosen, outcomes) if chosen in outcomes else ""
    note = visit.kept("outcome", "note").strip()
    return {"outcome": outcome, "note": note} if outcome or note else None


def version_of_alert(alert: Alert) -> str:
    """Changes whenever somebody takes, closes or hands over an alert, it gets worse, or the patient writes again; not
    when paging goes on."""
    who_has_it = alert.state, alert.taken_by_id, alert.taken_at, alert.closed_at
    return version_of(*who_has_it, alert.band, alert.raised_at, len(alert.signs), len(alert.reasons))


def hand_it_over(visit: Visit, session: Session) -> str:
    alert = alert_to_act_on(visit, session)
    visit.require_unchanged(version_of_alert(alert), _since(session, visit, alert))
    to = visit.own(session, Staff, visit.chosen("to"))
    hand_over(session, alert, to, by=visit.staff(session), now=visit.now)
    return f"/alerts/{alert.id}?said=handed"


def record_it(visit: Visit, session: Session) -> str:
    """What came of it. It is taken in the name of whoever records it, if nobody had it."""
    alert = alert_to_act_on(visit, session)
    visit.require_unchanged(version_of_alert(alert), _since(session, visit, alert))
    note, me = visit.form.text("note"), visit.staff(session)
    outcome = visit.form.get("outcome", "")
    if alert.state == "open":
        take(session, alert, by=me, how="console", now=visit.now)
    record_outcome(session, alert, outcome, by=me, now=visit.now, note=note)
    return f"/alerts/{alert.id}?said={'back' if outcome == NOT_REACHED else 'outcome'}"


def write_note(visit: Visit, session: Session) -> str:
    alert = visit.own(session, Alert)
    words, me = visit.form.text("note"), visit.staff(session)
    add_note(session, alert.patient_id, words, by=me, now=visit.now, alert_id=alert.id)
    return f"/alerts/{alert.id}?said=noted"


def text_them(visit: Visit, session: Session) -> str:
    alert = alert_to_act_on(visit, session)
    if alert.patient_id is None:
        raise BadInput("body", "a number that is nobody's", "a text to a patient; answer this number in the inbox")
    patient = visit.own(session, Patient, alert.patient_id)
    text_patient(
        session,
        patient,
        visit.form.get("body", ""),
        once=f"{visit.person.id}:{visit.form.get('once', '')}",
        episode_id=alert.episode_id,
        alert_id=alert.id,
        now=visit.now,
    )
    return f"/alerts/{alert.id}?said=texted"


def _since(session: Session, visit: Visit, alert: Alert) -> str:
    """What has happened meanwhile, in a sentence."""
    zone = visit.person.zone
    if alert.closed_at is not None:
        return f"It was closed at {alert.closed_at.astimezone(zone):%H:%M}."
    if alert.taken_by_id == visit.person.id and alert.reasons:
        return f"Something has come to it: {alert.reasons[-1]['text']} Read it below."
    if alert.state == "taken" and alert.taken_at is not None:
        taker = session.get(Staff, alert.taken_by_id) if alert.taken_by_id else None
        name = taker.name if taker else "The last resort"
        return f"{name} has had it since {alert.taken_at.astimezone(zone):%H:%M}."
    return f"It has changed: it is {Band(alert.band)} now, and nobody's."


frame.Page(
    "/alerts/{number:row}",
    "alert.html",
    show_alert,
    Permission.PATIENTS,
    {
        "take": Action(take_it),
        "hand-over": Action(hand_it_over),
        "outcome": Action(record_it),
        "note": Action(write_note),
        "text": Action(text_them),
    },
).add_to(router)


def open_link(request: Request) -> Response:
    """The link in a page: it opens that alert, once, for whoever was paged and is signed in."""
    return answered(request, lambda: _open(request))


def _open(request: Request) -> Response:
    visit = enter(request, Permission.PATIENTS)
    try:
        with transaction(visit.app.sessions) as session:
            act_as(session, me := visit.staff(session))
            alert = follow_link(session, request.path_params["link"], by=me, now=visit.now)
    except Stale:
        return RedirectResponse("/?said=spent", 303)
    return RedirectResponse(f"/alerts/{alert}", 303)


router.add_route("/a/{link}", open_link, methods=["GET"])
