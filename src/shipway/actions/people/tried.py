"""Wrong sign-ins slow down the next ones: growing pauses, by person and by address, and never a lock-out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from shipway.context import Context
from shipway.domain.audit import REFUSED, REFUSED_SIGN_IN, AuditFilter, Fact
from shipway.domain.errors import NotSignedIn, ShipwayError
from shipway.domain.people import FREE_BY_ADDRESS, FREE_BY_PERSON, HOUR, KNOWN, network

RECORDED = (
    200  # refused sign-ins an hour in the audit, of a person and of all names that no one has: guesses must not fill it
)
BUCKET = 8  # hexadecimal digits: what was typed as a name may be a password, and can't be found from so few


@contextmanager
def tried(ctx: Context, name: str, address: str | None = None) -> Iterator[None]:
    """An attempt to prove that one is the person of that name, existing or not. It counts as failed unless the block ends
    without an error. NotSignedIn, with the seconds to wait, if it comes too early. Without an address, it is what a session
    tries, and `name` says which: whoever fails to sign in doesn't disturb it.

    From an address where the person has signed in before, the failures of other addresses don't count: whoever guesses
    elsewhere can't keep them out.
    """
    at = ctx.ledger.now()
    person, place = _bucket("person", name), _bucket("address", network(address or ""))
    buckets = {}
    if address is None or not ctx.ledger.is_known_address(name, network(address), at - KNOWN):
        buckets[person] = FREE_BY_PERSON
    if address is not None:
        buckets[place] = FREE_BY_ADDRESS
    wait = ctx.ledger.begin_attempt(buckets, at)
    if wait > 0:
        seconds = math.ceil(wait)
        raise NotSignedIn(
            "there were too many wrong attempts", hint=f"try again in {seconds} s", retry_after=float(seconds)
        )
    try:
        yield
    except NotSignedIn:
        refused(ctx, "" if address is None else name, "a wrong password or code", named=address is not None)
        raise
    ctx.ledger.end_attempt(person, place)


def refused(ctx: Context, name: str, what: str, *, named: bool = True) -> None:
    """In the audit; only the names of people who exist: what else was typed as a name may be a password. named: whether there
    was a name."""
    with suppress(ShipwayError):  # the refusal itself matters more
        known = name if name and ctx.ledger.person(name) is not None else ""
        what += ", of a name that no one has" if named and not known else ""
        recent = AuditFilter(actor=known, kind=REFUSED_SIGN_IN, since=ctx.ledger.now() - HOUR)
        count = len(ctx.ledger.audit(recent, RECORDED))
        if count == RECORDED - 1:
            what += "; further ones are not recorded for up to an hour"
        if count < RECORDED:
            ctx.ledger.add_entry(Fact(REFUSED_SIGN_IN, what, outcome=REFUSED, actor=known))


def _bucket(kind: str, text: str) -> str:
    return f"{kind} {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:BUCKET]}"
