"""Objects that few schemas have."""

from __future__ import annotations

from tests.random_objects.tables import new_place
from tests.random_objects.thing import ROLES, Pick, Thing, World, chosen, made


def make_event_trigger(pick: Pick, world: World) -> Thing:
    return made(
        pick, "EVENT TRIGGER", world.new_name(pick),
        "CREATE FUNCTION {name}() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER {name} ON {event} EXECUTE FUNCTION {name}()",
        "DROP EVENT TRIGGER {name}; DROP FUNCTION {name}()", {"event": ("sql_drop", "ddl_command_end", "ddl_command_end WHEN TAG IN ('CREATE TABLE')")},
        rename="ALTER EVENT TRIGGER {name} RENAME TO {new}", address="EVENT TRIGGER {name}",
    )  # fmt: skip


def make_extension(pick: Pick, world: World) -> Thing | None:
    name = pick.one(("pg_trgm", "hstore", "citext"))
    return None if any(thing.name == name for thing in world.of("EXTENSION")) else made(
        pick, "EXTENSION", name, "CREATE EXTENSION {name}", "DROP EXTENSION {name}", address="EXTENSION {name}"
    )  # fmt: skip


def make_publication(pick: Pick, world: World) -> Thing | None:
    table = chosen(pick, [thing for thing in world.of("TABLE") if not thing.properties["persistence"]])
    return table and made(
        pick, "PUBLICATION", world.new_name(pick), "CREATE PUBLICATION {name} FOR TABLE {table}{where}{with}", "DROP PUBLICATION {name}",
        {"where": ("", " (id)", " WHERE (id > 5)"), "with": ("", " WITH (publish = 'insert')", " WITH (publish_via_partition_root)")}, uses=(table,),
        fixed={"table": table.name}, rename="ALTER PUBLICATION {name} RENAME TO {new}", address="PUBLICATION {name}", owned=True,
    )  # fmt: skip


def make_server(pick: Pick, world: World) -> Thing:
    return made(
        pick, "SERVER", world.new_name(pick), "CREATE FOREIGN DATA WRAPPER {name}{wrapper}; CREATE SERVER {name}{version} FOREIGN DATA WRAPPER {name}{options}",
        "DROP SERVER {name}; DROP FOREIGN DATA WRAPPER {name}",
        {"wrapper": ("", " OPTIONS (debug 'yes')"), "version": ("", " TYPE 'a' VERSION '1'"), "options": ("", " OPTIONS (host 'a')", " OPTIONS (host 'b')")},
        rename="ALTER SERVER {name} RENAME TO {new}", address="SERVER {name}",
    )  # fmt: skip


def make_foreign_table(pick: Pick, world: World) -> Thing | None:
    server = chosen(pick, world.of("SERVER"))
    return server and made(
        pick, "FOREIGN TABLE", create="CREATE FOREIGN TABLE {name} (id integer{column}) SERVER {server}{options}", drop="DROP FOREIGN TABLE {name}",
        options={"column": ("", " NOT NULL", " OPTIONS (a 'b')"), "options": ("", " OPTIONS (path 'a')", " OPTIONS (path 'b')")}, name=world.new_name(pick),
        uses=(server,), fixed={"server": server.name}, address="FOREIGN TABLE {name}", rename="ALTER FOREIGN TABLE {name} RENAME TO {new}", owned=True, grants=("SELECT",),
    )  # fmt: skip


def make_user_mapping(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("SERVER"))
    return None if on is None or world.on(on, "USER MAPPING") else made(
        pick, "USER MAPPING", "", "CREATE USER MAPPING FOR {role} SERVER {server}{options}", "DROP USER MAPPING FOR {role} SERVER {server}",
        {"role": ROLES, "options": ("", " OPTIONS (user 'a')")}, uses=(on,), fixed={"server": on.name},
    )  # fmt: skip


def make_collation(pick: Pick, world: World) -> Thing:
    return made(
        pick, "COLLATION", create="CREATE COLLATION {name} (provider = icu, locale = '{locale}'{deterministic})", drop="DROP COLLATION {name}",
        options={"locale": ("da", "de-u-co-phonebk"), "deterministic": ("", ", deterministic = false")}, rename="ALTER COLLATION {name} RENAME TO {new}",
        address="COLLATION {name}", owned=True, **new_place(pick, world),
    )  # fmt: skip


def make_cast(pick: Pick, world: World) -> Thing | None:
    source = pick.one(("circle", "box", "path"))
    return None if any(thing.name == source for thing in world.of("CAST")) else made(
        pick, "CAST", source, "CREATE CAST ({name} AS jsonb) WITH INOUT{how}", "DROP CAST ({name} AS jsonb)", {"how": ("", " AS ASSIGNMENT", " AS IMPLICIT")},
        address="CAST ({name} AS jsonb)",
    )  # fmt: skip


def make_operator(pick: Pick, world: World) -> Thing | None:
    sign = pick.one(("@#@", "<+>"))
    return None if any(thing.name == sign for thing in world.of("OPERATOR")) else made(
        pick, "OPERATOR", sign, "CREATE OPERATOR {name} (LEFTARG = integer, RIGHTARG = integer, FUNCTION = {calls}{more})", "DROP OPERATOR {name} (integer, integer)",
        {"calls": ("int4pl", "int4mul", "int4larger"), "more": ("", f", COMMUTATOR = {sign}")}, address="OPERATOR {name} (integer, integer)", owned=True,
    )  # fmt: skip


def make_text_search(pick: Pick, world: World) -> Thing:
    if pick.often(0.5):
        return made(
            pick, "DICTIONARY", create="CREATE TEXT SEARCH DICTIONARY {name} (TEMPLATE = simple{stop})", drop="DROP TEXT SEARCH DICTIONARY {name}",
            options={"stop": ("", ", STOPWORDS = english", ", ACCEPT = false")}, rename="ALTER TEXT SEARCH DICTIONARY {name} RENAME TO {new}",
            address="TEXT SEARCH DICTIONARY {name}", owned=True, **new_place(pick, world),
        )  # fmt: skip
    return made(
        pick, "CONFIGURATION", create="CREATE TEXT SEARCH CONFIGURATION {name} (COPY = {copy})", drop="DROP TEXT SEARCH CONFIGURATION {name}",
        options={"copy": ("simple", "english", "danish")}, rename="ALTER TEXT SEARCH CONFIGURATION {name} RENAME TO {new}",
        address="TEXT SEARCH CONFIGURATION {name}", owned=True, **new_place(pick, world),
    )  # fmt: skip


def make_operator_class(pick: Pick, world: World) -> Thing:
    return made(
        pick, "OPERATOR CLASS", create="CREATE OPERATOR CLASS {name} FOR TYPE integer USING hash AS OPERATOR 1 =, FUNCTION 1 {calls}", drop="DROP OPERATOR CLASS {name} USING hash; DROP OPERATOR FAMILY {name} USING hash",
        options={"calls": ("hashint4(integer)", "hashoid(oid)")}, address="OPERATOR CLASS {name} USING hash", **new_place(pick, world),
    )  # fmt: skip
