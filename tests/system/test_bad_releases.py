"""A release that fails while it is deployed: the one before never stops serving, and all is taken back."""

from __future__ import annotations

import re

import pytest

from shipway.domain.errors import DeployFailed, MigrationFailed, StepFailed
from tests.system.conftest import Make
from tests.system.tiny import FIRST, NOT_THERE, Tiny, visitors

pytestmark = pytest.mark.engine

TABLES = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"


@pytest.fixture(scope="module")
def shop(make: Make) -> Tiny:
    """A project with a database, whose release 1 serves."""
    project = make(database=True)
    project.shipway("run", "staging")
    project.psql("INSERT INTO pets VALUES ('Rex')")
    return project


def test_a_migration_that_fails_half_way(shop: Tiny) -> None:
    first, before, tables = shop.git("rev-parse", "HEAD").output.strip(), shop.footprint(), shop.psql(TABLES)
    shop.change("two", files={
        "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
        "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
        "web/migrations/0003_vets.up.sql": "CREATE TABLE vets (name text);\nALTER TABLE no_such_table ADD x int;\n",
        "web/migrations/0003_vets.down.sql": "DROP TABLE vets;\n",
    })  # fmt: skip
    with visitors(shop) as answers:
        done = shop.shipway("run", "staging", check=False)
    shop.undo(first)
    assert done.code == MigrationFailed.exit_code, done.output
    assert "0003_vets.up.sql failed; the schema is now at 0002" in done.output
    assert 'relation "no_such_table" does not exist' in done.output
    assert set(answers) == {"one"}
    assert shop.psql(TABLES) == tables  # 0002 was reverted, nothing of 0003 stayed
    assert shop.psql("SELECT name FROM pets") == "Rex"
    assert without_releases(shop.footprint()) == without_releases(before)
    last = shop.deployments("staging")[0]
    assert (last["outcome"], last["schema"]) == ("failed", "0001")


def test_a_health_check_that_never_passes(shop: Tiny) -> None:
    first, before = shop.git("rev-parse", "HEAD").output.strip(), shop.footprint()
    shop.change("sick", health=503, files={
        "web/migrations/0002_owners.up.sql": "CREATE TABLE owners (name text);\n",
        "web/migrations/0002_owners.down.sql": "DROP TABLE owners;\n",
    })  # fmt: skip
    with visitors(shop) as answers:
        done = shop.shipway("run", "staging", check=False)
    shop.undo(first)
    assert done.code == DeployFailed.exit_code, done.output
    assert "not healthy within 3 s: GET /healthz: 503" in done.output
    assert "│ I am sick" in done.output  # the container's own last lines
    assert len(answers) > 20
    assert set(answers) == {"one"}
    assert shop.psql("SELECT to_regclass('owners')") == ""
    assert without_releases(shop.footprint()) == without_releases(before)
    assert shop.deployments("staging")[0]["outcome"] == "failed"


def test_a_container_that_exits_at_once(shop: Tiny) -> None:
    first, before = shop.git("rev-parse", "HEAD").output.strip(), shop.footprint()
    shop.plan["services"]["web"]["command"] = "sh -c 'echo no configuration found; exit 9'"
    shop.change("gone")
    done = shop.shipway("run", "staging", check=False)
    shop.undo(first)
    assert done.code == DeployFailed.exit_code, done.output
    assert re.search(r": it exited( with code 9|, and the Docker Engine restarted it)", done.output), done.output
    assert "no configuration found" in done.output
    assert shop.answer() == "one"
    assert without_releases(shop.footprint()) == without_releases(before)


def test_a_seed_that_fails(shop: Tiny) -> None:
    first, before = shop.git("rev-parse", "HEAD").output.strip(), shop.footprint()
    shop.plan["environments"]["staging"]["seed"] = {"service": "web", "run": "echo no seeds left; exit 4"}
    shop.change("two")
    done = shop.shipway("run", "staging", check=False)
    shop.undo(first)
    assert done.code == StepFailed.exit_code, done.output
    assert "no seeds left" in done.output
    assert "exited with 4" in done.output
    assert shop.answer() == "one"
    assert without_releases(shop.footprint()) == without_releases(before)


def test_a_check_that_fails_after_the_switch(shop: Tiny) -> None:
    first, before = shop.git("rev-parse", "HEAD").output.strip(), shop.footprint()
    shop.plan["checks"] = {"smoke": {"image": "caddy:2", "run": "wget -qO- $URL | grep three"}}
    shop.plan["environments"]["staging"]["checks"] = ["smoke"]
    shop.change("two")
    with visitors(shop) as answers:
        done = shop.shipway("run", "staging", check=False)
    shop.undo(first)
    assert done.code == DeployFailed.exit_code, done.output
    assert "check smoke exited with 1 on staging" in done.output
    assert set(answers) == {"one", "two"}  # it was switched and switched back, and nobody was turned away
    assert shop.answer() == "one"
    assert without_releases(shop.footprint()) == without_releases(before)


def test_a_first_release_that_fails_leaves_nothing(make: Make) -> None:
    project = make(database=True)
    project.change("sick", health=503)
    done = project.shipway("run", "staging", check=False)
    assert done.code == DeployFailed.exit_code, done.output
    assert (project.containers(environment="staging"), project.networks(), project.volumes()) == ({}, [], [])
    assert project.answer().startswith(NOT_THERE)
    assert project.good() == []
    assert project.leases() == []
    project.change("two", files=FIRST)
    project.shipway("run", "staging")  # and it is no obstacle to the next
    assert project.answer() == "two"


def without_releases(footprint: dict[str, object]) -> dict[str, object]:
    """What was built before a deployment failed is kept as a release; all else is as before."""
    return {name: value for name, value in footprint.items() if name != "releases"}
