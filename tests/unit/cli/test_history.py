"""What people read of an environment's past: its deployments with the approvals that they had, and that it was destroyed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.destroy import destroy
from shipway.cli import cli
from shipway.cli.output import cut
from shipway.context import Context
from shipway.domain.errors import NothingToRollBack
from shipway.domain.release import FAILED, SUCCEEDED, Approval, Deployment, Release
from shipway.store import open_ledger
from tests.unit.domain import samples
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

Command = Callable[[str], str]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    def call(name: str) -> str:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), name])
        assert done.exit_code == 0, done.output
        return done.output

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.app.load_plan", lambda home, path: PLAN)
    return call


def approve(world: World, release: Release, actor: str) -> None:
    world.ledger.add_approval(Approval("shop", "staging", release.number, release.digest, actor, "", world.clock()))


def test_only_approvals_from_before_a_deployment_are_its_own(world: World, command: Command) -> None:
    release = world.release(1)
    approve(world, release, "before@example.org")
    deploy(world.controller(), DeployRequest(release, STAGING))
    approve(world, release, "after@example.org")
    told = command("history")
    assert "before@example.org" in told
    assert "after@example.org" not in told


def test_an_environment_that_was_destroyed(world: World, command: Command) -> None:
    release = world.release(1)
    approve(world, release, "before@example.org")
    deploy(world.controller(), DeployRequest(release, STAGING))
    destroy(world.controller(), release.plan, STAGING)
    newest = command("history").splitlines()[1]
    assert "destroy" in newest
    assert "before@example.org" not in newest
    assert "destroyed" in command("status")
    with pytest.raises(NothingToRollBack, match="no deployment there succeeded since it was destroyed"):
        rollback(world.controller(), "shop", "staging", RollbackRequest())


def test_a_signed_approval_is_told_from_a_claimed_one(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db")
    made = ledger.add_release(samples.release())
    record = Deployment(0, made.app, "production", made.number, "deploy", "ada@example.org", "", 1.0)
    ledger.end_deployment(ledger.begin_deployment(record), SUCCEEDED, 2.0, None, "")
    for actor, signature in (
        ("grace@example.org", ""),
        ("eve@example.org", ""),
        ("grace@example.org", "-----BEGIN SSH SIGNATURE-----"),
    ):
        approval = Approval(
            made.app, "production", made.number, made.digest, actor, "looked", 0.5, "ada@laptop", signature=signature
        )
        ledger.add_approval(approval)
    ledger.close()

    def history(*args: str) -> str:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), "history", "production", "--app", made.app, *args])
        assert done.exit_code == 0, done.output
        return done.output

    assert "grace@example.org (signed), eve@example.org (claimed)" in history()
    (found,) = json.loads(history("--json"))
    assert [(item["actor"], item["signed"], item["login"]) for item in found["approvals"]] == [
        ("grace@example.org", False, "ada@laptop"), ("eve@example.org", False, "ada@laptop"), ("grace@example.org", True, "ada@laptop"),
    ]  # fmt: skip


def test_long_revisions_are_cut_and_reasons_are_shown(tmp_path: Path) -> None:
    long = "+".join(f"app{number}.0001_a_long_name_of_a_migration" for number in range(9))
    ledger = open_ledger(tmp_path / "ledger.db")
    made = ledger.add_release(samples.release())
    record = Deployment(0, made.app, "staging", made.number, "deploy", "ada@example.org", "v1: a change", 1.0)
    ledger.end_deployment(ledger.begin_deployment(record), FAILED, 2.0, long, "it broke\nand more")
    ledger.close()

    def history(*args: str) -> str:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path), "history", "--app", made.app, *args])
        assert done.exit_code == 0, done.output
        return done.output

    heading, row = history().splitlines()
    assert "reason" not in heading
    assert cut(long, 40) in row
    assert len(cut(long, 40)) == 40
    assert history("--reason").splitlines()[1].endswith("v1: a change | it broke")
    (found,) = json.loads(history("--json"))
    assert (found["schema"], found["reason"]) == (long, "v1: a change")
