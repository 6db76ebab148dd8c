"""The built-in phones in a real browser: live, kind to what is being typed, and safe against hostile texts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from monitor.bootstrap import App
from monitor.clock import StoppedClock
from monitor.db import transaction
from monitor.scheduler import Ticks
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.receive import save_inbound
from monitor.services.staff import add_staff
from monitor.sms.phones import PhonesGateway
from monitor.web.app import create_app
from tests.web.browser import SCHEMES, WIDTHS, Troubles, is_as_wide_as_its_window, serve

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
ANN, BEN, NURSE = "+12025550101", "+12025550102", "+12025550171"


@pytest.fixture
def people(app: App, clock: StoppedClock) -> Ticks:
    """Two patients on day 4, and one nurse to page; it is 12:02 in New York."""
    clock.forward(hours=4)
    surgery = (clock.now() - timedelta(days=4)).date()
    with transaction(app.sessions) as session:
        clinic = the_clinic(session)
        add_staff(session, clinic, "Nurse Lind", NURSE, now=clock.now())
        for name, phone in (("Ann Carter", ANN), ("Ben Petrov", BEN)):
            enrol(session, clinic, Enrolment(name, phone, surgery, "signed form"), now=clock.now())
    ticks = Ticks(app)
    for _ in range(2):  # the welcome, and the check-in that follows it
        ticks.everything()
        clock.forward(minutes=1)
    return ticks


@pytest.fixture
def address(app: App, people: Ticks) -> Iterator[str]:
    """The program, served on a free port."""
    web = create_app(app, wake=people.urgent, run_everything=people.everything)
    with serve(web) as address:
        yield f"{address}/phones"


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, opened; nothing may go wrong in it unseen."""
    page = browser.new_page()
    wrong = Troubles(page, 422)
    page.goto(address)
    yield page
    page.close()
    assert wrong == []


def someone_texts(app: App, ticks: Ticks, phone: str, body: str) -> None:
    """A text typed elsewhere, while the page is open, and the seconds in which it is answered."""
    assert isinstance(app.gateway, PhonesGateway)
    assert isinstance(app.clock, StoppedClock)
    received = app.gateway.type_text(phone, body)
    with transaction(app.sessions) as session:
        save_inbound(session, received, raw=None, now=received.received_at)
    ticks.urgent()
    app.clock.forward(seconds=6)
    ticks.urgent()


def screen(page: Any, number: str) -> Any:
    return page.locator(f"#phone-{number[1:]}-screen")


def box(page: Any, number: str) -> Any:
    return page.locator(f"#phone-{number[1:]}-body")


def expect(locator: Any) -> Any:
    return sync_api.expect(locator)


def test_a_text_is_sent_with_enter_and_its_answer_and_page_come_by_themselves(page: Any) -> None:
    box(page, ANN).fill("yellow pus is coming out")
    box(page, ANN).press("Enter")
    expect(screen(page, ANN)).to_contain_text("yellow pus is coming out")
    expect(screen(page, ANN)).to_contain_text("The team has been told")
    expect(screen(page, NURSE)).to_contain_text("to take it")
    expect(page.locator("#alerts")).to_contain_text("pus")
    expect(box(page, ANN)).to_have_value("")
    assert page.url.endswith("/phones")


def test_shift_and_enter_make_a_new_line(page: Any) -> None:
    box(page, ANN).fill("one")
    box(page, ANN).press("Shift+Enter")
    box(page, ANN).type("two")
    expect(box(page, ANN)).to_have_value("one\ntwo")


def test_what_arrives_leaves_alone_what_is_typed_opened_and_scrolled(page: Any, app: App, people: Ticks) -> None:
    someone_texts(app, people, ANN, "pain 8\n" + "and more\n" * 40)
    expect(screen(page, ANN)).to_contain_text("pain 8")
    screen(page, ANN).locator("details summary").first.click()
    screen(page, ANN).evaluate("screen => screen.scrollTop = -120")
    box(page, BEN).fill("half a sent")
    box(page, BEN).focus()
    someone_texts(app, people, BEN, "0")
    expect(screen(page, BEN)).to_contain_text("Pain 0")
    expect(box(page, BEN)).to_have_value("half a sent")
    expect(box(page, BEN)).to_be_focused()
    expect(screen(page, ANN).locator("details").first).to_have_attribute("open", "")
    assert screen(page, ANN).evaluate("screen => screen.scrollTop") == -120


