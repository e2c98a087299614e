"""A cluster that runs the releases of an environment by itself: it starts containers, replaces those that end, and leads
requests to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.cluster import ClusterState
    from shipway.domain.workload import CommandSpec, EnvironmentSpec, SecretRef

    Told = Callable[[str], None]


class Cluster(Protocol):
    """The part of a cluster that belongs to one environment. Releases stand side by side in it, and the addresses of its
    services lead to one of them. Raises ClusterError if the cluster refuses or doesn't answer. Each call is bounded in time; a
    wait ends with Interrupted when `cancelled` is set."""

    @property
    def place(self) -> str:
        """Where in the cluster it is, for messages."""

    def observe(self) -> ClusterState:
        """What is there now."""

    def unsaid(self, spec: EnvironmentSpec) -> Sequence[str]:
        """What this cluster can't do of the plan, as sentences."""

    def prepare(self, spec: EnvironmentSpec, values: Mapping[SecretRef, str], *, force: bool = False) -> None:
        """Bring what the release needs before it starts: its secrets, files, volumes and accessories. force: take over fields that
        others have set."""

    def start(self, spec: EnvironmentSpec, *, force: bool = False) -> None:
        """Start the release beside others; no address leads to it yet. One that stands already is brought to its replicas."""

    def healthy(self, spec: EnvironmentSpec, timeout: float, cancelled: Event) -> None:
        """Wait until all of the release is ready. DeployFailed with the cause if it can't be, or isn't in time."""

    def accessories_healthy(self, spec: EnvironmentSpec, timeout: float, cancelled: Event) -> None:
        """Wait until all accessories are ready. DeployFailed with the cause."""

    def run_job(
        self, spec: EnvironmentSpec, command: CommandSpec, name: str, told: Told, cancelled: Event
    ) -> int:  # fmt: skip
        """Run a command to its end, and return its exit code. Its lines are told as they come. One of that name which is there, since
        the process that started it died, is waited for instead. DeployFailed with the cause if it can't start."""

    def remove_job(self, name: str) -> None:
        """Stop it, if it runs, and remove it."""

    def switch(self, spec: EnvironmentSpec, *, force: bool = False) -> None:
        """Lead the addresses of all services to this release, or of none: if one is refused, the others lead where they did."""

    def share(self, old: EnvironmentSpec, new: EnvironmentSpec, share: float, *, force: bool = False) -> None:
        """Lead a share (0 to 1, both exclusive) of the public requests to the new release, the rest to the old one, which all other
        addresses lead to. A switch to either of them ends it, also where this has failed. ClusterError if the cluster can't."""

    def rest(self, release: int, *, web: bool) -> None:
        """Keep a release without containers. web: with those of services that have an address, which stand by."""

    def remove(self, release: int) -> None:
        """Remove all that a release has of its own. ClusterError if an address leads to it."""

    def logs(self, service: str, release: int, lines: int) -> str:
        """The last lines of each of its containers."""

    def destroy(self, *, stores: bool = True, volumes: bool = True) -> None:
        """Remove all of the environment. stores: with the data of its accessories; volumes: with the files of its services."""
