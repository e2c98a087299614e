"""Statements whose time under a lock grows with the rows of a table, and how fast a server does their work."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

from shipway.domain.catalog import Catalog
from shipway.domain.server_log import Costly, TableSize
from shipway.drivers.server.postgres_scripts import ACCESS

REWRITE, SCAN, INDEX = "rewrite", "scan", "index"
ALL, WRITES, SOME = "ACCESS EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE"
ROWS = 40_000  # of the sample by which the rates are measured, about 5 MB
_WORD = r'(?:"[^"]+"|\w+)'
_NAME = rf"(?P<name>{_WORD}(?:\.{_WORD})?)"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_ALTER = re.compile(rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?{_NAME}\s*\*?\s+(?P<actions>.*)", re.I | re.S)
_INDEX = re.compile(
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY\b)(?:(?:IF\s+NOT\s+EXISTS\s+)?{_WORD}\s+)?ON\s+(?:ONLY\s+)?{_NAME}",
    re.I,
)
_TYPE = re.compile(rf"ALTER\s+(?:COLUMN\s+)?{_WORD}\s+(?:SET\s+DATA\s+)?TYPE\b", re.I)
_COLUMN = re.compile(r"ADD\s+(?!CONSTRAINT\b|CHECK\b|FOREIGN\b|UNIQUE\b|PRIMARY\b|EXCLUDE\b)", re.I)
_NOT_NULL = re.compile(rf"ALTER\s+(?:COLUMN\s+)?(?P<column>{_WORD})\s+SET\s+NOT\s+NULL", re.I)
_ADD = rf"ADD\s+(?:CONSTRAINT\s+{_WORD}\s+)?"
_FOREIGN, _CHECK = re.compile(_ADD + r"FOREIGN\s+KEY\b", re.I), re.compile(_ADD + r"CHECK\b", re.I)
_KEY = re.compile(_ADD + r"(?:UNIQUE|PRIMARY\s+KEY)\b(?!\s+USING\s+INDEX)", re.I)
_LATER = re.compile(r"\bNOT\s+VALID\b", re.I)
_ADVICE = {
    "column": "add the column without a default, set the default for new rows only, and fill the existing rows in batches",
    "type": "add a column of the new type, fill it in batches, and switch the code to it",
    "rewrite": "copy the rows to a new table in batches, and switch to it",
    "not null": "add CHECK (… IS NOT NULL) NOT VALID, run VALIDATE CONSTRAINT in a later migration, then SET NOT NULL",
    "foreign": "add the foreign key NOT VALID, and run VALIDATE CONSTRAINT in a later migration",
    "check": "add the constraint NOT VALID, and run VALIDATE CONSTRAINT in a later migration",
    "key": "create the index with CREATE UNIQUE INDEX CONCURRENTLY, then add the constraint USING INDEX",
    "index": "use CREATE INDEX CONCURRENTLY, outside a transaction",
}
# Prints `shipway-table NAME<tab>ROWS<tab>BYTES` for each table; rows are the planner's estimate, -1 if never analyzed.
TABLES = (
    ACCESS
    + r"""
psql -X -q -A -t -F "$(printf '\t')" -c "
  SELECT 'shipway-table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), greatest(c.reltuples, 0)::bigint,
    pg_table_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relpersistence <> 't'"
"""
)


def costly(statements: Sequence[str], before: Catalog, rewrites: Collection[str]) -> tuple[Costly, ...]:
    """Those on tables of the catalog `before` the migrations. rewrites: tables that were completely rewritten."""
    parts = [part.strip() for text in statements for part in _parts(_COMMENT.sub(" ", text), ";")]
    found: list[Costly] = []
    for index, part in enumerate(parts):
        if made := _INDEX.match(part):
            found += _on(before, made["name"], part, [(INDEX, WRITES, "index")])
        elif alter := _ALTER.match(part):
            table = _resolve(before, alter["name"])
            if table:
                known = [*_definitions(before, table), *parts[:index]]
                actions = [action.strip() for action in _parts(alter["actions"], ",")]
                works = [work for action in actions for work in _works(action, table in rewrites, known)]
                if table in rewrites and all(work != REWRITE for work, _, _ in works):
                    works = [*works, *_other_rewrites(actions)]
                found += _on(before, alter["name"], part, works)
    return tuple(dict.fromkeys(found))


def _works(action: str, rewritten: bool, known: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Work, lock and key of the advice."""
    if rewritten and _TYPE.match(action):
        yield REWRITE, ALL, "type"
    elif rewritten and _COLUMN.match(action) and re.search(r"\bDEFAULT\b|\bGENERATED\b|serial\b", action, re.I):
        yield REWRITE, ALL, "column"
    elif not_null := _NOT_NULL.match(action):
        if not _checked(not_null["column"], known):
            yield SCAN, ALL, "not null"
    elif _FOREIGN.match(action) and not _LATER.search(action):
        yield SCAN, SOME, "foreign"
    elif _CHECK.match(action) and not _LATER.search(action):
        yield SCAN, ALL, "check"
    elif _KEY.match(action):
        yield INDEX, ALL, "key"


