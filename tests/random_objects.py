"""Random objects of a PostgreSQL schema, for `tests/random_migrations.py`.

An object knows the statements that create and drop it, and the properties that another variant of it may have. Everything
that a migration can change is such an object: a table, a row, a column's default, a comment, a privilege.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

Item = TypeVar("Item")
ROLES = ("random_reader", "random_writer")
TO = (*ROLES, "PUBLIC")
# Values of each type, different ones first.
VALUES: Mapping[str, Sequence[str]] = {
    "integer": ("7", "-42", "2000000"),
    "text": ("'007'", "'mIxed Æ  '", "'o''clock'"),
    "varchar(20)": ("'a-slug-07'", "'B '", "'long enough'"),
    "boolean": ("true", "false"),
    "timestamptz": ("'2024-02-29 23:59:59.123456+01'", "'1969-12-31 00:00:00.5Z'", "'2038-01-20Z'"),
    "numeric(8,2)": ("1.25", "-0.10", "12345.67"),
    "jsonb": ("""'{"b": 1.50, "a": [null]}'""", "'[]'", """'{"A": "00"}'"""),
    "bigint": ("9007199254740993", "7", "-1"),
    "smallint": ("7", "-42", "30000"),
    "numeric": ("1.250", "-0.1", "12345678901234567.5"),
    "real": ("1.5", "-0.1", "1e6"),
    "double precision": ("1.5", "-0.1", "1e15"),
    "money": ("'12.34'", "'-0.01'", "'99999.99'"),
    "char(3)": ("'ab'", "'abc'", "'x'"),
    "date": ("'2024-02-29'", "'1969-12-31'", "'2038-01-20'"),
    "timestamp(0)": ("'2024-02-29 23:59:59'", "'1969-12-31 00:00:00'", "'2038-01-20 12:00:00'"),
    "time": ("'23:59:59.123456'", "'00:00:00.5'", "'12:00'"),
    "interval": ("'1 mon 2 days 03:04:05.678'", "'-00:00:00.5'", "'400 days'"),
    "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000001'", "'ffffffff-ffff-4fff-bfff-fffffffffffe'"),
    "json": ("""'{"b": 1, "a": [1.50], "b": 2}'""", "'[ ]'", "'null'"),
    "bytea": (r"'\x00ff'", r"'\x'", r"'\x41420a'"),
    "inet": ("'10.0.0.7/8'", "'::1'", "'192.168.1.255'"),
    "text[]": ("""'{"a b",NULL}'""", "'{}'", "'{x,Y}'"),
    "integer[]": ("'{1,2}'", "'{}'", "'{{3},{4}}'"),
    "int4range": ("'[1,5)'", "'[10,15)'", "'[20,)'"),
    "bit(4)": ("B'0101'", "B'1111'", "B'0001'"),
    "tsvector": ("""'''Fat'':2 ''cat'':3'""", "''", "'dog'"),
    "point": ("'(1.5,-2)'", "'(0,0)'", "'(1e6,0.1)'"),
}  # fmt: skip
PLAIN = (
    "integer",
    "text",
    "varchar(20)",
    "numeric(8,2)",
    "bigint",
    "date",
    "uuid",
    "timestamptz",
)  # ordered, with equality
NAMES = ("items", "users", '"Order"', '"odd name"', "select_1", "größe", "notes", "events")


@dataclass(frozen=True)
class Thing:
    """One object. Templates are filled from its properties, and from `name` (with its schema), `bare` (without) and
    `on`, the name of the object that it belongs to and disappears with."""

    kind: str
    name: str
    create: str
    drop: str
    on: Thing | None = None
    uses: tuple[Thing, ...] = ()  # others that must exist
    properties: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)  # all values of a property
    fixed: Mapping[str, str] = field(default_factory=dict)  # other words in the templates
    rename: str = ""  # a template with `new`
    address: str = ""  # in COMMENT ON, ALTER … OWNER TO
    grants: tuple[str, ...] = ()  # privileges that it has
    owned: bool = False  # an owner can be set
    replaceable: str = ""  # a template that changes its properties without dropping it first
    cells: tuple[str, ...] = ()  # a column's values by row; a row's values by column

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.name, self.on.name if self.on else ""

    @property
    def bare(self) -> str:
        return self.name.partition(".")[2] or self.name

    @property
    def schema(self) -> str:
        return f"{self.name.partition('.')[0]}." if "." in self.name else ""

    def fill(self, template: str, **words: str) -> str:
        on = self.on.name if self.on else ""
        return template.format(
            **{"name": self.name, "bare": self.bare, "on": on, **self.fixed, **self.properties, **words}
        )

    def needs(self) -> tuple[Thing, ...]:
        return (*((self.on,) if self.on else ()), *self.uses)


class Pick:
    """Random choices."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def one(self, items: Sequence[Item]) -> Item:
        return self._random.choice(items)

    def number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def often(self, share: float) -> bool:
        return self._random.random() < share

    def other(self, items: Sequence[Item], than: Item) -> Item:
        return self.one([item for item in items if item != than] or list(items))


@dataclass
class World:
    """The objects of a schema, in the order of their creation."""

    things: list[Thing] = field(default_factory=list)
    names: int = 0

    def of(self, *kinds: str) -> list[Thing]:
        return [thing for thing in self.things if thing.kind in kinds]

    def on(self, thing: Thing, *kinds: str) -> list[Thing]:
        return [other for other in self.of(*kinds) if other.on and other.on.key == thing.key]

    def dependents(self, *roots: Thing) -> list[Thing]:
        """Everything that needs one of these, directly or not, in the order of creation."""
        found = {root.key for root in roots}
        result = []
        for thing in self.things:
            if thing.key not in found and any(other.key in found for other in thing.needs()):
                found.add(thing.key)
                result.append(thing)
        return result

    def new_name(self, pick: Pick, schema: str = "") -> str:
        self.names += 1
        word = pick.one(NAMES)
        return f'{schema}{word[:-1]}_{self.names}"' if word.endswith('"') else f"{schema}{word}_{self.names}"


Maker = Callable[[Pick, World], Thing | None]


def made(pick: Pick, kind: str, name: str, create: str, drop: str, options: Mapping[str, Sequence[str]] | None = None, **more: Any) -> Thing:  # fmt: skip
    """A thing with a choice of its properties."""
    options = options or {}
    chosen = {key: pick.one(values) for key, values in options.items()}
    return Thing(kind, name, create, drop, properties=chosen, options=options, **more)


def chosen(pick: Pick, things: Sequence[Thing]) -> Thing | None:
    return pick.one(things) if things else None


# Tables, columns and rows


def _schema(pick: Pick, world: World) -> Thing:
    return made(
        pick, "SCHEMA", world.new_name(pick), "CREATE SCHEMA {name}{owner}", "DROP SCHEMA {name}",
        {"owner": ("", f" AUTHORIZATION {ROLES[0]}")}, rename="ALTER SCHEMA {name} RENAME TO {new}", address="SCHEMA {name}", owned=True,
        grants=("USAGE", "CREATE"),
    )  # fmt: skip


def _placed(pick: Pick, world: World) -> dict[str, Any]:
    """A new name, and the schema that it needs."""
    where = pick.one(world.of("SCHEMA")) if world.of("SCHEMA") and pick.often(0.3) else None
    return {"name": world.new_name(pick, f"{where.name}." if where else ""), "uses": (where,) if where else ()}


KEYS = ("id integer PRIMARY KEY", "id bigint PRIMARY KEY", "id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "id integer GENERATED ALWAYS AS IDENTITY (START 50) PRIMARY KEY", "id integer NOT NULL", "id serial PRIMARY KEY")  # fmt: skip
_TABLE = {"address": "TABLE {name}", "owned": True, "grants": ("SELECT", "INSERT", "ALL"), "rename": "ALTER TABLE {name} RENAME TO {new}"}  # fmt: skip


def _table(pick: Pick, world: World) -> Thing:
    options = {"key": KEYS, "persistence": ("", "", "", "UNLOGGED "), "with": ("", "", "", " WITH (fillfactor = 70)")}
    return made(pick, "TABLE", create="CREATE {persistence}TABLE {name} ({key}){with}", drop="DROP TABLE {name}",
                options=options, **_placed(pick, world), **_TABLE)  # fmt: skip


def _child(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("TABLE"))
    return on and made(
        pick, "CHILD", world.new_name(pick), "CREATE TABLE {name} ({extra}) INHERITS ({parent})", "DROP TABLE {name}",
        {"extra": ("", "extra text", "extra text NOT NULL DEFAULT 'x'")}, uses=(on,), fixed={"parent": on.name}, **_TABLE,
    )  # fmt: skip


BY = {"RANGE (part)": ("FROM (0) TO (10)", "FROM (10) TO (20)", "FROM (20) TO (MAXVALUE)"), "LIST (part)": ("IN (0, 5)", "IN (15)", "IN (25, NULL)"),
      "HASH (part)": ("WITH (MODULUS 2, REMAINDER 0)", "WITH (MODULUS 2, REMAINDER 1)")}  # fmt: skip


def _partitioned(pick: Pick, world: World) -> Thing:
    return made(pick, "PARTITIONED", create="CREATE TABLE {name} (id integer NOT NULL, part integer) PARTITION BY {by}", drop="DROP TABLE {name}",
                options={"by": tuple(BY)}, **_placed(pick, world), **_TABLE)  # fmt: skip


def _partition(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("PARTITIONED"))
    if on is None:
        return None
    taken = {thing.properties["bounds"] for thing in world.on(on, "PARTITION")}
    bounds = [text for text in BY[on.properties["by"]] if text not in taken]
    return made(
        pick, "PARTITION", world.new_name(pick), "CREATE TABLE {name} PARTITION OF {on} FOR VALUES {bounds}", "DROP TABLE {name}",
        {"bounds": bounds}, on=on, **_TABLE,
    ) if bounds else None  # fmt: skip


def _column(pick: Pick, world: World) -> Thing | None:
    """A column, with values for some rows."""
    on = chosen(pick, world.of("TABLE", "PARTITIONED"))
    if on is None:
        return None
    own = world.of("ENUM", "DOMAIN", "COMPOSITE")
    custom = pick.one(own) if own and pick.often(0.4) else None
    values = custom.cells if custom else VALUES[type_] if (type_ := pick.one(tuple(VALUES))) else ()
    type_ = custom.name if custom else type_
    cells = [values[at % len(values)] for at in range(3)]
    if pick.often(0.3):
        cells[1] = "NULL"
    options = {"type": (type_, *(other for other in ("text", "integer") if other != type_))}
    if type_ in ("text", "varchar(20)") and pick.often(0.2):
        type_ += ' COLLATE "C"'
    return Thing(
        "COLUMN", world.new_name(pick), "ALTER TABLE {on} ADD COLUMN {name} {type}", "ALTER TABLE {on} DROP COLUMN {name}", on,
        uses=(custom,) if custom else (), properties={"type": type_}, options=options,
        rename="ALTER TABLE {on} RENAME COLUMN {name} TO {new}", address="COLUMN {on}.{name}", cells=tuple(cells),
    )  # fmt: skip


def _filled_column(pick: Pick, world: World) -> Thing | None:
    """A column that the database fills."""
    on = chosen(pick, world.of("TABLE"))
    kinds = (
        "bigint GENERATED ALWAYS AS (id * 2) STORED",
        "bigint GENERATED ALWAYS AS (id + 1) STORED",
        "bigserial",
        "smallserial",
    )
    return on and made(
        pick, "FILLED", world.new_name(pick), "ALTER TABLE {on} ADD COLUMN {name} {as}", "ALTER TABLE {on} DROP COLUMN {name}",
        {"as": kinds}, on=on, rename="ALTER TABLE {on} RENAME COLUMN {name} TO {new}", address="COLUMN {on}.{name}",
    )  # fmt: skip


def _row(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("TABLE", "PARTITIONED"))
    return on and row_of(pick, world, on)


def row_of(pick: Pick, world: World, on: Thing) -> Thing | None:
    """The next row of a table."""
    number, columns = 1 + len(world.on(on, "ROW")), world.on(on, "COLUMN")
    cells = [thing.cells[(number - 1) % 3] for thing in columns]
    cells = [
        thing.cells[0] if cell == "NULL" and world.on(thing, "NOT NULL") else cell
        for thing, cell in zip(columns, cells, strict=True)
    ]
    names = ["id", *(thing.name for thing in columns)]
    uses: tuple[Thing, ...] = ()
    if on.kind == "PARTITIONED":
        uses = tuple(world.on(on, "PARTITION"))
        if {thing.properties["bounds"] for thing in uses} != set(BY[on.properties["by"]]):
            return None
        names, cells = [*names, "part"], [*cells, str((5, 15, 25)[(number - 1) % 3])]
    return Thing(
        "ROW", str(number), "INSERT INTO {on} ({names}) OVERRIDING SYSTEM VALUE VALUES ({cells})", "DELETE FROM {on} WHERE id = {name}",
        on, uses, fixed={"names": ", ".join(names), "cells": ", ".join([str(number), *cells])}, cells=tuple(cells),
    )  # fmt: skip


# Properties of a column


def _set(
    kind: str, create: str, drop: str, options: Mapping[str, Sequence[str]], on: Thing, pick: Pick, **more: Any
) -> Thing:
    """A property of an object, which is changed without dropping it first."""
    return made(pick, kind, "", create, drop, options, on=on, replaceable=create, **more)


def _plain(pick: Pick, world: World, types: Sequence[str] = PLAIN) -> Thing | None:
    """A column of a usual type."""
    return chosen(
        pick,
        [
            thing
            for thing in world.of("COLUMN")
            if thing.properties["type"] in types and thing.on and thing.on.kind == "TABLE"
        ],
    )


def _default(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("COLUMN"))
    if on is None or world.on(on, "DEFAULT"):
        return None
    values = [cell for cell in on.cells if cell != "NULL"]
    volatile = {
        "timestamptz": ["now()", "clock_timestamp()"],
        "uuid": ["gen_random_uuid()"],
        "date": ["CURRENT_DATE"],
        "text": ["CURRENT_USER"],
    }
    values += volatile.get(on.properties["type"], [])
    return _set(
        "DEFAULT", _alter("SET DEFAULT {value}"), _alter("DROP DEFAULT"), {"value": values}, on, pick, **_table_of(on)
    )


def _table_of(on: Thing) -> dict[str, Any]:
    assert on.on is not None
    return {"fixed": {"table": on.on.name}}


def _alter(what: str) -> str:
    return f"ALTER TABLE {{table}} ALTER COLUMN {{on}} {what}"


def _not_null(pick: Pick, world: World) -> Thing | None:
    on = chosen(
        pick, [thing for thing in world.of("COLUMN") if "NULL" not in thing.cells and not world.on(thing, "NOT NULL")]
    )
    return on and _set("NOT NULL", _alter("SET NOT NULL"), _alter("DROP NOT NULL"), {}, on, pick, **_table_of(on))


def _column_setting(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("COLUMN"))
    if on is None:
        return None
    kinds = [
        ("STATISTICS", "SET STATISTICS {n}", "SET STATISTICS -1", {"n": ("0", "50", "1000")}),
        ("OPTIONS", "SET (n_distinct = {n})", "RESET (n_distinct)", {"n": ("5", "-0.5")}),
    ]
    if on.properties["type"] in ("text", "varchar(20)", "jsonb", "json", "bytea", "text[]"):
        kinds += [
            ("STORAGE", "SET STORAGE {n}", "SET STORAGE EXTENDED", {"n": ("EXTERNAL", "PLAIN", "MAIN")}),
            ("COMPRESSION", "SET COMPRESSION {n}", "SET COMPRESSION DEFAULT", {"n": ("pglz", "lz4")}),
        ]
    kind, create, drop, options = pick.one(kinds)
    return None if world.on(on, kind) else _set(kind, _alter(create), _alter(drop), options, on, pick, **_table_of(on))


# Constraints and indexes


def _constraint(
    pick: Pick, world: World, kind: str, text: str, options: Mapping[str, Sequence[str]], column: Thing, **more: Any
) -> Thing:
    assert column.on is not None
    fixed = {"column": column.name, **more.pop("fixed", {})}
    return made(
        pick, kind, world.new_name(pick), f"ALTER TABLE {{on}} ADD CONSTRAINT {{name}} {text}", "ALTER TABLE {on} DROP CONSTRAINT {name}",
        options, on=column.on, uses=(column, *more.pop("uses", ())), fixed=fixed, rename="ALTER TABLE {on} RENAME CONSTRAINT {name} TO {new}",
        address="CONSTRAINT {name} ON {on}", **more,
    )  # fmt: skip


def _check(pick: Pick, world: World) -> Thing | None:
    column = _plain(pick, world)
    if column is None:
        return None
    texts = {"text": ("length({0}) < 100", "{0} <> ''"), "varchar(20)": ("length({0}) > 1", "{0} <> 'gone'"), "uuid": ("{0} IS NOT NULL OR true",),
             "date": ("{0} > '1900-01-01'", "{0} < '2100-01-01'"), "timestamptz": ("{0} > '1900-01-01Z'",)}  # fmt: skip
    texts.update(
        dict.fromkeys(("integer", "bigint", "numeric(8,2)"), ("{0} > -100", "{0} <> 5", "{0} IS NULL OR {0} >= -42"))
    )
    checks = [text.format(column.name) for text in texts[column.properties["type"]]]
    return _constraint(
        pick,
        world,
        "CHECK",
        "CHECK ({check}){validity}",
        {"check": checks, "validity": ("", " NOT VALID", " NO INHERIT")},
        column,
    )


def _unique(pick: Pick, world: World) -> Thing | None:
    column = _plain(pick, world)
    options = {"nulls": ("", " NULLS NOT DISTINCT"), "extra": ("", ", id"), "include": ("", " INCLUDE (id)"),
               "when": ("", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED")}  # fmt: skip
    return column and _constraint(
        pick, world, "UNIQUE", "UNIQUE{nulls} ({column}{extra}){include}{when}", options, column
    )


def _exclude(pick: Pick, world: World) -> Thing | None:
    column = _plain(pick, world, ("integer", "date", "int4range", "text"))
    if column is None:
        return None
    ranges = column.properties["type"] == "int4range"
    options = {"how": ("USING gist ({0} WITH &&)",) if ranges else ("USING btree ({0} WITH =)", "USING btree ({0} WITH =, id WITH =)"),
               "where": ("", " WHERE (id > 0)")}  # fmt: skip
    options["how"] = tuple(text.format(column.name) for text in options["how"])
    return _constraint(pick, world, "EXCLUDE", "EXCLUDE {how}{where}", options, column)


def _foreign_key(pick: Pick, world: World) -> Thing | None:
    """From a table's key to another's, which has as many rows."""
    targets = [
        thing
        for thing in world.of("TABLE")
        if "PRIMARY" in thing.properties["key"] and thing.properties["persistence"] == ""
    ]
    target, on = chosen(pick, targets), chosen(pick, world.of("TABLE"))
    if target is None or on is None or on.key == target.key or len(world.on(on, "ROW")) > len(world.on(target, "ROW")):
        return None
    options = {"delete": ("", " ON DELETE CASCADE", " ON DELETE RESTRICT"), "update": ("", " ON UPDATE CASCADE"),
               "when": ("", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED", " NOT VALID")}  # fmt: skip
    return made(
        pick, "FOREIGN KEY", world.new_name(pick), "ALTER TABLE {on} ADD CONSTRAINT {name} FOREIGN KEY (id) REFERENCES {to} (id){delete}{update}{when}",
        "ALTER TABLE {on} DROP CONSTRAINT {name}", options, on=on, uses=(target, *world.on(target, "ROW")), fixed={"to": target.name},
        rename="ALTER TABLE {on} RENAME CONSTRAINT {name} TO {new}", address="CONSTRAINT {name} ON {on}",
    )  # fmt: skip


def _index(pick: Pick, world: World) -> Thing | None:
    columns = [
        thing
        for thing in world.of("COLUMN")
        if thing.properties["type"] in (*PLAIN, "jsonb", "int4range", "tsvector", "point", "text[]")
    ]
    column = chosen(pick, columns)
    if column is None or column.on is None:
        return None
    type_, name = column.properties["type"], column.name
    keys = [
        f"btree ({name})",
        f"btree ({name} DESC)",
        f"btree ({name}, id)",
        f"btree (id, {name} NULLS FIRST)",
        f"hash ({name})",
    ]
    if type_ in ("text", "varchar(20)"):
        keys += [f"btree (lower({name}))", f"btree ({name} text_pattern_ops)", f'btree ({name} COLLATE "C")']
    elif type_ in ("jsonb", "text[]", "tsvector"):
        keys = [f"gin ({name})", f"gin ({name}) WITH (fastupdate = off)"]
    elif type_ in ("int4range", "point"):
        keys = [f"gist ({name})", f"spgist ({name})"]
    options: dict[str, Sequence[str]] = {
        "key": keys,
        "where": ("", " WHERE id > 0", f" WHERE {name} IS NOT NULL"),
        "unique": ("",),
    }
    if type_ in PLAIN and column.on.kind == "TABLE":
        options |= (
            {"key": keys[:4], "include": ("", " INCLUDE (id)"), "unique": ("", "UNIQUE ")} if pick.often(0.4) else {}
        )
    schema = column.on.schema
    return made(
        pick, "INDEX", world.new_name(pick, schema), "CREATE {unique}INDEX {bare} ON {on} USING {key}{include}{where}", "DROP INDEX {name}",
        {"include": ("",), **options}, on=column.on, uses=(column,), rename="ALTER INDEX {name} RENAME TO {new}", address="INDEX {name}",
    )  # fmt: skip


def _index_setting(pick: Pick, world: World) -> Thing | None:
    plain = [
        thing
        for thing in world.of("INDEX")
        if "btree" in thing.properties["key"] and "lower" not in thing.properties["key"]
    ]
    on = chosen(pick, plain)
    return None if on is None or world.on(on, "INDEX SETTING") else _set(
        "INDEX SETTING", "ALTER INDEX {on} SET (fillfactor = {n})", "ALTER INDEX {on} RESET (fillfactor)", {"n": ("50", "70")}, on, pick
    )  # fmt: skip


def _index_statistics(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, [thing for thing in world.of("INDEX") if "lower" in thing.properties["key"]])
    return None if on is None or world.on(on, "INDEX STATISTICS") else _set(
        "INDEX STATISTICS", "ALTER INDEX {on} ALTER COLUMN 1 SET STATISTICS {n}", "ALTER INDEX {on} ALTER COLUMN 1 SET STATISTICS -1",
        {"n": ("50", "700")}, on, pick,
    )  # fmt: skip


def _statistics(pick: Pick, world: World) -> Thing | None:
    column = _plain(pick, world)
    if column is None or column.on is None:
        return None
    options = {
        "kinds": ("", " (ndistinct)", " (dependencies, mcv)"),
        "table": (column.on.name,),
        "columns": (f"id, {column.name}", f"{column.name}, id"),
    }
    return made(
        pick, "STATISTICS OBJECT", world.new_name(pick), "CREATE STATISTICS {name}{kinds} ON {columns} FROM {table}", "DROP STATISTICS {name}",
        options, uses=(column.on, column), rename="ALTER STATISTICS {name} RENAME TO {new}", address="STATISTICS {name}", owned=True,
    )  # fmt: skip


def _statistics_target(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("STATISTICS OBJECT"))
    return None if on is None or world.on(on, "STATISTICS TARGET") else _set(
        "STATISTICS TARGET", "ALTER STATISTICS {on} SET STATISTICS {n}", "ALTER STATISTICS {on} SET STATISTICS -1", {"n": ("10", "500")}, on, pick
    )  # fmt: skip


# Settings of a table


def _table_setting(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("TABLE"))
    if on is None:
        return None
    kinds: list[tuple[str, str, str, Mapping[str, Sequence[str]]]] = [
        ("FILLFACTOR", "SET (fillfactor = {n})", "RESET (fillfactor)", {"n": ("50", "90")}),
        ("AUTOVACUUM", "SET (autovacuum_enabled = {n})", "RESET (autovacuum_enabled)", {"n": ("false", "true")}),
        ("TOAST", "SET (toast.autovacuum_enabled = {n})", "RESET (toast.autovacuum_enabled)", {"n": ("false", "true")}),
        ("REPLICA IDENTITY", "REPLICA IDENTITY {n}", "REPLICA IDENTITY DEFAULT", {"n": ("FULL", "NOTHING")}),
        ("ROW SECURITY", "ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY", {}),
        ("FORCED", "FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY", {}),
    ]  # fmt: skip
    kind, create, drop, options = pick.one(kinds)
    if kind in ("FILLFACTOR", "TOAST") and (
        on.properties["with"] or not any(thing.properties["type"] == "text" for thing in world.on(on, "COLUMN"))
    ):
        return None
    return (
        None
        if world.on(on, kind)
        else _set(kind, f"ALTER TABLE {{on}} {create}", f"ALTER TABLE {{on}} {drop}", options, on, pick)
    )


def _clustered(pick: Pick, world: World) -> Thing | None:
    index = chosen(
        pick,
        [
            thing
            for thing in world.of("INDEX")
            if "btree" in thing.properties["key"]
            and not thing.properties["where"]
            and thing.on
            and thing.on.kind == "TABLE"
        ],
    )
    if index is None or index.on is None or world.on(index.on, "CLUSTERED"):
        return None
    return _set("CLUSTERED", "ALTER TABLE {on} CLUSTER ON {index}", "ALTER TABLE {on} SET WITHOUT CLUSTER", {}, index.on, pick, uses=(index,), fixed={"index": index.bare})  # fmt: skip


def _policy(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("TABLE"))
    options = {"as": ("", " AS RESTRICTIVE"), "for": ("", " FOR SELECT", " FOR DELETE"), "to": ("", f" TO {ROLES[0]}", f" TO {ROLES[0]}, {ROLES[1]}"),
               "using": ("true", "id > 5", "current_user = 'x'")}  # fmt: skip
    return on and made(
        pick, "POLICY", world.new_name(pick), "CREATE POLICY {name} ON {on}{as}{for}{to} USING ({using})", "DROP POLICY {name} ON {on}", options,
        on=on, rename="ALTER POLICY {name} ON {on} RENAME TO {new}", address="POLICY {name} ON {on}",
    )  # fmt: skip


def _rule(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("TABLE"))
    options = {"event": ("INSERT", "DELETE"), "action": ("ALSO NOTIFY a", "ALSO NOTIFY b")}
    return on and made(
        pick, "RULE", world.new_name(pick), "CREATE RULE {name} AS ON {event} TO {on} DO {action}", "DROP RULE {name} ON {on}", options,
        on=on, rename="ALTER RULE {name} ON {on} RENAME TO {new}", address="RULE {name} ON {on}",
    )  # fmt: skip


# Views, functions and triggers


def _view(pick: Pick, world: World) -> Thing | None:
    column = chosen(pick, world.of("COLUMN"))
    if column is None or column.on is None:
        return None
    name = column.name
    placed = _placed(pick, world)
    options = {
        "columns": (f"id, {name}", f"{name}, id", f"id AS key, {name} AS v"),
        "table": (column.on.name,),
        "where": ("", " WHERE id > 0", f" WHERE {name} IS NOT NULL"),
    }
    more: dict[str, Any] = {
        "owned": True,
        "grants": ("SELECT",),
        "uses": (column.on, column, *placed["uses"]),
        "name": placed["name"],
    }
    if pick.often(0.3):
        return made(
            pick, "MATERIALIZED VIEW", create="CREATE MATERIALIZED VIEW {name} AS SELECT {columns} FROM {table}{where}", drop="DROP MATERIALIZED VIEW {name}",
            options=options, address="MATERIALIZED VIEW {name}", rename="ALTER MATERIALIZED VIEW {name} RENAME TO {new}", **more,
        )  # fmt: skip
    options |= {"with": ("", " WITH (security_barrier)", " WITH (check_option=local)")}
    return made(
        pick, "VIEW", create="CREATE VIEW {name}{with} AS SELECT {columns} FROM {table}{where}", drop="DROP VIEW {name}", options=options,
        address="VIEW {name}", rename="ALTER VIEW {name} RENAME TO {new}", **more,
    )  # fmt: skip


def _function(pick: Pick, world: World) -> Thing:
    options = {
        "body": ("SELECT a + 1", "SELECT a + 2", "SELECT  a + 1", "SELECT a + 1 -- one more"), "default": ("", " DEFAULT 7"),
        "volatile": ("", " IMMUTABLE", " STABLE"), "strict": ("", " STRICT"), "security": ("", " SECURITY DEFINER"), "cost": ("", " COST 7"),
        "parallel": ("", " PARALLEL SAFE"), "set": ("", " SET search_path = public", " SET work_mem = '1MB'"), "leakproof": ("", " LEAKPROOF"),
    }  # fmt: skip
    text = "FUNCTION {name}(a integer{default}) RETURNS integer LANGUAGE sql{volatile}{strict}{security}{cost}{parallel}{set}{leakproof} AS $$ {body} $$"
    return made(
        pick, "FUNCTION", create=f"CREATE {text}", drop="DROP FUNCTION {name}(integer)", options=options, rename="ALTER FUNCTION {name}(integer) RENAME TO {new}",
        address="FUNCTION {name}(integer)", owned=True, grants=("EXECUTE",), **_placed(pick, world),
    )  # fmt: skip


def _revoked(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("FUNCTION"))
    return None if on is None or world.on(on, "REVOKED") else _set(
        "REVOKED", "REVOKE EXECUTE ON FUNCTION {on}(integer) FROM PUBLIC", "GRANT EXECUTE ON FUNCTION {on}(integer) TO PUBLIC", {}, on, pick
    )  # fmt: skip


def _procedure(pick: Pick, world: World) -> Thing:
    return made(
        pick, "PROCEDURE", create="CREATE PROCEDURE {name}(INOUT a integer{default}) LANGUAGE plpgsql AS $$ BEGIN {body}; END $$", drop="DROP PROCEDURE {name}(integer)",
        options={"default": ("", " DEFAULT 1"), "body": ("a := 1", "a := 2")}, rename="ALTER PROCEDURE {name}(integer) RENAME TO {new}",
        address="PROCEDURE {name}(integer)", owned=True, **_placed(pick, world),
    )  # fmt: skip


def _aggregate(pick: Pick, world: World) -> Thing:
    return made(
        pick, "AGGREGATE", create="CREATE AGGREGATE {name}(integer) (SFUNC = {step}, STYPE = integer{initial}{parallel})", drop="DROP AGGREGATE {name}(integer)",
        options={"step": ("int4pl", "int4larger", "int4mul"), "initial": ("", ", INITCOND = '0'", ", INITCOND = '1'"), "parallel": ("", ", PARALLEL = SAFE")},
        rename="ALTER AGGREGATE {name}(integer) RENAME TO {new}", address="AGGREGATE {name}(integer)", owned=True, **_placed(pick, world),
    )  # fmt: skip


def _trigger_function(pick: Pick, world: World) -> Thing:
    return made(
        pick, "TRIGGER FUNCTION", create="CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN {result}; END $$",
        drop="DROP FUNCTION {name}()", options={"result": ("coalesce(NEW, OLD)", "COALESCE(NEW, OLD)")}, rename="ALTER FUNCTION {name}() RENAME TO {new}",
        address="FUNCTION {name}()", owned=True, **_placed(pick, world),
    )  # fmt: skip


def _trigger(pick: Pick, world: World) -> Thing | None:
    on, calls = chosen(pick, world.of("TABLE")), chosen(pick, world.of("TRIGGER FUNCTION"))
    if on is None or calls is None:
        return None
    options = {"when": ("BEFORE INSERT", "AFTER UPDATE", "BEFORE INSERT OR UPDATE OF id", "AFTER DELETE"), "each": ("FOR EACH ROW", "FOR EACH STATEMENT"),
               "arguments": ("", "'a'"), "constraint": ("",)}  # fmt: skip
    if pick.often(0.2):
        options |= {
            "constraint": ("CONSTRAINT ",),
            "when": ("AFTER INSERT", "AFTER UPDATE"),
            "each": ("DEFERRABLE FOR EACH ROW", "FOR EACH ROW WHEN (NEW.id > 0)"),
        }
    return made(
        pick, "TRIGGER", world.new_name(pick), "CREATE {constraint}TRIGGER {name} {when} ON {on} {each} EXECUTE FUNCTION {calls}({arguments})",
        "DROP TRIGGER {name} ON {on}", options, on=on, uses=(calls,), fixed={"calls": calls.name}, rename="ALTER TRIGGER {name} ON {on} RENAME TO {new}",
        address="TRIGGER {name} ON {on}",
    )  # fmt: skip


def _trigger_state(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("TRIGGER"))
    if on is None or world.on(on, "TRIGGER STATE"):
        return None
    return _set("TRIGGER STATE", "ALTER TABLE {table} {state} TRIGGER {on}", "ALTER TABLE {table} ENABLE TRIGGER {on}",
                {"state": ("DISABLE", "ENABLE REPLICA", "ENABLE ALWAYS")}, on, pick, **_table_of(on))  # fmt: skip


# Types and sequences


def _enum(pick: Pick, world: World) -> Thing:
    return made(
        pick, "ENUM", create="CREATE TYPE {name} AS ENUM ({labels})", drop="DROP TYPE {name}",
        options={"labels": ("'new', 'it''s Paid', 'done'", "'done', 'it''s Paid', 'new'", "'new', 'it''s Paid', 'done', 'more'")},
        rename="ALTER TYPE {name} RENAME TO {new}", address="TYPE {name}", owned=True, grants=("USAGE",), cells=("'new'", "'it''s Paid'", "'done'"), **_placed(pick, world),
    )  # fmt: skip


def _domain(pick: Pick, world: World) -> Thing:
    options = {"type": ("text", "varchar(30)"), "default": ("", " DEFAULT 'a'", " DEFAULT 'b'"), "check": ("", " CHECK (VALUE <> '')", " CHECK (length(VALUE) < 20)"),
               "collation": ("", "", ' COLLATE "C"')}  # fmt: skip
    return made(
        pick, "DOMAIN", create="CREATE DOMAIN {name} AS {type}{collation}{default}{check}", drop="DROP DOMAIN {name}", options=options,
        rename="ALTER DOMAIN {name} RENAME TO {new}", address="DOMAIN {name}", owned=True, grants=("USAGE",), cells=("'a'", "'B '", "'007'"), **_placed(pick, world),
    )  # fmt: skip


def _domain_property(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("DOMAIN"))
    if on is None:
        return None
    if pick.often(0.6):
        return made(
            pick, "DOMAIN CHECK", world.new_name(pick), "ALTER DOMAIN {on} ADD CONSTRAINT {name} CHECK ({check}){validity}", "ALTER DOMAIN {on} DROP CONSTRAINT {name}",
            {"check": ("VALUE <> 'gone'", "length(VALUE) > 0"), "validity": ("", " NOT VALID")}, on=on, address="CONSTRAINT {name} ON DOMAIN {on}",
            rename="ALTER DOMAIN {on} RENAME CONSTRAINT {name} TO {new}",
        )  # fmt: skip
    return None if world.on(on, "DOMAIN DEFAULT") or on.properties["default"] else _set(
        "DOMAIN DEFAULT", "ALTER DOMAIN {on} SET DEFAULT {n}", "ALTER DOMAIN {on} DROP DEFAULT", {"n": ("'x'", "'y'")}, on, pick
    )  # fmt: skip


def _composite(pick: Pick, world: World) -> Thing:
    return made(
        pick, "COMPOSITE", create="CREATE TYPE {name} AS ({attributes})", drop="DROP TYPE {name}",
        options={"attributes": ("street text, zip integer", 'street varchar(9) COLLATE "C", zip integer', "street text, zip bigint")},
        rename="ALTER TYPE {name} RENAME TO {new}", address="TYPE {name}", owned=True, grants=("USAGE",), cells=("'(a,1)'", "'(\"B c\",)'", "'(,7)'"), **_placed(pick, world),
    )  # fmt: skip


def _attribute(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("COMPOSITE"))
    return on and made(
        pick, "ATTRIBUTE", world.new_name(pick), "ALTER TYPE {on} ADD ATTRIBUTE {name} {type}", "ALTER TYPE {on} DROP ATTRIBUTE {name}",
        {"type": ("text", "integer")}, on=on, rename="ALTER TYPE {on} RENAME ATTRIBUTE {name} TO {new}",
    ) if on and not world.dependents(on) else None  # fmt: skip


def _range(pick: Pick, world: World) -> Thing:
    return made(
        pick, "RANGE", create="CREATE TYPE {name} AS RANGE (SUBTYPE = {sub})", drop="DROP TYPE {name}",
        options={"sub": ("float8", "float8, SUBTYPE_DIFF = float8mi", "time", "text", 'text, COLLATION = "C"', "text, SUBTYPE_OPCLASS = text_pattern_ops")},
        rename="ALTER TYPE {name} RENAME TO {new}", address="TYPE {name}", owned=True, grants=("USAGE",), **_placed(pick, world),
    )  # fmt: skip


def _sequence(pick: Pick, world: World) -> Thing:
    options = {"as": ("", " AS integer", " AS smallint"), "increment": ("", " INCREMENT 5", " INCREMENT -1"), "start": ("", " MINVALUE -9 MAXVALUE 999 START 7"),
               "cache": ("", " CACHE 9"), "cycle": ("", " CYCLE"), "unlogged": ("", "", "UNLOGGED ")}  # fmt: skip
    return made(
        pick, "SEQUENCE", create="CREATE {unlogged}SEQUENCE {name}{as}{increment}{start}{cache}{cycle}", drop="DROP SEQUENCE {name}", options=options,
        rename="ALTER SEQUENCE {name} RENAME TO {new}", address="SEQUENCE {name}", owned=True, grants=("USAGE", "SELECT"), **_placed(pick, world),
    )  # fmt: skip


def _owned_by(pick: Pick, world: World) -> Thing | None:
    """A sequence and its column must be in one schema, and have one owner."""
    on, column = chosen(pick, world.of("SEQUENCE")), chosen(pick, world.of("COLUMN"))
    if on is None or column is None or column.on is None or column.on.schema != on.schema or world.on(on, "OWNED BY"):
        return None
    return made(pick, "OWNED BY", "", "ALTER SEQUENCE {on} OWNED BY {column}", "ALTER SEQUENCE {on} OWNED BY NONE", on=on,
                uses=(column.on, column), fixed={"column": f"{column.on.name}.{column.name}"})  # fmt: skip


def _nextval(pick: Pick, world: World) -> Thing | None:
    sequence, on = chosen(pick, world.of("SEQUENCE")), _plain(pick, world, ("integer", "bigint"))
    if sequence is None or on is None or world.on(on, "DEFAULT"):
        return None
    name = sequence.name.replace("'", "''")
    return made(pick, "DEFAULT", "", _alter("SET DEFAULT {value}"), _alter("DROP DEFAULT"), {"value": (f"nextval('{name}')", f"nextval('{name}') + 1")},
                on=on, uses=(sequence,), **_table_of(on))  # fmt: skip


# Properties of any object


def _comment(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, [thing for thing in world.things if thing.address])
    if on is None or world.on(on, "COMMENT"):
        return None
    address = on.fill(on.address)
    return _set("COMMENT", "COMMENT ON {address} IS {text}", "COMMENT ON {address} IS NULL", {"text": ("'one'", "'It''s  two\nlines'", "'Ærlig'")},
                on, pick, fixed={"address": address})  # fmt: skip


def _grant(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, [thing for thing in world.things if thing.grants])
    if on is None:
        return None
    words = on.fill(on.address).replace("MATERIALIZED VIEW", "TABLE").replace("VIEW", "TABLE").replace("DOMAIN", "TYPE")
    role = pick.one(TO)
    name = f"to {role}"
    if any(thing.name == name for thing in world.on(on, "GRANT")):
        return None
    options = {"privilege": on.grants, "option": ("",) if role == "PUBLIC" else ("", " WITH GRANT OPTION")}
    return made(pick, "GRANT", name, "GRANT {privilege} ON {address} TO {role}{option}", "REVOKE ALL ON {address} FROM {role}", options, on=on,
                fixed={"address": words, "role": role})  # fmt: skip


def _column_grant(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("COLUMN"))
    if on is None or on.on is None or world.on(on, "COLUMN GRANT"):
        return None
    return made(pick, "COLUMN GRANT", "", "GRANT {privilege} ({on}) ON {table} TO {role}", "REVOKE {privilege} ({on}) ON {table} FROM {role}",
                {"privilege": ("SELECT", "UPDATE"), "role": TO}, on=on, **_table_of(on))  # fmt: skip


def _owner(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, [thing for thing in world.things if thing.owned])
    if on is None or world.on(on, "OWNER") or on.kind == "SEQUENCE":
        return None
    return _set(
        "OWNER",
        "ALTER {address} OWNER TO {role}",
        "ALTER {address} OWNER TO postgres",
        {"role": ROLES},
        on,
        pick,
        fixed={"address": on.fill(on.address)},
    )


def _default_privileges(pick: Pick, world: World) -> Thing | None:
    where = chosen(pick, world.of("SCHEMA")) if pick.often(0.5) else None
    inside = f" IN SCHEMA {where.name}" if where else ""
    what = pick.one(("SELECT ON TABLES", "USAGE ON SEQUENCES", "EXECUTE ON FUNCTIONS", "USAGE ON TYPES"))
    if any(thing.name == f"{what}{inside}" for thing in world.of("DEFAULT PRIVILEGES")):
        return None
    return made(
        pick, "DEFAULT PRIVILEGES", f"{what}{inside}", "ALTER DEFAULT PRIVILEGES{inside} GRANT {what} TO {role}", "ALTER DEFAULT PRIVILEGES{inside} REVOKE {what} FROM {role}",
        {"role": ROLES}, uses=(where,) if where else (), fixed={"inside": inside, "what": what},
    )  # fmt: skip


# Rare objects


def _event_trigger(pick: Pick, world: World) -> Thing:
    return made(
        pick, "EVENT TRIGGER", world.new_name(pick),
        "CREATE FUNCTION {name}() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER {name} ON {event} EXECUTE FUNCTION {name}()",
        "DROP EVENT TRIGGER {name}; DROP FUNCTION {name}()", {"event": ("sql_drop", "ddl_command_end", "ddl_command_end WHEN TAG IN ('CREATE TABLE')")},
        rename="ALTER EVENT TRIGGER {name} RENAME TO {new}", address="EVENT TRIGGER {name}",
    )  # fmt: skip


def _extension(pick: Pick, world: World) -> Thing | None:
    name = pick.one(("pg_trgm", "hstore", "citext"))
    return None if any(thing.name == name for thing in world.of("EXTENSION")) else made(
        pick, "EXTENSION", name, "CREATE EXTENSION {name}", "DROP EXTENSION {name}", address="EXTENSION {name}"
    )  # fmt: skip


def _publication(pick: Pick, world: World) -> Thing | None:
    table = chosen(pick, [thing for thing in world.of("TABLE") if not thing.properties["persistence"]])
    return table and made(
        pick, "PUBLICATION", world.new_name(pick), "CREATE PUBLICATION {name} FOR TABLE {table}{where}{with}", "DROP PUBLICATION {name}",
        {"where": ("", " (id)", " WHERE (id > 5)"), "with": ("", " WITH (publish = 'insert')", " WITH (publish_via_partition_root)")}, uses=(table,),
        fixed={"table": table.name}, rename="ALTER PUBLICATION {name} RENAME TO {new}", address="PUBLICATION {name}", owned=True,
    )  # fmt: skip


def _server(pick: Pick, world: World) -> Thing:
    return made(
        pick, "SERVER", world.new_name(pick), "CREATE FOREIGN DATA WRAPPER {name}{wrapper}; CREATE SERVER {name}{version} FOREIGN DATA WRAPPER {name}{options}",
        "DROP SERVER {name}; DROP FOREIGN DATA WRAPPER {name}",
        {"wrapper": ("", " OPTIONS (debug 'yes')"), "version": ("", " TYPE 'a' VERSION '1'"), "options": ("", " OPTIONS (host 'a')", " OPTIONS (host 'b')")},
        rename="ALTER SERVER {name} RENAME TO {new}", address="SERVER {name}",
    )  # fmt: skip


def _foreign_table(pick: Pick, world: World) -> Thing | None:
    server = chosen(pick, world.of("SERVER"))
    return server and made(
        pick, "FOREIGN TABLE", create="CREATE FOREIGN TABLE {name} (id integer{column}) SERVER {server}{options}", drop="DROP FOREIGN TABLE {name}",
        options={"column": ("", " NOT NULL", " OPTIONS (a 'b')"), "options": ("", " OPTIONS (path 'a')", " OPTIONS (path 'b')")}, name=world.new_name(pick),
        uses=(server,), fixed={"server": server.name}, address="FOREIGN TABLE {name}", rename="ALTER FOREIGN TABLE {name} RENAME TO {new}", owned=True, grants=("SELECT",),
    )  # fmt: skip


def _user_mapping(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("SERVER"))
    return None if on is None or world.on(on, "USER MAPPING") else made(
        pick, "USER MAPPING", "", "CREATE USER MAPPING FOR {role} SERVER {server}{options}", "DROP USER MAPPING FOR {role} SERVER {server}",
        {"role": ROLES, "options": ("", " OPTIONS (user 'a')")}, uses=(on,), fixed={"server": on.name},
    )  # fmt: skip


def _collation(pick: Pick, world: World) -> Thing:
    return made(
        pick, "COLLATION", create="CREATE COLLATION {name} (provider = icu, locale = '{locale}'{deterministic})", drop="DROP COLLATION {name}",
        options={"locale": ("da", "de-u-co-phonebk"), "deterministic": ("", ", deterministic = false")}, rename="ALTER COLLATION {name} RENAME TO {new}",
        address="COLLATION {name}", owned=True, **_placed(pick, world),
    )  # fmt: skip


def _cast(pick: Pick, world: World) -> Thing | None:
    source = pick.one(("circle", "box", "path"))
    return None if any(thing.name == source for thing in world.of("CAST")) else made(
        pick, "CAST", source, "CREATE CAST ({name} AS jsonb) WITH INOUT{how}", "DROP CAST ({name} AS jsonb)", {"how": ("", " AS ASSIGNMENT", " AS IMPLICIT")},
        address="CAST ({name} AS jsonb)",
    )  # fmt: skip


def _operator(pick: Pick, world: World) -> Thing | None:
    sign = pick.one(("@#@", "<+>"))
    return None if any(thing.name == sign for thing in world.of("OPERATOR")) else made(
        pick, "OPERATOR", sign, "CREATE OPERATOR {name} (LEFTARG = integer, RIGHTARG = integer, FUNCTION = {calls}{more})", "DROP OPERATOR {name} (integer, integer)",
        {"calls": ("int4pl", "int4mul", "int4larger"), "more": ("", f", COMMUTATOR = {sign}")}, address="OPERATOR {name} (integer, integer)", owned=True,
    )  # fmt: skip


def _text_search(pick: Pick, world: World) -> Thing:
    if pick.often(0.5):
        return made(
            pick, "DICTIONARY", create="CREATE TEXT SEARCH DICTIONARY {name} (TEMPLATE = simple{stop})", drop="DROP TEXT SEARCH DICTIONARY {name}",
            options={"stop": ("", ", STOPWORDS = english", ", ACCEPT = false")}, rename="ALTER TEXT SEARCH DICTIONARY {name} RENAME TO {new}",
            address="TEXT SEARCH DICTIONARY {name}", owned=True, **_placed(pick, world),
        )  # fmt: skip
    return made(
        pick, "CONFIGURATION", create="CREATE TEXT SEARCH CONFIGURATION {name} (COPY = {copy})", drop="DROP TEXT SEARCH CONFIGURATION {name}",
        options={"copy": ("simple", "english", "danish")}, rename="ALTER TEXT SEARCH CONFIGURATION {name} RENAME TO {new}",
        address="TEXT SEARCH CONFIGURATION {name}", owned=True, **_placed(pick, world),
    )  # fmt: skip


def _operator_class(pick: Pick, world: World) -> Thing:
    return made(
        pick, "OPERATOR CLASS", create="CREATE OPERATOR CLASS {name} FOR TYPE integer USING hash AS OPERATOR 1 =, FUNCTION 1 {calls}", drop="DROP OPERATOR CLASS {name} USING hash; DROP OPERATOR FAMILY {name} USING hash",
        options={"calls": ("hashint4(integer)", "hashoid(oid)")}, address="OPERATOR CLASS {name} USING hash", **_placed(pick, world),
    )  # fmt: skip


FIRST: Sequence[Maker] = (_enum, _domain, _composite, _schema)  # before the tables
OFTEN: Sequence[Maker] = (
    _index, _comment, _default, _not_null, _check, _unique, _foreign_key, _view, _function, _trigger_function, _trigger, _grant, _filled_column, _sequence,
)  # fmt: skip
SELDOM: Sequence[Maker] = (
    _child, _partition, _exclude, _column_setting, _index_setting, _index_statistics, _statistics, _statistics_target, _table_setting, _clustered, _policy, _rule,
    _revoked, _procedure, _aggregate, _trigger_state, _domain_property, _attribute, _range, _owned_by, _nextval, _column_grant, _owner, _default_privileges,
    *FIRST, _partitioned,
)  # fmt: skip
RARE: Sequence[Maker] = (
    _event_trigger, _extension, _publication, _server, _foreign_table, _user_mapping, _collation, _cast, _operator, _text_search, _operator_class,
)  # fmt: skip


def any_maker(pick: Pick) -> Maker:
    share = pick.number(0, 9)
    return pick.one(OFTEN if share < 4 else SELDOM if share < 8 else RARE)


def add(pick: Pick, world: World, make: Maker) -> Thing | None:
    """Add an object to the world, if it can be there."""
    found = make(pick, world)
    if found is not None:
        world.things.append(found)
    return found


def world_of(pick: Pick) -> World:
    """A schema: types, tables with columns and rows, and what depends on them."""
    world = World()
    for _ in range(pick.number(0, 2)):
        add(pick, world, pick.one(FIRST))
    for _ in range(pick.number(1, 3)):
        table = _partitioned(pick, world) if pick.often(0.1) else _table(pick, world)
        world.things.append(table)
        for _ in range(pick.number(1, 3) if table.kind == "PARTITIONED" else 0):
            add(pick, world, _partition)
    tables = world.of("TABLE", "PARTITIONED")
    for table in tables:
        for _ in range(pick.number(1, 4)):
            found = _column(pick, World([*world.of("ENUM", "DOMAIN", "COMPOSITE"), table], world.names))
            assert found is not None
            world.names += 1
            world.things.append(found)
    for table in tables:
        for _ in range(pick.number(0, 3)):
            if found := row_of(pick, world, table):
                world.things.append(found)
    for _ in range(pick.number(0, 8)):
        add(pick, world, any_maker(pick))
    return world
