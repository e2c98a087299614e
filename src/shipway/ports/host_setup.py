"""Preparing a bare host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.host_setup import HostGoal, HostKey, HostLogin, HostState


class HostSetup(Protocol):
    """A host that is reached by a login which may act as root. Raises EngineError if the host can't be reached, or a
    command there fails.

    Connections are opened on first use. Only one process changes a host at a time: another one waits.
    """

    def offered_key(self) -> HostKey:
        """The key with which the host identifies itself. EngineError if it differs from the known one."""

    def trust(self, key: HostKey) -> None:
        """Add the offered key to the user's known hosts. EngineError if the host offers another one by now."""

    def login(self) -> HostLogin:
        """How deployments will log in, by this machine's configuration. Needs no connection."""

    def observe(self, user: str) -> HostState:
        """The present state, with this deploy user. Changes nothing."""

    def apply(self, part: str, goal: HostGoal) -> None:
        """Bring one of PARTS to the goal. It can be repeated, also after it was killed.

        What could lock its operator out (`firewall`, `ssh`) is reverted by the host itself, unless a new connection
        confirms it in time: then it raises EngineError, and the state is the previous one.
        """

    def close(self) -> None:
        """Close the connections. The next use would open them again."""
