"""SQLite: a file in a volume of services. No server runs; whoever uses it opens the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from shipway.domain.accessory import DatabaseLogin
from shipway.domain.blocking_session import BlockingSession
from shipway.domain.catalog import Catalog
from shipway.domain.server_log import Costly, ServerLog, TableSize
from shipway.drivers.migration_tables import MIGRATION_TABLES
from shipway.drivers.sqlite_program import program
from shipway.ports import OneOff, Scratch, ScratchDatabase
from shipway.ports.server import COPY_FOLDER, Operation

_LOCKED = ("database is locked", "database table is locked", "SQLITE_BUSY")
_NOT_RECORDED = "import sys; print('SQLite has no record of frequent statements'); sys.exit(1)"


class SqliteServer:
    """Implements ports.DatabaseServer."""

    product = "SQLite"
    atomic_migrations = False  # a tool's choice: Alembic and Sequelize open no transaction there
    history_tables = MIGRATION_TABLES
    serves = False
    continuous = False

    def client(self, login: DatabaseLogin) -> dict[str, str]:
        return {"DB_FILE": login.database}

    def limits(self, lock: float, statement: float, variables: Mapping[str, str]) -> dict[str, str]:
        """No limit: how long a statement waits is a setting of each connection, and no variable sets it."""
        return dict(variables)

    def timed_out(self, output: str) -> Literal["lock", "statement"] | None:
        return "lock" if any(text in output for text in _LOCKED) else None

    def command(self, operation: Operation, *words: str) -> tuple[str, ...]:
        match operation:
            case "tables" | "blockers":
                return ("true",)
            case "statements":
                return ("python3", "-c", _NOT_RECORDED)
            case "schema":
                return program("schema", *sorted(self.history_tables))
            case "upgrade":
                return ("false",)
            case "copy":
                return program("template", words[0], COPY_FOLDER, *sorted({*self.history_tables, *words[1:]}))
            case "dump":
                return program("pack", *words[:2], *sorted({*self.history_tables, *words[2:]}))
            case "restore":
                return program("unpack", *words, COPY_FOLDER)
            case _:
                return program(operation, *words)

    def table_sizes(self, output: str) -> Mapping[str, TableSize]:
        return {}

    def frequent(self, output: str) -> Sequence[str]:
        return ()

    def blocking(self, output: str) -> Sequence[BlockingSession]:
        """None: a file doesn't tell who has locked it."""
        return ()

    def costly(self, statements: Sequence[str], before: Catalog, rewrites: Collection[str]) -> Sequence[Costly]:
        return ()

    def rates(self, database: ScratchDatabase) -> Mapping[str, float]:
        return {}

    def scratch_command(self, command: str | None) -> tuple[str, ...]:
        return ()

    def scratch_files(self, login: DatabaseLogin) -> Mapping[str, str]:
        return {}

    def scratch(self, url: str, client: OneOff | None = None) -> Scratch:
        from shipway.drivers.scratch.sqlite import SqliteScratch  # not at the top: most commands prove nothing

        parts = urlsplit(url)
        return SqliteScratch(Path(unquote(parts.path)), unquote(parts.fragment))

    def mark(self, database: ScratchDatabase, text: str) -> None:
        """Nothing is logged."""

    @contextmanager
    def log_rows(self, database: ScratchDatabase) -> Iterator[None]:
        yield

    def log(self, database: ScratchDatabase) -> Sequence[str] | None:
        return ()

    def read_log(self, lines: Sequence[str], database: str) -> ServerLog:
        return ServerLog()
