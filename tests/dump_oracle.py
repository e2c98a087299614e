"""A second opinion on a migration's verdict: what `pg_dump` and plain SQL see before the up migration and after the down
migration. It shares no query with `shipway.drivers.scratch`."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest

import psycopg

from shipway.domain.errors import MigrationFailed
from shipway.domain.proof import (
    COLUMN_ORDER,
    COSMETIC,
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NOT_RESTORED,
    RESTORED,
    ROWS_ADDED,
)
from shipway.drivers.database.bare import BareFolder
from shipway.ports import OnLine

Dump = tuple[str, ...]
_END = "-- the end of this dump --"
_HEAD = re.compile(r"^-- (?:Data for )?Name: .*; Type: (?P<type>[^;]+); Schema: .*$", re.MULTILINE)
_NOISE = re.compile(r"^(?:--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(?:un)?restrict .*|)\n", re.MULTILINE)
_SPACE = re.compile(r"--[^\n]*|\s+")
_PEOPLES = "c.relkind = 'r' AND c.oid >= 16384 AND n.nspname !~ '^pg_|^information_schema$'"
_TABLES = f"""
SELECT c.oid::regclass::text, (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute a
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_PEOPLES} ORDER BY 1"""
_COUNTED = rf"""
SELECT s.name, c.oid::regclass::text, quote_ident(a.column_name), q.seqincrement
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN information_schema.columns a ON a.table_schema = n.nspname AND a.table_name = c.relname
CROSS JOIN LATERAL (SELECT CASE WHEN a.is_identity = 'YES' THEN pg_get_serial_sequence(c.oid::regclass::text, a.column_name)
  ELSE substring(a.column_default FROM $$^nextval\('(.*)'::regclass\)$$ || '$') END AS name) s
JOIN pg_sequence q ON q.seqrelid = to_regclass(s.name) WHERE {_PEOPLES} ORDER BY 1, 2, 3"""


class Dumps:
    """`pg_dump` in a server's container. One shell stays open: starting a command in a container takes longer than a dump."""

    def __init__(self, shell: subprocess.Popen[str]) -> None:
        self._shell = shell

    def schema(self, database: str) -> Dump:
        """The schema of a database, see `parts`."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"pg_dump --schema-only --username postgres '{database}' 2>&1; echo '{_END}'\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.strip() == _END:
                text = "".join(lines)
                assert "PostgreSQL database dump complete" in text, text
                return parts(text)
            lines.append(line)
        raise RuntimeError("the shell in the container ended")


@contextmanager
def dumping(container: str) -> Iterator[Dumps]:
    shell = subprocess.Popen(
        ["docker", "exec", "--interactive", container, "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Dumps(shell)
    finally:
        assert shell.stdin is not None
        shell.stdin.close()
        shell.wait()


def parts(dump: str) -> Dump:
    """The statements about each object, without settings and comments. Sorted, since their order follows dependencies; that
    of privileges follows history."""
    heads = [*_HEAD.finditer(dump)]
    found = []
    for head, following in zip_longest(heads, heads[1:]):
        end = following.start() if following else len(dump)
        lines = _NOISE.sub("", dump[head.end() + 1 : end]).splitlines()
        found.append("\n".join(sorted(lines) if head["type"].endswith("ACL") else lines))
    return tuple(sorted(found))


def without_order(dump: Dump) -> Dump:
    """A dump in which the order of a table's columns doesn't show: neither do its settings, which follow in that order."""
    table = re.compile(r"CREATE (?:UNLOGGED |FOREIGN )?TABLE ")
    return tuple(
        "\n".join(sorted(line.removesuffix(",") for line in part.splitlines())) if table.match(part) else part
        for part in dump
    )


def without_space(dump: Dump) -> Dump:
    """A dump in which white space and comments of functions don't show."""
    return tuple(_SPACE.sub("", part) if re.match("CREATE (?:FUNCTION|PROCEDURE) ", part) else part for part in dump)


