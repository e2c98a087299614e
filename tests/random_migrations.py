"""Random migrations of random PostgreSQL schemas: an up migration, and a down migration that is its exact inverse, a
slightly wrong one, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

from tests.random_objects.makers import OFTEN, add, any_maker, world_of
from tests.random_objects.tables import row_of
from tests.random_objects.thing import Pick, Thing, World

# Types that a column's values may be converted to; some conversions lose digits, characters or fractions of seconds.
CONVERTS = {
    "integer": ("bigint", "text", "numeric(12,2)", "double precision", "real"), "smallint": ("integer", "boolean USING {0} > 0"),
    "bigint": ("numeric", "text", "double precision"), "varchar(20)": ("text", "varchar(40)", "varchar(2) USING {0}::varchar(2)", "char(30)"),
    "text": ("varchar(50)", "char(10)", 'text COLLATE "C"', "text USING lower({0})"), "char(3)": ("text", "varchar(3)"),
    "numeric(8,2)": ("numeric", "integer", "text", "numeric(10,4)"), "date": ("timestamptz", "text", "timestamp(0)"),
    "timestamptz": ("date", "timestamp(0)", "text", "timestamptz(0)"), "json": ("jsonb", "text"), "jsonb": ("json", "text"), "uuid": ("text",),
    "boolean": ("integer USING {0}::integer", "text"), "real": ("double precision", "numeric"), "text[]": ("text", "varchar(2)[] USING {0}::varchar(2)[]"),
    "interval": ("text",), "int4range": ("text",), "bit(4)": ("text", "bit varying"), "money": ("numeric", "text"), "point": ("text",), "time": ("interval", "text"),
    "integer[]": ("bigint[]", "text"), "inet": ("text",), "bytea": ("text",), "double precision": ("numeric", "real"), "numeric": ("text", "double precision"),
}  # fmt: skip
MIGRATIONS = 5  # of one schema
EXACT, WRONG, FORGETS, MORE, ORDER, NOTHING, MISSING = (
    "exact",
    "wrong",
    "forgets",
    "more",
    "other order",
    "nothing",
    "missing",
)
# How a down migration is made, by its share.
DOWNS = (*[EXACT] * 9, *[WRONG] * 6, *[FORGETS] * 3, MORE, ORDER, NOTHING, MISSING)


@dataclass(frozen=True)
class Change:
    """Statements of an up migration, and of the down migration."""

    up: tuple[str, ...]
    down: tuple[str, ...]


@dataclass(frozen=True)
class RandomMigration:
    """`down` is None without a file."""

    up: tuple[str, ...]
    down: tuple[str, ...] | None
    how: str


@dataclass(frozen=True)
class Example:
    """A schema with its rows, and migrations that each begin from it."""

    before: tuple[str, ...]
    migrations: tuple[RandomMigration, ...]
    seed: int = 0


def examples() -> st.SearchStrategy[Example]:
    return st.integers(0, 2**32 - 1).map(example)


def example(seed: int) -> Example:
    """A few migrations of one schema, since to create it takes longer than to test one of them. Hypothesis chooses the
    seed only: `random_check` reduces what fails by statements, which its own shrinking would take minutes for."""
    pick = Pick(Random(seed))
    world = world_of(pick)
    found = [_migration(pick, world) for _ in range(MIGRATIONS)]
    return Example(tuple(_create(world.things)), tuple(item for item in found if item.up), seed)


def script(statements: Sequence[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


def _create(things: Sequence[Thing]) -> list[str]:
    return [thing.fill(thing.create) for thing in things]


def _migration(pick: Pick, world: World) -> RandomMigration:
    how = pick.one(DOWNS)
    changes: list[Change] = []
    locks = _Locks(World(list(world.things), world.names))
    wanted = pick.number(1, 3)
    for _ in range(wanted + 5):  # some don't fit the schema
        change = _change(pick, locks, wrong=how == WRONG and not changes) if len(changes) < wanted else None
        if change is not None:
            changes.append(change)
    up = tuple(statement for change in changes for statement in change.up)
    down = [statement for change in reversed(changes) for statement in change.down]
    if how == FORGETS and down:
        down.pop(pick.number(0, len(down) - 1))
    elif how == ORDER:
        down.reverse()
    elif how == MORE:
        other = add(pick, locks.world, pick.one(OFTEN))
        down += _create([other]) if other and not locks.touched(other) else ["CREATE TABLE leftover (id integer)"]
    elif how == NOTHING:
        down = ["SELECT 1"]
    return RandomMigration(up, None if how == MISSING else tuple(down), how)


class _Locks:
    """Changes of one migration touch different objects: so each can be written as if there was no other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._changed: set[tuple[str, str, str]] = set()
        self._used: set[tuple[str, str, str]] = set()

    def touched(self, thing: Thing) -> bool:
        """Whether the thing, or something that it needs, is changed."""
        return thing.key in self._changed or any(self.touched(other) for other in thing.needs())

    def free(self, thing: Thing) -> bool:
        return not self.touched(thing) and thing.key not in self._used

    def change(self, *things: Thing) -> None:
        for thing in (*things, *self.world.dependents(*things)):
            self._changed.add(thing.key)
            self._use(thing)

    def _use(self, thing: Thing) -> None:
        for other in thing.needs():
            self._used.add(other.key)
            self._use(other)


