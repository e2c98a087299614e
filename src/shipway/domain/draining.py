"""When a drained container may be stopped: its open requests complete first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.container import LABEL_DRAIN, LABEL_PORT, LABEL_STANDBY, LABEL_STOP, ContainerInfo
from shipway.domain.history import since_last_destroy
from shipway.domain.release import SUCCEEDED, Deployment

QUIET = 1.2  # seconds after a switch until a container without open connections counts as drained: the edge closes
# idle connections after 1 s, and may still open one for a request accepted just before the switch
REST = 5.0  # seconds after a switch without a removal of containers that can wait: the engine's work slows requests
MOST = 2  # outgoing releases that drain at the same time; beyond that the oldest is stopped
USUAL = "10"  # seconds from SIGTERM to SIGKILL of a container without a label


def stop_of(container: ContainerInfo) -> float:
    """Seconds from SIGTERM to SIGKILL. A container of an older version has one label for both times."""
    return float(container.labels.get(LABEL_STOP) or container.labels.get(LABEL_DRAIN) or USUAL)


def drain_of(container: ContainerInfo) -> float:
    """Seconds that its open requests may take before SIGTERM; 0 for a worker and for a container of an older
    version."""
    return float(container.labels.get(LABEL_DRAIN) or 0) if LABEL_STOP in container.labels else 0.0


def port_of(container: ContainerInfo) -> int | None:
    """The port that it listens on; None for a worker."""
    port = container.labels.get(LABEL_PORT, "")
    return int(port) if port.isdigit() else None


def replaced_at(deployments: Sequence[Deployment], release: int | None) -> float | None:
    """When requests moved from a release to another: the end of the deployment that replaced it, or of its own failed
    deployment. deployments: the environment's deployments, newest first. None: it still serves."""
    newer: Deployment | None = None
    for item in since_last_destroy(deployments):
        if item.release != release:
            newer = item if item.outcome == SUCCEEDED else newer
            continue
        if item.outcome == SUCCEEDED and newer is None:
            return None
        end = newer if item.outcome == SUCCEEDED and newer is not None else item
        return end.finished
    return 0.0  # older than the ledger's history


def removed_at(deployments: Sequence[Deployment], container: ContainerInfo, now: float) -> float:
    """The earliest time for removing an outgoing release's container: REST seconds after the last switch if it was on
    standby. now: of the clock that removes it; a deployment by a machine whose clock is ahead counts as of now."""
    if LABEL_STANDBY not in container.labels:
        return 0.0
    return min(max((item.finished or 0.0 for item in deployments), default=0.0), now) + REST


def ends_at(deployments: Sequence[Deployment], container: ContainerInfo, since: float, now: float) -> float:
    """When an outgoing release's container ends at the latest. since: when requests moved to another release."""
    return max(since + drain_of(container), removed_at(deployments, container, now))


def oldest(since: dict[int, float], most: int = MOST) -> list[int]:
    """Outgoing releases (number: time of replacement) that must stop now, so that only `most` remain."""
    ordered = sorted(since, key=lambda number: (since[number], number))
    return ordered[: max(0, len(ordered) - most)]
