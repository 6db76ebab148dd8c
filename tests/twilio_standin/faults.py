"""What can go wrong with a request, before or after the stand-in has taken what it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

USUAL = object()


class Ending(StrEnum):
    """How the connection ends."""

    ANSWER = "answer"
    SILENCE = "silence"  # the request is read, and no answer ever comes
    RESET = "reset"
    GARBLED = "garbled"  # a success whose body is not JSON
    HALF = "half"  # a success whose body breaks off


@dataclass(frozen=True)
class Fault:
    """`accepts`: the message or call is kept and goes out, whatever the caller is told.

    `payload` takes the place of the usual JSON of an error.
    """

    ending: Ending = Ending.ANSWER
    accepts: bool = False
    status: int = 0
    code: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: object = USUAL


def busy(retry_after: int | str | None = None) -> Fault:
    """429, with Retry-After in seconds or as an HTTP date."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(status=429, code=20429, headers=headers)


def server_error(status: int = 500, *, accepts: bool = False) -> Fault:
    return Fault(status=status, code=20500, accepts=accepts)


def refusal(code: int, *, status: int = 400) -> Fault:
    return Fault(status=status, code=code)


def silence(*, accepts: bool = True) -> Fault:
    return Fault(Ending.SILENCE, accepts=accepts)


def reset(*, accepts: bool = False) -> Fault:
    return Fault(Ending.RESET, accepts=accepts)


def garbled(*, accepts: bool = True) -> Fault:
    return Fault(Ending.GARBLED, accepts=accepts)


def half(*, accepts: bool = True) -> Fault:
    return Fault(Ending.HALF, accepts=accepts)


@dataclass
class _Planned(Generic[T]):
    what: T
    method: str | None
    to: str | None
    times: int | None
    share: float


class Plans(Generic[T]):
    """What was asked for, for the next request or for a number; the first that fits is used up."""

    def __init__(self) -> None:
        self._planned: list[_Planned[T]] = []
        self._lock = Lock()
        self._chance = Random(7)

    def add(
        self,
        what: T,
        *,
        method: str | None = None,
        to: str | None = None,
        times: int | None = 1,
        share: float = 1.0,
    ) -> None:
        """`times` None is for ever; `share` is of the requests that fit and that no plan before this one took."""
        with self._lock:
            self._planned.append(_Planned(what, method, to, times, share))

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def take(self, method: str, to: str | None) -> T | None:
        with self._lock:
            for planned in self._planned:
                fits = planned.method in (None, method) and planned.to in (None, to)
                if fits and self._chance.random() < planned.share:
                    return self._use(planned)
        return None

    def _use(self, planned: _Planned[T]) -> T:
        if planned.times is not None:
            planned.times -= 1
            if planned.times == 0:
                self._planned.remove(planned)
        return planned.what
