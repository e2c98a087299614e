"""What rows are, as one number a column that their order doesn't change."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.catalog import Content
from shipway.drivers.scratch.postgres_session import Connection

_COLUMNS = """
SELECT quote_ident(a.attname) FROM pg_attribute a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped"""
_KIND = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)"
_KEY = """
SELECT quote_ident(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY a.attnum"""


def read_content(connection: Connection, table: str, columns: Sequence[str], key: Sequence[str] | None) -> Content:
    """`table` and `columns` as the catalog writes them; `key` names the columns that tell a row from others, None stands
    for its primary key. No rows where the table isn't there.

    A column's number is the sum of 64-bit hashes of its values, each mixed with the key of its row where all of the
    key is among the columns: so two values that changed places are seen. NULL counts as a value of its own.
    """
    there = {name for (name,) in connection.execute(_COLUMNS, [table])}
    wanted = [name for name in columns if name in there]
    found = connection.execute(_KIND, [table]).fetchone()
    if found is None:
        return Content(0)
    if key is None:
        key = [name for (name,) in connection.execute(_KEY, [table])]
    row = connection.execute(_statement(table, wanted, key, partitioned=found[0])).fetchone() or (0,)
    return Content(int(row[0]), dict(zip(wanted, map(str, row[1:]), strict=True)))


def _statement(table: str, columns: Sequence[str], key: Sequence[str], *, partitioned: bool) -> bytes:
    """Not of an heir's rows, which are its own; of a partition's, because a partitioned table has no others."""
    keyed = bool(key) and set(key) <= set(columns)
    mix = f"hashtextextended(ROW({', '.join(key)})::text COLLATE pg_catalog.\"C\", 0)" if keyed else "0::bigint"
    source = table if partitioned else f"ONLY {table}"
    sums = "".join(
        f', coalesce(sum(coalesce(hashtextextended({column}::text COLLATE pg_catalog."C", "row key"), ~"row key")), 0)'
        for column in columns
    )
    named = "".join(f", {column}" for column in columns)
    once = "OFFSET 0" if keyed else ""  # keeps the planner from computing the key anew for each column
    return f'SELECT count(*){sums} FROM (SELECT {mix} AS "row key"{named} FROM {source} {once}) AS x'.encode()
