"""Where backups are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol


class BackupStore(Protocol):
    """Objects by name, such as `shop/production/20260101T020000Z-3f9a2c/database.age`. Raises BackupFailed; StoreFull if
    the store has no space left; StoreGone if it can't be reached, isn't there or rejects the credentials.

    Everything is streamed. A store is used by one thread at a time.
    """

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        """Store an object, complete or not at all: no one ever sees a part of it. Replaces one of that name. An error of
        the iterator is raised, and nothing is stored."""

    def get(self, name: str) -> Iterator[bytes]:
        """Its content; the iterator raises BackupFailed if it ends early. NotStored without such an object."""

    def list(self, folder: str) -> Mapping[str, int]:
        """Names and sizes (bytes) of the complete objects whose names begin with `folder`, which ends in `/` or is empty."""

    def remove(self, name: str) -> None:
        """Remove it; a missing one is no error."""

    def clean_up(self, folder: str, age: float = 0.0) -> None:
        """Remove what unfinished `put`s left below the folder, of processes that died. age: only what is at least that old,
        in seconds."""
