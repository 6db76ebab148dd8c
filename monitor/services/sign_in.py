"""Sign in: the password, then the second factor or a recovery code. All moments are real time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from monitor.db import Sessions, transaction
from monitor.domain.access import FOR_THE_CODE, IDLE, LONGEST
from monitor.domain.phone import parse_phone
from monitor.errors import BadInput, SignedOut, TooManyTries
from monitor.locking import lock
from monitor.models import Account, Clinic, Device, RecoveryCode, SignIn, Staff
from monitor.services.audit import actor_of, record
from monitor.services.clinic import region_of
from monitor.services.credentials import digest_of, is_password, new_token, step_of_code, tidy_words
from monitor.services.throttle import Caller, count_try, forget_old_tries, forgive

NOTED_EVERY = timedelta(minutes=1)  # how exactly it is known when somebody was last seen


def check_password(sessions: Sessions, who: str, password: str, caller: Caller, *, now: datetime) -> str:
    """The first step: returns what the browser is given. Raises BadInput, whatever was wrong, or TooManyTries.

    The password is compared outside of any transaction: it is made to take long.
    """
    with transaction(sessions) as session:
        found = [(person.id, _password_of(session, person)) for person in find_people(session, who)]
        name = name_of(session, who)
    keys, closed = _count_each(sessions, caller, name, [staff_id for staff_id, _ in found], now=now)
    tried = [(staff_id, stored) for staff_id, stored in found if staff_id in keys]
    right = [staff_id for staff_id, stored in tried or [(0, None)] if is_password(stored, password)]
    if not right and closed:
        raise closed
    if not right:
        raise BadInput("who", "", "the number or e-mail address and the password of somebody who has joined")
    if len(right) > 1:
        raise BadInput("who", "", "the e-mail address that is known at the clinic you mean: several know this number")
    with transaction(sessions) as session:
        forgive(session, keys[right[0]])
        return begin(session, right[0], factors=1, now=now)


def _count_each(
    sessions: Sessions, caller: Caller, name: str, found: Sequence[int], *, now: datetime
) -> tuple[dict[int, list[str]], TooManyTries | None]:
    """Whose password may be tried now, with what to forgive them, and why not that of the others. Who goes by the same
    number at another clinic is counted apart: neither makes guesses at the other possible, nor keeps the other out."""
    keys, closed = dict[int, list[str]](), None
    for staff_id in found or [0]:
        try:
            what = f"{name} {staff_id}"
            keys[staff_id] = count_try(sessions, caller, what, staff_id=staff_id or None, now=now)
        except TooManyTries as error:
            closed = error
    if not keys and closed:
        raise closed
    return keys, closed


def check_code(sessions: Sessions, token: str, code: str, caller: Caller, *, now: datetime) -> tuple[str, str]:
    """The second step, with a code of the authenticator app or a recovery code: what the browser is given for this
    visit, and what it will be known by next time."""
    with transaction(sessions) as session:
        staff_id = _of(session, token, factors=1, now=now).staff_id
    keys = count_try(sessions, caller, f"code of {staff_id}", staff_id=staff_id, now=now)
    with transaction(sessions) as session:
        how = use_code(session, staff_id, code, now=now)
        if how is None:
            raise BadInput("code", "", "the six digits that the app shows now, each only once, or a recovery code")
        forgive(session, keys)
        return enter(session, token, staff_id, how=how, device=caller.device, now=now)


def enter(
    session: Session, token: str, staff_id: int, *, how: str, device: str | None, now: datetime
) -> tuple[str, str]:
    """Both factors were right: a new visit, under another name than before, which somebody may have planted."""
    end(session, token)
    forget_old_tries(session, now)
    session.execute(delete(SignIn).where(SignIn.created_at < now - LONGEST))
    known = session.get(Device, device) if device else None
    if known is not None and known.staff_id == staff_id:
        session.delete(known)
    fresh = new_token()
    session.add(Device(digest=digest_of(fresh), staff_id=staff_id, seen_at=now))
    person = session.get_one(Staff, staff_id)
    record(session, "signed_in", at=now, actor=actor_of(staff_id), clinic_id=person.clinic_id, staff=staff_id, how=how)
    return begin(session, staff_id, factors=2, now=now), fresh


def begin(session: Session, staff_id: int, *, factors: int, now: datetime) -> str:
    token = new_token()
    session.add(
        SignIn(
            digest=digest_of(token), staff_id=staff_id, csrf=new_token(), factors=factors, created_at=now, seen_at=now
        )
    )
    return token


def find(session: Session, token: str | None, *, factors: int, now: datetime) -> SignIn | None:
    """The visit that a browser's token stands for, as long as it holds."""
    found = session.get(SignIn, digest_of(token)) if token else None
    if found is None or found.factors != factors:
        return None
    person = session.get_one(Staff, found.staff_id)
    if factors == 1:
        over = now - found.created_at > FOR_THE_CODE
    else:
        over = now - found.seen_at > IDLE or now - found.created_at > LONGEST
    if over or person.left_at is not None:
        return None
    return found


