"""What patients text, read as a dentist would: one vignette a line in tests/cases/replies-*.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.interpret import dispose, interpret
from monitor.domain.language.lexicon import Lexicon, load_lexicons
from monitor.domain.load_protocol import load_protocol
from monitor.domain.protocol import Protocol
from monitor.domain.score import Facts, assess
from monitor.domain.terms import Presence, Sign

ROOT = Path(__file__).parents[2]


def _vignettes() -> Iterator[Any]:
    for path in sorted((ROOT / "tests" / "cases").glob("replies-*.toml")):
        language = path.stem.removeprefix("replies-")
        for group in tomllib.loads(path.read_text("utf-8"))["group"]:
            for reply in group["replies"]:
                name = f"{language}: {group['about']}: {reply['asked']} day {reply['day']}: {reply['text']}"
                yield pytest.param(language, reply, id=name)


@pytest.fixture(scope="module")
def lexicons() -> Mapping[str, Lexicon]:
    return load_lexicons({path.name: path.read_text("utf-8") for path in (ROOT / "seeds" / "lexicon").glob("*.toml")})


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    path = ROOT / "seeds" / "protocols" / "dental-implant.toml"
    return load_protocol(path.read_text("utf-8"), file=path.name)


def _read(
    language: str, reply: Mapping[str, Any], lexicons: Mapping[str, Lexicon], protocol: Protocol
) -> dict[str, Any]:
    reading = interpret(reply["text"], question=reply["asked"], day=reply["day"], language=language, lexicons=lexicons)
    facts = Facts(
        day=reply["day"],
        signs=reading.signs,
        trend=reading.trend,
        amount=reading.amount,
        details=reading.details,
        pain=reading.pain,
        temp_c=reading.temp_c,
    )
    said = dict(reading.signs)
    return {
        "present": [sign for sign in reply.get("present", ()) if said.get(Sign(sign)) is Presence.PRESENT],
        "absent": [sign for sign in reply.get("absent", ()) if said.get(Sign(sign)) is Presence.ABSENT],
        "not_present": [s for s in reply.get("not_present", ()) if said.get(Sign(s)) is not Presence.PRESENT],
        "pain": reading.pain,
        "temp_c": reading.temp_c,
        "intent": reading.intent.value,
        "then": dispose(reading, assess(protocol, facts).band).value,
    }


@pytest.mark.parametrize(("language", "reply"), list(_vignettes()))
def test_reply_is_read_as_a_dentist_would(
    language: str, reply: Mapping[str, Any], lexicons: Mapping[str, Lexicon], protocol: Protocol
) -> None:
    read = _read(language, reply, lexicons, protocol)
    expected = {key: value for key, value in reply.items() if key in read}
    assert {key: read[key] for key in expected} == expected
    assert read["then"] != reply.get("never")
