"""Without --database: a server is started for the proof, private to it, and removed in any case."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conformance.database_lab import docker
from tests.conformance.scratch_lab import MARIADB, build_mariadb
from tests.system.folder_proofs import SLOW, USERS, Write, write

__all__ = ["write"]

pytestmark = [pytest.mark.databases, pytest.mark.engine, pytest.mark.share(2 / 3)]


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