def note_seen(sessions: Sessions, found: SignIn, *, now: datetime) -> None:
    """Somebody is still there; written down now and then."""
    if now - found.seen_at > NOTED_EVERY:
        with transaction(sessions) as session:
            if (row := session.get(SignIn, found.digest)) is not None:
                row.seen_at = now


def end(session: Session, token: str | None) -> None:
    """Sign out."""
    if token and (found := session.get(SignIn, digest_of(token))) is not None:
        session.delete(found)
        session.flush()


def end_all(session: Session, staff_id: int, *, but: str | None = None, device: str | None = None) -> None:
    """Sign out everywhere, and be a stranger again to every browser but one that stays: `but` is the digest of its
    visit, `device` of what it is known by."""
    session.execute(delete(SignIn).where(SignIn.staff_id == staff_id, SignIn.digest != (but or "")))
    session.execute(delete(Device).where(Device.staff_id == staff_id, Device.digest != (device or "")))


def use_code(session: Session, staff_id: int, code: str, *, now: datetime) -> str | None:
    """What was shown as second factor: "app", "recovery code", or None if it is neither. Each counts once."""
    account = lock(session, Account, staff_id)
    if account.totp_secret is None or account.totp_at is None:
        return None
    step = step_of_code(account.totp_secret, code, now, after=account.totp_step)
    if step is not None:
        account.totp_step = step
        return "app"
    unused = select(RecoveryCode).where(
        RecoveryCode.staff_id == staff_id,
        RecoveryCode.used_at.is_(None),
        RecoveryCode.digest == digest_of(tidy_words(code)),
    )
    if (one := session.scalar(unused)) is None:
        return None
    one.used_at = now
    return "recovery code"


def find_people(session: Session, who: str) -> Sequence[Staff]:
    """Everybody at any clinic who goes by this number or e-mail address; the number as people write it there."""
    typed, numbers = who.strip()[:200], _numbers(session, who)
    is_theirs = or_(Staff.email == typed, Staff.email == typed.lower(), Staff.phone.in_(numbers))
    return session.scalars(select(Staff).where(Staff.left_at.is_(None), is_theirs).order_by(Staff.id)).all()


def name_of(session: Session, who: str) -> str:
    """Under what tries for this number or address are counted: however it is written, and whether or not anybody
    goes by it, so that nobody can tell."""
    numbers = _numbers(session, who)
    return digest_of(" ".join(sorted(numbers)) or who.strip()[:200].lower())[:40]


def _numbers(session: Session, who: str) -> set[str]:
    typed = who.strip()[:200]
    regions = {region_of(clinic) for clinic in session.scalars(select(Clinic))}
    return {number for region in regions if (number := _number(typed, region))}


def _number(typed: str, region: str | None) -> str | None:
    try:
        return parse_phone("who", typed, region=region)
    except BadInput:
        return None


def _password_of(session: Session, person: Staff) -> str | None:
    account = session.get(Account, person.id)
    return account.password if account else None


def _of(session: Session, token: str, *, factors: int, now: datetime) -> SignIn:
    found = find(session, token, factors=factors, now=now)
    if found is None:
        raise SignedOut("it took too long: begin again with the password")
    return found
