"""One gateway, shared by the worker's threads."""

from __future__ import annotations

import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

import pytest

from monitor.errors import GatewayBusy
from monitor.sms import twilio_http
from monitor.sms.gateway import Text
from tests.sms.conftest import GatewayFactory
from tests.twilio_standin import Standin, busy

THREADS, TEXTS = 16, 320


def test_sixteen_threads_send_each_text_once(make_gateway: GatewayFactory, standin: Standin) -> None:
    gateway = make_gateway(read_timeout=10.0)
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool:
        warnings.simplefilter("error")
        texts = [Text(n, f"+4477009{n:05}", f"text {n}") for n in range(TEXTS)]
        accepted = list(pool.map(lambda text: gateway.send(text).result(), texts))
    assert len({a.sid for a in accepted}) == TEXTS
    by_sid = {m.sid: m for m in standin.messages}
    for text, answer in zip(texts, accepted, strict=True):
        assert (by_sid[answer.sid].to, by_sid[answer.sid].body) == (text.to, text.body)


def test_a_threads_error_is_its_own(make_gateway: GatewayFactory, standin: Standin) -> None:
    gateway = make_gateway(read_timeout=10.0)
    standin.fail_next(busy(), to="+447700900001", times=None)

    def send(n: int) -> str:
        try:
            gateway.send(Text(n, f"+44770090000{n % 2}", "text")).result()
        except GatewayBusy:
            return f"busy {n % 2}"
        return f"sent {n % 2}"

    with ThreadPoolExecutor(THREADS) as pool:
        assert Counter(pool.map(send, range(100))) == {"sent 0": 50, "busy 1": 50}


def test_threads_that_start_together_make_one_client(
    make_gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, made = make_gateway(), []

    class Counted(twilio_http.TwilioHttp):
        def __init__(self, **settings: Any) -> None:
            made.append(self)
            sleep(0.05)  # as slow as the import of the SDK
            super().__init__(**settings)

    monkeypatch.setattr(twilio_http, "TwilioHttp", Counted)
    with ThreadPoolExecutor(THREADS) as pool:
        lines = list(pool.map(lambda _: gateway.check(), range(THREADS)))
    assert set(lines) == {"Twilio answers, account active"}
    assert len(made) == 1
