"""Override rules that can't be met: put the rules of a commit's plan in force for one environment, with the ledger's
authority."""

from __future__ import annotations

from shipway.actions.projects.in_force import Rulebook
from shipway.context import Context, environment_of
from shipway.domain.errors import UsageError
from shipway.domain.plan import Plan
from shipway.domain.registration import AcceptedRules


def accept_rules(ctx: Context, book: Rulebook, plan: Plan, environment: str, reason: str) -> AcceptedRules:
    """Record the override. It replaces exactly the rules now in force, until the protected plan's rules change, and
    only for the release that runs now."""
    if not reason.strip():
        raise UsageError("accepted rules need a reason", hint="pass --reason TEXT; it is shown with the rules")
    environment_of(plan, environment)
    found = book.written(ctx, environment)
    replaced = tuple(item.mark for item in (found.protected, found.running) if item)
    made = AcceptedRules(plan.app, environment, plan, replaced, ctx.actor, reason.strip(), ctx.clock())
    ctx.ledger.accept_rules(made)
    return made
