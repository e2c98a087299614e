"""Properties of any object: comments, privileges, owners."""

from __future__ import annotations

from tests.random_objects.tables import changeable, table_of
from tests.random_objects.thing import ROLES, TO, Pick, Thing, World, chosen, made


def make_comment(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, [thing for thing in world.things if thing.address])
    if on is None or world.on(on, "COMMENT"):
        return None
    address = on.fill(on.address)
    return changeable("COMMENT", "COMMENT ON {address} IS {text}", "COMMENT ON {address} IS NULL", {"text": ("'one'", "'It''s  two\nlines'", "'Ærlig'")},
                on, pick, fixed={"address": address})  # fmt: skip


def make_grant(pick: Pick, world: World) -> Thing | None:
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


def make_column_grant(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, world.of("COLUMN"))
    if on is None or on.on is None or world.on(on, "COLUMN GRANT"):
        return None
    return made(pick, "COLUMN GRANT", "", "GRANT {privilege} ({on}) ON {table} TO {role}", "REVOKE {privilege} ({on}) ON {table} FROM {role}",
                {"privilege": ("SELECT", "UPDATE"), "role": TO}, on=on, **table_of(on))  # fmt: skip


def make_owner(pick: Pick, world: World) -> Thing | None:
    on = chosen(pick, [thing for thing in world.things if thing.owned])
    if on is None or world.on(on, "OWNER") or on.kind == "SEQUENCE":
        return None
    return changeable(
        "OWNER",
        "ALTER {address} OWNER TO {role}",
        "ALTER {address} OWNER TO postgres",
        {"role": ROLES},
        on,
        pick,
        fixed={"address": on.fill(on.address)},
    )


def make_default_privileges(pick: Pick, world: World) -> Thing | None:
    where = chosen(pick, world.of("SCHEMA")) if pick.often(0.5) else None
    inside = f" IN SCHEMA {where.name}" if where else ""
    what = pick.one(("SELECT ON TABLES", "USAGE ON SEQUENCES", "EXECUTE ON FUNCTIONS", "USAGE ON TYPES"))
    if any(thing.name == f"{what}{inside}" for thing in world.of("DEFAULT PRIVILEGES")):
        return None
    return made(
        pick, "DEFAULT PRIVILEGES", f"{what}{inside}", "ALTER DEFAULT PRIVILEGES{inside} GRANT {what} TO {role}", "ALTER DEFAULT PRIVILEGES{inside} REVOKE {what} FROM {role}",
        {"role": ROLES}, uses=(where,) if where else (), fixed={"inside": inside, "what": what},
    )  # fmt: skip
