"""Catalog queries: objects that belong to no table."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.drivers.scratch.postgres_fragments import (
    FIRST,
    PEOPLES,
    comment,
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
TYPES = f"""
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type' WHEN 'r' THEN 'range' ELSE 'type' END AS kind,
  {_TYPE} AS name,
  (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid) AS labels,
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS type,
  CASE WHEN t.typtype = 'd' AND t.typnotnull THEN 'not null' END AS "null", CASE WHEN t.typtype = 'd' THEN t.typdefault END AS "default",
  CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END AS collation,
  (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
      || CASE WHEN a.attcollation NOT IN (0, 100) THEN ' collate ' || a.attcollation::regcollation ELSE '' END, ', ' ORDER BY a.attnum)
    FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes,
  (SELECT concat_ws(', ', r.rngsubtype::regtype, nullif(r.rngcollation, 0)::regcollation, r.rngsubopc::text,
      nullif(r.rngcanonical, 0), nullif(r.rngsubdiff, 0))
    FROM (SELECT rngsubtype, rngcollation, o.opcname AS rngsubopc, nullif(rngcanonical::oid, 0)::regprocedure AS rngcanonical,
        nullif(rngsubdiff::oid, 0)::regprocedure AS rngsubdiff, rngtypid FROM pg_range JOIN pg_opclass o ON o.oid = rngsubopc) r
    WHERE r.rngtypid = t.oid) AS definition,
  CASE WHEN t.typtype = 'b' THEN concat_ws(', ', t.typlen, t.typinput, t.typoutput, t.typstorage) END AS base,
  {owner("t.typowner")}, {privileges("t.typacl", "'T'", "t.typowner")}, {comment("pg_type", "t.oid")}
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE {PEOPLES} AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b' AND t.typelem = 0)
  AND {not_of_extension("pg_type", "t.oid")}"""

FUNCTIONS = f"""
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
  {qualified("p.proname")} || '(' || oidvectortypes(p.proargtypes) || ')' AS name,
  CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
  (SELECT concat_ws(', ', a.aggkind, a.aggnumdirectargs, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
      a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggfinalmodify, a.aggsortop::regoperator, a.aggtranstype::regtype,
      a.agginitval, a.aggminitval, p.proparallel, p.prorettype::regtype)
    FROM pg_aggregate a WHERE a.aggfnoid = p.oid) AS aggregate,
  {owner("p.proowner")}, {privileges("p.proacl", "'f'", "p.proowner")}, {comment("pg_proc", "p.oid")}
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {PEOPLES} AND {not_of_extension("pg_proc", "p.oid", nor_of_another=True)}"""

EXTENSIONS = f"""
SELECT 'extension' AS kind, quote_ident(e.extname) AS name, e.extversion AS version, quote_ident(n.nspname) AS schema, {owner("e.extowner")}
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"""

EVENT_TRIGGERS = f"""
SELECT 'event trigger' AS kind, quote_ident(e.evtname) AS name, e.evtevent AS event, e.evtfoid::regprocedure::text AS function,
  array_to_string(e.evttags, ', ') AS tags, CASE e.evtenabled WHEN 'O' THEN NULL ELSE e.evtenabled::text END AS enabled,
  {owner("e.evtowner")}, {comment("pg_event_trigger", "e.oid")}
