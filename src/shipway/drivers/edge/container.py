"""The container that the edge runs in: which ports it publishes, which networks it joins."""

from __future__ import annotations

import dataclasses
import errno
import json
import re
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.domain.container import (
    LABEL_APP,
    LABEL_CONFIG,
    LABEL_NAME,
    LABEL_ROLE,
    ContainerInfo,
    ContainerSpec,
    Publish,
)
from shipway.domain.errors import EdgeError, EngineError
from shipway.domain.release import digest_of
from shipway.drivers.credentials import Keyring
from shipway.drivers.edge import control, program
from shipway.drivers.edge.program import IMAGE, ROUTES
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import SHARED, port_taken

LABEL_PORTS = "shipway.edge.ports"  # all that was ever asked for, as ADDRESS:PORT,…
LABEL_ACME = "shipway.edge.acme"  # all that was ever asked for, as JSON
LABEL_TOKEN = "shipway.edge.token"  # opens the control port: known to whoever may read the engine
ANYWHERE = "0.0.0.0"
GRACE = 3.0  # seconds that requests under way get when the container is made anew for one more port


class EdgeContainer:
    """Makes and remakes the container. Raises EdgeError and EngineError."""

    def __init__(self, engine: Engine, name: str, *, here: bool, keys: Keyring | None = None) -> None:
        """here: whether the engine is this machine's, so that its ports can be looked at."""
        self.name = name
        self._here = here
        self._next = f"{name}-next"
        # Of all networks of a container, the first in alphabetical order carries the published ports. It must stay the
        # same one: when it changes, connections break.
        self.home = f"0-{name}"
        self._runtime = DockerRuntime(engine)
        self._images = DockerImages(engine, keys)

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], tls: Mapping[str, Any] | None
    ) -> bool:
        """Whether it was started by this call, and so may not be ready yet."""
        found = self._runtime.find(self.name)
        if found and found.labels.get(LABEL_APP) != SHARED:
            raise EdgeError(
                f"the edge can't be started: a container {self.name} that isn't Shipway's is in its place",
                hint=f"rename or remove it: docker rename {self.name} NEW-NAME",
            )
        missing = [network for network in networks if not self._runtime.has_network(network)]
        if missing:
            raise EdgeError(f"the edge can't join network {missing[0]}: there is none of that name")
        if found is None or not found.running:
            found = self._finish(found)
        spec = self._wanted(found, ports, tls)
        if found is None:
            self._images.pull(spec.image, lambda line: None)
            self._create(spec, networks)
            self._start(spec)
        elif _differs(found, spec) or not self._can_start(found):
            self._replace(found, dataclasses.replace(spec, name=self._next), networks)
        else:
            for network, aliases in networks.items():
                self._runtime.connect(network, self.name, aliases)
            if found.running:
                return False
            self._start(spec)
        return True

    def pending(self, ports: Sequence[Publish], tls: Mapping[str, Any] | None) -> str | None:
        """Why `ensure` would make a running one anew; None where it wouldn't."""
        found = self._runtime.find(self.name)
        if found is None or not found.running or found.labels.get(LABEL_APP) != SHARED:
            return None
        spec = self._wanted(found, ports, tls)
        if not _differs(found, spec):
            return None
        more = sorted(set(spec.publish) - set(published(found.labels)), key=lambda port: port.host_port)
        return f"for port {', '.join(str(port.host_port) for port in more)}" if more else "with other settings"

    def _wanted(
        self, found: ContainerInfo | None, ports: Sequence[Publish], tls: Mapping[str, Any] | None
    ) -> ContainerSpec:
        labels = found.labels if found else {}
        acme = json.loads(labels.get(LABEL_ACME, "[]"))
        asked = (tls or {}).get("acme")
        return self._spec(union(published(labels), ports), acme if asked is None or asked in acme else [*acme, asked])

    def _create(self, spec: ContainerSpec, networks: Mapping[str, Sequence[str]]) -> None:
        self._runtime.ensure_network(self.home, _labels(self.name))
        self._runtime.create(spec)
        self._runtime.put(spec.name, "/", iter([program.archive(json.loads(spec.labels[LABEL_ACME]))]))
        for network, aliases in networks.items():
            self._runtime.connect(network, spec.name, aliases)

    def _start(self, spec: ContainerSpec) -> None:
        try:
            self._runtime.start(spec.name)
        except EngineError as error:
            if port_taken(error):
                raise _taken(_port_of(error.message, spec.publish)) from error
            raise EdgeError(f"the edge can't be started: {error.message}", hint=error.hint) from error

    def _replace(self, found: ContainerInfo, spec: ContainerSpec, networks: Mapping[str, Sequence[str]]) -> None:
        """Prepare the next one beside it, so that the interruption for everyone is short; go back where it fails."""
        before = published(found.labels)
        for port in spec.publish:
            if self._here and port not in before:
                _must_be_free(port, before)
        self._images.pull(spec.image, lambda line: None)
        attached = {
            network: aliases
            for network, aliases in self._runtime.attachments(self.name).items()
            if network != self.home and self._runtime.has_network(network)
        }
        self._runtime.remove(spec.name)
        try:
            self._create(spec, {**attached, **_merged(attached, networks)})
            self._runtime.stop(self.name, GRACE)
            self._start(spec)
        except BaseException:
            self._runtime.remove(spec.name)
            if found.running:
                self._runtime.start(self.name)
            raise
        self._finish(found)

    def _finish(self, found: ContainerInfo | None) -> ContainerInfo | None:
        """Let the next one take the place of the one before, also where another process died on the way there."""
        following = self._runtime.find(self._next)
        if following is None or not following.running:
            return found
        self._runtime.remove(self.name)
        self._runtime.rename(following.id, self.name)
        return self._runtime.find(self.name)

    def _can_start(self, found: ContainerInfo) -> bool:
        """A stopped one doesn't, once a network was removed that it was attached to."""
        return found.running or all(map(self._runtime.has_network, self._runtime.attachments(self.name)))

    def _spec(self, ports: Sequence[Publish], acme: Sequence[Mapping[str, Any]]) -> ContainerSpec:
        reserved = next((port for port in ports if port.host_port == control.PORT), None)
        if reserved:
            raise EdgeError(f"port {control.PORT} is the edge's own", hint="use another port in the environment's url")
        command = program.command(sorted({port.host_port for port in ports}), acme)
        text = ",".join(f"{port.address}:{port.host_port}" for port in ports)
        config = digest_of({"image": IMAGE, "command": command, "ports": text, "program": program.version(acme)})
        token = secrets.token_hex(32)
        return ContainerSpec(
            name=self.name,
            image=IMAGE,
            labels={
                **_labels(self.name),
                LABEL_PORTS: text,
                LABEL_ACME: json.dumps(acme),
                LABEL_TOKEN: token,
                LABEL_CONFIG: config,
            },
            command=command,
            env={"SHIPWAY_TOKEN": token},
            networks={self.home: ()},
            volumes={self.name: ROUTES},
            publish=tuple(ports),
            workdir="/",
            restart=True,
        )


