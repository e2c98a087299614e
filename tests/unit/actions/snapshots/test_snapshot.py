"""Snapshots before migrations, and the scripts that lead back, in the release's record."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.database.down_scripts import as_folder, recorded_scripts, write_out
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.snapshots.restore import outlook
from shipway.actions.snapshots.snapshot import snapshot, snapshots
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, LABEL_OWNER, ContainerSpec
from shipway.domain.errors import DiskFull, SnapshotFailed
from shipway.domain.plan import ALWAYS, Snapshots
from shipway.domain.proof import DATA_LOST
from shipway.domain.release import Release
from shipway.domain.rules import InForce, RuleSet
from shipway.system.alive import this_process
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.world import World

ASKING = dataclasses.replace(samples.STAGING, prove=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def deployed(world: World, number: int, schema: str) -> Release:
    """Where a snapshot is taken before all migrations."""
    release = world.release(number, schema)
    assert release.plan.database is not None
    database = dataclasses.replace(release.plan.database, snapshot=Snapshots(ALWAYS))
    deploy(
        world.controller(),
        DeployRequest(
            dataclasses.replace(release, plan=dataclasses.replace(release.plan, database=database)), samples.STAGING
        ),
    )
    return release


def test_one_before_migrations(world: World) -> None:
    deployed(world, 1, "0001")
    assert world.ledger.snapshots("shop", "staging") == []
    deployed(world, 2, "0002")
    deployed(world, 3, "0002")
    (taken,) = world.ledger.snapshots("shop", "staging")
    assert (taken.number, taken.release, taken.schema, taken.rows) == (1, 1, "0001", {"public.pets": 3})
    assert (taken.size, taken.digest) == (70, "sum")
    assert taken.cause == "before the migrations of release 2"


def test_none_where_nobody_asks_for_proofs(world: World) -> None:
    for number, schema in ((1, "0001"), (2, "0002")):
        deploy(world.controller(), DeployRequest(world.release(number, schema), samples.STAGING))
    assert world.ledger.snapshots("shop", "staging") == []


def test_one_where_the_rules_in_force_ask_for_proofs_and_the_commit_does_not(world: World) -> None:
    one = world.release(1, "0001", ASKING)
    deploy(world.controller(), DeployRequest(one, ASKING))
    two = world.release(2, "0002", samples.STAGING)
    world.proven(two, one, way=DATA_LOST)
    in_force = InForce("staging", RuleSet("main", "protected", "staging", one.plan))
    deploy(world.controller(), DeployRequest(two, samples.STAGING, in_force=in_force))
    assert [item.release for item in world.ledger.snapshots("shop", "staging")] == [1]


def test_none_where_the_way_down_is_proven(world: World) -> None:
    one = world.release(1, "0001", ASKING)
    deploy(world.controller(), DeployRequest(one, ASKING))
    two = world.release(2, "0002", ASKING)
    world.proven(two, one)
    deploy(world.controller(), DeployRequest(two, ASKING))
    assert world.ledger.snapshots("shop", "staging") == []


@pytest.mark.parametrize(
    ("line", "error"), [("shipway-full 5000 100", DiskFull), ("pg_restore: error: no", SnapshotFailed)]
)
def test_one_that_fails_keeps_the_release_out(world: World, line: str, error: type[Exception]) -> None:
    deployed(world, 1, "0001")
    world.runtime.behave("*_job_snapshot_*", Behaviour((line,), exit_code=1))
    with pytest.raises(error):
        deployed(world, 2, "0002")
    assert world.database.applied == ["0001"]
    assert world.serving() == {1}
    assert world.ledger.snapshots("shop", "staging") == []


def test_the_files_of_the_newest_stay(world: World) -> None:
    release = world.release(1, "0001")
    database = release.plan.database
    assert database is not None
    plan = dataclasses.replace(release.plan, database=dataclasses.replace(database, snapshot=Snapshots(keep=2)))
    two = world.ledger.add_release(dataclasses.replace(release, plan=plan))
    deploy(world.controller(), DeployRequest(two, samples.STAGING))
    for _ in range(3):
        snapshot(world.controller(), "shop", "staging", "")
    assert [item.number for item in snapshots(world.controller(), "shop", "staging")] == [3, 2]
    assert len(world.ledger.snapshots("shop", "staging")) == 3


def test_down_scripts_are_kept_with_the_release(world: World, tmp_path: Path) -> None:
    deployed(world, 1, "0001")
    deployed(world, 2, "0003")
    found = recorded_scripts(world.controller(), "shop", "staging", 2)
    assert found == {"0002.down.sql": "-- 0002", "0003.down.sql": "-- 0003"}
    folder = write_out(
        world.controller(), "shop", "staging", 2, {**found, "../alembic downgrade b:a --sql": "SELECT 1"}
    )
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "0002.down.sql", "0003.down.sql", "_/alembic_downgrade_b_a_--sql",
    ]  # fmt: skip


def test_a_script_that_would_be_masked_is_not_kept(world: World) -> None:
    deployed(world, 1, "0001")
    ctx = world.controller()
    ctx.redactor.add({"OWNER": "0002"})
    deploy(ctx, DeployRequest(world.release(2, "0002"), samples.STAGING))
    assert recorded_scripts(world.controller(), "shop", "staging", 2) == {}
    assert any(
        "the down migrations of release 2 were not recorded, since 0002.down.sql contains a secret's value" in note
        for note in world.notes
    )


@pytest.mark.parametrize(("path", "up"), [
    ("0002_a.down.sql", "0002_a.up.sql"), ("0002_a/down.sql", "0002_a/up.sql"), ("U2__a.sql", "V2__a.sql"), ("versions/a.py", None),
])  # fmt: skip
def test_recorded_scripts_as_a_folder(path: str, up: str | None) -> None:
    made = as_folder({path: "DROP TABLE a;"})
    assert (set(made) if made else None) == ({path, up} if up else None)


def test_what_a_restore_would_lose_is_counted_beside_other_work(world: World) -> None:
    """It holds no lock, and whoever holds it ends the jobs that a dead process left."""
    deployed(world, 1, "0001")
    deployed(world, 2, "0002")
    real, seen = world.runtime.start, []

    def start(name: str) -> None:
        world.runtime.start = real  # type: ignore[method-assign]
        with exclusive_access(world.controller(), "shop", "staging", "clean-up"):
            seen.append(world.runtime.find(name))
        real(name)

    world.runtime.start = start  # type: ignore[method-assign]
    assert outlook(world.controller(), "shop", "staging", 1).lost == ()
    (found,) = seen
    assert found is not None
    assert "_job_snapshot_" in found.name
    assert found.name not in world.runtime.containers


def test_a_job_of_a_dead_process_without_the_lock_is_removed(world: World) -> None:
    deployed(world, 1, "0001")
    deployed(world, 2, "0002")
    with subprocess.Popen(["true"]) as gone:
        pass
    owner = re.sub(r"process \d+", f"process {gone.pid}", this_process())
    for name, owned in (("dead", f"ada {owner}"), ("alive", f"ada {this_process()}")):
        labels = {**names.labels("shop", "staging", "job", "db"), LABEL_OWNER: owned, LABEL_CONFIG: name, **world.label}
        world.runtime.create(ContainerSpec(f"shop_staging_job_{name}", "postgres:15", labels))
    with exclusive_access(world.controller(), "shop", "staging", "clean-up"):
        pass
    assert "shop_staging_job_dead" not in world.runtime.containers
    assert "shop_staging_job_alive" in world.runtime.containers