def test_the_newest_text_is_in_sight(page: Any, app: App, people: Ticks) -> None:
    page.emulate_media(reduced_motion="reduce")
    for number in range(8):
        someone_texts(app, people, ANN, f"hello number {number}\n" * 4)
    last = screen(page, ANN).locator(".text").last
    expect(screen(page, ANN)).to_contain_text("hello number 7")
    frame, text = screen(page, ANN).bounding_box(), last.bounding_box()
    assert frame["y"] <= text["y"] + text["height"] <= frame["y"] + frame["height"] + 1


def test_new_texts_are_announced(page: Any, app: App, people: Ticks) -> None:
    someone_texts(app, people, BEN, "0")
    expect(page.locator("#news")).to_contain_text("New on the phone of Ben Petrov: Pain 0")
    expect(page.locator("#news")).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize("body", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\u202egnp.exe שלום"])
def test_a_hostile_text_is_only_a_text(page: Any, app: App, people: Ticks, body: str) -> None:
    someone_texts(app, people, ANN, body)
    said = screen(page, ANN).locator(".text.out .words").last
    expect(said).to_have_text(body)
    assert said.evaluate("words => words.children.length") == 0
    page.reload()
    expect(screen(page, ANN).locator(".text.out .words").last).to_have_text(body)


def test_a_long_word_stays_inside_its_phone(page: Any, app: App, people: Ticks) -> None:
    someone_texts(app, people, ANN, "x" * 1600)
    expect(screen(page, ANN)).to_contain_text("xxx")
    assert screen(page, ANN).evaluate("screen => screen.scrollWidth <= screen.clientWidth")


def test_a_call_is_answered_with_the_keyboard_alone(page: Any, app: App, people: Ticks) -> None:
    someone_texts(app, people, ANN, "I cannot breathe")
    key = screen(page, NURSE).get_by_role("button", name="Press 1")
    expect(key).to_be_visible()
    key.focus()
    page.keyboard.press("Enter")
    expect(screen(page, NURSE)).to_contain_text("It is yours")
    expect(page.locator("#alerts")).to_contain_text("Taken by Nurse Lind")


def test_the_clock_moves_without_losing_what_is_typed(page: Any, clock: StoppedClock) -> None:
    before = clock.now()
    box(page, BEN).fill("a draft")
    page.get_by_role("button", name="1 day on").click()
    expect(page.locator("#clock")).to_contain_text("Mon 2 Nov")
    expect(page.locator("#note")).to_contain_text("The clock moved on")
    expect(box(page, BEN)).to_have_value("a draft")
    assert clock.now() == before + timedelta(days=1)


def test_a_mistake_is_told_by_name_and_what_was_typed_stays(page: Any) -> None:
    page.get_by_text("Add a phone").click()
    form = page.locator("form[action^='/phones/new']")
    form.get_by_label("Mobile number").fill("12")
    form.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("phone was not right")
    expect(form.get_by_label("Mobile number")).to_have_value("12")


def test_an_added_phone_is_shown_and_ready_to_type_on(page: Any) -> None:
    page.get_by_text("Add a phone").click()
    form = page.locator("form[action^='/phones/new']")
    form.get_by_label("Mobile number").fill("+1 202 555 0166")
    form.get_by_role("button").click()
    expect(box(page, "+12025550166")).to_be_focused()
    page.wait_for_timeout(1500)  # a look at the screens later it is still there
    expect(box(page, "+12025550166")).to_be_visible()


def test_without_javascript_everything_works_by_forms(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    box(page, ANN).fill("pain 8")
    page.locator(f"#phone-{ANN[1:]} .compose button").click()
    expect(screen(page, ANN)).to_contain_text("pain 8")
    assert page.url.endswith(f"#phone-{ANN[1:]}")
    page.get_by_role("button", name="10 minutes on").click()
    expect(page.locator("#note")).to_contain_text("The clock moved on")
    context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_fits_and_every_word_can_be_read(
    browser: Any, address: str, app: App, people: Ticks, scheme: str, width: int
) -> None:
    someone_texts(app, people, ANN, "I cannot breathe")
    someone_texts(app, people, BEN, "pain 5, gum worse")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.emulate_media(reduced_motion="reduce", color_scheme=scheme)
    page.goto(address)
    for summary in page.locator("summary").all():
        summary.click()
    assert is_as_wide_as_its_window(page)
    assert page.evaluate(FAINT) == []
    page.close()


# Words whose contrast with what lies behind them is less than the 4.5 of WCAG's level AA.
FAINT = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor);
      if (colour.length === 3) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(one.outerHTML.slice(0, 120));
  }
  return faint;
}"""
