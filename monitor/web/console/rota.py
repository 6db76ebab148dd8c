"""The rota: a week of who is on call, gaps, and the forms that fill them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.domain.localtime import WEEKDAYS, local_date
from monitor.errors import BadInput
from monitor.models import Staff
from monitor.services.rota import YEARS, Occurrence, add_cover, add_shift, remove_cover, remove_shift, swap
from monitor.web.console.frame import Action, Page
from monitor.web.console.visit import MAX_ID, Visit, version_of
from monitor.worklists.changes import last_change
from monitor.worklists.rota import TYPED, Week, week_of

router = APIRouter()
A_WEEK = timedelta(days=7)
SHOWN_GAPS = 20
CHANGES = (
    "shift_added",
    "shift_removed",
    "cover_added",
    "cover_removed",
    "staff_added",
    "staff_changed",
    "staff_removed",
)
DAYS = [(day, day.capitalize()) for day in WEEKDAYS]


def show_rota(visit: Visit, session: Session) -> Mapping[str, Any]:
    monday = _monday(visit)
    week = week_of(session, visit.clinic(session), monday, visit.now)
    this = _monday_of(local_date(visit.now, visit.person.zone))
    return {
        "week": week,
        "links": _links(monday, this),
        "is_this_week": monday == this,
        "shown_gaps": week.gaps[:SHOWN_GAPS],
        "asked": _asked(visit, week),
        "people_options": [(one.id, f"{one.name} (tier {one.tier})") for one in week.people],
        "tier_options": [(one.tier, f"Tier {one.tier}") for one in week.tiers],
        "days": DAYS,
        "version": _version(week),
        "zone": visit.person.zone.key,
    }


def cover(visit: Visit, session: Session) -> str:
    """Somebody is on call for once."""
    _require_unchanged(visit, session)
    person, other = _colleague(visit, session, "staff"), None
    if visit.form.get("instead-of"):
        other = _colleague(visit, session, "instead-of")
    add_cover(
        session,
        person.id,
        visit.form.text("from"),
        visit.form.text("to"),
        instead_of=other.id if other else None,
        tier=visit.chosen("tier"),
        now=visit.now,
    )
    return _back(visit, "covered")


def take_back(visit: Visit, session: Session) -> str:
    remove_cover(session, visit.chosen("cover"), clinic_id=visit.clinic_id, now=visit.now)
    return _back(visit, "covered")


def add_weekly(visit: Visit, session: Session) -> str:
    """A shift on each of the days that were ticked."""
    _require_unchanged(visit, session)
    person, days = _colleague(visit, session, "staff"), ",".join(visit.form.all("days"))
    if not days:
        raise BadInput("days", "none", "one day or more")
    add_shift(session, person.id, days, visit.form.text("from"), visit.form.text("to"), now=visit.now)
    return _back(visit, "covered")


def remove_weekly(visit: Visit, session: Session) -> str:
    remove_shift(session, visit.chosen("shift"), clinic_id=visit.clinic_id, now=visit.now)
    return _back(visit, "covered")


def exchange(visit: Visit, session: Session) -> str:
    """Two people do one another's shift, for once."""
    _require_unchanged(visit, session)
    one, other = _occurrence(visit, "one"), _occurrence(visit, "other")
    swap(session, one, other, clinic_id=visit.clinic_id, now=visit.now)
    return _back(visit, "covered")


def _require_unchanged(visit: Visit, session: Session) -> None:
    week = week_of(session, visit.clinic(session), _monday(visit), visit.now)
    visit.require_unchanged(_version(week), last_change(session, visit.clinic_id, CHANGES, visit.person.zone))


def _version(week: Week) -> str:
    """What a form about this week rests on; not what passes with the time."""
    covers = [(line.id, line.starts_at, line.ends_at) for line in week.covers]
    return version_of(covers, [(line.who, line.hours, sorted(line.days)) for line in week.shifts], week.people)


def _colleague(visit: Visit, session: Session, field: str) -> Staff:
    """Somebody of the list; another clinic's is not there at all."""
    person = visit.own(session, Staff, visit.chosen(field))
    if person.left_at is not None:
        raise BadInput(field, person.name, "somebody who still works here")
    return person


def _occurrence(visit: Visit, field: str) -> Occurrence:
    """A shift of the list and the day on which it begins."""
    typed = visit.form.get(field, "")
    number, _, day = typed.partition(":")
    try:
        if not (number.isascii() and number.isdigit() and len(number) < 11):
            raise ValueError
        return Occurrence(min(int(number), MAX_ID), date.fromisoformat(day))
    except ValueError:
        raise BadInput(field, typed[:40], "one of the list") from None


def _back(visit: Visit, said: str) -> str:
    return f"/rota?week={_monday(visit)}&said={said}"


# --- which week, and what a link asks to be covered


def _monday(visit: Visit) -> date:
    """Of the week in the address or the form; of this week where that is none."""
    asked = visit.form.get("week") or visit.request.query_params.get("week", "")
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        day = local_date(visit.now, visit.person.zone)
    return _monday_of(day)


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _links(monday: date, this: date) -> Sequence[tuple[str, str]]:
    """To the weeks around, and to this one."""
    around = (("Week before", monday - A_WEEK), ("This week", this), ("Next week", monday + A_WEEK))
    return [(words, f"/rota?week={day}") for words, day in around if day.year in YEARS]


def _asked(visit: Visit, week: Week) -> Mapping[str, str]:
    """What a link to a gap or a shift asks to be covered: it fills the form, if it can be meant."""
    given = visit.request.query_params
    tiers, people = {str(one.tier) for one in week.tiers}, {str(one.id) for one in week.people}
    return {
        "tier": given.get("tier", "") if given.get("tier") in tiers else "",
        "instead-of": given.get("instead", "") if given.get("instead") in people else "",
        "from": _moment(given.get("from", "")),
        "to": _moment(given.get("to", "")),
    }


def _moment(typed: str) -> str:
    try:
        return datetime.strptime(typed, TYPED).strftime(TYPED)  # noqa: DTZ007 -- the clinic's clock, as a field shows it
    except ValueError:
        return ""


Page(
    "/rota",
    "rota.html",
    show_rota,
    Permission.ROTA,
    {
        "cover": Action(cover),
        "back": Action(take_back),
        "shift": Action(add_weekly),
        "remove": Action(remove_weekly),
        "swap": Action(exchange),
    },
).add_to(router)