FROM pg_event_trigger e WHERE {not_of_extension("pg_event_trigger", "e.oid")}"""

DEFAULT_PRIVILEGES = """
SELECT 'default privileges' AS kind, 'of ' || quote_ident(pg_get_userbyid(d.defaclrole)) || coalesce(' in ' || quote_ident(n.nspname), '') ||
  CASE d.defaclobjtype WHEN 'r' THEN ' on tables' WHEN 'S' THEN ' on sequences' WHEN 'f' THEN ' on functions' WHEN 'T' THEN ' on types'
    WHEN 'n' THEN ' on schemas' ELSE ' on ' || d.defaclobjtype::text END AS name,
  coalesce((SELECT string_agg(item::text, ', ' ORDER BY item::text) FROM unnest(d.defaclacl) item), 'nobody') AS privileges
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace"""

STATISTICS = f"""
SELECT 'statistics' AS kind, {qualified("s.stxname")} AS name, s.stxrelid::regclass::text AS "on",
  pg_get_statisticsobjdef(s.oid) AS definition, {owner("s.stxowner")}, {comment("pg_statistic_ext", "s.oid")}
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {PEOPLES} AND {not_of_extension("pg_statistic_ext", "s.oid")}"""

SERVERS = f"""
SELECT 'foreign server' AS kind, quote_ident(s.srvname) AS name, f.fdwname AS wrapper, s.srvtype AS type, s.srvversion AS version,
  array_to_string(s.srvoptions, ', ') AS options,
  (SELECT string_agg(CASE u.umuser WHEN 0 THEN 'public' ELSE pg_get_userbyid(u.umuser) END, ', ' ORDER BY 1) FROM pg_user_mappings u WHERE u.srvid = s.oid) AS users,
  {owner("s.srvowner")}, {privileges("s.srvacl", "'S'", "s.srvowner")}, {comment("pg_foreign_server", "s.oid")}
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw WHERE {not_of_extension("pg_foreign_server", "s.oid")}"""

# Of a publication, only what all versions have.
PUBLICATIONS = f"""
SELECT 'publication' AS kind, quote_ident(p.pubname) AS name,
  CASE WHEN p.puballtables THEN 'all' ELSE (SELECT string_agg(r.prrelid::regclass::text, ', ' ORDER BY r.prrelid::regclass::text)
    FROM pg_publication_rel r WHERE r.prpubid = p.oid) END AS tables,
  concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
    CASE WHEN p.pubtruncate THEN 'truncate' END) AS publishes, {owner("p.pubowner")}
FROM pg_publication p"""

# Not part of a database, but of its server: roles, and settings of this database.
ROLES = f"""
SELECT 'role' AS kind, quote_ident(r.rolname) AS name,
  concat_ws(', ', CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN NOT r.rolinherit THEN 'no inherit' END,
    CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolcreaterole THEN 'createrole' END, CASE WHEN r.rolreplication THEN 'replication' END,
    CASE WHEN r.rolbypassrls THEN 'bypassrls' END) AS attributes,
  (SELECT string_agg(quote_ident(pg_get_userbyid(m.roleid)), ', ' ORDER BY 1) FROM pg_auth_members m WHERE m.member = r.oid) AS "member of",
  (SELECT string_agg(array_to_string(s.setconfig, ', '), '; ') FROM pg_db_role_setting s
    WHERE s.setrole = r.oid AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS settings
FROM pg_roles r WHERE r.oid >= {FIRST}"""
SETTINGS = """
SELECT 'settings' AS kind, 'of the database' AS name, array_to_string(s.setconfig, ', ') AS settings
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database() AND s.setrole = 0"""

_RARE = (
    "pg_cast", "pg_operator", "pg_opclass", "pg_opfamily", "pg_collation", "pg_conversion", "pg_am", "pg_language", "pg_transform",
    "pg_foreign_data_wrapper", "pg_ts_config", "pg_ts_dict", "pg_ts_parser", "pg_ts_template", "pg_subscription",
)  # fmt: skip
# Only existence, owner and comment. Subscriptions are the server's: those of other databases are excluded.
RARE = " UNION ALL ".join(
    f"SELECT i.type AS kind, i.identity AS name, {comment(name, 'o.oid')} FROM {name} o, pg_identify_object('{name}'::regclass, o.oid, 0) i"
    f" WHERE o.oid >= {FIRST} AND {not_of_extension(name, 'o.oid', nor_of_another=True)}"
    + (
        " AND o.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
        if name == "pg_subscription"
        else ""
    )
    for name in _RARE
)

OBJECTS: Sequence[str] = (
    SCHEMAS, TYPES, FUNCTIONS, EXTENSIONS, EVENT_TRIGGERS, DEFAULT_PRIVILEGES, STATISTICS, SERVERS, PUBLICATIONS, ROLES, SETTINGS, RARE,
)  # fmt: skip
