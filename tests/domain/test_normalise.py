"""Folding and tokens: look-alikes become one, and every token knows its place in the text as received."""

from __future__ import annotations

import pytest

from monitor.domain.normalise import fold, tokenise


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("DON’T", "dont"),
        ("Hinchazón", "hinchazon"),
        ("Ёлка й", "елка и"),
        ("３８．５", "38.5"),
        ("ﬁne", "fine"),
        ("a\u200bb", "ab"),
    ],
)
def test_look_alikes_fold_to_one(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("7/10", ["7", "/", "10"]),
        ("38,2c", ["38,2", "c"]),
        ("3½", ["3.5"]),
        ("2️⃣", ["2"]),
        ("low-grade - yes", ["low", "grade", "-", "yes"]),
        ("№5", ["nr", "5"]),
        ("\x00\ud800", ["\ud800"]),
        ("a\r\nb\tc", ["a", "\n", "b", "c"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert [token.text for token in tokenise(text)] == tokens


@pytest.mark.parametrize("text", ["ﬁne 3️⃣ pus", "Ёж\u0301 боль", "\u202eabc 12,5!"])
def test_places_are_those_of_the_text_as_received(text: str) -> None:
    for token in tokenise(text):
        assert fold(text[token.start : token.end]).strip() in (token.text, fold(token.text))
