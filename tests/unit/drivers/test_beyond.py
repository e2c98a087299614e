"""Statements that reach beyond their database."""

from __future__ import annotations

import time

import pytest

from shipway.drivers.database.beyond import beyond


@pytest.mark.parametrize(
    "script",
    [
        "DROP DATABASE shop", "create database shop", "/* a */ DROP /* b */ DATABASE shop;", "ALTER DATABASE shop SET timezone = 'UTC'",
        "ALTER SYSTEM SET wal_level = logical", "COPY users FROM PROGRAM 'curl x'", "COPY (SELECT ';' FROM a) TO PROGRAM 'x'",
        "COPY users TO '/tmp/x'", "COPY users FROM E'/tmp/x' CSV", "COPY users FROM U&'/tmp/x'", "COPY users FROM $$/tmp/x$$", "COPY users FROM $a$/tmp/x$a$",
        "CREATE EXTENSION IF NOT EXISTS file_fdw", "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw", "REASSIGN OWNED BY a TO b",
        "GRANT ALL ON DATABASE shop TO a", "COMMENT ON DATABASE shop IS 'x'", "SELECT pg_replication_origin_create('a')", "SELECT 1; SELECT pg_read_file('/etc/passwd')", "SELECT lo_export(1, '/tmp/x')",
        "DO $$ BEGIN PERFORM pg_terminate_backend(1); END $$", "DO $x$ BEGIN EXECUTE 'COPY a TO PROGRAM ''x'''; END $x$", "DO 'BEGIN PERFORM pg_reload_conf(); END'",
        "DO LANGUAGE plpython3u $$ import os $$", "SELECT dblink_exec('dbname=shop', 'DROP TABLE a')", "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
        "ATTACH 'x.db' AS x", "VACUUM INTO 'x'", "USE shop;", "use `shop`;", "LOAD DATA INFILE 'x' INTO TABLE a", "SELECT 1 INTO OUTFILE 'x'",
        "SET GLOBAL a = 1", "SHUTDOWN", "INSTALL PLUGIN a SONAME 'b'", "UNINSTALL COMPONENT 'a'", "CHANGE MASTER TO a = 1", "RESET MASTER",
        "DO LANGUAGE plperlu $$ 1 $$", "ALTER USER a IN DATABASE b SET c = 1", "ALTER SUBSCRIPTION s ENABLE", "\\connect shop", "SELECT 1;\n  \\! rm x", "\\i x.sql", "\\copy a from 'x'", "\\c shop", "SELECT 'DROP TABLE a' \\gexec",
        "/*!40000 DROP DATABASE IF EXISTS `shop`*/;", "SELECT ';' ; DROP DATABASE a", "SELECT 'it''s'; DROP DATABASE a", "SELECT $$;$$; DROP DATABASE a",
        "COPY a FROM stdin;\n'\n\\.\nDROP DATABASE b;", "-- a\n;;\n\nDROP DATABASE b", "SELECT E'\\''; DROP DATABASE a",
    ],
)  # fmt: skip
def test_refused(script: str) -> None:
    assert beyond(script)


@pytest.mark.parametrize(
    "script",
    [
        "-- DROP DATABASE shop", "/* DROP DATABASE /* nested */ shop; */ SELECT 1", "SELECT 'DROP DATABASE shop'", "INSERT INTO a VALUES ('x; DROP DATABASE y')",
        "COMMENT ON TABLE a IS 'see \\connect'", "CREATE TABLE database (system int, copy text)", 'ALTER TABLE a ADD COLUMN "use" text',
        "CREATE SCHEMA shop; DROP SCHEMA shop", "COPY users TO STDOUT", "COPY a (b) FROM stdin;\n\\N\t1\n\\.\n", "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO a",
        "REVOKE ALL ON FUNCTION pg_ls_dir(text) FROM PUBLIC", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT pg_reload_conf() $$", "CREATE EXTENSION dblink",
        "SELECT dblink_connect('a', 'dbname=' || current_database())", "ALTER DATABASE CHARACTER SET utf8mb4", "SELECT '\\d+'", "SELECT E'a\\'b; DROP DATABASE x'",
        "DO $$ BEGIN RAISE NOTICE 'a'; END $$", "VACUUM users", "SET LOCAL lock_timeout = 1", "SELECT $a$ ' DROP DATABASE x; $a$", "CREATE TABLE attachments (id int)",
        "UPDATE users SET data = 'x'", "",
    ],
)  # fmt: skip
def test_not_refused(script: str) -> None:
    assert beyond(script) == ""


@pytest.mark.parametrize(
    ("script", "refused"),
    [
        ("DROP SCHEMA shop", True), ("CREATE TABLE `shop`.`a` (id int)", True), ("INSERT INTO shop.a VALUES (1)", True), ("DELETE FROM shop . a", True),
        ("SELECT 'it\\'s; DROP DATABASE a'", False), ("UPDATE a SET b = a.b + 1.5", False), ("CREATE TABLE a (b decimal(1,2))", False),
        ("CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1", False), ("ALTER TABLE a ADD COLUMN b int", False),
    ],
)  # fmt: skip
def test_of_mysql(script: str, refused: bool) -> None:
    assert bool(beyond(script, "mysql")) == refused


def test_the_line_is_named() -> None:
    assert beyond("SELECT 1;\n/*\n*/\n-- x\nDROP DATABASE a;").startswith("line 5: creates or drops a database")
    assert beyond("SELECT '\n\n';\n\\c x").startswith("line 4: \\c is a command of psql")
    assert beyond("SELECT 1; SELECT $$\n$$;\nDO $$\nSELECT pg_reload_conf() $$").startswith(
        "line 3: calls pg_reload_conf"
    )


@pytest.mark.every_point
@pytest.mark.parametrize(
    "part",
    [
        "\n",
        " ",
        ";",
        "'",
        "/*",
        "$$",
        "$a$",
        "copy ",
        "--\n",
        "\\",
        "E'\\",
        "copy a from stdin;\n",
        "copy\n",
        "DO $$ copy ",
    ],
)
def test_time_grows_with_the_length_only(part: str) -> None:
    script = "DROP TABLE database;" + part * (300_000 // len(part))
    begun = time.monotonic()
    beyond(script)
    assert time.monotonic() - begun < 20
