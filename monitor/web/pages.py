"""The pages' templates and the few words that they need turned into text for people."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from babel import Locale, UnknownLocaleError
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

HERE = Path(__file__).parent
# Everything a page sends comes from this program's own files; nothing inline is run or drawn.
SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def words(name: str) -> str:
    """A stored name as words.

    >>> words("fell_out")
    'fell out'
    """
    return name.replace("_", " ")


def on_day(at: datetime) -> str:
    """A local date as it divides the texts of a screen.

    >>> on_day(datetime(2026, 11, 8))
    'Sun 8 Nov 2026'
    """
    return f"{at:%a} {at.day} {at:%b %Y}"


def on_short_day(at: datetime, year: int | None = None) -> str:
    """A local moment in a line of other things; with its year, where that is another one than this.

    >>> on_short_day(datetime(2026, 11, 8, 9, 5)), on_short_day(datetime(2025, 11, 8, 9, 5), 2026)
    ('Sun 8 Nov, 09:05', 'Sat 8 Nov 2025, 09:05')
    """
    other = f" {at.year}" if year not in {None, at.year} else ""
    return f"{at:%a} {at.day} {at:%b}{other}, {at:%H:%M}"


@pass_context
def _on_short_day(context: Context, at: datetime) -> str:
    """On a page that somebody visits, the year is that of their clock."""
    visit = context.get("visit")
    return on_short_day(at, visit.now.astimezone(at.tzinfo).year if visit is not None else None)


def after_surgery(day: int) -> str:
    """A postop day in a line of other things; before the surgery nobody counts in days below nothing.

    >>> after_surgery(7), after_surgery(0), after_surgery(-1), after_surgery(-10)
    ('day 7', 'day 0', 'surgery in 1 day', 'surgery in 10 days')
    """
    if day >= 0:
        return f"day {day}"
    return f"surgery in {-day} day{'' if day == -1 else 's'}"


def short_span(span: str) -> str:
    """A span of time as a button has room for it.

    >>> short_span("10 minutes"), short_span("4 hours")
    ('10 min', '4 h')
    """
    count, unit = span.split()
    return f"{count} { {'minutes': 'min', 'hour': 'h', 'hours': 'h'}.get(unit, unit) }"


def in_words(span: timedelta) -> str:
    """How long something still takes, or how long ago it should have been.

    >>> in_words(timedelta(minutes=12)), in_words(timedelta(hours=-3, minutes=-5)), in_words(timedelta(days=2))
    ('in 12 min', '3 h 5 min ago', 'in 2 days')
    """
    minutes = abs(int(span.total_seconds())) // 60
    if minutes < 60:
        words = f"{minutes} min"
    elif minutes < 48 * 60:
        words = f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    else:
        words = f"{minutes // 1440} days"
    return f"in {words}" if span >= timedelta() else f"{words} ago"


def ago(span: timedelta) -> str:
    """How long ago something began.

    >>> ago(timedelta(hours=2, minutes=10)), ago(timedelta(seconds=20))
    ('2 h 10 min ago', 'just now')
    """
    return in_words(-span) if span >= timedelta(minutes=1) else "just now"


def language_name(language: str) -> str:
    """A language's code as a word.

    >>> language_name("es"), language_name("tlh-xx")
    ('Spanish', 'tlh-xx')
    """
    try:
        return Locale.parse(language, sep="-").get_display_name("en") or language
    except (UnknownLocaleError, ValueError):
        return language


def clock_time(at: datetime) -> str:
    """A local moment of today or another day is told apart by whoever shows it; this is the time alone.

    >>> clock_time(datetime(2026, 11, 8, 9, 5))
    '09:05'
    """
    return f"{at:%H:%M}"


def _templates() -> Jinja2Templates:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        one.__name__: one
        for one in (words, on_day, after_surgery, short_span, in_words, ago, clock_time, language_name)
    } | {"on_short_day": _on_short_day}
    return Jinja2Templates(env=environment, context_processors=[lambda request: {"here": request.url.path}])


templates = _templates()
