"""What random objects are made of: the object itself, random choices, and the world that it is in."""

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
