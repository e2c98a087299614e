"""The pages: what they show, that nothing of a repository becomes markup, and what a wrong address answers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.domain.errors import PlanError, StoreError
from shipway.domain.event import BEGIN, DEPLOYMENT, END, LINE, Event, Subject
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import SUCCEEDED, Trigger
from shipway.server import pages
from shipway.server.observer import Observer, in_order
from shipway.server.web import HEADERS, Site, application
from shipway.testing.ledger.queue import pushed
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.server.asking import Answer, ask
from tests.unit.world import World

ORDERED = dataclasses.replace(
    PLAN,
    environments={
        "production": dataclasses.replace(PLAN.environments["production"], after="staging"),
        "staging": STAGING,
    },
)
EVIL = "<script>alert(1)</script>"
HTML = "text/html"


class Source:
    """Of the app of the samples."""

    name, is_checkout = "shop", False

    def __init__(self, plan: Plan = ORDERED) -> None:
        self._plan = plan

    def plan(self) -> Plan:
        return self._plan

    def clone(self) -> Path:
        raise PlanError("there is no clone here")


class Place:
    """A release server on a world in memory."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.ctx = self.world.controller()
        self.observer = Observer(self.ctx, lambda text, file, exists: PLAN, lambda app: Source())
        self.app = application(Site(self.ctx, self.observer))

    def page(self, path: str, **headers: str) -> Answer:
        return ask(self.app, path, **{"accept": HTML, **headers})

    def deployed(self, number: int, **fields: Any) -> None:
        deploy(self.world.controller(), DeployRequest(self.world.release(number, **fields), STAGING))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_an_app_it_says_what_adds_one(place: Place) -> None:
    found = place.page("/")
    assert found.status == 200
    assert "first push" in found.text


def test_the_board_shows_what_runs(place: Place) -> None:
    place.deployed(1)
    place.observer.look("shop")
    home = place.page("/")
    assert (home.status, home.headers["location"]) == (307, "/apps/shop")
    found = place.page("/apps/shop")
    assert found.status == 200
    assert found.text.index('">staging<') < found.text.index('">production<')
    for seen in ("r1", "✓ live", "frontend", "nothing deployed", "to nothing: this is the first release"):
        assert seen in found.text, seen


def test_a_container_that_is_missing_is_seen(place: Place) -> None:
    place.deployed(1)
    for name in [item for item in place.world.runtime.containers if "frontend" in item][:1]:
        place.world.runtime.stop(name, 0)
    place.observer.look("shop")
    assert "✗ not all runs" in place.page("/apps/shop").text


def test_an_engine_that_is_away_is_told_and_the_last_look_stays(place: Place) -> None:
    place.deployed(1)
    place.observer.look("shop")
    before = place.observer.version("shop")

    place.observer._source = lambda app: (_ for _ in ()).throw(PlanError("no plan"))
    place.observer._known.clear()
    place.observer.look("shop")
    found = place.page("/apps/shop").text
    assert "could not be read: no plan" in found
    assert "r1" in found
    assert place.observer.version("shop") == before + 1


def test_the_version_of_a_board_only_changes_with_it(place: Place) -> None:
    place.deployed(1)
    for _ in range(3):
        place.observer.look("shop")
    assert place.observer.version("shop") == 1
    place.deployed(2)
    place.observer.look("shop")
    assert place.observer.version("shop") == 2
    answer = place.page("/apps/shop/changes?version=1")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "event: changed" in answer.text


