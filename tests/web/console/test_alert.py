"""One alert: who it is, why, and what staff do about it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.domain.delivery import State
from monitor.models import Alert, Event, Inbound, Message, Note, Page, PhoneText
from monitor.services.rota import add_shift
from monitor.services.settle import settle
from tests.web.console.conftest import ANN, BEN, BOSS, DESK, RAY, enrolled, texts
from tests.web.staffer import Office, Staffer


@pytest.fixture
def alert(office: Office, ray: Staffer) -> str:
    """Ann has written of pus on day 7, and Dr Ray was paged."""
    enrolled(office, risks=("smoking",))
    texts(office, ANN, "there is yellow pus")
    return "/alerts/1"


def shown_on(office: Office, phone: str) -> list[str]:
    with transaction(office.app.sessions) as session:
        return list(session.scalars(select(PhoneText.body).where(PhoneText.phone == phone, PhoneText.incoming)))


def lose(office: Office, once: str) -> None:
    """The provider reports that the first text of this name did not arrive."""
    with transaction(office.app.sessions) as session:
        text = session.scalars(select(Message).where(Message.once.startswith(once)).order_by(Message.id)).first()
        assert text is not None
        text.state = State.SENT  # the toy phones have shown it
        assert settle(session, text, State.UNDELIVERED, now=office.clock.now(), code=30005)


def row(office: Office) -> Alert:
    with transaction(office.app.sessions) as session:
        return session.get_one(Alert, 1)


def test_it_says_who_how_bad_since_when_why_and_whom_to_call(ray: Staffer, alert: str) -> None:
    page = ray.reads(alert)
    for part in (
        "Ann Carter , day 7",
        "urgent",
        "Pus on any day",
        "S0",
        "Nobody has taken it",
        "Smokes.",
        "Who was paged",
    ):
        assert part in page, part
    assert f'href="tel:{ANN}"' in ray.get(alert).text


def test_what_was_said_comes_first_then_what_is_to_be_done_then_why(ray: Staffer, alert: str) -> None:
    ray.does(alert, "take")
    page = ray.get(alert).text
    order = ["What was said lately", "there is yellow pus</p>", "What came of it", "Why this band", "Who was paged"]
    places = [page.index(words, page.index(order[0])) for words in order]
    assert places == sorted(places)
    assert 'href="#outcome">Record what came of it<' in page[: places[0]]


def test_the_worst_reasons_stand_open_and_the_others_unfold(office: Office, ray: Staffer, alert: str) -> None:
    texts(office, ANN, "fever 39, swelling is worse, bad smell, pain 8, heavy bleeding")
    page = ray.get(alert).text
    why = page[page.index("<h2>Why this band") : page.index("<h2>Who was paged")]
    folded = why.index("<details>")
    assert why[:folded].count("<tr>") == 1 + 3  # the heads of columns, and three reasons
    assert "more, which weigh less" in why
    assert "emergency" in why[:folded]
    assert "emergency" not in why[folded:]


def test_who_was_paged_is_a_line_for_each_person(office: Office, ray: Staffer, boss: Staffer, alert: str) -> None:
    for _ in range(8):  # all tiers, and round again
        office.clock.forward(minutes=31)
        office.ticks.everything()
    page = ray.reads(alert)
    paged = page[page.index("Who was paged") :]
    assert paged.count("Dr Ray") == 1
    assert re.search(r"Dr Ray : \d+ times, last Sun 1 Nov, \d\d:\d\d, arrived, no answer", paged)


def test_taking_it_stops_paging_and_starts_the_clock(office: Office, ray: Staffer, alert: str) -> None:
    assert ray.does(alert, "take").headers["location"] == "/alerts/1?said=taken"
    page = ray.reads("/alerts/1?said=taken")
    assert "It is yours" in page
    assert "You have it. An outcome is wanted by Sun 1 Nov, 16:00 (in 4 h)" in page
    office.clock.forward(minutes=40)
    office.ticks.everything()
    assert len([body for body in shown_on(office, RAY) if "Reply" in body]) == 1


def test_the_outcome_comes_from_the_protocols_list_and_closes_it(office: Office, ray: Staffer, alert: str) -> None:
    ray.does(alert, "take")
    assert ray.does(alert, "outcome", outcome="cured").status_code == 422
    done = ray.does(alert, "outcome", outcome="booked", note="comes at four")
    assert done.headers["location"] == "/alerts/1?said=outcome"
    assert (row(office).outcome, row(office).note, row(office).closed_at is None) == ("booked", "comes at four", False)
    page = ray.reads(alert)
    assert "appointment booked" in page
    assert "Note by Dr Ray · alert 1 comes at four" in page
    assert "What came of it" not in page


def test_not_reached_goes_back_to_paging(office: Office, ray: Staffer, alert: str) -> None:
    ray.does(alert, "take")
    assert ray.does(alert, "outcome", outcome="not_reached").headers["location"] == "/alerts/1?said=back"
    assert (row(office).state, row(office).closed_at) == ("open", None)


def test_a_word_on_an_outcome_is_there_for_whoever_is_next(
    office: Office, ray: Staffer, boss: Staffer, alert: str
) -> None:
    ray.does(alert, "outcome", outcome="not_reached", note="rang three times: in hospital")
    assert "rang three times: in hospital" in boss.reads(alert)
    boss.does(alert, "outcome", outcome="advised")
    assert "rang three times: in hospital" in ray.reads(alert)
    assert "Note by Dr Ray · alert 1 rang three times: in hospital" in ray.reads("/episodes/1")


def test_what_the_patient_wrote_meanwhile_is_not_closed_unread(office: Office, ray: Staffer, alert: str) -> None:
    ray.does(alert, "take")
    form = ray.filled(alert, "outcome", outcome="advised", note="rinse with salt")
    texts(office, ANN, "my tablets make me dizzy, should I stop them?")
    answer = ray.post(alert, form)
    assert answer.status_code == 409
    assert "Something has come to it: A person must read this" in answer.text
    assert "rinse with salt" in answer.text
    assert row(office).closed_at is None


def test_paging_that_goes_on_overtakes_nobody(office: Office, ray: Staffer, alert: str) -> None:
    form = ray.filled(alert, "outcome", outcome="advised")
    for _ in range(8):  # all tiers, and round again
        office.clock.forward(minutes=31)
        office.ticks.everything()
    assert row(office).rounds > 0
    assert ray.post(alert, form).status_code == 303


def test_what_an_unknown_number_wrote_stands_with_its_alert(office: Office, ray: Staffer) -> None:
    texts(office, BEN, "is this the dentist? my face is swollen and I cannot breathe well")
    page = ray.reads("/alerts/1")
    assert f"Unknown number {BEN}" in page
    assert "They wrote is this the dentist? my face is swollen and I cannot breathe well" in page
    ray.does("/alerts/1", "note", note="called: sent to hospital")
    assert "Note by Dr Ray called: sent to hospital" in ray.reads("/alerts/1")


def test_a_form_that_somebody_overtook_is_refused_and_keeps_what_was_typed(
    office: Office, ray: Staffer, boss: Staffer, alert: str
) -> None:
    form = boss.filled(alert, "outcome", outcome="seen", note="she is <b>fine</b>")
    ray.does(alert, "take")
    answer = boss.post(alert, form)
    assert answer.status_code == 409
    assert "Dr Ray has had it since 12:00" in answer.text
    assert "she is &lt;b&gt;fine&lt;/b&gt;" in answer.text
    assert row(office).closed_at is None
    again = boss.post(alert, form | {"seen": re.findall(r'name="seen" value="(\w+)"', answer.text)[0:1]})
    assert again.status_code == 303


def test_what_was_typed_about_an_alert_that_was_closed_elsewhere_can_be_kept(
    office: Office, ray: Staffer, boss: Staffer, alert: str
) -> None:
    form = boss.filled(alert, "outcome", outcome="seen", note="she is <b>fine</b>")
    ray.does(alert, "outcome", outcome="advised")
    answer = boss.post(alert, form)
    assert answer.status_code == 409
    assert "It was closed at 12:00" in answer.text
    assert "As outcome you had chosen: seen at the clinic." in answer.text
    assert re.search(r"<textarea [^>]* readonly>she is &lt;b&gt;fine&lt;/b&gt;</textarea>", answer.text)
    assert "Keep it as a note" in answer.text
    assert boss.post(alert, form | {"do": "note"}).headers["location"] == "/alerts/1?said=noted"
    assert "Note by Bo Boss · alert 1 she is <b>fine</b>" in ray.reads(alert)
    assert "What you had written" not in boss.reads(alert)


def test_handing_over_tells_the_colleague_all_they_need(
    office: Office, ray: Staffer, boss: Staffer, alert: str
) -> None:
    ray.does(alert, "take")
    assert ray.does(alert, "hand-over", to=str(boss.id)).headers["location"] == "/alerts/1?said=handed"
    office.ticks.everything()
    told = shown_on(office, BOSS)[-1]
    assert "It is yours: urgent, A.C." in told
    assert "Bo Boss has it" in ray.reads(alert)
    code = re.findall(r"reply (\d+) and a letter", told)[0]
    texts(office, BOSS, f"{code} B")
    assert row(office).outcome == "booked"


def test_a_hand_over_is_chosen_and_never_to_oneself(
    office: Office, ray: Staffer, boss: Staffer, desk: Staffer, alert: str
) -> None:
    with transaction(office.app.sessions) as session:
        add_shift(session, desk.id, "mon", "08:00", "18:00", now=office.clock.now())  # and this is a Sunday
    form = ray.get(alert).text
    options = re.findall(r'<option value="(\d*)"( selected)?>([^<]+)<', form)
    assert options == [
        ("", " selected", "Choose …"),
        (str(boss.id), "", "Bo Boss, manager, tier 3, on call now"),
        (str(desk.id), "", "Dee Desk, front desk, tier 2"),
    ]
    assert ray.does(alert, "hand-over").status_code == 422
    ray.does(alert, "take")
    assert "Take it over from Dr Ray" in boss.reads(alert)
    assert "Take it over" not in ray.reads(alert)


def test_a_hand_over_that_does_not_arrive_is_paged_anew(
    office: Office, ray: Staffer, boss: Staffer, desk: Staffer, alert: str
) -> None:
    ray.does(alert, "hand-over", to=str(boss.id))
    office.ticks.everything()
    lose(office, "handed:")
    office.ticks.everything()
    assert (row(office).state, row(office).taken_by_id) == ("open", None)
    assert "went back to paging" in ray.reads("/episodes/1")
    assert "A text to a colleague did not arrive" in desk.reads("/inbox")
    assert "Bo Boss, manager, tier 3, on call now (our last text to them did not arrive)" in ray.reads(alert)
    assert len([body for body in shown_on(office, DESK) if "Reply" in body]) == 1  # the next tier


def test_who_is_not_told_that_the_patient_wrote_again_has_it_no_more(
    office: Office, ray: Staffer, boss: Staffer, alert: str
) -> None:
    ray.does(alert, "take")
    texts(office, ANN, "and can I eat nuts?")
    lose(office, "more:")
    assert row(office).state == "open"


def test_a_text_that_is_lost_after_somebody_else_took_it_changes_nothing(
    office: Office, ray: Staffer, boss: Staffer, alert: str
) -> None:
    ray.does(alert, "hand-over", to=str(boss.id))
    office.ticks.everything()
    ray.does(alert, "hand-over", to=str(ray.id))
    lose(office, "handed:")
    assert (row(office).state, row(office).taken_by_id) == ("taken", ray.id)


def test_it_is_handed_to_nobody_of_another_clinic_or_who_has_it(office: Office, ray: Staffer, alert: str) -> None:
    ray.does(alert, "take")
    form = ray.filled(alert, "take") if "Take it" in ray.reads(alert) else ray.filled(alert, "outcome")
    for to, status in ((str(ray.id), 422), ("99", 404), ("9" * 30, 422), ("", 422), ("x", 422)):
        assert ray.post(alert, form | {"do": "hand-over", "to": to}).status_code == status, to


def test_a_text_goes_out_once_and_its_answer_is_read_by_a_person(office: Office, ray: Staffer, alert: str) -> None:
    ray.does(alert, "take")
    form = ray.filled(alert, "text", body="Can you come at four today?")
    assert ray.post(alert, form).headers["location"] == "/alerts/1?said=texted"
    ray.post(alert, form)
    office.ticks.everything()
    assert shown_on(office, ANN).count("Can you come at four today?") == 1
    office.clock.forward(minutes=5)
    texts(office, ANN, "yes")
    with transaction(office.app.sessions) as session:
        last = session.scalars(select(Inbound.result).order_by(Inbound.id.desc())).first()
    assert str(last).startswith("review:")
    assert any("whom you have, wrote again" in body for body in shown_on(office, RAY))
    assert "Text from the staff" in ray.reads(alert)


@pytest.mark.parametrize("body", ["", "   ", "x" * 460])
def test_a_text_that_cannot_be_sent_is_refused(office: Office, ray: Staffer, alert: str, body: str) -> None:
    answer = ray.does(alert, "text", body=body)
    assert answer.status_code == 422
    assert "1 to 459 characters" in answer.text


def test_somebody_who_wants_no_texts_is_called(office: Office, ray: Staffer, alert: str) -> None:
    form = ray.filled(alert, "text", body="hello")
    texts(office, ANN, "STOP")
    assert "wants no texts. Please call" in ray.reads(alert)
    assert ray.post(alert, form).status_code == 422
    with transaction(office.app.sessions) as session:
        assert session.scalar(select(Message).where(Message.body == "hello")) is None


def test_a_note_is_kept_with_who_wrote_it(office: Office, ray: Staffer, alert: str) -> None:
    assert ray.does(alert, "note", note="Called: <i>voicemail</i>").headers["location"] == "/alerts/1?said=noted"
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Note.text)).all() == ["Called: <i>voicemail</i>"]
    assert "Note by Dr Ray" in ray.reads(alert)
    assert "<i>voicemail" not in ray.get(alert).text


def test_the_front_desk_acts_only_on_what_it_was_paged_for(office: Office, desk: Staffer, alert: str) -> None:
    assert "does not take alerts" in desk.reads(alert)
    csrf = desk.filled(alert, "note")["csrf"]
    assert desk.post(alert, {"csrf": csrf, "do": "take"}).status_code == 403
    office.clock.forward(minutes=16)  # nobody answers: tier 2, in which the desk is
    office.ticks.everything()
    assert any("Reply" in body for body in shown_on(office, DESK))
    assert desk.does(alert, "take").headers["location"] == "/alerts/1?said=taken"


def test_the_front_desk_closes_what_only_wants_another_number(office: Office, ray: Staffer, desk: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "wrong number")
    assert desk.does("/alerts/1", "outcome", outcome="advised").headers["location"] == "/alerts/1?said=outcome"
    texts(office, ANN, "wrong number, and who is Ann? I have pus in my gum")
    form = desk.filled("/alerts/2", "note")
    assert desk.post("/alerts/2", form | {"do": "outcome", "outcome": "advised"}).status_code == 403


def test_the_link_in_a_page_opens_that_alert_once_and_asks_for_sign_in(
    office: Office, ray: Staffer, boss: Staffer, alert: str
) -> None:
    page = next(body for body in shown_on(office, RAY) if "Reply" in body)
    link = re.findall(r"https?://[^/ ]+(/a/[\w-]+)", page)[0]
    stranger = ray.elsewhere()
    assert stranger.get(link).headers["location"].startswith("/sign-in?next=%2Fa%2F")
    assert boss.get(link).headers["location"] == "/?said=spent"  # it was not sent to them, and stays Dr Ray's
    assert ray.get(link).headers["location"] == "/alerts/1"
    assert ray.get(link).headers["location"] == "/?said=spent"
    assert "has opened its alert before" in ray.reads("/?said=spent")
    assert ray.get(link[:-1] + "~").status_code == 404
    with transaction(office.app.sessions) as session:
        assert session.scalar(select(Page.link_used_at)) is not None
        assert session.scalar(select(Event.actor).where(Event.kind == "link_opened")) == f"staff:{ray.id}"


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999", "2147483648"])
def test_an_alert_that_is_not_there_is_not_found(ray: Staffer, alert: str, number: str) -> None:
    assert ray.get(f"/alerts/{number}").status_code == 404


def test_looking_at_it_and_acting_on_it_are_in_the_log(office: Office, ray: Staffer, alert: str) -> None:
    ray.reads(alert)
    ray.does(alert, "take")
    with transaction(office.app.sessions) as session:
        mine = session.execute(
            select(Event.kind, Event.patient_id, Event.clinic_id).where(Event.actor == f"staff:{ray.id}")
        ).all()
    assert ("viewed", 1, 1) in mine
    assert ("alert_taken", 1, 1) in mine
