"""Containers, networks and volumes of one engine."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.container import ContainerInfo, ContainerSpec, EngineObject
    from shipway.domain.disk import DiskUsage


class Runtime(Protocol):
    """Containers and networks of one engine. Raises EngineError."""

    def ping(self) -> str:
        """The engine's version; says how to start it or get access where it doesn't answer."""

    def list(self, labels: Mapping[str, str]) -> list[ContainerInfo]:
        """All containers (stopped ones too) that carry these labels; an empty value matches any value."""

    def objects(self, labels: Mapping[str, str]) -> builtins.list[EngineObject]:
        """All containers, networks and volumes that carry these labels, whoever made them; as `list` matches."""

    def variables(self, container: str) -> Mapping[str, str]:
        """Environment variables of a container, running or not, secrets too; none where it is missing."""

    def find(self, container: str) -> ContainerInfo | None:
        """One container by name or id; None where there is none."""

    def create(self, spec: ContainerSpec) -> str:
        """Create (not start) it and return its id. A container of that name with the same LABEL_CONFIG is kept."""

    def start(self, container: str) -> None:
        """Start it; a running one stays. NotRunnable where its command can't be executed."""

    def prioritize(self, container: str) -> None:
        """Give a container that was made with low priority its full share of the processor. A missing one is no error."""

    def stop(self, container: str, grace: float) -> None:
        """SIGTERM, after `grace` seconds SIGKILL; returns when it has exited. A missing one is no error."""

    def rename(self, container: str, name: str) -> None:
        """Give it another name, which no other container may have."""

    def remove(self, container: str, *, volumes: bool = True) -> None:
        """Kill and remove it, with its anonymous volumes unless `volumes` is False. A missing one is no error."""

    def wait(self, container: str, timeout: float) -> int:
        """Exit code; TimeoutError when it still runs after `timeout` seconds (it is left running)."""

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        """Lines of stdout and stderr as they come; with follow until the container exits."""

    def execute(self, container: str, command: Sequence[str], *, timeout: float = 600.0) -> tuple[int, str]:
        """Run a command inside a running container: exit code and output. timeout: seconds that it may be silent."""

    def connections(self, container: str, port: int) -> int | None:
        """How many connections from outside of it a container has open at a port; 0 of one that doesn't run, None where
        that can't be known."""

    def put(self, container: str, path: str, archive: Iterator[bytes]) -> None:
        """Unpack a tar stream into the directory `path` of a created or running container; `path` must exist."""

    def get(self, container: str, path: str) -> Iterator[bytes]:
        """Tar stream of a file or directory. FileNotFoundError where it doesn't exist."""

    def ensure_network(self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False) -> None:
        """Make the bridge network where it isn't there. internal: what is in it alone reaches nothing else; this machine
        reaches it. pinned: so that `set_aliases` is possible there."""

    def remove_network(self, name: str) -> None:
        """Remove it; whatever is still attached is detached first."""

    def connect(self, network: str, container: str, aliases: Sequence[str] = ()) -> None:
        """Attach a container to one more network."""

    def set_aliases(self, network: str, container: str, aliases: Sequence[str]) -> bool:
        """Let others in the network find an attached container by exactly these names; connections that are open to it or
        from it stay open, and it can open others. False, and nothing is changed, where that isn't possible, or it isn't attached."""

    def disconnect(self, network: str, container: str) -> None:
        """Detach a container from a network; one that isn't attached is no error."""

    def has_volume(self, name: str) -> bool:
        """Whether there is one of that name, whoever made it."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume and its data."""

    def free_space(self) -> int | None:
        """Bytes that are free where images and containers are kept; None where that can't be told."""

    def processors(self) -> int:
        """How many the engine's machine has."""

    def memory(self) -> tuple[int, int] | None:
        """Bytes of memory of the engine's machine that programs may still take, and of all; None where that can't be told."""

    def memory_of(self, container: str) -> int | None:
        """Bytes that a running container uses, the cache of files left out; None where that can't be told."""

    def disk_usage(self) -> DiskUsage:
        """What could be freed there. The engine measures it: that may take some seconds."""
