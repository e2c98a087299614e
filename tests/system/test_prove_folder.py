"""`shipway prove --migrations`: folders of every layout and all that goes wrong in them, on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest

from tests import prepared
from tests.conformance.alembic_projects import write_alembic
from tests.conformance.database_lab import build_image, container, docker
from tests.conformance.scratch_lab import MARIADB, build_mariadb, postgres

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(2 / 3)]
USERS = {
    "001_users.up.sql": "CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL);",
    "001_users.down.sql": "DROP TABLE users;",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as (_, url):
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """Fails where a test leaves a database, or something in the one that the URL names."""
    yield server
    with psycopg.connect(server) as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")]
        tables = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()
    assert names == ["postgres"]
    assert tables == (0,)


Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a folder of files."""

    def make(files: Mapping[str, str]) -> Path:
        for path, text in files.items():
            target = tmp_path / "migrations" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return tmp_path / "migrations"

    return make


def command(folder: Path, url: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "shipway", "prove", "--migrations", str(folder), "--database", url, *options]


def _run(folder: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return prepared.run(command(folder, url, *options)[3:], Path.cwd(), os.environ, merged=False)


def prove(folder: Path, url: str, *options: str) -> tuple[int, str]:
    """Exit code and output."""
    done = _run(folder, url, *options)
    return done.returncode, done.stdout + done.stderr


def prove_json(folder: Path, url: str, *options: str) -> list[dict[str, Any]]:
    """The ways, as --json gives them."""
    done = _run(folder, url, "--json", *options)
    assert done.returncode in (0, 17), done.stderr
    ways: list[dict[str, Any]] = json.loads(done.stdout)["ways"]
    return ways


def verdicts(folder: Path, url: str, *options: str) -> list[str]:
    return [way["verdict"] for way in prove_json(folder, url, *options)]


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


def test_a_migration_that_never_ends(write: Write, url: str) -> None:
    folder = write(
        {**USERS, "002_slow.up.sql": "CREATE TABLE t (id int);\nSELECT pg_sleep(600);", "003_x.up.sql": "SELECT 1;"}
    )
    code, output = prove(folder, url, "--timeout", "5")
    assert code == 17
    assert (
        "it timed out after 5.0 s and was interrupted (running: CREATE TABLE t (id int); SELECT pg_sleep(600);)"
        in output
    )
    assert "the up migration 002 fails, so the 1 after it were not tested" in output


def test_a_down_that_waits_for_a_lock(write: Write, url: str) -> None:
    """A session of its own holds it: here by dblink, in the wild by a tool that opens two."""
    lock = "SELECT dblink_connect('other', 'dbname=' || current_database() || ' user=postgres password=lab host=127.0.0.1');"
    folder = write({
        **USERS,
        "002_x.up.sql": "CREATE EXTENSION dblink; CREATE TABLE t (id int);",
        "002_x.down.sql": f"-- shipway: no-transaction\n{lock}SELECT dblink_exec('other', 'BEGIN; LOCK TABLE t');DROP TABLE t; DROP EXTENSION dblink;",
    })  # fmt: skip
    code, output = prove(folder, url, "--timeout", "5")
    assert code == 17
    assert (
        "the down migration failed: it timed out after 5.0 s and was interrupted (waiting for a lock: DROP TABLE t)"
        in output
    )
    assert "warning: another session held the lock" in output


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_database(number: signal.Signals, write: Write, url: str) -> None:
    folder = write({**USERS, "002_slow.up.sql": "SELECT pg_sleep(600);"})
    process = subprocess.Popen(
        command(folder, url), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ}
    )
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone() == (
            0,
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output


def test_leftovers_of_a_killed_proof_are_removed_by_the_next(write: Write, url: str) -> None:
    folder = write({**USERS, "002_slow.up.sql": "SELECT pg_sleep(600);"})
    process = subprocess.Popen(command(folder, url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone() == (
            0,
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    process.kill()
    process.wait()
    assert verdicts(folder, url, "--only", "1") == ["RESTORED"]


SLOW = {"003_slow.up.sql": "SELECT pg_sleep(600);"}


def waiting(url: str) -> None:
    """Until a migration sleeps."""
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone() == (
            0,
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def errors_of(file: Path) -> tuple[str, str, str]:
    """Number of tests, failures and errors in a JUnit report."""
    (suite,) = ElementTree.fromstring(file.read_text())
    return suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]


def test_an_interrupt_keeps_what_was_found(write: Write, url: str, tmp_path: Path) -> None:
    folder, file = write({**USERS, "002_none.up.sql": "CREATE TABLE t (id int);", **SLOW}), tmp_path / "report.xml"
    process = subprocess.Popen(
        command(folder, url, "--junit", str(file)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    waiting(url)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "IRREVERSIBLE  002 none" in output
    assert "2 of 3 migrations tested: 1 RESTORED, 1 IRREVERSIBLE" in output
    assert errors_of(file) == ("3", "1", "1")


def test_a_server_that_dies_is_no_verdict(write: Write, tmp_path: Path) -> None:
    folder, files = write({**USERS, **SLOW}), [tmp_path / "report.xml", tmp_path / "report.md"]
    with postgres() as (name, url):
        options = ("--junit", str(files[0]), "--markdown", str(files[1]))
        process = subprocess.Popen(
            command(folder, url, *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        waiting(url)
        docker("kill", name)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 25, output
    assert "1 of 2 migrations tested: 1 RESTORED" in output
    assert "FAILS" not in output
    assert errors_of(files[0]) == ("2", "0", "1")
    assert (
        "the test was not completed: 1 of 2 migrations were tested, all of these revert cleanly" in files[1].read_text()
    )


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


def own(folder: Path, *options: str) -> list[str]:
    """Without --database."""
    return [sys.executable, "-m", "shipway", "prove", "--migrations", str(folder), *options]


def servers_of(process: int) -> list[str]:
    """Containers that a process started."""
    return docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"name=^shipway_folder_{process}_").split()


def test_a_server_is_started_and_removed(write: Write) -> None:
    process = subprocess.Popen(own(write(USERS)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert re.search(r"^on PostgreSQL 15\.\d+, on a server that is started for this test$", output, re.MULTILINE)
    assert "1 of 1 migrations tested: 1 RESTORED" in output
    assert servers_of(process.pid) == []


def test_the_started_server_is_private(write: Write) -> None:
    """Its port is only on the loopback address, and its password in no output."""
    process = subprocess.Popen(
        own(write({**USERS, **SLOW})), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        name = running(process)
        found = json.loads(docker("inspect", name))[0]
        assert [item["HostIp"] for item in found["HostConfig"]["PortBindings"]["5432/tcp"]] == ["127.0.0.1"]
        (password,) = [item.split("=")[1] for item in found["Config"]["Env"] if item.startswith("POSTGRES_PASSWORD=")]
        assert len(password) >= 20
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert password not in output


def running(process: subprocess.Popen[str]) -> str:
    """The container of a process, when a migration sleeps in it."""
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        for name in servers_of(process.pid):
            query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            done = subprocess.run(
                ["docker", "exec", name, "psql", "-U", "postgres", "-At", "-c", query], capture_output=True, text=True
            )
            if done.stdout.strip() == "1":
                return name
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_removes_the_started_server(number: signal.Signals, write: Write) -> None:
    process = subprocess.Popen(
        own(write({**USERS, **SLOW})), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running(process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "1 of 2 migrations tested: 1 RESTORED" in output
    assert servers_of(process.pid) == []


def test_the_server_of_a_killed_process_is_removed_by_the_next(write: Write) -> None:
    folder = write({**USERS, **SLOW})
    process = subprocess.Popen(own(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    name = running(process)
    process.kill()
    process.communicate()
    assert servers_of(process.pid) == [name]
    done = subprocess.run(own(folder, "--only", "1"), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert servers_of(process.pid) == []


def test_an_image_that_is_no_server(write: Write) -> None:
    process = subprocess.Popen(
        own(write(USERS), "--image", "redis:7"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 25, output
    assert "redis:7" in output
    assert "--database URL" in output
    assert servers_of(process.pid) == []


def test_a_started_mariadb(write: Write) -> None:
    build_mariadb()
    files = {"001_users.up.sql": "CREATE TABLE users (id serial);", "001_users.down.sql": "DROP TABLE users;"}
    process = subprocess.Popen(
        own(write(files), "--image", MARIADB), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "on MariaDB 10.11." in output
    assert servers_of(process.pid) == []
