"""What a phrase does in a sentence: the lists of a lexicon file, each a kind of its own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """The lists of a lexicon file: what a phrase does in a sentence."""

    # [signs.<sign>]
    NAMES = "names"  # can be listed after "no": fever, bad smell
    STATES = "states"  # what something is: swollen, loose
    EVENTS = "events"  # a statement by itself: came off, it bleeds
    DENIED = "denied"  # says by itself that the sign is not there: rock solid
    ASKED = "asked"  # shows the sign only in answer to its own question: yellow, when I chew
    ASKED_NOT = "asked_not"  # denies it only in answer to its own question: dry, still there
    # [negation]
    NO = "no"  # before a name or after it, or an answer by itself
    BOTH = "both"  # the same, where one word also turns verbs as NOT does: "no mejora"
    NO_ALONE = "no_alone"  # "n": no where nothing else is said, "and" anywhere else
    NONE = "none"  # the same, but an answer only where little else is said: nothing, never
    NOT = "not"  # before anything
    CANNOT = "cannot"  # the same, of what one is unable to do: the verb after it may be the complaint
    NOR = "nor"  # before anything, and it goes on with a list
    # [course]
    RESOLVED = "resolved"
    PERSISTS = "persists"
    RECURS = "recurs"  # came back
    AGAIN = "again"  # came back, unless it is said of something else: "I eat nuts again"
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    TRACE = "trace"
    MUCH = "much"
    FINE = "fine"
    # [answers]
    YES = "yes"
    AFFIRM = "affirm"  # "it is", "there is": an answer only where nothing else is said
    BLANKET = "blanket"  # "all good", "none of those"
    REST = "rest"  # "everything else is fine": no answer, but nothing to worry about
    UNSURE = "unsure"
    VAGUE = "vague"  # neither good nor bad: "so so", "surviving"
    ACK = "ack"  # "ok", a thumb: heard, but no answer to a question
    # [joints]
    CONTRAST = "contrast"
    EXCEPT = "except"
    JOINER = "joiner"
    CHOICE = "choice"  # "or", "nor": goes on with a negated list
    SUBJECT = "subject"  # who or what a new statement is about: it, my, there
    MOUTH = "mouth"  # a subject that is part of the mouth: jaw, site
    FLESH = "flesh"  # a subject of the mouth that swells: gum, cheek
    THING = "thing"  # a subject that may be part of it: it, there
    ME = "me"  # a subject that is the patient: I
    ASKER = "asker"  # an opener that asks where it begins a text: "is soup ...", "does it ..."
    ARTICLE = "article"  # an opener that any noun may follow: "la", "un"
    OPENER = "opener"  # goes on with a new statement: is, have, some
    # [time]
    PAST = "past"
    NOW = "now"
    CORRECTS = "corrects"  # "no wait", "I mean": takes the number before it back
    ELSEWHEN = "elsewhen"  # before surgery, years ago: nothing to do with this wound
    # [stance]
    HYPOTHETICAL = "hypothetical"
    WONDER = "wonder"  # a question about what may be: "what if", "what does pus look like"
    WORRY = "worry"  # "worried about": no sign is asserted, but a person must read it
    TRIGGER = "trigger"  # "if I press": a condition that is no hypothesis
    PRESSING = "pressing"  # the same, of biting or pressing: pain on that condition is pain on pressure
    QUESTION = "question"
    RELATIVE = "relative"  # asks only at the beginning of a statement: "when you", "where"
    PRESUMING = "presuming"  # a question that takes the sign for granted: "is it normal that"
    DOUBT = "doubt"  # "not sure if", "can't tell if"
    # [people]
    THEIRS = "theirs"  # what family has or had: "my brother had"
    OTHERS = "others"  # family: somebody else, or writing of the patient
    STRANGERS = "strangers"  # friends, colleagues: nobody we look after
    SELF = "self"
    PROXY = "proxy"  # family writing for the patient
    # [places]
    PART = "part"
    STITCH = "stitch"
    ELSEWHERE = "elsewhere"  # another part of the body
    OBJECT = "object"  # another thing: what is said of it is no complaint
    AILMENT = "ailment"  # another illness, a complaint by itself: headache, flu
    # [numbers]
    NUMBER = "number"
    HALF = "half"
    POINT = "point"
    ABOVE = "above"
    BELOW = "below"
    AT_MOST = "at_most"
    RANGE = "range"
    SCALE = "scale"
    UNIT = "unit"  # after a number that is no score: hours, pills, mg
    LABEL = "label"  # before a number that is no score: day, tooth, at
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"
    # [requests]
    STOP = "stop"
    STOP_WORD = "stop_word"  # only as the whole text
    START = "start"  # only as the whole text
    HELP = "help"  # only as the whole text
    RESCHEDULE = "reschedule"
    CONFIRM = "confirm"
    WRONG_NUMBER = "wrong_number"
    THANKS = "thanks"
    SMALL_TALK = "small_talk"
    CALL = "call"  # wants a person: call me, it is urgent
    COMPLAINT = "complaint"  # something is wrong, no sign of ours
    REMARK = "remark"  # about the practice or the service, not the body
    # [ignore]
    IDIOM = "idiom"
    FILLER = "filler"  # small words
    WORD = "word"  # words of everyday life
    BODY = "body"  # names the mouth or body: an unknown word beside it may be a complaint
    # [hours_ago]
    AGO = "ago"


KEYWORDS = (Kind.STOP_WORD, Kind.START, Kind.HELP)
SIGN_KINDS = (Kind.NAMES, Kind.STATES, Kind.EVENTS, Kind.DENIED, Kind.ASKED)
SIGN_LISTS = (*SIGN_KINDS, Kind.ASKED_NOT)
# Lists that act as another one and keep their own name as what they are about.
ACTS_AS = {
    Kind.MOUTH: Kind.SUBJECT,
    Kind.FLESH: Kind.SUBJECT,
    Kind.THING: Kind.SUBJECT,
    Kind.ME: Kind.SUBJECT,
    Kind.ARTICLE: Kind.OPENER,
    Kind.ASKER: Kind.OPENER,
    Kind.BOTH: Kind.NO,
    Kind.CANNOT: Kind.NOT,
    Kind.REST: Kind.FINE,
    Kind.PRESSING: Kind.TRIGGER,
    Kind.OBJECT: Kind.ELSEWHERE,
}
OF_THE_MOUTH = (Kind.MOUTH, Kind.FLESH)
# Words of these lists are never guessed at: an unknown word beside the mouth is rather shown to a person.
EVERYDAY = (Kind.WORD, Kind.FILLER, Kind.IDIOM)
SECTIONS: Mapping[str, tuple[Kind, ...]] = {
    "negation": (Kind.NO, Kind.BOTH, Kind.NO_ALONE, Kind.NONE, Kind.NOT, Kind.CANNOT, Kind.NOR),
    "course": (
        Kind.RESOLVED, Kind.PERSISTS, Kind.RECURS, Kind.AGAIN, Kind.BETTER, Kind.SAME, Kind.WORSE, Kind.TRACE,
        Kind.MUCH, Kind.FINE,
    ),
    "answers": (Kind.YES, Kind.AFFIRM, Kind.BLANKET, Kind.REST, Kind.UNSURE, Kind.VAGUE, Kind.ACK),
    "joints": (
        Kind.CONTRAST, Kind.EXCEPT, Kind.JOINER, Kind.CHOICE, Kind.SUBJECT, Kind.MOUTH, Kind.FLESH, Kind.THING,
        Kind.ME, Kind.ARTICLE, Kind.ASKER, Kind.OPENER,
    ),
    "time": (Kind.PAST, Kind.NOW, Kind.CORRECTS, Kind.ELSEWHEN),
    "stance": (
        Kind.HYPOTHETICAL, Kind.WONDER, Kind.WORRY, Kind.TRIGGER, Kind.PRESSING, Kind.QUESTION, Kind.RELATIVE,
        Kind.PRESUMING, Kind.DOUBT,
    ),
    "people": (Kind.THEIRS, Kind.OTHERS, Kind.STRANGERS, Kind.SELF, Kind.PROXY),
    "places": (Kind.PART, Kind.STITCH, Kind.ELSEWHERE, Kind.OBJECT, Kind.AILMENT),
    "quantities": (
        Kind.HALF, Kind.POINT, Kind.ABOVE, Kind.BELOW, Kind.AT_MOST, Kind.RANGE, Kind.SCALE, Kind.UNIT, Kind.LABEL,
        Kind.CELSIUS, Kind.FAHRENHEIT,
    ),
    "requests": (
        Kind.STOP, Kind.STOP_WORD, Kind.START, Kind.HELP, Kind.RESCHEDULE, Kind.CONFIRM, Kind.WRONG_NUMBER,
        Kind.THANKS, Kind.SMALL_TALK, Kind.CALL, Kind.COMPLAINT, Kind.REMARK,
    ),
    "ignore": (Kind.IDIOM, Kind.FILLER, Kind.WORD, Kind.BODY),
}  # fmt: skip
OTHER_SECTIONS = ("signs", "groups", "details", "numbers", "hours_ago", "respell", "endings")
