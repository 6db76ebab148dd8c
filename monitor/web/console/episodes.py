"""A patient and an episode: one timeline, the course as a picture, why this band, and what staff may change."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.db import reading
from monitor.domain.access import Permission
from monitor.domain.course import GUM, WORST_PAIN, by_day, expected_gum, expected_pain, points_of, usual
from monitor.domain.findings import Findings
from monitor.domain.plan import day_of_text, postop_day
from monitor.domain.protocol import Outcome, outcome_words
from monitor.domain.terms import Amount, Presence, Sign, Trend
from monitor.errors import BadInput
from monitor.locking import hold, lock
from monitor.models import Alert, Assessment, Episode, Inbound, Patient
from monitor.queries import assessments_of
from monitor.services.change import cancel_episode, change_episode
from monitor.services.contact import change_contact
from monitor.services.note import MAX_NOTE, add_note
from monitor.services.overrule import MAX_WHY, Correction, overrule
from monitor.services.pause import pause_episode, resume_episode
from monitor.services.seed import bundle_of, names_by_version
from monitor.services.text_patient import MAX_TEXT, text_patient
from monitor.web.charts import Expected, Line, Scale, Tone, line_chart, svg_response
from monitor.web.console import frame
from monitor.web.console.frame import Action, answered, enter
from monitor.web.console.visit import Visit, version_of
from monitor.web.forms import Form
from monitor.web.pages import language_name
from monitor.worklists.alert_record import facts_of
from monitor.worklists.coming import calendar
from monitor.worklists.timeline import timeline

router = APIRouter()
PRESENCE = {"absent": "is not there", "present": "is there"}
TREND = {Trend.BETTER: "going down or better", Trend.SAME: "the same", Trend.WORSE: "worse"}
AMOUNT = {Amount.TRACE: "a trace", Amount.MORE: "more than a trace"}
BOTH = "gum"  # one answer about the gum is of two signs
Value = TypeVar("Value")
DRAWN_DAYS = 21  # of a course, and as many more as it has
MARKED_DAYS = (0, 4, 7, 14, 21, 28, 42, 56, 84, 182, 365)


def show_episode(visit: Visit, session: Session) -> Mapping[str, Any]:
    episode = visit.own(session, Episode)
    patient, bundle = episode.patient, bundle_of(session, episode.protocol_version_id)
    zone = visit.person.zone
    visit.view([patient.id], f"episode {episode.id}")
    names = {str(sign): name for sign, name in bundle.protocol.signs.items()}
    risks = {name: risk.reason for name, risk in bundle.protocol.risks.items()}
    entries = timeline(session, patient, zone, names, bundle.protocol.outcomes)
    return {
        "number": episode.id,
        "name": patient.name,
        "chart": patient.chart,
        "day": postop_day(episode.surgery_on, visit.now, ZoneInfo(patient.timezone)),
        "facts": facts_of(patient, episode, risks),
        "consent": (patient.consent_how, patient.consented_at.astimezone(zone)),
        "crown_on": episode.crown_on,
        "timezone": patient.timezone,
        "ended": episode.cancelled_at.astimezone(zone) if episode.cancelled_at else None,
        "paused": _paused(visit, episode),
        "others": _other_episodes(session, episode),
        "alerts": _alerts(session, episode, bundle.protocol.outcomes),
        "plan": calendar(session, episode, visit.now),
        "entries": entries,
        "named": names_by_version(session, (reading.version for entry in entries for reading in entry.readings)),
        "course": _course_in_words(session, episode),
        "version": episode.protocol_version_id,
        "languages": [(language, language_name(language)) for language in bundle.languages],
        "correct": _to_correct(visit, session, episode),
        "signs": [*names.items(), (BOTH, f"{names[Sign.SWELLING]} and {names[Sign.REDNESS]}")],
        "presence": PRESENCE.items(),
        "trend": TREND.items(),
        "amount": AMOUNT.items(),
        "once": secrets.token_hex(8),
        "limits": {"text": MAX_TEXT, "note": MAX_NOTE, "why": MAX_WHY},
        "seen_plan": _version_of_plan(episode),
        "seen_contact": version_of(patient.name, patient.phone, patient.language, patient.chart),
    }


# --- what staff change


def reschedule(visit: Visit, session: Session) -> str:
    """The form holds every field as it stands, so that one which was emptied is meant to be empty."""
    episode = _to_plan(visit, session)
    surgery, crown = _date(visit, "surgery"), _date(visit, "crown")
    if surgery is None:
        raise BadInput("surgery", "", "the day of the surgery, such as 2026-11-18: without it no text can be planned")
    change_episode(
        session,
        episode,
        surgery_on=surgery,
        crown_on=crown,
        no_crown=crown is None,
        timezone=visit.form.text("timezone"),
        now=visit.now,
    )
    return _back(episode, "planned")


def stop(visit: Visit, session: Session) -> str:
    episode = _to_plan(visit, session)
    cancel_episode(session, episode, now=visit.now)
    return _back(episode, "stopped")


def pause(visit: Visit, session: Session) -> str:
    episode = _to_plan(visit, session)
    until = _date(visit, "until")
    if until is None:
        raise BadInput("until", "", "the day from which texts go on, such as 2026-12-24")
    pause_episode(session, episode, until, now=visit.now)
    return _back(episode, "paused")


def resume(visit: Visit, session: Session) -> str:
    episode = _to_plan(visit, session)
    resume_episode(session, episode, now=visit.now)
    return _back(episode, "resumed")


def correct_contact(visit: Visit, session: Session) -> str:
    episode, form = visit.own(session, Episode), visit.form
    hold(session, episode.patient.phone)
    patient = lock(session, Patient, episode.patient_id)
    known = version_of(patient.name, patient.phone, patient.language, patient.chart)
    visit.require_unchanged(known, "What is known of this patient has been changed since you opened the page.")
    change_contact(
        session,
        patient,
        bundle=bundle_of(session, episode.protocol_version_id),
        name=form.text("name"),
        phone=form.text("phone"),
        language=form.get("language", ""),
        chart=form.text("chart"),
        now=visit.now,
    )
    return _back(episode, "saved")


def write_note(visit: Visit, session: Session) -> str:
    episode = visit.own(session, Episode)
    add_note(session, episode.patient_id, visit.form.text("note"), by=visit.staff(session), now=visit.now)
    return _back(episode, "noted")


def text_them(visit: Visit, session: Session) -> str:
    episode = visit.own(session, Episode)
    once = f"{visit.person.id}:{visit.form.get('once', '')}"
    body = visit.form.get("body", "")
    text_patient(session, episode.patient, body, once=once, episode_id=episode.id, now=visit.now)
    return _back(episode, "texted")


def overrule_it(visit: Visit, session: Session) -> str:
    """Of which text, what is so instead, and why."""
    episode, form = visit.own(session, Episode), visit.form
    old = session.get(Assessment, visit.chosen("assessment"))
    if old is None or old.episode_id != episode.id:
        raise BadInput("assessment", form.get("assessment", "")[:12], "a text of this patient that was read")
    overrule(session, old, _correction(visit), form.text("why"), by=visit.staff(session), now=visit.now)
    return _back(episode, "overruled")


def _correction(visit: Visit) -> Correction:
    form, sign, presence = visit.form, visit.form.text("sign"), visit.form.text("presence")
    if sign not in {*Sign, BOTH}:
        raise BadInput("sign", sign[:40], "one of the list")
    if presence not in PRESENCE:
        raise BadInput("presence", presence[:40], "whether it is there or not")
    return Correction(
        (Sign.SWELLING, Sign.REDNESS) if sign == BOTH else (Sign(sign),),
        Presence(presence),
        _typed(form, "pain", r"\d{1,2}", int, "a whole number from 0 to 10"),
        _typed(form, "trend", "|".join(TREND), Trend, "one of the list"),
        _typed(form, "amount", "|".join(AMOUNT), Amount, "one of the list"),
        _typed(form, "temp", r"\d{2}([.,]\d{1,2})?", lambda typed: float(typed.replace(",", ".")), "such as 38.5"),
    )


def _typed(form: Form, name: str, shape: str, read: Callable[[str], Value], allowed: str) -> Value | None:
    """What stands in a field that may be left empty."""
    typed = form.text(name)
    if typed and not re.fullmatch(shape, typed, re.ASCII):
        raise BadInput(name, typed[:40], allowed)
    return read(typed) if typed else None


def _to_plan(visit: Visit, session: Session) -> Episode:
    """The episode, locked, if its plan is as it was when the form was opened."""
    episode = lock(session, Episode, visit.own(session, Episode).id)
    lock(session, Patient, episode.patient_id)
    visit.require_unchanged(
        _version_of_plan(episode), "This episode's plan has been changed since you opened the page."
    )
    return episode


def _version_of_plan(episode: Episode) -> str:
    return version_of(
        episode.surgery_on, episode.crown_on, episode.cancelled_at, episode.paused_until, episode.patient.timezone
    )


def _date(visit: Visit, name: str) -> date | None:
    typed = visit.form.text(name)
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise BadInput(name, typed[:40], "a date such as 2026-11-18") from None


def _back(episode: Episode, said: str) -> str:
    return f"/episodes/{episode.id}?said={said}"


# --- what stands on the page


def _paused(visit: Visit, episode: Episode) -> Any:
    until = episode.paused_until
    return until.astimezone(ZoneInfo(episode.patient.timezone)) if until and until > visit.now else None


def _to_correct(visit: Visit, session: Session, episode: Episode) -> Mapping[str, Any] | None:
    """The text whose reading somebody wants to correct."""
    wanted = visit.form.get("assessment") or visit.request.query_params.get("overrule", "")
    if not re.fullmatch(r"\d{1,9}", wanted, re.ASCII):
        return None
    old = session.get(Assessment, int(wanted))
    text = session.get(Inbound, old.inbound_id) if old is not None and old.inbound_id else None
    if old is None or text is None or old.patient_id != episode.patient_id:
        return None
    return {"id": old.id, "body": text.body, "at": text.received_at.astimezone(visit.person.zone)}


def _other_episodes(session: Session, episode: Episode) -> list[tuple[int, date]]:
    same = select(Episode).where(Episode.patient_id == episode.patient_id, Episode.id != episode.id)
    return [(each.id, each.surgery_on) for each in session.scalars(same.order_by(Episode.surgery_on.desc()))]


def _alerts(session: Session, episode: Episode, outcomes: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    mine = select(Alert).where(Alert.episode_id == episode.id).order_by(Alert.id.desc())
    return [
        {
            "id": alert.id,
            "band": alert.band,
            "open": alert.closed_at is None,
            "outcome": outcome_words(alert.outcome or "", outcomes),
            "day": alert.day,
        }
        for alert in session.scalars(mine)
    ]


def _course_in_words(session: Session, episode: Episode) -> list[dict[str, Any]]:
    """What the picture shows, for who cannot see it: a row for each day on which something was said."""
    protocol = bundle_of(session, episode.protocol_version_id).protocol
    points = _points(session, episode)
    days = [point.day for point in points]
    usual_pain, usual_gum = (by_day(expected, protocol, days) for expected in (expected_pain, expected_gum))
    return [
        {"day": point.day, "pain": point.pain, "gum": point.gum, "usual_pain": pain, "usual_gum": gum}
        for point, pain, gum in zip(points, usual_pain, usual_gum, strict=True)
    ]


def _points(session: Session, episode: Episode) -> Any:
    """The readings that stand, in the order in which they were said; each on its day by the date of surgery that is
    known by now, since the range beside it counts from there."""
    said = session.scalars(assessments_of(episode.id)).all()[::-1]
    texts = select(Inbound.id, Inbound.received_at).where(Inbound.id.in_([each.inbound_id for each in said]))
    received = {row.id: row.received_at for row in session.execute(texts)}
    zone = ZoneInfo(episode.patient.timezone)
    return points_of(
        (
            day_of_text(episode.surgery_on, received.get(each.inbound_id or 0, each.created_at), zone),
            Findings.from_json(each.findings),
        )
        for each in said
    )


def draw_course(request: Request) -> Response:
    """Pain or the gum by day, over what the protocol expects."""
    return answered(request, lambda: _draw(request))


def _draw(request: Request) -> Response:
    visit = enter(request, Permission.PATIENTS)
    narrow, gum = "narrow" in request.query_params, request.path_params["what"] == "gum"
    with reading(visit.app.sessions) as session:
        episode = visit.own(session, Episode)
        visit.view([episode.patient_id], f"the course of episode {episode.id}")
        protocol = bundle_of(session, episode.protocol_version_id).protocol
        points = _points(session, episode)
    request.app.state.watch.log_once(visit)
    last = max([DRAWN_DAYS, *(point.day for point in points)])
    ceiling = by_day(expected_gum if gum else expected_pain, protocol, range(last + 1))
    values = [(p.day, p.gum if gum else p.pain) for p in points if (p.gum if gum else p.pain) is not None]
    gum_words = {float(level): word for level, word in enumerate(GUM)}
    words = gum_words if gum else {float(score): str(score) for score in range(0, WORST_PAIN + 1, 2)}
    svg = line_chart(
        "Swelling and redness by day" if gum else "Worst pain by day",
        [Line("the gum" if gum else "pain", values, Tone.ACCENT)],
        x=Scale(0, last, {float(day): str(day) for day in MARKED_DAYS if day <= last}),
        y=Scale(0, 3 if gum else WORST_PAIN, words),
        expected=Expected("expected", usual(ceiling)),
        narrow=narrow,
    )
    return svg_response(svg)


router.add_route("/episodes/{number:row}/{what:str}.svg", draw_course, methods=["GET"])

frame.Page(
    "/episodes/{number:row}",
    "episode.html",
    show_episode,
    Permission.PATIENTS,
    {
        "reschedule": Action(reschedule, Permission.ENROL),
        "stop": Action(stop, Permission.ENROL),
        "pause": Action(pause, Permission.ENROL),
        "resume": Action(resume, Permission.ENROL),
        "contact": Action(correct_contact, Permission.ENROL),
        "note": Action(write_note),
        "text": Action(text_them),
        "overrule": Action(overrule_it, Permission.OVERRULE),
    },
).add_to(router)
