"""The REST paths that the SDK uses, answered as Twilio answers them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from monitor.clock import Clock
from tests.twilio_standin.carrier import Call, Carrier, Delivery
from tests.twilio_standin.checks import Refusal, check_call, check_message
from tests.twilio_standin.faults import USUAL, Ending, Fault, Plans
from tests.twilio_standin.records import API, CallRecord, Message, Request
from tests.twilio_standin.server import Reply

PATH = re.compile(API + r"/(?P<account>AC\w+)(?:/(?P<kind>Messages|Calls)(?:/(?P<sid>\w+))?)?\.json")


@dataclass
class Account:
    """One Twilio account and everything that ever happened in it, oldest first."""

    sid: str
    auth_token: str
    numbers: list[str]
    service_sid: str | None
    clock: Clock
    status: str = "active"
    type: str = "Full"
    largest_page: int = 1000
    messages: list[Message] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    opted_out: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)
    _counter: Iterator[int] = field(default_factory=lambda: count(1))

    def new_sid(self, kind: str) -> str:
        with self.lock:
            return f"{kind}{next(self._counter):032x}"


class Rest:
    """Answers one request after the other, from many threads at once."""

    def __init__(self, account: Account, carrier: Carrier) -> None:
        self.account, self.carrier = account, carrier
        self.faults: Plans[Fault] = Plans()
        self.deliveries: Plans[Delivery] = Plans()

    def answer(self, request: Request) -> Reply:
        """Authentication first, then what was planned to go wrong, then the request itself."""
        self.account.requests.append(request)
        if not self._is_authentic(request):
            return refuse(Refusal(20003, "Authenticate", 401))
        fault = self.faults.take(request.method, request.form.get("To") or request.query.get("To"))
        if fault is None:
            return self._route(request)
        taken = self._route(request) if fault.accepts else Reply(201, {"sid": "SM"})
        if fault.ending != Ending.ANSWER:
            return replace(taken, ending=fault.ending)
        if fault.payload is not USUAL:
            return Reply(fault.status, fault.payload, fault.headers)
        return refuse(Refusal(fault.code, "as planned", fault.status), fault.headers)

    def _is_authentic(self, request: Request) -> bool:
        pair = f"{self.account.sid}:{self.account.auth_token}".encode()
        return request.authorization == "Basic " + b64encode(pair).decode()

    def _route(self, request: Request) -> Reply:
        found = PATH.fullmatch(request.path)
        if not found or found["account"] != self.account.sid:
            return _not_found(request.path)
        match request.method, found["kind"], found["sid"]:
            case "GET", None, None:
                return self._account()
            case "POST", "Messages", None:
                return self._create_message(request)
            case "GET", "Messages", None:
                return self._list_messages(request)
            case "POST", "Calls", None:
                return self._create_call(request)
            case "GET", "Messages", sid:
                return _fetch({m.sid: m.as_json() for m in self.account.messages}, sid)
            case "GET", "Calls", sid:
                return _fetch({c.sid: c.record.as_json() for c in self.account.calls}, sid)
        return _not_found(request.path)

    def _account(self) -> Reply:
        a = self.account
        return Reply(200, {"sid": a.sid, "status": a.status, "type": a.type, "friendly_name": "Stand-in"})

    def _create_message(self, request: Request) -> Reply:
        account, form = self.account, request.form
        refusal = check_message(
            form, numbers=account.numbers, service_sid=account.service_sid, opted_out=account.opted_out
        )
        if refusal:
            return refuse(refusal)
        service = form.get("MessagingServiceSid")
        message = Message(
            sid=account.new_sid("SM"),
            account_sid=account.sid,
            to=form["To"],
            from_=form.get("From"),
            body=form["Body"],
            direction="outbound-api",
            status="accepted" if service else "queued",
            created_at=account.clock.now(),
            service_sid=service,
            callback=form.get("StatusCallback"),
        )
        account.messages.append(message)
        reply = Reply(201, message.as_json())
        message.from_ = message.from_ or account.numbers[0]  # a service picks its sender later
        delivery = self.deliveries.take("POST", message.to) or Delivery()
        on_its_way = self.carrier.start(lambda: self.carrier.deliver(message, delivery))
        if delivery.early:
            on_its_way.result()
        return reply

    def _create_call(self, request: Request) -> Reply:
        account, form = self.account, request.form
        refusal = check_call(form, request.events, numbers=account.numbers)
        if refusal:
            return refuse(refusal)
        record = CallRecord(
            sid=account.new_sid("CA"),
            account_sid=account.sid,
            to=form["To"],
            from_=form["From"],
            url=form["Url"],
            created_at=account.clock.now(),
            callback=form.get("StatusCallback"),
            events=request.events,
        )
        reply = Reply(201, record.as_json())
        account.calls.append(Call(record, self.carrier))
        return reply

    def _list_messages(self, request: Request) -> Reply:
        """Newest first, in pages that a token keeps stable while new messages arrive."""
        query = dict(request.query)
        size = min(int(query.get("PageSize", 50)), self.account.largest_page)
        found = [m for m in reversed(self.account.messages) if _matches(m, query)]
        token = query.get("PageToken", "").removeprefix("PA")
        start = next((i + 1 for i, m in enumerate(found) if m.sid == token), 0)
        page = found[start : start + size]
        more = start + size < len(found)
        following = _next_page(request, after=page[-1]) if more else None
        return Reply(200, {"messages": [m.as_json() for m in page], "next_page_uri": following})


def refuse(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Reply:
    payload = {
        "code": refusal.code,
        "message": refusal.message,
        "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
        "status": refusal.status,
    }
    return Reply(refusal.status, payload, headers or {})


def _next_page(request: Request, *, after: Message) -> str:
    number = int(request.query.get("Page", 0)) + 1
    return f"{request.path}?{urlencode({**request.query, 'Page': number, 'PageToken': f'PA{after.sid}'})}"


def _not_found(path: str) -> Reply:
    return refuse(Refusal(20404, f"The requested resource {path} was not found", 404))


def _fetch(known: dict[str, dict[str, Any]], sid: str | None) -> Reply:
    return Reply(200, known[sid]) if sid in known else _not_found(f"/{sid}")


def _matches(message: Message, query: dict[str, str]) -> bool:
    """Dates count in whole days of UTC, and a message still in the queue has none."""
    if query.get("To", message.to) != message.to or query.get("From", message.from_) != message.from_:
        return False
    day = _day(message.sent_at)
    after, before = query.get("DateSent>", "")[:10], query.get("DateSent<", "")[:10]
    if (after or before) and day is None:
        return False
    return (not after or (day or "") >= after) and (not before or (day or "") <= before)


def _day(at: datetime | None) -> str | None:
    return at.date().isoformat() if at else None
