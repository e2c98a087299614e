"""The database operations that the ledger needs; one implementation per dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Row = tuple[Any, ...]
T = TypeVar("T")


class Database(Protocol):
    """Safe to use from several threads: each has its own connection. SQL has `?` for values."""

    name: str  # for messages; never a password
    types: dict[str, str]  # the values of {id} and {real} in the schema

    def write(self, work: Callable[[], T]) -> T:
        """Run the work in one transaction, which takes the write lock at its start, or in this thread's open one.

        It is repeated if a connection dropped and nothing was committed: it must have no other side effects.
        """

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement and fetch its rows; outside of a transaction it is its own."""

    def append_only(self, table: str) -> Sequence[str]:
        """Statements that make UPDATE and DELETE on the table fail."""

    def has_table(self, table: str) -> bool:
        """Whether the table exists."""

    def now(self) -> float:
        """Seconds since the epoch by the clock that all users of this database share."""

    def copy_to(self, path: str) -> None:
        """Write a consistent copy into a new file. StoreError if that isn't possible."""

    def reserve(self) -> None:
        """Reserve room for a rollback's records on a full disk. DiskFull if there is none."""

    def has_room(self) -> bool:
        """Whether what can be done without may be written: the reserve stays for what can't."""

    def close(self) -> None:
        """Close this thread's connection."""
