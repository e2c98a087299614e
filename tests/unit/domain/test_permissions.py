"""Who may do what: the whole table, for every role and for nobody."""

from __future__ import annotations

import dataclasses

import pytest

from scripts.permissions import DOCS, TABLES, page
from shipway.domain.command_table import COMMANDS, LOCAL, REMOTE
from shipway.domain.permissions import (
    ADMIN,
    ALL,
    APP,
    DEVELOPER,
    ENVIRONMENT,
    PERMISSIONS,
    PROTECTED,
    RELEASER,
    ROLES,
    SERVER,
    VIEWER,
    Grant,
    allowed,
    in_environment,
)
from shipway.domain.plan import Approvals, Environment
from tests.unit.domain.samples import STAGING

# Written down once more: a change of the table is a decision, and has two places.
MAY = {
    VIEWER: {"see", "logs"},
    DEVELOPER: {"run", "deploy", "rollback", "operate", "preview", "exec", "secrets"},
    RELEASER: {
        "deploy.protected", "rollback.protected", "operate.protected", "exec.protected", "secrets.protected", "approve", "waive",
        "restore",
    },
    ADMIN: {"freeze", "rules", "destroy", "people", "tokens", "webhooks", "audit"},
}  # fmt: skip
OF_THE_SERVER = {"people", "tokens", "webhooks", "audit"}
# Grants of a role, by what they reach of shop/staging.
PLACES = {
    "everything": (ALL, ALL), "the app": ("shop", ALL), "the environment": ("shop", "staging"), "its name in all apps": (ALL, "staging"),
    "another environment": ("shop", "production"), "another app": ("blog", ALL), "another app's": ("blog", "staging"),
}  # fmt: skip


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("role", ROLES)
def test_every_permission_is_tried_by_every_role(permission: str, role: str) -> None:
    enough = any(permission in MAY[each] for each in ROLES[: ROLES.index(role) + 1])
    here = {"everything", "the app", "the environment", "its name in all apps"}
    reached = {ENVIRONMENT: here, APP: here | {"another environment"}, SERVER: {"everything"}}
    expected = reached[PERMISSIONS[permission].reach] if enough else set()
    found = {
        name for name, place in PLACES.items() if allowed([Grant("ada", role, *place)], permission, "shop", "staging")
    }
    assert found == expected


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_every_permission_is_tried_by_nobody(permission: str) -> None:
    for app, environment in (("shop", "staging"), ("shop", ALL), (ALL, ALL), ("", "")):
        assert not allowed([], permission, app, environment)
        assert not allowed([Grant("ada", "owner")], permission, app, environment), "a role of a newer version"
        assert not allowed([Grant("ada", "")], permission, app, environment)


def test_the_table_is_whole() -> None:
    assert set().union(*MAY.values()) == set(PERMISSIONS)
    assert all(name == item.name and item.role in ROLES for name, item in PERMISSIONS.items())
    assert {name for name, item in PERMISSIONS.items() if item.reach == SERVER} == OF_THE_SERVER
    protected = {name.removesuffix(PROTECTED) for name in PERMISSIONS if name.endswith(PROTECTED)}
    assert protected <= set(PERMISSIONS)
    for name in protected:
        assert ROLES.index(PERMISSIONS[name].role) < ROLES.index(PERMISSIONS[name + PROTECTED].role)


def test_an_unknown_permission_is_a_mistake_and_not_allowed() -> None:
    with pytest.raises(KeyError):
        allowed([Grant("ada", ADMIN)], "deplyo", "shop", "staging")


@pytest.mark.parametrize("reach", [("shop", ALL), (ALL, "staging"), ("shop", "staging")])
def test_only_a_grant_for_all_gives_all(reach: tuple[str, str]) -> None:
    assert not allowed([Grant("ada", ADMIN, *reach)], "destroy")
    assert allowed([Grant("ada", ADMIN)], "destroy")
    assert allowed([Grant("ada", ADMIN, "shop")], "destroy", "shop", ALL)
    assert not allowed([Grant("ada", ADMIN, "shop", "staging")], "destroy", "shop", ALL)


def test_the_grant_that_allows_more_counts() -> None:
    given = [Grant("ada", VIEWER), Grant("ada", RELEASER, "shop", "staging"), Grant("ada", DEVELOPER, "shop")]
    assert allowed(given, "approve", "shop", "staging")
    assert not allowed(given, "approve", "shop", "production")
    assert allowed(given, "deploy", "shop", "production")
    assert allowed(given, "see", "blog", "production")


@pytest.mark.parametrize(
    ("environment", "protected"),
    [
        (STAGING, False),
        (dataclasses.replace(STAGING, after="test"), True),
        (dataclasses.replace(STAGING, approvals=Approvals(count=1)), True),
    ],
)
def test_a_protected_environment_asks_for_more(environment: Environment, protected: bool) -> None:
    assert in_environment("deploy", environment) == ("deploy.protected" if protected else "deploy")
    assert in_environment("approve", environment) == "approve", "it is the same everywhere"
    assert in_environment("deploy", STAGING, environment) == in_environment("deploy", environment), (
        "of two plans, either"
    )


def test_the_table_in_the_docs_is_up_to_date() -> None:
    for path, makers in TABLES.items():
        tables, text = [make() for make in makers], path.read_text(encoding="utf-8")
        assert text == page(text, tables), "call `make docs`"
        assert all(table in text for table in tables)
    for name in PERMISSIONS:
        assert f"| `{name}` |" in text_of("people.md")
    for row in COMMANDS.values():
        assert (f"`{row.name}`" in text_of("people.md")) or not row.needed({})
        assert (f"`{row.name}`" in text_of("server.md")) or row.remote in (LOCAL, REMOTE)


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")
