"""Catalog query: privileges on objects that came with the server, or with an extension."""

from __future__ import annotations

from shipway.drivers.scratch.postgres_fragments import FIRST, PEOPLES, grants

_ACLS = {  # by catalog: the privileges, the owner, and the sign as in acldefault
    "pg_proc": ("proacl", "proowner", "'f'::\"char\""),
    "pg_class": ("relacl", "relowner", "CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\""),
    "pg_type": ("typacl", "typowner", "'T'::\"char\""),
    "pg_language": ("lanacl", "lanowner", "'l'::\"char\""),
    "pg_namespace": ("nspacl", "nspowner", "'n'::\"char\""),
    "pg_foreign_data_wrapper": ("fdwacl", "fdwowner", "'F'::\"char\""),
    "pg_foreign_server": ("srvacl", "srvowner", "'S'::\"char\""),
}
_OF_EXTENSION = "EXISTS (SELECT FROM pg_depend x WHERE x.classid = o.catalog AND x.objid = o.oid AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e')"
_ALL = " UNION ALL ".join(
    f"SELECT '{catalog}'::regclass AS catalog, oid, {acl} AS acl, {owner} AS owner, {sign} AS sign FROM {catalog} n WHERE {acl} IS NOT NULL"
    + {
        "pg_namespace": f" AND NOT ({PEOPLES}) AND nspname <> 'information_schema'",
        "pg_class": " AND relnamespace <> 'information_schema'::regnamespace",
    }.get(catalog, "")
    for catalog, (acl, owner, sign) in _ACLS.items()
)
# Only those that differ from what the server or the extension began with; nothing records that for information_schema.
GRANTED = f"""
SELECT 'privileges' AS kind, 'on ' || i.type || ' ' || i.identity AS name, {grants("o.acl")} AS privileges
FROM ({_ALL}) o LEFT JOIN pg_init_privs p ON p.classoid = o.catalog AND p.objoid = o.oid AND p.objsubid = 0, pg_identify_object(o.catalog, o.oid, 0) i
WHERE o.acl IS DISTINCT FROM p.initprivs AND (o.oid < {FIRST} OR {_OF_EXTENSION})
  AND {grants("o.acl")} <> {grants("coalesce(p.initprivs, acldefault(o.sign, o.owner))")}"""
