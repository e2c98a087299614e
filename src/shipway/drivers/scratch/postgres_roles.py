"""The roles of a server, which all of its databases share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import psycopg

from shipway.drivers.scratch.postgres_session import Connection

# As statements that create them, and their memberships. Passwords stay as they are stored.
_ROLES = """
SELECT quote_ident(r.rolname), concat_ws(' ', quote_ident(r.rolname),
    CASE WHEN r.rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END, CASE WHEN r.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
    CASE WHEN r.rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
    CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN r.rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
    CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END, 'CONNECTION LIMIT ' || r.rolconnlimit,
    'VALID UNTIL ' || quote_literal(coalesce(r.rolvaliduntil::text, 'infinity')),
    'PASSWORD ' || coalesce(quote_literal(r.rolpassword), 'NULL'))
  || coalesce((SELECT string_agg(format('; GRANT %I TO %I', g.rolname, r.rolname), '' ORDER BY g.rolname)
    FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid WHERE m.member = r.oid), '')
FROM pg_authid r WHERE r.rolname !~ '^pg_'"""

_NOTE = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
_USERS = """
SELECT quote_ident(r.rolname) FROM pg_roles r WHERE r.rolname !~ '^pg_'
  AND EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
    WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND b.datname = %(database)s)
  AND NOT EXISTS (SELECT FROM pg_shdepend d LEFT JOIN pg_database b ON b.oid = d.dbid
    WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND (b.datname IS NULL OR b.datname <> ALL (%(databases)s)))"""


def read_roles(connection: Connection) -> dict[str, str]:
    """By name, as the end of a statement that creates or alters the role; {} if only a superuser may read them."""
    try:
        return dict(connection.execute(_ROLES).fetchall())
    except psycopg.errors.InsufficientPrivilege:
        return {}


def restore_roles(connection: Connection, known: Mapping[str, str]) -> Sequence[str]:
    """Drop all other roles, and create or alter these as they were; returns the names of those that differed."""
    if not known:
        return ()
    now = read_roles(connection)
    different = sorted(name for name in known.keys() | now.keys() if known.get(name) != now.get(name))
    if not different:
        return ()
    drop_roles(connection, sorted(now.keys() - known.keys()))
    for name in sorted(known.keys() - now.keys()):
        _tried(connection, f"CREATE ROLE {known[name]}")
    for name in sorted(name for name in known.keys() & now.keys() if known[name] != now[name]):
        _tried(connection, f"ALTER ROLE {known[name]}")
    return different


def drop_roles(connection: Connection, names: Sequence[str]) -> None:
    """Drop these, as far as nothing depends on them."""
    remaining = list(names)
    while remaining:
        failed = [name for name in remaining if not _tried(connection, f"DROP ROLE {name}")]
        if failed == remaining:
            return
        remaining = failed  # some depended on others


def note_of(connection: Connection) -> str:
    """A comment on a scratch database, for `orphaned_roles`."""
    return json.dumps({"shipway": "roles before", "roles": sorted(read_roles(connection))})


def orphaned_roles(connection: Connection, databases: Sequence[str]) -> Sequence[str]:
    """Roles that were created since these databases, and that only these use."""
    found: set[str] = set()
    for name in databases:
        (note,) = connection.execute(_NOTE, [name]).fetchone() or (None,)
        try:
            before = json.loads(note or "")["roles"]
        except (ValueError, KeyError, TypeError):
            continue
        users = connection.execute(_USERS, {"database": name, "databases": list(databases)})
        found |= {role for (role,) in users} - set(before)
    return sorted(found)


def _tried(connection: Connection, statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True
