"""What a page says when something that was typed cannot be used: in words for people, and at the field itself."""

from __future__ import annotations

import re

import httpx

from tests.web.console.conftest import enrolled
from tests.web.staffer import Office, Staffer, words_of


def pauses(ray: Staffer, until: str) -> httpx.Response:
    return ray.does("/episodes/1", "pause", at="/episodes/1", until=until)


def test_a_mistake_is_a_sentence_with_the_fields_own_label_and_days_as_people_read_them(
    office: Office, ray: Staffer
) -> None:
    enrolled(office)
    refused = pauses(ray, "2026-09-01")
    assert refused.status_code == 422
    said = "Texts go on from: “Tue 1 Sep 2026” is not possible here; it must be a day from Mon 2 Nov 2026 to Fri 30"
    assert said in words_of(refused)
    assert not re.search("Allowed|found ", words_of(refused))


def test_what_is_said_on_top_leads_to_the_field_and_the_page_opens_there(office: Office, ray: Staffer) -> None:
    enrolled(office)
    page = pauses(ray, "2026-09-01").text
    assert '<a href="#pause-until">Texts go on from' in page
    assert page.count("autofocus") == 1
    field = re.search('<input[^>]*id="pause-until"[^>]*>', page)
    assert field is not None
    assert "autofocus" in field.group()
    assert 'aria-describedby="pause-until-hint"' in field.group()


def test_every_mistake_of_a_form_stands_on_top_and_the_first_has_the_focus(desk: Staffer) -> None:
    form = desk.filled("/enrol", "enrol", name="Ann", phone="12", surgery="", consent="")
    page = desk.post("/enrol", form).text
    links = re.findall('<li><a href="#(enrol-[a-z]+)">', page)
    assert links == ["enrol-phone", "enrol-surgery", "enrol-consent"]
    assert re.findall('id="(enrol-[a-z]+)"[^>]*autofocus', page) == ["enrol-phone"]


def test_what_is_missing_is_called_so(office: Office, ray: Staffer) -> None:
    enrolled(office)
    said = words_of(ray.does("/episodes/1", "note", at="/episodes/1", note=" "))
    assert re.search("Note: this is missing; it must be 1 to [0-9]+ characters", said)


def test_a_number_that_a_colleague_has_is_named_by_the_colleague(boss: Staffer, ray: Staffer) -> None:
    refused = boss.does("/staff", "add", name="Dr Two", phone=ray.phone, tier="1")
    assert "a number that nobody else has (Dr Ray has it)" in words_of(refused)


def test_an_address_that_leads_nowhere_is_explained_in_a_sentence(boss: Staffer) -> None:
    for address in ("/no/such/thing", "/episodes/99", "/help/nothing"):
        page = boss.get(address, accept="text/html")
        assert page.status_code == 404
        assert "Nothing stands at this address." in words_of(page)
        assert not re.search("allowed:|found ", words_of(page))


def test_what_somebody_else_has_removed_is_not_there_any_more(boss: Staffer) -> None:
    gone = boss.post("/rota", boss.filled("/rota", "cover") | {"do": "back", "cover": "99"})
    assert gone.status_code == 404
    assert "Nothing was changed: what this form is about is not there any more." in words_of(gone)
