"""Staff, rota, alerts and tasks from the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.bootstrap import build
from monitor.db import transaction
from monitor.scheduler import Ticks
from monitor.services.receive import save_inbound
from monitor.sms.phones import PhonesGateway
from tests.cli.conftest import Done, Monitor

RAY = ("staff", "add", "--name", "Dr Ray", "--phone", "+1 202 555 0180")


def arrives(number: str, text: str) -> None:
    """Somebody texts, and the worker has its turn."""
    app = build()
    assert isinstance(app.gateway, PhonesGateway)
    Ticks(app).everything()
    received = app.gateway.type_text(number, text)
    with transaction(app.sessions) as session:
        save_inbound(session, received, raw=None, now=received.received_at)
    Ticks(app).everything()
    app.engine.dispose()


def test_staff_are_added_listed_and_removed(ready: Monitor) -> None:
    options = ("--email", "ray@example.org", "--tier", "2", "--role", "manager", "--admin", "--json")
    assert ready(*RAY, *options).json == {"staff": 1, "name": "Dr Ray", "tier": 2}
    (listed,) = ready("staff", "list", "--json").json
    assert (listed["phone"], listed["role"], listed["on_call"]) == ("+12025550180", "manager", "yes")
    assert "Dr Ray" in ready("staff", "list").out
    assert ready("staff", "remove", "1").code == 0
    assert ready("staff", "list", "--json").json == []
    assert ready("staff", "remove", "1").is_refused("staff: found 1")


def test_who_is_added_is_told_how_to_sign_in_and_a_new_code_takes_the_place_of_the_first(ready: Monitor) -> None:
    added = ready(*RAY, "--admin").out
    assert added.startswith(
        "staff 1: Dr Ray, tier 1\nto sign in: http://127.0.0.1:8000/join with +12025550180 and the code "
    )
    assert added.endswith(", once, within 7 days\n")
    invited = ready("staff", "invite", "1", "--json").json
    assert set(invited) == {"staff", "phone", "join", "code"}
    assert (len(invited["code"]), invited["code"] in added) == (19, False)
    assert "and the code" in ready("staff", "invite", "1").out
    assert ready("staff", "invite", "7").is_refused("staff: found 7")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--phone", "12", "a valid mobile number"),
        ("--phone", "+44 20 7946 0018", "a landline"),
        ("--tier", "0", "a whole number from 1 to 9"),
        ("--tier", "10", "a whole number from 1 to 9"),
        ("--tier", "-1", "a whole number from 1 to 9"),
        ("--tier", "first", "a whole number from 1 to 9"),
        ("--tier", "1e3", "a whole number from 1 to 9"),
        ("--role", "king", "one of clinician, front-desk, manager"),
        ("--email", "ray", "an address such as"),
        ("--name", " ", "1 to 120 printable characters"),
    ],
)
def test_what_cannot_be_used_is_named(option: str, value: str, allowed: str, ready: Monitor) -> None:
    assert ready(*RAY, option, value).is_refused(f"monitor: {option[2:]}: found", allowed)
    assert ready("staff", "list", "--json").json == []


def test_one_number_is_one_persons(ready: Monitor) -> None:
    ready(*RAY)
    assert ready(*RAY).is_refused("phone: found", "nobody else has")


def test_shifts_and_covers(ready: Monitor) -> None:
    ready(*RAY)
    assert ready("rota", "shift", "1", "--days", "mon-fri", "--from", "19:00", "--to", "07:00").code == 0
    cover = ("rota", "cover", "1", "--from", "2099-12-24 08:00", "--to", "2099-12-27 08:00")
    assert ready(*cover).code == 0
    assert ready(*cover, "--instead-of", "7").is_refused("staff: found 7")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("shift", "1", "--days", "fri-mon", "--from", "19:00", "--to", "07:00"), "days"),
        (("shift", "1", "--days", "weekdays", "--from", "19:00", "--to", "07:00"), "days"),
        (("shift", "1", "--days", "mon", "--from", "7pm", "--to", "07:00"), "from"),
        (("shift", "9", "--days", "mon", "--from", "19:00", "--to", "07:00"), "staff"),
        (("shift", "x", "--days", "mon", "--from", "19:00", "--to", "07:00"), "staff"),
        (("cover", "1", "--from", "tomorrow", "--to", "2026-12-27 08:00"), "from"),
        (("cover", "1", "--from", "0001-01-01 00:00", "--to", "2026-12-27 08:00"), "from"),
        (("cover", "1", "--from", "2026-12-24 08:00+05:00", "--to", "2026-12-27 08:00"), "from"),
        (("cover", "1", "--from", "2026-12-28 08:00", "--to", "2026-12-27 08:00"), "to"),
        (("cover", "1", "--from", "2026-12-24 08:00", "--to", "9999-12-31 23:59"), "to"),
    ],
)
def test_a_rota_that_cannot_be_meant_is_refused(arguments: tuple[str, ...], field: str, ready: Monitor) -> None:
    ready(*RAY)
    assert ready("rota", *arguments).is_refused(f"monitor: {field}: found")


def test_an_alert_is_listed_taken_and_ended(ready: Monitor, enrol: Callable[..., Done]) -> None:
    ready(*RAY)
    enrol()
    arrives("+12025550123", "there is pus")
    (alert,) = ready("alert", "list", "--json").json
    assert (alert["band"], alert["what"], alert["state"]) == ("urgent", "pus", "open")
    assert "pus" in ready("alert", "list").out
    assert ready("alert", "outcome", "1", "--by", "1", "--outcome", "cured").is_refused("outcome: found 'cured'")
    assert ready("alert", "take", "1", "--by", "1").out == "alert 1: taken\n"
    assert ready("alert", "take", "1", "--by", "1").out == "alert 1: was taken already\n"
    assert ready("alert", "outcome", "1", "--by", "1", "--outcome", "seen", "--note", "came in").code == 0
    assert ready("alert", "outcome", "1", "--by", "1", "--outcome", "seen").is_refused("alert: found 1", "not closed")
    assert ready("alert", "list").out == "Open alerts: none\n"
    assert ready("ledger").code == 0


def test_an_unknown_number_is_a_task_until_it_is_done(ready: Monitor) -> None:
    arrives("+12025550155", "who is this?")
    (task,) = ready("task", "list", "--json").json
    assert (task["what"], task["number"]) == ("unknown_number", "+12025550155")
    assert ready("task", "done", "1").code == 0
    assert ready("task", "done", "1").is_refused("Somebody did this at")
    assert ready("task", "done", "9").is_refused("task: found 9")
    assert ready("task", "list").out == "Tasks: none\n"


@pytest.mark.parametrize("number", ["0", "8", "99999999999999999999999", "x"])
@pytest.mark.parametrize(
    ("command", "more"),
    [
        (("alert", "take"), ("--by", "1")),
        (("alert", "outcome"), ("--by", "1", "--outcome", "seen")),
        (("task", "done"), ()),
        (("staff", "remove"), ()),
    ],
)
def test_ids_that_are_not_there_are_named(
    command: tuple[str, str], more: tuple[str, ...], number: str, ready: Monitor
) -> None:
    assert ready(*command, number, *more).is_refused(f"monitor: {command[0]}: found", number)


def test_an_alert_of_an_unknown_number_is_listed(ready: Monitor) -> None:
    arrives("+12025550155", "there is pus")
    (alert,) = ready("alert", "list", "--json").json
    assert (alert["patient"], alert["what"]) == ("+12025550155", "pus")
