"""Whether maintenance is on, as a person last asked for it: a host that was away then gets it later."""

from __future__ import annotations

import json

from shipway.actions.environment.ended import ended
from shipway.context import Context
from shipway.domain import names
from shipway.domain.launch import begun
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Asked:
    """page: HTML that visitors should see; None: the release."""

    page: str | None


def remember(ctx: Context, app: str, environment: str, page: str | None) -> None:
    """Every host should show the page; None: none should."""
    ctx.ledger.replace_property(_property(app, environment), json.dumps({"page": page, "at": ctx.clock()}))


def forget(ctx: Context, app: str, environment: str) -> None:
    """The hosts stay as they are."""
    if ctx.ledger.property(_property(app, environment)):
        ctx.ledger.replace_property(_property(app, environment), "")


def end(ctx: Context, app: str, environment: str, *, away: bool) -> None:
    """The environment was destroyed, which time alone doesn't tell: the clocks of two machines differ. away: a host may still show
    the page, and the next deployment ends it there."""
    if ctx.ledger.property(_property(app, environment)):
        remember(ctx, app, environment, None) if away else forget(ctx, app, environment)


def asked(ctx: Context, app: str, environment: str) -> Asked | None:
    """What the hosts should show; None if that is not known, or if a launch decides it."""
    found = ctx.ledger.property(_property(app, environment))
    if not found:
        return None
    known, since = json.loads(found), ended(ctx, app, environment)
    if known["at"] <= since or begun(ctx.ledger.launch_records(app, environment), since):
        return None
    return Asked(known["page"])


def page_of(ctx: Context, app: str, environment: str) -> str | None:
    """The page that visitors should see, by `shipway maintenance`."""
    found = asked(ctx, app, environment)
    return found.page if found else None


def difference(ctx: Context, app: str, environment: str) -> str:
    """What visitors of this host see in place of what was asked for; empty if it is that, or if the host has no routes."""
    wanted, owner = asked(ctx, app, environment), names.route_owner(app, environment)
    if wanted is None or ctx.edge.routes(owner) is None:
        return ""
    shown = ctx.edge.maintained(owner)
    if shown == (wanted.page is not None):
        return ""
    return "visitors see the maintenance page, which was ended" if shown else "visitors don't see the maintenance page"


def switch(ctx: Context, app: str, environment: str, page: str | None) -> None:
    """Show the page on this host, or end it. A host without routes has no visitors."""
    owner = names.route_owner(app, environment)
    table = ctx.edge.routes(owner)
    if table is not None:
        ctx.edge.maintain(owner, table["url"], page)  # type: ignore[arg-type]


def bring_into_line(ctx: Context, app: str, environment: str) -> None:
    """Let this host show what was asked for."""
    wanted = asked(ctx, app, environment)
    if wanted is not None and difference(ctx, app, environment):
        switch(ctx, app, environment, wanted.page)


def _property(app: str, environment: str) -> str:
    return f"maintenance of {names.scope(app, environment)}"
