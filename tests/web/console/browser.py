"""What tests of the console in a real browser share: an office that is open for visits, people who are signed in, and
how a page is tried for whoever does not see it, or uses no mouse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.bootstrap import build
from monitor.clock import StoppedClock
from monitor.config import Settings, SmsKind
from monitor.web.auth import VISIT
from tests.web.browser import serve
from tests.web.staffer import Office, Staffer

CONTRAST = ("color-contrast", "link-in-text-block")
EVERYTHING = {"resultTypes": ["violations"]}
COLOURS = {"runOnly": CONTRAST, "resultTypes": ["violations"]}
ALL_BUT_COLOURS = {"rules": {rule: {"enabled": False} for rule in CONTRAST}, "resultTypes": ["violations"]}


@dataclass
class LiveOffice:
    """An office and where a browser finds it."""

    office: Office
    address: str

    def lets_in(self, context: Any, staffer: Staffer) -> None:
        """The cookie of somebody who has a seat, so that a browser need not go through the door."""
        host = urlsplit(self.address).hostname
        value = staffer.cookies[VISIT]
        context.add_cookies(
            [{"name": VISIT, "value": value, "domain": host, "path": "/", "httpOnly": True, "sameSite": "Lax"}]
        )


@contextmanager
def open_office(home: Path, template: Path, clock: StoppedClock) -> Iterator[LiveOffice]:
    """A program on a copy of this home, served on a free port. Its time stands still unless it is moved on."""
    shutil.copytree(template, home, dirs_exist_ok=True)
    settings = Settings.model_construct(
        home=home, database=None, sms=SmsKind.PHONES, public_url="http://127.0.0.1:8000"
    )
    app = build(settings, clock=clock)
    office = Office(app, clock, StoppedClock(clock.now()))
    with serve(office.web) as address:
        yield LiveOffice(office, address)
    app.engine.dispose()


class Auditor:
    """axe-core, which finds what keeps people out of a page."""

    def __init__(self) -> None:
        from axe_playwright_python.sync_playwright import Axe

        self.axe = Axe()

    def enters(self, page: Any) -> None:
        """Once for each page that is loaded."""
        page.evaluate(self.axe.axe_script)

    def finds(self, page: Any, options: dict[str, Any]) -> list[str]:
        """What is wrong, each with the first element that shows it."""
        result = page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{found['id']} ({len(found['nodes'])}): {found['help']}: {found['nodes'][0]['html'][:200]}"
            + f" {[check['message'] for check in found['nodes'][0]['any'][:2]]}"
            for found in result["violations"]
        ]


def controls_out_of_reach(page: Any) -> list[str]:
    """What can be clicked or typed into, and is not reached by the Tab key, or does not show that it is. Everything
    that can be unfolded is unfolded first."""
    count = page.evaluate(WATCH)
    page.evaluate("document.activeElement?.blur(); window.scrollTo(0, 0)")
    for _ in range(4):  # a date is several fields to the Tab key
        for _ in range(count + 3):
            page.keyboard.press("Tab")
        if not page.evaluate("reached.missing().length"):
            break
    missing: list[str] = page.evaluate("[...reached.missing().map(show => 'not reached: ' + show), ...reached.faint]")
    return missing


def controls_too_small(page: Any) -> list[str]:
    """What a finger must hit and is not 44 px high. Everything that can be unfolded is unfolded first; links within a
    sentence need not be as high."""
    found: list[str] = page.evaluate(SMALL)
    return found


SMALL = """() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  const tapped = `button, .button, summary, select, textarea, input:not([type=hidden]), .tick, .filters a, .bar a,
    .help, .pager a, .who[href], a[href^="tel:"]`;
  return [...document.querySelectorAll(tapped)]
    .filter((one) => one.checkVisibility() && !one.matches(".tick input") && one.getBoundingClientRect().height < 44)
    .map((one) => `${Math.round(one.getBoundingClientRect().height)} px high: ${one.outerHTML.slice(0, 120)}`);
}"""


WATCH = """() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  const wanted = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const shown = (one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0;
  const alone = (one) => one.type !== "radio" || one.checked ||
    !document.querySelector(`input[name="${CSS.escape(one.name)}"]:checked`) &&
    document.querySelector(`input[name="${CSS.escape(one.name)}"]`) === one;
  const all = [...document.querySelectorAll(wanted)].filter((one) => shown(one) && alone(one));
  const seen = new Set();
  const words = (one) => one.outerHTML.slice(0, 160);
  window.reached = { faint: [], missing: () => all.filter((one) => !seen.has(one)).map(words) };
  document.addEventListener("focusin", ({ target }) => {
    if (seen.has(target)) return;
    seen.add(target);
    const style = getComputedStyle(target);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) {
      window.reached.faint.push("focus does not show: " + words(target));
    }
  });
  return all.length;
}"""
