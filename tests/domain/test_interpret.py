"""The reading's finer points: whose words showed what, numbered answers, details, hours, what happens next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.domain.interpret import dispose, interpret
from monitor.domain.language.lexicon import Lexicon, load_lexicons
from monitor.domain.protocol import Option
from monitor.domain.reading import Reading
from monitor.domain.terms import Amount, Band, Detail, Disposition, Intent, Presence, Sign, Trend

SEEDS = Path(__file__).parents[2] / "seeds" / "lexicon"
LISTED = (
    Option(0, absent=True),
    Option(1, Sign.BLEEDING),
    Option(2, Sign.PUS),
    Option(3, Sign.FEVER),
    Option(4, Sign.MOBILITY),
)


@pytest.fixture(scope="module")
def lexicons() -> Mapping[str, Lexicon]:
    return load_lexicons({path.name: path.read_text("utf-8") for path in SEEDS.glob("*.toml")})


def read(
    text: str,
    lexicons: Mapping[str, Lexicon],
    *,
    question: str = "none",
    language: str = "en",
    options: tuple[Option, ...] = (),
) -> Reading:
    return interpret(text, question=question, day=7, language=language, lexicons=lexicons, options=options)


@pytest.mark.parametrize(
    ("text", "language", "sign", "words"),
    [
        ("Hi! There is PUS coming", "en", "pus", "PUS"),
        ("👍👍 the implant wobbles", "en", "mobility", "implant wobbles"),
        ("Se me cayó la tapa", "es", "fell_out", "Se me cayó"),
        ("температура 38,7", "ru", "temp_c", "38,7"),
        ("pain: 7/10", "en", "pain_score", "7"),
    ],
)
def test_evidence_is_the_patients_own_words(
    text: str, language: str, sign: str, words: str, lexicons: Mapping[str, Lexicon]
) -> None:
    proofs = read(text, lexicons, question="checkin_open", language=language).evidence
    assert words in [text[proof.start : proof.end] for proof in proofs if proof.sign == sign]


@pytest.mark.parametrize(
    ("text", "present"),
    [
        ("2 and 4", {Sign.PUS, Sign.MOBILITY}),
        ("2,3", {Sign.PUS, Sign.FEVER}),
        ("2 4", {Sign.PUS, Sign.MOBILITY}),
        ("1", {Sign.BLEEDING}),
        ("0", set()),
        ("none", set()),
        ("No", set()),
    ],
)
def test_digits_choose_from_the_numbered_list(text: str, present: set[Sign], lexicons: Mapping[str, Lexicon]) -> None:
    reading = read(text, lexicons, question="signs", options=LISTED)
    assert reading.present() == present
    assert reading.by_digit is text[0].isdigit()
    assert reading.understood


@pytest.mark.parametrize("text", ["9", "yes", "24"])
def test_an_unclear_choice_from_the_list_is_never_filed(text: str, lexicons: Mapping[str, Lexicon]) -> None:
    reading = read(text, lexicons, question="signs", options=LISTED)
    assert dispose(reading, Band.EXPECTED) is not Disposition.CLOSE


@pytest.mark.parametrize(
    ("text", "presence", "trend"),
    [
        ("0", Presence.ABSENT, None),
        ("1", Presence.PRESENT, Trend.BETTER),
        ("2", Presence.PRESENT, Trend.SAME),
        ("3", Presence.PRESENT, Trend.WORSE),
        ("worse", Presence.PRESENT, Trend.WORSE),
    ],
)
def test_one_answer_about_the_gum_counts_for_swelling_and_redness(
    text: str, presence: Presence, trend: Trend | None, lexicons: Mapping[str, Lexicon]
) -> None:
    reading = read(text, lexicons, question="gum")
    for sign in (Sign.SWELLING, Sign.REDNESS):
        assert (reading.signs.get(sign), reading.trend.get(sign)) == (presence, trend)


@pytest.mark.parametrize("text", ["5, gums {}", "pain 5, gum {}", "pain is a 5 but my cheek is {}", "gum {}, pain 5"])
@pytest.mark.parametrize(
    ("word", "trend"), [("better", Trend.BETTER), ("the same", Trend.SAME), ("worse", Trend.WORSE)]
)
def test_what_is_said_of_the_gum_beside_a_score_is_no_course_of_the_pain(
    text: str, word: str, trend: Trend, lexicons: Mapping[str, Lexicon]
) -> None:
    reading = read(text.format(word), lexicons, question="pain")
    assert (reading.pain, dict(reading.trend)) == (5, {Sign.SWELLING: trend})


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("my crown came off", Detail.CROWN),
        ("the whole implant came out", Detail.IMPLANT),
        ("the cap came off and i am choking on it", Detail.CHOKING),
        ("it bleeds when i brush", Detail.BRUSHING),
        ("the pain is unbearable", Detail.SEVERE),
        ("there is a white film", Detail.FILM),
        ("the wound opened up", Detail.OPEN_WOUND),
    ],
)
def test_details_of_a_sign(text: str, detail: Detail, lexicons: Mapping[str, Lexicon]) -> None:
    assert detail in read(text, lexicons).details


@pytest.mark.parametrize(
    ("text", "language", "hours"),
    [
        ("the cap fell off 2 hours ago", "en", 2),
        ("the cap fell off an hour ago", "en", 1),
        ("it came out this morning", "en", 6),
        ("it came out 3 days ago", "en", 72),
        ("se me cayó hace 3 horas", "es", 3),
        ("выпал 5 часов назад", "ru", 5),
        ("the cap fell off", "en", None),
    ],
)
def test_how_long_ago_a_part_came_out(
    text: str, language: str, hours: float | None, lexicons: Mapping[str, Lexicon]
) -> None:
    assert read(text, lexicons, language=language).hours_ago == hours


@pytest.mark.parametrize(
    "word", ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "stop!", " Stop. "]
)
@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_the_providers_stop_words_stop_in_every_language(
    word: str, language: str, lexicons: Mapping[str, Lexicon]
) -> None:
    assert read(word, lexicons, question="pain", language=language).intent is Intent.STOP


@pytest.mark.parametrize("text", ["it stopped", "when can I stop the antibiotics", "food", "step", "0", "shop"])
def test_what_is_no_stop(text: str, lexicons: Mapping[str, Lexicon]) -> None:
    assert read(text, lexicons, question="bleeding").intent is not Intent.STOP


def test_cancelling_a_reminder_is_for_the_front_desk_too(lexicons: Mapping[str, Lexicon]) -> None:
    reading = read("CANCEL", lexicons, question="reminder")
    assert (reading.intent, "appointment" in reading.review) == (Intent.RESCHEDULE, True)


def test_how_much_it_bleeds(lexicons: Mapping[str, Lexicon]) -> None:
    assert read("a few drops", lexicons, question="bleeding").amount == {Sign.BLEEDING: Amount.TRACE}
    assert read("bleeding a lot", lexicons).amount == {Sign.BLEEDING: Amount.MORE}


@pytest.mark.parametrize("text", ["", "  ", "?", "🤷", "x"])
def test_what_cannot_be_read_is_asked_again(text: str, lexicons: Mapping[str, Lexicon]) -> None:
    assert dispose(read(text, lexicons, question="pain"), Band.EXPECTED) is Disposition.ASK


def test_an_unknown_complaint_goes_to_a_person_and_may_be_red(lexicons: Mapping[str, Lexicon]) -> None:
    reading = read("my gum feels squelchy", lexicons)
    assert reading.may_be_red
    assert dispose(reading, Band.EXPECTED) is Disposition.REVIEW


def test_a_language_that_is_not_there_is_read_in_one_that_is(lexicons: Mapping[str, Lexicon]) -> None:
    assert read("there is pus", lexicons, language="fr").has(Sign.PUS)
