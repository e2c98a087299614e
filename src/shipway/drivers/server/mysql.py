"""MySQL and MariaDB. Tested on MariaDB."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

from shipway.domain.accessory import DatabaseLogin
from shipway.domain.blocking_session import BlockingSession
from shipway.domain.catalog import Catalog
from shipway.domain.server_log import Costly, ServerLog, TableSize
from shipway.drivers.migration_tables import MIGRATION_TABLES
from shipway.drivers.server import mysql_log, mysql_scripts, mysql_sessions
from shipway.drivers.server.snapshot_script import copy_command
from shipway.ports import OneOff, Scratch, ScratchDatabase
from shipway.ports.server import Operation

# A proof's networks have no name server, which would be asked for the name of each client.
_SCRATCH = (
    "--skip-name-resolve", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--event-scheduler=OFF", *mysql_log.OPTIONS,
)  # fmt: skip
_NOT_RECORDED = "echo 'MySQL and MariaDB have no record of frequent statements that Shipway reads'; exit 1"


class MySqlServer:
    """Implements ports.DatabaseServer."""

    product = "MySQL or MariaDB"
    atomic_migrations = False
    serves = True
    continuous = False
    history_tables = MIGRATION_TABLES

    def client(self, login: DatabaseLogin) -> dict[str, str]:
        return {
            "DB_HOST": login.host, "DB_PORT": str(login.port), "DB_USER": login.user, "MYSQL_PWD": login.password,
            "DB_NAME": login.database,
        }  # fmt: skip

    def limits(self, lock: float, statement: float, variables: Mapping[str, str]) -> dict[str, str]:
        return mysql_sessions.limits(lock, statement, variables)

    def timed_out(self, output: str) -> Literal["lock", "statement"] | None:
        return mysql_sessions.timed_out(output)

    def command(self, operation: Operation, *words: str) -> tuple[str, ...]:
        match operation:
            case "size":
                return ("sh", "-c", mysql_scripts.SIZE)
            case "schema":
                return ("sh", "-c", mysql_scripts.SCHEMA, "shipway", *sorted(self.history_tables))
            case "tables":
                return ("true",)
            case "statements":
                return ("sh", "-c", _NOT_RECORDED)
            case "blockers":
                return ("sh", "-c", mysql_sessions.BLOCKERS, "shipway", *words)
            case "upgrade":
                return ("sh", "-c", mysql_scripts.UPGRADE)
            case "copy" | "dump" | "restore":
                return copy_command(mysql_scripts.COPY, operation, words, self.history_tables)
            case _:
                return ("sh", "-c", mysql_scripts.DATABASE, "shipway", operation, *words)

    def table_sizes(self, output: str) -> Mapping[str, TableSize]:
        """None: nothing is estimated."""
        return {}

    def frequent(self, output: str) -> Sequence[str]:
        return ()

    def blocking(self, output: str) -> Sequence[BlockingSession]:
        return mysql_sessions.blocking(output)

    def costly(self, statements: Sequence[str], before: Catalog, rewrites: Collection[str]) -> Sequence[Costly]:
        """None: which algorithm a statement gets depends on the version and on the table."""
        return ()

    def rates(self, database: ScratchDatabase) -> Mapping[str, float]:
        return {}

    def scratch_command(self, command: str | None) -> tuple[str, ...]:
        words = shlex.split(command or "")
        return (*(words[1:] if words and not words[0].startswith("-") else words), *_SCRATCH)

    def scratch_files(self, login: DatabaseLogin) -> Mapping[str, str]:
        user = login.user.replace("'", "''")
        return {"/docker-entrypoint-initdb.d/shipway.sql": f"GRANT ALL ON *.* TO '{user}'@'%' WITH GRANT OPTION;\n"}

    def scratch(self, url: str, client: OneOff | None = None) -> Scratch:
        from shipway.drivers.scratch.mysql import MySqlScratch  # not at the top: most commands prove nothing

        return MySqlScratch(urlsplit(url)._replace(path="").geturl(), client)

    def mark(self, database: ScratchDatabase, text: str) -> None:
        database.execute(f"SELECT '{text}'", transaction=False)

    @contextmanager
    def log_rows(self, database: ScratchDatabase) -> Iterator[None]:
        """All statements are logged."""
        yield

    def log(self, database: ScratchDatabase) -> Sequence[str] | None:
        return mysql_log.lines(database)

    def read_log(self, lines: Sequence[str], database: str) -> ServerLog:
        return mysql_log.read(lines, database)
