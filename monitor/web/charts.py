"""Pictures of numbers, as SVG: drawn by pygal, in the console's colours, dark and light.

A picture is an answer of its own, shown by `<img>`: its style rides inside it, which no page of ours may have, so it
comes with a policy of its own that lets it do nothing else. Each is drawn wide, or narrow for a phone: one drawing
made smaller could not be read there. In a template:

    <picture>
      <source media="(max-width: 40rem)" srcset="/…/course.svg?narrow=1"><img src="/…/course.svg" alt="what it shows">
    </picture>
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import Response

TONES_LIGHT = {
    "ink": "#14201f",
    "soft": "#4d5f60",
    "line": "#d5dede",
    "card": "#ffffff",
    "accent": "#0b6660",
    "second": "#3a66c4",
    "third": "#8a4fae",
    "quiet": "#7d8f90",
    "emergency": "#b01220",
    "urgent": "#d2691e",
    "soon": "#a98500",
    "good": "#3d8a54",
}
TONES_DARK = {
    "ink": "#e6eeee",
    "soft": "#a3b4b5",
    "line": "#2a3536",
    "card": "#161d1e",
    "accent": "#63cfc3",
    "second": "#8ab8ff",
    "third": "#d0a3ee",
    "quiet": "#7f9293",
    "emergency": "#ff8a8f",
    "urgent": "#f29a5c",
    "soon": "#e3c04f",
    "good": "#79c88f",
}
SVG_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
}
WIDE, NARROW = (760, 300), (360, 270)
SHOWN_LABELS = {False: 13, True: 5}  # so many words have room below a wide or a narrow picture
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
# What pygal's own sheet would say otherwise: guides that stand back, edges between bars, a range without an outline.
CSS = """
text { stroke: none; }
.axis .line, .axis .guide.line, .axis .major.guide.line { stroke: var(--line); stroke-dasharray: none; }
.axis text, .axis text.major, .legends .legend text { fill: var(--soft); }
.line.reactive { stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
.rect.reactive { stroke: var(--card); stroke-width: 1; }
"""
NO_OUTLINE = ".color-0 .line.reactive { stroke: none; fill-opacity: .22; }"
AFTER_THE_BAR = ".text-overlay .series text { text-anchor: start; }"


class Tone(StrEnum):
    """A colour by what it stands for."""

    ACCENT = "accent"
    SECOND = "second"
    THIRD = "third"
    QUIET = "quiet"
    EMERGENCY = "emergency"
    URGENT = "urgent"
    SOON = "soon"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y) in the order of x, joined by a line."""

    name: str
    points: Sequence[tuple[float, float]]
    tone: Tone = Tone.ACCENT


@dataclass(frozen=True, slots=True)
class Expected:
    """From where to where it usually is: (x, low, high) in the order of x."""

    name: str
    points: Sequence[tuple[float, float, float]]
    tone: Tone = Tone.GOOD


@dataclass(frozen=True, slots=True)
class Bars:
    """One number for each label of the picture."""

    name: str
    values: Sequence[float | None]
    tone: Tone = Tone.ACCENT


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis: where it begins and ends, and the words along it by their number."""

    low: float
    high: float
    words: Mapping[float, str]


def line_chart(
    title: str, lines: Sequence[Line], *, x: Scale, y: Scale, expected: Expected | None = None, narrow: bool = False
) -> bytes:
    """Lines over numbers, with the range in which they usually are behind them."""
    pygal = _pygal()
    shown = [line for line in lines if line.points]
    tones = ([expected.tone] if expected else []) + [line.tone for line in shown]
    if not tones:
        return _drawn(pygal.XY(**_empty(narrow=narrow)), title)
    look = _look(tones, narrow=narrow, more=NO_OUTLINE if expected else "")
    chart = pygal.XY(**look, xrange=(x.low, x.high), range=(y.low, y.high))
    chart.x_labels = list(x.words)
    chart.y_labels = [{"value": value, "label": label} for value, label in y.words.items()]
    chart.x_value_formatter = lambda value: x.words.get(value, f"{value:g}")
    chart.truncate_label = -1
    if expected:
        chart.add(expected.name, _around(expected.points), fill=True, show_dots=False)
    for line in shown:
        chart.add(line.name, list(line.points), dots_size=5)
    return _drawn(chart, title)


def bar_chart(title: str, labels: Sequence[str], bars: Sequence[Bars], *, narrow: bool = False) -> bytes:
    """Upright bars, those of one label on top of each other: counts over time."""
    pygal = _pygal()
    if not labels:
        return _drawn(pygal.Bar(**_empty(narrow=narrow)), title)
    chart = pygal.StackedBar(**_look([each.tone for each in bars], narrow=narrow), **_whole_numbers(bars))
    every = -(-len(labels) // SHOWN_LABELS[narrow]) or 1
    chart.x_labels = [label if place % every == 0 else "" for place, label in enumerate(labels)]
    chart.truncate_label = -1
    for each in bars:
        chart.add(each.name, list(each.values))
    return _drawn(chart, title)


def rank_chart(
    title: str,
    labels: Sequence[str],
    bars: Sequence[Bars],
    *,
    unit: str = "",
    most: float | None = None,
    narrow: bool = False,
) -> bytes:
    """Lying bars with their numbers, one beneath the other in this order: shares, counts, times of a few things."""
    pygal = _pygal()
    if not labels:
        return _drawn(pygal.Bar(**_empty(narrow=narrow)), title)
    height = 70 + max(1, len(labels)) * (18 + 16 * len(bars)) + (26 if len(bars) > 1 else 0)
    look = _look([each.tone for each in bars], narrow=narrow, height=height, more=AFTER_THE_BAR)
    chart = pygal.HorizontalBar(**look, print_values=True, print_values_position="top", show_x_labels=False)
    chart.value_formatter = lambda value: f"{value:g}{unit}"
    chart.range = (0, (most or max((v for each in bars for v in each.values if v), default=1)) * 1.25)
    room = 22 if narrow else 40
    chart.x_labels = [label if len(label) <= room else label[: room - 1] + "…" for label in reversed(labels)]
    chart.truncate_label = -1
    for each in bars:
        chart.add(each.name, list(reversed(each.values)))
    return _drawn(chart, title)


def svg_response(svg: bytes) -> Response:
    """A picture as an answer: nothing in it may run, or be fetched from anywhere."""
    return Response(svg, media_type="image/svg+xml", headers=SVG_HEADERS)


def _pygal() -> Any:
    """The library, which takes a quarter of a second to load, when something is drawn. It leaves a finder of plugins
    behind that it has no use for, and that warns at every later import of a module: that goes."""
    import pygal

    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]
    return pygal


def _look(tones: Sequence[Tone], *, narrow: bool, height: int | None = None, more: str = "") -> dict[str, Any]:
    """What all pictures have in common, as pygal's settings."""
    size = NARROW if narrow else WIDE
    style = _pygal().style.Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--line)",
        font_family=FONT,
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
        value_font_size=13,
        opacity="1",
        stroke_opacity="1",
        transition="0s",
        colors=tuple(f"var(--{tone})" for tone in tones) or ("var(--accent)",),
        value_colors=("var(--ink)",) * max(1, len(tones)),
        no_data_font_size=18,
    )
    return {
        "style": style,
        "css": ("file://style.css", "file://graph.css", "inline:" + _sheet() + more),
        "js": (),
        "no_prefix": True,
        "width": size[0],
        "height": height or size[1],
        "legend_at_bottom": True,
        "legend_at_bottom_columns": _legend_columns(len(tones), narrow=narrow),
        "truncate_legend": -1,
        "margin": 8,
        "margin_right": 18,
        "spacing": 8,
        "show_legend": len(tones) > 1,
        "no_data_text": "nothing yet",
    }


