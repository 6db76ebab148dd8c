"""A fleet on each engine; closed, whatever happened to it. At the end of a run, what each fault cost."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults.fleet import Counted, Fleet
from tests.twilio_standin import Standin
from tests.twilio_standin.fixture import standin

__all__ = ["standin"]
COUNTED = "fault"
RUN = re.compile(r"-?run \d+")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each fault as often as is asked for: chance has a part in all of them."""
    runs = metafunc.config.getoption("fault_runs")
    if runs > 1 and metafunc.definition.get_closest_marker("fault"):
        metafunc.fixturenames.append("run")
        metafunc.parametrize("run", [f"run {n}" for n in range(runs)])


@pytest.fixture
def fault_texts(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("fault_texts"))


@pytest.fixture
def fleet(tmp_path: Path, standin: Standin, database: str | None, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path / "home", database, standin)
    yield fleet
    note(request.node, fleet)
    fleet.close()


def note(test: pytest.Item, fleet: Fleet) -> None:
    """Have the summary tell what came of it."""
    if fleet.counted is not None:
        test.user_properties.append((COUNTED, asdict(fleet.counted)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of faults: `-m fault tests/faults`."""
    runs: dict[str, list[Counted]] = defaultdict(list)
    ended = [report for report in terminalreporter.getreports("") if report.when == "teardown"]
    for report in ended:
        for name, counted in report.user_properties:
            if name == COUNTED:
                runs[_name_of(report.nodeid)].append(Counted(**counted))
    if not runs:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line(f"{'':<86} runs  texts  lost  doubled  recovered, s (worst)")
    for name, counts in sorted(runs.items()):
        texts, lost, doubled = (sum(getattr(c, part) for c in counts) for part in ("texts", "lost", "doubled"))
        worst = max(c.seconds for c in counts)
        terminalreporter.write_line(f"{name:<86} {len(counts):>4} {texts:>6} {lost:>5} {doubled:>8}  {worst:>8.1f}")


def _name_of(nodeid: str) -> str:
    """The test's sentence and what it was tried with; runs that differ only in their number are one."""
    return RUN.sub("", nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " "))
