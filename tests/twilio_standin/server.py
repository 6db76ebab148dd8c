"""The socket side of the stand-in: HTTP/1.1 with kept connections, and endings that no framework offers."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.twilio_standin.faults import Ending
from tests.twilio_standin.records import Request

SILENT_FOR = 60.0  # seconds; longer than any client waits


@dataclass(frozen=True)
class Reply:
    """What goes back: a status and JSON, or one of the bad endings."""

    status: int
    payload: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = Ending.ANSWER


class Server(ThreadingHTTPServer):
    """Hands each request to `answer`; closing ends open connections and leaves no thread behind."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Reply]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answer = answer
        self.closing = Event()
        self._open: set[socket.socket] = set()
        self._thread = Thread(target=self.serve_forever, args=(0.02,), name="twilio-standin-server")
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)

    def shutdown_request(self, request: Any) -> None:
        """A connection that is to be reset must not say goodbye first."""
        if request.fileno() >= 0 and request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == RESET:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other side was faster
                continue
        self.server_close()


RESET = struct.pack("ii", 1, 0)  # linger for no time at all: closing sends a reset


class Handler(BaseHTTPRequestHandler):
    """Reads one request, writes one reply in one packet."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self._write(self.server.answer(self._read()))

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: what was asked is in `standin.requests`."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the client went away, as it may
            self.close_connection = True

    def _read(self) -> Request:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        is_form = "json" not in self.headers.get("Content-Type", "")
        form = parse_qs(body.decode(), keep_blank_values=True) if is_form else {}
        return Request(
            method=self.command,
            path=parts.path,
            query={k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()},
            form={key: values[-1] for key, values in form.items()},
            events=tuple(form.get("StatusCallbackEvent", ())),
            authorization=self.headers.get("Authorization"),
            body=body,
        )

    def _write(self, reply: Reply) -> None:
        if reply.ending == Ending.SILENCE:
            self.server.closing.wait(SILENT_FOR)
            self.close_connection = True
        elif reply.ending == Ending.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.close_connection = True
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        body = json.dumps(reply.payload, ensure_ascii=False).encode()
        if reply.ending == Ending.GARBLED:
            body = b"<html>" + body[: len(body) // 2]
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.ending == Ending.HALF:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)
