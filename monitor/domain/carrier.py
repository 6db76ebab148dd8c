"""The single words that the carrier itself acts on and answers, so that we send nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class CarrierWord(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"


WORDS: Mapping[CarrierWord, frozenset[str]] = {
    CarrierWord.STOP: frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}),
    CarrierWord.START: frozenset({"start", "unstop"}),
    CarrierWord.HELP: frozenset({"help", "info"}),
}


def carrier_word(text: str, *, opted_out: bool) -> CarrierWord | None:
    """What the carrier takes a whole text for; YES counts as START only for somebody opted out.

    >>> carrier_word(" Stop ", opted_out=False), carrier_word("yes", opted_out=False)
    (<CarrierWord.STOP: 'stop'>, None)
    """
    word = text.strip().casefold()
    if opted_out and word == "yes":
        return CarrierWord.START
    return next((kind for kind, words in WORDS.items() if word in words), None)
