"""A real process, killed by SIGKILL in the middle of a deployment to a Swarm: one whole release keeps serving, and the next
command removes or completes what it left there. Say SHIPWAY_TEST_SEED=NUMBER to draw the same points again."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest

from examples.project import Done
from shipway.testing.faults import every
from tests import prepared
from tests.matrix import FULL
from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.deaths import ordered
from tests.system.swarms import URL, answers, project_on, swarm_of
from tests.system.tiny import Tiny, effects

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(0 if FULL else 500)]

POINTS = 5  # of all, in the usual run
SEED = int(os.environ.get("SHIPWAY_TEST_SEED") or time.time())
NEXT = [("retire", "staging", "--wait", "15"), ("doctor", "staging", "--fix", "--wait", "15")]
LEFT = {  # by what tells of it
    "services": "docker service ls --format '{{.Name}}'",
    "secrets": "docker secret ls --quiet | xargs -r docker secret inspect --format '{{index .Spec.Labels \"shipway.task\"}}'",
    "networks": "docker network ls --filter label=shipway.release --format '{{.Name}}'",
    "containers": "docker ps --all --filter status=created --format '{{.Names}}'",
}


@pytest.fixture(scope="module")
def swarm() -> Iterator[Nodes]:
    with swarm_of(2) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def shop(swarm: Nodes, make: Make) -> Tiny:
    """Release 1 serves; each release has a secret file, and a network of its own."""
    project = project_on(swarm, make, replicas=2)
    project.plan["environments"]["staging"]["secrets"] = ["KEY"]
    project.plan["services"]["web"] |= {"secrets": [{"name": "KEY", "as": "file"}], "drain": "1s"}
    project.protect()
    done = prepared.run(["secret", "set", "staging", "KEY"], project.where, project.env, merged=True, text="a key")
    assert done.returncode == 0, done.stdout
    project.change("1")
    project.shipway("run", "staging")
    return project


def there(nodes: Nodes, project: Tiny) -> dict[str, list[str]]:
    """What the Swarm keeps for the app."""
    found = {kind: nodes.ssh("node1", command).split() for kind, command in LEFT.items()}
    return {
        kind: sorted(name for name in names if project.app in name or "shipway-reader" in name)
        for kind, names in found.items()
    }


def whole(nodes: Nodes, project: Tiny, where: str) -> None:
    """Nothing is half done, and nothing is kept for services that are gone."""
    assert project.leases() == [], where
    history = project.deployments("staging")
    assert "pending" not in [item["outcome"] for item in history], where
    serving = str(next(item["release"] for item in history if item["outcome"] == "succeeded"))
    assert answers(nodes) == [serving] * len(nodes.names), where
    left = there(nodes, project)
    services = set(left["services"])
    releases = {name.split("_web_")[1].split("-")[0] for name in services}
    assert serving in releases, where
    assert set(left["secrets"]) == services, where
    assert len(left["secrets"]) == len(services), where
    assert {name.rpartition("_")[2] for name in left["networks"]} == releases, where
    assert len(left["networks"]) == len(releases), where
    assert left["containers"] == [], where
    checked = project.shipway("doctor", "staging", check=False)
    assert checked.code == 0, f"{where}\n{checked.output}"


def points(counted: Done) -> list[str]:
    """Of a command that has said how many effects it had, as orders to die."""
    found = [f"{at},{'after' if after else 'before'}" for at, after in every(effects(counted.output))]
    return found if FULL else sorted(random.Random(SEED).sample(found, POINTS))


def test_a_deployment(shop: Tiny, swarm: Nodes, capsys: pytest.CaptureFixture[str]) -> None:
    command, number = ("run", "staging"), 2
    shop.change(str(number))
    chosen = points(ordered(shop, "0", *command))
    with capsys.disabled():
        print(f"\nSHIPWAY_TEST_SEED={SEED}  {'  '.join(chosen)}")
    whole(swarm, shop, "before any death")
    for at, order in enumerate(chosen):
        number += 1
        following = NEXT[at % 2]
        where = f"seed {SEED}, {order}, then {' '.join(following)}"
        shop.change(str(number))
        with swarm.visitors(URL) as heard:
            died = ordered(shop, order, *command)
            then = shop.shipway(*following, check=False)
            where = f"{where}\n{died.output}\n{then.output}"
            assert then.code == 0, where
            whole(swarm, shop, where)
            again = shop.shipway(*command, check=False)
            assert again.code == 0, f"{where}\n{again.output}"
        assert {answer for found in heard.values() for answer in found} <= {str(number - 1), str(number)}, where
        assert answers(swarm) == [str(number)] * 2, where
        whole(swarm, shop, f"{where}\n{again.output}")
