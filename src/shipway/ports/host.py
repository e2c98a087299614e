"""The connection to a remote host."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.host_location import HostLocation

Dial = Callable[[tuple[str, int], float], socket.socket]  # as socket.create_connection: host and port, seconds


class Host(Protocol):
    """The connection to a remote machine with a Docker Engine. Raises EngineError if there is none.

    It is opened on first use, and again after it broke, which fails calls in progress.
    """

    def engine(self) -> socket.socket:
        """Connect to its engine's API."""

    def dial(self, address: tuple[str, int], timeout: float) -> socket.socket:
        """Connect from there: to its loopback ports, its containers, and whatever else it reaches. OSError like
        socket.create_connection if that is refused or times out."""

    def forward(self, port: int) -> AbstractContextManager[bool]:
        """In the block, forward the host's port on 127.0.0.1 to the same port of this machine; False if it is in
        use."""

    def location(self) -> HostLocation:
        """Where it is, by this machine's configuration. Connects to nothing."""

    def close(self) -> None:
        """Close it and clean up on both sides. The next use would open it again."""
