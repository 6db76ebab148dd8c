"""The protocol as a page: complete, in words, and one version beside another."""

from __future__ import annotations

import re
from html import unescape

import pytest

from monitor.db import transaction
from monitor.domain.bundle import PROTOCOL_FILE, load_bundle
from monitor.domain.compare import compare, parts_of
from monitor.domain.describe import names_in_reasons
from monitor.models import Episode
from monitor.services.clinic import add_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.seed import read_files, store_version
from tests.web.console.conftest import ANN, enrolled, texts
from tests.web.staffer import Office, Staffer, words_of


def edited(**replaced: str) -> dict[str, str]:
    """The seed files with one thing in each of them said otherwise: `old=new`, by the file's short name."""
    files = read_files()
    for name, change in replaced.items():
        path = {"protocol": PROTOCOL_FILE, "policy": "escalation.toml", "lexicon": "lexicon/es.toml"}.get(name)
        path = path or f"messages/{name}.toml"
        old, new = change.split("=>")
        assert old in files[path], old
        files[path] = files[path].replace(old, new)
    return files


def store(office: Office, files: dict[str, str]) -> int:
    with transaction(office.app.sessions) as session:
        return store_version(session, files, now=office.clock.now()).id


NEW_RULE = """
[[rules]]
id = "numb-tongue"
when = { sign = "numbness", day_min = 30 }
band = "soon"
points = 3
reason = "Still numb after a month."
source = "I"

[[rules]]
id = "breathing"
"""


def test_every_rule_text_and_outcome_stands_there_in_words(office: Office, ray: Staffer) -> None:
    page = ray.reads("/protocol")
    bundle = load_bundle(read_files())
    protocol = bundle.protocol
    for rule in protocol.rules:
        assert f"{rule.reason} " in page
        assert rule.source in page
    for words in [
        *(outcome.words for outcome in protocol.outcomes.values()),
        *(risk.reason for risk in protocol.risks.values()),
    ]:
        assert words in page
    assert "called: all is well well, the patient needed nothing" in page
    assert "No clinician has yet signed off the default protocol." in page
    assert "pain 4 or more, risen by 3 or more since it was last scored" in page
    assert "the next tier is paged after 3 min" in page
    assert "within 4 h of taking it" in page
    assert "that somebody calls within 6 h of that noon" in page


def links_to_rules(page: str) -> set[str]:
    return {unescape(link) for link in re.findall(r'href="(/protocol[^"]*#[^"]*)"', page)}


def test_every_rule_that_a_reason_names_is_a_link_to_that_rule_in_its_own_version(office: Office, ray: Staffer) -> None:
    enrolled(office, risks=("smoking", "diabetes"))
    texts(office, ANN, "pain 4")
    texts(office, ANN, "what is the meaning of my old green jacket?")  # that a person must read it is no rule
    store(office, edited(protocol='id = "pain-lasting"=>id = "pain-goes-on"'))
    links = set()
    for page in ("/alerts/1", "/episodes/1"):
        links |= links_to_rules(ray.get(page).text)
    assert {link.partition("#rule-")[2] for link in links} >= {"pain-lasting", "risk-smoking", "two-risks"}
    for link in links:
        address, _, place = link.partition("#")
        assert address == "/protocol?version=1", link
        assert f' id="{place}"' in ray.get(address).text, link
    assert ' id="rule-pain-lasting"' not in ray.get("/protocol").text


def test_whatever_a_reason_can_name_stands_once_on_the_page(office: Office, ray: Staffer) -> None:
    page = ray.get("/protocol").text
    places = re.findall(r' id="rule-([^"]+)"', page)
    assert sorted(places) == sorted(names_in_reasons(load_bundle(read_files()).protocol))


def test_texts_stand_there_as_they_are_sent_with_their_length(office: Office, ray: Staffer) -> None:
    answer = ray.get("/protocol")
    page = words_of(answer)
    assert "English Smile Dental, day {day}: worst pain in the last 24 hours" in page
    assert '<span lang="es">' in answer.text
    assert "Russian" in page
    assert re.search(r"3 segments \(\d+ GSM-7\)", page)  # the long text of the first day


