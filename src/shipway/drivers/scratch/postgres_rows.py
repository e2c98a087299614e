"""Generated rows, for targets whose own rows may not be copied.

Values come from `postgres_values.py` and from literals in a table's checks; the database itself selects those that
satisfy the checks. Tables are filled in the order of their foreign keys, each row in its own savepoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shipway.domain.catalog import Catalog
from shipway.domain.value import dataclass
from shipway.drivers.scratch.postgres_columns import Column, Tables
from shipway.drivers.scratch.postgres_needs import Needs, later, needs_of
from shipway.drivers.scratch.postgres_values import FORMS, values
from shipway.ports import Rejected, ScratchDatabase

_REPORT = "stays empty|"  # starts the notice about a table, followed by the table and the reason
_NO_VALUE = "no value satisfies its checks, or a trigger or rule takes the rows"
_TRIED = 4  # values tried for a column in a check with another column
_WRITTEN = {
    r"text|character|(?:.+\.)?citext": r".*",
    r"smallint|integer|bigint": r"-?\d{1,9}",
    r"numeric|real|double|money": r"-?\d{1,9}(?:\.\d+)?",
    r"date|timestamp": r"\d{4}-\d\d-\d\d.*",
    r"uuid": r"[0-9a-f-]{36}",
}


def fill(
    database: ScratchDatabase, catalog: Catalog, rows: int = 3, *, rejected: Rejected | None = None
) -> Mapping[str, str]:
    """Insert rows into every empty table; returns the tables that stay empty, with the reason. Inserts fewer rows than
    requested if a key has no more values. The last row is NULL in every nullable column.

    After `rejected` ones, the rows have the shape that the up migrations need, as far as their errors and the schema after
    them show it. ProofError if nothing can be written at all.
    """
    needs = needs_of(catalog, rejected) if rejected else Needs()
    writer = _Writer(Tables(later(catalog, rejected.changes) if rejected else catalog), rows, needs)
    blocks = [writer.block(table) for table in writer.tables.in_order()]
    notices = database.execute("SET CONSTRAINTS ALL IMMEDIATE;\n" + "\n".join(blocks)) if blocks else ()
    reports = [notice.partition(_REPORT)[2].partition("|") for notice in notices if _REPORT in notice]
    return {table: reason for table, _, reason in reports}


@dataclass(frozen=True)
class _Writer:
    """Generates the statements."""

    tables: Tables
    rows: int
    needs: Needs

    def block(self, table: str) -> str:
        """A plpgsql block that fills one table if it is empty, and reports why it stays empty."""
        columns = self.tables.columns(table)
        rows = 1 if table in self.needs.single else self.rows
        statements = [self._insert(table, columns, row) for row in range(rows)]
        source = table if self.tables.partitioned(table) else f"ONLY {table}"
        tries = "\n".join(
            f"BEGIN EXECUTE {_quote(text)}; EXCEPTION WHEN OTHERS THEN why := SQLERRM; END;" for text in statements
        )
        return f"""DO $shipway_rows$ DECLARE why text := {_quote(_NO_VALUE)}; BEGIN
