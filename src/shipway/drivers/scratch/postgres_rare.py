"""Catalog queries: kinds of objects that few databases have. Each has a condition, which is quicker than the query."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.drivers.scratch.postgres_fragments import (
    FIRST,
    PEOPLES,
    comment,
    digest,
    function,
    grants,
    not_of_extension,
    options,
    owner,
    privileges,
    qualified,
)

_ROLE = "CASE {0} WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid({0})) END"
_IDENTITY = "(pg_identify_object('{0}'::regclass, {1}, 0)).identity"


def _own(catalog: str, *, nor_of_another: bool = False) -> str:
    """The condition for rows `o` that a user created."""
    return f"o.oid >= {FIRST} AND {not_of_extension(catalog, 'o.oid', nor_of_another=nor_of_another)}"


def _select(kind: str, catalog: str, facets: str, source: str = "", *, nor_of_another: bool = False) -> tuple[str, str]:
    """The condition and the query for the rows `o` of a catalog, whose objects have the names that PostgreSQL gives them."""
    query = f"""
SELECT '{kind}' AS kind, {_IDENTITY.format(catalog, "o.oid")} AS name, {facets}, {comment(catalog, "o.oid")}
FROM {catalog} o {source} WHERE {_own(catalog, nor_of_another=nor_of_another)}"""
    return f"EXISTS (SELECT FROM {catalog} WHERE oid >= {FIRST})", query


CASTS = _select(
    "cast", "pg_cast",
    f"""{function("o.castfunc")} AS function, CASE o.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' END AS context,
  CASE o.castmethod WHEN 'i' THEN 'inout' WHEN 'b' THEN 'binary' END AS method""",
    nor_of_another=True,
)  # fmt: skip

OPERATORS = _select(
    "operator", "pg_operator",
    f"""{function("o.oprcode")} AS function, nullif(o.oprcom, 0)::regoperator::text AS commutator, nullif(o.oprnegate, 0)::regoperator::text AS negator,
  {function("o.oprrest")} AS restrict, {function("o.oprjoin")} AS join, CASE WHEN o.oprcanhash THEN 'yes' END AS hashes,
  CASE WHEN o.oprcanmerge THEN 'yes' END AS merges, {owner("o.oprowner")}""",
)  # fmt: skip


def _members(of: str) -> str:
    """The operators and functions that a class, or a family beside its classes, has."""
    depends = f"JOIN pg_depend d ON d.objid = m.oid AND d.refclassid = '{of}'::regclass AND d.refobjid = o.oid AND d.classid ="
    return f"""
  (SELECT string_agg(concat_ws(' ', m.amopstrategy, m.amopopr::regoperator, 'for order by ' || (SELECT f.opfname FROM pg_opfamily f WHERE f.oid = m.amopsortfamily)),
      ', ' ORDER BY m.amopstrategy, m.amopopr::regoperator::text) FROM pg_amop m {depends} 'pg_amop'::regclass) AS operators,
  (SELECT string_agg(format('%s (%s, %s) %s', m.amprocnum, m.amproclefttype::regtype, m.amprocrighttype::regtype, m.amproc::regprocedure),
      ', ' ORDER BY m.amprocnum, m.amproclefttype::regtype::text, m.amprocrighttype::regtype::text)
    FROM pg_amproc m {depends} 'pg_amproc'::regclass) AS functions"""


FAMILIES = _select("operator family", "pg_opfamily", f"{_members('pg_opfamily')}, {owner('o.opfowner')}")
CLASSES = _select(
    "operator class", "pg_opclass",
    f"""o.opcintype::regtype::text AS type, CASE WHEN o.opcdefault THEN 'yes' END AS "default", nullif(o.opckeytype, 0)::regtype::text AS storage,
  {_IDENTITY.format("pg_opfamily", "o.opcfamily")} AS family, {_members("pg_opclass")}, {owner("o.opcowner")}""",
)  # fmt: skip
METHODS = _select(
    "access method",
    "pg_am",
    f"CASE o.amtype WHEN 't' THEN 'table' ELSE 'index' END AS type, {function('o.amhandler')} AS handler",
)
CONVERSIONS = _select(
    "conversion", "pg_conversion",
    f"""pg_encoding_to_char(o.conforencoding) || ' to ' || pg_encoding_to_char(o.contoencoding) AS encodings, {function("o.conproc")} AS function,
  CASE WHEN o.condefault THEN 'yes' END AS "default", {owner("o.conowner")}""",
)  # fmt: skip
LANGUAGES = _select(
    "language", "pg_language",
    f"""CASE WHEN o.lanpltrusted THEN 'yes' END AS trusted, {function("o.lanplcallfoid")} AS handler, {function("o.laninline")} AS inline,
  {function("o.lanvalidator")} AS validator, {owner("o.lanowner")}, {privileges("o.lanacl", "'l'", "o.lanowner")}""",
)  # fmt: skip
# Versions differ in how they write its name.
TRANSFORMS = (
    f"EXISTS (SELECT FROM pg_transform WHERE oid >= {FIRST})",
    f"""
