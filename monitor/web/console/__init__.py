"""The staff console: pages for people who are signed in. Each module is one page, or a few that belong together.

`frame.py` is what they share; `nav.py` the bar on top and what is said once something was done.
"""

from fastapi import APIRouter

from monitor.web.console import (
    account,
    alerts,
    audit,
    enrol,
    episodes,
    help_pages,
    import_table,
    inbox,
    live,
    messages,
    patients,
    protocol,
    reports,
    rota,
    settings,
    sign_in,
    staff,
    worklist,
)
from monitor.web.console.nav import SAID, nav_of
from monitor.web.pages import templates

templates.env.globals |= {"nav_of": nav_of, "SAID": SAID}
router = APIRouter()
for _part in (
    sign_in,
    worklist,
    live,
    alerts,
    episodes,
    inbox,
    reports,
    rota,
    messages,
    patients,
    enrol,
    import_table,
    audit,
    staff,
    settings,
    account,
    protocol,
    help_pages,
):
    router.include_router(_part.router)
