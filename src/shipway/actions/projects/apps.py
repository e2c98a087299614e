"""The apps of a ledger."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.context import Context
from shipway.domain.renaming import Names
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class AppSummary:
    """An app that the ledger knows."""

    name: str
    running: Mapping[str, int]  # release by environment
    branch: str  # the protected one; "" if the app is not registered
    repository: str  # its address; "" if the app is not registered


def apps(ctx: Context) -> list[AppSummary]:
    """All apps of which something may be seen, by name."""
    names = ctx.names
    return [_summary(ctx, names, name) for name in ctx.ledger.apps() if _is_seen(ctx, name)]


def _is_seen(ctx: Context, app: str) -> bool:
    if ctx.proven is None:
        return True
    places = {grant.environment for grant in ctx.proven.grants}
    places |= {ctx.proven.token.environment} if ctx.proven.token else set()
    return any(ctx.sees(app, place) for place in places)


def _summary(ctx: Context, names: Names, name: str) -> AppSummary:
    registration = ctx.ledger.registration(name)
    seen = [item for item in ctx.ledger.environments(name) if ctx.sees(name, item)]
    current = {item: ctx.ledger.current(name, item) for item in seen}
    return AppSummary(
        names.shown(name),
        {names.shown(name, item): deployment.release for item, deployment in current.items() if deployment is not None},
        registration.branch if registration else "",
        registration.address if registration else "",
    )
