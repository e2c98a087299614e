"""The schema of an SQLite database: from its pragmas, and the rest from the text of its statements."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from shipway.domain.catalog import Catalog, Entry

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# What pragmas omit of a CREATE TABLE.
_CLAUSES = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|(?P<check>\bCHECK\s*(?=\()|\bAS\s*(?=\())"
    r"|(?P<word>\bAUTOINCREMENT\b|\bCOLLATE\s+\w+|\bON\s+CONFLICT\s+\w+|\bDEFERRABLE(?:\s+INITIALLY\s+\w+)?)",
    re.IGNORECASE | re.DOTALL,
)


def quoted(name: str) -> str:
    """Quote a name if it needs quotes."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def read_catalog(connection: sqlite3.Connection) -> Catalog:
    entries: list[Entry] = []
    order: dict[str, tuple[str, ...]] = {}
    texts = {
        (kind, name): sql or "" for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema")
    }
    for name, kind, without_rowid, strict in connection.execute(
        "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall():
        table = quoted(name)
        if kind == "view":
            entries.append(Entry("view", table, {"definition": one_line(texts["view", name])}))
        elif kind == "virtual":
            entries.append(Entry("virtual table", table, {"definition": one_line(texts["table", name])}))
        elif kind == "table":
            facets = {"without rowid": "yes" if without_rowid else "", "strict": "yes" if strict else ""}
            facets["clauses"] = "; ".join(sorted(_clauses(texts["table", name])))
            entries.append(Entry("table", table, {key: value for key, value in facets.items() if value}))
            columns = list(_columns(connection, name, table))
            order[table] = tuple(entry.name.removeprefix(f"{table}.") for entry in columns)
            entries += [*columns, *_indexes(connection, name, table, texts), *_foreign_keys(connection, name, table)]
    for (kind, name), text in texts.items():
        if kind == "trigger":
            on = connection.execute(
                "SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND name = ?", [name]
            ).fetchone()[0]
            entries.append(Entry("trigger", quoted(name), {"on": quoted(on), "definition": one_line(text)}))
    return Catalog({(entry.kind, entry.name): entry for entry in entries}, order)


def one_line(text: str) -> str:
    """Ignores white space and IF NOT EXISTS."""
    return re.sub(r"\s+", " ", re.sub(r"\bIF NOT EXISTS\s", "", text, count=1, flags=re.IGNORECASE)).strip()


def _columns(connection: sqlite3.Connection, name: str, table: str) -> Iterator[Entry]:
    for _, column, kind, not_null, default, key, hidden in connection.execute(
        "SELECT * FROM pragma_table_xinfo(?)", [name]
    ):
        facets = {
            "on": table,
            "type": kind.lower(),
            "null": "not null" if not_null else "",
            "default": default or "",
            "generated": {2: "virtual", 3: "stored"}.get(hidden, ""),
            "identity": "by default" if key and kind.upper() == "INTEGER" else "",  # the rowid, generated if missing
        }
        yield Entry("column", f"{table}.{quoted(column)}", {key: value for key, value in facets.items() if value})


def _indexes(
    connection: sqlite3.Connection, name: str, table: str, texts: dict[tuple[str, str], str]
) -> Iterator[Entry]:
    for _, index, unique, origin, partial in connection.execute(
        "SELECT * FROM pragma_index_list(?)", [name]
    ).fetchall():
        parts = connection.execute(
            'SELECT name, "desc", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno', [index]
        ).fetchall()
        columns = ", ".join(quoted(column) if column else "an expression" for column, _, _ in parts)
        if origin != "c":
            kind = {"u": "unique", "pk": "primary key"}[origin]
            yield Entry("constraint", f"{table}.{kind} ({columns})", {"on": table, "type": kind, "columns": columns})
            continue
        facets = {"on": table, "unique": "yes" if unique else "", "columns": columns}
        facets["definition"] = ", ".join(
            f"{quoted(column or 'an expression')}{' desc' if falling else ''}{'' if coll == 'BINARY' else f' collate {coll}'}"
            for column, falling, coll in parts
        )
        if partial or any(column is None for column, _, _ in parts):
            facets["text"] = one_line(texts["index", index].partition("(")[2])
        yield Entry("index", quoted(index), {key: value for key, value in facets.items() if value})


def _foreign_keys(connection: sqlite3.Connection, name: str, table: str) -> Iterator[Entry]:
    keys: dict[int, list[tuple[str, ...]]] = {}
    for number, _, *rest in connection.execute("SELECT * FROM pragma_foreign_key_list(?)", [name]):
        keys.setdefault(number, []).append(tuple(rest))
    for parts in keys.values():
        columns = ", ".join(quoted(part[1]) for part in parts)
        other = ", ".join(quoted(part[2]) for part in parts if part[2])
        target, _, _, update, delete, match = parts[0]
        definition = (
            f"references {quoted(target)} ({other}) on update {update} on delete {delete} match {match}".lower()
        )
        yield Entry(
            "constraint", f"{table}.foreign key ({columns}) to {quoted(target)}",
            {"on": table, "type": "foreign key", "columns": columns, "definition": definition},
        )  # fmt: skip


def _clauses(text: str) -> Iterator[str]:
    for match in _CLAUSES.finditer(text):
        if match["word"]:
            yield one_line(match["word"]).upper()
        elif match["check"]:
            yield f"{match['check'].split()[0].upper()} {one_line(_in_brackets(text, match.end()))}"


def _in_brackets(text: str, start: int) -> str:
    depth = 0
    for match in re.compile(r"'(?:[^']|'')*'|[()]").finditer(text, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return text[start : match.end()]
    return text[start:]
