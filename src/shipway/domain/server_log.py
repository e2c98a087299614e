"""What a database server logged about one of its databases."""

from __future__ import annotations

from shipway.domain.value import dataclass

REPLAYED = "shipway-statements"  # in place of the address of a session that repeats an environment's statements


@dataclass(frozen=True)
class Mismatch:
    """An error by which a server rejects a statement that was written for another schema."""

    code: str  # the server's own
    text: str
    statement: str = ""  # empty if it was not logged
    client: str = ""  # address; empty on the server itself


@dataclass(frozen=True)
class Blocker:
    """A session for which another one waits. client: its address, empty on the server itself, or REPLAYED."""

    client: str
    statement: str  # that took the lock, or that the session runs


@dataclass(frozen=True)
class LockWait:
    """A statement that waited for a lock."""

    client: str
    statement: str
    relation: str  # as in a catalog; empty if it is no relation that existed before
    mode: str  # of the requested lock
    blockers: tuple[Blocker, ...]  # all sessions that it waited for, in that order
    start: float  # seconds since the watch began
    seconds: float


@dataclass(frozen=True)
class Costly:
    """A statement whose duration grows with the rows of an existing table, while it holds a lock on it."""

    relation: str  # as in a catalog
    work: str  # rewrite, scan, index
    lock: str  # its mode
    statement: str
    advice: str  # the safe form


@dataclass(frozen=True)
class TableSize:
    """Size of a table in an environment."""

    rows: int  # an estimate of the server
    bytes: int


@dataclass(frozen=True)
class ServerLog:
    """The part of a log that a proof reads."""

    statements: tuple[str, ...] = ()  # that changed the schema, or rows if those are logged
    changed: tuple[str, ...] = ()  # tables, as written, whose rows they may change or delete
    mismatches: tuple[Mismatch, ...] = ()
