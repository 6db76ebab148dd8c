"""Somebody of the staff joins: with a code that a colleague or the command line gives them, once, they choose a
password and show that their authenticator app works. A new code does the same for whoever has lost either."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from monitor.db import Sessions, transaction
from monitor.domain.access import INVITED_FOR
from monitor.errors import BadInput
from monitor.locking import lock
from monitor.models import Account, Clinic, RecoveryCode, Staff
from monitor.services.audit import actor_of, record
from monitor.services.credentials import (
    digest_of,
    hash_password,
    new_totp_secret,
    new_words,
    step_of_code,
    tidy_words,
    totp_address,
)
from monitor.services.sign_in import begin, end_all, find_people
from monitor.services.throttle import Caller, count_try, forgive

RECOVERY_CODES = 10


def invite(session: Session, person: Staff, *, now: datetime, real_now: datetime) -> str:
    """A code for this person, in the place of any before; what they sign in with until then goes on to work."""
    lock(session, Staff, person.id)  # two colleagues may make one at once, and there may be no account yet
    account = session.get(Account, person.id) or Account(staff_id=person.id)
    code = new_words(4)
    account.invite, account.invite_until = digest_of(tidy_words(code)), real_now + INVITED_FOR
    session.add(account)
    record(session, "invited", at=now, clinic_id=person.clinic_id, staff=person.id)
    return code


def join(sessions: Sessions, who: str, code: str, password: str, caller: Caller, *, now: datetime) -> str:
    """Choose a password: returns what the browser is given until the second factor is shown. Whatever the account
    had before is gone. Raises BadInput, TooManyTries."""
    # The code has 76 random bits. Counted by the number it is for, a stranger could keep its owner from joining.
    keys = count_try(sessions, caller, "join", staff_id=None, now=now, alone=True)
    with transaction(sessions) as session:
        person = _invited(session, who, code, now=now)
        about = (person.name, person.phone, person.email or "", session.get_one(Clinic, person.clinic_id).name)
    hashed = hash_password(password, about=about)  # outside of any transaction: it is made to take long
    with transaction(sessions) as session:
        person = _invited(session, who, code, now=now)
        account = lock(session, Account, person.id)
        account.password, account.invite, account.invite_until = hashed, None, None
        _forget_factors(session, account)
        end_all(session, person.id)
        forgive(session, keys)
        record(session, "joined", at=now, actor=actor_of(person.id), clinic_id=person.clinic_id, staff=person.id)
        return begin(session, person.id, factors=1, now=now)


def offered_factor(session: Session, staff_id: int) -> tuple[str, str] | None:
    """The secret for the authenticator app, and the address that holds it; None once it was confirmed."""
    account = lock(session, Account, staff_id)
    if account.totp_at is not None:
        return None
    account.totp_secret = account.totp_secret or new_totp_secret()
    person = session.get_one(Staff, staff_id)
    clinic = session.get_one(Clinic, person.clinic_id)
    return account.totp_secret, totp_address(account.totp_secret, name=person.name, clinic=clinic.name)


def confirm_factor(session: Session, staff_id: int, code: str, *, now: datetime) -> None:
    """The app's first code: from now on it is asked for. Raises BadInput."""
    account = lock(session, Account, staff_id)
    secret = account.totp_secret if account.totp_at is None else None
    step = step_of_code(secret, code, now, after=None) if secret else None
    if step is None:
        raise BadInput("code", "", "the six digits that the app shows now; is the phone's clock right?")
    account.totp_at, account.totp_step = now, step


def first_recovery_codes(session: Session, staff_id: int, *, now: datetime) -> list[str]:
    """For somebody who has just joined, and is signed in nowhere yet."""
    codes = _new_recovery_codes(session, staff_id)
    clinic_id = session.get_one(Staff, staff_id).clinic_id
    record(session, "recovery_codes_made", at=now, actor=actor_of(staff_id), clinic_id=clinic_id, staff=staff_id)
    return codes


def renew_recovery_codes(session: Session, staff_id: int, *, now: datetime) -> list[str]:
    """For somebody who has joined long ago."""
    codes = _new_recovery_codes(session, staff_id)
    record(session, "recovery_codes_renewed", at=now, staff=staff_id)
    return codes


def change_password(
    session: Session, staff_id: int, hashed: str, *, but: str, device: str | None, now: datetime
) -> None:
    """Every other browser is signed out."""
    lock(session, Account, staff_id).password = hashed
    end_all(session, staff_id, but=but, device=device)
    record(session, "password_changed", at=now, staff=staff_id)


def _new_recovery_codes(session: Session, staff_id: int) -> list[str]:
    """Ten codes to print, in the place of those before."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    codes = [new_words(3) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(staff_id=staff_id, digest=digest_of(tidy_words(code))) for code in codes)
    return codes


def _invited(session: Session, who: str, code: str, *, now: datetime) -> Staff:
    digest = digest_of(tidy_words(code))
    for person in find_people(session, who):
        account = session.get(Account, person.id)
        if account and account.invite == digest and account.invite_until and account.invite_until > now:
            return person
    raise BadInput("code", "", "the code that you were given, for this number or address, within 7 days, once")


def _forget_factors(session: Session, account: Account) -> None:
    account.totp_secret = account.totp_at = account.totp_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == account.staff_id))
