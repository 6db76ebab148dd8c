"""The clinical cases of tests/cases/score-*.toml, as facts and what they must mean."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from monitor.domain.load_protocol import load_protocol
from monitor.domain.protocol import Protocol
from monitor.domain.score import Assessment, Facts, assess
from monitor.domain.terms import Amount, Band, Detail, Presence, Sign, Trend

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds"
PROTOCOL_FILE = SEEDS / "protocols" / "dental-implant.toml"


@dataclass(frozen=True)
class Vignette:
    """One case: what is known, and the outcome a dentist would sign."""

    name: str
    file: str
    facts: Facts
    band: Band
    rules: frozenset[str]
    at_night: bool = False
    clock: bool = False
    ask: tuple[str, ...] = ()

    def is_met(self, found: Assessment) -> bool:
        return (found.band, rules_of(found), found.at_night, found.clock, found.ask) == (
            self.band,
            self.rules,
            self.at_night,
            self.clock,
            self.ask,
        )


def rules_of(found: Assessment) -> frozenset[str]:
    return frozenset(reason.rule for reason in found.reasons)


@cache
def seed_protocol() -> Protocol:
    return load_protocol(PROTOCOL_FILE.read_text(encoding="utf-8"), file=PROTOCOL_FILE.name)


@cache
def vignettes() -> tuple[Vignette, ...]:
    files = sorted((ROOT / "tests" / "cases").glob("score-*.toml"))
    return tuple(
        _vignette(case, path.name)
        for path in files
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["cases"]
    )


def assess_seed(facts: Facts) -> Assessment:
    return assess(seed_protocol(), facts)


def _vignette(case: Mapping[str, Any], file: str) -> Vignette:
    case = dict(case)
    facts = _facts(
        case.pop("day"),
        dict(case.pop("findings")),
        history=case.pop("history", {}),
        risks=frozenset(case.pop("risks", ())),
        traits=frozenset(case.pop("traits", ())),
    )
    ask = tuple(case.pop("ask", ()))
    return Vignette(
        file=file,
        facts=facts,
        band=Band(case.pop("band")),
        rules=frozenset(case.pop("rules")),
        ask=ask,
        **case,
    )


def _facts(
    day: int,
    findings: dict[str, Any],
    *,
    history: Mapping[str, Any],
    risks: frozenset[str],
    traits: frozenset[str],
) -> Facts:
    """A number alone stands for itself; a trend or an amount says that the sign is present."""
    details = frozenset(Detail(name) for name in findings.pop("details", ()))
    temperature = findings.pop("temperature", None)
    said = {Sign(name): value for name, value in findings.items()}
    numbers = {sign: value for sign, value in said.items() if type(value) in (int, float)}
    words = {sign: value for sign, value in said.items() if isinstance(value, str)}
    return Facts(
        day,
        hours=history.get("hours"),
        signs={s: Presence.ABSENT if v is False else Presence.PRESENT for s, v in said.items() if s not in numbers},
        trend={sign: Trend(word) for sign, word in words.items() if word in set(Trend)},
        amount={sign: Amount(word) for sign, word in words.items() if word in set(Amount)},
        details=details,
        pain=numbers.get(Sign.PAIN),
        temp_c=numbers.get(Sign.FEVER, temperature),
        last_pain=history.get("last_pain"),
        known=frozenset(Sign(name) for name in history.get("known", ())),
        traits=traits,
        risks=risks,
    )
