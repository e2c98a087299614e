"""A recorded proof, shown at any time: in full, in short beside a deployment, and for a release that runs already."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.cli import cli
from shipway.context import Context
from shipway.domain.errors import NotProven, UsageError
from shipway.domain.proof import DATA_LOST, UNSAFE, CompatibilityTest
from shipway.domain.release import Release
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

Command = Callable[..., Result]
SHORT = "keep schema (RESTORED, old code SAFE)"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        yield world.controller()

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.app.load_plan", lambda home, path: PLAN)
    return lambda *words: CliRunner().invoke(cli, ["--home", str(tmp_path), *words])


@pytest.fixture
def two(world: World) -> Release:
    """Release 2 runs, and was proven before."""
    one, two = world.release(1), world.release(2, "0002")
    deploy(world.controller(), DeployRequest(one, STAGING))
    world.proven(two, one)
    deploy(world.controller(), DeployRequest(two, STAGING))
    return two


def test_a_proof_is_shown_without_running_anything(two: Release, world: World, command: Command) -> None:
    evidence = len(world.ledger.evidence("shop", 2))
    for words in ((), ("r2",), ("r2", "--env", "staging"), ("--app", "shop")):
        shown = command("proof", *words)
        assert (shown.exit_code, "release 1 → 2" in shown.output) == (0, True), shown.output
        assert "rollback: keep schema" in shown.output
    assert len(world.ledger.evidence("shop", 2)) == evidence


def test_it_is_written_as_every_report(two: Release, command: Command, tmp_path: Path) -> None:
    page, xml = tmp_path / "proof.html", tmp_path / "proof.xml"
    shown = command("proof", "r2", "--json", "--html", str(page), "--junit", str(xml))
    assert json.loads(shown.output)["old_code"]["verdict"] == "SAFE"
    assert "<h1>shop" in page.read_text()
    assert ElementTree.parse(xml).getroot().tag == "testsuites"


def test_the_newest_one_counts_and_all_are_listed(two: Release, world: World, command: Command) -> None:
    one = world.ledger.release("shop", 1)
    assert one
    world.proven(two, one, environment="production")
    world.now += 60
    world.proven(two, one, old=UNSAFE)
    assert "old code        UNSAFE" in command("proof", "r2").output
    lines = command("proof", "r2", "--all").output.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["staging", "production", "staging"]
    assert lines[1].endswith("revert schema, then switch (RESTORED, old code UNSAFE)")
    assert lines[3].endswith(SHORT)
    assert len(command("proof", "r2", "--all", "--env", "production").output.splitlines()) == 2
    listed = json.loads(command("proof", "r2", "--all", "--json").output)
    assert [item["environment"] for item in listed] == ["staging", "production", "staging"]


def test_no_proof(two: Release, world: World, command: Command) -> None:
    refused = command("proof", "r1")
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.message == "release 1 has no recorded proof"
    assert refused.exception.hint == "run one before it is deployed: shipway prove r1"
    assert isinstance(command("proof", "r9").exception, UsageError)


def test_a_proof_of_other_images_and_a_redeployment_are_no_proofs(world: World, command: Command) -> None:
    one, two = world.release(1), world.release(2, "0002")
    world.proven(dataclasses.replace(two, images={**two.images, "backend": "other@sha256:" + "f" * 64}), one)
    world.proven(two, two)
    assert isinstance(command("proof", "r2").exception, UsageError)


def test_a_release_that_runs_already_is_not_tried_again(two: Release, world: World, command: Command) -> None:
    evidence = len(world.ledger.evidence("shop", 2))
    for words in ((), ("--again",)):
        shown = command("prove", "r2", "--env", "staging", *words)
        assert shown.exit_code == 0
        assert shown.output.startswith("release 2 already runs in staging; its proof of 1970-")
        assert shown.output.rstrip().endswith(f"{SHORT}: shipway proof r2 --env staging")
    assert json.loads(command("prove", "r2", "--env", "staging", "--json").stdout)["release"] == 2
    assert len(world.ledger.evidence("shop", 2)) == evidence


def test_a_running_release_without_a_rollback_path_still_fails(two: Release, world: World, command: Command) -> None:
    one = world.ledger.release("shop", 1)
    assert one
    world.proven(two, one, old=UNSAFE, way=DATA_LOST)
    assert isinstance(command("prove", "r2", "--env", "staging").exception, NotProven)


def test_releases_that_do_not_work_at_once_are_a_warning(
    two: Release, world: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = dataclasses.replace(world.proven(two, two), before=1, together=CompatibilityTest(UNSAFE, ("it fails",)))
    monkeypatch.setattr("shipway.cli.prove.style", lambda text, how: text)
    monkeypatch.setattr("shipway.actions.proofs.recorded.recorded_proofs", lambda *given: [proof])
    shown = command("prove", "r2", "--env", "staging")
    assert shown.exit_code == 0
    assert "warning: both releases do not work at the same time, but the strategy blue-green of staging" in shown.output


def test_a_running_release_without_a_proof(world: World, command: Command) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    shown = command("prove", "r1", "--env", "staging")
    assert shown.exit_code == 0
    assert "release 1 already runs in staging, and has no recorded proof; `shipway rehearse staging`" in shown.output


def test_status_history_and_a_deployment_show_it_in_short(two: Release, world: World, command: Command) -> None:
    assert f"rollback proof for staging: {SHORT}; report: shipway proof r2 --env staging" in world.notes
    assert f": {SHORT}" in command("status").output
    assert json.loads(command("status", "--json").output)["staging"]["proof"]["verdict"] == "RESTORED, old code SAFE"
    heading, newest, first = command("history").output.splitlines()
    assert heading.endswith("rollback proof")
    assert newest.endswith(SHORT)
    assert SHORT not in first
    newest, first = json.loads(command("history", "--json").output)
    assert (newest["proof"]["rollback"], first["proof"]) == ("keep schema", None)


def test_without_any_proof_nothing_speaks_of_one(world: World, command: Command) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    for text in (*world.notes, command("status").output, command("history").output):
        assert "rollback proof" not in text
