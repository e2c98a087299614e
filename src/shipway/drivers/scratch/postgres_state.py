"""A database's tables, their files, and how many of their rows were changed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass
from shipway.drivers.scratch.postgres_fragments import FIRST, PEOPLES, qualified
from shipway.drivers.scratch.postgres_session import Connection

COUNTED_SINCE = 150000  # before, sessions sent their counts to a collector by UDP: late, or never
ENDED = 5.0  # seconds to wait for ending sessions

# A dropped attribute of a composite type takes its values from all rows, without touching the tables' files.
_TABLES = f"""
WITH parts AS (SELECT md5(string_agg(concat_ws(' ', a.attrelid, a.attnum, a.atttypid, a.attisdropped), ',' ORDER BY a.attrelid, a.attnum)) AS composites
  FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid WHERE t.relkind = 'c' AND t.oid >= {FIRST})
SELECT {qualified("c.relname")}, c.oid::bigint, coalesce(pg_relation_filenode(c.oid), 0)::bigint,
  pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid),
  array(SELECT concat_ws(' ', quote_ident(a.attname), a.attnum, a.atttypid, a.atttypmod,
      CASE WHEN y.typtype = 'c' OR e.typtype = 'c' OR y.typtype = 'd' THEN (SELECT composites FROM parts) END,
      CASE WHEN a.attgenerated = 'v' THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
        WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END)
    FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = y.typelem
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
  array(SELECT quote_ident(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {PEOPLES} AND c.oid >= {FIRST} AND c.relkind = 'r'"""
# Changes when counts are reset: manually, or by a crash or restart of the server.
_EPOCH = """
SELECT concat_ws(' ', (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
  (SELECT stats_reset FROM pg_stat_bgwriter), pg_postmaster_start_time()),
  current_setting('track_counts') = 'on' AND NOT EXISTS (SELECT FROM pg_db_role_setting WHERE setconfig::text ILIKE '%track_counts%')"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
  AND application_name <> %s"""


@dataclass(frozen=True)
class Table:
    oid: int
    file: int
    counted: int  # rows inserted, updated and deleted since the database was created, including failed transactions
    columns: frozenset[str]  # with number and type: a column that was dropped and added again has another number
    key: tuple[str, ...]  # columns of the primary key


@dataclass(frozen=True)
class State:
    """By table, named as in the catalog. Counts of two states are comparable if `counting` is equal and not ''."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    counting: str = ""


def read_state(connection: Connection, unused: str) -> State:
    """Waits for ending sessions: PostgreSQL counts a session's changes when it ends, or seconds later. Sessions with
    the application_name `unused` have changed nothing."""
    everything = connection.info.server_version >= COUNTED_SINCE and _alone(connection, unused)
    epoch, on = connection.execute(_EPOCH, prepare=True).fetchone() or ("", False)
    tables = {
        name: Table(oid, file, counted, frozenset(columns), tuple(key))
        for name, oid, file, counted, columns, key in connection.execute(_TABLES, prepare=True)
    }
    return State(tables, epoch if everything and on else "")


def _alone(connection: Connection, unused: str) -> bool:
    deadline = time.monotonic() + ENDED
    while connection.execute(_OTHERS, [unused], prepare=True).fetchone() != (0,):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def touched(made: State, now: State) -> dict[str, int | None]:
    """Tables whose rows may differ from `made` in the columns that they had then, with the number of changed rows, None
    if unknown.

    Why none is missed: statements that change single rows (INSERT, UPDATE, DELETE, MERGE, COPY, also by triggers and
    cascades) are counted, even if rolled back. Those that change a whole table (TRUNCATE, a rewriting ALTER TABLE) give
    it another file. A dropped table, column or type that was recreated under its old name has another oid or number.
    Renames change neither, and then names differ. If counts aren't reliable, every table is listed: on an older server,
    after a reset, or while a session is still alive. Not detected: a superuser's session that disables its own
    track_counts; an enum's values renamed in a cycle, which also changes rows (the catalog shows that).
    """
    trusted = made.counting == now.counting != ""
    found: dict[str, int | None] = {}
    for name in sorted(made.tables.keys() | now.tables.keys()):
        old, new = made.tables.get(name), now.tables.get(name)
        if old is None or new is None:
            # A new one began empty, unless it is an old one under another name.
            counted = new.counted if new and trusted and not _renamed(made, new) else None
        elif (old.oid, old.file) == (new.oid, new.file) and old.columns <= new.columns and trusted:
            counted = new.counted - old.counted
        else:
            counted = None
        if counted != 0:
            found[name] = counted
    return found


def _renamed(made: State, table: Table) -> bool:
    return any(old.oid == table.oid for old in made.tables.values())
