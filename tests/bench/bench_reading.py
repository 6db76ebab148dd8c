"""How well replies are read: `python -m tests.bench.bench_reading [--unseen]` prints one row a language.

The replies in tests/bench/replies/*.jsonl were written by people who had not seen the interpreter, and say what a
dentist would make of each: `to` is escalate (a red sign: an alert, or at least a person), person (a question, a
request, a complaint that is not red), close (nothing for anybody to do), or left out where careful people differ.
Most of them have since been used to mend the lexicons; those marked `unseen` never were.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from monitor.domain.findings import Findings, facts_of
from monitor.domain.interpret import dispose, interpret
from monitor.domain.reading import Reading
from monitor.domain.terms import Disposition, Intent, Presence, Sign
from tests.domain.replies import languages, seed_lexicons
from tests.domain.vignettes import assess_seed

REPLIES = Path(__file__).parent / "replies"
# What is counted, and the figure that we want: at most, or at least.
WANTED = {
    "red signs closed": "0",
    "red signs escalated %": ">= 99",
    "need a person, closed %": "<= 5",
    "harmless closed %": ">= 95",
    "asked again %": "<= 4",
    "present read as absent": "0",
    "pain exact %": ">= 97",
    "temperature exact %": ">= 97",
    "intent, not an answer %": ">= 92",
}


def read_rows(language: str, *, unseen: bool = False) -> list[dict[str, Any]]:
    lines = (REPLIES / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [row for row in rows if row.get("unseen") or not unseen]


def tally(language: str, rows: list[dict[str, Any]]) -> Counter[str]:
    """How often each thing could happen (`of ...`) and did."""
    counts: Counter[str] = Counter()
    for row in rows:
        reading = interpret(
            row["text"], question=row["asked"], day=row["day"], language=language, lexicons=seed_lexicons()
        )
        assessed = assess_seed(facts_of(Findings().joined(reading, row["text"]), row["day"]))
        counts.update(_events(row, reading, dispose(reading, assessed.band)))
    return counts


def _events(row: Mapping[str, Any], reading: Reading, then: Disposition) -> Iterator[str]:
    closed = then is Disposition.CLOSE
    to = row.get("to", "either")
    yield from ("of all", f"of {to}")
    if closed:
        yield f"{to} closed"
    if to == "escalate" and then in (Disposition.ALERT, Disposition.REVIEW):
        yield "escalated"
    if then is Disposition.ASK:
        yield "asked"
    yield from ("flip" for sign in row.get("present", ()) if reading.signs.get(Sign(sign)) is Presence.ABSENT)
    if "pain" in row:
        yield "of pain"
        yield from ["pain"] * (reading.pain == row["pain"][0])
    if "temp_c" in row:
        yield "of temperature"
        yield from ["temperature"] * (reading.temp_c is not None and abs(reading.temp_c - row["temp_c"]) <= 0.15)
    if row["intent"][0] != Intent.ANSWER:
        yield "of intent"
        yield from ["intent"] * (reading.intent in row["intent"])


def figures(counts: Counter[str]) -> dict[str, float]:
    """The figures of WANTED, in its order."""

    def share(what: str, of: str) -> float:
        return round(100 * counts[what] / counts[f"of {of}"], 1) if counts[f"of {of}"] else float("nan")

    values = (
        counts["escalate closed"],
        share("escalated", "escalate"),
        share("person closed", "person"),
        share("close closed", "close"),
        share("asked", "all"),
        counts["flip"],
        share("pain", "pain"),
        share("temperature", "temperature"),
        share("intent", "intent"),
    )
    return dict(zip(WANTED, values, strict=True))


def main() -> None:
    unseen = "--unseen" in sys.argv[1:]
    console = Console()
    table = Table("", *languages(), "wanted", title="replies never used to mend the words" if unseen else "all replies")
    columns = [figures(tally(one, read_rows(one, unseen=unseen))) for one in track(languages(), console=console)]
    for name, wanted in WANTED.items():
        table.add_row(name, *(f"{column[name]:g}" for column in columns), wanted)
    console.print(table)


if __name__ == "__main__":
    main()
