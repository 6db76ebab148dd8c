"""The words of the project, as they are stored: bands, signs, trends, intents, dispositions, questions."""

from __future__ import annotations

from enum import StrEnum


class Band(StrEnum):
    """How soon somebody must act, ordered.

    >>> Band.URGENT > Band.SOON, max(Band.EXPECTED, Band.SOON)
    (True, <Band.SOON: 'soon'>)
    """

    EXPECTED = "expected"
    SOON = "soon"
    URGENT = "urgent"
    EMERGENCY = "emergency"

    @property
    def rank(self) -> int:
        return list(Band).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Band(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Band(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Band(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Band(other).rank


class Sign(StrEnum):
    """What a patient may report; the first fifteen are the labelled ones."""

    PAIN = "pain"
    SWELLING = "swelling"
    REDNESS = "redness"
    BLEEDING = "bleeding"
    PUS = "pus"
    SMELL = "smell"
    FEVER = "fever"
    MOBILITY = "mobility"
    PRESSURE_PAIN = "pressure_pain"
    FELL_OUT = "fell_out"
    EXPOSED = "exposed"
    BREATHING = "breathing"
    SPREADING_SWELLING = "spreading_swelling"
    HEAVY_BLEEDING = "heavy_bleeding"
    NUMBNESS = "numbness"
    COLLAPSE = "collapse"
    STITCHES = "stitches"
    SINUS = "sinus"
    REACTION = "reaction"
    GUM_CHANGE = "gum_change"


class Need(StrEnum):
    """What an outcome says that the patient needed: nothing, then the alert was about nothing; advice; more than it."""

    NOTHING = "nothing"
    ADVICE = "advice"
    CARE = "care"


class Presence(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Trend(StrEnum):
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


class Amount(StrEnum):
    TRACE = "trace"
    MORE = "more"


class Intent(StrEnum):
    ANSWER = "answer"
    STOP = "stop"
    START = "start"
    HELP = "help"
    RESCHEDULE = "reschedule"
    CONFIRM = "confirm"
    QUESTION = "question"
    WRONG_NUMBER = "wrong_number"
    THANKS = "thanks"
    OTHER = "other"


class Disposition(StrEnum):
    """What happens next with a reply."""

    ALERT = "alert"
    REVIEW = "review"
    ASK = "ask"
    CLOSE = "close"


class Detail(StrEnum):
    """What a text adds to a sign it names; the lexicon holds the phrases, the protocol may test for them."""

    OPEN_WOUND = "open_wound"  # with stitches
    CHOKING = "choking"  # with fell_out: coughing on it, breathed it in
    CROWN = "crown"  # with fell_out: it was the crown
    IMPLANT = "implant"  # with fell_out: the whole implant, with threads
    KNOWN = "known"  # with numbness: "still", already told
    BRUSHING = "brushing"  # with bleeding: only when brushing
    SEVERE = "severe"  # with pain: "unbearable"
    FILM = "film"  # with pus: a white film that does not flow


# Asked of a reply beside the signs themselves: "what was this an answer to?"
GUM = "gum"
CHECKIN_OPEN = "checkin_open"
SIGNS = "signs"
REMINDER = "reminder"
NONE = "none"
STAFF = "staff"  # a text that somebody of the staff wrote: a person reads the answer
QUESTIONS = (*[s.value for s in Sign], GUM, CHECKIN_OPEN, SIGNS, REMINDER, NONE)
