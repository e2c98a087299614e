"""A database goes to another major version with all that it has, or stays what it was."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.snapshots.snapshot import serving, shell_of
from shipway.actions.snapshots.upgrade import upgrade
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.domain.errors import DeployFailed, ShipwayError, UsageError
from shipway.domain.plan import Accessory
from shipway.domain.scheduled_run import ScheduledRun
from shipway.drivers.server.mysql import MySqlServer
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.matrix import sample
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

DB, DATA = "shop_staging_db", "/var/lib/postgresql/data"
NEW = Accessory("db", "postgres:16", "postgres", "DATABASE_URL", volume=DATA)


def world_of(folder: Path) -> World:
    """Release 1 serves on PostgreSQL 15."""
    world = World(folder)
    for major in ("15", "16", "17"):
        world.images.configs[f"postgres:{major}"] = {
            "Volumes": {DATA: {}},
            "Env": [f"PGDATA={DATA}", f"PG_MAJOR={major}"],
        }
        world.have(f"postgres:{major}")
    world.runtime.behave("*_job_upgrade", Behaviour())
    world.runtime.behave("*_job_copy_*", Behaviour(("shipway-tables 3",), exit_code=0))
    deploy(world.controller(), DeployRequest(world.release(1, volume=DATA), STAGING))
    world.runtime.volumes[DB]["PG_VERSION"] = b"15\n"
    return world


def mounted(world: World) -> dict[str, str]:
    found = world.runtime.find(DB)
    assert found is not None
    assert found.running
    return dict(found.volumes)


def test_the_release_that_runs_goes_on_with_the_new_version(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    done = upgrade(world.controller(), "shop", "staging", NEW)
    assert (str(done.old), str(done.new), done.tables, done.volume) == ("PostgreSQL 15", "PostgreSQL 16", 3, DB)
    assert mounted(world) == {DATA: f"{DB}.pg16"}
    assert world.runtime.volumes[DB] == {"PG_VERSION": b"15\n"}
    assert world.serving() == {done.release.number} == {2}
    assert done.release.images == world.ledger.release("shop", 1).images  # type: ignore[union-attr]
    assert not examine(world.controller(), "shop", STAGING)
    assert [name for name in world.runtime.containers if "_db" in name] == [DB]


def test_only_the_image_and_the_volume_are_those_of_the_caller(tmp_path: Path) -> None:
    """A working tree can't publish the database, nor make such a plan the one in force."""
    world = world_of(tmp_path)
    other = dataclasses.replace(
        NEW, published=15432, command="sh evil", environment={"POSTGRES_HOST_AUTH_METHOD": "trust"}
    )
    done = upgrade(world.controller(), "shop", "staging", other)
    before = world.ledger.release("shop", 1)
    assert before is not None
    assert done.release.plan.accessories["db"] == dataclasses.replace(
        before.plan.accessories["db"], image="postgres:16"
    )
    spec = world.runtime.containers[DB].spec
    assert not spec.publish
    assert "POSTGRES_HOST_AUTH_METHOD" not in spec.env


