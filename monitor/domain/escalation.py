"""Whom to page now: rota, policy and the time in; pages and the next instant to look again out.

open ── page tier 1 ── tier 2 ── … ── everyone ── last resort ── round again, without end
 │         └─ nobody on call, or every page undelivered: the next stage at once
taken ── no outcome in time: whoever is on duty is paged from tier 1 again
closed ── an outcome was recorded
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from monitor.domain.localtime import WorkCalendar, local_instant
from monitor.domain.policy import PageWhen, Policy
from monitor.domain.rota import Person, Rota
from monitor.domain.terms import Band

EVERYONE = "everyone"
LAST_RESORT = "last resort"


@dataclass(frozen=True, slots=True)
class Paging:
    """Where an alert stands: its band, whether it may wake people, and how far paging has come."""

    band: Band
    at_night: bool
    stage: int  # 0: nobody has been paged in this round
    rounds: int
    taken: bool = False
    stage_failed: bool = False  # every page of this stage is known to have reached nobody


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now. `unmanned` names stages that had nobody; `next_at` is when to look again."""

    people: tuple[Person, ...]
    stage: int
    rounds: int
    next_at: datetime
    stage_name: str = ""
    last_resort: bool = False
    ring: bool = False
    unmanned: tuple[str, ...] = ()


def stages(rota: Rota) -> list[str]:
    """The order in which people are tried.

    >>> from zoneinfo import ZoneInfo
    >>> stages(Rota(ZoneInfo("UTC"), [Person(1, "+1", 1), Person(2, "+2", 2)]))
    ['tier 1', 'tier 2', 'everyone', 'last resort']
    """
    return [f"tier {tier}" for tier in rota.tiers()] + [EVERYONE, LAST_RESORT]


def may_page(band: Band, at_night: bool, instant: datetime, policy: Policy, calendar: WorkCalendar) -> bool:
    """Whether this band pages people at this hour of the clinic's clock."""
    if at_night or policy.bands[band].page == PageWhen.AT_ONCE:
        return True
    return policy.day.holds(instant.astimezone(calendar.zone).time())


def outcome_rests_until(band: Band, now: datetime, policy: Policy, calendar: WorkCalendar) -> datetime:
    """An outcome that is overdue for something that can wait is asked for in working hours only."""
    return calendar.next_opening(now) if policy.bands[band].page == PageWhen.NEXT_NOON else now


def first_silence_page_at(now: datetime, calendar: WorkCalendar) -> datetime:
    """A first silence stands in the digest; it is paged if untouched by noon of the next working day,
    however far that is: nobody is called on a Sunday because a text was not answered."""
    day = calendar.next_working_day(now.astimezone(calendar.zone).date())
    return local_instant(day, time(12), calendar.zone)


def first_page_at(band: Band, at_night: bool, now: datetime, policy: Policy, calendar: WorkCalendar) -> datetime:
    """When paging for a new finding begins."""
    deadlines = policy.bands[band]
    if deadlines.page == PageWhen.NEXT_NOON and not at_night:
        return _next_noon(now, deadlines.latest, calendar)
    if may_page(band, at_night, now, policy, calendar):
        return now
    return policy.day.next_open(now, calendar.zone)


def promise_by(band: Band, at_night: bool, now: datetime, policy: Policy, calendar: WorkCalendar) -> datetime:
    """By when the patient is told to expect a call. Where paging rests at night, so does this clock."""
    first, deadlines = first_page_at(band, at_night, now, policy, calendar), policy.bands[band]
    if at_night or deadlines.page == PageWhen.AT_ONCE:
        return first + deadlines.tell_patient
    return policy.day.after(first, deadlines.tell_patient, calendar.zone)


def decide_paging(
    paging: Paging,
    rota: Rota,
    now: datetime,
    *,
    policy: Policy,
    calendar: WorkCalendar,
    has_last_resort: bool,
) -> Decision:
    """The next step for an alert whose time has come. A stage with nobody is passed at once; after the
    last stage the next round begins, one waiting time later."""
    stage, rounds = (0, paging.rounds + 1) if paging.taken else (paging.stage, paging.rounds)
    order = stages(rota)
    if stage >= len(order):
        stage, rounds = 0, rounds + 1
        if paging.stage_failed:  # a whole round reached nobody: breathe before the next
            return Decision((), stage, rounds, now + policy.bands[paging.band].next_tier)
    if (rest := _rests_until(paging, now, stage, policy=policy, calendar=calendar)) > now:
        return Decision((), stage, rounds, rest)
    return _page_next(paging, rota, now, stage, rounds, order=order, policy=policy, has_last_resort=has_last_resort)


def _rests_until(paging: Paging, now: datetime, stage: int, *, policy: Policy, calendar: WorkCalendar) -> datetime:
    """When the next page may go. A round that began by day goes on to its end after the window closes;
    what can wait two days is paged on in working hours only."""
    soon = policy.bands[paging.band].page == PageWhen.NEXT_NOON and not paging.at_night
    if soon and (stage > 0 or paging.rounds > 0):
        return calendar.next_opening(now)
    if stage > 0 or may_page(paging.band, paging.at_night, now, policy, calendar):
        return now
    return policy.day.next_open(now, calendar.zone)


def _page_next(
    paging: Paging,
    rota: Rota,
    now: datetime,
    stage: int,
    rounds: int,
    *,
    order: Sequence[str],
    policy: Policy,
    has_last_resort: bool,
) -> Decision:
    deadlines = policy.bands[paging.band]
    unmanned: list[str] = []
    for index in range(stage, len(order)):
        name = order[index]
        people = tuple(_people_of(name, rota, now))
        last = name == LAST_RESORT and has_last_resort
        if people or last:
            ring = deadlines.ring or (last and policy.ring_last_resort and paging.band > Band.SOON)
            next_at = now + deadlines.next_tier
            return Decision(people, index + 1, rounds, next_at, name, last, ring, tuple(unmanned))
        unmanned.append(name)
    return Decision((), len(order), rounds, now + deadlines.next_tier, unmanned=tuple(unmanned))


def _people_of(stage: str, rota: Rota, now: datetime) -> list[Person]:
    if stage == EVERYONE:
        return rota.everyone()
    if stage == LAST_RESORT:
        return []
    return rota.on_call(int(stage.removeprefix("tier ")), now)


def _next_noon(now: datetime, latest: timedelta, calendar: WorkCalendar) -> datetime:
    """Noon of the next working day; where that is later than allowed, the last noon that is not."""
    noon = time(12)
    today = now.astimezone(calendar.zone).date()
    wanted = local_instant(calendar.next_working_day(today), noon, calendar.zone)
    day = (now + latest).astimezone(calendar.zone).date()
    while local_instant(day, noon, calendar.zone) > now + latest:
        day -= timedelta(days=1)
    return min(wanted, local_instant(day, noon, calendar.zone))
