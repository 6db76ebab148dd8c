"""A lexicon file is refused at the door with the file, the key, what was found and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.domain.language.lexicon import load_lexicons
from monitor.domain.terms import Sign
from monitor.errors import ProtocolError

SEEDS = Path(__file__).parents[2] / "seeds" / "lexicon"
SIGNS = "\n".join(f'[signs.{sign}]\nnames = ["the {sign.replace("_", " ")}"]' for sign in Sign)


def refusal(text: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        load_lexicons({"xx.toml": text})
    return caught.value


def test_every_seed_language_loads() -> None:
    files = {path.name: path.read_text("utf-8") for path in SEEDS.glob("*.toml")}
    written = {path.stem for path in (SEEDS.parent / "messages").glob("*.toml")}
    assert set(load_lexicons(files)) == written >= {"en", "es", "ru"}


def test_the_smallest_lexicon_is_a_phrase_for_every_sign() -> None:
    assert load_lexicons({"xx.toml": SIGNS})["xx"].language == "xx"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (SIGNS.replace("[signs.pus]", "[signs.puss]"), "signs.puss"),
        (SIGNS.replace('[signs.pus]\nnames = ["the pus"]', ""), "signs.pus"),
        (SIGNS + '\n[course]\nbetterr = ["ok"]', "course.betterr"),
        (SIGNS + "\n[colours]", "colours"),
        (SIGNS + '\n[course]\nbetter = "ok"', "course.better"),
        (SIGNS + "\n[course]\nbetter = [1]", "course.better"),
        (SIGNS + '\n[course]\nbetter = ["fine"]\nworse = ["fine"]', "course.worse"),
        (SIGNS + '\n[course]\nbetter = ["@near fine"]', "course.better"),
        (SIGNS + '\n[numbers]\none = "1"', "numbers.one"),
        (SIGNS + '\n[details]\nhuge = ["ok"]', "details.huge"),
        (SIGNS + "\n[course\n", "syntax"),
    ],
)
def test_a_bad_lexicon_is_refused_with_file_and_key(text: str, key: str) -> None:
    error = refusal(text)
    assert (error.file, error.key) == ("xx.toml", key)


def test_a_phrase_with_two_meanings_names_the_other_list() -> None:
    error = refusal(SIGNS + '\n[course]\nbetter = ["my? fine day"]\nworse = ["fine day"]')
    assert "better" in str(error)
