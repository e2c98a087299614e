"""Constraints, indexes and statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.random_objects.tables import changeable, plain_column
from tests.random_objects.thing import PLAIN, Pick, Thing, World, chosen, made


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


def make_check(pick: Pick, world: World) -> Thing | None:
    column = plain_column(pick, world)
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


def make_unique(pick: Pick, world: World) -> Thing | None:
    column = plain_column(pick, world)
    options = {"nulls": ("", " NULLS NOT DISTINCT"), "extra": ("", ", id"), "include": ("", " INCLUDE (id)"),
               "when": ("", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED")}  # fmt: skip
    return column and _constraint(
        pick, world, "UNIQUE", "UNIQUE{nulls} ({column}{extra}){include}{when}", options, column
    )


def make_exclude(pick: Pick, world: World) -> Thing | None:
    column = plain_column(pick, world, ("integer", "date", "int4range", "text"))
    if column is None:
        return None
    ranges = column.properties["type"] == "int4range"
    options = {"how": ("USING gist ({0} WITH &&)",) if ranges else ("USING btree ({0} WITH =)", "USING btree ({0} WITH =, id WITH =)"),
               "where": ("", " WHERE (id > 0)")}  # fmt: skip
    options["how"] = tuple(text.format(column.name) for text in options["how"])
    return _constraint(pick, world, "EXCLUDE", "EXCLUDE {how}{where}", options, column)


def make_foreign_key(pick: Pick, world: World) -> Thing | None:
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


def make_index(pick: Pick, world: World) -> Thing | None:
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


def make_index_setting(pick: Pick, world: World) -> Thing | None:
    plain = [
        thing
        for thing in world.of("INDEX")
        if "btree" in thing.properties["key"] and "lower" not in thing.properties["key"]
    ]
    on = chosen(pick, plain)
    return None if on is None or world.on(on, "INDEX SETTING") else changeable(
        "INDEX SETTING", "ALTER INDEX {on} SET (fillfactor = {n})", "ALTER INDEX {on} RESET (fillfactor)", {"n": ("50", "70")}, on, pick
    )  # fmt: skip


def make_index_statistics(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, [thing for thing in world.of("INDEX") if "lower" in thing.properties["key"]])
    return None if on is None or world.on(on, "INDEX STATISTICS") else changeable(
        "INDEX STATISTICS", "ALTER INDEX {on} ALTER COLUMN 1 SET STATISTICS {n}", "ALTER INDEX {on} ALTER COLUMN 1 SET STATISTICS -1",
        {"n": ("50", "700")}, on, pick,
    )  # fmt: skip


def make_statistics(pick: Pick, world: World) -> Thing | None:
    column = plain_column(pick, world)
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


def make_statistics_target(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("STATISTICS OBJECT"))
    return None if on is None or world.on(on, "STATISTICS TARGET") else changeable(
        "STATISTICS TARGET", "ALTER STATISTICS {on} SET STATISTICS {n}", "ALTER STATISTICS {on} SET STATISTICS -1", {"n": ("10", "500")}, on, pick
    )  # fmt: skip
