"""Who may do what by the API: permissions of people and of their tokens."""

from __future__ import annotations

import json

import pytest

from shipway.actions.people.manage import remove_person
from shipway.actions.people.tokens import revoke_token
from shipway.domain.audit import REQUEST, AuditFilter
from shipway.domain.permissions import ADMIN, PERMISSIONS, PROTECTED, ROLES, VIEWER
from shipway.server.access import COOKIE
from shipway.server.api.operation import PREFIX, Operation
from shipway.server.api.table import OPERATIONS
from shipway.system.acting import acting
from shipway.system.process import Completed
from tests.unit.server.api import BY_NAME, CHANGESET, NEEDED, Api, api, commands, conforms
from tests.unit.server.asking import ask

__all__ = ["api", "commands"]


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
