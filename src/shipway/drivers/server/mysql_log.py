"""The statements that a scratch server of MySQL or MariaDB has run, and their errors: it keeps them in its performance
schema, and not in a log. The client's address isn't kept."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from shipway.domain.server_log import Mismatch, ServerLog
from shipway.drivers.server.changed_tables import changed
from shipway.ports import ScratchDatabase

KEPT = 10_000  # statements
OPTIONS = (
    "--performance-schema=ON",
    "--performance-schema-consumer-events-statements-current=ON",
    "--performance-schema-consumer-events-statements-history=ON",
    "--performance-schema-consumer-events-statements-history-long=ON",
    f"--performance-schema-events-statements-history-long-size={KEPT}",
)
_READ = """
SELECT current_schema, mysql_errno, returned_sqlstate, message_text, sql_text
FROM performance_schema.events_statements_history_long WHERE sql_text IS NOT NULL ORDER BY timer_start"""
# Schema-mismatch errors: a missing column, table, routine or required value, too many values, or a value of another type.
_MISMATCHES = (1048, 1054, 1136, 1146, 1264, 1265, 1305, 1364, 1366)
_CHANGES = re.compile(
    r"\s*(?:CREATE|ALTER|DROP|RENAME|TRUNCATE|INSERT|UPDATE|DELETE|REPLACE|LOAD|WITH)\b", re.IGNORECASE
)


def lines(database: ScratchDatabase) -> list[str]:
    """Everything that the server has kept, oldest first: a JSON array a line."""
    from shipway.drivers.scratch.mysql_session import query, session  # not at the top: most commands prove nothing

    with session(database.url) as connection:
        return [json.dumps(row, default=str) for row in query(connection, _READ)]


def read(log: Sequence[str], database: str) -> ServerLog:
    """The entries about one database."""
    entries = [entry for entry in map(json.loads, log) if entry[0] == database]
    statements = tuple(str(text).strip() for _, error, _, _, text in entries if not error and _CHANGES.match(str(text)))
    mismatches = [
        Mismatch(f"{error} ({state})", str(message or ""), str(text).strip())
        for _, error, state, message, text in entries
        if error in _MISMATCHES
    ]
    return ServerLog(statements, changed(statements), tuple(mismatches))
