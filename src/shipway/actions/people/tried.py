"""Wrong sign-ins slow down the next ones: growing pauses, by person and by address, and never a lock-out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.context import Context
from shipway.domain.errors import NotSignedIn
from shipway.domain.people import FREE_BY_ADDRESS, FREE_BY_PERSON, KNOWN, network

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
    yield
    ctx.ledger.end_attempt(person, place)


def _bucket(kind: str, text: str) -> str:
    return f"{kind} {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:BUCKET]}"