def test_versions_are_listed_with_the_own_clinics_open_episodes(office: Office, ray: Staffer) -> None:
    enrolled(office)
    with transaction(office.app.sessions) as session:
        session.get_one(Episode, enrolled(office, "Ben", "+12025550102")).cancelled_at = office.clock.now()
        other = add_clinic(session, {"name": "Other Dental", "timezone": "America/New_York"}, now=office.clock.now())
        given = Enrolment("Zoe", "+12025550109", office.clock.now().date(), "signed form")
        enrol(session, other, given, now=office.clock.now())
    store(office, edited(policy="next_tier_minutes = 3=>next_tier_minutes = 4"))
    page = ray.reads("/protocol")
    assert re.search(r"2 \w{8} Sun 1 Nov 2026 0 read version 2 · what changed in version 2", page)
    assert re.search(r"1 \w{8} Sun 1 Nov 2026 1 read version 1", page)
    assert "This version was changed from the default protocol" in page
    assert "This is not the version that new episodes start with" in ray.reads("/protocol?version=1")


def test_what_changed_is_shown_rule_by_rule(office: Office, ray: Staffer) -> None:
    files = edited(
        protocol='reason = "Pain of 1 to 3 is mild."=>reason = "Pain of 1 to 3 is nothing much."',
        policy="next_tier_minutes = 3=>next_tier_minutes = 4",
        en="Your worst pain in the last 24 hours=>Your worst pain since yesterday",
        lexicon='# =>#: ',
    )  # fmt: skip
    files[PROTOCOL_FILE] = files[PROTOCOL_FILE].replace('\n[[rules]]\nid = "breathing"\n', NEW_RULE)
    store(office, files)
    answer = ray.get("/protocol/compare?old=1&new=2")
    page = words_of(answer)
    assert "pain-mild changed" in page
    assert "<del>mild.</del>" in answer.text
    assert "<ins>nothing much.</ins>" in answer.text
    assert "numb-tongue added sign numbness band soon days from day 30" in page
    assert "the next tier is paged after 4 min" in page
    assert "ask.pain changed" in page
    assert "word lists by which replies are read differ, too: Spanish" in page
    assert "numb-tongue removed" in ray.reads("/protocol/compare?old=2&new=1")
    assert ray.reads("/protocol/compare") == page  # the last beside the one in force
    assert "pain-severe" not in page


def test_two_versions_that_say_the_same_say_so(office: Office, ray: Staffer) -> None:
    assert "This is one version beside itself" in ray.reads("/protocol/compare")
    store(office, edited(policy="# Who is paged=># Whoever is paged"))
    assert "The two say the same" in ray.reads("/protocol/compare?old=1&new=2")


def test_a_version_is_compared_in_all_that_it_says() -> None:
    bundle = load_bundle(read_files())
    parts = parts_of(bundle)
    assert compare(bundle, bundle) == []
    assert len(parts["Rules"]) == len(bundle.protocol.rules)
    assert {"Calendar", "Questions", "Escalation", "Texts, en", "Texts, es", "Texts, ru"} <= parts.keys()


@pytest.mark.parametrize("asked", ["version=9", "version=x", "version=-1", "version=" + "9" * 5000, "version=<script>"])
def test_a_version_that_is_not_there_is_a_page_that_is_not_there(office: Office, ray: Staffer, asked: str) -> None:
    answer = ray.get(f"/protocol?{asked}")
    assert answer.status_code == 404
    assert "<script>" not in answer.text
    assert ray.get("/protocol/compare?" + asked.replace("version", "new")).status_code == 404


def test_hostile_wording_is_shown_and_never_run(office: Office, ray: Staffer) -> None:
    store(office, edited(protocol='reason = "Pain of 1 to 3 is mild."=>reason = "<script>alert(1)</script>."'))
    for path in ("/protocol", "/protocol/compare?old=1&new=2"):
        assert "<script>alert" not in ray.get(path).text
        assert "&lt;script&gt;alert(1)" in ray.get(path).text


def test_the_front_desk_may_read_it_and_nobody_may_change_it(office: Office, desk: Staffer) -> None:
    for path in ("/protocol", "/protocol/compare"):
        assert desk.get(path).status_code == 200
        assert desk.post(path, {"do": "save"}).status_code == 405
        assert desk.elsewhere().get(path).status_code == 303
