"""`--as`, SHIPWAY_TOKEN and `--token-file` on the command line."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shipway.actions.people.tokens import create_token
from shipway.actions.runs.run import Outcome
from shipway.app import open_context
from shipway.cli import Globals, cli
from shipway.cli.output import TerminalReporter
from shipway.domain.audit import REFUSED, AuditFilter
from shipway.domain.errors import NotAllowed, UsageError
from shipway.system.login import login
from tests.unit.actions.people.team import ADA, EVE
from tests.unit.actions.projects.test_plans import text
from tests.unit.system.repositories import commit, git, neutral

__all__ = ["neutral"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, neutral: None) -> Path:
    monkeypatch.delenv("SHIPWAY_TOKEN", raising=False)
    monkeypatch.delenv("SHIPWAY_ACTOR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(home: Path, *words: str) -> Result:
    """A command. Its error is raised."""
    done = CliRunner().invoke(cli, ["--home", str(home), *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def added(home: Path) -> str:
    """By whom a person was added last."""
    with open_context(home, TerminalReporter(silent=True), actor="reader") as ctx:
        return ctx.ledger.operations("*")[0].actor


def token(home: Path, *permissions: str) -> str:
    with open_context(home, TerminalReporter(silent=True), actor="reader") as ctx:
        return create_token(ctx, None, ADA, "test", permissions or ["see"], 1).secret


def test_a_name_is_claimed_until_there_are_people(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(home, "--as", "root@example.org", "user", "add", ADA, "--role", "admin")
    assert added(home) == "root@example.org"
    with pytest.raises(NotAllowed, match="not proven") as caught:
        run(home, "--as", ADA, "user", "add", EVE)
    assert "SHIPWAY_TOKEN" in caught.value.hint
    monkeypatch.setenv("SHIPWAY_TOKEN", token(home, "people"))
    run(home, "--as", ADA, "user", "add", EVE)
    assert added(home) == ADA
    with pytest.raises(NotAllowed, match=f"one of {ADA}"):
        run(home, "--as", EVE, "user", "remove", EVE)


def test_a_token_comes_from_a_file(home: Path, tmp_path: Path) -> None:
    run(home, "user", "add", ADA, "--role", "admin")
    file = tmp_path / "token"
    file.write_text(f"{token(home, 'people')}\n")
    run(home, "--token-file", str(file), "user", "add", EVE)
    assert added(home) == ADA
    for bad in (tmp_path / "missing", tmp_path):
        with pytest.raises(UsageError, match="can't be read"):
            run(home, "--token-file", str(bad), "user", "list")
    file.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="no text"):
        run(home, "--token-file", str(file), "user", "list")


def test_git_says_nothing_about_people(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.system.actor._git_user", lambda: ADA)
    run(home, "user", "add", ADA)
    run(home, "user", "add", EVE)
    assert added(home) == login().casefold()


@pytest.mark.parametrize("name", ["reader", "Standby", "server", "Somebody <reader>"])
def test_nobody_acts_as_a_part_of_shipway_whose_commands_are_not_recorded(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(UsageError, match="a name of Shipway's own processes"):
        run(home, "--as", name, "user", "add", ADA)
    monkeypatch.setenv("SHIPWAY_ACTOR", name)
    for words in (["user", "add", ADA], ["secret", "set", "@builds", "KEY", "--app", "shop"]):
        with pytest.raises(UsageError, match="a name of Shipway's own processes"):
            run(home, *words)
    monkeypatch.delenv("SHIPWAY_ACTOR")
    monkeypatch.setattr("shipway.system.actor._git_user", lambda: name)
    with pytest.raises(UsageError, match="a name of Shipway's own processes"):
        run(home, "user", "add", ADA)
    run(home, "user", "list")


def test_a_run_by_a_token_is_that_of_its_person_also_if_it_deploys_later(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether that person may still deploy is asked again when a deployment that waited goes out."""
    found: list[dict[str, Any]] = []

    def action(*given: object, **more: Any) -> Outcome:
        found.append(more)
        return Outcome(1, None, None, None)

    monkeypatch.setattr("shipway.actions.runs.run.run", action)
    monkeypatch.setattr("shipway.actions.runs.outside.run_pull_request", action)
    monkeypatch.setattr(Globals, "known_app", lambda self, ctx, app: SimpleNamespace(name="shop", ctx=ctx))
    git(tmp_path, "init", "--quiet")
    commit(
        tmp_path,
        {
            "shipway.yaml": text("shop", pipeline={"unit": {"image": "python:3", "run": "pytest"}}),
            "web/Dockerfile": "FROM x\n",
        },
    )
    run(home, "run", "--dirty")
    run(home, "user", "add", ADA, "--role", "developer")
    run(home, "run", "--dirty")
    monkeypatch.setenv("SHIPWAY_TOKEN", token(home, "run", "deploy"))
    run(home, "run", "--dirty")
    assert [(item["person"], item["may"] is None) for item in found] == [("", True), ("", True), (ADA, False)]
    run(home, "run", "a" * 40, "--pull-request", "7")
    with pytest.raises(UsageError, match="name the commit that you have read"):  # and not what is there by then
        run(home, "run", "--pull-request", "7")
    assert len(found) == 4
    monkeypatch.setenv("SHIPWAY_TOKEN", token(home, "see", "deploy"))
    for words in (["run", "--dirty"], ["run", "a" * 40, "--pull-request", "7"]):
        with pytest.raises(NotAllowed, match="may not `run`"):
            run(home, *words)
    assert len(found) == 4


