"""`monitor protocol`: a clinic's edited copy is checked, shown and loaded; what is wrong with it is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Done, Monitor

PROTOCOL, POLICY, MESSAGES, LEXICON = (
    "protocols/dental-implant.toml",
    "escalation.toml",
    "messages/en.toml",
    "lexicon/en.toml",
)
Edit = Callable[[Path], object]


def replaced(name: str, old: str, new: str) -> Edit:
    """An edit that puts `new` in the place of the first `old`."""

    def edit(seeds: Path) -> None:
        text = (seeds / name).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        (seeds / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def written(name: str, content: bytes) -> Edit:
    return lambda seeds: (seeds / name).write_bytes(content)


def removed(name: str) -> Edit:
    return lambda seeds: (seeds / name).unlink()


BROKEN = {
    "no protocol": (removed(PROTOCOL), [PROTOCOL, "nothing"]),
    "no escalation": (removed(POLICY), [POLICY, "nothing"]),
    "no English messages": (removed(MESSAGES), [MESSAGES, "nothing"]),
    "no English lexicon": (removed(LEXICON), [LEXICON, "nothing"]),
    "not TOML": (written(PROTOCOL, b"[[rules\n"), [PROTOCOL, "TOML"]),
    "not TOML either": (written(POLICY, b"= = ="), [POLICY, "TOML"]),
    "not UTF-8": (written(MESSAGES, b'hello = "caf\xe9"\n'), [MESSAGES, "UTF-8"]),
    "empty protocol": (written(PROTOCOL, b""), [PROTOCOL]),
    "empty escalation": (written(POLICY, b""), [POLICY]),
    "empty messages": (written(MESSAGES, b""), ["en.toml"]),
    "huge": (written(LEXICON, b"# " + b"x" * 2_100_000), [LEXICON, "at most 2000000 bytes"]),
    "NUL": (written(POLICY, b"a = 1\x00"), [POLICY]),
    "a number for a name": (replaced(PROTOCOL, 'name = "dental-implant"', "name = 7"), [PROTOCOL, "name", "7"]),
    "a list for a table": (replaced(PROTOCOL, 'pain = "pain"', 'pain = ["pain"]'), [PROTOCOL, "pain"]),
    "a word for a score": (replaced(PROTOCOL, "severe_pain = 7", 'severe_pain = "seven"'), [PROTOCOL, "severe_pain"]),
    "a score beyond ten": (replaced(PROTOCOL, "severe_pain = 7", "severe_pain = 70"), [PROTOCOL, "severe_pain", "70"]),
    "a band of one's own": (replaced(PROTOCOL, 'band = "urgent"', 'band = "dire"'), [PROTOCOL, "band", "'dire'"]),
    "a sign nobody knows": (replaced(PROTOCOL, 'sign = "pain"', 'sign = "hair"'), [PROTOCOL, "sign", "'hair'"]),
    "a key nobody reads": (replaced(PROTOCOL, "severe_pain = 7", "severe_pain = 7\nsevere = 1"), [PROTOCOL, "severe"]),
    "an id used twice": (replaced(PROTOCOL, 'id = "pain-mild"', 'id = "pus"'), [PROTOCOL, "pus"]),
    "a deadline of no time": (
        replaced(POLICY, "next_tier_minutes = 15", "next_tier_minutes = 0"),
        [POLICY, "next_tier_minutes", "0"],
    ),
    "a deadline in words": (
        replaced(POLICY, "next_tier_minutes = 15", 'next_tier_minutes = "soon"'),
        [POLICY, "next_tier_minutes", "'soon'"],
    ),
    "a night without end": (replaced(POLICY, 'from = "07:00"', 'from = "7 am"'), [POLICY, "from", "'7 am'"]),
}


@pytest.fixture(params=BROKEN, ids=lambda name: name.replace(" ", "-"))
def broken(request: pytest.FixtureRequest, seeds: Path) -> tuple[Path, list[str]]:
    """A copy of the seeds with one mistake, and what its refusal must name."""
    edit, parts = BROKEN[request.param]
    edit(seeds)
    return seeds, parts


def is_named(done: Done, parts: list[str]) -> bool:
    assert (done.code, done.out) == (2, ""), done
    assert "Traceback" not in done.err
    assert any(all(part in line for part in [*parts, "allowed: "]) for line in done.lines), done
    return True


def test_the_seeds_are_without_contradiction(monitor: Monitor) -> None:
    assert "no contradiction" in monitor("protocol", "check").out
    assert monitor("protocol", "check", "--json").json == []


def test_check_names_what_is_wrong(broken: tuple[Path, list[str]], monitor: Monitor) -> None:
    folder, parts = broken
    assert is_named(monitor("protocol", "check", str(folder)), parts)


def test_check_tells_programs_too(seeds: Path, monitor: Monitor) -> None:
    written(POLICY, b"")(seeds)
    done = monitor("protocol", "check", str(seeds), "--json")
    assert done.code == 2
    (first, *_) = json.loads(done.out)
    assert set(first) == {"where", "found", "allowed"}


@pytest.mark.parametrize("name", ["no protocol", "not TOML", "not UTF-8", "a band of one's own"])
def test_load_keeps_nothing_that_check_refuses(name: str, seeds: Path, ready: Monitor) -> None:
    edit, parts = BROKEN[name]
    edit(seeds)
    assert ready("protocol", "load", str(seeds)).is_refused(*parts)
    assert ready("protocol", "show", str(seeds)).is_refused(*parts)
    assert ready("ledger").code == 0


@pytest.mark.parametrize("command", ["check", "load", "show"])
def test_a_folder_that_is_none_is_named(command: str, tmp_path: Path, ready: Monitor) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    assert ready("protocol", command, str(tmp_path / "nowhere")).is_refused("DIR", "nowhere", "a folder laid out like")
    assert ready("protocol", command, str(tmp_path / "file")).is_refused("DIR", "a folder laid out like")
    assert ready("protocol", command, str(tmp_path / "empty")).is_refused(PROTOCOL, "nothing")


def test_an_edited_copy_is_a_new_version_and_the_same_again_is_none(
    edited_seeds: Path, ready: Monitor, enrol: Callable[..., Done]
) -> None:
    enrol()
    assert "version 2" in ready("protocol", "load", str(edited_seeds)).out
    assert "open episodes moved: 0" in ready("protocol", "load", str(edited_seeds)).out
    assert "open episodes moved: 1" in ready("protocol", "load", str(edited_seeds), "--apply-open").out
    assert "open episodes moved: 0" in ready("protocol", "load", str(edited_seeds), "--apply-open").out


def test_a_dentist_can_read_it(monitor: Monitor) -> None:
    shown = monitor("protocol", "show")
    assert shown.code == 0
    assert "Pus on any day." in shown.out
