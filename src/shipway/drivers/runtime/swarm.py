"""A Swarm beside its manager's own engine: what may run on any host is a service with one task, all else a container.

The Swarm chooses the node of a task, and another one if that is lost, drained or paused. Whatever needs the container
itself goes to the engine of its node. Services that are switched off have no task, so a rollback to one that still runs
is a switch.
"""

from __future__ import annotations

import builtins
import dataclasses
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shipway.domain.container import (
    LABEL_APP,
    LABEL_ENVIRONMENT,
    LABEL_NAME,
    LABEL_RELEASE,
    ContainerInfo,
    ContainerSpec,
)
from shipway.domain.errors import EngineError, NotRunnable
from shipway.domain.start_failure import refusal_in
from shipway.drivers.runtime import swarm_spec as form
from shipway.drivers.runtime import translate
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import EngineRefused, segment
from shipway.drivers.runtime.swarm_services import GONE, PAUSE, READER, SwarmServices, grace_of, was_refused

if TYPE_CHECKING:
    from shipway.domain.container import Usage
    from shipway.domain.log import LogLine
    from shipway.ports import Session

OTHERS = 5.0  # seconds for the other hosts of an environment to leave a network that was created through one of them
LEFT = 20.0  # seconds for an engine to remove its copy of a network
OVERLAY = "SHIPWAY_OVERLAY"  # `plain`: networks between the nodes aren't encrypted
ATTACHED = 60.0  # seconds in which a node that is back becomes able to attach containers to the Swarm's networks
NUDGE = 3.0  # seconds until a service without a task is changed again: the Swarm may miss a start right after a stop
UNATTACHED = re.compile("attaching to network failed|network [0-9a-z]{25} not found")  # the Swarm's identifiers
PLACED = 120.0  # seconds for a task to run, with the pull of its image


