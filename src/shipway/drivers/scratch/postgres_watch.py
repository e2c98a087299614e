"""Sample the locks of all sessions, from a separate session."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from shipway.domain.proof import Lock
from shipway.domain.server_log import LockWait
from shipway.drivers.scratch.postgres_fragments import FIRST, PEOPLES, qualified
from shipway.drivers.scratch.postgres_reader import Reader
from shipway.drivers.scratch.postgres_session import Connection
from shipway.drivers.scratch.postgres_waits import WaitSampler

PAUSE = 0.005  # seconds between two samples
_RELATIONS = f"""
SELECT c.oid::bigint, {qualified("c.relname")},
  CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_filenode(c.oid) ELSE 0 END::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {PEOPLES} AND c.oid >= {FIRST} AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S')"""
_LOCKS = """
SELECT relation::bigint, mode, pid FROM pg_locks
WHERE database = %s AND locktype = 'relation' AND granted AND mode <> 'AccessShareLock'"""
_DATABASE = "SELECT oid::bigint FROM pg_database WHERE datname = current_database()"
Hold = tuple[int, str, int]  # relation, mode, process of the server


class PostgresWatch:
    """Samples every few milliseconds, from a session in another database. Locks held for less than that may be missed
    (more so on a busy machine), which also limits the precision of starts and durations."""

    def __init__(self, names: Mapping[int, str], database: int, *, waits: bool) -> None:
        self.locks: Sequence[Lock] = ()
        self.rewrites: Sequence[str] = ()
        self.waits: Sequence[LockWait] = ()
        self._sampler = WaitSampler(names, database) if waits else None
        self._names, self._database = names, database
        self._stop = threading.Event()

    def look(self, connection: Connection) -> None:
        """Sample until `stop`."""
        began = time.monotonic()
        held: dict[Hold, float] = {}
        found: list[Lock] = []
        while True:
            ended = self._stop.is_set()
            rows = connection.execute(_LOCKS, [self._database], prepare=True).fetchall()
            now = time.monotonic() - began
            if self._sampler:
                self._sampler.sample(connection, now)
            holds = {(relation, mode, pid) for relation, mode, pid in rows if relation in self._names}
            for hold in held.keys() - holds if not ended else list(held):
                since = held.pop(hold)
                found.append(Lock(self._names[hold[0]], hold[1], since, now - since))
            if ended:
                break
            held.update(dict.fromkeys(holds - held.keys(), now))
            self._stop.wait(PAUSE)
        if self._sampler:
            self._sampler.end(now)
            self.waits = self._sampler.found
        self.locks = sorted(found, key=lambda lock: (lock.start, lock.relation, lock.mode))

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def watching(reader: Reader, watcher: Reader, *, waits: bool) -> Iterator[PostgresWatch]:
    """Watch the reader's database, by `watcher` from another one. waits: also who waits for whom."""
    before, database = reader.read(_relations)
    names = {oid: name for oid, (name, _) in before.items()}
    watch = PostgresWatch(names, database, waits=waits)
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(watcher.read, watch.look)
        try:
            yield watch
        finally:
            watch.stop()
            looking.exception()  # waits
            after, _ = reader.read(_relations)
            watch.rewrites = sorted(
                name
                for oid, (name, file) in before.items()
                if oid in names and file and after.get(oid, (name, file))[1] != file
            )
        looking.result()


def _relations(connection: Connection) -> tuple[dict[int, tuple[str, int]], int]:
    """By oid: name, and number of the file, 0 if it isn't a table. And the oid of the database."""
    (database,) = connection.execute(_DATABASE).fetchone() or (0,)
    return {oid: (name, file) for oid, name, file in connection.execute(_RELATIONS, prepare=True)}, database
