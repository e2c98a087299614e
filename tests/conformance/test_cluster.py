"""Clusters: in memory, and a real control plane of Kubernetes with a node."""

from __future__ import annotations

import pytest

from shipway.ports import Cluster
from shipway.testing.cluster import ClusterSuite, Lab
from shipway.testing.memory_cluster import MemoryCluster


class MemoryLab:
    image = missing = respond = "of no account"
    trouble = False

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
