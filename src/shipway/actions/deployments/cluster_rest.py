"""Releases on standby in a cluster, beside the one that serves."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.platform import in_cluster
from shipway.domain.value import dataclass
from shipway.ports import Cluster


@dataclass(frozen=True)
class StandingBy:
    """Releases with containers that no request reaches."""

    cluster: Cluster
    releases: tuple[int, ...]
    until: float | None  # when their standby ends; None: none is on standby

    def end(self) -> tuple[int, ...]:
        """Take their containers away. A rollback starts them again."""
        for number in self.releases:
            self.cluster.rest(number, web=False)
        return self.releases


def standing(ctx: Context, app: str, environment: str) -> StandingBy | None:
    """The releases on standby; None if the environment is in no cluster."""
    now = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, now.release) if now else None
    if now is None or release is None or environment not in release.plan.environments:
        return None
    where = release.plan.environments[environment]
    if not in_cluster(where.hosts[0].name):
        return None
    cluster = ctx.cluster(app, environment, where.cluster)
    found = {item.release for item in cluster.observe().standing if item.replicas and item.release != now.release}
    until = (now.finished or now.started) + where.standby if found else None
    return StandingBy(cluster, tuple(sorted(found)), until)
