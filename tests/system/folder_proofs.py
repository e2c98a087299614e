"""`shipway prove --migrations` on a folder that a test writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import prepared
from tests.conformance.scratch_lab import postgres

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


SLOW = {"003_slow.up.sql": "SELECT pg_sleep(600);"}
