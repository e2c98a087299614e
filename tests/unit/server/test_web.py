"""The pages: what they show, that nothing of a repository becomes markup, and what a wrong address answers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.people.identify import csrf
from shipway.actions.people.manage import add_person, grant
from shipway.actions.people.password import set_password
from shipway.actions.people.sign_in import make_link, sign_in_by_link
from shipway.domain import names
from shipway.domain.errors import EdgeError, PlanError, StoreError
from shipway.domain.event import BEGIN, DEPLOYMENT, END, LINE, Event, Subject
from shipway.domain.permissions import ADMIN, ALL, DEVELOPER, RELEASER, ROLES, VIEWER
from shipway.domain.plan import Environment, Plan
from shipway.domain.preview import OPEN, Preview
from shipway.domain.release import DEPLOY, FAILED, SUCCEEDED, Deployment, Trigger
from shipway.domain.traffic import Traffic
from shipway.domain.waiting import Hold, Waiting
from shipway.drivers import driver
from shipway.ports.forge import Forge, ForgeAccess
from shipway.server import pages
from shipway.server.access import COOKIE
from shipway.server.headers import HEADERS
from shipway.server.observer import Observer, in_order
from shipway.server.site import Site
from shipway.server.web import application
from shipway.system.passwords import Passwords
from shipway.system.process import Completed
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
CHEAP = Passwords(time_cost=1, memory_cost=8, parallelism=1)


def forge(kind: str) -> Forge:
    found: Forge = driver("forge", kind)(ForgeAccess())
    return found


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

    def __init__(self, folder: Path, *releases: int) -> None:
        self.world = World.deployed(folder, STAGING, *releases)
        self.ctx = self.world.controller()
        self.observer = Observer(self.ctx, lambda text, file, exists: PLAN, lambda app: Source())
        self.app = application(Site(self.ctx, self.observer, CHEAP, forge))
        self.sees = self.person("viewer@example.com", VIEWER)

    def person(self, name: str, role: str, app: str = ALL, environment: str = ALL) -> str:
        """Who has this role. Returns the secret of a session."""
        add_person(self.ctx, None, name)
        grant(self.ctx, None, name, role, app, environment)
        return sign_in_by_link(self.ctx, make_link(self.ctx, name), "127.0.0.1").secret

    def page(self, path: str, secret: str = "", **headers: str) -> Answer:
        return ask(self.app, path, **{"accept": HTML, "cookie": f"{COOKIE}={secret or self.sees}", **headers})

    def send(self, path: str, secret: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        """A form of the session."""
        body = urlencode({"csrf": csrf(secret), **fields}).encode()
        given = {"accept": HTML, "cookie": f"{COOKIE}={secret}", "content_type": "application/x-www-form-urlencoded"}
        return ask(self.app, path, "POST", body, **{**given, **(headers or {})})

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


# What each route asks for: by the least role. staging is not protected, production is reached by promotion.
ROUTES = {
    ("POST", "/apps/shop/environments/staging/approve"): RELEASER, ("POST", "/apps/shop/environments/production/approve"): RELEASER,
    ("POST", "/apps/shop/environments/staging/reject"): RELEASER, ("POST", "/apps/shop/environments/production/reject"): RELEASER,
    ("POST", "/apps/shop/environments/staging/deploy"): DEVELOPER, ("POST", "/apps/shop/environments/production/deploy"): RELEASER,
    ("GET", "/apps/shop/environments/staging/rollback"): DEVELOPER, ("GET", "/apps/shop/environments/production/rollback"): RELEASER,
    ("POST", "/apps/shop/environments/staging/rollback"): DEVELOPER, ("POST", "/apps/shop/environments/production/rollback"): RELEASER,
    ("POST", "/apps/shop/environments/staging/resume"): DEVELOPER, ("POST", "/apps/shop/environments/production/resume"): RELEASER,
    ("POST", "/apps/shop/environments/staging/cancel"): DEVELOPER, ("POST", "/apps/shop/environments/production/cancel"): RELEASER,
    ("POST", "/apps/shop/runs/check"): DEVELOPER,
    ("GET", "/apps/shop/environments/staging/deploy?release=1"): DEVELOPER, ("GET", "/apps/shop/environments/production/deploy?release=1"): RELEASER,
    ("GET", "/apps/shop/environments/staging/logs"): VIEWER, ("GET", "/apps/shop/environments/production/logs"): VIEWER,
    ("GET", "/apps/shop/releases"): VIEWER, ("GET", "/apps/shop/releases/1"): VIEWER, ("GET", "/apps/shop/releases/1?to=production"): VIEWER,
    ("GET", "/apps/shop"): VIEWER, ("GET", "/apps/shop/runs"): VIEWER, ("GET", "/queue"): VIEWER,
    ("GET", "/apps/shop/insights"): VIEWER, ("GET", "/apps/shop/database"): VIEWER, ("GET", "/apps/shop/jobs"): VIEWER, ("GET", "/apps/shop/secrets"): DEVELOPER,
    ("GET", "/apps/shop/releases/1/packages"): VIEWER,
    ("GET", "/audit"): ADMIN, ("GET", "/audit.csv"): ADMIN, ("GET", "/audit.json"): ADMIN,
}  # fmt: skip


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The commands that are started, with who starts them; none is."""
    found: list[tuple[str, list[str]]] = []

    def answer(self: object, person: str, words: list[str], delegation: str) -> Completed:
        assert delegation
        found.append((person, list(words)))
        return Completed(0, f"<{words[0]}> done")

    monkeypatch.setattr("shipway.server.commands.Commands.answer", answer)
    monkeypatch.setattr("shipway.server.commands.Commands.start", answer)
    return found


