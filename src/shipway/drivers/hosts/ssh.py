"""A host by SSH: one tunnel for all calls, since connecting for each one takes a second."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from shipway.domain.errors import EngineError
from shipway.domain.host_location import HostLocation
from shipway.drivers.hosts import config, socks
from shipway.drivers.hosts.messages import access_check, no_engine
from shipway.drivers.hosts.tunnel import ANSWER, SOCKET, Tunnel
from shipway.system.http import Connection
from shipway.system.unix_socket import connect_unix

T = TypeVar("T")


class SshHost:
    """The Host at ssh://[user@]name[:port], by OpenSSH's client with ~/.ssh, agent and known hosts."""

    def __init__(self, name: str) -> None:
        if not name.startswith("ssh://"):
            raise EngineError(f"{name} is not a valid host", hint="write ssh://[user@]name[:port]")
        self.name = name
        self._lock = threading.Lock()
        self._tunnel: Tunnel | None = None

    def engine(self) -> socket.socket:
        return self._through(_engine)

    def dial(self, address: tuple[str, int], timeout: float) -> socket.socket:
        return self._through(lambda tunnel: self._dial(tunnel, address, timeout))

    @contextmanager
    def forward(self, port: int) -> Iterator[bool]:
        tunnel = self._open()
        ours = tunnel.forward(port)
        try:
            yield ours
        finally:
            if ours:
                tunnel.cancel_forward(port)

    def location(self) -> HostLocation:
        return config.location(self.name)

    def close(self) -> None:
        with self._lock:
            if self._tunnel:
                self._tunnel.close()
                self._tunnel = None

    def _dial(self, tunnel: Tunnel, address: tuple[str, int], timeout: float) -> socket.socket:
        try:
            return socks.connect(tunnel.proxy, *address, timeout)
        except socks.Refused as error:
            if not tunnel.alive:
                raise ConnectionResetError("ssh exited") from error
            raise

    def _through(self, use: Callable[[Tunnel], T]) -> T:
        """Retry with a new tunnel if the existing one turns out to be broken."""
        broken: Tunnel | None = None
        why: OSError | None = None
        for _ in range(2):
            tunnel = self._open(instead_of=broken)
            try:
                return use(tunnel)
            except (socks.Refused, TimeoutError):
                raise  # an error of the host, not of the tunnel
            except OSError as error:
                broken, why = tunnel, error
        raise EngineError(f"the connection to {self.name} was lost: {why}") from why

    def _open(self, instead_of: Tunnel | None = None) -> Tunnel:
        """The tunnel; a new one if there is none that works."""
        with self._lock:
            if self._tunnel and (self._tunnel is instead_of or not self._tunnel.alive):
                self._tunnel.close()
                self._tunnel = None
            if self._tunnel is None:
                tunnel = Tunnel(self.name)
                if not _answers(tunnel):
                    error = no_engine(self.name, SOCKET, tunnel.test(access_check(SOCKET)))
                    tunnel.close()
                    raise error
                self._tunnel = tunnel
            return self._tunnel


def _engine(tunnel: Tunnel) -> socket.socket:
    return connect_unix(tunnel.engine, ANSWER)


def _answers(tunnel: Tunnel) -> bool:
    """Whether an engine is behind it: ssh accepts connections before it asks the host."""
    try:
        with Connection("localhost", 80, ANSWER, dial=lambda *_: _engine(tunnel)) as connection:
            return connection.request("GET", "/_ping").status == 200
    except OSError:
        return False
