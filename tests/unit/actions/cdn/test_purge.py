"""Purges of a CDN around deployments, in memory: when, of what, and with which settings."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from shipway.actions.cdn.request import request_purge
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.operations.adjust import restart, scale
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.status import status
from shipway.domain.cdn import Answered, Cdn
from shipway.domain.errors import CdnError, ShipwayError, UsageError
from shipway.domain.release import SUCCEEDED
from shipway.ports import CdnAccess
from shipway.testing.memory import Behaviour, MemoryCdn
from tests.unit.actions.cdn.purges import FIRST, ORIGIN, PLACE, cdn, fails, heals, purged, purges, put, tick, world
from tests.unit.world import World

__all__ = ["world"]


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


def test_a_proof_has_no_code_that_purges() -> None:
    code = "import sys, shipway.actions.proofs.prove, shipway.proving.report; print([m for m in sys.modules if 'cdn.purge' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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
