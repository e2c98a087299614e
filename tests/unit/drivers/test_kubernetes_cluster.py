"""An environment in a namespace, with an API server that only keeps objects."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from shipway.domain.errors import ClusterError, DeployFailed
from shipway.domain.plan import Health
from shipway.domain.routing import Routing
from shipway.domain.workload import AddressSpec, EnvironmentSpec, SecretRef, StoreSpec, WorkloadSpec
from shipway.drivers.platform.features import Features
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_cluster import APPS, BATCH, KubernetesCluster
from shipway.drivers.platform.object_names import labels_in

Object = dict[str, Any]
NEVER = threading.Event()


class Objects:
    """What a cluster keeps, by kind and name. hook: called before a list of a kind is answered."""

    server = "cluster.example:6443"

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Object] = {}
        self.hooks: dict[str, Any] = {}

    def features(self) -> Features:
        return Features()

    def get(self, version: str, kind: str, namespace: str, name: str) -> Object | None:
        return self.kept.get((kind, name))

    def apply(self, item: Object, *, force: bool = False, dry: bool = False, manager: str = "shipway") -> Object:
        key = item["kind"], item["metadata"]["name"]
        if not dry:
            was = self.kept.get(key, {"metadata": {}, "spec": {}})
            self.kept[key] = {
                **was, **item, "metadata": {"generation": 1, **was["metadata"], **item["metadata"]},
                "spec": {**was.get("spec", {}), **item.get("spec", {})},
            }  # fmt: skip
        return item

    def list(
        self, version: str, kind: str, namespace: str, labels: Mapping[str, str] | None = None, **more: str
    ) -> Any:
        self.hooks.pop(kind, lambda: None)()
        return [
            item for (of, _), item in self.kept.items()
            if of == kind and (labels or {}).items() <= item["metadata"].get("labels", {}).items()
        ]  # fmt: skip

    def delete(self, version: str, kind: str, namespace: str, name: str) -> None:
        self.kept.pop((kind, name), None)

    def names(self, kind: str) -> set[str]:
        return {name for of, name in self.kept if of == kind}


def cluster(api: Objects, app: str = "shop", environment: str = "staging") -> KubernetesCluster:
    return KubernetesCluster(cast(KubernetesApi, api), app, environment, "space")


def spec(release: int, app: str = "shop", environment: str = "staging", *services: str) -> EnvironmentSpec:
    key = SecretRef("KEY", release)
    workloads = tuple(
        WorkloadSpec(name, "image", release, 1, {"KEY": (key,)}, port=80) for name in services or ("web",)
    )
    return EnvironmentSpec(app, environment, release, "0" * 40, "1", "http", (), workloads, (), (), (), (key,))


def up(place: KubernetesCluster, wanted: EnvironmentSpec) -> None:
    place.prepare(wanted, dict.fromkeys(wanted.secrets, "value"))
    place.start(wanted)


@pytest.mark.parametrize(
    ("app", "environment"), [("shop", "production"), ("billing", "staging"), ("shop-staging", "x"), ("shop-eu", "prod")]
)
def test_a_namespace_of_another_environment_is_left_alone(app: str, environment: str) -> None:
    """Also of one whose name and whose app's name make the same text."""
    api, mine = Objects(), ("shop", "eu-prod")
    up(cluster(api, app, environment), spec(1, app, environment))
    before = dict(api.kept)
    with pytest.raises(ClusterError, match=f"web-r1 of {app}-{environment}") as refused:
        cluster(api, *mine).observe()
    assert "namespace of its own" in refused.value.hint
    with pytest.raises(ClusterError, match="another environment"):
        cluster(api, *mine).destroy()
    assert api.kept == before
    assert cluster(api, app, environment).observe().releases == (1,)


def test_what_others_keep_in_the_namespace_does_not_matter() -> None:
    api = Objects()
    api.kept["Service", "proxy"] = {"metadata": {"name": "proxy", "labels": {"app": "proxy"}}, "spec": {}}
    up(cluster(api), spec(1))
    assert cluster(api).observe().releases == (1,)
    cluster(api).destroy()
    assert api.names("Service") == {"proxy"}
    assert not api.names("Secret") | api.names("Deployment")


