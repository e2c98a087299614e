"""What runs in an environment doesn't depend on how much happened since: no reader takes the end of a listing for the end."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.prune import look
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.snapshots.snapshot import serving
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.status import status
from shipway.domain.errors import DeployFailed, UsageError
from shipway.domain.release import DEPLOY, FAILED, Deployment
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

ACTIONS = Path(__file__).parents[3] / "src" / "shipway"
LISTINGS = {
    "actions/deployments/admission.py",  # only to say which release was validated
    "cli/history.py", "actions/environment/prune.py", "actions/projects/approve.py", "actions/projects/register.py",
    "actions/proofs/prove.py", "actions/runs/release.py", "actions/runs/resume.py",
    "actions/runs/retry.py", "actions/runs/unchanged.py", "actions/environment/find_release.py",
    "server/pages.py", "actions/upkeep/insights.py", "server/api/reading.py", "server/api/changing.py", "server/origins.py",
    "actions/messages/comment.py", "actions/messages/compose.py", "actions/environment/tracing.py",
    "server/releases.py", "cli/tests.py", "actions/operations/render.py",
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Release 2 serves over release 1, and 1,100 deployments of release 3 have failed since."""
    made = World(tmp_path_factory.mktemp("model"))
    for number in (1, 2):
        deploy(made.controller(), DeployRequest(made.release(number), STAGING))
    made.release(3)
    for _ in range(1100):
        number = made.ledger.begin_deployment(Deployment(0, "shop", "staging", 3, DEPLOY, "ada", "", made.now))
        made.ledger.end_deployment(number, FAILED, made.now, None, "")
    made.close()
    return made


@pytest.fixture
def world(model: World, tmp_path: Path) -> World:
    return model.copy(tmp_path / "world")


def test_one_more_failure_takes_nothing_from_what_serves(world: World) -> None:
    world.runtime.behave("shop_staging_backend_4-*", Behaviour(healthy=False))
    before = world.state()
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(world.release(4, "0002"), STAGING))
    assert world.state() == before
    assert world.serving() == {2}


def test_readers_see_what_serves(world: World) -> None:
    ctx = world.controller()
    now = status(ctx, "shop", STAGING)
    assert (now.current.release if now.current else 0, now.latest.release if now.latest else 0, now.orphans) == (
        2,
        3,
        (),
    )
    assert serving(ctx, "shop", "staging")[1].number == 2
    assert examine(ctx, "shop", STAGING) == []
    repair(ctx, "shop", STAGING)
    assert world.serving() == {2}
    kept = {item.reason for host in look(ctx, "shop").hosts for item in host.kept}
    assert any("serves in staging" in reason for reason in kept), kept


def test_a_rollback_finds_the_good_one_before(world: World) -> None:
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {1}


def test_a_version_that_was_refused_is_not_given(world: World) -> None:
    order = DeployRequest(world.release(4), STAGING, version="v1.0.0")
    plan = order.release.plan
    another = {**plan.accessories, "db": dataclasses.replace(plan.accessories["db"], image="redis:7")}
    refused = dataclasses.replace(order.release, plan=dataclasses.replace(plan, accessories=another))
    with pytest.raises(UsageError, match="rejected"):
        deploy(world.controller(), dataclasses.replace(order, release=refused))
    assert world.ledger.versions("shop", 4) == []
    deploy(world.controller(), order)
    assert world.ledger.versions("shop", 4) == ["v1.0.0"]


def test_only_listings_have_a_limit() -> None:
    found = set()
    for path in ACTIONS.rglob("*.py"):
        name = str(path.relative_to(ACTIONS))
        if name.startswith(("store/", "testing/")):
            continue
        text = path.read_text()
        if not re.search(r"\.(deployments|releases|runs)\b", text):
            continue
        for node in ast.walk(ast.parse(text)):
            called = node.func if isinstance(node, ast.Call) else None
            listing = isinstance(called, ast.Attribute) and called.attr in ("deployments", "releases", "runs")
            if listing and ast.unparse(called).rpartition(".")[0].endswith("ledger"):  # type: ignore[arg-type]
                found.add(name)
    assert found <= LISTINGS
