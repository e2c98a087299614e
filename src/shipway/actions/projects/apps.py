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
    """All apps, by name."""
    return [_summary(ctx, ctx.names, name) for name in ctx.ledger.apps()]


def _summary(ctx: Context, names: Names, name: str) -> AppSummary:
    registration = ctx.ledger.registration(name)
    current = {item: ctx.ledger.current(name, item) for item in ctx.ledger.environments(name)}
    return AppSummary(
        names.shown(name),
        {names.shown(name, item): deployment.release for item, deployment in current.items() if deployment is not None},
        registration.branch if registration else "",
        registration.address if registration else "",
    )
