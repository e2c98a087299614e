"""Commands that a command line elsewhere asks for: who may start which."""

from __future__ import annotations

import base64
import json
from typing import Any

import click
import pytest

from shipway import __version__
from shipway.cli import cli
from shipway.cli.typed import typed
from shipway.domain.audit import COMMAND, REFUSED, AuditFilter
from shipway.domain.command_table import COMMANDS, LOCAL, REMOTE
from shipway.domain.permissions import ADMIN, PERMISSIONS, PROTECTED, ROLES
from tests.unit.cli.test_which_plan import commands as all_commands
from tests.unit.server.commands_api import ID, Served, served

__all__ = ["served"]
VALUES = {
    "name": "KEY",
    "number": "1",
    "snapshot": "1",
    "target": "staging",
    "first": "r1",
    "second": "r1",
    "old": "shop",
    "old env": "staging",
}


def words_of(name: str, environment: str) -> list[str]:
    """A command as it could be typed."""
    ctx, found = click.Context(cli), cli
    for word in name.split():
        inner = found.get_command(ctx, word)  # type: ignore[attr-defined]
        assert inner is not None
        found = inner
    words = name.split()
    for parameter in found.params:
        if parameter.param_type_name != "argument" or not parameter.required:
            continue
        given = VALUES.get(str(parameter.name), "x")
        if parameter.name in ("environment", "target", "environments"):
            given = environment
        if name == "rename environment" and parameter.name == "old":
            given = environment
        if isinstance(parameter.type, click.Choice):
            given = str(parameter.type.choices[0])
        words.append(given)
    if any("--plan" in parameter.opts for parameter in found.params):
        words += ["--app", "shop"]
    if any("--env" in parameter.opts for parameter in found.params):
        words += ["--env", environment]
    return words


def test_each_command_has_a_row() -> None:
    """A new command needs a decision: what it needs of whom, and where it runs."""
    assert set(COMMANDS) == set(all_commands())
    for row in COMMANDS.values():
        needed = [*row.permissions, *(name for names in row.options.values() for name in names)]
        assert set(needed) <= set(PERMISSIONS), row.name
        assert row.needed({}) or row.remote != REMOTE, f"{row.name} runs for anybody"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_row_names_parameters_that_there_are(name: str) -> None:
    ctx, found = click.Context(cli), cli
    for word in name.split():
        found = found.get_command(ctx, word)  # type: ignore[attr-defined, assignment]
    row, known = COMMANDS[name], {str(item.name) for item in found.params}
    named = (
        {key.partition("=")[0].lstrip("-") for key in row.options}
        | set(row.here)
        | {key.lstrip("-") for key in row.stdin}
    )
    named |= set(row.environments) - {"environment"} | set(row.apps) - {"app"}
    assert named <= known
    if row.remote != REMOTE:
        return
    files = {
        str(item.name)
        for item in found.params
        if isinstance(item.type, click.Path | click.File) or item.metavar in ("FILE", "PATH")
    }
    assert files - {"plan"} <= set(row.here), "a file of the server is not for who asks"
    for key in ("environment", "env"):
        assert key not in known or key in row.environments or not set(row.needed({})) - {"run", "webhooks", "audit"}


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_each_command_needs_its_permissions(served: Served, role: str, environment: str) -> None:
    """Of the table: tried by each role, and by nobody."""
    token = "swt_" + "x" * 43 if role == "nobody" else served.token(role)
    refused = 0
    for number, row in enumerate(COMMANDS.values()):
        before = len(served.started)
        found = served.post(token, *words_of(row.name, environment), id=f"{number:032x}")
        wanted = row.needed(typed(words_of(row.name, environment)).given) if row.remote == REMOTE else ()
        least = max((ROLES.index(_role(permission, row.name, environment)) for permission in wanted), default=0)
        expected = (
            401 if role == "nobody" else 400 if row.remote != REMOTE else 202 if ROLES.index(role) >= least else 403
        )
        assert found.status == expected, (row.name, found.text)
        assert (len(served.started) > before) == (expected == 202), row.name
        refused += expected != 202
    assert refused > (0 if role == ADMIN else 20)


def _role(permission: str, name: str, environment: str) -> str:
    """The least role. What names no environment is about all of them."""
    whole = environment not in words_of(name, environment)
    special = permission + PROTECTED
    return PERMISSIONS[
        special if special in PERMISSIONS and (whole or environment == "production") else permission
    ].role


