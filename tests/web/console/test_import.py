"""Importing a table on the page: looked at first, enrolled then, and what is refused comes back to be mended."""

from __future__ import annotations

import csv
import re
from html import unescape

import httpx
import pytest
from sqlalchemy import func, select

from monitor.db import transaction
from monitor.models import Episode, Event, Patient
from monitor.services import enrol as enrolling
from monitor.services import import_patients as importing
from monitor.services.clinic import add_clinic
from tests.web.console.conftest import ANN, BEN, enrolled
from tests.web.staffer import Office, Staffer, words_of

HEADER = "name,phone,surgery,consent"
GOOD = f"{HEADER}\nAnn Carter,{ANN},2026-10-29,form\nBen Petrov,{BEN},2026-10-30,form\n"
MIXED = f"{HEADER},jaw\nAnn Carter,{ANN},2026-10-29,form,lower\nBo,12,2026-10-30,form,\nCy,{BEN},soon,form,\n"


def sends(staffer: Staffer, do: str, table: str, *, file: bytes | None = None) -> httpx.Response:
    """As a browser does, with the field for a file in it even where none is chosen."""
    csrf = staffer.filled("/enrol/import", "check")["csrf"]
    files = {"file": ("patients.csv" if file is not None else "", file or b"")}
    return staffer.ask("POST", "/enrol/import", data={"csrf": csrf, "do": do, "table": table}, files=files)


def patients(office: Office) -> list[str]:
    with transaction(office.app.sessions) as session:
        return list(session.scalars(select(Patient.name).order_by(Patient.id)))


def refused_table(answer: httpx.Response) -> str:
    found = re.search(r'<textarea id="refused-csv"[^>]*>\n(.*?)</textarea>', answer.text, re.DOTALL)
    return unescape(found[1]) if found else ""


def test_a_table_is_looked_at_first_and_nothing_is_written(office: Office, desk: Staffer) -> None:
    answer = sends(desk, "check", GOOD)
    assert answer.status_code == 200
    assert "2 can be enrolled, 0 refused Nothing has been written yet." in words_of(answer)
    assert patients(office) == []


def test_a_number_that_is_somebody_elses_as_well_is_told_before(office: Office, desk: Staffer, elsewhere: int) -> None:
    enrolled(office, "Bea Carter", BEN)
    table = (
        f"{HEADER}\nAnn Carter,{ANN},2026-10-29,form\nAl Carter,(202) 555-0101,2026-10-30,form\n"
        f"Ben Carter,{BEN},2026-10-30,form\nBEA CARTER,{BEN},2026-10-29,form\nCy,+12025550103,2026-10-29,form\n"
    )
    page = words_of(sends(desk, "check", table))
    assert "4 of these rows have a number that is somebody else’s as well." in page
    assert "Row 2, Ann Carter : also row 3, Al Carter" in page
    assert "Row 3, Al Carter : also row 2, Ann Carter" in page
    assert "Row 4, Ben Carter : also Bea Carter , a patient here; row 5, BEA CARTER" in page
    assert "Row 5, BEA CARTER : also row 4, Ben Carter" in page
    with transaction(office.app.sessions) as session:
        seen = session.scalars(select(Event).where(Event.kind == "viewed").order_by(Event.id.desc())).first()
        assert seen is not None
        assert seen.detail["patients"] == [1], "whose name was shown"
    other = office.hires("Oz Other", "+12025550179", role="manager", clinic=elsewhere)
    assert "Bea Carter" not in words_of(sends(other, "check", table))
    assert "somebody else’s" not in words_of(sends(desk, "check", GOOD.replace(BEN, "+12025550104")))


def test_then_everybody_in_it_is_enrolled_with_a_link_to_each(office: Office, desk: Staffer) -> None:
    answer = sends(desk, "import", GOOD)
    assert "2 enrolled, 0 refused" in words_of(answer)
    assert patients(office) == ["Ann Carter", "Ben Petrov"]
    for number, name in ((1, "Ann Carter"), (2, "Ben Petrov")):
        assert f'<a href="/episodes/{number}"><bdi>{name}</bdi></a>' in answer.text


def test_a_file_that_was_checked_is_carried_to_the_button_that_enrols(office: Office, desk: Staffer) -> None:
    page = sends(desk, "check", "", file=b"\xef\xbb\xbf" + GOOD.encode()).text
    carried = re.search(r'<textarea id="import-table"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert carried
    assert "Enrol these 2" in page
    sends(desk, "import", unescape(carried[1]))
    assert len(patients(office)) == 2


def test_a_file_may_be_imported_at_once(office: Office, desk: Staffer) -> None:
    sends(desk, "import", "", file=GOOD.encode())
    assert len(patients(office)) == 2


def test_a_row_that_cannot_be_used_is_named_and_the_others_are_enrolled(office: Office, desk: Staffer) -> None:
    for do, said in (("check", "1 can be enrolled, 2 refused"), ("import", "1 enrolled, 2 refused")):
        page = words_of(sends(desk, do, MIXED))
        assert said in page
        assert "3 phone 12 a valid mobile number" in page
        assert "4 surgery soon a date such as 2026-11-18" in page
    assert patients(office) == ["Ann Carter"]


def test_the_refused_rows_come_back_as_a_table_that_can_be_mended(office: Office, desk: Staffer) -> None:
    back = refused_table(sends(desk, "import", MIXED))
    rows = [",".join(cells) for cells in csv.reader(back.splitlines())]
    assert rows == [f"{HEADER},jaw", "Bo,12,2026-10-30,form,", f"Cy,'{BEN},soon,form,"]
    sends(desk, "import", back.replace('"12"', "+12025550103").replace("soon", "2026-10-30"))
    assert patients(office) == ["Ann Carter", "Bo", "Cy"]


def test_no_cell_that_comes_back_is_a_formula(desk: Staffer) -> None:
    rows = "".join(f'"{cell}",12,2026-10-30,form\n' for cell in ("=1+1", "+1", "-1", "@SUM(A1)", "a;=1+1"))
    back = refused_table(sends(desk, "check", f"{HEADER}\n{rows}"))
    cells = [row[0] for row in csv.reader(back.splitlines()[1:])]
    assert cells == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "a;=1+1"]
    assert '"a;=1+1"' in back  # whole, for a spreadsheet that splits at semicolons


