"""What happened, in words: one table for the timeline and the audit log. A kind that is not in it is named as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from monitor.domain.protocol import Outcome, outcome_words

STAFF = "staff:"  # before the number of whoever did it
FIELDS = {"surgery": "surgery date", "crown": "crown fitted on", "timezone": "time zone"}  # of an episode

NO_OUTCOMES: Mapping[str, Outcome] = MappingProxyType({})

# {who} is whoever did it, {whom} the member of staff whom it is about; the rest comes from the event's own detail.
WORDS: Mapping[str, str] = {
    "viewed": "{who} looked at {what}",
    "enrolled": "Enrolled by {who}",
    "consent_given": "{who} recorded consent anew",
    "contact_changed": "{who} changed {fields}",
    "episode_changed": "{who} changed {changes}, and texts were planned anew",
    "episode_cancelled": "{who} stopped the scheduled texts",
    "protocol_moved": "{who} moved the episode to another version of the protocol",
    "paused": "{who} paused the scheduled texts until {until}",
    "resumed": "{who} let the scheduled texts go on",
    "note_added": "{who} wrote a note",
    "texted": "{who} texted the patient",
    "overruled": "{who} overruled a reading: {sign}, {old} became {new}",
    "opted_out": "The patient wants no texts",
    "opted_in": "The patient wants texts again",
    "wrong_number": "Whoever has this number says that they are not the patient",
    "number_alive": "The number works after all",
    "silence": "No answer to a check-in",
    "patient_told": "The patient was told by when somebody calls",
    "promise_slipped": "Nobody called by the time that the patient was told",
    "alert_opened": "Alert: {band}",
    "alert_raised": "The alert got worse: {band}",
    "alert_added": "A further finding came to the alert",
    "alert_corrected": "The patient took back a sign",
    "sender_named": "The sender said whom a text was about",
    "alert_taken": "{who} took the alert",
    "alert_handed_over": "{who} handed the alert to {whom}",
    "alert_given_back": "The alert went back to paging: {why}",
    "alert_closed": "The alert was closed: {outcome}",
    "outcome": "{who} recorded the outcome: {outcome}",
    "outcome_overdue": "No outcome in time: paged again",
    "paged": "Paged: {stage}",
    "page_lost": "A page did not arrive",
    "nobody_on_call": "Nobody is on call in {stage}",
    "nobody_to_page": "There is nobody to page",
    "link_opened": "{who} opened the alert by the link in a page",
    "task_opened": "For the front desk: {task}",
    "task_closed": "{who} finished a task of the front desk",
    "signed_in": "{who} signed in by {how}",
    "sign_in_closed": "Too many wrong passwords or codes for {whom}: whoever tries must wait",
    "joined": "{who} joined with a code",
    "invited": "{who} made a code for {whom} to join with",
    "password_changed": "{who} changed their password",
    "recovery_codes_made": "{who} got recovery codes on joining",
    "recovery_codes_renewed": "{who} made new recovery codes",
    "signed_out_everywhere": "{who} signed {whom} out everywhere",
    "staff_added": "{who} added {whom}",
    "staff_changed": "{who} changed {whom}",
    "staff_removed": "{who} removed {whom}",
    "staff_text_unmatched": "{who} wrote what names no page",
    "shift_added": "{who} added a shift for {whom}",
    "shift_removed": "{who} took a shift from {whom}",
    "cover_added": "{who} had {whom} cover {stretch}",
    "cover_removed": "{who} took back that {whom} covers {stretch}",
    "shifts_swapped": "{who} had {whom} and {other} swap shifts",
    "clinic_changed": "{who} changed the clinic's settings: {fields}",
    "protocol_loaded": "{who} loaded version {version} of the protocol",
    "digest": "The morning list was sent",
    "message_cancelled": "A text was taken back",
    "message_deferred": "A text was put off",
    "message_delivered": "A text arrived",
    "message_undelivered": "A text did not arrive",
    "message_failed": "A text could not be sent",
    "message_skipped": "A text was left out",
    "message_expired": "A text was too late to be of use",
    "message_unconfirmed": "Nobody ever said whether a text arrived",
    "send_adopted": "A text had left after all",
    "send_repeated": "A text that had not left was sent again",
    "reading_failed": "The program could not read a text",
    "inbound_fetched": "Missed texts were fetched",
    "restored": "The database was restored from a backup",
}


class _Known(dict[str, str]):
    """What an event's words may name; what it does not know is left out of them."""

    def __missing__(self, key: str) -> str:
        return "somebody" if key in {"who", "whom"} else "…"


