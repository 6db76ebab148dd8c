"""What every page of the console shares, so that a page is a function that looks and some that do.

A page has one address. `show` reads what stands on it; a form on it posts to that same address and names by `do` what
it asks for. Whatever is refused, the same page comes back, says why, and has kept what was typed.

GET    signed in? ─ may see it? ─ show (reads only) ─ log who looked at whom ─ page
POST   signed in? ─ our own form? ─ may do it? ─ do (one transaction) ─ wake the worker ─ to the page again
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from monitor.db import reading, transaction
from monitor.domain.access import Permission
from monitor.errors import BadInput, Denied, MonitorError, NotFound, NotReady, SignedOut, Stale
from monitor.services.audit import act_as, record
from monitor.services.sign_in import note_seen
from monitor.web.auth import Person, app_of, came_from_us, csrf_token, find_visit, is_csrf_token, person_of, real_now
from monitor.web.console.again import plain_words, words_of_kept
from monitor.web.console.visit import Visit
from monitor.web.forms import MAX_FORM, Form, read_form
from monitor.web.pages import templates
from monitor.web.why_not import why_refused
from monitor.worklists.desk_count import count_waiting

MAX_FIELDS = 80
MAX_KEPT, ALL_KEPT = 10_000, 50_000  # characters, of one field and of all
NEVER_KEPT = frozenset({"csrf", "password", "old", "again", "code"})
DOORS = ("/sign-in", "/join")  # nobody is sent back to these once they are in
Show = Callable[[Visit, Session], Mapping[str, Any]]
Do = Callable[[Visit, Session], "Response | str | None"]
"""Returns where to go next: an address, None for the page itself, or SHOW to answer with the page as it is now."""
SHOW = "show"


@dataclass(frozen=True)
class Action:
    """Something a form of a page asks for, and what it takes to do it."""

    do: Do
    needs: Permission | None = None  # beyond what the page itself needs
    reads: bool = False  # it only looks, or writes in transactions of its own: nobody who writes is kept waiting


@dataclass(frozen=True)
class Page:
    """A page: `needs` is what whoever sees it must be allowed."""

    path: str
    template: str
    show: Show
    needs: Permission | None = None
    actions: Mapping[str, Action] = field(default_factory=dict)
    max_form: int = MAX_FORM  # bytes, of each field if a file is sent along

    def add_to(self, router: APIRouter) -> None:
        router.add_route(self.path, self._get, methods=["GET"])
        if self.actions:
            router.add_route(self.path, self._post, methods=["POST"])

    def _get(self, request: Request) -> Response:
        return answered(request, lambda: self.render(enter(request, self.needs)))

    async def _post(self, request: Request) -> Response:
        try:
            form = await read_form(request, max_fields=MAX_FIELDS, max_form=self.max_form)
        except BadInput as error:
            return refusal(request, error)
        return await run_in_threadpool(answered, request, lambda: self._take(request, form))

    def _take(self, request: Request, form: Form) -> Response:
        if not came_from_us(request):  # before anything that it holds is shown to anybody, or kept
            raise Denied("this form was sent by another site's page")
        try:
            return self._act(request, form)
        except NotReady:  # the database is away, or busy with others
            return try_again(request, form)

    def _act(self, request: Request, form: Form) -> Response:
        try:
            visit = enter(request, self.needs, form)
        except SignedOut:
            return keep(request, form)
        if not is_csrf_token(visit.person.csrf, form.get("csrf", "")):
            return ask_again(request, visit.person, request.url.path, kept_fields(form))
        action = self.actions.get(form.get("do", ""))
        try:
            if action is None:
                raise BadInput("do", form.get("do", "")[:40], "one of " + ", ".join(self.actions))
            if action.needs is not None:
                visit.require(action.needs)
            with (reading if action.reads else transaction)(visit.app.sessions) as session:
                act_as(session, visit.staff(session))
                where = action.do(visit, session)
        except NotFound:
            raise
        except BadInput as error:
            visit.error = error
            return self.render(visit, status=error.status)
        if isinstance(where, Response):
            return where
        if where == SHOW:
            return self.render(visit)
        request.app.state.wake()
        return RedirectResponse(where or request.url.path, 303)

    def render(self, visit: Visit, *, status: int = 200) -> Response:
        with reading(visit.app.sessions) as session:
            context = self.show(visit, session)
            visit.waiting = count_waiting(session, visit.clinic_id) if visit.may(Permission.DESK) else 0
        log_view(visit)
        return render(visit, self.template, context, status=status)


def enter(
    request: Request, needs: Permission | None, form: Form | None = None, *, counts_as_seen: bool = True
) -> Visit:
    """Whoever asks, if they are signed in and may. Raises SignedOut, Denied. What a page fetches by itself does not
    count as a sign that somebody is there."""
    app = app_of(request)
    with reading(app.sessions) as session:
        found = find_visit(session, request, factors=2)
        if found is None:
            raise SignedOut("nobody is signed in")
        person = person_of(session, found)
    if counts_as_seen:
        note_seen(app.sessions, found, now=real_now(request))
    visit = Visit(request, app, person, app.clock.now(), form or Form())
    if needs is not None:
        visit.require(needs)
    return visit


def log_view(visit: Visit) -> None:
    """Write down whose record somebody saw."""
    if not visit.viewed:
        return
    ids = sorted(visit.viewed)
    with transaction(visit.app.sessions) as session:
        act_as(session, visit.staff(session))
        one = ids[0] if len(ids) == 1 else None
        record(session, "viewed", at=visit.now, patient_id=one, what=visit.looked_into, patients=ids)


def render(visit: Visit, template: str, context: Mapping[str, Any], *, status: int = 200) -> Response:
    """A page for somebody who is signed in. One that shows an old form again has a fresh token in it."""
    error = visit.error
    known = {
        "visit": visit,
        "person": visit.person,
        "csrf": csrf_token(visit.person.csrf),
        "error": error,
        "stale": error.since if isinstance(error, Stale) else None,
        "said": visit.request.query_params.get("said", ""),
        "told": "",  # a page may say it more exactly
        "P": Permission,
    }
    return templates.TemplateResponse(visit.request, f"console/{template}", {**known, **context}, status_code=status)


def answered(request: Request, answer: Callable[[], Response]) -> Response:
    """An answer, or the page that says why there is none."""
    try:
        return answer()
    except SignedOut:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        goes_back = here != "/" and not here.startswith(DOORS)
        return RedirectResponse(f"/sign-in?{urlencode({'next': here})}" if goes_back else "/sign-in", 303)
    except (Denied, BadInput, NotReady) as error:
        return refusal(request, error)


REFUSALS = {
    401: "You are not signed in",
    403: "This is not for your role",
    404: "There is no such page",
    409: "Somebody else was first",
    422: "This cannot be used",
    429: "Not so fast",
    503: "The program cannot work just now",
}


def refusal(request: Request, error: MonitorError) -> Response:
    """A page that says why not, and the way back."""
    sent = request.method == "POST"
    gone = sent and error.status == 404
    title = "It is not there any more" if gone else REFUSALS.get(error.status, "This did not work")
    context = {"title": title, "why": why_refused(error, asked_to_do=sent), "status": error.status}
    return templates.TemplateResponse(request, "console/refused.html", context, status_code=error.status)


def keep(request: Request, form: Form) -> Response:
    """Somebody was signed out while they typed: they sign in, and find what they typed."""
    kept = json.dumps(kept_fields(form), ensure_ascii=False)
    context = {"next": request.url.path, "kept": kept, "error": "", "who": "", "ended": True}
    return templates.TemplateResponse(request, "console/sign-in.html", context, status_code=401)


def ask_again(request: Request, person: Person, path: str, fields: Sequence[tuple[str, str]]) -> Response:
    """A form from before somebody signed out and in again: they see what is in it, and say whether they mean it."""
    app = app_of(request)
    visit = Visit(request, app, person, app.clock.now())
    with reading(app.sessions) as session:
        about = words_of_kept(visit, session, path, fields)
    log_view(visit)
    context = {"path": path, "fields": fields, "csrf": csrf_token(person.csrf), "why": "signed out", **about}
    return templates.TemplateResponse(request, "console/again.html", context, status_code=409)


def try_again(request: Request, form: Form) -> Response:
    """What could not be saved just now, to be sent again as it came."""
    path, fields = request.url.path, kept_fields(form)
    context = {"path": path, "fields": fields, "csrf": form.get("csrf", ""), "why": "busy", **plain_words(path, fields)}
    return templates.TemplateResponse(request, "console/again.html", context, status_code=503)


def kept_fields(form: Form) -> list[tuple[str, str]]:
    """What was typed, to be sent again. A file is too large to be carried along, and a password is not shown again."""
    kept, size = [], 0
    for name, value in form.pairs:
        size += len(value) if len(value) <= MAX_KEPT else 0
        if name not in NEVER_KEPT and len(value) <= MAX_KEPT and size <= ALL_KEPT:
            kept.append((name, value))
    return kept
