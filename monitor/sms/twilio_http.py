"""How the Twilio SDK's requests travel: where to, how long to wait, and what each ending means.

    no connection, no trusted certificate, a redirect   GatewayUnreachable   nothing was sent
    429, 500, 503 and other 5xx                         GatewayBusy          not now
    500, 502, 504 on a POST                             GatewayUnknown       it may have been taken
    other 4xx                                           GatewayRefused       with Twilio's code
    time-out, reset, half an answer, no JSON object     GatewayUnknown       it may have been taken

The SDK hands over an object with `request()`; this one stands in for its `TwilioHttpClient`, which has no
time-out of its own, logs each URL with the phone number in it, and throws the headers of errors away.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError

from monitor.errors import GatewayBusy, GatewayRefused, GatewayUnknown, GatewayUnreachable

CONNECTIONS = 80  # as many as the worker has threads; one more than that would open and close its own
LOST_ON_THE_WAY = frozenset({500, 502, 504})


class TwilioHttp:
    """One pool of connections for all threads. `connect` and `read` are seconds.

    `base_url` takes the place of the scheme and host that the SDK wants to call.
    """

    is_async = False

    def __init__(self, *, base_url: str | None, connect: float, read: float) -> None:
        self._base = urlsplit(base_url.rstrip("/")) if base_url else None
        self._timeouts = (connect, read)
        self._session = requests.Session()
        # Whether a failed request may go out again is for the outbox to decide, never for the transport.
        adapter = HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        # A stand-in on loopback is not behind the proxy that leads to Twilio.
        self._session.trust_env = base_url is None
        # At DEBUG the pool writes each URL to the log, and a list's URL holds a phone number.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> requests.Response:
        """The answer if it is 2xx with a JSON object; everything else is an error of the gateway."""
        try:
            response = self._session.request(
                method,
                self._address(url),
                params=params,
                data=data,
                headers=headers,
                auth=auth,
                timeout=self._timeouts,
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError) as error:
            # "from None": the library's message holds the URL, and with it a phone number.
            raise meaning_of(error) from None
        response.encoding = "utf-8"
        _check(response, creates=method.upper() == "POST")
        return response

    def close(self) -> None:
        self._session.close()

    def _address(self, url: str) -> str:
        if self._base is None:
            return url
        wanted = urlsplit(url)
        path = self._base.path + wanted.path
        return wanted._replace(scheme=self._base.scheme, netloc=self._base.netloc, path=path).geturl()


def meaning_of(error: Exception) -> GatewayUnreachable | GatewayUnknown:
    """What a failed connection says: it broke before the request was written, or at some point after.

    >>> meaning_of(requests.ReadTimeout())
    GatewayUnknown("the provider's answer was lost (ReadTimeout)")
    """
    kind = type(error).__name__
    if _never_connected(error):
        return GatewayUnreachable(f"no connection to the provider ({kind})")
    return GatewayUnknown(f"the provider's answer was lost ({kind})")


def _never_connected(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(cause, NewConnectionError):
        return True
    # A certificate is looked at before the first byte goes out; other TLS errors may come at any time.
    inner = cause.args[0] if isinstance(cause, Exception) and cause.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)


def _check(response: requests.Response, *, creates: bool) -> None:
    status = response.status_code
    # 503 and 429 say that the request was not taken. A 500 says that something broke, perhaps after it was;
    # 502 and 504 are a proxy's word that it lost the answer. Those are looked for before they are sent again:
    # half a minute late is better than twice.
    if creates and status in LOST_ON_THE_WAY:
        raise GatewayUnknown(f"the provider's answer was lost (HTTP {status})")
    if status == 429 or status >= 500:
        raise GatewayBusy(status, retry_after(response.headers))
    if status >= 400:
        raise GatewayRefused(_code(response), f"(HTTP {status})")
    if status >= 300:
        raise GatewayUnreachable(f"something else answers at the provider's address (HTTP {status})")
    if not isinstance(_json(response), dict):
        raise GatewayUnknown(f"the provider's answer cannot be read (HTTP {status})")


def _json(response: requests.Response) -> object:
    try:
        return response.json()
    except (requests.exceptions.JSONDecodeError, RecursionError):
        return None


def _code(response: requests.Response) -> int:
    """Twilio's own code, or the HTTP status. Its message stays unread: it quotes the phone number."""
    answer = _json(response)
    code = answer.get("code") if isinstance(answer, dict) else None
    return code if isinstance(code, int) else response.status_code


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
