"""Folders of migrations as people have them: one for each layout, and the shapes that are hard to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

UP, DOWN = "CREATE TABLE users (id int PRIMARY KEY, email text);\n", "DROP TABLE users;\n"
UP2, DOWN2 = "ALTER TABLE users ADD COLUMN name text;\n", "ALTER TABLE users DROP COLUMN name;\n"
ALONE, ALONE_DOWN = (
    "CREATE INDEX CONCURRENTLY users_email ON users (email);\n",
    "DROP INDEX CONCURRENTLY users_email;\n",
)
R, NO = "RESTORED", "IRREVERSIBLE"


@dataclass(frozen=True)
class Folder:
    """Files by path, and what is expected: verdicts by version in the order of the tool, reasons of skipped ones."""

    layout: str
    files: Mapping[str, str]
    verdicts: Mapping[str, str]
    skipped: Mapping[str, str] = field(default_factory=dict)  # name, and words of the reason
    ignored: tuple[str, ...] = ()
    below: str = ""  # where the files are, relative to the folder
    dialect: str | None = None  # to be passed
    inside: str = "folder"  # the folder to be passed, relative to the files


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


LAYOUTS: Mapping[str, Folder] = {
    "golang-migrate": Folder(
        "golang-migrate",
        {
            "1_users.up.sql": UP, "1_users.down.sql": DOWN, "2_index.up.sql": ALONE, "2_index.down.sql": ALONE_DOWN,
            "10_name.up.sql": UP2, "10_name.down.sql": DOWN2,
        },
        {"1": R, "2": R, "10": R},
    ),
    "up-down": Folder(
        "up-down",
        {
            "V0001.Users.up.sql": UP, "V0001.Users.down.sql": DOWN, "V0002.Name.up.sql": UP2, "V0002.Name.down.sql": DOWN2,
        },
        {"0001": R, "0002": R},
    ),
    "diesel": Folder(
        "diesel",
        {
            "2024-01-01-000000_users/up.sql": UP, "2024-01-01-000000_users/down.sql": DOWN,
            "2024-01-02-000000_index/up.sql": ALONE, "2024-01-02-000000_index/down.sql": ALONE_DOWN,
            "2024-01-02-000000_index/metadata.toml": "run_in_transaction = false\n",
        },
        {"20240101000000": R, "20240102000000": R},
    ),
    "hasura": Folder(
        "hasura",
        {
            "../config.yaml": "version: 3\nendpoint: http://localhost\nmetadata_directory: metadata\n",
            "default/1600000000000_users/up.sql": UP, "default/1600000000000_users/down.sql": DOWN,
            "default/1600000000001_track/up.yaml": "- type: track_table\n",
            "default/1600000000002_name/up.sql": UP2, "default/1600000000002_name/down.sql": DOWN2,
        },
        {"1600000000000": R, "1600000000002": R},
        {"1600000000001": "YAML"},
        below="default",
    ),
    "goose": Folder(
        "goose",
        {
            "00001_users.sql": f"-- +goose Up\n{UP}-- +goose Down\n{DOWN}",
            "00002_data.go": "package migrations", "00002_data_test.go": "package migrations",
            "00003_index.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{ALONE}-- +goose Down\n{ALONE_DOWN}",
        },
        {"00001": R, "00003": R},
        {"00002": "written in Go: it was not applied"},
        ignored=("00002_data_test.go",),
    ),
    "dbmate": Folder(
        "dbmate",
        {
            "20240101_users.sql": f"-- migrate:up\n{UP}-- migrate:down\n{DOWN}",
            "20240102-index.sql": f"-- migrate:up transaction:false\n{ALONE}-- migrate:down transaction:false\n{ALONE_DOWN}",
        },
        {"20240101": R, "20240102": R},
    ),
    "sql-migrate": Folder(
        "sql-migrate",
        {
            "1_users.sql": f"-- +migrate Up\n{UP}-- +migrate Down\n{DOWN}",
            "2_index.sql": f"-- +migrate Up notransaction\n{ALONE}-- +migrate Down notransaction\n{ALONE_DOWN}",
            "10_f.sql": (
                "-- +migrate Up\n-- +migrate StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\n"
                "BEGIN\n RETURN 1;\nEND;\n$$;\n-- +migrate StatementEnd\n-- +migrate Down\nDROP FUNCTION f;\n"
            ),
        },
        {"1": R, "2": R, "10": R},
    ),
    "node-pg-migrate": Folder(
        "node-pg-migrate",
        {
            "1600000000000_users.sql": f"-- Up Migration\n{UP}\n-- Down Migration\n{DOWN}",
            "1600000000001_code.js": "exports.up = (pgm) => {}",
            "1600000000002_name.sql": f"-- Down Migration\n{DOWN2}\n-- Up Migration\n{UP2}",
        },
        {"1600000000000": R, "1600000000002": R},
        {"1600000000001": "written in JavaScript"},
    ),
    "tern": Folder(
        "tern",
        {
            "001_users.sql": f"{UP}\n---- create above / drop below ----\n{DOWN}",
            "002_template.sql": "CREATE SCHEMA {{.schema}};",
            "003_index.sql": f"---- tern: disable-tx ----\n{ALONE}---- create above / drop below ----\n{ALONE_DOWN}",
            "004_none.sql": "CREATE TABLE t (id int);\n",
        },
        {"001": R, "003": R, "004": NO},
        {"002": "a template"},
    ),
    "yoyo": Folder(
        "yoyo",
        {
            "b-users.sql": UP, "b-users.rollback.sql": DOWN,
            "a-name.sql": f"--\n-- depends: b-users\n\n{UP2}", "a-name.rollback.sql": DOWN2,
            "c-index.sql": f"-- depends: a-name\n-- transactional: false\n{ALONE}", "c-index.rollback.sql": ALONE_DOWN,
            "d-code.py": "steps = []", "post-apply.sql": "ANALYZE users;",
        },
        {"b-users": R, "a-name": R, "c-index": R},
        {"d-code": "written in Python"},
    ),
    "flyway": Folder(
        "flyway",
        {
            "V1__users.sql": UP, "U1__users.sql": DOWN,
            "sub/V1.1__name.sql": "ALTER TABLE users ADD COLUMN ${column} text;", "sub/U1.1__name.sql": DOWN2,
            "V2__index.sql": ALONE, "U2__index.sql": ALONE_DOWN, "V1.10__other.sql": "CREATE TABLE ${missing} (id int);",
            "V3__code.java": "class V3__code {}", "B1__base.sql": UP, "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS a;",
            "beforeEachMigrate.sql": "SET LOCAL lock_timeout = '3s';", "afterMigrate__grants.sql": "GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;",
            "V4__last.sql": "CREATE TABLE last (id int);", "V4__last.sql.conf": "executeInTransaction=true\n",
            "../flyway.conf": "flyway.placeholders.column=name\n",
        },
        {"1": R, "1.1": R, "2": R, "4": NO, "R__view": NO},
        {"1.10": "${missing}", "3": "written in Java"} | {"1 ": "a baseline"},
    ),
    "sqitch": Folder(
        "sqitch",
        {
            "sqitch.conf": "[core]\n\tengine = pg\n[deploy]\n\tverify = true\n",
            "sqitch.plan": (
                "%syntax-version=1.0.0\n%project=shop\n\nusers 2024-01-01T00:00:00Z A <a@b.c> # users\n"
                "total [users] 2024-01-02T00:00:00Z A <a@b.c> # a function\n@v1 2024-01-03T00:00:00Z A <a@b.c> # tag\n\n"
                "total [total@v1] 2024-01-04T00:00:00Z A <a@b.c> # reworked\ngone 2024-01-05T00:00:00Z A <a@b.c>\n"
            ),
            "deploy/users.sql": f"BEGIN;\n{UP}COMMIT;\n{ALONE}", "revert/users.sql": f"BEGIN;\n{DOWN}COMMIT;\n",
            "verify/users.sql": "BEGIN;\nSELECT id FROM users WHERE false;\nROLLBACK;\n",
            "deploy/total@v1.sql": "CREATE FUNCTION total() RETURNS int LANGUAGE sql AS 'SELECT 1';", "revert/total@v1.sql": "DROP FUNCTION total;",
            "deploy/total.sql": "CREATE OR REPLACE FUNCTION total() RETURNS int LANGUAGE sql AS 'SELECT 2';",
            "revert/total.sql": "CREATE OR REPLACE FUNCTION total() RETURNS int LANGUAGE sql AS 'SELECT 1';",
        },
        {"users": R, "total@v1": R, "total": R},
        {"gone": "no such file"},
    ),
    "liquibase": Folder(
        "liquibase",
        {
            "changelog-master.xml": (
                '<?xml version="1.0"?>\n<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">\n'
                '<include file="db/changelog/one.sql"/><changeSet id="x" author="bob"><tagDatabase tag="1"/></changeSet>'
                '<includeAll path="later" relativeToChangelogFile="true"/>\n</databaseChangeLog>'
            ),
            "one.sql": (
                f"--liquibase formatted sql\n\n--changeset bob:1 labels:a context:test\n{UP}--rollback {DOWN}\n"
                f"--changeset bob:2 runInTransaction:false\n{ALONE}/* liquibase rollback\n{ALONE_DOWN}*/\n"
                "--changeset ann:1 endDelimiter:/\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$\n/\n"
                "--rollback DROP FUNCTION f;\n"
            ),
            "later/two.sql": f"--liquibase formatted sql\n--changeset bob:3\n{UP2}",
            "later/two.yaml": "databaseChangeLog:\n- changeSet: {id: 9, author: eve}\n",
        },
        {"bob:1": R, "bob:2": R, "ann:1": R, "bob:3": NO},
        {"bob:x": "written in XML", "eve:9": "written in YAML"},
    ),
    "prisma": Folder(
        "prisma",
        {
            "migration_lock.toml": 'provider = "postgresql"\n', "20240101000000_users/migration.sql": UP,
            "20240101000000_users/down.sql": DOWN, "20240102000000_index/migration.sql": ALONE, "20240103000000_none/README.md": "",
        },
        {"20240101000000": R, "20240102000000": NO},
        {"20240103000000": "has no migration.sql"},
        ignored=("20240103000000_none/README.md",),
    ),
    "drizzle": Folder(
        "drizzle",
        {
            "meta/_journal.json": '{"dialect": "postgresql", "entries": [{"idx": 0, "tag": "0000_users"}, {"idx": 1, "tag": "0001_name"}, {"idx": 2, "tag": "0002_gone"}]}',
            "meta/0000_snapshot.json": "{}", "0000_users.sql": f"{UP.strip()}--> statement-breakpoint\nCREATE TABLE t (id int)\n--> statement-breakpoint\nCREATE INDEX i ON t (id)",
            "0000_users.down.sql": f"DROP TABLE t;\n{DOWN}", "0001_name.sql": UP2, "seed.sql": "SELECT broken",
        },
        {"0000": R, "0001": NO},
        {"0002": "no such file"},
        ignored=("seed.sql",),
    ),
    "atlas": Folder(
        "atlas",
        {
            "atlas.sum": "h1:x\n", "20240101_users.sql": UP, "20240101_users.down.sql": DOWN,
            "20240102_index.sql": f"-- atlas:txmode none\n\n{ALONE}", "down/20240102_index.sql": f"-- shipway: no-transaction\n{ALONE_DOWN}",
            "20240103_all.sql": f"-- atlas:checkpoint\n\n{UP}",
            "20240104_archive.sql": f"-- atlas:txtar\n\n-- checks.sql --\nSELECT 1;\n-- migration.sql --\n{UP2}-- down.sql --\n{DOWN2}",
        },
        {"20240101": R, "20240102": R, "20240104": R},
        {"20240103": "a checkpoint"},
    ),
    "supabase": Folder(
        "supabase",
        {
            "supabase/config.toml": "", "supabase/seed.sql": "SELECT broken", "supabase/migrations/20240101000000_users.sql": UP,
            "supabase/migrations/down/20240101000000_users.sql": DOWN, "supabase/migrations/20240102000000_name.sql": UP2,
        },
        {"20240101000000": R, "20240102000000": NO},
        below="supabase/migrations",
    ),
    "sqlx": Folder(
        "sqlx",
        {
            "../Cargo.toml": '[dependencies]\nsqlx = "0.8"\n', "1_users.up.sql": UP, "1_users.down.sql": DOWN,
            "2_index.up.sql": f"-- no-transaction\n{ALONE}", "2_index.down.sql": f"-- no-transaction\n{ALONE_DOWN}", "3_name.sql": UP2,
        },
        {"1": R, "2": R, "3": NO},
    ),
    "rails": Folder(
        "rails",
        {"structure.sql": UP, "migrate/20240101000000_users.rb": "class Users; end", "seeds.rb": ""},
        {},
        {"20240101000000": "written in Ruby", "structure.sql": "a schema, not a migration"},
        ignored=("seeds.rb",),
    ),
    "code": Folder(
        "code",
        {"20240101000000-users.js": "exports.up = () => {}", "20240102000000-name.ts": "", "knexfile.js": ""},
        {},
        {"20240101000000": "written in JavaScript: only its own tool", "20240102000000": "written in TypeScript"},
        ignored=("knexfile.js",),
    ),
}  # fmt: skip

_PAIRS = {"1_users.up.sql": UP, "1_users.down.sql": DOWN, "2_name.up.sql": UP2, "2_name.down.sql": DOWN2}
SHAPES: Mapping[str, Folder] = {
    "stray files": Folder(
        "golang-migrate",
        {**_PAIRS, "README.sql": "not SQL", "schema.sql": UP, "seeds/users.sql": "x", "1_users.up.sql.bak": "", "1_users.up.sql~": ""},
        {"1": R, "2": R},
        ignored=("1_users.up.sql.bak", "1_users.up.sql~", "README.sql", "schema.sql", "seeds/users.sql"),
    ),
    "a version twice": Folder(
        "golang-migrate",
        {**_PAIRS, "3_a.up.sql": "", "3_a.down.sql": "", "03_b.up.sql": "", "4_c.up.sql": "CREATE TABLE c (id int);", "4_c.down.sql": "DROP TABLE c;"},
        {"1": R, "2": R, "4": R},
        {"3": "same version as 03_b.up.sql", "03": "same version as 3_a.up.sql"},
    ),
    "a version twice, goose": Folder(
        "goose",
        {"1_a.sql": f"-- +goose Up\n{UP}-- +goose Down\n{DOWN}", "2_a.sql": "-- +goose Up\nSELECT 1;", "2_b.sql": "-- +goose Up\nSELECT 1;"},
        {"1": R},
        {"2": "same version as 2_b.sql", "2 ": "same version as 2_a.sql"},
    ),
    "a down without an up": Folder(
        "golang-migrate", {**_PAIRS, "3_x.down.sql": "DROP TABLE x;"}, {"1": R, "2": R}, {"3": "has no up migration"}
    ),
    "dialects in subfolders": Folder(
        "golang-migrate",
        {
            **{f"postgres/{path}": text for path, text in _PAIRS.items()},
            **{f"{name}/{path}": "broken" for name in ("mysql", "sqlite3", "mssql") for path in _PAIRS},
        },
        {"1": R, "2": R},
        below="postgres", dialect="postgresql",
    ),
    "dialects in suffixes": Folder(
        "golang-migrate",
        {
            "1_users.postgres.up.sql": UP, "1_users.mysql.up.sql": "broken", "1_users.up.sql": "broken", "1_users.down.sql": DOWN,
            "2_name.up.postgres.sql": UP2, "2_name.down.postgres.sql": DOWN2, "2_name.up.mysql.sql": "broken",
            "3_index.autocommit.up.sql": "broken", "3_index.postgres.autocommit.up.sql": ALONE + "SELECT 1;", "3_index.down.sql": "DROP INDEX users_email;",
        },
        {"1": R, "2": R, "3": R},
        ignored=(), dialect="postgres",
    ),
    "a parent": Folder("golang-migrate", {f"db/migrations/{path}": text for path, text in _PAIRS.items()}, {"1": R, "2": R}, below="db/migrations"),
    "commands of psql": Folder(
        "golang-migrate",
        {**_PAIRS, "3_c.up.sql": "SELECT 1;\n\\connect other\nDROP TABLE users;", "4_d.up.sql": "-- a\nCREATE DATABASE other;", "5_e.up.sql": "COPY users TO PROGRAM 'cat';"},
        {"1": R, "2": R},
        {"3": "line 2: \\connect is a command of psql", "4": "line 2: creates or drops a database", "5": "runs a program"},
    ),
    "not text": Folder("golang-migrate", {**_PAIRS, "3_n.up.sql": "SELECT\0 1;"}, {"1": R, "2": R}, {"3": "NUL"}),
}  # fmt: skip
