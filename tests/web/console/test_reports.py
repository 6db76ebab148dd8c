"""Reports: every figure checked against a small story that was worked out by hand."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from sqlalchemy.orm import Session

from monitor.db import transaction
from monitor.domain.bundle import PROTOCOL_FILE
from monitor.models import Alert, Assessment, CheckIn, Clinic, Event, Inbound, Page, Staff
from monitor.services.acknowledge import record_outcome, take
from monitor.services.audit import record
from monitor.services.clinic import add_clinic, the_clinic
from monitor.services.seed import current_version, read_files, store_version
from tests.web.console.conftest import ANN, enrolled, texts
from tests.web.staffer import Office, Staffer

MONDAY = datetime(2026, 11, 2, 15, tzinfo=UTC)  # 10:00 in New York
PUS = {"rule": "pus", "text": "Pus.", "band": "urgent", "sign": "pus", "said": "pus", "points": 5, "source": "S0"}
PAIN = PUS | {"rule": "pain-lasting", "text": "Pain lasts.", "band": "soon", "sign": "pain"}
MILD = PUS | {"rule": "pain-mild", "text": "Mild.", "band": "expected", "sign": "pain"}


@pytest.fixture
def november(office: Office) -> Office:
    """Noon of the last day of the month."""
    office.clock.forward(days=29)
    office.real_time.forward(days=29)
    return office


def add_alert(session: Session, number: int, at: datetime = MONDAY, **given: object) -> Alert:
    """An alert of the first clinic's; `steps` are minutes after it came up, by the event's kind."""
    steps: dict[str, int] = given.pop("steps", {})  # type: ignore[assignment]
    pages = given.pop("pages", 0)
    known = {
        "clinic_id": the_clinic(session).id,
        "subject": f"phone:{number}",
        "protocol_version_id": current_version(session).id,
        "kind": "finding",
        "band": "urgent",
        "signs": [],
        "reasons": [PUS],
        "day": 4,
        "opened_at": at,
        "raised_at": at,
    }
    alert = Alert(**known | given)  # type: ignore[arg-type]
    if alert.outcome:
        alert.state, alert.closed_at = "closed", at + timedelta(days=1)
    session.add(alert)
    session.flush()
    for kind, minutes in steps.items():
        name, _, outcome = kind.partition(":")
        detail = {"outcome": outcome} if outcome else {}
        record(session, name, at=at + timedelta(minutes=minutes), alert_id=alert.id, **detail)
    for count in range(int(pages)):  # type: ignore[call-overload]
        code = f"{1000 + 10 * number + count}"
        page = Page(alert_id=alert.id, phone="+1", code=code, stage=1, rounds=0, created_at=at)
        session.add(page)
    return alert


def table(staffer: Staffer, key: str, months: str = "month=2026-11") -> list[dict[str, str]]:
    answer = staffer.get(f"/reports/{key}.csv?{months}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{key}-2026-')
    return list(csv.DictReader(StringIO(answer.text)))


def add_checkin(session: Session, episode: int, day: int, state: str, *, reply: int | None = None) -> None:
    checkin = CheckIn(episode_id=episode, step=f"checkin-{day}", day=day, state=state, opened_at=MONDAY)
    if state == "unreached":
        checkin.opened_at, checkin.closed_at = None, MONDAY
    session.add(checkin)
    session.flush()
    if reply is None:
        return
    inbound = Inbound(
        sid=f"s{checkin.id}", from_number=ANN, to_number="+1", body="3", received_at=MONDAY + timedelta(minutes=reply)
    )
    session.add(inbound)
    session.flush()
    version = current_version(session).id
    empty: dict[str, object] = {"reasons": [], "reading": {}, "findings": {}}
    for later in (0, 60):  # what is written afterwards is no first reply
        assessment = Assessment(
            inbound_id=inbound.id, episode_id=episode, checkin_id=checkin.id, protocol_version_id=version,
            question="pain", day=day, band="expected", score=1, disposition="close",
            created_at=MONDAY + timedelta(minutes=reply + later), **empty,  # type: ignore[arg-type]
        )  # fmt: skip
        session.add(assessment)


def test_check_ins_are_counted_by_their_day_and_what_became_of_them(november: Office, ray: Staffer) -> None:
    episode = enrolled(november, day=600)
    with transaction(november.app.sessions) as session:
        for state in ("answered", "answered", "answered", "silent", "unreached"):
            add_checkin(session, episode, 4, state)
        add_checkin(session, episode, 7, "partial")
    rows = table(ray, "replies")
    assert [(row["check-in"], row["asked"], row["answered"], row["share answered"]) for row in rows] == [
        ("day 4", "5", "3", "0.6"),
        ("day 7", "1", "0", "0"),
        ("all", "6", "3", "0.5"),
    ]
    assert (rows[0]["silent"], rows[0]["unreached"], rows[1]["half answered"]) == ("1", "1", "1")
    said = "6 check-ins were asked: 3 (50 %) answered, 1 half answered, 1 silent, 1 never reached the phone."
    assert said in ray.reads("/reports?month=2026-11")


def test_the_time_to_reply_is_that_of_the_first_one(november: Office, ray: Staffer) -> None:
    episode = enrolled(november, day=600)
    with transaction(november.app.sessions) as session:
        for minutes in (10, 20, 30, 40, 600):
            add_checkin(session, episode, 4, "answered", reply=minutes)
        add_checkin(session, episode, 4, "silent")
    (_, every) = table(ray, "reply-times")
    assert (every["replies"], every["median"], every["90 %"]) == ("5", "30", "376")  # 40 + 0.6 * 560
    assert [every[f"up to {edge}"] for edge in ("15 min", "1 h", "4 h", "12 h", "24 h")] == ["1", "3", "0", "1", "0"]


def test_alerts_are_counted_by_week_and_band_with_their_kinds_and_pages(november: Office, ray: Staffer) -> None:
    with transaction(november.app.sessions) as session:
        add_alert(session, 1, MONDAY - timedelta(days=1), band="emergency", pages=3)
        add_alert(session, 2, MONDAY, band="urgent", kind="review", pages=1)
        add_alert(session, 3, MONDAY + timedelta(days=6), band="soon", kind="silence")
        add_alert(session, 4, MONDAY + timedelta(days=7), band="soon")
    rows = table(ray, "load")
    assert [(r["week from"], r["alerts"], r["emergency"], r["urgent"], r["soon"], r["pages sent"]) for r in rows] == [
        ("2026-10-26", "1", "1", "0", "0", "3"),
        ("2026-11-02", "2", "0", "1", "1", "1"),
        ("2026-11-09", "1", "0", "0", "1", "0"),
        ("2026-11-16", "0", "0", "0", "0", "0"),
        ("2026-11-23", "0", "0", "0", "0", "0"),
        ("2026-11-30", "0", "0", "0", "0", "0"),
        ("all", "4", "1", "1", "2", "4"),
    ]
    assert (rows[1]["a message to read"], rows[1]["no answer to our texts"], rows[-1]["a finding"]) == ("1", "1", "2")


def test_times_run_to_the_first_page_the_first_taking_and_the_first_contact(november: Office, ray: Staffer) -> None:
    steps = {"paged": 1, "alert_taken": 10, "outcome:not_reached": 12, "outcome:seen": 70}
    with transaction(november.app.sessions) as session:
        first = add_alert(session, 1, outcome="seen", steps=steps)
        for kind, minutes in (("paged", 16), ("alert_taken", 40)):  # paged and taken anew: not the first time
            record(session, kind, at=MONDAY + timedelta(minutes=minutes), alert_id=first.id)
        add_alert(session, 2, outcome="advised", steps={"paged": 3, "alert_taken": 20, "outcome:advised": 30})
        add_alert(session, 3, steps={"paged": 5})
    rows = {row["step"]: row for row in table(ray, "answer-times")}
    assert [(r["alerts"], r["reached it"], r["median"], r["90 %"]) for r in rows.values()] == [
        ("3", "3", "3", "4.6"),
        ("3", "2", "15", "19"),
        ("3", "2", "50", "66"),
    ]
    assert "were taken: half of those within 15 min of being raised, nine in ten within 19 min" in ray.reads(
        "/reports?month=2026-11"
    )
    assert "1 try did not reach the patient" in ray.reads("/reports?month=2026-11")


def test_times_of_an_alert_that_got_worse_run_from_when_it_did(office: Office, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "pain 5")
    office.clock.forward(minutes=20)
    with transaction(office.app.sessions) as session:
        take(session, session.get_one(Alert, 1), by=session.get_one(Staff, ray.id), how="sms", now=office.clock.now())
    office.clock.forward(hours=4)
    texts(office, ANN, "now there is yellow pus")
    office.clock.forward(minutes=10)
    with transaction(office.app.sessions) as session:
        alert, person = session.get_one(Alert, 1), session.get_one(Staff, ray.id)
        assert alert.raised_at - alert.opened_at > timedelta(hours=4)
        take(session, alert, by=person, how="console", now=office.clock.now())
        record_outcome(session, alert, "seen", by=person, now=office.clock.now())
    rows = table(ray, "answer-times")
    assert {row["band"] for row in rows} == {"urgent"}
    assert [(row["step"], row["reached it"]) for row in rows] == [("first page", "1"), ("taken", "1"), ("helped", "1")]
    assert float(rows[0]["median"]) < 1
    assert float(rows[1]["median"]) == float(rows[2]["median"]) == pytest.approx(10, abs=0.5)


def test_a_rule_is_right_if_the_patient_needed_somebody(november: Office, ray: Staffer) -> None:
    outcomes = ["seen", "advised", "misread", "medicine"]
    with transaction(november.app.sessions) as session:
        for number, outcome in enumerate(outcomes):
            add_alert(session, number, outcome=outcome, reasons=[PUS, PAIN, MILD] if number < 2 else [PUS])
        add_alert(session, 8, reasons=[PUS])  # still open
        add_alert(session, 9, reasons=[PAIN], kind="silence", outcome="answered")  # ended by itself
    rows = table(ray, "rules")
    assert [(r["rule"], r["closed alerts"], r["needed somebody"], r["share"], r["needed care"]) for r in rows] == [
        ("pus", "4", "3", "0.75", "2"),
        ("pain-lasting", "2", "2", "1", "1"),
    ]
    assert {row["how sure"] for row in rows} == {"few: read with care"}
    assert rows[0]["the true share is likely"] == "30 % to 95 %"
    assert [(row["outcome"], row["alerts"]) for row in table(ray, "outcomes")][-1] in {
        ("still open", "1"),
        ("the patient answered after all", "1"),
    }


def test_silences_after_which_all_was_well_make_their_rule_less_right(november: Office, ray: Staffer) -> None:
    silence = PUS | {"rule": "silence:checkin-4", "text": "No answer.", "band": "soon", "sign": None, "said": ""}
    with transaction(november.app.sessions) as session:
        for number, outcome in enumerate(("well", "well", "well", "seen")):
            add_alert(session, number, outcome=outcome, reasons=[silence], kind="silence", band="soon")
        add_alert(session, 9, outcome="misread")
    rows = table(ray, "rules")
    assert [(r["rule"], r["closed alerts"], r["needed somebody"], r["share"]) for r in rows] == [
        ("silence:checkin-4", "4", "1", "0.25"),
        ("pus", "1", "0", "0"),
    ]
    assert "Of 5 alerts that somebody closed, in 1 (20 %) the patient needed somebody" in ray.reads(
        "/reports?month=2026-11"
    )
    assert ("called: all is well", "3") in [(row["outcome"], row["alerts"]) for row in table(ray, "outcomes")]


def test_the_protocol_in_force_says_for_all_months_what_an_outcome_means(november: Office, ray: Staffer) -> None:
    with transaction(november.app.sessions) as session:
        add_alert(session, 1, outcome="advised")
    assert table(ray, "rules")[0]["share"] == "1"
    files = read_files()
    text = files[PROTOCOL_FILE]
    files[PROTOCOL_FILE] = text.replace('"advised by phone", needed = "advice"', '"advised", needed = "nothing"')
    with transaction(november.app.sessions) as session:
        store_version(session, files, now=november.clock.now())
    assert table(ray, "rules")[0]["share"] == "0"


def test_what_really_happens_shows_in_the_figures(office: Office, ray: Staffer) -> None:
    enrolled(office)
    office.clock.forward(seconds=6)
    office.ticks.everything()  # the check-in leaves behind the first text
    office.clock.forward(minutes=30)
    texts(office, ANN, "there is yellow pus")
    office.clock.forward(minutes=10)
    with transaction(office.app.sessions) as session:
        alert, person = session.get_one(Alert, 1), session.get_one(Staff, ray.id)
        take(session, alert, by=person, how="console", now=office.clock.now())
        record_outcome(session, alert, "seen", by=person, now=office.clock.now())
    page = ray.reads("/reports")
    assert "November 2026, on the calendar of Smile Dental" in page
    assert "1 alert: 0 emergency, 1 urgent, 0 soon; 1 page went out for them" in page
    assert "Of 1 urgent or emergency alert 1 was taken: half of those within 10 min of being raised" in page
    assert "The one first reply came within 30 min" in page
    assert next((row["rule"], row["share"]) for row in table(ray, "rules")) == ("pus", "1")


def test_a_month_is_the_clinics_own(november: Office, ray: Staffer) -> None:
    with transaction(november.app.sessions) as session:
        add_alert(session, 1, datetime(2026, 12, 1, 4, 59, tzinfo=UTC))  # 23:59 on 30 November in New York
        add_alert(session, 2, datetime(2026, 11, 1, 3, 59, tzinfo=UTC))  # 23:59 on 31 October
    assert table(ray, "load")[-1]["alerts"] == "1"
    assert table(ray, "load", "month=2026-10")[-1]["alerts"] == "1"
    assert table(ray, "load", "month=2026-10&until=2026-11")[-1]["alerts"] == "2"


def test_several_months_have_a_line_each_and_one_for_all_of_them(november: Office, ray: Staffer) -> None:
    october, episode = MONDAY - timedelta(days=14), enrolled(november, day=600)
    with transaction(november.app.sessions) as session:
        add_alert(session, 1, october, outcome="well", band="soon", steps={"paged": 4})
        add_alert(session, 2, october, outcome="seen", steps={"paged": 4, "alert_taken": 30, "outcome:seen": 50})
        add_alert(session, 3, outcome="booked", band="emergency", pages=2, steps={"paged": 1, "alert_taken": 2})
        add_alert(session, 4)
        add_checkin(session, episode, 4, "answered", reply=10)
        add_checkin(session, episode, 4, "silent")
    page = ray.reads("/reports?month=2026-09&until=2026-11")
    for line in (
        "month asked answered half answered silent unreached still open stopped share answered "
        "Sep 2026 0 0 0 0 0 0 0 – Oct 2026 0 0 0 0 0 0 0 – Nov 2026 2 1 0 1 0 0 0 50 % all 2 1 0 1 0 0 0 50 %",
        "Nov 2026 1 10 min 10 min 1 0 0 0 0 0 all 1 10 min 10 min 1 0 0 0 0 0",
        "Sep 2026 0 0 0 0 0 0 0 0 Oct 2026 2 0 1 1 0 0 2 0 Nov 2026 2 1 1 0 0 0 2 2 all 4 1 2 1 0 0 4 2",
        "Oct 2026 1 4 min 4 min 30 min 30 min 50 min 50 min Nov 2026 2 1 min 1 min 2 min 2 min – –",
        "Sep 2026 0 0 – – 0 – Oct 2026 2 1 50 % 9 % to 91 % 1 few: read with care",
    ):
        assert line in page
    assert "All 3 months in detail" in page
    assert "in detail" not in ray.reads("/reports?month=2026-11")


def test_every_line_of_a_file_names_its_clinic_and_month(november: Office, ray: Staffer) -> None:
    with transaction(november.app.sessions) as session:
        add_alert(session, 1, MONDAY - timedelta(days=14), outcome="well")
        add_alert(session, 2, MONDAY - timedelta(days=14), outcome="seen", reasons=[PAIN])
        add_alert(session, 3, outcome="seen")
    lines = table(ray, "rules", "month=2026-09&until=2026-11")
    assert [(r["clinic"], r["month"], r["rule"], r["closed alerts"], r["share"]) for r in lines] == [
        ("Smile Dental", "2026-10", "pain-lasting", "1", "1"),
        ("Smile Dental", "2026-10", "pus", "1", "0"),
        ("Smile Dental", "2026-11", "pus", "1", "1"),
        ("Smile Dental", "all", "pus", "2", "0.5"),
        ("Smile Dental", "all", "pain-lasting", "1", "1"),
    ]
    for key in ("replies", "reply-times", "load", "answer-times", "outcomes", "rules"):
        months = {row["month"] for row in table(ray, key, "month=2026-10&until=2026-11")}
        assert months in ({"2026-10", "2026-11", "all"}, set())
        assert {row["month"] for row in table(ray, key)} in ({"2026-11"}, set())


def test_nothing_of_another_clinic_counts(november: Office, ray: Staffer) -> None:
    with transaction(november.app.sessions) as session:
        other = add_clinic(session, {"name": "Other Dental", "timezone": "America/New_York"}, now=november.clock.now())
        alert = add_alert(session, 1, outcome="seen", clinic_id=other.id, pages=2, steps={"alert_taken": 5})
        assert session.get_one(Clinic, alert.clinic_id).name == "Other Dental"
    page = ray.reads("/reports?month=2026-11")
    assert "No alert came up" in page
    assert "Nobody has closed an alert" in page
    assert "No urgent or emergency alert was taken" in page
    assert table(ray, "load") == []


def test_pictures_may_do_nothing_but_be_looked_at(november: Office, ray: Staffer) -> None:
    hostile = {"text": "<script>alert(1)</script>", "rule": '"><script>alert(1)</script>'}
    with transaction(november.app.sessions) as session:
        add_alert(session, 1, outcome="seen", reasons=[PUS | hostile], steps={"alert_taken": 5})
    page = ray.get("/reports?month=2026-11")
    assert "<script>alert" not in page.text
    for key in ("replies", "reply-times", "load", "answer-times", "outcomes", "rules"):
        for more in ("", "&narrow=1"):
            answer = ray.get(f"/reports/{key}.svg?month=2026-11{more}")
            assert answer.headers["content-type"] == "image/svg+xml"
            assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
            assert "<script" not in answer.text
            assert answer.text.replace("http://www.w3.org/", "").find("http") < 0
    assert answer.text.count("<svg") == 1


def test_a_cell_that_a_spreadsheet_would_run_is_written_as_words(november: Office, ray: Staffer) -> None:
    with transaction(november.app.sessions) as session:
        add_alert(session, 1, outcome="seen", reasons=[PUS | {"rule": "=1+1", "text": "@SUM(A1)"}])
    assert [(row["rule"], row["what it says"]) for row in table(ray, "rules")] == [("'=1+1", "'@SUM(A1)")]


@pytest.mark.parametrize(
    "asked",
    ["month=banana", "month=2026-13", "month=1026-11", "month=2026-11&until=2026-10", "month=2020-01&until=2026-01",
     "month=%00%27;--", "month=" + "9" * 10_000, "month=2026-1١"],
)  # fmt: skip
def test_months_that_are_none_are_refused_and_explained(office: Office, ray: Staffer, asked: str) -> None:
    for path in ("/reports", "/reports/load.csv", "/reports/load.svg"):
        answer = ray.get(f"{path}?{asked}")
        assert answer.status_code == 422
        assert "a month" in answer.text


def test_only_those_who_may_read_reports_do(office: Office, desk: Staffer, boss: Staffer) -> None:
    for path in ("/reports", "/reports/rules.csv", "/reports/rules.svg"):
        assert desk.get(path).status_code == 403
        assert boss.get(path).status_code == 200
        assert office.web is not None
        assert boss.elsewhere().get(path).headers["location"].startswith("/sign-in")
    assert boss.get("/reports/secrets.csv").status_code == 404


def test_an_empty_month_says_so_kindly(office: Office, ray: Staffer) -> None:
    page = ray.get("/reports?month=2026-01")
    assert "No check-in was asked" in page.text
    assert '<img src="/reports/' not in page.text
    with transaction(office.app.sessions) as session:
        assert session.query(Event).filter(Event.kind == "viewed").count() == 0  # figures are nobody's record
