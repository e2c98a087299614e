"""Proofs of a folder that end early: an interrupt, a kill, a server that dies, a migration that never ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest

from tests.conformance.database_lab import docker
from tests.conformance.scratch_lab import postgres
from tests.system.folder_proofs import SLOW, USERS, Write, command, prove, server, url, verdicts, write

__all__ = ["server", "url", "write"]

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(2 / 3)]


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
