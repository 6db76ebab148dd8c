"""What is usual of a course is what the protocol's own rules let pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.domain.bundle import load_bundle
from monitor.domain.course import Point, by_day, expected_gum, expected_pain, gum_of, points_of
from monitor.domain.findings import Findings
from monitor.domain.protocol import Protocol
from monitor.domain.terms import Presence, Sign, Trend
from monitor.services.seed import read_files


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load_bundle(read_files()).protocol


@pytest.mark.parametrize(("day", "most"), [(0, 6), (3, 6), (4, 6), (6, 6), (7, 3), (13, 3), (14, 3), (60, 3)])
def test_pain_up_to_here_calls_nobody(protocol: Protocol, day: int, most: int) -> None:
    assert expected_pain(protocol, day) == most


@pytest.mark.parametrize(("day", "most"), [(0, 3), (3, 3), (4, 1), (13, 1), (14, 0), (60, 0)])
def test_gum_up_to_here_calls_nobody(protocol: Protocol, day: int, most: int) -> None:
    assert expected_gum(protocol, day) == most


@pytest.mark.parametrize("expected", [expected_pain, expected_gum])
def test_a_long_course_asks_the_rules_once_for_each_span_of_days(
    protocol: Protocol, expected: Callable[[Protocol, int], int]
) -> None:
    asked: list[int] = []

    def counting(rules: Protocol, day: int) -> int:
        asked.append(day)
        return expected(rules, day)

    year = by_day(counting, protocol, range(366))
    assert year == [expected(protocol, day) for day in range(366)]
    of_a_year = len(asked)
    assert of_a_year < 30
    asked.clear()
    assert by_day(counting, protocol, range(3601))[366:] == [year[-1]] * 3235
    assert len(asked) == of_a_year


def test_the_worse_of_swelling_and_redness_counts_and_the_last_word_of_a_day() -> None:
    both = Findings(
        signs={Sign.SWELLING: Presence.ABSENT, Sign.REDNESS: Presence.PRESENT}, trend={Sign.REDNESS: Trend.WORSE}
    )
    assert gum_of(both) == 3
    said = [(7, Findings(pain=5)), (4, Findings(pain=3)), (7, both)]
    assert points_of(said) == [Point(4, pain=3), Point(7, pain=5, gum=3)]
