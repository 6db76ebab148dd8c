"""Every phrase of every lexicon stands in a vignette, so that nobody teaches a word whose reading nobody looked at."""

from __future__ import annotations

import tomllib

import pytest

from tests.domain.replies import LEXICONS, languages, uncovered, uncovered_in


@pytest.mark.parametrize("language", languages())
def test_every_phrase_stands_in_a_vignette(language: str) -> None:
    missing = [f"{listed}: {phrase}" for listed, phrase in uncovered(language)]
    assert not missing, "without a vignette in tests/cases/replies-*.toml:\n" + "\n".join(missing)


@pytest.mark.parametrize("language", languages())
def test_a_phrase_that_no_vignette_holds_is_noticed(language: str) -> None:
    data = tomllib.loads((LEXICONS / f"{language}.toml").read_text("utf-8"))
    data["signs"]["pus"]["names"].append("gleep glorp")
    assert uncovered_in(data, language) == [("signs.pus.names", "gleep glorp")]
