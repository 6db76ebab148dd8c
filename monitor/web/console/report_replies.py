"""What the report says of check-ins: what became of them, and how soon the first reply came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.domain.facts import Facts
from monitor.domain.figures import Asked, Fate, count_fates, grouped, reply_minutes
from monitor.domain.shares import count_within, share, times_of
from monitor.web.console.report_section import ALL, Cell, Column, Rows, Section, Table, many, part_of, within

FATES: Mapping[Fate, str] = {
    Fate.ANSWERED: "answered",
    Fate.PARTIAL: "half answered",
    Fate.SILENT: "silent",
    Fate.UNREACHED: "unreached",
    Fate.OPEN: "still open",
    Fate.STOPPED: "stopped",
}
EDGES: Mapping[str, float] = {"15 min": 15, "1 h": 60, "4 h": 240, "12 h": 720, "24 h": 1440}
LATER = "later"


def replies(facts: Facts) -> Section:
    """What became of the check-ins that were asked, by their day."""
    days = dict(sorted(grouped(facts.asked, lambda asked: asked.day).items()))
    total = count_fates(facts.asked)
    whole = total.total()
    columns = (Column("asked"), *map(Column, FATES.values()), Column("share answered", "share"))
    rows: Rows = [[f"day {day}", *_fates(asked)] for day, asked in days.items()]
    rows += [[ALL, *_fates(facts.asked)]] if days else []
    line = (
        f"{many(whole, 'check-in was', 'check-ins were')} asked: {part_of(total[Fate.ANSWERED], whole)} answered, "
        f"{total[Fate.PARTIAL]} half answered, {total[Fate.SILENT]} silent, "
        f"{total[Fate.UNREACHED]} never reached the phone."
        if whole
        else "No check-in was asked."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, Tone, bar_chart

        tones = (Tone.GOOD, Tone.SOON, Tone.URGENT, Tone.EMERGENCY, Tone.QUIET, Tone.SECOND)
        counts = [count_fates(asked) for asked in days.values()]
        bars = [
            Bars(FATES[fate], [count[fate] for count in counts], tone)
            for fate, tone in zip(FATES, tones, strict=True)
            if total[fate]
        ]
        return bar_chart(line, [f"day {day}" for day in days], bars, narrow=narrow)

    return Section(
        key="replies",
        heading="Replies",
        line=line,
        table=Table((Column("check-in", "word"), *columns), rows),
        month=dict(zip(columns, _fates(facts.asked), strict=True)),
        shows=f"Check-ins by their day. {line}",
        draw=draw,
    )


def _fates(asked: Sequence[Asked]) -> list[Cell]:
    counts = count_fates(asked)
    return [len(asked), *(counts[fate] for fate in FATES), share(counts[Fate.ANSWERED], len(asked))]


def reply_times(facts: Facts) -> Section:
    """From the first question of a check-in to the first reply to it."""
    minutes = reply_minutes(facts.asked)
    times = times_of(minutes)
    columns = (
        Column("replies"),
        Column("median", "minutes"),
        Column("90 %", "minutes"),
        *(Column(f"up to {edge}") for edge in EDGES),
        Column(LATER),
    )
    days = sorted(grouped(facts.asked, lambda asked: asked.day).items())
    rows: Rows = [[f"day {day}", *_reply_times(asked)] for day, asked in days]
    rows += [[ALL, *_reply_times(facts.asked)]] if days else []
    line = (
        f"Half of the {times.count} first replies came {within(times.median)}, nine in ten {within(times.ninety)}."
        if times.count > 1
        else f"The one first reply came {within(times.median)}."
        if times.count
        else "No check-in has a reply."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, bar_chart

        counts = count_within(minutes, [*EDGES.values()])
        short = [*(f"≤{edge}" for edge in EDGES), LATER] if minutes else []
        return bar_chart(line, short, [Bars("first replies", counts)] if minutes else [], narrow=narrow)

    return Section(
        key="reply-times",
        heading="Time to reply",
        line=line,
        table=Table((Column("check-in", "word"), *columns), rows),
        month=dict(zip(columns, _reply_times(facts.asked), strict=True)),
        shows=f"Replies by how soon they came. {line}",
        draw=draw,
    )


def _reply_times(asked: Sequence[Asked]) -> list[Cell]:
    minutes = reply_minutes(asked)
    times = times_of(minutes)
    return [times.count, times.median, times.ninety, *count_within(minutes, [*EDGES.values()])]
