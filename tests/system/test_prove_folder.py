"""`shipway prove --migrations`: folders of every layout and all that goes wrong in them, on a real PostgreSQL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conformance.alembic_projects import write_alembic
from tests.conformance.database_lab import build_image, container
from tests.system.folder_proofs import USERS, Write, prove, prove_json, server, url, verdicts, write

__all__ = ["server", "url", "write"]

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(2 / 3)]


def test_a_folder_that_leads_back(write: Write, url: str) -> None:
    folder = write({
        **USERS,
        "002_name.up.sql": "ALTER TABLE users ADD COLUMN name text;",
        "002_name.down.sql": "ALTER TABLE users DROP COLUMN name;",
    })  # fmt: skip
    code, output = prove(folder, url)
    first, server, *rest = output.splitlines()
    assert (code, first) == (0, f"golang-migrate folder {folder}: 2 migrations")
    assert re.fullmatch(r"on PostgreSQL 15\.\d+", server)
    assert rest == ["2 of 2 migrations tested: 2 RESTORED"]


def test_what_does_not_lead_back_is_named(write: Write, url: str) -> None:
    folder = write({
        **USERS,
        "002_index.up.sql": "CREATE UNIQUE INDEX users_email ON users (email); ALTER TABLE users ADD COLUMN age int DEFAULT 18;",
        "002_index.down.sql": "ALTER TABLE users DROP COLUMN age;\nDROP INDEX IF EXISTS user_email;",
        "003_none.up.sql": "CREATE TABLE orders (id int);",
        "004_default.up.sql": "ALTER TABLE users ALTER COLUMN email SET DEFAULT '';",
        "004_default.down.sql": "ALTER TABLE users ALTER COLUMN email SET DEFAULT 'none';",
        "005_empty.up.sql": "CREATE VIEW emails AS SELECT email FROM users;",
        "005_empty.down.sql": "-- TODO\n",
        "006_typo.up.sql": "CREATE TABLE tags (id int);",
        "006_typo.down.sql": "DROP TABLE tag;",
        "007_good.up.sql": "CREATE TABLE marks (id int);",
        "007_good.down.sql": "DROP TABLE marks;",
        "008_drop.up.sql": "ALTER TABLE marks ADD COLUMN a int, ADD COLUMN b int; ALTER TABLE marks DROP COLUMN id;",
        "008_drop.down.sql": "ALTER TABLE marks DROP COLUMN a, DROP COLUMN b, ADD COLUMN id int;",
    })  # fmt: skip
    code, output = prove(folder, url)
    assert code == 17
    assert "8 of 8 migrations tested: 3 RESTORED, 1 NOT_RESTORED, 2 IRREVERSIBLE, 2 FAILS" in output
    assert 'relation "users_email" already exists' in output, "the second up migration meets what the typo left behind"
    assert (
        'warning: the down migration reports: index "user_email" does not exist, skipping; is the name mistyped?'
        in output
    )
    assert "003_none.up.sql (missing)" in output
    assert "after the down migration: column public.users.email changed: default: (none) → 'none'::text" in output
    assert "005_empty.up.sql (empty)" in output
    assert 'the down migration failed: 006_typo.down.sql: table "tag" does not exist' in output
    assert "5 of 8 migrations can't be reverted" in output
    assert [way["warnings"] != [] for way in prove_json(folder, url, "--only", "8")] == [True], (
        "a lost column needs rows to be seen"
    )


LAYOUTS: dict[str, dict[str, str]] = {
    "golang-migrate": USERS,
    "diesel": {
        "2024-01-01-000000_users/up.sql": USERS["001_users.up.sql"], "2024-01-01-000000_users/down.sql": USERS["001_users.down.sql"],
        "2024-01-01-000001_index/up.sql": "CREATE INDEX CONCURRENTLY users_email ON users (email);",
        "2024-01-01-000001_index/down.sql": "DROP INDEX CONCURRENTLY users_email;",
        "2024-01-01-000001_index/metadata.toml": "run_in_transaction = false\n",
    },
    "goose": {
        "1_users.sql": f"-- +goose Up\n{USERS['001_users.up.sql']}\n-- +goose Down\n{USERS['001_users.down.sql']}\n",
        "2_index.sql": (
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY a ON users (email);\n"
            "-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$;\n"
            "-- +goose StatementEnd\n-- +goose Down\nDROP FUNCTION f; DROP INDEX CONCURRENTLY a;\n"
        ),
    },
    "dbmate": {
        "20240101_users.sql": f"-- migrate:up\n{USERS['001_users.up.sql']}\n-- migrate:down\n{USERS['001_users.down.sql']}\n",
        "20240102_index.sql": (
            "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY a ON users (email);\n"
            "-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY a;\n"
        ),
    },
    "flyway": {"V1__users.sql": USERS["001_users.up.sql"], "U1__users.sql": USERS["001_users.down.sql"]},
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str, write: Write, url: str) -> None:
    folder = write(LAYOUTS[layout])
    assert set(verdicts(folder, url, "--layout", layout)) == {"RESTORED"}
    assert set(verdicts(folder, url)) == {"RESTORED"}, "the files don't tell their layout"


@pytest.fixture(scope="module")
def alembic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of several projects; in `bin` is what leads to a real alembic, in a container."""
    folder = tmp_path_factory.mktemp("alembic")
    write_alembic(folder / "projects")
    image = build_image("python", folder)
    tool = folder / "bin" / "alembic"
    tool.parent.mkdir()
    with container("host", "--volume", f"{folder}:{folder}", image, "sleep", "infinity") as name:
        tool.write_text(f'#!/bin/sh\nexec docker exec --env DATABASE_URL --workdir "$PWD" {name} alembic "$@" 2>&1\n')
        tool.chmod(0o755)
        yield folder


