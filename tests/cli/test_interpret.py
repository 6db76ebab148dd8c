"""`monitor interpret`: JSON lines in, JSON lines out, and nothing else, whatever comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Monitor, run_monitor

# The contract's, in its order.
KEYS = ["id", "signs", "trend", "amount", "pain", "temp_c", "intent", "band", "disposition", "evidence", "reasons"]


def line(**given: object) -> bytes:
    return json.dumps({"id": 1, "text": "pus", "question": "none", "day": 7, "lang": "en"} | given).encode() + b"\n"


def read(monitor: Monitor, stdin: bytes) -> list[dict[str, Any]]:
    done = monitor("interpret", stdin=stdin)
    assert (done.code, done.err) == (0, "")
    return [json.loads(row, parse_constant=pytest.fail) for row in done.out.splitlines()]


def test_a_line_for_a_line_with_the_contracts_keys(monitor: Monitor) -> None:
    rows = read(monitor, line(id="a") + b"\n  \n" + line(id=7, text="no pus"))
    assert [row["id"] for row in rows] == ["a", 7]
    assert [list(row) for row in rows] == [KEYS, KEYS]
    assert [row["signs"] for row in rows] == [{"pus": "present"}, {"pus": "absent"}]
    assert (rows[0]["band"], rows[0]["disposition"]) == ("urgent", "alert")


def test_question_day_and_language_may_be_left_out(monitor: Monitor) -> None:
    (row,) = read(monitor, b'{"text": "pus"}')
    assert (row["id"], row["signs"]) == (None, {"pus": "present"})


def test_evidence_counts_code_points_of_the_text_as_received(monitor: Monitor) -> None:
    text = "\U0001f600\u202e a\u0301  PUS!"
    (row,) = read(monitor, line(text=text))
    (shown,) = row["evidence"]
    assert text[shown["start"] : shown["end"]] == "PUS"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "\x00",
        "pus\x00pus",
        "\ud800 pus \udfff",
        "\U0001f600" * 400,
        "\u202eflah retteb leef \u202c",
        "יש לי חום",
        "\ufeffpus",
        "{'$where': 1} %s %n {0} ../../etc",
        "x" * 1600,
        "no pus " * 228,
        "1 " * 800,
        "not " * 400,
    ],
    ids=range(14),
)
def test_any_text_is_read(text: str, monitor: Monitor) -> None:
    assert len(read(monitor, line(text=text))) == 1


def test_a_text_of_a_hundred_thousand_characters_is_read_to_its_end(monitor: Monitor) -> None:
    prose = "it hurts a bit after lunch, and my neighbour says hello. "
    text = prose * (100_000 // len(prose)) + "there is pus"
    (row,) = read(monitor, line(text=text))
    assert row["signs"]["pus"] == "present"


def test_bytes_that_are_no_utf8_are_read_as_far_as_they_go(monitor: Monitor) -> None:
    (row,) = read(monitor, b'\xef\xbb\xbf{"id": 1, "text": "\xff\xfe pus", "day": 7}\n')
    assert row["signs"] == {"pus": "present"}


def test_nothing_in_is_nothing_out(monitor: Monitor) -> None:
    assert read(monitor, b"") == []


@pytest.mark.parametrize(
    ("stdin", "parts"),
    [
        (b'{"id": 1, "text": "pus"\n', ["line 1: found", "one JSON object a line"]),
        (b"not json\n", ["line 1: found 'not json'"]),
        (b'{"text": "\x1b[31m\n', ["line 1: found", "\\x1b"]),
        (b"[" * 100_000, ["line 1: found"]),
        (b"9" * 10_000, ["line 1: found"]),
        (b"[1]\n", ["line 1: found 'list'", "a JSON object"]),
        (b"null\n", ["line 1: found 'NoneType'", "a JSON object"]),
        (b'{"id": 1}\n', ["line 1: text: found None", "a string"]),
        (line(text=5), ["line 1: text: found 5", "a string"]),
        (line(text=["x" * 9000]), ["line 1: text: found", "a string"]),
        (line(id=[1]), ["line 1: id: found [1]", "a string or a whole number"]),
        (line(id=float("nan")), ["line 1: id: found nan"]),
        (line(question="colour"), ["line 1: question: found 'colour'", "one of pain"]),
        (line(question={}), ["line 1: question: found {}"]),
        (line(day=-1), ["line 1: day: found -1", "from 0 to"]),
        (line(day=7.5), ["line 1: day: found 7.5"]),
        (line(day="7"), ["line 1: day: found '7'"]),
        (line(day=True), ["line 1: day: found True"]),
        (line(day=10**30), ["line 1: day: found"]),
        (line(lang="xx"), ["line 1: lang: found 'xx'", "one of en"]),
        (line(lang=[]), ["line 1: lang: found []"]),
    ],
    ids=range(21),
)
def test_a_line_that_cannot_be_used_is_named(stdin: bytes, parts: list[str], monitor: Monitor) -> None:
    done = monitor("interpret", stdin=stdin)
    assert done.is_refused(*parts)
    assert len(done.lines[0]) < 1000


def test_what_came_before_a_broken_line_is_answered(monitor: Monitor) -> None:
    done = monitor("interpret", stdin=line() + b"broken\n" + line())
    assert (done.code, len(done.out.splitlines()), len(done.lines)) == (2, 1, 1)
    assert "line 2: found 'broken'" in done.err


def test_it_runs_without_any_set_up_and_prints_json_alone() -> None:
    stdin = line(text="no fever but there's some yellow stuff coming out").decode()
    done = run_monitor("interpret", input=stdin, env={"MONITOR_HOME": "/nowhere", "MONITOR_SMS": "pigeon"})
    assert (done.code, done.err) == (0, "")
    signs = done.json["signs"]
    assert (signs["fever"], signs["pus"]) == ("absent", "present")
