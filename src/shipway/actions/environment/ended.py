"""When an environment last came to nothing: what was launched, seeded or backed up before is gone."""

from __future__ import annotations

from itertools import pairwise

from shipway.context import Context
from shipway.domain.infra import host_of
from shipway.domain.provision import DESTROY, INFRA, SUCCEEDED
from shipway.domain.provisioned import HOSTS
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class DestroyedHosts:
    """Infrastructure that was destroyed with the environment's hosts, and the data on them."""

    at: float  # seconds since the epoch
    actor: str
    hosts: frozenset[str]  # names: a new machine may have one of them again


def ended(ctx: Context, app: str, environment: str) -> float:
    """When it was destroyed, or the infrastructure that gave its hosts; 0: never."""
    found = destroyed_hosts(ctx, app, environment)
    return max(ctx.ledger.destroyed(app, environment), found.at if found else 0.0)


def destroyed_hosts(ctx: Context, app: str, environment: str) -> DestroyedHosts | None:
    """The last ones."""
    for last, before in pairwise(ctx.ledger.provisions(app, environment, INFRA, outcome=SUCCEEDED)):
        if last.action == DESTROY and HOSTS in before.outputs:
            names = frozenset(host_of(text).name for text in before.outputs[HOSTS])
            return DestroyedHosts(last.finished or last.started, last.actor, names)
    return None


def lost_since(ctx: Context, app: str, environment: str) -> DestroyedHosts | None:
    """Those on which what the ledger takes for running ran; None if that runs on others, or nothing does."""
    now = ctx.ledger.current(app, environment)
    found = destroyed_hosts(ctx, app, environment) if now else None
    return found if found and now and now.started <= found.at else None
