"""Pictures: nothing in them runs or is fetched, and nothing draws before somebody looks."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest

from monitor.web.charts import Bars, Expected, Line, Scale, Tone, bar_chart, line_chart, rank_chart, svg_response

DAYS, PAIN = Scale(0, 14, {0: "day 0", 7: "7", 14: "14"}), Scale(0, 10, {0: "0", 5: "5", 10: "10"})
HOSTILE = '</title><script>alert(1)</script>&"\x27'


def course(*, narrow: bool = False) -> bytes:
    lines = [Line("Pain", [(0, 6), (4, 3), (7, 5)], Tone.EMERGENCY), Line(HOSTILE, [(4, 1)], Tone.SECOND)]
    usual = Expected("Usual", [(0, 0, 6), (7, 0, 3), (14, 0, 1)])
    return line_chart(HOSTILE, lines, x=DAYS, y=PAIN, expected=usual, narrow=narrow)


@pytest.mark.parametrize("narrow", [False, True])
def test_nothing_in_a_picture_runs_or_comes_from_elsewhere(narrow: bool) -> None:
    pictures = [
        course(narrow=narrow),
        bar_chart(HOSTILE, [HOSTILE, "b"], [Bars(HOSTILE, [1, 2]), Bars("n", [None, 3])], narrow=narrow),
        rank_chart(HOSTILE, [HOSTILE], [Bars(HOSTILE, [1.5])], unit=" %", most=100, narrow=narrow),
    ]
    for svg in pictures:
        root = ElementTree.fromstring(svg)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "image", "foreignObject", "a", "use"}
        assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
        text = svg.decode().replace("http://www.w3.org/", "")
        assert "http" not in text
        assert "url(" not in text
        assert "@import" not in text


def test_a_picture_says_what_it_is_and_is_the_same_each_time() -> None:
    assert ElementTree.fromstring(course()).findtext("{http://www.w3.org/2000/svg}title") == HOSTILE
    assert course() == course()


def test_a_picture_has_colours_for_the_dark() -> None:
    assert b"prefers-color-scheme: dark" in course().replace(b":dark", b": dark")


def test_nothing_to_draw_is_drawn_as_nothing_yet() -> None:
    for svg in (
        line_chart("none", [], x=DAYS, y=PAIN),
        line_chart("none", [Line("Pain", [])], x=DAYS, y=PAIN),
        bar_chart("none", [], []),
        rank_chart("none", [], []),
    ):
        assert b"nothing yet" in svg
    assert b"nothing yet" not in bar_chart("zero", ["a"], [Bars("alerts", [0])])


def test_a_picture_brings_its_own_policy() -> None:
    answer = svg_response(b"<svg/>")
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert answer.media_type == "image/svg+xml"


def test_the_program_starts_without_the_library_that_draws() -> None:
    loads = "import sys, monitor.cli, monitor.web.app, monitor.web.charts; print('pygal' in sys.modules)"
    ran = subprocess.run([sys.executable, "-W", "error", "-c", loads], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_drawing_leaves_imports_as_they_were() -> None:
    course()
    assert not [finder for finder in sys.meta_path if "pygal" in type(finder).__module__]
