"""Read one text for one episode: interpret, join with what is known, score, and keep the assessment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from monitor.domain.bundle import Bundle
from monitor.domain.conversation import interpreted_as
from monitor.domain.findings import Findings, facts_of, is_clinical
from monitor.domain.interpret import dispose, interpret
from monitor.domain.localtime import local_instant
from monitor.domain.plan import day_of_text
from monitor.domain.reading import PASSED_BY, Reading
from monitor.domain.score import Assessment as Scored
from monitor.domain.score import assess
from monitor.domain.terms import NONE, STAFF, Band, Disposition, Intent
from monitor.models import Assessment, CheckIn, Episode, Inbound
from monitor.queries import history_of, recent_findings
from monitor.services.plan import traits_of
from monitor.services.raise_alert import reasons_json
from monitor.services.seed import bundle_of

PHOTO, TO_STAFF = "photo", "an answer to a text from the staff"
ANSWERED_BY_US = frozenset({Intent.THANKS, Intent.STOP, Intent.START, Intent.HELP})


@dataclass(frozen=True, slots=True)
class Read:
    """One text as it stands for one episode."""

    episode: Episode
    bundle: Bundle
    checkin: CheckIn | None
    question: str | None
    day: int
    reading: Reading
    findings: Findings
    scored: Scored
    disposition: Disposition

    @property
    def worst(self) -> tuple[int, int]:
        """For picking the episode that a text is most serious for."""
        return self.scored.band.rank, list(Disposition)[::-1].index(self.disposition)


def read_for(
    session: Session,
    inbound: Inbound,
    episode: Episode,
    *,
    question: str | None,
    checkin: CheckIn | None,
    now: datetime,
) -> Read:
    """Interpret and score; the assessment is stored with its reasons and the words behind them."""
    bundle = bundle_of(session, episode.protocol_version_id)
    patient = episode.patient
    zone = ZoneInfo(patient.timezone)
    day = day_of_text(episode.surgery_on, inbound.received_at, zone)
    reading = interpret_text(inbound, bundle, question=question, day=day, language=patient.language)
    if checkin is not None and is_clinical(reading):  # what was asked is asked again: nobody need look at it
        reading = replace(reading, review=tuple(why for why in reading.review if why != PASSED_BY))
    before = recent_findings(session, episode, checkin, now)
    findings = before.joined(reading, inbound.body)
    scored = score_findings(session, episode, findings, day=day, at=inbound.received_at)
    band = scored.band if is_clinical(reading) else Band.EXPECTED  # "thank you" raises nothing anew
    disposition = dispose(reading, band)
    read = Read(episode, bundle, checkin, question, day, reading, findings, scored, disposition)
    _store(session, inbound, read, now=now)
    return read


def score_findings(session: Session, episode: Episode, findings: Findings, *, day: int, at: datetime) -> Scored:
    """What findings of that day and moment mean for this episode, with what was known of it before."""
    zone, history = ZoneInfo(episode.patient.timezone), history_of(session, episode, at)
    facts = replace(
        facts_of(findings, day),
        hours=_hours_since(episode, at, zone),
        last_pain=history.last_pain,
        known=history.known,
        traits=traits_of(episode, at.astimezone(zone).date()),
        risks=frozenset(episode.risks),
    )
    return assess(bundle_of(session, episode.protocol_version_id).protocol, facts)


def interpret_text(inbound: Inbound, bundle: Bundle, *, question: str | None, day: int, language: str) -> Reading:
    """The reading of a stored text; `question` is the name under which the protocol asked."""
    asked = bundle.protocol.questions.get(question or "")
    name = interpreted_as(asked) if asked else NONE if question in {None, STAFF} else question
    options = asked.options if asked else ()
    reading = interpret(
        inbound.body, question=name, day=day, language=language, lexicons=bundle.lexicons, options=options
    )
    if inbound.media:  # a picture says what we cannot read: somebody must look at it
        reading = replace(reading, review=(*reading.review, PHOTO), understood=True)
    if question == STAFF and reading.intent not in ANSWERED_BY_US:
        reading = replace(reading, review=(*reading.review, TO_STAFF), understood=True)
    return reading


def reading_json(reading: Reading) -> dict[str, Any]:
    """A reading as it is kept: plain values, evidence as [sign, start, end]."""
    plain = asdict(reading)
    plain["details"] = sorted(reading.details)
    plain["evidence"] = [[e.sign, e.start, e.end] for e in reading.evidence]
    for name in ("signs", "trend", "amount"):
        plain[name] = _plain(plain[name])
    return plain


def _plain(mapping: Mapping[str, str]) -> dict[str, str]:
    return {str(key): str(value) for key, value in mapping.items()}


def _hours_since(episode: Episode, at: datetime, zone: ZoneInfo) -> float | None:
    """Hours since the surgery where its time is known; on the day itself, without one, since the local noon."""
    if episode.surgery_time is None and at.astimezone(zone).date() > episode.surgery_on:
        return None
    start = local_instant(episode.surgery_on, episode.surgery_time or time(12), zone)
    return max((at - start).total_seconds() / 3600, 0.0)


def _store(session: Session, inbound: Inbound, read: Read, *, now: datetime) -> None:
    session.add(
        Assessment(
            inbound_id=inbound.id,
            patient_id=read.episode.patient_id,
            episode_id=read.episode.id,
            checkin_id=read.checkin.id if read.checkin else None,
            protocol_version_id=read.episode.protocol_version_id,
            question=read.question or NONE,
            day=read.day,
            band=read.scored.band,
            score=read.scored.score,
            disposition=read.disposition,
            reasons=reasons_json(read.scored.reasons),
            reading=reading_json(read.reading),
            findings=read.findings.to_json(),
            created_at=now,
        )
    )
    session.flush()
