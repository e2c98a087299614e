"""Commands for PostgreSQL: what they are called with, and that a shell can read them."""

from __future__ import annotations

import subprocess
from typing import get_args

import pytest

from shipway.domain.accessory import DatabaseLogin
from shipway.drivers.server.postgres import PostgresServer
from shipway.ports.server import Operation

SERVER = PostgresServer()


@pytest.mark.parametrize("operation", get_args(Operation))
def test_every_operation_has_a_command_that_its_shell_can_read(operation: Operation) -> None:
    shell, option, script, *_ = SERVER.command(operation)
    assert option == "-c"
    assert subprocess.run([shell, "-n", "-c", script], capture_output=True, check=False).returncode == 0


def test_words_of_operations() -> None:
    assert SERVER.command("take", "new.dump", "old.dump")[3:] == ("shipway", "take", "new.dump", "old.dump")
    assert SERVER.command("copy", "data")[3:7] == ("shipway", "pipe", "data", "")
    assert SERVER.command("dump", "schema", "/tmp/x.gz")[3:7] == ("shipway", "save", "schema", "/tmp/x.gz")
    assert SERVER.command("restore", "/tmp/x.gz")[3:] == ("shipway", "load", "", "/tmp/x.gz")
    assert "alembic_version" in SERVER.command("copy", "schema")
    assert "applied" in SERVER.command("copy", "schema", "applied")
    assert SERVER.command("dump", "schema", "/tmp/x.gz", "applied").count("applied") == 1


def test_a_scratch_server_keeps_the_settings_of_its_accessory() -> None:
    durability = ("-c", "fsync=off")
    assert SERVER.scratch_command(None)[:3] == ("postgres", *durability)
    assert SERVER.scratch_command("postgres -c jit=off")[:5] == ("postgres", "-c", "jit=off", *durability)
    assert SERVER.scratch_command("/opt/start --fast")[:3] == ("postgres", *durability)


def test_a_client_finds_a_database_of_any_name() -> None:
    login = DatabaseLogin("db", 5433, "shop", "a b'\"", "other shop")
    assert SERVER.client(login) == {
        "PGHOST": "db", "PGPORT": "5433", "PGUSER": "shop", "PGPASSWORD": "a b'\"", "PGDATABASE": "other shop",
    }  # fmt: skip
    assert "a b" not in repr(login)


def test_limits_are_options_of_the_session_and_the_plans_own_options_come_last() -> None:
    assert SERVER.limits(0.5, 0.0, {"PGHOST": "db", "PGOPTIONS": "-c lock_timeout=9"}) == {
        "PGHOST": "db", "PGAPPNAME": "migrations of shipway", "PGOPTIONS": "-c lock_timeout=500 -c lock_timeout=9",
    }  # fmt: skip
    assert "PGOPTIONS" not in SERVER.limits(0.0, 0.0, {}), "a pooler may refuse options"


@pytest.mark.parametrize(
    ("output", "limit"),
    [
        ("ERROR:  canceling statement due to lock timeout", "lock"),
        ("(psycopg.errors.LockNotAvailable) abgebrochen", "lock"),
        ("error: code: '55P03'", "lock"),
        ("canceling statement due to statement timeout", "statement"),
        ("canceling statement due to user request", None),
    ],
)
def test_the_limit_that_ended_a_statement(output: str, limit: str | None) -> None:
    assert SERVER.timed_out(output) == limit
