"""Pruning in a world in memory: what a deployment leaves on its hosts, and that it never harms one."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.prune import DAY, RUNS, look, prune, remove
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.context import Context
from shipway.domain.errors import EngineError, StoreError
from shipway.domain.plan import Environment, Host
from shipway.domain.release import PENDING, SUCCEEDED, Trigger
from shipway.domain.run import Artifact, StepResult
from tests.unit.domain.samples import STAGING, deployment
from tests.unit.world import World

LEAN = dataclasses.replace(STAGING, retain=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Releases 1 to 4 were deployed to staging, one after the other."""
    made = World(tmp_path)
    made.now = 1_000_000.0
    releases = [made.release(number, environment=LEAN) for number in (1, 2, 3, 4)]
    for release in releases:
        deploy(made.controller(), DeployRequest(release, LEAN))
    made.have(
        "postgres:15", *(image for release in releases for image in release.images.values())
    )  # as if nobody had pruned yet
    return made


def test_a_deployment_makes_room_first(tmp_path: Path) -> None:
    world = World.deployed(tmp_path, LEAN, 1, 2, 3, 4)
    assert there(world) == {2, 3, 4}  # what 3 could have gone back to, as long as 4 wasn't good


def there(world: World) -> set[int]:
    """Releases of which the engine has an image."""
    names = [name for image in world.images.list() for name in image.names]
    return {int(name.partition("sha256:")[2]) for name in names if "/shop/" in name}


def ran(ctx: Context, name: str, result: StepResult) -> None:
    """One more run with one step."""
    number = ctx.ledger.begin_run("shop", "rev", "tree", Trigger("push", "refs/heads/x", "ada"), ctx.clock())
    ctx.ledger.begin_step(number, name, "key", ctx.clock())
    ctx.ledger.end_step(number, name, SUCCEEDED, ctx.clock(), result)
    ctx.ledger.end_run(number, SUCCEEDED, ctx.clock())


def test_old_images_go_and_a_rollback_still_works(world: World) -> None:
    assert there(world) == {1, 2, 3, 4}
    prune(world.controller(), "shop")
    assert there(world) == {3, 4}
    assert world.images.inspect("postgres:15") is not None
    world.images.public.clear()  # nothing can be pulled any more
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {3}


def test_looking_changes_nothing(world: World) -> None:
    found = look(world.controller(), "shop")
    (host,) = found.hosts
    assert sorted({item.reason for item in host.removals}) == ["release 1", "release 2"]
    assert {item.reason for item in host.kept} >= {"release 4: serves in staging"}
    assert there(world) == {1, 2, 3, 4}


def test_a_second_time_there_is_nothing_to_do(world: World) -> None:
    assert len(removed(world)) == 6
    assert removed(world) == []


def removed(world: World) -> list[str]:
    gone: list[str] = []
    remove(world.controller(), look(world.controller(), "shop"), gone.append)
    return gone


def test_what_can_not_be_removed_keeps_nothing_else(world: World, tmp_path: Path) -> None:
    logs = [tmp_path / "logs" / "shop" / f"{number}" / "unit.log" for number in (90, 91)]
    for log in logs:
        log.parent.mkdir(parents=True)
        log.write_text("…")
        os.utime(log, (1, 1))
    going = {name for item in look(world.controller(), "shop").hosts[0].removals for name in item.image.names}
    world.images.fail("remove", at=1, error=EngineError("the first is in use"))
    world.images.fail("remove", at=3, error=EngineError("the third is damaged"))
    gone: list[str] = []
    with pytest.raises(EngineError, match="local: the first is in use; and the third is damaged"):
        remove(world.controller(), look(world.controller(), "shop"), gone.append)
    assert len(going & set(gone)) == len(going) - 2
    assert not any(log.parent.exists() for log in logs)


