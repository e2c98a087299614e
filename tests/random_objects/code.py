"""Views, functions and triggers."""

from __future__ import annotations

from typing import Any

from tests.random_objects.tables import changeable, new_place, table_of
from tests.random_objects.thing import Pick, Thing, World, chosen, made


def make_view(pick: Pick, world: World) -> Thing | None:
    column = chosen(pick, world.of("COLUMN"))
    if column is None or column.on is None:
        return None
    name = column.name
    placed = new_place(pick, world)
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


def make_function(pick: Pick, world: World) -> Thing:
    options = {
        "body": ("SELECT a + 1", "SELECT a + 2", "SELECT  a + 1", "SELECT a + 1 -- one more"), "default": ("", " DEFAULT 7"),
        "volatile": ("", " IMMUTABLE", " STABLE"), "strict": ("", " STRICT"), "security": ("", " SECURITY DEFINER"), "cost": ("", " COST 7"),
        "parallel": ("", " PARALLEL SAFE"), "set": ("", " SET search_path = public", " SET work_mem = '1MB'"), "leakproof": ("", " LEAKPROOF"),
    }  # fmt: skip
    text = "FUNCTION {name}(a integer{default}) RETURNS integer LANGUAGE sql{volatile}{strict}{security}{cost}{parallel}{set}{leakproof} AS $$ {body} $$"
    return made(
        pick, "FUNCTION", create=f"CREATE {text}", drop="DROP FUNCTION {name}(integer)", options=options, rename="ALTER FUNCTION {name}(integer) RENAME TO {new}",
        address="FUNCTION {name}(integer)", owned=True, grants=("EXECUTE",), **new_place(pick, world),
    )  # fmt: skip


def make_revoked(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("FUNCTION"))
    return None if on is None or world.on(on, "REVOKED") else changeable(
        "REVOKED", "REVOKE EXECUTE ON FUNCTION {on}(integer) FROM PUBLIC", "GRANT EXECUTE ON FUNCTION {on}(integer) TO PUBLIC", {}, on, pick
    )  # fmt: skip


def make_procedure(pick: Pick, world: World) -> Thing:
    return made(
        pick, "PROCEDURE", create="CREATE PROCEDURE {name}(INOUT a integer{default}) LANGUAGE plpgsql AS $$ BEGIN {body}; END $$", drop="DROP PROCEDURE {name}(integer)",
        options={"default": ("", " DEFAULT 1"), "body": ("a := 1", "a := 2")}, rename="ALTER PROCEDURE {name}(integer) RENAME TO {new}",
        address="PROCEDURE {name}(integer)", owned=True, **new_place(pick, world),
    )  # fmt: skip


def make_aggregate(pick: Pick, world: World) -> Thing:
    return made(
        pick, "AGGREGATE", create="CREATE AGGREGATE {name}(integer) (SFUNC = {step}, STYPE = integer{initial}{parallel})", drop="DROP AGGREGATE {name}(integer)",
        options={"step": ("int4pl", "int4larger", "int4mul"), "initial": ("", ", INITCOND = '0'", ", INITCOND = '1'"), "parallel": ("", ", PARALLEL = SAFE")},
        rename="ALTER AGGREGATE {name}(integer) RENAME TO {new}", address="AGGREGATE {name}(integer)", owned=True, **new_place(pick, world),
    )  # fmt: skip


def make_trigger_function(pick: Pick, world: World) -> Thing:
    return made(
        pick, "TRIGGER FUNCTION", create="CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN {result}; END $$",
        drop="DROP FUNCTION {name}()", options={"result": ("coalesce(NEW, OLD)", "COALESCE(NEW, OLD)")}, rename="ALTER FUNCTION {name}() RENAME TO {new}",
        address="FUNCTION {name}()", owned=True, **new_place(pick, world),
    )  # fmt: skip


def make_trigger(pick: Pick, world: World) -> Thing | None:
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


def make_trigger_state(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("TRIGGER"))
    if on is None or world.on(on, "TRIGGER STATE"):
        return None
    return changeable("TRIGGER STATE", "ALTER TABLE {table} {state} TRIGGER {on}", "ALTER TABLE {table} ENABLE TRIGGER {on}",
                {"state": ("DISABLE", "ENABLE REPLICA", "ENABLE ALWAYS")}, on, pick, **table_of(on))  # fmt: skip
