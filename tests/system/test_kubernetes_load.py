"""Deployments and rollbacks in a real cluster under load, through an Ingress: no request is lost, on kept and on new connections,
with slow responses and websockets open."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest

from bench.load import FRESH, KEPT, SLOW, WEBSOCKET, Load
from bench.site import APPLICATION
from tests import cluster_dns, cluster_ingress, kubernetes, outer_engine
from tests.kubernetes import TestCluster
from tests.matrix import FULL
from tests.system.conftest import Make
from tests.system.tiny import Tiny, soon

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(0 if FULL else 900)]

ROUNDS = 20 if FULL else 3  # each is a deployment and a rollback
RATE = {KEPT: 40.0, FRESH: 40.0, SLOW: 2.0, WEBSOCKET: 2.0}  # started per second
AFTER = 3.0  # seconds after each command, in which the cluster still follows it


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
    found = kubernetes.own_cluster()
    outer_engine.bring("python:3.11-slim-bookworm")
    with cluster_dns.serving(found.api), cluster_ingress.serving(found.api):
        yield found


@pytest.fixture(scope="module", params=["0s", "10m"], ids=["ended", "standby"])
def site(request: pytest.FixtureRequest, make: Make, cluster: TestCluster) -> Iterator[Tiny]:
    """Release 1 serves. standby: whether the pods that are switched away from end at once."""
    project, namespace = make(), f"test-{uuid.uuid4().hex[:8]}"
    project.plan["registry"] = {"address": f"{cluster.registry}/{project.app}"}
    project.plan["services"]["web"] |= {"replicas": 2, "drain": "10s"}
    project.plan["environments"]["staging"] |= {
        "platform": {"kubernetes": {"namespace": namespace}}, "standby": request.param,
    }  # fmt: skip
    project.write({f"web/{name}": (APPLICATION / name).read_text() for name in ("Dockerfile", "server.py")})
    project.protect()
    version(project, 1)
    try:
        project.shipway("run", "staging")
        soon(lambda: answer(project) == "r1")
        yield project
    finally:
        project.shipway("destroy", "staging", "--force")
        cluster.api.delete("v1", "Namespace", "", namespace)


def version(project: Tiny, number: int) -> None:
    project.change(f"r{number}", files={"web/version": f"r{number}\n"})


def answer(project: Tiny) -> str:
    """Of the release that visitors reach."""
    return project.answer().partition("version ")[2].partition("\n")[0]


def test_no_request_is_lost(site: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    host = site.staging.partition("//")[2].partition(":")[0]
    with Load(host, cluster_ingress.PORT, RATE, limit=3600.0) as load:
        time.sleep(AFTER)
        for number in range(2, ROUNDS + 2):
            version(site, number)
            site.shipway("run", "staging")
            soon(lambda number=number: answer(site) == f"r{number}", 10)  # type: ignore[misc]
            time.sleep(AFTER)
            site.shipway("rollback", "staging")
            soon(lambda: answer(site) == "r1", 10)
            time.sleep(AFTER)
    with capsys.disabled():
        counts = ", ".join(f"{len(load.samples[kind])} {kind} ({load.lost(kind)} lost)" for kind in RATE)
        print(f"\n{ROUNDS} deployments and {ROUNDS} rollbacks: {counts}")
    assert load.failures() == ""
    assert {item.version for item in load.quick()} == {f"r{number}" for number in range(1, ROUNDS + 2)}
    assert all(len(load.samples[kind]) > RATE[kind] * AFTER * 2 * ROUNDS / 2 for kind in RATE)