def test_nothing_of_a_repository_becomes_markup(place: Place) -> None:
    place.world.release = lambda number, **fields: dataclasses.replace(  # type: ignore[method-assign]
        World.release(place.world, number), subject=EVIL
    )
    ledger = place.world.ledger
    place.deployed(1)
    number = ledger.begin_run("shop", "a" * 40, "t", Trigger("push", f"refs/heads/{EVIL}", EVIL), 1.0)
    ledger.begin_step(number, EVIL, "key", 1.0)
    ledger.end_step(number, EVIL, "failed", 2.0, failure=EVIL)
    ledger.enqueue(dataclasses.replace(pushed("a"), actor=EVIL, via=EVIL, ref=f"refs/heads/{EVIL}"))
    [made] = ledger.deployments("shop")
    ledger.add_events(Subject(DEPLOYMENT, "shop", made.id), [Event(1.0, LINE, EVIL, EVIL)])
    place.observer.look("shop")
    for path in (
        "/apps/shop",
        "/apps/shop/runs",
        f"/apps/shop/runs/{number}",
        "/queue",
        "/queue/1",
        f"/apps/shop/deployments/staging/{made.id}",
    ):
        found = place.page(path)
        assert found.status == 200, path
        assert EVIL not in found.text, path
        assert "&lt;script&gt;" in found.text, path


def test_a_log_is_shown_and_goes_on(place: Place) -> None:
    place.deployed(1)
    [made] = place.world.ledger.deployments("shop")
    subject = Subject(DEPLOYMENT, "shop", made.id)
    place.world.ledger.forget_events("shop", 1e12)
    place.world.ledger.add_events(
        subject, [Event(1.0, BEGIN, "migrate", "0002"), Event(2.0, LINE, "migrate", "CREATE TABLE")]
    )
    path = f"/apps/shop/deployments/staging/{made.id}"
    assert "CREATE TABLE" in place.page(path).text
    first = place.world.ledger.events(subject)[0].seq
    place.world.ledger.add_events(subject, [Event(3.0, END, "migrate", outcome="succeeded", seconds=2.0)])
    stream = place.page(f"{path}/events?after={first}").text
    data = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: {")]
    assert [item["text"] for item in data] == ["CREATE TABLE", "✓ succeeded 2.0 s"]
    assert stream.rstrip().endswith("event: ended\ndata: 1")
    again = place.page(f"{path}/events?after=0", last_event_id=str(data[0]["seq"])).text
    assert [line for line in again.splitlines() if line.startswith("id:")] == [f"id: {data[1]['seq']}"]


@pytest.mark.parametrize(
    "path",
    ["/nosuch", "/apps/nosuch", "/apps/shop/runs/99", "/apps/shop/deployments/staging/99", "/apps/shop/deployments/x/1", "/queue/7",
     "/queue/7/events", "/apps/shop/runs/99/events?after=x", "/static/../web.py", "/static/%2e%2e/web.py", f"/queue/{'9' * 18}"],
)  # fmt: skip
def test_what_is_not_there_is_said(place: Place, path: str) -> None:
    place.deployed(1)
    found = place.page(path)
    assert found.status == 404
    assert place.page(path, accept="application/json").status == 404
    assert set(HEADERS) <= {
        name.title() if name != "content-security-policy" else "Content-Security-Policy" for name in found.headers
    }


def test_a_ledger_that_is_away_is_not_healthy(place: Place) -> None:
    assert (place.page("/healthz").status, place.page("/healthz").text) == (200, "ok\n")

    class Away:
        def now(self) -> float:
            raise StoreError("the ledger can't be reached")

    ctx: Any = dataclasses.replace(place.ctx, ledger=Away())  # type: ignore[arg-type]
    found = ask(application(Site(ctx, place.observer)), "/healthz")
    assert found.status == 503
    assert "can't be reached" in found.text


def test_environments_are_in_the_order_of_promotion() -> None:
    def made(name: str, after: str | None = None) -> Environment:
        return dataclasses.replace(STAGING, name=name, after=after)

    given = [made("production", "staging"), made("demo"), made("staging", "test"), made("test")]
    assert [item.name for item in in_order(given)] == ["demo", "test", "staging", "production"]
    circle = [made("a", "b"), made("b", "a")]
    assert {item.name for item in in_order(circle)} == {"a", "b"}


def test_states_are_words_too() -> None:
    for outcome in ("succeeded", "failed", "pending", "", "cancelled", "superseded"):
        assert any(letter.isalpha() for letter in pages.outcome(outcome).text)
    assert pages.outcome(SUCCEEDED).kind == "ok"