def _other_rewrites(actions: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    if any(re.match(r"SET\s+(?:LOGGED|UNLOGGED|ACCESS|TABLESPACE)\b", action, re.I) for action in actions):
        yield REWRITE, ALL, "rewrite"


def _checked(column: str, known: Sequence[str]) -> bool:
    """Whether a validated constraint already proves that the column has no NULL: then nothing is scanned."""
    check = re.compile(rf"CHECK\s*\(+\s*{re.escape(column)}\s+IS\s+NOT\s+NULL\s*\)", re.I)
    found = [text for text in known if check.search(text)]
    validated = any(re.search(r"\bVALIDATE\s+CONSTRAINT\b", text, re.I) for text in known)
    return any(validated or not _LATER.search(text) for text in found)


def _definitions(before: Catalog, table: str) -> list[str]:
    return [
        entry.facets.get("definition", "")
        for entry in before.entries.values()
        if entry.kind == "constraint" and entry.facets.get("on") == table
    ]


def _on(before: Catalog, name: str, statement: str, works: Sequence[tuple[str, str, str]]) -> Iterator[Costly]:
    table = _resolve(before, name)
    if table:
        text = " ".join(statement.split())
        for work, lock, advice in works:
            yield Costly(table, work, lock, text, _ADVICE[advice])


def _resolve(before: Catalog, name: str) -> str:
    """The table's name in the catalog; empty if it is new, or the name is in several schemas but not in `public`."""
    written = ".".join(part if part.startswith('"') else part.lower() for part in re.findall(_WORD, name))
    candidates = [
        table for kind, table in before.entries if kind == "table" and written in (table, table.partition(".")[2])
    ]
    return next(
        (table for table in candidates if table == f"public.{written}"), candidates[0] if len(candidates) == 1 else ""
    )


def _parts(text: str, sign: str) -> Iterator[str]:
    """Split at signs outside parentheses and quotes."""
    depth, quote, start = 0, "", 0
    for index, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == sign and depth == 0:
            yield text[start:index]
            start = index + 1
    yield text[start:]


def sizes(output: str) -> dict[str, TableSize]:
    """Sizes by table, from the output of TABLES."""
    rows = [
        line.removeprefix("shipway-table ").split("\t")
        for line in output.splitlines()
        if line.startswith("shipway-table ")
    ]
    return {name: TableSize(int(count), int(size)) for name, count, size in rows}


def rates(url: str) -> Mapping[str, float]:
    """Bytes per second for each kind of work, measured in a scratch database."""
    from shipway.drivers.scratch.postgres_session import session  # not at the top: most commands prove nothing

    with session(url) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS public")
        connection.execute(
            f"CREATE TABLE public.sample AS SELECT n AS id, repeat('x', 100) AS text FROM generate_series(1, {ROWS}) n"
        )
        (size,) = connection.execute("SELECT pg_table_size('public.sample')").fetchone() or (0,)
        work = {
            SCAN: "ALTER TABLE public.sample ADD CHECK (id > 0)",
            INDEX: "CREATE INDEX ON public.sample (id)",
            REWRITE: "ALTER TABLE public.sample ALTER id TYPE bigint",
        }
        found = {}
        for kind, statement in work.items():
            began = time.monotonic()
            connection.execute(statement)
            found[kind] = size / max(time.monotonic() - began, 0.001)
    return found
