"""What happens once Twilio has a message or call: it travels, a phone shows or answers it, callbacks tell."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from urllib.parse import urljoin
from xml.etree import ElementTree

from monitor.clock import Clock
from tests.twilio_standin.records import CallRecord, Message
from tests.twilio_standin.webhooks import Signature, Webhooks

REDIRECTS = 3  # how often a phone that presses nothing follows the script's <Redirect>
EVENT_OF = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}  # else: completed


@dataclass(frozen=True)
class Delivery:
    """How a message fares, and what is said of it. `delay` is seconds before the first callback.

    `early`: it has ended, and every callback is answered, before the request that sent it is.
    """

    ends: str = "delivered"
    error_code: int | None = None
    calls_back: bool = True
    times: int = 1
    delay: float = 0.0
    backwards: bool = False
    early: bool = False
    signed: Signature = Signature.CURRENT


class Carrier:
    """Works in threads of its own, as Twilio does: a callback may arrive before the answer to the request."""

    def __init__(self, webhooks: Webhooks, clock: Clock) -> None:
        self.webhooks, self.clock = webhooks, clock
        self.calls_back = True
        self.closing = Event()
        self._pool = ThreadPoolExecutor(16, thread_name_prefix="twilio-standin")
        self._under_way: set[Future[None]] = set()

    def start(self, job: Callable[[], None]) -> Future[None]:
        future = self._pool.submit(job)
        self._under_way.add(future)
        future.add_done_callback(self._forget)
        return future

    def _forget(self, future: Future[None]) -> None:
        if future.exception() is None:  # what failed stays, for settle to raise
            self._under_way.discard(future)

    def settle(self, timeout: float) -> None:
        """Wait until every callback is out; what failed in a thread is raised here."""
        done, late = wait(set(self._under_way), timeout)
        for future in done:
            future.result()
        if late:
            raise TimeoutError(f"{len(late)} callbacks are still under way after {timeout} s")

    def close(self) -> None:
        self.closing.set()
        self._pool.shutdown()

    def deliver(self, message: Message, delivery: Delivery) -> None:
        """Move the message through its states, each with its callback."""
        if self.closing.wait(delivery.delay):
            return
        states = ["queued", "sent", delivery.ends]
        for state in reversed(states) if delivery.backwards else states:
            if not delivery.backwards:
                self._reach(message, state, delivery)
            self._tell(message, state, delivery)
        self._reach(message, delivery.ends, delivery)

    def _reach(self, message: Message, state: str, delivery: Delivery) -> None:
        message.status = state
        if state != "queued":
            message.sent_at = message.sent_at or self.clock.now()
        if state == delivery.ends:
            message.error_code = delivery.error_code

    def _tell(self, message: Message, state: str, delivery: Delivery) -> None:
        if not (message.callback and delivery.calls_back and self.calls_back):
            return
        code = delivery.error_code if state == delivery.ends else None
        for _ in range(delivery.times):
            self.webhooks.call(message.callback, _status_params(message, state, code), signed=delivery.signed)


class Call:
    """A phone that rings. `press`, `voicemail`, `no_answer` and `hang_up` each end the call."""

    def __init__(self, record: CallRecord, carrier: Carrier) -> None:
        self.record, self._carrier = record, carrier
        self._after: str | None = None
        self._dialled = carrier.start(self._dial)

    @property
    def sid(self) -> str:
        return self.record.sid

    @property
    def to(self) -> str:
        return self.record.to

    @property
    def heard(self) -> str:
        """Everything that was said on the phone."""
        return " ".join(self.record.heard)

    def answer(self) -> None:
        """Pick up and listen."""
        self._dialled.result()
        self.record.started_at = self._carrier.clock.now()
        self._move("in-progress")
        self._play(self.record.url, {})

    def press(self, digits: str) -> None:
        """Press keys, picking up first if need be; the call ends unless the script asks for more."""
        if self.record.status != "in-progress":
            self.answer()
        wanted = self.record.gather
        if wanted is None:
            raise AssertionError("the call asks for no key")
        if not self._play(wanted, {"Digits": digits}):
            self._move("completed")

    def voicemail(self) -> None:
        """A machine picks up, listens to the end and presses nothing."""
        self.answer()
        for _ in range(REDIRECTS):
            if self._after is not None:
                self._play(self._after, {})
        self._move("completed")

    def hang_up(self) -> None:
        """Pick up if need be, and end it without a key."""
        if self.record.status != "in-progress":
            self.answer()
        self._move("completed")

    def no_answer(self) -> None:
        self._dialled.result()
        self._move("no-answer")

    def _dial(self) -> None:
        self._move("initiated")
        self._move("ringing")

    def _move(self, status: str) -> None:
        self.record.status = status
        event = EVENT_OF.get(status, "completed")
        wanted = event in (self.record.events or ("completed",))
        if self.record.callback and wanted and self._carrier.calls_back:
            self._carrier.webhooks.call(self.record.callback, self._params())

    def _play(self, url: str, extra: dict[str, str]) -> bool:
        """Ask for the script and play it; whether it asks for a key. What it wants next is remembered."""
        answer = self._carrier.webhooks.call(url, self._params() | extra)
        if not 200 <= answer.status < 300:
            raise AssertionError(f"the voice webhook answered {answer.status}")
        script = ElementTree.fromstring(answer.text) if answer.text.strip() else ElementTree.Element("Response")
        self.record.heard += [say.text or "" for say in script.iter("Say")]
        gather, redirect = script.find("Gather"), script.find("Redirect")
        self.record.gather = None if gather is None else urljoin(url, gather.get("action", url))
        self._after = None if redirect is None else urljoin(url, redirect.text or url)
        if gather is not None and gather.get("actionOnEmptyResult") == "true" and "Digits" not in extra:
            self._after = self.record.gather
        return gather is not None

    def _params(self) -> dict[str, str]:
        record = self.record
        return {
            "AccountSid": record.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": record.sid,
            "CallStatus": record.status,
            "Direction": "outbound-api",
            "From": record.from_,
            "To": record.to,
        }


def _status_params(message: Message, state: str, error_code: int | None) -> dict[str, str]:
    params = {
        "AccountSid": message.account_sid,
        "ApiVersion": "2010-04-01",
        "From": message.from_ or "",
        "MessageSid": message.sid,
        "MessageStatus": state,
        "SmsSid": message.sid,
        "SmsStatus": state,
        "To": message.to,
    }
    if message.service_sid:
        params["MessagingServiceSid"] = message.service_sid
    if error_code is not None:
        params["ErrorCode"] = str(error_code)
    return params
