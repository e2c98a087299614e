"""What Alembic 1.20 really printed, between the log lines of a project."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database import alembic_output as read
from shipway.drivers.database.alembic import Alembic

# A branch `b1`, a labelled branch `b2`, `b3`, and their merge; the database is at the merge.
STATE = """\
INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.
/app/models.py:3: SAWarning: relationship X will copy column -> Y, which conflicts
shipway-history: m -> z (lab) (head), make z, and more
shipway-history: b1, b3 -> m (lab) (mergepoint), make m, and more
shipway-history: second line of its message, old -> new
INFO  [alembic.runtime.migration] Will assume transactional DDL.
shipway-history: a -> b1, fix (head) of list -> tail, again
shipway-history: b2 -> b3 (lab), make b3
shipway-history: a -> b2 (lab),
shipway-history: <base> -> a (branchpoint), make a, and more
shipway-history: exit 0
shipway-current: connecting
shipway-current: m (mergepoint)
shipway-current: exit 0
"""
SCRIPTS = read.history(read.section(STATE, "history")[1])
UNKNOWN = """\
INFO  [alembic.runtime.migration] Will assume transactional DDL.
ERROR [alembic.util.messaging] Can't locate revision identified by 'beef'
shipway-history: <base> -> a (head), make a
shipway-history: exit 0
shipway-current: FAILED: Can't locate revision identified by 'beef'
shipway-current: exit 255
"""
LOGGED = """\
INFO  [alembic.runtime.migration] Running upgrade  -> a, make a, and more
INFO  [alembic.runtime.migration] Running upgrade b1, b3 -> m, make m, and more
Traceback (most recent call last):
  File "/app/migrations/versions/m_x.py", line 6, in upgrade
    op.execute("SELECT nope")
sqlalchemy.exc.OperationalError: (psycopg.OperationalError) no such column: nope
[SQL: SELECT nope]
(Background on this error at: https://sqlalche.me/e/21/e3q8)
"""
UNLOGGED = """\
  File "/usr/lib/python3/dist-packages/alembic/command.py", line 487, in upgrade
    script.run_env()
  File "/app/migrations/env.py", line 72, in run_migrations_online
    context.run_migrations()
  File "/app/migrations/versions/q_x.py", line 6, in upgrade
    op.execute("SELECT nope")
sqlalchemy.exc.OperationalError: (psycopg.OperationalError) no such column: nope
"""


def tool(output: str, code: int = 0) -> Alembic:
    def run(command: Sequence[str]) -> tuple[int, str]:
        return code, output

    return Alembic(run)


def state(*rows: str) -> read.State:
    return read.State(SCRIPTS, rows)


@pytest.mark.parametrize(
    ("line", "head"),
    [
        ("z (head)", "z"),
        ("z (lab, other) (head)", "z"),
        ("z (effective head)", "z"),
        ("  3f2a9c01b7de (head)", "3f2a9c01b7de"),
        ("INFO  [alembic] found (head)", None),
        ("FAILED: No 'script_location' key found in configuration", None),
        ("/app/env.py:3: UserWarning: relative paths (head)", None),
    ],
)
def test_heads(line: str, head: str | None) -> None:
    assert read.heads(["loading", line]) == ([head] if head else [])


def test_history() -> None:
    assert list(SCRIPTS) == ["z", "m", "b1", "b3", "b2", "a"]
    assert SCRIPTS["m"] == read.Script("m", ("b1", "b3"), (), head=False)
    assert SCRIPTS["a"].parents == ()
    assert [name for name, script in SCRIPTS.items() if script.head] == ["z"]


def test_history_with_a_dependency() -> None:
    lines = ["<base> (a, b) -> r (reports) (effective head), reports (current) -> later"]
    assert read.history(lines) == {"r": read.Script("r", (), ("a", "b"), head=True)}


def test_current_and_pending_of_a_noisy_project() -> None:
    assert tool(STATE).current() == "m"
    assert tool(STATE).pending() == ["z"]


def test_pending_is_in_the_order_of_upgrade() -> None:
    assert state().pending("z") == ["a", "b2", "b3", "b1", "m", "z"]
    assert state("b1").pending("z") == ["b2", "b3", "m", "z"]
    assert state("b1", "b3").pending("z") == ["m", "z"]


@pytest.mark.parametrize(
    ("rows", "to", "targets"),
    [
        (["z"], "m", ["m"]),
        (["z"], "a", ["a"]),
        (["z"], "b1", ["b1", "b3@b2", "b2@a"]),
        (["z"], "b3", ["b3", "b1@a"]),
        (["b1", "b3"], "b2", ["b2", "b1@a"]),
    ],
)
def test_the_way_down_leaves_merged_branches_too(rows: list[str], to: str, targets: list[str]) -> None:
    assert state(*rows).downgrade_targets(to) == targets


def test_a_database_on_two_branches_has_no_one_revision() -> None:
    output = STATE.replace("m (mergepoint)\n", "b1\nshipway-current: b3 (lab)\n")
    with pytest.raises(MigrationFailed, match="on 2 branches at the same time: b1, b3"):
        tool(output).current()


def test_a_row_below_another_is_no_branch() -> None:
    assert state("a", "m").tips() == ["m"]


def test_an_unknown_revision() -> None:
    with pytest.raises(MigrationFailed, match="at revision beef, which the image lacks"):
        tool(UNKNOWN).pending()


@pytest.mark.parametrize("lost", ["shipway-current: exit 0", "shipway-history: exit 0"])
def test_output_that_was_cut_off_is_no_state(lost: str) -> None:
    with pytest.raises(MigrationFailed, match="can't read the state"):
        tool(STATE.replace(lost, "")).current()


@pytest.mark.parametrize(
    ("output", "culprit"),
    [
        (LOGGED, "m"),
        (UNLOGGED, "q_x.py"),
        ("INFO  [x] Running downgrade m -> b1, b3, make m, and more", "m"),
        ("INFO  [x] Running upgrade a -> b", "b"),
        ("connection refused", None),
    ],
)
def test_which_migration_failed(output: str, culprit: str | None) -> None:
    assert read.culprit(output.splitlines()) == culprit


def test_a_failure_says_what_where_and_why() -> None:
    marked = "\n".join(line for line in STATE.splitlines() if line.startswith("shipway-"))
    with pytest.raises(MigrationFailed) as failure:
        tool(LOGGED + marked.replace("m (mergepoint)", "b3"), 1).up(print)
    assert failure.value.message.splitlines() == [
        "migration m failed; the schema is now at b3",
        "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) no such column: nope",
        "[SQL: SELECT nope]",
    ]


def test_the_reason_is_alembics_own_verdict() -> None:
    lines = ["INFO  [x] y", "FAILED: Multiple head revisions are present", "shell: cleaning up"]
    assert read.reason(lines) == "Multiple head revisions are present"
    assert read.reason(["INFO  [x] y", "", "boom"]) == "boom"
    assert (
        read.reason(["  File x", "    raise", "        ^^^^", "E: at", "LINE 1: a", "     ^"])
        == "E: at\nLINE 1: a\n     ^"
    )
    assert read.reason([]) == "it printed nothing"


def test_only_the_output_of_alembic_is_shown() -> None:
    shown: list[str] = []
    tool("Running upgrade  -> a, make a\n" + STATE).up(shown.append)
    assert not [line for line in shown if line.startswith("shipway-")]
    assert shown[0] == "Running upgrade  -> a, make a"
