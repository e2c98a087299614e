"""The schema of a MySQL or MariaDB database, from information_schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipway.domain.catalog import Catalog, Entry
from shipway.drivers.scratch.mysql_session import Connection, query, quoted

KINDS = ("BASE TABLE", "SYSTEM VERSIONED")  # the latter of MariaDB: tables that keep their former rows
TABLES = f"table_type IN {KINDS}"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DATABASE = "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = database()"
_TABLES = """
SELECT table_name, table_type, engine, table_collation, create_options, table_comment
FROM information_schema.tables WHERE table_schema = database()"""
_COLUMNS = f"""
SELECT c.table_name, c.column_name, c.column_type, c.is_nullable, c.column_default, c.extra, c.generation_expression,
  CASE WHEN c.collation_name <> t.table_collation THEN c.collation_name END, c.column_comment
FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = database() AND t.{TABLES} ORDER BY c.table_name, c.ordinal_position"""
_INDEXES = """
SELECT table_name, index_name, non_unique, column_name, sub_part, collation, index_type, index_comment
FROM information_schema.statistics WHERE table_schema = database() ORDER BY table_name, index_name, seq_in_index"""
_FOREIGN_KEYS = """
SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule
FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
  ON r.constraint_schema = k.constraint_schema AND r.table_name = k.table_name AND r.constraint_name = k.constraint_name
WHERE k.table_schema = database() AND k.referenced_table_name IS NOT NULL ORDER BY k.table_name, k.constraint_name, k.ordinal_position"""
_CHECKS = """
SELECT t.table_name, t.constraint_name, c.check_clause
FROM information_schema.table_constraints t JOIN information_schema.check_constraints c
  ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name {same_table}
WHERE t.table_schema = database() AND t.constraint_type = 'CHECK'"""
_VIEWS = "SELECT table_name, view_definition, check_option, security_type FROM information_schema.views WHERE table_schema = database()"
_TRIGGERS = """
SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_statement, action_order
FROM information_schema.triggers WHERE trigger_schema = database()"""
_ROUTINES = "SELECT routine_name, routine_type FROM information_schema.routines WHERE routine_schema = database()"
_EVENTS = """
SELECT event_name, event_definition, execute_at, interval_value, interval_field, status
FROM information_schema.events WHERE event_schema = database()"""


# Of each kind: its objects, and the place of its statement in SHOW CREATE.
_STATEMENTS = {
    "TABLE": (f"SELECT table_name FROM information_schema.tables WHERE {TABLES} AND table_schema = database()", 1),
    "VIEW": ("SELECT table_name FROM information_schema.views WHERE table_schema = database()", 1),
    "EVENT": ("SELECT event_name FROM information_schema.events WHERE event_schema = database()", 3),
    "TRIGGER": ("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database()", 2),
}
# Who made an object is not compared, as users are not; nor is when an event was made, and which number comes next.
_NOISE = re.compile(r" DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*`| AUTO_INCREMENT=\d+(?= )| STARTS '[^']*'")


def read_statements(connection: Connection) -> dict[str, str]:
    """The statements of the objects that have properties which the catalog lacks, such as partitions; by kind and name."""
    ((database,),) = query(connection, "SELECT database()")
    found = {}
    for kind, (names, place) in _STATEMENTS.items():
        for (name,) in query(connection, names):
            text = str(query(connection, f"SHOW CREATE {kind} {quoted(name)}")[0][place])
            found[f"{kind} {written(name)}"] = _NOISE.sub("", text.replace(f"{quoted(database)}.", ""))
    return found


def written(name: str) -> str:
    """Quote a name if it needs quotes."""
    return name if _PLAIN.fullmatch(name) else quoted(name)


def read_catalog(connection: Connection) -> Catalog:
    """Definitions omit the name of the database, which differs in a clone. Privileges are the server's, and are not
    included."""
    ((database,),) = query(connection, "SELECT database()")
    order: dict[str, list[str]] = {}
    entries = [
        *_database(connection), *_tables(connection), *_columns(connection, order), *_indexes(connection), *_foreign_keys(connection), *_checks(connection),
        *_code(connection, f"{quoted(database)}."),
    ]  # fmt: skip
    return Catalog(
        {(entry.kind, entry.name): entry for entry in entries},
        {table: tuple(columns) for table, columns in order.items()},
    )


def _entry(kind: str, name: str, **facets: object) -> Entry:
    """Facets that are None or empty are omitted; `_` in their names means a blank."""
    present = {key.strip("_").replace("_", " "): str(value) for key, value in facets.items() if value not in (None, "")}
    return Entry(kind, name, present)


def _database(connection: Connection) -> Iterator[Entry]:
    """What tables that don't say it get."""
    for charset, collation in query(connection, _DATABASE):
        yield _entry("database", "default", character_set=charset, collation=collation)


