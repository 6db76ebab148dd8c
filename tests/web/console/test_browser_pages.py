"""Every page of the console in a real browser: it fits, can be read, and is worked with the keyboard alone, at the
width of a phone, a tablet and a desk, dark and light, and by fingers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest

from monitor.db import transaction
from monitor.services.clinic import the_clinic
from monitor.services.join import invite
from monitor.services.settle import add_task
from monitor.services.staff import add_staff
from tests.web.browser import SCHEMES, SOON, WIDTHS, Troubles, is_as_wide_as_its_window
from tests.web.console.browser import (
    ALL_BUT_COLOURS,
    COLOURS,
    EVERYTHING,
    Auditor,
    LiveOffice,
    controls_out_of_reach,
    controls_too_small,
)
from tests.web.console.conftest import ANN, BEN, enrolled, samples_of, texts
from tests.web.console.pages import Samples, address, pages
from tests.web.staffer import PASSWORD, Office

OPENED = [page.path for page in pages() if page.path != "/enrol/check"]  # a part of a page
MORE = [
    *("/messages?show=left", "/messages?show=troubles", "/reports?month=2026-09&until=2026-11"),
    *("/nothing-here", "/alerts/999"),
]
TABLET, SMALLEST = 768, 320
STRANGER, LONG = "+12025550133", "Wolfeschlegelsteinhausenbergerdorff"


@dataclass
class Tour:
    """One window in which somebody who may see every page goes from one to the next."""

    page: Any
    troubles: Troubles
    address: str
    samples: Samples
    auditor: Auditor

    def goes_to(self, path: str) -> None:
        self.page.goto(self.address + address(path, self.samples))


def fill(office: Office) -> None:
    """Something to see on every page, some of it longer than is usual."""
    with transaction(office.app.sessions) as session:
        clinic = the_clinic(session)
        add_task(session, "provider_settings", "one", clinic_id=clinic.id, now=office.clock.now())
    enrolled(office, f"Ben {LONG} {LONG}", BEN, day=4, chart="C-1234567890123456789012345678901234567")
    texts(office, BEN, "wrong number, I am not Ben")
    enrolled(office, "Cleo <b>Bold</b>", "+12025550103", day=9)
    texts(office, "+12025550103", "I cannot breathe, " + "x" * 300)
    texts(office, STRANGER, "hello? " + "y" * 200)
    texts(office, "+12025550134", "there is yellow pus")
    with transaction(office.app.sessions) as session:
        add_task(session, "undelivered", "two", clinic_id=1, now=office.clock.now(), patient_id=2)


@pytest.fixture(scope="module")
def tour(browser: Any, live_office: LiveOffice) -> Iterator[Tour]:
    office = live_office.office
    ray = office.seats(f"Dr Ray {LONG}", "+12025550171", admin=True)
    samples = samples_of(office, ray, ANN)
    fill(office)
    context = browser.new_context(reduced_motion="reduce")
    live_office.lets_in(context, ray)
    page = context.new_page()
    yield Tour(page, Troubles(page, 404), live_office.address, samples, Auditor())
    context.close()


@pytest.mark.parametrize("path", [*OPENED, *MORE])
def test_a_page_fits_every_window_and_keeps_nobody_out(tour: Tour, path: str) -> None:
    tour.troubles.clear()
    tour.goes_to(path)
    tour.auditor.enters(tour.page)
    found: dict[str, list[str]] = {}
    for width in WIDTHS:
        tour.page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            tour.page.emulate_media(color_scheme=scheme)
            wrong = tour.auditor.finds(tour.page, ALL_BUT_COLOURS) if scheme == "light" else []
            if width != TABLET:  # it has the colours of the others, and to measure them takes longest
                wrong += tour.auditor.finds(tour.page, COLOURS)
            if not is_as_wide_as_its_window(tour.page):
                wrong.append("scrolls sideways")
            if wrong:
                found[f"{width} px, {scheme}"] = wrong
    assert found == {}
    assert tour.troubles == []


@pytest.mark.parametrize("path", [*OPENED, *MORE])
def test_on_the_smallest_phone_nothing_is_cut_off_or_too_small_for_a_finger(tour: Tour, path: str) -> None:
    tour.page.set_viewport_size({"width": SMALLEST, "height": 600})
    tour.goes_to(path)
    assert is_as_wide_as_its_window(tour.page)
    assert controls_too_small(tour.page) == []
    assert is_as_wide_as_its_window(tour.page)  # unfolded, too


@pytest.mark.parametrize("path", OPENED)
def test_every_control_is_reached_by_the_keyboard_and_shows_it(tour: Tour, path: str) -> None:
    tour.page.set_viewport_size({"width": 768, "height": 900})
    tour.goes_to(path)
    assert controls_out_of_reach(tour.page) == []


def test_somebody_joins_and_signs_in_with_their_app(browser: Any, live_office: LiveOffice) -> None:
    office, auditor = live_office.office, Auditor()
    with transaction(office.app.sessions) as session:
        person = add_staff(session, the_clinic(session), "Nia New", "+12025550177", now=office.clock.now())
        code = invite(session, person, now=office.clock.now(), real_now=office.real_time.now())
    context = browser.new_context(viewport={"width": 375, "height": 800})
    page = context.new_page()
    troubles = Troubles(page, 422)

    def looks_right(heading: str) -> None:
        page.get_by_role("heading", name=heading).wait_for(timeout=SOON)
        auditor.enters(page)
        assert auditor.finds(page, EVERYTHING) == []
        assert is_as_wide_as_its_window(page)

    page.goto(f"{live_office.address}/inbox")
    looks_right("Sign in")
    page.get_by_role("link", name="Use the code that you were given").click()
    page.get_by_label("Your mobile number").fill("(202) 555-0177")
    page.get_by_label("The code").fill(code.lower())
    page.get_by_label("A new password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    looks_right("Join, or begin anew")
    page.get_by_role("button", name="Go on").click()
    app = pyotp.TOTP(page.locator("#key").inner_text().replace(" ", ""))
    looks_right("Your authenticator app")
    page.get_by_label("The six digits").fill("000000")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("alert").wait_for(timeout=SOON)
    looks_right("Your authenticator app")
    page.get_by_label("The six digits").fill(app.at(office.real_time.now()))
    page.get_by_role("button", name="Go on").click()
    looks_right("Ten codes")
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Sign out").click()
    office.real_time.forward(minutes=1)
    page.get_by_label("Mobile number").fill("+12025550177")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    looks_right("Second step")
    page.get_by_label("Code").fill(app.at(office.real_time.now()))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Worklist").wait_for(timeout=SOON)
    assert troubles == []
    context.close()
