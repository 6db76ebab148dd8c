"""The worklist: what waits for somebody, and who takes it."""

from __future__ import annotations

from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Event
from tests.web.console.conftest import ANN, BEN, enrolled, texts
from tests.web.staffer import Office, Staffer


def test_an_alert_stands_there_with_who_what_since_when_and_the_words(office: Office, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    page = ray.reads("/")
    assert "urgent Ann Carter day 7" in page
    assert "yellow pus" in page or "pus" in page
    assert "since Sun 1 Nov, 12:00, just now · 1 person paged once, nobody has taken it" in page


def test_the_text_with_the_worst_sign_stands_there_whole_and_what_was_found_in_it_is_marked(
    office: Office, ray: Staffer
) -> None:
    enrolled(office)
    texts(office, ANN, "Help, the bleeding wont stop & I changed the gauze four times")
    texts(office, ANN, "there is a bad smell")
    texts(office, ANN, "pain 9")
    page = ray.reads("/")
    assert "Help, the bleeding wont stop & I changed the gauze four times" in page
    assert page.index("Help, the") < page.index("pain 9", page.index("Help, the"))  # the worst, then the latest
    assert "there is a bad smell" not in page
    assert "heavy bleeding, pain 9 of 10, bad smell or taste" in page
    shown = ray.get("/").text
    assert "<mark>bleeding wont stop</mark> &amp; I" in shown
    assert "Help, the <mark>" in ray.get("/alerts/1").text


def test_what_an_unknown_number_wrote_stands_there_whole(office: Office, ray: Staffer) -> None:
    texts(office, BEN, "is this the dentist? my mother had surgery and cannot breathe well, she is 70")
    assert "is this the dentist? my mother had surgery and" in ray.reads("/")
    assert "she is 70" in ray.reads("/")


def test_what_worries_nobody_does_not_take_the_place_of_what_does(office: Office, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    texts(office, ANN, "thank you")
    page = ray.reads("/")
    assert "there is yellow pus" in page.replace("  ", " ")
    assert "thank you" not in page


def test_one_tap_takes_it_and_the_second_one_reads_who_was_first(office: Office, ray: Staffer, boss: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    form = boss.filled("/", "take", alert="1")
    assert ray.does("/", "take", alert="1").headers["location"] == "/alerts/1?said=taken"
    assert boss.post("/", form).headers["location"] == "/alerts/1?said=already"
    assert "Dr Ray has it" in boss.reads("/")
    assert "you have it" in ray.reads("/")


def test_whoever_taps_twice_reads_that_they_have_it(office: Office, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    form = ray.filled("/", "take", alert="1")
    ray.post("/", form)
    assert ray.post("/", form).headers["location"] == "/alerts/1?said=yours"
    assert "You have it already." in ray.reads("/alerts/1?said=yours")
    assert "before you" not in ray.reads("/alerts/1?said=yours")


def test_the_worst_comes_first(office: Office, ray: Staffer) -> None:
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN)
    texts(office, ANN, "pain 5")
    texts(office, BEN, "I cannot breathe")
    page = ray.reads("/")
    assert page.index("Ben Petrov day") < page.index("Ann Carter day")


def test_one_that_got_worse_stands_by_when_it_did_and_not_by_its_first_small_sign(office: Office, ray: Staffer) -> None:
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN)
    texts(office, ANN, "pain 5")  # 12:00, a soon
    office.clock.forward(hours=2)
    texts(office, BEN, "there is yellow pus")
    office.clock.forward(hours=2)
    texts(office, ANN, "now there is yellow pus")
    page = ray.reads("/")
    assert page.index("Ben Petrov day") < page.index("Ann Carter day")
    assert ("since Sun 1 Nov, 14:00" in page, "since Sun 1 Nov, 16:00" in page) == (True, True)
    assert "12:00" not in page
    assert "since Sun 1 Nov, 16:00" in ray.reads("/alerts/1")


def test_that_no_staff_answered_stands_on_top(office: Office, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    assert "No staff answered" not in ray.reads("/")
    for _ in range(3):
        office.clock.forward(minutes=16)
        office.ticks.everything()
    page = ray.reads("/")
    assert "No staff answered: 1 alert." in page
    assert page.index("No staff answered") < page.index("Ann Carter day")
    assert page.count("no staff answered Ann Carter day 7") == 1  # on the alert as well
    assert "48 min ago · 2 people paged" in page


def test_the_front_desk_sees_what_others_were_paged_for_and_has_no_button_to_take_it(
    office: Office, ray: Staffer, desk: Staffer
) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    assert "Take it" not in desk.reads("/")
    refused = desk.post("/", {"do": "take", "alert": "1"})
    assert refused.status_code == 409  # no token of this visit: what was typed is shown again


def test_the_front_desk_takes_on_the_list_what_it_was_paged_for(office: Office, ray: Staffer, desk: Staffer) -> None:
    enrolled(office)
    enrolled(office, "Ben Petrov", BEN)
    texts(office, ANN, "there is yellow pus")
    office.clock.forward(minutes=16)  # nobody answers: tier 2, in which the desk is
    office.ticks.everything()
    texts(office, BEN, "there is yellow pus")
    assert "Take it for Ann Carter" in desk.reads("/")
    assert "Take it for Ben Petrov" not in desk.reads("/")
    assert desk.does("/", "take", alert="2").status_code == 403
    assert desk.does("/", "take", alert="1").headers["location"] == "/alerts/1?said=taken"


def test_the_page_that_stays_open_is_logged_once_for_each_patient(office: Office, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    ray.reads("/worklist")
    ray.reads("/worklist")
    enrolled(office, "Ben Petrov", BEN)
    texts(office, BEN, "I cannot breathe")
    ray.reads("/worklist")
    with transaction(office.app.sessions) as session:
        seen = session.scalars(select(Event.detail).where(Event.kind == "viewed").order_by(Event.id)).all()
    assert [line["patients"] for line in seen] == [[1], [2]]


def test_the_list_alone_is_refused_once_the_visit_is_over_and_does_not_prolong_it(office: Office, ray: Staffer) -> None:
    for _ in range(4):
        office.real_time.forward(minutes=20)
        answer = ray.get("/worklist").status_code
    assert answer == 401
