"""What a webhook costs at least: FastAPI, the same signature check, one insert and one commit a request.

    python -m tests.bench.bare_webhook PORT [DATABASE_URL]

Without a database nothing is kept: what is left is the server, the form and the signature.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from sqlalchemy import Engine, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.bench.webhook_load import CONNECTIONS, PUBLIC_URL, TOKEN

Save = Callable[[dict[str, str], bytes], None]


class Base(DeclarativeBase):
    """The peer's own tables."""


class Row(Base):
    """A webhook as it came."""

    __tablename__ = "bare"

    id: Mapped[int] = mapped_column(primary_key=True)
    sid: Mapped[str] = mapped_column(String(64), index=True)  # several callbacks are about one text
    from_number: Mapped[str]
    to_number: Mapped[str]
    body: Mapped[str]
    raw: Mapped[bytes]


def open_engine(url: str) -> Engine:
    """As durable as ours, and with a connection for everybody who may ask for one."""
    engine = create_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _on_connect(connection: Any, _record: object) -> None:
            for pragma in ("journal_mode=WAL", "busy_timeout=60000", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")

    Base.metadata.create_all(engine)
    return engine


def saver(url: str) -> Save:
    engine = open_engine(url)

    def save(params: dict[str, str], raw: bytes) -> None:
        with Session(engine) as session:
            numbers = {"from_number": params["From"], "to_number": params["To"]}
            session.add(Row(sid=params["MessageSid"], body=params.get("Body", ""), raw=raw, **numbers))
            session.commit()

    return save


def bare_app(save: Save) -> FastAPI:
    """Both webhooks; a thread of the server's pool for each request."""
    app = FastAPI()
    validator = RequestValidator(TOKEN)

    async def signed(request: Request) -> tuple[dict[str, str], bytes]:
        raw = await request.body()
        params = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        query = f"?{request.url.query}" if request.url.query else ""
        url = PUBLIC_URL + request.url.path + query
        if not validator.validate(url, params, request.headers.get("X-Twilio-Signature", "")):
            raise HTTPException(403)
        return params, raw

    @app.post("/twilio/inbound")
    @app.post("/twilio/status")
    def webhook(given: tuple[dict[str, str], bytes] = Depends(signed)) -> Response:
        save(*given)
        return Response("<Response></Response>", media_type="text/xml")

    return app


def main() -> None:
    port, *database = sys.argv[1:]
    save: Save = saver(database[0]) if database else lambda _params, _raw: None
    uvicorn.run(bare_app(save), port=int(port), log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    main()
