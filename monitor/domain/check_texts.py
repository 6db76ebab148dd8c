"""What is wrong with the texts of a protocol: missing, untranslated, unknown fields, too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.domain.messages import (
    PLACEHOLDERS,
    Catalogue,
    Segments,
    allowed_segments,
    count_segments,
    fields_of,
    render,
)
from monitor.domain.protocol import Protocol
from monitor.errors import ProtocolError

STAFF = "staff."  # texts to staff are in English only


def check_texts(protocol: Protocol, catalogues: Mapping[str, Catalogue]) -> list[ProtocolError]:
    """Every fault in every language, each with its file and key; an empty list when there is none.

    A text is as long as it gets with the longest values that really come (PLACEHOLDERS).
    """
    wanted = {key for catalogue in catalogues.values() for key in catalogue.texts if not key.startswith(STAFF)}
    faults: list[ProtocolError] = []
    for catalogue in catalogues.values():
        faults += _missing(protocol, catalogue, wanted)
        faults += _unused_allowances(catalogue)
        for key in catalogue.texts:
            faults += _text_faults(catalogue, key)
    return faults


def measure(catalogue: Catalogue, key: str, *, clinic: str = PLACEHOLDERS["clinic"]) -> Segments:
    """What a text costs at its longest, with this clinic's name in it.

    >>> measure(Catalogue("en", {"hello": "{clinic} on day {day}"}, {}), "hello", clinic="Dent")
    Segments(encoding='GSM-7', units=16, segments=1)
    """
    longest = {**PLACEHOLDERS, "clinic": clinic, "found": _longest_found(catalogue)}
    return count_segments(render(catalogue, key, **longest))


def _longest_found(catalogue: Catalogue) -> str:
    """Two signs by the names that patients know; a text never names more."""
    names = sorted((text for key, text in catalogue.texts.items() if key.startswith("sign.")), key=len)
    return ", ".join(names[-2:]) or PLACEHOLDERS["found"]


def _missing(protocol: Protocol, catalogue: Catalogue, wanted: set[str]) -> Iterator[ProtocolError]:
    for step in protocol.steps:
        if step.message not in catalogue.texts:
            yield _fault(catalogue, f"texts.{step.message}", "nothing", f"the text of the step {step.key}")
    for question in protocol.questions.values():
        if question.message not in catalogue.texts:
            yield _fault(catalogue, f"texts.{question.message}", "nothing", f"the question {question.name}")
    asked = {step.message for step in protocol.steps} | {q.message for q in protocol.questions.values()}
    for key in sorted(wanted - asked - catalogue.texts.keys()):
        yield _fault(catalogue, f"texts.{key}", "nothing", "a translation, as in the other languages")


def _unused_allowances(catalogue: Catalogue) -> Iterator[ProtocolError]:
    for key in catalogue.segments.keys() - catalogue.texts.keys():
        yield _fault(catalogue, f"segments.{key}", catalogue.segments[key], "the key of a text")


def _text_faults(catalogue: Catalogue, key: str) -> Iterator[ProtocolError]:
    unknown = [name for name in fields_of(catalogue.texts[key]) if name not in PLACEHOLDERS]
    for name in unknown:
        yield _fault(catalogue, f"texts.{key}", f"{{{name}}}", "one of " + ", ".join(PLACEHOLDERS))
    if unknown:
        return
    cost = measure(catalogue, key)
    allowed = allowed_segments(catalogue, key, cost.encoding)
    if cost.segments > allowed:
        found = f"{cost.units} units of {cost.encoding} in {cost.segments} segments"
        yield _fault(catalogue, f"texts.{key}", found, f"at most {allowed}, at its longest")


def _fault(catalogue: Catalogue, key: str, found: object, allowed: str) -> ProtocolError:
    return ProtocolError(catalogue.file or catalogue.language, key, found, allowed)
