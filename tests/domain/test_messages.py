"""Texts: loaded from data, filled in without surprises, and counted as the networks count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.check_texts import measure
from monitor.domain.messages import (
    Catalogue,
    Segments,
    allowed_segments,
    count_segments,
    load_catalogue,
    render,
)
from monitor.errors import ProtocolError


def catalogue(**texts: str) -> Catalogue:
    return Catalogue("en", texts, {}, "messages/en.toml")


def refused(text: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        load_catalogue(text, file="messages/xx.toml")
    return caught.value


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("x" * 160, "GSM-7", 160, 1),
        ("x" * 161, "GSM-7", 161, 2),
        ("x" * 306, "GSM-7", 306, 2),
        ("x" * 307, "GSM-7", 307, 3),
        ("é ñ ¿ ¡ ü à Ç @ £\n", "GSM-7", 18, 1),
        ("€{}[]~^|\\", "GSM-7", 18, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("x" * 152 + "€" + "x" * 152, "GSM-7", 306, 3),  # the euro does not fit the first part any more
        ("á", "UCS-2", 1, 1),
        ("í" * 70, "UCS-2", 70, 1),
        ("ó" * 71, "UCS-2", 71, 2),
        ("ú" * 134, "UCS-2", 134, 2),
        ("ú" * 135, "UCS-2", 135, 3),
        ("Доброе утро", "UCS-2", 11, 1),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        ("я" * 66 + "😀" + "я" * 66, "UCS-2", 134, 3),  # nor does the face
        ("\x1b", "UCS-2", 1, 1),
        ("\ud800", "UCS-2", 1, 1),
    ],
)
def test_segments_are_counted_as_networks_cut(text: str, encoding: str, units: int, segments: int) -> None:
    assert count_segments(text) == Segments(encoding, units, segments)


@given(st.text(), st.text())
def test_a_longer_text_never_costs_less(text: str, more: str) -> None:
    assert count_segments(text + more).segments >= count_segments(text).segments


@given(st.text(max_size=20))
def test_values_are_put_in_as_they_are(value: str) -> None:
    assert render(catalogue(hello="{name}, {clinic}"), "hello", name=value, clinic="C") == f"{value}, C"


def test_a_field_in_a_value_is_not_filled_in_again() -> None:
    assert render(catalogue(hello="Hi {name}"), "hello", name="{phone}", phone="1") == "Hi {phone}"


def test_a_missing_text_or_field_is_named() -> None:
    with pytest.raises(ProtocolError, match=r"messages/en\.toml: texts\.hello: found 'nothing'"):
        render(catalogue(), "hello")
    with pytest.raises(ProtocolError, match=r"texts\.hello: found '\{clinic\}'; allowed: .*phone"):
        render(catalogue(hello="{clinic}"), "hello", phone="1")


def test_a_catalogue_is_its_files_language() -> None:
    loaded = load_catalogue(
        '[texts]\n"step.care" = "{clinic}: rest"\n[segments]\n"step.care" = 3\n', file="messages/es.toml"
    )
    assert loaded == Catalogue("es", {"step.care": "{clinic}: rest"}, {"step.care": 3}, "messages/es.toml")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[texts", "(the file)"),
        ("texts = 1", "texts"),
        ("[text]\na = 'b'", "text"),
        ("[texts]\na = 1", "texts.a"),
        ("[texts]\na = ' '", "texts.a"),
        ("[texts]\nstep.care = 'dotted without quotes'", "texts.step"),
        ("[texts]\na = '{clinic.name}'", "texts.a"),
        ("[texts]\na = '{0}'", "texts.a"),
        ("[texts]\na = '{name!r}'", "texts.a"),
        ("[texts]\na = '{name:>9}'", "texts.a"),
        ("[texts]\na = '{}'", "texts.a"),
        ("[texts]\na = 'open {'", "texts.a"),
        ("[texts]\na = 'b'\n[segments]\na = 0", "segments.a"),
        ("[texts]\na = 'b'\n[segments]\na = true", "segments.a"),
        ("[texts]\na = 'b'\n[segments]\na = 11", "segments.a"),
    ],
)
def test_a_slip_in_a_catalogue_is_named_with_its_place(text: str, key: str) -> None:
    assert refused(text).key == key


@given(st.text(alphabet=st.sampled_from("ab{}[]=\"\n.'0 "), max_size=40))
def test_whatever_stands_in_a_catalogue_only_a_protocol_error_is_raised(text: str) -> None:
    found = load_or_refusal(text)
    if isinstance(found, Catalogue):
        assert found.language == "xx"
        assert all(template.strip() for template in found.texts.values())
    else:
        assert (found.file, bool(found.key), bool(found.allowed)) == ("messages/xx.toml", True, True)


def load_or_refusal(text: str) -> Catalogue | ProtocolError:
    try:
        return load_catalogue(text, file="messages/xx.toml")
    except ProtocolError as error:
        return error


def test_allowances_default_to_one_in_gsm_and_two_in_ucs() -> None:
    own = Catalogue("en", {}, {"care": 3})
    assert [allowed_segments(own, key, "GSM-7") for key in ("care", "other")] == [3, 1]
    assert [allowed_segments(own, key, "UCS-2") for key in ("care", "other")] == [3, 2]


def test_a_text_is_measured_with_the_two_longest_signs_of_its_language() -> None:
    signs = {"sign.pus": "pus", "sign.pain": "dolor al morder", "sign.fever": "fiebre"}
    measured = measure(Catalogue("es", {**signs, "said": "{found}"}, {}), "said")
    assert measured.units == len("fiebre, dolor al morder")


def test_a_text_is_measured_with_the_clinics_own_name() -> None:
    own = catalogue(hello="{clinic}" + "x" * 150)
    assert measure(own, "hello", clinic="Dent").segments == 1
    assert measure(own, "hello", clinic="Клиника").encoding == "UCS-2"
