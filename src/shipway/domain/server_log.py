"""What a database server logged about one of its databases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mismatch:
    """An error by which a server rejects a statement that was written for another schema."""

    code: str  # the server's own
    text: str
    statement: str = ""  # empty if it was not logged


@dataclass(frozen=True)
class ServerLog:
    """The part of a log that a proof reads."""

    statements: tuple[str, ...] = ()  # that changed the schema, or rows if those are logged
    changed: tuple[str, ...] = ()  # tables, as written, whose rows they may change or delete
    mismatches: tuple[Mismatch, ...] = ()
