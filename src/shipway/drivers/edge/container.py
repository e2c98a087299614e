"""The containers of the edge: which ports they publish, which networks they join.

A running container's ports can't be changed. So a further port gets a further container beside the others: all read the
same volume of routes, and each serves the ports that it publishes.
"""

from __future__ import annotations

import json
import re
import secrets
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
from shipway.drivers.edge.dynamic import chosen
from shipway.drivers.edge.program import ROUTES
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import EDGE_IMAGE, SHARED, port_taken

LABEL_PORTS = "shipway.edge.ports"  # as ADDRESS:PORT,…
LABEL_ACME = "shipway.edge.acme"  # as JSON
LABEL_TRUSTED = "shipway.edge.trusted"  # proxies trusted on its ports, as ADDRESS,…
LABEL_LIMITS = "shipway.edge.limits"  # its plugin can limit the bodies of requests
LABEL_TOKEN = "shipway.edge.token"  # for the control port; readable by all users of the engine
ANYWHERE = "0.0.0.0"
HTTPS = 443
# Some routes have a connection for each request. In a minute, each closed one would keep a port otherwise. Linux 4.12
REUSE = {"net.ipv4.tcp_tw_reuse": "1"}
GRACE = 3.0  # seconds that open requests get when a container must be recreated


class EdgeContainers:
    """Creates, starts and removes the containers of one edge. Raises EdgeError and EngineError."""

    def __init__(self, engine: Engine, name: str, *, keys: Keyring | None = None) -> None:
        self.name = name  # of the first container, and of the volume
        self._runtime = DockerRuntime(engine)
        self._images = DockerImages(engine, keys)

    def members(self) -> list[ContainerInfo]:
        """All containers, running or not, those with the most ports first."""
        found = self._runtime.list({LABEL_APP: SHARED, LABEL_ROLE: "edge", LABEL_NAME: self.name})
        return sorted(found, key=lambda item: (-len(published(item.labels)), len(item.name), item.name))

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], url: Mapping[str, Any] | None
    ) -> list[ContainerInfo]:
        """Returns the containers started by this call, which may not be ready yet."""
        missing = [network for network in networks if not self._runtime.has_network(network)]
        if missing:
            raise EdgeError(f"the edge can't join network {missing[0]}: it does not exist")
        started = self._revive()
        members, acme, trusted = self.members(), _acme(url), _trusted(url)
        outdated = _outdated(members, ports, acme, trusted, limits=_limits(url))
        if outdated is not None:
            started.append(
                self._replace(outdated, union(published(outdated.labels), _of_numbers(ports, outdated)), acme, trusted)
            )
            members = self.members()
        lacking = [port for port in union((), ports) if _member(members, port) is None]
        if lacking or not members:
            started.append(self._add(members, lacking, acme, trusted or ()))
            members = self.members()
        for member in self._joining(members, ports):
            primary = not ports or _member([member], ports[0]) is not None
            for network, aliases in networks.items():
                self._runtime.connect(network, member.name, aliases if primary else ())
        return [item for item in members if item.name in started]

    def pending(self, ports: Sequence[Publish], url: Mapping[str, Any] | None) -> tuple[str, ContainerInfo] | None:
        """Why `ensure` would recreate a running container, and which one; None if it wouldn't."""
        members = [item for item in self.members() if item.running]
        found = _outdated(members, ports, _acme(url), _trusted(url), limits=_limits(url))
        if found is None:
            return None
        why = "to use another ACME server" if _covers(found, ports) else "to publish another address"
        if _trusts_others(found, _trusted(url)):
            why = "to change its trusted proxies"
        elif _limits(url) and LABEL_LIMITS not in found.labels:
            why = "to limit the bodies of requests, which its version can't"
        return ("to change its settings" if LABEL_TOKEN not in found.labels else why), found

    def trim(self, needed: set[int], among: set[int] | None = None) -> None:
        """Remove the containers whose ports are all unused. among: only those with no other ports; None: any."""
        for member in self.members():
            ports = {port.host_port for port in published(member.labels)}
            if not needed & ports and (among is None or ports <= among):
                self._runtime.remove(member.name)
                self._runtime.remove_network(self.home(member.name))

    def home(self, member: str) -> str:
        """Name of a container's own network. A container's alphabetically first network carries the published ports. It
        must stay the same: changing it breaks connections."""
        return f"0-{member}"

    def _joining(self, members: Sequence[ContainerInfo], ports: Sequence[Publish]) -> list[ContainerInfo]:
        serving = [item for item in members if any(_member([item], port) for port in ports)]
        return serving or list(members)

    def _revive(self) -> list[str]:
        """Start stopped containers, also after another process died in between: the ports of all are needed."""
        started: list[str] = []
        for member in self.members():
            if member.running:
                continue
            running = [item for item in self.members() if item.running]
            if running and _covers_all(running, published(member.labels)):
                self._runtime.remove(member.name)
                continue
            spec = self._spec(
                member.name, published(member.labels), resolvers(member.labels), trusted_proxies(member.labels)
            )
            try:
                if member.labels.get(LABEL_CONFIG) != spec.labels[LABEL_CONFIG] or not self._can_start(member):
                    networks = self._attached(member)
                    self._runtime.remove(member.name)
                    self._create(spec, networks)
                self._start(spec)
            except EdgeError:
                if member.state != "created":
                    raise
                self._runtime.remove(member.name)  # it never ran
                continue
            started.append(member.name)
        return started

    def _add(
        self,
        members: Sequence[ContainerInfo],
        ports: Sequence[Publish],
        acme: Mapping[str, Any] | None,
        trusted: Sequence[str],
    ) -> str:
        taken = {item.name for item in members}
        numbered = (f"{self.name}-{number}" for number in range(2, len(taken) + 3))
        name = next(item for item in (self.name, *numbered) if item not in taken)
        foreign = self._runtime.find(name)
        if foreign is not None and foreign.labels.get(LABEL_APP) != SHARED:
            raise EdgeError(
                f"the edge can't be started: the name {name} is used by a container that Shipway did not create",
                hint=f"rename or remove it: docker rename {name} NEW-NAME",
            )
        spec = self._spec(name, ports, [] if acme is None else [acme], trusted)
        self._images.pull(spec.image, lambda line: None)
        try:
            self._create(spec, {})
            self._start(spec)
        except BaseException:
            self._runtime.remove(name)
            self._runtime.remove_network(self.home(name))
            raise
        return name

    def _create(self, spec: ContainerSpec, networks: Mapping[str, Sequence[str]]) -> None:
        self._runtime.ensure_network(self.home(spec.name), _labels(self.name))
        self._runtime.create(spec)
        self._runtime.put(spec.name, "/", iter([program.archive(json.loads(spec.labels[LABEL_ACME]))]))
        for network, aliases in networks.items():
            self._runtime.connect(network, spec.name, aliases)

    def _start(self, spec: ContainerSpec) -> None:
        try:
            self._runtime.start(spec.name)
        except EngineError as error:
            if port_taken(error):
                raise self._taken(_port_of(error.message, spec.publish)) from error
            raise EdgeError(f"the edge can't be started: {error.message}", hint=error.hint) from error

    def _replace(
        self,
        found: ContainerInfo,
        ports: Sequence[Publish],
        acme: Mapping[str, Any] | None,
        trusted: Sequence[str] | None,
    ) -> str:
        """Recreate a container; restore the old one on failure. Requests to its ports are interrupted."""
        known = resolvers(found.labels)
        trusting = trusted_proxies(found.labels) if trusted is None else trusted
        spec = self._spec(found.name, ports, known if acme is None or acme in known else [*known, acme], trusting)
        networks, old = self._attached(found), f"{found.name}-before"
        self._images.pull(spec.image, lambda line: None)
        self._runtime.remove(old)
        self._runtime.stop(found.name, GRACE)
        self._runtime.rename(found.id, old)
        try:
            self._create(spec, networks)
            self._start(spec)
        except BaseException:
            self._runtime.remove(spec.name)
            self._runtime.rename(found.id, found.name)
            self._runtime.start(found.name)
            raise
        self._runtime.remove(old)
        return spec.name

    def _attached(self, found: ContainerInfo) -> dict[str, tuple[str, ...]]:
        """Existing networks with their aliases, without its own."""
        return {
            network: aliases
            for network, aliases in self._runtime.attachments(found.name).items()
            if network != self.home(found.name) and self._runtime.has_network(network)
        }

    def _can_start(self, found: ContainerInfo) -> bool:
        """A stopped container can't start once one of its networks is removed."""
        return all(map(self._runtime.has_network, self._runtime.attachments(found.name)))

    def _spec(
        self, name: str, ports: Sequence[Publish], acme: Sequence[Mapping[str, Any]], trusted: Sequence[str] = ()
    ) -> ContainerSpec:
        reserved = next((port for port in ports if port.host_port == control.PORT), None)
        if reserved:
            raise EdgeError(
                f"port {control.PORT} is reserved for the edge", hint="use another port in the environment's url"
            )
        numbers = sorted({port.host_port for port in ports})
        if HTTPS in numbers and {} not in acme:
            acme = [{}, *acme]  # Let's Encrypt, so that its first use causes no interruption
        command = program.command(numbers, acme, trusted)
        text = ",".join(f"{port.address}:{port.host_port}" for port in ports)
        config = digest_of({"image": EDGE_IMAGE, "command": command, "ports": text, "program": program.version(acme)})
        token = secrets.token_hex(32)
        return ContainerSpec(
            name=name,
            image=EDGE_IMAGE,
            labels={
                **_labels(self.name),
                LABEL_PORTS: text,
                LABEL_ACME: json.dumps(acme),
                LABEL_TRUSTED: ",".join(trusted),
                LABEL_TOKEN: token,
                LABEL_LIMITS: "1",
                LABEL_CONFIG: config,
            },
            command=command,
            env={"SHIPWAY_TOKEN": token},
            networks={self.home(name): ()},
            volumes={self.name: ROUTES},
            publish=tuple(ports),
            workdir="/",
            sysctls=REUSE,  # not in `config`: for this alone, nobody's requests are interrupted
            restart=True,
        )

    def _taken(self, port: Publish) -> EdgeError:
        ours = [
            item for member in self.members() for item in published(member.labels) if item.host_port == port.host_port
        ]
        if any(item.address != port.address for item in ours):
            return EdgeError(
                f"the edge can't listen on {port.address}:{port.host_port}: it already listens on {ours[0].address}:{port.host_port} for other environments",
                hint="use another port in the environment's url, or the same `address` for all",
            )
        return EdgeError(
            f"the edge can't listen: port {port.host_port} on {port.address} is used by another program",
            hint=f"find it: ss -ltnp 'sport = :{port.host_port}'; or use another port in the environment's url",
        )


