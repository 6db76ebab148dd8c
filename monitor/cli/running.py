"""Run it: web and worker, together or apart, and the demo."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import example
from monitor.errors import BadInput

if TYPE_CHECKING:
    from monitor.bootstrap import App

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
Expose = Annotated[
    bool,
    typer.Option("--expose-phones", help="Serve the built-in phones beyond this machine: anybody may use them."),
]


def register(app: typer.Typer) -> None:
    app.command("run", epilog=example("monitor run --port 8000"))(run)
    app.command("web", epilog=example("monitor web --host 0.0.0.0"))(web)
    app.command("worker", epilog=example("monitor worker"))(worker)
    app.command("demo", epilog=example("monitor demo"))(demo)


def run(host: Host = "127.0.0.1", port: Port = 8000, expose_phones: Expose = False) -> None:
    """Web and worker in one process: the way to run one clinic."""
    from monitor.scheduler import Worker

    app = _ready()
    worker = Worker(app)
    worker.start()
    try:
        _serve(app, host, port, wake=worker.wake, run_everything=worker.ticks.everything, forced=expose_phones)
    finally:
        worker.stop()


def web(host: Host = "127.0.0.1", port: Port = 8000, expose_phones: Expose = False) -> None:
    """Only the web part; workers run beside it on the same database."""
    from monitor.scheduler import Ticks

    app = _ready()
    _serve(app, host, port, wake=lambda: None, run_everything=Ticks(app).everything, forced=expose_phones)


def worker() -> None:
    """Only the worker: sends, reads, pages. Ends cleanly on SIGTERM or Ctrl-C."""
    import signal

    from monitor.scheduler import Worker

    app = _ready()
    running = Worker(app)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    running.start()
    typer.echo("worker: running", err=True)
    ended.wait()
    running.stop()


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Do not pause between lines.")] = False,
) -> None:
    """Four patients through a year in half a minute: what is said, scored, paged and taken. Sends no SMS."""
    from monitor.demo import play

    play(pause=not quick)


def _ready() -> App:
    """The program, set up with defaults on a first start, and never on an older database."""
    from monitor.bootstrap import build, prepare_if_new

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # our own listeners report what matters
    if prepare_if_new():
        typer.echo("set up with defaults; `monitor clinic set` and `monitor staff add` make it yours", err=True)
    return build()


def _serve(
    app: App,
    host: str,
    port: int,
    *,
    wake: Callable[[], None],
    run_everything: Callable[[], None],
    forced: bool,
) -> None:
    import uvicorn

    from monitor.web.app import create_app

    if app.on_phones and not forced and not _is_loopback(host):
        raise BadInput("host", host, "127.0.0.1 with the built-in phones, or --expose-phones")
    asgi = create_app(app, wake=wake, run_everything=run_everything, phones_forced=forced)
    where = f"http://{host}:{port}"
    if app.on_phones:
        typer.echo(f"No Twilio credentials are set: no SMS leaves. The phones are at {where}/phones", err=True)
    else:
        typer.echo(f"Sending by {app.gateway.name}; webhooks are expected at {app.settings.public_url}", err=True)
    uvicorn.run(asgi, host=host, port=port, log_level="warning", access_log=False, server_header=False)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
