"""Paging in a few words: steps that were taken one after another, in which nothing else happened, are one line."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

PAGED, NOBODY_ON_CALL, NOBODY_TO_PAGE = "paged", "nobody_on_call", "nobody_to_page"
KINDS = (PAGED, NOBODY_ON_CALL, NOBODY_TO_PAGE)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an alert's paging: whom it was for, or where there was nobody."""

    at: datetime
    kind: str
    stage: str
    alert_id: int


@dataclass(frozen=True, slots=True)
class Run:
    """Steps of one alert as a line; `at` is when the last of them was taken."""

    at: datetime
    words: str
    alert_id: int


def fold(steps: Iterable[Step], cuts: Sequence[datetime], zone: ZoneInfo) -> list[Run]:
    """Runs of steps, each of one alert. Whatever else happened cuts a run in two; `cuts` are the moments of that, in
    order, so that what is told stays in the order in which it was."""
    runs: dict[tuple[int, int], list[Step]] = {}
    for step in sorted(steps, key=lambda step: step.at):
        runs.setdefault((step.alert_id, bisect(cuts, step.at)), []).append(step)
    return [Run(run[-1].at, in_few_words(run, zone), alert) for (alert, _), run in runs.items()]


def in_few_words(steps: Sequence[Step], zone: ZoneInfo) -> str:
    """What was done, how often and between when, in order of time.

    >>> day = [datetime(2026, 11, 1, hour, tzinfo=ZoneInfo("UTC")) for hour in (14, 16, 18)]
    >>> in_few_words([Step(day[0], PAGED, "tier 1", 7)], ZoneInfo("UTC"))
    'Paged: tier 1'
    >>> steps = [Step(day[0], PAGED, "tier 1", 7), Step(day[1], NOBODY_ON_CALL, "tier 2", 7)]
    >>> in_few_words([*steps, Step(day[2], PAGED, "everyone", 7)], ZoneInfo("UTC"))
    'Paged 2 times between 14:00 and 18:00: tier 1, everyone; nobody on call in tier 2'
    >>> in_few_words([Step(at, NOBODY_TO_PAGE, "", 7) for at in day], ZoneInfo("UTC"))
    'Nobody to page, between 14:00 and 18:00'
    """
    stages: Mapping[str, list[str]] = {
        kind: list(dict.fromkeys(step.stage for step in steps if step.kind == kind)) for kind in KINDS
    }
    when = _between(steps[0].at.astimezone(zone), steps[-1].at.astimezone(zone))
    times = sum(step.kind == PAGED for step in steps)
    told = []
    if times:
        told.append(f"paged{f' {times} times' if times > 1 else ''}{when}: {', '.join(stages[PAGED])}")
    if stages[NOBODY_ON_CALL]:
        told.append(f"nobody on call in {', '.join(stages[NOBODY_ON_CALL])}")
    if stages[NOBODY_TO_PAGE] and not times:
        told.append("nobody to page")
    words = "; ".join(told) if times else f"{'; '.join(told)}{',' if when else ''}{when}"
    return words[:1].upper() + words[1:]


def _between(start: datetime, end: datetime) -> str:
    if start == end:
        return ""
    days = start.date() != end.date()
    first, last = (f"{at:%a} {at.day} {at:%b, %H:%M}" if days else f"{at:%H:%M}" for at in (start, end))
    return f" between {first} and {last}"