def _differs(found: ContainerInfo, spec: ContainerSpec) -> bool:
    return found.labels.get(LABEL_CONFIG) != spec.labels[LABEL_CONFIG]


def published(labels: Mapping[str, str]) -> tuple[Publish, ...]:
    """The public ports of an edge container, by its labels."""
    items = [item.rpartition(":") for item in labels.get(LABEL_PORTS, "").split(",") if item]
    return tuple(Publish(int(port), int(port), address) for address, _, port in items)


def union(before: Sequence[Publish], more: Sequence[Publish]) -> tuple[Publish, ...]:
    """All public ports in a stable order; a port that is open to anywhere needs no further address."""
    pairs = {(port.host_port, port.address) for port in (*before, *more)}
    anywhere = {number for number, address in pairs if address == ANYWHERE}
    kept = sorted((number, address) for number, address in pairs if address == ANYWHERE or number not in anywhere)
    return tuple(Publish(number, number, address) for number, address in kept)


def _labels(name: str) -> dict[str, str]:
    return {LABEL_APP: SHARED, LABEL_ROLE: "edge", LABEL_NAME: name}


def _merged(*many: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Of the networks in the last one, the aliases of all."""
    return {name: sorted({alias for each in many for alias in each.get(name, ())}) for name in many[-1]}


def _must_be_free(port: Publish, ours: Sequence[Publish]) -> None:
    """EdgeError where another program listens; nothing where that can't be seen from here."""
    if port.host_port in {item.host_port for item in ours}:
        return  # ours, on another address
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.host_port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _taken(port) from error


def _taken(port: Publish) -> EdgeError:
    return EdgeError(
        f"the edge can't listen: port {port.host_port} on {port.address} is taken by another program",
        hint=f"see which one: ss -ltnp 'sport = :{port.host_port}'; or use another port in the environment's url",
    )


def _port_of(message: str, ports: Sequence[Publish]) -> Publish:
    """Which port the engine means."""
    numbers = {int(number) for number in re.findall(r":(\d+)\b", message)}
    return next((port for port in ports if port.host_port in numbers), ports[-1])
