"""Sign in and out, join with a code, set up the second factor."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import segno
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from prometheus_client import Counter
from sqlalchemy.orm import Session

from monitor.db import reading, transaction
from monitor.errors import BadInput, Denied, SignedOut, TooManyTries
from monitor.services.join import confirm_factor, first_recovery_codes, join, offered_factor
from monitor.services.sign_in import check_code, check_password, end, enter, find
from monitor.web.auth import (
    app_of,
    caller_of,
    came_from_us,
    find_visit,
    give_device,
    give_visit,
    person_of,
    real_now,
    take_visit,
    token_of,
)
from monitor.web.console.frame import ALL_KEPT, MAX_FIELDS, answered, ask_again, refusal
from monitor.web.forms import MAX_FORM, Form, read_form
from monitor.web.pages import templates

router = APIRouter()
WITH_KEPT = 12 * ALL_KEPT + MAX_FORM  # bytes: each letter of what was kept may take twelve on its way
MAX_CODE = 80  # characters, as the form has room for
LOCAL = re.compile(r"/[A-Za-z0-9/_.?=&%-]*")
REFUSED = Counter("monitor_sign_ins_refused", "Tries to sign in or to join that were refused", ["why"])
Answer = Callable[[Request, Form], Response]


def safe_next(given: str) -> str:
    """Where to go after signing in: an address of ours, whatever was given.

    >>> safe_next("/alerts/3"), safe_next("//evil.example/"), safe_next("https://evil.example/")
    ('/alerts/3', '/', '/')
    """
    return given if LOCAL.fullmatch(given) and not given.startswith("//") else "/"


def _posted(path: str) -> Callable[[Answer], Answer]:
    """A form that anybody may send, from our own page alone."""

    def register(answer: Answer) -> Answer:
        async def post(request: Request) -> Response:
            try:
                form = await read_form(request, max_form=WITH_KEPT)
            except BadInput as error:
                return refusal(request, error)
            return await run_in_threadpool(answered, request, lambda: _if_ours(request, form, answer))

        router.add_route(path, post, methods=["POST"])
        return answer

    return register


def _if_ours(request: Request, form: Form, answer: Answer) -> Response:
    if not came_from_us(request):
        raise Denied("this form was sent by another site's page")
    return answer(request, form)


def _show(request: Request, template: str, context: Mapping[str, Any], *, status: int = 200) -> Response:
    return templates.TemplateResponse(request, f"console/{template}", dict(context), status_code=status)


def _explained(error: BadInput | TooManyTries) -> str:
    """What was wrong, without what was typed: it may have been a password."""
    REFUSED.labels("too many tries" if isinstance(error, TooManyTries) else "wrong").inc()
    if isinstance(error, TooManyTries):
        return f"Too many tries have failed here. Please wait {error.minutes} min."
    return f"That was not right: it must be {error.allowed}."


@router.get("/sign-in")
def show_sign_in(request: Request) -> Response:
    goes_to = safe_next(request.query_params.get("next", "/"))
    with reading(app_of(request).sessions) as session:
        if find_visit(session, request, factors=2) is not None:
            return RedirectResponse(goes_to, 303)
    return _show(request, "sign-in.html", {"next": goes_to, "kept": "", "error": "", "who": "", "ended": False})


@_posted("/sign-in")
def sign_in(request: Request, form: Form) -> Response:
    who, goes_to, kept = form.text("who"), safe_next(form.get("next", "/")), form.get("kept", "")
    try:
        token = check_password(
            app_of(request).sessions, who, form.get("password", ""), caller_of(request), now=real_now(request)
        )
    except (BadInput, TooManyTries) as error:
        known = {"next": goes_to, "kept": kept, "error": _explained(error), "who": who, "ended": False}
        return _show(request, "sign-in.html", known, status=error.status)
    with transaction(app_of(request).sessions) as session:
        end(session, token_of(request))  # whoever was signed in here before is not any more
    response = _second_step(request, token, next=goes_to, kept=kept)
    give_visit(request, response, token)
    return response


def _second_step(request: Request, token: str, **carried: str) -> Response:
    """The code is asked for; whoever has no app yet sets it up first."""
    with transaction(app_of(request).sessions) as session:
        staff_id = _half_signed_in(session, request, token)
        offered = offered_factor(session, staff_id)
    if offered is None:
        return _show(request, "code.html", {"error": "", **carried})
    return _show_factor(request, offered, error="")


@_posted("/sign-in/code")
def give_code(request: Request, form: Form) -> Response:
    goes_to, kept = safe_next(form.get("next", "/")), form.get("kept", "")
    app, token = app_of(request), token_of(request) or ""
    try:
        visit, device = check_code(app.sessions, token, form.get("code", ""), caller_of(request), now=real_now(request))
    except SignedOut as error:
        known = {"next": goes_to, "kept": kept, "error": f"{error}.".capitalize(), "who": "", "ended": False}
        return _show(request, "sign-in.html", known, status=error.status)
    except (BadInput, TooManyTries) as error:
        known = {"next": goes_to, "kept": kept, "error": _explained(error)}
        return _show(request, "code.html", known, status=error.status)
    response = _resume(request, visit, goes_to, kept) if kept else RedirectResponse(goes_to, 303)
    give_visit(request, response, visit)
    give_device(request, response, device)
    return response


def _resume(request: Request, visit: str, path: str, kept: str) -> Response:
    """What was typed when the visit before this one had ended."""
    try:
        fields = [(str(name), str(value)) for name, value in json.loads(kept)[:MAX_FIELDS]]
    except (ValueError, TypeError, KeyError, RecursionError):  # nothing that was kept by us
        return RedirectResponse(path, 303)
    with reading(app_of(request).sessions) as session:
        found = find(session, visit, factors=2, now=real_now(request))
        if found is None:
            raise SignedOut("nobody is signed in")
        return ask_again(request, person_of(session, found), path, fields)


@_posted("/sign-out")
def sign_out(request: Request, form: Form) -> Response:  # noqa: ARG001 -- nothing is asked but this
    with transaction(app_of(request).sessions) as session:
        end(session, token_of(request))
    response = RedirectResponse("/sign-in", 303)
    take_visit(request, response)
    return response


# --- joining


@router.get("/join")
def show_join(request: Request) -> Response:
    return _show(request, "join.html", {"error": "", "who": "", "code": ""})


@_posted("/join")
def join_with_code(request: Request, form: Form) -> Response:
    who, password, code = form.text("who"), form.get("password", ""), form.text("code")
    try:
        if password != form.get("again", ""):
            raise BadInput("again", "", "the same password in both fields")
        token = join(app_of(request).sessions, who, code, password, caller_of(request), now=real_now(request))
    except (BadInput, TooManyTries) as error:
        # Sixteen letters are not typed again for a slip in a password: the code works once, for a week at most, for
        # whoever has just typed it, and no page of ours is kept by a browser. A password is never sent back.
        known = {"error": _explained(error), "who": who, "code": code[:MAX_CODE]}
        return _show(request, "join.html", known, status=error.status)
    response = RedirectResponse("/join/second-factor", 303)
    give_visit(request, response, token)
    return response


@router.get("/join/second-factor")
def show_second_factor(request: Request) -> Response:
    return answered(request, lambda: _offer_factor(request))


def _offer_factor(request: Request, error: str = "") -> Response:
    with transaction(app_of(request).sessions) as session:
        staff_id = _half_signed_in(session, request)
        offered = offered_factor(session, staff_id)
    if offered is None:
        return RedirectResponse("/", 303)
    return _show_factor(request, offered, error=error)


def _show_factor(request: Request, offered: tuple[str, str], *, error: str) -> Response:
    secret, address = offered
    picture = segno.make(address, error="m").svg_inline(scale=5, border=3, dark="#14201f", light="#fff")
    spaced = " ".join(re.findall("....", secret))
    known = {"picture": picture, "address": address, "secret": spaced, "error": error}
    return _show(request, "second-factor.html", known, status=422 if error else 200)


@_posted("/join/second-factor")
def confirm_second_factor(request: Request, form: Form) -> Response:
    app, token = app_of(request), token_of(request) or ""
    now, code = real_now(request), form.get("code", "")
    try:
        with transaction(app.sessions) as session:
            staff_id = _half_signed_in(session, request)
            confirm_factor(session, staff_id, code, now=now)
            codes = first_recovery_codes(session, staff_id, now=now)
            device = caller_of(request).device
            visit, known = enter(session, token, staff_id, how="joining", device=device, now=now)
    except BadInput as error:
        return _offer_factor(request, error=_explained(error))
    response = _show(request, "recovery-codes.html", {"codes": codes, "goes_to": "/"})
    give_visit(request, response, visit)
    give_device(request, response, known)
    return response


def _half_signed_in(session: Session, request: Request, token: str | None = None) -> int:
    """Whoever has shown the password and not yet the second factor."""
    found = find(session, token or token_of(request), factors=1, now=real_now(request))
    if found is None:
        raise SignedOut("it took too long: begin again")
    return found.staff_id
