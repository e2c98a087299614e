"""The API: each operation answers what the document says, also where it refuses."""

from __future__ import annotations

import json

import jsonschema
import pytest

from shipway.domain.permissions import ADMIN
from shipway.domain.release import Trigger
from shipway.server.api.document import document
from shipway.server.api.operation import EVENTS, LARGEST, PREFIX
from shipway.server.api.table import OPERATIONS
from shipway.system.process import Completed
from tests.unit.server.api import BY_NAME, CHANGESET, Api, api, commands, conforms
from tests.unit.server.asking import ask, routes

__all__ = ["api", "commands"]


def test_each_answer_is_as_documented(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    admin = api.token(ADMIN)
    for operation in OPERATIONS:
        before = len(commands)
        found = api.ask(operation, admin)
        assert found.status == operation.status, found.text
        conforms(operation, found)
        assert len(commands) == before + operation.changes
        if operation.media != EVENTS:
            continue
        data = [json.loads(line[6:]) for line in found.text.splitlines() if line.startswith('data: {"')]
        assert data[-1]["text"] == "it says hello"
        assert found.text.endswith("event: ended\ndata: {}\n\n")
        schema = {"$ref": "#/components/schemas/Event", "components": document()["components"]}
        for item in data:
            jsonschema.Draft202012Validator(schema).validate(item)


def test_what_is_started_can_be_followed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = api.token(ADMIN)
    [person] = {item.person for item in api.ctx.ledger.tokens()}

    def start(self: object, who: str, words: list[str], delegation: str) -> None:
        if words[0] == "run":
            assert words == ["run", "--app", "shop", "--", "main"]
            trigger = Trigger("manual", "refs/heads/main", who)
            api.world.ledger.begin_run("shop", "b" * 40, "t", trigger, api.ctx.clock())
        else:
            assert words == ["deploy", "staging", "r1", "--app", "shop"]
            api.deployed(1)

    monkeypatch.setattr("shipway.server.commands.Commands.start", start)
    found = json.loads(api.ask(BY_NAME["startRun"], token).text)
    assert found["what"] == "run"
    run = json.loads(ask(api.app, found["follow"], authorization=f"Bearer {token}").text)
    assert (run["number"], run["trigger"]["actor"]) == (found["number"], person)
    found = json.loads(api.ask(BY_NAME["deploy"], token).text)
    assert found["number"] is None  # it is not known whose it is
    [made] = json.loads(ask(api.app, found["follow"], authorization=f"Bearer {token}").text)
    assert made["id"] > api.deployment


def test_a_dry_run_answers_what_would_change(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    token = api.token(ADMIN)
    for name, more in (("deploy", {}), ("rollBack", {"to": 3})):
        found = api.ask(BY_NAME[name], token, dry_run=True, **more)
        assert found.status == 200
        conforms(BY_NAME[name], found)
        assert json.loads(found.text) == json.loads(CHANGESET)
    assert ["--dry-run", "--json"] == commands[0][1][-2:] == commands[1][1][-2:]
    assert commands[1][1][-4:-2] == ["--to", "r3"]


def test_a_deployment_that_waits_is_rejected(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    [approval] = json.loads(api.ask(BY_NAME["reject"], api.token(ADMIN)).text)
    assert approval["actor"] == "grace@example.org"  # what was approved stays recorded
    words = ["reject", "staging", "r1", "--reason=prices are wrong", "--app", "shop"]
    assert [given for _, given in commands] == [words]


REFUSED = {
    11: (409, "GateRefused"), 14: (409, "LeaseHeld"), 20: (503, "EngineError"), 124: (504, "TimedOut"), 1: (500, "ShipwayError"),
    41: (403, "NotAllowed"),
}  # fmt: skip


def test_what_a_command_refuses_is_said_as_it_says_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = api.token(ADMIN)
    for code, (status, name) in REFUSED.items():
        said = Completed(code, "error: it waits for an approval\nhint: shipway approve\n")
        monkeypatch.setattr("shipway.server.commands.Commands.start", lambda *given, said=said: said)
        found = api.ask(BY_NAME["deploy"], token)
        assert found.status == status
        conforms(BY_NAME["deploy"], found)
        data = json.loads(found.text)
        assert (data["name"], data["hint"]) == (name, "shipway approve")
        assert "it waits for an approval" in data["message"]


BAD = {
    b"": 400, b"[]": 400, b"nonsense": 400, b"\xff": 400, b"[" * 50_000: 400, b'{"release": ' + b"9" * 5000 + b"}": 400,
    b'{"release": NaN}': 400, b'{"release": 1.5}': 400, b'{"release": true}': 400, b'{"release": 0}': 400,
    b'{"release": "1"}': 400, b'{"release": 1, "more": 1}': 400, b'{"release": 1, "dry_run": 1}': 400,
    b'{"release": 99}': 404, b" " * (LARGEST + 1): 413,
}  # fmt: skip


def test_a_bad_body_is_refused(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    token = api.token(ADMIN)
    for body, status in BAD.items():
        found = api.send("POST", "/apps/shop/environments/staging/deployments", token, body)
        assert found.status == status, (body[:40], found.text)
        conforms(BY_NAME["deploy"], found)
    assert commands == []


def test_a_reason_never_becomes_an_option(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    token = api.token(ADMIN)
    for reason in ("--force", "a\nb", "x" * 2000, "🚢"):
        api.ask(BY_NAME["rollBack"], token, reason=reason)
        assert commands.pop()[1] == ["rollback", "staging", f"--reason={reason}", "--app", "shop"]
    for reason in ("\x1b[31m", "x" * 2001, "\ud800", "\0"):
        assert api.ask(BY_NAME["rollBack"], token, reason=reason).status == 400
    assert commands == []


def test_a_revision_is_one(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    token = api.token(ADMIN)
    for revision in ("", "-x", "--retry", "a b", "a\n", "a\0", "\ud800", "x" * 201, "$(id)", "a;b", 1, None):
        assert api.ask(BY_NAME["startRun"], token, revision=revision).status == 400, revision
    assert commands == []


def test_only_json_is_taken(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        found = api.send("POST", "/apps/shop/runs", api.token(ADMIN), {"revision": "main"}, content_type=kind)
        assert found.status == 415
    assert commands == []


def test_wrong_addresses_and_queries_are_said(api: Api) -> None:
    token = api.token(ADMIN)
    for path, status in {
        "/nosuch": 404, "/apps/": 404, "/apps/a\nb/status": 404, "/apps/SHOP/status": 404, "/apps/shop/runs/x": 404, f"/apps/shop/runs/{'9' * 40}": 404,
        "/apps/shop/runs/99": 404, "/apps/shop/runs/99/events": 404, "/apps/shop/environments/x/deployments": 404,
        "/apps/shop/environments/production/schedules": 404, "/apps/shop/runs?limit=0": 400, "/apps/shop/runs?limit=x": 400,
        "/apps/shop/runs?limit=501": 400, "/apps/shop/runs?after=-1": 400, "/queue?open=1": 400, "/queue?opne=true": 400, "/queue/0": 404,
        "/apps/shop/environments/staging/approvals": 400,
    }.items():  # fmt: skip
        found = api.send("GET", path, token)
        assert found.status == status, (path, found.text)
        assert set(json.loads(found.text)) == {"name", "message", "hint"}
    found = api.send("PUT", "/apps", token)
    assert (found.status, set(found.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


def test_an_app_that_was_not_read_yet_is_asked_for_again(api: Api) -> None:
    api.observer._boards.clear()
    for name in ("getStatus", "getBoard", "deploy", "rollBack", "approve"):
        found = api.ask(BY_NAME[name], api.token(ADMIN))
        assert (found.status, found.headers["retry-after"]) == (503, "2")
        conforms(BY_NAME[name], found)


def test_a_person_starts_only_a_few_commands_at_once(api: Api) -> None:
    token = api.token(ADMIN)
    [person] = {item.person for item in api.ctx.ledger.tokens()}
    [inner] = [route.app for route in routes(api.app) if getattr(route, "path", "") == PREFIX]
    orders = inner.routes[0].endpoint.args[0]._orders
    orders._waiting[person] = 3
    found = api.ask(BY_NAME["deploy"], token)
    assert (found.status, found.headers["retry-after"]) == (429, "1")
    conforms(BY_NAME["deploy"], found)


def test_the_document_has_each_operation_and_the_page_shows_it(api: Api) -> None:
    from openapi_spec_validator import validate

    validate(document())
    served = ask(api.app, "/api/openapi.json")
    assert json.loads(served.text) == json.loads(json.dumps(document()))
    made = {item["operationId"] for path in document()["paths"].values() for item in path.values()}
    assert made == set(BY_NAME)
    page = ask(api.app, "/api", accept="text/html").text
    for operation in OPERATIONS:
        assert f"{operation.method} {PREFIX}{operation.path}" in page
    assert '<script src="/static/' in page
    assert page.count("<script") == 1
