"""The ledger: SQLite by default, PostgreSQL by address. Plain SQL, since an ORM costs more to import than a command takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipway.ports import Ledger


def open_ledger(address: str | Path, clock: Callable[[], float] = time.time) -> Ledger:
    """Open the ledger at a file path or a postgresql:// address, with its schema up to date. Raises StoreError.

    clock: of this machine, which all processes that use a file share; a server has a clock of its own.
    """
    from shipway.store.ledger import SqlLedger

    if str(address).startswith(("postgresql://", "postgres://")):
        from shipway.store.postgres import PostgresDatabase

        return SqlLedger(PostgresDatabase(str(address)))
    from shipway.store.sqlite import SqliteDatabase

    return SqlLedger(SqliteDatabase(Path(address), clock))
