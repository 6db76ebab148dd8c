"""Who works here: add somebody, give them a code to join with, change and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from monitor.domain.access import INVITED_FOR, Permission, Role
from monitor.errors import BadInput, NotFound
from monitor.models import Staff
from monitor.services.audit import record
from monitor.services.join import invite
from monitor.services.sign_in import end_all
from monitor.services.staff import (
    MAX_TIER,
    Details,
    add_staff,
    change_staff,
    hold_staff,
    remove_staff,
    require_another_manager,
)
from monitor.web.auth import real_now
from monitor.web.console.frame import Action, Page, render
from monitor.web.console.visit import Visit, version_of
from monitor.worklists.changes import last_change
from monitor.worklists.staff import holding_of, staff_of

router = APIRouter()
ROLES = [(Role.CLINICIAN, "Clinician"), (Role.FRONT_DESK, "Front desk"), (Role.MANAGER, "Manager")]
TIERS = [(n, f"Tier {n}" + (", paged first" if n == 1 else "")) for n in range(1, MAX_TIER + 1)]
CHOICES: Mapping[str, Any] = {"roles": ROLES, "tiers": TIERS, "role_names": dict(ROLES)}


def show_staff(visit: Visit, session: Session) -> Mapping[str, Any]:
    clinic = visit.clinic(session)
    return {**CHOICES, "staff": staff_of(session, clinic, now=visit.now, real_now=real_now(visit.request))}


def add(visit: Visit, session: Session) -> Response:
    """Somebody new; the answer shows the code with which they join, this once."""
    given = _typed(visit)
    person = add_staff(
        session,
        visit.clinic(session),
        given.name,
        given.phone,
        email=given.email,
        tier=given.tier,
        role=given.role,
        admin=given.admin,
        now=visit.now,
    )
    return _show_code(visit, session, person)


def show_person(visit: Visit, session: Session) -> Mapping[str, Any]:
    person = _person(visit, session)
    lines = staff_of(session, visit.clinic(session), now=visit.now, real_now=real_now(visit.request))
    return {
        **CHOICES,
        "one": next(line for line in lines if line.id == person.id),
        "is_me": person.id == visit.person.id,
        "holding": holding_of(session, person.id, visit.now),
        "version": _version(person),
    }


def change(visit: Visit, session: Session) -> str:
    hold_staff(session, visit.clinic_id)
    person = _person(visit, session)
    since = last_change(session, visit.clinic_id, ("staff_changed",), visit.person.zone, of_staff=person.id)
    visit.require_unchanged(_version(person), since)
    change_staff(session, person, _typed(visit), now=visit.now)
    return "/staff?said=saved"


def give_code(visit: Visit, session: Session) -> Response:
    """A new code, for who has not joined yet or has lost the phone or the password."""
    return _show_code(visit, session, _person(visit, session))


def sign_out(visit: Visit, session: Session) -> str:
    """Somebody's phone is lost: whoever has it is not signed in any more."""
    person = _person(visit, session)
    end_all(session, person.id, but=visit.person.digest)
    record(session, "signed_out_everywhere", at=visit.now, staff=person.id)
    return f"/staff/{person.id}?said=signed-out"


def remove(visit: Visit, session: Session) -> str:
    hold_staff(session, visit.clinic_id)
    person = _person(visit, session)
    if person.id == visit.person.id:
        raise BadInput("remove", person.name, "somebody other than yourself: a colleague who may manage staff does it")
    if not visit.form.get("sure"):
        raise BadInput("sure", "", "ticked before anybody is removed")
    require_another_manager(session, person)
    remove_staff(session, person.id, now=visit.now)
    return "/staff?said=removed"


def _person(visit: Visit, session: Session) -> Staff:
    """Of this clinic, and still there."""
    person = visit.own(session, Staff)
    if person.left_at is not None:
        raise NotFound("staff", person.id, "somebody who still works here")
    return person


def _typed(visit: Visit) -> Details:
    form = visit.form
    return Details(
        name=form.text("name"),
        phone=form.text("phone"),
        email=form.text("email") or None,
        tier=visit.chosen("tier"),
        role=form.get("role", ""),
        admin=form.get("admin") == "yes",
    )


def _version(person: Staff) -> str:
    return version_of(person.name, person.phone, person.email, person.tier, person.role, person.admin)


def _show_code(visit: Visit, session: Session, person: Staff) -> Response:
    """It stands on this answer alone: no address, no log and no list holds it."""
    now = real_now(visit.request)
    code = invite(session, person, now=visit.now, real_now=now)
    context = {
        "one": {"id": person.id, "name": person.name, "phone": person.phone, "email": person.email},
        "code": code,
        "until": (now + INVITED_FOR).astimezone(visit.person.zone),
        "join_at": f"{visit.app.settings.public_url.rstrip('/')}/join",
    }
    return render(visit, "staff-code.html", context)


Page("/staff", "staff.html", show_staff, Permission.STAFF, {"add": Action(add)}).add_to(router)
Page(
    "/staff/{number:row}",
    "staff-person.html",
    show_person,
    Permission.STAFF,
    {
        "change": Action(change),
        "code": Action(give_code),
        "sign-out": Action(sign_out),
        "remove": Action(remove),
    },
).add_to(router)
