"""Whether a host has space for a release, in a world in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.environment.disk_space import EXPANSION, SPARE, require_space, space_needed
from shipway.context import Context
from shipway.domain.disk import DiskUsage
from shipway.domain.errors import DiskFull, EngineError, RegistryError
from tests.unit.domain.samples import PLAN
from tests.unit.world import World

WEB = "registry.memory/shop/web"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def ctx(world: World) -> Context:
    return world.controller()


def pushed(world: World, number: int, size: int) -> str:
    """In the registry, and not on the engine."""
    digest = f"sha256:{number}"
    world.images.registry.repositories.setdefault(WEB, {})[digest] = digest
    world.images.registry.contents[digest] = (digest, {})
    world.images.registry.sizes[digest] = size
    return f"{WEB}@{digest}"


def test_missing_images_of_the_app_count(world: World, ctx: Context) -> None:
    one, two = pushed(world, 1, 100), pushed(world, 2, 10)
    world.images.pull(two, lambda line: None)
    assert space_needed(ctx, PLAN, [one, one, two]) == {one: 100 * EXPANSION}


def test_what_the_registry_can_not_tell_is_left_out(world: World, ctx: Context) -> None:
    one = pushed(world, 1, 100)
    assert space_needed(ctx, PLAN, ["redis@sha256:9", "registry.memory/shop-two/web@sha256:1"]) == {}
    world.images.registry.fail("layers", error=RegistryError("it doesn't answer"))
    assert space_needed(ctx, PLAN, [one]) == {}


@pytest.mark.parametrize(("free", "fits"), [(SPARE + 400, True), (SPARE + 399, False), (None, True)])
def test_the_limit(world: World, ctx: Context, free: int | None, fits: bool) -> None:
    world.runtime.free = free
    if fits:
        return require_space(ctx, {"a": 300, "b": 100})
    with pytest.raises(
        DiskFull, match="the disk of local is too full: 500 MB are free, but 2 images to pull need about 400 bytes"
    ):
        require_space(ctx, {"a": 300, "b": 100})


def test_where_nothing_is_needed_nothing_is_looked_at(world: World, ctx: Context) -> None:
    world.runtime.free = 0
    require_space(ctx, {})
    assert world.runtime.calls == []


def test_the_hint_names_sizes_where_the_engine_tells_them(world: World, ctx: Context) -> None:
    world.runtime.free = 0
    world.runtime.usage = DiskUsage(build_cache=7_000_000_000)
    with pytest.raises(DiskFull) as caught:
        require_space(ctx, {"a": 1})
    assert "docker builder prune  (the build cache: 7.0 GB)" in caught.value.hint
    world.runtime.fail("disk_usage", error=EngineError("too busy"))
    with pytest.raises(DiskFull) as caught:
        require_space(ctx, {"a": 1})
    assert "docker builder prune  (the build cache)" in caught.value.hint
