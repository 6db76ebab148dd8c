"""A provider that takes every text and says so 50 ms later: `with slow_provider() as provider: provider.url`.

It runs in a process of its own and does as little as it can, so that what is measured is the sender's work.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import ClassVar
from urllib.parse import parse_qs
from urllib.request import urlopen

ANSWERS_AFTER = 0.05  # seconds
ANSWER = (
    '{"sid":"SM%032x","status":"queued","error_code":null,"error_message":null,"num_segments":"1","num_media":"0",'
    '"direction":"outbound-api","from":"+15550100001","to":"+15550100003","body":"","account_sid":"AC1","price":null,'
    '"date_created":"Sun, 01 Nov 2026 13:00:00 +0000","date_updated":"Sun, 01 Nov 2026 13:00:00 +0000",'
    '"date_sent":null,"api_version":"2010-04-01","messaging_service_sid":null,"price_unit":"USD","uri":"/"}'
)


@dataclass(frozen=True)
class Provider:
    """Where it listens, and what it was sent."""

    url: str

    def texts(self) -> Counter[str]:
        """How many texts each number was sent since it was last asked."""
        with urlopen(self.url, timeout=10) as answer:
            return Counter(json.load(answer))


class Connection(asyncio.Protocol):
    """One kept connection; a request on it comes after the answer to the one before."""

    sids = count(1)
    texts: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.waiting = transport, b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        head, found, body = self.waiting.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if not found or len(body) < int(length or 0):
            return
        self.waiting = b""
        if head.startswith(b"GET"):
            self._write(200, json.dumps(self.texts))
            self.texts.clear()
            return
        self.texts[parse_qs(body.decode())["To"][0]] += 1
        asyncio.get_running_loop().call_later(ANSWERS_AFTER, self._write, 201, ANSWER % next(self.sids))

    def _write(self, status: int, body: str) -> None:
        head = f"HTTP/1.1 {status} Yes\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write((head + body).encode())


@contextmanager
def slow_provider() -> Iterator[Provider]:
    command = [sys.executable, "-m", "tests.bench.slow_provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Provider(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
