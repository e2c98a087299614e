"""An environment in a namespace of Kubernetes. A release has Deployments of its own; a Service leads to the pods of one release."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from threading import Event
from time import monotonic
from typing import Any

from shipway.domain.cluster import ClusterState, Standing
from shipway.domain.errors import ClusterError, DeployFailed, Interrupted
from shipway.domain.platform import STORAGE
from shipway.domain.routes import WHOLE
from shipway.domain.secret_value import as_bytes
from shipway.domain.workload import CommandSpec, EnvironmentSpec, SecretRef
from shipway.drivers.platform import kubernetes_causes as causes
from shipway.drivers.platform.kubernetes import Kubernetes
from shipway.drivers.platform.kubernetes_addresses import GATEWAY, NETWORK, ROUTE
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_jobs import run_job
from shipway.drivers.platform.kubernetes_leading import Leading
from shipway.drivers.platform.kubernetes_routes import require_gateway_api
from shipway.drivers.platform.object_names import (
    MANAGER,
    RELEASE,
    labels_in,
    named,
    release_name,
    secret_name,
    space_name,
)
from shipway.drivers.platform.object_state import is_of_new_command, is_ready, is_stuck, needed_by
from shipway.drivers.platform.volume_sizes import SIZED, Sizes, other_sizes, sizes_of, with_kept_size

Object = dict[str, Any]
POLL = 0.5  # seconds between looks
GONE = 30.0  # seconds that the pod of an accessory has to end
OWN_REPLICAS = f"{MANAGER}-replicas"  # sets that one field: a release that rests is still the same release
REMOVED = "a part of it was removed by someone else"
SHOWN = 3  # objects of others that a message names
NAME, INSTANCE = "app.kubernetes.io/name", "app.kubernetes.io/instance"
BATCH, APPS = "batch/v1", "apps/v1"


class KubernetesCluster:
    """Implements ports.Cluster. ingress_class, gateway and storage: as for `Kubernetes`."""

    def __init__(
        self, api: KubernetesApi, app: str, environment: str, namespace: str, *, ingress_class: str | None = None,
        gateway: str | None = None, storage: str = STORAGE,
    ) -> None:  # fmt: skip
        self._api, self._namespace = api, space_name(namespace)
        self._ingress_class, self._gateway, self._storage = ingress_class, gateway, storage
        self._labels = labels_in(app, environment)

    @property
    def place(self) -> str:
        """The namespace and its server."""
        return f"namespace {self._namespace} at {self._api.server}"

    def _renderer(self) -> Kubernetes:
        return Kubernetes(
            self._namespace, ingress_class=self._ingress_class, gateway=self._gateway, storage=self._storage,
            has=self._api.features(),
        )  # fmt: skip

    def _list(self, version: str, kind: str, **labels: str) -> list[Object]:
        return self._api.list(version, kind, self._namespace, {**self._labels, **labels})

    def _is_own(self, item: Object) -> bool:
        return all(item["metadata"]["labels"].get(name) == value for name, value in self._labels.items())

    def _whole(self) -> dict[str, list[Object]]:
        """What Shipway has in the namespace, by kind. ClusterError if some of it is another environment's: names there are not those
        of an environment, and one would get the requests of the other, or remove it."""
        kinds = {"Deployment": APPS, "StatefulSet": APPS, "Service": "v1"}
        found = {
            kind: self._api.list(version, kind, self._namespace, {"app.kubernetes.io/managed-by": MANAGER})
            for kind, version in kinds.items()
        }
        alien = [item["metadata"] for items in found.values() for item in items if not self._is_own(item)]
        if alien:
            whose = {f"{own['name']} of {own['labels'].get(INSTANCE, 'another one')}" for own in alien}
            listed = ", ".join(sorted(whose)[:SHOWN])
            raise ClusterError(
                f"{self.place} belongs to another environment of Shipway, which has {listed} there. Nothing was changed",
                hint="give each environment a namespace of its own: `platform: {kubernetes: {namespace: …}}`",
            )
        return found

    def observe(self) -> ClusterState:
        """By labels. ClusterError if another environment is there too."""
        found = self._whole()
        standing = [
            Standing(
                item["metadata"]["labels"].get(NAME, ""), int(item["metadata"]["labels"][RELEASE]), item["spec"]["replicas"],
                item.get("status", {}).get("readyReplicas", 0),
            )
            for item in found["Deployment"]
            if RELEASE in item["metadata"]["labels"]
        ]  # fmt: skip
        serving = {
            item["metadata"]["labels"].get(NAME, ""): int(item["spec"]["selector"][RELEASE])
            for item in found["Service"]
            if RELEASE in (item["spec"].get("selector") or {}) and RELEASE not in item["metadata"]["labels"]
        }
        sharing = {
            int(number) for item in found["Service"] if (number := item["metadata"]["labels"].get(RELEASE)) is not None
        }
        jobs = [item["metadata"]["name"] for item in self._list(BATCH, "Job")]
        stores = [item["metadata"]["labels"].get(NAME, "") for item in found["StatefulSet"]]
        stored, volumes = (
            tuple(
                item["metadata"]["labels"].get(NAME, item["metadata"]["name"])
                for item in self._claims(of_services=each)
            )
            for each in (False, True)
        )
        return ClusterState(
            tuple(standing), serving, tuple(jobs), tuple(stores), stored, volumes, tuple(sorted(sharing))
        )

    def _claims(self, *, of_services: bool) -> list[Object]:
        """A claim of an accessory has no labels but those of its template, and stays when that is removed."""
        instance = {INSTANCE: self._labels[INSTANCE]}
        found = self._api.list("v1", "PersistentVolumeClaim", self._namespace, instance)
        return [item for item in found if ("app.kubernetes.io/managed-by" in item["metadata"]["labels"]) == of_services]

    def unsaid(self, spec: EnvironmentSpec) -> Sequence[str]:
        """As for `render`, with what this server lacks."""
        renderer = self._renderer()
        return [*renderer.unsaid(spec), *other_sizes(renderer.objects(spec), self._sizes())]

    def _sizes(self) -> Sizes:
        return sizes_of([item for kind, version in SIZED.items() for item in self._list(version, kind)])

    def prepare(self, spec: EnvironmentSpec, values: Mapping[SecretRef, str], *, force: bool = False) -> None:
        """The namespace, if it is missing; then all that a release needs."""
        require_gateway_api(self._gateway, self._api.features().routes)
        objects = self._renderer().objects(spec)
        if self._api.get("v1", "Namespace", "", self._namespace) is None:
            self._api.apply(next(item for item in objects if item["kind"] == "Namespace"), force=force)
        for ref in spec.secrets:
            self._api.apply(self._secret(ref, values[ref]), force=force)
        stores = {named(item.name) for item in spec.stores}
        wanted = {"NetworkPolicy", "StatefulSet", "PersistentVolumeClaim", "ConfigMap"}
        kept = self._sizes()
        for each in filter(is_stuck, self._list(APPS, "StatefulSet")):
            self._end(each)
        for item in objects:
            if item["kind"] in wanted or (item["kind"] == "Service" and item["metadata"]["name"] in stores):
                self._api.apply(with_kept_size(item, kept), force=force)

    def _end(self, item: Object) -> None:
        """Remove a StatefulSet, whose claims stay, and wait until its pod is gone."""
        self._api.delete(APPS, "StatefulSet", self._namespace, item["metadata"]["name"])
        labels, deadline = item["spec"]["selector"]["matchLabels"], monotonic() + GONE
        while self._api.list("v1", "Pod", self._namespace, labels) and monotonic() < deadline:
            Event().wait(POLL / 5)

    def _secret(self, ref: SecretRef, value: str) -> Object:
        metadata = {"name": secret_name(ref), "namespace": self._namespace, "labels": self._labels}
        data = {"value": base64.b64encode(as_bytes(value)).decode()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}

    def start(self, spec: EnvironmentSpec, *, force: bool = False) -> None:
        """Its Deployments."""
        for item in self._renderer().objects(spec):
            own = item["metadata"].get("labels", {}).get(RELEASE) == str(spec.release)
            if item["kind"] == "Deployment" and own:
                replicas = item["spec"].pop("replicas")
                self._api.apply(item, force=force)
                self._scale(item["metadata"]["name"], replicas, force=force)
            elif item["kind"] == "PodDisruptionBudget" and own:
                self._api.apply(item, force=force)

    def _scale(self, name: str, replicas: int, *, force: bool = False) -> None:
        metadata = {"name": name, "namespace": self._namespace}
        item = {"apiVersion": APPS, "kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}
        self._api.apply(item, force=force, manager=OWN_REPLICAS)

    def healthy(self, spec: EnvironmentSpec, timeout: float, cancelled: Event) -> None:
        """All of its pods are ready, as of now and not of an older state."""
        labels = {**self._labels, RELEASE: str(spec.release)}
        names = {release_name(item) for item in spec.workloads}

        def look() -> tuple[list[Object], list[Object]]:
            found = self._api.list(APPS, "Deployment", self._namespace, labels)
            return [item for item in found if item["metadata"]["name"] in names], self._api.list(
                "v1", "Pod", self._namespace, labels
            )

        self._until_ready(f"release {spec.release}", look, len(names), timeout, cancelled)

    def accessories_healthy(self, spec: EnvironmentSpec, timeout: float, cancelled: Event) -> None:
        """Their pods are ready."""
        for store in spec.stores:

            def look(name: str = store.name) -> tuple[list[Object], list[Object]]:
                labels = {**self._labels, NAME: name}
                return self._list(APPS, "StatefulSet", **{NAME: name}), self._api.list(
                    "v1", "Pod", self._namespace, labels
                )

            self._until_ready(store.name, look, 1, timeout, cancelled)

    def _until_ready(
        self, what: str, look: Callable[[], tuple[list[Object], list[Object]]], count: int, timeout: float, cancelled: Event
    ) -> None:  # fmt: skip
        deadline = monotonic() + timeout
        while True:
            controllers, pods = look()
            if len(controllers) >= count and all(is_ready(item) for item in controllers):
                return
            alive = [item for item in pods if "deletionTimestamp" not in item["metadata"]]
            found = [cause for item in controllers if (cause := causes.of_controller(item)) is not None]
            probed = self._probed()
            found += [cause for item in alive if (cause := causes.of_pod(item, self._log, probed)) is not None]
            late = monotonic() >= deadline
            cause = next((item for item in found if item.final), found[0] if found and late else None)
            if cause is not None or late:
                unknown = REMOVED if len(controllers) < count else "nothing says why: `kubectl get pods,events` may"
                text = cause.text if cause else unknown
                suffix = "" if cause and cause.final else f" within {timeout:g} s"
                raise DeployFailed(f"{what} did not become healthy{suffix}: {text}", hint=f"it is in {self.place}")
            if cancelled.wait(POLL):
                raise Interrupted(f"interrupted while {what} was not healthy yet")

    def _log(self, pod: str, container: str, previous: bool) -> str:
        try:
            return self._api.log(self._namespace, pod, container, causes.LINES, previous=previous)
        except ClusterError as error:
            return f"they can't be read: {error.message}"  # the cause itself matters more

    def _probed(self) -> causes.Probed:
        """What failed health checks saw, which is asked once, if at all."""

        @cache
        def seen() -> dict[str, str]:
            try:
                events = self._api.list("v1", "Event", self._namespace, fieldSelector="reason=Unhealthy")
            except ClusterError:
                return {}
            events.sort(key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""))
            return {item["involvedObject"]["name"]: str(item.get("message", "")) for item in events}

        return lambda pod: seen().get(pod, "")

    def run_job(
        self, spec: EnvironmentSpec, command: CommandSpec, name: str, told: Callable[[str], None], cancelled: Event
    ) -> int:  # fmt: skip
        """As a Job."""
        item = self._renderer().job(spec, command)
        item["metadata"]["name"] = name
        item["metadata"].pop("annotations", None)
        return run_job(self._api, item, told, cancelled)

    def remove_job(self, name: str) -> None:
        """With its pods."""
        self._api.delete(BATCH, "Job", self._namespace, name)

    def switch(self, spec: EnvironmentSpec, *, force: bool = False) -> None:
        """Each Service is tried first and then set; if one is refused, the others get back what they had."""
        self._leading().switch(self._renderer().objects(spec), force=force)

    def share(self, old: EnvironmentSpec, new: EnvironmentSpec, share: float, *, force: bool = False) -> None:
        """By Services of the new release alone, and weights in the routes."""
        if not self._gateway:
            raise ClusterError(
                "an Ingress leads no share of the requests", hint="`gateway` in the plan: the Gateway API does"
            )
        weight = min(max(round(share * WHOLE), 1), WHOLE - 1)
        self._leading().share(*self._renderer().shares(old, new, weight), force=force)

    def _leading(self) -> Leading:
        return Leading(self._api, self._namespace, self._labels, self._gateway)

    def rest(self, release: int, *, web: bool) -> None:
        """Its Deployments stay, without pods."""
        state = self.observe()
        if release in state.sharing:
            raise ClusterError(f"release {release} has a share of the requests, and can't rest")
        for item in self._list(APPS, "Deployment", **{RELEASE: str(release)}):
            service = item["metadata"]["labels"].get(NAME, "")
            has_address = bool(item["spec"]["template"]["spec"]["containers"][0].get("ports"))
            if state.serving.get(service) == release:
                raise ClusterError(f"release {release} of {service} has requests, and can't rest")
            if (not web or not has_address) and item["spec"]["replicas"]:
                self._scale(item["metadata"]["name"], 0)

    def remove(self, release: int) -> None:
        """Its Deployments, and then secrets and files that no other one has."""
        state = self.observe()
        led = [service for service, served in state.serving.items() if served == release]
        if release in state.sharing:
            raise ClusterError(f"release {release} has a share of the requests, and can't be removed")
        if led:
            raise ClusterError(f"release {release} has the requests of {', '.join(led)}, and can't be removed")
        budget = self._api.features().budget
        for version, kind in ((APPS, "Deployment"), (budget, "PodDisruptionBudget"), (NETWORK, "NetworkPolicy")):
            for item in self._list(version, kind, **{RELEASE: str(release)}):
                self._api.delete(version, kind, self._namespace, item["metadata"]["name"])
        self._sweep()

    def _sweep(self) -> None:
        there = [(kind, item) for kind in ("Secret", "ConfigMap") for item in self._list("v1", kind)]
        kinds = ((APPS, "Deployment"), (APPS, "StatefulSet"), (BATCH, "Job"), (self._api.features().cron, "CronJob"))
        needed = {name for version, kind in kinds for item in self._list(version, kind) for name in needed_by(item)}
        for kind, item in there:  # listed before those that need them: a Job's Secret is made before the Job
            if item["metadata"]["name"] not in needed and not is_of_new_command(item):
                self._api.delete("v1", kind, self._namespace, item["metadata"]["name"])

    def logs(self, service: str, release: int, lines: int) -> str:
        """Of each pod, with its name where there are several."""
        pods = self._api.list("v1", "Pod", self._namespace, {**self._labels, NAME: service, RELEASE: str(release)})
        texts = [
            (item["metadata"]["name"], self._api.log(self._namespace, item["metadata"]["name"], service, lines))
            for item in pods
        ]
        return "".join(text if len(texts) == 1 else f"{pod}:\n{text}" for pod, text in texts)

    def destroy(self, *, stores: bool = True, volumes: bool = True) -> None:
        """All that has its labels. The namespace stays: others may have something in it."""
        self._whole()
        has = self._api.features()
        for item in self._leading().routes():
            self._api.delete(GATEWAY, ROUTE, self._namespace, item["metadata"]["name"])
        for version, kind in (
            (NETWORK, "Ingress"), (has.cron, "CronJob"), (BATCH, "Job"), (APPS, "Deployment"), (APPS, "StatefulSet"),
            ("v1", "Service"), (has.budget, "PodDisruptionBudget"), (NETWORK, "NetworkPolicy"), ("v1", "ConfigMap"), ("v1", "Secret"),
        ):  # fmt: skip
            for item in self._list(version, kind):
                self._api.delete(version, kind, self._namespace, item["metadata"]["name"])
        for each in [
            *(self._claims(of_services=False) if stores else ()),
            *(self._claims(of_services=True) if volumes else ()),
        ]:
            self._api.delete("v1", "PersistentVolumeClaim", self._namespace, each["metadata"]["name"])
