"""Kubernetes itself: what a real API server accepts and refuses, what a dead controller leaves, and requests during a switch."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import ClusterError, DeployFailed
from shipway.domain.workload import CommandSpec, EnvironmentSpec
from shipway.drivers.platform import kubeconfig
from shipway.drivers.platform.kubernetes import Kubernetes
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_cluster import KubernetesCluster
from shipway.testing.cluster import PATIENT, VALUES, shop, spec, up, workload
from tests import kubernetes
from tests.conformance.test_cluster import KubernetesLab
from tests.kubernetes import TestCluster
from tests.unit.drivers.test_kubernetes import FULL, spec_of

pytestmark = pytest.mark.kubernetes
ROOT = Path(__file__).parents[2]
JOB = "echo begun; sleep 12; echo over"
CONTROLLER = """
import sys, threading
from shipway.testing.cluster import VALUES
from tests import kubernetes
from tests.conformance.test_kubernetes import JOB, KubernetesCluster, KubernetesLab, shop, CommandSpec
real = kubernetes.cluster()
cluster, wanted = KubernetesCluster(real.api, "shop", "staging", sys.argv[1]), shop(KubernetesLab(real, sys.argv[1]), 1)
cluster.prepare(wanted, VALUES)
told = lambda line: print("TOLD", line, flush=True)
cluster.run_job(wanted, CommandSpec("task", wanted.workloads[0], JOB), "task-1", told, threading.Event())
"""


@pytest.fixture(scope="module")
def real() -> TestCluster:
    return kubernetes.cluster()


@pytest.fixture
def namespace(real: TestCluster) -> Iterator[str]:
    with kubernetes.namespace(real) as name:
        yield name


@pytest.fixture
def cluster(real: TestCluster, namespace: str) -> KubernetesCluster:
    return KubernetesCluster(real.api, "shop", "staging", namespace)


@pytest.fixture
def lab(real: TestCluster, namespace: str) -> KubernetesLab:
    return KubernetesLab(real, namespace)


def test_the_server_accepts_every_object(real: TestCluster, namespace: str) -> None:
    accepted = set()
    for item in Kubernetes(namespace, has=real.api.features()).objects(spec_of(FULL)):
        real.api.apply(item, dry=True)
        accepted.add(item["kind"])
    assert accepted == {
        "Namespace", "NetworkPolicy", "StatefulSet", "Service", "PersistentVolumeClaim", "ConfigMap", "Job", "Deployment",
        "PodDisruptionBudget", "CronJob", "Ingress",
    }  # fmt: skip


def test_fields_that_others_have_set(
    real: TestCluster, cluster: KubernetesCluster, lab: KubernetesLab, namespace: str
) -> None:
    wanted = spec(1, workload(lab, "web", 1))
    up(cluster, wanted)
    kubernetes.kubectl("-n", namespace, "patch", "deployment", "web-r1", "-p", '{"spec": {"replicas": 3}}')
    with pytest.raises(
        ClusterError, match=r"(?s)Deployment web-r1 has fields that others have set.*\.spec\.replicas"
    ) as caught:
        cluster.start(wanted)
    assert caught.value.conflict
    cluster.start(wanted, force=True)
    assert [item.replicas for item in cluster.observe().standing] == [1]


def test_a_quota_that_is_full(
    real: TestCluster, cluster: KubernetesCluster, lab: KubernetesLab, namespace: str
) -> None:
    quota: dict[str, Any] = {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": namespace},
        "spec": {"hard": {"pods": "0"}},
    }  # fmt: skip
    real.api.apply(quota)
    wanted = spec(1, workload(lab, "web", 1))
    cluster.prepare(wanted, VALUES)
    deadline = time.monotonic() + PATIENT  # the server begins to count after a while
    while "used" not in (real.api.get("v1", "ResourceQuota", namespace, "small") or {}).get("status", {}):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    cluster.start(wanted)
    with pytest.raises(DeployFailed, match=r"quota has no room.*exceeded quota: small"):
        cluster.healthy(wanted, PATIENT, threading.Event())
    task = CommandSpec("task", wanted.workloads[0], "echo never")
    with pytest.raises(DeployFailed, match=r"can't start: .*quota has no room"):
        cluster.run_job(wanted, task, "task-1", print, threading.Event())


def start_again_and_again(cluster: KubernetesCluster, wanted: EnvironmentSpec) -> None:
    """Until it is refused: the server hears of a new rule after a while."""
    deadline = time.monotonic() + PATIENT
    while time.monotonic() < deadline:
        cluster.start(wanted)
        time.sleep(0.2)


def test_a_webhook_that_does_not_answer(
    real: TestCluster, cluster: KubernetesCluster, lab: KubernetesLab, namespace: str
) -> None:
    hook: dict[str, Any] = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": namespace},
        "webhooks": [{
            "name": "rules.tests.example", "clientConfig": {"url": "https://127.0.0.1:9/"}, "failurePolicy": "Fail",
            "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}],
            "namespaceSelector": {"matchLabels": {"test": namespace}}, "sideEffects": "None", "timeoutSeconds": 1,
            "admissionReviewVersions": ["v1"],
        }],
    }  # fmt: skip
    kubernetes.kubectl("label", "namespace", namespace, f"test={namespace}")
    kubernetes.kubectl("create", "-f", "-", given=hook)
    try:
        wanted = spec(1, workload(lab, "web", 1))
        cluster.prepare(wanted, VALUES)
        with pytest.raises(ClusterError, match=r"Deployment web-r1: a webhook of the cluster.*rules.tests.example"):
            start_again_and_again(cluster, wanted)
    finally:
        kubernetes.kubectl("delete", "validatingwebhookconfiguration", namespace)


def test_who_may_not_is_told_so(real: TestCluster, namespace: str) -> None:
    contexts = kubernetes.kubectl("config", "get-contexts", "-o", "name").split()
    if "reader" not in contexts:
        pytest.skip("the cluster of KUBECONFIG has no context `reader` without rights")
    other = KubernetesCluster(KubernetesApi(kubeconfig.find("reader")), "shop", "staging", namespace)
    with pytest.raises(ClusterError, match=r"context reader may not do this: .*cannot list resource"):
        other.observe()


def test_a_job_outlives_its_controller_and_is_adopted(
    real: TestCluster, cluster: KubernetesCluster, lab: KubernetesLab, namespace: str
) -> None:
    words = [sys.executable, "-c", CONTROLLER, namespace]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as controller:
        assert controller.stdout is not None
        first = next(line for line in controller.stdout if line.startswith("TOLD"))
        controller.send_signal(signal.SIGKILL)
    assert first == "TOLD begun\n"
    assert cluster.observe().jobs == ("task-1",)
    wanted, lines = shop(lab, 1), list[str]()
    task = CommandSpec("task", wanted.workloads[0], JOB)
    assert cluster.run_job(wanted, task, "task-1", lines.append, threading.Event()) == 0
    assert lines == ["begun", "over"]
    assert len(real.api.list("v1", "Pod", namespace, {"job-name": "task-1"})) == 1


def test_no_request_is_lost_while_releases_take_turns(
    real: TestCluster, cluster: KubernetesCluster, lab: KubernetesLab, namespace: str
) -> None:
    up(cluster, spec(1, workload(lab, "web", 1)))
    found = real.api.get("v1", "Service", namespace, "web")
    assert found is not None
    address = f"http://{found['spec']['clusterIP']}:8000/"
    deadline = time.monotonic() + PATIENT
    while lab.answer("web") != "web of 1":
        assert time.monotonic() < deadline
    begun, times = time.monotonic(), list[str]()
    over, lost, answered = threading.Event(), list[str](), list[str]()

    def visit() -> None:
        # Fewer connections than a client has ports: the node remembers for two minutes where each of them led.
        while not over.wait(0.02):
            asked = time.monotonic() - begun
            try:
                with urllib.request.urlopen(address, timeout=20) as answer:
                    answered.append(answer.read().decode())
            except OSError as error:
                lost.append(f"{asked:.1f} to {time.monotonic() - begun:.1f} s: {error}")

    visitors = [threading.Thread(target=visit) for _ in range(2)]
    for each in visitors:
        each.start()
    try:
        for release in range(2, 6):
            up(cluster, spec(release, workload(lab, "web", release)))
            times.append(f"{time.monotonic() - begun:.1f} s: {release}")
            cluster.remove(release - 1)
    finally:
        time.sleep(8)  # the last removed pod has ended
        over.set()
        for each in visitors:
            each.join()
    print(f"{len(answered)} answers, {len(lost)} lost; switched {times}")
    assert lost == []
    assert {f"web of {release}" for release in range(1, 6)} <= set(answered)
