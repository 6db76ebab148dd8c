"""A patient's record: the timeline, the course, why each band, and what staff change."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Alert, Assessment, Episode, Event, Message, Patient
from monitor.queries import assessments_of
from monitor.services.rota import add_shift
from monitor.services.staff import add_staff
from tests.web.console.conftest import ANN, BEN, BOSS, DESK, enrolled, samples_of, texts
from tests.web.staffer import Office, Staffer

HERE = "/episodes/1"


@pytest.fixture
def ann(office: Office) -> str:
    """Ann on day 7, who was asked how it is."""
    enrolled(office)
    office.clock.forward(minutes=1)
    office.ticks.everything()
    return HERE


def states(office: Office, key: str) -> list[str]:
    with transaction(office.app.sessions) as session:
        return list(session.scalars(select(Message.state).where(Message.once == f"plan:1:{key}")))


def test_the_timeline_holds_texts_readings_alerts_and_notes_in_order(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus")
    ray.does(ann, "note", note="Called her")
    page = ray.reads(ann)
    for part in (
        "The patient wrote",
        "Day 7, read as: pus; with what was said before urgent",
        "staff are told",
        "Alert: urgent",
        "Note by Dr Ray",
    ):
        assert part in page, part
    assert page.index("Note by Dr Ray") < page.index("The patient wrote")
    assert "Pus on any day" in page


def test_an_alert_that_nobody_takes_fills_a_line_of_the_timeline_and_not_the_page(
    office: Office, ray: Staffer, ann: str
) -> None:
    with transaction(office.app.sessions) as session:
        clinic = session.get_one(Patient, 1).clinic
        add_staff(session, clinic, "Eve Eve", DESK, tier=2, now=office.clock.now())
        absent = add_staff(session, clinic, "Nia Never", BOSS, tier=3, now=office.clock.now())
        add_shift(session, absent.id, "mon", "08:00", "18:00", now=office.clock.now())  # and this is a Sunday
    texts(office, ANN, "there is yellow pus")
    for _ in range(12):
        office.clock.forward(minutes=16)
        office.ticks.everything()
    texts(office, ANN, "there still is yellow pus")
    office.clock.forward(minutes=16)
    office.ticks.everything()
    page = ray.reads(ann)
    told = r"Paged \d+ times between 12:01 and \d\d:\d\d: tier 1, tier 2, everyone.*?; nobody on call in tier 3"
    assert re.search(told, page)
    assert page.count("obody on call in") <= 2  # before the second text, and after it
    assert page.index("Alert: urgent") > page.index("Paged")


def test_what_came_of_an_alert_stands_in_the_protocols_words(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus")
    ray.does("/alerts/1", "outcome", outcome="advised")
    page = ray.reads(ann)
    assert "Dr Ray recorded the outcome: advised by phone" in page
    assert "Alert 1 , day 7: urgent advised by phone" in page


def test_a_date_of_another_year_has_its_year(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus")
    assert "Sun 1 Nov, 12:01" in ray.reads(ann)
    office.clock.forward(days=90)
    office.real_time.forward(seconds=1)
    assert "Sun 1 Nov 2026, 12:01" in ray.reads(ann)


@pytest.mark.parametrize("what", ["pain", "gum"])
def test_the_course_is_a_picture_with_the_numbers_beneath(office: Office, ray: Staffer, ann: str, what: str) -> None:
    texts(office, ANN, "pain 5, swelling is the same")
    picture = ray.get(f"{ann}/{what}.svg")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert "script" not in picture.text
    assert "7 5 up to 3 the same up to going down" in ray.reads(ann)
    assert ray.get(f"{ann}/{what}.svg?narrow=1").status_code == 200
    assert ray.elsewhere().get(f"{ann}/{what}.svg").status_code == 303


def test_a_clinician_overrules_a_finding_and_it_is_recorded(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus")
    page = f"{ann}?overrule=1"
    done = ray.does(page, "overrule", sign="pus", presence="absent", pain="", why="It was mustard")
    assert done.headers["location"] == f"{ann}?said=overruled"
    with transaction(office.app.sessions) as session:
        old, new = session.scalars(select(Assessment).order_by(Assessment.id)).all()
        assert (old.band, new.band, new.corrects_id, new.corrected_by_id) == ("urgent", "expected", old.id, ray.id)
        assert [each.id for each in session.scalars(assessments_of(1))] == [new.id]
        kept = session.scalars(select(Event).where(Event.kind == "overruled")).one()
        assert (kept.actor, kept.patient_id, kept.detail["old"], kept.detail["new"]) == (
            f"staff:{ray.id}",
            1,
            "urgent",
            "expected",
        )
        assert session.get_one(Alert, 1).closed_at is None  # it ends by an outcome
    shown = ray.reads(ann)
    assert "Dr Ray overruled this: pus: no. It was mustard" in shown
    assert "Dr Ray overruled: pus: no. It was mustard" in ray.reads("/alerts/1")


def test_what_was_overruled_counts_no_more_for_the_next_text(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "pain 8")
    ray.does(f"{ann}?overrule=1", "overrule", sign="pain", presence="present", pain="2", why="She meant 2")
    texts(office, ANN, "gum is going down")
    with transaction(office.app.sessions) as session:
        latest = session.scalars(assessments_of(1)).first()
        assert latest is not None
        assert (latest.findings["pain"], latest.band) == (2, "expected")


def test_a_correction_for_the_worse_pages_like_any_finding(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "pain 1")
    with transaction(office.app.sessions) as session:
        assert session.scalar(select(Alert.id)) is None
    ray.does(f"{ann}?overrule=1", "overrule", sign="pus", presence="present", why="Seen on her photo")
    with transaction(office.app.sessions) as session:
        alert = session.scalars(select(Alert)).one()
        assert (alert.band, alert.signs, alert.state) == ("urgent", ["pus"], "open")
    office.ticks.everything()
    assert "URGENT" in ray.reads("/").upper()


def test_a_misread_sign_lives_on_in_no_later_text(office: Office, ray: Staffer, ann: str) -> None:
    """Three texts are one report: what was wrong in the first is wrong in what was read on top of it."""
    for words in ("there is yellow pus", "pain 2", "there is pus again"):
        texts(office, ANN, words)
    ray.does(f"{ann}?overrule=1", "overrule", sign="pus", presence="absent", why="It was mustard")
    texts(office, BEN, "hello")
    with transaction(office.app.sessions) as session:
        third, second, first = session.scalars(assessments_of(1)).all()
        assert [first.band, second.band] == ["expected", "expected"]
        assert (third.band, third.corrects_id) == ("urgent", None)  # it says so itself
        assert second.findings["pain"] == 2
        assert second.correction == "in a text before this one: pus: no. It was mustard"
    ray.does(f"{ann}?overrule={third.id}", "overrule", sign="pus", presence="absent", why="Mustard, too")
    texts(office, ANN, "gum is going down")
    with transaction(office.app.sessions) as session:
        latest = session.scalars(assessments_of(1)).first()
        assert latest is not None
        assert latest.band == "expected"


def test_what_was_overruled_before_staff_helped_changes_nothing_after_it(
    office: Office, ray: Staffer, ann: str
) -> None:
    texts(office, ANN, "there is yellow pus")
    ray.does("/alerts/1", "outcome", outcome="seen")
    texts(office, ANN, "pain 2")
    ray.does(f"{ann}?overrule=1", "overrule", sign="pus", presence="absent", why="It was mustard")
    with transaction(office.app.sessions) as session:
        assert [each.correction for each in session.scalars(assessments_of(1))] == [None, "pus: no. It was mustard"]


@pytest.mark.parametrize(
    ("given", "band"),
    [({"trend": "better"}, "expected"), ({"trend": "same"}, "urgent"), ({"trend": ""}, "urgent")],
)
def test_how_it_goes_is_corrected_for_swelling_and_redness_at_once(
    office: Office, ray: Staffer, ann: str, given: dict[str, str], band: str
) -> None:
    texts(office, ANN, "swelling and redness are worse, pain 5")
    ray.does(f"{ann}?overrule=1", "overrule", sign="pain", presence="present", pain="2", why="heard her")
    ray.does(f"{ann}?overrule=2", "overrule", sign="gum", presence="present", why="meant 1", **given)
    with transaction(office.app.sessions) as session:
        latest = session.scalars(assessments_of(1)).first()
        assert latest is not None
        expected = given["trend"] or "worse"
        assert latest.findings["trend"] == {"swelling": expected, "redness": expected}
        assert latest.band == ("soon" if given["trend"] == "same" else band)


def test_a_temperature_and_how_much_blood_are_corrected(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "fever 38.9 and some blood")
    ray.does(f"{ann}?overrule=1", "overrule", sign="fever", presence="present", temp="37,2", why="misread")
    ray.does(f"{ann}?overrule=2", "overrule", sign="bleeding", presence="present", amount="trace", why="a trace")
    with transaction(office.app.sessions) as session:
        latest = session.scalars(assessments_of(1)).first()
        assert latest is not None
        assert (latest.findings["temp_c"], latest.findings["amount"]) == (37.2, {"bleeding": "trace"})


def test_who_overrules_sees_the_text_and_chooses(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus")
    assert "how this text of Sun 1 Nov" in ray.reads(f"{ann}?overrule=1")
    form = ray.filled(f"{ann}?overrule=1", "overrule", why="no")
    assert (form.get("sign", ""), form.get("presence", "")) == ("", "")
    assert ray.post(ann, form).status_code == 422
    for number in ("99", "x", "1" * 12):
        assert "how this text" not in ray.reads(f"{ann}?overrule={number}")


def test_what_a_clinician_says_is_no_word_of_the_patients(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "pain 1")
    ray.does(f"{ann}?overrule=1", "overrule", sign="pus", presence="present", why="Seen on her photo")
    assert "Dr Ray overruled: pus: yes. Seen on her photo Pus on any day" in ray.reads("/alerts/1")
    assert '<p class="said"' not in ray.get("/").text


def test_a_pain_that_is_not_there_has_no_number(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "pain 1")
    answer = ray.does(f"{ann}?overrule=1", "overrule", sign="pain", presence="absent", pain="8", why="which?")
    assert answer.status_code == 422
    with transaction(office.app.sessions) as session:
        assert len(session.scalars(select(Assessment)).all()) == 1


def test_a_correction_pages_nobody_for_what_was_dealt_with(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus, pain 3")
    ray.does("/alerts/1", "outcome", outcome="seen")
    ray.does(f"{ann}?overrule=1", "overrule", sign="pain", presence="present", pain="2", why="She meant 2")
    with transaction(office.app.sessions) as session:
        assert len(session.scalars(select(Alert.id)).all()) == 1
    ray.does(f"{ann}?overrule=2", "overrule", sign="pain", presence="present", pain="9", why="No: 9")
    with transaction(office.app.sessions) as session:
        again = session.scalars(select(Alert).order_by(Alert.id.desc())).first()
        assert again is not None
        assert (again.id, again.band, again.signs, again.state) == (2, "urgent", ["pain"], "open")


def test_a_reading_is_overruled_once(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus")
    form = ray.filled(f"{ann}?overrule=1", "overrule", sign="pus", presence="absent", why="no")
    assert ray.post(ann, form).status_code == 303
    second = ray.post(ann, form)
    assert second.status_code == 409
    assert "has overruled this reading already" in second.text


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("assessment", "99", 422),
        ("assessment", "x", 422),
        ("sign", "aura", 422),
        ("presence", "perhaps", 422),
        ("pain", "11", 422),
        ("pain", "-1", 422),
        ("pain", "3", 422),  # beside a sign that is not pain
        ("temp", "39", 422),
        ("temp", "hot", 422),
        ("amount", "trace", 422),
        ("amount", "lots", 422),
        ("trend", "better", 422),  # of what is not there
        ("trend", "sideways", 422),
        ("why", "", 422),
        ("why", "x" * 301, 422),
        ("why", "a\x00b\x1b", 422),
    ],
)
def test_a_correction_that_cannot_be_used_is_refused(
    office: Office, ray: Staffer, ann: str, field: str, value: str, status: int
) -> None:
    texts(office, ANN, "there is yellow pus")
    given = {"sign": "pus", "presence": "absent", "pain": "", "why": "because"} | {field: value}
    form = ray.filled(f"{ann}?overrule=1", "overrule")
    assert ray.post(ann, form | given).status_code == status
    with transaction(office.app.sessions) as session:
        assert len(session.scalars(select(Assessment)).all()) == 1


def test_only_a_clinician_overrules(office: Office, desk: Staffer, boss: Staffer, ann: str) -> None:
    texts(office, ANN, "there is yellow pus")
    for person in (desk, boss):
        assert "Overrule a reading" not in person.reads(f"{ann}?overrule=1")
        csrf = person.filled(ann, "note")["csrf"]
        given = {"csrf": csrf, "do": "overrule", "assessment": "1", "sign": "pus", "presence": "absent", "why": "no"}
        assert person.post(ann, given).status_code == 403


def test_texts_are_paused_and_go_on(office: Office, desk: Staffer, ann: str) -> None:
    until = (office.clock.now() + timedelta(days=10)).date()
    assert desk.does(ann, "pause", until=until.isoformat()).headers["location"] == f"{ann}?said=paused"
    assert "paused until" in desk.reads(ann)
    office.clock.forward(days=8)  # day 15: the check-in of day 14 was due
    office.ticks.everything()
    assert states(office, "checkin-14") == ["planned"]
    assert desk.does(ann, "resume").headers["location"] == f"{ann}?said=resumed"
    office.ticks.everything()
    assert states(office, "checkin-14") in (["sent"], ["delivered"])


def test_what_is_of_no_use_after_a_pause_is_left_out_with_that_reason(office: Office, desk: Staffer, ann: str) -> None:
    desk.does(ann, "pause", until=(office.clock.now() + timedelta(days=30)).date().isoformat())
    office.clock.forward(days=8)
    office.ticks.everything()
    assert states(office, "checkin-14") == ["skipped"]
    assert "the staff have paused the texts" in desk.reads(ann)


def test_a_pause_shows_what_it_does_to_the_calendar(office: Office, desk: Staffer) -> None:
    enrolled(office, day=3)
    desk.does(HERE, "pause", until="2026-11-10")
    coming, others = desk.reads(HERE).split("What will be sent when")[1].split("What becomes of the others")
    assert "Tue 10 Nov 2026 09:00 · day 12 Check-in of day 7" in coming
    assert "Check-in of day 4" not in coming
    assert "Check-in of day 4: will be left out: the staff have paused the texts of this episode" in others
    assert "Tue 10 Nov, 09:00" in desk.reads("/patients"), "the next text"
    assert "paused until Tue 10 Nov 2026" in desk.reads("/patients")
    while office.clock.now().date() < date(2026, 11, 11):
        office.clock.forward(hours=6)
        office.ticks.everything()
    assert states(office, "checkin-4") == ["skipped"]
    with transaction(office.app.sessions) as session:
        sent = session.scalars(select(Message.sent_at).where(Message.once == "plan:1:checkin-7")).one()
    assert sent is not None
    assert sent.date() == date(2026, 11, 10)


def test_a_pause_ends_on_the_patients_own_day(office: Office, desk: Staffer) -> None:
    enrolled(office, timezone="Pacific/Auckland")
    desk.does(HERE, "pause", until="2026-11-10")
    assert "paused until Tue 10 Nov 2026" in desk.reads(HERE)


def test_the_day_is_the_patients_own(office: Office, ray: Staffer) -> None:
    """At noon on Sunday in New York it is Monday in Auckland."""
    enrolled(office, timezone="Pacific/Auckland")
    assert "Ann Carter , day 8" in ray.reads(HERE)


def test_before_the_surgery_it_says_in_how_many_days(office: Office, ray: Staffer) -> None:
    enrolled(office, day=-10)
    assert "Ann Carter , surgery in 10 days" in ray.reads(HERE)
    assert "surgery in 10 days" in ray.reads("/patients")
    assert "day -" not in ray.reads(HERE)


def test_who_gets_no_texts_is_promised_none(office: Office, desk: Staffer, ann: str) -> None:
    with transaction(office.app.sessions) as session:
        session.get_one(Patient, 1).opted_out_at = office.clock.now()
    page = desk.reads(ann)
    assert "No further text will be sent." in page
    assert "Check-in of day 14: will be left out: the patient has opted out" in page


@pytest.mark.parametrize(
    "until", ["", "yesterday", "2026-11-01", "2020-01-01", "2027-12-01", "9999-12-31", "0001-01-01"]
)
def test_a_pause_that_cannot_be_is_refused_at_its_field(office: Office, desk: Staffer, ann: str, until: str) -> None:
    answer = desk.does(ann, "pause", until=until)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_stopping_takes_back_every_text(office: Office, desk: Staffer, ann: str) -> None:
    assert desk.does(ann, "stop").headers["location"] == f"{ann}?said=stopped"
    assert states(office, "checkin-14") == ["cancelled"]
    assert "texts stopped" in desk.reads(ann)
    assert "Stop the texts" not in desk.reads(ann)


def test_a_new_date_plans_anew_and_a_stale_form_is_refused(
    office: Office, desk: Staffer, ray: Staffer, ann: str
) -> None:
    stale = ray.filled(ann, "stop")
    surgery = (office.clock.now() - timedelta(days=2)).date()
    assert desk.does(ann, "reschedule", surgery=surgery.isoformat()).headers["location"] == f"{ann}?said=planned"
    assert "day 2" in desk.reads(ann)
    refused = ray.post(ann, stale)
    assert refused.status_code == 409
    assert "plan has been changed since" in refused.text
    with transaction(office.app.sessions) as session:
        assert session.get_one(Episode, 1).cancelled_at is None


def test_a_crown_that_was_noted_by_mistake_is_taken_back(office: Office, desk: Staffer, ann: str) -> None:
    assert states(office, "crown") == ["planned"]
    desk.does(ann, "reschedule", crown="2026-10-30")
    assert states(office, "crown") == ["skipped"]
    assert "crown 30 Oct 2026" in desk.reads(ann)
    assert desk.does(ann, "reschedule", crown="").headers["location"] == f"{ann}?said=planned"
    assert "· crown" not in desk.reads(ann)
    assert states(office, "crown") == ["planned"]


@pytest.mark.parametrize(
    ("field", "allowed"), [("surgery", "without it no text can be planned"), ("timezone", "a zone&#39;s name")]
)
def test_a_field_that_is_needed_is_not_emptied_in_silence(
    office: Office, desk: Staffer, ann: str, field: str, allowed: str
) -> None:
    refused = desk.does(ann, "reschedule", **{field: ""})
    assert refused.status_code == 422
    assert allowed in refused.text
    with transaction(office.app.sessions) as session:
        assert session.scalar(select(Event.id).where(Event.kind == "episode_changed")) is None


def test_after_a_corrected_date_old_readings_stand_on_their_day_as_it_is_counted_now(
    office: Office, desk: Staffer, ann: str
) -> None:
    """Which rules they were read by stays; the course, whose expected range counts from the surgery, moves."""
    texts(office, ANN, "pain 5, swelling is the same")
    assert "Day 7, read as" in desk.reads(ann)
    assert "7 5 up to 3 the same" in desk.reads(ann)
    desk.does(ann, "reschedule", surgery="2026-10-28")
    page = desk.reads(ann)
    assert "Day 7 (day 4 as counted now), read as" in page
    assert "4 5 up to" in page
    assert "7 5 up to" not in page


def test_a_wrong_number_is_corrected_and_what_waits_goes_to_the_right_one(
    office: Office, desk: Staffer, ann: str
) -> None:
    with transaction(office.app.sessions) as session:
        session.get_one(Patient, 1).bad_number_at = office.clock.now()
    assert "wrong number" in desk.reads(ann)
    assert desk.does(ann, "contact", phone="(202) 555-0102", name="Ann M Carter").status_code == 303
    with transaction(office.app.sessions) as session:
        ann_now = session.get_one(Patient, 1)
        assert (ann_now.phone, ann_now.name, ann_now.bad_number_at) == (BEN, "Ann M Carter", None)
        waiting = session.scalars(select(Message.to_number).where(Message.state == "planned")).all()
        assert waiting
        assert set(waiting) == {BEN}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "12"),
        ("phone", "+44 20 7946 0018"),
        ("name", ""),
        ("name", "x" * 121),
        ("language", "xx"),
        ("chart", "x" * 41),
    ],
)
def test_a_contact_that_cannot_be_used_is_refused(
    office: Office, desk: Staffer, ann: str, field: str, value: str
) -> None:
    answer = desk.does(ann, "contact", **{field: value})
    assert answer.status_code == 422
    with transaction(office.app.sessions) as session:
        assert session.get_one(Patient, 1).phone == ANN


def test_words_that_are_marks_are_shown_as_words(office: Office, ray: Staffer, ann: str) -> None:
    texts(office, ANN, '<script>alert(1)</script> & "pus"')
    page = ray.get(ann).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_record_holds_no_words_of_whoever_had_the_number_before(
    office: Office, ray: Staffer, ann: str, elsewhere: int
) -> None:
    """A number that was mistyped, or has gone to somebody else: at another clinic, too."""
    texts(office, ANN, "there is yellow pus")
    given = {"name": "Ann Carter", "phone": "+12025550144", "language": "en", "chart": ""}
    assert ray.does(ann, "contact", **given).status_code == 303
    other = office.seats("Oz Other", "+12025550188", role="clinician", clinic=elsewhere)
    theirs = samples_of(office, other, ANN, clinic=elsewhere)
    page = other.reads(f"/episodes/{theirs['episodes']}")
    assert page.count("The patient wrote") == 1  # their own
    texts(office, "+12025550144", "the same again")
    assert "the same again" in ray.reads(ann)
    assert "there is yellow pus" in ray.reads(ann)


def test_the_language_of_texts_is_a_word(desk: Staffer, ann: str) -> None:
    page = desk.get(ann).text
    assert "<dt>Texts in</dt><dd>English</dd>" in page
    assert '<option value="es">Spanish</option>' in page
