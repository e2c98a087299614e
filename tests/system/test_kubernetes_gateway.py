"""An environment at a Gateway, in a real cluster under load: canaries by weights, rollbacks, a killed canary, and a refused route. The
Gateway's controller is the tests' own, with the real Traefik."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from bench.load import FRESH, KEPT, Load
from bench.site import APPLICATION
from tests import cluster_dns, cluster_gateway, cluster_ingress, kubernetes, outer_engine
from tests.kubernetes import TestCluster
from tests.matrix import FULL
from tests.system.clusters import Shop
from tests.system.conftest import Make
from tests.system.test_kubernetes_load import answer, version
from tests.system.tiny import Tiny, soon

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(0 if FULL else 900)]

ROUNDS = 20 if FULL else 2  # each is a canary and a rollback
RATE = {KEPT: 40.0, FRESH: 40.0}  # started per second


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
    found = kubernetes.own_cluster()
    outer_engine.bring("python:3.11-slim-bookworm")
    with cluster_gateway.defined(found.api), cluster_dns.serving(found.api), cluster_ingress.serving(found.api):
        yield found


@pytest.fixture(scope="module")
def shop(make: Make, cluster: TestCluster) -> Iterator[Shop]:
    """Release 1 serves at the Gateway."""
    project, namespace = make(), f"test-{uuid.uuid4().hex[:8]}"
    project.plan["registry"] = {"address": f"{cluster.registry}/{project.app}"}
    project.plan["services"]["web"] |= {"replicas": 2, "drain": "5s"}
    project.plan["environments"]["staging"] |= {
        "platform": {"kubernetes": {"namespace": namespace, "gateway": "infra/public"}}, "standby": "10m",
        "strategy": {"kind": "canary", "steps": ["30%"], "hold": "6s"},
    }  # fmt: skip
    project.write({f"web/{name}": (APPLICATION / name).read_text() for name in ("Dockerfile", "server.py")})
    project.protect()
    version(project, 1)
    try:
        project.shipway("run", "staging")
        soon(lambda: answer(project) == "r1")
        yield Shop(project, cluster, namespace)
    finally:
        project.shipway("destroy", "staging", "--force")
        cluster.api.delete("v1", "Namespace", "", namespace)


def shares(project: Tiny, count: int = 200) -> Counter[str]:
    """Releases that answer so many visitors."""
    return Counter(answer(project) for _ in range(count))


def test_1_canaries_and_rollbacks_lose_no_request(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    project = shop.project
    host = project.staging.partition("//")[2].partition(":")[0]
    seen = []
    with Load(host, cluster_ingress.PORT, RATE, limit=3600.0) as load:
        for number in range(2, ROUNDS + 2):
            version(project, number)
            running = project.start("run", "staging")
            running.until("30% of the requests", seconds=180)
            seen.append(shares(project))
            assert running.end(seconds=180).code == 0
            soon(lambda number=number: set(shares(project, 20)) == {f"r{number}"}, 10)  # type: ignore[misc]
            assert shop.objects("Service") == ["web"]
            project.shipway("rollback", "staging", "--reason", "of the test")
            soon(lambda: set(shares(project, 20)) == {"r1"}, 10)
    with capsys.disabled():
        counts = ", ".join(f"{len(load.samples[kind])} {kind} ({load.lost(kind)} lost)" for kind in RATE)
        print(f"\n{ROUNDS} canaries and {ROUNDS} rollbacks: {counts}; visitors at 30%: {[dict(each) for each in seen]}")
    assert load.failures() == ""
    assert all(set(each) == {"r1", f"r{number}"} for number, each in enumerate(seen, 2))
    assert all(0.15 < each[f"r{number}"] / each.total() < 0.45 for number, each in enumerate(seen, 2))


def test_2_a_killed_canary_is_ended_by_the_next_command(shop: Shop) -> None:
    project = shop.project
    version(project, 50)
    running = project.start("run", "staging")
    running.until("30% of the requests", seconds=180)
    running.kill()
    assert set(shares(project)) == {"r1", "r50"}
    project.shipway("doctor", "staging", "--fix", "--wait", "15")
    soon(lambda: set(shares(project, 20)) == {"r1"}, 10)
    assert shop.objects("Service") == ["web"]
    assert project.shipway("doctor", "staging", check=False).code == 0
    assert not [name for name in shop.objects("Deployment", "apps/v1") if name.endswith("-r50")]


def test_3_a_route_that_the_gateway_refuses_is_told_with_its_reason(shop: Shop) -> None:
    project = shop.project
    where = project.plan["environments"]["staging"]
    where["aliases"], strategy = [cluster_gateway.STRANGE], where.pop("strategy")
    project.protect()
    version(project, 60)
    done = project.shipway("run", "staging", check=False)
    assert done.code != 0
    assert "NoMatchingListenerHostname" in done.output
    assert "a listener of the Gateway must have these host names" in done.output
    soon(lambda: set(shares(project, 20)) == {"r1"}, 10)  # the proxies follow a moment later
    assert len(shop.objects("HTTPRoute", f"{cluster_gateway.GROUP}/v1")) == 1
    del where["aliases"]
    where["strategy"] = strategy
    project.protect()


def test_4_destroy_leaves_no_route(shop: Shop) -> None:
    shop.project.shipway("destroy", "staging", "--force")
    assert shop.objects("HTTPRoute", f"{cluster_gateway.GROUP}/v1") == []
    assert shop.objects("Service") == []
