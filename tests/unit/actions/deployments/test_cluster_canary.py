"""A growing share of the requests for a new release in a cluster, by the routes of a Gateway."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.waits import hold_of
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.doctor import examine, repair
from shipway.domain.errors import ClusterError, DeployFailed, Interrupted
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED
from shipway.domain.strategy import Strategy
from tests.unit.actions.deployments.test_cluster import STAGING, ClusterWorld, _Dying, _Gone

LED = dataclasses.replace(STAGING.cluster, gateway="infra/public")
CANARY = dataclasses.replace(STAGING, cluster=LED, strategy=Strategy("canary", steps=(0.05, 0.5), hold=0.0))
SHARES = [(2, 0.05), (2, 0.5)]


@pytest.fixture
def world(tmp_path: Path) -> ClusterWorld:
    return ClusterWorld(tmp_path)


def bring(world: ClusterWorld, number: int, *, schema: str = "0001", where: Any = CANARY, ctx: Any = None) -> None:
    deploy(ctx or world.controller(), DeployRequest(world.release(number, schema, where), where))


def test_a_release_takes_over_by_growing_shares(world: ClusterWorld) -> None:
    bring(world, 1)
    assert world.cluster.shares == []  # there is nothing to share with
    bring(world, 2)
    assert world.cluster.shares == SHARES
    assert world.cluster.switched == [1, 2]
    assert world.cluster.observe().serves(2)
    assert world.cluster.observe().sharing == ()
    assert examine(world.controller(), "shop", CANARY) == []


def test_a_rollback_is_at_once(world: ClusterWorld) -> None:
    bring(world, 1)
    bring(world, 2)
    world.proven(world.ledger.release("shop", 2), world.ledger.release("shop", 1))  # type: ignore[arg-type]
    rollback(world.controller(), "shop", "staging", RollbackRequest(reason="slow"))
    assert world.cluster.shares == SHARES
    assert world.cluster.observe().serves(1)


def test_a_release_that_falls_ill_with_its_first_requests_gets_no_more_of_them(world: ClusterWorld) -> None:
    bring(world, 1)
    share = world.cluster.share

    def ill(*given: Any, **more: Any) -> None:
        share(*given, **more)
        world.cluster.troubles[2] = "it ends with code 7"

    world.cluster.share = ill  # type: ignore[method-assign]
    with pytest.raises(DeployFailed, match="ends with code 7"):
        bring(world, 2, schema="0002")
    state = world.cluster.observe()
    assert world.cluster.shares == SHARES[:1]
    assert state.serves(1)
    assert (state.sharing, state.releases) == ((), (1,))
    assert world.outcomes()[0] == ("deploy", 2, FAILED)
    assert hold_of(world.controller(), "shop", "staging") is not None  # until a person ends it
    assert world.database.applied == ["0001", "0002"]  # its requests may have written with the new schema


def test_a_share_that_the_gateway_refuses_is_no_half_a_deployment(world: ClusterWorld) -> None:
    bring(world, 1)
    world.cluster.troubles_at_share[2] = "UnsupportedValue: no weights"
    with pytest.raises(ClusterError, match="no weights"):
        bring(world, 2)
    state = world.cluster.observe()
    assert state.serves(1)
    assert (state.sharing, state.releases) == ((), (1,))


def test_who_interrupts_a_canary_gets_the_release_before(world: ClusterWorld) -> None:
    slow = dataclasses.replace(CANARY, strategy=Strategy("canary", steps=(0.5,), hold=60.0))
    bring(world, 1, where=slow)
    ctx = world.controller()
    healthy = world.cluster.healthy

    def then(*given: Any) -> None:
        healthy(*given)
        if world.cluster.shares and world.cluster.observe().sharing:
            ctx.cancelled.set()

    world.cluster.healthy = then  # type: ignore[method-assign, assignment]
    with pytest.raises(Interrupted, match="had a share of the requests"):
        bring(world, 2, where=slow, ctx=ctx)
    assert world.cluster.observe().serves(1)
    assert world.cluster.observe().sharing == ()
    assert world.outcomes()[0] == ("deploy", 2, CANCELLED)


@pytest.mark.parametrize("call", ["start", "healthy", "share", "shared", "switch", "switched", "rest"])
def test_a_controller_that_dies_at_any_call(world: ClusterWorld, call: str) -> None:
    """The next command leads all requests to one release, and nothing else has any."""
    bring(world, 1)
    world.cluster.dies_at = call
    ctx = world.controller()
    lost = dataclasses.replace(ctx, ledger=_Dying(ctx.ledger, world))
    with pytest.raises((KeyboardInterrupt, _Gone)):
        bring(world, 2, schema="0002", ctx=lost)
    assert set(world.cluster.observe().serving.values()) <= {1, 2}
    world.now += 1000
    repair(world.controller(), "shop", CANARY)
    state = world.cluster.observe()
    completed = call in ("switched", "rest")
    assert state.serves(2 if completed else 1)
    assert state.sharing == ()
    assert [item for item in world.outcomes() if item[2] == "pending"] == []
    assert world.outcomes()[0][2] == (SUCCEEDED if completed else FAILED)
    assert examine(world.controller(), "shop", CANARY) == []
    bring(world, 3, schema="0002")
    assert world.cluster.observe().serves(3)


def test_doctor_tells_of_a_share_that_nobody_ended(world: ClusterWorld) -> None:
    bring(world, 1)
    bring(world, 2)
    world.cluster._sharing = (1,)
    found = [(item.thing, item.problem) for item in examine(world.controller(), "shop", CANARY)]
    assert found == [("release 1", "has a share of the requests")]
    repair(world.controller(), "shop", CANARY)
    assert world.cluster.observe().sharing == ()
    assert examine(world.controller(), "shop", CANARY) == []


def test_a_release_behind_an_ingress_shares_nothing(world: ClusterWorld) -> None:
    bring(world, 1, where=STAGING)
    bring(world, 2)
    assert world.cluster.shares == []
    assert "no canary: release 1 is not led by Gateway infra/public yet" in world.notes
    bring(world, 3)
    assert world.cluster.shares == [(3, 0.05), (3, 0.5)]


def test_the_same_release_again_shares_nothing(world: ClusterWorld) -> None:
    bring(world, 1)
    world.cluster.lose("worker", 1)
    release = world.ledger.release("shop", 1)
    assert release is not None
    deploy(world.controller(), DeployRequest(release, CANARY))
    assert world.cluster.shares == []
    assert world.cluster.observe().serves(1)
