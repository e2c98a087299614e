"""What the server gives to a command that it starts for somebody: a proof of who that is, which the command checks again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets

from shipway.context import Context
from shipway.domain.errors import NotSignedIn
from shipway.domain.people import HOUR, SESSION, TOKEN, Identity, Token, is_valid
from shipway.domain.value import dataclass
from shipway.system.actor import DELEGATION

VARIABLE = DELEGATION  # of the command's process
VALID = HOUR  # a push may take long before its hook is called
KEY = "key of delegations"  # property of the ledger: whoever can write to that can do everything


@dataclass(frozen=True)
class Delegate:
    """Makes delegations in the name of the server."""

    ctx: Context

    def to(self, who: Identity) -> str:
        """For one command. It says no more than who asked; what they may do is read when it is used."""
        data = {"person": who.person, "token": who.token.id if who.token else 0, "at": self.ctx.ledger.now()}
        body = base64.urlsafe_b64encode(json.dumps(data).encode()).decode()
        return f"{body}.{_seal(self.ctx, body)}"


def delegated(ctx: Context, text: str) -> Identity:
    """Who asked the server for this command, with what they may do now. NotSignedIn if it is not of this server, too old, or
    the person or their token doesn't count any more."""
    refused = NotSignedIn(
        "what the server started this command with doesn't count, or not any more", hint="ask it again"
    )
    body, _, seal = text.partition(".")
    if not hmac.compare_digest(_seal(ctx, body).encode(), seal.encode("utf-8", "surrogatepass")):
        raise refused
    ctx.redactor.add({"delegation": text})
    try:
        data = json.loads(base64.urlsafe_b64decode(body))
        name, number, at = str(data["person"]), int(data["token"]), float(data["at"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refused from None
    now, person = ctx.ledger.now(), ctx.ledger.person(name)
    if person is None or not person.active or not is_valid(at, at + VALID, now):
        raise refused
    grants = tuple(ctx.ledger.grants(name))
    if not number:
        return Identity(name, grants, SESSION, 0)
    token = token_now(ctx, name, number)
    if token is None:
        raise refused
    return Identity(name, grants, TOKEN, number, token=token)


def token_now(ctx: Context, person: str, number: int) -> Token | None:
    """The person's token of that number, if it counts now."""
    found = next((item for item in ctx.ledger.tokens(person) if item.id == number), None)
    counts = found is not None and found.revoked is None and is_valid(found.created, found.expires, ctx.ledger.now())
    return found if counts else None


def _seal(ctx: Context, body: str) -> str:
    key = ctx.ledger.property(KEY) or ctx.ledger.set_once(KEY, secrets.token_hex(32))
    return hmac.new(key.encode(), body.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
