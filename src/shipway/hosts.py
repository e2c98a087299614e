"""The machines of remote hosts, each connected on first use."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from shipway.context import Machine
from shipway.domain.host_location import HostLocation
from shipway.domain.plan import LOCAL
from shipway.drivers import Lazy, driver
from shipway.drivers.credentials import Keyring
from shipway.ports import Dial, Host
from shipway.system.probe import probe, probe_tcp


class Hosts:
    """One Machine per host, kept until `close`. Safe to call from several threads, which connect in parallel.

    keys: credentials by registry, as DockerImages takes them. engine: of this machine. guarded: see `actions.environment.ownership.owned`.
    """

    def __init__(
        self, keys: Keyring, cancelled: threading.Event, guarded: Callable[[Machine], Machine] = lambda machine: machine,
        engine: object = None,
    ) -> None:  # fmt: skip
        self._guarded, self._engine = guarded, engine
        self._keys = keys
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}
        self._machines: dict[str, Machine] = {}
        self._locations: dict[str, HostLocation] = {}

    def connect(self, name: str) -> Machine:
        """Connect to the host ssh://[user@]name[:port]. EngineError if it is unreachable."""
        with self._lock:
            if name not in self._machines:
                self._hosts[name] = driver("hosts", "ssh")(name)
                self._machines[name] = self._guarded(self._machine(name, self._hosts[name]))
            machine = self._machines[name]
        machine.runtime.ping()
        return machine

    def locate(self, name: str) -> HostLocation:
        """Where that host is, without a connection. EngineError if this machine's ssh can't say."""
        with self._lock:
            if name not in self._locations:
                self._locations[name] = driver("hosts", "ssh")(name).location()
            return self._locations[name]

    def close(self) -> None:
        """Close all connections."""
        for host in self._hosts.values():
            host.close()

    def _machine(self, name: str, host: Host) -> Machine:
        engine = driver("runtime", "engine")(name, dial=host.engine)
        edge: Any = Lazy(
            lambda: driver("edge", "traefik")(engine, cancelled=self._cancelled, keys=self._keys, dial=host.dial)
        )
        images = driver("images", "host")(engine, self._keys, host, cancelled=self._cancelled)
        dial = self.dialing(host.dial)
        return Machine(
            name,
            runtime=driver("runtime", "swarm")(engine, name, self.runtime, images.credentials),
            images=images,
            edge=edge,
            probe=partial(probe, dial=dial),
            probe_tcp=partial(probe_tcp, dial=dial),
            dial=dial,
        )

    def runtime(self, name: str) -> Any:
        """The runtime of a host's own engine. EngineError if it is unreachable."""
        if name == LOCAL:
            return driver("runtime", "docker")(self._engine)
        self.connect(name)
        return driver("runtime", "docker")(driver("runtime", "engine")(name, dial=self._hosts[name].engine))

    def dialing(self, dial: Dial) -> Dial:
        """A Dial that also reaches addresses of other hosts, written ADDRESS%HOST."""

        def reach(address: tuple[str, int], timeout: float) -> socket.socket:
            name, _, host = address[0].partition("%")
            if host == LOCAL:
                return socket.create_connection((name, address[1]), timeout)
            if not host.startswith("ssh:"):
                return dial(address, timeout)  # also with the zone of an IPv6 address
            self.connect(host)
            return self._hosts[host].dial((name, address[1]), timeout)

        return reach
