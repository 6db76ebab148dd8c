"""The protocol as a dentist reads it, and two versions of it side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from babel import Locale, UnknownLocaleError
from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.domain.bundle import Bundle, digest_of
from monitor.domain.check_texts import STAFF, measure
from monitor.domain.compare import compare, marked
from monitor.domain.describe import condition_of, days_of, digits_of, marks_of, points_of, rules_of, when_due
from monitor.domain.describe_policy import describe_policy
from monitor.domain.messages import PLACEHOLDERS, render
from monitor.domain.protocol import Protocol, Rule, need_of
from monitor.domain.score import reason_of_risk
from monitor.domain.terms import Sign
from monitor.errors import NotFound
from monitor.models import Clinic, ProtocolVersion
from monitor.services.compose import clinic_fields
from monitor.services.seed import parsed, read_files
from monitor.web.console.frame import Page
from monitor.web.console.visit import MAX_ID, Visit
from monitor.worklists.protocols import VersionLine, protocol_versions

router = APIRouter()


def show_protocol(visit: Visit, session: Session) -> Mapping[str, Any]:
    """The version in force, or the one that the address names."""
    versions = protocol_versions(session, visit.clinic_id, visit.person.zone)
    shown = _version(visit, versions, "version", 0)
    bundle, clinic = _bundle(session, shown), visit.clinic(session)
    protocol = bundle.protocol
    asked = [step.message for step in protocol.steps] + [q.message for q in protocol.questions.values()]
    others = [key for key in bundle.catalogue("en").texts if key not in asked and not key.startswith((STAFF, "sign."))]
    return {
        "versions": versions,
        "shown": shown,
        "is_default": shown.digest == _default_digest(),
        "signs": [_sign(protocol, sign) for sign in protocol.signs],
        "together": protocol.combinations,
        "lift": protocol.risk_lift,
        "risks": [
            {"risk": risk, "points": points_of(risk.points), "reason": reason_of_risk(risk.name)}
            for risk in protocol.risks.values()
        ],
        "steps": [{"step": s, "due": when_due(s), "texts": _texts(bundle, clinic, s.message)} for s in protocol.steps],
        "questions": [
            {"question": q, "digits": digits_of(q), "texts": _texts(bundle, clinic, q.message)}
            for q in protocol.questions.values()
        ],
        "others": [{"key": key, "texts": _texts(bundle, clinic, key)} for key in others],
        "escalation": describe_policy(bundle.policy),
        "outcomes": [(key, each.words, need_of(key, protocol.outcomes)) for key, each in protocol.outcomes.items()],
    }


def show_compare(visit: Visit, session: Session) -> Mapping[str, Any]:
    """What changed from one version to another; by itself from the last to the one in force."""
    versions = protocol_versions(session, visit.clinic_id, visit.person.zone)
    old, new = _version(visit, versions, "old", 1), _version(visit, versions, "new", 0)
    parts = compare(_bundle(session, old), _bundle(session, new))
    return {
        "versions": versions,
        "old": old,
        "new": new,
        "parts": parts,
        "lexicons": _changed_files(session, old.id, new.id, "lexicon/"),
        "marked": marked,
    }


def _version(visit: Visit, versions: list[VersionLine], name: str, default: int) -> VersionLine:
    given = visit.request.query_params.get(name)
    if given is None:
        return versions[min(default, len(versions) - 1)]
    number = int(given) if given.isascii() and given.isdigit() and len(given) <= len(str(MAX_ID)) else 0
    found = next((version for version in versions if version.id == number), None)
    if found is None:
        raise NotFound(name, given[:40], "the number of a version: " + ", ".join(str(v.id) for v in versions[:20]))
    return found


def _bundle(session: Session, version: VersionLine) -> Bundle:
    return parsed(session.get_one(ProtocolVersion, version.id))


@cache
def _default_digest() -> str:
    """Of the protocol that came with the program, which nobody has signed off."""
    return digest_of(read_files())


def _changed_files(session: Session, old: int, new: int, folder: str) -> list[str]:
    """The languages whose files differ."""
    before, now = (session.get_one(ProtocolVersion, one).files for one in (old, new))
    names = (name for name in {**before, **now} if name.startswith(folder) and before.get(name) != now.get(name))
    return sorted(language_name(name.removeprefix(folder).removesuffix(".toml")) for name in names)


def _sign(protocol: Protocol, sign: Sign) -> Mapping[str, Any]:
    rules = [_rule(rule) for rule in rules_of(protocol, sign)]
    return {"key": sign, "name": protocol.signs[sign], "is_red": sign in protocol.red, "rules": rules}


def _rule(rule: Rule) -> Mapping[str, Any]:
    return {
        "rule": rule,
        "days": days_of(rule.when),
        "condition": condition_of(rule.when),
        "marks": marks_of(rule),
        "points": points_of(rule.points),
    }


def _texts(bundle: Bundle, clinic: Clinic, key: str) -> list[Mapping[str, Any]]:
    """A text in every language, with this clinic's own name and numbers in it, and what it costs at its longest."""
    known = {name: f"{{{name}}}" for name in PLACEHOLDERS} | clinic_fields(clinic)
    return [
        {
            "language": code,
            "name": language_name(code),
            "words": render(catalogue, key, **known),
            "cost": measure(catalogue, key, clinic=clinic.name),
        }
        for code, catalogue in _english_first(bundle.catalogues.items())
        if key in catalogue.texts
    ]


def _english_first(catalogues: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return sorted(catalogues, key=lambda item: (item[0] != "en", item[0]))


@cache
def language_name(code: str) -> str:
    """
    >>> language_name("es"), language_name("tlh-x")
    ('Spanish', 'tlh-x')
    """
    try:
        return Locale.parse(code).get_language_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


Page("/protocol", "protocol.html", show_protocol, Permission.PROTOCOL).add_to(router)
Page("/protocol/compare", "compare.html", show_compare, Permission.PROTOCOL).add_to(router)
