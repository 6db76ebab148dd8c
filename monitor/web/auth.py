"""Who is behind a request: cookies, the visit they stand for, and whether a form came from our own page."""

from __future__ import annotations

import secrets
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from sqlalchemy.orm import Session

from monitor.bootstrap import App
from monitor.clock import Clock
from monitor.config import Settings
from monitor.domain.access import LONGEST, Permission, permissions_of
from monitor.models import Clinic, SignIn, Staff
from monitor.services.credentials import digest_of
from monitor.services.sign_in import find
from monitor.services.throttle import Caller

VISIT, DEVICE = "visit", "device"
A_YEAR = 365 * 24 * 3600
OUR_OWN = {"same-origin", "none"}  # Sec-Fetch-Site: our page, or an address typed by hand


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever is signed in, as plain values. `digest` and `csrf` are those of this visit."""

    id: int
    name: str
    role: str
    admin: bool
    clinic_id: int
    clinic: str
    zone: ZoneInfo
    digest: str
    csrf: str

    @property
    def permissions(self) -> Set[Permission]:
        return permissions_of(self.role, admin=self.admin)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


def app_of(request: Request) -> App:
    app: App = request.app.state.monitor
    return app


def real_now(request: Request) -> datetime:
    """The machine's time, whatever the built-in phones' clock says."""
    clock: Clock = request.app.state.real_time
    return clock.now()


def find_visit(session: Session, request: Request, *, factors: int) -> SignIn | None:
    return find(session, token_of(request), factors=factors, now=real_now(request))


def person_of(session: Session, visit: SignIn) -> Person:
    staff = session.get_one(Staff, visit.staff_id)
    clinic = session.get_one(Clinic, staff.clinic_id)
    return Person(
        id=staff.id,
        name=staff.name,
        role=staff.role,
        admin=staff.admin,
        clinic_id=clinic.id,
        clinic=clinic.name,
        zone=ZoneInfo(clinic.timezone),
        digest=visit.digest,
        csrf=visit.csrf,
    )


def caller_of(request: Request) -> Caller:
    """Who tries to sign in."""
    device = request.cookies.get(_cookie(request, DEVICE))
    return Caller(_network_of(request.client.host if request.client else ""), digest_of(device) if device else None)


def _network_of(address: str) -> str:
    """By what tries are counted: whoever has one IPv6 address has a whole network of them.

    >>> _network_of("203.0.113.9"), _network_of("2001:db8:1:2:3::4")
    ('203.0.113.9', '2001:db8:1:2::/64')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else address


# --- cookies


def token_of(request: Request) -> str | None:
    return request.cookies.get(_cookie(request, VISIT))


def give_visit(request: Request, response: Response, token: str) -> None:
    """The cookie of a visit. Lax: the link in a page is followed from outside."""
    _give(request, response, VISIT, token, int(LONGEST.total_seconds()))


def give_device(request: Request, response: Response, token: str) -> None:
    _give(request, response, DEVICE, token, A_YEAR)


def take_visit(request: Request, response: Response) -> None:
    response.delete_cookie(_cookie(request, VISIT), secure=is_secure(app_of(request).settings), httponly=True)


def is_secure(settings: Settings) -> bool:
    """Whether browsers reach us by https; a proxy may end it before us."""
    return settings.public_url.startswith("https://")


def _give(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    secure = is_secure(app_of(request).settings)
    response.set_cookie(
        _cookie(request, name), value, max_age=seconds, httponly=True, samesite="lax", secure=secure, path="/"
    )


def _cookie(request: Request, name: str) -> str:
    """The prefix keeps other hosts of the domain from planting one; browsers take it over https only."""
    return f"__Host-{name}" if is_secure(app_of(request).settings) else name


# --- forms


def csrf_token(secret: str) -> str:
    """What a form carries. It differs on each page, so that a page's compressed size tells nothing of it."""
    nonce = secrets.token_hex(8)
    return f"{nonce}.{_signed(secret, nonce)}"


def is_csrf_token(secret: str, given: str) -> bool:
    """
    >>> is_csrf_token("secret", csrf_token("secret")), is_csrf_token("secret", csrf_token("another"))
    (True, False)
    """
    nonce, _, signature = given.partition(".")
    return compare_digest(_signed(secret, nonce).encode(), signature.encode())


def came_from_us(request: Request) -> bool:
    """Whether our own page sent this, by the browser's own word; of older ones by the page's address."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in OUR_OWN
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()


def _signed(secret: str, nonce: str) -> str:
    return hmac(secret.encode(), nonce.encode(), sha256).hexdigest()[:32]
