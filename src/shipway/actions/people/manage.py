"""Add and remove people, and give them roles."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from shipway.actions.people.permitted import By, no_person, recorded, require_person, scope_of
from shipway.actions.people.second_factor import SCOPE
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.identity import identity
from shipway.domain.operation import GRANT, PERSON
from shipway.domain.permissions import ALL, ROLES, Grant
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class PersonState:
    """A person, and the roles that they have."""

    name: str
    active: bool  # false: removed
    password: bool  # whether one is set
    totp: bool  # whether signing in needs a code
    added: float
    grants: tuple[Grant, ...]


def people(ctx: Context) -> list[PersonState]:
    """All, by name. Apps and environments have their present names."""
    names = ctx.names
    grants: dict[str, list[Grant]] = {}
    for grant in ctx.ledger.grants():
        there = {"app": names.shown(grant.app), "environment": names.shown(grant.app, grant.environment)}
        grants.setdefault(grant.person, []).append(dataclasses.replace(grant, **there))
    return [
        PersonState(item.name, item.active, item.password, item.totp, item.added, tuple(grants.get(item.name, ())))
        for item in ctx.ledger.people()
    ]


def add_person(ctx: Context, by: By, name: str) -> str:
    """Add someone, without a password and without a role, and return the name in its normal form. The first one is added by
    the command line: before, no one can sign in. UsageError if the name is none, or is taken."""
    require_person(by, "people")
    name = identity(name)
    if "@" not in name:
        raise UsageError(f"{name} is not an e-mail address", hint="shipway user add ada@example.org")
    with recorded(ctx, by, PERSON, name, "add"):
        if not ctx.ledger.add_person(name, ctx.ledger.now()):
            raise UsageError(
                f"{name} is a person already", hint=f"`shipway user grant {name} ROLE` changes what they may do"
            )
    return name


def remove_person(ctx: Context, by: By, name: str) -> None:
    """Remove someone: their sessions and tokens end at once. What they did stays in the history."""
    require_person(by, "people")
    name = identity(name)
    with recorded(ctx, by, PERSON, name, "remove"):
        if not ctx.ledger.remove_person(name, ctx.ledger.now()):
            raise no_person(ctx, name)
        ctx.secrets.remove(SCOPE, name)


def grant(ctx: Context, by: By, name: str, role: str, app: str = ALL, environment: str = ALL) -> Grant:
    """Give someone a role, in place of the one that they had for the same app and environment."""
    require_person(by, "people")
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}", hint=f"the roles are {', '.join(ROLES)}")
    given = Grant(identity(name), role, *scope_of(ctx, app, environment))
    with recorded(ctx, by, GRANT, given.person, f"grant {role}", given.app, given.environment):
        if not ctx.ledger.add_grant(given):
            raise no_person(ctx, given.person)
    return given


def revoke(ctx: Context, by: By, name: str, app: str = ALL, environment: str = ALL) -> Grant:
    """Take away the role that someone has for exactly this app and environment, and return it."""
    require_person(by, "people")
    name = identity(name)
    app, environment = scope_of(ctx, app, environment)
    known = ctx.ledger.grants(name)
    found = next((item for item in known if (item.app, item.environment) == (app, environment)), None)
    if found is None:
        raise UsageError(f"{name} has no role of their own for {place(app, environment)}", hint=_had(known))
    with recorded(ctx, by, GRANT, name, f"revoke {found.role}", app, environment):
        ctx.ledger.remove_grant(name, app, environment)
    return found


def place(app: str, environment: str) -> str:
    """Where a grant or a token counts, in words."""
    if app == ALL:
        return "everything" if environment == ALL else f"{environment} of all apps"
    return f"all of {app}" if environment == ALL else f"{app}/{environment}"


def _had(grants: Sequence[Grant]) -> str:
    return "they have: " + (
        ", ".join(f"{item.role} for {place(item.app, item.environment)}" for item in grants) or "none"
    )
