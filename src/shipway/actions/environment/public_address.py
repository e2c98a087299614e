"""Whether another environment on the same engine already serves a public address: an address has one owner."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.context import Context
from shipway.domain import names, routes
from shipway.domain.container import LABEL_LEDGER
from shipway.domain.errors import EdgeError
from shipway.domain.observed import DesiredState
from shipway.ports import Edge, Runtime


def require_free(ctx: Context, desired: DesiredState) -> None:
    """EdgeError if this host's edge serves another environment at one of the routes. The environment's own earlier
    routes don't conflict."""
    if desired.routes is None:
        return
    owner = names.route_owner(desired.app, desired.environment)
    found = taken(ctx.edge, ctx.runtime, owner, desired.routes, ledger=ctx.ledger.identity())
    if found is not None:
        why, other = found
        hint = f"give {desired.environment} a `url` of its own, or its services other routes; or destroy the other one: {other}"
        raise EdgeError(f"{why}. Nothing was changed", hint=hint)


def taken(
    edge: Edge, runtime: Runtime, owner: str, table: Mapping[str, object], *, ledger: str | None = None
) -> tuple[str, str] | None:
    """Message about its owner, and the command that ends it; None: the address is free. ledger: the identity of the
    requester, to report other ledgers."""
    found = edge.taken(owner, table)
    if found is None:
        return None
    address, other = found
    app, _, environment = other.partition("_")  # no app's name has an underscore
    containers = (runtime.find(name) for name in sorted(routes.upstreams(edge.routes(other))))
    theirs = next((item.labels[LABEL_LEDGER] for item in containers if item and LABEL_LEDGER in item.labels), ledger)
    whose = f" of another ledger ({theirs[:12]})" if ledger and theirs and theirs != ledger else ""
    place = ", with its ledger (SHIPWAY_LEDGER or SHIPWAY_HOME)" if whose else ""
    return (
        f"{address} is already served by {environment} of {app}{whose}",
        f"shipway destroy {environment} --app {app}{place}",
    )
