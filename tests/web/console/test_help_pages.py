"""Help: every page has some, and every link in it leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import monitor.web
from monitor.web.console.help_pages import TOPICS
from tests.web.staffer import Office, Staffer

TEMPLATES = Path(monitor.web.__file__).parent / "templates" / "console"
HELP = re.compile(r"\{% block help %\}(.*?)\{% endblock %\}")
PAGES = sorted(path.name for path in TEMPLATES.glob("*.html") if 'extends "console/page.html"' in path.read_text())


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_a_help_page_that_is_there(page: str) -> None:
    found = HELP.findall((TEMPLATES / page).read_text())
    if page == "help.html":
        assert found == [""]  # leads to the index
        return
    assert len(found) == 1, f"{page} needs a help block"
    assert (TEMPLATES / "help" / f"{found[0]}.html").is_file()
    assert found[0] in TOPICS


def test_there_is_no_help_page_that_nobody_finds(office: Office, ray: Staffer) -> None:
    index = ray.get("/help").text
    for path in (TEMPLATES / "help").glob("*.html"):
        assert f'href="/help/{path.stem}"' in index


def test_help_is_short_and_says_what_the_page_is_for(office: Office, ray: Staffer) -> None:
    for name, topic in TOPICS.items():
        words = ray.reads(f"/help/{name}")
        assert f"Help: {topic.title}" in words
        text = re.sub(r"<[^>]+>", " ", (TEMPLATES / "help" / f"{name}.html").read_text())
        assert 60 < len(text.split()) < 320, name


def test_links_in_help_lead_to_pages_that_are_there(office: Office, boss: Staffer) -> None:
    links = {
        link for path in (TEMPLATES / "help").glob("*.html") for link in re.findall(r'href="([^"]+)"', path.read_text())
    }
    links |= {topic.path for topic in TOPICS.values() if topic.path}
    assert len(links) > 8
    for link in sorted(links):
        assert boss.get(link).status_code == 200, link


def test_whoever_may_not_open_a_page_is_not_sent_there(office: Office, desk: Staffer) -> None:
    assert 'href="/reports"' not in desk.get("/help/reports").text
    assert 'href="/rota"' in desk.get("/help/rota").text


@pytest.mark.parametrize("page", ["nothing", "..%2f..%2fpage", "<script>", "x" * 3000, "%00", "worklist.html"])
def test_help_for_what_is_no_page_is_not_there(office: Office, ray: Staffer, page: str) -> None:
    answer = ray.get(f"/help/{page}")
    assert answer.status_code == 404
    assert "<script>" not in answer.text


def test_help_is_for_those_who_are_signed_in(office: Office, ray: Staffer) -> None:
    assert ray.elsewhere().get("/help/alert").status_code == 303
