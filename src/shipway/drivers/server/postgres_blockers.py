"""Limits of the sessions of migrations, and the sessions that they wait for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from shipway.domain.blocking_session import BlockingSession
from shipway.drivers.server.postgres_scripts import ACCESS

APPLICATION = "migrations of shipway"
_OPTIONS = "PGOPTIONS"
_TIMEOUTS: dict[Literal["lock", "statement"], re.Pattern[str]] = {
    "lock": re.compile(r"canceling statement due to lock timeout|\b55P03\b|LockNotAvailable"),
    "statement": re.compile(r"canceling statement due to statement timeout"),
}
_MARK = "shipway-blocker"

# Waiting are the sessions of migrations: by their application name, or, if the tool sets its own, by a lock that only
# changes of a schema need. Literals of queries are masked, since they may be personal data.
BLOCKERS = rf"""{ACCESS}
psql -X -q -A -t -v ON_ERROR_STOP=1 -F "$(printf '\t')" -f - <<'SQL'
SELECT '{_MARK}', b.pid, b.usename, regexp_replace(b.application_name, '\s+', ' ', 'g'), host(b.client_addr), b.state,
  extract(epoch FROM coalesce(b.xact_start, b.query_start, b.backend_start)),
  left(regexp_replace(regexp_replace(b.query, '''[^'']*''', '''…''', 'g'), '\s+', ' ', 'g'), 200)
FROM pg_stat_activity b
WHERE b.pid IN (
  SELECT unnest(pg_blocking_pids(w.pid)) FROM pg_stat_activity w
  WHERE w.datname = current_database() AND w.wait_event_type = 'Lock' AND (
    w.application_name = '{APPLICATION}' OR EXISTS (
      SELECT FROM pg_locks l WHERE l.pid = w.pid AND NOT l.granted
        AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))))
ORDER BY coalesce(b.wait_event_type, '') = 'Lock', b.xact_start LIMIT 3
SQL
"""


def limits(lock: float, statement: float, variables: Mapping[str, str]) -> dict[str, str]:
    """Variables of libpq; the plan's own ones take precedence."""
    settings = {"lock_timeout": lock, "statement_timeout": statement}
    options = [f"-c {name}={round(seconds * 1000)}" for name, seconds in settings.items() if seconds]
    text = " ".join([*options, variables.get(_OPTIONS, "")]).strip()
    return {"PGAPPNAME": APPLICATION, **variables, **({_OPTIONS: text} if text else {})}


def timed_out(output: str) -> Literal["lock", "statement"] | None:
    """Which limit ended a statement, by a tool's output."""
    return next((name for name, pattern in _TIMEOUTS.items() if pattern.search(output)), None)


def blocking(output: str) -> Sequence[BlockingSession]:
    """The sessions in the output of BLOCKERS."""
    lines = (line.split("\t") for line in output.splitlines() if line.startswith(f"{_MARK}\t"))
    return [
        BlockingSession(
            int(pid), user, application, client, state, float(since), query, f"SELECT pg_terminate_backend({pid})"
        )
        for _, pid, user, application, client, state, since, query in lines
    ]
