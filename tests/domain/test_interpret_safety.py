"""What must hold for any text: no input breaks the reading, and nothing said around a red sign hides it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitor.domain.interpret import dispose, interpret
from monitor.domain.language.lexicon import Lexicon, load_lexicons
from monitor.domain.load_protocol import load_protocol
from monitor.domain.protocol import Protocol
from monitor.domain.reading import Reading
from monitor.domain.score import Facts, assess
from monitor.domain.terms import QUESTIONS, Band, Disposition

SEEDS = Path(__file__).parents[2] / "seeds"
DAYS = (1, 4, 7, 14, 90)
RED = {
    "en": (
        "there is pus coming out",
        "i have a fever of 39",
        "the implant is loose",
        "the cap fell off",
        "i can see metal",
        "my lip is numb",
        "i cant breathe",
        "the swelling has reached my eye",
        "the bleeding wont stop",
    ),
    "es": (
        "me sale pus",
        "tengo fiebre de 39",
        "el implante se mueve",
        "se me cayó la tapa",
        "se ve el metal",
        "tengo el labio dormido",
        "no puedo respirar",
        "la hinchazón llega al ojo",
        "no para de sangrar",
    ),
    "ru": (
        "идет гной",
        "температура 39",
        "имплант шатается",
        "выпал винтик",
        "видно металл",
        "губа онемела",
        "не могу дышать",
        "отек перешел на глаз",
        "кровь не останавливается",
    ),
}
CALM = {
    "en": (
        "all good", "no pain", "pain is 2", "no fever", "the swelling is gone", "thanks", "not bleeding",
        "everything is fine", "no", "none of those", "better", "hello", "36.6", "it stopped", "yes", "same",
        "my son is fine", "can i drink coffee", "i slept well",
    ),
    "es": (
        "todo bien", "sin dolor", "dolor 2", "no tengo fiebre", "ya no hay hinchazón", "gracias", "no sangra",
        "no", "nada", "mejor", "hola", "36.6", "sí", "igual", "puedo tomar café",
    ),
    "ru": (
        "все хорошо", "боли нет", "боль 2", "температуры нет", "отек прошел", "спасибо", "не кровит", "нет",
        "ничего", "лучше", "здравствуйте", "36.6", "да", "так же", "можно кофе",
    ),
}  # fmt: skip
ABSENT = {
    "en": ("no pus", "no fever", "it is not loose", "nothing fell out", "no bleeding", "no swelling", "not numb"),
    "es": ("sin pus", "no tengo fiebre", "no se mueve", "no se cayó nada", "no sangra", "sin hinchazón"),
    "ru": ("гноя нет", "температуры нет", "не шатается", "ничего не выпало", "не кровит", "отека нет"),
}
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def lexicons() -> Mapping[str, Lexicon]:
    return load_lexicons({path.name: path.read_text("utf-8") for path in (SEEDS / "lexicon").glob("*.toml")})


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    path = SEEDS / "protocols" / "dental-implant.toml"
    return load_protocol(path.read_text("utf-8"), file=path.name)


def band_of(reading: Reading, day: int, protocol: Protocol) -> Band:
    facts = Facts(
        day=day,
        signs=reading.signs,
        trend=reading.trend,
        amount=reading.amount,
        details=reading.details,
        pain=reading.pain,
        temp_c=reading.temp_c,
    )
    return assess(protocol, facts).band


def outcome(
    text: str, language: str, day: int, question: str, lexicons: Mapping[str, Lexicon], protocol: Protocol
) -> tuple[Reading, Band, Disposition]:
    reading = interpret(text, question=question, day=day, language=language, lexicons=lexicons)
    band = band_of(reading, day, protocol)
    return reading, band, dispose(reading, band)


red_texts = st.sampled_from([(language, text) for language in sorted(RED) for text in RED[language]])
days, questions = st.sampled_from(DAYS), st.sampled_from(QUESTIONS)


@quick
@given(text=st.text(st.characters(exclude_categories=[]), max_size=400), question=questions, day=days)
@example(text="\x00" * 1600, question="pain", day=7)
@example(text="\ud800\udfff 3️⃣ \u202e суп \u0301\u0301", question="gum", day=4)
@example(text="", question="none", day=0)
@example(text="👍" * 1600, question="checkin_open", day=4)
@example(text="²³ ٣ ½ Ⅷ 9999999999999999999999", question="fever", day=4)
def test_no_text_whatever_breaks_the_reading(
    text: str, question: str, day: int, lexicons: Mapping[str, Lexicon]
) -> None:
    reading = interpret(text, question=question, day=day, language="en", lexicons=lexicons)
    assert all(0 <= proof.start <= proof.end <= len(text) for proof in reading.evidence)


@quick
@given(red=red_texts, day=days, question=questions, data=st.data())
def test_a_red_sign_after_calm_words_is_as_urgent_as_alone(
    red: tuple[str, str],
    day: int,
    question: str,
    data: st.DataObject,
    lexicons: Mapping[str, Lexicon],
    protocol: Protocol,
) -> None:
    language, sentence = red
    calm = data.draw(st.lists(st.sampled_from(CALM[language]), min_size=1, max_size=3))
    mark = data.draw(st.sampled_from([". ", "! ", "\n", "; "]))
    text = mark.join([*calm, sentence])
    alone = outcome(sentence, language, day, question, lexicons, protocol)[1]
    _, band, disposition = outcome(text, language, day, question, lexicons, protocol)
    assert band >= alone, text
    assert disposition is Disposition.ALERT, text


@quick
@given(red=red_texts, day=days, question=questions, data=st.data())
def test_no_calm_words_after_a_red_sign_close_the_text(
    red: tuple[str, str],
    day: int,
    question: str,
    data: st.DataObject,
    lexicons: Mapping[str, Lexicon],
    protocol: Protocol,
) -> None:
    language, sentence = red
    undoing = {"it stopped", "отек прошел", "no", "нет", "no sangra", "not bleeding"}
    calm = data.draw(st.sampled_from([words for words in CALM[language] if words not in undoing]))
    text = sentence + data.draw(st.sampled_from([". ", "! ", "\n", "; ", ", "])) + calm
    assert outcome(text, language, day, question, lexicons, protocol)[2] is not Disposition.CLOSE, text


@quick
@given(language=st.sampled_from(sorted(ABSENT)), day=days, data=st.data())
def test_signs_denied_never_raise_an_alert(
    language: str, day: int, data: st.DataObject, lexicons: Mapping[str, Lexicon], protocol: Protocol
) -> None:
    denied = data.draw(st.lists(st.sampled_from(ABSENT[language]), min_size=1, max_size=4, unique=True))
    text = data.draw(st.sampled_from([", ", ". ", "\n"])).join(denied)
    reading, band, _ = outcome(text, language, day, "checkin_open", lexicons, protocol)
    assert band is Band.EXPECTED, (text, reading)


def slips(sentence: str) -> Iterator[str]:
    """Every way to leave out a letter, type it twice, or swap it with the next."""
    for at in range(len(sentence) - 1):
        head, letter, following, tail = sentence[:at], sentence[at], sentence[at + 1], sentence[at + 2 :]
        yield head + following + tail
        yield head + letter * 2 + following + tail
        yield head + following + letter + tail


@pytest.mark.parametrize(("language", "sentence"), [(lang, text) for lang in sorted(RED) for text in RED[lang]])
def test_one_slip_of_the_thumb_never_closes_a_red_text(
    language: str, sentence: str, lexicons: Mapping[str, Lexicon], protocol: Protocol
) -> None:
    closed = [
        text
        for text in slips(sentence)
        for question in ("none", "checkin_open", "pain", "mobility")
        if outcome(text, language, 7, question, lexicons, protocol)[2] is Disposition.CLOSE
    ]
    assert closed == []


@quick
@given(red=red_texts, day=days, data=st.data())
def test_case_accents_and_punctuation_change_nothing(
    red: tuple[str, str],
    day: int,
    data: st.DataObject,
    lexicons: Mapping[str, Lexicon],
    protocol: Protocol,
) -> None:
    language, sentence = red
    look = data.draw(
        st.sampled_from([str.upper, str.title, str.capitalize, "  {} ".format, "{}!!!".format, "«{}»".format])
    )
    plain = outcome(sentence, language, day, "none", lexicons, protocol)
    dressed = outcome(look(sentence), language, day, "none", lexicons, protocol)
    assert (plain[0].signs, plain[1]) == (dressed[0].signs, dressed[1])


@pytest.mark.parametrize(
    "text",
    [
        "no " * 533,
        "swelling " * 177,
        "pus, " * 320,
        "7 " * 800,
        "came so very much " * 88,
        "не " * 533,
        "qwxz" * 400,
        " ".join(f"qwxzv{number}" for number in range(160)),
        "aaaaaaaa " * 177,
        "." * 1600,
        "1) 2) " * 266,
    ],
)
def test_the_longest_texts_are_read_in_no_time(text: str, lexicons: Mapping[str, Lexicon]) -> None:
    started = time.process_time()
    interpret(text[:1600], question="checkin_open", day=7, language="en", lexicons=lexicons)
    assert time.process_time() - started < 10  # some milliseconds, as bench_interpret measures; no end if it backtracks