def published(labels: Mapping[str, str]) -> tuple[Publish, ...]:
    """The public ports of an edge container, from its labels."""
    items = [item.rpartition(":") for item in labels.get(LABEL_PORTS, "").split(",") if item]
    return tuple(Publish(int(port), int(port), address) for address, _, port in items)


def resolvers(labels: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The ACME settings that an edge container was started with."""
    found: list[Mapping[str, Any]] = json.loads(labels.get(LABEL_ACME, "[]"))
    return found


def trusted_proxies(labels: Mapping[str, str]) -> list[str]:
    """The proxies trusted on an edge container's ports."""
    return [item for item in labels.get(LABEL_TRUSTED, "").split(",") if item]


def _acme(url: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = ((url or {}).get("tls") or {}).get("acme")
    return found


def _trusted(url: Mapping[str, Any] | None) -> list[str] | None:
    """None if it is not set."""
    return None if url is None else list(url.get("trusted", ()))


def _limits(url: Mapping[str, Any] | None) -> bool:
    return bool((url or {}).get("limits"))


def _trusts_others(member: ContainerInfo, trusted: Sequence[str] | None) -> bool:
    return trusted is not None and list(trusted) != trusted_proxies(member.labels)


def union(before: Sequence[Publish], more: Sequence[Publish]) -> tuple[Publish, ...]:
    """All public ports in a stable order; a port open to all addresses needs no further one."""
    pairs = {(port.host_port, port.address) for port in (*before, *more)}
    anywhere = {number for number, address in pairs if address == ANYWHERE}
    kept = sorted((number, address) for number, address in pairs if address == ANYWHERE or number not in anywhere)
    return tuple(Publish(number, number, address) for number, address in kept)


def _member(members: Sequence[ContainerInfo], port: Publish) -> ContainerInfo | None:
    """The container that listens there."""
    wanted = {(port.host_port, port.address), (port.host_port, ANYWHERE)}
    return next(
        (item for item in members if any((own.host_port, own.address) in wanted for own in published(item.labels))),
        None,
    )


def _covers_all(members: Sequence[ContainerInfo], ports: Sequence[Publish]) -> bool:
    return all(_member(members, port) is not None for port in ports)


def _covers(member: ContainerInfo, ports: Sequence[Publish]) -> bool:
    return _covers_all([member], _of_numbers(ports, member))


def _of_numbers(ports: Sequence[Publish], member: ContainerInfo) -> list[Publish]:
    """The ports of the member, on any address."""
    numbers = {port.host_port for port in published(member.labels)}
    return [port for port in ports if port.host_port in numbers]


def _outdated(
    members: Sequence[ContainerInfo],
    ports: Sequence[Publish],
    acme: Mapping[str, Any] | None,
    trusted: Sequence[str] | None,
    *,
    limits: bool,
) -> ContainerInfo | None:
    """The container that can't provide what is requested, on ports that it holds."""
    for member in members:
        held = _of_numbers(ports, member)
        widened = any(port.address == ANYWHERE for port in held) and not _covers(member, held)
        lacks = (
            acme is not None
            and any(port.host_port == HTTPS for port in held)
            and chosen(acme, resolvers(member.labels)) is None
        )
        unable = bool(held) and limits and LABEL_LIMITS not in member.labels
        other = bool(held) and _trusts_others(member, trusted)
        if widened or lacks or other or unable or LABEL_TOKEN not in member.labels:
            return member
    return None


def _labels(name: str) -> dict[str, str]:
    return {LABEL_APP: SHARED, LABEL_ROLE: "edge", LABEL_NAME: name}


def _port_of(message: str, ports: Sequence[Publish]) -> Publish:
    """The port in the engine's message."""
    numbers = {int(number) for number in re.findall(r":(\d+)\b", message)}
    return next((port for port in ports if port.host_port in numbers), ports[-1])
