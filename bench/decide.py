"""To observe and decide a deployment of 50 services with three replicas each, beside a release that serves: on a host, on a
Swarm of three nodes, in a cluster. All of them in memory, so that only Shipway's own work is measured."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import Row, median
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.domain.plan import LOCAL, BuildSource, Environment, Health, Host, Service
from shipway.domain.platform import KUBERNETES, SWARM, cluster_host
from shipway.domain.release import Release
from tests.unit.actions.deployments.test_cluster import ClusterWorld
from tests.unit.domain import samples
from tests.unit.world import World

SERVICES, REPLICAS, RUNS = 50, 3, 15
GOAL = 0.1  # seconds
NODES = (Host(LOCAL, "10.0.0.1"), Host("ssh://b"), Host("ssh://c"))


def rows() -> list[Row]:
    """One for each platform."""
    return [
        Row(f"decide on {what}, {SERVICES} services × {REPLICAS} replicas", _decided(environment, world), "s", GOAL)
        for what, environment, world in (
            ("a host", samples.STAGING, World),
            ("a Swarm", dataclasses.replace(samples.STAGING, platform=SWARM, hosts=NODES), _on_nodes),
            ("a cluster", _in_cluster(), ClusterWorld),
        )
    ]


def _in_cluster() -> Environment:
    host = Host(cluster_host("shop", "staging", samples.STAGING.cluster))
    return dataclasses.replace(samples.STAGING, platform=KUBERNETES, hosts=(host,))


def _on_nodes(folder: Path) -> World:
    return World(folder, [host.name for host in NODES])


def _decided(environment: Environment, world: Callable[[Path], Any]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        made = world(Path(folder))
        made.waits = True  # by the machine's own clock
        deploy(made.controller(), DeployRequest(_release(made, 1, environment), environment))
        order = DeployRequest(_release(made, 2, environment), environment)
        ctx = made.controller()
        took = median(lambda: decide(ctx, order, create=False), RUNS)
        made.close()
        return took


def _release(world: World, number: int, environment: Environment) -> Release:
    plan = dataclasses.replace(
        samples.PLAN, environments={environment.name: environment}, database=None,
        services={
            f"service-{index}": Service(
                f"service-{index}", BuildSource("backend"), route=f"/{index}", port=8000, replicas=REPLICAS, secrets=("KEY",),
                health=Health("/ok", timeout=60.0),
            )
            for index in range(SERVICES)
        },
    )  # fmt: skip
    images = {name: f"registry/shop/{name}@sha256:{number:064d}" for name in plan.services}
    made = dataclasses.replace(samples.release(number), plan=plan, images=images, tree=f"tree-{number}", digest="")
    world.have(*images.values())
    return world.ledger.add_release(made)
