"""The audit: who did what, from where and how it ended, as a chain of digests that shows whether it was changed later."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable

from shipway.domain.value import dataclass

# Kinds of entries: what is done, from its beginning …
COMMAND, REQUEST = "command", "request"  # of the command line; of the server: a form or a call that changes something
ENDED = "ended"  # of another entry, which it is part of
BEGINNING = "beginning"  # of the chain
# … and what is recorded, in the same transaction as the record itself.
REFUSED_SIGN_IN = "refused sign-in"

BEGAN, SUCCEEDED, FAILED, REFUSED, INTERRUPTED = "began", "succeeded", "failed", "refused", "interrupted"
_CREDENTIALS = re.compile(r"://[^/\s]*@")
LONGEST = 1000  # characters of a text
SHOWN = 100  # problems, at most
NEW = "the ledger was created"
OLDER = "the ledger is older than its audit: what was done before is not in it"


@dataclass(frozen=True)
class Acting:
    """Who acts at this moment."""

    actor: str = ""
    proof: str = ""  # how the identity was proven
    origin: str = ""  # login and machine, or the address
    entry: int = 0  # of the command or the request that it belongs to


@dataclass(frozen=True)
class Fact:
    """What an entry is about. actor: if it is another one than who acts."""

    kind: str
    what: str
    app: str = ""
    environment: str = ""
    subject: str = ""  # what it is about, in two words: `deployment 12`
    outcome: str = ""  # empty: it is done
    actor: str = ""
    part_of: int | None = None  # another entry than that of who acts


@dataclass(frozen=True)
class Entry:
    """One entry. Its digest covers all other fields, and `previous` is the digest of the entry before it."""

    number: int  # from 1, without gaps
    at: float  # seconds since the epoch by the ledger's clock
    actor: str
    proof: str
    origin: str
    kind: str
    app: str  # first names, as everywhere in the ledger
    environment: str
    subject: str
    what: str
    outcome: str
    part_of: int  # number of another entry; 0: of none
    previous: str
    digest: str = ""


@dataclass(frozen=True)
class AuditFilter:
    """Which entries; empty: all. The ends of others are left out unless `ends`."""

    app: str = ""
    environment: str = ""
    actor: str = ""
    kind: str = ""
    since: float | None = None
    until: float | None = None
    subject: str = ""
    before: int | None = None  # only with a smaller number
    ends: bool = True


@dataclass(frozen=True)
class Verified:
    """What was found. problems: the first ones, in words."""

    entries: int
    head: str  # digest of the last entry
    problems: tuple[str, ...]


def linked(fact: Fact, acting: Acting, at: float, last: tuple[int, str]) -> Entry:
    """The entry that follows the one with this number and digest."""
    number, previous = last
    other = bool(fact.actor) and fact.actor != acting.actor
    part_of = acting.entry if fact.part_of is None else fact.part_of
    proof = (f"told by {acting.actor}" if acting.actor else "") if other else acting.proof
    made = Entry(
        number + 1, float(at), _text(fact.actor or acting.actor), _text(proof), _text(acting.origin), fact.kind, _text(fact.app),
        _text(fact.environment), _text(fact.subject), _text(fact.what), fact.outcome, part_of, previous,
    )  # fmt: skip
    return dataclasses.replace(made, digest=digest(made))


def digest(entry: Entry) -> str:
    """Of all fields but the digest itself."""
    fields = [getattr(entry, field.name) for field in dataclasses.fields(entry) if field.name != "digest"]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def verified(chain: Iterable[Entry], head: str = "") -> Verified:
    """Whether the chain is whole. head: a digest that was noted earlier, which must be of one of its entries."""
    problems: list[str] = []
    number, previous, seen = 0, "", not head
    for entry in chain:
        problems += _problems(entry, number, previous)
        seen = seen or entry.digest == head
        number, previous = entry.number, entry.digest
        if len(problems) >= SHOWN:
            return Verified(number, previous, tuple(problems[:SHOWN]))
    if number == 0:
        problems.append("all entries were removed: a chain has at least its beginning")
    elif not seen:
        problems.append(f"no entry has the digest {head}: entries at the end were removed or replaced")
    return Verified(number, previous, tuple(problems))


def _problems(entry: Entry, number: int, previous: str) -> list[str]:
    """Of an entry that follows the one with this number and digest."""
    if entry.number > number + 1:
        missing = f"entry {number + 1}" if entry.number == number + 2 else f"entries {number + 1} to {entry.number - 1}"
        return [f"{missing} {'was' if entry.number == number + 2 else 'were'} removed", *_changed(entry)]
    if changed := _changed(entry):
        return changed
    if entry.previous != previous:
        return [
            f"entry {number} was replaced: entry {entry.number} follows another one"
            if number
            else "entry 1 is not the beginning of a chain"
        ]
    return []


def _changed(entry: Entry) -> list[str]:
    if digest(entry) == entry.digest:
        return []
    if digest(dataclasses.replace(entry, number=entry.number - 1)) == entry.digest:
        return [f"an entry was inserted before entry {entry.number}, which had the number {entry.number - 1}"]
    if digest(dataclasses.replace(entry, number=entry.number + 1)) == entry.digest:
        return [f"entry {entry.number} was removed, and the one after it has its number now"]
    return [f"entry {entry.number} was changed: its digest is of another content"]


def _text(text: str) -> str:
    """What every database and format can keep: no control characters, not too long, and no credentials of an address."""
    text = _CREDENTIALS.sub("://…@", text)
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
