"""Enrolling everybody in a table: what can be used is, and what cannot is named with its row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monitor.clock import SystemClock
from monitor.services import enrol as enrolling
from tests.cli.conftest import Done, Monitor

HEADER = "name,phone,surgery,consent"
FromFile = Callable[..., Done]


def day(days: int) -> str:
    return (SystemClock().now() + timedelta(days=days)).date().isoformat()


def ann(number: int = 123, **changes: str) -> str:
    """A row that is in order."""
    given = {"name": "Ann Lee", "phone": f"+1 202 555 0{number}", "surgery": day(-2), "consent": "form"} | changes
    return ",".join(given.values())


@pytest.fixture
def from_file(ready: Monitor, tmp_path: Path) -> FromFile:
    """`from_file(HEADER, row, "--json")`: the lines of the table, then options."""

    def run(*lines: str | bytes, encoding: str = "utf-8", end: str = "\n") -> Done:
        options = [line for line in lines if isinstance(line, str) and line.startswith("--")]
        table = end.join(line for line in lines if isinstance(line, str) and line not in options)
        path = tmp_path / "patients.csv"
        path.write_bytes(table.encode(encoding) + b"".join(line for line in lines if isinstance(line, bytes)))
        return ready("enrol", "--from", str(path), *options)

    return run


def test_everybody_in_a_table_is_enrolled(from_file: FromFile, ready: Monitor) -> None:
    done = from_file(HEADER, ann(123), ann(124, name="Bob Stone"), "")
    assert (done.code, done.err, done.out) == (0, "", "enrolled: 2 of 2 rows\n")
    assert [row["initials"] for row in ready("episode", "list", "--json").json] == ["B.S.", "A.L."]
    assert ready("ledger").code == 0


def test_every_option_may_be_a_column(from_file: FromFile, ready: Monitor, home: Path) -> None:
    more = ",time,timezone,language,chart,site,jaw,two-stage,stitches,flap,risk"
    row = f'{ann()},14:30,America/Los_Angeles,es,C-17,36,lower,yes,removable,YES,"smoking, diabetes"'
    done = from_file(HEADER + more, row, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {"enrolled": [{"row": 2, "patient": 1, "episode": 1, "opted_out": False}], "refused": []}
    engine = create_engine(f"sqlite:///{home / 'monitor.db'}")
    with engine.begin() as connection:
        columns = "surgery_time, site, jaw, two_stage, stitches, flap, risks, timezone, language, chart"
        found = connection.execute(text(f"SELECT {columns} FROM episodes JOIN patients ON patient_id = patients.id"))
        assert tuple(found.one()) == (
            *("14:30:00.000000", "36", "lower", 1, "removable", 1, '["diabetes", "smoking"]'),
            *("America/Los_Angeles", "es", "C-17"),
        )
    engine.dispose()


def test_a_row_that_cannot_be_used_is_named_and_the_others_are_enrolled(from_file: FromFile, ready: Monitor) -> None:
    rows = [ann(123), ann(124, phone="12"), "", ann(125, surgery="18.11.2026"), ann(126, name="Bob"), ann(123), ",,,"]
    done = from_file(f"{HEADER},jaw", *(f"{row},{'left' if '126' in row else ''}" if row else row for row in rows))
    assert (done.code, done.out) == (2, "enrolled: 1 of 5 rows\n")
    for line, row, words in zip(
        done.lines,
        (3, 5, 6, 7),
        ("phone: found '12'; allowed: a valid", "surgery: found '18.11.2026'", "jaw: found 'left'", "no episode yet"),
        strict=True,
    ):
        assert line.startswith(f"row {row}: ")
        assert words in line
    assert len(ready("episode", "list", "--json").json) == 1


def test_a_program_reads_which_rows_were_refused(from_file: FromFile) -> None:
    done = from_file(HEADER, ann(surgery=""), ann(), "--json")
    assert (done.code, done.err) == (2, "")
    allowed = "a date such as 2026-11-18"
    assert done.json["refused"] == [{"row": 2, "field": "surgery", "found": "", "allowed": allowed}]
    assert [each["row"] for each in done.json["enrolled"]] == [3]


@pytest.mark.parametrize(
    ("separator", "encoding", "end"), [(";", "utf-8-sig", "\r\n"), ("\t", "utf-8", "\n"), (",", "utf-8-sig", "\r\n")]
)
def test_a_table_as_spreadsheets_write_it(from_file: FromFile, separator: str, encoding: str, end: str) -> None:
    """With a mark at its beginning, semicolons or tabs, and both signs at the end of a line."""
    rows = (line.replace(",", separator) for line in ("Name,PHONE,Surgery,Consent,Two Stage", f"{ann()},no"))
    done = from_file(*rows, encoding=encoding, end=end)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], "an empty file"),
        (["", "  "], "an empty file"),
        ([HEADER], "no row below the first"),
        (["name,phone,surgery", "x"], "no column 'consent'"),
        ([f"{HEADER},colour", "x"], "the column 'colour'"),
        ([f"{HEADER},name", "x"], "the column 'name'"),
        ([ann(), ann(124)], "the column 'ann-lee'"),
        ([HEADER, '"Ann'], "line 2"),
        ([HEADER, b"\nJos\xe9,1,2,3"], "not UTF-8"),
        (["PK\x03\x04"], "the column"),
    ],
)
def test_what_is_no_table_is_refused(from_file: FromFile, lines: list[str | bytes], found: str) -> None:
    assert from_file(*lines).is_refused("monitor: from: found", found)


def test_a_row_with_more_cells_than_columns_is_refused(from_file: FromFile) -> None:
    done = from_file(HEADER, f"{ann()},smoking", ann(124) + ",,")
    assert (done.code, done.out) == (2, "enrolled: 1 of 2 rows\n")
    assert done.lines == ["row 2: row: found '5 cells'; allowed: 4, as the first row has"]


def test_a_file_that_is_not_there_is_named(ready: Monitor) -> None:
    assert ready("enrol", "--from", "nowhere.csv").is_refused("from: found 'nowhere.csv'", "No such file")


@pytest.mark.parametrize("option", [("--name", "Ann"), ("--flap",), ("--risk", "smoking"), ("--jaw", "upper")])
def test_no_other_option_stands_beside_a_file(option: tuple[str, ...], ready: Monitor) -> None:
    assert ready("enrol", "--from", "x.csv", *option).is_refused(f"from: found '{option[0]} beside it'", "--json")


def test_who_has_opted_out_is_named(from_file: FromFile, home: Path) -> None:
    from_file(HEADER, ann())
    engine = create_engine(f"sqlite:///{home / 'monitor.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE patients SET opted_out_at = '2026-01-01 00:00:00'"))
    engine.dispose()
    assert "START: rows 3" in from_file(HEADER, ann(124), ann(surgery=day(-1))).out


def test_more_than_one_transaction_holds(from_file: FromFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for somebody who stands in two of them."""
    monkeypatch.setattr(enrolling, "BATCH", 2)
    done = from_file(HEADER, *(ann(number) for number in (101, 102, 103, 104)), ann(101), ann(102, surgery=day(-1)))
    assert (done.code, done.out) == (2, "enrolled: 5 of 6 rows\n")
    assert [line[:6] for line in done.lines] == ["row 6:"]
