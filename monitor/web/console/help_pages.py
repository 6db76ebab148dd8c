"""Help: a short page for each page, plain enough for the end of a long day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.errors import NotFound
from monitor.web.console.frame import Page
from monitor.web.console.visit import Visit

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Topic:
    """A page's help; `path` is where the page itself is, for those who may open it."""

    title: str
    about: str
    path: str | None
    needs: Permission | None = None


TOPICS: Mapping[str, Topic] = {
    "worklist": Topic("Worklist", "what waits for somebody, the worst first", "/", Permission.PATIENTS),
    "alert": Topic("An alert", "take it, call, record what came of it", None),
    "patients": Topic("Patients", "find somebody's record", "/patients", Permission.PATIENTS),
    "episode": Topic("A patient's record", "the course, the timeline, changes and corrections", None),
    "enrol": Topic("Enrol", "one patient, in a minute", "/enrol", Permission.ENROL),
    "import": Topic("Import a table", "many patients at once", "/enrol/import", Permission.ENROL),
    "inbox": Topic("Inbox", "unknown numbers, wrong numbers, the front desk's tasks", "/inbox", Permission.DESK),
    "rota": Topic("Rota", "who is on call, gaps, covers and swaps", "/rota", Permission.ROTA),
    "messages": Topic("Messages", "texts due today, and those that did not arrive", "/messages", Permission.DESK),
    "reports": Topic("Reports", "replies, alerts and rules in figures", "/reports", Permission.REPORTS),
    "protocol": Topic("Protocol", "what is asked, and what each answer means", "/protocol", Permission.PROTOCOL),
    "compare": Topic("Protocol versions", "what changed", "/protocol/compare", Permission.PROTOCOL),
    "settings": Topic("Settings", "the clinic's numbers, hours and time zone", "/settings", Permission.SETTINGS),
    "staff": Topic("Staff", "who works here, and what they may do", "/staff", Permission.STAFF),
    "audit": Topic("Audit log", "who saw and did what", "/audit", Permission.AUDIT),
    "account": Topic("Your account", "password, recovery codes, other browsers", "/account"),
}


def show_index(_visit: Visit, _session: Session) -> Mapping[str, Any]:
    return {"page": None, "title": "", "goes_to": None, "topics": TOPICS}


def show_help(visit: Visit, _session: Session) -> Mapping[str, Any]:
    page = visit.request.path_params["page"]
    topic = TOPICS.get(page)
    if topic is None:
        raise NotFound("page", page[:40], "one of " + ", ".join(TOPICS))
    opens = topic.needs is None or visit.may(topic.needs)
    return {"page": page, "title": topic.title, "goes_to": topic.path if opens else None, "topics": TOPICS}


Page("/help", "help.html", show_index).add_to(router)
Page("/help/{page}", "help.html", show_help).add_to(router)
