"""The API: each operation answers what the document says, to those who may, and to nobody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shipway.actions.people.manage import add_person, grant, remove_person
from shipway.actions.people.tokens import create_token, revoke_token
from shipway.domain.audit import REQUEST, AuditFilter
from shipway.domain.event import DEPLOYMENT, LINE, RUN, Event, Subject
from shipway.domain.permissions import ADMIN, ALL, PERMISSIONS, PROTECTED, ROLES, VIEWER
from shipway.domain.queue import PUSH
from shipway.domain.release import Approval, Trigger
from shipway.domain.single_test import FAILED, SingleTest
from shipway.server.access import COOKIE
from shipway.server.api.document import document
from shipway.server.api.operation import EVENTS, LARGEST, PREFIX, Operation
from shipway.server.api.table import OPERATIONS
from shipway.system.acting import acting
from shipway.system.process import Completed
from shipway.testing.ledger.queue import pushed
from tests.unit.server.asking import Answer, ask, routes
from tests.unit.server.site import Place

BY_NAME = {item.name: item for item in OPERATIONS}
CHANGESET = '{"title": "t", "changes": [], "rules": []}'


class Api(Place):
    """A server with one of everything: release 1 in staging, with its approval, a run that has ended, and a push."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1)
        ledger, at = self.world.ledger, self.ctx.clock()
        self.run = ledger.begin_run("shop", "a" * 40, "t", Trigger("push", "refs/heads/main", "ada"), at)
        ledger.begin_step(self.run, "test", "key", at)
        ledger.end_step(self.run, "test", "failed", at, failure="exit code 1")
        ledger.add_tests(self.run, "test", 0, [SingleTest("test_price", "", "", FAILED, 0.5, "1 != 2", "a trace")])
        ledger.end_run(self.run, "failed", at)
        self.deployment = ledger.deployments("shop")[0].id
        push = ledger.enqueue(pushed("a"))
        claimed = ledger.claim_push("w", [push.place], 9.0)
        assert claimed is not None
        ledger.end_push(claimed, "succeeded")
        self.push = push.id
        release = ledger.release("shop", 1)
        assert release is not None
        ledger.add_approval(Approval("shop", "staging", 1, release.digest, "grace@example.org", "fine", at))
        for subject in (
            Subject(RUN, "shop", self.run),
            Subject(DEPLOYMENT, "shop", self.deployment),
            Subject(PUSH, "", push.id),
        ):
            ledger.add_events(subject, [Event(at, LINE, "web", "it says hello")])
        self.observer.look("shop")

    def token(self, role: str, *permissions: str, app: str = ALL, environment: str = ALL) -> str:
        """Of a new person with this role."""
        name = f"{role}{len(self.ctx.ledger.people())}@example.org"
        add_person(self.ctx, None, name)
        grant(self.ctx, None, name, role, app, environment)
        return create_token(self.ctx, None, name, "test", permissions or tuple(PERMISSIONS), 1).secret

    def ask(self, operation: Operation, token: str, environment: str = "staging", **body: Any) -> Answer:
        """Ask for it, with what it needs."""
        number = {"releases": 1, "deployments": self.deployment, "queue": self.push}
        part = next((value for name, value in number.items() if f"{name}/{{number}}" in operation.path), self.run)
        path = operation.path.format(app="shop", environment=environment, number=part)
        query = "?release=1" if operation.name == "listApprovals" else ""
        return self.send(operation.method, path + query, token, {**NEEDED.get(operation.name, {}), **body})

    def send(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer:  # type: ignore[override]
        given = {"authorization": f"Bearer {token}", "content_type": "application/json", **headers}
        text = b"" if method == "GET" else body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return ask(self.app, PREFIX + path, method, text, **given)


NEEDED: dict[str, dict[str, Any]] = {
    "deploy": {"release": 1},
    "approve": {"release": 1},
    "reject": {"release": 1, "reason": "prices are wrong"},
    "startRun": {"revision": "main"},
}


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The commands that are started, with who starts them; none is."""
    found: list[tuple[str, list[str]]] = []

    def answer(self: object, person: str, words: list[str], delegation: str) -> Completed:
        found.append((person, list(words)))
        return Completed(0, f"▸ looks\n{CHANGESET}\n" if "--json" in words else "done\n")

    def start(self: object, person: str, words: list[str], delegation: str) -> None:
        found.append((person, list(words)))

    monkeypatch.setattr("shipway.server.commands.Commands.answer", answer)
    monkeypatch.setattr("shipway.server.commands.Commands.start", start)
    return found


def conforms(operation: Operation, answer: Answer) -> None:
    """The answer is one that the document promises."""
    whole = document()
    promised = whole["paths"][PREFIX + operation.path][operation.method.lower()]["responses"]
    assert str(answer.status) in promised, (answer.status, answer.text)
    [(media, found)] = promised[str(answer.status)]["content"].items()
    assert answer.headers["content-type"].partition(";")[0] == media
    if media == "application/json":
        schema = {**found["schema"], "components": whole["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(answer.text))


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


def least(permission: str, environment: str) -> str:
    """The least role that may do it there. production is reached by promotion, and so protected."""
    special = permission + PROTECTED
    return PERMISSIONS[special if environment == "production" and special in PERMISSIONS else permission].role


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_each_operation_needs_its_permission(
    api: Api, commands: list[tuple[str, list[str]]], role: str, environment: str
) -> None:  # fmt: skip
    token = api.token(role)
    for operation in OPERATIONS:
        before = len(commands)
        found = api.ask(operation, token, environment)
        may = ROLES.index(role) >= ROLES.index(
            least(operation.permission, environment if "{environment}" in operation.path else "")
        )
        if not may:
            assert found.status == 403, (operation.name, found.text)
            assert len(commands) == before
        elif environment == "staging":
            assert found.status == operation.status, (operation.name, found.text)
        else:  # nothing is deployed there
            assert found.status in (operation.status, 404), (operation.name, found.text)
        conforms(operation, found)


def test_a_token_gives_no_more_than_it_was_made_for(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    for operation in OPERATIONS:
        without = [item for item in PERMISSIONS if not item.startswith(operation.permission)]
        found = api.ask(operation, api.token(ADMIN, *without))
        if operation.name == "listApps":
            assert json.loads(found.text) == []
        else:  # who may not even see the app doesn't learn that it exists
            hidden = operation.permission == "see" and "{app}" in operation.path
            assert found.status == (404 if hidden else 403), operation.name
    assert commands == []


def test_without_a_token_there_is_no_answer(api: Api, commands: list[tuple[str, list[str]]]) -> None:
    session, gone, revoked = api.person("ada@example.org", ADMIN), api.token(ADMIN), api.token(ADMIN)
    remove_person(api.ctx, None, next(item.person for item in api.ctx.ledger.tokens() if item.id == 1))
    revoke_token(api.ctx, None, 2)
    for operation in OPERATIONS:
        for token in ("", "none", "swt_" + "x" * 43, session, gone, revoked):
            found = api.ask(operation, token)
            assert found.status == 401, operation.name
            assert found.headers["www-authenticate"] == "Bearer"
            assert "shop" not in found.text
            conforms(operation, found)
        path = f"{PREFIX}{operation.path}".format(app="shop", environment="staging", number=1)
        for cookie in (session, gone, api.token(ADMIN)):  # a browser sends it by itself
            found = ask(api.app, path, operation.method, cookie=f"{COOKIE}={cookie}", content_type="application/json")
            assert found.status == 401
    assert commands == []


def test_what_a_grant_does_not_cover_is_not_seen(api: Api) -> None:
    other = api.token(ADMIN, app="other")
    for operation in OPERATIONS:
        found = api.ask(operation, other)
        if "{app}" in operation.path:
            assert found.status == 404
            unknown = api.send(
                operation.method,
                operation.path.format(app="nosuch", environment="staging", number=1),
                other,
                NEEDED.get(operation.name),
            )
            assert unknown.text.replace("nosuch", "shop") == found.text
        else:
            assert (found.status, found.text) == (200, "[]") or found.status == 403
    part = api.token(VIEWER, app="shop", environment="production")
    assert json.loads(api.send("GET", "/apps/shop/deployments", part).text) == []
    assert json.loads(api.send("GET", "/apps/shop/history", part).text) == []
    assert list(json.loads(api.send("GET", "/apps/shop/status", part).text)) == ["production"]
    assert json.loads(api.send("GET", "/apps", part).text)[0]["running"] == {}
    assert api.send("GET", "/apps/shop/environments/staging/deployments", part).status == 403


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


def test_logs_of_jobs_need_the_permission_for_logs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from shipway.actions.schedules.overview import Overview
    from shipway.domain.scheduled_run import ScheduledRun
    from shipway.domain.tasks import Schedule

    run = ScheduledRun(1, "shop", "staging", "job", 1.0, 0, 1, "local", "ada", "", 1.0, log="SECRET output")
    made = Overview(Schedule("job", "* * * * *", "web", "true"), None, None, (run,))
    monkeypatch.setattr("shipway.server.api.reading.overview", lambda *given: [made])
    assert "SECRET" in api.ask(BY_NAME["listSchedules"], api.token(ADMIN)).text
    found = api.ask(BY_NAME["listSchedules"], api.token(ADMIN, "see"))
    assert "SECRET" not in found.text
    conforms(BY_NAME["listSchedules"], found)


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


def test_every_permission_is_in_the_table() -> None:
    assert {item.permission for item in OPERATIONS} <= set(PERMISSIONS)
    assert len(BY_NAME) == len(OPERATIONS)


@pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.changes], ids=lambda item: item.name)
def test_what_changes_something_is_in_the_audit_also_if_it_is_refused(
    api: Api, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: list[int] = []

    def done(self: object, person: str, words: list[str], delegation: str) -> Completed:
        entries.append(acting().entry)
        return Completed(0, CHANGESET)

    for name in ("answer", "start"):
        monkeypatch.setattr(f"shipway.server.commands.Commands.{name}", done)
    for role, outcome in ((ADMIN, "succeeded"), (VIEWER, "refused")):
        status = api.ask(operation, api.token(role)).status
        assert (status < 400) == (outcome == "succeeded")
        end, begun = api.ctx.ledger.audit(AuditFilter(), 2)
        assert (begun.kind, begun.app, begun.origin) == (REQUEST, "shop", "127.0.0.1")
        assert begun.proof.startswith("token ")
        assert (end.outcome, end.part_of) == (outcome, begun.number)
        assert entries == [] if outcome == "refused" else entries.pop() == begun.number
