"""What who has proven who they are may do by a command."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.people.commanded import Commanded, require_app, require_command
from shipway.actions.people.identify import identify
from shipway.actions.people.manage import add_person, grant
from shipway.actions.people.tokens import create_token
from shipway.context import Context
from shipway.domain.errors import NotAllowed, UsageError
from shipway.domain.people import Identity
from shipway.domain.permissions import ADMIN, DEVELOPER, PERMISSIONS, RELEASER
from shipway.domain.plan import Approvals, Environment
from tests.unit.actions.people.team import ADA
from tests.unit.world import World

OPEN = Environment("staging", "")
PROTECTED = Environment("staging", "", approvals=Approvals(1))


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return World(tmp_path).controller()


def who(ctx: Context, role: str, *permissions: str, environment: str = "*", limit: str = "*") -> Identity:
    add_person(ctx, None, ADA)
    grant(ctx, None, ADA, role, "shop", environment)
    made = create_token(ctx, None, ADA, "test", permissions or tuple(PERMISSIONS), 1, environment=limit)
    return identify(ctx, made.secret)


def allowed(ctx: Context, by: Identity | None, path: str, *plans: Environment, **given: Any) -> bool:
    try:
        require_command(ctx, by, Commanded(path, {"app": "shop", **given}), lambda app, environment: plans)
    except NotAllowed:
        return False
    return True


def test_an_environment_is_protected_by_any_plan_and_if_none_has_it(ctx: Context) -> None:
    ada = who(ctx, DEVELOPER)
    assert allowed(ctx, ada, "deploy", OPEN, environment="staging")
    assert not allowed(ctx, ada, "deploy", OPEN, PROTECTED, environment="staging")
    assert not allowed(ctx, ada, "deploy", environment="staging")
    assert not allowed(ctx, ada, "deploy", OPEN)  # none is named: all


def test_a_token_for_protected_ones_is_none_for_others(ctx: Context) -> None:
    ada = who(ctx, RELEASER, "deploy.protected")
    assert allowed(ctx, ada, "deploy", PROTECTED, environment="staging")
    assert not allowed(ctx, ada, "deploy", OPEN, environment="staging")


def test_options_need_more(ctx: Context) -> None:
    ada = who(ctx, RELEASER)
    for path, options in (
        ("deploy", {"override_freeze": True}), ("history", {"commands": True}), ("infra", {"action": "destroy"}),
        ("backup", {"ledger": True}), ("backups", {"ledger": True}), ("restore", {"ledger": True}),
    ):  # fmt: skip
        assert allowed(ctx, ada, path, OPEN, environment="staging"), path
        assert not allowed(ctx, ada, path, OPEN, environment="staging", **options), path


def test_a_run_is_no_environment(ctx: Context) -> None:
    ada = who(ctx, DEVELOPER, environment="staging")
    assert allowed(ctx, ada, "show", OPEN, target="7")
    assert allowed(ctx, ada, "cancel", OPEN, target="7")
    assert allowed(ctx, ada, "cancel", OPEN, target="staging")
    assert not allowed(ctx, ada, "cancel", OPEN, target="production")
    assert not allowed(ctx, ada, "show", OPEN, target="production")
    assert not allowed(ctx, ada, "show", OPEN, app="other", target="7")
    made = create_token(ctx, None, ADA, "test", ["run"], 1)
    only = identify(ctx, made.secret)
    assert allowed(ctx, only, "cancel", OPEN, target="7")
    assert not allowed(ctx, only, "cancel", OPEN, target=None)
    assert not allowed(ctx, only, "cancel", OPEN, target="staging")


def test_each_environment_of_a_command_counts(ctx: Context) -> None:
    ada = who(ctx, DEVELOPER, environment="staging")
    assert not allowed(ctx, ada, "secret copy", OPEN, source="production", environment="staging")
    assert allowed(ctx, ada, "secret set", OPEN, environment="staging")
    assert not allowed(ctx, ada, "secret set", environment="registry")


def test_what_shows_only_what_may_be_seen_needs_one_environment(ctx: Context) -> None:
    ada = who(ctx, DEVELOPER, environment="staging")
    assert allowed(ctx, ada, "status")
    assert allowed(ctx, ada, "apps")
    assert not allowed(ctx, ada, "status", app="other")
    assert not allowed(ctx, ada, "insights")
    assert allowed(ctx, ada, "insights", environment="staging")


def test_a_command_that_the_table_lacks_is_for_nobody_else(ctx: Context) -> None:
    assert not allowed(ctx, who(ctx, ADMIN), "nonsense", OPEN)
    assert allowed(ctx, None, "nonsense")


def test_a_decision_is_a_proven_person_s(ctx: Context) -> None:
    given = {"environment": "production", "release": "r1"}
    assert allowed(ctx, None, "approve", **given)  # there are no people
    ada = who(ctx, RELEASER, "approve")
    for path in ("approve", "waive"):
        with pytest.raises(NotAllowed, match="is not proven"):
            require_command(ctx, None, Commanded(path, {"app": "shop", **given}), lambda app, environment: ())
    assert allowed(ctx, None, "approve", **given, key="")  # signed
    assert allowed(ctx, None, "deploy", **given)
    assert allowed(ctx, ada, "approve", **given)
    assert not allowed(ctx, ada, "approve", **given, app="other")
    assert not allowed(ctx, ada, "waive", **given)
    assert not allowed(ctx, dataclasses.replace(ada, grants=()), "approve", **given, key="k")


def test_the_app_comes_from_the_folder_where_none_is_named(ctx: Context) -> None:
    ada = who(ctx, DEVELOPER)
    for app, fine in (("shop", True), ("other", False), ("", False)):
        command = Commanded("restart", {"app": None, "environment": "staging"}, lambda app=app: app)  # type: ignore[misc]
        if fine:
            require_command(ctx, ada, command, lambda app, environment: (OPEN,))
            continue
        with pytest.raises(NotAllowed):
            require_command(ctx, ada, command, lambda app, environment: (OPEN,))


def test_at_a_server_the_app_is_named() -> None:
    for path, given in (("deploy", {"app": None}), ("status", {"app": ""}), ("insights", {"app": None, "name": None})):
        with pytest.raises(UsageError, match="name the app"):
            require_app(Commanded(path, given))
    for path, given in (
        ("deploy", {"app": "x"}),
        ("insights", {"app": None, "name": "x"}),
        ("audit show", {"app": None}),
        ("apps", {}),
    ):
        require_app(Commanded(path, given))
