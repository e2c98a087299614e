"""Images on a remote host's engine, which also reaches this machine's registry."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Mapping

from shipway.domain.errors import RegistryError
from shipway.drivers.credentials import Keyring
from shipway.drivers.images.docker import DockerImages, OnRecord, registry_of
from shipway.drivers.runtime.engine import Engine
from shipway.ports import Host, OnLine

PATIENCE = 120.0  # seconds to wait for a transfer by another controller's tunnel
PAUSE = 0.5


class HostImages(DockerImages):
    """Like DockerImages. A registry on a loopback address is on this machine: its port is forwarded to the host while
    needed."""

    def __init__(self, engine: Engine, keys: Keyring, host: Host, *, cancelled: threading.Event) -> None:
        super().__init__(engine, keys, cancelled=cancelled)
        self._host = host

    def _transfer(
        self, path: str, query: Mapping[str, object], reference: str, verb: str, on_line: OnLine, on_record: OnRecord
    ) -> None:
        port = _port_here(registry_of(reference))
        if port is None:
            return super()._transfer(path, query, reference, verb, on_line, on_record)
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._host.forward(port) as ours:
                try:
                    # A port in use may be another controller's forward from this machine: the same registry.
                    return super()._transfer(path, query, reference, verb, on_line, on_record)
                except RegistryError as error:
                    if ours:
                        raise
                    if time.monotonic() > deadline:
                        raise RegistryError(
                            f"the host can't reach this machine's registry: port {port} of the host is used by another program; {error}",
                            hint=f"find the program on the host: sudo ss -ltnp 'sport = :{port}'",
                        ) from error
            time.sleep(PAUSE)


def _port_here(registry: str) -> int | None:
    """Port of a registry on this machine's loopback address; None for all others."""
    host, _, port = registry.rpartition(":")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None
    return int(port) if loopback and port.isdigit() else None
