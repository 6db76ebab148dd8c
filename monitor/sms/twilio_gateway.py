"""Twilio behind the project's own gateway: the only file that imports the SDK.

The SDK is slow to import, so that happens at the first request and not when this module is loaded.
Nothing here is logged: a message's body, a number and the token are nobody's business but Twilio's.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

from monitor.domain.delivery import ProviderStatus
from monitor.errors import BadInput, GatewayRefused, GatewayUnknown
from monitor.sms.background_loop import BackgroundLoop
from monitor.sms.form_body import Form, read_form
from monitor.sms.gateway import Accepted, Call, Received, Sent, Text, Webhook

if TYPE_CHECKING:
    from monitor.sms.twilio_http import TwilioHttp

CALL_EVENTS = ("initiated", "ringing", "answered", "completed")
PAGE_SIZE = 1000  # the most that Twilio gives at once
ACCOUNT_SUSPENDED = 30002  # Twilio's code for an account that may not send


class TwilioGateway:
    """A `Gateway`; safe to share between threads. Time-outs are seconds.

    Texts to patients leave from the messaging service if there is one, else from `from_number`; pages to
    staff from `page_number` if there is one. Calls need a number: `page_number`, else `from_number`.
    """

    name = "twilio"

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        previous_auth_token: str | None = None,
        from_number: str | None = None,
        messaging_service_sid: str | None = None,
        page_number: str | None = None,
        base_url: str | None = None,
        public_url: str,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
    ) -> None:
        if not (from_number or messaging_service_sid):
            raise BadInput("TWILIO_FROM_NUMBER", from_number, "a number, or TWILIO_MESSAGING_SERVICE_SID")
        self._account_sid, self._auth_token = account_sid, auth_token
        # An empty token would let anybody compute a signature that fits.
        self._tokens = [token for token in (auth_token, previous_auth_token) if token]
        self._from_number = from_number
        self._service_sid = messaging_service_sid
        self._page_number = page_number
        self._base_url = base_url
        self._public_url = public_url.rstrip("/")
        self._timeouts = (connect_timeout, read_timeout)
        self._lock = Lock()
        self._made: Line | None = None

    # --- sending ---------------------------------------------------------------------------------

    def send(self, what: Text | Call) -> Future[Accepted]:
        """Hand one SMS or call to Twilio. As many are under way at once as are sent."""
        return self._line.loop.submit(self._ring(what) if isinstance(what, Call) else self._text(what))

    async def _text(self, text: Text) -> Accepted:
        sender = self._sender(to_staff=text.to_staff)
        callback = self._link("/twilio/status", text.message_id)
        with _readable():
            messages = self._line.client.messages
            message = await messages.create_async(to=text.to, body=text.body, status_callback=callback, **sender)
            return Accepted(_sid(message), _status(message))

    async def _ring(self, call: Call) -> Accepted:
        """Ring a number. What is said, and what a keypress does, Twilio asks the voice webhook.

        No answering-machine detection: whoever or whatever picks up hears the alert, and only a key takes it.
        """
        with _readable():
            ringing = await self._line.client.calls.create_async(
                to=call.to,
                # Without any number Twilio refuses the call with a code of its own, which staff then see.
                from_=self._page_number or self._from_number,
                url=self._link("/twilio/voice", call.message_id),
                status_callback=self._link("/twilio/status", call.message_id),
                status_callback_event=list(CALL_EVENTS),
            )
            return Accepted(_sid(ringing), _status(ringing))

    def _sender(self, *, to_staff: bool) -> dict[str, str | None]:
        if to_staff and self._page_number:
            return {"from_": self._page_number}
        if self._service_sid:
            return {"messaging_service_sid": self._service_sid}
        return {"from_": self._from_number}

    def _link(self, path: str, message_id: int) -> str:
        return f"{self._public_url}{path}?message={message_id}"

    # --- asking ----------------------------------------------------------------------------------

    def fetch(self, sid: str) -> Sent:
        """What became of a message (SM..., MM...) or a call (CA...)."""
        with _readable():
            if sid.startswith("CA"):
                return _sent_call(self._ask(lambda client: client.calls(sid).fetch_async()))
            return _sent(self._ask(lambda client: client.messages(sid).fetch_async()))

    def sent_since(self, to: str, since: datetime) -> Sequence[Sent]:
        """Texts we sent to this number since then, oldest first, in Twilio's whole seconds.

        Twilio filters by the day a text was sent, and one that still waits in its queue has no such day:
        the very text that is looked for would be missing, and would go out twice. So all of the number's
        texts are read, which are few, and the time of creation decides.
        """
        with _readable():
            listed = self._ask(lambda client: client.messages.list_async(to=to, page_size=PAGE_SIZE))
            return [_sent(m) for m in _oldest_first(listed, since)]

    def received_since(self, since: datetime) -> Sequence[Received]:
        """Texts to our numbers or our messaging service since then, oldest first."""
        # The filter counts in whole days, and by one clock or another; a day more costs little.
        after = _second(since) - timedelta(days=1)
        chosen = {"date_sent_after": after, "page_size": PAGE_SIZE, **self._only_to()}
        with _readable():
            listed = self._ask(lambda client: client.messages.list_async(**chosen))
            return [_received(m) for m in _oldest_first(listed, since) if self._is_for_us(m)]

    def _only_to(self) -> dict[str, str | None]:
        """With a single number Twilio can leave out all that we sent ourselves."""
        single = not (self._service_sid or self._page_number)
        return {"to": self._from_number} if single else {}

    def _is_for_us(self, message: Any) -> bool:
        to_service = self._service_sid is not None and message.messaging_service_sid == self._service_sid
        to_number = message.to in (self._from_number, self._page_number)
        return message.direction == "inbound" and (to_service or to_number)

    def check(self) -> str:
        """A line for `monitor doctor`; a suspended account is refused as a text from it would be."""
        with _readable():
            account = self._ask(lambda client: client.api.v2010.accounts(self._account_sid).fetch_async())
            status, kind = str(account.status), str(account.type)
        if status != "active":
            raise GatewayRefused(ACCOUNT_SUSPENDED, f"(the account is {status})")
        trial = "; a trial account, which texts verified numbers only" if kind == "Trial" else ""
        can_ring = self._page_number or self._from_number
        mute = "" if can_ring else "; no number to ring from: set TWILIO_PAGE_NUMBER"
        return f"Twilio answers, account active{trial}{mute}"

    # --- webhooks --------------------------------------------------------------------------------

    def verify(self, url: str, body: bytes, signature: str) -> Webhook | None:
        """The webhook's parameters if Twilio signed this URL and body with our token or the one before.

        `url` is the public one with its query. Of a repeated key the first value is handed on.
        """
        if not signature:
            return None
        for form in read_form(body):
            if any(_is_signed(url, form, signature, token) for token in self._tokens):
                return Webhook({name: values[0] for name, values in form.items()})
        return None

    # --- the SDK ---------------------------------------------------------------------------------

    def _ask(self, question: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        """Ask the SDK's client something and wait for the answer."""
        line = self._line
        return line.loop.submit(question(line.client)).result()

    @property
    def _line(self) -> Line:
        """Made once, by the first thread that needs it, and closed when the gateway is forgotten."""
        with self._lock:
            if self._made is None:
                self._made = self._open_line()
                finalize(self, self._made.close)
            return self._made

    def _open_line(self) -> Line:
        from twilio.rest import Client  # type: ignore[import-untyped]

        from monitor.sms.twilio_http import TwilioHttp

        connect, read = self._timeouts
        http = TwilioHttp(base_url=self._base_url, connect=connect, read=read)
        client = Client(self._account_sid, self._auth_token, http_client=http)
        return Line(BackgroundLoop("twilio"), client, http)


