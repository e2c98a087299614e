"""What the ledger needs of a database; one implementation a dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Row = tuple[Any, ...]
T = TypeVar("T")


class Database(Protocol):
    """Safe to use from several threads: each has a connection of its own. SQL has `?` for values."""

    name: str  # for messages; never a password
    types: dict[str, str]  # what {id} and {real} are in the schema

    def write(self, work: Callable[[], T]) -> T:
        """Do the work in one transaction, which takes the write lock at its start, or in the one that this thread has open.

        It is done again where a connection dropped and nothing of it was kept: it must have no other effect.
        """

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement and fetch what it returns; outside of a transaction it is one by itself."""

    def append_only(self, table: str) -> Sequence[str]:
        """Statements that make UPDATE and DELETE on the table fail."""

    def has_table(self, table: str) -> bool:
        """Whether it is there."""

    def now(self) -> float:
        """Seconds since the epoch by the one clock that all who use this database share."""

    def reserve(self) -> None:
        """See to it that there is room for a rollback's records when the disk is full. DiskFull where there is none."""

    def close(self) -> None:
        """Close this thread's connection."""
