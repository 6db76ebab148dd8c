"""The console in a real browser, from sign-in to outcome: what staff do in a day, with JavaScript and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Alert, Episode, Event, Override, Shift, Staff
from monitor.services.clinic import the_clinic
from monitor.services.join import invite
from monitor.services.rota import add_shift
from monitor.services.staff import add_staff
from tests.web.browser import Troubles, open_browser, serve
from tests.web.console.browser import LiveOffice
from tests.web.console.conftest import ANN, BEN, RAY, enrolled, texts
from tests.web.staffer import PASSWORD, Office, Staffer

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture
def live(office: Office) -> Iterator[LiveOffice]:
    with serve(office.web) as address:
        yield LiveOffice(office, address)


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    """A browser of somebody's in which nothing may go wrong unseen."""
    with opened(browser, java_script_enabled=request.param == "with JavaScript") as page:
        yield page


@contextmanager
def opened(browser: Any, *expected: int, **how: Any) -> Iterator[Any]:
    context = browser.new_context(**how)
    page = context.new_page()
    troubles = Troubles(page, 401, *expected)
    yield page
    context.close()
    assert troubles == []


def newcomer(office: Office) -> tuple[Staffer, str]:
    """Dr Ray, who has a code and has not joined yet."""
    with transaction(office.app.sessions) as session:
        person = add_staff(session, the_clinic(session), "Dr Ray", RAY, admin=True, now=office.clock.now())
        code = invite(session, person, now=office.clock.now(), real_now=office.real_time.now())
    return Staffer(office.app, office.web, office.real_time, person.id, RAY), code


def join(page: Any, live: LiveOffice, person: Staffer, code: str) -> None:
    page.goto(f"{live.address}/join")
    page.get_by_label("Your mobile number").fill(RAY)
    page.get_by_label("The code").fill(code.lower())
    page.get_by_label("A new password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading")).to_contain_text("authenticator app")
    page.get_by_label("six digits").fill(person.totp())
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()


def test_a_day_from_joining_to_the_outcome(office: Office, live: LiveOffice, page: Any) -> None:
    ray, code = newcomer(office)
    join(page, live, ray, code)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    office.real_time.forward(minutes=1)

    page.get_by_label("Mobile number").fill(RAY)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill(ray.totp())
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".empty-page")).to_contain_text("Nothing waits")

    page.get_by_role("link", name="Enrol", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Ann Carter")
    page.get_by_label("Mobile number").fill(ANN)
    page.get_by_label("Date of surgery").fill((office.clock.now() - timedelta(days=7)).date().isoformat())
    page.get_by_label("How they agreed").fill("signed form")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ann Carter, day 7")
    expect(page.locator(".calendar li").first).to_be_visible()

    phones = page.context.new_page()  # the patient's own phone
    phones.goto(f"{live.address}/phones")
    phones.locator(f"#phone-{ANN[1:]}-body").fill("yellow pus is coming out")
    phones.locator(f"#phone-{ANN[1:]} .compose button").click()
    expect(phones.locator(f"#phone-{ANN[1:]}-screen")).to_contain_text("The team has been told")

    page.goto(f"{live.address}/")
    page.get_by_role("button", name="Take it for Ann Carter").click()
    expect(page.locator(".tell.done")).to_contain_text("It is yours")
    page.get_by_label("appointment booked").check()
    page.get_by_label("A word on it").fill("comes at four")
    page.get_by_role("button", name="Record it").click()
    expect(page.locator(".tell.done")).to_contain_text("The alert is closed")
    expect(page.locator(".lead")).to_contain_text("appointment booked")
    expect(page.locator(".timeline .note").first).to_contain_text("comes at four")
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Alert.outcome)).all() == ["booked"]


