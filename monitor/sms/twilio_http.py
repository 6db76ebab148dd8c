"""How the Twilio SDK's requests travel: where to, how long to wait, and what each ending means.

    no connection, no trusted certificate, a redirect   GatewayUnreachable   nothing was sent
    429, 500, 503 and other 5xx                         GatewayBusy          not now
    500, 502, 504 on a POST                             GatewayUnknown       it may have been taken
    other 4xx                                           GatewayRefused       with Twilio's code
    time-out, reset, half an answer, no JSON object     GatewayUnknown       it may have been taken

The SDK hands over an object with `request()`; this one stands in for its `AsyncTwilioHttpClient`, whose time-out is
not applied, which logs each URL with the phone number in it, and which keeps the last request with its body.
"""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from monitor.errors import GatewayBusy, GatewayRefused, GatewayUnknown, GatewayUnreachable

LOST_ON_THE_WAY = frozenset({500, 502, 504})
NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
TOO_LONG = 3  # times the wait for a next byte: an answer that drips is given up


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as the SDK wants it."""

    status_code: int
    text: str
    headers: Mapping[str, str]


class TwilioHttp:
    """One pool of connections, used from one event loop. `connect` and `read` are seconds.

    `base_url` takes the place of the scheme and host that the SDK wants to call.
    """

    is_async = True

    def __init__(self, *, base_url: str | None, connect: float, read: float) -> None:
        self._base = urlsplit(base_url.rstrip("/")) if base_url else None
        self._timeout = aiohttp.ClientTimeout(total=connect + TOO_LONG * read, sock_connect=connect, sock_read=read)
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Answer:
        """The answer if it is 2xx with a JSON object; everything else is an error of the gateway."""
        try:
            async with self._connections().request(
                method,
                self._address(url, params),
                data=_form(data).encode() if data else None,
                headers={**(headers or {}), **_signed_in(auth)},
                allow_redirects=False,
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # "from None": the library's message holds the URL, and with it a phone number.
            raise meaning_of(error) from None
        answer = Answer(response.status, body.decode("utf-8", "replace"), response.headers)
        _check(answer, creates=method.upper() == "POST")
        return answer

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _connections(self) -> aiohttp.ClientSession:
        """Made at the first request, since it belongs to the loop that runs then."""
        if self._session is None:
            # Whoever sends decides how many requests are under way; a queue in here would run into time-outs.
            # A stand-in on loopback is not behind the proxy that leads to Twilio.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=self._timeout, trust_env=self._base is None
            )
        return self._session

    def _address(self, url: str, params: Mapping[str, object] | None) -> URL:
        wanted = urlsplit(url)
        if params:
            wanted = wanted._replace(query="&".join(part for part in (wanted.query, _form(params)) if part))
        if self._base is not None:
            path = self._base.path + wanted.path
            wanted = wanted._replace(scheme=self._base.scheme, netloc=self._base.netloc, path=path)
        return URL(wanted.geturl(), encoded=True)


def _signed_in(auth: tuple[str, str] | None) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(':'.join(auth).encode()).decode()}"} if auth else {}


def _form(values: Mapping[str, object]) -> str:
    """As a form: what is not given is left out, and a list gives its name several times.

    >>> _form({"To": "+447700900123", "PageSize": None, "Event": ["ringing", "answered"]})
    'To=%2B447700900123&Event=ringing&Event=answered'
    """
    return urlencode({name: value for name, value in values.items() if value is not None}, doseq=True)


def meaning_of(error: Exception) -> GatewayUnreachable | GatewayUnknown:
    """What a failed connection says: it broke before the request was written, or at some point after.

    >>> meaning_of(aiohttp.ServerDisconnectedError())
    GatewayUnknown("the provider's answer was lost (ServerDisconnectedError)")
    """
    kind = type(error).__name__
    if _never_connected(error):
        return GatewayUnreachable(f"no connection to the provider ({kind})")
    return GatewayUnknown(f"the provider's answer was lost ({kind})")


def _never_connected(error: Exception) -> bool:
    # A certificate is looked at before the first byte goes out; other TLS errors may come at any time.
    if isinstance(error, aiohttp.ClientSSLError):
        return isinstance(error, ssl.SSLCertVerificationError | aiohttp.ClientConnectorCertificateError)
    return isinstance(
        error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ClientHttpProxyError
    )


def _check(answer: Answer, *, creates: bool) -> None:
    status = answer.status_code
    # 503 and 429 say that the request was not taken. A 500 says that something broke, perhaps after it was;
    # 502 and 504 are a proxy's word that it lost the answer. Those are looked for before they are sent again:
    # half a minute late is better than twice.
    if creates and status in LOST_ON_THE_WAY:
        raise GatewayUnknown(f"the provider's answer was lost (HTTP {status})")
    if status == 429 or status >= 500:
        raise GatewayBusy(status, retry_after(answer.headers))
    if status >= 400:
        raise GatewayRefused(_code(answer), f"(HTTP {status})")
    if status >= 300:
        raise GatewayUnreachable(f"something else answers at the provider's address (HTTP {status})")
    if not isinstance(_json(answer), dict):
        raise GatewayUnknown(f"the provider's answer cannot be read (HTTP {status})")


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.text)
    except (ValueError, RecursionError):
        return None


def _code(answer: Answer) -> int:
    """Twilio's own code, or the HTTP status. Its message stays unread: it quotes the phone number."""
    read = _json(answer)
    code = read.get("code") if isinstance(read, dict) else None
    return code if isinstance(code, int) else answer.status_code


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a number or from an HTTP date against the answer's own date.

    >>> retry_after({"Retry-After": "7"}), retry_after({"Retry-After": "soon"}), retry_after({})
    (7.0, None, None)
    >>> dates = {"Date": "Mon, 05 Jan 2026 10:00:00 GMT", "Retry-After": "Mon, 05 Jan 2026 10:00:30 GMT"}
    >>> retry_after(dates)
    30.0
    """
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isdecimal():
        return float(wanted)
    until, now = _http_date(wanted), _http_date(headers.get("Date", ""))
    return max((until - now).total_seconds(), 0.0) if until and now else None


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC)
    except ValueError:
        return None
