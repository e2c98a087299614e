"""Sign in and out."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import field

from shipway.actions.people.permitted import no_person, recorded
from shipway.actions.people.second_factor import code_matches
from shipway.actions.people.tried import refused, tried
from shipway.context import Context
from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.identity import LONGEST, identity, shown
from shipway.domain.operation import PERSON
from shipway.domain.people import (
    CODE,
    LINK,
    LINK_PREFIX,
    LINKED,
    MOST,
    PASSWORD,
    PROVIDER,
    SESSION_PREFIX,
    Identity,
    SessionRecord,
    network,
)
from shipway.domain.value import dataclass
from shipway.system.openid import Proven
from shipway.system.passwords import Passwords

WRONG = "the name, the password or the code is wrong"


@dataclass(frozen=True)
class Session:
    """A new session, with what proves it: for the cookie, and nothing else."""

    secret: str = field(repr=False)
    record: SessionRecord


def sign_in(ctx: Context, passwords: Passwords, name: str, password: str, totp: str, address: str) -> Session:
    """A session for someone who knows their password and, if they have set that up, a code of their app or a recovery code.
    NotSignedIn, with the same words and after the same work, whether the name, the password or the code is wrong."""
    name = _normal(name)
    with tried(ctx, name, address):
        hash = ctx.ledger.password_hash(name)
        if not passwords.matches(hash, password[: MOST + 1]):
            raise NotSignedIn(WRONG)
        version = ctx.ledger.totp_version(name)
        if version and not code_matches(ctx, name, version, totp):
            raise NotSignedIn(WRONG)
        secret = new_secret(SESSION_PREFIX)
        record = _record(ctx, name, address, CODE if version else PASSWORD)
        number = ctx.ledger.add_session(record, digest(secret), hash)
        if number is None:  # removed, or another password, meanwhile
            raise NotSignedIn(WRONG)
    if passwords.is_outdated(hash):
        ctx.ledger.replace_hash(name, hash, passwords.hash(password))
    return Session(secret, SessionRecord(number, name, record.address, record.how, record.created, record.seen))


def make_link(ctx: Context, name: str) -> str:
    """A secret by which someone signs in once, within ten minutes, without password and code: only for whoever has the home
    folder. It is returned and not kept."""
    name = identity(name)
    secret, at = new_secret(LINK_PREFIX), ctx.ledger.now()
    ctx.redactor.add({"sign-in link": secret})
    with recorded(ctx, None, PERSON, name, "make a sign-in link"):
        if not ctx.ledger.add_link(name, digest(secret), at, at + LINK):
            raise no_person(ctx, name)
    return secret


def sign_in_by_link(ctx: Context, link: str, address: str) -> Session:
    """A session for whoever has an unused link. NotSignedIn if there is none, or somebody was faster."""
    secret = new_secret(SESSION_PREFIX)
    record = _record(ctx, "", address, LINKED)
    found = None
    if is_secret(link, LINK_PREFIX):
        found = ctx.ledger.use_link(digest(link), record.created, record, digest(secret))
    if found is None:
        raise NotSignedIn(
            "this sign-in link was used, or has expired", hint="`shipway user login-link NAME` makes another one"
        )
    return Session(secret, found)


def sign_in_by_provider(ctx: Context, proven: Proven, provider: str, address: str) -> Session:
    """A session for someone whose verified e-mail address a provider told. NotSignedIn if no person has it, or if they have
    set up codes and the provider has seen no second factor: else the provider would take away what protects them."""
    # Not in its normal form: of an address that it also stands for, such as one with a tag, others may have the mailbox.
    name = proven.email.lower() if proven.email.isascii() else proven.email
    person = ctx.ledger.person(name) if name and name == _normal(name) else None
    if person is None or not person.active:
        refused(ctx, name, f"by {provider}")
        raise NotSignedIn(
            f"{provider} says that you are {shown(proven.email[:LONGEST])}, who is no person of this server",
            hint="an admin adds people with `shipway user add`",
        )
    if person.totp and not proven.strong:
        refused(ctx, name, f"by {provider}, without a second factor")
        raise NotSignedIn(
            f"you sign in with codes here, and {provider} has not asked for a second factor",
            hint="set one up there, or sign in with your password and a code",
        )
    secret, record = new_secret(SESSION_PREFIX), _record(ctx, name, address, PROVIDER)
    number = ctx.ledger.add_session(record, digest(secret), ctx.ledger.password_hash(name))
    if number is None:  # removed, or another password, meanwhile
        raise NotSignedIn(WRONG)
    return Session(secret, SessionRecord(number, name, record.address, record.how, record.created, record.seen))


def sign_out(ctx: Context, identity: Identity) -> None:
    """End the session; of a token, there is none."""
    if identity.token is None:
        ctx.ledger.end_session(identity.number, ctx.ledger.now())


def new_secret(prefix: str) -> str:
    """256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret with 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret(text: str, prefix: str) -> bool:
    """Whether it looks like a secret of that kind."""
    return text.startswith(prefix) and text.isascii() and len(text) < 100


def _record(ctx: Context, name: str, address: str, how: str) -> SessionRecord:
    at = ctx.ledger.now()
    return SessionRecord(0, name, network(address), how, at, at)


def _normal(name: str) -> str:
    """Empty for what can't be a name."""
    try:
        return identity(name[: LONGEST * 2])
    except UsageError:
        return ""
