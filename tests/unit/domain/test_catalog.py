"""What differs between two schemas, and what that means to code that knows the old one."""

from __future__ import annotations

import pytest

from shipway.domain.catalog import ADDITIVE, BREAKING, REVIEW, Catalog, Difference, Entry, compare, reordered
from shipway.domain.compatibility import classify

TABLE = Entry("table", "public.items", {"owner": "app"})
PRICE = Entry(
    "column", "public.items.price", {"on": "public.items", "type": "integer", "null": "not null", "default": "0"}
)


def catalog(*entries: Entry, **order: tuple[str, ...]) -> Catalog:
    return Catalog({(entry.kind, entry.name): entry for entry in entries}, order)


def test_equal_schemas_do_not_differ() -> None:
    assert compare(catalog(TABLE, PRICE), catalog(PRICE, TABLE)) == ()


def test_differences_stand_by_kind_and_name_and_read_well() -> None:
    dearer = Entry(
        "column", "public.items.price", {"on": "public.items", "type": "bigint", "default": "0", "comment": "cents"}
    )
    note = Entry("column", "public.items.note", {"on": "public.items", "type": "text"})
    seen = compare(catalog(TABLE, PRICE), catalog(note, dearer))
    assert [str(item) for item in seen] == [
        "column public.items.note added",
        "column public.items.price changed: type: integer → bigint; null: not null → (none); comment: (none) → cents",
        "table public.items removed",
    ]
    assert seen[0].facets == {"on": ("", "public.items"), "type": ("", "text")}


def test_the_order_of_columns_is_told_apart() -> None:
    before = catalog(TABLE, a=("x", "y"), b=("x", "y"), c=("x",))
    after = catalog(TABLE, a=("y", "x"), b=("x", "y", "z"), d=("x",))
    assert compare(before, after) == ()
    assert reordered(before, after) == ("a",)


def change(text: str) -> Difference:
    """`+column public.items.a type=text`, `-index public.i`, `*enum public.e labels='a'→'b'`; blanks in values as `_`."""
    how, kind, name, *facets = text.replace("+", "added ").replace("-", "removed ", 1).replace("*", "changed ").split()
    values = {}
    for facet in facets:
        key, _, value = facet.replace("_", " ").partition("=")
        before, _, after = (
            value.partition("→") if how == "changed" else ("", "", value) if how == "added" else (value, "", "")
        )
        values[key] = (before, after)
    return Difference(how, kind.replace("_", " "), name, values)


