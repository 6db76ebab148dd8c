"""The rota: a week of who is on call, gaps, and the forms that fill them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.domain.localtime import WEEKDAYS, local_date
from monitor.errors import BadInput, NotFound
from monitor.models import Staff
from monitor.services.rota import YEARS, Occurrence, add_cover, add_shift, remove_cover, remove_shift, swap
from monitor.web.console.frame import SHOW, Action, Page
from monitor.web.console.visit import MAX_ID, Visit, version_of
from monitor.worklists.changes import last_change
from monitor.worklists.rota import TYPED, Week, week_of
from monitor.worklists.rota_change import cover_words, last_words, other_half

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
BOTH = "both"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before `do` is done to what the form's `field` names; `other_half` is that of a swap."""

    do: str
    field: str
    number: int
    words: str
    yes: str
    more: str = ""
    other_half: int | None = None


def show_rota(visit: Visit, session: Session) -> Mapping[str, Any]:
    monday = _monday(visit)
    week = week_of(session, visit.clinic(session), monday, visit.now)
    this = _monday_of(local_date(visit.now, visit.person.zone))
    said = visit.request.query_params.get("said") == "covered"
    return {
        "week": week,
        "told": last_words(session, visit.clinic_id, visit.person.id, week, visit.now) if said else "",
        "question": _question(visit, week),
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
    """Once they have said whether they mean it, and the other half of a swap as well."""
    chosen = visit.chosen("cover")
    if not visit.form.get("sure"):
        return _ask(visit, session)
    remove_cover(session, chosen, clinic_id=visit.clinic_id, now=visit.now)
    if visit.form.get("sure") == BOTH:
        remove_cover(session, visit.chosen("other-half"), clinic_id=visit.clinic_id, now=visit.now)
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
    chosen = visit.chosen("shift")
    if not visit.form.get("sure"):
        return _ask(visit, session)
    remove_shift(session, chosen, clinic_id=visit.clinic_id, now=visit.now)
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


def _ask(visit: Visit, session: Session) -> str:
    """The page itself asks, about something that stands on it."""
    if _question(visit, week_of(session, visit.clinic(session), _monday(visit), visit.now)) is None:
        raise NotFound(visit.form["do"], "one that is not there", "one that the rota shows")
    return SHOW


def _question(visit: Visit, week: Week) -> Question | None:
    """What is asked before something is removed. One press on a weekday took a shift away for good."""
    do = visit.form.get("do")
    if visit.error is not None or visit.form.get("sure") or do not in {"remove", "back"}:
        return None
    if do == "remove":
        number = visit.chosen("shift")
        for line in week.shifts:
            for day in (day for day, shift in line.days.items() if shift == number):
                what = f"{line.who.name}, {day} {line.hours}, every week (tier {line.who.tier})"
                return Question("remove", "shift", number, f"Remove this shift: {what}?", "Yes, remove it")
        return None
    number = visit.chosen("cover")
    cover = next((line for line in week.covers if line.id == number and not line.over), None)
    if cover is None:
        return None
    half = other_half(cover, week.covers)
    words = f"Take this cover back: {cover_words(cover)}?"
    if half is None:
        return Question("back", "cover", number, words, "Yes, take it back")
    both = f"It is one half of a swap. The other half stands unless you take back both: {cover_words(half)}."
    return Question("back", "cover", number, words, "Only this one", both, half.id)


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
