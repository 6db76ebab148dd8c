"""The one composition root: settings in, a wired program out."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from monitor.clock import Clock, ShiftedClock, StoppedClock, SystemClock
from monitor.config import Settings, SmsKind, read_settings
from monitor.db import Sessions, connect, open_sessions, transaction
from monitor.errors import BadInput, NotReady
from monitor.models import VirtualClock
from monitor.services.init import initialise
from monitor.services.migrate import migrate
from monitor.services.release import require_fit
from monitor.sms.gateway import Gateway
from monitor.sms.phones import PhonesGateway

KEY_FILE = "secret.key"
PORT_FILE = "port"  # on which this home was last served on this machine


@dataclass(frozen=True, slots=True)
class App:
    """Everything that commands, web and worker share."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    gateway: Gateway
    clock: Clock

    @property
    def on_phones(self) -> bool:
        return isinstance(self.gateway, PhonesGateway)


def build(settings: Settings | None = None, *, clock: Clock | None = None) -> App:
    """Wire the program; the database must have been made by `monitor init`."""
    settings = settings or _where_it_is_served(read_settings())
    if _is_new(settings):
        raise NotReady(f"nothing is set up in {settings.folder} yet: run `monitor init`")
    _keep_private(settings)
    engine = connect(settings.database_url)
    sessions = open_sessions(engine)
    if engine.dialect.name == "postgresql":
        from monitor.wake import announce_work

        announce_work(sessions)
    clock = clock or _clock(settings, sessions)
    return App(settings, engine, sessions, _gateway(settings, sessions, clock), clock)


def on_port(port: int) -> Settings:
    """The settings of a process that serves pages on this port: unless MONITOR_PUBLIC_URL says otherwise, links lead
    there."""
    return _named_by_port(read_settings(), port)


def keep_port(settings: Settings, port: int) -> None:
    """Remember it for the other processes of this home, which print links too: `monitor staff add`, a worker."""
    with suppress(OSError):  # a home that is not there, beside a database elsewhere: links name the usual port
        (settings.folder / PORT_FILE).write_text(f"{port}\n", encoding="ascii")


def _where_it_is_served(settings: Settings) -> Settings:
    try:
        kept = (settings.folder / PORT_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):  # it was never served
        return settings
    return _named_by_port(settings, int(kept)) if kept.isdigit() and len(kept) < 6 else settings


def _named_by_port(settings: Settings, port: int) -> Settings:
    if "public_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})


def prepare_if_new() -> bool:
    """Set up a home that is not there yet; refuse a database on which this release cannot work."""
    settings = read_settings()
    new = _is_new(settings)
    if new and settings.sms_kind == SmsKind.TWILIO:
        raise NotReady(f"nothing is set up in {settings.folder} yet: run `monitor init --clinic NAME ...` first")
    if new:
        engine = prepare(settings)
        with transaction(open_sessions(engine)) as session:
            initialise(session, {}, now=SystemClock().now())
        engine.dispose()
    else:
        engine = connect(settings.database_url)
        require_fit(engine)
        engine.dispose()
    return new


def prepare(settings: Settings) -> Engine:
    """Home folder, secret key and an up-to-date database: safe to repeat."""
    try:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.backups.mkdir(exist_ok=True, mode=0o700)
        _write_key(settings.folder / KEY_FILE)
    except OSError as error:
        raise _bad_home(settings, error) from None
    engine = connect(settings.database_url)
    migrate(engine)
    _keep_private(settings)
    return engine


def _is_new(settings: Settings) -> bool:
    """Whether there is no database of our own yet; one that is named by its URL is somebody's already."""
    try:
        return settings.database is None and not (settings.folder / "monitor.db").exists()
    except OSError as error:
        raise _bad_home(settings, error) from None


def _bad_home(settings: Settings, error: OSError) -> BadInput:
    return BadInput("MONITOR_HOME", str(settings.home), f"a folder that can be read and written ({error.strerror})")


def save_clock(app: App) -> None:
    """Keep the virtual clock's offset with the database."""
    if isinstance(app.clock, ShiftedClock | StoppedClock):
        offset = (app.clock.now() - SystemClock().now()).total_seconds()
        with transaction(app.sessions) as session:
            session.merge(VirtualClock(id=1, offset_seconds=offset))


def _clock(settings: Settings, sessions: Sessions) -> Clock:
    with transaction(sessions) as session:
        kept = session.get(VirtualClock, 1)
    if settings.sms_kind == SmsKind.PHONES:
        return ShiftedClock(timedelta(seconds=kept.offset_seconds if kept else 0))
    if kept is not None and abs(kept.offset_seconds) > 1:
        raise NotReady(
            "this database was used with a moved clock (the built-in phones); it cannot send real SMS. "
            "Use another MONITOR_HOME or MONITOR_DATABASE_URL"
        )
    return SystemClock()


def _gateway(settings: Settings, sessions: Sessions, clock: Clock) -> Gateway:
    if settings.sms_kind == SmsKind.PHONES:
        return PhonesGateway(sessions, clock)
    settings.require_twilio()
    assert settings.account_sid is not None
    assert settings.auth_token is not None
    from monitor.sms.twilio_gateway import TwilioGateway

    previous = settings.auth_token_previous
    return TwilioGateway(
        account_sid=settings.account_sid,
        auth_token=settings.auth_token.get_secret_value(),
        previous_auth_token=previous.get_secret_value() if previous else None,
        from_number=settings.from_number,
        messaging_service_sid=settings.messaging_service_sid,
        page_number=settings.page_number,
        base_url=settings.twilio_base_url,
        public_url=settings.public_url,
    )


def _keep_private(settings: Settings) -> None:
    """Patients' names and words are their owner's alone, also in a home that was made with looser permissions.
    What belongs to somebody else is theirs to set."""
    home, ours = settings.folder, getattr(os, "geteuid", None)
    if ours is None:  # Windows keeps a user's folder to its user by other means
        return
    for path in (home, settings.backups, home / KEY_FILE, *home.glob("monitor.db*")):
        with suppress(OSError):  # not there, or a file system that knows no permissions
            found = path.stat()
            if found.st_uid == ours() and found.st_mode & 0o077:
                path.chmod(found.st_mode & 0o700)


def _write_key(path: Path) -> None:
    """The installation's secret: made once, readable by its owner only."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
