"""The built-in phones in the browser: text as anybody, press a key in a call, move the clock. No SMS leaves."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from monitor.bootstrap import App
from monitor.db import transaction
from monitor.domain.delivery import ProviderStatus
from monitor.domain.localtime import local_date
from monitor.domain.phone import normalise_sender
from monitor.errors import BadInput
from monitor.services.acknowledge import take_by_keypress
from monitor.services.clinic import the_clinic
from monitor.services.enrol import Enrolment, enrol
from monitor.services.receive import save_inbound
from monitor.services.staff import MAX_TIER, add_staff
from monitor.services.track import apply_status
from monitor.sms.phones import PhonesGateway
from monitor.web.alert_cards import read_alerts
from monitor.web.loopback import why_refused
from monitor.web.pages import templates
from monitor.web.phone_clock import AMOUNTS, NEXT, Moved, due_after, move_clock
from monitor.web.phone_forms import MAX_TEXT, Typed, check_phone, check_text, check_whole, find_ringing_call
from monitor.web.screens import anchor_of, read_screens

KEYS = {"1": ProviderStatus.COMPLETED, "none": ProviderStatus.NO_ANSWER}
MAX_DAYS = 365
MAX_FIND = 80
ADDING = {"/phones/enrol", "/phones/staff", "/phones/new"}


class PhonesRoute(APIRoute):
    """Only for this machine; a mistake is explained on the page itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            if not _app(request).on_phones:
                raise HTTPException(404)
            if why := why_refused(request, exposed=request.app.state.phones_forced):
                raise HTTPException(403, why)
            try:
                return await handle(request)
            except BadInput as error:
                return await run_in_threadpool(_page, request, error)

        return guarded


router = APIRouter(prefix="/phones", route_class=PhonesRoute)


@router.get("")
def show_page(request: Request) -> Response:
    """All phones, complete without JavaScript."""
    return _page(request)


@router.get("/screens")
def show_screens(request: Request) -> Response:
    """The parts of the page that change; nothing when the browser has them as they are."""
    response: Response = templates.TemplateResponse(request, "phones/screens.html", _context(request))
    tag = f'"{sha256(response.body).hexdigest()[:24]}"'
    if request.headers.get("if-none-match") == tag:
        response = Response(status_code=304)
    response.headers["ETag"] = tag
    return response


@router.post("/text")
def send_text(request: Request, form: Typed) -> Response:
    """Somebody texts from one of the phones."""
    app, body = _app(request), check_text(form.get("body", ""))
    assert isinstance(app.gateway, PhonesGateway)
    with transaction(app.sessions) as session:
        phone = check_phone(session, form.get("phone", ""))
    received = app.gateway.type_text(phone, body)
    with transaction(app.sessions) as session:
        save_inbound(session, received, raw=None, now=received.received_at)
    request.app.state.wake()
    return _back(request, phone)


@router.post("/call")
def answer_call(request: Request, form: Typed) -> Response:
    """A key is pressed in a call that rings, or nobody answers it."""
    app, key = _app(request), form.get("key", "")
    if key not in KEYS:
        raise BadInput("key", key[:40], "1, or none to let it ring")
    with transaction(app.sessions) as session:
        call, now = find_ringing_call(session, form.get("message", "")), app.clock.now()
        if KEYS[key] == ProviderStatus.COMPLETED:
            take_by_keypress(session, call.id, now=now)
        apply_status(session, call, call.sid or "", KEYS[key], None, now=now)
        phone = call.to_number
    request.app.state.wake()
    return _back(request, phone)


@router.post("/clock")
def move_time(request: Request, form: Typed) -> Response:
    """Time passes, and everything that falls due on the way happens."""
    moved = move_clock(_app(request), form.get("amount", ""), request.app.state.run_everything)
    request.app.state.wake()
    return _back(request, moved=str(moved.steps), short="" if moved.arrived else "1")


@router.post("/new")
def add_phone(request: Request, form: Typed) -> Response:
    """A number that nobody here has, to text from."""
    with transaction(_app(request).sessions) as session:
        phone = check_phone(session, form.get("phone", ""))
    return _back(request, phone, also=phone, find="")


@router.post("/enrol")
def enrol_patient(request: Request, form: Typed) -> Response:
    """A patient whose surgery was so many days ago."""
    now = _app(request).clock.now()
    days = check_whole("days", form.get("days", ""), 0, MAX_DAYS)
    with transaction(_app(request).sessions) as session:
        clinic = the_clinic(session)
        given = Enrolment(
            name=form.get("name", ""),
            phone=form.get("phone", ""),
            surgery_on=local_date(now, ZoneInfo(clinic.timezone)) - timedelta(days=days),
            consent="given on the page of the built-in phones",
        )
        phone = enrol(session, clinic, given, now=now).patient.phone
    request.app.state.wake()
    return _back(request, phone, find="")


@router.post("/staff")
def add_person(request: Request, form: Typed) -> Response:
    """Somebody who is paged."""
    now = _app(request).clock.now()
    tier = check_whole("tier", form.get("tier", ""), 1, MAX_TIER)
    with transaction(_app(request).sessions) as session:
        clinic = the_clinic(session)
        person = add_staff(session, clinic, form.get("name", ""), form.get("phone", ""), tier=tier, now=now)
        phone = person.phone
    request.app.state.wake()
    return _back(request, phone, find="")


def _app(request: Request) -> App:
    app: App = request.app.state.monitor
    return app


def _page(request: Request, error: BadInput | None = None) -> Response:
    """The whole page; with a mistake in a form it says which, and keeps what was typed."""
    typed = getattr(request.state, "typed", {}) if error else {}
    context = _context(request) | {"error": error, "typed": typed, "moved": _moved(request)}
    nobody = not context["screens"].found and not context["find"]
    context["adding"] = nobody or request.url.path in ADDING
    return templates.TemplateResponse(request, "phones.html", context, status_code=error.status if error else 200)


def _context(request: Request) -> dict[str, Any]:
    app, query = _app(request), _query(request)
    now = app.clock.now()
    with transaction(app.sessions) as session:
        clinic = the_clinic(session)
        zone, due = ZoneInfo(clinic.timezone), due_after(session, now)
        return {
            "clinic": clinic,
            "now": now.astimezone(zone),
            "next_at": due.astimezone(zone) if due else None,
            "amounts": list(AMOUNTS),
            "next": NEXT,
            "max_text": MAX_TEXT,
            "alerts": read_alerts(session),
            "screens": read_screens(session, now, find=query["find"], also=query["also"]),
            "query": _encoded(query),
            **query,
        }


def _query(request: Request) -> dict[str, str]:
    """What the address asks for: phones that match `find`, and a number `also` that has no text yet."""
    also = normalise_sender(request.query_params.get("also", ""))
    return {
        "find": request.query_params.get("find", "")[:MAX_FIND],
        "also": also if also.startswith("+") and also[1:].isdigit() else "",
    }


def _moved(request: Request) -> Moved | None:
    steps = request.query_params.get("moved", "")
    if not (steps.isascii() and steps.isdigit() and len(steps) < 6):
        return None
    return Moved(int(steps), arrived=not request.query_params.get("short"))


def _back(request: Request, phone: str = "", **changes: str) -> Response:
    """To the page again, where it was; reloading it then repeats nothing."""
    anchor = f"#{anchor_of(phone)}" if phone else ""
    return RedirectResponse(f"/phones{_encoded(_query(request) | changes)}{anchor}", status_code=303)


def _encoded(query: Mapping[str, str]) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"?{urlencode(given)}" if given else ""
