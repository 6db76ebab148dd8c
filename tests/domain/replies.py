"""The replies of tests/cases/replies-*.toml: what patients text, and how each is read.

A group holds `replies`, each with its own expectation, or `texts` that all share the group's.
`python -m tests.domain.replies en` lists the phrases of a lexicon that no vignette holds yet.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from monitor.domain.language.kinds import Kind
from monitor.domain.language.lexicon import Lexicon, detail_lists_of, lists_of, load_lexicons, phrases_of
from monitor.domain.language.phrases import Found, Meaning, Phrases, Vocabulary
from monitor.domain.normalise import Shape, tokenise

ROOT = Path(__file__).parents[2]
LEXICONS = ROOT / "seeds" / "lexicon"
CASES = ROOT / "tests" / "cases"


@cache
def seed_lexicons() -> Mapping[str, Lexicon]:
    return load_lexicons({path.name: path.read_text("utf-8") for path in sorted(LEXICONS.glob("*.toml"))})


def languages() -> list[str]:
    return sorted(path.stem for path in LEXICONS.glob("*.toml"))


def groups(language: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each group's name and its replies: text, asked, day and what is expected of it."""
    data = tomllib.loads((CASES / f"replies-{language}.toml").read_text("utf-8"))
    for group in data["group"]:
        shared = {key: value for key, value in group.items() if key not in ("about", "replies", "texts")}
        replies = [*group.get("replies", ()), *({"text": text} for text in group.get("texts", ()))]
        yield group["about"], [shared | reply for reply in replies]


def texts(language: str) -> list[str]:
    return [reply["text"] for _, replies in groups(language) for reply in replies]


def uncovered(language: str) -> list[tuple[str, str]]:
    """The phrases of a seed lexicon that stand in no vignette, each with the list it is in.

    Words of everyday life (`ignore.word`) need none: they mean nothing.
    """
    return uncovered_in(tomllib.loads((LEXICONS / f"{language}.toml").read_text("utf-8")), language)


def uncovered_in(data: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """The same for a lexicon file's content, held against the vignettes of a language."""
    file = f"{language}.toml"
    vocabulary = Vocabulary({key: phrases_of(file, key, value) for key, value in data.get("groups", {}).items()})
    phrases, entries = Phrases(vocabulary), list[Meaning]()
    for key, listed, meaning in (*lists_of(file, data), *detail_lists_of(file, data)):
        for phrase in listed if meaning.kind != Kind.WORD else ():
            own = Meaning(key, phrase)
            entries.append(phrases.add(phrase, own) or own)  # a phrase of two lists stands once
    found = {one.meaning for text in texts(language) for one in _found(text, vocabulary, phrases)}
    return [(one.kind, one.about) for one in dict.fromkeys(entries) if one not in found]


def _found(text: str, vocabulary: Vocabulary, phrases: Phrases) -> list[Found]:
    tokens = tokenise(text)
    atoms = [vocabulary.atoms("#" if token.shape is Shape.NUMBER else token.text) for token in tokens]
    return phrases.find(tokens, atoms)


if __name__ == "__main__":
    sys.stdout.writelines(f"{listed}: {phrase}\n" for listed, phrase in uncovered(sys.argv[1]))
