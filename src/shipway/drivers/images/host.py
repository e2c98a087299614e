"""Images on the engine of another host, which reach it from this machine's registry too."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Mapping

from shipway.domain.errors import RegistryError
from shipway.drivers.credentials import Credentials
from shipway.drivers.images.docker import DockerImages, registry_of
from shipway.drivers.runtime.engine import Engine
from shipway.ports import Host, OnLine

PATIENCE = 120.0  # seconds that another controller may take to pull through its own tunnel
PAUSE = 0.5


class HostImages(DockerImages):
    """As DockerImages. A registry on a loopback address is one of this machine: the host gets to it while it pulls."""

    def __init__(
        self, engine: Engine, credentials: Mapping[str, Credentials], host: Host, *, cancelled: threading.Event
    ) -> None:
        super().__init__(engine, credentials, cancelled=cancelled)
        self._host = host

    def pull(self, reference: str, on_line: OnLine) -> None:
        port = _port_here(registry_of(reference))
        if port is None or self.inspect(reference) is not None:
            return super().pull(reference, on_line)
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._host.lend(port) as ours:
                try:
                    # Where the port isn't ours it may be another controller's of this machine: the same registry.
                    return super().pull(reference, on_line)
                except RegistryError as error:
                    if ours:
                        raise
                    if time.monotonic() > deadline:
                        raise RegistryError(
                            f"port {port} of the host, by which it would pull from this machine, is taken: {error}",
                            hint=f"see there which program has it: sudo ss -ltnp 'sport = :{port}'",
                        ) from error
            time.sleep(PAUSE)


def _port_here(registry: str) -> int | None:
    """Port of a registry whose address is this machine's alone; None of all others."""
    host, _, port = registry.rpartition(":")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None
    return int(port) if loopback and port.isdigit() else None
