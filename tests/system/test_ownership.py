"""Two homes and one engine; an installation of the version before; a second machine on a shared ledger."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import shipway
from examples.project import SHIPWAY
from shipway.domain.container import LABEL_LEDGER
from shipway.domain.errors import KeyMissing, OtherLedger, UsageError
from shipway.drivers.secrets.key import Keys
from shipway.drivers.secrets.ledger import LedgerSecrets
from tests.conformance.test_ledger import server
from tests.system.tiny import Tiny, engine

__all__ = ["server"]
Make = Callable[..., Tiny]
SCHEMA_2 = ("0001_ledger.sql", "0002_ways_back.sql")
# A command as the version before ran it: what it makes on the engine carries no ledger's identity.
WITHOUT_LABELS = "import shipway.actions.environment.ownership as o, shipway.cli as c; o.Ownership.label = property(lambda self: {}); c.main()"


def at_home(project: Tiny, home: Path, *args: str, check: bool = False, **env: str) -> Any:
    """A command with another home."""
    before = dict(project.env)
    project.env.update({"SHIPWAY_HOME": str(home), **env})
    try:
        return project.shipway(*args, check=check)
    finally:
        project.env.clear()
        project.env.update(before)


def ids(project: Tiny) -> dict[str, tuple[str, str | None]]:
    """Of all containers of the app: id, and the ledger that their label names."""
    filters = json.dumps({"label": [f"shipway.app={project.app}", "shipway.environment"]})
    found = engine("/containers/json", all=1, filters=filters)
    return {item["Names"][0].lstrip("/"): (item["Id"], item["Labels"].get(LABEL_LEDGER)) for item in found}


def with_secret(project: Tiny) -> None:
    project.plan["services"]["web"]["secrets"] = ["TOKEN"]
    project.change("one")
    done = subprocess.run(
        ["shipway", "secret", "set", "staging", "TOKEN"],
        input="a-token",
        cwd=project.clone,
        env=project.env,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def shared(project: Tiny, server: str) -> Tiny:
    """With a ledger on PostgreSQL."""
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{project.app}"'.encode())
    project.env["SHIPWAY_LEDGER"] = f"{server}/{project.app}"
    return project


def as_before(home: Path) -> None:
    """Make the home one of the version before: a ledger of schema 2, and the secrets in files."""
    new = sqlite3.connect(home / "ledger.db")
    scopes = [row[0] for row in new.execute("SELECT DISTINCT scope FROM secrets")]
    keeper = _keeper(home)
    (home / "secrets").mkdir(mode=0o700, exist_ok=True)
    for scope in scopes:
        values = {
            name: [keeper.get(scope, name, number + 1) for number in range(count)]
            for name, count in keeper.names(scope).items()
        }
        (home / "secrets" / (scope.replace("/", "__") + ".json")).write_text(json.dumps(values))
    old = sqlite3.connect(home / "old.db")
    for script in SCHEMA_2:
        text = (Path(shipway.__file__).parent / "store" / "migrations" / script).read_text()
        old.executescript(text.replace("{id}", "INTEGER PRIMARY KEY AUTOINCREMENT").replace("{real}", "REAL"))
    old.executescript(
        "CREATE TABLE shipway_schema (version BIGINT PRIMARY KEY); INSERT INTO shipway_schema VALUES (1), (2);"
    )
    for (table,) in old.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'shipway_schema'"
    ).fetchall():
        columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        rows = new.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        if table == "deployments":
            at = columns.index("secrets")
            rows = [
                (*row[:at], json.dumps({name: item[0] for name, item in json.loads(row[at]).items()}), *row[at + 1 :])
                for row in rows
            ]
        old.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    old.commit()
    for path in home.glob("ledger.db*"):
        path.unlink()
    (home / "old.db").rename(home / "ledger.db")
    (home / "key").unlink()


def _keeper(home: Path) -> LedgerSecrets:
    from shipway.store import open_ledger

    return LedgerSecrets(open_ledger(home / "ledger.db"), Keys(home / "key"))


@pytest.mark.engine
def test_an_installation_of_the_version_before_goes_on(make: Make) -> None:
    """By a push to the bare repository, whose hook that version wrote."""
    project = make(database=True)
    with_secret(project)
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("remote", "add", "origin", str(project.remote))
    project.git("push", "--quiet", "origin", "main", "staging")
    hook = project.remote / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\n# Written by `shipway init --hook`.\nexec {SHIPWAY} --home {project.home} hook\n")
    hook.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LABELS, "run", "staging"],
        cwd=project.clone,
        env=project.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    project.psql("INSERT INTO pets VALUES ('kept')")
    as_before(project.home)
    before = ids(project)
    assert {ledger for _, ledger in before.values()} == {None}

    assert project.shipway("doctor", "staging", check=False).code == 0
    asked = project.shipway("deploy", "staging", "--dry-run").output
    assert "is not registered yet: `shipway run` registers shipway.yaml of" in asked
    assert asked.strip().endswith("nothing to do"), "nothing is replaced"
    assert ids(project) == before
    project.change("two")
    pushed = project.git("push", "origin", "staging").output
    assert f"is registered: shipway.yaml of {project.remote}, protected branch main" in pushed, pushed
    assert "all requests go to release 2" in pushed, pushed
    assert project.answer() == "two"
    after = ids(project)
    database = f"{project.app}_staging_db"
    assert after[database] == before[database], "a database is not replaced for a label"
    assert {ledger for name, (_, ledger) in after.items() if "_web_2-" in name} == {project.ledger().identity()}
    assert project.psql("SELECT name FROM pets") == "kept"
    assert list((project.home / "secrets").glob("*.json")) == []
    assert (project.home / "key").stat().st_mode & 0o777 == 0o600
    project.shipway("rollback", "staging")
    assert project.answer() == "one"


@pytest.mark.engine
def test_two_homes_one_app_name_and_adoption(make: Make, tmp_path: Path) -> None:
    project = make()
    with_secret(project)
    project.shipway("run", "staging")
    mine, other = ids(project), tmp_path / "other"
    for command in (["run", "staging"], ["destroy", "staging", "--force"]):
        refused = at_home(project, other, *command)
        assert refused.code == OtherLedger.exit_code, refused.output
        assert "SHIPWAY_LEDGER" in refused.output
        assert "shipway adopt staging" in refused.output
    assert (ids(project), project.answer()) == (mine, "one")

    listed = at_home(project, other, "adopt", "staging")
    assert listed.code == UsageError.exit_code
    assert "rebuilds release 1 from its labels" in listed.output
    assert ids(project) == mine
    assert at_home(project, other, "adopt", "staging", "--force").code == 0
    project.change("two")
    at_home(project, other, "run", "staging", check=True)
    assert project.answer() == "two"
    at_home(project, other, "rollback", "staging", check=True)
    assert project.answer() == "one"
    assert project.shipway("run", "staging", check=False).code == OtherLedger.exit_code
    at_home(project, other, "destroy", "staging", "--force", check=True)


@pytest.mark.engine
def test_a_copied_home_is_refused_until_it_is_adopted(served: Tiny, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(served.home, copied)
    ledger = sqlite3.connect(copied / "ledger.db")
    ledger.execute("UPDATE properties SET value = 'another machine' WHERE name = 'machine'")
    ledger.commit()
    ledger.close()
    before = ids(served)
    for command in (["status"], ["run", "staging"]):
        refused = at_home(served, copied, *command)
        assert refused.code == OtherLedger.exit_code
        assert "was copied from another machine" in refused.output
    listed = at_home(served, copied, "adopt")
    assert "it gets a new identity" in listed.output
    assert "adopts container" in listed.output
    assert ids(served) == before


@pytest.mark.engine
def test_a_second_machine_on_a_shared_ledger(make: Make, server: str, tmp_path: Path) -> None:
    """The case of an app that was cut off from its database with exit code 0."""
    project, second = shared(make(database=True), server), tmp_path / "second"
    project.shipway("run", "staging")
    project.change("two")
    at_home(project, second, "run", "staging", check=True)
    environments = [engine(f"/containers/{name}/json")["Config"]["Env"] for name in ids(project) if "_web_" in name]
    addresses = {item for env in environments for item in env if item.startswith("DATABASE_URL=")}
    assert len(environments) == 2
    assert len(addresses) == 1
    assert not (second / "key").exists()
    project.shipway("destroy", "staging", "--force")


@pytest.mark.engine
@pytest.mark.full
def test_a_second_machine_takes_the_key(make: Make, server: str, tmp_path: Path) -> None:
    project, second = shared(make(), server), tmp_path / "second"
    with_secret(project)
    project.shipway("run", "staging")
    project.change("two")
    refused = at_home(project, second, "run", "staging")
    assert refused.code == KeyMissing.exit_code, refused.output
    assert "shipway key import" in refused.output
    assert project.answer() == "one"
    key = project.shipway("key", "export").output.strip()
    at_home(project, second, "run", "staging", check=True, SHIPWAY_KEY=key)
    assert project.answer() == "two"
    project.shipway("destroy", "staging", "--force")
