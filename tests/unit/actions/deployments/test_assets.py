"""Assets of two releases in containers of both, in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.deployments.assets import share_assets
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, ContainerSpec
from shipway.domain.errors import DiskFull, EngineError
from shipway.domain.plan import Service
from shipway.testing.memory import Behaviour
from shipway.testing.memory_files import pack, unpack
from tests.unit.world import World

WEB = Service("web", assets="/srv/assets")
IMAGES = {
    "one": {"/srv/assets/app.1.js": b"one", "/srv/assets/logo.svg": b"old logo", "/srv/index.html": b"one"},
    "two": {"/srv/assets/app.2.js": b"two", "/srv/assets/deep/logo.2.svg": b"new", "/srv/assets/logo.svg": b"new logo"},
    "bare": {"/srv/index.html": b"bare"},
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """old-1 runs release one, new-1 and new-2 of release two are created."""
    made = World(tmp_path)
    made.images.public |= set(IMAGES)
    for image, files in IMAGES.items():
        made.images.pull(image, lambda line: None)
        made.runtime.behave(image, Behaviour(files=files))
        made.have(image)
    for name, image in {"old-1": "one", "new-1": "two", "new-2": "two", "bare-1": "bare"}.items():
        made.runtime.create(
            ContainerSpec(name, image, {**names.labels("shop", "staging", "service", "web"), LABEL_CONFIG: "1"})
        )
    made.runtime.start("old-1")
    return made


@pytest.fixture
def ctx(world: World) -> Context:
    return world.controller()


def assets(world: World, container: str) -> dict[str, str]:
    try:
        found = unpack(world.runtime.get(container, "/srv/assets"))
    except FileNotFoundError:
        return {}
    return {name.removeprefix("assets/"): content.decode() for name, content in found.items()}


def test_both_get_what_they_lack_and_keep_what_they_have(world: World, ctx: Context) -> None:
    share_assets(ctx, WEB, ["new-1", "new-2"], ["old-1"], "two", "one")
    both = {"app.1.js": "one", "app.2.js": "two", "deep/logo.2.svg": "new"}
    assert assets(world, "old-1") == {**both, "logo.svg": "old logo"}
    assert assets(world, "new-1") == assets(world, "new-2") == {**both, "logo.svg": "new logo"}
    assert world.runtime.containers["new-1"].files.get("/srv/index.html") is None  # only the folder
    assert sorted(world.runtime.containers) == ["bare-1", "new-1", "new-2", "old-1"]


def test_a_second_time_nothing_is_written(world: World, ctx: Context) -> None:
    share_assets(ctx, WEB, ["new-1"], ["old-1"], "two", "one")
    world.runtime.calls.clear()
    share_assets(ctx, WEB, ["new-1"], ["old-1"], "two", "one")
    assert not [call for call in world.runtime.calls if call.startswith("put")]


def test_what_was_lent_is_not_passed_on(world: World, ctx: Context) -> None:
    world.runtime.put("old-1", "/srv/assets", pack({"app.0.js": b"of the release before"}))
    share_assets(ctx, WEB, ["new-1"], ["old-1"], "two", "one")
    assert "app.0.js" not in assets(world, "new-1")


def test_nothing_to_do(world: World, ctx: Context) -> None:
    world.runtime.calls.clear()
    share_assets(ctx, Service("web"), ["new-1"], ["old-1"], "two", "one")
    share_assets(ctx, WEB, ["new-1"], ["old-1"], "one", "one")
    share_assets(ctx, WEB, ["new-1"], [], "two", "")
    assert world.runtime.calls == []


def test_a_release_from_before_there_were_assets(world: World, ctx: Context) -> None:
    share_assets(ctx, WEB, ["new-1"], ["bare-1"], "two", "bare")
    assert (
        assets(world, "bare-1")
        == assets(world, "new-1")
        == {"app.2.js": "two", "deep/logo.2.svg": "new", "logo.svg": "new logo"}
    )
    assert world.notes == []


def test_who_can_not_take_them_goes_without(world: World, ctx: Context) -> None:
    world.runtime.fail("put", error=EngineError("container rootfs is marked read-only"))
    share_assets(ctx, WEB, ["new-1", "new-2"], [], "two", "one")
    assert sorted(len(assets(world, name)) for name in ("new-1", "new-2")) == [3, 4]
    (note,) = world.notes
    assert note.endswith("doesn't get the other release's assets: container rootfs is marked read-only")


def test_an_image_that_is_gone_is_a_note(world: World, ctx: Context) -> None:
    world.runtime.fail("create", error=EngineError("image one is missing on the Docker Engine"))
    share_assets(ctx, WEB, ["new-1"], [], "two", "one")
    assert world.notes == ["web: the other release's assets can't be read: image one is missing on the Docker Engine"]


def test_a_full_disk_is_a_failure(world: World, ctx: Context) -> None:
    world.runtime.fail("put", error=DiskFull("no space left on device"))
    with pytest.raises(DiskFull):
        share_assets(ctx, WEB, ["new-1"], [], "two", "one")
    assert sorted(world.runtime.containers) == ["bare-1", "new-1", "new-2", "old-1"]
