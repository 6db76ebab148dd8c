"""The report: how replies, alerts and rules fared in some months; each part as a picture, a table and a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from monitor.db import reading
from monitor.domain.access import Permission
from monitor.domain.facts import ByMonth
from monitor.domain.localtime import local_date
from monitor.domain.months import Months, months_before, parse_months
from monitor.errors import NotFound
from monitor.services.enrolment_table import write_rows
from monitor.services.seed import bundle_of, current_version
from monitor.web.console.frame import Page, answered, enter
from monitor.web.console.report_months import Make, filed, month_by_month
from monitor.web.console.report_sections import SECTIONS
from monitor.web.console.visit import Visit
from monitor.worklists.reports import StoredFacts

router = APIRouter()
OFFERED = 36  # months to choose from


def show_reports(visit: Visit, session: Session) -> Mapping[str, Any]:
    """Every section for the months that the address names, this month's if it names none."""
    months, today = _months_of(visit), local_date(visit.now, visit.person.zone)
    facts = _facts(visit, session)
    by_month = ByMonth(facts) if months.first != months.last else None
    begun = local_date(visit.clinic(session).created_at, visit.person.zone)
    return {
        "months": months,
        "title": _titled(months),
        "query": urlencode({"month": f"{months.first:%Y-%m}", "until": f"{months.last:%Y-%m}"}),
        "sections": [(make(facts), month_by_month(make, by_month) if by_month else None) for make in SECTIONS.values()],
        "offered": _offered(months, min(begun, today), today),
        "shortcuts": {
            "This month": parse_months("", "", today),
            "Last month": Months(*[months_before(today, 1)] * 2),
            "3 months": Months(months_before(today, 2), months_before(today, 0)),
            "12 months": Months(months_before(today, 11), months_before(today, 0)),
        },
    }


def _months_of(visit: Visit) -> Months:
    asked = visit.request.query_params
    return parse_months(asked.get("month", ""), asked.get("until", ""), local_date(visit.now, visit.person.zone))


def _titled(months: Months) -> str:
    first, last = f"{months.first:%B %Y}", f"{months.last:%B %Y}"
    return first if first == last else f"{first} to {last}"


def _offered(months: Months, begun: date, today: date) -> list[date]:
    """The newest month first: since the clinic began, and those that are shown."""
    every = {months.first, months.last} | {
        month for back in range(OFFERED) if (month := months_before(today, back)) >= begun.replace(day=1)
    }
    return sorted(every, reverse=True)


def _facts(visit: Visit, session: Session) -> StoredFacts:
    outcomes = bundle_of(session, current_version(session).id).protocol.outcomes
    return StoredFacts(session, visit.clinic_id, _months_of(visit), visit.person.zone, outcomes)


def _section(request: Request, write: Callable[[Visit, Make, StoredFacts], Response]) -> Response:
    """One section, written another way."""

    def answer() -> Response:
        visit = enter(request, Permission.REPORTS)
        key = request.path_params["key"]
        if key not in SECTIONS:
            raise NotFound("report", key[:40], "one of " + ", ".join(SECTIONS))
        with reading(visit.app.sessions) as session:
            return write(visit, SECTIONS[key], _facts(visit, session))

    return answered(request, answer)


def show_picture(request: Request) -> Response:
    def draw(visit: Visit, make: Make, facts: StoredFacts) -> Response:
        from monitor.web.charts import svg_response

        return svg_response(make(facts).draw("narrow" in visit.request.query_params))

    return _section(request, draw)


def send_file(request: Request) -> Response:
    def write(visit: Visit, make: Make, facts: StoredFacts) -> Response:
        table, months = filed(make, ByMonth(facts), clinic=visit.person.clinic), facts.months
        until = f"-to-{months.last:%Y-%m}" if months.last != months.first else ""
        name = f"{request.path_params['key']}-{months.first:%Y-%m}{until}.csv"
        text = write_rows([column.name for column in table.columns], table.bare)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    return _section(request, write)


router.add_route("/reports/{key}.svg", show_picture, methods=["GET"])
router.add_route("/reports/{key}.csv", send_file, methods=["GET"])
Page("/reports", "reports.html", show_reports, Permission.REPORTS).add_to(router)
