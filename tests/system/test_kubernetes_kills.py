"""A real process, killed by SIGKILL in the middle of a deployment to a real cluster: one whole release keeps serving, and the next
command removes or completes what it left there. Say SHIPWAY_TEST_SEED=NUMBER to draw the same points again."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from collections.abc import Iterator

import pytest

from examples.project import Done
from shipway.drivers.platform.object_names import RELEASE
from shipway.testing.faults import every
from tests import kubernetes, prepared
from tests.matrix import FULL
from tests.system.clusters import Shop
from tests.system.conftest import Make
from tests.system.deaths import ordered
from tests.system.tiny import effects, soon

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(0 if FULL else 900)]

POINTS = 5  # of all, in the usual run
SEED = int(os.environ.get("SHIPWAY_TEST_SEED") or time.time())
NEXT = [("retire", "staging", "--wait", "15"), ("doctor", "staging", "--fix", "--wait", "15")]


@pytest.fixture(scope="module")
def shop(make: Make) -> Iterator[Shop]:
    """Release 1 serves: replicas of a web service with a secret file, and a worker."""
    real, project, namespace = kubernetes.cluster(), make(), f"test-{uuid.uuid4().hex[:8]}"
    project.plan["registry"] = {"address": f"{real.registry}/{project.app}"}
    project.plan["environments"]["staging"] |= {
        "url": "http://shop.example", "platform": {"kubernetes": {"namespace": namespace}}, "standby": "10m", "secrets": ["KEY"],
    }  # fmt: skip
    web = project.plan["services"]["web"]
    web |= {"replicas": 2, "secrets": [{"name": "KEY", "as": "file"}], "drain": "1s"}
    project.plan["services"]["worker"] = {"build": "web", "stop": "1s"}
    project.protect()
    done = prepared.run(["secret", "set", "staging", "KEY"], project.where, project.env, merged=True, text="a key")
    assert done.returncode == 0, done.stdout
    project.change("1")
    found = Shop(project, real, namespace)
    try:
        found.shipway("run", "staging")
        found.first_answer()
        yield found
    finally:
        found.shipway("destroy", "staging", "--force", check=False)
        real.api.delete("v1", "Namespace", "", namespace)


def whole(shop: Shop, where: str) -> None:
    """Nothing is half done, and nothing is kept for releases that are gone."""
    project = shop.project
    assert project.leases() == [], where
    history = project.deployments("staging")
    assert "pending" not in [item["outcome"] for item in history], where
    serving = next(item["release"] for item in history if item["outcome"] == "succeeded")
    (service,) = shop.real.api.list("v1", "Service", shop.namespace)
    assert service["spec"]["selector"][RELEASE] == str(serving), where
    shop.until(str(serving))
    standing = shop.real.api.list("apps/v1", "Deployment", shop.namespace)
    running = {item["metadata"]["name"]: item["spec"]["replicas"] for item in standing}
    assert running[f"web-r{serving}"] == 2, where
    assert running[f"worker-r{serving}"] == 1, where
    others = {name.rpartition("-r")[2] for name in running} - {str(serving)}
    assert len(others) <= 1, where  # the one that a rollback leads to
    assert [running[name] for name in running if name.startswith("worker-") and name != f"worker-r{serving}"] in (
        [],
        [0],
    ), where
    assert sorted(running) == sorted(f"{name}-r{each}" for each in (serving, *others) for name in ("web", "worker")), (
        where
    )
    assert shop.objects("Job", "batch/v1") == [], where
    budgets = shop.objects("PodDisruptionBudget", shop.real.api.features().budget)
    assert budgets == sorted(f"web-r{each}" for each in (serving, *others)), where
    keys = [name for name in shop.objects("Secret") if not name.startswith("default-token")]
    assert len(keys) == 1, f"{where}\n{keys}"
    checked = project.shipway("doctor", "staging", check=False)
    assert checked.code == 0, f"{where}\n{checked.output}"


def points(counted: Done) -> list[str]:
    """Of a command that has said how many effects it had, as orders to die."""
    found = [f"{at},{'after' if after else 'before'}" for at, after in every(effects(counted.output))]
    return found if FULL else sorted(random.Random(SEED).sample(found, POINTS))


def test_a_deployment(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    command, number, project = ("run", "staging"), 2, shop.project
    project.change(str(number))
    counted = ordered(project, "0", *command)
    chosen = points(counted)
    with capsys.disabled():
        print(f"\nSHIPWAY_TEST_SEED={SEED}  {effects(counted.output)} effects: {'  '.join(chosen)}")
    whole(shop, "before any death")
    killed = 0
    for at, order in enumerate(chosen):
        number += 1
        following = NEXT[at % 2]
        where = f"seed {SEED}, {order}, then {' '.join(following)}"
        project.change(str(number))
        with shop.asked() as heard:
            died = ordered(project, order, *command)
            killed += died.code == -signal.SIGKILL
            then = project.shipway(*following, check=False)
            where = f"{where}\n{died.output}\n{then.output}"
            assert then.code == 0, where
            whole(shop, where)
            again = project.shipway(*command, check=False)
            assert again.code == 0, f"{where}\n{again.output}"
            soon(lambda number=number: shop.answer() == str(number), 30)  # type: ignore[misc]
        assert set(heard) == {str(number - 1), str(number)}, where
        whole(shop, f"{where}\n{again.output}")
    assert killed > 0
