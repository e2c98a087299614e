"""What people see of a renaming: every command takes both names, and shows the present one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import PlanError
from shipway.domain.plan import Plan
from shipway.store import open_ledger
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE, RENAMING
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

Command = Callable[..., str]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.deployed(tmp_path, STAGING, 1)


@pytest.fixture
def command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    def load(home: Path, path: Path | None) -> Plan:
        """A plan that already has the new names."""
        return replace(PLAN, app="store", environments={"preview": replace(STAGING, name="preview")})

    def call(*args: str) -> str:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), *args])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.app.load_plan", load)
    return call


def test_both_names_in_and_the_present_one_out(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "shipway.system.durations.ago", lambda seconds: "then"
    )  # lists are compared, at different times
    assert "the app shop is called store now" in command("rename", "app", "shop", "store")
    assert "staging is called preview now" in command(
        "rename", "environment", "staging", "preview", "--reason", "clearer"
    )
    assert "it is called preview already" in command("rename", "environment", "preview", "preview")
    assert command("status").startswith("store\n\n  preview  ")
    assert list(json.loads(command("status", "--json", "--app", "shop"))) == ["preview"]
    for name in ("staging", "preview"):
        (record,) = json.loads(command("history", name, "--json"))
        assert (record["app"], record["environment"]) == ("store", "preview")
    told = command("history")
    assert "controller-" in told
    assert "renamed the environment first called staging to preview: clearer" in told
    assert "renamed the app first called shop to store" in told
    (app,) = json.loads(command("apps", "--json"))
    assert (app["name"], app["running"]) == ("store", {"preview": 1})
    assert command("secret", "list", "preview") == command("secret", "list", "staging", "--app", "store")
    assert "KEY" in command("secret", "list", "preview")


def plan(*environments: str) -> str:
    given = ", ".join(f'{name}: {{url: "http://{name}.localhost"}}' for name in environments)
    return f"app: shop\nservices: {{web: {{image: redis:7}}}}\nenvironments: {{{given}}}\n"


def checked(folder: Path, text: str) -> tuple[int, str]:
    (folder / "shipway.yaml").write_text(text)
    done = CliRunner().invoke(cli, ["--home", str(folder / "home"), "check"])
    return (PlanError.exit_code if isinstance(done.exception, PlanError) else done.exit_code), done.output + str(
        done.exception
    )


def test_check_names_what_may_be_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    ledger = open_ledger(tmp_path / "home" / "ledger.db")
    text = plan("prod")
    from shipway.planfile import parse

    ledger.add_release(replace(RELEASE, plan=parse(text, "shipway.yaml", files=lambda path: True), digest=""))
    number = ledger.begin_deployment(replace(DEPLOYMENT, environment="prod"))
    ledger.end_deployment(number, "succeeded", 12.0, None, "")
    code, output = checked(tmp_path, plan("live"))
    assert code == 0
    assert "nothing was ever deployed to live; is it prod, renamed? shipway rename environment prod live" in output
    assert ledger.rename(RENAMING)
    assert "renamed?" not in checked(tmp_path, plan("live"))[1]
    code, output = checked(tmp_path, plan("live", "prod"))
    assert code == PlanError.exit_code
    assert "live and prod are names of one environment" in output
    ledger.close()
