"""Run it: web and worker, together or apart, and the demo."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import example
from monitor.errors import BadInput, NotReady

if TYPE_CHECKING:
    from monitor.bootstrap import App

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
Expose = Annotated[
    bool,
    typer.Option("--expose-phones", help="Serve the built-in phones beyond this machine: anybody may use them."),
]


GRACE = 2  # seconds for requests under way, once the end was asked for


def register(app: typer.Typer) -> None:
    app.command("run", epilog=example("monitor run --port 8000"))(run)
    app.command("web", epilog=example("monitor web --host 0.0.0.0"))(web)
    app.command("worker", epilog=example("monitor worker"))(worker)
    app.command("demo", epilog=example("monitor demo"))(demo)


def run(host: Host = "127.0.0.1", port: Port = 8000, expose_phones: Expose = False) -> None:
    """Web and worker in one process: the way to run one clinic."""
    from monitor.scheduler import Worker

    app = _ready(port)
    listener = _listen(app, host, port, forced=expose_phones)
    worker = Worker(app)
    worker.start()
    try:
        _serve(app, listener, wake=worker.wake, run_everything=worker.ticks.everything, forced=expose_phones)
    finally:
        worker.stop()


def web(host: Host = "127.0.0.1", port: Port = 8000, expose_phones: Expose = False) -> None:
    """Only the web part; workers run beside it on the same database."""
    from monitor.scheduler import Ticks

    app = _ready(port)
    listener = _listen(app, host, port, forced=expose_phones)
    _serve(app, listener, wake=lambda: None, run_everything=Ticks(app).everything, forced=expose_phones)


def worker() -> None:
    """Only the worker: sends, reads, pages. Ends cleanly on SIGTERM or Ctrl-C."""
    from monitor.scheduler import Worker
    from monitor.services.release import watched

    app = _ready()
    running = Worker(app)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with watched(app.engine, ended.set):
        running.start()
        typer.echo("worker: running", err=True)
        ended.wait()
        running.stop()


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Do not pause between lines.")] = False,
) -> None:
    """Four patients through a year in a minute or two: what is said, scored, paged and taken. Sends no SMS."""
    from monitor.demo import play

    play(pause=not quick)


def _ready(port: int | None = None) -> App:
    """The program, set up with defaults on a first start, and never on a database that it does not fit. `port` is
    where it will be served."""
    from monitor.bootstrap import build, on_port, prepare_if_new
    from monitor.services.catch_up import unfinished_since

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if prepare_if_new():
        typer.echo(
            "set up with defaults (emergency number 112, nobody to page): `monitor clinic set` and `monitor staff add`",
            err=True,
        )
    app = build(on_port(port) if port is not None else None)
    if unfinished_since(app.sessions) is not None:
        raise NotReady("a restore is not finished, and texts might go out twice: run `monitor restore`")
    return app


def _listen(app: App, host: str, port: int, *, forced: bool) -> socket.socket:
    """Take the port before the worker starts: a process that cannot be reached must not send either."""
    if app.on_phones and not forced and not _is_loopback(host):
        raise BadInput("host", host, "127.0.0.1 with the built-in phones, or --expose-phones")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError:
        raise BadInput(
            "port",
            f"{host}:{port}",
            f"an address of this machine with a port that is free; try --port {port % 65535 + 1}",
        ) from None
    from monitor.bootstrap import keep_port

    keep_port(app.settings, port)
    # Its connections inherit it. asyncio sets it only on sockets that name their protocol, as this one does not, and
    # then an answer's second part would wait for the caller's ACK: 40 ms on every kept connection.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _serve(
    app: App,
    listener: socket.socket,
    *,
    wake: Callable[[], None],
    run_everything: Callable[[], None],
    forced: bool,
) -> None:
    import uvicorn

    from monitor.services.release import watched
    from monitor.web.app import create_app

    asgi = create_app(app, wake=wake, run_everything=run_everything, phones_forced=forced)
    host, port = listener.getsockname()[:2]
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if app.on_phones:
        typer.echo(f"No Twilio credentials are set: no SMS leaves. The phones are at {where}/phones", err=True)
    else:
        typer.echo(f"Sending by {app.gateway.name}; webhooks are expected at {app.settings.public_url}", err=True)
    config = uvicorn.Config(
        asgi,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=app.settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE,
    )
    # uvicorn ends on SIGTERM and then raises the signal anew, which would end us before the worker is done.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = uvicorn.Server(config)

    def end() -> None:
        server.should_exit = True

    with watched(app.engine, end):
        server.run(sockets=[listener])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
