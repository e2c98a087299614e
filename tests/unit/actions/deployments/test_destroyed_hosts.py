"""Infrastructure was destroyed with the hosts of an environment and made again, or one machine was replaced: what is gone is said,
and starts empty only if a person wants that."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.former_hosts import former_hosts
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine
from shipway.actions.upkeep.maintenance import maintain
from shipway.domain.errors import UsageError
from shipway.domain.plan import LOCAL, Environment, Host
from shipway.domain.provision import APPLY, DESTROY, INFRA, SUCCEEDED, Provision
from shipway.domain.provisioned import HOSTS, NO_HOST
from shipway.domain.release import ROLLBACK
from shipway.domain.rollback_plan import RollbackPlan
from shipway.domain.schema_history import CODE_ONLY
from shipway.testing.memory import Behaviour, MemoryEdge, MemoryRuntime
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

OLD = dataclasses.replace(STAGING, hosts=(Host("ssh://old"),))
NEW = dataclasses.replace(STAGING, hosts=(Host("ssh://new"),))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Release 1 serves on a host that infrastructure gave."""
    made = World(tmp_path, [LOCAL, "ssh://old", "ssh://new"])
    provision(made, APPLY, OLD)
    deploy(made.controller(), DeployRequest(made.release(1, environment=OLD), OLD))
    yield made
    made.close()


def provision(world: World, action: str, gives: Environment | None) -> None:
    ledger, at = world.ledger, world.clock()
    record = Provision(0, "shop", "staging", INFRA, action, "sha256:1", "abc", "ada", "ada@here", "", at)
    public = {HOSTS: [host.name for host in gives.hosts]} if gives else None
    ledger.end_provision(ledger.begin_provision(record), world.clock(), SUCCEEDED, "", public)


def destroyed(world: World, gives: Environment) -> None:
    """The infrastructure and its hosts are gone, and made again."""
    provision(world, DESTROY, None)
    for host in OLD.hosts:
        engine = world.engines[host.name]
        engine.away, engine.edge, engine.runtime = host not in gives.hosts, MemoryEdge(), MemoryRuntime(world.images)
        engine.runtime.behave("*_job_*", Behaviour(exit_code=0))
    world.database.applied.clear()
    provision(world, APPLY, gives)


@pytest.mark.parametrize("gives", [NEW, OLD], ids=["other addresses", "the same ones"])
def test_it_is_rejected_with_what_is_gone_and_goes_on_when_forced(world: World, gives: Environment) -> None:
    destroyed(world, gives)
    order = DeployRequest(world.release(2, environment=gives), gives)
    with pytest.raises(UsageError) as caught:
        deploy(world.controller(), order)
    assert "the infrastructure of staging was destroyed at 1970-01-01 " in caught.value.message
    assert "by ada, with ssh://old and the data there: db would start empty" in caught.value.message
    assert "the ledger has no good backup of it" in caught.value.message
    assert "shipway deploy staging r2 --force" in caught.value.hint
    assert not world.engines["ssh://new"].runtime.containers
    assert world.database.applied == []
    deploy(world.controller(), dataclasses.replace(order, force=True))
    assert world.database.applied == ["0001"], "the new database has its schema"
    assert world.serving() == {2}
    assert any("db had data" in note and "starts now is empty" in note for note in world.notes)
    assert former_hosts(world.controller(), "shop", "staging") == {}, "what was destroyed needs no clean-up"
    assert examine(world.controller(), "shop", gives) == []
    deploy(world.controller(), DeployRequest(world.release(3, environment=gives), gives))
    assert world.serving() == {3}


def test_a_schema_that_was_ahead_of_the_code_is_gone_too(world: World) -> None:
    """With it, the next release of that code would migrate nothing."""
    deploy(world.controller(), DeployRequest(world.release(2, "0002", environment=OLD), OLD))
    first = world.ledger.release("shop", 1)
    assert first is not None
    back = RollbackPlan(CODE_ONLY, "0002")
    deploy(world.controller(), DeployRequest(first, OLD, ROLLBACK, rollback=back))
    assert world.database.applied == ["0001", "0002"]
    destroyed(world, NEW)
    deploy(world.controller(), DeployRequest(world.release(3, environment=NEW), NEW, force=True))
    assert world.database.applied == ["0001"]


def test_the_newest_backup_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    destroyed(world, NEW)
    good = SimpleNamespace(started=86400.0)
    monkeypatch.setattr("shipway.actions.deployments.lost_data.last_good", lambda backups: good)
    with pytest.raises(UsageError) as caught:
        deploy(world.controller(), DeployRequest(world.release(2, environment=NEW), NEW))
    assert "the newest good backup is of 1970-01-02 00:00:00 UTC" in caught.value.message
    assert "shipway restore staging --backup latest" in caught.value.message


def test_until_then_doctor_says_what_became_of_it(world: World) -> None:
    destroyed(world, NEW)
    (found,) = examine(world.controller(), "shop", NEW)
    assert found.thing == "infrastructure"
    assert "destroyed by ada with ssh://old" in found.problem
    assert "shipway launch staging" in found.problem


def test_a_destroyed_host_is_not_waited_for(world: World) -> None:
    """By no command."""
    destroyed(world, NEW)
    maintain(world.controller(), "shop", NEW, "page")


def test_a_replaced_machine_is_no_secret(world: World) -> None:
    """The documented way back needs no --force, but nothing starts empty without a word."""
    engine = world.engines["ssh://old"]
    engine.edge, engine.runtime = MemoryEdge(), MemoryRuntime(world.images)
    world.database.applied.clear()
    release = world.ledger.release("shop", 1)
    assert release is not None
    deploy(world.controller(), DeployRequest(release, OLD))
    assert any("db had data, and ssh://old has no volume with it" in note for note in world.notes)
    world.notes.clear()
    deploy(world.controller(), DeployRequest(world.release(2, environment=OLD), OLD))
    assert not any("had data" in note for note in world.notes)


def test_what_remains_in_the_ledger_can_be_destroyed(world: World) -> None:
    """The environment has no hosts then."""
    provision(world, DESTROY, None)
    world.engines["ssh://old"].away = True
    release = world.ledger.release("shop", 1)
    assert release is not None
    none = dataclasses.replace(STAGING, hosts=(Host(NO_HOST),))
    destroy(world.controller(), release.plan, none)
    assert world.ledger.current("shop", "staging") is None
    assert world.ledger.pending("shop", "staging") == []
    assert former_hosts(world.controller(), "shop", "staging") == {}
    world.engines["ssh://old"].edge = MemoryEdge()
    deploy(world.controller(), DeployRequest(world.release(2, environment=NEW), NEW))
    assert world.serving() == {2}