@dataclass(frozen=True)
class Rows:
    """Of each table its columns in order, which a dump of an inherited table doesn't show, and the rows as text. Sequences that
    will repeat a value."""

    tables: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    repeats: tuple[str, ...] = ()


def read_rows(url: str, like: Rows | None = None) -> Rows:
    """All rows of a database, in the columns of `like` where it has them: those of the schema before."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = {}
        for table, columns in connection.execute(_TABLES.encode()).fetchall():
            columns = columns or []
            known = like.tables[table][0] if like is not None and table in like.tables else columns
            values = ", ".join(sorted(name for name in known if name in columns))
            query = f"SELECT ROW({values})::text FROM ONLY {table} ORDER BY 1"
            rows = tuple(text for (text,) in connection.execute(query.encode()))
            tables[table] = (tuple(columns), rows)
        repeats = []
        for sequence, table, column, step in connection.execute(_COUNTED.encode()).fetchall():
            passed = f"t.{column} {'>=' if step > 0 else '<='} s.last_value + s.is_called::int * ({step})"
            query = f"SELECT count(*) FROM {sequence} s, ONLY {table} t WHERE {passed}"
            repeats += [sequence] if connection.execute(query.encode()).fetchone() != (0,) else []
        return Rows(tables, tuple(repeats))


def alike(one: Dump, other: Dump) -> bool:
    return without_space(without_order(one)) == without_space(without_order(other))


@dataclass(frozen=True)
class State:
    """What is seen of a database."""

    dump: Dump
    rows: Rows


def look(dumps: Dumps, name: str, url: str, like: State | None = None) -> State:
    """Rows are not read where the schema differs from that of `like` already."""
    dump = dumps.schema(name)
    if like is None:
        return State(dump, read_rows(url))
    return State(dump, read_rows(url, like.rows) if alike(dump, like.dump) else Rows())


class Observed(BareFolder):
    """A folder of migrations that looks at the database after the down migration, unless it only repeats."""

    look_at: Callable[[], State] | None = None
    up_failed = down_failed = again_failed = ""
    after: State | None = None

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        try:
            super().up(on_line, to)
        except MigrationFailed as error:
            if self.after is None:
                self.up_failed = error.message
            else:
                self.again_failed = error.message
            raise

    def down(self, to: str | None, on_line: OnLine) -> None:
        try:
            super().down(to, on_line)
        except MigrationFailed as error:
            self.down_failed = error.message
            raise
        self.after = self.look_at() if self.look_at else None


def expected(before: State, tool: Observed, *, has_down: bool, after_up: Callable[[], Dump] | None) -> str:
    """The verdict that fits what was seen. `after_up` returns the dump between up and down; without it, a down migration that
    undoes nothing is not recognized."""
    if not has_down:
        return IRREVERSIBLE
    if tool.down_failed:
        return FAILS
    assert tool.after is not None
    after = tool.after
    if after_up is not None and before.dump != after.dump and after_up() == after.dump:
        return IRREVERSIBLE
    if tool.again_failed:
        return FAILS
    if not alike(before.dump, after.dump):
        return NOT_RESTORED
    if changed := lost(before.rows, after.rows):
        return ROWS_ADDED if all(only_added(before.rows, after.rows, name) for name in changed) else DATA_LOST
    moved = [table for table, seen in before.rows.tables.items() if after.rows.tables[table][0] != seen[0]]
    if moved or without_space(before.dump) != without_space(after.dump):
        return COLUMN_ORDER
    return COSMETIC if before.dump != after.dump else RESTORED


def lost(before: Rows, after: Rows) -> list[str]:
    """Tables whose rows differ, and sequences that began to repeat values."""
    tables = [
        table for table, seen in before.tables.items() if table not in after.tables or after.tables[table][1] != seen[1]
    ]
    return [*tables, *(name for name in after.repeats if name not in before.repeats)]


def only_added(before: Rows, after: Rows, table: str) -> bool:
    """False of a sequence."""
    return table in before.tables and Counter(before.tables[table][1]) <= Counter(after.tables[table][1])
