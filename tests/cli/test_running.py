"""Starting: where it may listen, and that nothing is sent by a process that cannot be reached."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from monitor.bootstrap import App
from tests.cli.conftest import Monitor
from tests.running import Installation, free_port, wait_for


@pytest.mark.parametrize("command", ["run", "web"])
def test_a_port_in_use_is_one_line_and_no_worker_starts(
    command: str, ready: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.scheduler.Worker.start", lambda _: pytest.fail("the worker was started"))
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        assert ready(command, "--port", port).is_refused(f"port: found '127.0.0.1:{port}'", "a port that is free")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none_is_refused(port: str, ready: Monitor) -> None:
    done = ready("run", "--port", port)
    assert (done.code, done.out, len(done.lines)) == (2, "", 1)
    assert "--port" in done.err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])
def test_the_built_in_phones_stay_on_this_machine(host: str, ready: Monitor) -> None:
    for command in ("run", "web"):
        assert ready(command, "--host", host).is_refused("host: found", host, "--expose-phones")


def test_an_address_that_is_not_ours_is_named(ready: Monitor) -> None:
    refused = ready("run", "--host", "192.0.2.1", "--expose-phones")
    assert refused.is_refused("port: found '192.0.2.1:8000'", "an address of this machine")


def test_an_answer_in_two_parts_leaves_at_once(ready: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TCP_NODELAY the second part waits until the caller has acknowledged the first."""
    delays: list[bool] = []

    def accept_one(_: object, listener: socket.socket, **__: object) -> None:
        with listener, socket.create_connection(listener.getsockname()[:2]), listener.accept()[0] as accepted:
            delays.append(not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr("monitor.cli.running._serve", accept_one)
    ready("web", "--port", str(free_port()))
    assert delays == [False]


def test_a_first_start_sets_up_a_home_by_itself_and_ends_cleanly(tmp_path: Path) -> None:
    running = Installation(tmp_path / "home", {"MONITOR_SMS": "phones"})
    try:
        running.start()
        assert running.get("/phones").startswith("<!doctype html>")
        ended = running.end()
    finally:
        running.close()
    assert ended == 0
    assert "set up with defaults" in running.log
    assert "no SMS leaves" in running.log
    assert "Traceback" not in running.log


@pytest.mark.parametrize(
    ("trusted", "counted"),
    [
        (None, "203.0.113.7"),  # a web server on this machine
        ("127.0.0.0/8, 192.0.2.1", "203.0.113.7"),
        ("192.0.2.1", "127.0.0.1"),  # whoever asks from here is nobody's balancer
    ],
)
def test_tries_are_counted_by_the_address_that_a_trusted_balancer_names(
    trusted: str | None, counted: str, tmp_path: Path
) -> None:
    given = {"MONITOR_TRUSTED_PROXIES": trusted} if trusted else {}
    running = Installation(tmp_path / "home", {"MONITOR_SMS": "phones", **given})
    running.command("init")
    running.command("staff", "add", "--name", "Dr Ray", "--phone", "+12025550171")
    try:
        running.start()
        form = urlencode({"who": "+12025550171", "password": "a wrong one, of some length"}).encode()
        # What a caller sends of this header comes before what the balancer adds to it.
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "Origin": running.url}
        with pytest.raises(HTTPError, match="422"):
            urlopen(Request(f"{running.url}/sign-in", form, headers), timeout=30)
        keys = [key for (key,) in running.rows("SELECT key FROM sign_in_tries WHERE key LIKE 'address:%'")]
        check = next(check for check in running.json("doctor") if check["what"] == "callers' addresses")
    finally:
        running.close()
    assert keys == [f"address:{counted}"]
    assert (trusted or "127.0.0.1,::1").replace(" ", "").replace(",", ", ") in check["found"]


def test_web_and_worker_may_run_apart(tmp_path: Path) -> None:
    running = Installation(tmp_path / "home", {"MONITOR_SMS": "phones"})
    running.command("init")
    try:
        running.spawn("worker")
        wait_for("a worker's sign of life", lambda: running.rows("SELECT at FROM heartbeats"))
        ended = running.end()
    finally:
        running.close()
    assert ended == 0
    assert "Traceback" not in running.log


def test_links_name_the_port_that_is_served_unless_an_address_is_set(
    ready: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []

    def look(app: App, listener: socket.socket, **_: object) -> None:
        listener.close()
        served.append(app.settings.public_url)

    monkeypatch.setattr("monitor.cli.running._serve", look)
    monkeypatch.delenv("MONITOR_PUBLIC_URL", raising=False)
    port = free_port()
    ready("web", "--port", str(port))
    assert served == [f"http://127.0.0.1:{port}"]
    added = ready("staff", "add", "--name", "Dr Ray", "--phone", "+12025550171")  # in a second terminal
    assert f"http://127.0.0.1:{port}/join" in added.out
    monkeypatch.setenv("MONITOR_PUBLIC_URL", "https://monitor.example.org")
    ready("web", "--port", str(port))
    assert served[1:] == ["https://monitor.example.org"]
