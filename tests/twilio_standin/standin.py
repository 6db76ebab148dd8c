"""The stand-in as a test holds it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from monitor.clock import Clock, SystemClock
from tests.twilio_standin.carrier import Call, Carrier, Delivery
from tests.twilio_standin.control import Control
from tests.twilio_standin.faults import Fault
from tests.twilio_standin.records import Message, Request, WebhookCall
from tests.twilio_standin.rest import Account, Rest
from tests.twilio_standin.server import Reply, Server
from tests.twilio_standin.webhooks import Post, Signature, Webhooks

ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = "the token of the stand-in"
PREVIOUS_AUTH_TOKEN = "the token before it"
NUMBER = "+15550100001"
PAGE_NUMBER = "+15550100002"
SERVICE_SID = "MG" + "0" * 31 + "1"

STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
START = {"START", "UNSTOP"}
HELP = {"HELP", "INFO"}
AUTO_REPLY = {
    "STOP": "You have successfully been unsubscribed. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


class Standin:
    """Open from the moment it is made until `close`; also a context manager."""

    def __init__(
        self,
        *,
        port: int = 0,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        previous_auth_token: str = PREVIOUS_AUTH_TOKEN,
        numbers: tuple[str, ...] = (NUMBER, PAGE_NUMBER),
        service_sid: str | None = SERVICE_SID,
        public_url: str = "http://127.0.0.1:8000",
        clock: Clock | None = None,
        post: Post | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.public_url = public_url
        self.account = Account(account_sid, auth_token, list(numbers), service_sid, clock)
        self._webhooks = Webhooks(auth_token=auth_token, previous_auth_token=previous_auth_token, post=post)
        self.carrier = Carrier(self._webhooks, clock)
        self._rest = Rest(self.account, self.carrier)
        self._control = Control(self)
        self._server = Server(port, self._answer)

    # --- what happened -------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def messages(self) -> list[Message]:
        """All of them, both ways, oldest first; Twilio's own answers to STOP are `outbound-reply`."""
        return self.account.messages

    @property
    def calls(self) -> list[Call]:
        return self.account.calls

    @property
    def requests(self) -> list[Request]:
        return self.account.requests

    @property
    def webhooks(self) -> list[WebhookCall]:
        return self._webhooks.sent

    @property
    def opted_out(self) -> set[str]:
        return self.account.opted_out

    def sent_to(self, number: str) -> list[Message]:
        """What the project itself sent to a number."""
        return [m for m in self.messages if m.to == number and m.direction == "outbound-api"]

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until every callback under way has been answered."""
        self.carrier.settle(timeout)

    # --- what shall go wrong -------------------------------------------------------------------

    def fail_next(
        self,
        fault: Fault,
        *,
        method: str | None = "POST",
        to: str | None = None,
        times: int | None = 1,
        share: float = 1.0,
    ) -> None:
        """The next requests (to this number) end so; `times` None means all, `method` None any.

        With a `share` only so many of them, by chance, of those that no fault asked for before took.
        """
        self._rest.faults.add(fault, method=method, to=to, times=times, share=share)

    def deliver_next(
        self, delivery: Delivery, *, to: str | None = None, times: int | None = 1, share: float = 1.0
    ) -> None:
        """The next messages (to this number) fare so, or a share of them."""
        self._rest.deliveries.add(delivery, to=to, times=times, share=share)

    def mend(self) -> None:
        """Whatever was still to go wrong goes right."""
        self._rest.faults.clear()
        self._rest.deliveries.clear()

    def go_away(self) -> None:
        """Every connection breaks off, and new ones are refused."""
        self._server.close()

    def come_back(self) -> None:
        """The same account at the same address."""
        self._server = Server(self._server.server_port, self._answer)

    def mute(self) -> None:
        """No callback at all, for tests that do not listen."""
        self.carrier.calls_back = False

    # --- what patients do ----------------------------------------------------------------------

    def patient_texts(
        self,
        from_: str,
        body: str,
        media: int = 0,
        *,
        to: str | None = None,
        signed: Signature = Signature.CURRENT,
        lost: bool = False,
    ) -> int:
        """A text arrives: the webhook, once more if it fails, and its HTTP status (0: nobody answered).

        `lost`: Twilio has the text and the webhook is never called, as when the internet was down.
        """
        message = self._receive(from_, body, media, to or self.account.numbers[0])
        opt_out = self._play_opt_out(message)
        if lost:
            return 0
        params = _inbound_params(message, opt_out)
        status = self._webhooks.call(f"{self.public_url}/twilio/inbound", params, signed=signed).status
        if status == 0 or status >= 500:  # the fallback address is the same one
            status = self._webhooks.call(f"{self.public_url}/twilio/inbound", params, signed=signed).status
        return status

    def repeat(self, text: Message) -> int:
        """The webhook of a text that arrived before, once more."""
        return self._webhooks.call(f"{self.public_url}/twilio/inbound", _inbound_params(text, None)).status

    def _receive(self, from_: str, body: str, media: int, to: str) -> Message:
        now = self.account.clock.now()
        message = Message(
            sid=self.account.new_sid("MM" if media else "SM"),
            account_sid=self.account.sid,
            to=to,
            from_=from_,
            body=body,
            direction="inbound",
            status="received",
            created_at=now,
            sent_at=now,
            service_sid=self.account.service_sid,
            media=media,
        )
        self.messages.append(message)
        return message

    def _play_opt_out(self, message: Message) -> str | None:
        """Twilio's own part: it keeps the list of who wants no texts, and answers by itself."""
        number, word = message.from_ or "", message.body.strip().upper()
        keyword = None
        if word in STOP:
            keyword = "STOP"
            self.opted_out.add(number)
        elif word in START or (word == "YES" and number in self.opted_out):
            keyword = "START"
            self.opted_out.discard(number)
        elif word in HELP:
            keyword = "HELP"
        if keyword:
            self._reply(message, AUTO_REPLY[keyword])
        return keyword

    def _reply(self, message: Message, body: str) -> None:
        now = self.account.clock.now()
        sid = self.account.new_sid("SM")
        reply = Message(
            sid,
            self.account.sid,
            message.from_ or "",
            message.to,
            body,
            "outbound-reply",
            "delivered",
            now,
            now,
        )
        self.messages.append(reply)

    # --- the server ----------------------------------------------------------------------------

    def _answer(self, request: Request) -> Reply:
        if request.path.startswith("/_control/"):
            return self._control.answer(request)
        return self._rest.answer(request)

    def close(self) -> None:
        """End every connection and thread."""
        self._server.close()
        self.carrier.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _inbound_params(message: Message, opt_out: str | None) -> dict[str, str]:
    params = {
        "AccountSid": message.account_sid,
        "ApiVersion": "2010-04-01",
        "Body": message.body,
        "From": message.from_ or "",
        "FromCity": "",
        "MessageSid": message.sid,
        "NumMedia": str(message.media),
        "NumSegments": "1",
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }
    if message.service_sid:
        params["MessagingServiceSid"] = message.service_sid
    if opt_out:
        params["OptOutType"] = opt_out
    for index in range(message.media):
        params[f"MediaUrl{index}"] = f"https://api.twilio.com/media/{message.sid}/{index}"
        params[f"MediaContentType{index}"] = "image/jpeg"
    return params
