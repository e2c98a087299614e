"""Clusters: in memory, and a real control plane of Kubernetes with a node."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from shipway.drivers.platform.kubernetes_cluster import KubernetesCluster
from shipway.ports import Cluster
from shipway.testing.cluster import ClusterSuite, Lab
from shipway.testing.memory_cluster import MemoryCluster
from tests import kubernetes
from tests.kubernetes import TestCluster


class MemoryLab:
    image = missing = respond = "of no account"

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster

    def answer(self, service: str) -> str | None:
        return self._cluster.answer(service)

    def troubled(self, release: int, text: str) -> None:
        self._cluster.troubles[release] = text

    def obstruct(self, service: str) -> None:
        self._cluster.refused.add(service)


class TestMemory(ClusterSuite):
    @pytest.fixture
    def cluster(self) -> Cluster:
        return MemoryCluster()

    @pytest.fixture
    def lab(self, cluster: MemoryCluster) -> Lab:
        return MemoryLab(cluster)


@pytest.fixture(scope="session")
def real() -> TestCluster:
    return kubernetes.cluster()


class KubernetesLab:
    """Requests go by the cluster's own API, as `kubectl` would send them."""

    respond = 'exec caddy respond --listen :8000 "$TEXT"'

    def __init__(self, real: TestCluster, namespace: str) -> None:
        self._real, self._namespace = real, namespace
        self._known: set[str] = set()
        self.image, self.missing = real.image, f"{real.registry}/none/such:1"

    def answer(self, service: str) -> str | None:
        found = self._real.api.get("v1", "Service", self._namespace, service)
        if found is None:
            return None
        address = f"http://{found['spec']['clusterIP']}:8000/"
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                self._known.add(address)
                return str(answer.read().decode())
        except OSError:
            if address in self._known:
                raise  # a request is lost
            return None  # the node hasn't heard of a new address yet

    def troubled(self, release: int, text: str) -> None:
        """It finds out."""

    def obstruct(self, service: str) -> None:
        found = self._real.api.get("v1", "Service", self._namespace, service)
        assert found is not None
        item = {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": service, "namespace": self._namespace},
            "spec": {"selector": found["spec"]["selector"]},
        }  # fmt: skip
        self._real.api.apply(item, force=True, manager="somebody")


@pytest.mark.kubernetes
class TestKubernetes(ClusterSuite):
    @pytest.fixture
    def namespace(self, real: TestCluster) -> Iterator[str]:
        with kubernetes.namespace(real) as name:
            yield name

    @pytest.fixture
    def cluster(self, real: TestCluster, namespace: str) -> Cluster:
        return KubernetesCluster(real.api, "shop", "staging", namespace)

    @pytest.fixture
    def lab(self, real: TestCluster, namespace: str) -> Lab:
        return KubernetesLab(real, namespace)
