"""Signed webhooks over kept connections, each with its next request as soon as the last one is answered.

It speaks HTTP itself and signs everything beforehand, so that the processor is the server's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

CONNECTIONS = 32
PUBLIC_URL, ACCOUNT, TOKEN, NUMBER = "https://clinic.example", "AC" + "1" * 32, "token", "+15550100001"
INBOUND = {  # as Twilio sends them from a phone in the US
    "ToCountry": "US",
    "ToState": "NY",
    "NumMedia": "0",
    "ToCity": "NEW YORK",
    "FromZip": "20001",
    "FromState": "DC",
    "SmsStatus": "received",
    "FromCity": "WASHINGTON",
    "Body": "It hurts a little, about 3. No swelling and no fever.",
    "FromCountry": "US",
    "To": NUMBER,
    "ToZip": "10001",
    "NumSegments": "1",
    "AccountSid": ACCOUNT,
    "ApiVersion": "2010-04-01",
}
OK = (b"HTTP/1.1 200 ", b"HTTP/1.1 204 ")


@dataclass(frozen=True)
class Answers:
    """How long each request took, in seconds, and how long all of them together."""

    seconds: Sequence[float]
    took: float

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.took

    @property
    def middle(self) -> float:
        return median(self.seconds)

    @property
    def worst(self) -> float:
        """The 99th percentile."""
        return percentile(self.seconds)


def percentile(seconds: Sequence[float], part: float = 0.99) -> float:
    return sorted(seconds)[int(part * (len(seconds) - 1))]


def text_from(number: str, sid: str) -> bytes:
    """A patient's text, as a request."""
    ids = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid}
    return request("/twilio/inbound", {**INBOUND, "From": number, **ids})


def report_of(message_id: int, to: str, sid: str, status: str) -> bytes:
    """What became of a text of ours, as a request."""
    params = {"SmsSid": sid, "SmsStatus": status, "MessageStatus": status, "To": to, "MessageSid": sid}
    ours = {"AccountSid": ACCOUNT, "From": NUMBER, "ApiVersion": "2010-04-01"}
    return request(f"/twilio/status?message={message_id}", {**params, **ours})


def request(path: str, params: dict[str, str]) -> bytes:
    body = urlencode(params)
    head = {
        "Host": "clinic.example",
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "Content-Length": str(len(body)),
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(PUBLIC_URL + path, params),
        "I-Twilio-Idempotency-Token": "00000000-0000-4000-8000-000000000000",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n{body}".encode()


class Connection(asyncio.Protocol):
    """One connection, with one request on it at a time."""

    def __init__(self) -> None:
        self.waiting, self.answered = b"", asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        head, found, body = self.waiting.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if found and len(body) >= int(length or 0):
            self.waiting = b""
            self.answered.set_result(head)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(error or ConnectionResetError("the server hung up"))
            self.answered.exception()  # nobody may be waiting

    async def ask(self, request: bytes) -> float:
        """Seconds until the answer; anything but success ends the bench."""
        self.answered = asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        self.transport.write(request)
        head = await self.answered
        assert head.startswith(OK), head
        return time.perf_counter() - started


def post_all(port: int, warm_up: Sequence[bytes], requests: Sequence[bytes]) -> Answers:
    """Every request once, over all connections, after a warm-up that does not count."""
    return asyncio.run(_post_all(port, warm_up, requests))


async def _post_all(port: int, warm_up: Sequence[bytes], requests: Sequence[bytes]) -> Answers:
    connections = [await _connect(port) for _ in range(CONNECTIONS)]
    await _share(connections, warm_up)
    started = time.perf_counter()
    seconds = await _share(connections, requests)
    took = time.perf_counter() - started
    for connection in connections:
        connection.transport.close()
    return Answers(seconds, took)


async def post_at(port: int, requests: Sequence[bytes], *, a_second: float) -> list[float]:
    """One after the other at a steady pace, whatever the answers take; when each was due, by perf_counter."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await _connect(port))

    async def ask(request: bytes) -> None:
        connection = await free.get()
        await connection.ask(request)
        free.put_nowait(connection)

    started = time.perf_counter()
    due = [started + number / a_second for number in range(len(requests))]
    asked = []
    for at, each in zip(due, requests, strict=True):
        await asyncio.sleep(at - time.perf_counter())
        asked.append(asyncio.create_task(ask(each)))
    await asyncio.gather(*asked)
    while not free.empty():
        free.get_nowait().transport.close()
    return due


async def _connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


async def _share(connections: Sequence[Connection], requests: Sequence[bytes]) -> list[float]:
    todo = iter(requests)

    async def work(connection: Connection) -> list[float]:
        return [await connection.ask(request_) for request_ in todo]

    return [seconds for share in await asyncio.gather(*map(work, connections)) for seconds in share]