IF EXISTS (SELECT FROM {source}) THEN RETURN; END IF;
{tries}
IF NOT EXISTS (SELECT FROM {source}) THEN RAISE NOTICE '%', {_quote(f"{_REPORT}{table}|")} || why; END IF;
END $shipway_rows$;"""

    def _insert(self, table: str, columns: Sequence[Column], row: int) -> str:
        """One row: the first possible values of the columns that satisfy all checks."""
        if not columns:
            return f"INSERT INTO {table} DEFAULT VALUES"
        names = {column.name for column in columns}
        together = [
            (about, text) for about, text in self.tables.checks(table) if len(about) > 1 and names.issuperset(about)
        ]
        sources = []
        for at, column in enumerate(columns):
            listed = ", ".join(f"({n}, {text})" for n, text in enumerate(self._candidates(table, columns, column, row)))
            limit = _TRIED if any(column.name in about for about, _ in together) else 1
            sources.append(
                f"(SELECT * FROM (VALUES {listed}) v (n{at}, {column.name}) {_where(_conditions(column))} ORDER BY n{at} LIMIT {limit}) s{at}"
            )
        return (
            f"INSERT INTO {table} ({', '.join(item.name for item in columns)}) "
            f"SELECT {', '.join(f'{item.name}::{item.config}' for item in columns)} FROM {' CROSS JOIN '.join(sources)} "
            f"{_where([text for _, text in together])} ORDER BY {' + '.join(f'n{at}' for at in range(len(columns)))} LIMIT 1"
        )

    def _candidates(self, table: str, columns: Sequence[Column], column: Column, row: int) -> Sequence[str]:
        """SQL expressions, the preferred one first."""
        nothing = [f"NULL::{column.type}"] if column.nullable else []
        if (to := column.reference) is None:
            found = self._texts(table, column, row)
        elif to.table == table and not row:  # no other row exists yet: refers to itself unless nullable
            return (
                nothing
                or [text for item in columns if item.name == to.key for text in self._texts(table, item, row)[:1]]
                or ["NULL"]
            )
        else:
            which = f"OFFSET (SELECT {row} % greatest(count(*), 1) FROM {to.table})"
            found = [f"(SELECT {to.key} FROM {to.table} ORDER BY {', '.join(to.keys)} {which} LIMIT 1)"]
        last = self.rows > 1 and row == self.rows - 1
        return [*nothing, *found] if last and self.needs.nulls else [*found, *nothing]

    def _texts(self, table: str, column: Column, row: int) -> list[str]:
        """Values of a column without a foreign key."""
        found = [self._value(table, column, row)]
        if column.checked:
            found += [self._value(table, column, other) for other in range(3) if other != row]
            found += _written(column, (*FORMS, *column.literals), row)
        return [*_written(column, column.bounds, row), *found]

    def _value(self, table: str, column: Column, row: int) -> str:
        text = self.needs.text((table, column.name), column.type, row)
        return self._expression(column.type, row) if text is None else f"{_quote(text)}::{column.type}"

    def _expression(self, type_: str, row: int) -> str:
        text = values(type_, row, small=self.needs.small, json=self.needs.json)
        if text is not None:
            return f"{_quote(text)}::{type_}"
        if type_.endswith("[]"):
            parts = [self._expression(type_.removesuffix("[]"), row + step) for step in range(2)]
            return f"ARRAY[{', '.join(parts)}]::{type_}"
        if labels := self.tables.labels(type_):
            return f"{_quote(labels[row % len(labels)])}::{type_}"
        attributes = self.tables.attributes(type_)
        if attributes is not None:
            return f"ROW({', '.join(self._expression(part, row) for part in attributes)})::{type_}"
        return f"{_quote(str(row + 1))}::{type_}"  # of an extension: perhaps it accepts a number


def _conditions(column: Column) -> Sequence[str]:
    """Its checks; those of the type that it becomes, of the value in that type."""
    cast = f"SELECT {column.name}::{column.becomes} AS {column.name}"
    return [*column.checks, *(f"(SELECT {text} FROM ({cast}) x)" for text in column.later)]


def _where(checks: Sequence[str]) -> str:
    """A check that is NULL passes."""
    return " AND ".join(["WHERE true", *(f"({text}) IS NOT FALSE" for text in checks)])


def _written(column: Column, texts: Sequence[str], row: int) -> list[str]:
    """The values valid for the column's type (an invalid one would abort the statement), rotated for each row."""
    forms = [form for type_, form in _WRITTEN.items() if re.match(type_, column.becomes or column.type)]
    fitting = [text for text in texts if any(re.fullmatch(form, text) for form in forms)]
    at = row % len(fitting) if fitting else 0
    return [f"{_quote(text)}::{column.type}" for text in (*fitting[at:], *fitting[:at])]


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
