"""The single words that the carrier itself acts on and answers, so that we send nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


LOOKED_AT = 50  # of the last texts from a number: the word that counts is among them


def takes_texts(bodies: Iterable[str]) -> bool:
    """Whether a text to a number would arrive, by what came from it, the newest first: its last word was not STOP.

    >>> takes_texts(["hello", "STOP"]), takes_texts(["yes", "STOP"]), takes_texts([])
    (False, True, True)
    """
    words = (carrier_word(body, opted_out=True) for body in bodies)
    return next((word for word in words if word in {CarrierWord.STOP, CarrierWord.START}), None) != CarrierWord.STOP


def carrier_word(text: str, *, opted_out: bool) -> CarrierWord | None:
    """What the carrier takes a whole text for; YES counts as START only for somebody opted out.

    >>> carrier_word(" Stop ", opted_out=False), carrier_word("yes", opted_out=False)
    (<CarrierWord.STOP: 'stop'>, None)
    """
    word = text.strip().casefold()
    if opted_out and word == "yes":
        return CarrierWord.START
    return next((kind for kind, words in WORDS.items() if word in words), None)
