"""A program that migrates when it starts: its start is proven, runs once and alone, and only a snapshot leads back."""

from __future__ import annotations

import re

import pytest

from shipway.domain.errors import ForwardOnly, GateRefused, MigrationFailed
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine

START = """\
#!/bin/sh
set -e
trap 'exit 0' TERM
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$DATABASE_URL" "$@"; }
sql -c 'CREATE TABLE IF NOT EXISTS migrations (version int PRIMARY KEY)' 2>/dev/null
for file in /app/migrations/*.sql; do
  version=$(basename "$file" .sql)
  [ -n "$(sql -c "SELECT 1 FROM migrations WHERE version = $version")" ] ||
    sql -1 -f "$file" -c "INSERT INTO migrations VALUES ($version)"
done
sql -c "$(cat /app/query)" > /dev/null
touch /tmp/ready
while :; do sleep 0.1; done
"""
FIRST = {
    "api/Dockerfile": 'FROM postgres:15\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["sh", "/app/start.sh"]\n',
    "api/start.sh": START,
    "api/query": "SELECT name FROM pets",
    "api/migrations/1.sql": "CREATE TABLE pets (name text);\n",
}


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 1 serves, with one pet. Staging asks for no proof."""
    project = make(database=True)
    project.plan["services"]["api"] = {
        "build": "api", "stop": "1s", "health": {"command": "test -e /tmp/ready", "timeout": "20s"},
    }  # fmt: skip
    project.plan["database"] = {"accessory": "db", "service": "api", "tool": "on-start", "folder": "migrations"}
    project.plan["prove"] = {
        "scenarios": {
            "pets": {"service": "api", "run": 'psql -v ON_ERROR_STOP=1 "$DATABASE_URL" -f /app/query', "kind": "write"}
        }
    }
    project.change("one", files=FIRST)
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--ff-only", "staging")
    project.git("switch", "--quiet", "staging")
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex')")
    return project


def revisions(project: Tiny) -> list[str]:
    return project.psql("SELECT revision FROM shipway_on_start ORDER BY id").splitlines()


def snapshots(project: Tiny) -> list[dict[str, object]]:
    return project.json("snapshots", "staging")  # type: ignore[no-any-return]


@pytest.mark.full
def test_a_release_without_other_migrations_starts_nothing_alone(shop: Tiny) -> None:
    assert len(revisions(shop)) == 1
    shop.change("same", files={"api/other": "file"})
    done = shop.shipway("run", "staging")
    assert "snapshot" not in done.output
    assert len(revisions(shop)) == 1
    assert shop.answer() == "same"
    shop.shipway("rollback", "staging")


@pytest.mark.full
def test_a_start_that_fails_leaves_the_previous_release_and_a_snapshot(shop: Tiny) -> None:
    before = shop.git("rev-parse", "HEAD").output.strip()
    shop.change("broken", files={"api/migrations/2.sql": "ALTER TABLE pets ADD age int; SELECT nonsense;\n"})
    failed = shop.shipway("run", "staging", check=False)
    assert failed.code == MigrationFailed.exit_code, failed.output
    assert "nonsense" in failed.output
    (taken,) = snapshots(shop)
    assert f"Snapshot {taken['number']} has the previous data" in failed.output
    assert (len(revisions(shop)), shop.answer()) == (1, "one")
    assert shop.containers(role="job") == {}
    assert "pending" not in [item["outcome"] for item in shop.deployments("staging")]
    shop.undo(before)


def test_the_start_is_proven_and_a_rollback_keeps_the_schema_on_which_the_old_image_works(shop: Tiny) -> None:
    earlier = len(snapshots(shop))
    shop.plan["environments"]["staging"]["prove"] = "required"
    shop.change("two", files={"api/migrations/2.sql": "ALTER TABLE pets ADD age int;\n"})
    shop.protect()
    shop.shipway("run", "staging")
    report = shop.shipway("proof").output
    assert "IRREVERSIBLE" in report
    assert "a program that migrates when it starts has no down migration" in report
    assert "pets.age" in shop.shipway("proof", "--markdown", "-").output
    assert len(revisions(shop)) == 2
    assert len(snapshots(shop)) == earlier + 1
    shop.shipway("rollback", "staging")
    assert shop.answer() == "one"
    assert shop.psql("SELECT count(age) FROM pets") == "0"


@pytest.mark.full
def test_forward_only_where_the_old_image_fails_on_the_new_schema(shop: Tiny) -> None:
    shop.change("three", files={
        "api/migrations/3.sql": "ALTER TABLE pets RENAME name TO called;\n", "api/query": "SELECT called FROM pets",
    })  # fmt: skip
    refused = shop.shipway("run", "staging", check=False)
    assert refused.code == GateRefused.exit_code, refused.output
    assert shop.psql("SELECT name FROM pets") == "Rex"
    release = re.search(r"waive (r\d+)", refused.output)
    assert release, refused.output
    shop.shipway("waive", release[1], "--env", "staging", "--reason", "a test")
    shop.shipway("deploy", "staging", release[1])
    assert shop.answer() == "three"
    stuck = shop.shipway("rollback", "staging", check=False)
    assert stuck.code == ForwardOnly.exit_code, stuck.output
    snapshot = re.search(r"restore snapshot (\d+)", stuck.output)
    assert snapshot, stuck.output
    shop.shipway("restore", "staging", snapshot[1], "--yes")
    shop.shipway("rollback", "staging")
    assert shop.answer() == "one"
    assert shop.psql("SELECT name FROM pets") == "Rex"
