"""Purges that fail or take long: they fail no deployment, and are done later."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.cdn import purge
from shipway.actions.cdn.purge import retry
from shipway.actions.cdn.request import request_purge
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.schedules import tick as schedules
from shipway.actions.upkeep.status import status
from shipway.cli.tick import _backups as take_backups
from shipway.domain.cdn import Answered, Batch, Cdn
from shipway.domain.errors import CdnError, SecretError, ShipwayError, StepFailed
from shipway.domain.release import SUCCEEDED
from shipway.ports import CdnAccess
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour, MemoryCdn
from tests.matrix import sample
from tests.unit.actions.cdn.purges import FIRST, ORIGIN, PLACE, cdn, fails, heals, purged, purges, put, tick, world
from tests.unit.world import World

__all__ = ["world"]


def test_a_failure_does_not_fail_the_deployment_and_tick_completes_it(world: World) -> None:
    put(world, 1)
    fails(world, CdnError("Fastly can't be reached"))
    put(world, 2)
    assert world.ledger.current("shop", "staging").release == 2  # type: ignore[union-attr]
    (pending,) = world.ledger.pending_purges("shop", "staging")
    assert (pending.detail, pending.done) == ("Fastly can't be reached", 0)
    assert world.later[-1] == ("shop", "staging"), "the background process tries too"
    assert status(world.controller(), "shop", PLACE).purges == (pending,)
    heals(world)
    purged(world)
    tick(world.controller())
    assert purged(world) == [], "it is not due yet"
    world.now = pending.due
    tick(world.controller())
    assert purged(world) == FIRST
    assert status(world.controller(), "shop", PLACE).purges == ()
    assert retry(world.controller(), "shop", "staging") is None


def test_a_failure_by_a_clock_that_was_set_back_delays_nothing(world: World) -> None:
    fails(world, CdnError("Fastly can't be reached"))
    put(world, 1)
    put(world, 2)
    for item in world.ledger.pending_purges("shop", "staging"):
        world.ledger.save_purge(dataclasses.replace(item, due=item.due + 3650 * 86400))
    heals(world)
    tick(world.controller())
    assert world.ledger.pending_purges("shop", "staging") == []


def test_purges_belong_to_the_half_of_a_tick_that_may_take_long(world: World) -> None:
    fails(world, CdnError("broken"))
    put(world, 1)
    heals(world)
    purged(world)
    world.now = world.ledger.pending_purges("shop", "staging")[0].due
    schedules.tick(world.controller())
    assert purged(world) == []
    take_backups(None, world.controller(), "shop")  # type: ignore[arg-type]
    assert purged(world) == FIRST


def test_a_failure_that_passes_is_repeated_at_once(world: World) -> None:
    cdn(world).fail("purge", at=1, error=CdnError("reset"))
    cdn(world).fail("purge", at=3, error=CdnError("slow down", retry_after=4.0))
    put(world, 1)
    assert purged(world) == [FIRST[0], FIRST[0], FIRST[1], FIRST[1]]
    assert purges(world)[-1].outcome == SUCCEEDED


def test_what_the_provider_has_accepted_is_not_repeated(world: World) -> None:
    for number in range(2, 40):
        cdn(world).fail("purge", at=number, error=CdnError("slow down", retry_after=600.0))
    put(world, 1)
    (pending,) = world.ledger.pending_purges("shop", "staging")
    assert pending.done == 1
    assert pending.due >= world.now + 590.0, "Retry-After is respected"
    heals(world)
    purged(world)
    world.now = pending.due
    tick(world.controller())
    assert purged(world) == FIRST[1:]


def test_it_is_given_up_after_a_day_and_shown(world: World) -> None:
    fails(world, CdnError("broken"), 500)
    put(world, 1)
    for _ in range(80):
        found = world.ledger.pending_purges("shop", "staging")
        if not found:
            break
        world.now = found[0].due
        tick(world.controller())
    assert purges(world)[-1].outcome == "failed"
    assert [item.outcome for item in status(world.controller(), "shop", PLACE).purges] == ["failed"]
    heals(world)
    put(world, 2)
    assert status(world.controller(), "shop", PLACE).purges == ()


def test_a_provider_that_needs_time_is_asked_again_before_it_is_purged_again(world: World) -> None:
    cdn(world).settles = 120.0
    cdn(world).answers[f"{ORIGIN}/"] = Answered(200, 500.0)
    put(world, 1)
    (pending,) = world.ledger.pending_purges("shop", "staging")
    assert pending.done == 2
    cdn(world).answers.clear()
    purged(world)
    world.now = pending.due
    tick(world.controller())
    assert purged(world) == []
    assert purges(world)[-1].outcome == SUCCEEDED


def test_the_token_must_be_set_before_a_deployment(world: World) -> None:
    world.secrets(world.ledger).remove("shop/staging", "CDN_TOKEN")
    with pytest.raises(SecretError, match="CDN_TOKEN"):
        put(world, 1)


def test_a_token_that_is_gone_is_named(world: World) -> None:
    put(world, 1)
    world.secrets(world.ledger).remove("shop/staging", "CDN_TOKEN")
    with pytest.raises(CdnError, match="CDN_TOKEN of staging is not set"):
        request_purge(world.controller(), "shop", "staging", ["/"], [], everything=False)


def test_a_deployment_waits_for_a_command_only_as_long_as_for_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "PATIENCE", 3.0)
    from shipway.domain.tasks import Task
    from shipway.drivers.cdn.command import CommandCdn

    place = dataclasses.replace(PLACE, cdn=Cdn("command", command=Task("backend", "./purge", (), 1800.0), paths=("/",)))
    world.runtime.behave("*_job_*", Behaviour())
    ctx = dataclasses.replace(world.controller(), cdn=lambda access: CommandCdn(access))
    begun = world.now
    deploy(ctx, DeployRequest(world.release(1, environment=place), place))
    assert world.now - begun < 10.0
    (pending,) = world.ledger.pending_purges("shop", "staging")
    assert "exited with 124" in pending.detail


def test_a_deployment_does_not_wait_for_all_items_of_a_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "PATIENCE", 3.0)
    asked = []

    class Slow(MemoryCdn):
        def __init__(self, access: CdnAccess) -> None:
            super().__init__({"path": 500, "all": 1})
            self.access = access

        def purge(self, batch: Batch, reference: str) -> None:
            for item in batch.items:
                self.access.go_on()
                asked.append(item)
                world.now += 0.5

    place = dataclasses.replace(
        PLACE,
        cdn=dataclasses.replace(PLACE.cdn, paths=tuple(f"/{number}" for number in range(20))),  # type: ignore[type-var]
    )
    ctx = dataclasses.replace(world.controller(), cdn=Slow)
    deploy(ctx, DeployRequest(world.release(1, environment=place), place))
    (pending,) = world.ledger.pending_purges("shop", "staging")
    assert len(asked) < 10
    asked.clear()
    world.now = pending.due
    retry(ctx, "shop", "staging")
    assert len(asked) == 20, "in the background a batch goes on to its end"


@pytest.mark.every_point
def test_a_controller_may_die_at_any_moment(world: World, tmp_path: Path) -> None:
    put(world, 1)
    never = Death(0, after=False)
    put(world.copy(tmp_path / "counted"), 2, dies=never)
    for at, after in sample(every(never.effects), 1 / 4):
        here = world.copy(tmp_path / f"{at}-{after}")
        cdn(here).keep(f"{ORIGIN}/a")  # of release 1
        with suppress(Killed, StepFailed):
            put(here, 2, dies=Death(at, after=after))
        here.now += 60.0
        tick(here.controller())
        if here.serving() == {2}:
            assert not cdn(here).kept, "the next tick purges, whoever completes the deployment"
        with suppress(ShipwayError), exclusive_access(here.controller(), "shop", "staging", "test"):
            pass
        here.now += 60.0
        tick(here.controller())
        assert here.ledger.pending_purges("shop", "staging") == []
        if here.serving() == {2}:
            assert not cdn(here).kept
        here.close()


def test_a_new_release_may_correct_what_an_older_purge_needs(world: World) -> None:
    fails(world, CdnError("broken"))
    put(world, 1)
    heals(world)
    put(world, 2)
    seen = []
    ctx = world.controller()
    make = ctx.cdn
    assert make is not None
    ctx = dataclasses.replace(ctx, cdn=lambda access: seen.append(access.cdn) or make(access))  # type: ignore[func-returns-value]
    other = dataclasses.replace(PLACE, cdn=dataclasses.replace(PLACE.cdn, paths=("/x",)))  # type: ignore[type-var]
    put(world, 3, other)
    world.now += 100.0
    tick(ctx)
    assert [item.paths for item in seen] == [("/x",)]
    assert [item.outcome for item in purges(world)] == [SUCCEEDED] * 3
