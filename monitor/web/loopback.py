"""Who may use a page that is meant for this machine alone."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

READS = {"GET", "HEAD"}
FROM_HERE = {"same-origin", "none"}  # Sec-Fetch-Site: this very page, or an address typed by hand


def why_refused(request: Request, *, exposed: bool) -> str | None:
    """Why a request may not be served; None if it may.

    A foreign page can make a browser send to this machine, and a foreign name can be made to lead here;
    so the name asked for counts as well as the sender's address. `exposed` lifts both, never the check
    that a change was asked for by our own page.
    """
    host = request.headers.get("host", "")
    if not exposed and not is_loopback(_name_of(host)):
        return f"Host: found {host[:80]!r}; allowed: localhost or 127.0.0.1, since this page is for this machine"
    if not exposed and request.client is not None and not is_loopback(request.client.host):
        return "the built-in phones are only for this machine"
    if request.method not in READS and not _asked_by_our_page(request, host):
        return "Origin: found another site's page; allowed: the page of the built-in phones itself"
    return None


def is_loopback(name: str) -> bool:
    """Whether a name or address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("localhost.evil.example")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _asked_by_our_page(request: Request, host: str) -> bool:
    """The browser's own word decides; older ones name the page's origin; a program names nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in FROM_HERE
    origin = request.headers.get("origin")
    return origin is None or origin.lower() == f"{request.url.scheme}://{host}".lower()
