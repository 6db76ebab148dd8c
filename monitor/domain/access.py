"""Who may do what in the console, and how long failed tries to sign in are kept waiting."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import timedelta
from enum import StrEnum


class Role(StrEnum):
    CLINICIAN = "clinician"
    FRONT_DESK = "front-desk"
    MANAGER = "manager"


class Permission(StrEnum):
    """What a page or a button asks of whoever uses it."""

    PATIENTS = "see patients and alerts"
    ALERTS = "take alerts and record outcomes"
    OVERRULE = "overrule a finding"
    ENROL = "enrol patients and change their plans"
    ROTA = "change the rota"
    DESK = "work on the inbox and the front desk's tasks"
    REPORTS = "read reports"
    PROTOCOL = "read the protocol"
    SETTINGS = "change the clinic's settings"
    STAFF = "add, change and remove staff"
    AUDIT = "read the audit log"


_EVERYBODY = frozenset({Permission.PATIENTS, Permission.ENROL, Permission.ROTA, Permission.DESK, Permission.PROTOCOL})
_MANAGES = frozenset({Permission.SETTINGS, Permission.STAFF, Permission.AUDIT})
ROLES: Mapping[Role, Set[Permission]] = {
    Role.FRONT_DESK: _EVERYBODY,
    Role.CLINICIAN: _EVERYBODY | {Permission.ALERTS, Permission.OVERRULE, Permission.REPORTS},
    Role.MANAGER: _EVERYBODY | {Permission.ALERTS, Permission.REPORTS} | _MANAGES,
}

# After so many failed tries in a row whoever tries is kept waiting, each time twice as long.
TRIES = 5
TRIES_OF_AN_ADDRESS = 30  # a whole office may come from one
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
FORGIVEN_AFTER = timedelta(hours=1)

WRONG_NUMBER = "review:wrong number"  # the reason of an alert that whoever has a patient's number raised by saying so

IDLE, LONGEST = timedelta(hours=1), timedelta(hours=12)  # how long somebody stays signed in
FOR_THE_CODE = timedelta(minutes=10)  # from the password to the second factor
INVITED_FOR = timedelta(days=7)
PASSWORD_AT_LEAST, PASSWORD_AT_MOST = 12, 200


def permissions_of(role: str, *, admin: bool) -> Set[Permission]:
    """All that somebody may do; an admin manages the clinic, whatever their role.

    >>> Permission.OVERRULE in permissions_of("clinician", admin=False)
    True
    >>> Permission.STAFF in permissions_of("front-desk", admin=False), Permission.STAFF in permissions_of(
    ...     "front-desk", admin=True)
    (False, True)
    """
    return ROLES[Role(role)] | (_MANAGES if admin else frozenset())


def may_act_on(permissions: Set[Permission], *, was_paged: bool, rules: Set[str]) -> bool:
    """Whether somebody may take a patient's alert and record its outcome: by role; since its page went to them, as they
    may by text as well; or at the front desk, where all that there is to do is to find the right number. `rules` are
    those by which it was raised.

    >>> desk = {Permission.DESK}
    >>> may_act_on(desk, was_paged=False, rules={WRONG_NUMBER}), may_act_on(desk, was_paged=True, rules={"pus"})
    (True, True)
    >>> may_act_on(desk, was_paged=False, rules={WRONG_NUMBER, "pus"})
    False
    """
    of_the_desk = Permission.DESK in permissions and rules == {WRONG_NUMBER}
    return Permission.ALERTS in permissions or was_paged or of_the_desk


def may_settle_stranger(permissions: Set[Permission], *, kind: str, band: str) -> bool:
    """Whether somebody may record the outcome of an unknown number's alert: the front desk may, if it is only to be
    read and can wait.

    >>> may_settle_stranger({Permission.DESK}, kind="review", band="soon")
    True
    >>> may_settle_stranger({Permission.DESK}, kind="review", band="urgent")
    False
    """
    return Permission.ALERTS in permissions or (Permission.DESK in permissions and (kind, band) == ("review", "soon"))


def wait_after(failed: int, allowed: int) -> timedelta:
    """How long nobody may try again after so many failed tries.

    >>> [wait_after(failed, 5).total_seconds() / 60 for failed in (4, 5, 6, 7, 40)]
    [0.0, 1.0, 2.0, 4.0, 15.0]
    """
    if failed < allowed:
        return timedelta()
    doubled = 1 << min(failed - allowed, 10)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)
