"""Catalog queries: what belongs to the database itself, or to its server."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.drivers.scratch.postgres_fragments import FIRST, grants, options, owner, privileges, shared_comment

_CURRENT = "(SELECT oid FROM pg_database WHERE datname = current_database())"
# Without its name: each scratch database has another one.
DATABASE = f"""
SELECT 'database' AS kind, 'current' AS name, nullif(d.datconnlimit, -1)::text AS "connection limit",
  {owner("d.datdba")}, {privileges("d.datacl", "'d'", "d.datdba")}, {shared_comment("pg_database", "d.oid")}
FROM pg_database d WHERE d.datname = current_database()"""

SETTINGS = f"""
SELECT 'settings' AS kind, CASE s.setdatabase WHEN 0 THEN 'of all roles' ELSE 'of the database' END AS name, {options("s.setconfig")} AS settings
FROM pg_db_role_setting s WHERE s.setrole = 0 AND s.setdatabase IN (0, {_CURRENT})"""


def _roles(version: int) -> str:
    """The server's own roles too, once they are members of others or have settings."""
    how = "CASE WHEN m.admin_option THEN 'admin' END"
    if version >= 160000:
        how += ", CASE WHEN NOT m.inherit_option THEN 'no inherit' END, CASE WHEN NOT m.set_option THEN 'no set' END, CASE WHEN m.grantor <> 10 THEN 'by ' || pg_get_userbyid(m.grantor) END"
    return f"""
SELECT 'role' AS kind, quote_ident(r.rolname) AS name,
  concat_ws(', ', CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN NOT r.rolinherit THEN 'no inherit' END,
    CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolcreaterole THEN 'createrole' END, CASE WHEN r.rolreplication THEN 'replication' END,
    CASE WHEN r.rolbypassrls THEN 'bypassrls' END) AS attributes,
  nullif(r.rolconnlimit, -1)::text AS "connection limit", nullif(r.rolvaliduntil, 'infinity')::text AS "valid until",
  (SELECT string_agg(concat_ws(' ', quote_ident(pg_get_userbyid(m.roleid)), '(' || nullif(concat_ws(', ', {how}), '') || ')'), ', '
      ORDER BY pg_get_userbyid(m.roleid), pg_get_userbyid(m.grantor)) FROM pg_auth_members m WHERE m.member = r.oid) AS "member of",
  (SELECT string_agg({options("s.setconfig")}, '; ' ORDER BY s.setdatabase) FROM pg_db_role_setting s
    WHERE s.setrole = r.oid AND s.setdatabase IN (0, {_CURRENT})) AS settings, {shared_comment("pg_authid", "r.oid")}
FROM pg_roles r WHERE r.oid >= {FIRST} OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid AND m.roleid >= {FIRST})
  OR EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = r.oid AND s.setdatabase IN (0, {_CURRENT}))"""


# One that is made in place has its number as its location.
TABLESPACES = f"""
SELECT 'tablespace' AS kind, quote_ident(t.spcname) AS name, CASE WHEN pg_tablespace_location(t.oid) ~ '^/' THEN pg_tablespace_location(t.oid) END AS location,
  {options("t.spcoptions")} AS options, {owner("t.spcowner")}, {privileges("t.spcacl", "'t'", "t.spcowner")}, {shared_comment("pg_tablespace", "t.oid")}
FROM pg_tablespace t WHERE t.oid >= {FIRST}"""

PARAMETERS = (
    f"SELECT 'parameter' AS kind, p.parname AS name, {grants('p.paracl')} AS privileges FROM pg_parameter_acl p"
)


def server_queries(version: int) -> Sequence[str]:
    """The queries for a server's version number, such as 150018."""
    return (DATABASE, _roles(version))


def rare_of_server(version: int) -> Sequence[tuple[str, str]]:
    """Queries, each with the condition on which it finds something."""
    found = [
        ("EXISTS (SELECT FROM pg_db_role_setting)", SETTINGS),
        (f"EXISTS (SELECT FROM pg_tablespace WHERE oid >= {FIRST})", TABLESPACES),
    ]
    return (*found, ("EXISTS (SELECT FROM pg_parameter_acl)", PARAMETERS)) if version >= 150000 else found
