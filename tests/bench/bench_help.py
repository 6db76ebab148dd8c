"""How soon `monitor --help` answers, beside a bare Typer program of two commands in the same run.

    python -m tests.bench.bench_help

Whole processes, five alternating rounds after one that warms the disk's cache; medians of wall-clock and of
processor seconds. Wanted: under half a second.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.running import PROGRAM

ROUNDS = 5
BARE = """
import sys, typer
app = typer.Typer(rich_markup_mode="markdown", add_completion=False)
app.command("one")(lambda: None)
app.command("two")(lambda: None)
app()
"""
PROGRAMS = {
    "bare Typer": [BARE, "--help"],
    "monitor --help": [PROGRAM, "--help"],
    **{f"monitor {name} --help": [PROGRAM, name, "--help"] for name in ("run", "enrol", "demo", "interpret")},
}


def seconds_of(program: list[str]) -> tuple[float, float]:
    """Wall-clock and processor seconds of one run to its end."""
    before, start = getrusage(RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-c", *program], check=True, capture_output=True)
    took, after = time.monotonic() - start, getrusage(RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for turn in track(range(ROUNDS + 1), description="rounds", console=Console(stderr=True)):
        for name, program in PROGRAMS.items():
            took = seconds_of(program)
            if turn:
                found[name].append(took)
    table = Table("program", "seconds", "processor seconds", "of the bare program's", title="--help")
    bare = median(cpu for _, cpu in found["bare Typer"])
    for name, runs in found.items():
        wall, cpu = (median(run[part] for run in runs) for part in (0, 1))
        table.add_row(name, f"{wall:.2f}", f"{cpu:.2f}", f"{cpu / bare:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
