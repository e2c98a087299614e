"""The ledger: SQLite by default, PostgreSQL by address. Plain SQL, since importing an ORM takes longer than a
command."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.domain.errors import StoreError

if TYPE_CHECKING:
    from shipway.ports import Ledger


def is_shared(address: str | Path) -> bool:
    """Whether a ledger's address is a server, shared by several machines, and not a file."""
    return str(address).startswith(("postgresql://", "postgres://"))


def open_ledger(address: str | Path, clock: Callable[[], float] = time.time) -> Ledger:
    """Open the ledger at a file path or a postgresql:// address, and migrate its schema. Raises StoreError.

    clock: of this machine, shared by all processes that use a file; a server has its own clock.
    """
    from shipway.store.ledger import SqlLedger

    if is_shared(address):
        from shipway.store.postgres import PostgresDatabase

        return SqlLedger(PostgresDatabase(str(address)))
    from shipway.store.sqlite import SqliteDatabase

    path = Path(address)
    if not path.exists():
        _make(path, clock)
    elif path.is_file() and path.stat().st_size == 0:
        hint = f"restore it from a backup; if there never was a ledger: rm {path}"
        raise StoreError(f"{path} is empty: it is not a ledger, or its content is lost", hint=hint)
    return SqlLedger(SqliteDatabase(path, clock))


def _make(path: Path, clock: Callable[[], float]) -> None:
    """Create a new file, complete or not at all."""
    from shipway.store.ledger import SqlLedger
    from shipway.store.sqlite import SqliteDatabase

    draft = path.with_name(f".{path.name}.{secrets.token_hex(16)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ledger = SqlLedger(SqliteDatabase(draft, clock))
        ledger.close()
        try:
            os.link(draft, path)
        except FileExistsError:  # another process was faster
            pass
        except OSError:  # a file system without hard links
            draft.rename(path)
    except OSError as error:
        raise StoreError(
            f"the ledger {path} can't be created: {error.strerror}", hint="pass --home FOLDER, or set SHIPWAY_HOME"
        ) from error
    finally:
        for left in path.parent.glob(f"{draft.name}*"):
            left.unlink(missing_ok=True)
