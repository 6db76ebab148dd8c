"""Read one text that comes with its question and day but without a patient: for `monitor interpret`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.domain.bundle import Bundle
from monitor.domain.findings import Findings, facts_of
from monitor.domain.interpret import dispose, interpret
from monitor.domain.score import assess
from monitor.domain.terms import QUESTIONS
from monitor.errors import BadInput
from monitor.services.raise_alert import reasons_json

MAX_DAY = 40_000


def interpret_line(bundle: Bundle, given: Any, number: int) -> dict[str, Any]:
    """What is understood of one object with id, text, question, day, lang; BadInput names the field."""
    text, question, day, language = _checked(bundle, given, f"line {number}")
    asked = bundle.protocol.questions.get(question)
    reading = interpret(
        text,
        question=question,
        day=day,
        language=language,
        lexicons=bundle.lexicons,
        options=asked.options if asked else (),
    )
    scored = assess(bundle.protocol, facts_of(Findings().joined(reading, text), day))
    return {
        "id": given.get("id"),
        "signs": dict(reading.signs),
        "trend": dict(reading.trend),
        "amount": dict(reading.amount),
        "pain": reading.pain,
        "temp_c": reading.temp_c,
        "intent": reading.intent,
        "band": scored.band,
        "disposition": dispose(reading, scored.band),
        "evidence": [{"sign": e.sign, "start": e.start, "end": e.end} for e in reading.evidence],
        "reasons": [*reasons_json(scored.reasons), *({"rule": f"review:{why}"} for why in reading.review)],
    }


def _checked(bundle: Bundle, given: Any, where: str) -> tuple[str, str, int, str]:
    if not isinstance(given, Mapping):
        raise BadInput(where, type(given).__name__, "a JSON object")
    text, question = given.get("text"), given.get("question", "none")
    day, language = given.get("day", 0), given.get("lang", "en")
    if not isinstance(given.get("id"), str | int | None):
        raise BadInput(f"{where}: id", given["id"], "a string or a whole number")
    if not isinstance(text, str):
        raise BadInput(f"{where}: text", text, "a string")
    known = (*QUESTIONS, *bundle.protocol.questions)
    if question not in known:
        raise BadInput(f"{where}: question", question, "one of " + ", ".join(known))
    if type(day) is not int or not 0 <= day <= MAX_DAY:
        raise BadInput(f"{where}: day", day, f"a whole number from 0 to {MAX_DAY}")
    if not isinstance(language, str) or language not in bundle.lexicons:
        raise BadInput(f"{where}: lang", language, "one of " + ", ".join(sorted(bundle.lexicons)))
    return text, question, day, language
