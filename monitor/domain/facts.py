"""What a report is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol as Shape

from monitor.domain.figures import Asked, Closed, Opened
from monitor.domain.months import Months
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
