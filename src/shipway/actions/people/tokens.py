"""API tokens: for programs, with a part of what a person may do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import field

from shipway.actions.people.manage import place
from shipway.actions.people.permitted import By, no_person, recorded, require_person, scope_of
from shipway.actions.people.sign_in import digest, new_secret
from shipway.context import Context
from shipway.domain.errors import NotAllowed, UsageError
from shipway.domain.identity import identity, shown
from shipway.domain.operation import TOKEN
from shipway.domain.people import DAY, TOKEN_PREFIX, Token, unknown_permissions
from shipway.domain.permissions import ALL, PERMISSIONS
from shipway.domain.value import dataclass

LONGEST = 366  # days
LONGEST_NAME = 60


@dataclass(frozen=True)
class NewToken:
    """A token with its secret, which is shown once."""

    secret: str = field(repr=False)
    record: Token


def tokens(ctx: Context, person: str | None = None) -> list[Token]:
    """All, or those of a person, oldest first. Apps and environments have their present names."""
    names = ctx.names
    return [
        dataclasses.replace(item, app=names.shown(item.app), environment=names.shown(item.app, item.environment))
        for item in ctx.ledger.tokens(person)
    ]


def create_token(
    ctx: Context, by: By, person: str, name: str, permissions: Sequence[str], days: int, app: str = ALL, environment: str = ALL
) -> NewToken:  # fmt: skip
    """A token by which a program acts as a person, with these permissions and no others, as far as the person has them when it
    is used. On the server, people make their own."""
    person = identity(person)
    require_person(by, "tokens", person)
    if by is not None and by.person != person:
        raise NotAllowed(
            "only the person can make a token: it acts in their name", hint=f"{person} signs in and makes it"
        )
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or shown(name) != name:
        raise UsageError(
            f"{shown(name[:LONGEST_NAME])!r} can't be what a token is for", hint=f"at most {LONGEST_NAME} characters"
        )
    if unknown := unknown_permissions(permissions):
        raise UsageError(f"there is no permission {', '.join(unknown)}", hint=f"there are: {', '.join(PERMISSIONS)}")
    if not permissions:
        raise UsageError(
            "the token would have no permission", hint=f"--allow NAME; there are: {', '.join(PERMISSIONS)}"
        )
    if not 1 <= days <= LONGEST:
        raise UsageError(f"a token can't be valid for {days} days", hint=f"1 to {LONGEST}")
    app, environment = scope_of(ctx, app, environment)
    secret, at = new_secret(TOKEN_PREFIX), ctx.ledger.now()
    ctx.redactor.add({"token": secret})
    record = Token(0, person, name, tuple(dict.fromkeys(permissions)), app, environment, at, at + days * DAY)
    what = f"create {name}: {' '.join(record.permissions)} for {place(app, environment)}, {days} days"
    with recorded(ctx, by, TOKEN, person, what, app, environment):
        number = ctx.ledger.add_token(record, digest(secret))
        if number is None:
            raise no_person(ctx, person)
    return NewToken(secret, dataclasses.replace(record, id=number))


def revoke_token(ctx: Context, by: By, number: int) -> Token:
    """It is refused from now on. People revoke their own; `tokens` allows to revoke others'."""
    found = next((item for item in ctx.ledger.tokens() if item.id == number), None)
    require_person(by, "tokens", found.person if found else None)
    if found is None or found.revoked is not None:
        state = "is revoked already" if found else "isn't there"
        raise UsageError(f"the token {number} {state}", hint="`shipway token list` shows them")
    with recorded(ctx, by, TOKEN, found.person, f"revoke {found.name}", found.app, found.environment):
        ctx.ledger.revoke_token(number, ctx.ledger.now())
    return found
