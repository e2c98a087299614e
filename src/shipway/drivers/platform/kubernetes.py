"""A release in an environment as objects of Kubernetes, for who keeps them in a repository that Argo CD or Flux watches.

Each release has Deployments of its own (SERVICE-rN); the Service of that name leads to one release, so that another release
is a change of its selector. Secrets are referenced by version and never written.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from shipway.domain.plan import Health
from shipway.domain.platform import STORAGE
from shipway.domain.workload import (
    CommandSpec,
    EnvironmentSpec,
    SecretRef,
    StoreSpec,
    Value,
    WorkloadSpec,
    in_order,
)
from shipway.drivers.platform import kubernetes_addresses
from shipway.drivers.platform.documents import text
from shipway.drivers.platform.features import Features
from shipway.drivers.platform.object_names import (
    RELEASE,
    STANDBY,
    labels_in,
    labels_of,
    named,
    release_name,
    secret_name,
    selector_of,
    space_name,
)
from shipway.drivers.platform.rights import rights_in

LEAVE = 5  # seconds in which every proxy learns that a pod takes no more requests
Object = dict[str, Any]


class Kubernetes:
    """Renders for one namespace. ingress_class: of the controller; None: the cluster's default. gateway: NAME or NAMESPACE/NAME of
    the Gateway that leads requests in place of an Ingress. storage: of each volume. has: what the API server has."""

    def __init__(
        self, namespace: str, *, ingress_class: str | None = None, gateway: str | None = None, storage: str = STORAGE,
        has: Features | None = None,
    ) -> None:  # fmt: skip
        self._namespace, self._storage = space_name(namespace), storage
        self._class, self._gateway = ingress_class, gateway
        self._has = has or Features()

    @property
    def namespace(self) -> str:
        """Its name."""
        return self._namespace

    def render(self, spec: EnvironmentSpec) -> str:
        """As documents of YAML."""
        return text(self.objects(spec))

    def rights(self, app: str, environment: str) -> str:
        """The namespace, and who may do there what Shipway does."""
        return text(rights_in(self._space(app, environment), gateway=bool(self._gateway)))

    def objects(self, spec: EnvironmentSpec) -> list[Object]:
        """The objects, in an order in which they can be applied."""
        found: list[Object] = [self._space(spec.app, spec.environment), *self._policies(spec)]
        for store in spec.stores:
            found += self._store(spec, store)
        volumes = dict.fromkeys(name for item in spec.workloads for name in item.volumes)
        found += [self._claim(spec, name) for name in volumes]
        found += [item for each in spec.workloads if (item := self._config(spec, each)) is not None]
        found += [self.job(spec, item) for item in in_order(spec.commands, scheduled=False)]
        for workload in spec.workloads:
            found.append(self._deployment(spec, workload))
            if workload.port:
                found.append(self._service(spec, workload))
            if workload.replicas > 1:
                found.append(self._budget(spec, workload))
        found += [self._cron(spec, item) for item in in_order(spec.commands, scheduled=True)]
        for each in kubernetes_addresses.addresses(spec, self._class, self._gateway):
            found.append(self._object(each.version, each.kind, each.name, labels_of(spec), spec=each.spec))
        return found

    def secrets(self, spec: EnvironmentSpec) -> list[str]:
        """Names of the Secrets that must exist, each with the key `value`."""
        return [secret_name(item) for item in spec.secrets]

    def _object(self, version: str, kind: str, name: str, labels: Mapping[str, str], **more: Any) -> Object:
        metadata: Object = {"name": name, "namespace": self.namespace, "labels": dict(labels)}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}

    def _space(self, app: str, environment: str) -> Object:
        labels = labels_in(app, environment) | {"pod-security.kubernetes.io/enforce": "baseline"}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}}

    def _policies(self, spec: EnvironmentSpec) -> Iterator[Object]:
        """Pods of the environment reach each other, others only what has a public path. Each release has its own: one with another
        port, or without a path, changes nothing for the release that serves."""
        inside = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
        yield self._object("networking.k8s.io/v1", "NetworkPolicy", "inside", labels_of(spec), spec=inside)
        for service, port in dict.fromkeys((item.service, item.port) for item in spec.addresses):
            rule = {
                "podSelector": {"matchLabels": selector_of(spec, service, spec.release)}, "policyTypes": ["Ingress"],
                "ingress": [{"ports": [{"port": port, "protocol": "TCP"}]}],
            }  # fmt: skip
            name, labels = named("public", service, f"r{spec.release}"), labels_of(spec, service)
            labels |= {RELEASE: str(spec.release)}
            yield self._object("networking.k8s.io/v1", "NetworkPolicy", name, labels, spec=rule)

    def _deployment(self, spec: EnvironmentSpec, workload: WorkloadSpec) -> Object:
        labels = labels_of(spec, workload.service) | {RELEASE: str(workload.release)}
        labels |= {STANDBY: f"{spec.standby:g}"} if spec.ledger and workload.port and spec.standby else {}
        chosen = selector_of(spec, workload.service, workload.release)
        pod = self._pod(spec, workload)
        pod["topologySpreadConstraints"] = [
            {
                "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": chosen},
            }
        ]  # fmt: skip
        more = {
            "replicas": workload.replicas, "revisionHistoryLimit": 0, "selector": {"matchLabels": chosen},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }  # fmt: skip
        if workload.health:
            more["progressDeadlineSeconds"] = max(60, math.ceil(workload.health.timeout) + 60)
        return self._object("apps/v1", "Deployment", release_name(workload), labels, spec=more)

    def _pod(self, spec: EnvironmentSpec, workload: WorkloadSpec) -> Object:
        container = self._container(workload)
        mounts, volumes = self._mounts(workload)
        if mounts:
            container["volumeMounts"] = mounts
        if workload.health:
            container |= _probes(workload.health, workload.port)
        wait = LEAVE if workload.port else 0
        if workload.port:
            container["ports"] = [{"containerPort": workload.port, "protocol": "TCP"}]
            sleep = {"sleep": {"seconds": wait}} if self._has.sleep else {"exec": {"command": ["sleep", str(wait)]}}
            container["lifecycle"] = {"preStop": sleep}
        return {
            "automountServiceAccountToken": False, "enableServiceLinks": False,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "terminationGracePeriodSeconds": math.ceil(wait + workload.drain + workload.stop),
            "containers": [container], **({"volumes": volumes} if volumes else {}),
        }  # fmt: skip

    def _container(self, workload: WorkloadSpec) -> Object:
        container: Object = {
            "name": workload.service, "image": workload.image, "env": environment(workload.variables),
            "securityContext": {
                "allowPrivilegeEscalation": not workload.security.no_new_privileges, "privileged": False,
                "capabilities": {"drop": ["NET_RAW"], **_added(workload)},
            },
        }  # fmt: skip
        if workload.entrypoint:
            container["command"] = list(workload.entrypoint)
        if workload.command:
            container["args"] = list(workload.command)
        limits = {
            **({"cpu": f"{workload.resources.cpus:g}"} if workload.resources.cpus else {}),
            **({"memory": str(workload.resources.memory)} if workload.resources.memory else {}),
        }
        if limits:
            container["resources"] = {"limits": limits, "requests": limits}
        return container

    def _mounts(self, workload: WorkloadSpec) -> tuple[list[Object], list[Object]]:
        mounts: list[Object] = []
        volumes: list[Object] = []
        for name, path in workload.volumes.items():
            mounts.append({"name": named("volume", name), "mountPath": path})
            volumes.append(
                {"name": named("volume", name), "persistentVolumeClaim": {"claimName": named("volume", name)}}
            )
        for path, ref in workload.secret_files.items():
            own = named("file", path.rpartition("/")[2])
            mounts.append({"name": own, "mountPath": path, "subPath": "value", "readOnly": True})
            volumes.append({"name": own, "secret": {"secretName": secret_name(ref), "defaultMode": 0o444}})
        if workload.configs:
            items = [
                {"key": key, "path": key, "mode": workload.configs[path].mode}
                for path, key in _keys(workload.configs).items()
            ]
            volumes.append({"name": "config", "configMap": {"name": _config_name(workload), "items": items}})
            mounts += [
                {"name": "config", "mountPath": path, "subPath": key, "readOnly": True}
                for path, key in _keys(workload.configs).items()
            ]
        return mounts, volumes

    def _config(self, spec: EnvironmentSpec, workload: WorkloadSpec) -> Object | None:
        if not workload.configs:
            return None
        data = {key: workload.configs[path].content for path, key in _keys(workload.configs).items()}
        return self._object(
            "v1",
            "ConfigMap",
            _config_name(workload),
            labels_of(spec, workload.service),
            immutable=True,
            binaryData=data,
        )

    def _service(self, spec: EnvironmentSpec, workload: WorkloadSpec, *, own: bool = False) -> Object:
        """own: one that only leads to this release, and goes with it."""
        h2c = any(item.service == workload.service and item.routing.protocol == "h2c" for item in spec.addresses)
        speaks = {"appProtocol": kubernetes_addresses.H2C} if h2c and self._gateway else {}
        ports = [{"port": workload.port, "targetPort": workload.port, "protocol": "TCP", **speaks}]
        more = {"selector": selector_of(spec, workload.service, workload.release), "ports": ports}
        labels = labels_of(spec, workload.service) | ({RELEASE: str(workload.release)} if own else {})
        return self._object(
            "v1", "Service", release_name(workload) if own else named(workload.service), labels, spec=more
        )

    def shares(self, old: EnvironmentSpec, new: EnvironmentSpec, weight: int) -> tuple[list[Object], list[Object]]:
        """Services of a new release alone, and routes that lead so many of WHOLE requests to them, the rest as before."""
        assert self._gateway
        led = {item.service for item in new.addresses}
        services = [self._service(new, item, own=True) for item in new.workloads if item.service in led]
        found = kubernetes_addresses.shared(old, new, weight, self._gateway)
        routes = [self._object(item.version, item.kind, item.name, labels_of(new), spec=item.spec) for item in found]
        return services, routes

    def _budget(self, spec: EnvironmentSpec, workload: WorkloadSpec) -> Object:
        more = {
            "maxUnavailable": 1,
            "selector": {"matchLabels": selector_of(spec, workload.service, workload.release)},
        }
        return self._object(
            self._has.budget,
            "PodDisruptionBudget",
            release_name(workload),
            labels_of(spec, workload.service) | {RELEASE: str(workload.release)},
            spec=more,
        )

    def _store(self, spec: EnvironmentSpec, store: StoreSpec) -> Iterator[Object]:
        labels, chosen = labels_of(spec, store.name), selector_of(spec, store.name)
        container: Object = {
            "name": store.name, "image": store.image, "env": environment(store.variables),
            "ports": [{"containerPort": store.port, "protocol": "TCP"}],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["NET_RAW"]}},
            **_probes(store.health, store.port),
        }  # fmt: skip
        if store.entrypoint:
            container["command"] = list(store.entrypoint)
        if store.command:
            container["args"] = list(store.command)
        pod: Object = {
            "automountServiceAccountToken": False, "enableServiceLinks": False,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "terminationGracePeriodSeconds": 30, "containers": [container],
        }  # fmt: skip
        mounts: list[Object] = []
        if store.volume:
            # A new file system has a folder of its own (lost+found), which databases refuse beside their files.
            mounts.append({"name": "data", "mountPath": store.volume, "subPath": "data"})
        if store.setup:
            keys = _keys(store.setup)
            yield self._object(
                "v1", "ConfigMap", named(store.name, "setup"), labels,
                data={key: store.setup[path] for path, key in keys.items()},
            )  # fmt: skip
            pod["volumes"] = [{"name": "setup", "configMap": {"name": named(store.name, "setup")}}]
            mounts += [
                {"name": "setup", "mountPath": path, "subPath": key, "readOnly": True} for path, key in keys.items()
            ]
        if mounts:
            container["volumeMounts"] = mounts
        more: Object = {
            "serviceName": named(store.name), "replicas": 1, "selector": {"matchLabels": chosen},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }  # fmt: skip
        if store.volume:
            more["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": self._claimed()}]
        yield self._object("apps/v1", "StatefulSet", named(store.name), labels, spec=more)
        service = {"selector": chosen, "ports": [{"port": store.port, "targetPort": store.port, "protocol": "TCP"}]}
        yield self._object("v1", "Service", named(store.name), labels, spec=service)

    def _claim(self, spec: EnvironmentSpec, name: str) -> Object:
        labels = labels_of(spec, name)
        return self._object("v1", "PersistentVolumeClaim", named("volume", name), labels, spec=self._claimed())

    def _claimed(self) -> Object:
        return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": self._storage}}}

    def job(self, spec: EnvironmentSpec, command: CommandSpec) -> Object:
        """A command that runs once, before the rest."""
        labels = labels_of(spec, command.workload.service)
        found = self._object(
            "batch/v1", "Job", named(command.name, f"r{spec.release}"), labels,
            spec={"backoffLimit": 0, "activeDeadlineSeconds": math.ceil(command.timeout), "template": self._once(spec, command)},
        )  # fmt: skip
        found["metadata"]["annotations"] = {
            "argocd.argoproj.io/hook": "Sync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
            "argocd.argoproj.io/sync-wave": str(command.order - 100),
        }  # fmt: skip
        return found

    def _cron(self, spec: EnvironmentSpec, command: CommandSpec) -> Object:
        assert command.schedule is not None
        policy = {"skip": "Forbid", "queue": "Forbid", "allow": "Allow"}[command.schedule.overlap]
        more = {
            "schedule": command.schedule.at, "concurrencyPolicy": policy,
            **({"timeZone": command.schedule.zone} if self._has.zone else {}),
            "jobTemplate": {"spec": {
                "backoffLimit": command.schedule.retries, "activeDeadlineSeconds": math.ceil(command.timeout),
                "template": self._once(spec, command),
            }},
        }  # fmt: skip
        return self._object(
            self._has.cron, "CronJob", named(command.name), labels_of(spec, command.workload.service), spec=more
        )

    def _once(self, spec: EnvironmentSpec, command: CommandSpec) -> Object:
        """A pod that runs the command to its end."""
        pod = self._pod(spec, command.workload)
        container = pod["containers"][0]
        for key in ("startupProbe", "readinessProbe", "lifecycle", "ports", "args"):
            container.pop(key, None)
        container["command"] = ["sh", "-c", command.run]
        pod["restartPolicy"] = "Never"
        return {"metadata": {"labels": labels_of(spec) | {"app.kubernetes.io/component": "command"}}, "spec": pod}

    def unsaid(self, spec: EnvironmentSpec) -> list[str]:
        """What these objects can't say."""
        found = kubernetes_addresses.unsaid(spec, self._gateway)
        zones = (
            {item.schedule.zone for item in spec.commands if item.schedule} - {"UTC"} if not self._has.zone else set()
        )
        found += [f"times in {zone}: this cluster has those of its own time zone only" for zone in sorted(zones)]
        several = [item for item in spec.workloads if item.volumes and item.replicas > 1]
        return [*self._has.lacks, *found] + [
            f"replicas of {item.service} on several nodes: a volume is claimed for one node (ReadWriteOnce)"
            for item in several
        ]