@pytest.mark.parametrize("role", ROLES)
def test_each_route_needs_its_role(place: Place, commands: list[tuple[str, list[str]]], role: str) -> None:
    place.deployed(1)
    place.observer.look("shop")
    secret = place.person(f"{role}@example.org", role)
    for (method, path), least in ROUTES.items():
        before = len(commands)
        found = (
            place.send(path, secret, release="1", note="fine", pull="7", commit="a" * 40)
            if method == "POST"
            else place.page(path, secret)
        )
        may = ROLES.index(role) >= ROLES.index(least)
        assert (found.status in (200, 303)) == may, (path, found.text)
        if not may:
            assert found.status == 403
            assert len(commands) == before
    assert all(person == f"{role}@example.org" for person, _ in commands)


def test_nobody_gets_past_the_sign_in(place: Place, commands: list[tuple[str, list[str]]]) -> None:
    place.deployed(1)
    place.observer.look("shop")
    for secret in ("none", "sws_" + "x" * 43, ""):
        for method, path in [
            *ROUTES,
            ("GET", "/"),
            ("GET", "/nosuch"),
            ("GET", "/queue/1/events"),
            ("GET", "/sign-in-not"),
        ]:
            given = {"cookie": f"{COOKIE}={secret}"} if secret else {}
            found = ask(place.app, path, method, **given)
            assert found.status == 401, path
            assert "shop" not in found.text
            browser = ask(place.app, path, method, accept=HTML, **given)
            assert browser.status == 303
            assert browser.headers["location"].startswith("/sign-in?next=/")
    assert commands == []


def test_what_a_grant_does_not_cover_is_not_seen(place: Place) -> None:
    place.deployed(1)
    place.observer.look("shop")
    other = place.person("other@example.org", ADMIN, "other")
    assert place.page("/apps/shop", other).status == 404
    assert place.page("/apps/nosuch", other).text.replace("nosuch", "shop") == place.page("/apps/shop", other).text
    assert place.page("/apps/shop/runs/1", other).status == 404
    assert place.page("/queue", other).status == 403
    part = place.person("part@example.org", VIEWER, "shop", "staging")
    assert ">production</h2>" not in place.page("/apps/shop", part).text
    assert ">staging</h2>" in place.page("/apps/shop", part).text


def test_a_form_of_another_page_does_nothing(place: Place, commands: list[tuple[str, list[str]]]) -> None:
    place.deployed(1)
    place.observer.look("shop")
    admin, victim = place.person("a@example.org", ADMIN), place.person("b@example.org", ADMIN)
    for given in ("", "x", csrf(admin)):
        assert place.send("/apps/shop/environments/staging/deploy", victim, release="1", csrf=given).status == 403
        assert place.send("/sign-out", victim, csrf=given).status == 403
        for order in ("approve", "reject", "rollback", "resume", "cancel"):
            assert place.send(f"/apps/shop/environments/staging/{order}", victim, release="1", csrf=given).status == 403
    assert commands == []
    assert place.page("/apps/shop", victim).status == 200


