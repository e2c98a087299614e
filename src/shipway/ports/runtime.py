"""Containers, networks and volumes of one engine."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.container import ContainerInfo, ContainerSpec, EngineObject, Usage
    from shipway.domain.disk import DiskUsage
    from shipway.domain.engine_commands import EngineCommands
    from shipway.domain.log import LogLine
    from shipway.ports.session import Session


class Runtime(Protocol):
    """Containers and networks of one engine. Raises EngineError."""

    @property
    def commands(self) -> EngineCommands:
        """Commands of its command line for hints in messages."""

    def ping(self) -> str:
        """The engine's version; EngineError with a hint how to start it or get access."""

    def list(self, labels: Mapping[str, str]) -> list[ContainerInfo]:
        """All containers (stopped ones too) that carry these labels; an empty value matches any value."""

    def objects(self, labels: Mapping[str, str]) -> builtins.list[EngineObject]:
        """All containers, networks and volumes that carry these labels, from any ledger; matches like `list`."""

    def variables(self, container: str) -> Mapping[str, str]:
        """Environment variables of a container, running or not, including secrets; empty if it is missing."""

    def find(self, container: str) -> ContainerInfo | None:
        """One container by name or id; None if it is missing."""

    def create(self, spec: ContainerSpec) -> str:
        """Create (not start) it and return its id. A container of that name with the same LABEL_CONFIG is kept."""

    def start(self, container: str) -> None:
        """Start it; a running one stays. NotRunnable if its command can't be executed."""

    def prioritize(self, container: str) -> None:
        """Give a container created with low priority its full share of the processor. A missing one is no error."""

    def stop(self, container: str, grace: float) -> None:
        """Send SIGTERM, after `grace` seconds SIGKILL; returns when it has exited. A missing one is no error."""

    def rename(self, container: str, name: str) -> None:
        """Rename it; the name must be free."""

    def remove(self, container: str, *, volumes: bool = True) -> None:
        """Kill and remove it, with its anonymous volumes unless `volumes` is False. A missing one is no error."""

    def wait(self, container: str, timeout: float) -> int:
        """Exit code; TimeoutError if it still runs after `timeout` seconds (it is left running)."""

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        """Lines of stdout and stderr as they arrive; with follow until the container exits."""

    def log(
        self, container: str, *, since: str | None = None, follow: bool = False, tail: int | None = None
    ) -> Iterator[builtins.list[LogLine]]:
        """Its lines with their times, many at a time as they arrive. since: a time as of a line: only later ones. With
        follow until the container exits. Reading may begin only when the iteration does."""

    def execute(
        self, container: str, command: Sequence[str], *, timeout: float = 600.0,
        environment: Mapping[str, str] | None = None, kept: bool = False,
    ) -> tuple[int, str]:  # fmt: skip
        """Run a command inside a running container: exit code and output. timeout: seconds that it may be silent.
        environment: added to the container's; unlike the command, it isn't in the machine's list of processes. kept: in a
        shell of the container, if it has one, that stays open for further commands until the container is removed."""

    def attach(self, container: str, *, tty: bool) -> Session:
        """Connect to a container created as `attached` (and `tty`), before it is started."""

    def session(
        self, container: str, command: Sequence[str], *, tty: bool, environment: Mapping[str, str] | None = None
    ) -> Session:
        """Start a command inside a running container, connected to its input and output. environment: added to the
        container's."""

    def connections(self, container: str, port: int) -> int | None:
        """Number of open connections from outside the container to a port; 0 if it doesn't run, None if unknown."""

    def put(self, container: str, path: str, archive: Iterator[bytes]) -> None:
        """Unpack a tar stream into the directory `path` of a created or running container; `path` must exist."""

    def get(self, container: str, path: str) -> Iterator[bytes]:
        """Tar stream of a file or directory. FileNotFoundError if it doesn't exist."""

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = False
    ) -> None:
        """Create the network if it is missing. internal: containers with only this network reach nothing else;
        this machine reaches them. pinned: required by `set_aliases`. wide: it spans the hosts of the platform, for
        containers with `nodes`."""

    def remove_network(self, name: str) -> None:
        """Remove it after detaching all containers."""

    def connect(self, network: str, container: str, aliases: Sequence[str] = ()) -> None:
        """Attach a container to another network."""

    def set_aliases(self, network: str, container: str, aliases: Sequence[str]) -> bool:
        """Set the names by which others in the network find an attached container; open connections in both directions
        are kept, and it can open others. False without a change if that isn't possible, or it isn't attached."""

    def disconnect(self, network: str, container: str) -> None:
        """Detach a container from a network; one that isn't attached is no error."""

    def has_volume(self, name: str) -> bool:
        """Whether a volume has that name, from any ledger."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume and its data."""

    def down(self, away: Sequence[str], hosts: Sequence[str]) -> frozenset[str]:
        """Those of the hosts `away`, which can't be reached, whose machines the platform counts as down; it may need a while
        to notice. hosts: all of an environment. Empty without a platform."""

    def claim(self, labels: Mapping[str, str], hosts: Sequence[str]) -> bool:
        """Let `list` show what the platform has with these labels on this host, and on no other, whichever host it was
        created through. hosts: all of an environment, this one first. False where this host can't: it manages no platform."""

    def remove_leftovers(self, labels: Mapping[str, str]) -> None:
        """Remove what a process that died left beside containers with these labels: files and networks that the platform keeps
        for none. Only under the lock of their environment. Nothing without a platform."""

    def free_space(self) -> int | None:
        """Free bytes where images and containers are stored; None if unknown."""

    def processors(self) -> int:
        """Number of processors of the engine's machine."""

    def memory(self) -> tuple[int, int] | None:
        """Available and total memory of the engine's machine in bytes; None if unknown."""

    def usage_of(self, container: str) -> Usage | None:
        """What a running container uses; None if unknown."""

    def disk_usage(self) -> DiskUsage:
        """Space that can be freed. The engine measures it, which may take some seconds."""
