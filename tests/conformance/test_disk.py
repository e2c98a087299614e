"""An engine whose disk fills: what is refused beforehand, and what is said where it happens."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.environment.disk_space import SPARE, require_space, space_needed
from shipway.context import Context, Machine
from shipway.domain.container import LABEL_APP, LABEL_CONFIG, ContainerSpec
from shipway.domain.errors import DiskFull
from shipway.drivers.images.docker import DockerImages
from shipway.drivers.registry.remote import RemoteRegistry
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.space import through_a_container
from shipway.testing.memory_files import pack
from tests.conformance.labs import DockerLab
from tests.conformance.registries import RegistryHost
from tests.conformance.small_engine import WHY_NOT, SmallEngine, possible
from tests.unit.domain.samples import PLAN
from tests.unit.world import World

pytestmark = [pytest.mark.machine, pytest.mark.engine, pytest.mark.skipif(not possible(), reason=WHY_NOT)]

SMALL = "caddy:2"
LARGE = "redis:7"


@pytest.fixture(scope="module")
def small() -> Iterator[SmallEngine]:
    made = SmallEngine(320)
    try:
        made.load(SMALL)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def registry() -> Iterator[tuple[RemoteRegistry, str, str]]:
    """A registry with a small and a large image of the app: it and their references."""
    docker = DockerLab()
    try:
        host = RegistryHost(docker)
        remote = RemoteRegistry(f"{host.address}/{docker.app}")
        references = []
        for image in (SMALL, LARGE):
            repository = remote.repository("shop", image.partition(":")[0])
            docker.images.tag(image, repository, "t")
            references.append(f"{repository}@{docker.images.push(repository, 't', lambda line: None)}")
        yield remote, references[0], references[1]
    finally:
        docker.close()


@pytest.fixture
def ctx(small: SmallEngine, registry: tuple[RemoteRegistry, str, str], tmp_path: Path) -> Context:
    made = World(tmp_path).controller()
    runtime, images = DockerRuntime(small.engine), DockerImages(small.engine)
    machine = Machine("small", runtime, images, made.edge, made.machine.probe, made.machine.probe_tcp)
    return dataclasses.replace(made, machine=machine, registry=lambda plan: registry[0])


def test_free_space(ctx: Context, small: SmallEngine) -> None:
    free = ctx.runtime.free_space()
    assert free is not None
    assert 150e6 < free < 320e6
    through = through_a_container(small.engine, DockerRuntime(small.engine))
    assert through is not None
    assert abs(through - free) < 5e6


def test_a_release_that_does_not_fit_is_refused(ctx: Context, registry: tuple[RemoteRegistry, str, str]) -> None:
    _, _, large = registry
    needed = space_needed(ctx, PLAN, [large, large])
    assert list(needed) == [large]
    assert needed[large] > 89e6  # what `docker images` shows
    with pytest.raises(
        DiskFull, match=r"the disk of small is too full: \d+ MB are free, but 1 image to pull need about \d+ MB"
    ) as caught:
        require_space(ctx, needed)
    assert "shipway prune" in caught.value.hint
    assert (
        "docker image prune --all  (images without a container; a rollback pulls what it needs again: 54 MB)"
        in caught.value.hint
    )


def test_what_is_there_needs_nothing(ctx: Context, registry: tuple[RemoteRegistry, str, str]) -> None:
    remote, small_one, _ = registry
    repository = small_one.partition("@")[0]
    layers = remote.layers(repository, small_one.partition("@")[2])
    assert space_needed(ctx, PLAN, [small_one])[small_one] >= sum(layer.size for layer in layers)
    ctx.images.tag(SMALL, repository, "older")  # the same layers under another name of the repository
    assert space_needed(ctx, PLAN, [small_one]) == {small_one: 0}
    ctx.images.remove(f"{repository}:older")
    ctx.images.pull(small_one, lambda line: None)
    assert space_needed(ctx, PLAN, [small_one]) == {}


def test_little_space_is_no_matter_where_there_is_enough(ctx: Context) -> None:
    free = ctx.runtime.free_space() or 0
    assert free < SPARE
    require_space(ctx, {})
    with pytest.raises(DiskFull):
        require_space(ctx, {"a": 1})


def test_a_pull_that_fills_the_disk(ctx: Context, registry: tuple[RemoteRegistry, str, str]) -> None:
    filler = ContainerSpec("filler", SMALL, {LABEL_APP: "filler", LABEL_CONFIG: "1"})
    ctx.runtime.create(filler)
    try:
        ctx.runtime.put("filler", "/", pack({"fill": bytes(160 << 20)}))
        before = ctx.runtime.free_space() or 0
        with pytest.raises(DiskFull, match="no space left to pull") as caught:
            ctx.images.pull(registry[2], lambda line: None)
        assert "shipway prune" in caught.value.hint
        assert ctx.images.inspect(registry[2]) is None
        deadline = time.monotonic() + 30  # the engine takes away what it had unpacked after it has told
        while abs((ctx.runtime.free_space() or 0) - before) > 20e6:
            assert time.monotonic() < deadline, "what was pulled is still there"
            time.sleep(0.1)
        with pytest.raises(DiskFull, match="no space left on device") as caught:
            ctx.runtime.put("filler", "/", pack({"more": bytes(300 << 20)}))
        assert "docker builder prune" in caught.value.hint
    finally:
        ctx.runtime.remove("filler")


def test_a_build_that_fills_the_disk(ctx: Context, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY large /large\n")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(400 << 20)
    with pytest.raises(DiskFull, match="no space left on device") as caught:
        ctx.images.build(
            tmp_path, tags=[], dockerfile="Dockerfile", target=None, args={}, labels={}, on_line=lambda line: None
        )
    assert "docker builder prune" in caught.value.hint