class SwarmRuntime(SwarmServices):
    """The Runtime of a host that may manage a Swarm."""

    # what there is

    def list(self, labels: Mapping[str, str]) -> builtins.list[ContainerInfo]:
        found = self._services(labels)
        tasks = self._tasks(item["ID"] for item in found)
        return [*super().list(labels), *(self._info(item, tasks.get(item["ID"], ())) for item in found)]

    def find(self, container: str) -> ContainerInfo | None:
        service = self._service(container)
        if service is None:
            return self._from_outside(super().find(container))
        tasks = self._tasks_of(service)
        found = self._info(service, tasks)
        if not found.running:
            return found
        place = self._reached(service, form.newest(tasks) or {})
        return dataclasses.replace(found, addresses={name: place or own for name, own in found.addresses.items()})

    def variables(self, container: str) -> Mapping[str, str]:
        service = self._service(container)
        if service is None:
            return super().variables(container)
        pairs = (item.partition("=") for item in service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or ())
        return {name: value for name, _, value in pairs}

    # its life

    def create(self, spec: ContainerSpec) -> str:
        if not spec.nodes:
            return super().create(spec)
        self._nodes.require(spec.nodes)
        self._is_manager = True  # it may have become one a moment ago
        if (found := self._any_service(spec.name)) is not None:
            as_container = {"Id": found["ID"], "Config": {"Labels": found["Spec"].get("Labels") or {}}}
            kept = translate.kept(as_container, spec)
            self._claimed(found, spec.nodes)
            return kept
        if super().find(spec.name) is not None:
            raise EngineError(f"the name {spec.name} is used by a container, and not by a service of the Swarm")
        if self._engine.call("GET", f"/images/{spec.image}/json", fine=(404,)) is None:
            raise EngineError(f"image {spec.image} of service {spec.name} is missing on {self._name}")
        networks = {name: list(aliases) for name, aliases in spec.networks.items()}
        if peers := self._peers(spec):
            networks[peers] = [spec.labels[LABEL_NAME]]
        # A volume is on one node: what has one stays there.
        constraints = [f"node.id=={self._nodes.id_of(self._name)}"] if spec.volumes else []
        body = form.service(spec, networks, constraints, self._engine.api, self._nodes.ids(spec.nodes))
        try:
            body["TaskTemplate"]["ContainerSpec"] |= self._files(spec)
            headers = {"X-Registry-Auth": auth} if (auth := self._credentials(spec.image)) else {}
            with self._engine.open("POST", "/services/create", body=body, headers=headers) as reply:
                return str(json.loads(reply.read())["ID"])
        except EngineRefused as error:
            self._forget_files(spec.name)
            raise EngineError(f"service {spec.name} can't be created: {error.message}") from error

    def start(self, container: str) -> None:
        service = self._service(container)
        if service is None:
            return _attached(lambda: DockerRuntime.start(self, container))
        if not form.replicas(service):
            service = self._scale(service, 1)
        deadline = time.monotonic() + PLACED
        again = time.monotonic() + NUDGE
        while True:
            task = form.newest(self._tasks_of(service))
            if task is not None and (form.state(task) == "running" or self._has_begun(task)):
                return
            told = form.described(task, self._nodes.named(task.get("NodeID", "")) if task else "")
            if task is not None and form.state(task) in form.FAILED:
                if refusal_in(told):
                    raise NotRunnable(told)
                raise EngineError(f"{container} can't be started: {told}")
            if task is None and time.monotonic() > again:
                service, again = self._scale(service, 1), time.monotonic() + NUDGE
            if time.monotonic() > deadline:
                raise EngineError(
                    f"the Swarm didn't start {container} within {PLACED:g} s: {told}",
                    hint=f"see `docker service ps --no-trunc {container}` and `docker node ls` on {self._name}",
                )
            time.sleep(PAUSE)

    def _has_begun(self, task: Mapping[str, Any]) -> bool:
        """Whether its command ran, though it has ended since."""
        code = (task["Status"].get("ContainerStatus") or {}).get("ExitCode")
        return form.state(task) == "complete" or (form.state(task) == "failed" and bool(code) and not was_refused(task))

    def prioritize(self, container: str) -> None:
        if self._service(container) is None:
            super().prioritize(container)

    def stop(self, container: str, grace: float) -> None:
        service = self._service(container)
        if service is None:
            return super().stop(container, grace)
        if form.replicas(service):
            self._scale(service, 0)
        self._until_gone(service, max(grace, grace_of(service)))

    def remove(self, container: str, *, volumes: bool = True) -> None:
        service = self._service(container)
        if service is None:
            return super().remove(container, volumes=volumes)
        ended = [item for item in map(form.container_of, self._tasks_of(service)) if item and form.is_pinned(service)]
        self.stop(service["ID"], grace_of(service))
        self._engine.call("DELETE", f"/services/{segment(service['ID'])}", fine=(404,))
        deadline = time.monotonic() + GONE
        while any(self._inspect(item) for item in ended) and time.monotonic() < deadline:
            time.sleep(PAUSE)  # its volumes are in use until then
        self._forget_files(service["Spec"]["Name"])
        for item in service["Spec"]["TaskTemplate"].get("Networks") or ():
            network = self._network(item["Target"])
            if network is not None and LABEL_RELEASE in (network["Labels"] or {}):
                self._forget_network(network["Id"])

    def _forget_network(self, identity: str) -> None:
        """Remove the network of a release, unless services or their last tasks still use it."""
        if self._has_left(identity):
            with suppress(EngineRefused):
                self._engine.call("DELETE", f"/networks/{segment(identity)}", fine=(404,))

    def rename(self, container: str, name: str) -> None:
        if self._service(container) is not None:
            raise EngineError(f"{container} is a service of a Swarm, which can't be renamed")
        super().rename(container, name)

    def wait(self, container: str, timeout: float) -> int:
        service = self._service(container)
        if service is None:
            return super().wait(container, timeout)
        deadline = time.monotonic() + timeout
        while True:
            found = self.find(container)
            if found is None:
                raise EngineError(f"service {container} was removed")
            if found.state == "exited":
                return found.exit_code or 0
            if time.monotonic() > deadline:
                raise TimeoutError(f"service {container} still runs after {timeout:g} seconds")
            time.sleep(PAUSE)

    # its container

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        there, name = self._place(container)
        yield from DockerRuntime.logs(there, name, follow=follow, tail=tail)

    def log(
        self, container: str, *, since: str | None = None, follow: bool = False, tail: int | None = None
    ) -> Iterator[builtins.list[LogLine]]:
        there, name = self._place(container)
        yield from DockerRuntime.log(there, name, since=since, follow=follow, tail=tail)

    def execute(
        self, container: str, command: Sequence[str], *, timeout: float = 600.0,
        environment: Mapping[str, str] | None = None, kept: bool = False,
    ) -> tuple[int, str]:  # fmt: skip
        there, name = self._place(container, running=True)
        return DockerRuntime.execute(there, name, command, timeout=timeout, environment=environment, kept=kept)

    def session(
        self, container: str, command: Sequence[str], *, tty: bool, environment: Mapping[str, str] | None = None
    ) -> Session:
        there, name = self._place(container, running=True)
        return DockerRuntime.session(there, name, command, tty=tty, environment=environment)

    def connections(self, container: str, port: int) -> int | None:
        found = self._located(container)
        if found is None:
            return 0
        there, name = found
        return DockerRuntime.connections(there, name, port)

    def put(self, container: str, path: str, archive: Iterator[bytes]) -> None:
        there, name = self._place(container)
        DockerRuntime.put(there, name, path, archive)

    def get(self, container: str, path: str) -> Iterator[bytes]:
        there, name = self._place(container)
        return DockerRuntime.get(there, name, path)

    def usage_of(self, container: str) -> Usage | None:
        found = self._located(container)
        return DockerRuntime.usage_of(found[0], found[1]) if found else None

    # its platform

    def down(self, away: Sequence[str], hosts: Sequence[str]) -> frozenset[str]:
        return self._nodes.down(away, hosts) if self._manages else frozenset()

    def claim(self, labels: Mapping[str, str], hosts: Sequence[str]) -> bool:
        if not self._manages:
            return False
        for service in self._engine.call("GET", "/services", query=translate.carrying({**labels, form.NODES: ""})):
            self._claimed(service, hosts)
        return True

    def remove_leftovers(self, labels: Mapping[str, str]) -> None:
        if not self._manages:
            return
        for item in super().list(labels):
            if item.name.startswith(READER):
                super().remove(item.name, volumes=False)
        services = {item["Spec"]["Name"] for item in self._engine.call("GET", "/services")}
        for kind in ("secrets", "configs"):
            found = self._engine.call("GET", f"/{kind}", query=translate.carrying({**labels, form.TASK: ""})) or ()
            self._delete(kind, [item for item in found if item["Spec"]["Labels"][form.TASK] not in services])
        for network in self._engine.call("GET", "/networks", query=translate.carrying({**labels, LABEL_RELEASE: ""})):
            if network["Driver"] == "overlay" and not self._users(network):
                self._forget_network(network["Id"])

    # networks

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = False
    ) -> None:
        if not wide:
            return super().ensure_network(name, labels, internal=internal, pinned=pinned)
        self._nodes.require_manager()
        with self._networks:
            there = self._network(name)
            if there is not None and there["Driver"] != "overlay":
                raise EngineError(
                    f"the network {name} is one of a single host", hint=f"remove it: docker network rm {name}"
                )
            if there is None:
                self._overlay(name, labels, encrypted=os.environ.get(OVERLAY, "") != "plain")

    def remove_network(self, name: str) -> None:
        found = self._network(name)
        if found is None or found["Driver"] != "overlay":
            return super().remove_network(name)
        labels = found["Labels"] or {}
        own = {key: labels[key] for key in (LABEL_APP, LABEL_ENVIRONMENT) if key in labels}
        peers = self._engine.call("GET", "/networks", query=translate.carrying({**own, LABEL_RELEASE: ""}))
        for each in (*(peers if len(own) == 2 and LABEL_RELEASE not in labels else ()), found):
            self._remove_overlay(each["Id"], each["Name"])

    def _remove_overlay(self, identity: str, name: str) -> None:
        """Returns when it is gone from the Swarm, which it is some time after its last task. EngineError if a service uses
        it; then nothing leaves it. Tasks never do: they end with their services."""
        began = time.monotonic()
        while (there := self._network(identity)) is not None:
            users = self._users(there) if self._manages else []
            if found := [item["Spec"]["Name"] for item in users if self._is_ours(item) or not form.hosts(item)]:
                raise EngineError(f"network {name} can't be removed: it is in use by service {', '.join(found)}")
            for container, attached in _containers(there).items():
                if not self._is_task(container):
                    self.disconnect(identity, attached)
            if not self._manages or users:
                return  # a worker forgets it with its last container, as does a manager whose environment has another first host
            self._has_left(identity)
            try:
                self._engine.call("DELETE", f"/networks/{segment(identity)}", fine=(404,))
                why = "it is still in use"
            except EngineRefused as error:
                why = error.message
                if "not found" in why:
                    return  # the Swarm has removed it; this engine forgets it with its last container
                if "in use by task" not in why and "active endpoints" not in why:
                    raise EngineError(f"network {name} can't be removed: {why}") from error
                if self._may_stay(there, why, time.monotonic() - began):
                    return  # it goes when that node is cleared
            if time.monotonic() - began > GONE:
                raise EngineError(f"network {name} can't be removed: {why}")
            time.sleep(PAUSE)

    def _may_stay(self, network: Mapping[str, Any], why: str, waited: float) -> bool:
        """Whether a network is another host's to remove, or the last task in it is a container of a node that is down."""
        if waited > OTHERS and (network["Labels"] or {}).get(form.NODES, self._name) != self._name:
            return True
        found = re.search(r"in use by task (\w+)", why)
        task = self._engine.call("GET", f"/tasks/{found[1]}", fine=(404,)) if found else None
        return task is not None and task.get("NodeID") in self._nodes.lost()

    def _has_left(self, identity: str) -> bool:
        """Wait until this engine has no copy of an overlay network, which it removes with its last container there: one whose
        network the Swarm has removed before may stay for ever. False at once if another container uses it."""
        deadline = time.monotonic() + LEFT
        while (there := self._network(identity)) is not None and there.get("Containers") is not None:
            if _containers(there):
                return False
            if time.monotonic() > deadline:
                break
            time.sleep(PAUSE)
        return True

    def connect(self, network: str, container: str, aliases: Sequence[str] = ()) -> None:
        service = self._service(container)
        if service is None:
            return _attached(lambda: DockerRuntime.connect(self, network, container, aliases))
        there = self._network(network)
        if there is None:
            raise EngineError(f"there is no network {network} for service {container}")

        def joined(spec: dict[str, Any]) -> bool:
            targets = spec["TaskTemplate"].setdefault("Networks", [])
            if any(item["Target"] in (there["Id"], network) for item in targets):
                return False
            targets.append({"Target": there["Id"]})
            return True

        if form.replicas(self._change(service, joined)):
            self.start(container)  # the Swarm replaces a running task

    def set_aliases(self, network: str, container: str, aliases: Sequence[str]) -> bool:
        """Names of a running task can't change: each release has a network in which its services find each other."""
        service = self._service(container)
        if service is None:
            return super().set_aliases(network, container, aliases)
        return self._is_in(service, network)

    def disconnect(self, network: str, container: str) -> None:
        """A task stays in its networks as long as it runs: to leave one, the Swarm would replace it."""
        if self._service(container) is None:
            super().disconnect(network, container)


def _containers(network: Mapping[str, Any]) -> dict[str, str]:
    """Names by id of those of this engine in it, without its load balancer."""
    found = network.get("Containers") or {}
    return {key: item["Name"] for key, item in found.items() if not key.startswith("lb-")}


def _attached(attach: Callable[[], None]) -> None:
    """Attach a container to networks of the Swarm. A node that is back can't for a while: its engine knows none of them
    until its manager answers it."""
    deadline = time.monotonic() + ATTACHED
    while True:
        try:
            return attach()
        except EngineError as error:
            if not UNATTACHED.search(error.message) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)
