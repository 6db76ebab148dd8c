"""One's own account: the password, recovery codes, other browsers, and what one's role may do.

What is guessed here is counted as at the door: whoever finds a browser open must not try passwords without end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from monitor.db import transaction
from monitor.domain.access import PASSWORD_AT_LEAST, PASSWORD_AT_MOST, Permission, Role, permissions_of
from monitor.errors import BadInput
from monitor.models import Account, Staff
from monitor.services.audit import act_as, record
from monitor.services.credentials import hash_password, is_password
from monitor.services.join import change_password, renew_recovery_codes
from monitor.services.sign_in import end_all, use_code
from monitor.services.throttle import count_try, forgive
from monitor.web.auth import caller_of, real_now
from monitor.web.console.frame import Action, Page, render
from monitor.web.console.visit import Visit
from monitor.worklists.account import account_of

router = APIRouter()
ROLE_NAMES = {Role.CLINICIAN: "Clinician", Role.FRONT_DESK: "Front desk", Role.MANAGER: "Manager"}


def show_account(visit: Visit, session: Session) -> Mapping[str, Any]:
    return {
        "account": account_of(session, visit.person.id, real_now=real_now(visit.request)),
        "role_names": ROLE_NAMES,
        "rights": _rights(visit),
        "shortest": PASSWORD_AT_LEAST,
        "longest": PASSWORD_AT_MOST,
    }


def _rights(visit: Visit) -> Sequence[tuple[str, bool, Sequence[bool]]]:
    """Of each thing that may be done: its words, whether this person may, and which roles may."""
    return [
        (
            f"{permission.value[0].upper()}{permission.value[1:]}",
            visit.may(permission),
            [permission in allowed for allowed in _all_roles()],
        )
        for permission in Permission
    ]


def _all_roles() -> Sequence[Any]:
    return [permissions_of(role, admin=False) for role in ROLE_NAMES]


def set_password(visit: Visit, session: Session) -> str:
    """With the present one. It is compared and made outside of any transaction that writes: both take long."""
    form, sessions, me = visit.form, visit.app.sessions, visit.person.id
    keys = count_try(sessions, caller_of(visit.request), f"password of {me}", staff_id=me, now=real_now(visit.request))
    account, person = session.get_one(Account, me), session.get_one(Staff, me)
    if not is_password(account.password, form.get("old", "")):
        raise BadInput("old", "", "the password with which you sign in now")
    if form.get("password", "") != form.get("again", ""):
        raise BadInput("again", "", "the same new password in both fields")
    about = (person.name, person.phone, person.email or "", visit.person.clinic)
    hashed = hash_password(form.get("password", ""), about=about)
    with transaction(sessions) as writing:
        act_as(writing, visit.staff(writing))
        device = caller_of(visit.request).device
        change_password(writing, me, hashed, but=visit.person.digest, device=device, now=visit.now)
        forgive(writing, keys)
    return "/account?said=password"


def new_codes(visit: Visit, session: Session) -> Response:  # noqa: ARG001 -- it writes in transactions of its own
    """Ten recovery codes in the place of those before, for whoever shows the app's code; shown this once."""
    sessions, me, now = visit.app.sessions, visit.person.id, real_now(visit.request)
    keys = count_try(sessions, caller_of(visit.request), f"code of {me}", staff_id=me, now=now)
    with transaction(sessions) as writing:
        act_as(writing, visit.staff(writing))
        if use_code(writing, me, visit.form.get("code", "")[:80], now=now) != "app":
            raise BadInput("code", "", "the six digits that the app shows now, each only once")
        forgive(writing, keys)
        codes = renew_recovery_codes(writing, me, now=visit.now)
    return render(visit, "recovery-codes.html", {"codes": codes, "goes_to": "/account"})


def sign_out_elsewhere(visit: Visit, session: Session) -> str:
    end_all(session, visit.person.id, but=visit.person.digest, device=caller_of(visit.request).device)
    record(session, "signed_out_everywhere", at=visit.now, staff=visit.person.id)
    return "/account?said=signed-out"


Page(
    "/account",
    "account.html",
    show_account,
    None,
    {
        "password": Action(set_password, reads=True),
        "codes": Action(new_codes, reads=True),
        "sign-out": Action(sign_out_elsewhere),
    },
).add_to(router)