@pytest.mark.parametrize(
    ("level", "changes"),
    [
        (ADDITIVE, []),
        (ADDITIVE, ["+table s.new", "+column s.new.id on=s.new null=not_null", "+constraint s.new.pk on=s.new type=primary_key columns=id"]),
        (ADDITIVE, ["+table s.new", "+index s.new_x on=s.new unique=yes columns=x", "+trigger s.new.t on=s.new"]),
        (ADDITIVE, ["+column s.t.a on=s.t type=text"]),
        (ADDITIVE, ["+column s.t.a on=s.t null=not_null default=0"]),
        (ADDITIVE, ["+column s.t.a on=s.t null=not_null identity=always", "+sequence s.t_a_seq owned_by=s.t.a"]),
        (BREAKING, ["+column s.t.a on=s.t null=not_null"]),
        (ADDITIVE, ["+index s.i on=s.t columns=a"]),
        (REVIEW, ["+index s.i on=s.t unique=yes columns=a"]),
        (REVIEW, ["+index s.i on=s.t unique=yes"]),  # of an expression
        (ADDITIVE, ["+column s.t.a on=s.t", "+index s.i on=s.t unique=yes columns=a"]),
        (REVIEW, ["+column s.t.a on=s.t default=0", "+index s.i on=s.t unique=yes columns=a"]),
        (ADDITIVE, ["+column s.t.a on=s.t default=gen_random_uuid()", "+index s.i on=s.t unique=yes columns=a"]),
        (REVIEW, ["+column s.t.a on=s.t", "+index s.i on=s.t unique=yes columns=b,_a"]),
        (ADDITIVE, ["+column s.t.a on=s.t default=0", "+constraint s.t.fk on=s.t type=foreign_key columns=a"]),
        (REVIEW, ["+constraint s.t.fk on=s.t type=foreign_key columns=a"]),
        (REVIEW, ["+constraint s.t.c on=s.t type=check columns=a"]),
        (REVIEW, ["+trigger s.t.x on=s.t"]),
        (REVIEW, ["+policy s.t.x on=s.t"]),
        (ADDITIVE, ["+function s.f()", "+enum s.e", "+view s.v", "+extension citext", "+schema s", "+role app"]),
        (BREAKING, ["-table s.t"]),
        (BREAKING, ["-column s.t.a on=s.t"]),
        (BREAKING, ["-column s.t.a on=s.t", "+column s.t.b on=s.t"]),  # renamed
        (BREAKING, ["-view s.v"]),
        (BREAKING, ["-function s.f()"]),
        (REVIEW, ["-index s.i on=s.t"]),
        (REVIEW, ["-constraint s.t.c on=s.t type=check"]),
        (REVIEW, ["-constraint s.t.c on=s.t type=check columns=a", "+constraint s.t.d on=s.t type=check columns=a"]),
        (BREAKING, ["*column s.t.a type=text→integer"]),
        (BREAKING, ["*column s.t.a type=bigint→integer"]),
        (REVIEW, ["*column s.t.a type=integer→bigint"]),
        (REVIEW, ["*column s.t.a type=character_varying(20)→character_varying(40)"]),
        (REVIEW, ["*column s.t.a type=character_varying(20)→text"]),
        (BREAKING, ["*column s.t.a type=character_varying(40)→character_varying(20)"]),
        (BREAKING, ["*column s.t.a type=text→character_varying(20)"]),
        (BREAKING, ["*column s.t.a null=→not_null"]),
        (REVIEW, ["*column s.t.a null=→not_null default=→0"]),
        (REVIEW, ["*column s.t.a null=not_null→"]),
        (ADDITIVE, ["*column s.t.a null=not_null,_not_valid→not_null"]),
        (BREAKING, ["*column s.t.a default=0→"]),
        (REVIEW, ["*column s.t.a default=0→1"]),
        (ADDITIVE, ["*column s.t.a default=→1"]),
        (BREAKING, ["*column s.t.a identity=by_default→always"]),
        (BREAKING, ["*column s.t.a generated=→stored_as_(1)"]),
        (ADDITIVE, ["*column s.t.a comment=old→new", "*table s.t options=→fillfactor=70"]),
        (ADDITIVE, ["*enum s.e labels='a',_'b'→'a',_'x',_'b'"]),
        (BREAKING, ["*enum s.e labels='a',_'b'→'a'"]),
        (REVIEW, ["*enum s.e labels='a',_'b'→'b',_'a'"]),
        (BREAKING, ["*view s.v columns=a_integer→b_integer definition=x→y"]),
        (REVIEW, ["*view s.v columns=a_integer→a_integer,_b_text definition=x→y"]),
        (REVIEW, ["*function s.f() definition=x→y"]),
        (REVIEW, ["*trigger s.t.x enabled=→disabled"]),
        (ADDITIVE, ["*constraint s.t.c definition=CHECK_(a)_NOT_VALID→CHECK_(a)"]),
        (REVIEW, ["*constraint s.t.c definition=CHECK_(a)→CHECK_(b)"]),
        (ADDITIVE, ["*table s.t privileges=→o=arw/o,_app=r/o"]),
        (BREAKING, ["*table s.t privileges=o=arw/o,_app=r/o→o=arw/o"]),
        (ADDITIVE, ["*table s.t privileges=nobody→o=arw/o"]),
        (REVIEW, ["*function s.f() privileges=→o=X/o"]),
        (BREAKING, ["*table s.t row_security=→enabled"]),
        (REVIEW, ["*sequence s.q increment=1→2"]),
        (REVIEW, ["*table s.t owner=a→b"]),
    ],
)  # fmt: skip
def test_triage(level: str, changes: list[str]) -> None:
    found, reasons = classify([change(text) for text in changes])
    assert (found, bool(reasons)) == (level, level != ADDITIVE), reasons


def test_reasons_are_the_worst_first_and_say_what_went_with_what() -> None:
    texts = [
        "-index s.i on=s.t columns=a",
        "-index s.j on=s.t columns=b",
        "-column s.t.a on=s.t",
        "*column s.t.c null=→not_null comment=→x",
    ]
    assert classify([change(text) for text in texts]) == (
        BREAKING,
        ("column s.t.a removed", "column s.t.c: null (none) → not null", "index s.j removed"),
    )
