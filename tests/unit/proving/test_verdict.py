"""Which verdict wins, and the words of its reasons."""

from __future__ import annotations

import pytest

from shipway.domain.catalog import Catalog, Difference
from shipway.domain.proof import (
    COLUMN_ORDER,
    COSMETIC,
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NOT_RESTORED,
    RESTORED,
    ROWS_ADDED,
    Loss,
)
from shipway.proving.verdict import Findings, judge, order_of

INDEX = Difference("removed", "index", "public.items_name")
TYPE = Difference("added", "type", "public.phase")
LOSS = Loss("public.items", (3, 2), ("id", "name"))
VALUES = Loss("public.items", (3, 3), ("name",))
ADDED = Loss("public.logs", (3, 5), only_added=True)
MORE = "public.logs has 5 rows; before: 3. All earlier rows are unchanged, 2 were added"
CODE = Difference("changed", "function", "public.f()", {"definition": ("a", "a ")})
SPACES = "the code of function public.f() differs in white space, comments or the order of settings"
ORDER = {"public.items": (("id", "name"), ("name", "id"))}
MOVED = "columns of public.items are in another order: name, id; before: id, name"


@pytest.mark.parametrize(
    ("found", "verdict", "reasons"),
    [
        (Findings(), RESTORED, []),
        (Findings(order=ORDER), COLUMN_ORDER, [MOVED]),
        (Findings(losses=(LOSS,), order=ORDER), DATA_LOST, ["public.items has 2 rows; before: 3", MOVED]),
        (Findings(losses=(VALUES,)), DATA_LOST, ["public.items has different values in name (3 rows)"]),
        (Findings(differences=(INDEX,), losses=(VALUES,), order=ORDER), NOT_RESTORED,
         ["after the down migration: index public.items_name removed", "public.items has different values in name (3 rows)"]),
        (Findings(losses=(ADDED,), order=ORDER), ROWS_ADDED, [MORE, MOVED]),
        (Findings(losses=(ADDED, LOSS)), DATA_LOST, ["public.items has 2 rows; before: 3", MORE]),
        (Findings(cosmetic=(CODE,)), COSMETIC, [SPACES]),
        (Findings(cosmetic=(CODE,), order=ORDER), COLUMN_ORDER, [MOVED, SPACES]),
        (Findings(cosmetic=(CODE,), differences=(INDEX,)), NOT_RESTORED, ["after the down migration: index public.items_name removed"]),
        (Findings(again=(INDEX,)), NOT_RESTORED, ["after the second up migration, but not after the first: index public.items_name removed"]),
        (Findings(idle_down=True), IRREVERSIBLE, ["the down migration changes nothing: all changes of the up migration remain"]),
        (Findings(no_down="there is no down script"), IRREVERSIBLE, ["there is no down script"]),
        (Findings(again_failed="phase already exists", differences=(TYPE,), losses=(LOSS,)), FAILS,
         ["the second up migration failed: phase already exists", "after the down migration: type public.phase added", "public.items has 2 rows; before: 3"]),
        (Findings(down_failed="no such column"), FAILS, ["the down migration failed: no such column"]),
        (Findings(up_failed="syntax error"), FAILS, ["the up migration failed: syntax error"]),
    ],
)  # fmt: skip
def test_judge(found: Findings, verdict: str, reasons: list[str]) -> None:
    assert judge(found) == (verdict, tuple(reasons))


def test_where_columns_stand_in_another_order() -> None:
    before = Catalog(order={"a": ("x", "y"), "b": ("x", "y"), "gone": ("x",)})
    after = Catalog(order={"a": ("y", "x"), "b": ("x",), "new": ("x",)})
    assert order_of(before, after) == {"a": (("x", "y"), ("y", "x"))}
