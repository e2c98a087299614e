"""What runs in a cluster, as the cluster says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Standing:
    """A service of a release that stands in the cluster, with requests or without."""

    service: str
    release: int
    replicas: int  # that are wanted; 0: it is kept without any
    ready: int = 0


@dataclass(frozen=True)
class ClusterState:
    """An environment in a cluster. serving: the release that each service's address leads to. sharing: releases that get a share of
    the requests beside it, or got one until now."""

    standing: tuple[Standing, ...] = ()
    serving: Mapping[str, int] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()  # names of those that run or have ended, and are still there
    accessories: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()  # accessories whose data is there, with the accessory or without
    volumes: tuple[str, ...] = ()  # of services, by name
    sharing: tuple[int, ...] = ()

    @property
    def releases(self) -> tuple[int, ...]:
        """Releases of which something stands there, the newest first."""
        return tuple(sorted({item.release for item in self.standing}, reverse=True))

    def serves(self, release: int) -> bool:
        """Whether all addresses lead to it."""
        return bool(self.serving) and set(self.serving.values()) == {release}
