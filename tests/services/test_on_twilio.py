"""Everything the provider can do to a text, and what we make of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Alert, Callback, CheckIn, Inbound, Patient, Task
from monitor.services.reconcile import fetch_inbound
from tests.services.conftest import ANN, NURSE, OnTwilio
from tests.twilio_standin import Delivery, Signature, busy, garbled, half, refusal, reset, server_error, silence

CHECKIN = "worst pain in the last 24 hours"


def questions(world: OnTwilio) -> int:
    return sum(CHECKIN in body for body in world.screen(ANN))


def tasks(world: OnTwilio) -> list[str]:
    with transaction(world.app.sessions) as session:
        return list(session.scalars(select(Task.kind).order_by(Task.id)))


def test_a_patient_is_asked_answers_and_is_helped_over_real_requests(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol()
    assert on_twilio.planned("checkin-7").state == "delivered"
    assert on_twilio.texts(ANN, "3") == 200
    assert on_twilio.texts(ANN, "going down") == 200
    assert on_twilio.texts(ANN, "there is pus") == 200
    page = on_twilio.screen(NURSE)[-1]
    assert page.startswith("URGENT Smile Dental: A.C.")
    code = page.split("Reply ")[1].split(" ")[0]
    on_twilio.texts(NURSE, code)
    on_twilio.texts(NURSE, f"{code} A")
    assert "Recorded" in on_twilio.screen(NURSE)[-1]


@pytest.mark.parametrize("fault", [silence(), garbled(), half(), reset(accepts=True), server_error(502, accepts=True)])
def test_whatever_breaks_after_twilio_took_it_the_patient_gets_one_text(on_twilio: OnTwilio, fault: object) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.mute()
    on_twilio.standin.fail_next(fault, to=ANN)  # type: ignore[arg-type]
    on_twilio.forward(hours=23)
    for _ in range(6):
        on_twilio.forward(seconds=30)
    assert questions(on_twilio) == 1
    row = on_twilio.planned("checkin-4")
    assert row.sid == on_twilio.standin.sent_to(ANN)[-1].sid


@pytest.mark.parametrize("fault", [silence(accepts=False), reset(), server_error(), busy(retry_after=7)])
def test_whatever_breaks_before_twilio_took_it_the_text_still_comes(on_twilio: OnTwilio, fault: object) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.fail_next(fault, to=ANN)  # type: ignore[arg-type]
    on_twilio.forward(hours=23)
    for _ in range(6):
        on_twilio.forward(seconds=30)
    assert questions(on_twilio) == 1
    assert on_twilio.planned("checkin-4").state == "delivered"


def test_an_opt_out_that_only_twilio_knew_of_is_learned(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.fail_next(refusal(21610), to=ANN)
    on_twilio.forward(hours=23)
    with transaction(on_twilio.app.sessions) as session:
        assert session.scalar(select(Patient.opted_out_at)) is not None
    assert tasks(on_twilio) == ["opted_out"]


@pytest.mark.parametrize("code", [21211, 30006])
def test_a_number_that_takes_no_texts_is_told_to_the_front_desk(on_twilio: OnTwilio, code: int) -> None:
    on_twilio.enrol(day=3)
    if code == 21211:
        on_twilio.standin.fail_next(refusal(code), to=ANN)
    else:
        on_twilio.standin.deliver_next(Delivery(ends="undelivered", error_code=code), to=ANN)
    on_twilio.forward(hours=23)
    assert tasks(on_twilio) == ["undelivered"]
    with transaction(on_twilio.app.sessions) as session:
        assert session.scalar(select(Patient.bad_number_at)) is not None


def test_a_phone_that_was_off_is_tried_once_more_an_hour_later(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.deliver_next(Delivery(ends="undelivered", error_code=30003), to=ANN)
    on_twilio.forward(hours=23)
    on_twilio.forward(minutes=61)
    assert questions(on_twilio) == 2, "the first never reached the phone"
    assert tasks(on_twilio) == []


def test_callbacks_twice_and_backwards_leave_the_text_delivered(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.deliver_next(Delivery(times=2, backwards=True), to=ANN)
    on_twilio.forward(hours=23)
    assert on_twilio.planned("checkin-4").state == "delivered"
    with transaction(on_twilio.app.sessions) as session:
        kept = session.scalars(select(Callback).where(Callback.message_id == on_twilio.planned("checkin-4").id)).all()
    assert len(kept) == 6, "each is kept as it came"


@pytest.mark.parametrize("signed", [Signature.WRONG, Signature.MISSING])
def test_a_callback_that_twilio_did_not_sign_changes_nothing(on_twilio: OnTwilio, signed: Signature) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.deliver_next(Delivery(ends="undelivered", error_code=30006, signed=signed), to=ANN)
    on_twilio.forward(hours=23)
    assert on_twilio.planned("checkin-4").state == "sent"
    assert on_twilio.texts(ANN, "2", signed=signed) == 403


def test_a_text_nobody_reports_on_is_asked_about_and_told_apart(on_twilio: OnTwilio) -> None:
    on_twilio.enrol(day=3)
    on_twilio.standin.deliver_next(Delivery(ends="sent", calls_back=False), to=ANN)
    on_twilio.forward(hours=23)
    assert on_twilio.planned("checkin-4").state == "sent"
    on_twilio.forward(hours=25)
    row = on_twilio.planned("checkin-4")
    assert (row.state, row.why) == ("unconfirmed", "the provider never learned more")


def test_texts_that_arrived_while_we_were_down_are_fetched_once(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol()
    on_twilio.standin.patient_texts(ANN, "there is pus", lost=True)
    on_twilio.forward(minutes=3)
    for _ in range(2):
        fetch_inbound(on_twilio.app.sessions, on_twilio.app.gateway, on_twilio.clock)
    on_twilio.run()
    assert sum("pus" in body for body in on_twilio.screen(NURSE)) == 1
    with transaction(on_twilio.app.sessions) as session:
        assert len(session.scalars(select(Inbound)).all()) == 1


def test_a_keypress_takes_the_call_and_voicemail_does_not(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol()
    on_twilio.texts(ANN, "I can't breathe")
    (first,) = [call for call in on_twilio.standin.calls if call.to == NURSE]
    first.voicemail()
    on_twilio.run()
    assert alert_state(on_twilio) == "open"
    on_twilio.forward(minutes=3)
    second = next(call for call in on_twilio.standin.calls if call.to == NURSE and call.sid != first.sid)
    second.press("5")
    on_twilio.run()
    assert alert_state(on_twilio) == "taken"
    assert "emergency alert" in second.heard
    assert "Carter" not in second.heard
    assert "It is yours" in on_twilio.screen(NURSE)[-1]


def test_a_call_nobody_answers_and_a_page_that_is_lost_move_on_at_once(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol()
    on_twilio.standin.deliver_next(Delivery(ends="undelivered", error_code=30003), to=NURSE)
    on_twilio.texts(ANN, "I can't breathe")
    pages = len(on_twilio.screen(NURSE))
    next(call for call in on_twilio.standin.calls if call.to == NURSE).no_answer()
    on_twilio.run()
    assert len(on_twilio.screen(NURSE)) == pages + 1


def test_somebody_stopped_by_the_carrier_gets_nothing_and_is_still_read(on_twilio: OnTwilio) -> None:
    on_twilio.staff()
    on_twilio.enrol(day=4)
    on_twilio.texts(ANN, "STOP")
    sent = len(on_twilio.screen(ANN))
    on_twilio.standin.fail_next(refusal(21610), to=ANN, times=None)
    on_twilio.texts(ANN, "I can't breathe")
    assert len(on_twilio.screen(ANN)) == sent
    assert "cannot be texted: call" in on_twilio.screen(NURSE)[-1]
    with transaction(on_twilio.app.sessions) as session:
        assert {c.state for c in session.scalars(select(CheckIn).where(CheckIn.day == 4))} == {"cancelled"}


def alert_state(world: OnTwilio) -> str:
    with transaction(world.app.sessions) as session:
        alert = session.scalars(select(Alert)).one()
        return alert.state
