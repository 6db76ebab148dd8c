"""States of a text: the one table of moves, and what each of the provider's codes asks for."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.delivery import (
    FINAL,
    MAX_ATTEMPTS,
    MOVES,
    REMEDIES,
    STATE_OF,
    ProviderStatus,
    Remedy,
    State,
    may_move,
    next_retry,
    remedy_for,
)


def test_every_state_has_its_moves_and_every_status_its_state() -> None:
    assert set(MOVES) == set(State)
    assert set(STATE_OF) == set(ProviderStatus)


def test_every_text_can_come_to_an_end_and_none_leaves_the_ends_but_for_better_news() -> None:
    for state in State:
        reached, new = {state}, {state}
        while new:
            new = {after for one in new for after in MOVES[one]} - reached
            reached |= new
        assert reached & FINAL
    leaving = {state for state in FINAL if MOVES[state]}
    assert leaving == {State.UNCONFIRMED, State.UNDELIVERED, State.FAILED}


def test_nothing_goes_back_to_planned_once_the_provider_has_it() -> None:
    assert {state for state in State if may_move(state, State.PLANNED)} == {State.SENDING, State.UNKNOWN}


@pytest.mark.parametrize("order", list(permutations([State.SENT, State.UNDELIVERED, State.DELIVERED])))
def test_in_whatever_order_the_news_comes_what_a_phone_showed_counts(order: tuple[State, ...]) -> None:
    state = State.SENDING
    for news in (*order, *order):
        state = news if may_move(state, news) else state
    assert state == State.DELIVERED


@given(st.lists(st.sampled_from(list(State)), max_size=12))
def test_a_delivered_text_stays_delivered(news: list[State]) -> None:
    assert not any(may_move(State.DELIVERED, state) for state in news)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (21610, Remedy.OPT_OUT),
        (21211, Remedy.BAD_NUMBER),
        (30006, Remedy.BAD_NUMBER),
        (30003, Remedy.RETRY),
        (20429, Remedy.RETRY),
        (30007, Remedy.STOP),
        (20003, Remedy.ACCOUNT),
        (99999, Remedy.RETRY),
        (None, Remedy.RETRY),
    ],
)
def test_what_a_code_asks_for(code: int | None, remedy: Remedy) -> None:
    assert remedy_for(code) == remedy


def test_every_remedy_is_some_codes() -> None:
    assert set(REMEDIES.values()) == set(Remedy)


def test_waits_grow_and_end() -> None:
    waits = [next_retry(attempt).wait for attempt in range(1, MAX_ATTEMPTS)]
    assert waits == sorted(wait for wait in waits if wait)
    assert next_retry(MAX_ATTEMPTS).wait is None


def test_the_providers_own_wish_counts_if_it_is_longer_and_within_reason() -> None:
    assert next_retry(1, 45).wait == timedelta(seconds=45)
    assert next_retry(1, 1).wait == timedelta(seconds=10)
    assert next_retry(1, 10**9).wait == timedelta(hours=1)
