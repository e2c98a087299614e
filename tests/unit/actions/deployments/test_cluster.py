"""Deployments to a cluster in memory, by the same commands as to hosts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.environment.locks import TTL
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.retire import retire, retire_due
from shipway.context import Context, Machine
from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import DeployFailed, ShipwayError, UsageError
from shipway.domain.mounts import Volume
from shipway.domain.plan import LOCAL, Host
from shipway.domain.platform import KUBERNETES, cluster_host
from shipway.domain.release import FAILED, RESTART, SUCCEEDED
from shipway.domain.workload import EnvironmentSpec
from shipway.drivers.platform.no_edge import NoEdge
from shipway.testing.memory_cluster import MemoryCluster
from tests.unit.domain import samples
from tests.unit.world import Engine, World

HOST = cluster_host("shop", "staging", samples.STAGING.cluster)
STAGING = dataclasses.replace(samples.STAGING, platform=KUBERNETES, hosts=(Host(HOST),), standby=60.0)


class ClusterWorld(World):
    """With one environment in a cluster, whose jobs run on an engine in memory. Its worker keeps files."""

    services = {
        **samples.PLAN.services,
        "worker": dataclasses.replace(samples.PLAN.services["worker"], volumes={"/files": Volume("files", "/files")}),
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, [LOCAL])
        self.cluster = MemoryCluster()
        self.jobs = Engine(HOST, self.images)

    def controller(self, **more: Any) -> Context:
        ctx = super().controller(**more)

        def connect(name: str) -> Machine:
            assert name == HOST
            there = self.jobs.machine(ctx.ledger, self.clock)
            return dataclasses.replace(there, edge=NoEdge(), executes=False)

        return dataclasses.replace(ctx, connect=connect, cluster=lambda app, environment, settings: self.cluster)

    def deploy(self, number: int, *, schema: str = "0001", **order: Any) -> None:
        deploy(self.controller(), DeployRequest(self.release(number, schema, STAGING), STAGING, **order))
        labels = names.labels("shop", "staging", "accessory", "db") | self.label  # as a pod is listed
        self.have("postgres:15")
        if self.jobs.runtime.find("shop_staging_db") is None:
            self.jobs.runtime.create(ContainerSpec("shop_staging_db", "postgres:15", labels))
            self.jobs.runtime.start("shop_staging_db")

    def outcomes(self) -> list[tuple[str, int, str]]:
        return [(item.kind, item.release, item.outcome) for item in self.ledger.deployments("shop", "staging")]


@pytest.fixture
def world(tmp_path: Path) -> ClusterWorld:
    return ClusterWorld(tmp_path)


def test_two_releases_and_back(world: ClusterWorld) -> None:
    world.deploy(1)
    assert world.cluster.observe().serves(1)
    assert not world.runtime.containers
    assert not world.edge.tables
    world.deploy(2, schema="0002")
    state = world.cluster.observe()
    assert state.serves(2)
    assert {item.service for item in state.standing if item.release == 1 and item.replicas} == {
        "frontend",
        "backend",
    }
    assert world.database.applied == ["0001", "0002"]
    world.proven(world.ledger.release("shop", 2), world.ledger.release("shop", 1))  # type: ignore[arg-type]
    rollback(world.controller(), "shop", "staging", RollbackRequest(reason="slow"))
    assert world.cluster.observe().serves(1)
    assert world.outcomes()[0] == ("rollback", 1, SUCCEEDED)


def test_the_plan_says_what_is_kept_for_a_rollback_and_what_is_removed(world: ClusterWorld) -> None:
    world.deploy(1)
    world.deploy(2)
    third = DeployRequest(world.release(3, environment=STAGING), STAGING)
    changes = decide(world.controller(), third).parts[0].changeset
    assert [(item.name, item.cause) for item in changes.of("container", "drain")] == [
        (f"{service}-r2", "belongs to release 2; on standby for a rollback") for service in ("frontend", "backend")
    ]
    assert [(item.name, item.cause) for item in changes.of("container", "stop")] == [
        ("worker-r2", "belongs to release 2; kept for a rollback")
    ]
    assert [item.name for item in changes.of("container", "remove")] == ["release 1"]


def test_values_of_secrets_reach_the_cluster_by_version(world: ClusterWorld) -> None:
    world.deploy(1)
    assert {ref.name: value for ref, value in world.cluster.secrets.items()}["KEY"] == "secret-key"


def test_an_unhealthy_release_gets_no_request_and_leaves_nothing(world: ClusterWorld) -> None:
    world.deploy(1)
    world.cluster.troubles[2] = "CrashLoopBackOff"
    with pytest.raises(DeployFailed, match="CrashLoopBackOff"):
        world.deploy(2, schema="0002")
    state = world.cluster.observe()
    assert state.serves(1)
    assert state.releases == (1,)
    assert world.database.applied == ["0001"]
    assert world.outcomes()[0] == ("deploy", 2, FAILED)


@pytest.mark.parametrize("call", ["prepare", "start", "healthy", "switch", "switched", "rest"])
def test_a_controller_that_dies_at_any_call(world: ClusterWorld, call: str) -> None:
    world.deploy(1)
    world.cluster.dies_at = call
    ctx = world.controller()
    lost = dataclasses.replace(ctx, ledger=_Dying(ctx.ledger, world))
    with pytest.raises((KeyboardInterrupt, _Gone)):
        deploy(lost, DeployRequest(world.release(2, "0002", STAGING), STAGING))
    world.now += 1000
    world.deploy(3, schema="0002")
    state = world.cluster.observe()
    assert state.serves(3)
    assert {item.release for item in state.standing} <= {1, 2, 3}
    assert [item for item in world.outcomes() if item[2] == "pending"] == []


class _Gone(BaseException):
    pass


class _Dying:
    """A ledger that a dead process writes nothing more to."""

    def __init__(self, ledger: Any, world: ClusterWorld) -> None:
        self._ledger, self._world = ledger, world

    def __getattr__(self, name: str) -> Any:
        if self._world.cluster.dies_at is None:
            raise _Gone
        return getattr(self._ledger, name)


def test_standby_ends_in_time_and_by_hand(world: ClusterWorld) -> None:
    world.deploy(1)
    world.deploy(2)
    assert world.later == [("shop", "staging")]
    due = retire_due(world.controller(), "shop", "staging")
    assert due is not None
    assert due > world.now
    world.now = due + 1
    assert retire_due(world.controller(), "shop", "staging") is None
    assert not any(item.replicas for item in world.cluster.observe().standing if item.release == 1)
    world.deploy(3)
    assert retire(world.controller(), "shop", "staging") == 1


def test_doctor_finds_what_is_missing_in_the_cluster_and_repairs_it(world: ClusterWorld) -> None:
    world.deploy(1)
    world.deploy(2)
    assert examine(world.controller(), "shop", STAGING) == []
    world.cluster.lose("worker", 2)
    world.cluster.lead("frontend", 1)
    found = {(item.thing, item.problem) for item in examine(world.controller(), "shop", STAGING)}
    assert found == {
        ("worker-r2", "is missing"),
        ("frontend", "requests are led elsewhere"),
    }
    repair(world.controller(), "shop", STAGING)
    assert world.cluster.observe().serves(2)
    assert examine(world.controller(), "shop", STAGING) == []
    world.cluster.lose("worker", 2)  # while all requests go to the right release
    repair(world.controller(), "shop", STAGING)
    assert examine(world.controller(), "shop", STAGING) == []


def test_a_repair_keeps_the_standby_and_the_replicas_that_others_have_set_and_removes_what_nothing_needs(
    world: ClusterWorld,
) -> None:
    for number in (1, 2, 3):
        world.deploy(number)
    world.cluster.stand("frontend", 1, 1)  # its removal failed
    world.cluster.stand("frontend", 3, 5)
    found = [(item.thing, item.problem) for item in examine(world.controller(), "shop", STAGING)]
    assert found == [("release 1", "belongs to no needed release")]
    repair(world.controller(), "shop", STAGING)
    there = {(item.service, item.release): item.replicas for item in world.cluster.observe().standing}
    assert there["frontend", 3] == 5
    assert there["frontend", 2] == 1, "on standby"
    assert ("frontend", 1) not in there
    world.cluster.stand("frontend", 3, 5, ready=0)
    (drift,) = examine(world.controller(), "shop", STAGING)
    assert (drift.thing, drift.problem) == ("frontend-r3", "has 0 of 1 replica ready")


def test_a_failed_release_leaves_the_serving_one_as_it_is(world: ClusterWorld) -> None:
    world.deploy(1)
    world.cluster.stand("frontend", 1, 5)
    world.cluster.troubles[2] = "CrashLoopBackOff"
    with pytest.raises(DeployFailed):
        world.deploy(2)
    assert {item.replicas for item in world.cluster.observe().standing if item.service == "frontend"} == {5}


def test_a_repair_after_a_rollback_keeps_the_newer_accessories(world: ClusterWorld) -> None:
    """Also after two rollbacks: a rollback leaves them as they are."""
    world.deploy(1)
    for number in (2, 3):
        newer = world.release(number, environment=STAGING, image="postgres:16")
        deploy(world.controller(), DeployRequest(newer, STAGING, force=True))
    for before, after in ((2, 3), (1, 2)):
        world.proven(world.ledger.release("shop", after), world.ledger.release("shop", before))  # type: ignore[arg-type]
        rollback(world.controller(), "shop", "staging", RollbackRequest(reason="slow"))
    world.cluster.lose("worker", 1)
    repair(world.controller(), "shop", STAGING)
    assert world.cluster.observe().serves(1)
    assert examine(world.controller(), "shop", STAGING) == []
    assert world.cluster.images == ["postgres:16"]


def test_jobs_on_a_schedule_are_switched_back_where_nothing_has_an_address(world: ClusterWorld) -> None:
    def bring(number: int) -> None:
        made = world.release(number, environment=STAGING)
        services = {name: item for name, item in made.plan.services.items() if not item.port}
        plan = dataclasses.replace(made.plan, services=services, database=None)
        deploy(world.controller(), DeployRequest(dataclasses.replace(made, plan=plan), STAGING))

    bring(1)
    switch = world.cluster.switch

    def ends(spec: EnvironmentSpec, **more: bool) -> None:
        switch(spec, **more)
        world.cluster.troubles[2] = "CrashLoopBackOff"

    world.cluster.switch = ends  # type: ignore[method-assign, assignment]
    with pytest.raises(DeployFailed):
        bring(2)
    assert world.cluster.switched == [1, 2, 1]


def test_the_failed_release_makes_room_before_the_good_one_is_started_again(world: ClusterWorld) -> None:
    world.deploy(1)
    world.cluster.troubles[2] = "CrashLoopBackOff"
    world.cluster.troubles[1] = "no node has a place for it"
    world.cluster.stand("frontend", 1, 1, ready=0)  # evicted
    with pytest.raises(DeployFailed):
        world.deploy(2)
    assert world.cluster.observe().releases == (1,)


def test_destroy_removes_the_data_of_accessories(world: ClusterWorld) -> None:
    world.deploy(1)
    destroy(world.controller(), world.ledger.release("shop", 1).plan, STAGING)  # type: ignore[union-attr]
    assert world.cluster.observe().releases == ()
    assert world.cluster.kept == (False, True)
    assert world.outcomes()[0][2] == SUCCEEDED


def test_a_restart_is_refused_and_a_deployment_of_the_same_changes_nothing(world: ClusterWorld) -> None:
    world.deploy(1)
    calls, release = len(world.cluster.calls), world.ledger.release("shop", 1)
    assert release is not None
    deploy(world.controller(), DeployRequest(release, STAGING))
    assert len(world.cluster.calls) == calls
    assert len(world.outcomes()) == 1
    with pytest.raises(UsageError, match="restarts containers itself"):
        decide(world.controller(), DeployRequest(release, STAGING, RESTART))


def test_another_namespace_is_refused(world: ClusterWorld) -> None:
    world.deploy(1)
    cluster = dataclasses.replace(STAGING.cluster, namespace="elsewhere")
    moved = dataclasses.replace(STAGING, cluster=cluster, hosts=(Host(cluster_host("shop", "staging", cluster)),))
    world.jobs.name = moved.hosts[0].name
    ctx = world.controller()
    ctx = dataclasses.replace(ctx, connect=lambda name: dataclasses.replace(world.jobs.machine(ctx.ledger, world.clock), name=name, edge=NoEdge(), executes=False))  # fmt: skip
    with pytest.raises(UsageError, match="don't move along"):
        deploy(ctx, DeployRequest(world.release(2, environment=moved), moved))


def test_an_optional_secret_that_is_not_set_is_left_out(world: ClusterWorld) -> None:
    given = dataclasses.replace(STAGING, secrets=("EXTRA",), optional_secrets=("EXTRA",))
    deploy(world.controller(), DeployRequest(world.release(1, environment=given), given))
    assert "EXTRA" not in {ref.name for ref in world.cluster.secrets}
    world.secrets(world.ledger).set("shop/staging", "EXTRA", "more")
    deploy(world.controller(), DeployRequest(world.release(2, environment=given), given))
    assert {ref.name: value for ref, value in world.cluster.secrets.items()}["EXTRA"] == "more"


def test_a_paused_controller_switches_nothing_when_it_wakes_up(world: ClusterWorld) -> None:
    world.deploy(1)
    second, third = world.release(2, environment=STAGING), world.release(3, environment=STAGING)
    healthy, paused = world.cluster.healthy, [True]

    def sleeping(*given: Any) -> None:
        healthy(*given)
        if paused.pop() if paused else False:
            world.now += TTL + 1
            deploy(world.controller(), DeployRequest(third, STAGING))

    world.cluster.healthy = sleeping  # type: ignore[method-assign, assignment]
    with pytest.raises(ShipwayError, match="lock of shop/staging was lost"):
        deploy(world.controller(), DeployRequest(second, STAGING))
    assert world.cluster.observe().serves(3)
