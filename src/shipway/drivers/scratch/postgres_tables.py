"""Catalog queries: tables, and what belongs to one."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.drivers.scratch.postgres_fragments import (
    FIRST,
    PEOPLES,
    comment,
    not_null_name,
    not_of_extension,
    options,
    owner,
    privileges,
    qualified,
)

TABLE = qualified("c.relname")
RELATION = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"

# What people set. The server keeps options of its own there too, whose names begin with `pg_`: since 15.20 `pg_attver`, a number
# that differs between equal columns.
TUNED = (
    r"LEFT JOIN LATERAL (SELECT array_agg(o) AS own FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_%') tuned ON true"
)


def _named_columns(table: str, numbers: str) -> str:
    """Columns in order."""
    return (
        f"(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.position) FROM unnest({numbers}) WITH ORDINALITY u (number, position)"
        f" JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = u.number)"
    )


def columns_query(version: int) -> str:
    """Also returns `position`: in the order of attnum. Of views, composite types and materialized views only columns with properties
    of their own: the others are part of the definition."""
    compression = "nullif(a.attcompression::text, '')" if version >= 140000 else "NULL"
    not_null, constraint = "'not null'", ""
    if version >= 180000:  # a constraint
        states = (
            ("NOT k.convalidated", "not valid"),
            ("k.connoinherit", "no inherit"),
            ("NOT k.conislocal", "inherited"),
        )
        loose = ", ".join(f"CASE WHEN {condition} THEN '{name}' END" for condition, name in states)
        not_null = f"concat_ws(', ', 'not null' || {not_null_name('k.conname')}, {loose})"
        constraint = "LEFT JOIN pg_constraint k ON a.attnotnull AND k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]"
    generated = "CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END"
    return f"""
SELECT 'column' AS kind, {TABLE} || '.' || quote_ident(a.attname) AS name, {TABLE} AS "on",
  format_type(a.atttypid, a.atttypmod) AS type, CASE WHEN a.attnotnull THEN {not_null} END AS "null",
  CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS "default",
  CASE WHEN a.attgenerated <> '' THEN {generated} || ' as ' || pg_get_expr(d.adbin, d.adrelid) END AS generated,
  CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
  CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END AS collation,
  CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END AS storage, {compression} AS compression,
  nullif(a.attstattarget, -1)::text AS "statistics target", {options("tuned.own")} AS options,
  {options("a.attfdwoptions")} AS "server options", CASE WHEN NOT a.attislocal THEN 'inherited' END AS inherited,
  CASE WHEN a.attacl IS NOT NULL THEN (SELECT string_agg(item::text, ', ' ORDER BY item::text) FROM unnest(a.attacl) item) END AS privileges,
  e.description AS comment, CASE WHEN c.relkind IN ('r', 'p', 'f') THEN quote_ident(a.attname) END AS position
FROM {RELATION} JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
{TUNED}
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_description e ON e.classoid = 'pg_class'::regclass AND e.objoid = c.oid AND e.objsubid = a.attnum {constraint}
WHERE {PEOPLES} AND a.attrelid >= {FIRST} AND a.attnum > 0 AND NOT a.attisdropped AND {not_of_extension("pg_class", "c.oid")}
  AND (c.relkind IN ('r', 'p', 'f') OR c.relkind IN ('v', 'm') AND (a.atthasdef OR a.attacl IS NOT NULL) OR c.relkind IN ('v', 'm', 'c') AND e.objoid IS NOT NULL
    OR c.relkind = 'm' AND (a.attstattarget >= 0 OR tuned.own IS NOT NULL OR a.attstorage <> t.typstorage OR {compression} IS NOT NULL))