@dataclass(frozen=True, slots=True)
class Line:
    """The way to Twilio: the SDK's client, its connections, and the loop that they run in."""

    loop: BackgroundLoop
    client: Any
    http: TwilioHttp

    def close(self) -> None:
        self.loop.close(self.http.close())


@contextmanager
def _readable() -> Iterator[None]:
    """Anything in the answer that the SDK stumbles over: the message may have been taken all the same."""
    from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]

    try:
        yield
    except (TwilioException, LookupError, TypeError, ValueError, AttributeError) as error:
        # "from None": the SDK's message may quote the answer, and with it a number or a body.
        raise GatewayUnknown(f"the provider's answer cannot be read ({type(error).__name__})") from None


def _is_signed(url: str, form: Form, signature: str, token: str) -> bool:
    from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

    try:
        return bool(RequestValidator(token).validate(url, form, signature))
    except ValueError:  # a URL that is none, or that holds what UTF-8 cannot say
        return False


def _sid(resource: Any) -> str:
    if not isinstance(resource.sid, str):
        raise ValueError("an answer without a SID")
    return resource.sid


def _status(resource: Any) -> ProviderStatus:
    """A state that is new to us says no more than that Twilio has it."""
    known = resource.status in set(ProviderStatus)
    return ProviderStatus(resource.status) if known else ProviderStatus.ACCEPTED


def _oldest_first(listed: list[Any], since: datetime) -> list[Any]:
    """Twilio lists the newest first; turned round before sorting, texts of one second keep their order."""
    return sorted((m for m in reversed(listed) if _created(m) >= _second(since)), key=_created)


def _created(message: Any) -> datetime:
    created = message.date_created or message.date_sent
    if not isinstance(created, datetime):
        raise ValueError("a message without a date")
    return created


def _second(at: datetime) -> datetime:
    """Twilio's times hold no fractions, so that a text may seem older than the claim it came from."""
    return at.astimezone(UTC).replace(microsecond=0)


def _sent(message: Any) -> Sent:
    code = message.error_code if isinstance(message.error_code, int) else None
    return Sent(_sid(message), message.to, message.body or "", _status(message), code, message.date_sent)


def _sent_call(call: Any) -> Sent:
    return Sent(_sid(call), call.to, "", _status(call), None, call.start_time)


def _received(message: Any) -> Received:
    media = int(message.num_media or 0)
    return Received(_sid(message), message.from_, message.to, message.body or "", media, _created(message))
