"""Every page and what is done on it, once on PostgreSQL: whatever asks the database there asks it as it can answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from monitor.db import transaction
from monitor.models import Alert, Assessment, Episode, Override
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
            assert boss.get(f"/reports/{part}.{kind}").status_code in {200, 404}


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