def test_a_pull_request_from_outside_is_checked_by_a_member_alone(
    place: Place, commands: list[tuple[str, list[str]]]
) -> None:
    place.deployed(1)
    place.observer.look("shop")
    member, viewer = place.person("d@example.org", DEVELOPER), place.person("v@example.org", VIEWER)
    link = f"/apps/shop/runs?pull=7&commit={'a' * 40}"
    assert f'value="{"a" * 40}"' in place.page(link, member).text
    assert 'name="commit"' not in place.page(link, viewer).text
    assert EVIL not in place.page(f"/apps/shop/runs?pull={EVIL}&commit={EVIL}", member).text
    found = place.send("/apps/shop/runs/check", member, pull="7", commit="a" * 40)
    assert (found.status, found.headers["location"]) == (303, "/apps/shop/runs")
    assert commands == [("d@example.org", ["run", "a" * 40, "--pull-request", "7", "--app", "shop"])]
    for pull, commit in (
        ("", "a" * 40),
        ("--help", "a" * 40),
        ("7", "main"),
        ("7", "a" * 12),
        ("7", "--no-cache"),
        ("0", "a" * 40),
    ):
        assert place.send("/apps/shop/runs/check", member, pull=pull, commit=commit).status == 404
    assert place.send("/apps/shop/runs/check", member, pull="7", commit="a" * 40, csrf="x").status == 403
    other = place.person("other@example.org", ADMIN, "other")
    assert place.send("/apps/shop/runs/check", other, pull="7", commit="a" * 40).status == 404
    assert len(commands) == 1


@pytest.mark.parametrize("release", ["", "-1", "r1", "1 --force", "--force", "9" * 40, "١"])
def test_a_field_never_becomes_an_option(place: Place, commands: list[tuple[str, list[str]]], release: str) -> None:
    place.deployed(1)
    place.observer.look("shop")
    admin = place.person("a@example.org", ADMIN)
    assert place.send("/apps/shop/environments/staging/deploy", admin, release=release).status == 404
    assert commands == []
    place.send("/apps/shop/environments/staging/approve", admin, release="1", note="--sign\n--reason=x")
    assert commands == [("a@example.org", ["approve", "staging", "r1", "--reason=--sign\n--reason=x", "--app", "shop"])]


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


@pytest.mark.parametrize("role", ROLES)
def test_a_freeze_is_overridden_by_who_may(place: Place, commands: list[tuple[str, list[str]]], role: str) -> None:
    place.deployed(1)
    place.observer.look("shop")
    secret = place.person(f"{role}@example.org", role)
    path = "/apps/shop/environments/production/deploy"
    found = place.send(path, secret, release="1", freeze="override", note="customers wait")
    assert (found.status == 303 and bool(commands)) == (role == ADMIN), found.text
    words = ["deploy", "production", "r1", "--override-freeze", "--reason=customers wait", "--app", "shop"]
    assert commands == ([(f"{role}@example.org", words)] if role == ADMIN else [])


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


def test_who_signs_in_goes_on_where_they_were(place: Place) -> None:
    add_person(place.ctx, None, "ada@example.org")
    set_password(place.ctx, CHEAP, None, "ada@example.org", "a long enough password")
    form = {"accept": HTML, "content_type": "application/x-www-form-urlencoded"}

    def signed_in(password: str, where: str) -> Answer:
        body = urlencode({"name": "ada@example.org", "password": password, "next": where}).encode()
        return ask(place.app, "/sign-in", "POST", body, **form)

    wrong = signed_in("another password", "/apps/shop")
    assert wrong.status == 403
    assert "is wrong" in wrong.text
    assert "set-cookie" not in wrong.headers
    found = signed_in("a long enough password", "/apps/shop")
    assert (found.status, found.headers["location"]) == (303, "/apps/shop")
    assert "httponly" in found.headers["set-cookie"].lower()
    assert "samesite=lax" in found.headers["set-cookie"].lower()
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert signed_in("a long enough password", elsewhere).headers["location"] == "/"
    secret = found.headers["set-cookie"].partition(f"{COOKIE}=")[2].partition(";")[0]
    assert place.send("/sign-out", secret).status == 303
    assert place.page("/", secret).status == 303


def test_a_link_signs_in_once_and_looking_at_it_uses_nothing(place: Place) -> None:
    add_person(place.ctx, None, "ada@example.org")
    link = make_link(place.ctx, "ada@example.org")
    form = {"accept": HTML, "content_type": "application/x-www-form-urlencoded"}
    assert link in ask(place.app, f"/sign-in?link={link}", accept=HTML).text
    body = urlencode({"link": link}).encode()
    assert ask(place.app, "/sign-in/link", "POST", body, **form).status == 303
    assert ask(place.app, "/sign-in/link", "POST", body, **form).status == 403


def test_a_form_of_any_size_is_refused_and_not_kept(place: Place) -> None:
    found = ask(
        place.app,
        "/sign-in",
        "POST",
        b"name=" + b"x" * (1 << 20),
        accept=HTML,
        content_type="application/x-www-form-urlencoded",
    )
    assert found.status == 403
    assert "bytes" in found.text


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
