"""What the errors of an up migration, and the schema after it, tell about the rows that it needs."""

from __future__ import annotations

import pytest

from shipway.domain.catalog import Catalog, Difference, Entry
from shipway.drivers.scratch.postgres_needs import Needs, later, needs_of
from shipway.ports import Rejected

COLUMNS = {"v": "text", "w": "character varying(40)", "n": "integer"}
CATALOG = Catalog(
    {("column", f"public.a.{name}"): Entry("column", f"public.a.{name}", {"type": type_}) for name, type_ in COLUMNS.items()},
    {"public.a": tuple(COLUMNS)},
)  # fmt: skip
V, W = ("public.a", "v"), ("public.a", "w")
TOKEN = 'invalid input syntax for type json\nToken "{0}" is invalid.\nJSON data, line 1: {0}'


def needs(*messages: str, changes: tuple[Difference, ...] = ()) -> Needs:
    return needs_of(CATALOG, Rejected(changes, messages))


def becomes(column: str, type_: str) -> Difference:
    return Difference("changed", "column", f"public.a.{column}", {"type": (COLUMNS[column], type_)})


def test_the_first_error_only_marks_the_columns() -> None:
    found = needs('invalid input syntax for type integer: "007"')
    assert found.shapes == {}
    assert [found.text(place, "text", 0) for place in (V, W)] == ["Aaa007", "Baa007"]


@pytest.mark.parametrize(
    ("message", "shape", "text"),
    [
        ('invalid input syntax for type integer: "Baa007"', "integer", "007"),
        ('x.up.sql: ERROR: invalid input syntax for type bigint: "BAA007"', "integer", "007"),
        ('invalid input syntax for type double precision: "Baa007"', "numeric", "007.50"),
        ('invalid input syntax for type uuid: "Baa007"', "uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        ('invalid input syntax for type boolean: "Baa007"', "boolean", "yes"),
        ('invalid input syntax for type date: "Baa007"', "date", "2024-02-29"),
        ('invalid value "Baa0" for "YYYY"\nValue must be an integer.', "date", "2024-02-29"),
        (TOKEN.format("Baa007"), "json", '{"b": 1, "a": [1.50, null], "b": "Æ "}'),
        ('malformed array literal: "Baa007"', "array", "{7,42}"),
    ],
)
def test_the_mark_in_an_error_names_the_column(message: str, shape: str, text: str) -> None:
    found = needs("any error", message)
    assert found.shapes == {W: (shape, 0)}
    assert found.text(W, "text", 0) == text


def test_a_shape_has_variants() -> None:
    messages = ('invalid value "Aaa0" for "DD"', 'date/time field value out of range: "2024-02-29"')
    assert needs("any error", *messages).text(V, "text", 0) == "29.02.2024"


def test_a_type_after_the_up_migration_is_a_shape() -> None:
    found = needs(TOKEN.format("007"), changes=(becomes("v", "jsonb"), becomes("w", "public.mood"), MOOD))
    assert found.shapes == {V: ("json", 0), W: ("public.mood", 0)}
    assert [found.text(W, "text", row) for row in range(3)] == ["new", "it's Paid", "new"]


MOOD = Difference("added", "enum", "public.mood", {"labels": ("", "'new', 'it''s Paid'")})


def test_an_enum_is_named_without_its_schema() -> None:
    found = needs("any error", 'invalid input value for enum mood: "Aaa007"', changes=(MOOD,))
    assert found.shapes == {V: ("public.mood", 0)}


def test_other_needs() -> None:
    assert not needs('column "v" of relation "a" contains null values').nulls
    assert needs("smallint out of range").small
    assert needs("numeric field overflow").small
    assert needs("cannot extract elements from an object").json == "array"
    assert needs("cannot call jsonb_object_keys on an array").json == "object"
    short = needs("value too long for type character varying(5)")
    assert short.text(V, "text", 0) == "Aaa00"
    assert short.text(W, "character varying(4)", 0) == "Baa0"
    unique = Difference("added", "index", "public.u", {"on": ("", "public.b")})
    assert needs('could not create unique index "u"', changes=(unique,)).single == {"public.b"}
    assert needs('could not create unique index "other"').single == {"public.a"}


def test_rows_are_valid_in_the_schema_after_the_up_migration_too() -> None:
    def added(name: str, **facets: str) -> Difference:
        return Difference(
            "added",
            "constraint",
            f"public.a.{name}",
            {"on": ("", "public.a"), **{key: ("", value) for key, value in facets.items()}},
        )

    check = {"type": "check", "definition": "CHECK (v <> '')"}
    changes = (
        Difference("changed", "column", "public.a.n", {"null": ("", "not null")}),
        added("old", columns="v", **check), added("new", columns="v, added_column", **check),
        added("to", type="foreign key", columns="n", definition="FOREIGN KEY (n) REFERENCES public.missing(id)"),
    )  # fmt: skip
    found = later(CATALOG, changes)
    assert found.entries["column", "public.a.n"].facets["null"] == "not null"
    assert [name for kind, name in found.entries if kind == "constraint"] == ["public.a.old"]
