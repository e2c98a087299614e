"""The roles of a server, which all of its databases share."""

from __future__ import annotations

import atexit
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from shipway.drivers.scratch.postgres_guc import setting
from shipway.drivers.scratch.postgres_session import Connection
from shipway.system.alive import is_gone, this_process
from shipway.system.locks import private_folder

# The attributes as a statement's end, with the password as it is stored; then memberships, settings and the comment.
_ROLES = """
SELECT quote_ident(r.rolname), concat_ws(' ', quote_ident(r.rolname),
    CASE WHEN r.rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END, CASE WHEN r.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
    CASE WHEN r.rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
    CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN r.rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
    CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END, 'CONNECTION LIMIT ' || r.rolconnlimit,
    'VALID UNTIL ' || quote_literal(coalesce(r.rolvaliduntil::text, 'infinity')),
    'PASSWORD ' || coalesce(quote_literal(r.rolpassword), 'NULL')),
  array(SELECT quote_ident(g.rolname) || CASE WHEN m.admin_option THEN ' TO %(role)s WITH ADMIN OPTION' ELSE ' TO %(role)s' END
    FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),
  coalesce((SELECT s.setconfig FROM pg_db_role_setting s WHERE s.setrole = r.oid AND s.setdatabase = 0), '{}'),
  shobj_description(r.oid, 'pg_authid')
FROM pg_authid r WHERE r.rolname !~ '^pg_'"""

_USERS = """
SELECT quote_ident(r.rolname) FROM pg_roles r WHERE r.rolname !~ '^pg_'
  AND EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
    WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND b.datname = ANY (%(databases)s))
  AND NOT EXISTS (SELECT FROM pg_shdepend d LEFT JOIN pg_database b ON b.oid = d.dbid
    WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND (b.datname IS NULL OR b.datname <> ALL (%(databases)s)))"""


def read_roles(connection: Connection) -> dict[str, str]:
    """By name, all properties as JSON; {} if only a superuser may read them."""
    try:
        rows = connection.execute(_ROLES.encode()).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return {}
    return {name: json.dumps(rest) for name, *rest in rows}


def restore_roles(connection: Connection, known: Mapping[str, str]) -> Sequence[str]:
    """Drop all other roles, and create or alter these as they were; returns the names of those that differed."""
    if not known:
        return ()
    now = read_roles(connection)
    different = sorted(name for name in known.keys() | now.keys() if known.get(name) != now.get(name))
    if not different:
        return ()
    drop_roles(connection, sorted(now.keys() - known.keys()))
    changed = [name for name in different if name in known]
    for name in changed:  # all of them exist before any becomes a member of another
        _tried(connection, f"{'ALTER' if name in now else 'CREATE'} ROLE {json.loads(known[name])[0]}")
    for name in changed:
        _restore(connection, name, known[name], now.get(name))
    return different


def _restore(connection: Connection, name: str, known: str, now: str | None) -> None:
    """Memberships, settings and comment of an existing role."""
    _, members, settings, comment = json.loads(known)
    for grant in json.loads(now)[1] if now else ():
        _tried(connection, f"REVOKE {grant.partition(' TO ')[0]} FROM {name}")
    for grant in members:
        _tried(connection, f"GRANT {grant.replace('%(role)s', name)}")
    _tried(connection, f"ALTER ROLE {name} RESET ALL")
    for entry in settings:
        _tried(connection, f"ALTER ROLE {name} SET {setting(entry)}")
    text = "NULL" if comment is None else "'" + comment.replace("'", "''") + "'"
    _tried(connection, f"COMMENT ON ROLE {name} IS {text}")


def drop_roles(connection: Connection, names: Sequence[str]) -> None:
    """Drop these, as far as nothing depends on them."""
    remaining = list(names)
    while remaining:
        failed = [name for name in remaining if not _tried(connection, f"DROP ROLE {name}")]
        if failed == remaining:
            return
        remaining = failed  # some depended on others


def note_roles(connection: Connection) -> Path:
    """Note them in a file of this process, for `orphaned_roles` after it was killed; it is removed when the process ends."""
    folder = private_folder() / "scratch-roles"
    folder.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".json", prefix=f"{os.getpid()}-", dir=folder)
    with open(handle, "w", encoding="utf-8") as file:
        json.dump({"owner": this_process(), "roles": sorted(read_roles(connection))}, file)
    atexit.register(Path(name).unlink, missing_ok=True)
    return Path(name)


def orphaned_roles(connection: Connection, databases: Sequence[str]) -> Sequence[str]:
    """Roles that only these databases use, and that no killed process found when it began."""
    if not databases:
        return ()
    known: set[str] = set()
    notes = []
    for path in sorted((private_folder() / "scratch-roles").glob("*.json")):
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            if is_gone(note["owner"]):
                known.update(note["roles"])
                notes.append(path)
        except (OSError, ValueError, KeyError):
            continue  # its process is about to end, or to write it
    if not notes:
        return ()
    users = connection.execute(_USERS, {"databases": list(databases)})
    found = sorted(role for (role,) in users if role not in known)
    for path in notes:
        path.unlink(missing_ok=True)
    return found


def _tried(connection: Connection, statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True
