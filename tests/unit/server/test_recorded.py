"""Every request that changes something is in the audit, with who sent it and from where: the routes are found, not listed."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shipway.actions.people.identify import csrf, identify
from shipway.actions.people.manage import add_person
from shipway.actions.people.sign_in import make_link, sign_in, sign_in_by_link
from shipway.actions.people.tokens import create_token
from shipway.actions.runs.webhooks import add_webhook, webhook_states
from shipway.domain.audit import BEGAN, ENDED, REFUSED, REFUSED_SIGN_IN, REQUEST, AuditFilter, verified
from shipway.domain.errors import NotSignedIn, StoreError
from shipway.domain.permissions import ADMIN, VIEWER
from shipway.server.access import COOKIE
from shipway.server.site import Site
from shipway.server.web import application
from shipway.system.acting import acting
from shipway.system.process import Completed
from tests.unit.server.asking import ask, routes
from tests.unit.server.site import CHEAP, HTML, Place, forge, place

__all__ = ["place"]
PARTS = {
    "app": "shop", "environment": "staging", "name": "shop", "service": "git-receive-pack", "number": "1", "number:number": "1",
}  # fmt: skip
# Anybody can send these; nothing of a request that isn't signed is kept.
BY_WHAT_THEY_DO = {"/hooks/{name}": "an accepted one adds a push, see the test of a webhook below"}


def changing(app: Any) -> list[Route]:
    found = [item for item in routes(app) if isinstance(item, Route)]
    return [item for item in found if (item.methods or set()) - {"GET", "HEAD"}]


async def backend(*given: object) -> Response:
    return PlainTextResponse("")


def test_each_route_that_changes_something_is_recorded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.deployed(1)
    place.observer.look("shop")
    done = lambda self, person, words, delegation: Completed(0, "done")  # noqa: E731
    monkeypatch.setattr("shipway.server.commands.Commands.answer", done)
    monkeypatch.setattr("shipway.server.commands.Commands.start", done)
    monkeypatch.setattr("shipway.server.git._backend", backend)
    secret = place.person("ada@example.org", ADMIN)
    token = create_token(place.ctx, None, "ada@example.org", "git", ("run", "webhooks"), 1).secret
    found = changing(place.app)
    assert len(found) > 6
    for route in found:
        if route.path in BY_WHAT_THEY_DO:
            continue
        path = route.path
        for name, value in PARTS.items():
            path = path.replace(f"{{{name}}}", value)
        link = make_link(place.ctx, "ada@example.org")
        before = place.ctx.ledger.audit(AuditFilter(), 1)[0].number
        fields = {
            "csrf": csrf(secret),
            "release": "1",
            "note": "x",
            "name": "ada@example.org",
            "link": link,
        }
        [method] = (route.methods or set()) - {"HEAD", "GET"}
        given = {"authorization": f"Bearer {token}"} if "/git/" in path else {"cookie": f"{COOKIE}={secret}"}
        ask(place.app, path, method, urlencode(fields).encode(), accept=HTML, **given)
        new = [item for item in place.ctx.ledger.audit_chain() if item.number > before]
        assert new, route.path
        assert new[0].origin == "127.0.0.1", route.path
        if route.path == "/sign-out":
            secret = place.person("grace@example.org", ADMIN)
    assert verified(place.ctx.ledger.audit_chain()).problems == ()


def test_an_entry_says_who_and_how_it_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.deployed(1)
    place.observer.look("shop")
    entries: list[int] = []

    def answer(self: object, person: str, words: list[str], delegation: str) -> Completed:
        entries.append(acting().entry)
        return Completed(0, "done")

    monkeypatch.setattr("shipway.server.commands.Commands.answer", answer)
    secret = place.person("ada@example.org", ADMIN)
    session = identify(place.ctx, secret).number
    assert place.send("/apps/shop/environments/staging/approve", secret, release="1").status == 200
    end, begun = place.ctx.ledger.audit(AuditFilter(), 2)
    assert (begun.kind, begun.actor, begun.proof) == (REQUEST, "ada@example.org", f"session {session}, link")
    assert (begun.what, begun.app, begun.environment) == (
        "POST /apps/shop/environments/staging/approve",
        "shop",
        "staging",
    )
    assert (begun.outcome, begun.origin) == (BEGAN, "127.0.0.1")
    assert (end.kind, end.outcome, end.part_of) == (ENDED, "succeeded", begun.number)
    assert entries == [begun.number]  # the command that it starts refers to it


def test_a_refusal_is_recorded_too(place: Place) -> None:
    place.deployed(1)
    place.observer.look("shop")
    viewer = place.person("v@example.org", VIEWER)
    assert place.send("/apps/shop/environments/staging/deploy", viewer, release="1").status == 403
    end, begun = place.ctx.ledger.audit(AuditFilter(), 2)
    assert (begun.actor, end.outcome, end.what) == ("v@example.org", REFUSED, "status 403")


def test_what_is_only_read_writes_nothing(place: Place) -> None:
    place.deployed(1)
    place.observer.look("shop")
    before = list(place.ctx.ledger.audit_chain())
    for path in ("/apps/shop", "/apps/shop/runs", "/queue", "/nosuch"):
        place.page(path)
    assert list(place.ctx.ledger.audit_chain()) == before


def test_a_refused_sign_in_names_only_people_who_exist(place: Place) -> None:
    place.person("ada@example.org", VIEWER)
    for name in ("ada@example.org", "my-secret-password"):
        body = urlencode({"name": name, "password": "a wrong one"}).encode()
        assert ask(place.app, "/sign-in", "POST", body, accept=HTML).status == 403
    unknown, known = place.ctx.ledger.audit(AuditFilter(kind=REFUSED_SIGN_IN), 2)
    assert (known.actor, known.origin, known.outcome) == ("ada@example.org", "127.0.0.1", REFUSED)
    assert unknown.actor == ""
    assert not any("my-secret" in str(item) for item in place.ctx.ledger.audit_chain())


def test_nothing_is_done_that_can_not_be_recorded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.deployed(1)
    place.observer.look("shop")
    secret, commands = place.person("ada@example.org", ADMIN), list[object]()
    monkeypatch.setattr("shipway.server.commands.Commands.answer", lambda *given: commands.append(given))

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(place.ctx.ledger, name)

        def add_entry(self, fact: object) -> int:
            raise StoreError("the disk of the ledger is full")

    ctx: Any = dataclasses.replace(place.ctx, ledger=Full())  # type: ignore[arg-type]
    app = application(Site(ctx, place.observer, CHEAP, forge))
    body = urlencode({"csrf": csrf(secret), "release": "1"}).encode()
    path = "/apps/shop/environments/staging/approve"
    assert ask(app, path, "POST", body, accept=HTML, cookie=f"{COOKIE}={secret}").status == 503
    assert commands == []


def test_guesses_do_not_fill_the_ledger(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.actions.people.tried.RECORDED", 3)
    place.person("ada@example.org", VIEWER)
    for guess in range(8):
        for name in (f"guess-{guess}", "ada@example.org"):
            with pytest.raises(NotSignedIn):
                sign_in(place.ctx, CHEAP, name, "a wrong one", "", f"192.0.2.{guess}")
        place.world.now += 700
    found = place.ctx.ledger.audit(AuditFilter(kind=REFUSED_SIGN_IN), 50)
    assert "further ones are not recorded" in found[0].what + found[1].what
    assert 3 <= len(found) < 16
    before = list(place.ctx.ledger.audit_chain())
    for _ in range(3):  # anybody can send these
        ask(place.app, "/sign-in/link", "POST", urlencode({"link": "swl_" + "x" * 43}).encode(), accept=HTML)
    assert list(place.ctx.ledger.audit_chain()) == before


def test_a_link_that_was_used_is_recorded(place: Place) -> None:
    add_person(place.ctx, None, "ada@example.org")
    link = make_link(place.ctx, "ada@example.org")
    sign_in_by_link(place.ctx, link, "192.0.2.1")
    with pytest.raises(NotSignedIn):
        sign_in_by_link(place.ctx, link, "192.0.2.2")
    [found] = place.ctx.ledger.audit(AuditFilter(kind=REFUSED_SIGN_IN), 50)
    assert (found.actor, found.outcome) == ("ada@example.org", REFUSED)


def test_a_forge_is_told_that_a_request_was_overtaken(place: Place) -> None:
    made = add_webhook(place.ctx, "shop", "github", "https://git.example/acme/shop.git")
    repository = {"id": 1, "full_name": "acme/shop", "clone_url": "https://git.example/acme/shop.git"}
    begin, told = place.ctx.ledger.now(), []
    for action, at in (("closed", begin + 5), ("opened", begin)):
        pull = {
            "number": 7, "state": "open", "updated_at": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "head": {"sha": "a" * 40, "ref": "feature", "repo": repository}, "base": {"ref": "main", "repo": repository},
        }  # fmt: skip
        body = json.dumps({"action": action, "pull_request": pull, "repository": repository}).encode()
        signed = "sha256=" + hmac.new(made.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"x_github_event": "pull_request", "x_hub_signature_256": signed}
        found = ask(place.app, "/hooks/shop", "POST", body, content_type="application/json", **headers)
        assert found.status == 202, found.text
        told.append(json.loads(found.text).get("ignored", ""))
    assert told[0] == ""
    assert "something newer is known" in told[1]


def test_a_webhook_is_recorded_by_the_push_that_it_adds(place: Place) -> None:
    made = add_webhook(place.ctx, "shop", "github", "https://me:hunter2@git.example/acme/shop.git")
    repository = {"id": 1, "full_name": "acme/shop", "clone_url": "https://x/a.git", "ssh_url": "git@x:a.git"}
    sent = {
        "ref": "refs/heads/main", "before": "0" * 40, "after": "a" * 40, "created": False, "deleted": False, "forced": False,
        "repository": repository, "pusher": {"name": "ada"}, "sender": {"login": "ada", "id": 1},
    }  # fmt: skip
    body = json.dumps(sent).encode()
    signed = "sha256=" + hmac.new(made.secret.encode(), body, hashlib.sha256).hexdigest()
    before = len(list(place.ctx.ledger.audit_chain()))
    for signature, status in (("sha256=" + "0" * 64, 403), (signed, 202), (signed, 202)):
        headers = {"x_github_event": "push", "x_github_delivery": "1", "x_hub_signature_256": signature}
        found = ask(place.app, "/hooks/shop", "POST", body, content_type="application/json", **headers)
        assert found.status == status, found.text
    [pushed] = list(place.ctx.ledger.audit_chain())[before:]
    assert (pushed.kind, pushed.proof, pushed.origin) == ("push", "signed by the webhook shop", "127.0.0.1")
    assert not any("hunter2" in str(item) for item in place.ctx.ledger.audit_chain())
    place.person("ada@example.org", ADMIN)
    token = create_token(place.ctx, None, "ada@example.org", "x", ["see"], 1).secret
    for path in ("/api/v1/queue", "/api/v1/queue/1", "/queue"):
        shown = ask(place.app, path, authorization=f"Bearer {token}")
        assert shown.status == 200
        assert "hunter2" not in shown.text
    assert "hunter2" not in str([webhook_states(place.ctx), place.ctx.ledger.operations("*")])
    assert webhook_states(place.ctx)[0].webhook.address == "https://git.example/acme/shop.git"
