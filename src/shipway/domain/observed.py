"""What really runs now, as read from the engine and the edge, and what should run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shipway.domain.container import LABEL_RELEASE, LABEL_STANDBY, ContainerInfo, ContainerSpec, Publish


@dataclass(frozen=True)
class Observed:
    """One environment as it is."""

    services: tuple[ContainerInfo, ...] = ()
    accessories: tuple[ContainerInfo, ...] = ()
    routes: Mapping[str, object] | None = None  # the table of the last switch

    @property
    def routed_release(self) -> int | None:
        """Number of the release that the edge sends requests to."""
        release = (self.routes or {}).get("release")
        return release if isinstance(release, int) else None


@dataclass(frozen=True)
class Wanted:
    """One environment as it should be once a release is deployed into it."""

    app: str
    environment: str
    release: int
    version: str  # tag or short revision, for people
    accessories: tuple[ContainerSpec, ...]
    web: tuple[ContainerSpec, ...]  # services that listen on a port; each replica
    workers: tuple[ContainerSpec, ...]  # services that don't; started after the first web service is healthy
    routes: Mapping[str, object] | None  # None where no service has a route
    publish: tuple[Publish, ...]  # public ports of the edge
    up: tuple[str, ...] = ()  # schema revisions to apply before anything starts
    down: tuple[str, ...] | None = None  # schema revisions to revert after the old code serves again; None: leave
    seed: str | None = None  # command
    keep: int | None = None  # release whose containers stay for a rollback

    @property
    def url(self) -> Mapping[str, object] | None:
        """Of the table of routes."""
        url = (self.routes or {}).get("url")
        return url if isinstance(url, Mapping) else None

    @property
    def services(self) -> tuple[ContainerSpec, ...]:
        """All replicas of all services."""
        return self.web + self.workers


def standing_by(observed: Observed) -> list[ContainerInfo]:
    """What stays up for a rollback, of a release that the edge sends no requests to."""
    return [
        item for item in observed.services
        if item.running and LABEL_STANDBY in item.labels and release_of(item) != observed.routed_release
    ]  # fmt: skip


def release_of(container: ContainerInfo) -> int | None:
    """The release that a container of a service belongs to."""
    number = container.labels.get(LABEL_RELEASE, "")
    return int(number) if number.isdigit() else None