ORDER BY a.attrelid, a.attnum"""


TOAST = f"(SELECT {options('o.reloptions')} FROM pg_class o WHERE o.oid = c.reltoastrelid AND o.reloptions IS NOT NULL)"

TABLES = f"""
SELECT CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind, {TABLE} AS name, {owner("c.relowner")},
  CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
  CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS "partitioned by",
  pg_get_expr(c.relpartbound, c.oid) AS bounds,
  (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid) AS inherits,
  CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' END AS "row security",
  {options("c.reloptions")} AS options, {TOAST} AS "toast options",
  nullif(c.reloftype, 0)::regtype::text AS "of type", s.spcname AS tablespace, nullif(m.amname, 'heap') AS "access method",
  CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index ' ||
    (SELECT i.indexrelid::regclass FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident) END AS "replica identity",
  (SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = c.oid AND i.indisclustered) AS "clustered by",
  f.ftserver AS server, f.ftoptions AS "server options",
  {privileges("c.relacl", "'r'", "c.relowner")}, {comment("pg_class", "c.oid")}
FROM {RELATION} LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace LEFT JOIN pg_am m ON m.oid = c.relam
LEFT JOIN (SELECT f.ftrelid, quote_ident(s.srvname) AS ftserver, {options("f.ftoptions")} AS ftoptions
  FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver) f ON f.ftrelid = c.oid
WHERE {PEOPLES} AND c.oid >= {FIRST} AND c.relkind IN ('r', 'p', 'f') AND {not_of_extension("pg_class", "c.oid")}"""

# PostgreSQL creates and numbers a constraint for each partition that a foreign key references; and its triggers. NOT
# NULL is a constraint since version 18; it is part of the column.
CONSTRAINTS = f"""
SELECT 'constraint' AS kind, coalesce({TABLE}, k.contypid::regtype::text) || '.' || quote_ident(k.conname) AS name, {TABLE} AS "on",
  CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key' WHEN 'x' THEN 'exclude' ELSE 'check' END AS type,
  {_named_columns("k.conrelid", "k.conkey")} AS columns, pg_get_constraintdef(k.oid) AS definition, CASE WHEN NOT k.conislocal THEN 'inherited' END AS inherited,
  g.enabled AS "checked when", p.conrelid::regclass || '.' || quote_ident(p.conname) AS "attached to",
  CASE WHEN NOT i.indisvalid THEN 'no' END AS valid, {options("ic.reloptions")} AS "index options", s.spcname AS "index tablespace",
  CASE WHEN i.indexrelid IS NOT NULL THEN obj_description(i.indexrelid, 'pg_class') END AS "index comment", {comment("pg_constraint", "k.oid")}
FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class ic ON ic.oid = i.indexrelid LEFT JOIN pg_tablespace s ON s.oid = ic.reltablespace
LEFT JOIN (SELECT tgconstraint, string_agg(DISTINCT tgenabled::text, ', ') AS enabled FROM pg_trigger
  WHERE tgisinternal AND tgenabled <> 'O' GROUP BY 1) g ON g.tgconstraint = k.oid
