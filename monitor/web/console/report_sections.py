"""The questions that the report answers, each from the facts of a clinic and some months."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.domain.facts import Facts
from monitor.domain.figures import (
    FEW,
    STILL_OPEN,
    Opened,
    RuleValue,
    count_outcomes,
    grouped,
    load_of,
    rule_values,
    times_to,
    value_of,
)
from monitor.domain.months import week_of
from monitor.domain.protocol import outcome_words
from monitor.domain.shares import likely, share
from monitor.domain.terms import Band
from monitor.web.console.report_months import Make
from monitor.web.console.report_replies import replies, reply_times
from monitor.web.console.report_section import (
    ALL,
    Cell,
    Column,
    Rows,
    Section,
    Table,
    in_percent,
    listed,
    many,
    part_of,
    within,
)
from monitor.worklists.alerts import KINDS

BANDS = (Band.EMERGENCY, Band.URGENT, Band.SOON)
STEPS: Mapping[str, str] = {"paged": "first page", "taken": "taken", "contact": "helped"}
ENDED: Mapping[str, str] = {"answered": "the patient answered after all", STILL_OPEN: "still open"}
RULES_DRAWN = 12


def load(facts: Facts) -> Section:
    """Alerts by week and band, the pages that went out for them, and what kind they were."""
    by_week = grouped(facts.opened, lambda alert: week_of(alert.on))
    weeks = facts.months.weeks() if facts.opened else []
    total = load_of(facts.opened)
    columns = (
        Column("alerts"),
        *map(Column, BANDS),
        *map(Column, KINDS.values()),
        Column("pages sent"),
    )
    rows: Rows = [[f"{week:%Y-%m-%d}", *_load(by_week.get(week, ()))] for week in weeks]
    rows += [[ALL, *_load(facts.opened)]] if weeks else []
    line = (
        f"{many(total.alerts, 'alert', 'alerts')}: {listed([(total.bands.get(band, 0), band) for band in BANDS])}; "
        f"{many(total.pages, 'page', 'pages')} went out for them."
        if total.alerts
        else "No alert came up."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, Tone, bar_chart

        loads = [load_of(by_week.get(week, ())) for week in weeks]
        bars = [Bars(band, [each.bands.get(band, 0) for each in loads], Tone(band)) for band in BANDS]
        return bar_chart(line, [f"{week.day} {week:%b}" for week in weeks], bars, narrow=narrow)

    return Section(
        key="load",
        heading="Alert load",
        line=line,
        table=Table((Column("week from", "word"), *columns), rows),
        month=dict(zip(columns, _load(facts.opened), strict=True)),
        shows=f"Alerts by week and band. {line}",
        draw=draw,
        notes=("An alert counts by the highest band that it reached, in the week in which it came up.",),
    )


def _load(alerts: Sequence[Opened]) -> list[Cell]:
    of = load_of(alerts)
    bands, kinds = (of.bands.get(band, 0) for band in BANDS), (of.kinds.get(kind, 0) for kind in KINDS)
    return [of.alerts, *bands, *kinds, of.pages]


def answer_times(facts: Facts) -> Section:
    """From the moment an alert reached its band to its first page, to when it was taken, to when the patient was
    helped."""
    by_band = grouped(facts.opened, lambda alert: alert.band)
    worse = [alert for alert in facts.opened if alert.band > Band.SOON]
    times = {(band, step): times_to(step, by_band[band]) for band in BANDS if band in by_band for step in STEPS}
    rows: Rows = [
        [band, STEPS[step], len(by_band[band]), took.count, took.median, took.ninety]
        for (band, step), took in times.items()
    ]
    taken = times_to("taken", worse)
    line = (
        f"Of {many(len(worse), 'urgent or emergency alert', 'urgent and emergency alerts')} {taken.count} "
        f"{'was' if taken.count == 1 else 'were'} taken: half of those {within(taken.median)} of being raised, nine in "
        f"ten {within(taken.ninety)}."
        if taken.count
        else "No urgent or emergency alert was taken."
    )
    month: dict[Column, Cell] = {Column("urgent and emergency"): len(worse)}
    for step, name in STEPS.items():
        took = times_to(step, worse)
        month |= {Column(f"{name}: median", "minutes"): took.median, Column(f"{name}: 90 %", "minutes"): took.ninety}

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, rank_chart

        drawn = {key: took.median for key, took in times.items() if took.median is not None and key[0] > Band.SOON}
        labels = [f"{band}: {STEPS[step]}" for band, step in drawn]
        medians = [round(median) for median in drawn.values()]
        return rank_chart(line, labels, [Bars("median", medians)], unit=" min", narrow=narrow)

    columns = (
        Column("band", "word"),
        Column("step", "word"),
        Column("alerts"),
        Column("reached it"),
        Column("median", "minutes"),
        Column("90 %", "minutes"),
    )
    return Section(
        key="answer-times",
        heading="Time to page, take and help",
        line=line,
        table=Table(columns, rows),
        month=month,
        shows=f"Median minutes to each step of urgent and emergency alerts. {line}",
        draw=draw,
        notes=(
            "Times run from the moment at which an alert first reached the band that it counts by: one that began as "
            "soon and got urgent is measured from when it got urgent.",
            "“Helped” is the first outcome that is not “not reached”.",
            "An alert of the band soon waits for the next working day by design, so it is not in the picture.",
        ),
    )


def outcomes(facts: Facts) -> Section:
    """How alerts ended."""
    counts = count_outcomes(facts.opened)
    whole, tries = counts.total(), sum(alert.tries for alert in facts.opened)
    ranked = Counter[str]()
    for key, count in counts.most_common():
        ranked[ENDED.get(key) or outcome_words(key, facts.outcomes)] += count
    line = (
        f"{whole - counts[STILL_OPEN]} of {many(whole, 'alert is', 'alerts are')} closed; "
        f"{many(tries, 'try', 'tries')} did not reach the patient."
        if whole
        else "No alert came up."
    )

    def draw(narrow: bool) -> bytes:
        from monitor.web.charts import Bars, rank_chart

        return rank_chart(line, list(ranked), [Bars("alerts", list(ranked.values()))], narrow=narrow)

    columns = (Column("outcome", "word"), Column("alerts"), Column("share", "share"))
    return Section(
        key="outcomes",
        heading="Outcomes",
        line=line,
        table=Table(columns, [[words, count, share(count, whole)] for words, count in ranked.items()]),
        month={Column("alerts"): whole, **{Column(words): count for words, count in ranked.items()}},
        shows=f"Alerts by outcome. {line}",
        draw=draw,
    )


def rules(facts: Facts) -> Section:
    """How often a patient whose alert carried a rule needed somebody."""
    values, total = rule_values(facts.closed), value_of(facts.closed, ALL)
    few = sum(value.is_few for value in values)
    line = (
        f"Of {many(total.count, 'alert', 'alerts')} that somebody closed, "
        f"in {part_of(total.right, total.count)} the patient needed somebody. "
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
        Column("closed alerts"),
        Column("needed somebody"),
        Column("share", "share"),
        Column("the true share is likely", "word"),
        Column("needed care"),
        Column("how sure", "word"),
    )
    return Section(
        key="rules",
        heading="How often each rule was right",
        line=line,
        table=Table(
            (Column("rule", "word"), Column("what it says", "word"), *columns),
            [[value.rule, value.words, *_value(value)] for value in values],
        ),
        month=dict(zip(columns, _value(total), strict=True)),
        shows=f"Share of alerts in which the patient needed somebody, by rule, with their number. {line}",
        draw=draw,
        notes=(
            "An alert was right if its outcome says that the patient needed somebody, and needed care if it took more "
            "than advice: the protocol says it of each outcome. “Called: all is well” and “mistyped or misread” say "
            "that nobody was needed.",
            "An alert counts for every rule that it carried. Those that ended by themselves count for none.",
        ),
    )


def _value(value: RuleValue) -> list[Cell]:
    edges = likely(value.right, value.count)
    between = f"{in_percent(edges[0])} to {in_percent(edges[1])}" if edges else "–"
    sure = "few: read with care" if value.count and value.is_few else ""
    return [value.count, value.right, value.share, between, value.care, sure]


SECTIONS: Mapping[str, Make] = {
    "replies": replies,
    "reply-times": reply_times,
    "load": load,
    "answer-times": answer_times,
    "outcomes": outcomes,
    "rules": rules,
}