SELECT 'transform' AS kind, 'for ' || o.trftype::regtype || ' language ' || quote_ident(l.lanname) AS name,
  {function("o.trffromsql")} AS "from sql", {function("o.trftosql")} AS "to sql", {comment("pg_transform", "o.oid")}
FROM pg_transform o JOIN pg_language l ON l.oid = o.trflang WHERE {_own("pg_transform")}""",
)
PARSERS = _select(
    "text search parser", "pg_ts_parser",
    "concat_ws(', ', " + ", ".join(function(f"o.{name}") for name in ("prsstart", "prstoken", "prsend", "prsheadline", "prslextype")) + ") AS functions",
)  # fmt: skip
TEMPLATES = _select(
    "text search template", "pg_ts_template", f"{function('o.tmplinit')} AS init, {function('o.tmpllexize')} AS lexize"
)
DICTIONARIES = _select(
    "text search dictionary", "pg_ts_dict",
    f"{_IDENTITY.format('pg_ts_template', 'o.dicttemplate')} AS template, o.dictinitoption AS options, {owner('o.dictowner')}",
)  # fmt: skip
CONFIGURATIONS = _select(
    "text search configuration", "pg_ts_config",
    f"""{_IDENTITY.format("pg_ts_parser", "o.cfgparser")} AS parser,
  (SELECT string_agg(m.token || ': ' || m.dictionaries, '; ' ORDER BY m.token) FROM (
    SELECT t.alias AS token, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS dictionaries
    FROM pg_ts_config_map m JOIN ts_token_type(o.cfgparser) t ON t.tokid = m.maptokentype WHERE m.mapcfg = o.oid GROUP BY 1) m) AS mappings,
  {owner("o.cfgowner")}""",
)  # fmt: skip
WRAPPERS = _select(
    "foreign-data wrapper", "pg_foreign_data_wrapper",
    f"""{function("o.fdwhandler")} AS handler, {function("o.fdwvalidator")} AS validator, {options("o.fdwoptions")} AS options,
  {owner("o.fdwowner")}, {privileges("o.fdwacl", "'F'", "o.fdwowner")}""",
)  # fmt: skip
SERVERS = _select(
    "foreign server", "pg_foreign_server",
    f"""quote_ident(f.fdwname) AS wrapper, o.srvtype AS type, o.srvversion AS version, {options("o.srvoptions")} AS options,
  {owner("o.srvowner")}, {privileges("o.srvacl", "'S'", "o.srvowner")}""",
    "JOIN pg_foreign_data_wrapper f ON f.oid = o.srvfdw",
)  # fmt: skip
# By the view, which hides the options from those who may not see them.
MAPPINGS = (
    "EXISTS (SELECT FROM pg_user_mappings)",
    f"""
SELECT 'user mapping' AS kind, {_ROLE.format("u.umuser")} || ' on ' || quote_ident(u.srvname) AS name,
  {options("u.umoptions", public="^user(name)?$")} AS options
FROM pg_user_mappings u""",
)
EVENT_TRIGGERS = (
    "EXISTS (SELECT FROM pg_event_trigger)",
    f"""
