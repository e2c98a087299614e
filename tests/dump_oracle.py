"""A second opinion on a migration's verdict: what `pg_dump` and plain SQL see before the up migration and after the down
migration. It shares no query with `shipway.drivers.scratch`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from shipway.domain.errors import MigrationFailed
from shipway.domain.proof import COLUMN_ORDER, COSMETIC, DATA_LOST, FAILS, IRREVERSIBLE, NOT_RESTORED, RESTORED
from shipway.drivers.database.bare import BareFolder
from shipway.ports import OnLine

_END = "-- the end of this dump --"
_HEAD = re.compile(r"^-- (?:Data for )?Name: .*; Type: (?P<type>[^;]+); Schema: .*$", re.MULTILINE)
_NOISE = re.compile(r"^(?:--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(?:un)?restrict .*|)\n", re.MULTILINE)
_SPACE = re.compile(r"--[^\n]*|\s+")
_PEOPLES = "c.relkind = 'r' AND c.oid >= 16384 AND n.nspname !~ '^pg_|^information_schema$'"
_TABLES = f"""
SELECT c.oid::regclass::text, (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attname) FROM pg_attribute a
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_PEOPLES} ORDER BY 1"""
_COUNTED = f"""
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

    def schema(self, database: str) -> str:
        """The schema of a database as statements."""
        assert self._shell.stdin is not None and self._shell.stdout is not None
        self._shell.stdin.write(f"pg_dump --schema-only --username postgres '{database}' 2>&1; echo '{_END}'\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.strip() == _END:
                text = "".join(lines)
                assert "PostgreSQL database dump complete" in text, text
                return normal(text)
            lines.append(line)
        raise RuntimeError("the shell in the container ended")


@contextmanager
def dumping(container: str) -> Iterator[Dumps]:
    shell = subprocess.Popen(["docker", "exec", "--interactive", container, "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Dumps(shell)
    finally:
        assert shell.stdin is not None
        shell.stdin.close()
        shell.wait()


def normal(dump: str) -> str:
    """A dump without settings and comments. Its parts are sorted: their order follows dependencies and privileges."""
    heads = [*_HEAD.finditer(dump)]
    parts = []
    for head, end in zip(heads, [*(head.start() for head in heads[1:]), len(dump)], strict=True):
        lines = _NOISE.sub("", dump[head.end() + 1 : end]).splitlines()
        parts.append("\n".join(sorted(lines) if head["type"].endswith("ACL") else lines))
    return "\n".join(sorted(parts))


def without_order(dump: str) -> str:
    """A dump in which the order of a table's columns doesn't show."""
    found, columns = [], None
    for line in dump.splitlines():
        if columns is None and re.match(r"CREATE (?:UNLOGGED |FOREIGN )?TABLE .* \($", line):
            columns = []
        elif columns is not None and line.startswith(")"):
            found += sorted(columns)
            columns = None
        elif columns is not None:
            columns.append(line.removesuffix(","))
            continue
        found.append(line)
    return "\n".join(sorted(found))  # settings of columns follow in their order


@dataclass(frozen=True)
class Rows:
    """By table: its columns, and the rows as text. By sequence: whether it will repeat a value."""

    tables: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    repeats: tuple[str, ...] = ()


def read_rows(url: str, like: Rows | None = None) -> Rows:
    """All rows of a database, in the columns of `like` where it has them: those of the schema before."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = {}
        for table, columns in connection.execute(_TABLES.encode()).fetchall():
            columns = columns or []
            if like is not None and table in like.tables:
                columns = [name for name in like.tables[table][0] if name in columns]
            values = f"ROW({', '.join(columns)})::text"
            query = f"SELECT count(*), md5(string_agg(r, E'\\n' ORDER BY r)) FROM (SELECT {values} COLLATE \"C\" AS r FROM ONLY {table}) x"
            tables[table] = (tuple(columns), str(connection.execute(query.encode()).fetchone()))
        repeats = []
        for sequence, table, column, step in connection.execute(_COUNTED.encode()).fetchall():
            passed = f"t.{column} {'>=' if step > 0 else '<='} s.last_value + s.is_called::int * ({step})"
            query = f"SELECT count(*) FROM {sequence} s, ONLY {table} t WHERE {passed}"
            repeats += [sequence] if connection.execute(query.encode()).fetchone() != (0,) else []
        return Rows(tables, tuple(repeats))


@dataclass(frozen=True)
class State:
    """What is seen of a database."""

    dump: str
    rows: Rows


def look(dumps: Dumps, name: str, url: str, like: State | None = None) -> State:
    """Rows are not read where the schema differs from that of `like` already."""
    dump = dumps.schema(name)
    if like is None:
        return State(dump, read_rows(url))
    return State(dump, read_rows(url, like.rows) if without_order(dump) == without_order(like.dump) else Rows())


class Observed(BareFolder):
    """A folder of migrations that looks at the database after the down migration."""

    look_at: Callable[[], State]
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
        self.after = self.look_at()


def expected(before: State, tool: Observed, *, has_down: bool, after_up: Callable[[], str] | None) -> set[str]:
    """The verdicts that fit what was seen. `after_up` returns the dump between up and down; None: nothing is undone is
    not tested."""
    if not has_down:
        return {IRREVERSIBLE}
    if tool.down_failed:
        return {FAILS}
    assert tool.after is not None
    after = tool.after
    undone = after_up is None or before.dump == after.dump or after_up() != after.dump
    if not undone:
        return {IRREVERSIBLE}
    if tool.again_failed:
        return {FAILS}
    if without_order(before.dump) != without_order(after.dump):
        return {NOT_RESTORED, COSMETIC} if _SPACE.sub("", before.dump) == _SPACE.sub("", after.dump) else {NOT_RESTORED}
    if lost(before.rows, after.rows):
        return {DATA_LOST}
    return {COLUMN_ORDER} if before.dump != after.dump else {RESTORED}


def lost(before: Rows, after: Rows) -> list[str]:
    """Tables whose rows differ, and sequences that began to repeat values."""
    tables = [table for table, seen in before.tables.items() if after.tables.get(table) != seen]
    return [*tables, *(name for name in after.repeats if name not in before.repeats)]