def test_a_clinician_overrules_a_reading(office: Office, live: LiveOffice, page: Any, ray: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    live.lets_in(page.context, ray)
    page.goto(f"{live.address}/episodes/1")
    page.get_by_text("Why, and overrule").first.click()
    page.get_by_role("link", name="Overrule this reading").first.click()
    page.get_by_label("What", exact=True).select_option("pus")
    page.get_by_label("is really").select_option("absent")
    page.get_by_label("Why", exact=True).fill("It was mustard")
    page.get_by_role("button", name="Overrule", exact=True).click()
    expect(page.locator(".tell.done")).to_contain_text("The correction stands in the timeline")
    expect(page.locator("#timeline")).to_contain_text("Dr Ray overruled this: pus: no. It was mustard")


def test_a_gap_in_the_rota_is_red_and_covered(office: Office, live: LiveOffice, page: Any, ray: Staffer) -> None:
    with transaction(office.app.sessions) as session:
        add_shift(session, ray.id, "mon-fri", "08:00", "18:00", now=office.clock.now())
    live.lets_in(page.context, ray)
    page.goto(f"{live.address}/rota")
    expect(page.locator(".gaps")).to_contain_text("without anybody on call")
    page.get_by_role("link", name=re.compile("Cover it")).first.click()
    page.get_by_label("Who covers").select_option(str(ray.id))
    page.get_by_role("button", name="Cover", exact=True).click()
    expect(page.locator(".tell.done").first).to_contain_text("Dr Ray covers: Sun 1 Nov, 12:00 to Mon 2 Nov, 08:00.")
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Override.staff_id)).all() == [ray.id]
        assert len(session.scalars(select(Shift)).all()) == 5


def test_a_table_with_a_bad_row_enrols_the_others(office: Office, live: LiveOffice, page: Any, ray: Staffer) -> None:
    surgery = office.clock.now().date().isoformat()
    table = f"name,phone,surgery,consent\nAnn Carter,{ANN},{surgery},form\nBen Petrov,12,{surgery},form\n"
    live.lets_in(page.context, ray)
    page.goto(f"{live.address}/enrol/import")
    file = {"name": "patients.csv", "mimeType": "text/csv", "buffer": table.encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Check the table").click()
    expect(page.locator(".came")).to_contain_text("1 can be enrolled, 1 refused")
    expect(page.locator("table")).to_contain_text("a valid mobile number")
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Episode.id)).all() == []
    page.get_by_role("button", name="Enrol this 1").click()
    expect(page.locator(".came")).to_contain_text("1 enrolled, 1 refused")
    with transaction(office.app.sessions) as session:
        assert len(session.scalars(select(Episode.id)).all()) == 1


def test_an_alert_appears_and_goes_without_reloading(
    office: Office, live: LiveOffice, browser: Any, ray: Staffer
) -> None:
    enrolled(office)
    with opened(browser) as page:
        live.lets_in(page.context, ray)
        page.goto(f"{live.address}/")
        expect(page.locator(".empty-page")).to_be_visible()
        page.evaluate("window.sameAsBefore = true")
        texts(office, ANN, "yellow pus is coming out")
        expect(page.locator("li.alert")).to_contain_text("Ann Carter")
        assert page.title().startswith("(1) ")
        expect(page.locator("#news")).to_contain_text("1 new")
        page.get_by_role("button", name="Take it for Ann Carter").focus()
        enrolled(office, "Ben Petrov", BEN)
        texts(office, BEN, "I cannot breathe")
        expect(page.locator("li.alert")).to_have_count(2)
        expect(page.locator("li.alert").first).to_contain_text("Ben Petrov")
        assert page.evaluate("document.activeElement.textContent").startswith("Take it")  # focus is not lost
        assert page.evaluate("window.sameAsBefore") is True


def test_the_open_worklist_says_so_when_the_visit_is_over(
    office: Office, live: LiveOffice, browser: Any, ray: Staffer
) -> None:
    with opened(browser) as page:
        live.lets_in(page.context, ray)
        page.goto(f"{live.address}/")
        ray.post("/sign-out")
        enrolled(office)
        texts(office, ANN, "yellow pus is coming out")
        expect(page.locator("#lost")).to_contain_text("signed out")
        expect(page.locator("li.alert")).to_have_count(0)


