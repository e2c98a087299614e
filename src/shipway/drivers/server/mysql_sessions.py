"""Limits of the sessions of migrations on MySQL and MariaDB, and the sessions that they wait for.

No variable sets the limits of any client's session there. So whoever watches a migration ends its statement when it has
waited for too long: requests for the table would queue behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from shipway.domain.blocking_session import BlockingSession
from shipway.drivers.server.mysql_scripts import INSIDE

SETTINGS = "SHIPWAY_SESSION"  # statements at the start of a session of our own clients
_TIMEOUTS: dict[Literal["lock", "statement"], re.Pattern[str]] = {
    "statement": re.compile(r"max_statement_time exceeded|maximum statement execution time exceeded"),
    "lock": re.compile(r"Query execution was interrupted|Lock wait timeout exceeded"),
}
_MARK = "shipway-blocker"

# $1: seconds after which a waiting migration is ended. Waiting are statements that change a schema. Which session holds the
# lock isn't told: printed are the oldest open transactions that began before. Literals are masked: they may be personal data.
BLOCKERS = rf"""
limit=$1
{INSIDE}
sql "$DB_NAME" -e "SELECT id, time FROM information_schema.processlist WHERE db = database() AND state LIKE 'Waiting for%lock'
  AND info REGEXP '^[[:space:]]*(ALTER|CREATE|DROP|RENAME|TRUNCATE|OPTIMIZE|LOCK)[[:space:]]'" > /tmp/shipway-waiting || exit
[ -s /tmp/shipway-waiting ] || exit 0
sql "$DB_NAME" <<'SQL'
SELECT '{_MARK}', p.id, p.user, '', p.host, CASE p.command WHEN 'Sleep' THEN 'idle in transaction' ELSE lower(p.command) END,
  unix_timestamp(t.trx_started), LEFT(REGEXP_REPLACE(REGEXP_REPLACE(COALESCE(p.info, ''), '''[^'']*''', '''…'''), '[[:space:]]+', ' '), 200)
FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
WHERE p.db = database() AND COALESCE(p.state, '') NOT LIKE 'Waiting for%lock' ORDER BY t.trx_started LIMIT 3
SQL
while read -r id seconds; do
  [ "$seconds" -lt "${{limit%.*}}" ] || sql -e "KILL QUERY $id" 2>/dev/null
done < /tmp/shipway-waiting
exit 0
"""


def limits(lock: float, statement: float, variables: Mapping[str, str]) -> dict[str, str]:
    """For our own clients; the plan's own value takes precedence."""
    parts = (
        [f"lock_wait_timeout = {max(1, round(lock))}, innodb_lock_wait_timeout = {max(1, round(lock))}"] if lock else []
    )
    text = f"SET SESSION {', '.join(parts)}" if parts else ""
    return {**({SETTINGS: text} if text else {}), **variables}


def timed_out(output: str) -> Literal["lock", "statement"] | None:
    """Which limit ended a statement, by a tool's output."""
    return next((name for name, pattern in _TIMEOUTS.items() if pattern.search(output)), None)


def blocking(output: str) -> Sequence[BlockingSession]:
    """The sessions in the output of BLOCKERS."""
    lines = (line.split("\t") for line in output.splitlines() if line.startswith(f"{_MARK}\t"))
    return [
        BlockingSession(int(number), user, application, client, state, float(since), query, f"KILL {number}")
        for _, number, user, application, client, state, since, query in lines
    ]
