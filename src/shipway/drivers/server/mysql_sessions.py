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
_JUST = 3  # seconds: longer than between two looks
_HOLDER, _CANDIDATE = "shipway-blocker", "shipway-candidate"
# Literals are masked: they may be personal data.
_SESSION = r"""p.id, p.user, '', p.host, CASE p.command WHEN 'Sleep' THEN 'idle in transaction' ELSE lower(p.command) END,
  COALESCE(unix_timestamp(t.trx_started), unix_timestamp() - p.time),
  LEFT(REGEXP_REPLACE(REGEXP_REPLACE(COALESCE(p.info, ''), '''[^'']*''', '''…'''), '[[:space:]]+', ' '), 200)
FROM information_schema.processlist p LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id"""

# $1: seconds after which a waiting migration is ended; then the addresses of its container. Waiting are its statements, and
# those of any address that change a schema. A statement may have worked before it waits: the time counts since it was first seen
# waiting, and since its start only if that was just before.
# Who holds a row's lock is recorded by MariaDB; a table's, by the performance schema, where it is on and may be read. Without
# them, the oldest open transactions are printed.
BLOCKERS = rf"""
limit=${{1%.*}}
shift
{INSIDE}
hosts="''"
for address; do hosts="$hosts, '$(literal "$address")'"; done
own="p.db = database() AND (substring_index(p.host, ':', 1) IN ($hosts)
  OR p.info REGEXP '^[[:space:]]*(ALTER|CREATE|DROP|RENAME|TRUNCATE|OPTIMIZE|LOCK)[[:space:]]')"
now=$(date +%s)
cd /tmp || exit
sql "$DB_NAME" -e "SELECT p.id, p.time FROM information_schema.processlist p WHERE $own AND p.state LIKE 'Waiting for%lock'" > shipway-waiting || exit
sql "$DB_NAME" -e "SELECT p.id, timestampdiff(SECOND, t.trx_wait_started, now()) FROM information_schema.processlist p
  JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id WHERE $own AND t.trx_state = 'LOCK WAIT'" >> shipway-waiting 2>/dev/null
[ -s shipway-waiting ] || {{ rm -f shipway-seen; exit 0; }}
ids=$(cut -f 1 shipway-waiting | sort -u | paste -s -d , -)
holders() {{ sql "$DB_NAME" -e "SELECT '{_HOLDER}', {_SESSION} WHERE p.id NOT IN ($ids) AND p.id IN ($1)
  ORDER BY COALESCE(t.trx_state, '') = 'LOCK WAIT', t.trx_started LIMIT 3" 2>/dev/null; }}
found=$(
  holders "SELECT b.trx_mysql_thread_id FROM information_schema.innodb_lock_waits w
    JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id
    WHERE r.trx_mysql_thread_id IN ($ids)"
  holders "SELECT h.processlist_id FROM performance_schema.metadata_locks w
    JOIN performance_schema.threads r ON r.thread_id = w.owner_thread_id
    JOIN performance_schema.metadata_locks g ON g.object_type = w.object_type AND g.object_schema = w.object_schema
      AND g.object_name = w.object_name AND g.lock_status = 'GRANTED'
    JOIN performance_schema.threads h ON h.thread_id = g.owner_thread_id
    WHERE w.lock_status = 'PENDING' AND r.processlist_id IN ($ids)"
)
[ -n "$found" ] || found=$(sql "$DB_NAME" -e "SELECT '{_CANDIDATE}', {_SESSION} WHERE t.trx_id IS NOT NULL AND p.db = database()
  AND p.id NOT IN ($ids) AND COALESCE(p.state, '') NOT LIKE 'Waiting for%lock' ORDER BY t.trx_started LIMIT 3" 2>/dev/null)
printf '%s\n' "$found"
touch shipway-seen
while read -r id seconds; do
  since=$(sed -n "s/^$id //p" shipway-seen | head -n 1)
  [ -n "$since" ] || since=$((seconds > {_JUST} ? now : now - seconds))
  echo "$id $since"
  [ $((now - since)) -lt "$limit" ] || sql -e "KILL QUERY $id" 2>/dev/null
done < shipway-waiting > shipway-now
mv shipway-now shipway-seen
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
    lines = (line.split("\t") for line in output.splitlines() if line.startswith((f"{_HOLDER}\t", f"{_CANDIDATE}\t")))
    return [
        BlockingSession(
            int(number), user, application, client, state, float(since), query, f"KILL {number}", mark == _HOLDER
        )
        for mark, number, user, application, client, state, since, query in lines
    ]
