"""Types and sequences."""

from __future__ import annotations

from tests.random_objects.tables import alter_column, changeable, new_place, plain_column, table_of
from tests.random_objects.thing import Pick, Thing, World, chosen, made


def make_enum(pick: Pick, world: World) -> Thing:
    return made(
        pick, "ENUM", create="CREATE TYPE {name} AS ENUM ({labels})", drop="DROP TYPE {name}",
        options={"labels": ("'new', 'it''s Paid', 'done'", "'done', 'it''s Paid', 'new'", "'new', 'it''s Paid', 'done', 'more'")},
        rename="ALTER TYPE {name} RENAME TO {new}", address="TYPE {name}", owned=True, grants=("USAGE",), cells=("'new'", "'it''s Paid'", "'done'"), **new_place(pick, world),
    )  # fmt: skip


def make_domain(pick: Pick, world: World) -> Thing:
    options = {"type": ("text", "varchar(30)"), "default": ("", " DEFAULT 'a'", " DEFAULT 'b'"), "check": ("", " CHECK (VALUE <> '')", " CHECK (length(VALUE) < 20)"),
               "collation": ("", "", ' COLLATE "C"')}  # fmt: skip
    return made(
        pick, "DOMAIN", create="CREATE DOMAIN {name} AS {type}{collation}{default}{check}", drop="DROP DOMAIN {name}", options=options,
        rename="ALTER DOMAIN {name} RENAME TO {new}", address="DOMAIN {name}", owned=True, grants=("USAGE",), cells=("'a'", "'B '", "'007'"), **new_place(pick, world),
    )  # fmt: skip


def make_domain_property(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("DOMAIN"))
    if on is None:
        return None
    if pick.often(0.6):
        return made(
            pick, "DOMAIN CHECK", world.new_name(pick), "ALTER DOMAIN {on} ADD CONSTRAINT {name} CHECK ({check}){validity}", "ALTER DOMAIN {on} DROP CONSTRAINT {name}",
            {"check": ("VALUE <> 'gone'", "length(VALUE) > 0"), "validity": ("", " NOT VALID")}, on=on, address="CONSTRAINT {name} ON DOMAIN {on}",
            rename="ALTER DOMAIN {on} RENAME CONSTRAINT {name} TO {new}",
        )  # fmt: skip
    return None if world.on(on, "DOMAIN DEFAULT") or on.properties["default"] else changeable(
        "DOMAIN DEFAULT", "ALTER DOMAIN {on} SET DEFAULT {n}", "ALTER DOMAIN {on} DROP DEFAULT", {"n": ("'x'", "'y'")}, on, pick
    )  # fmt: skip


def make_composite(pick: Pick, world: World) -> Thing:
    return made(
        pick, "COMPOSITE", create="CREATE TYPE {name} AS ({attributes})", drop="DROP TYPE {name}",
        options={"attributes": ("street text, zip integer", 'street varchar(9) COLLATE "C", zip integer', "street text, zip bigint")},
        rename="ALTER TYPE {name} RENAME TO {new}", address="TYPE {name}", owned=True, grants=("USAGE",), cells=("'(a,1)'", "'(\"B c\",)'", "'(,7)'"), **new_place(pick, world),
    )  # fmt: skip


def make_attribute(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("COMPOSITE"))
    return on and made(
        pick, "ATTRIBUTE", world.new_name(pick), "ALTER TYPE {on} ADD ATTRIBUTE {name} {type}", "ALTER TYPE {on} DROP ATTRIBUTE {name}",
        {"type": ("text", "integer")}, on=on, rename="ALTER TYPE {on} RENAME ATTRIBUTE {name} TO {new}",
    ) if on and not world.dependents(on) else None  # fmt: skip


def make_range(pick: Pick, world: World) -> Thing:
    return made(
        pick, "RANGE", create="CREATE TYPE {name} AS RANGE (SUBTYPE = {sub})", drop="DROP TYPE {name}",
        options={"sub": ("float8", "float8, SUBTYPE_DIFF = float8mi", "time", "text", 'text, COLLATION = "C"', "text, SUBTYPE_OPCLASS = text_pattern_ops")},
        rename="ALTER TYPE {name} RENAME TO {new}", address="TYPE {name}", owned=True, grants=("USAGE",), **new_place(pick, world),
    )  # fmt: skip


def make_sequence(pick: Pick, world: World) -> Thing:
    options = {"as": ("", " AS integer", " AS smallint"), "increment": ("", " INCREMENT 5", " INCREMENT -1"), "start": ("", " MINVALUE -9 MAXVALUE 999 START 7"),
               "cache": ("", " CACHE 9"), "cycle": ("", " CYCLE"), "unlogged": ("", "", "UNLOGGED ")}  # fmt: skip
    return made(
        pick, "SEQUENCE", create="CREATE {unlogged}SEQUENCE {name}{as}{increment}{start}{cache}{cycle}", drop="DROP SEQUENCE {name}", options=options,
        rename="ALTER SEQUENCE {name} RENAME TO {new}", address="SEQUENCE {name}", owned=True, grants=("USAGE", "SELECT"), **new_place(pick, world),
    )  # fmt: skip


def make_owned_by(pick: Pick, world: World) -> Thing | None:
    """A sequence and its column must be in one schema, and have one owner."""
    on, column = chosen(pick, world.of("SEQUENCE")), chosen(pick, world.of("COLUMN"))
    if on is None or column is None or column.on is None or column.on.schema != on.schema or world.on(on, "OWNED BY"):
        return None
    return made(pick, "OWNED BY", "", "ALTER SEQUENCE {on} OWNED BY {column}", "ALTER SEQUENCE {on} OWNED BY NONE", on=on,
                uses=(column.on, column), fixed={"column": f"{column.on.name}.{column.name}"})  # fmt: skip


def make_nextval(pick: Pick, world: World) -> Thing | None:
    sequence, on = chosen(pick, world.of("SEQUENCE")), plain_column(pick, world, ("integer", "bigint"))
    if sequence is None or on is None or world.on(on, "DEFAULT"):
        return None
    name = sequence.name.replace("'", "''")
    return made(pick, "DEFAULT", "", alter_column("SET DEFAULT {value}"), alter_column("DROP DEFAULT"), {"value": (f"nextval('{name}')", f"nextval('{name}') + 1")},
                on=on, uses=(sequence,), **table_of(on))  # fmt: skip
