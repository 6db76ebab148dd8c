"""Every page and what is done on it, once on PostgreSQL: whatever asks the database there asks it as it can answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import httpx
import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Account, Alert, Assessment, Episode, Override, Staff
from tests.web.console.conftest import ANN, BEN, BOSS, RAY, enrolled, samples_of, texts
from tests.web.console.pages import address, other_routes, pages
from tests.web.staffer import Office, words_of

pytestmark = pytest.mark.engine("postgresql")
OTHERS = ("/worklist", "/episodes/1/pain.svg", "/episodes/1/gum.svg")


def test_every_page_opens(office: Office) -> None:
    boss = office.hires("Bo Boss", BOSS, role="manager", admin=True)
    samples = samples_of(office, boss, ANN)
    texts(office, "+12025550188", "is this the dentist?")
    boss.does("/alerts/1", "note", note="called")
    seen = {page.path: boss.get(address(page.path, samples)).status_code for page in pages()}
    assert seen.pop("/enrol/check") == 405  # a part of a page that only takes a form
    assert set(seen.values()) == {200}, seen
    assert [boss.get(path).status_code for path in OTHERS] == [200] * len(OTHERS)
    parts = [path for path in other_routes() if path.startswith("/reports/")]
    assert parts
    for part in ("replies", "load", "rules"):
        for kind in ("svg", "csv"):
            assert boss.get(f"/reports/{part}.{kind}").status_code == 200


def test_a_day_s_work_is_done(office: Office) -> None:
    ray, boss = office.hires("Dr Ray", RAY), office.hires("Bo Boss", BOSS, role="manager")
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    assert ray.does("/", "take", alert="1").headers["location"] == "/alerts/1?said=taken"
    assert boss.does("/alerts/1", "text", body="Come at four").status_code == 303
    assert ray.does("/alerts/1", "hand-over", to=str(boss.id)).status_code == 303
    given = {"sign": "pus", "presence": "absent", "why": "mustard"}
    assert ray.does("/episodes/1?overrule=1", "overrule", **given).status_code == 303
    assert boss.does("/alerts/1", "outcome", outcome="misread").headers["location"] == "/alerts/1?said=outcome"
    until = (office.clock.now() + timedelta(days=20)).date().isoformat()
    assert ray.does("/episodes/1", "pause", until=until).status_code == 303
    assert ray.does("/episodes/1", "contact", phone=BEN).status_code == 303
    assert "Ann Carter" in words_of(ray.does("/patients", "find", q="ann"))
    with transaction(office.app.sessions) as session:
        assert session.scalars(select(Alert.outcome)).all() == ["misread"]
        bands = session.scalars(select(Assessment.band).order_by(Assessment.id)).all()
        assert bands == ["urgent", "expected"]


def test_patients_come_and_the_rota_is_covered(office: Office) -> None:
    ray = office.hires("Dr Ray", RAY)
    today = office.clock.now().date().isoformat()
    table = f"name,phone,surgery,consent\nAnn Carter,{ANN},{today},form\nBo,12,{today},form\n"
    form = ray.filled("/enrol/import", "check", table=table)
    assert "1 can be enrolled, 1 refused" in words_of(ray.post("/enrol/import", form))
    assert "1 enrolled, 1 refused" in words_of(ray.post("/enrol/import", form | {"do": "import"}))
    tomorrow = office.clock.now() + timedelta(days=1)
    times = {"from": f"{tomorrow:%Y-%m-%dT08:00}", "to": f"{tomorrow:%Y-%m-%dT18:00}"}
    form = ray.filled("/rota", "cover") | {"staff": str(ray.id), "tier": "1"} | times
    assert ray.post("/rota", form).status_code == 303
    with transaction(office.app.sessions) as session:
        assert len(session.scalars(select(Episode.id)).all()) == 1
        assert session.scalars(select(Override.staff_id)).all() == [ray.id]


def at_once(*asked: Callable[[], httpx.Response]) -> list[int]:
    """Everybody sends their form at the same moment: the statuses, sorted."""
    together = Barrier(len(asked))

    def ask(send: Callable[[], httpx.Response]) -> int:
        together.wait(30)
        return send().status_code

    with ThreadPoolExecutor(len(asked)) as pool:
        return sorted(pool.map(ask, asked))


@pytest.mark.parametrize(
    ("page", "first", "second"),
    [
        (
            "/episodes/1?overrule=1",
            {"do": "overrule", "sign": "pus", "presence": "absent", "why": "mustard"},
            {"do": "overrule", "sign": "pus", "presence": "present", "why": "pus indeed"},
        ),
        ("/episodes/1", {"do": "stop"}, {"do": "pause", "until": "2026-12-24"}),
        ("/episodes/1", {"do": "contact", "name": "Anne Carter"}, {"do": "contact", "name": "Ann Carter-Lee"}),
    ],
    ids=["overrule", "plan", "contact"],
)
def test_of_two_who_change_the_same_at_once_one_is_told(
    office: Office, page: str, first: Mapping[str, str], second: Mapping[str, str]
) -> None:
    ray, boss = office.hires("Dr Ray", RAY), office.hires("Dr Boss", BOSS)
    enrolled(office)
    texts(office, ANN, "there is yellow pus")
    forms = [one.filled(page, given["do"]) | dict(given) for one, given in ((ray, first), (boss, second))]
    assert at_once(lambda: ray.post("/episodes/1", forms[0]), lambda: boss.post("/episodes/1", forms[1])) == [303, 409]


def test_two_codes_for_one_colleague_at_once_are_no_error(office: Office) -> None:
    boss = office.hires("Bo Boss", BOSS, role="manager", admin=True)
    other = office.hires("Al Other", "+12025550175", role="manager", admin=True)
    boss.does("/staff", "add", name="Dr New", phone="+12025550176", tier="1", role="clinician")
    with transaction(office.app.sessions) as session:
        number = session.scalars(select(Staff.id).order_by(Staff.id.desc())).first()
        for account in session.scalars(select(Account).where(Account.staff_id == number)):
            session.delete(account)
    page = f"/staff/{number}"
    forms = [one.filled(page, "code") for one in (boss, other)]
    assert max(at_once(lambda: boss.post(page, forms[0]), lambda: other.post(page, forms[1]))) < 400


def test_numbers_that_nobody_knows_stand_in_the_inbox_the_worst_first(office: Office) -> None:
    ray = office.hires("Dr Ray", RAY)
    texts(office, BEN, "hello")
    texts(office, ANN, "there is yellow pus")
    page = words_of(ray.get("/inbox"))
    assert "Unknown numbers 2" in page
    assert page.index(ANN) < page.index(BEN)
    assert ray.does("/inbox", "finish", outcome="advised").headers["location"] == "/inbox?said=done"
    assert ANN not in words_of(ray.get("/inbox"))
