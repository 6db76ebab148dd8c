"""How fast replies are read, beside negspaCy in the same run.

    python -m tests.bench.bench_interpret [replies.jsonl]

Three alternating rounds, medians. The texts are those of tests/cases/replies-*.toml, or a file of JSON lines with
text, question, day, lang. The peer comes with `pip install -e '.[bench]'`; without it only our own rows are printed.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.domain.replies import groups, languages

ROUNDS = 3


def memory() -> float:
    """Peak resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_texts(argument: str | None) -> list[dict[str, Any]]:
    if argument:
        return [json.loads(line) for line in Path(argument).read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        {"text": reply["text"], "question": reply["asked"], "day": reply["day"], "lang": language}
        for language in languages()
        for _, replies in groups(language)
        for reply in replies
    ]


def our_reader() -> tuple[Callable[[dict[str, Any]], object], float, float]:
    """Our interpreter, the seconds its words took to load, and the memory they take."""
    from monitor.domain.interpret import interpret
    from monitor.domain.language.lexicon import load_lexicons
    from monitor.services.seed import read_files

    files = {n.removeprefix("lexicon/"): t for n, t in read_files().items() if n.startswith("lexicon/")}
    before, started = memory(), time.perf_counter()
    lexicons = load_lexicons(files)
    took, used = time.perf_counter() - started, memory() - before

    def read(case: dict[str, Any]) -> object:
        return interpret(
            case["text"],
            question=case.get("question", "none"),
            day=case.get("day", 7),
            language=case.get("lang", "en"),
            lexicons=lexicons,
        )

    return read, took, used


def peer_reader() -> Callable[[dict[str, Any]], object] | None:
    """negspaCy over the plain names of the signs; None where it is not installed."""
    try:
        import spacy
        from negspacy.negation import Negex  # noqa: F401 -- registers the "negex" pipe
    except ImportError:
        return None
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    words = ("pain", "swelling", "redness", "bleeding", "blood", "pus", "smell", "fever", "loose", "numb", "metal")
    patterns = [{"label": "SIGN", "pattern": [{"LOWER": word}]} for word in words]
    pipeline.add_pipe("entity_ruler").add_patterns(patterns)
    pipeline.add_pipe("negex", config={"ent_types": ["SIGN"]})
    return lambda case: pipeline(case["text"])


def rate(read: Callable[[dict[str, Any]], object], cases: list[dict[str, Any]]) -> float:
    """Replies a second over all cases."""
    started = time.perf_counter()
    for case in cases:
        read(case)
    return len(cases) / (time.perf_counter() - started)


def longest(read: Callable[[dict[str, Any]], object]) -> float:
    """Milliseconds for the longest text that a phone can send, the slowest of several kinds."""
    kinds = ("no fever but it hurts and ", "3 ", "swolen gumm stil ", "не болит но опухло ", "a", "😬")
    worst = 0.0
    for kind in kinds:
        started = time.perf_counter()
        read({"text": (kind * 1600)[:1600]})
        worst = max(worst, time.perf_counter() - started)
    return worst * 1000


def main() -> None:
    """Print the table."""
    cases = read_texts(sys.argv[1] if len(sys.argv) > 1 else None)
    ours, load_seconds, load_memory = our_reader()
    peer = peer_reader()
    readers = {"implant-monitor": ours} | ({"negspaCy": peer} if peer else {})
    rates: dict[str, list[float]] = {name: [] for name in readers}
    for _ in track(range(ROUNDS), description=f"{len(cases)} replies, {ROUNDS} rounds"):
        for name, read in readers.items():
            rates[name].append(rate(read, cases))
    table = Table("reader", "replies/s (median)", "ratio to ours")
    base = median(rates["implant-monitor"])
    for name, found in rates.items():
        table.add_row(name, f"{median(found):,.0f}", f"{median(found) / base:.2f}")
    console = Console()
    console.print(table)
    console.print(f"longest single text {longest(ours):.1f} ms")
    console.print(f"words loaded in {load_seconds * 1000:.0f} ms, {load_memory:.1f} MB")
    if peer is None:
        console.print("negspaCy is not installed: pip install -e '.[bench]'", markup=False)


if __name__ == "__main__":
    main()
