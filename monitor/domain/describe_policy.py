"""Who is paged when, in plain words: the escalation policy as staff read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from monitor.domain.policy import Deadlines, PageWhen, Policy


def describe_policy(policy: Policy) -> Mapping[str, Mapping[str, str]]:
    """What happens with an alert of each band, the worst first, and what is the same for all; each by its name.

    >>> from datetime import time
    >>> from monitor.domain.localtime import Window
    >>> from monitor.domain.policy import Silence
    >>> from monitor.domain.terms import Band
    >>> hour = timedelta(hours=1)
    >>> clocks = Deadlines(PageWhen.AT_ONCE, True, timedelta(minutes=3), hour, hour, timedelta())
    >>> silence = Silence(timedelta(minutes=240), time(10), timedelta(days=2))
    >>> policy = Policy(Window(time(7), time(22)), time(8), {Band.EMERGENCY: clocks}, True, silence)
    >>> describe_policy(policy)["emergency"]["paged"]
    'at once, at any hour, by text and by a call'
    """
    bands = sorted(policy.bands, key=lambda band: -band.rank)
    silence = policy.silence
    return {
        **{band.value: _clocks(policy.bands[band], policy) for band in bands},
        "nobody takes it": {
            "in the end": "the clinic's last-resort number is paged" + (" and rung" if policy.ring_last_resort else "")
        },
        "every working day": {"morning list": f"at {policy.digest_at:%H:%M}, to the first tier, if anything waits"},
        "no answer to a check-in": {
            "one reminder": f"{span_of(silence.nudge)} after the question",
            "told to staff": f"the next day at {silence.finding_at:%H:%M}",
            "question stays open": f"for {span_of(silence.question_open)}",
        },
    }


def _clocks(clocks: Deadlines, policy: Policy) -> Mapping[str, str]:
    return {
        "paged": _paged(clocks, policy) + (", by text and by a call" if clocks.ring else ""),
        "nobody takes it": f"the next tier is paged after {span_of(clocks.next_tier)}, and so on",
        "outcome wanted": f"within {span_of(clocks.outcome)} of taking it; then whoever is on duty is paged",
        "the patient is told": _promised(clocks, policy),
    }


def _promised(clocks: Deadlines, policy: Policy) -> str:
    """By when somebody calls, as `promise_by` counts it: from when paging begins, which may be a day off."""
    promise = f"that somebody calls within {span_of(clocks.tell_patient)}"
    start, end = policy.day.start, policy.day.end
    match clocks.page:
        case PageWhen.AT_ONCE:
            return promise
        case PageWhen.IN_DAY:
            return f"{promise}; the hours from {end:%H:%M} to {start:%H:%M} do not count, but for “also at night”"
        case PageWhen.NEXT_NOON:
            return (
                f"{promise} of that noon, not of their text; the hours from {end:%H:%M} to {start:%H:%M} do not count"
            )


def _paged(clocks: Deadlines, policy: Policy) -> str:
    match clocks.page:
        case PageWhen.AT_ONCE:
            return "at once, at any hour"
        case PageWhen.IN_DAY:
            day = f"from {policy.day.start:%H:%M} to {policy.day.end:%H:%M}"
            return f"at once {day}; at night only what is marked “also at night”, all else at {policy.day.start:%H:%M}"
        case PageWhen.NEXT_NOON:
            return (
                "in the morning list; paged if nobody has taken it by noon of the next working day, or by the last "
                f"noon within {span_of(clocks.latest)} after it came up, if that is sooner"
            )


def span_of(span: timedelta) -> str:
    """A span as it is said.

    >>> span_of(timedelta(minutes=3)), span_of(timedelta(hours=4)), span_of(timedelta(minutes=90))
    ('3 min', '4 h', '1 h 30 min')
    """
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
