"""The secrets of a preview: copies of those that the protected plan names, and generated values for all others."""

from __future__ import annotations

import secrets as random

from shipway.actions.environment.observe import needed, optional
from shipway.context import Context
from shipway.domain import names
from shipway.domain.count import counted
from shipway.domain.errors import SecretError
from shipway.domain.plan import Environment, Plan
from shipway.domain.previews import Previews


def provide(ctx: Context, plan: Plan, environment: Environment, rules: Environment, previews: Previews) -> None:
    """Set what the preview needs. rules: the same environment by the protected plan, which decides what is copied. SecretError if
    one that is to be copied isn't set. What a person has set for the preview stays, unless it is one of these, and so do values
    that were generated for it."""
    mine, theirs = names.scope(plan.app, environment.name), names.scope(plan.app, previews.like)
    known, may_lack = set(ctx.secrets.names(mine)), optional(plan, environment)
    copied = {*previews.secrets, *_of_edge(rules)}
    missing = []
    for name in needed(plan, environment):
        if name in copied:
            value = ctx.secrets.get(theirs, name)
            if value is not None:
                ctx.secrets.set(mine, name, value)
            elif name not in known and name not in may_lack:
                missing.append(name)
        elif name in known:
            if _is_copy(ctx, mine, theirs, name):  # the plan named it before
                ctx.secrets.set(mine, name, random.token_urlsafe(32))
        elif name not in may_lack:
            ctx.secrets.set(mine, name, random.token_urlsafe(32))
    if missing:
        commands = "\n".join(f"  shipway secret set {previews.like} {name}" for name in missing)
        raise SecretError(
            f"{previews.like} lacks {counted(len(missing), 'secret')} that previews get: {', '.join(missing)}",
            hint=f"set them:\n{commands}",
        )


def _is_copy(ctx: Context, mine: str, theirs: str, name: str) -> bool:
    """Whether it is any version of the other environment's."""
    value, newest = ctx.secrets.get(mine, name), ctx.secrets.names(theirs, removed=True).get(name, 0)
    return any(ctx.secrets.get(theirs, name, version) == value for version in range(newest, 0, -1))


def _of_edge(environment: Environment) -> list[str]:
    """Those that only the edge gets: the visitors' passwords, and a certificate."""
    users = [environment.access.users] if environment.access.users else []
    return [*users, *(environment.tls.secrets.values() if environment.tls else ())]


def remove(ctx: Context, app: str, environment: str) -> None:
    """All of them, with the passwords of its accessories."""
    scope = names.scope(app, environment)
    for name in list(ctx.secrets.names(scope)):
        ctx.secrets.remove(scope, name)
