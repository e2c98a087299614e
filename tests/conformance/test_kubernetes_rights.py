"""The rights that `shipway render --rbac` prints: Shipway works with them, and not without any one of them."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from ruamel.yaml import YAML

from shipway.domain.config_file import ConfigFile
from shipway.domain.errors import ClusterError, DeployFailed
from shipway.domain.tasks import Schedule
from shipway.domain.workload import CommandSpec, EnvironmentSpec
from shipway.drivers.platform import kubeconfig
from shipway.drivers.platform.kubernetes import Kubernetes
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_cluster import KubernetesCluster
from shipway.drivers.platform.object_names import MANAGER
from shipway.drivers.platform.rights import RBAC, RIGHTS, Object
from shipway.ports import Cluster
from shipway.testing.cluster import PATIENT, VALUES, ClusterSuite, Lab, spec, up, workload
from tests import kubernetes
from tests.conformance.test_cluster import KubernetesLab
from tests.kubernetes import TestCluster
from tests.unit.drivers.test_kubernetes import FULL, spec_of

pytestmark = pytest.mark.kubernetes
EACH = [(group, name, verb) for (group, names), verbs in RIGHTS.items() for name in names for verb in verbs]

METHODS = {"get": ("GET",), "list": ("GET",), "create": ("PATCH", "POST"), "patch": ("PATCH",), "delete": ("DELETE",)}


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


def limited(real: TestCluster, namespace: str) -> kubeconfig.Access:
    """As the ServiceAccount."""
    made = real.api.ask(
        "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{MANAGER}/token", None,
        b'{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}',
    )  # fmt: skip
    return dataclasses.replace(kubeconfig.find(), context="limited", user={"token": made["status"]["token"]})


class TestWithTheseRights(ClusterSuite):
    @pytest.fixture
    def namespace(self, real: TestCluster) -> Iterator[str]:
        with kubernetes.namespace(real) as name:
            for item in printed(name):
                real.api.apply(item)
            yield name

    @pytest.fixture
    def cluster(self, real: TestCluster, namespace: str) -> Cluster:
        return KubernetesCluster(KubernetesApi(limited(real, namespace)), "shop", "staging", namespace)

    @pytest.fixture
    def lab(self, real: TestCluster, namespace: str) -> Lab:
        return KubernetesLab(real, namespace)


class Recording(KubernetesApi):
    """Keeps what it asks."""

    def __init__(self, access: kubeconfig.Access) -> None:
        super().__init__(access)
        self.asked: dict[tuple[str, str], tuple[bytes | None, Mapping[str, str]]] = {}

    def _answer(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], what: str) -> bytes:
        self.asked[method, target] = body, headers
        return super()._answer(method, target, body, headers, what)

    def refusals(self, methods: Sequence[str], resource: str) -> list[str]:
        """Of what was asked by these methods about a resource, when it is asked once more and changes nothing."""
        found = []
        for (method, target), (body, headers) in self.asked.items():
            path, _, query = target.partition("?")
            if method not in methods or f"/{resource.partition('/')[2] or resource}" not in path:
                continue
            more = "" if method == "GET" else "dryRun=All"
            try:
                super()._answer(method, f"{path}?{'&'.join(filter(None, (query, more)))}", body, headers, resource)
            except ClusterError as error:
                found.append(error.message)
        return found


@contextmanager
def no_pods(real: TestCluster, namespace: str) -> Iterator[None]:
    """The namespace takes none."""
    own = ("v1", "ResourceQuota", namespace, "none")
    metadata = {"name": "none", "namespace": namespace}
    real.api.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "0"}}})
    deadline = time.monotonic() + PATIENT
    while "used" not in (real.api.get(*own) or {}).get("status", {}):  # the server begins to count after a while
        assert time.monotonic() < deadline
        time.sleep(0.2)
    try:
        yield
    finally:
        real.api.delete(*own)


@dataclasses.dataclass
class Everything:
    """All that a deployment does, with objects of every kind."""

    real: TestCluster
    namespace: str
    cluster: KubernetesCluster
    lab: KubernetesLab
    api: Recording
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
        assert self.run("echo done") == ["done"]
        with no_pods(self.real, self.namespace), pytest.raises(DeployFailed, match="quota has no room"):
            self.run("echo never")
        self.cluster.destroy()

    def run(self, command: str, code: int = 0) -> list[str]:
        """What a command prints."""
        lines, wanted = list[str](), self.wanted(2)
        self.jobs += 1
        name, task = f"job-{self.jobs}", CommandSpec("task", wanted.workloads[0], command)
        self.cluster.prepare(wanted, VALUES)
        assert self.cluster.run_job(wanted, task, name, lines.append, threading.Event()) == code
        self.cluster.remove_job(name)
        return lines


@pytest.fixture(scope="module")
def everything(real: TestCluster, namespace: str) -> Everything:
    api = Recording(limited(real, namespace))
    cluster = KubernetesCluster(api, "shop", "staging", namespace)
    return Everything(real, namespace, cluster, KubernetesLab(real, namespace), api)


@pytest.fixture(scope="module")
def asked(everything: Everything) -> Recording:
    """With all that a deployment asks; nothing is refused."""
    everything.deploy()
    return everything.api


def grant(real: TestCluster, namespace: str, rights: Sequence[tuple[str, str, str]]) -> None:
    rules = [{"apiGroups": [group], "resources": [name], "verbs": [verb]} for group, name, verb in rights]
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": MANAGER, "namespace": namespace}}
    real.api.apply({**role, "rules": rules}, force=True)


@pytest.mark.parametrize("right", EACH, ids=" ".join)
def test_each_is_needed_and_its_lack_is_named(
    real: TestCluster, namespace: str, asked: Recording, right: tuple[str, str, str]
) -> None:
    _, name, verb = right
    grant(real, namespace, [item for item in EACH if item != right])
    deadline = time.monotonic() + PATIENT
    while True:  # the server hears of a change after a while
        found = [text for text in asked.refusals(METHODS[verb], name) if f'cannot {verb} resource "{name}"' in text]
        if found:
            break
        assert time.monotonic() < deadline, "nothing that a deployment asks needs this right"
    assert all("context limited may not do this" in text for text in found)


def test_a_command_whose_output_can_not_be_read_says_so(
    real: TestCluster, namespace: str, everything: Everything
) -> None:
    lines: list[str] = []
    grant(real, namespace, [item for item in EACH if item[1] != "pods/log"])
    deadline = time.monotonic() + PATIENT
    while not lines or "cannot get resource" not in lines[0]:
        assert time.monotonic() < deadline, lines
        lines = everything.run("exit 3", 3)
    assert lines[0].startswith("what it prints can't be read: ")
    assert len(lines) == 1
