"""Sequences that would repeat existing values."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.drivers.scratch.postgres_fragments import FIRST, qualified
from shipway.drivers.scratch.postgres_session import Connection

# Integer columns filled by a sequence: as their identity, or as their whole default. Without those of tables whose files are
# empty.
_FILLED = f"""
WITH filled AS MATERIALIZED (
  SELECT c.oid FROM pg_class c WHERE c.oid >= {FIRST} AND (c.relkind = 'p' OR c.relkind = 'r' AND pg_relation_size(c.oid) > 0)
)
SELECT {qualified("s.relname", "sn.nspname")}, {qualified("c.relname")}, quote_ident(a.attname), q.seqincrement
FROM (
  SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS number FROM filled JOIN pg_depend d ON d.refobjid = filled.oid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i' AND d.refobjsubid > 0
  UNION
  SELECT d.refobjid, f.adrelid, f.adnum FROM filled JOIN pg_attrdef f ON f.adrelid = filled.oid JOIN pg_depend d ON d.objid = f.oid
  WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
    AND pg_get_expr(f.adbin, f.adrelid) ~ '^nextval\\([^()]*\\)$'
) x JOIN pg_sequence q ON q.seqrelid = x.sequence JOIN pg_class s ON s.oid = x.sequence JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class c ON c.oid = x.relation JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = x.relation AND a.attnum = x.number
WHERE s.oid >= {FIRST} AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
ORDER BY 1"""


def find_collisions(connection: Connection) -> Sequence[str]:
    """Their names; see ports.ScratchDatabase."""
    filled = connection.execute(_FILLED.encode(), prepare=True).fetchall()
    if not filled:
        return ()
    question = " UNION ".join(_question(*row) for row in filled)
    return tuple(name for (name,) in connection.execute(f"{question} ORDER BY 1".encode()))


def _question(sequence: str, table: str, column: str, increment: int) -> str:
    """One row, the sequence's name, if the column has its next value or a later one."""
    following = f"CASE WHEN s.is_called THEN s.last_value + ({increment}) ELSE s.last_value END"
    name = "'" + sequence.replace("'", "''") + "'"
    return (
        f"SELECT {name} FROM {sequence} s WHERE EXISTS "
        f"(SELECT FROM {table} t WHERE t.{column} {'>=' if increment > 0 else '<='} {following})"
    )
