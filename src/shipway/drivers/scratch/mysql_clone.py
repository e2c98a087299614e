"""Copy a database of MySQL or MariaDB, which have no command for it: recreate it, and fill it by INSERT … SELECT."""

from __future__ import annotations

from shipway.drivers.scratch.mysql_catalog import KINDS
from shipway.drivers.scratch.mysql_session import Connection, query, quoted

_KINDS = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = %s ORDER BY table_name"
_STORED = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s AND coalesce(generation_expression, '') = '' ORDER BY ordinal_position"""
_ROUTINES = "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = %s"
_TRIGGERS = "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s ORDER BY event_object_table, action_order"
_EVENTS = "SELECT event_name FROM information_schema.events WHERE event_schema = %s"


def copy(connection: Connection, source: str, target: str) -> None:
    """`target` exists, and is empty. Triggers come last, so that none fires for the copied rows."""
    query(connection, f"USE {quoted(target)}")
    query(connection, "SET foreign_key_checks = 0, unique_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
    relations = query(connection, _KINDS, [source])
    for name, kind in relations:
        if kind == "SEQUENCE":
            _make(connection, source, target, "SEQUENCE", name, 1)
    for name, kind in relations:
        if kind in KINDS:
            _make(connection, source, target, "TABLE", name, 1)
    for name, kind in relations:
        if kind in KINDS:
            columns = ", ".join(quoted(column) for (column,) in query(connection, _STORED, [source, name]))
            query(
                connection,
                f"INSERT INTO {quoted(name)} ({columns}) SELECT {columns} FROM {quoted(source)}.{quoted(name)}",
            )
        elif kind == "SEQUENCE":
            ((upcoming,),) = query(connection, f"SELECT next_not_cached_value FROM {quoted(source)}.{quoted(name)}")
            query(connection, f"SELECT SETVAL({quoted(name)}, %s, 0)", [upcoming])
    for kind, name in query(connection, _ROUTINES, [source]):
        _make(connection, source, target, kind, name, 2)
    _views(connection, source, target, [name for name, kind in relations if kind == "VIEW"])
    for (name,) in query(connection, _TRIGGERS, [source]):
        _make(connection, source, target, "TRIGGER", name, 2)
    for (name,) in query(connection, _EVENTS, [source]):
        _make(connection, source, target, "EVENT", name, 3)


def _make(connection: Connection, source: str, target: str, kind: str, name: str, place: int) -> None:
    """Create it with its original statement, the value at `place` of SHOW CREATE."""
    row = query(connection, f"SHOW CREATE {kind} {quoted(source)}.{quoted(name)}")[0]
    if place > 1:
        query(connection, "SET sql_mode = %s", [row[1]])
    query(connection, str(row[place]).replace(f"{quoted(source)}.", f"{quoted(target)}."))
    if place > 1:
        query(connection, "SET sql_mode = DEFAULT")


def _views(connection: Connection, source: str, target: str, names: list[str]) -> None:
    """A view may need another one: create whichever is possible, until none remains."""
    while names:
        left = []
        problem: Exception | None = None
        for name in names:
            try:
                _make(connection, source, target, "VIEW", name, 1)
            except Exception as error:
                left.append(name)
                problem = error
        if problem is not None and len(left) == len(names):
            raise problem
        names = left
