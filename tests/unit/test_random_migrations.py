"""The random migrations themselves, and the second opinion about them, without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from shipway.domain.proof import (
    COLUMN_ORDER,
    COSMETIC,
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NOT_RESTORED,
    RESTORED,
    ROWS_ADDED,
)
from tests.dump_oracle import Dump, Observed, Rows, State, expected, parts
from tests.random_migrations import DOWNS, MIGRATIONS, example

HEAD = "--\n-- Name: {0}; Type: {1}; Schema: public; Owner: postgres\n--\n\n"
TABLE = HEAD.format("a", "TABLE") + "CREATE TABLE public.a (\n    {0},\n    {1}\n);\n"
FUNCTION = HEAD.format("f()", "FUNCTION") + "CREATE FUNCTION public.f() AS $$ {0} $$;\n"
A = TABLE.format("x integer", "y text")


def test_a_seed_gives_the_same_example() -> None:
    assert example(7) == example(7) != example(8)


def test_all_kinds_of_objects_and_downs_occur() -> None:
    found = [example(seed) for seed in range(300)]
    migrations = [migration for item in found for migration in item.migrations]
    assert len(migrations) > 0.9 * 300 * MIGRATIONS
    assert {migration.how for migration in migrations} == set(DOWNS)
    verbs = Counter(" ".join(text.split()[:2]) for migration in migrations for text in migration.up)
    kinds = ("TABLE", "INDEX", "VIEW", "FUNCTION", "TRIGGER", "TYPE", "DOMAIN", "SEQUENCE", "POLICY", "RULE", "STATISTICS", "PUBLICATION",
             "COLLATION", "CAST", "OPERATOR", "AGGREGATE", "PROCEDURE", "EXTENSION", "SCHEMA", "FOREIGN", "MATERIALIZED", "TEXT")  # fmt: skip
    assert not [kind for kind in kinds if not verbs[f"CREATE {kind}"]]
    words = " ".join(text for migration in migrations for text in migration.up)
    for word in ("GRANT", "COMMENT ON", "OWNER TO", "SET DEFAULT", "TYPE", "CHECK", "UNIQUE", "FOREIGN KEY", "RENAME", "DETACH", "DEFAULT PRIVILEGES"):  # fmt: skip
        assert word in words


def verdict(before: str, after: str, rows: Sequence[Sequence[str]] = ((), ()), up: str | None = None, **failures: str) -> str:  # fmt: skip
    """Of dumps and rows of table `a` before and after."""
    states = [
        State(parts(dump), Rows({"a": (("x",), tuple(lines))}))
        for dump, lines in zip((before, after), rows, strict=True)
    ]
    tool = cast(Observed, type("Tool", (), {"down_failed": "", "again_failed": "", "after": states[1], **failures}))
    middle = None if up is None else parts(up)
    return expected(states[0], tool, has_down=True, after_up=None if middle is None else lambda: cast(Dump, middle))


def test_the_expected_verdicts() -> None:
    assert verdict(A, A) == RESTORED
    assert verdict(A, f"SET x = 1;\n{A}\\restrict abc\n") == RESTORED
    assert verdict(A, TABLE.format("y text", "x integer")) == COLUMN_ORDER
    assert verdict(A, TABLE.format("x bigint", "y text")) == NOT_RESTORED
    assert verdict(A, "") == NOT_RESTORED
    assert verdict(A, "", up="") == IRREVERSIBLE
    assert verdict(A, "", again_failed="x") == FAILS
    assert verdict(A, A, down_failed="x") == FAILS
    assert verdict(A, A, (["(1)", "(2)"], ["(1)"])) == DATA_LOST
    assert verdict(A, A, (["(1)"], ["(1)", "(1)"])) == ROWS_ADDED
    assert verdict(A, A, (["(1)"], ["(2)", "(3)"])) == DATA_LOST
    assert verdict(FUNCTION.format("a  + 1"), FUNCTION.format("a + 1 -- one\n")) == COSMETIC
    assert verdict(FUNCTION.format("a + 1"), FUNCTION.format("a + 2")) == NOT_RESTORED


def test_the_order_of_the_parts_does_not_count() -> None:
    assert verdict(A + FUNCTION, FUNCTION + A) == RESTORED
