"""The page of the built-in phones: whose phones it shows, what stands on them, and why somebody is paged."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from monitor.db import transaction
from monitor.models import PhoneText
from tests.web.visitor import ANN, BEN, DOCTOR, LAST_RESORT, NOBODY, NURSE, PUS, Visitor, enrol_someone


def test_the_page_shows_everybodys_phone_and_says_that_no_sms_leaves(visitor: Visitor) -> None:
    words = visitor.reads()
    assert "No SMS leaves this machine" in words
    for part in ("Ann Carter", ANN, "Day 4 after surgery", "Ben Petrov", "Day of surgery", "Last resort", LAST_RESORT):
        assert part in words
    assert "Nurse Lind" in words
    assert "Staff, tier 1" in words
    assert "12:00" in words
    assert "Sun 1 Nov 2026" in words


def test_everything_the_page_sends_comes_from_its_own_files(visitor: Visitor) -> None:
    page = visitor.get()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|https?://(?!m\.example)", page.text)
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        assert visitor.get(path).status_code == 200


def test_without_javascript_each_phone_has_a_form_and_each_field_a_label(visitor: Visitor) -> None:
    page = Fields()
    page.feed(visitor.get().text)
    assert "Without JavaScript this page stands still" in visitor.reads()
    assert page.forms.count("/phones/text") == 5
    assert set(page.forms) == {f"/phones/{name}" for name in ("clock", "text", "enrol", "staff", "new")} | {"/phones"}
    assert page.unlabelled == []


class Fields(HTMLParser):
    """The forms' addresses, and the fields that nothing labels."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[str] = []
        self.labelled: set[str] = set()
        self.unlabelled: list[str] = []
        self.in_label = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(str(given["action"]))
        elif tag == "label":
            self.in_label = True
            self.labelled.add(str(given.get("for")))
        elif tag in {"input", "textarea"} and given.get("type") != "hidden" and not self._is_labelled(given):
            self.unlabelled.append(str(given))

    def handle_endtag(self, tag: str) -> None:
        self.in_label = self.in_label and tag != "label"

    def _is_labelled(self, given: dict[str, str | None]) -> bool:
        return self.in_label or given.get("id") in self.labelled


def test_phones_in_use_last_stand_first(visitor: Visitor) -> None:
    visitor.text(BEN, "thank you")
    order = re.findall(r'<article class="phone" id="phone-(\d+)"', visitor.get().text)
    assert order[0] == BEN[1:]
    assert set(order) == {n[1:] for n in (ANN, BEN, NURSE, DOCTOR, LAST_RESORT)}


def test_days_divide_the_texts_of_a_screen(visitor: Visitor) -> None:
    visitor.post("clock", amount="1 day")
    page = visitor.get("/phones?find=ben").text
    assert page.count('<li class="day">') == 2
    assert "Mon 2 Nov 2026" in page


def test_a_shared_phone_names_all_its_owners(visitor: Visitor) -> None:
    enrol_someone(visitor.app, visitor.clock, "Zoe Carter", ANN, day=7)
    page = visitor.get().text
    assert "Ann Carter and Zoe Carter" in page
    assert page.count('id="phone-12025550101"') == 1


def test_a_red_text_shows_how_it_was_read_the_alert_and_the_page_on_the_staffs_phone(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)
    words = visitor.reads()
    assert "urgent staff are told" in words
    assert "A.C. day 4 pus" in words
    assert re.search(r"1 page out, nobody has taken it; next step Sun 1 Nov, 12:15", words)
    assert re.search(r"URGENT Smile Dental: A\.C\. .*? Reply \d{4} to take it", words)
    assert '<b class="badge urgent">urgent</b>' in visitor.get("/phones?find=carter").text


def test_a_taken_alert_names_who_has_it(visitor: Visitor) -> None:
    visitor.text(ANN, PUS)
    code = re.search(r"Reply (\d{4}) to take it", visitor.reads())
    assert code is not None
    visitor.text(NURSE, code[1])
    assert "Taken by Nurse Lind; outcome wanted by Sun 1 Nov, 16:00" in visitor.reads()


def test_an_opt_out_is_marked_on_the_phone(visitor: Visitor) -> None:
    visitor.text(BEN, "STOP")
    words = visitor.reads("/phones?find=ben")
    assert "opted out" in words
    assert "unsubscribed" in words


def test_the_screens_are_sent_again_only_when_they_changed(visitor: Visitor) -> None:
    first = visitor.get("/phones/screens")
    assert first.status_code == 200
    assert "<html" not in first.text
    same = visitor.get("/phones/screens", **{"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.text) == (304, "")
    visitor.text(ANN, "0")
    assert visitor.get("/phones/screens", **{"If-None-Match": first.headers["etag"]}).status_code == 200


def test_of_many_phones_sixty_are_shown_and_find_narrows_them(visitor: Visitor) -> None:
    for number in range(70):
        enrol_someone(visitor.app, visitor.clock, f"Patient {number:02}", f"+1202555{2000 + number}", day=30)
    page = visitor.get()
    assert page.text.count("<article") == 60
    assert "60 of 75 phones" in page.text
    for find in ("patient 07", "+1 202 555-2007", "P.0."):
        assert "Patient 07" in visitor.reads(f"/phones?find={find.replace('+', '%2B')}")
    assert visitor.get("/phones?find=nobody+at+all").text.count("<article") == 0


def test_only_the_last_texts_of_a_long_conversation_are_shown(visitor: Visitor) -> None:
    with transaction(visitor.app.sessions) as session:
        for number in range(100):
            session.add(
                PhoneText(sid=f"PH{number}", phone=NOBODY, incoming=True, body=f"n{number}", at=visitor.clock.now())
            )
    words = visitor.reads("/phones?find=5550166")
    assert "40 earlier texts" in words
    assert " n40 " in words
    assert " n39 " not in words
