"""The inbox: what waits for a person and is no patient's alert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from monitor.db import transaction
from monitor.models import Alert, Event, Inbound, Message, Patient, Task
from monitor.services.clinic import the_clinic
from monitor.services.settle import add_task
from monitor.worklists.task_words import TASKS
from tests.web.console.conftest import ANN, enrolled, texts
from tests.web.staffer import Office, Staffer, words_of

STRANGER, ANOTHER = "+12025550133", "+12025550134"
MONITOR = Path(__file__).parents[3] / "monitor"


def lists_task(office: Office, kind: str, once: str = "one", *, clinic: int | None = None, **about: object) -> int:
    with transaction(office.app.sessions) as session:
        where = clinic or the_clinic(session).id
        add_task(session, kind, once, clinic_id=where, now=office.clock.now(), **about)  # type: ignore[arg-type]
        return session.scalars(select(Task.id).where(Task.once == once)).one()


@contextmanager
def statements_of(office: Office) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    event.listen(office.app.engine, "before_cursor_execute", note)
    yield asked
    event.remove(office.app.engine, "before_cursor_execute", note)


def waiting_text(office: Office, number: str) -> Message | None:
    with transaction(office.app.sessions) as session:
        newest = select(Message).where(Message.to_number == number).order_by(Message.id.desc())
        return session.scalars(newest.limit(1)).first()


def test_an_empty_inbox_says_so_kindly(desk: Staffer) -> None:
    assert "The inbox is empty" in desk.reads("/inbox")


def test_every_kind_of_task_that_the_program_lists_has_words_and_an_advice() -> None:
    source = "\n".join(path.read_text() for path in (MONITOR / "services").glob("*.py"))
    listed = set(re.findall(r'add_task\(\s*session,\s*"(\w+)"', source))
    listed |= set(re.findall(r'add_task\(\s*self\.session,\s*"(\w+)"', source))
    listed |= {"undelivered", "call_now"}  # chosen by the provider's code, in settle.py
    assert len(listed) > 9
    assert listed - set(TASKS) == set()
    assert all(words.happened.endswith(".") and words.advice.endswith(".") for words in TASKS.values())


@pytest.mark.parametrize("kind", sorted(TASKS.keys() - {"unknown_number"}))
def test_a_task_stands_there_in_words_until_it_is_done(office: Office, desk: Staffer, kind: str) -> None:
    enrolled(office)
    lists_task(office, kind, patient_id=1)
    page = desk.reads("/inbox")
    assert "Ann Carter" in page
    assert TASKS[kind].happened in page
    assert TASKS[kind].advice in page
    assert desk.does("/inbox", "task", task="1").headers["location"] == "/inbox?said=done"
    assert "The inbox is empty" in desk.reads("/inbox")


def test_whoever_is_second_to_do_a_task_reads_who_was_first(office: Office, desk: Staffer, boss: Staffer) -> None:
    lists_task(office, "provider_settings")
    form = boss.filled("/inbox", "task", task="1")
    desk.does("/inbox", "task", task="1")
    second = boss.post("/inbox", form)
    assert second.status_code == 409
    assert "Dee Desk did this at 12:00 on 01 Nov." in words_of(second)


def test_what_cannot_wait_comes_first(office: Office, desk: Staffer) -> None:
    enrolled(office)
    lists_task(office, "in_doubt", "a", patient_id=1)
    office.clock.forward(minutes=5)
    lists_task(office, "call_now", "b", patient_id=1)
    page = desk.reads("/inbox")
    assert page.index(TASKS["call_now"].happened) < page.index(TASKS["in_doubt"].happened)


def test_a_strangers_words_and_our_answer_stand_there(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "is this the dentist?")
    page = desk.reads("/inbox")
    assert STRANGER in page
    assert "They wrote: is this the dentist?" in page
    assert "We wrote:" in page


def test_a_stranger_is_texted_back_once_however_often_the_form_is_sent(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "is this the dentist?")
    form = desk.filled("/inbox", "text", body="Yes. Who are you?")
    assert desk.post("/inbox", form).headers["location"] == "/inbox?said=texted"
    assert desk.post("/inbox", form).headers["location"] == "/inbox?said=texted"
    with transaction(office.app.sessions) as session:
        sent = session.scalars(select(Message).where(Message.body == "Yes. Who are you?")).all()
        who = session.scalars(select(Event.actor).where(Event.kind == "texted")).all()
    assert [(text.to_number, text.kind, text.clinic_id) for text in sent] == [(STRANGER, "answer", 1)]
    assert who == [f"staff:{desk.id}"]
    office.ticks.everything()
    assert "We wrote: Yes. Who are you?" in desk.reads("/inbox")


def test_a_stranger_who_is_a_patient_is_enrolled_without_typing_the_number_again(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "When is my next visit?")
    page = desk.get("/inbox").text
    assert f'<button form="enrol-number" name="phone" value="{STRANGER}">' in page
    form = desk.does("/inbox", "check", at="/enrol", phone=STRANGER)
    assert form.status_code == 200
    assert f'name="phone" type="tel" value="{STRANGER}"' in form.text
    assert "Still needed: the name, the date of surgery, how they agreed." in words_of(form)
    assert not re.search(r'(?:href|action)="/[^"]*2025550', page), "a number may stand in no address of ours"


def test_who_texted_stop_is_not_texted(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "is this the dentist?")
    form = desk.filled("/inbox", "text", body="Hello")
    texts(office, STRANGER, "STOP")
    assert "No text from us reaches this number." in desk.reads("/inbox")
    assert desk.post("/inbox", form).status_code == 422
    assert waiting_text(office, STRANGER).body != "Hello"  # type: ignore[union-attr]


def test_a_number_that_is_done_stands_there_again_when_it_texts_again(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "hello")
    assert desk.does("/inbox", "finish").headers["location"] == "/inbox?said=done"
    assert "The inbox is empty" in desk.reads("/inbox")
    texts(office, STRANGER, "are you there")
    assert "They wrote: are you there" in desk.reads("/inbox")
    assert desk.reads("/inbox").count("Mark as done") == 1


def test_what_is_only_to_be_read_is_closed_by_the_desk_with_an_outcome(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "there is yellow pus")
    with transaction(office.app.sessions) as session:
        alert = session.scalars(select(Alert)).one()
        alert.band, alert.kind = "soon", "review"
    done = desk.does("/inbox", "finish", outcome="misread", note="a wrong number")
    assert done.headers["location"] == "/inbox?said=done"
    with transaction(office.app.sessions) as session:
        alert = session.scalars(select(Alert)).one()
        assert (alert.state, alert.outcome, alert.note, alert.taken_by_id) == (
            "closed",
            "misread",
            "a wrong number",
            desk.id,
        )
        assert session.scalars(select(Task.closed_at)).one() is not None


def test_what_may_be_urgent_is_closed_by_a_clinician_alone(office: Office, desk: Staffer, ray: Staffer) -> None:
    texts(office, STRANGER, "there is yellow pus")
    assert "A clinician closes this one" in desk.reads("/inbox")
    form = ray.filled("/inbox", "finish", outcome="advised")
    forged = {**form, "csrf": desk.filled("/inbox", "text")["csrf"]}
    assert desk.post("/inbox", forged).status_code == 403
    assert ray.post("/inbox", form).headers["location"] == "/inbox?said=done"


def test_not_reached_pages_on_and_the_number_stays(office: Office, ray: Staffer) -> None:
    texts(office, STRANGER, "there is yellow pus")
    ray.does("/inbox", "finish", outcome="not_reached")
    assert STRANGER in ray.reads("/inbox")
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Alert.state)).one() == "open"


@pytest.mark.parametrize("outcome", ["", "cured", "<script>", "x" * 10_000])
def test_an_outcome_that_is_on_no_list_is_refused_and_the_note_is_kept(
    office: Office, ray: Staffer, outcome: str
) -> None:
    texts(office, STRANGER, "there is yellow pus")
    refused = ray.does("/inbox", "finish", outcome=outcome, note="called <b>twice</b>")
    assert refused.status_code == 422
    assert "called &lt;b&gt;twice&lt;/b&gt;" in refused.text
    assert "<script>" not in refused.text.replace('<script src="/static/console.js" defer>', "")


def test_whoever_writes_again_meanwhile_is_not_done_with(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "hello")
    form = desk.filled("/inbox", "finish")
    texts(office, STRANGER, "and my jaw is numb?")
    second = desk.post("/inbox", form)
    assert second.status_code == 409
    assert "They have written again" in words_of(second)


def test_two_who_are_done_with_one_number(office: Office, desk: Staffer, boss: Staffer) -> None:
    texts(office, STRANGER, "hello")
    form = boss.filled("/inbox", "finish")
    desk.does("/inbox", "finish")
    assert boss.post("/inbox", form).status_code == 409


@pytest.mark.parametrize("body", ["", " ", "x" * 460, "x" * 10_000])
def test_a_text_of_a_wrong_length_is_refused_at_its_field(office: Office, desk: Staffer, body: str) -> None:
    texts(office, STRANGER, "hello")
    refused = desk.does("/inbox", "text", body=body)
    assert refused.status_code == 422
    assert "it must be 1 to 459 characters." in words_of(refused)


@pytest.mark.parametrize("number", ["", "+12025550199", "' OR 1=1 --", "x" * 5000, "\x00"])
def test_no_number_but_one_of_the_inbox_is_texted(office: Office, desk: Staffer, number: str) -> None:
    texts(office, STRANGER, "hello")
    before = waiting_text(office, "+12025550199")
    assert desk.does("/inbox", "text", number=number, body="Hello").status_code == 404
    assert waiting_text(office, "+12025550199") == before


@pytest.mark.parametrize("task", ["", "0", "7", "-1", "9" * 11, "9" * 40, "one", "²"])
def test_no_task_but_one_of_the_inbox_is_done(office: Office, desk: Staffer, task: str) -> None:
    lists_task(office, "provider_settings")
    refused = desk.does("/inbox", "task", task=task)
    assert refused.status_code in {404, 422}
    assert TASKS["provider_settings"].happened in desk.reads("/inbox")


def test_a_wrong_number_leads_to_the_page_where_it_is_corrected(office: Office, desk: Staffer) -> None:
    episode = enrolled(office)
    texts(office, ANN, "wrong number, I am not Ann")
    page = desk.get("/inbox")
    assert "somebody else has it, and said so" in words_of(page)
    assert f'href="/episodes/{episode}#contact"' in page.text


def test_a_reply_that_a_person_must_read_leads_to_its_alert(office: Office, desk: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "can I eat nuts tomorrow?")
    page = desk.get("/inbox")
    assert "Replies to read" in words_of(page)
    assert "can I eat nuts tomorrow?" in words_of(page)
    assert 'href="/alerts/1"' in page.text


def test_another_clinics_inbox_is_its_own(office: Office, desk: Staffer, elsewhere: int) -> None:
    other = office.hires("Oz Other", "+12025550179", role="manager", clinic=elsewhere)
    texts(office, STRANGER, "hello from nowhere")
    enrolled(office)
    lists_task(office, "undelivered", patient_id=1)
    theirs = lists_task(office, "provider_settings", "theirs", clinic=elsewhere)
    page = other.reads("/inbox")
    assert "Ann Carter" not in page
    assert "hello from nowhere" not in page
    assert STRANGER not in page
    stolen = desk.does("/inbox", "task", task=str(theirs))
    assert stolen.status_code == 404
    form = desk.filled("/inbox", "finish")
    form["csrf"] = other.filled("/inbox", "task")["csrf"]
    assert other.post("/inbox", form).status_code == 404
    assert STRANGER in desk.reads("/inbox")


def test_a_hostile_text_is_only_a_text(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "<script>alert(1)</script>")
    page = desk.get("/inbox").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_who_is_shown_is_logged(office: Office, desk: Staffer) -> None:
    enrolled(office)
    lists_task(office, "undelivered", patient_id=1)
    desk.reads("/inbox")
    with transaction(office.app.sessions) as session:
        line = session.scalars(select(Event).where(Event.kind == "viewed").order_by(Event.id.desc()).limit(1)).one()
    assert (line.actor, line.patient_id, line.detail["what"]) == (f"staff:{desk.id}", 1, "the inbox")


def test_a_number_that_has_become_a_patients_says_whose(office: Office, desk: Staffer) -> None:
    texts(office, STRANGER, "hello")
    episode = enrolled(office, "Cy Young", STRANGER)
    page = desk.get("/inbox")
    assert "Cy Young" in words_of(page)
    assert f"/episodes/{episode}" in page.text


def test_five_hundred_numbers_and_tasks_are_asked_for_by_few_statements(office: Office, desk: Staffer) -> None:
    now = office.clock.now()
    with transaction(office.app.sessions) as session:
        clinic = the_clinic(session)
        patient = Patient(
            clinic_id=clinic.id,
            name="P",
            phone=ANOTHER,
            timezone="UTC",
            language="en",
            consented_at=now,
            consent_how="form",
            created_at=now,
        )
        session.add(patient)
        session.flush()
        for n in range(500):
            row = Inbound(sid=f"SM{n}", from_number=f"+1303555{n:04}", to_number="x", body="hello", received_at=now)
            row.handled_at, row.result = now, "unknown_number"
            session.add(row)
            session.flush()
            common = {"clinic_id": clinic.id, "opened_at": now}
            session.add(Task(once=f"u{n}", kind="unknown_number", inbound_id=row.id, **common))
            session.add(Task(once=f"t{n}", kind="undelivered", patient_id=patient.id, **common))
    with statements_of(office) as statements:
        page = desk.get("/inbox")
    assert page.status_code == 200
    assert page.text.count('class="card stranger"') == 100
    assert page.text.count('class="card task"') == 200
    words = words_of(page)
    for part in ("Unknown numbers 500", "To do 500", "The first 100 of 500 stand here", "The first 200 of 500 stand"):
        assert part in words, part
    assert len(statements) < 40


def test_of_many_numbers_the_worst_stands_first_and_each_can_be_done(
    office: Office, desk: Staffer, ray: Staffer
) -> None:
    now = office.clock.now()
    with transaction(office.app.sessions) as session:
        for n in range(120):
            row = Inbound(sid=f"SM{n}", from_number=f"+1303555{n:04}", to_number="x", body="hello", received_at=now)
            row.handled_at, row.result = now, "unknown_number"
            session.add(row)
            session.flush()
            session.add(Task(once=f"u{n}", kind="unknown_number", inbound_id=row.id, clinic_id=1, opened_at=now))
    office.clock.forward(minutes=5)
    texts(office, STRANGER, "there is yellow pus")
    office.clock.forward(minutes=5)
    texts(office, ANOTHER, "STOP")
    page = words_of(ray.get("/inbox"))
    assert page.index(STRANGER) < page.index("+13035550000")
    assert "+13035550119" not in page  # it stands behind the first hundred
    form = desk.filled("/inbox", "finish") | {"number": "+13035550119"}  # as seen of another one
    assert desk.post("/inbox", form).status_code == 409


def test_the_bar_says_on_every_page_how_much_waits(office: Office, desk: Staffer, elsewhere: int) -> None:
    assert "to do" not in desk.reads("/rota")
    lists_task(office, "in_doubt", "one")
    lists_task(office, "in_doubt", "two", clinic=elsewhere)
    texts(office, STRANGER, "hello")
    assert "Inbox 2 to do" in desk.reads("/rota")
    desk.does("/inbox", "finish")
    assert "Inbox 1 to do" in desk.reads("/account")


def test_the_bar_counts_what_stands_in_the_inbox_in_the_order_of_its_parts(office: Office, desk: Staffer) -> None:
    for number, name in (("+12025550101", "Ann Carter"), ("+12025550102", "Ben Petrov")):
        enrolled(office, name, number)
    lists_task(office, "in_doubt", "a", patient_id=1)
    texts(office, STRANGER, "hello")
    texts(office, ANOTHER, "there is yellow pus")
    texts(office, ANN, "can I drink beer?")
    texts(office, "+12025550102", "wrong number, I am not Ben")
    page = desk.get("/inbox").text
    chips = re.findall('<a href="#([a-z]+)">[^<]*? ([0-9]+)</a>', page)
    assert [name for name, _ in chips] == re.findall('<section[^>]* id="(tasks|numbers|replies|wrong)"', page)
    assert [name for name, _ in chips] == ["tasks", "numbers", "replies", "wrong"]
    assert int(re.findall('<b class="count">([0-9]+)', page)[0]) == sum(int(count) for _, count in chips)


def test_a_reply_to_read_has_its_band_and_is_opened(office: Office, desk: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "can I drink beer?")
    page = desk.get("/inbox").text
    assert '<h3><bdi>Ann Carter</bdi> <b class="badge soon">soon</b></h3>' in page
    assert '<a class="button strong" href="/alerts/1">Open' in page