def in_words(
    kind: str,
    detail: Mapping[str, Any],
    *,
    actor: str,
    people: Mapping[int, str],
    zone: ZoneInfo,
    outcomes: Mapping[str, Outcome] = NO_OUTCOMES,
) -> str:
    """One event. `people` are the clinic's staff by id, `zone` is where it is read.

    >>> in_words("alert_taken", {}, actor="staff:3", people={3: "Dr Ray"}, zone=ZoneInfo("UTC"))
    'Dr Ray took the alert'
    >>> in_words("outcome", {"outcome": "not_reached"}, actor="system", people={}, zone=ZoneInfo("UTC"))
    'The program recorded the outcome: not reached'
    >>> advised = {"advised": Outcome("advised by phone")}
    >>> in_words("outcome", {"outcome": "advised"}, actor="system", people={}, zone=ZoneInfo("UTC"), outcomes=advised)
    'The program recorded the outcome: advised by phone'
    >>> in_words("something_new", {}, actor="system", people={}, zone=ZoneInfo("UTC"))
    'something new'
    """
    template = WORDS.get(kind)
    if template is None:
        return kind.replace("_", " ")
    known = _Known({name: _said(value) for name, value in detail.items()})
    known["who"] = who(actor, people)
    if isinstance(detail.get("outcome"), str):
        known["outcome"] = outcome_words(detail["outcome"], outcomes)
    known["changes"] = _changes(detail.get("changes"))
    known["stretch"] = _stretch(detail, people, zone)
    for name, key in (("whom", "staff"), ("other", "other")):
        if isinstance(detail.get(key), int):
            known[name] = people.get(detail[key], "somebody")
    words = template.format_map(known)
    return words[:1].upper() + words[1:]


def _changes(changes: Any) -> str:
    """What of an episode is another now. Of what was changed before the log kept it, it is not known.

    >>> _changes({"surgery": ["2026-11-02", "2026-11-03"], "crown": ["2026-11-02", None]})
    'the episode (surgery date: 3 Nov 2026 instead of 2 Nov 2026; crown fitted on: none instead of 2 Nov 2026)'
    >>> _changes({}), _changes(None)
    ('nothing', 'the episode')
    """
    if not isinstance(changes, dict):
        return "the episode"
    told = [f"{FIELDS.get(name, name)}: {_value(new)} instead of {_value(old)}" for name, (old, new) in changes.items()]
    return f"the episode ({'; '.join(told)})" if told else "nothing"


def _value(kept: str | None) -> str:
    """
    >>> _value("2026-11-03"), _value("Europe/Berlin"), _value(None)
    ('3 Nov 2026', 'Europe/Berlin', 'none')
    """
    if kept is None:
        return "none"
    try:
        on = date.fromisoformat(kept)
    except ValueError:
        return kept
    return f"{on.day} {on:%b %Y}"


def _stretch(detail: Mapping[str, Any], people: Mapping[int, str], zone: ZoneInfo) -> str:
    """When somebody covers, and for whom.

    >>> cover = {"starts": "2026-11-03T19:00:00+00:00", "ends": "2026-11-04T07:00:00+00:00", "instead_of": 3}
    >>> _stretch(cover, {3: "Dr Ray"}, ZoneInfo("UTC"))
    'Tue 3 Nov, 19:00 to Wed 4 Nov, 07:00 for Dr Ray'
    """
    try:
        starts, ends = (datetime.fromisoformat(detail[name]).astimezone(zone) for name in ("starts", "ends"))
    except (KeyError, TypeError, ValueError):  # a line of an earlier version
        return "a stretch"
    other = detail.get("instead_of")
    whom = f"for {people.get(other, 'somebody')}" if isinstance(other, int) else "beside whoever has a shift"
    return f"{starts:%a} {starts.day} {starts:%b, %H:%M} to {ends:%a} {ends.day} {ends:%b, %H:%M} {whom}"


def who(actor: str, people: Mapping[int, str]) -> str:
    """Whoever did it, by name.

    >>> who("staff:3", {3: "Dr Ray"}), who("system", {}), who("last resort", {})
    ('Dr Ray', 'the program', 'the last resort')
    """
    number = actor.removeprefix(STAFF)
    if actor.startswith(STAFF) and number.isdigit():
        return people.get(int(number), "somebody who has left")
    return "the program" if actor == "system" else f"the {actor}"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "nothing"
    return str(value).replace("_", " ")
