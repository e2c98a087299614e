"""Deployments with a managed database: its address, what it must answer, and what never moves along."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.resolved import resolved
from shipway.actions.operations.command import Person, execute
from shipway.actions.operations.logs import LogQuery, logs
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.snapshots.restore import restore_snapshot
from shipway.actions.snapshots.snapshot import snapshot
from shipway.actions.snapshots.upgrade import upgrade
from shipway.actions.upkeep.doctor import examine
from shipway.actions.upkeep.status import status
from shipway.domain.errors import DeployFailed, SecretError, ShipwayError, UsageError
from shipway.domain.release import Release
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.unit.actions.operations.test_command import Screen
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

FIRST = "postgresql://keeper:first-password@db.example/pets?sslmode=require"
SECOND = "postgresql://keeper:second-password@db.example/pets?sslmode=require"
SCOPE = "shop/staging"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "mine")
    made.secrets(made.ledger).set(SCOPE, "DATABASE_URL", FIRST)
    return made


def external(world: World, number: int, schema: str = "0001") -> Release:
    return world.release(number, schema, external="DATABASE_URL", version="15", volume=None)


def answers(world: World, *lines: str, code: int = 0) -> None:
    """What the managed server says to Shipway's programs."""
    found = ("shipway-rows public.pets\t3", "shipway-taken 70 sum", "shipway-server 15.4", *lines)
    world.runtime.behave("*_job_snapshot_*", Behaviour(lines if code else found, exit_code=code))


def addresses(world: World) -> set[str]:
    """Of the running containers."""
    found = (item for item in world.runtime.containers.values() if item.info.running)
    return {item.spec.env.get("DATABASE_URL", "") for item in found if item.info.labels["shipway.role"] == "service"}


def test_services_get_it_and_no_database_is_started(world: World) -> None:
    deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    assert addresses(world) == {FIRST}
    assert world.database.applied == ["0001"]
    roles = {item.info.labels["shipway.role"] for item in world.runtime.containers.values()}
    assert "accessory" not in roles
    found = status(world.controller(), "shop", STAGING)
    assert found.accessories == {"db": "external"}
    assert examine(world.controller(), "shop", STAGING) == []


def test_a_database_that_was_there_gets_a_snapshot_before_its_first_migration(world: World) -> None:
    deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    assert [item.cause for item in world.ledger.snapshots("shop", "staging")] == ["before the migrations of release 1"]


def test_a_rollback_keeps_the_newest_address(world: World) -> None:
    deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    world.secrets(world.ledger).set(SCOPE, "DATABASE_URL", SECOND)
    assert addresses(world) == {FIRST}
    deploy(world.controller(), DeployRequest(external(world, 2), STAGING))
    assert addresses(world) == {SECOND}
    rollback(world.controller(), "shop", "staging", RollbackRequest(reason="a test"))
    assert addresses(world) == {SECOND}
    assert world.serving() == {1}


def test_one_that_is_not_set_or_no_address_is_refused_before_anything_runs(world: World) -> None:
    world.secrets(world.ledger).set(SCOPE, "DATABASE_URL", "mysql://keeper:hidden@db.example/pets")
    with pytest.raises(SecretError, match="DATABASE_URL of staging") as caught:
        deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    assert "hidden" not in f"{caught.value} {caught.value.hint}"
    assert world.runtime.containers == {}


def test_one_that_does_not_answer_stops_the_deployment(world: World) -> None:
    answers(world, "FATAL:  role keeper is not permitted to log in", code=2)
    with pytest.raises(DeployFailed, match="db of staging doesn't answer: FATAL:  role keeper is not permitted"):
        deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    assert world.database.applied == []
    answers(world)
    deploy(world.controller(), DeployRequest(external(world, 2), STAGING))
    answers(world, "FATAL:  gone", code=2)
    (found,) = examine(world.controller(), "shop", STAGING)
    assert (found.thing, found.remedy) == ("db", "")
    assert "FATAL:  gone" in found.problem


