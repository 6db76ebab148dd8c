"""What will become of a patient's texts that wait, if nothing happens meanwhile: the very decision that each of them
meets when it is due, made now for all of them, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from monitor.domain.beside import ONE_WEEK, Beside, FollowUp, Recipient, candidate_of
from monitor.domain.delivery import LEFT, State
from monitor.domain.sending import ONE_A_DAY, PRIORITY, QUIET, Act, Kind, decide_send

Key = TypeVar("Key")
UNDER_WAY = (State.SENDING, State.UNKNOWN)
ENDS = {Act.SEND: State.SENT, Act.SKIP: State.SKIPPED, Act.EXPIRE: State.EXPIRED}


@dataclass(frozen=True, slots=True)
class Fate:
    """When a text leaves; or, with the reason, when it is settled that it does not."""

    at: datetime
    why: str = ""

    @property
    def leaves(self) -> bool:
        return not self.why


def foretell(
    texts: Mapping[Key, Beside], to: Recipient, episodes: Mapping[int | None, FollowUp], now: datetime
) -> dict[Key, Fate]:
    """The fate of each of these texts of one patient that waits and is scheduled. Those that have left in the last
    seven days belong among them, since they hold up others; one that is under way is taken to leave.

    >>> from datetime import UTC, date, time, timedelta
    >>> from zoneinfo import ZoneInfo
    >>> from monitor.domain.localtime import Window
    >>> noon = datetime(2026, 11, 8, 12, tzinfo=UTC)
    >>> ann = Recipient(ZoneInfo("UTC"), Window(time(9), time(20)))
    >>> checkin = Beside("checkin", "planned", 7, 4, noon)
    >>> advice = Beside("reminder", "planned", 7, None, noon)
    >>> fates = foretell({"advice": advice, "checkin": checkin}, ann, {7: FollowUp(date(2026, 11, 4))}, noon)
    >>> fates["checkin"].at.isoformat(), fates["advice"].at.isoformat()
    ('2026-11-08T12:00:00+00:00', '2026-11-09T12:00:00+00:00')
    """
    known = {key: replace(text, state=State.SENT) if text.state in UNDER_WAY else text for key, text in texts.items()}
    waiting = {key for key, text in known.items() if text.state == State.PLANNED and text.kind in QUIET}
    fates: dict[Key, Fate] = {}
    while waiting:
        at = max(now, min(known[key].due_at for key in waiting))
        due = [key for key in known if key in waiting and known[key].due_at <= at]
        key = min(due, key=lambda one: (PRIORITY[Kind(known[one].kind)], known[one].due_at))
        text = known[key]
        beside = [b for b in known.values() if _bears(b, at)]
        verdict = decide_send(candidate_of(text, to, episodes.get(text.episode_id), beside, at), at)
        if verdict.act == Act.DEFER:
            assert verdict.until is not None, "a text is put off until some moment"
            known[key] = replace(text, due_at=verdict.until)
            continue
        waiting.remove(key)
        fates[key] = Fate(at, verdict.why)
        known[key] = replace(text, state=ENDS[verdict.act], claimed_at=at, sent_at=at)
    return fates


def _bears(text: Beside, at: datetime) -> bool:
    """Whether a text still counts for others: of those that have left, those of the last seven days."""
    if text.state not in LEFT or text.kind not in ONE_A_DAY:
        return True
    return text.claimed_at is not None and text.claimed_at >= at - ONE_WEEK
