"""Whether a program may work on a database that another release of it made."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Fit(StrEnum):
    """How a database stands to this program, as an operator reads it."""

    SAME = "of this version"
    OLDER = "older than this program: run `monitor init`"
    NEWER = "of a newer version, with which this program still works"
    BEYOND = "of a newer version, with which this program cannot work: install that version here"

    @property
    def works(self) -> bool:
        return self in {Fit.SAME, Fit.NEWER}


def fit_of(at: str | None, oldest: str | None, known: Sequence[str]) -> Fit:
    """`at` is the database's revision, `known` are this program's, the newest first. A revision that is not among
    them was made by a later release, which has written down the `oldest` one whose program may go on.

    >>> fit_of("b", None, ["b", "a"]).name, fit_of("a", None, ["b", "a"]).name
    ('SAME', 'OLDER')
    >>> fit_of("c", "b", ["b", "a"]).name, fit_of("c", "c", ["b", "a"]).name, fit_of("x", None, ["b", "a"]).name
    ('NEWER', 'BEYOND', 'BEYOND')
    """
    if at == known[0]:
        return Fit.SAME
    if at is None or at in known:
        return Fit.OLDER
    return Fit.NEWER if oldest in known else Fit.BEYOND
