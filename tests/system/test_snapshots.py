"""Snapshots of a real PostgreSQL: taken before migrations and on demand, tried, restored, and what dies on the way."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest

from shipway.domain.errors import SnapshotFailed, UsageError
from tests.system.conftest import Make
from tests.system.tiny import Tiny, effects, from_its_end, visitors

pytestmark = pytest.mark.engine

OWNERS = {
    "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
    "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
}
NAMES = "SELECT string_agg(name, ' ' ORDER BY name) FROM pets"
DATABASES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'shipway%'"


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Release 2 serves, whose migration was deployed over release 1 with one pet."""
    project = make(database=True)
    project.plan["database"]["snapshot"] = {"when": "always", "keep": 20}
    project.change("one")
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex')")
    for other in ("shipway_demo", "shipway_restore_me"):
        project.psql(f"CREATE DATABASE {other}")
    project.psql(
        'CREATE TABLE "odd Name" (n int); INSERT INTO "odd Name" SELECT generate_series(1, 5); CREATE ROLE reader'
    )
    project.psql(
        f'GRANT SELECT ON pets TO reader; ALTER DATABASE "{project.app.replace("-", "_")}" SET search_path TO "$user", public'
    )
    project.change("two", files=OWNERS)
    project.shipway("run", "staging")
    return project


def snapshots(project: Tiny) -> list[dict[str, Any]]:
    return project.json("snapshots", "staging")  # type: ignore[no-any-return]


def newest(project: Tiny) -> int:
    return int(snapshots(project)[0]["number"])


def whole(project: Tiny) -> None:
    """Nothing is left of a restore, only what another app calls so, and nothing is pending."""
    assert project.psql(DATABASES) == "shipway_demo shipway_restore_me"
    assert project.containers(role="job") == {}
    assert "pending" not in [item["outcome"] for item in project.deployments("staging")]


def test_before_a_migration_that_nobody_proved(shop: Tiny) -> None:
    (taken,) = (item for item in snapshots(shop) if item["number"] == 1)
    assert (taken["cause"], taken["release"], taken["schema"]) == ("before the migrations of release 2", 1, "0001")
    assert taken["rows"] == {"public.pets": 1, 'public."odd Name"': 5, "public.shipway_migrations": 1}
    assert taken["size"] > 1000


def test_without_yes_it_says_what_would_be_lost_and_touches_nothing(shop: Tiny) -> None:
    shop.psql("INSERT INTO pets VALUES ('Pip')")
    before = shop.footprint()
    done = shop.shipway("restore", "staging", "1", check=False)
    assert done.code == UsageError.exit_code
    assert "public.pets: 2 rows now, 1 in the snapshot" in done.output
    assert "public.owners: 0 rows now; not in the snapshot" in done.output
    assert shop.footprint() == before
    assert shop.psql(NAMES) == "Pip Rex"
    shop.psql("DELETE FROM pets WHERE name = 'Pip'")


def test_restore_and_back_again(shop: Tiny) -> None:
    shop.psql("INSERT INTO pets VALUES ('Tom')")
    with visitors(shop) as answers:
        done = shop.shipway("restore", "staging", "1", "--yes", "--reason", "Tom was never here")
    assert shop.psql(NAMES) == "Rex"
    assert shop.psql("SHOW search_path") == '"$user", public'
    assert shop.psql("SELECT has_table_privilege('reader', 'pets', 'SELECT')") == "t"
    assert set(answers) == {"two"}
    record = shop.deployments("staging")[0]
    assert (record["kind"], record["outcome"], record["schema"], record["reason"]) == (
        "restore",
        "succeeded",
        "0001",
        "Tom was never here",
    )
    whole(shop)
    present = newest(shop)
    assert f"snapshot {present} has the previous data" in done.output
    shop.shipway("restore", "staging", str(present), "--yes")
    assert shop.psql(NAMES) == "Rex Tom"
    assert shop.deployments("staging")[0]["schema"] == "0002"
    whole(shop)


def test_killed_at_points_of_a_restore(shop: Tiny) -> None:
    shop.psql("INSERT INTO pets VALUES ('Kim')")
    target = newest(shop)
    shop.env["SHIPWAY_TEST_DIE"] = "0"
    counted = shop.shipway("restore", "staging", str(target), "--yes")
    del shop.env["SHIPWAY_TEST_DIE"]
    every = effects(counted.output)
    ends: set[str] = set()
    for from_end in from_its_end(ends, least=3):
        shop.psql("DELETE FROM pets; INSERT INTO pets VALUES ('Kim')")
        shop.env["SHIPWAY_TEST_DIE"] = f"{every - from_end},after"
        died = shop.shipway("restore", "staging", str(target), "--yes", check=False)
        del shop.env["SHIPWAY_TEST_DIE"]
        assert died.code == -signal.SIGKILL, died.output
        then = shop.shipway("retire", "staging", "--wait", "20")
        whole(shop)
        outcome = shop.deployments("staging")[0]["outcome"]
        assert shop.psql(NAMES) == ("Rex" if outcome == "succeeded" else "Kim"), (
            f"{from_end}\n{died.output}\n{then.output}"
        )
        assert shop.answer() == "two"
        ends.add(outcome)
    assert ends == {"succeeded", "failed"}


def test_a_file_that_is_not_what_was_written_is_refused(shop: Tiny) -> None:
    shop.psql("DELETE FROM pets; INSERT INTO pets VALUES ('Kim')")
    target = snapshots(shop)[0]
    spoil = f"echo >> /snapshots/{target['file']}"
    volume = f"{shop.app}_staging_db.snapshots:/snapshots"
    subprocess.run(
        ["docker", "run", "--rm", "-v", volume, "--entrypoint", "sh", "postgres:15", "-c", spoil], check=True
    )
    done = shop.shipway("restore", "staging", str(target["number"]), "--yes", check=False)
    assert done.code == SnapshotFailed.exit_code, done.output
    assert "its digest differs" in done.output
    assert shop.psql(NAMES) == "Kim"
    whole(shop)


def test_a_deployment_whose_snapshot_fails_migrates_nothing(shop: Tiny) -> None:
    """Such a database can be dumped, but not restored: the check looks for a table by a path that isn't set then."""
    first = shop.git("rev-parse", "HEAD").output.strip()
    shop.psql("CREATE FUNCTION few_pets() RETURNS boolean LANGUAGE sql AS 'SELECT count(*) < 9 FROM pets'")
    shop.psql("ALTER TABLE pets ADD CHECK (few_pets())")
    shop.change("three", files={
        "web/migrations/0003_vets.up.sql": "CREATE TABLE vets (name text);\n",
        "web/migrations/0003_vets.down.sql": "DROP TABLE vets;\n",
    })  # fmt: skip
    done = shop.shipway("run", "staging", check=False)
    shop.undo(first)
    assert done.code == SnapshotFailed.exit_code, done.output
    assert shop.answer() == "two"
    assert shop.psql("SELECT to_regclass('vets') IS NULL") == "t"
    assert 'relation "pets" does not exist' in done.output


def test_destroy_takes_the_snapshots_along(shop: Tiny) -> None:
    done = shop.shipway("destroy", "staging", check=False)
    assert "and snapshots" in done.output
    shop.shipway("destroy", "staging", "--force")
    assert shop.volumes() == []
