"""The only reader of the environment (and of `.env` in the current directory)."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from monitor.errors import BadInput


class SmsKind(StrEnum):
    TWILIO = "twilio"
    PHONES = "phones"


class Settings(BaseSettings):
    """What the person who runs this has set; the README lists each name."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True)

    home: Path = Field(Path("~/.implant-monitor"), validation_alias="MONITOR_HOME")
    database: str | None = Field(None, validation_alias="MONITOR_DATABASE_URL")
    sms: SmsKind | None = Field(None, validation_alias="MONITOR_SMS")
    public_url: str = Field("http://127.0.0.1:8000", validation_alias="MONITOR_PUBLIC_URL")
    trusted_proxies: str = Field("127.0.0.1,::1", validation_alias="MONITOR_TRUSTED_PROXIES")
    texts_per_second: float | None = Field(None, gt=0, validation_alias="MONITOR_TEXTS_PER_SECOND")
    heartbeat_url: str | None = Field(None, validation_alias="MONITOR_HEARTBEAT_URL")
    archive_after_days: int = Field(90, ge=30, le=365, validation_alias="MONITOR_ARCHIVE_AFTER_DAYS")
    delete_after_days: int | None = Field(None, ge=365, le=36500, validation_alias="MONITOR_DELETE_AFTER_DAYS")
    account_sid: str | None = Field(None, validation_alias="TWILIO_ACCOUNT_SID")
    auth_token: SecretStr | None = Field(None, validation_alias="TWILIO_AUTH_TOKEN")
    auth_token_previous: SecretStr | None = Field(None, validation_alias="TWILIO_AUTH_TOKEN_PREVIOUS")
    from_number: str | None = Field(None, validation_alias="TWILIO_FROM_NUMBER")
    messaging_service_sid: str | None = Field(None, validation_alias="TWILIO_MESSAGING_SERVICE_SID")
    page_number: str | None = Field(None, validation_alias="TWILIO_PAGE_NUMBER")
    twilio_base_url: str | None = Field(None, validation_alias="TWILIO_BASE_URL")

    @field_validator("public_url", "heartbeat_url", "twilio_base_url")
    @classmethod
    def _is_web_address(cls, url: str | None) -> str | None:
        if url is not None and not (url.startswith(("https://", "http://")) and urlsplit(url).hostname):
            raise ValueError("an address that begins with https:// or http://")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, proxies: str) -> str:
        """Nobody is trusted by a name, and not everybody at once: whoever is may say from where a request comes."""
        for proxy in (given := [part.strip() for part in proxies.split(",")]):
            try:
                network = ip_network(proxy)
            except ValueError:
                network = None
            if network is None or network.prefixlen == 0:
                raise ValueError("addresses or networks, and commas between them, such as 10.0.0.5,10.1.0.0/24")
        return ",".join(given)

    @property
    def folder(self) -> Path:
        """MONITOR_HOME, with ~ filled in."""
        try:
            return self.home.expanduser().absolute()
        except RuntimeError:
            raise BadInput("MONITOR_HOME", str(self.home), "a folder; ~ alone stands for your own") from None

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def database_url(self) -> str:
        if self.database:
            return self.database
        return f"sqlite:///{self.folder / 'monitor.db'}"

    @property
    def sms_kind(self) -> SmsKind:
        """Twilio when its credentials are set, else the built-in phones.

        One credential without the other is Twilio half set up, which is refused: on the phones no SMS
        would leave, and nobody would notice.
        """
        if self.sms:
            return self.sms
        return SmsKind.TWILIO if self.account_sid or self.auth_token else SmsKind.PHONES

    def require_twilio(self) -> None:
        """Refuse a half-set Twilio, naming the first setting that is missing."""
        needed = {
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "TWILIO_FROM_NUMBER": self.from_number or self.messaging_service_sid,
        }
        for name, value in needed.items():
            if not value:
                raise BadInput(name, "nothing", "the value from the Twilio console (README, 'Run it for real')")


def read_settings() -> Settings:
    """The settings, or one clear line about the first that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        allowed = first["msg"].removeprefix("Value error, ")
        raise BadInput(".".join(map(str, first["loc"])), first.get("input"), allowed) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(".env", type(error).__name__, "a readable file in UTF-8, or none") from None
