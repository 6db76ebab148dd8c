"""Enrol a patient: one form, checked as it is typed, which tells what would be sent when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from monitor.domain.access import Permission
from monitor.domain.localtime import local_date
from monitor.services.enrol import AHEAD, JAWS, STITCHES, enrol
from monitor.services.enrolment_table import COLUMNS, read_enrolment
from monitor.services.foresee import check_typed, foresee
from monitor.services.seed import bundle_of, current_version
from monitor.web.console.frame import SHOW, Action, Page
from monitor.web.console.visit import Visit
from monitor.web.pages import language_name

router = APIRouter()
CHECK = "check"
WAYS_TO_CONSENT = ("signed form", "verbally, at the clinic", "verbally, on the phone", "by e-mail", "online form")
NAMES = {  # of fields, as somebody reads them
    "name": "the name",
    "phone": "the mobile number",
    "surgery": "the date of surgery",
    "consent": "how they agreed",
}
UNPLANNED = {"surgery", "timezone"}  # without these nobody can tell what would be sent when


def show_enrol(visit: Visit, session: Session) -> Mapping[str, Any]:
    """The form, and what would come of it as it stands."""
    clinic, bundle = visit.clinic(session), bundle_of(session, current_version(session).id)
    today = local_date(visit.now, visit.person.zone)
    return {
        "clinic_zone": clinic.timezone,
        "latest": (today + AHEAD).isoformat(),
        "ways": WAYS_TO_CONSENT,
        "languages": [
            ("en", language_name("en")),
            *((code, language_name(code)) for code in bundle.languages if code != "en"),
        ],
        "jaws": [("", "not said"), *((jaw, jaw) for jaw in JAWS)],
        "stitches": [(kind, kind) for kind in STITCHES],
        "risks": [(risk, risk.replace("_", " ")) for risk in bundle.protocol.risks],
        "more_typed": _more_is_typed(visit),
        **show_foreseen(visit, session),
    }


def show_foreseen(visit: Visit, session: Session) -> Mapping[str, Any]:
    """What is wrong in the form, and what would be sent when. A field that nobody has come to yet is no mistake."""
    do = CHECK if visit.form.get("do") == CHECK else "enrol"
    texts, risks = _typed(visit)
    if not visit.form:
        return {"do": do, "foreseen": None, "missing": list(NAMES.values()), "given": None}
    clinic, bundle = visit.clinic(session), bundle_of(session, current_version(session).id)
    given, wrong = check_typed(clinic, texts, risks, bundle, now=visit.now)
    missing = [name for name in NAMES if name in wrong and name not in texts]
    visit.mistakes = {name: error for name, error in wrong.items() if do == "enrol" or name not in missing}
    foreseen = None
    if not UNPLANNED & wrong.keys():
        foreseen = foresee(session, clinic, given, bundle, now=visit.now, unusable=wrong.keys())
        people = (foreseen.known, *foreseen.others)
        visit.view((one.patient_id for one in people if one), "enrolling somebody on the same number")
    return {"do": do, "foreseen": foreseen, "missing": [NAMES[name] for name in missing], "given": given}


def do_enrol(visit: Visit, session: Session) -> str:
    texts, risks = _typed(visit)
    for name in NAMES:
        texts.setdefault(name, "")
    episode = enrol(session, visit.clinic(session), read_enrolment(texts, risks), now=visit.now)
    return f"/episodes/{episode.id}?said={'enrolled' if episode.patient.opted_out_at is None else 'enrolled-silent'}"


def look(_visit: Visit, _session: Session) -> str:
    return SHOW


def _typed(visit: Visit) -> tuple[dict[str, str], Sequence[str]]:
    """What was filled in, by the names that a table's columns have too."""
    given = {name: visit.form.text(name) for name in COLUMNS if name != "risk"}
    return {name: text for name, text in given.items() if text}, visit.form.all("risk")


def _more_is_typed(visit: Visit) -> bool:
    usual = {"stitches": "none", "language": "en"}
    texts, risks = _typed(visit)
    return bool(risks) or any(name not in NAMES and text != usual.get(name) for name, text in texts.items())


class Part(Page):
    """What a script of ours puts into a page: it is asked for with the form, and nobody opens it."""

    def add_to(self, router: APIRouter) -> None:
        router.add_route(self.path, self._post, methods=["POST"])


_DOES = {"enrol": Action(do_enrol), CHECK: Action(look, reads=True)}
Page("/enrol", "enrol.html", show_enrol, Permission.ENROL, _DOES).add_to(router)
Part("/enrol/check", "enrol/foreseen.html", show_foreseen, Permission.ENROL, {CHECK: _DOES[CHECK]}).add_to(router)
