"""A database keeps its rows: in a volume one folder too high, through a replacement that fails, to another major version."""

from __future__ import annotations

import pytest

from shipway.domain.errors import DeployFailed, UsageError
from shipway.drivers.runtime.engine import Engine
from tests.system.conftest import Make
from tests.system.tiny import Tiny, engine

pytestmark = pytest.mark.engine

DATA = "/var/lib/postgresql/data"
COUNT = "SELECT count(*) FROM orders"


def set_database(project: Tiny, **keys: str) -> None:
    """Commit a plan with another accessory."""
    usual = {"image": "postgres:15", "kind": "postgres", "provides": "DATABASE_URL"}
    project.plan["accessories"] = {"db": {**usual, **keys}}
    project.change("one")


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """Deployed with a volume above the one of the image, which only --force does; the database has rows."""
    project = make()
    set_database(project, volume="/var/lib/postgresql")
    project.git("branch", "--force", "main", "staging")
    refused = project.shipway("run", "staging", check=False)
    assert refused.code == UsageError.exit_code, refused.output
    assert f"volume: {DATA}" in refused.output
    assert project.containers(role="accessory") == {}
    project.shipway("deploy", "staging", "staging", "--force")
    project.psql("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS x")
    return project


def test_a_volume_one_folder_too_high_loses_nothing(shop: Tiny) -> None:
    assert "anonymous volume" in shop.shipway("doctor", "staging", check=False).output
    set_database(shop, volume="/var/lib/postgresql", command="postgres -c max_connections=50")
    shop.shipway("run", "staging", check=False)
    shop.shipway("deploy", "staging", "staging", "--force")
    assert (shop.psql(COUNT), shop.psql("SHOW max_connections")) == ("1000", "50")
    set_database(shop, volume=DATA)
    shop.shipway("run", "staging", check=False)
    done = shop.shipway("deploy", "staging", "staging", "--force")
    assert "it is copied to" in done.output
    assert (shop.psql(COUNT), shop.psql("SHOW max_connections")) == ("1000", "100")
    mounts = Engine().call("GET", f"/containers/{shop.app}_staging_db/json")["Mounts"]
    assert [(item["Name"], item["Destination"]) for item in mounts] == [(f"{shop.app}_staging_db", DATA)]
    shop.shipway("doctor", "staging")


def test_a_database_that_does_not_start_gives_way_to_the_old_one(shop: Tiny) -> None:
    first, before = (
        shop.git("rev-parse", "HEAD").output.strip(),
        engine(f"/containers/{shop.app}_staging_db/json")["Id"],
    )
    set_database(shop, volume=DATA, command="postgres -c no_such_setting=1")
    shop.shipway("run", "staging", check=False)
    done = shop.shipway("deploy", "staging", "staging", "--force", check=False)
    shop.undo(first)
    assert done.code == DeployFailed.exit_code, done.output
    assert "no_such_setting" in done.output
    assert engine(f"/containers/{shop.app}_staging_db/json")["Id"] == before
    assert (shop.psql(COUNT), shop.answer()) == ("1000", "one")
    assert list(shop.containers(role="accessory")) == [f"{shop.app}_staging_db"]
    shop.shipway("doctor", "staging")


def test_another_major_version_is_refused_and_an_upgrade_takes_the_rows_along(shop: Tiny) -> None:
    """The image says that it is PostgreSQL 16, and its server is a 15: what the tools do from one to the next is theirs."""
    image = f"{shop.app}/postgres"
    query = {
        "container": f"{shop.app}_staging_db",
        "repo": image,
        "tag": "16",
        "changes": "ENV PG_MAJOR=16",
        "pause": 0,
    }
    Engine().call("POST", "/commit", query=query)
    set_database(shop, image=f"{image}:16", volume=DATA)
    shop.shipway("run", "staging", check=False)
    refused = shop.shipway("deploy", "staging", "staging", "--force", check=False)
    assert refused.code == UsageError.exit_code, refused.output
    assert "shipway database upgrade staging" in refused.output
    done = shop.shipway("database", "upgrade", "staging")
    assert "the row counts of 1 tables match" in done.output
    assert (shop.psql(COUNT), shop.answer()) == ("1000", "one")
    shop.shipway("doctor", "staging")
    assert {f"{shop.app}_staging_db", f"{shop.app}_staging_db.pg16"} <= set(shop.volumes())
    shop.shipway("run", "staging")
    assert shop.psql(COUNT) == "1000"
