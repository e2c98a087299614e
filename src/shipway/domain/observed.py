"""The observed state, read from the engine and the edge, and the desired state."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.domain.container import LABEL_RELEASE, LABEL_STANDBY, ContainerInfo, ContainerSpec, Publish
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Observed:
    """The observed state of one environment."""

    services: tuple[ContainerInfo, ...] = ()
    accessories: tuple[ContainerInfo, ...] = ()
    routes: Mapping[str, object] | None = None  # the route table of the last switch

    @property
    def routed_release(self) -> int | None:
        """Number of the release that the edge sends requests to."""
        release = (self.routes or {}).get("release")
        return release if isinstance(release, int) else None


@dataclass(frozen=True)
class DesiredState:
    """The desired state of one environment after the deployment of a release."""

    app: str
    environment: str
    release: int
    version: str  # tag or short revision, for messages
    accessories: tuple[ContainerSpec, ...]
    web: tuple[ContainerSpec, ...]  # all replicas of the services that listen on a port
    workers: tuple[ContainerSpec, ...]  # all replicas of the others, which start once the first web service is healthy
    routes: Mapping[str, object] | None  # None if no service has a route
    publish: tuple[Publish, ...]  # public ports of the edge
    up: tuple[str, ...] = ()  # schema revisions to apply before any container starts
    down: tuple[str, ...] | None = None  # revisions to revert once the old code serves; None: keep schema
    seed: str | None = None  # the seed command
    keep: int | None = None  # release whose containers are kept for a rollback
    placed: tuple[str, ...] = ()  # images of services that a platform may start on this host
    seed_once: bool = False  # whether the seed runs only once in the environment

    @property
    def url(self) -> Mapping[str, object] | None:
        """The public address from the route table."""
        url = (self.routes or {}).get("url")
        return url if isinstance(url, Mapping) else None

    @property
    def services(self) -> tuple[ContainerSpec, ...]:
        """All replicas of all services."""
        return self.web + self.workers


def on_standby(observed: Observed) -> list[ContainerInfo]:
    """Containers on standby for a rollback, of releases that the edge sends no requests to."""
    return [
        item for item in observed.services
        if item.running and LABEL_STANDBY in item.labels and release_of(item) != observed.routed_release
    ]  # fmt: skip


def release_of(container: ContainerInfo) -> int | None:
    """The release of a service's container."""
    number = container.labels.get(LABEL_RELEASE, "")
    return int(number) if number.isdigit() else None