def test_the_secret_of_a_command_that_starts_beside_a_deployment_stays() -> None:
    api = Objects()
    there = cluster(api)
    for release in (1, 2):
        up(there, spec(release))
    own = labels_in("shop", "staging") | {"app.kubernetes.io/component": "command"}
    at = datetime.now(UTC)

    def secret(name: str, age: float) -> None:
        made = (at - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
        api.kept["Secret", name] = {
            "kind": "Secret",
            "metadata": {"name": name, "labels": own, "creationTimestamp": made},
        }

    secret("starts", 1)
    secret("left", 1000)
    used = {"volumes": [{"secret": {"secretName": "late"}}], "containers": []}
    job = {
        "kind": "Job",
        "apiVersion": BATCH,
        "metadata": {"name": "late", "labels": own},
        "spec": {"template": {"spec": used}},
    }

    def comes() -> None:
        secret("late", 1000)  # on a cluster whose clock is late
        api.kept["Job", "late"] = job

    api.hooks["Secret"] = comes
    there.remove(1)
    assert api.names("Secret") == {"key-v2", "starts", "late"}


def test_a_release_of_which_a_service_was_removed_is_not_healthy() -> None:
    api = Objects()
    there, wanted = cluster(api), spec(1, "shop", "staging", "web", "worker")
    up(there, wanted)
    for item in api.kept.values():
        item["status"] = {
            "observedGeneration": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "replicas": 1,
        }  # fmt: skip
    there.healthy(wanted, 0.0, NEVER)
    api.delete(APPS, "Deployment", "space", "worker-r1")
    with pytest.raises(DeployFailed, match="removed by someone else"):
        there.healthy(wanted, 0.0, NEVER)


def test_claims_are_those_of_accessories_and_of_services() -> None:
    api = Objects()
    there = cluster(api)
    files = WorkloadSpec("worker", "image", 1, 1, {}, volumes={"files": "/files"})
    up(there, dataclasses.replace(spec(1), workloads=(files,)))
    labels = {
        "app.kubernetes.io/name": "db",
        "app.kubernetes.io/instance": "shop-staging",
    }  # as a StatefulSet gives them
    api.kept["PersistentVolumeClaim", "data-db-0"] = {"metadata": {"name": "data-db-0", "labels": labels}}
    state = there.observe()
    assert (state.stored, state.volumes) == (("db",), ("files",))
    there.destroy(stores=False, volumes=False)
    assert api.names("PersistentVolumeClaim") == {"data-db-0", "volume-files"}
    there.destroy(stores=True, volumes=False)
    assert api.names("PersistentVolumeClaim") == {"volume-files"}
    there.destroy(stores=False, volumes=True)
    assert not api.names("PersistentVolumeClaim")


def test_who_reaches_the_release_that_serves_is_not_changed_by_another_one() -> None:
    """Its port may be another, and its service may have no path any more."""
    api = Objects()
    there = cluster(api)
    for release, port in ((1, 80), (2, 8080)):
        made = spec(release)
        address = AddressSpec("web", port, ("shop.example",), "/", Routing())
        worker = dataclasses.replace(made.workloads[0], port=port)
        up(there, dataclasses.replace(made, workloads=(worker,), addresses=(address,)))

    def opened() -> dict[str, int]:
        found = {name: item["spec"] for (kind, name), item in api.kept.items() if kind == "NetworkPolicy"}
        return {
            item["podSelector"]["matchLabels"]["shipway.io/release"]: item["ingress"][0]["ports"][0]["port"]
            for name, item in found.items()
            if name != "inside"
        }

    assert opened() == {"1": 80, "2": 8080}
    there.remove(2)
    assert opened() == {"1": 80}


def test_a_volume_keeps_its_size() -> None:
    """A StatefulSet that asks for another one is refused by every API server, and no release could be deployed any more."""
    api = Objects()
    store = StoreSpec("db", "postgres:16", 5432, {}, Health(), volume="/data")
    files = WorkloadSpec("worker", "image", 1, 1, {}, volumes={"files": "/files"})
    wanted = dataclasses.replace(spec(1), workloads=(files,), stores=(store,))
    up(cluster(api), wanted)
    other = KubernetesCluster(cast(KubernetesApi, api), "shop", "staging", "space", storage="20Gi")
    assert [line.partition(";")[0] for line in other.unsaid(wanted)] == [
        "20Gi for the volume of db: it keeps its 10Gi", "20Gi for the volume of volume-files: it keeps its 10Gi",
    ]  # fmt: skip
    up(other, wanted)
    (template,) = api.kept["StatefulSet", "db"]["spec"]["volumeClaimTemplates"]
    assert template["spec"]["resources"] == {"requests": {"storage": "10Gi"}}
    assert api.kept["PersistentVolumeClaim", "volume-files"]["spec"]["resources"] == {"requests": {"storage": "10Gi"}}
    api.kept["PersistentVolumeClaim", "volume-files"]["spec"]["resources"] = {"requests": {"storage": "20480Mi"}}
    assert len(other.unsaid(wanted)) == 1


def test_an_accessory_that_is_stuck_in_its_replacement_is_made_again() -> None:
    """A StatefulSet doesn't replace a pod that never was ready, also where its template is the old one again."""
    api = Objects()
    old = StoreSpec("db", "postgres:15", 5432, {}, Health(), volume="/data")
    wanted = dataclasses.replace(spec(1), stores=(old,))
    up(cluster(api), wanted)
    there = api.kept["StatefulSet", "db"]
    there["status"] = {"currentRevision": "one", "updateRevision": "one", "readyReplicas": 0}
    up(cluster(api), wanted)
    assert "status" in api.kept["StatefulSet", "db"], "it may be on its way to another node"
    api.kept["StatefulSet", "db"]["status"] = {"currentRevision": "one", "updateRevision": "two", "readyReplicas": 0}
    api.kept["Pod", "db-0"] = {"metadata": {"name": "db-0", "labels": there["spec"]["selector"]["matchLabels"]}}
    api.hooks["Pod"] = lambda: api.delete("v1", "Pod", "space", "db-0")
    up(cluster(api), wanted)
    assert "status" not in api.kept["StatefulSet", "db"]
    assert api.names("Pod") == set()
