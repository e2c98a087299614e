"""Deployments and rollbacks on a Swarm of three nodes, beside `docker service update` and `rollback` of a service of the same size
there. All commands end when what they changed has converged."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.measure import Row, seconds
from tests.nodes import Nodes
from tests.system.swarms import project_on, swarm_of
from tests.system.tiny import Tiny

REPLICAS, ROUNDS = 3, 4
PEER = "peer"
ANSWER = "caddy respond --listen :8000 --body"
HEALTH = "wget -q -O /dev/null http://127.0.0.1:8000/"
DEPLOY, ROLLBACK = 1.0, 0.3  # of the peer's time


def rows() -> list[Row]:
    """Ours, the peer's, and the ratios."""
    if os.geteuid() != 0:
        print("on_swarm is omitted: the nodes need root", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder, swarm_of(3) as nodes:
        return compared("Swarm", "docker service update", "docker service rollback", *_measured(Path(folder), nodes))


def _measured(folder: Path, nodes: Nodes) -> tuple[Tiny, Callable[[], object], Callable[[], object]]:
    project = project_on(nodes, lambda: made_in(folder), replicas=REPLICAS)
    deployed(project)
    nodes.ssh(
        "node1",
        f"docker service create --quiet --name {PEER} --replicas {REPLICAS} --update-order start-first --update-parallelism 0 "
        "--update-monitor 500ms --rollback-order start-first --rollback-parallelism 0 --rollback-monitor 500ms "
        f"--health-cmd '{HEALTH}' --health-interval 250ms --health-retries 20 --no-resolve-image caddy:2 {ANSWER} one",
    )
    numbers = iter(range(2, 1000))
    return (
        project,
        lambda: nodes.ssh(
            "node1", f"docker service update --quiet --no-resolve-image --args '{ANSWER} {next(numbers)}' {PEER}"
        ),
        lambda: nodes.ssh("node1", f"docker service rollback --quiet {PEER}"),
    )


def made_in(folder: Path) -> Tiny:
    """A project in a new folder, of which nothing is deployed."""
    project = Tiny(folder / "project")
    project.create()
    return project


def deployed(project: Tiny) -> None:
    """Release 2 serves, and release 1 can serve again."""
    project.protect()
    for name in ("one", "two"):
        project.change(name)
        project.shipway("run", "staging")


def compared(
    where: str, update: str, undo: str, project: Tiny, forward: Callable[[], object], back: Callable[[], object]
) -> list[Row]:
    """Medians of deployments that start all containers, and of rollbacks, in turn with the peer's."""

    def deploy() -> None:
        project.shipway("deploy", "staging", "r2", "--resume")

    def rollback() -> None:
        project.shipway("rollback", "staging")

    taken: dict[str, list[float]] = {name: [] for name in ("deploy", "rollback", "update", "undo")}
    try:
        for _ in range(ROUNDS):
            taken["rollback"].append(seconds(rollback))
            project.shipway("retire", "staging")
            taken["update"].append(seconds(forward))
            taken["deploy"].append(seconds(deploy))
            taken["undo"].append(seconds(back))
    finally:
        project.destroy()
    ours, its, our_way_back, its_way_back = (
        statistics.median(taken[name]) for name in ("deploy", "update", "rollback", "undo")
    )
    return [
        Row(f"{where}: {update}", its, "s"),
        Row(f"{where}: {undo}", its_way_back, "s"),
        Row(f"{where}: shipway deploy / {update}", ours / its, "×", DEPLOY),
        Row(f"{where}: shipway rollback / {undo}", our_way_back / its_way_back, "×", ROLLBACK),
    ]