def test_with_a_token_each_command_does_what_it_may(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that only read, and those that open nothing but the secrets."""
    run(home, "user", "add", ADA, "--role", "admin")
    monkeypatch.setenv("SHIPWAY_TOKEN", token(home, "deploy"))
    for words in (
        ["apps"], ["status", "--app", "shop"], ["audit"], ["webhook", "list"], ["user", "list"], ["key", "export"],
        ["destroy", "staging", "--force", "--app", "shop"], ["prune", "--app", "shop"], ["tick"], ["backup", "--ledger"],
        ["exec", "staging", "web", "--app", "shop", "--", "ls"], ["secret", "list", "staging", "--app", "shop"],
        ["restore", "staging", "1", "--app", "shop"], ["rename", "app", "shop", "x"], ["rules", "--app", "shop"],
    ):  # fmt: skip
        with pytest.raises(NotAllowed, match="may not"):
            run(home, *words)
    monkeypatch.setenv("SHIPWAY_TOKEN", token(home, "see"))
    run(home, "apps")
    with open_context(home, TerminalReporter(silent=True), actor="reader") as ctx:
        entries = {item.number: item for item in ctx.ledger.audit(AuditFilter(ends=True), 100)}
    [begun] = [item for item in entries.values() if item.what == "destroy staging --force --app=shop"]
    assert [item.outcome for item in entries.values() if item.part_of == begun.number] == [REFUSED]
    monkeypatch.setenv("SHIPWAY_TOKEN", "swt_" + "x" * 43)
    with pytest.raises(NotAllowed, match="the token is not accepted"):
        run(home, "apps")
    monkeypatch.delenv("SHIPWAY_TOKEN")
    run(home, "apps")


def test_no_command_of_the_server_takes_its_app_from_a_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shipway.actions.people.delegation import VARIABLE, Delegate
    from shipway.actions.people.identify import identify

    (tmp_path / "shipway.yaml").write_text(
        "app: shop\n"
        'services: {web: {image: "caddy:2", port: 80, health: {path: /}, route: /}}\n'
        'environments: {staging: {on: {branch: staging}, url: "http://shop.localhost:8999"}}\n'
    )
    run(home, "user", "add", ADA, "--role", "admin")
    with open_context(home, TerminalReporter(silent=True), actor="reader") as ctx:
        monkeypatch.setenv(VARIABLE, Delegate(ctx).to(identify(ctx, token(home, "see"))))
    with pytest.raises(UsageError, match="name the app"):
        run(home, "status")
    with pytest.raises(UsageError, match="the ledger has no app"):  # though the folder has a plan of it
        run(home, "status", "--app", "shop")
    monkeypatch.delenv(VARIABLE)
    run(home, "status")