def test_the_open_worklist_follows_again_after_its_stream_was_refused(
    office: Office, live: LiveOffice, browser: Any, ray: Staffer
) -> None:
    """A refused stream is closed for good, unlike one that breaks off: the page has to open another one itself."""
    refusing = [True]
    with opened(browser, 502) as page:
        live.lets_in(page.context, ray)
        page.route("**/live?*", lambda route: route.fulfill(status=502) if refusing else route.continue_())
        with page.expect_response("**/worklist?*"):  # the list itself answers, which makes it no live one
            page.goto(f"{live.address}/")
        expect(page.locator("#lost")).to_contain_text("may be old")
        for _ in range(2):  # once the second one has come, the first was dealt with
            with page.expect_response("**/worklist?*"):
                page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert page.locator("#lost").is_visible()
        page.evaluate("window.sameAsBefore = true")
        with page.expect_response(lambda answer: "/live?" in answer.url and answer.status == 200):
            refusing.clear()
        enrolled(office)
        texts(office, ANN, "yellow pus is coming out")
        expect(page.locator("li.alert")).to_contain_text("Ann Carter")
        expect(page.locator("#lost")).to_be_hidden()
        assert page.evaluate("window.sameAsBefore") is True


def test_a_worklist_that_the_browser_kept_follows_again_when_it_comes_back(
    office: Office, live: LiveOffice, browser: Any, ray: Staffer
) -> None:
    with opened(browser) as page:
        live.lets_in(page.context, ray)
        with page.expect_response("**/live?*"):
            page.goto(f"{live.address}/")
        with page.expect_response("**/live?*"):
            page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
            page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        enrolled(office)
        texts(office, ANN, "yellow pus is coming out")
        expect(page.locator("li.alert")).to_contain_text("Ann Carter")


def test_two_who_take_one_alert_at_once_are_told_apart(office: Office, ray: Staffer, boss: Staffer) -> None:
    enrolled(office)
    texts(office, ANN, "yellow pus is coming out")
    forms = [(person, person.filled("/alerts/1", "take")) for person in (ray, boss)]
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda each: each[0].post("/alerts/1", each[1]).headers["location"], forms))
    assert sorted(answers) == ["/alerts/1?said=already", "/alerts/1?said=taken"]
    winner = forms[answers.index("/alerts/1?said=taken")][0]
    with transaction(office.app.sessions) as session:
        assert session.get_one(Alert, 1).taken_by_id == winner.id
        taken = session.scalars(select(Event.actor).where(Event.kind == "alert_taken")).all()
        assert taken == [f"staff:{winner.id}"]
        assert session.get_one(Staff, winner.id).name in {"Dr Ray", "Bo Boss"}


def test_what_is_typed_is_checked_and_planned_before_it_is_sent(
    office: Office, live: LiveOffice, browser: Any, desk: Staffer
) -> None:
    with opened(browser) as page:
        live.lets_in(page.context, desk)
        page.goto(f"{live.address}/enrol")
        page.get_by_label("Name", exact=True).fill("Ann Carter")
        page.get_by_label("Mobile number").fill("12")
        page.get_by_label("Date of surgery").fill(office.clock.now().date().isoformat())
        page.get_by_label("How they agreed").click()
        expect(page.locator("#enrol-phone-hint")).to_contain_text("a valid mobile number")
        expect(page.locator(".foreseen .calendar li").first).to_be_visible()
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Episode.id)).all() == []


def test_what_is_half_typed_elsewhere_is_not_lost_unasked_when_another_form_is_sent(
    browser: Any, office: Office, live: LiveOffice, ray: Staffer
) -> None:
    enrolled(office)
    context = browser.new_context()
    live.lets_in(context, ray)
    page, asked = context.new_page(), []
    answers = iter([False, True])

    def answer(dialog: Any) -> None:
        asked.append(dialog.message)
        if next(answers):
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", answer)
    page.goto(f"{live.address}/episodes/1")
    page.get_by_label("Your words").fill("Please call us back")
    page.get_by_label("Note", exact=True).fill("kept")
    page.get_by_role("button", name="Keep it").click()  # no
    assert asked == [
        "What you typed under “Text the patient” has not been sent, and would be lost.\n\nGo on all the same?"
    ]
    expect(page.get_by_label("Your words")).to_have_value("Please call us back")
    page.get_by_role("button", name="Keep it").click()  # yes
    expect(page.locator(".tell.done")).to_contain_text("The note is in the record")
    page.get_by_label("Your words").fill("Please call us back")
    page.get_by_role("button", name="Send").click()  # nothing else is typed: nobody asks
    expect(page.locator(".tell.done")).to_contain_text("The text is on its way")
    assert len(asked) == 2
    context.close()