LEFT JOIN pg_constraint p ON p.oid = nullif(k.conparentid, 0)
WHERE {PEOPLES} AND k.oid >= {FIRST} AND k.contype NOT IN ('t', 'n') AND p.conrelid IS DISTINCT FROM k.conrelid
  AND {not_of_extension("pg_class", "k.conrelid")} AND {not_of_extension("pg_type", "k.contypid")}"""

INDEXES = f"""
SELECT 'index' AS kind, {TABLE} AS name, i.indrelid::regclass::text AS "on", CASE WHEN i.indisunique THEN 'yes' END AS "unique",
  CASE WHEN i.indexprs IS NULL THEN {_named_columns("i.indrelid", "i.indkey")} END AS columns, pg_get_indexdef(i.indexrelid) AS definition, CASE WHEN NOT i.indisvalid THEN 'no' END AS valid,
  CASE WHEN c.relispartition THEN (SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = c.oid) END AS "attached to",
  CASE WHEN i.indexprs IS NOT NULL THEN (SELECT string_agg(a.attnum || ': ' || a.attstattarget, ', ' ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attstattarget >= 0) END AS "statistics targets",
  s.spcname AS tablespace, {comment("pg_class", "c.oid")}
FROM {RELATION} JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE {PEOPLES} AND i.indexrelid >= {FIRST} AND {not_of_extension("pg_class", "i.indrelid")}
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))"""

VIEWS = f"""
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END AS kind, {TABLE} AS name,
  (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
  pg_get_viewdef(c.oid) AS definition, {options("c.reloptions")} AS options, {TOAST} AS "toast options",
  CASE WHEN NOT c.relispopulated THEN 'no' END AS populated, s.spcname AS tablespace, nullif(m.amname, 'heap') AS "access method",
  CASE WHEN c.relkind = 'm' THEN (SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = c.oid AND i.indisclustered) END AS "clustered by", {owner("c.relowner")},
  {privileges("c.relacl", "'r'", "c.relowner")}, {comment("pg_class", "c.oid")}
FROM {RELATION} LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace LEFT JOIN pg_am m ON m.oid = c.relam
WHERE {PEOPLES} AND c.oid >= {FIRST} AND c.relkind IN ('v', 'm') AND {not_of_extension("pg_class", "c.oid")}"""

SEQUENCES = f"""
SELECT 'sequence' AS kind, {TABLE} AS name, format_type(s.seqtypid, NULL) AS type, s.seqstart::text AS start, s.seqincrement::text AS increment,
  s.seqmin::text AS minimum, s.seqmax::text AS maximum, nullif(s.seqcache, 1)::text AS cache, CASE WHEN s.seqcycle THEN 'yes' END AS cycle,
  CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
  d.refobjid::regclass || '.' || quote_ident(a.attname) AS "owned by", {owner("c.relowner")},
  {privileges("c.relacl", "'s'", "c.relowner")}, {comment("pg_class", "c.oid")}
FROM {RELATION} JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {PEOPLES} AND {not_of_extension("pg_class", "c.oid")}"""

# Version 13 and 14 take a partition's copy of a trigger for an internal one.
TRIGGERS = f"""
SELECT 'trigger' AS kind, {TABLE} || '.' || quote_ident(t.tgname) AS name, {TABLE} AS "on", pg_get_triggerdef(t.oid) AS definition,
  CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on a replica' WHEN 'A' THEN 'always' END AS enabled,
  CASE WHEN t.tgparentid <> 0 THEN 'inherited' END AS inherited, {comment("pg_trigger", "t.oid")}
FROM {RELATION} JOIN pg_trigger t ON t.tgrelid = c.oid
WHERE {PEOPLES} AND (NOT t.tgisinternal OR t.tgparentid <> 0 AND t.tgconstraint = 0) AND {not_of_extension("pg_trigger", "t.oid")}"""

RULES = f"""
SELECT 'rule' AS kind, {TABLE} || '.' || quote_ident(r.rulename) AS name, {TABLE} AS "on", pg_get_ruledef(r.oid) AS definition,
  CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on a replica' WHEN 'A' THEN 'always' END AS enabled, {comment("pg_rewrite", "r.oid")}
FROM {RELATION} JOIN pg_rewrite r ON r.ev_class = c.oid
WHERE {PEOPLES} AND r.oid >= {FIRST} AND r.rulename <> '_RETURN' AND {not_of_extension("pg_class", "c.oid")}"""

POLICIES = f"""
SELECT 'policy' AS kind, {TABLE} || '.' || quote_ident(p.polname) AS name, {TABLE} AS "on",
  CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END AS command,
  CASE WHEN NOT p.polpermissive THEN 'restrictive' END AS mode,
  (SELECT string_agg(CASE role WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(role)) END, ', ' ORDER BY pg_get_userbyid(role)) FROM unnest(p.polroles) role) AS roles,
  pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS "check", {comment("pg_policy", "p.oid")}
FROM {RELATION} JOIN pg_policy p ON p.polrelid = c.oid WHERE {PEOPLES}"""


def table_queries(version: int) -> Sequence[str]:
    """The queries for a server's version number, such as 150018."""
    return (TABLES, columns_query(version), CONSTRAINTS, INDEXES, VIEWS, SEQUENCES)


RARE_OF_TABLES: Sequence[tuple[str, str]] = (
    ("EXISTS (SELECT FROM pg_trigger)", TRIGGERS),
    (f"EXISTS (SELECT FROM pg_rewrite WHERE oid >= {FIRST} AND rulename <> '_RETURN')", RULES),
    ("EXISTS (SELECT FROM pg_policy)", POLICIES),
)  # conditions on which there are any
