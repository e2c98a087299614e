"""The rights that `shipway render --rbac` prints: Shipway works with them, and not without any one of them."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from shipway.domain.config_file import ConfigFile
from shipway.domain.errors import ClusterError
from shipway.domain.tasks import Schedule
from shipway.domain.workload import CommandSpec, EnvironmentSpec
from shipway.drivers.platform import kubeconfig
from shipway.drivers.platform.kubernetes import Kubernetes
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_cluster import KubernetesCluster
from shipway.drivers.platform.object_names import MANAGER
from shipway.drivers.platform.rights import RBAC, RIGHTS, Object
from shipway.ports import Cluster
from shipway.testing.cluster import PATIENT, ClusterSuite, Lab, spec, up, workload
from tests import kubernetes
from tests.conformance.test_cluster import KubernetesLab
from tests.kubernetes import TestCluster
from tests.unit.drivers.test_kubernetes import FULL, spec_of

pytestmark = pytest.mark.kubernetes
EACH = [(group, name, verb) for (group, names), verbs in RIGHTS.items() for name in names for verb in verbs]


@pytest.fixture(scope="module")
def real() -> TestCluster:
    return kubernetes.cluster()


@pytest.fixture(scope="module")
def namespace(real: TestCluster) -> Iterator[str]:
    """Of an environment, as an administrator makes it from what the command prints."""
    with kubernetes.namespace(real) as name:
        for item in printed(name):
            real.api.apply(item)
        yield name


def printed(namespace: str) -> list[Object]:
    return list(YAML(typ="safe", pure=True).load_all(Kubernetes(namespace).rights("shop", "staging")))


def limited(real: TestCluster, namespace: str) -> KubernetesApi:
    """As the ServiceAccount."""
    made = real.api.ask(
        "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{MANAGER}/token", None,
        b'{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}',
    )  # fmt: skip
    access = dataclasses.replace(kubeconfig.find(), context="limited", user={"token": made["status"]["token"]})
    return KubernetesApi(access)


class TestWithTheseRights(ClusterSuite):
    @pytest.fixture
    def namespace(self, real: TestCluster) -> Iterator[str]:
        with kubernetes.namespace(real) as name:
            for item in printed(name):
                real.api.apply(item)
            yield name

    @pytest.fixture
    def cluster(self, real: TestCluster, namespace: str) -> Cluster:
        return KubernetesCluster(limited(real, namespace), "shop", "staging", namespace)

    @pytest.fixture
    def lab(self, real: TestCluster, namespace: str) -> Lab:
        return KubernetesLab(real, namespace)


@dataclasses.dataclass
class Everything:
    """All that a deployment does, with objects of every kind."""

    cluster: KubernetesCluster
    lab: KubernetesLab
    jobs: int = 0

    def wanted(self, release: int) -> EnvironmentSpec:
        files = {"/etc/shop.conf": ConfigFile.of(f"of {release}".encode())}
        web = workload(self.lab, "web", release, changed={"replicas": 2, "configs": files})
        every = Schedule("digest", "web", "true", "0 6 * * 1", "UTC")
        at = CommandSpec("digest", web, "true", schedule=every)
        return dataclasses.replace(spec(release, web), commands=(at,))

    def deploy(self) -> None:
        stores = dataclasses.replace(spec_of(FULL), app="shop", environment="staging", secrets=())
        self.cluster.prepare(stores, {})  # its volumes have no place in some clusters: nothing waits for it
        for release in (1, 2):
            up(self.cluster, self.wanted(release))
        assert self.cluster.logs("web", 2, 10)
        self.cluster.rest(1, web=False)
        self.cluster.remove(1)
        lines = list[str]()
        self.jobs += 1
        name = f"job-{self.jobs}"
        task = CommandSpec("task", self.wanted(2).workloads[0], "echo done")
        assert self.cluster.run_job(self.wanted(2), task, name, lines.append, threading.Event()) == 0
        self.cluster.remove_job(name)
        if lines != ["done"]:
            raise ClusterError("\n".join(lines))
        self.cluster.destroy()


@pytest.fixture(scope="module")
def everything(real: TestCluster, namespace: str) -> Everything:
    return Everything(
        KubernetesCluster(limited(real, namespace), "shop", "staging", namespace), KubernetesLab(real, namespace)
    )


def test_nothing_is_refused(everything: Everything) -> None:
    everything.deploy()


def refusal(everything: Everything) -> str:
    """What a deployment says; empty if nothing was refused."""
    try:
        everything.deploy()
    except ClusterError as error:
        return error.message
    return ""


@pytest.mark.parametrize(("group", "name", "verb"), EACH)
def test_each_is_needed_and_its_lack_is_named(
    real: TestCluster, namespace: str, everything: Everything, group: str, name: str, verb: str
) -> None:
    rules = [
        {"apiGroups": [of], "resources": [each], "verbs": [one]} for of, each, one in EACH if (of, each, one) != (group, name, verb)
    ]  # fmt: skip
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": MANAGER, "namespace": namespace}}
    real.api.apply({**role, "rules": rules}, force=True)
    deadline = time.monotonic() + PATIENT
    said = ""
    while f'cannot {verb} resource "{name}"' not in said:  # the server hears of a change after a while
        assert time.monotonic() < deadline, f"all of it works without this right; the last refusal: {said}"
        said = refusal(everything)
    assert "context limited may not do this" in said