def test_a_token_gives_no_more_than_it_was_made_for(served: Served) -> None:
    for number, row in enumerate(row for row in COMMANDS.values() if row.remote == REMOTE):
        given = typed(words_of(row.name, "staging")).given
        without = [
            item
            for item in PERMISSIONS
            if item.removesuffix(PROTECTED) not in {name.removesuffix(PROTECTED) for name in row.needed(given)}
        ]
        token = served.token(ADMIN, *without)
        assert served.post(token, *words_of(row.name, "staging"), id=f"{number:032x}").status == 403, row.name
    assert served.started == []


def test_what_is_not_granted_is_not_reached_by_another_name(served: Served) -> None:
    token = served.token("developer", app="shop", environment="staging")
    assert served.post(token, "deploy", "staging", "r1", "--app", "shop").status == 202
    for number, words in enumerate((
        ["deploy", "production", "--app", "shop"], ["deploy", "staging", "--app", "other"], ["history", "production", "--app", "shop"],
        ["insights", "other", "--app", "shop"], ["apps", "--app", "shop"], ["restart", "staging"], ["prune", "--app", "shop"],
        ["history", "--commands", "--app", "shop"], ["rename", "app", "shop", "x"], ["secret", "copy", "--from", "production", "staging", "--app", "shop"],
        ["secret", "set", "registry", "KEY", "--for", "x", "--app", "shop"], ["deploy", "staging", "--override-freeze", "--reason", "x", "--app", "shop"],
        ["audit"], ["audit", "show", "--app", "shop"], ["infra", "staging", "destroy", "--app", "shop"], ["rules", "--app", "shop"],
    ), 1):  # fmt: skip
        found = served.post(token, *words, id=f"{number:032x}")
        assert found.status in ((202,) if words[0] == "apps" else (400, 403)), (words, found.text)
    assert served.post(token, "status", "--app", "shop", id="a" * 32).status == 202  # which shows only what may be seen
    entries = [item for item in served.ctx.ledger.audit(AuditFilter(), 100) if item.kind == COMMAND]
    refused = {(item.what, item.app, item.environment, item.outcome) for item in entries}
    assert {("prune", "shop", "", REFUSED), ("deploy", "", "", REFUSED)} <= refused
    assert all(item.proof.startswith("token ") for item in entries)


@pytest.mark.parametrize(
    "words",
    [
        ["--home", "/tmp", "status"], ["--as", "x", "status"], ["status", "--plan", "/etc"], ["status", "--plan=/etc", "--app", "shop"],
        ["nonsense"], ["rules", "nonsense"], ["secret"], ["approve", "staging", "--sign", "/root/.ssh/id", "--app", "shop"],
        ["approve", "staging", "--sign", "--app", "shop"], ["secret", "import", "staging", "/etc/shadow", "--app", "shop"],
        ["proof", "r1", "--html", "/tmp/x", "--app", "shop"], ["dev", "up"], ["init", "--home", "/tmp"], ["worker", "--push", "1"],
        ["hook"], ["status\0"], [], ["x"] * 201, ["status", "\ud800"], [7], ["status", "x" * 70_000],
    ],
    ids=lambda words: ascii(words)[:40],
)  # fmt: skip
def test_what_is_no_command_for_others_is_refused(served: Served, words: list[Any]) -> None:
    found = served.post(served.token(ADMIN), *words)
    assert (found.status, served.started) == (400, []), found.text
    assert json.loads(found.text)["message"]


@pytest.mark.parametrize(
    "more",
    [
        {"protocol": 99},
        {"protocol": None},
        {"id": "../../etc"},
        {"id": "x"},
        {"stdin": "!"},
        {"extra": 1},
        {"quiet": 1},
        {"colour": "yes"},
        {"as": "a\0b"},
    ],
    ids=str,
)
def test_a_bad_request_is_refused(served: Served, more: dict[str, Any]) -> None:
    found = served.send(
        "POST", "/commands", served.token(ADMIN), {"protocol": 1, "version": "1", "id": ID, "words": ["apps"], **more}
    )
    assert (found.status, served.started) == (400, []), found.text
    if "protocol" in more:
        assert __version__ in found.text


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    found = served.post(served.token(ADMIN), "apps", stdin=base64.b64encode(b"x" * (6 << 20)).decode())
    assert (found.status, served.started) == (413, [])


def test_what_runs_here_in_any_case_needs_nothing() -> None:
    assert {name for name, row in COMMANDS.items() if row.remote == LOCAL and row.permissions} == set()
