"""Which migrations of a folder are tested."""

from __future__ import annotations

import pytest

from shipway.actions.proofs.folder_selection import Listed, Selection, select, select_skipped
from shipway.domain.errors import ProofError, UsageError

PAIRS = [
    Listed("0001", "users", ("0001_users.up.sql", "0001_users.down.sql")),
    Listed("0002", "orders", ("0002_orders.up.sql",)),
    Listed("0003", "index", ("0003_index.up.sql", "0003_index.down.sql")),
    Listed("0004", "index", ("0004_index.up.sql", "0004_index.down.sql")),
]
FOLDERS = [Listed("1", "users", ("1_users/up.sql", "1_users/down.sql")), Listed("2", "orders", ("2_orders/up.sql",))]
FLYWAY = [Listed("1", "users", ("V1__users.sql", "U1__users.sql")), Listed("1.2", "x", ("V1.2__x.sql",))]
FLAT = [Listed("1", "a", ("db/1_a.sql",)), Listed("2", "b", ("db/2_b.sql",))]
GO = [Listed("0009_code", files=("0009_code.go",), reason="written in Go", position=2)]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(), (0, 1, 2, 3)),
        (Selection(first="2"), (1, 2, 3)),
        (Selection(since="0002"), (2, 3)),
        (Selection(since="0004"), ()),
        (Selection(only=("3", "0001")), (0, 2)),
        (Selection(only=("users",)), (0,)),
        (Selection(only=("0002_orders", "orders", "0002 orders")), (1,)),
        (Selection(only=("db/migrations/0003_index.down.sql",)), (2,)),
        (Selection(only=("./0004_index.up.sql",)), (3,)),
        (Selection(only=("0009_code",)), ()),
        (Selection(only=("0009_code.go", "1")), (0,)),
        (Selection(changed=frozenset()), ()),
        (Selection(changed=frozenset({"README.md", "0003_index.down.sql"})), (2,)),
        (Selection(changed=frozenset({"0002_orders.down.sql"})), (1,)),  # was removed
        (Selection(changed=frozenset({"old/0002_orders.up.sql"})), ()),
    ],
)  # fmt: skip
def test_migrations_are_selected(selection: Selection, found: tuple[int, ...]) -> None:
    assert select(PAIRS, GO, selection) == found


@pytest.mark.parametrize(
    ("migrations", "changed", "found"),
    [
        (FOLDERS, "1_users/metadata.toml", (0,)),
        (FOLDERS, "2_orders/down.sql", (1,)),
        (FOLDERS, "3_new/down.sql", ()),
        (FLYWAY, "U1__users.sql", (0,)),
        (FLYWAY, "V1.2__x.sql.conf", (1,)),
        (FLYWAY, "U1.2__x.sql", (1,)),
        (FLAT, "db/2_b.sql", (1,)),
        (FLAT, "db/schema.sql", ()),
    ],
)
def test_changed_files_belong_to_their_migration(
    migrations: list[Listed], changed: str, found: tuple[int, ...]
) -> None:
    assert select(migrations, [], Selection(changed=frozenset({changed}))) == found


def test_what_is_not_there() -> None:
    with pytest.raises(ProofError, match="the folder has no migration 7") as error:
        select(PAIRS, GO, Selection(only=("7",)))
    assert error.value.hint == "it has 0001 users to 0004 index"
    with pytest.raises(ProofError, match="the folder has several migrations index: 0003, 0004"):
        select(PAIRS, GO, Selection(first="index"))
    with pytest.raises(ProofError, match="the folder has no migration 1"):
        select([], [], Selection(since="1"))


def test_only_one_kind_of_selection() -> None:
    for given in (
        {"first": "1", "since": "1"},
        {"only": ("1",), "changed": frozenset[str]()},
        {"since": "1", "only": ("2",)},
    ):
        with pytest.raises(UsageError, match="can't be combined"):
            Selection(**given)  # type: ignore[arg-type]


def test_skipped_migrations_are_selected_too() -> None:
    assert select_skipped(PAIRS, GO, Selection()) == tuple(GO)
    for selection, found in (
        (Selection(since="2"), True), (Selection(first="2"), True), (Selection(since="3"), False), (Selection(first="3"), False),
    ):  # fmt: skip
        assert select_skipped(PAIRS, GO, selection) == (tuple(GO) if found else ()), "it comes between 2 and 3"
    assert select_skipped(PAIRS, GO, Selection(only=("1",))) == ()
    assert select_skipped(PAIRS, GO, Selection(only=("0009_code.go",))) == tuple(GO)
    assert select_skipped(PAIRS, GO, Selection(changed=frozenset({"0009_code.go"}))) == tuple(GO)
    assert select_skipped(PAIRS, GO, Selection(changed=frozenset({"0001_users.up.sql"}))) == ()