def test_what_is_hostile_in_a_table_is_shown_as_text(desk: Staffer) -> None:
    rows = "<script>alert(1)</script>,</textarea><script>alert(2)</script>,2026-10-30,form\n"
    more = f"<script>alert(3)</script>,{ANN},2026-10-30,form\n"
    for do in ("check", "import"):
        page = sends(desk, do, f"{HEADER}\n{rows}{more}").text
        assert "<script>alert" not in page
        assert "&lt;/textarea&gt;&lt;script&gt;alert(2)" in page


def test_the_same_table_twice_enrols_nobody_twice(office: Office, desk: Staffer) -> None:
    sends(desk, "import", GOOD)
    page = words_of(sends(desk, "import", GOOD))
    assert "0 enrolled, 2 refused" in page
    assert "a date on which this patient has no episode yet" in page
    assert len(patients(office)) == 2


def test_the_check_knows_who_is_there_already_and_who_stands_there_twice(office: Office, desk: Staffer) -> None:
    enrolled(office, day=3)
    page = words_of(sends(desk, "check", f"{GOOD}Ben Petrov,{BEN},2026-10-30,form\n"))
    assert "1 can be enrolled, 2 refused" in page
    assert "2 surgery 2026-10-29" in page
    assert "4 surgery 2026-10-30" in page


def test_more_than_one_transaction_holds(office: Office, desk: Staffer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolling, "BATCH", 1)
    assert "2 enrolled, 0 refused" in words_of(sends(desk, "import", GOOD))
    with transaction(office.app.sessions) as session:
        found = session.scalars(select(Event).where(Event.kind == "enrolled")).all()
    assert {(event.actor, event.clinic_id) for event in found} == {(f"staff:{desk.id}", 1)}


def test_who_has_opted_out_is_marked(office: Office, desk: Staffer) -> None:
    enrolled(office, day=30)
    with transaction(office.app.sessions) as session:
        session.scalars(select(Patient)).one().opted_out_at = office.clock.now()
    assert "Ann Carter row 2 opted out" in words_of(sends(desk, "import", GOOD))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "a file, or rows that are pasted"),
        (" \n ", "a file, or rows that are pasted"),
        (HEADER, "no row below the first"),
        ("name,phone,surgery\nx", "no column"),
        (f"{HEADER},colour\nx", "the column"),
        (f'{HEADER}\n"Ann', "line 2"),
        ("<script>alert(1)</script>", "the column"),
        (f"{HEADER}\n{'x' * 200_000}", "line 2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused_and_stays_in_the_field(
    table: str, said: str, office: Office, desk: Staffer
) -> None:
    for do in ("check", "import"):
        answer = sends(desk, do, table)
        assert answer.status_code == 422
        assert said in words_of(answer)
        assert "<script>alert" not in answer.text
    assert patients(office) == []


def test_a_file_that_is_not_utf_8_is_refused(office: Office, desk: Staffer) -> None:
    answer = sends(desk, "check", "", file=f"{HEADER}\nJos\xe9,1,2,3".encode("latin-1"))
    assert answer.status_code == 422
    assert "CSV in UTF-8" in words_of(answer)


def test_more_rows_than_a_page_takes_are_refused(desk: Staffer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_ROWS", 1)
    answer = sends(desk, "check", GOOD)
    assert answer.status_code == 422
    assert "at most 1 rows at once" in words_of(answer)


def test_two_thousand_rows_that_are_pasted_are_taken(office: Office, desk: Staffer) -> None:
    rows = "".join(
        f"Person Number {n} of many,12,2026-10-30,a signed form in the folder of the day\n" for n in range(2000)
    )
    page = words_of(sends(desk, "check", f"{HEADER}\n{rows}"))
    assert "0 can be enrolled, 2000 refused" in page
    assert "And 1800 more." in page


def test_a_table_that_is_far_too_large_is_refused(desk: Staffer) -> None:
    assert sends(desk, "check", "x" * 700_000).status_code == 422
    assert sends(desk, "check", "", file=b"x" * 2_100_000).status_code == 422


def test_patients_go_to_the_clinic_of_whoever_imports_them(office: Office, desk: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        other = add_clinic(session, {"name": "Smile North", "timezone": "America/New_York"}, now=office.clock.now()).id
    north = office.hires("Nora North", "+12025550174", role="front-desk", clinic=other)
    sends(desk, "import", GOOD)
    assert "2 enrolled, 0 refused" in words_of(sends(north, "import", GOOD))
    with transaction(office.app.sessions) as session:
        found = session.execute(select(Patient.clinic_id, func.count()).group_by(Patient.clinic_id)).all()
        assert session.scalar(select(func.count()).select_from(Episode)) == 4
    assert sorted(tuple(row) for row in found) == [(1, 2), (other, 2)]


def test_a_page_of_another_site_imports_nothing(office: Office, desk: Staffer) -> None:
    fields = {**desk.filled("/enrol/import", "check"), "do": "import", "table": GOOD}
    assert desk.post("/enrol/import", fields, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert desk.post("/enrol/import", fields | {"csrf": "x.y"}).status_code == 409
    assert patients(office) == []
