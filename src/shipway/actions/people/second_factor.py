"""Codes of an authenticator app, and recovery codes for whoever has lost it."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import field

from shipway.actions.people.permitted import recorded, require_person
from shipway.actions.people.tried import tried
from shipway.context import Context
from shipway.domain.errors import NotSignedIn, UsageError
from shipway.domain.operation import PERSON
from shipway.domain.people import LINKED, Identity
from shipway.domain.totp import DIGITS, enrolment, is_secret, matching_step
from shipway.domain.value import dataclass

SCOPE = "@people/codes"  # of the stored secrets, by person; no app has this name
SECRET = 20  # bytes, as RFC 4226 recommends
RECOVERY = 10  # codes
RECOVERY_CODE = 10  # bytes


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app needs. Only the person's page has it, until they confirm it with a code."""

    secret: str = field(repr=False)
    address: str = field(repr=False)  # otpauth://…


def enrol_totp(ctx: Context, by: Identity) -> Enrolment:
    """A new secret for the person's app. Nothing is kept before `confirm_totp`."""
    require_person(by, "people", by.person)
    secret = base64.b32encode(os.urandom(SECRET)).decode()
    return Enrolment(secret, enrolment(secret, by.person))


def confirm_totp(ctx: Context, by: Identity, secret: str, code: str, current: str = "") -> list[str]:
    """From now on, the person signs in with codes of this secret, which is encrypted. Returns their recovery codes, which are
    shown once.

    current: a code of the app before, if there is one; not for a session that a link began, which is the way back for
    whoever has lost it.
    """
    require_person(by, "people", by.person)
    at = ctx.ledger.now()
    with tried(ctx, f"session {by.number}"):
        step = matching_step(secret, _plain(code), at) if is_secret(secret) else None
        if step is None:
            raise UsageError("the code is wrong", hint="the clock of the phone must be right; try the next code")
        before = ctx.ledger.totp_version(by.person)
        if before and by.how != LINKED and not code_matches(ctx, by.person, before, current):
            raise NotSignedIn(
                "the present code is wrong", hint="a code of the app that is set up now, or a recovery code"
            )
    codes = [_recovery_code() for _ in range(RECOVERY)]
    ctx.redactor.add({f"recovery code {number}": item for number, item in enumerate(codes, 1)})
    with recorded(ctx, by, PERSON, by.person, "sign in with codes"):
        version = ctx.secrets.set(SCOPE, by.person, secret)
        ctx.ledger.use_code(by.person, version, step, at)
        if not ctx.ledger.set_totp(by.person, version, [_digest(item) for item in codes]):
            raise NotSignedIn(f"{by.person} was removed")
    return codes


def code_matches(ctx: Context, person: str, version: int, given: str) -> bool:
    """Whether it is a code of now, or one of the recovery codes. Each counts once."""
    given, at = _plain(given), ctx.ledger.now()
    if not (given.isascii() and given.isdigit() and len(given) == DIGITS):
        return ctx.ledger.use_recovery_code(person, _digest(given), at)
    secret = ctx.secrets.get(SCOPE, person, version)
    step = matching_step(secret, given, at) if secret else None
    return step is not None and ctx.ledger.use_code(person, version, step, at)


def _plain(given: str) -> str:
    """A code as people type it."""
    return "".join(given[:100].split()).replace("-", "").casefold()


def _recovery_code() -> str:
    text = base64.b32encode(os.urandom(RECOVERY_CODE)).decode().casefold()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _digest(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode("utf-8", "surrogatepass")).hexdigest()
