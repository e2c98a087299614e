"""Who sends a request: from the secret of its session or token."""

from __future__ import annotations

import hashlib
import hmac

from shipway.actions.people.sign_in import digest, is_secret
from shipway.context import Context
from shipway.domain.errors import NotSignedIn
from shipway.domain.people import (
    SEEN,
    SESSION,
    SESSION_PREFIX,
    TOKEN,
    TOKEN_PREFIX,
    Identity,
    is_valid,
    session_is_valid,
)


def identify(ctx: Context, secret: str, *, used: bool = True) -> Identity:
    """The person, with what they were granted until now. NotSignedIn if the session or token doesn't count, or not any
    more; which of both is not told. used: whether that is recorded as its use, as opposed to a page that is only open."""
    found = None
    if is_secret(secret, SESSION_PREFIX):
        found = _by_session(ctx, secret, used)
    elif is_secret(secret, TOKEN_PREFIX):
        found = _by_token(ctx, secret, used)
    if found is None:
        raise NotSignedIn("the session or token isn't valid", hint="sign in again, or use another token")
    return found


def _by_session(ctx: Context, secret: str, used: bool) -> Identity | None:
    found = ctx.ledger.session_of(digest(secret))
    if found is None:
        return None
    at = ctx.ledger.now()
    if not session_is_valid(found, at):
        if at > found.seen:  # and it stays so, should the clock be set back
            ctx.ledger.end_session(found.id, at)
        return None
    if used and at - found.seen > SEEN:
        ctx.ledger.see_session(found.id, at)
    return Identity(found.person, tuple(ctx.ledger.grants(found.person)), SESSION, found.id, found.how)


def _by_token(ctx: Context, secret: str, used: bool) -> Identity | None:
    found = ctx.ledger.token_of(digest(secret))
    if found is None:
        return None
    ctx.redactor.add({"token": secret})  # whoever uses it may print it
    at = ctx.ledger.now()
    if not is_valid(found.created, found.expires, at):
        if at >= found.expires:
            ctx.ledger.revoke_token(found.id, at)
        return None
    if used and (found.used is None or at - found.used > SEEN):
        ctx.ledger.use_token(found.id, at)
    return Identity(found.person, tuple(ctx.ledger.grants(found.person)), TOKEN, found.id, token=found)


def csrf(session: str) -> str:
    """What a form of this session must send back: no other page knows it, and it doesn't reveal the session."""
    return hmac.new(session.encode(), b"shipway csrf", hashlib.sha256).hexdigest()


def csrf_matches(session: str, given: str) -> bool:
    """Whether a form was made for this session."""
    return hmac.compare_digest(csrf(session).encode(), given.encode("utf-8", "surrogatepass"))