def test_alembic(alembic: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{alembic / 'bin'}:{os.environ['PATH']}")
    projects = alembic / "projects"
    assert verdicts(projects / "irreversible", url, "--layout", "alembic", "--only", "bbb2") == ["IRREVERSIBLE"]


def test_an_alembic_that_would_work_on_another_database(
    alembic: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{alembic / 'bin'}:{os.environ['PATH']}")
    script = alembic / "projects" / "good" / "migrations" / "env.py"
    script.write_text(script.read_text().replace('os.environ["DATABASE_URL"]', repr(url)))
    code, output = prove(alembic / "projects" / "good", url, "--layout", "alembic")
    assert code == 25
    assert "alembic ignores DATABASE_URL and uses another database; nothing was run" in output


def test_a_folder_for_sqlite(write: Write) -> None:
    files = {path: text.replace("serial", "integer") for path, text in USERS.items()}
    folder = write({
        **files,
        "002_seed.up.sql": "INSERT INTO users (email) VALUES ('root');", "002_seed.down.sql": "SELECT 1;",
        "003_index.up.sql": "CREATE INDEX a ON users (email);", "003_index.down.sql": "DROP INDEX IF EXISTS b;",
    })  # fmt: skip
    assert verdicts(folder, "sqlite:") == ["RESTORED", "ROWS_ADDED", "IRREVERSIBLE"]
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;"
    ways = prove_json(write({"004_slow.up.sql": slow}), "sqlite:", "--only", "4", "--timeout", "1")
    assert "it timed out after 1.0 s" in ways[0]["reasons"][0]


def test_seeds_and_their_numbers(write: Write, url: str) -> None:
    """A round trip numbers rows twice; the migrations after it must not notice."""
    folder = write({
        **USERS,
        "002_seed.up.sql": "INSERT INTO users (email) VALUES ('root');", "002_seed.down.sql": "DELETE FROM users WHERE email = 'root';",
        "003_fk.up.sql": "CREATE TABLE posts (author int REFERENCES users DEFAULT 1); INSERT INTO posts DEFAULT VALUES;",
        "003_fk.down.sql": "DROP TABLE posts;",
        "004_left.up.sql": "INSERT INTO users (email) VALUES ('guest');", "004_left.down.sql": "SELECT 1;",
        "005_changed.up.sql": "UPDATE users SET email = upper(email);", "005_changed.down.sql": "SELECT 1;",
    })  # fmt: skip
    ways = prove_json(folder, url)
    assert [way["verdict"] for way in ways] == ["RESTORED", "RESTORED", "RESTORED", "ROWS_ADDED", "DATA_LOST"]
    assert ways[3]["reasons"] == ["public.users has 2 rows; before: 1. All earlier rows are unchanged, 1 were added"]
    assert ways[4]["reasons"] == ["public.users has different values in email (2 rows)"]


def test_generated_rows_show_what_a_way_loses(write: Write, url: str) -> None:
    folder = write({
        **USERS,
        "002_drop.up.sql": "ALTER TABLE users DROP COLUMN email;", "002_drop.down.sql": "ALTER TABLE users ADD COLUMN email text NOT NULL DEFAULT '';"
        "ALTER TABLE users ALTER COLUMN email DROP DEFAULT;",
        "003_name.up.sql": "ALTER TABLE users ADD COLUMN a varchar(20);", "003_name.down.sql": "ALTER TABLE users DROP COLUMN a;",
        "004_kept.up.sql": "ALTER TABLE users RENAME a TO b;", "004_kept.down.sql": "ALTER TABLE users RENAME b TO a;",
    })  # fmt: skip
    assert verdicts(folder, url) == ["RESTORED", "RESTORED", "RESTORED", "RESTORED"]
    ways = prove_json(folder, url, "--rows")
    assert [way["verdict"] for way in ways] == ["RESTORED", "DATA_LOST", "RESTORED", "RESTORED"]
    assert ways[1]["reasons"] == ["public.users has different values in email (3 rows)"]
    code, output = prove(folder, url)
    assert code == 0
    assert "2 of them may lose rows: pass --rows to check" in output


def test_a_linter_tells_of_locks(write: Write, url: str) -> None:
    """On the empty tables of a proof, no session waits for them."""
    folder = write({
        **USERS,
        "002_index.up.sql": "ALTER TABLE users ADD COLUMN name text;\nCREATE INDEX users_name ON users (name);",
        "002_index.down.sql": "ALTER TABLE users DROP COLUMN name;",
    })  # fmt: skip
    first, second = prove_json(folder, url, "--lint")
    assert first["warnings"] == []
    (warning,) = second["warnings"]
    assert warning.startswith("002_index.up.sql:2: During normal index creation")
    code, output = prove(folder, url, "--lint")
    assert (code, "002_index.up.sql:2" in output) == (0, True)


@pytest.mark.parametrize(
    ("up", "words"),
    [
        ("CREATE TABLE t (\n  id int,\n  name txt\n);", ["002_x.up.sql: type \"txt\" does not exist", "at line 3: name txt"]),
        ("CREATE TABLE t (id int);\n\nSELEC 1;", ["syntax error at or near \"SELEC\"", "at line 3: SELEC 1;"]),
        ("CREATE EXTENSION postgis;", ['extension "postgis" is not available', "a server with the target's own image"]),
        ("CREATE INDEX CONCURRENTLY a ON users (id); SELECT 1;", ["cannot run inside a transaction block", "the statement can't run in a transaction: mark"]),
        ("DROP TABLE nope;", ['table "nope" does not exist']),
    ],
)  # fmt: skip
def test_a_way_up_that_fails(up: str, words: list[str], write: Write, url: str) -> None:
    code, output = prove(write({**USERS, "002_x.up.sql": up}), url)
    assert code == 17
    assert [word for word in [*words, "the up migration 002 fails"] if word not in output] == [], output


def test_a_user_who_is_no_superuser(write: Write, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE small LOGIN CREATEDB PASSWORD 'lab'")
    try:
        folder = write(
            {**USERS, "002_x.up.sql": "CREATE EXTENSION pageinspect;", "002_x.down.sql": "DROP EXTENSION pageinspect;"}
        )
        code, output = prove(folder, url.replace("postgres:lab@", "small:lab@"))
        assert code == 17, output
        assert "permission denied to create extension" in output
        assert "connect as a superuser" in output
        assert verdicts(folder, url) == ["RESTORED", "RESTORED"]
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP ROLE small")


@pytest.mark.parametrize(
    ("files", "options", "words"),
    [
        ({}, [], "there is no folder"),
        ({"README.md": "nothing"}, [], "there are no migrations in"),
        ({"a.sql": "SELECT 1"}, [], "it has a.sql"),
        ({"1_a.up.sql": "", "01_b.up.sql": ""}, [], "all selected migrations are skipped"),
        ({"1_a.sql": "SELECT 1"}, ["--layout", "goose"], "1_a.sql: has no line `-- +goose Up`"),
        (USERS, ["--only", "9"], "the folder has no migration 9"),
    ],
)
def test_a_folder_that_can_not_be_read(
    files: dict[str, str], options: list[str], words: str, tmp_path: Path, write: Write, url: str
) -> None:
    write(files)
    code, output = prove(tmp_path / "migrations", url, *options)
    assert (code, words in output) == (25, True), output


def test_a_server_that_can_not_be_reached(write: Write) -> None:
    code, output = prove(write(USERS), "postgresql://postgres@127.0.0.1:1/postgres")
    assert code == 25
    assert "Connection refused" in output
    assert "--database" in output
    assert prove(write(USERS), "oracle://x")[0] == 25


def test_an_unknown_layout(write: Write) -> None:
    code, output = prove(write(USERS), "postgresql://x", "--layout", "nope")
    assert code == 2
    assert "'golang-migrate'" in output


def test_roles_belong_to_the_database_that_made_them(write: Write, url: str) -> None:
    """Also where a later migration needs another database, and on a server that had the role from an earlier run."""
    folder = write({
        **USERS,
        "002_role.up.sql": "CREATE ROLE shipway_test_role; GRANT SELECT ON users TO shipway_test_role;",
        "002_role.down.sql": "DROP OWNED BY shipway_test_role; DROP ROLE shipway_test_role;",
        "003_typo.up.sql": "CREATE TABLE t (id int);", "003_typo.down.sql": "DROP TABLE tt;",
        "004_more.up.sql": "CREATE TABLE m (id int);", "004_more.down.sql": "DROP TABLE m;",
    })  # fmt: skip
    for _ in range(2):
        assert verdicts(folder, url) == ["RESTORED", "RESTORED", "FAILS", "RESTORED"]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = 'shipway_test_role'").fetchall() == []


def test_what_was_found_before_an_error_is_printed(write: Write, url: str) -> None:
    """A migration that works in one database, and fails in the next."""
    alone = "SELECT count(*) FROM pg_database WHERE datname LIKE 'shipway_scratch%'"
    folder = write({
        **USERS,
        "002_moody.up.sql": f"DO $$ BEGIN IF ({alone}) = 1 THEN RAISE EXCEPTION 'not now'; END IF; END $$; CREATE TABLE n (id int);",
        "002_moody.down.sql": "DROP TABLE n;",
        "003_typo.up.sql": "CREATE TABLE t (id int);", "003_typo.down.sql": "DROP TABLE tt;",
        "004_more.up.sql": "CREATE TABLE m (id int);", "004_more.down.sql": "DROP TABLE m;",
    })  # fmt: skip
    code, output = prove(folder, url)
    assert code == 25, output
    assert "of 4 migrations tested: 2 RESTORED" in output
    assert "can't be applied one after the other" in output
    assert "not now" in output


def test_locks_and_compatibility_of_tools_without_down_migrations(write: Write, url: str, tmp_path: Path) -> None:
    folder = write({
        "V1__users.sql": "CREATE TABLE users (id int, email text); INSERT INTO users SELECT i, 'x' FROM generate_series(1, 20000) i;",
        "V2__wide.sql": "ALTER TABLE users ALTER COLUMN id TYPE bigint; SELECT pg_sleep(0.2);",
        "V3__drop.sql": "ALTER TABLE users DROP COLUMN email;",
    })  # fmt: skip
    first, second, third = prove_json(folder, url, "--locks")
    assert {way["verdict"] for way in (first, second, third)} == {"IRREVERSIBLE"}
    assert [way["triage"] for way in (first, second, third)] == ["additive", "review", "breaking"]
    up = second["stages"][0]
    assert up["rewrites"] == ["public.users"]
    assert ("public.users", "AccessExclusiveLock") in {(lock["relation"], lock["mode"]) for lock in up["locks"]}
    _, output = prove(folder, url, "--locks", "--markdown", "-")
    assert "2 wide: ACCESS EXCLUSIVE on public.users" in output
    assert "2 wide: rewrites public.users" in output
    assert prove_json(folder, url)[1]["stages"][0]["locks"] == []