def test_later_deployments_and_rollbacks_stay_on_it(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    upgrade(world.controller(), "shop", "staging", NEW)
    world.runtime.volumes[f"{DB}.pg16"]["PG_VERSION"] = b"16\n"
    deploy(world.controller(), DeployRequest(world.release(3, volume=DATA, image="postgres:16"), STAGING))
    assert mounted(world) == {DATA: f"{DB}.pg16"}
    setting = world.release(4, volume=DATA, image="postgres:16", command="postgres -c max_connections=9")
    deploy(world.controller(), DeployRequest(setting, STAGING, force=True))
    assert mounted(world) == {DATA: f"{DB}.pg16"}
    rollback(world.controller(), "shop", "staging", RollbackRequest(to="1"))
    assert world.serving() == {1}
    assert mounted(world) == {DATA: f"{DB}.pg16"}
    ctx = world.controller()
    shell = shell_of(ctx, *serving(ctx, "shop", "staging"))
    assert world.images.inspect(shell.spec.image) == world.images.inspect("postgres:16")


def test_a_container_that_somebody_removed_gets_the_upgraded_volume(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    upgrade(world.controller(), "shop", "staging", NEW)
    volume = world.runtime.volumes[f"{DB}.pg16"]
    volume |= {"PG_VERSION": b"16\n", "shipway-upgraded": b""}
    world.runtime.remove(DB)
    repair(world.controller(), "shop", STAGING)
    assert mounted(world) == {DATA: f"{DB}.pg16"}
    world.runtime.remove(DB)
    del volume["shipway-upgraded"]  # as of an upgrade that was broken off
    with pytest.raises(UsageError, match="written by PostgreSQL 15"):
        deploy(world.controller(), DeployRequest(world.release(3, volume=DATA, image="postgres:16"), STAGING))


def test_an_older_plan_does_not_begin_with_what_was_there_before_the_upgrade(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    upgrade(world.controller(), "shop", "staging", NEW)
    upgraded = world.runtime.volumes[f"{DB}.pg16"]
    upgraded |= {"PG_VERSION": b"16\n", "shipway-upgraded": b""}
    world.runtime.remove(DB)  # by somebody
    for work in (
        lambda: deploy(world.controller(), DeployRequest(world.release(3, volume=DATA), STAGING)),
        lambda: rollback(world.controller(), "shop", "staging", RollbackRequest(to="1")),
    ):
        with pytest.raises(UsageError, match=r"was upgraded to PostgreSQL 16, with the volume shop_staging_db\.pg16"):
            work()
    repair(world.controller(), "shop", STAGING)
    assert mounted(world) == {DATA: f"{DB}.pg16"}
    assert world.runtime.volumes[f"{DB}.pg16"] is upgraded
    world.runtime.remove(DB)
    destroy(world.controller(), serving(world.controller(), "shop", "staging")[1].plan, STAGING)
    assert world.runtime.volumes == {}


def test_services_get_their_own_time_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, graces = world_of(tmp_path), dict[str, float]()
    stop = world.runtime.stop
    monkeypatch.setattr(
        world.runtime, "stop", lambda name, grace: (graces.setdefault(name.split("_")[2], grace), stop(name, grace))
    )
    upgrade(world.controller(), "shop", "staging", NEW)
    assert (graces["worker"], graces["frontend"]) == (30.0, 10.0)


def test_no_job_writes_while_the_rows_are_copied(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    run = ScheduledRun(0, "shop", "staging", "digest", 1.0, 0, 1, "local", "ada", "", 1.0)
    number = world.ledger.claim_scheduled(run)
    assert number is not None
    before = world.state()
    with pytest.raises(UsageError, match="the job digest is running"):
        upgrade(world.controller(), "shop", "staging", NEW)
    assert world.state() == before
    world.ledger.end_scheduled(dataclasses.replace(run, id=number, outcome="succeeded", finished=2.0))
    assert upgrade(world.controller(), "shop", "staging", NEW)


@pytest.mark.parametrize("where", ["copy", "server", "release"])
def test_where_it_fails_the_old_version_serves_on(tmp_path: Path, where: str) -> None:
    world = world_of(tmp_path)
    before = {name: state for name, state in world.state().items() if name != "rotation"}
    if where == "copy":
        world.runtime.behave("*_job_copy_*", Behaviour(("pg_restore: error: no such extension",), exit_code=1))
    elif where == "server":
        world.runtime.behave("*_job_upgrade", Behaviour(exit_code=1))
    else:
        world.runtime.behave("shop_staging_backend_2-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        upgrade(world.controller(), "shop", "staging", NEW)
    assert {name: state for name, state in world.state().items() if name != "rotation"} == before
    assert mounted(world) == {DATA: DB}
    assert world.runtime.volumes[DB] == {"PG_VERSION": b"15\n"}
    assert any(f"is only in the volume {DB}.pg16" in note for note in world.notes) == (where == "release")


@pytest.mark.parametrize(
    ("accessory", "says"),
    [
        (dataclasses.replace(NEW, image="postgres:15"), "nothing to upgrade"),
        (dataclasses.replace(NEW, volume=None), "with a `volume`"),
        (dataclasses.replace(NEW, kind="redis"), "only a PostgreSQL"),
        (dataclasses.replace(NEW, name="other"), "doesn't run"),
        (dataclasses.replace(NEW, volume="/elsewhere"), "keeps its data in"),
    ],
)
def test_what_can_not_be_upgraded_is_refused_before_anything_stops(
    tmp_path: Path, accessory: Accessory, says: str
) -> None:
    world = world_of(tmp_path)
    before = world.state()
    with pytest.raises(UsageError, match=says):
        upgrade(world.controller(), "shop", "staging", accessory)
    assert world.state() == before
    assert [item.number for item in world.ledger.releases("shop")] == [1]


def test_another_product_is_no_upgrade(tmp_path: Path) -> None:
    world, data = World(tmp_path), "/var/lib/mysql"
    for image, variable in (("mariadb:10.11", "MARIADB_VERSION=10.11.9"), ("mysql:84", "MYSQL_VERSION=84.0")):
        world.images.configs[image] = {"Volumes": {data: {}}, "Env": [variable]}
        world.have(image)
    ctx = dataclasses.replace(world.controller(), servers={"mysql": MySqlServer()})
    deploy(ctx, DeployRequest(world.release(1, image="mariadb:10.11", kind="mysql", volume=data), STAGING))
    before = world.state()
    with pytest.raises(UsageError, match=r"is MariaDB 10\.11, and mysql:84 is MySQL 84\.0: only another version"):
        upgrade(ctx, "shop", "staging", Accessory("db", "mysql:84", "mysql", volume=data))
    assert world.state() == before


@pytest.mark.every_point
def test_death_at_every_effect_of_an_upgrade(tmp_path: Path) -> None:
    begun = world_of(tmp_path / "begun")
    never = Death(0, after=False)
    upgrade(begun.copy(tmp_path / "alive").controller(dies=never), "shop", "staging", NEW)
    problems = []
    for at, after in sample(every(never.effects), 1 / 3):
        world = begun.copy(tmp_path / f"{at}-{after}")
        with suppress(Killed, ShipwayError):
            upgrade(world.controller(dies=Death(at, after=after)), "shop", "staging", NEW)
        world.now += 60
        repair(world.controller(), "shop", STAGING)
        good = world.state()["good"]
        right = {DATA: DB} if good == [1] else {DATA: f"{DB}.pg16"}
        jobs = [name for name in world.runtime.containers if "_job_" in name]
        if (
            world.serving() != set(good)
            or mounted(world) != right
            or examine(world.controller(), "shop", STAGING)
            or jobs
        ):  # type: ignore[call-overload]
            problems.append(f"{'after' if after else 'before'} {at}: {world.serving()} {mounted(world)} {jobs}")
        if world.runtime.volumes[DB] != {"PG_VERSION": b"15\n"}:
            problems.append(f"{at}: the old version's files are gone")
        world.close()
    begun.close()
    assert problems == []
    assert never.effects > 20