def _change(pick: Pick, locks: _Locks, *, wrong: bool) -> Change | None:
    kinds = (
        _adds, _adds, _removes, _varies, _varies, _renames, _converts, _updates, _swaps, _enum_value, _detaches, _adds_a_row,
    )  # fmt: skip
    return pick.one(kinds)(pick, locks, wrong)


def _free(pick: Pick, locks: _Locks, fits: Callable[[Thing], object]) -> Thing | None:
    """A thing that no other change touches, and locks it. Each kind is as likely."""
    found = [thing for thing in locks.world.things if locks.free(thing) and fits(thing)]
    kind = pick.one(list(dict.fromkeys(thing.kind for thing in found))) if found else ""
    thing = pick.one([thing for thing in found if thing.kind == kind]) if found else None
    if thing is not None:
        locks.change(thing)
    return thing


def _adds(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    thing = add(pick, locks.world, any_maker(pick))
    if thing is None or locks.touched(thing):
        if thing is not None:
            locks.world.things.pop()
        return None
    locks.change(thing)
    return Change((thing.fill(thing.create),), () if wrong else (thing.fill(thing.drop),))


def _adds_a_row(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    world = locks.world
    tables = [thing for thing in world.of("TABLE") if not any(map(locks.touched, (thing, *world.on(thing, "COLUMN"))))]
    thing = row_of(pick, world, pick.one(tables)) if tables else None
    if thing is None:
        return None
    locks.world.things.append(thing)
    locks.change(thing)
    return Change((thing.fill(thing.create),), () if wrong else (thing.fill(thing.drop),))


def _removes(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    thing = _free(pick, locks, lambda thing: True)
    if thing is None:
        return None
    others = locks.world.dependents(thing)
    up = _drop(thing, others)
    again = [thing, *others]
    if wrong:
        at = pick.number(0, len(again) - 1)
        again[at] = _variant(pick, again[at])
    return Change(tuple(up), tuple(_recreate(locks.world, again, pick.often(0.6))))


def _drop(thing: Thing, others: Sequence[Thing]) -> list[str]:
    """Drop it; before it what doesn't disappear with it."""
    gone = {thing.key, *(other.key for other in others)}
    explicit = [other for other in others if other.on is None or other.on.key not in gone]
    return [item.fill(item.drop) for item in (*reversed(explicit), thing)]


def _recreate(world: World, things: Sequence[Thing], cells: bool) -> list[str]:
    """The statements; a column gets its values again if `cells`."""
    found = []
    for thing in things:
        found.append(thing.fill(thing.create))
        if thing.kind == "COLUMN" and cells and thing.on and thing.on.key not in {other.key for other in things}:
            found += _cells(world, thing)
    return found


def _cells(world: World, column: Thing) -> list[str]:
    """Statements that restore a column's values."""
    assert column.on is not None
    at = [thing.name for thing in world.on(column.on, "COLUMN")].index(column.name)
    return [
        f"UPDATE {column.on.name} SET {column.name} = {row.cells[at]} WHERE id = {row.name}"
        for row in world.on(column.on, "ROW")
        if at < len(row.cells)
    ]


def _variant(pick: Pick, thing: Thing) -> Thing:
    """The same object with another property, as far as it has one."""
    names = [name for name, values in thing.options.items() if len(set(values)) > 1]
    if not names:
        return thing
    name = pick.one(names)
    return replace(
        thing, properties={**thing.properties, name: pick.other(thing.options[name], thing.properties[name])}
    )


def _varies(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    """Recreate an object with another property, or set it where that is possible."""
    thing = _free(pick, locks, lambda thing: any(len(set(values)) > 1 for values in thing.options.values()))
    if thing is None:
        return None
    other = _variant(pick, thing)
    back = _variant(pick, other) if wrong else thing
    if thing.replaceable:
        return Change((other.fill(other.replaceable),), (back.fill(back.replaceable),))
    others = locks.world.dependents(thing)
    return Change(
        (*_drop(thing, others), *_recreate(locks.world, [other, *others], cells=False)),
        (*_drop(other, others), *_recreate(locks.world, [back, *others], cells=True)),
    )


def _renames(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    thing = _free(pick, locks, lambda thing: thing.rename)
    if thing is None:
        return None
    new = "renamed"
    back = replace(thing, name=f"{thing.schema}{new}")
    old = "misspelt" if wrong else thing.bare
    return Change((thing.fill(thing.rename, new=new),), (back.fill(thing.rename, new=old),))


def _converts(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    """Change a column's type, and back."""
    safe = ("COMMENT", "COLUMN GRANT", "STATISTICS", "OPTIONS", "NOT NULL")
    thing = _free(
        pick, locks,
        lambda thing: thing.kind == "COLUMN" and thing.properties["type"] in CONVERTS and all(other.kind in safe for other in locks.world.dependents(thing)),
    )  # fmt: skip
    if thing is None or thing.on is None:
        return None
    name, old = thing.name, thing.properties["type"]
    new, _, using = pick.one(CONVERTS[old]).partition(" USING ")
    using = using.format(name) if using else f"{name}::{new.partition(' COLLATE')[0]}"
    alter = f"ALTER TABLE {thing.on.name} ALTER COLUMN {name} TYPE"
    back = "varchar(99)" if wrong and old in ("text", "varchar(20)", "char(3)") else old
    return Change((f"{alter} {new} USING {using}",), (f"{alter} {back} USING {name}::text::{back}",))


def _updates(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    """Change values of a column, and restore them all, or not quite."""
    rows = {row.on.key for row in locks.world.of("ROW") if row.on}
    thing = _free(pick, locks, lambda thing: thing.kind == "COLUMN" and thing.on and thing.on.key in rows)
    if thing is None or thing.on is None:
        return None
    value = pick.one([cell for cell in thing.cells if cell != "NULL"])
    down = _cells(locks.world, thing)
    if wrong and down:
        down.pop(pick.number(0, len(down) - 1))
    ups = (
        f"UPDATE {thing.on.name} SET {thing.name} = {value}",
        f"DELETE FROM {thing.on.name}",
        f"TRUNCATE {thing.on.name}",
    )
    up = pick.one(ups) if wrong else ups[0]
    return Change((up,), tuple(down))


def _swaps(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    """Exchange the values of two rows, and back. Without a primary key, that is not seen: see docs/what-is-compared.md."""
    world = locks.world
    thing = _free(
        pick, locks,
        lambda thing: thing.kind == "COLUMN" and thing.on and "PRIMARY" in thing.on.properties.get("key", "") and len(world.on(thing.on, "ROW")) > 1,
    )  # fmt: skip
    if thing is None or thing.on is None:
        return None
    first, second, *_ = (
        text.partition(" SET ")[2].partition(" WHERE ")[0].partition(" = ")[2] for text in _cells(world, thing)
    )
    type_ = thing.properties["type"].partition(" COLLATE")[0]
    value = f"CASE id WHEN 1 THEN {second}::{type_} ELSE {first}::{type_} END"
    exchange = f"UPDATE {thing.on.name} SET {thing.name} = {value} WHERE id IN (1, 2)"
    return Change((exchange,), () if wrong else tuple(_cells(world, thing)))


def _enum_value(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    thing = _free(pick, locks, lambda thing: thing.kind == "ENUM")
    if thing is None:
        return None
    if pick.often(0.5):
        back = "done" if not wrong else "Done"
        return Change(
            (f"ALTER TYPE {thing.name} RENAME VALUE 'done' TO 'finished'",),
            (f"ALTER TYPE {thing.name} RENAME VALUE 'finished' TO '{back}'",),
        )
    place = pick.one(("", " BEFORE 'new'", " AFTER 'new'"))
    return Change((f"ALTER TYPE {thing.name} ADD VALUE 'added'{place}",), ())


def _detaches(pick: Pick, locks: _Locks, wrong: bool) -> Change | None:
    thing = _free(pick, locks, lambda thing: thing.kind == "PARTITION")
    if thing is None or thing.on is None:
        return None
    bounds = _variant(pick, thing).properties["bounds"] if wrong else thing.properties["bounds"]
    return Change(
        (f"ALTER TABLE {thing.on.name} DETACH PARTITION {thing.name}",),
        (f"ALTER TABLE {thing.on.name} ATTACH PARTITION {thing.name} FOR VALUES {bounds}",),
    )
