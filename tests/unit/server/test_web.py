"""The pages: what they show, that nothing of a repository becomes markup, and what a wrong address answers."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.domain import names
from shipway.domain.errors import EdgeError, PlanError, StoreError
from shipway.domain.event import BEGIN, DEPLOYMENT, END, LINE, Event, Subject
from shipway.domain.permissions import ADMIN, DEVELOPER, RELEASER, VIEWER
from shipway.domain.plan import Environment
from shipway.domain.preview import OPEN, Preview
from shipway.domain.release import DEPLOY, FAILED, SUCCEEDED, Deployment, Trigger
from shipway.domain.traffic import Traffic
from shipway.domain.waiting import Hold, Waiting
from shipway.server import pages
from shipway.server.headers import HEADERS
from shipway.server.observer import in_order
from shipway.server.site import Site
from shipway.server.web import application
from shipway.testing.ledger.queue import pushed
from tests.unit.domain.samples import STAGING
from tests.unit.server.asking import ask
from tests.unit.server.site import CHEAP, EVIL, Place, commands, forge, place
from tests.unit.world import World

__all__ = ["commands", "place"]


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
    for seen in ("r1", "✓ live", "frontend", "nothing deployed", "to nothing: no older release was good there"):
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
    found = ask(application(Site(ctx, place.observer, CHEAP, forge)), "/healthz")
    assert found.status == 503
    assert "does not answer" in found.text


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


def test_a_hotfix_is_marked(place: Place) -> None:
    place.deployed(1)
    ctx = place.world.controller()
    release = place.world.release(2)
    deploy(
        ctx, DeployRequest(release, STAGING, reason="v2: x; a hotfix, since nobody can pay", hotfix="nobody can pay")
    )
    place.observer.look("shop")
    text = place.page("/apps/shop", place.person("v@example.org", VIEWER)).text
    assert "validated nowhere before: nobody can pay" in text
    assert text.count('<span class="pill warn">hotfix</span>') == 2, "beside what runs, and in the list"


def test_what_waits_and_a_hold_are_shown(place: Place) -> None:
    place.deployed(1)
    ledger = place.world.ledger
    waits = Waiting("shop", "staging", 1, "a" * 40, "refs/heads/staging", EVIL, "", ("needs 1 approval", EVIL), 0.0)
    ledger.add_waiting(waits)
    ledger.add_hold(Hold("shop", "staging", True, 2, "eve@example.org", EVIL, place.world.now))
    place.observer.look("shop")
    text = place.page("/apps/shop", place.person("r@example.org", RELEASER)).text
    assert "r1 waits" in text
    assert "needs 1 approval" in text
    assert "eve@example.org rolled back r2" in text
    assert EVIL not in text
    for label in ("Approve r1", "End the hold", "Drop the deployment of r1"):
        assert label in text
    shown = place.page("/apps/shop", place.person("v@example.org", VIEWER)).text
    assert "r1 waits" in shown
    for label in ("Approve r1", "End the hold", "Drop the deployment"):
        assert label not in shown


def test_the_answer_of_a_command_is_shown_as_text(place: Place, commands: list[tuple[str, list[str]]]) -> None:
    place.deployed(1)
    place.observer.look("shop")
    admin = place.person("a@example.org", ADMIN)
    found = place.send("/apps/shop/environments/staging/approve", admin, release="1")
    assert "&lt;approve&gt; done" in found.text


def test_the_requests_of_the_last_minute_are_on_the_board(place: Place) -> None:
    place.deployed(1)
    edge, owner = place.world.edge, names.route_owner("shop", "staging")
    place.observer.look("shop")
    assert "Requests" not in place.page("/apps/shop").text  # one look counts nothing
    place.observer.look("shop")
    assert "none in" in place.page("/apps/shop").text
    edge.counted[owner] = {1: Traffic(200, 1, {0.1: 150, 0.5: 200})}
    place.observer.look("shop")
    found = place.page("/apps/shop").text
    assert "a second · 0.50% errors · 95 % within 0.5 s" in found or "95 % within 500 ms" in found, found
    edge.fail("traffic", error=EdgeError("away"))
    place.observer.look("shop")
    assert "a second" not in place.page("/apps/shop").text


def test_the_board_shows_previews_in_a_section_of_their_own(place: Place) -> None:
    place.deployed(1)
    where = dataclasses.replace(STAGING, name="pr-7", url="http://pr-7.shop.example", secrets=())
    place.world.secrets(place.world.ledger).set("shop/pr-7", "KEY", "generated")
    release = place.world.release(2, environment=where)
    deploy(place.world.controller(), DeployRequest(release, where))
    ledger = place.world.ledger
    wish = ledger.want_preview(Preview("shop", 7, "feature", "a" * 40, OPEN, "ada", 0.0))
    ledger.record_preview(
        dataclasses.replace(wish, done="a" * 40, release=release.number, ends=ledger.now() + 7 * 86400, asleep=True)
    )
    ledger.want_preview(Preview("shop", 8, "<b>other</b>", "b" * 40, OPEN, "ada", 0.0))
    place.observer.look("shop")
    text = place.page("/apps/shop").text
    assert 'href="http://pr-7.shop.example"' in text
    assert "asleep" in text
    assert "● creating" in text
    assert "<b>other" not in text
    assert 'id="env-1">staging<' in text
    assert ">pr-7</h2>" not in text


def test_an_open_run_is_no_reader_of_the_board(place: Place) -> None:
    """Else all environments would be looked at every two seconds for it."""
    place.observer.look("shop")
    number = place.world.ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/main", "ada"), 1.0)
    assert place.page(f"/apps/shop/runs/{number}").status == 200
    assert place.observer._read == {}
    place.page("/apps/shop")
    assert list(place.observer._read) == ["shop"]


def test_a_run_offers_to_deploy_its_release_again_where_that_failed(place: Place) -> None:
    ledger = place.world.ledger
    number = ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/staging", "ada"), 1.0)
    made = dataclasses.replace(place.world.release(1), run=number, tree="other", digest="")
    release = ledger.add_release(made)
    button = f"Deploy r{release.number} to staging again"
    place.observer.look("shop")
    page, developer = f"/apps/shop/runs/{number}", place.person("d@example.org", DEVELOPER)
    other = place.person("o@example.org", DEVELOPER, "shop", "production")
    assert button not in place.page(page, developer).text
    record = Deployment(0, "shop", "staging", release.number, DEPLOY, "ada", "", 1.0)
    ledger.end_deployment(ledger.begin_deployment(record), FAILED, 2.0, None, "it did not start")
    assert button in place.page(page, developer).text
    assert button not in place.page(page).text  # a viewer may not
    assert button not in place.page(page, other).text
    ledger.end_deployment(ledger.begin_deployment(record), SUCCEEDED, 3.0, None, "")
    assert button not in place.page(page, developer).text