SELECT 'event trigger' AS kind, quote_ident(e.evtname) AS name, e.evtevent AS event, e.evtfoid::regprocedure::text AS function,
  array_to_string(e.evttags, ', ') AS tags, CASE e.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on a replica' WHEN 'A' THEN 'always' END AS enabled,
  {owner("e.evtowner")}, {comment("pg_event_trigger", "e.oid")}
FROM pg_event_trigger e WHERE {not_of_extension("pg_event_trigger", "e.oid")}""",
)
DEFAULT_PRIVILEGES = (
    "EXISTS (SELECT FROM pg_default_acl)",
    f"""
SELECT 'default privileges' AS kind, 'of ' || quote_ident(pg_get_userbyid(d.defaclrole)) || coalesce(' in ' || quote_ident(n.nspname), '') ||
  CASE d.defaclobjtype WHEN 'r' THEN ' on tables' WHEN 'S' THEN ' on sequences' WHEN 'f' THEN ' on functions' WHEN 'T' THEN ' on types'
    WHEN 'n' THEN ' on schemas' WHEN 'L' THEN ' on large objects' ELSE ' on ' || d.defaclobjtype::text END AS name,
  {grants("d.defaclacl")} AS privileges
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace""",
)
STATISTICS = (
    "EXISTS (SELECT FROM pg_statistic_ext)",
    f"""
SELECT 'statistics' AS kind, {qualified("s.stxname")} AS name, s.stxrelid::regclass::text AS "on",
  pg_get_statisticsobjdef(s.oid) AS definition, nullif(s.stxstattarget, -1)::text AS target, {owner("s.stxowner")}, {comment("pg_statistic_ext", "s.oid")}
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {PEOPLES} AND {not_of_extension("pg_statistic_ext", "s.oid")}""",
)
# Their numbers say nothing, unless rows refer to them.
LARGE_OBJECTS = (
    "EXISTS (SELECT FROM pg_largeobject_metadata)",
    f"""
SELECT 'large objects' AS kind, 'of ' || quote_ident(pg_get_userbyid(l.lomowner)) AS name, count(*)::text AS number,
  nullif(string_agg(DISTINCT {grants("l.lomacl")}, '; ') FILTER (WHERE l.lomacl IS NOT NULL), '') AS privileges,
  string_agg(obj_description(l.oid, 'pg_largeobject'), '; ' ORDER BY obj_description(l.oid, 'pg_largeobject')) AS comment
FROM pg_largeobject_metadata l GROUP BY l.lomowner""",
)
LABELS = (
    "EXISTS (SELECT FROM pg_seclabel)",
    """
SELECT 'security label' AS kind, 'of ' || l.provider || ' on ' || i.type || ' ' || i.identity AS name, l.label
FROM pg_seclabel l, pg_identify_object(l.classoid, l.objoid, l.objsubid) i""",
)
DEPENDENCIES = (
    "EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'x')",
    """
SELECT 'extension dependency' AS kind, 'of ' || i.type || ' ' || i.identity || ' on ' || quote_ident(e.extname) AS name
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid, pg_identify_object(d.classid, d.objid, d.objsubid) i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'""",
)


def _collations(version: int) -> tuple[str, str]:
    locale, rules = "NULL", "NULL"
    if version >= 150000:
        locale = "o.colliculocale" if version < 170000 else "o.colllocale"
    if version >= 160000:
        rules = "o.collicurules"
    facets = f"""CASE o.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' WHEN 'd' THEN 'default' ELSE 'libc' END AS provider,
  CASE WHEN o.collisdeterministic THEN NULL ELSE 'no' END AS deterministic,
  coalesce({locale}, nullif(concat_ws(', ', o.collcollate, nullif(o.collctype, o.collcollate)), '')) AS locale, {rules} AS rules, {owner("o.collowner")}"""
    return _select("collation", "pg_collation", facets)