def _legend_columns(names: int, *, narrow: bool) -> int:
    """Rows of a legend are full: pygal leaves no room for one that is not."""
    return max(1, names) if names <= 3 or not narrow else 2 if names % 2 == 0 else 1


def _sheet() -> str:
    light, dark = (
        ";".join(f"--{name}:{value}" for name, value in tones.items()) for tones in (TONES_LIGHT, TONES_DARK)
    )
    return f"svg{{{light}}} @media (prefers-color-scheme: dark) {{svg{{{dark}}}}} {CSS}"


def _empty(*, narrow: bool) -> dict[str, Any]:
    """Without axes: pygal would make some up."""
    return _look((), narrow=narrow, height=90) | {"show_x_labels": False, "show_y_labels": False}


def _around(points: Sequence[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """Once around the range: along its upper edge, back along its lower one."""
    return [(x, high) for x, _, high in points] + [(x, low) for x, low, _ in reversed(points)]


def _whole_numbers(bars: Sequence[Bars]) -> dict[str, Any]:
    """Counts have no fractions, whatever a scale would like."""
    highest = max((sum(v or 0 for v in at) for at in zip(*(each.values for each in bars), strict=True)), default=0)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**4, 10**5, 10**9) if highest <= 5 * step)
    top = max(1, -(-int(highest) // step)) * step
    labels = [{"value": value, "label": f"{value:g}"} for value in range(0, top + 1, step)]
    return {"range": (0, top), "y_labels": labels}


def _drawn(chart: Any, title: str) -> bytes:
    """The picture without what pygal adds for browsers that run its scripts, named for who cannot see it."""

    def finish(root: Any) -> Any:
        for parent in list(root.iter()):
            for child in list(parent):
                if not isinstance(child.tag, str) or child.tag.endswith("script"):
                    parent.remove(child)
        root.find("title").text = title
        return root

    chart.add_xml_filter(finish)
    svg: bytes = chart.render()
    return svg
