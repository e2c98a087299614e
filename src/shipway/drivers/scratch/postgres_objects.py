"""Catalog queries: objects that belong to no table, of kinds that most databases have."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.drivers.scratch.postgres_fragments import (
    FIRST,
    PEOPLES,
    comment,
    function,
    not_null_name,
    not_of_extension,
    owner,
    privileges,
    qualified,
)

SCHEMAS = f"""
SELECT 'schema' AS kind, quote_ident(n.nspname) AS name, {owner("n.nspowner")}, {privileges("n.nspacl", "'n'", "n.nspowner")},
  {comment("pg_namespace", "n.oid")}
FROM pg_namespace n WHERE {PEOPLES} AND {not_of_extension("pg_namespace", "n.oid")}"""

_TYPE = qualified("t.typname")
_BASE = ", ".join(
    f"'{name} ' || {value}::text"
    for name, value in {
        "length": "t.typlen", "input": "t.typinput", "output": "t.typoutput", "receive": "nullif(t.typreceive::oid, 0)::regproc",
        "send": "nullif(t.typsend::oid, 0)::regproc", "modifier in": "nullif(t.typmodin::oid, 0)::regproc",
        "modifier out": "nullif(t.typmodout::oid, 0)::regproc", "analyze": "nullif(t.typanalyze::oid, 0)::regproc",
        "by value": "t.typbyval", "alignment": "t.typalign", "storage": "t.typstorage", "category": "t.typcategory",
        "preferred": "t.typispreferred", "delimiter": "t.typdelim", "collation": "nullif(t.typcollation, 0)::regcollation",
        "element": "nullif(t.typelem, 0)::regtype",
    }.items()
)  # fmt: skip


def _types(version: int) -> str:
    """A type of kind `type` is a base type; one without a definition is a shell."""
    multirange = "rngmultitypid::regtype" if version >= 140000 else "NULL"
    not_null = "'not null'"
    if version >= 170000:  # a constraint
        not_null += f" || coalesce((SELECT {not_null_name('k.conname')} FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n'), '')"
    subscript = ", 'subscript ' || nullif(t.typsubscript::oid, 0)::regproc::text" if version >= 140000 else ""
    return f"""
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type' WHEN 'r' THEN 'range' ELSE 'type' END AS kind,
  {_TYPE} AS name,
  CASE WHEN t.typtype = 'e' THEN (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid) END AS labels,
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS type,
  CASE WHEN t.typtype = 'd' AND t.typnotnull THEN {not_null} END AS "null", CASE WHEN t.typtype = 'd' THEN t.typdefault END AS "default",
  CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END AS collation,
  CASE WHEN t.typtype = 'c' THEN (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
      || CASE WHEN a.attcollation NOT IN (0, 100) THEN ' collate ' || a.attcollation::regcollation ELSE '' END, ', ' ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END AS attributes,
  CASE WHEN t.typtype = 'r' THEN (SELECT concat_ws(', ', r.rngsubtype::regtype, nullif(r.rngcollation, 0)::regcollation, r.rngsubopc::text,
      nullif(r.rngcanonical, 0), nullif(r.rngsubdiff, 0), 'multirange ' || r.multirange::text)
    FROM (SELECT rngsubtype, rngcollation, o.opcname AS rngsubopc, nullif(rngcanonical::oid, 0)::regprocedure AS rngcanonical,
        nullif(rngsubdiff::oid, 0)::regprocedure AS rngsubdiff, rngtypid, {multirange} AS multirange FROM pg_range JOIN pg_opclass o ON o.oid = rngsubopc) r
    WHERE r.rngtypid = t.oid) END AS definition,
  CASE WHEN t.typtype = 'b' THEN concat_ws(', ', {_BASE}{subscript}, 'default ' || t.typdefault) WHEN NOT t.typisdefined THEN 'shell' END AS base,
  {owner("t.typowner")}, {privileges("t.typacl", "'T'", "t.typowner")}, {comment("pg_type", "t.oid")}
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE {PEOPLES} AND t.oid >= {FIRST} AND (t.typtype IN ('e', 'd', 'r', 'p') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b' AND (t.typelem = 0 OR t.typcategory <> 'A'))
  AND {not_of_extension("pg_type", "t.oid")}"""


FUNCTIONS = f"""
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
  {qualified("p.proname")} || '(' || oidvectortypes(p.proargtypes) || ')' AS name,
  CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
  CASE WHEN p.prokind = 'a' THEN (SELECT concat_ws(', ', a.aggkind, a.aggnumdirectargs, {function("a.aggtransfn")}, {function("a.aggfinalfn")},
      {function("a.aggcombinefn")}, {function("a.aggserialfn")}, {function("a.aggdeserialfn")}, {function("a.aggmtransfn")},
      {function("a.aggminvtransfn")}, {function("a.aggmfinalfn")}, a.aggfinalmodify, a.aggmfinalmodify, a.aggfinalextra, a.aggmfinalextra,
      a.aggsortop::regoperator, a.aggtranstype::regtype, a.aggtransspace, a.aggmtranstype::regtype, a.aggmtransspace, a.agginitval, a.aggminitval,
      p.proparallel, p.prorettype::regtype, pg_get_function_arguments(p.oid))
    FROM pg_aggregate a WHERE a.aggfnoid = p.oid) END AS aggregate,
  {owner("p.proowner")}, {privileges("p.proacl", "'f'", "p.proowner")}, {comment("pg_proc", "p.oid")}
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {PEOPLES} AND p.oid >= {FIRST} AND {not_of_extension("pg_proc", "p.oid", nor_of_another=True)}"""

EXTENSIONS = f"""
SELECT 'extension' AS kind, quote_ident(e.extname) AS name, e.extversion AS version, quote_ident(n.nspname) AS schema, {owner("e.extowner")},
  {comment("pg_extension", "e.oid")}
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"""


def object_queries(version: int) -> Sequence[str]:
    """The queries for a server's version number, such as 150018."""
    return (SCHEMAS, _types(version), FUNCTIONS, EXTENSIONS)