def _publications(version: int) -> tuple[str, str]:
    """Of each table, its columns and the filter of its rows, since version 15."""
    each, schemas, filters, columns = "", "NULL", "NULL", "NULL"
    if version >= 150000:
        schemas = "(SELECT string_agg(quote_ident(n.nspname), ', ' ORDER BY n.nspname) FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid)"
        filters, columns = "r.filters", "r.columns"
        each = """, string_agg(r.prrelid::regclass || ' where ' || pg_get_expr(r.prqual, r.prrelid), ', ' ORDER BY r.prrelid::regclass::text) AS filters,
    string_agg(r.prrelid::regclass || ' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
      WHERE a.attrelid = r.prrelid AND a.attnum = ANY(r.prattrs)) || ')', ', ' ORDER BY r.prrelid::regclass::text) AS columns"""
    generated = "CASE p.pubgencols WHEN 's' THEN 'stored generated columns' END" if version >= 180000 else "NULL"
    query = f"""
SELECT 'publication' AS kind, quote_ident(p.pubname) AS name,
  CASE WHEN p.puballtables THEN 'all' ELSE r.tables END AS tables, {filters} AS filters, {columns} AS columns, {schemas} AS schemas,
  concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
    CASE WHEN p.pubtruncate THEN 'truncate' END) AS publishes,
  concat_ws(', ', CASE WHEN p.pubviaroot THEN 'via partition root' END, {generated}) AS options, {owner("p.pubowner")}, {comment("pg_publication", "p.oid")}
FROM pg_publication p LEFT JOIN (SELECT r.prpubid, string_agg(r.prrelid::regclass::text, ', ' ORDER BY r.prrelid::regclass::text) AS tables{each}
  FROM pg_publication_rel r GROUP BY 1) r ON r.prpubid = p.oid WHERE {not_of_extension("pg_publication", "p.oid")}"""
    return "EXISTS (SELECT FROM pg_publication)", query


def _subscriptions(version: int) -> tuple[str, str]:
    """Those of this database: they are kept for the whole server. Only superusers may see where they lead."""
    flags = {
        "binary": ("subbinary", 140000),
        "disable on error": ("subdisableonerr", 150000),
        "run as owner": ("subrunasowner", 160000),
        "failover": ("subfailover", 170000),
    }
    values = {
        "streaming": ("substream", 140000),
        "two-phase state": ("subtwophasestate", 150000),
        "origin": ("suborigin", 160000),
    }
    found = [f"CASE WHEN s.{column} THEN '{name}' END" for name, (column, since) in flags.items() if version >= since]
    found += [f"'{name} ' || s.{column}::text" for name, (column, since) in values.items() if version >= since]
    found += ["CASE WHEN NOT s.subpasswordrequired THEN 'no password required' END"] if version >= 160000 else []
    query = f"""
SELECT 'subscription' AS kind, quote_ident(s.subname) AS name, array_to_string(ARRAY(SELECT unnest(s.subpublications) ORDER BY 1), ', ') AS publications,
  {digest("s.subconninfo")} AS connection, s.subslotname::text AS slot, CASE WHEN s.subenabled THEN 'yes' END AS enabled,
  concat_ws(', ', 'synchronous commit ' || s.subsynccommit{"".join(f", {item}" for item in found)}) AS options,
  {owner("s.subowner")}, {comment("pg_subscription", "s.oid")}
FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    return "EXISTS (SELECT FROM pg_subscription) AND current_setting('is_superuser') = 'on'", query


def rare_queries(version: int) -> Sequence[tuple[str, str]]:
    """Queries for a server's version number, such as 150018, each with the condition on which it finds something."""
    return (
        CASTS, OPERATORS, FAMILIES, CLASSES, METHODS, CONVERSIONS, LANGUAGES, TRANSFORMS, PARSERS, TEMPLATES, DICTIONARIES, CONFIGURATIONS,
        WRAPPERS, SERVERS, MAPPINGS, EVENT_TRIGGERS, DEFAULT_PRIVILEGES, STATISTICS, LARGE_OBJECTS, LABELS, DEPENDENCIES,
        _collations(version), _publications(version), _subscriptions(version),
    )  # fmt: skip
