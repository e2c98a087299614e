"""The desired state of an environment now: the release of a good deployment, host by host, as that deployment rendered
it."""

from __future__ import annotations

from shipway.actions.deployments.plan import hosts_of
from shipway.actions.environment.away import present
from shipway.actions.environment.observe import observe, settings
from shipway.context import Context
from shipway.domain import history
from shipway.domain.change import Changeset
from shipway.domain.desired import nothing, render_desired
from shipway.domain.errors import EngineError
from shipway.domain.observed import DesiredState, Observed
from shipway.domain.plan import Environment, Host
from shipway.domain.reconcile import reconcile
from shipway.domain.release import Deployment, Release
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class HostState:
    """One host: observed and desired state."""

    ctx: Context  # on that host
    desired: DesiredState
    observed: Observed
    changes: Changeset


def desired_state_of(
    ctx: Context, deployment: Deployment, release: Release, environment: Environment, host: Host
) -> DesiredState:
    """What a deployment of the release put on a host; nothing if it wasn't one of its hosts."""
    own = settings(ctx, release, environment, like=deployment)
    deployments = ctx.ledger.history(release.app, environment.name)
    known = next((item for item in environment.hosts if item.name == host.name), None)
    desired = render_desired(
        release, environment, own, seed=False, keep=history.previous_release(deployments, release.number), host=known
    )
    return desired if known else nothing(desired)


def host_states(
    ctx: Context, app: str, environment: str, away: dict[str, EngineError] | None = None
) -> list[HostState]:
    """The state by the newest good deployment, on all of its hosts; empty without one. away: filled with the hosts that can't be
    reached; None: EngineError if there are any that it doesn't go on without."""
    now = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, now.release) if now else None
    if now is None or release is None:
        return []
    where = release.plan.environments[environment]
    found = []
    hosts = hosts_of(ctx, where, None)
    for host in present(ctx, where, hosts) if away is None else hosts:
        try:
            here = ctx.on(host.name)
            desired, observed = desired_state_of(here, now, release, where, host), observe(here, app, environment)
        except EngineError as error:
            if away is None:
                raise
            if host == where.hosts[0] or not where.placed:  # else it has no services of its own
                away[host.name] = error
            continue
        found.append(HostState(here, desired, observed, reconcile(desired, observed)))
    return found