def test_a_file_that_stays_is_named_when_all_else_is_gone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir(exist_ok=True)
    for name in ("a", "b", "c"):
        (folder / name).write_text("…")
        os.utime(folder / name, (1, 1))
    unlink = Path.unlink

    def stuck(path: Path, missing_ok: bool = False) -> None:
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", stuck)
    with pytest.raises(StoreError, match="artifacts/a can't be removed: Permission denied"):
        remove(world.controller(), look(world.controller(), "shop"))
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_what_an_old_container_uses_stays(world: World) -> None:
    spec = next(iter(world.runtime.containers.values())).spec
    old = dataclasses.replace(spec, name="by-hand", image="registry/shop/backend@sha256:" + f"{1:064d}", labels={})
    world.runtime.create(old)
    prune(world.controller(), "shop")
    assert there(world) == {1, 3, 4}


def test_a_release_from_long_ago_stays_where_it_serves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for container in list(world.runtime.containers):
        world.runtime.remove(container)  # only the ledger says that they are needed
    ctx = world.controller()
    ran(ctx, "again", StepResult())  # of the revision that its image is tagged with
    serving = f"registry/shop/backend@sha256:{4:064d}"
    world.images.tag(serving, "registry/shop/backend", "rev")
    for number in (5, 6, 7):
        world.release(number, environment=LEAN)
    monkeypatch.setattr("shipway.actions.environment.prune.ALL", 3)
    prune(ctx, "shop")
    assert world.images.inspect(serving) is not None


def test_an_engine_that_refuses_is_a_note(world: World) -> None:
    world.images.fail("remove", at=2, error=EngineError("the engine is tired"))
    prune(world.controller(), "shop")
    assert "old images and outputs were not removed: local: the engine is tired" in world.notes


def test_a_host_that_is_away_is_left_out(world: World) -> None:
    def connect(name: str) -> None:
        raise EngineError(f"{name} can't be reached")

    hosts: Environment = dataclasses.replace(LEAN, hosts=(Host("local"), Host("ssh://away")))
    made = dataclasses.replace(deployment(0, world.release(5, environment=hosts).number), outcome=PENDING)
    world.ledger.end_deployment(world.ledger.begin_deployment(made), SUCCEEDED, world.now, None, "")
    prune(dataclasses.replace(world.controller(), connect=connect), "shop")  # type: ignore[arg-type]
    assert "old images and outputs were not removed: ssh://away can't be reached" in world.notes
    assert there(world) == {3, 4}  # containers of 3 are kept, and use it


def test_outputs_and_logs_of_old_runs(world: World) -> None:
    ctx = world.controller()
    home = ctx.home
    for name in ("a", "b", "c"):
        (home / "artifacts").mkdir(exist_ok=True)
        (home / "artifacts" / f"{name}.tar").write_bytes(b"output")
    ran(ctx, "build", StepResult((Artifact("", "dist", "sha256:a"),)))
    ran(ctx, "build", StepResult((Artifact("", "dist", "sha256:b"),)))
    for number in range(1, 3):
        (home / "logs" / "shop" / str(number)).mkdir(parents=True)
        (home / "logs" / "shop" / str(number) / "build.log").write_text("output")
    for _ in range(RUNS - 1):
        ran(ctx, "other", StepResult())
    for path in (*home.glob("artifacts/*"), *home.glob("logs/*/*/*")):
        os.utime(path, (world.now - 2 * DAY, world.now - 2 * DAY))
    (home / "artifacts" / "young.tar").write_bytes(b"being written")
    os.utime(home / "artifacts" / "young.tar", (world.now, world.now))
    prune(ctx, "shop")
    assert sorted(path.name for path in home.glob("artifacts/*")) == ["b.tar", "young.tar"]
    assert [path.name for path in home.glob("logs/shop/*")] == ["2"]


def test_images_of_steps_that_recent_runs_used(world: World) -> None:
    ctx = world.controller()
    for name in ("used", "old"):
        world.images.public.add(f"shipway-step/shop:{name}")
        world.images.pull(f"shipway-step/shop:{name}", lambda line: None)
    ran(ctx, "unit", StepResult(image="shipway-step/shop:used"))
    prune(ctx, "shop")
    assert world.images.inspect("shipway-step/shop:used") is not None
    assert world.images.inspect("shipway-step/shop:old") is None
