"""The front desk's tasks in words: what has happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PATIENT, STAFF, NOBODY = "the patient", "a colleague", ""


@dataclass(frozen=True, slots=True)
class TaskWords:
    """`calls` is whom it asks to call. Of two tasks the one that stands further up in the list below is done first."""

    happened: str
    advice: str
    calls: str = PATIENT


TASKS: Mapping[str, TaskWords] = {
    "call_now": TaskWords(
        "Advice for an emergency could not be sent: they take no texts from us.",
        "Call them at once. If nobody answers, call again, and tell a clinician.",
    ),
    "alert_stuck": TaskWords(
        "Paging about this alert has failed inside the program.",
        "Open the worklist, tell whoever is on duty yourself, and report the failure.",
    ),
    "provider_settings": TaskWords(
        "The texting service refuses our texts, and patients may hear nothing.",
        "Tell whoever looks after the program today: the command “monitor doctor” says what is wrong.",
        NOBODY,
    ),
    "unreadable": TaskWords(
        "The program could not read this text.",
        "Read it here. If it tells of trouble, tell a clinician now.",
    ),
    "staff_unreachable": TaskWords(
        "A text to a colleague did not arrive.",
        "Ask them whether their number is right: they may miss pages as well.",
        STAFF,
    ),
    "undelivered": TaskWords(
        "A text did not arrive.",
        "Call, tell them what it would have said, and ask for the right mobile number.",
    ),
    "checkin_missed": TaskWords(
        "A check-in was never asked.",
        "Call and ask: pain from 0 to 10, swelling, bleeding, fever, anything loose.",
    ),
    "opted_out": TaskWords(
        "Takes no more texts from us: they have opted out.",
        "Follow them by phone on the days of the check-ins. Texts begin again only if they text START.",
    ),
    "appointment": TaskWords(
        "Has called an appointment off.",
        "Call and find another day. Their CANCEL has ended our texts too, until they text START.",
    ),
    "in_doubt": TaskWords(
        "Nobody can say whether a text has arrived.",
        "If it matters, call them.",
    ),
    "text_broken": TaskWords(
        "A text could not be written.",
        "Call instead, and tell whoever looks after the program.",
    ),
    "unknown_number": TaskWords(
        "A number that we do not know has texted.",
        "Find out who it is.",
        NOBODY,
    ),
}
_OTHER = TaskWords("Something needs a person.", "See the patient's record.")
RANKS = {kind: rank for rank, kind in enumerate(TASKS)}  # what has no words comes last


def words_of(kind: str) -> TaskWords:
    """One that a later version of the program lists has words all the same."""
    return TASKS.get(kind, _OTHER)
