"""The questions that the report answers, each from the facts of a clinic and some months."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from monitor.domain.figures import (
    FEW,
    FIRSTS,
    RuleValue,
    count_within,
    likely,
    quantile,
    rule_values,
    share,
    times_of,
    week_of,
)
from monitor.domain.protocol import outcome_words
from monitor.domain.terms import Band, Need
from monitor.web.console.report_section import Cell, Column, Rows, Section, in_percent, in_time, listed, many, part_of
from monitor.worklists.alerts import KINDS
from monitor.worklists.reports import Facts, Opened

BANDS = (Band.EMERGENCY, Band.URGENT, Band.SOON)
FATES: Mapping[str, str] = {
    "answered": "answered",
    "partial": "half answered",
    "silent": "silent",
    "unreached": "unreached",
    "open": "still open",
    "stopped": "stopped",
}
STEPS: Mapping[str, str] = {"paged": "first page", "taken": "taken", "contact": "helped"}
EDGES: Mapping[str, float] = {"15 min": 15, "1 h": 60, "4 h": 240, "12 h": 720, "24 h": 1440}
LATER = "later"
ENDED: Mapping[str, str] = {"answered": "the patient answered after all", "open": "still open"}
RULES_DRAWN = 12


def replies(facts: Facts) -> Section:
    """What became of the check-ins that were asked, by their day."""
    days = sorted({asked.day for asked in facts.asked})
    counts = Counter((asked.day, asked.fate) for asked in facts.asked)
    total = Counter(asked.fate for asked in facts.asked)
    whole = total.total()
    rows: Rows = []
    for day in days:
        of = [counts[day, fate] for fate in FATES]
        rows.append([f"day {day}", sum(of), *of, share(of[0], sum(of))])
    if days:
        rows.append(["all", whole, *(total[fate] for fate in FATES), share(total["answered"], whole)])
    line = (
        f"{many(whole, 'check-in was', 'check-ins were')} asked: {part_of(total['answered'], whole)} answered, "
        f"{total['partial']} half answered, {total['silent']} silent, {total['unreached']} never reached the phone."
        if whole
        else "No check-in was asked."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, Tone, bar_chart

        tones = (Tone.GOOD, Tone.SOON, Tone.URGENT, Tone.EMERGENCY, Tone.QUIET, Tone.SECOND)
        bars = [
            Bars(FATES[fate], [counts[day, fate] for day in days], tone)
            for fate, tone in zip(FATES, tones, strict=True)
            if total[fate]
        ]
        return bar_chart(line, [f"day {day}" for day in days], bars, narrow=narrow)

    columns = (
        Column("check-in", "word"),
        Column("asked"),
        *map(Column, FATES.values()),
        Column("share answered", "share"),
    )
    return Section("replies", "Replies", line, columns, rows, f"Check-ins by their day. {line}", draw)


def reply_times(facts: Facts) -> Section:
    """From the first question of a check-in to the first reply to it."""
    minutes = [asked.minutes for asked in facts.asked if asked.minutes is not None]
    counts = count_within(minutes, list(EDGES.values()))
    labels = [*(f"up to {edge}" for edge in EDGES), LATER]
    times = times_of(minutes)
    rows: Rows = []
    for day in sorted({asked.day for asked in facts.asked}):
        of = [asked.minutes for asked in facts.asked if asked.day == day and asked.minutes is not None]
        rows.append([f"day {day}", len(of), quantile(of, 0.5), quantile(of, 0.9), *count_within(of, [*EDGES.values()])])
    if rows:
        rows.append(["all", times.count, times.median, times.ninety, *counts])
    line = (
        f"Half of the {times.count} first replies came within {in_time(times.median)}, nine in ten within "
        f"{in_time(times.ninety)}."
        if minutes
        else "No check-in has a reply."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, bar_chart

        short = [*(f"≤{edge}" for edge in EDGES), LATER] if minutes else []
        return bar_chart(line, short, [Bars("first replies", counts)] if minutes else [], narrow=narrow)

    columns = (
        Column("check-in", "word"),
        Column("replies"),
        Column("median", "minutes"),
        Column("90 %", "minutes"),
        *map(Column, labels),
    )
    shows = f"Replies by how soon they came. {line}"
    return Section("reply-times", "Time to reply", line, columns, rows, shows, draw)


def load(facts: Facts) -> Section:
    """Alerts by week and band, the pages that went out for them, and what kind they were."""
    weeks = facts.months.weeks() if facts.opened else []
    by_week: dict[date, list[Opened]] = {week: [] for week in weeks}
    for alert in facts.opened:
        by_week[week_of(alert.on)].append(alert)
    rows: Rows = [[f"{week:%Y-%m-%d}", *_load_of(by_week[week])] for week in weeks]
    if rows:
        rows.append(["all", *_load_of(facts.opened)])
    pages, bands = sum(alert.pages for alert in facts.opened), Counter(alert.band for alert in facts.opened)
    line = (
        f"{many(len(facts.opened), 'alert', 'alerts')}: {listed([(bands[band], band) for band in BANDS])}; "
        f"{many(pages, 'page', 'pages')} went out for them."
        if facts.opened
        else "No alert came up."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, Tone, bar_chart

        bars = [
            Bars(band, [sum(a.band == band for a in by_week[week]) for week in weeks], Tone(band)) for band in BANDS
        ]
        return bar_chart(line, [f"{week.day} {week:%b}" for week in weeks], bars, narrow=narrow)

    columns = (
        Column("week from", "word"),
        Column("alerts"),
        *map(Column, BANDS),
        *(Column(words) for words in KINDS.values()),
        Column("pages sent"),
    )
    notes = ("An alert counts by the highest band that it reached, in the week in which it came up.",)
    return Section("load", "Alert load", line, columns, rows, f"Alerts by week and band. {line}", draw, notes)


def _load_of(alerts: Sequence[Opened]) -> list[Cell]:
    bands = [sum(alert.band == band for alert in alerts) for band in BANDS]
    kinds = [sum(alert.kind == kind for alert in alerts) for kind in KINDS]
    return [len(alerts), *bands, *kinds, sum(alert.pages for alert in alerts)]


def answer_times(facts: Facts) -> Section:
    """From the moment an alert reached its band to its first page, to when it was taken, to when the patient was
    helped."""
    rows: Rows = []
    medians: dict[tuple[Band, str], float | None] = {}
    for band in BANDS:
        alerts = [alert for alert in facts.opened if alert.band == band]
        for step in FIRSTS.values():
            times = times_of([minutes for alert in alerts if (minutes := getattr(alert, step)) is not None])
            medians[band, step] = times.median
            if alerts:
                rows.append([band, STEPS[step], len(alerts), times.count, times.median, times.ninety])
    taken = [alert.taken for alert in facts.opened if alert.taken is not None and alert.band > Band.SOON]
    line = (
        f"Half of the urgent and emergency alerts were taken within {in_time(quantile(taken, 0.5))} of being raised, "
        f"nine in ten within {in_time(quantile(taken, 0.9))}."
        if taken
        else "No urgent or emergency alert was taken."
    )
    drawn = [key for key, median in medians.items() if median is not None and key[0] > Band.SOON]

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, rank_chart

        values = [round(medians[key] or 0) for key in drawn]
        return rank_chart(
            line, [f"{b}: {STEPS[s]}" for b, s in drawn], [Bars("median", values)], unit=" min", narrow=narrow
        )

    columns = (
        Column("band", "word"),
        Column("step", "word"),
        Column("alerts"),
        Column("reached it"),
        Column("median", "minutes"),
        Column("90 %", "minutes"),
    )
    shows = f"Median minutes to each step of urgent and emergency alerts. {line}"
    notes = (
        "Times run from the moment at which an alert first reached the band that it counts by: one that began as soon "
        "and got urgent is measured from when it got urgent.",
        "“Helped” is the first outcome that is not “not reached”.",
        "An alert of the band soon waits for the next working day by design, so it is not in the picture.",
    )
    return Section("answer-times", "Time to page, take and help", line, columns, rows, shows, draw, notes)


def outcomes(facts: Facts) -> Section:
    """How alerts ended."""
    counts = Counter(alert.outcome or "open" for alert in facts.opened)
    whole, tries = counts.total(), sum(alert.tries for alert in facts.opened)
    ranked = counts.most_common()
    rows: Rows = [
        [ENDED.get(key) or outcome_words(key, facts.outcomes), count, share(count, whole)] for key, count in ranked
    ]
    over = whole - counts["open"]
    line = (
        f"{over} of {many(whole, 'alert is', 'alerts are')} closed; "
        f"{many(tries, 'try', 'tries')} did not reach the patient."
        if whole
        else "No alert came up."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, rank_chart

        return rank_chart(line, [str(row[0]) for row in rows], [Bars("alerts", [c for _, c in ranked])], narrow=narrow)

    columns = (Column("outcome", "word"), Column("alerts"), Column("share", "share"))
    return Section("outcomes", "Outcomes", line, columns, rows, f"Alerts by outcome. {line}", draw)


def rules(facts: Facts) -> Section:
    """How often a patient whose alert carried a rule needed somebody."""
    values = rule_values(facts.closed)
    rows: Rows = [[*_rule_row(value)] for value in values]
    right = sum(closed.needed != Need.NOTHING for closed in facts.closed)
    few = sum(value.is_few for value in values)
    line = (
        f"Of {many(len(facts.closed), 'alert', 'alerts')} that somebody closed, "
        f"in {part_of(right, len(facts.closed))} the patient needed somebody. "
        f"{few} of {many(len(values), 'rule', 'rules')} had fewer than {FEW} alerts: their shares say little yet."
        if values
        else "Nobody has closed an alert."
    )
    drawn = values[:RULES_DRAWN]

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, rank_chart

        shares = [round((value.share or 0) * 100) for value in drawn]
        labels = [f"{value.rule} ({value.count})" for value in drawn]
        return rank_chart(line, labels, [Bars("right", shares)], unit=" %", most=100, narrow=narrow)

    columns = (
        Column("rule", "word"),
        Column("what it says", "word"),
        Column("closed alerts"),
        Column("needed somebody"),
        Column("share", "share"),
        Column("the true share is likely", "word"),
        Column("needed care"),
        Column("how sure", "word"),
    )
    notes = (
        "An alert was right if its outcome says that the patient needed somebody, and needed care if it took more than "
        "advice: the protocol says it of each outcome. “Called: all is well” and “mistyped or misread” say that nobody "
        "was needed.",
        "An alert counts for every rule that it carried. Those that ended by themselves count for none.",
    )
    shows = f"Share of alerts in which the patient needed somebody, by rule, with their number. {line}"
    return Section("rules", "How often each rule was right", line, columns, rows, shows, draw, notes)


def _rule_row(value: RuleValue) -> Sequence[Cell]:
    edges = likely(value.right, value.count)
    between = f"{in_percent(edges[0])} to {in_percent(edges[1])}" if edges else "–"
    sure = "few: read with care" if value.is_few else ""
    return value.rule, value.words, value.count, value.right, value.share, between, value.care, sure


SECTIONS: Mapping[str, Callable[[Facts], Section]] = {
    "replies": replies,
    "reply-times": reply_times,
    "load": load,
    "answer-times": answer_times,
    "outcomes": outcomes,
    "rules": rules,
}
