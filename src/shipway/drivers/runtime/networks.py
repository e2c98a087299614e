"""Networks of a Docker Engine, and the names and addresses of containers in them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shipway.domain.errors import EngineError
from shipway.drivers.runtime import addresses, subnets
from shipway.drivers.runtime.engine import Engine, EngineRefused, segment
from shipway.drivers.runtime.pause import paused, resume
from shipway.system.turns import Turns

PINNED = "shipway.pinned"  # label of a network with requested addresses
GATEWAY = "docker_gwbridge"  # by it, containers of overlay networks reach out of them
GONE = 10.0  # seconds in which a network becomes empty
PAUSE = 0.2
OVERLAPS = 20  # subnets that other processes may take concurrently


class EngineNetworks:
    """The part of a Runtime about networks. Share it between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._networks = threading.Lock()
        self._choosing = threading.Lock()  # of an address, until it is taken
        self._addresses = Turns()  # True: takes an address of a network; False: releases one briefly

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = False
    ) -> None:
        if wide:
            raise EngineError(f"network {name} can't span hosts: they are separate engines")
        with self._networks:  # an engine accepts two networks with the same name
            if self._network(name) is not None:
                return
            body = {
                "Name": name,
                "Driver": "bridge",
                "CheckDuplicate": True,
                "Internal": internal,
                "Labels": dict(labels),
            }
            pool = subnets.configured()
            if pool is not None and self._engine.is_local and self._create_network(body, pool, pinned=pinned):
                return
            try:
                self._engine.call("POST", "/networks/create", body=body, fine=(409,))
                if pinned:
                    self._pin(name, body)
            except EngineRefused as error:
                if (
                    "address pool" in error.message
                    and pool is not None
                    and self._create_network(body, pool, pinned=pinned)
                ):
                    return
                hint = ""
                if "address pool" in error.message:
                    hint = (
                        "too many networks on this engine: remove unused ones with `docker network prune`, or set a "
                        f"private range that is free there: {subnets.VARIABLE}={subnets.RANGE}"
                    )
                raise EngineError(f"network {name} can't be created: {error.message}", hint=hint) from error

    def _pin(self, name: str, body: Mapping[str, Any]) -> None:
        """Recreate it with the addresses that the engine chose: containers can only be reattached under their address
        in a network with requested addresses, see `set_aliases`."""
        found = self._network(name)
        chosen = [item["Subnet"] for item in (found or {}).get("IPAM", {}).get("Config") or () if item.get("Subnet")]
        if not chosen:
            return
        self._engine.call("DELETE", f"/networks/{segment(name)}", fine=(404,))
        pinned = {
            **body,
            "Labels": {**body["Labels"], PINNED: "1"},
            "IPAM": {"Config": [addresses.split(each) for each in chosen]},
        }
        try:
            self._engine.call("POST", "/networks/create", body=pinned, fine=(409,))
        except EngineRefused:  # another one has just taken them
            self._engine.call("POST", "/networks/create", body=body, fine=(409,))

    def _create_network(self, body: Mapping[str, Any], pool: subnets.Subnet, *, pinned: bool) -> bool:
        """Create it with a small subnet of the pool; False if none is free."""
        labels = {**body["Labels"], PINNED: "1"} if pinned else body["Labels"]
        taken = subnets.of_networks(self._engine.call("GET", "/networks"))
        taken += subnets.routes() if self._engine.is_local else []
        for attempt, subnet in enumerate(subnets.free(str(body["Name"]), pool, taken)):
            try:
                config = addresses.split(str(subnet)) if pinned else {"Subnet": str(subnet)}
                self._engine.call(
                    "POST",
                    "/networks/create",
                    body={**body, "Labels": labels, "IPAM": {"Config": [config]}},
                    fine=(409,),
                )
                return True
            except EngineRefused as error:
                if "overlap" not in error.message.lower() or attempt >= OVERLAPS:
                    raise EngineError(f"network {body['Name']} can't be created: {error.message}") from error
        return False

    def remove_network(self, name: str) -> None:
        began = time.monotonic()
        while (found := self._network(name)) is not None:
            for attached in (found["Containers"] or {}).values():
                self.disconnect(name, attached["Name"])  # by name: works even if the container itself is gone
            try:
                self._engine.call("DELETE", f"/networks/{segment(name)}", fine=(404,))
                return
            except EngineRefused as error:  # a busy engine tells of a container after it has given it an address
                if "active endpoints" not in error.message or time.monotonic() - began > GONE:
                    raise
            time.sleep(PAUSE)

    def connect(self, network: str, container: str, aliases: Sequence[str] = ()) -> None:
        found = self._inspect(container)
        if found is None:
            raise EngineError(f"there is no container {container} to attach to network {network}")
        endpoint = found["NetworkSettings"]["Networks"].get(network)
        known = (endpoint or {}).get("Aliases") or []
        if endpoint is not None:
            if set(aliases) <= set(known) or self.set_aliases(
                network, container, sorted({*aliases, *known} - {found["Id"][:12]})
            ):
                return
            self.disconnect(network, container)  # the engine can't add a name to an attached container
        self._join(network, found, {*aliases, *known})
        after = self._inspect(container)
        if found["State"]["Running"] and not (after and after["State"]["Running"]):
            # A container ending right now leaves an endpoint that can only be found by its name, and that keeps the
            # network.
            self.disconnect(network, found["Name"].lstrip("/"))

    def _join(self, network: str, container: Mapping[str, Any], aliases: Iterable[str]) -> None:
        """Attach a container, given by its Id and Name, that isn't attached."""
        wanted: dict[str, Any] = {"Aliases": sorted(aliases)}
        with self._addresses.of(True), self._choosing:
            if address := self._address(network, container["Name"]):
                wanted["IPAMConfig"] = {"IPv4Address": address}
            try:
                self._attach(network, container["Id"], wanted)
            except EngineRefused as error:
                if "already exists" not in error.message:  # attached by another process meanwhile
                    raise

    def _attach(self, network: str, container: str, config: Mapping[str, Any]) -> None:
        body = {"Container": container, "EndpointConfig": config}
        self._engine.call("POST", f"/networks/{segment(network)}/connect", body=body)

    def rejoin(self, container: str) -> bool:
        """Attach a stopped container to networks that were removed and created again; whether there were any. The engine
        removes networks that only stopped containers use (`docker network prune`), and refuses to start these then."""
        found, renewed = self._inspect(container), False
        if found is None:
            return False
        for name, endpoint in (found["NetworkSettings"]["Networks"] or {}).items():
            there = self._network(name)
            if there and there["Id"] != endpoint["NetworkID"]:
                self._join(name, found, _requested(found, endpoint))
                renewed = True
        return renewed

    def _address(self, network: str, container: str) -> str | None:
        """An address for an attached container; None if the engine chooses."""
        there = self._network(network)
        if there is None or PINNED not in (there["Labels"] or {}):
            return None
        attached = self._engine.call(
            "GET", "/containers/json", query={"all": 1, "filters": json.dumps({"network": [network]})}
        )
        return addresses.choose(there, container, attached)

    def set_aliases(self, network: str, container: str, aliases: Sequence[str]) -> bool:
        found = self._inspect(container)
        if found is not None and found["State"]["Paused"]:
            resume(self._engine, container)  # a process died in the middle of this
        endpoint = found["NetworkSettings"]["Networks"].get(network) if found else None
        if found is None or endpoint is None:
            return False
        known = set(_requested(found, endpoint))
        if known == set(aliases):
            return True
        there = self._network(network)
        if not (address := endpoint.get("IPAddress")) or there is None or PINNED not in (there["Labels"] or {}):
            return False
        # The engine can't rename attached containers. Reattached quickly under the same address, its connections
        # survive: lost packets are sent again. A connection that it opened meanwhile would hang.
        same = {
            "Aliases": sorted(aliases),
            "IPAMConfig": {"IPv4Address": address},
            "MacAddress": endpoint.get("MacAddress") or "",
        }
        try:
            with self._addresses.of(False), paused(self._engine, found):
                self.disconnect(network, container)
                self._attach(network, container, same)
        except EngineRefused:  # another process attached it meanwhile, or has taken the address
            self.connect(network, container, aliases)
        return True

    def attachments(self, container: str) -> dict[str, tuple[str, ...]]:
        """Networks of a container, running or not, with the requested aliases."""
        found = self._inspect(container) or {"Id": "", "NetworkSettings": {"Networks": {}}}
        return {name: _requested(found, item) for name, item in (found["NetworkSettings"]["Networks"] or {}).items()}

    def has_network(self, name: str) -> bool:
        """Whether it exists. A Swarm's worker knows a network of several hosts only once a container is in it: whether
        it exists shows when one joins."""
        if self._network(name) is not None:
            return True
        swarm = self.swarm()
        return swarm.get("LocalNodeState") == "active" and not swarm.get("ControlAvailable")

    def swarm(self) -> Mapping[str, Any]:
        """What the engine tells about the Swarm that it is in."""
        found: Mapping[str, Any] = self._engine.call("GET", "/info").get("Swarm") or {}
        return found

    def gateway_address(self, container: str) -> str | None:
        """By which its host reaches a container of overlay networks, which the host itself isn't in."""
        found = self._inspect(container)
        gateway = self._network(GATEWAY)
        if not found or not gateway:
            return None
        sandbox = f"gateway_{str(found['NetworkSettings'].get('SandboxID') or '')[:12]}"
        endpoints = (gateway["Containers"] or {}).values()
        mine = (item["IPv4Address"] for item in endpoints if item["Name"] == sandbox)
        return next((address.partition("/")[0] for address in mine), None)

    def disconnect(self, network: str, container: str) -> None:
        body = {"Container": container, "Force": True}
        try:
            self._engine.call("POST", f"/networks/{segment(network)}/disconnect", body=body, fine=(404,))
        except EngineRefused as error:
            if "is not connected" not in error.message:
                raise

    def _inspect(self, container: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None
        found = self._engine.call("GET", f"/containers/{segment(container)}/json", fine=(404,))
        return found

    def _network(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._engine.call("GET", f"/networks/{segment(name)}", fine=(404,))
        return found


def _requested(container: Mapping[str, Any], endpoint: Mapping[str, Any]) -> tuple[str, ...]:
    """Aliases of a container in a network, without its id, which the engine adds."""
    return tuple(alias for alias in endpoint.get("Aliases") or () if alias != container["Id"][:12])
