"""Purges of a CDN around deployments, in memory."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.cdn import purge
from shipway.actions.cdn.purge import retry, retry_due
from shipway.actions.cdn.request import request_purge
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.operations.adjust import restart, scale
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.schedules import tick as schedules
from shipway.actions.upkeep.status import status
from shipway.cli.tick import _backups as take_backups
from shipway.context import Context
from shipway.domain.cdn import Answered, Batch, Cdn
from shipway.domain.errors import CdnError, SecretError, ShipwayError, StepFailed, UsageError
from shipway.domain.plan import Environment
from shipway.domain.purge import Purge
from shipway.domain.release import SUCCEEDED
from shipway.ports import CdnAccess
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour, MemoryCdn
from tests.matrix import sample
from tests.unit.domain import samples
from tests.unit.world import World

PLACE = dataclasses.replace(
    samples.STAGING, cdn=Cdn("fastly", zone="z", token="CDN_TOKEN", paths=("/", "/a", "/b", "/c")), checks=("smoke",)
)
ORIGIN = "http://staging.shop.localhost:8080"
FIRST = [f"purge path {ORIGIN}/ {ORIGIN}/a {ORIGIN}/b", f"purge path {ORIGIN}/c"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "world")
    made.cdn = MemoryCdn()
    made.runtime.behave("*_check_*", Behaviour(exit_code=0))
    made.secrets(made.ledger).set("shop/staging", "CDN_TOKEN", "the-token-of-the-cdn")
    return made


def put(world: World, number: int, environment: Environment = PLACE, **controller: object) -> None:
    deploy(world.controller(**controller), DeployRequest(world.release(number, environment=environment), environment))  # type: ignore[arg-type]


def tick(ctx: Context) -> None:
    """As the command."""
    schedules.tick(ctx)
    retry_due(ctx)


def purged(world: World) -> list[str]:
    """The requests to the CDN since the last call."""
    assert world.cdn is not None
    found = [call for call in world.cdn.calls if call.startswith("purge")]
    world.cdn.calls.clear()
    return found


def cdn(world: World) -> MemoryCdn:
    assert world.cdn is not None
    return world.cdn


def purges(world: World) -> list[Purge]:
    """Oldest first."""
    return world.ledger.purges("shop", "staging")[::-1]


def test_after_the_switch_and_before_the_checks(world: World) -> None:
    put(world, 1)
    assert purged(world) == FIRST
    steps = [line.partition(" ")[0] for line in world.notes if line.startswith(("switch ", "purge ", "smoke "))]
    assert list(dict.fromkeys(steps)) == ["switch", "purge", "smoke"]
    put(world, 2)
    assert purged(world) == FIRST
    assert [item.outcome for item in purges(world)] == [SUCCEEDED] * 2
    assert "purged from the CDN: 4 paths" in "\n".join(world.notes)


def test_a_rollback_purges_again(world: World) -> None:
    put(world, 1)
    put(world, 2)
    purged(world)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert purged(world) == FIRST
    assert (purges(world)[-1].release, purges(world)[-1].previous) == (1, 2)


def test_a_rollback_to_a_release_without_a_cdn_purges_that_of_the_newer_one(world: World) -> None:
    put(world, 1, dataclasses.replace(PLACE, cdn=None))
    assert purged(world) == []
    put(world, 2)
    purged(world)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert purged(world) == FIRST


def test_neither_a_restart_nor_scaling_purges(world: World) -> None:
    put(world, 1)
    purged(world)
    restart(world.controller(), "shop", "staging")
    scale(world.controller(), "shop", "staging", {"backend": 2})
    assert purged(world) == []


def test_a_deployment_that_changes_nothing_purges_nothing(world: World) -> None:
    put(world, 1)
    purged(world)
    same = dataclasses.replace(
        world.ledger.release("shop", 1), number=0, run=2, digest=""  # type: ignore[type-var]
    )  # fmt: skip
    again = world.ledger.add_release(same)
    deploy(world.controller(), DeployRequest(again, PLACE))
    assert purged(world) == []
    assert purges(world)[-1].what == "nothing"


def test_a_context_without_cdns_records_and_purges_nothing(world: World) -> None:
    """As that of a proof, which has no edge either."""
    world.cdn = None
    put(world, 1)
    assert purges(world) == []


def fails(world: World, error: CdnError, times: int = 50) -> None:
    for number in range(1, times + 1):
        cdn(world).fail("purge", at=number, error=error)


def heals(world: World) -> None:
    cdn(world)._faults.clear()


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


def test_a_deployment_that_is_rolled_back_after_its_switch_purges_again(world: World) -> None:
    put(world, 1)
    purged(world)
    world.runtime.behave("*_check_*", Behaviour(exit_code=1))
    with pytest.raises(ShipwayError):
        put(world, 2)
    assert purged(world) == FIRST * 2
    assert [item.reason for item in purges(world)][-1] == "deploy of release 2 was rolled back"
    assert (purges(world)[-1].release, purges(world)[-1].outcome) == (1, SUCCEEDED)


def test_a_deployment_that_fails_before_its_switch_purges_nothing(world: World) -> None:
    put(world, 1)
    purged(world)
    world.runtime.behave("shop_staging_frontend_2-*", Behaviour(exit_code=1))
    with pytest.raises(ShipwayError):
        put(world, 2)
    assert world.serving() == {1}
    assert purged(world) == []
    assert [item.outcome for item in purges(world)] == [SUCCEEDED, "cancelled"]
    assert status(world.controller(), "shop", PLACE).purges == ()


def test_an_old_copy_is_purged_again(world: World) -> None:
    cdn(world).answers[f"{ORIGIN}/"] = Answered(200, 500.0)
    put(world, 1)
    (pending,) = world.ledger.pending_purges("shop", "staging")
    assert (pending.done, pending.rounds) == (0, 1)
    assert "an old copy is still there" in pending.verified
    cdn(world).answers.clear()
    purged(world)
    world.now = pending.due
    tick(world.controller())
    assert purged(world) == FIRST
    assert purges(world)[-1].verified == "4 URLs asked for: no old copy"


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


def test_a_person_purges_and_the_history_has_it(world: World) -> None:
    put(world, 1)
    purged(world)
    ctx = world.controller()
    (done,) = request_purge(ctx, "shop", "staging", ["/news", "/docs/*"], ["menu"], everything=False, reason="a typo")
    assert purged(world) == [f"purge prefix {ORIGIN}/docs/", "purge tag menu", f"purge path {ORIGIN}/news"]
    assert (done.outcome, done.deployment, done.reason) == (SUCCEEDED, None, "a typo")
    (operation,) = world.ledger.operations("shop", "staging")
    assert (operation.kind, operation.service, operation.code) == ("purge", "fastly", 0)
    fails(world, CdnError("no", refused=True))
    with pytest.raises(CdnError, match="no"):
        request_purge(ctx, "shop", "staging", [], [], everything=True)
    assert world.ledger.operations("shop", "staging")[0].code == 37
    heals(world)
    request_purge(ctx, "shop", "staging", [], [], everything=False)
    assert purged(world)[-1] == f"purge all {ORIGIN}"
    with pytest.raises(UsageError, match="no purge is pending"):
        request_purge(ctx, "shop", "staging", [], [], everything=False)


def test_no_tags_where_the_provider_has_none(world: World) -> None:
    world.cdn = MemoryCdn({"path": 10, "all": 1})
    put(world, 1)
    with pytest.raises(UsageError, match="can't purge by tag"):
        request_purge(world.controller(), "shop", "staging", [], ["menu"], everything=False)
    put(world, 2, dataclasses.replace(PLACE, cdn=None))
    with pytest.raises(UsageError, match="has no CDN in its plan"):
        request_purge(world.controller(), "shop", "staging", ["/"], [], everything=False)


def test_a_command_runs_in_a_container_with_what_it_needs(world: World) -> None:
    from shipway.domain.tasks import Task
    from shipway.drivers.cdn.command import CommandCdn
    from shipway.ports import CdnProvider

    place = dataclasses.replace(
        PLACE, cdn=Cdn("command", command=Task("backend", "./purge", ("CDN_TOKEN",), 60.0), paths=("/",))
    )

    def provider(access: CdnAccess) -> CdnProvider:
        return CommandCdn(access)

    ctx = dataclasses.replace(world.controller(), cdn=provider)
    seen = []
    create = world.runtime.create

    def watching(spec: object) -> str:
        seen.append(spec)
        return create(spec)  # type: ignore[arg-type]

    world.runtime.create = watching  # type: ignore[method-assign, assignment]
    deploy(ctx, DeployRequest(world.release(1, environment=place), place))
    (job,) = [item for item in seen if getattr(item, "command", None) == ("./purge",)]
    env = job.env  # type: ignore[attr-defined]
    assert (env["SHIPWAY_PURGE_KIND"], env["SHIPWAY_PURGE"]) == ("path", f"{ORIGIN}/")
    assert env["CDN_TOKEN"] == "the-token-of-the-cdn"
    assert job.image == world.ledger.release("shop", 1).images["backend"]  # type: ignore[attr-defined, union-attr]


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


def test_a_second_deployment_of_the_same_release_purges(world: World) -> None:
    """With another secret its pages may differ."""
    put(world, 1)
    purged(world)
    world.secrets(world.ledger).set("shop/staging", "KEY", "another")
    release = world.ledger.release("shop", 1)
    assert release is not None
    deploy(world.controller(), DeployRequest(release, PLACE))
    assert (purges(world)[-1].release, purges(world)[-1].previous) == (1, 1)
    assert purged(world) == FIRST


def test_assets_of_both_images_are_compared(world: World) -> None:
    place = dataclasses.replace(
        PLACE, cdn=Cdn("fastly", zone="z", token="CDN_TOKEN", assets={"frontend": "/assets"}, paths=())
    )
    for number, text in ((1, b"one"), (2, b"two")):
        release = world.release(number, environment=place)
        services = {**release.plan.services}
        services["frontend"] = dataclasses.replace(services["frontend"], assets="/srv/assets")
        made = world.ledger.add_release(
            dataclasses.replace(release, number=0, digest="", plan=dataclasses.replace(release.plan, services=services))
        )
        image = made.images["frontend"]
        world.have(image)
        world.runtime.behave(image, Behaviour(files={"/srv/assets/app.js": text, "/srv/assets/same.svg": b"same"}))
        deploy(world.controller(), DeployRequest(made, place))
    assert purged(world)[-1] == f"purge path {ORIGIN}/assets/app.js"
    targets = json.loads(world.ledger.purge_targets(purges(world)[-1].id))
    assert targets["paths"] == [f"{ORIGIN}/assets/app.js"]


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


def test_a_proof_has_no_code_that_purges() -> None:
    code = "import sys, shipway.actions.proofs.prove, shipway.proving.report; print([m for m in sys.modules if 'cdn.purge' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_a_deployment_purges_with_the_settings_of_its_own_release(world: World) -> None:
    put(world, 1)
    seen = []
    ctx = world.controller()
    make = ctx.cdn
    assert make is not None
    ctx = dataclasses.replace(ctx, cdn=lambda access: seen.append(access.cdn.paths) or make(access))  # type: ignore[func-returns-value]
    other = dataclasses.replace(PLACE, cdn=dataclasses.replace(PLACE.cdn, paths=("/x",)))  # type: ignore[type-var]
    deploy(ctx, DeployRequest(world.release(2, environment=other), other))
    rollback(ctx, "shop", "staging", RollbackRequest())
    assert seen == [("/x",), PLACE.cdn.paths]  # type: ignore[union-attr]
