"""Examine an installation: what is set, what answers, who is on call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from monitor.clock import Clock, SystemClock
from monitor.db import Sessions, transaction
from monitor.domain.access import Permission, permissions_of
from monitor.domain.release import Fit
from monitor.errors import GatewayError, NotReady
from monitor.models import Account, Clinic, Event, Heartbeat, Message, Staff
from monitor.queries import rota_of
from monitor.services.backup import last_backup
from monitor.services.release import find_fit
from monitor.sms.gateway import Gateway

AHEAD = timedelta(days=14)
LATELY = 1000  # events among which one from the future is looked for; all of them may be millions
OLD_BACKUP = timedelta(hours=36)  # one a day, and some hours' grace


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: `level` is ok, gap (works, but somebody should know) or wrong."""

    level: str
    what: str
    found: str


def examine(
    sessions: Sessions, gateway: Gateway, clock: Clock, *, public_url: str, trusted_proxies: str
) -> list[Check]:
    """Everything, in the order in which it must be mended."""
    checks = list(_database(sessions))
    if any(check.level == "wrong" for check in checks):
        return checks
    checks += [_provider(gateway, public_url), _addresses(trusted_proxies)]
    with transaction(sessions) as session:
        for clinic in session.scalars(select(Clinic)):
            checks += examine_clinic(session, clinic, clock)
        checks += _clock(session, clock)
    checks.append(_backup(sessions))
    return checks


def examine_clinic(session: Session, clinic: Clinic, clock: Clock) -> list[Check]:
    """What one clinic has not set, where its rota has nobody, and whether anybody can sign in."""
    return [*_clinic(clinic), *_rota(session, clinic, clock), _console(session, clinic)]


def _database(sessions: Sessions) -> Iterator[Check]:
    try:
        with transaction(sessions) as session:
            session.execute(text("SELECT 1"))
            session.scalar(select(Message.id).limit(1))
            dialect = session.get_bind().dialect
            fit = find_fit(session.connection())
    except NotReady as error:
        yield Check("wrong", "database", str(error))
        return
    version = ".".join(map(str, dialect.server_version_info or ()))
    yield Check("ok", "database", f"{dialect.name} {version}".strip())
    yield Check("ok" if fit == Fit.SAME else "gap" if fit.works else "wrong", "release", f"the database is {fit}")


def _provider(gateway: Gateway, public_url: str) -> Check:
    try:
        answer = gateway.check()
    except GatewayError as error:
        return Check("wrong", gateway.name, f"{error}; check the credentials in the Twilio console")
    if gateway.name == "twilio" and not public_url.startswith("https://"):
        return Check("gap", gateway.name, f"{answer}; MONITOR_PUBLIC_URL is not https: {public_url}")
    return Check("ok", gateway.name, answer)


def _addresses(trusted_proxies: str) -> Check:
    """By whose word a request comes from elsewhere. Nobody sees from here whether a balancer stands between, and with
    one that is not named, everybody shares its address, and the tries to sign in that an address has."""
    found = f"as {trusted_proxies.replace(',', ', ')} say by X-Forwarded-For; name a balancer elsewhere"
    return Check("ok", "callers' addresses", f"{found} in MONITOR_TRUSTED_PROXIES")


def _clinic(clinic: Clinic) -> Iterator[Check]:
    needed = {
        "phone": (clinic.phone, "patients are told to call 'the clinic'"),
        "emergency number": (clinic.emergency_number, "patients are told 112"),
        "last-resort number": (clinic.last_resort_phone, "paging goes round staff only"),
        "holidays": (clinic.holidays, "public holidays count as working days"),
    }
    for what, (value, meanwhile) in needed.items():
        if not value:
            yield Check("gap", f"{clinic.name}: {what}", f"not set: {meanwhile} (`monitor clinic set`)")
    yield Check("ok", f"{clinic.name}: time zone", clinic.timezone)


def _rota(session: Session, clinic: Clinic, clock: Clock) -> Iterator[Check]:
    rota = rota_of(session, clinic)
    if not rota.people:
        yield Check("wrong", f"{clinic.name}: staff", "nobody can be paged (`monitor staff add`)")
        return
    zone = ZoneInfo(clinic.timezone)
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    gaps = rota.gaps(now, now + AHEAD)
    for tier, start in gaps:
        yield Check(
            "gap",
            f"{clinic.name}: rota",
            f"tier {tier} has nobody from {start.astimezone(zone):%a %d %b %H:%M}",
        )
    if not gaps:
        yield Check("ok", f"{clinic.name}: rota", "somebody is on call in every tier for the next 14 days")


def _console(session: Session, clinic: Clinic) -> Check:
    """Whether anybody can sign in, and let others in."""
    what = f"{clinic.name}: console"
    joined = session.scalars(
        select(Staff)
        .join(Account, Account.staff_id == Staff.id)
        .where(Staff.clinic_id == clinic.id, Staff.left_at.is_(None), Account.totp_at.is_not(None))
    ).all()
    if not joined:
        return Check("gap", what, "nobody has joined yet (`monitor staff add --admin`, `monitor staff invite`)")
    if not any(Permission.STAFF in permissions_of(one.role, admin=one.admin) for one in joined):
        return Check("gap", what, "nobody who has joined may let others in (`monitor staff add --admin`)")
    return Check("ok", what, f"{len(joined)} can sign in")


def _apart(seconds: float) -> str:
    """How far a clock is from ours, and on which side.

    >>> _apart(-40932), _apart(90000), _apart(5)
    ('11 h 22 min behind', '1 day 1 h ahead', '5 s ahead')
    """
    left, parts = abs(round(seconds)), []
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return f"{' '.join(parts[:2])} {'ahead' if seconds > 0 else 'behind'}"


def _clock(session: Session, clock: Clock) -> Iterator[Check]:
    moved = (clock.now() - SystemClock().now()).total_seconds()
    if abs(moved) > 1:
        yield Check("gap", "clock", f"the built-in phones' clock is {_apart(moved)}")
    beat = session.scalar(select(func.max(Heartbeat.at)))
    if beat is None or SystemClock().now() - beat > timedelta(minutes=2):
        yield Check("gap", "worker", "no worker is running on this database (`monitor run`)")
    else:
        yield Check("ok", "worker", "alive")
    newest = select(Event.at).order_by(Event.id.desc()).limit(LATELY).subquery()
    latest = session.scalar(select(func.max(newest.c.at)))
    if latest is not None and latest - clock.now() > timedelta(minutes=1):
        yield Check("wrong", "clock", "things happened later than now: this machine's clock went back")


def _backup(sessions: Sessions) -> Check:
    made = last_backup(sessions)
    if made is None:
        return Check("gap", "backup", "never made (`monitor backup`, once a day)")
    age = SystemClock().now() - made
    found = f"the last one is {max(age.total_seconds(), 0) / 3600:.1f} hours old"
    return Check("gap", "backup", f"{found} (`monitor backup`)") if age > OLD_BACKUP else Check("ok", "backup", found)
