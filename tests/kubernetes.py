"""The cluster that tests marked `kubernetes` use: the one that KUBECONFIG names, as `make kubernetes` starts it."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from shipway.domain.errors import ClusterError
from shipway.drivers.platform import kubeconfig
from shipway.drivers.platform.kubernetes_api import KubernetesApi

HOW = "`make kubernetes` builds Kubernetes once (8 minutes of a processor), starts a cluster, and runs these tests; or set KUBECONFIG"


@dataclass(frozen=True)
class TestCluster:
    """image: of caddy, by its digest where the cluster's registry is the test's."""

    __test__ = False
    api: KubernetesApi
    image: str
    registry: str

    @property
    def own(self) -> bool:
        """Whether it is the tests' own, without a DNS server and without a provisioner of volumes."""
        return self.registry.startswith("127.0.0.1:")


def cluster() -> TestCluster:
    """The test fails where there is none."""
    try:
        api = KubernetesApi(kubeconfig.find())
        version = api.features().version
    except ClusterError as error:
        pytest.fail(f"no cluster answers: {error}\n{HOW}")
    print(f"against Kubernetes {version} at {api.server}")
    registry = os.environ.get("REGISTRY", "")
    return TestCluster(api, f"{registry}/caddy:2" if registry else "caddy:2", registry or "docker.io")


def own_cluster() -> TestCluster:
    """The tests' own, on whose node public names can lead to their Ingress controller."""
    found = cluster()
    if not found.own:
        pytest.skip(
            "this one needs the tests' own cluster, to whose node public names lead: `make kubernetes` without KUBECONFIG"
        )
    return found


@contextmanager
def namespace(found: TestCluster) -> Iterator[str]:
    """One of its own, which is gone afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    found.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        found.api.delete("v1", "Namespace", "", name)


@contextmanager
def volumes(found: TestCluster, count: int) -> Iterator[None]:
    """So many volumes for claims of at most 1Gi, in folders of the node, where nothing provides them."""
    names = [f"test-{uuid.uuid4().hex[:8]}" for _ in range(count if found.own else 0)]
    for name in names:
        spec = {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/var/lib/kubelet/{name}", "type": "DirectoryOrCreate"},
        }  # fmt: skip
        found.api.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})
    try:
        yield
    finally:
        for name in names:
            found.api.delete("v1", "PersistentVolume", "", name)


def kubectl(*words: str, given: object = None) -> str:
    """What it says."""
    text = json.dumps(given) if given is not None else None
    done = subprocess.run(["kubectl", *words], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
