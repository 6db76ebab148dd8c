"""Load protocol versions: the seeds at the start, a clinic's edited copy later. A stored version never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from monitor.db import Sessions, data_folder, transaction
from monitor.domain.bundle import Bundle, check_bundle, digest_of, load_bundle
from monitor.domain.describe import names_in_reasons
from monitor.errors import BadInput, NotReady, ProtocolError
from monitor.models import Alert, Episode, ProtocolVersion
from monitor.services.audit import record

MAX_FILE = 2_000_000
_parsed: dict[str, Bundle] = {}  # by digest


def read_files(folder: Path | None = None) -> dict[str, str]:
    """The seed files of a folder (default: those that came with the program), by their path inside it."""
    root = folder or data_folder("seeds")
    if not root.is_dir():
        raise BadInput("DIR", str(root), "a folder laid out like seeds/")
    files = {}
    for path in sorted(root.rglob("*.toml")):
        name = path.relative_to(root).as_posix()
        if path.stat().st_size > MAX_FILE:
            raise BadInput(name, f"{path.stat().st_size} bytes", f"a file of at most {MAX_FILE} bytes")
        try:
            files[name] = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError) as error:
            raise BadInput(name, type(error).__name__, "a readable file in UTF-8") from None
    return files


def store_version(session: Session, files: Mapping[str, str], *, now: datetime) -> ProtocolVersion:
    """Keep a checked set of files as a version; the same files again are the same version."""
    errors = check_bundle(files)
    if errors:
        raise errors[0]
    digest = digest_of(files)
    known = session.scalar(select(ProtocolVersion).where(ProtocolVersion.digest == digest))
    if known is not None:
        return known
    version = ProtocolVersion(digest=digest, files=dict(files), loaded_at=now)
    session.add(version)
    session.flush()
    record(session, "protocol_loaded", at=now, version=version.id)
    return version


def current_version(session: Session) -> ProtocolVersion:
    """The version that new episodes start with."""
    version = session.scalar(select(ProtocolVersion).order_by(ProtocolVersion.id.desc()).limit(1))
    if version is None:
        raise NotReady("no protocol is loaded yet: run `monitor init`")
    return version


def parse_ahead(sessions: Sessions) -> None:
    """Parse the versions in use before a transaction asks for them: it takes long enough to keep every other
    writer of an SQLite database waiting."""
    newest = select(func.max(ProtocolVersion.id)).scalar_subquery()
    kept = select(Episode.protocol_version_id).where(Episode.cancelled_at.is_(None))
    paged = select(Alert.protocol_version_id).where(Alert.closed_at.is_(None))
    in_use = or_(ProtocolVersion.id == newest, ProtocolVersion.id.in_(kept), ProtocolVersion.id.in_(paged))
    with transaction(sessions) as session:
        unparsed = select(ProtocolVersion.digest, ProtocolVersion.files).where(
            in_use, ProtocolVersion.digest.not_in(list(_parsed))
        )
        found = session.execute(unparsed).all()
    for digest, files in found:
        with suppress(ProtocolError):  # whoever needs this one is told
            _parsed[digest] = load_bundle(files)


def bundle_of(session: Session, version_id: int) -> Bundle:
    """A stored version, parsed (and kept parsed: it never changes)."""
    return parsed(session.get_one(ProtocolVersion, version_id))


def names_by_version(session: Session, versions: Iterable[int]) -> Mapping[int, Set[str]]:
    """What a reason can name of each of these versions; nothing of one that can be read no more."""
    names: dict[int, Set[str]] = {}
    for version in set(versions):
        with suppress(ProtocolError):  # whoever opens that version is told
            names[version] = names_in_reasons(bundle_of(session, version).protocol)
    return names


def parsed(version: ProtocolVersion) -> Bundle:
    if version.digest not in _parsed:
        _parsed[version.digest] = load_bundle(version.files)
    return _parsed[version.digest]
