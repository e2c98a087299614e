"""Who asks, whether they may, and the record of what they changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shipway.context import Context
from shipway.domain.errors import NotAllowed, ShipwayError, UsageError
from shipway.domain.operation import Operation
from shipway.domain.people import SESSION, Identity
from shipway.domain.permissions import ALL, PERMISSIONS
from shipway.system.login import login

# Who asks: an identity that the server has identified; or None, whoever runs a command with the home folder, which can do
# everything.
By = Identity | None

FAILED = 1  # exit code in the record


def require(identity: Identity, permission: str, app: str = ALL, environment: str = ALL) -> None:
    """NotAllowed if the identity lacks the permission there."""
    if identity.may(permission, app, environment):
        return
    where = "" if app == ALL else f" in {app}" if environment == ALL else f" in {app}/{environment}"
    if identity.token is not None:
        raise NotAllowed(
            f"this token may not `{permission}`{where}",
            hint=f"use a token with `{permission}` there, of a person who has that permission too",
        )
    raise NotAllowed(
        f"{identity.person} may not `{permission}`{where}",
        hint=f"the role {PERMISSIONS[permission].role} may: an admin gives it with `shipway user grant`",
    )


def require_person(by: By, permission: str, name: str | None = None) -> None:
    """NotAllowed unless whoever asks has the permission, or is the person of that name; and has signed in: a token manages
    neither people nor tokens."""
    if by is None:
        return
    if by.via != SESSION:
        raise NotAllowed("a token can't change people and tokens", hint="on the server: shipway user, shipway token")
    if by.person != name:
        require(by, permission)


@contextlib.contextmanager
def recorded(
    ctx: Context, by: By, kind: str, person: str, detail: str, app: str = ALL, environment: str = ALL
) -> Iterator[None]:
    """Record the change before it is made, and whether it was. Without secrets."""
    who, where = (by.person, f"{by.via} {by.number}") if by else (ctx.actor, login())
    record = Operation(0, app, environment, 0, kind, person, who, where, ctx.redactor.text(detail), ctx.clock())
    number = ctx.ledger.begin_operation(record)
    try:
        yield
    except BaseException:
        with contextlib.suppress(ShipwayError):  # the error itself matters more
            ctx.ledger.end_operation(number, ctx.clock(), FAILED)
        raise
    ctx.ledger.end_operation(number, ctx.clock(), 0)


def scope_of(ctx: Context, app: str, environment: str) -> tuple[str, str]:
    """The first names of an app and an environment, or ALL. UsageError if one can't be a name."""
    import re

    from shipway.planfile.values import NAME_PATTERN, NAME_WORDS

    for what, name in (("app", app), ("environment", environment)):
        if name != ALL and not re.fullmatch(NAME_PATTERN, name):
            raise UsageError(f"{name!r} is not the name of an {what}", hint=f"{NAME_WORDS}; or {ALL} for all")
    app = ctx.names.app(app)
    return app, ctx.names.environment(app, environment)


def no_person(ctx: Context, name: str) -> UsageError:
    """The error for a name that no active person has."""
    known = ", ".join(item.name for item in ctx.ledger.people() if item.active) or "none yet"
    return UsageError(f"there is no person {name}", hint=f"there are: {known}; `shipway user add {name}` adds one")
