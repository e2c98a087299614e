"""What people with few rights, and requests from elsewhere, must not reach."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from shipway.actions.people.manage import revoke
from shipway.actions.people.sign_in import make_link
from shipway.actions.people.tokens import create_token
from shipway.domain.errors import StoreError
from shipway.domain.permissions import ADMIN, DEVELOPER, RELEASER, VIEWER
from shipway.domain.plan import Approvals
from shipway.domain.release import Trigger
from shipway.server.observer import Gate
from shipway.server.site import Site
from shipway.server.web import application
from shipway.testing.ledger.queue import pushed
from tests.unit.domain.samples import STAGING
from tests.unit.server.asking import ask
from tests.unit.server.site import CHEAP, HTML, ORDERED, Place, Source, commands, forge

__all__ = ["commands"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    found.deployed(1)
    found.observer.look("shop")
    return found


def token(place: Place, *permissions: str, of: str = "ada@example.com", environment: str = "*") -> dict[str, str]:
    """The header of a token of an admin."""
    made = create_token(place.ctx, None, of, "test", permissions, 1, environment=environment)
    return {"authorization": f"Bearer {made.secret}"}


def test_the_summary_is_silent_about_hidden_environments(place: Place) -> None:
    board = place.observer.board("shop")
    gates = {"production": Gate(7, "SECRET", ("closed",))}
    place.observer._boards["shop"] = dataclasses.replace(board, gates=gates)
    place.observer._boards["other"] = dataclasses.replace(board, app="other")
    part = place.person("part@example.org", VIEWER, "shop", "staging")
    assert "waits for production" in place.page("/apps/shop").text
    assert "production" not in place.page("/apps/shop", part).text
    place.observer.apps = lambda: ["other", "shop"]  # type: ignore[method-assign]
    from shipway.actions.people.manage import grant

    grant(place.ctx, None, "part@example.org", VIEWER, "other", "staging")
    assert "production" not in place.page("/", part).text


def test_logs_need_their_permission(place: Place) -> None:
    place.person("ada@example.com", ADMIN)
    run = place.world.ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/main", "ada"), 1.0)
    place.world.ledger.end_run(run, "succeeded", 2.0)
    push = place.ctx.ledger.enqueue(pushed("a"))
    for path in (
        f"/apps/shop/runs/{run}",
        f"/apps/shop/runs/{run}/events",
        f"/queue/{push.id}",
        f"/queue/{push.id}/events",
    ):
        assert ask(place.app, path, **token(place, "see")).status == 403, path
    assert ask(place.app, f"/apps/shop/runs/{run}", **token(place, "see", "logs")).status == 200


def test_a_token_for_one_environment_sees_its_app(place: Place) -> None:
    place.person("ada@example.com", ADMIN)
    found = ask(place.app, "/apps/shop", **token(place, "see", environment="staging"))
    assert found.status == 200
    assert ">production</h2>" not in found.text


@pytest.mark.parametrize("how", ["signed out", "role lost"])
@pytest.mark.parametrize("what", ["log", "board"])
def test_a_stream_ends_with_the_session_or_the_role(
    place: Place, monkeypatch: pytest.MonkeyPatch, how: str, what: str
) -> None:
    for name in ("LOOK", "POLL"):
        monkeypatch.setattr(f"shipway.server.web.{name}", 0.001)
    secret = place.person("part@example.org", VIEWER, "shop")
    deployment = place.world.ledger.latest("shop", "staging")
    assert deployment is not None
    monkeypatch.setattr("shipway.server.pages.PENDING", deployment.outcome)  # it goes on
    version = place.observer.version("shop")
    path = {
        "log": f"/apps/shop/deployments/staging/{deployment.id}/events",
        "board": f"/apps/shop/changes?version={version}",
    }[what]

    heard: list[bytes] = []

    def end(part: bytes) -> None:
        heard.append(part)
        if len(heard) > 1:
            return  # it has ended before
        if how == "signed out":
            place.send("/sign-out", secret)
        else:
            revoke(place.ctx, None, "part@example.org", "shop")

    found = ask(place.app, path, heard=end, cookie=f"shipway={secret}")
    assert found.status == 200
    assert "event: " not in found.text  # neither ended nor changed: cut off
    assert ask(place.app, path, cookie=f"shipway={secret}").status in (401, 404)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/sign-out", "/apps/shop/environments/staging/deploy"])
def test_the_page_of_another_site_sends_no_form(place: Place, commands: list[tuple[str, list[str]]], path: str) -> None:
    place.person("ada@example.com", ADMIN)
    link = make_link(place.ctx, "ada@example.com")
    body = urlencode({"link": link}).encode()
    for where in ("cross-site", "same-site"):
        found = ask(place.app, path, "POST", body, accept=HTML, sec_fetch_site=where)
        assert found.status == 403
        assert "set-cookie" not in found.headers
    assert ask(place.app, "/sign-in/link", "POST", body, accept=HTML, sec_fetch_site="same-origin").status == 303


def test_odd_requests_are_answered(place: Place, commands: list[tuple[str, list[str]]]) -> None:
    admin = place.person("ada@example.com", ADMIN)
    assert place.page(f"/apps/shop/runs/{'9' * 25}").status == 404
    assert place.page(f"/queue/{'9' * 5000}").status == 404
    many = "&".join(f"f{number}=1" for number in range(200)).encode()
    assert ask(place.app, "/sign-in", "POST", many, accept=HTML).status == 403
    found = place.send("/apps/shop/environments/staging/approve", admin, release="1", note="a\0b\x1b[2J")
    assert found.status == 200
    assert commands[-1][1][3] == "--reason=ab"


def test_a_form_that_does_not_come_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.server.access.PATIENCE", 0.01)
    found = ask(place.app, "/sign-in", "POST", _slow(), accept=HTML)
    assert found.status == 403
    assert "did not come" in found.text


def _slow() -> list[bytes]:
    return [b"x"] * 2000  # a millisecond each


def test_while_the_ledger_is_away_pages_say_so(place: Place) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            raise StoreError("the ledger postgresql://db.internal can't be reached")

    ctx: Any = dataclasses.replace(place.ctx, ledger=Away())  # type: ignore[arg-type]
    app = application(Site(ctx, place.observer, CHEAP, forge))
    found = ask(app, "/", accept=HTML, cookie=f"shipway={place.sees}")
    assert found.status == 503
    assert "does not answer" in found.text
    assert "internal" not in found.text
    assert "content-security-policy" in found.headers
    assert "internal" not in ask(app, "/healthz").text


def test_commands_of_one_person_leave_room_for_others(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from shipway.system.process import Completed

    began, go = threading.Semaphore(0), threading.Event()

    def answer(self: object, person: str, words: list[str], delegation: str) -> Completed:
        began.release()
        go.wait(30)
        return Completed(0, "")

    monkeypatch.setattr("shipway.server.commands.Commands.answer", answer)
    secret = place.person("ada@example.com", RELEASER)
    path = "/apps/shop/environments/staging/rollback"
    readers = [threading.Thread(target=place.page, args=(path, secret)) for _ in range(3)]
    for reader in readers:
        reader.start()
        began.acquire()
    found = place.page(path, secret)
    go.set()
    for reader in readers:
        reader.join()
    assert found.status == 403
    assert "have not answered yet" in found.text
    assert place.page(path, secret).status == 200


def test_an_environment_that_is_protected_by_either_plan_needs_the_releaser(
    place: Place, commands: list[tuple[str, list[str]]]
) -> None:
    """The release that runs there was made before the protected branch asked for approvals."""
    written = {**ORDERED.environments, "staging": dataclasses.replace(STAGING, approvals=Approvals(count=1))}
    place.observer._source = lambda app: Source(dataclasses.replace(ORDERED, environments=written))  # type: ignore[assignment,return-value]
    place.observer._known.clear()
    place.observer.look("shop")
    path = "/apps/shop/environments/staging/rollback"
    assert place.send(path, place.person("dev@example.com", DEVELOPER), note="x").status == 403
    assert place.send(path, place.person("rel@example.com", RELEASER), note="x").status == 303
    assert len(commands) == 1


def test_whatever_the_plan_of_an_app_breaks_the_others_are_seen(place: Place) -> None:
    def source(app: str) -> Any:
        raise RecursionError("too deep")

    place.observer._source = source
    place.observer._known.clear()
    place.observer.look("shop")
    assert "RecursionError" in place.page("/apps/shop").text


def test_names_that_are_no_app_are_not_kept(place: Place) -> None:
    before = len(place.observer._read)
    for number in range(50):
        place.send(f"/apps/a{number}/environments/x/deploy", place.sees, release="1")
    assert len(place.observer._read) == before


def test_bodies_of_webhooks_are_bounded_together(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.server.hooks.MOST", 1000, raising=False)
    assert ask(place.app, "/hooks/shop", "POST", [b"x" * 400] * 3).status == 503
    for _ in range(5):  # what was refused is not held
        assert ask(place.app, "/hooks/shop", "POST", [b"x" * 400] * 2).status == 403


def test_a_ledger_that_is_away_is_no_secret_of_a_webhook(place: Place) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            raise StoreError("the ledger postgresql://db.internal can't be reached")

    ctx: Any = dataclasses.replace(place.ctx, ledger=Away())  # type: ignore[arg-type]
    found = ask(application(Site(ctx, place.observer, CHEAP, forge)), "/hooks/shop", "POST", b"{}")
    assert found.status == 503
    assert "internal" not in found.text