def _tables(connection: Connection) -> Iterator[Entry]:
    for name, kind, engine, collation, options, comment in query(connection, _TABLES):
        if kind in KINDS:
            versioned = "system" if kind != "BASE TABLE" else None
            yield _entry(
                "table", written(name), engine=engine, collation=collation, options=options, comment=comment, versioning=versioned
            )  # fmt: skip
        elif kind == "SEQUENCE":
            row = query(
                connection,
                f"SELECT minimum_value, maximum_value, start_value, increment, cache_size, cycle_option FROM {quoted(name)}",
            )[0]
            facets = dict(zip(("minimum", "maximum", "start", "increment", "cache", "cycle"), row, strict=True))
            yield _entry("sequence", written(name), **facets)


def _columns(connection: Connection, order: dict[str, list[str]]) -> Iterator[Entry]:
    for table, name, kind, nullable, default, extra, generated, collation, comment in query(connection, _COLUMNS):
        order.setdefault(written(table), []).append(written(name))
        extra = extra.lower().replace("default_generated", "").strip()
        counted = "auto_increment" in extra
        how = extra.partition(" generated")[0] if generated else ""
        yield _entry(
            "column", f"{written(table)}.{written(name)}", on=written(table), type=kind, null="not null" if nullable == "NO" else None,
            default=None if default == "NULL" or generated else default, generated=f"{how} as {generated}" if generated else None,
            identity="by default" if counted else None, other="" if generated or counted else extra, collation=collation, comment=comment,
        )  # fmt: skip


def _indexes(connection: Connection) -> Iterator[Entry]:
    """A unique constraint is just an index; the primary key has no name of its own."""
    found: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    for table, name, *rest in query(connection, _INDEXES):
        found.setdefault((table, name), []).append(tuple(rest))
    for (table, name), parts in found.items():
        columns = ", ".join(written(str(part[1])) for part in parts)
        on = written(table)
        if name == "PRIMARY":
            yield _entry("constraint", f"{on}.primary key", on=on, type="primary key", columns=columns)
            continue
        exact = ", ".join(
            f"{written(str(p[1]))}{f'({p[2]})' if p[2] else ''}{' desc' if p[3] == 'D' else ''}" for p in parts
        )
        yield _entry(
            "index", f"{on}.{written(name)}", on=on, unique=None if parts[0][0] else "yes", columns=columns,
            definition=f"{parts[0][4]} ({exact})", comment=parts[0][5],
        )  # fmt: skip


def _foreign_keys(connection: Connection) -> Iterator[Entry]:
    found: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for table, name, *rest in query(connection, _FOREIGN_KEYS):
        found.setdefault((table, name), []).append(tuple(rest))
    for (table, name), parts in found.items():
        columns, other = (", ".join(written(part[place]) for part in parts) for place in (0, 2))
        _, target, _, update, delete = parts[0]
        definition = (
            f"({columns}) references {written(target)} ({other}) on update {update.lower()} on delete {delete.lower()}"
        )
        on = written(table)
        yield _entry(
            "constraint", f"{on}.{written(name)}", on=on, type="foreign key", columns=columns, definition=definition
        )


def _checks(connection: Connection) -> Iterator[Entry]:
    ((version,),) = query(connection, "SELECT version()")
    same_table = "AND c.table_name = t.table_name" if "MariaDB" in version else ""  # if names are unique per table only
    for table, name, clause in query(connection, _CHECKS.format(same_table=same_table)):
        on = written(table)
        yield _entry("constraint", f"{on}.{written(name)}", on=on, type="check", definition=clause)


def _code(connection: Connection, database: str) -> Iterator[Entry]:
    for name, text, check, security in query(connection, _VIEWS):
        yield _entry("view", written(name), definition=text.replace(database, ""), check=check, security=security)
    for name, table, timing, event, text, order in query(connection, _TRIGGERS):
        yield _entry(
            "trigger", written(name), on=written(table), definition=f"{timing} {event} {text}".replace(database, ""),
            order=order if order > 1 else None,
        )  # fmt: skip
    for name, kind in query(connection, _ROUTINES):
        text = str(query(connection, f"SHOW CREATE {kind} {quoted(name)}")[0][2])
        yield _entry(kind.lower(), written(name), definition=text.replace(database, ""))
    for name, text, at, every, unit, status in query(connection, _EVENTS):
        yield _entry(
            "event",
            written(name),
            definition=text.replace(database, ""),
            at=at,
            every=every and f"{every} {unit}",
            status=status,
        )