def test_another_version_of_the_server_is_refused(world: World) -> None:
    world.have("postgres:15")
    world.runtime.behave("*_job_snapshot_*", Behaviour(("shipway-server 16.2",), exit_code=0))
    with pytest.raises(DeployFailed, match="is PostgreSQL 16, and the plan says PostgreSQL 15") as caught:
        deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    assert "`version: 16`" in caught.value.hint


def test_rights_that_a_restore_lacks_are_said_at_the_first_deployment_and_before_a_restore(world: World) -> None:
    answers(world, "shipway-lacks the right to create databases (ALTER ROLE keeper CREATEDB)")
    deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    assert any("not restored: its role lacks the right to create databases" in note for note in world.notes)
    taken = snapshot(world.controller(), "shop", "staging", "a test")
    with pytest.raises(UsageError, match="ALTER ROLE keeper CREATEDB"):
        restore_snapshot(world.controller(), "shop", "staging", taken.number, "a test")
    assert len(world.ledger.snapshots("shop", "staging")) == taken.number


@pytest.mark.parametrize("first", ["container", "external"])
def test_an_exchange_with_a_container_needs_force(world: World, first: str) -> None:
    releases = (
        [world.release(1), external(world, 2)] if first == "container" else [external(world, 1), world.release(2)]
    )
    deploy(world.controller(), DeployRequest(releases[0], STAGING))
    with pytest.raises(UsageError, match="its data doesn't move along"):
        deploy(world.controller(), DeployRequest(releases[1], STAGING))
    assert world.serving() == {1}
    deploy(world.controller(), DeployRequest(releases[1], STAGING, force=True))
    assert world.serving() == {2}


def test_an_upgrade_is_refused(world: World) -> None:
    release = external(world, 1)
    deploy(world.controller(), DeployRequest(release, STAGING))
    accessory = dataclasses.replace(release.plan.accessories["db"], image="postgres:16")
    with pytest.raises(UsageError, match="db is an external service"):
        upgrade(world.controller(), "shop", "staging", accessory)


def test_its_container_its_logs_and_its_address_are_nowhere(world: World) -> None:
    release = external(world, 1)
    deploy(world.controller(), DeployRequest(release, STAGING))
    ctx = world.controller()
    with pytest.raises(UsageError, match="db is an external service"):
        execute(ctx, "shop", "staging", "db", ["sh"], Person(Screen()), into=True)
    with pytest.raises(UsageError, match="no logs of it"):
        list(logs(ctx, release.plan, STAGING, LogQuery(("db",))))
    shown = json.dumps(resolved(ctx, release.plan, STAGING, release))
    assert "first-password" not in shown
    assert "(version 1)" in shown


@pytest.mark.every_point
def test_a_process_that_dies_leaves_its_schema_and_no_job_to_the_next(world: World, tmp_path: Path) -> None:
    deploy(world.controller(), DeployRequest(external(world, 1), STAGING))
    release = external(world, 2, "0002")
    count = Death(0, after=False)
    deploy(world.copy(tmp_path / "count").controller(dies=count), DeployRequest(release, STAGING))
    ends = set()
    for at, after in list(every(count.effects))[::4]:
        here = world.copy(tmp_path / f"{at}{after}")
        with suppress(Killed, ShipwayError):
            deploy(here.controller(dies=Death(at, after=after)), DeployRequest(release, STAGING))
        here.now += 1000.0  # its lease has ended
        with exclusive_access(here.controller(), "shop", "staging", "the next command"):
            pass
        assert (here.serving(), here.database.applied) in (({1}, ["0001"]), ({2}, ["0001", "0002"])), (at, after)
        assert not [item for item in here.runtime.containers if "_job_" in item], (at, after)
        assert here.state()["pending"] == []
        ends |= here.serving()
        here.close()
    assert ends == {1, 2}
