"""PostgreSQL."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from shipway.domain.accessory import DatabaseLogin
from shipway.domain.blocking_session import BlockingSession
from shipway.domain.catalog import Catalog
from shipway.domain.server_log import Costly, ServerLog, TableSize
from shipway.drivers.libpq import of_parameters
from shipway.drivers.migration_tables import MIGRATION_TABLES
from shipway.drivers.server import postgres_blockers, postgres_growth, postgres_log, postgres_statements
from shipway.drivers.server.postgres_archive import ARCHIVE, UNARCHIVE
from shipway.drivers.server.postgres_scripts import COPY, DATABASE, REACH, SCHEMA, SIZE, UPGRADE
from shipway.drivers.server.snapshot_script import copy_command
from shipway.ports import OneOff, Scratch, ScratchDatabase
from shipway.ports.server import Operation

_SCRATCH = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "log_line_prefix": postgres_log.PREFIX, "log_min_messages": "notice", "log_statement": "ddl",
}  # fmt: skip


class PostgresServer:
    """Implements ports.DatabaseServer. The variables of the client programs: see `libpq-envars` in its manual."""

    product = "PostgreSQL"
    atomic_migrations = True
    serves = True
    continuous = True
    history_tables = MIGRATION_TABLES

    def client(self, login: DatabaseLogin) -> dict[str, str]:
        return {
            "PGHOST": login.host, "PGPORT": str(login.port), "PGUSER": login.user,
            "PGPASSWORD": login.password, "PGDATABASE": login.database,
            **of_parameters(login.parameters),
        }  # fmt: skip

    def limits(self, lock: float, statement: float, variables: Mapping[str, str]) -> dict[str, str]:
        return postgres_blockers.limits(lock, statement, variables)

    def timed_out(self, output: str) -> Literal["lock", "statement"] | None:
        return postgres_blockers.timed_out(output)

    def command(self, operation: Operation, *words: str) -> tuple[str, ...]:
        match operation:
            case "size":
                return ("sh", "-c", SIZE)
            case "schema":
                return ("sh", "-c", SCHEMA)
            case "archive":
                return ("sh", "-c", ARCHIVE, "shipway", *words)
            case "unarchive":
                return ("sh", "-c", UNARCHIVE)
            case "reach":
                return ("sh", "-c", REACH)
            case "tables":
                return ("sh", "-c", postgres_growth.TABLES)
            case "statements":
                return ("sh", "-c", postgres_statements.STATEMENTS, "shipway", *words)
            case "blockers":
                return ("sh", "-c", postgres_blockers.BLOCKERS)
            case "upgrade":
                return ("bash", "-c", UPGRADE)
            case "copy" | "dump" | "restore":
                return copy_command(COPY, operation, words, self.history_tables)
            case _:
                return ("sh", "-c", DATABASE, "shipway", operation, *words)

    def table_sizes(self, output: str) -> Mapping[str, TableSize]:
        return postgres_growth.sizes(output)

    def frequent(self, output: str) -> Sequence[str]:
        return postgres_statements.frequent(output)

    def blocking(self, output: str) -> Sequence[BlockingSession]:
        return postgres_blockers.blocking(output)

    def costly(self, statements: Sequence[str], before: Catalog, rewrites: Collection[str]) -> Sequence[Costly]:
        return postgres_growth.costly(statements, before, rewrites)

    def rates(self, database: ScratchDatabase) -> Mapping[str, float]:
        return postgres_growth.rates(database.url)

    def scratch_command(self, command: str | None) -> tuple[str, ...]:
        words = shlex.split(command or "postgres")
        if words[0] != "postgres":  # an unknown wrapper
            words = ["postgres"]
        return (*words, *(part for name, value in _SCRATCH.items() for part in ("-c", f"{name}={value}")))

    def scratch_files(self, login: DatabaseLogin) -> Mapping[str, str]:
        """None: its user is a superuser."""
        return {}

    def scratch(self, url: str, client: OneOff | None = None) -> Scratch:
        from shipway.drivers.scratch.postgres import PostgresScratch  # not at the top: most commands prove nothing

        return PostgresScratch(url, client)

    def mark(self, database: ScratchDatabase, text: str) -> None:
        database.execute(f"DO $$ BEGIN RAISE LOG '{text}'; END $$")

    @contextmanager
    def log_rows(self, database: ScratchDatabase) -> Iterator[None]:
        database.execute(f"ALTER DATABASE {database.name} SET log_statement = 'mod'")
        yield
        database.execute(f"ALTER DATABASE {database.name} RESET log_statement")

    def log(self, database: ScratchDatabase) -> Sequence[str] | None:
        return None

    def read_log(self, lines: Sequence[str], database: str) -> ServerLog:
        return postgres_log.read(lines, database)
