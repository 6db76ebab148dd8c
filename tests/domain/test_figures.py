"""The arithmetic of reports against numbers worked out by hand, and against what must hold for any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median, quantiles
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.facts import ByMonth
from monitor.domain.figures import (
    FEW,
    Asked,
    Closed,
    Fate,
    Moment,
    Opened,
    fate_of,
    first_steps,
    reached_at,
    rule_values,
)
from monitor.domain.months import Months, parse_months, week_of
from monitor.domain.protocol import Outcome
from monitor.domain.shares import count_within, likely, minutes_between, quantile, times_of
from monitor.domain.terms import Band, Need
from monitor.errors import BadInput

TODAY = date(2026, 11, 8)
MINUTES = st.lists(st.floats(0, 10_000), min_size=2, max_size=60)


@given(MINUTES)
def test_medians_and_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    assert quantile(values, 0.5) == pytest.approx(median(values))
    assert quantile(values, 0.9) == pytest.approx(quantiles(values, n=10, method="inclusive")[-1])


@given(MINUTES)
def test_everything_counted_stands_in_one_place(values: list[float]) -> None:
    assert sum(count_within(values, [15, 60, 240])) == len(values)


def test_one_reply_is_its_own_median_and_none_has_none() -> None:
    assert times_of([42]).ninety == 42
    assert (times_of([]).count, times_of([]).median) == (0, None)


def test_what_takes_exactly_as_long_as_an_edge_is_within_it() -> None:
    assert count_within([15, 15.01, 60], [15, 60]) == [1, 2, 0]


@given(st.integers(0, 300), st.integers(1, 300))
def test_the_likely_range_holds_the_share_that_was_found_and_stays_a_share(part: int, whole: int) -> None:
    part = min(part, whole)
    edges = likely(part, whole)
    assert edges is not None
    assert 0 <= edges[0] <= part / whole + 1e-9
    assert part / whole - 1e-9 <= edges[1] <= 1


def test_more_cases_make_the_likely_range_narrower() -> None:
    few, many = likely(8, 10), likely(800, 1000)
    assert few is not None
    assert many is not None
    assert many[1] - many[0] < (few[1] - few[0]) / 5


def test_a_rule_is_right_where_the_patient_needed_somebody() -> None:
    needs = [Need.CARE, Need.ADVICE, Need.NOTHING, Need.NOTHING, Need.CARE, Need.NOTHING, Need.ADVICE, Need.CARE]
    (value,) = rule_values([Closed(TODAY, needed, {"pus": "Pus."}) for needed in needs])
    assert (value.count, value.right, value.care) == (8, 5, 3)
    assert value.share == 5 / 8
    assert value.is_few
    assert not rule_values([Closed(TODAY, Need.CARE, {"pus": "Pus."})] * FEW)[0].is_few


NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


def moments(*happened: tuple[str, int, str | None]) -> list[Moment]:
    """What happened to an alert, so many minutes after nine."""
    return [Moment(kind, NINE + timedelta(minutes=minutes), said) for kind, minutes, said in happened]


def test_an_alert_reaches_its_band_by_the_raise_that_first_said_so() -> None:
    raised = moments(
        ("alert_opened", 0, "soon"), ("alert_raised", 240, "urgent"), ("alert_raised", 300, "emergency"),
        ("alert_raised", 360, "emergency"), ("alert_added", 1, "emergency"),
    )  # fmt: skip
    reached = {band: reached_at(raised, band) for band in (Band.SOON, Band.URGENT, Band.EMERGENCY)}
    assert [at and (at - NINE).total_seconds() / 60 for at in reached.values()] == [0, 240, 300]


def test_what_was_done_about_a_lesser_band_counts_for_no_step_of_a_higher_one() -> None:
    done = moments(
        ("paged", 60, None), ("alert_taken", 70, None), ("outcome", 80, "not_reached"), ("alert_raised", 240, "urgent"),
        ("alert_taken", 250, None), ("paged", 241, None), ("outcome", 255, "not_reached"),
    )  # fmt: skip
    assert first_steps(done, NINE + timedelta(minutes=240)) == {"paged": 1, "taken": 10}
    assert first_steps(done, NINE) == {"paged": 60, "taken": 70}


def test_every_state_of_a_check_in_is_a_fate() -> None:
    fates = {
        (state, silent): fate_of(state, silent=silent, answered=False)
        for state in ("planned", "open", "answered", "partial", "silent", "unreached", "cancelled", "skipped")
        for silent in (False, True)
    }
    assert set(fates.values()) == set(Fate) - {Fate.PARTIAL} | {fates["partial", False]}
    assert fates["open", False] == fates["planned", False] == Fate.OPEN


@dataclass
class Whole:
    """Facts as they would be read for several months."""

    months: Months
    asked: Sequence[Asked]
    opened: Sequence[Opened]
    closed: Sequence[Closed]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)


def test_a_month_among_others_holds_what_is_its_own() -> None:
    october, november = date(2026, 10, 1), date(2026, 11, 1)
    days = [date(2026, 10, 31), november, date(2026, 11, 30)]

    whole = Whole(
        Months(october, date(2026, 12, 1)),
        [Asked(day, 4, Fate.ANSWERED, 5) for day in days],
        [Opened(n, day, Band.SOON, "silence", None, 0, 0, {}) for n, day in enumerate(days)],
        [Closed(day, Need.NOTHING, {}) for day in days],
    )
    parts = ByMonth(whole).parts()
    assert [part.month.month for part in parts] == [10, 11, 12]
    for name in ("asked", "opened", "closed"):
        assert [len(getattr(part, name)) for part in parts] == [1, 2, 0]
    assert parts[1].months == Months(november, november)


def test_nobody_replies_before_they_were_asked() -> None:
    assert minutes_between(datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC), datetime(2026, 11, 2, 9, tzinfo=UTC)) == 0


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Pacific/Apia", "Africa/Cairo", "UTC"])
def test_months_follow_each_other_without_gap_or_overlap(zone: str) -> None:
    place, months = ZoneInfo(zone), list(Months(date(2025, 1, 1), date(2026, 12, 1)))
    assert len(months) == 24
    edges = [Months(month, month).bounds(place) for month in months]
    assert all(one[1] == other[0] for one, other in pairwise(edges))
    assert all(start.astimezone(place).day == 1 for start, _ in edges)


def test_the_weeks_of_a_month_hold_all_its_days() -> None:
    months = parse_months("2026-02", "2026-04", TODAY)
    days = [months.first + timedelta(days=n) for n in range((months.ends - months.first).days)]
    assert {week_of(day) for day in days} == set(months.weeks())


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [("2026-1", "", "month"), ("26-11", "", "month"), ("2026/11", "", "month"), ("1999-12", "", "month"),
     ("2026-00", "", "month"), ("2026-11", "x", "until"), ("2026-11", "2026-10", "until"),
     ("2026-11", "2028-11", "until")],
)  # fmt: skip
def test_months_that_are_none_name_the_field_that_is_wrong(first: str, last: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_months(first, last, TODAY)
    assert refused.value.field == field
