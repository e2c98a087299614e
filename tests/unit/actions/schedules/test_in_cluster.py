"""Jobs on a schedule in a cluster, which starts them itself."""

from __future__ import annotations

import dataclasses

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.schedules.overview import overview
from shipway.actions.schedules.run_now import run_now
from shipway.actions.schedules.tick import tick
from shipway.actions.upkeep.doctor import examine
from shipway.domain.container import LABEL_ROLE
from shipway.domain.errors import UsageError
from shipway.domain.tasks import Schedule, Task
from tests.unit.actions.deployments.test_cluster import STAGING, ClusterWorld, world

__all__ = ["world"]


def test_a_job_is_started_by_the_cluster_alone(world: ClusterWorld) -> None:
    job = Schedule("digest", "backend", "send digest", "*/10 * * * *")
    there = dataclasses.replace(STAGING, schedules={"digest": job})
    deploy(world.controller(), DeployRequest(world.release(1, "0001", there), there))
    world.now += 3600
    assert tick(world.controller()) == []
    assert not [item for item in world.jobs.runtime.list({}) if item.labels.get(LABEL_ROLE) == "schedule"]
    assert world.ledger.scheduled_runs("shop", "staging", "digest", 10) == []
    (shown,) = overview(world.controller(), "shop", "staging")
    assert (shown.overdue, shown.next is None) == (None, False)
    with pytest.raises(UsageError, match="CronJob") as said:
        run_now(world.controller(), "shop", "staging", "digest")
    assert "kubectl -n shop-staging create job --from=cronjob/digest digest-now" in said.value.hint


def test_its_own_secrets_are_there_and_those_of_tasks_are_not(world: ClusterWorld) -> None:
    job = Schedule("digest", "backend", "send digest", "*/10 * * * *", secrets=("MAIL",))
    there = dataclasses.replace(
        STAGING, schedules={"digest": job}, before_switch=(Task("backend", "true", ("WARM",)),), seed=None
    )
    for name in ("MAIL", "WARM"):
        world.secrets(world.ledger).set("shop/staging", name, f"value of {name}")
    release = world.release(1, "0001", there)
    world.have(release.images["backend"])
    for network in ("shipway_shop_staging", "shipway_shop_staging_rotation"):  # which stand for the namespace
        world.jobs.runtime.ensure_network(network, {})
    deploy(world.controller(), DeployRequest(release, there))
    assert {ref.name: value for ref, value in world.cluster.secrets.items()}["MAIL"] == "value of MAIL"
    assert "WARM" not in {ref.name for ref in world.cluster.secrets}
    assert examine(world.controller(), "shop", there) == []
