"""A Swarm's services of one task, their changes, files, networks and containers."""

from __future__ import annotations

import abc
import base64
import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from shipway.domain.container import LABEL_NAME, LABEL_RELEASE, ContainerInfo, ContainerSpec, owner_labels
from shipway.domain.errors import EngineError
from shipway.domain.names import bounded
from shipway.domain.plan import LOCAL
from shipway.domain.release import digest_of
from shipway.drivers.runtime import swarm_spec as form
from shipway.drivers.runtime import translate
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine, EngineRefused, segment
from shipway.drivers.runtime.swarm_nodes import SwarmNodes
from shipway.system.owner import owner

GONE = 60.0  # seconds beside its grace for a task to end
PAUSE = 0.1
TURNS = 20  # changes of a service by others at the same time
READER = "shipway-reader-"  # begins the name of a container that is never started
PLACE = "%"  # separates an address from the host of whose machine it is
ASKED = 10.0  # seconds until a host that was no manager is asked again

Task = Mapping[str, Any]
Service = dict[str, Any]


def _local(name: str) -> DockerRuntime:
    raise EngineError(f"there is no host {name} here")


class SwarmServices(DockerRuntime, abc.ABC):
    """name: of the manager's host. runtime_of: the runtime of another host's own engine. credentials: the header by which
    nodes get an image of a private registry, by its reference. Share it between threads."""

    def __init__(
        self, engine: Engine, name: str = LOCAL, runtime_of: Callable[[str], DockerRuntime] = _local,
        credentials: Callable[[str], str] = lambda reference: "",
    ) -> None:  # fmt: skip
        super().__init__(engine)
        self._name, self._credentials = name, credentials
        self._is_manager, self._ask_again = False, 0.0
        self._images: dict[str, str] = {}  # ids by reference
        self._nodes = SwarmNodes(engine, name, self, runtime_of)

    @abc.abstractmethod
    def start(self, container: str) -> None:
        """Start a container or a service."""

    @property
    def _manages(self) -> bool:
        """Whether this host is a manager, asked again where it wasn't."""
        if not self._is_manager and time.monotonic() >= self._ask_again:
            try:
                self._is_manager = self._engine.call("GET", "/swarm", timeout=30) is not None
            except EngineRefused as error:
                if "leader" in error.message:  # too few managers are up: its services aren't gone
                    raise
            self._ask_again = time.monotonic() + ASKED
        return self._is_manager

    def _service(self, name: str) -> Service | None:
        """The service of that name or id, if Shipway made it for an environment of which this is the first host."""
        if not self._manages:
            return None
        found = self._any_service(name)
        return found if found is not None and self._is_ours(found) else None

    def _any_service(self, name: str) -> Service | None:
        """The same, also through another host of its environment."""
        found: dict[str, Any] | None = self._engine.call("GET", f"/services/{segment(name)}", fine=(404,))
        if found is None or name not in (found["ID"], found["Spec"]["Name"]) or not form.hosts(found):
            return None
        return found

    def _claimed(self, service: Service, hosts: Sequence[str]) -> Service:
        """The service, as one of this host. hosts: those where it may run, this one first."""
        if self._is_ours(service):
            return service
        labels = form.placement(hosts, self._nodes.ids(hosts))

        def claimed(spec: dict[str, Any]) -> bool:
            spec["Labels"] = {**spec["Labels"], **labels}
            return True

        return self._change(service, claimed)

    def _is_ours(self, found: Mapping[str, Any]) -> bool:
        return form.hosts(found)[:1] == [self._name]

    def _info(self, service: Task, tasks: Sequence[Task]) -> ContainerInfo:
        """As a container, with the id of its image on the manager."""
        found = form.info(service, tasks)
        if found.image not in self._images:
            image = self._engine.call("GET", f"/images/{found.image}/json", fine=(404,))
            if image is None:
                return found
            self._images[found.image] = str(image["Id"])
        return dataclasses.replace(found, image=self._images[found.image])

    def _services(self, labels: Mapping[str, str]) -> list[Task]:
        if not self._manages:
            return []
        found = self._engine.call("GET", "/services", query=translate.carrying(labels))
        return [item for item in found if self._is_ours(item)]

    def _tasks(self, services: Iterable[str]) -> dict[str, list[Task]]:
        ids = [*services]
        if not ids:
            return {}
        try:
            found = self._engine.call("GET", "/tasks", query={"filters": json.dumps({"service": ids})})
        except EngineRefused as error:
            if error.status != 404:
                raise
            found = self._engine.call("GET", "/tasks")  # one of the services was removed meanwhile
        tasks: dict[str, list[Task]] = {service: [] for service in ids}
        for task in found:
            if task["ServiceID"] in tasks:
                tasks[task["ServiceID"]].append(task)
        return tasks

    def _tasks_of(self, service: Mapping[str, Any]) -> list[Task]:
        return self._tasks([service["ID"]]).get(service["ID"], [])

    def _scale(self, service: Service, count: int) -> Service:
        def scaled(spec: dict[str, Any]) -> bool:
            spec["Mode"] = {"Replicated": {"Replicas": count}}
            spec["Labels"] = {**(spec.get("Labels") or {}), form.STARTED: "1"}
            return True

        return self._change(service, scaled)

    def _change(self, service: Service, change: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Change its specification, by one update. change: returns whether there is anything to change; it is asked again
        where another process changed the service meanwhile."""
        for turn in range(TURNS):
            if not change(service["Spec"]):
                return service
            path, query = f"/services/{segment(service['ID'])}/update", {"version": service["Version"]["Index"]}
            auth = self._credentials(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])
            headers = {"X-Registry-Auth": auth} if auth else {}
            try:
                with self._engine.open("POST", path, query=query, body=service["Spec"], headers=headers) as reply:
                    reply.read()
                return self._still(service)
            except EngineRefused as error:
                if "out of sequence" not in error.message or turn == TURNS - 1:
                    raise
                time.sleep(PAUSE)
            service = self._still(service)
        return service

    def _still(self, service: Service) -> Service:
        found = self._any_service(service["ID"])
        if found is None:
            raise EngineError(f"service {service['Spec']['Name']} was removed")
        return found

    def _until_gone(self, service: Mapping[str, Any], grace: float) -> None:
        """Wait until no task of it runs. Tasks of a node that is down are gone with it, though the Swarm lists them."""
        deadline = time.monotonic() + grace + GONE
        while True:
            active = [task for task in self._tasks_of(service) if form.is_active(task)]
            if active and any(task.get("NodeID") for task in active):
                lost = self._nodes.lost()
                active = [task for task in active if task.get("NodeID") not in lost]
            if not active:
                return
            if time.monotonic() > deadline:
                told = form.described(active[0], self._nodes.named(active[0].get("NodeID", "")))
                raise EngineError(f"{service['Spec']['Name']} doesn't stop: {told}")
            time.sleep(PAUSE)

    def _located(self, name: str) -> tuple[DockerRuntime, str] | None:
        """The running task's engine and container; None for a service without one."""
        service = self._service(name)
        if service is None:
            return self, name
        task = form.newest(self._tasks_of(service))
        if task is None or form.state(task) != "running":
            return None
        return self._there(service, task)

    def _place(self, name: str, *, running: bool = False) -> tuple[DockerRuntime, str]:
        """The same; without `running` also of a task that has ended. EngineError if there is none."""
        service = self._service(name)
        if service is None:
            return self, name
        task = form.newest(self._tasks_of(service))
        if task is None or not form.container_of(task) or (running and form.state(task) != "running"):
            node = self._nodes.named(task.get("NodeID", "")) if task else ""
            raise EngineError(f"service {name} has no container: {form.described(task, node)}")
        return self._there(service, task)

    def _there(self, service: Mapping[str, Any], task: Mapping[str, Any]) -> tuple[DockerRuntime, str]:
        host = self._nodes.host_of(task["NodeID"], form.hosts(service), form.nodes(service))
        if host is None:
            raise EngineError(
                f"the task of {service['Spec']['Name']} is on node {self._nodes.named(task['NodeID'])}, which is no reachable host of the environment"
            )
        return self._nodes.runtime(host), form.container_of(task)

    def _reached(self, service: Mapping[str, Any], task: Mapping[str, Any]) -> str | None:
        """Where its host reaches a task: an address of the bridge by which a container of an overlay network reaches out."""
        with suppress(EngineError):
            there, container = self._there(service, task)
            address = there.gateway_address(container)
            host = self._nodes.host_of(task["NodeID"], form.hosts(service), form.nodes(service))
            return f"{address}{PLACE}{host}" if address else None
        return None

    def _from_outside(self, found: ContainerInfo | None) -> ContainerInfo | None:
        """A container with addresses that its host reaches: those of overlay networks lead nowhere from there."""
        if found is None or not found.running or not any(found.addresses.values()):
            return found
        outside = self.gateway_address(found.id)
        return dataclasses.replace(found, addresses=dict.fromkeys(found.addresses, outside)) if outside else found

    def _is_task(self, container: str) -> bool:
        found = self._inspect(container)
        return found is not None and form.TASK in (found["Config"].get("Labels") or {})

    def _users(self, network: Mapping[str, Any]) -> list[Service]:
        """The services that are in a network, by name."""
        named = {network["Id"], network["Name"]}
        found = [
            item for item in self._engine.call("GET", "/services")
            if named & {each["Target"] for each in item["Spec"]["TaskTemplate"].get("Networks") or ()}
        ]  # fmt: skip
        return sorted(found, key=lambda item: str(item["Spec"]["Name"]))

    def _is_in(self, service: Mapping[str, Any], network: str) -> bool:
        there = self._network(network)
        targets = {item["Target"] for item in service["Spec"]["TaskTemplate"].get("Networks") or ()}
        return there is not None and bool(targets & {there["Id"], network})

    def _overlay(self, name: str, labels: Mapping[str, str], *, encrypted: bool) -> None:
        body = {
            "Name": name,
            "Driver": "overlay",
            "Attachable": True,
            "CheckDuplicate": True,
            "Options": {"encrypted": ""} if encrypted else {},
            "Labels": {**labels, form.NODES: self._name},
        }
        self._engine.call("POST", "/networks/create", body=body, fine=(409,))

    def _peers(self, spec: ContainerSpec) -> str | None:
        """The network in which the services of this release find each other; created where it is missing."""
        release, first = spec.labels.get(LABEL_RELEASE), next(iter(spec.networks), None)
        if release is None or first is None:
            return None
        name = bounded(first, f"_{release}")
        with self._networks:
            if self._network(name) is None:
                like = self._network(first)
                encrypted = like is not None and "encrypted" in (like.get("Options") or {})
                labels = owner_labels(spec.labels)
                labels = {key: value for key, value in labels.items() if key != LABEL_NAME} | {LABEL_RELEASE: release}
                self._overlay(name, labels, encrypted=encrypted)
        return name

    def _files(self, spec: ContainerSpec) -> dict[str, Any]:
        """Its secret files as secrets of the Swarm, its configuration files as configs; volumes as on one engine."""
        if not (spec.files or spec.configs or spec.setup or spec.volumes):
            return {}
        uid, gid = self._owner(spec) if spec.files or spec.volumes else (0, 0)
        empty = [
            path for path, data in (*spec.files.items(), *((p, f.data) for p, f in spec.configs.items())) if not data
        ]
        if empty:
            raise EngineError(f"{empty[0]} of {spec.name} is empty, and a Swarm stores no empty file")
        found: dict[str, Any] = {"Secrets": [], "Configs": []}
        laid = [(path, file.data, file.mode) for path, file in spec.configs.items()]
        laid += [(path, text.encode(), 0o444) for path, text in spec.setup.items()]
        for path, data in spec.files.items():
            found["Secrets"].append(self._file("secrets", spec, path, data, 0o400, (uid, gid)))
        for path, data, mode in laid:
            found["Configs"].append(self._file("configs", spec, path, data, mode, (0, 0)))
        return found

    def _file(
        self, kind: str, spec: ContainerSpec, path: str, data: bytes, mode: int, whose: tuple[int, int]
    ) -> dict[str, Any]:
        name = f"{digest_of({'of': spec.name, 'path': path}).removeprefix('sha256:')[:20]}-{uuid.uuid4().hex[:8]}"
        body = {
            "Name": name,
            "Labels": {**owner_labels(spec.labels), form.TASK: spec.name},
            "Data": base64.b64encode(data).decode(),
        }
        identity = str(self._engine.call("POST", f"/{kind}/create", body=body)["ID"])
        key = "Secret" if kind == "secrets" else "Config"
        file = {"Name": path, "UID": str(whose[0]), "GID": str(whose[1]), "Mode": mode}
        return {f"{key}ID": identity, f"{key}Name": name, "File": file}

    def _forget_files(self, service: str) -> None:
        for kind in ("secrets", "configs"):
            query = {"filters": json.dumps({"label": [f"{form.TASK}={service}"]})}
            self._delete(kind, self._engine.call("GET", f"/{kind}", query=query) or ())

    def _delete(self, kind: str, files: Iterable[Mapping[str, Any]]) -> None:
        for item in files:
            with suppress(EngineRefused):  # a task that is ending has it still
                self._engine.call("DELETE", f"/{kind}/{item['ID']}", fine=(404,))

    def _owner(self, spec: ContainerSpec) -> tuple[int, int]:
        """The numeric user of its image, and its volumes with that owner: by a container that never starts."""
        name = f"{READER}{uuid.uuid4().hex[:8]}"
        bare = dataclasses.replace(
            spec, name=name, nodes=(), files={}, configs={}, setup={}, networks={"none": ()}, restart=False
        )
        super().create(bare)
        try:
            found = self._inspect(name) or {"Config": {"User": ""}}
            return owner(found["Config"]["User"], lambda path: DockerRuntime.get(self, name, path))
        finally:
            super().remove(name, volumes=False)


def grace_of(service: Mapping[str, Any]) -> float:
    """Seconds that its task gets to end."""
    return float(service["Spec"]["TaskTemplate"]["ContainerSpec"].get("StopGracePeriod") or 10 * form.NANO) / form.NANO


def was_refused(task: Mapping[str, Any]) -> bool:
    """Whether the engine could not start it."""
    return "starting container failed" in str(task["Status"].get("Err") or "")
