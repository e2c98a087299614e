"""Sample which sessions wait for a lock, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.server_log import REPLAYED, Blocker, LockWait
from shipway.drivers.scratch.postgres_session import Connection


def client(session: str) -> str:
    """As LockWait has it."""
    replayed = f"WHEN {session}.application_name = '{REPLAYED}' THEN '{REPLAYED}'"
    return f"CASE {replayed} ELSE coalesce(host({session}.client_addr), '') END"


_HELD = """
SELECT l.pid, l.relation::bigint, a.query FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.database = %s AND l.locktype = 'relation' AND l.granted
  AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"""
_WAITING = f"""
SELECT w.pid, w.query_start, {client("w")}, w.query, l.mode, l.relation::bigint, b.pid, {client("b")}, b.query
FROM pg_stat_activity w
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocking(pid) JOIN pg_stat_activity b ON b.pid = blocking.pid
LEFT JOIN LATERAL (SELECT mode, relation FROM pg_locks WHERE pid = w.pid AND NOT granted LIMIT 1) l ON true
WHERE w.datid = %s::oid AND w.wait_event_type = 'Lock'"""
Waiting = tuple[int, object]  # process of the server, start of its statement


@dataclass
class _Open:
    since: float
    client: str
    statement: str
    mode: str
    relation: int
    blockers: dict[Blocker, None] = field(default_factory=dict)  # in the order in which they were seen


class WaitSampler:
    """Collects waits from samples. A blocker that holds the lock is named by the statement that took it."""

    def __init__(self, names: Mapping[int, str], database: int) -> None:
        self.found: list[LockWait] = []
        self._names, self._database = names, database
        self._open: dict[Waiting, _Open] = {}
        self._took: dict[tuple[int, int], str] = {}  # statements by process and relation

    def sample(self, connection: Connection, now: float) -> None:
        """Take a sample at `now` (seconds since the watch began)."""
        held = {(pid, oid): query for pid, oid, query in connection.execute(_HELD, [self._database], prepare=True)}
        self._took = {key: self._took.get(key, query) for key, query in held.items()}
        seen = set()
        for pid, start, client, statement, mode, oid, by, by_client, by_statement in connection.execute(
            _WAITING, [self._database], prepare=True
        ):
            key = (pid, start)
            seen.add(key)
            wait = self._open.setdefault(key, _Open(now, client, statement, mode or "", oid or 0))
            wait.blockers[Blocker(by_client, self._took.get((by, oid)) or by_statement)] = None
        for key in self._open.keys() - seen:
            self._close(key, now)

    def end(self, now: float) -> None:
        """Close waits that last until the end of the watch."""
        for key in list(self._open):
            self._close(key, now)

    def _close(self, key: Waiting, now: float) -> None:
        wait = self._open.pop(key)
        relation = self._names.get(wait.relation, "")
        self.found.append(
            LockWait(
                wait.client, wait.statement, relation, wait.mode, tuple(wait.blockers), wait.since, now - wait.since
            )
        )
