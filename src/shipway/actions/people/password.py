"""Set a person's password."""

from __future__ import annotations

from shipway.actions.people.permitted import By, no_person, recorded, require_person
from shipway.actions.people.tried import tried
from shipway.context import Context
from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.identity import identity
from shipway.domain.operation import PERSON
from shipway.domain.people import LEAST, LINKED, MOST, password_problem
from shipway.system.passwords import Passwords


def set_password(ctx: Context, passwords: Passwords, by: By, name: str, password: str, current: str = "") -> None:
    """Set it, and end the person's sessions but the one that asks. UsageError if it can't be one.

    current: the present password, if people change their own; not for a session that a link began.
    """
    name = identity(name)
    require_person(by, "people", name)
    if problem := password_problem(password, name):
        raise UsageError(
            problem, hint=f"at least {LEAST} characters; a few words that only you would put together are good"
        )
    own = by is not None and by.person == name
    if own and by is not None and by.how != LINKED:
        with tried(ctx, f"session {by.number}"):
            if not passwords.matches(ctx.ledger.password_hash(name), current[: MOST + 1]):
                raise NotSignedIn("the present password is wrong")
    if ctx.ledger.person(name) is None:
        raise no_person(ctx, name)
    hash = passwords.hash(password)
    ctx.redactor.add({"password hash": hash})
    with recorded(ctx, by, PERSON, name, "set the password"):
        if not ctx.ledger.set_password(name, hash, ctx.ledger.now(), keep=by.number if by and own else None):
            raise no_person(ctx, name)
