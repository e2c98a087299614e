"""Properties of a database that are no part of a template: a clone gets them here."""

from __future__ import annotations

from shipway.drivers.scratch.postgres_guc import setting
from shipway.drivers.scratch.postgres_session import Connection

# Settings, for all users and for each; then what one statement each restores.
_SETTINGS = """
SELECT quote_ident(r.rolname), c.entry FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) c (entry) LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = %s"""
_REST = """
SELECT CASE WHEN d.datdba <> (SELECT oid FROM pg_roles WHERE rolname = current_user) THEN format('ALTER DATABASE %%I OWNER TO %%I', %(name)s::text, pg_get_userbyid(d.datdba)) END,
  CASE WHEN d.datconnlimit >= 0 THEN format('ALTER DATABASE %%I CONNECTION LIMIT %%s', %(name)s::text, d.datconnlimit) END,
  format('COMMENT ON DATABASE %%I IS %%L', %(name)s::text, shobj_description(d.oid, 'pg_database')),
  CASE WHEN d.datacl IS NOT NULL THEN format('REVOKE ALL ON DATABASE %%I FROM PUBLIC', %(name)s::text) END,
  (SELECT string_agg(format('GRANT %%s ON DATABASE %%I TO %%s%%s', x.privilege_type, %(name)s::text,
      CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
      CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '; ') FROM aclexplode(d.datacl) x)
FROM pg_database d WHERE d.datname = %(like)s"""


def copy_properties(connection: Connection, like: str, name: str) -> None:
    """Settings, owner, connection limit, comment and privileges."""
    for role, entry in connection.execute(_SETTINGS, [like]).fetchall():
        whose = f"ALTER ROLE {role} IN DATABASE {name}" if role else f"ALTER DATABASE {name}"
        connection.execute(f"{whose} SET {setting(entry)}".encode())
    for statement in connection.execute(_REST, {"like": like, "name": name}).fetchone() or ():
        if statement and not statement.endswith(" IS NULL"):
            connection.execute(statement.encode())
