"""An environment in a real cluster: deployed with its migrations, rolled back, followed, and destroyed, by the commands of any other."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator

import pytest

from tests import cluster_dns, kubernetes
from tests.kubernetes import TestCluster
from tests.system.clusters import Shop
from tests.system.conftest import Make

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(900)]

NAMES = {
    "web/migrations/0002_names.up.sql": "ALTER TABLE pets ADD COLUMN age integer;\n",
    "web/migrations/0002_names.down.sql": "ALTER TABLE pets DROP COLUMN age;\n",
}


@pytest.fixture(scope="module")
def real() -> Iterator[TestCluster]:
    found = kubernetes.cluster()
    if not found.own:
        yield found
        return
    with cluster_dns.serving(found.api):
        yield found


@pytest.fixture(scope="module")
def shop(make: Make, real: TestCluster) -> Iterator[Shop]:
    """Release 1 serves, with a database."""
    project = make(database=True)
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    project.plan["registry"] = {"address": f"{real.registry}/{project.app}"}
    project.plan["services"]["web"]["replicas"] = 2
    project.plan["environments"]["staging"] |= {
        "url": "http://shop.example", "platform": {"kubernetes": {"namespace": namespace, "storage": "1Gi"}}, "standby": "10m",
        "prove": "required",
    }  # fmt: skip
    with kubernetes.volumes(real, 4):
        project.protect()
        project.change("one")
        found = Shop(project, real, namespace)
        found.shipway("run", "staging")
        yield found
        found.shipway("destroy", "staging", "--force", check=False)
        real.api.delete("v1", "Namespace", "", namespace)


def test_1_the_first_release_serves_and_nothing_runs_on_this_machine(shop: Shop) -> None:
    assert shop.first_answer() == "one"
    assert shop.project.containers(role="service") == {}
    status = shop.shipway("status")
    assert "2/2" in status
    assert "db" in status
    assert shop.objects("Job", "batch/v1") == []


def test_2_a_release_that_never_is_healthy_gets_no_request_and_leaves_nothing(shop: Shop) -> None:
    shop.project.change("ill", health=500)
    with shop.asked() as heard:
        done = shop.project.shipway("run", "staging", check=False)
    assert done.code != 0
    assert "release 2 did not become healthy" in done.output
    assert set(heard) == {"one"}
    assert shop.objects("Deployment", "apps/v1") == ["web-r1"]


def test_3_a_release_whose_rollback_is_not_proven_is_refused(shop: Shop) -> None:
    shop.project.change("two", files={**NAMES, "web/migrations/0002_names.down.sql": "DROP TABLE nothing;\n"})
    done = shop.project.shipway("run", "staging", check=False)
    assert done.code != 0
    assert "nothing" in done.output
    assert shop.answer() == "one"


def test_4_a_proven_one_takes_over_with_its_migration_and_loses_no_request(shop: Shop) -> None:
    shop.project.change("two", files=NAMES)
    with shop.asked() as heard:
        done = shop.shipway("run", "staging")
        shop.until("two")
    assert "RESTORED" in done
    assert set(heard) == {"one", "two"}
    assert heard[-1] == "two"
    print(f"\n{len(heard)} requests during a deployment, none lost")


def test_5_a_rollback_is_a_switch(shop: Shop) -> None:
    with shop.asked() as heard:
        done = shop.shipway("rollback", "staging", "--reason", "too slow")
        shop.until("one")
    assert set(heard) == {"one", "two"}
    print("\n" + next(line for line in done.splitlines() if "all requests go to" in line))


def test_6_logs_and_what_a_cluster_has_not(shop: Shop) -> None:
    assert "I am one" in shop.shipway("logs", "staging")
    refused = shop.project.shipway("exec", "staging", "web", "--into", "--", "true", check=False)
    assert refused.code == 2
    assert "in a cluster" in refused.output


def test_7_destroy_leaves_nothing(shop: Shop) -> None:
    shop.shipway("destroy", "staging", "--force")
    until = time.monotonic() + 120
    while shop.objects("PersistentVolumeClaim"):  # a claim goes after its last pod
        assert time.monotonic() < until
        time.sleep(1)
    for kind, version in (
        ("Deployment", "apps/v1"),
        ("StatefulSet", "apps/v1"),
        ("Service", "v1"),
        ("PersistentVolumeClaim", "v1"),
    ):
        assert shop.objects(kind, version) == []
    secrets = [name for name in shop.objects("Secret") if not name.startswith("default-token")]
    assert secrets == []
    deployed = json.loads(shop.shipway("history", "staging", "--json"))
    assert deployed