def environment(variables: Mapping[str, Value]) -> list[Object]:
    """Variables of a container. One that contains a secret among other text refers to one that is the secret."""
    parts = {ref for value in variables.values() for ref in value if isinstance(ref, SecretRef) and len(value) > 1}
    inner = {ref: f"SHIPWAY_PART_{number}" for number, ref in enumerate(sorted(parts, key=lambda ref: ref.name), 1)}
    found: list[Object] = [{"name": name, **_from(ref)} for ref, name in inner.items()]
    for name, value in variables.items():
        if len(value) == 1 and isinstance(value[0], SecretRef):
            found.append({"name": name, **_from(value[0])})
        else:
            whole = "".join(
                f"$({inner[part]})" if isinstance(part, SecretRef) else part.replace("$(", "$$(") for part in value
            )
            found.append({"name": name, "value": whole})
    return found


def _from(ref: SecretRef) -> Object:
    return {"valueFrom": {"secretKeyRef": {"name": secret_name(ref), "key": "value"}}}


def _probes(health: Health, port: int | None) -> Object:
    """A container is ready when its health check succeeds; it has `timeout` for the first time."""
    how: Object
    if health.path is not None:
        headers = [{"name": name, "value": value} for name, value in health.headers.items()]
        how = {"httpGet": {"path": health.path, "port": port, **({"httpHeaders": headers} if headers else {})}}
    elif health.command is not None:
        how = {"exec": {"command": ["sh", "-c", health.command]}}
    else:
        how = {"tcpSocket": {"port": port}}
    first = {**how, "periodSeconds": 1, "failureThreshold": max(1, math.ceil(health.timeout)), "timeoutSeconds": 5}
    return {"startupProbe": first, "readinessProbe": {**how, "periodSeconds": 5, "timeoutSeconds": 5}}


def _added(workload: WorkloadSpec) -> Object:
    return {"add": list(workload.security.capabilities)} if workload.security.capabilities else {}


def _keys(files: Mapping[str, object]) -> dict[str, str]:
    """A key for each path."""
    return {path: named(path.rpartition("/")[2], hashlib.sha256(path.encode()).hexdigest()[:6]) for path in files}


def _config_name(workload: WorkloadSpec) -> str:
    whole = json.dumps({path: item.content for path, item in sorted(workload.configs.items())})
    return named(workload.service, "config", hashlib.sha256(whole.encode()).hexdigest()[:8])
