"""The content of rows, as one number per column, independent of their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from shipway.domain.catalog import Content
from shipway.drivers.scratch.postgres_session import Connection

PART = 10_000  # hashes that are fetched at once
# How a value is read: of a type that people made in a row, since the cast of a row to text always writes the whole value,
# and that of the type itself may be their own.
_COLUMNS = """
SELECT quote_ident(a.attname), CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN '' ELSE 'ROW' END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped"""
# Not of a foreign table: its rows are on another server, which is not asked.
_KIND = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s) AND relkind <> 'f'"
_KEY = """
SELECT quote_ident(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY a.attnum"""


def read_content(connection: Connection, table: str, columns: Sequence[str], key: Sequence[str] | None) -> Content:
    """`table` and `columns` as the catalog writes them; `key` names the columns that identify a row, None means its
    primary key. Without rows if the table is missing or foreign.

    A column's number is the sum of 64-bit hashes of its values, each combined with its row's key if all key columns are
    included: so swapped values are detected. Without them, there is a number for whole rows. NULL counts as its own value.
    """
    there: dict[str, str] = dict(connection.execute(_COLUMNS, [table]).fetchall())
    wanted = [name for name in columns if name in there]
    found = connection.execute(_KIND, [table]).fetchone()
    if found is None:
        return Content(0)
    if key is None:
        key = [name for (name,) in connection.execute(_KEY, [table])]
    keyed = bool(key) and set(key) <= set(wanted)
    values = {name: f"{there[name]}({name})" for name in wanted}
    statement = _statement(table, values, key if keyed else (), partitioned=found[0])
    count, whole, *sums = connection.execute(statement).fetchone() or (0, 0)
    return Content(int(count), dict(zip(wanted, map(str, sums), strict=True)), "" if keyed else str(whole))


@contextmanager
def read_hashes(connection: Connection, table: str, columns: Sequence[str]) -> Iterator[Iterator[int]]:
    """See ports.ScratchDatabase: rows are sorted by the server and fetched in parts."""
    source = table if (connection.execute(_KIND, [table]).fetchone() or (False,))[0] else f"ONLY {table}"
    value = f'hashtextextended(ROW({", ".join(columns)})::text COLLATE pg_catalog."C", 0)'
    with connection.transaction(), connection.cursor("shipway_hashes") as cursor:
        cursor.itersize = PART
        cursor.execute(f"SELECT {value} FROM {source} ORDER BY 1".encode())
        yield (number for (number,) in cursor)


def _statement(table: str, columns: Mapping[str, str], key: Sequence[str], *, partitioned: bool) -> bytes:
    """Without rows of child tables, which are separate; with those of partitions, since a partitioned table has no
    others. columns: how the value of each is read."""
    mix = f'hashtextextended(ROW({", ".join(key)})::text COLLATE pg_catalog."C", 0)' if key else "0::bigint"
    row = f'hashtextextended(ROW({", ".join(columns)})::text COLLATE pg_catalog."C", 0)' if not key else "0"
    source = table if partitioned else f"ONLY {table}"
    sums = "".join(
        f', coalesce(sum(coalesce(hashtextextended({value}::text COLLATE pg_catalog."C", "row key"), ~"row key")), 0)'
        for value in columns.values()
    )
    named = "".join(f", {column}" for column in columns)
    once = "OFFSET 0" if key else ""  # keeps the planner from recomputing the key for each column
    return f'SELECT count(*), coalesce(sum({row}), 0){sums} FROM (SELECT {mix} AS "row key"{named} FROM {source} {once}) AS x'.encode()
