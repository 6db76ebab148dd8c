"""What a report is made from, in all and a month at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Protocol as Shape

from monitor.domain.figures import Asked, Closed, Opened, grouped
from monitor.domain.months import Months, month_of
from monitor.domain.protocol import Outcome


class Facts(Shape):
    """Of some months: the check-ins that were asked, the alerts that came up, those that a person closed."""

    @property
    def months(self) -> Months: ...
    @property
    def asked(self) -> Sequence[Asked]: ...
    @property
    def opened(self) -> Sequence[Opened]: ...
    @property
    def closed(self) -> Sequence[Closed]: ...
    @property
    def outcomes(self) -> Mapping[str, Outcome]: ...


@dataclass
class ByMonth:
    """The same facts, a month at a time; each list is looked at when it is first asked for."""

    whole: Facts

    def parts(self) -> list[OneMonth]:
        return [OneMonth(self, month) for month in self.whole.months]

    @cached_property
    def asked(self) -> Mapping[date, Sequence[Asked]]:
        return grouped(self.whole.asked, lambda each: month_of(each.on))

    @cached_property
    def opened(self) -> Mapping[date, Sequence[Opened]]:
        return grouped(self.whole.opened, lambda each: month_of(each.on))

    @cached_property
    def closed(self) -> Mapping[date, Sequence[Closed]]:
        return grouped(self.whole.closed, lambda each: month_of(each.on))


@dataclass(frozen=True, slots=True)
class OneMonth:
    """The facts of one month among others."""

    of: ByMonth
    month: date

    @property
    def months(self) -> Months:
        return Months(self.month, self.month)

    @property
    def asked(self) -> Sequence[Asked]:
        return self.of.asked.get(self.month, ())

    @property
    def opened(self) -> Sequence[Opened]:
        return self.of.opened.get(self.month, ())

    @property
    def closed(self) -> Sequence[Closed]:
        return self.of.closed.get(self.month, ())

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        return self.of.whole.outcomes
