"""When a container that gets no new requests may be told to stop: its open requests end first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.container import LABEL_DRAIN, LABEL_PORT, LABEL_STOP, ContainerInfo
from shipway.domain.release import SUCCEEDED, Deployment
from shipway.domain.rollback import standing

QUIET = 1.2  # seconds after a switch before a container without open connections counts as drained: the edge closes its
# idle ones after 1 s, and may open one more for a request that it took just before
MOST = 2  # outgoing releases that drain at once; the oldest one ends where there would be more
USUAL = "10"  # seconds from SIGTERM to SIGKILL where a container doesn't say


def stop_of(container: ContainerInfo) -> float:
    """Seconds from SIGTERM to SIGKILL. A container of an older version has one label for all."""
    return float(container.labels.get(LABEL_STOP) or container.labels.get(LABEL_DRAIN) or USUAL)


def drain_of(container: ContainerInfo) -> float:
    """Seconds that its open requests may take before it is told to stop; 0 of a worker, and of one of an older version."""
    return float(container.labels.get(LABEL_DRAIN) or 0) if LABEL_STOP in container.labels else 0.0


def port_of(container: ContainerInfo) -> int | None:
    """Where it listens; None of a worker."""
    port = container.labels.get(LABEL_PORT, "")
    return int(port) if port.isdigit() else None


def replaced_at(history: Sequence[Deployment], release: int | None) -> float | None:
    """When the requests went from a release to another one, by an environment's deployments, newest first: when the
    deployment ended that took over from it, or that failed to take over. None: not yet."""
    newer: Deployment | None = None
    for item in standing(history):
        if item.release != release:
            newer = item if item.outcome == SUCCEEDED else newer
            continue
        if item.outcome == SUCCEEDED and newer is None:
            return None
        end = newer if item.outcome == SUCCEEDED and newer is not None else item
        return end.finished
    return 0.0  # so old that the ledger doesn't tell


def oldest(since: dict[int, float], most: int = MOST) -> list[int]:
    """Which of these outgoing releases (number: since when) must end now, so that only `most` are left."""
    ordered = sorted(since, key=lambda number: (since[number], number))
    return ordered[: max(0, len(ordered) - most)]
