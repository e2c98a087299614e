"""The ledger: SQLite by default, PostgreSQL by address. Plain SQL, since an ORM costs more to import than a command takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipway.ports import Ledger


def open_ledger(address: str | Path) -> Ledger:
    """Open the ledger at a file path or a postgresql:// address, with its schema up to date. Raises StoreError."""
    from shipway.store.ledger import SqlLedger

    if str(address).startswith(("postgresql://", "postgres://")):
        from shipway.store.postgres import PostgresDatabase

        return SqlLedger(PostgresDatabase(str(address)))
    from shipway.store.sqlite import SqliteDatabase

    return SqlLedger(SqliteDatabase(Path(address)))
