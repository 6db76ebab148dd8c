"""Two versions of a protocol side by side: what was added, what went, what says something else now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from monitor.domain.bundle import Bundle
from monitor.domain.describe import condition_of, days_of, digits_of, marks_of, points_of, when_due
from monitor.domain.describe_policy import describe_policy
from monitor.domain.protocol import Protocol, Question, Rule, Step, need_of

Facets = Mapping[str, str]  # what is said of one thing, by its name
Things = Mapping[str, Facets]


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing that is said otherwise: before, and now."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Part:
    """What has changed in one part of the protocol; each thing by its key."""

    name: str
    added: Mapping[str, Facets]
    removed: Mapping[str, Facets]
    changed: Mapping[str, Sequence[Facet]]


def compare(old: Bundle, new: Bundle) -> list[Part]:
    """The parts in which two versions differ; none where they say the same."""
    before, now = parts_of(old), parts_of(new)
    names = [*now, *(name for name in before if name not in now)]
    found = [compare_things(name, before.get(name, {}), now.get(name, {})) for name in names]
    return [part for part in found if part.added or part.removed or part.changed]


def compare_things(name: str, old: Things, new: Things) -> Part:
    """
    >>> part = compare_things("Rules", {"a": {"band": "soon"}, "b": {}}, {"a": {"band": "urgent"}, "c": {}})
    >>> list(part.added), list(part.removed), part.changed
    (['c'], ['b'], {'a': [Facet(name='band', old='soon', new='urgent')]})
    """
    return Part(
        name,
        added={key: new[key] for key in new if key not in old},
        removed={key: old[key] for key in old if key not in new},
        changed={key: facets for key in new if key in old and (facets := _differences(old[key], new[key]))},
    )


def _differences(old: Facets, new: Facets) -> list[Facet]:
    names = [*new, *(name for name in old if name not in new)]
    return [Facet(n, old.get(n, ""), new.get(n, "")) for n in names if old.get(n, "") != new.get(n, "")]


def parts_of(bundle: Bundle) -> Mapping[str, Things]:
    """Everything that a version says, in words: by part, by thing, by facet."""
    protocol = bundle.protocol
    return {
        "Rules": {rule.id: _rule(rule, protocol) for rule in protocol.rules},
        "Signs": {
            sign: {"name": name, "red sign": "yes" if sign in protocol.red else "no"}
            for sign, name in protocol.signs.items()
        },
        "What findings make together": _together(protocol),
        "Risk factors": {
            risk.name: {
                "points": points_of(risk.points),
                "counts towards a higher band": "yes" if risk.lifts else "no",
                "reason": risk.reason,
                "source": risk.source,
            }
            for risk in protocol.risks.values()
        },
        "Calendar": {step.key: _step(step) for step in protocol.steps},
        "Questions": {question.name: _question(question) for question in protocol.questions.values()},
        "Outcomes": {
            key: {"words": outcome.words, "the patient needed": need_of(key, protocol.outcomes) or ""}
            for key, outcome in protocol.outcomes.items()
        },
        "Pain": {"severe": {"“unbearable” counts as": str(protocol.severe_pain)}},
        "Escalation": describe_policy(bundle.policy),
        **{
            f"Texts, {language}": {key: {"text": text} for key, text in catalogue.texts.items()}
            for language, catalogue in sorted(bundle.catalogues.items())
        },
    }


def _rule(rule: Rule, protocol: Protocol) -> Facets:
    return {
        "sign": protocol.signs[rule.when.sign],
        "band": rule.band,
        "days": days_of(rule.when),
        "when": condition_of(rule.when),
        "reason": rule.reason,
        "marks": ", ".join(marks_of(rule)),
        "instead of": ", ".join(rule.replaces),
        "points": points_of(rule.points),
        "source": rule.source,
    }


def _together(protocol: Protocol) -> Things:
    lift = protocol.risk_lift
    made = {
        made.id: {
            "makes": f"{made.count} of {made.of} make {made.makes}",
            "count as one": "; ".join(" and ".join(sorted(group)) for group in made.groups),
            "points": points_of(made.points),
            "reason": made.reason,
            "source": made.source,
        }
        for made in protocol.combinations
    }
    lifted = f"with {lift.count} risk factors, {lift.of} becomes {lift.makes}"
    return {**made, lift.id: {"makes": lifted, "reason": lift.reason, "source": lift.source}}


def _step(step: Step) -> Facets:
    return {
        "due": when_due(step),
        "kind": step.kind,
        "text": step.message,
        "useful for": f"{step.expires_days} more days",
        "if its time has passed": "sent at once" if step.send_late else "left out",
        "asks": step.question or "",
        "source": step.source,
    }


def _question(question: Question) -> Facets:
    return {
        "text": question.message,
        "asks about": ", ".join(question.signs),
        "digits": digits_of(question),
        "after": question.after or "",
    }


def marked(old: str, new: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Both texts in pieces, each with whether it stands in that one alone; words are never cut.

    >>> marked("within 4 h of it", "within 6 h of it")[1]
    [('within ', False), ('6', True), (' h of it', False)]
    """
    before, now = _words(old), _words(new)
    left, right = [], []
    for tag, a, b, c, d in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        alone = tag != "equal"
        left.append(("".join(before[a:b]), alone))
        right.append(("".join(now[c:d]), alone))
    return [piece for piece in left if piece[0]], [piece for piece in right if piece[0]]


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s]+", text)
