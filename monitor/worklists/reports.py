"""What reports are made of: the check-ins asked and the alerts opened in some months, with what became of them.

Events tell when an alert reached its band, and was first paged, taken and answered for after that: what stands on the
alert itself begins anew whenever it is paged anew. Each list takes a statement or two, whatever the number of alerts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from monitor.domain.figures import (
    FIRSTS,
    RAISES,
    Asked,
    Closed,
    Moment,
    Opened,
    fate_of,
    first_steps,
    reached_at,
)
from monitor.domain.months import Months
from monitor.domain.protocol import NOT_REACHED, Outcome, need_of
from monitor.domain.shares import minutes_between
from monitor.domain.terms import Band, Need
from monitor.models import Alert, Assessment, CheckIn, Episode, Event, Inbound, Page, Patient


@dataclass
class StoredFacts:
    """Of one clinic and some months, each read when it is first asked for. `outcomes` are those of the protocol in
    force: what it says that patients needed holds for all months, so that they can be compared."""

    session: Session
    clinic_id: int
    months: Months
    zone: ZoneInfo
    outcomes: Mapping[str, Outcome]

    def __post_init__(self) -> None:
        self._from, self._until = self.months.bounds(self.zone)

    @cached_property
    def asked(self) -> list[Asked]:
        reply = (
            select(func.min(Inbound.received_at))
            .join(Assessment, Assessment.inbound_id == Inbound.id)
            .where(Assessment.episode_id == CheckIn.episode_id, Assessment.checkin_id == CheckIn.id)
            .scalar_subquery()
        )
        left = func.coalesce(CheckIn.opened_at, CheckIn.closed_at)
        rows = self.session.execute(
            select(left, CheckIn.day, CheckIn.state, CheckIn.opened_at, CheckIn.silent_at, CheckIn.answered_at, reply)
            .join(Episode, Episode.id == CheckIn.episode_id)
            .join(Patient, Patient.id == Episode.patient_id)
            .where(Patient.clinic_id == self.clinic_id, left >= self._from, left < self._until)
            .where(or_(CheckIn.opened_at.is_not(None), CheckIn.state == "unreached"))
        )
        return [
            Asked(
                on=self._day(left),
                day=day,
                fate=fate_of(state, silent=silent is not None, answered=answered is not None),
                minutes=minutes_between(opened, first) if opened and first else None,
            )
            for left, day, state, opened, silent, answered, first in rows
        ]

    @cached_property
    def opened(self) -> list[Opened]:
        columns = (Alert.id, Alert.opened_at, Alert.band, Alert.kind, Alert.outcome)
        rows = self.session.execute(select(*columns).where(*self._mine()).order_by(Alert.id)).all()
        if not rows:
            return []
        pages, moments = self._pages(rows[0].id, rows[-1].id), self._moments(rows[0].id, rows[-1].id)
        return [self._opened(row, pages.get(row.id, 0), moments.get(row.id, ())) for row in rows]

    def _opened(self, row: Any, pages: int, moments: Sequence[Moment]) -> Opened:
        band = Band(row.band)
        # One whose raises nobody recorded is measured from when it came up.
        steps = first_steps(moments, reached_at(moments, band) or row.opened_at)
        return Opened(
            id=row.id,
            on=self._day(row.opened_at),
            band=band,
            kind=row.kind,
            outcome=row.outcome,
            pages=pages,
            tries=sum(moment.said == NOT_REACHED for moment in moments),
            steps=steps,
        )

    @cached_property
    def closed(self) -> list[Closed]:
        """Those that a person closed. One that ended by itself, since the patient answered, was judged by nobody."""
        by_person = Alert.outcome.is_not(None), Alert.outcome != "answered"
        columns = (Alert.opened_at, Alert.outcome, Alert.reasons)
        rows = self.session.execute(select(*columns).where(*self._mine(), *by_person))
        return [
            Closed(self._day(at), need_of(key, self.outcomes) or Need.ADVICE, _rules(reasons))
            for at, key, reasons in rows
        ]

    def _day(self, at: datetime) -> date:
        """Where the clinic is."""
        return at.astimezone(self.zone).date()

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        return Alert.clinic_id == self.clinic_id, Alert.opened_at >= self._from, Alert.opened_at < self._until

    # What belongs to the alerts is looked up by their numbers, first to last: looking at when each came up once more
    # costs more than what is asked for.

    def _pages(self, first: int, last: int) -> dict[int, int]:
        counted = (
            select(Page.alert_id, func.count())
            .join(Alert, Alert.id == Page.alert_id)
            .where(Page.alert_id.between(first, last), Alert.clinic_id == self.clinic_id)
            .group_by(Page.alert_id)
        )
        return {row[0]: row[1] for row in self.session.execute(counted)}

    def _moments(self, first: int, last: int) -> dict[int, list[Moment]]:
        """When each alert was raised, paged and taken, and what came of it, by its number."""
        said = case(
            (Event.kind == "outcome", Event.detail["outcome"].as_string()),
            (Event.kind.in_(RAISES), Event.detail["band"].as_string()),
        )
        rows = self.session.execute(
            select(Event.alert_id, Event.kind, Event.at, said)
            .join(Alert, Alert.id == Event.alert_id)
            .where(Event.alert_id.between(first, last), Alert.clinic_id == self.clinic_id)
            .where(Event.kind.in_([*FIRSTS, *RAISES]))
        )
        found: dict[int, list[Moment]] = {}
        for alert, *moment in rows:
            found.setdefault(alert, []).append(Moment(*moment))
        return found


def _rules(reasons: list[dict[str, Any]]) -> dict[str, str]:
    """The rules that called for somebody: what is usual for the day is a reason too, and calls nobody."""
    return {reason["rule"]: reason["text"] for reason in reasons if reason["band"] != Band.EXPECTED}
