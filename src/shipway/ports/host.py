"""The way to a machine that is not this one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Dial = Callable[[tuple[str, int], float], socket.socket]  # as socket.create_connection: host and port, seconds


class Host(Protocol):
    """The way to a machine with a Docker Engine that is not this one. Raises EngineError where there is none.

    It is opened at the first use, and anew where it broke; what was under way then has failed.
    """

    def engine(self) -> socket.socket:
        """A connection to its engine's API."""

    def dial(self, address: tuple[str, int], timeout: float) -> socket.socket:
        """A connection from there: to its loopback ports, its containers, and whatever else it reaches. OSError as of
        socket.create_connection where that refuses or is silent."""

    def lend(self, port: int) -> AbstractContextManager[bool]:
        """In the block, the host's port on 127.0.0.1 leads to the same one of this machine; False where it is taken."""

    def close(self) -> None:
        """Nothing of it is left, here and there. The next use would open it again."""
