"""A destroy whose process dies or fails: the next command completes it, and removes no data."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.former_hosts import former_hosts
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.left_outside import left_outside
from shipway.domain.backups import STORED, Backup, Manifest
from shipway.domain.errors import EngineError
from shipway.domain.plan import LOCAL, Environment, Host
from shipway.domain.provision import CHALLENGE, Provision
from shipway.testing.faults import Death, Killed
from tests.matrix import FULL
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

DB = "shop_staging_db"
TWO = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))
LONGEST = 60  # effects of a destroy at the most
POINTS = range(1, LONGEST, 1 if FULL else 3)


def begun(folder: Path, environment: Environment = STAGING) -> World:
    """Release 1 serves, and people have written."""
    world = World(folder, [host.name for host in environment.hosts])
    deploy(world.controller(), DeployRequest(world.release(1, "0001", environment), environment))
    world.runtime.volumes[DB]["rows"] = b"1000"
    return world


def destroyed(world: World, death: Death | None = None, environment: Environment = STAGING) -> None:
    release = world.ledger.release("shop", 1)
    assert release is not None
    destroy(world.controller(dies=death), release.plan, environment)


def killed(world: World, at: int, *, after: bool, environment: Environment = STAGING) -> bool:
    """Whether it died. Afterwards its lock has ended."""
    death = Death(at, after=after)
    with suppress(Killed):
        destroyed(world, death, environment)
    world.now += 16
    return death.done


def rows(world: World) -> bytes | None:
    return world.runtime.volumes.get(DB, {}).get("rows")


def completed(world: World, where: object) -> None:
    """Nothing runs or is pending, and nothing is left to repair."""
    assert world.ledger.pending("shop", "staging") == [], where
    assert world.ledger.current("shop", "staging") is None, where
    assert world.serving() == set(), where
    assert all(not engine.runtime.containers for engine in world.engines.values()), where
    assert examine(world.controller(), "shop", STAGING) == [], where


@pytest.mark.every_point
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("environment", [STAGING, TWO], ids=["one host", "two hosts"])
def test_the_next_command_completes_it_and_removes_no_data(
    tmp_path: Path, environment: Environment, after: bool
) -> None:
    kept = []
    for at in POINTS:
        world = begun(tmp_path / str(at), environment)
        if not killed(world, at, after=after, environment=environment):
            break
        begins = world.ledger.latest("shop", "staging")
        assert begins is not None
        left = rows(world)
        repair(world.controller(), "shop", environment)
        if begins.kind == "destroy":
            completed(world, at)
        assert rows(world) == left, at
        said = f"its data is kept in {DB}" in "\n".join(world.notes)
        assert said == (begins.outcome == "pending" and left is not None and begins.kind == "destroy"), at
        kept.append(left is not None)
        world.close()
    assert set(kept) == {True, False}


@pytest.mark.every_point
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_same_command_completes_it_and_a_deployment_begins_again(tmp_path: Path, after: bool) -> None:
    for at in POINTS:
        world = begun(tmp_path / f"again {at}")
        if not killed(world, at, after=after):
            break
        destroyed(world)
        completed(world, at)
        assert world.runtime.volumes == {}, at
        world.close()
        world = begun(tmp_path / f"deploy {at}")
        killed(world, at, after=after)
        left = rows(world)
        deploy(world.controller(), DeployRequest(world.release(2, "0001"), STAGING))
        assert world.serving() == {2}, at
        assert rows(world) == left, at
        world.close()
    assert 10 < at < LONGEST - 1


def test_one_that_fails_is_completed_too(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.runtime.fail("remove", at=3, error=EngineError("device busy"))
    with pytest.raises(EngineError, match="device busy"):
        destroyed(world)
    left = rows(world)
    repair(world.controller(), "shop", STAGING)
    completed(world, "failed")
    assert rows(world) == left
    deploy(world.controller(), DeployRequest(world.release(2, "0001"), STAGING))
    assert world.serving() == {2}


def test_hosts_that_only_the_good_release_ran_on_are_cleared(tmp_path: Path) -> None:
    """The newest release failed, and its plan has one host less."""
    world = begun(tmp_path, TWO)
    release = world.release(2, "0001")
    world.runtime.fail("create", at=1, error=EngineError("no memory is left"))
    with pytest.raises(EngineError):
        deploy(world.controller(), DeployRequest(release, STAGING, force=True))
    killed(world, 3, after=True)
    repair(world.controller(), "shop", STAGING)
    completed(world, "two hosts")


@pytest.mark.every_point
def test_a_deployment_that_died_before_is_over(tmp_path: Path) -> None:
    """The next one begins on the database as it is."""
    for at in POINTS:
        world = begun(tmp_path / str(at))
        death = Death(at, after=True)
        with suppress(Killed):
            deploy(world.controller(dies=death), DeployRequest(world.release(2, "0002"), STAGING))
        if not death.done:
            break
        world.now += 16
        killed(world, 2, after=True)
        deploy(world.controller(), DeployRequest(world.release(3, "0002"), STAGING))
        assert world.serving() == {3}, at
        assert world.database.applied == ["0001", "0002"], at
        assert world.ledger.pending("shop", "staging") == [], at
        world.close()


def test_a_host_that_is_away_is_named_when_the_others_are_destroyed(tmp_path: Path) -> None:
    world = begun(tmp_path, TWO)
    world.engines["ssh://b"].away = True
    with pytest.raises(
        EngineError, match=r"staging is destroyed, but not on ssh://b \(ssh://b can't be reached\)"
    ) as caught:
        destroyed(world, environment=TWO)
    assert "shipway destroy staging --force" in caught.value.hint
    assert (world.runtime.containers, rows(world)) == ({}, None)
    assert world.ledger.current("shop", "staging") is None
    assert list(former_hosts(world.controller(), "shop", "staging")) == ["ssh://b"]
    world.engines["ssh://b"].away = False
    assert world.engines["ssh://b"].runtime.containers
    assert {item.host for item in examine(world.controller(), "shop", TWO)} == {"ssh://b"}
    repair(world.controller(), "shop", TWO)
    assert former_hosts(world.controller(), "shop", "staging") == {}
    completed(world, "reachable again")


def test_without_any_host_nothing_is_destroyed(tmp_path: Path) -> None:
    only = dataclasses.replace(STAGING, hosts=(Host("ssh://b"),))
    world = World(tmp_path, [LOCAL, "ssh://b"])
    deploy(world.controller(), DeployRequest(world.release(1, "0001", only), only))
    world.engines["ssh://b"].away = True
    with pytest.raises(EngineError, match="ssh://b can't be reached"):
        destroyed(world, environment=only)
    assert world.ledger.current("shop", "staging") is not None


def test_with_an_unreachable_host_nothing_is_started_and_it_is_cleared_later(tmp_path: Path) -> None:
    for at in POINTS:
        world = begun(tmp_path / str(at), TWO)
        killed(world, at, after=True, environment=TWO)
        if rows(world) is None:
            break
        world.close()
    other = world.engines["ssh://b"].runtime
    other.fail("list", error=EngineError("b is unreachable"))
    repair(world.controller(), "shop", TWO)
    assert (world.runtime.containers, rows(world)) == ({}, None)
    assert "ssh://b was not cleared: b is unreachable" in "\n".join(world.notes)
    completed(world, "reachable again")  # by the same command's last step


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ([], False),
        ([("apply", "succeeded")], True),
        ([("apply", "failed")], True),
        ([("apply", "succeeded"), ("destroy", "failed")], True),
        ([("apply", "succeeded"), ("destroy", "succeeded")], False),
        ([("apply", "succeeded"), ("destroy", "succeeded"), ("destroy", "failed")], False),
        ([("destroy", "succeeded"), ("apply", "pending")], True),
    ],
)
@pytest.mark.parametrize(
    ("kind", "command"), [("dns", "shipway dns staging --remove"), ("infra", "shipway infra staging destroy")]
)
def test_what_stays_outside_of_the_hosts_is_told_with_the_command(
    tmp_path: Path, kind: str, command: str, changes: list[tuple[str, str]], left: bool
) -> None:
    world = begun(tmp_path)
    for action, outcome in changes:
        number = world.ledger.begin_provision(
            Provision(0, "shop", "staging", kind, action, "sha256:1", "1", "Ada", "ada@host", "+ one", 1.0)
        )
        if outcome != "pending":
            world.ledger.end_provision(number, 2.0, outcome)
    told = left_outside(world.controller(), "shop", "staging")
    assert [line.endswith(command) for line in told] == [True] * left
    destroyed(world)
    assert [note for note in world.notes if command in note] == told
    world.close()


def test_a_challenge_that_a_dead_process_left_is_told(tmp_path: Path) -> None:
    world = begun(tmp_path)
    number = world.ledger.begin_provision(
        Provision(0, "shop", "staging", CHALLENGE, "apply", "shop.example", "1", "Ada", "ada@host", '{"a": ["b"]}', 1.0)
    )
    assert left_outside(world.controller(), "shop", "staging") == [
        'a challenge for its certificate stays in shop.example: remove the texts {"a": ["b"]}'
    ]
    world.ledger.end_provision(number, 2.0, "succeeded")
    assert left_outside(world.controller(), "shop", "staging") == []
    world.close()


def test_backups_stay_and_are_told(tmp_path: Path) -> None:
    world = begun(tmp_path)
    manifest = Manifest("shop", "staging", "20260101T000000Z-ab", 1.0, 1, "0001", "postgres", "postgres:15")
    found = Backup(0, manifest, "s3://shop", "Ada", "", 1.0)
    number = world.ledger.begin_backup(found)
    assert left_outside(world.controller(), "shop", "staging") == []
    world.ledger.record_backup(dataclasses.replace(found, id=number, outcome=STORED, finished=2.0))
    assert left_outside(world.controller(), "shop", "staging") == [
        "its backups stay in s3://shop: remove them there once they are no longer needed"
    ]
    world.close()
