"""The command that builds an image, for each kind of docker client."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest

from shipway.domain.build import Builder, BuildExtras
from shipway.drivers.images.builder import Client, arguments, find_builder, secret_files

OLD, NEW, OWN = Client("docker", False), Client("docker", True), Client("docker", True, own_builder=True)
EXTRAS = BuildExtras(
    secrets={"TOKEN": "hunter2"}, ssh={"default": "key"}, contexts={"shared": Path("/libs")}, platforms=("linux/arm64",),
    cache_from=("r.example/a:cache-other", "r.example/a:cache"), cache_to="r.example/a:cache-other",
)  # fmt: skip


def command(client: Client, extras: BuildExtras, folder: Path = Path("/x"), containerd: bool = False) -> str:
    apart = client.can(containerd=containerd).stores_apart(extras)
    made = arguments(
        client, Path("/context"), folder, tags=["r.example/a:1"], dockerfile="Dockerfile", target=None,
        args={"A": "b"}, labels={}, extras=extras, apart=apart,
    )  # fmt: skip
    return " ".join(made)


def test_a_client_without_buildx() -> None:
    text = command(OLD, dataclasses.replace(EXTRAS, contexts={}))
    assert text.startswith("docker build --progress plain")
    assert "--secret id=TOKEN,src=/x/secrets/TOKEN --ssh default=/x/ssh/default --platform linux/arm64" in text
    assert "--cache-from r.example/a:cache-other --cache-from r.example/a:cache " in text
    assert "--build-arg BUILDKIT_INLINE_CACHE=1" in text
    assert "--cache-to" not in text


def test_buildx_with_the_engines_own_builder() -> None:
    text = command(NEW, EXTRAS)
    assert text.startswith("docker buildx build --load ")
    assert "--build-context shared=/libs" in text
    assert "--cache-from type=registry,ref=r.example/a:cache " in text
    assert "--cache-to type=inline" in text


def test_a_builder_that_stores_layers_apart() -> None:
    for text in (command(OWN, EXTRAS), command(NEW, EXTRAS, containerd=True)):
        assert "--cache-to type=registry,ref=r.example/a:cache-other,mode=max,image-manifest=true" in text


def test_an_image_for_several_platforms_is_pushed_by_the_build() -> None:
    text = command(OWN, BuildExtras(platforms=("linux/amd64", "linux/arm64")))
    assert text.startswith("docker buildx build --push --metadata-file /x/metadata.json ")
    assert "--platform linux/amd64,linux/arm64" in text
    assert "--load" not in text


def test_an_image_on_a_base_of_this_machine_is_built_by_the_engine() -> None:
    text = command(OWN, dataclasses.replace(EXTRAS, local=True))
    assert text.startswith("docker buildx build --load --builder default ")
    assert "--cache-to type=inline" in text
    assert "--builder" not in command(OWN, EXTRAS) + command(NEW, dataclasses.replace(EXTRAS, local=True))


def test_nothing_is_cached_where_a_run_wants_none() -> None:
    assert "--no-cache" in command(OLD, BuildExtras(fresh=True))
    assert "cache" not in command(OLD, BuildExtras()) + command(NEW, BuildExtras())


@pytest.mark.parametrize(("driver", "lacks"), [("docker-container", set()), ("docker", {"platforms"})])
def test_the_builder_that_buildx_uses_decides(driver: str, lacks: set[str]) -> None:
    inspected = f"Name:   default\nDriver: {driver}\n\nNodes:\n"
    client = find_builder(["docker"], lambda command: (0, inspected if "inspect" in command else ""))
    assert set(client.can(containerd=False).lacks) == lacks
    assert client.can(containerd=True) == Builder({}, True)


def test_what_is_lacking_is_named_with_a_remedy() -> None:
    found = OLD.can(containerd=False).lacks
    assert set(found) == {"contexts", "platforms"}
    assert all("buildx" in why and "docker-buildx-plugin" in remedy for why, remedy in found.values())


def test_values_are_in_private_files_and_nowhere_else() -> None:
    with secret_files(EXTRAS) as folder:
        assert (folder / "secrets" / "TOKEN").read_bytes() == b"hunter2"
        assert (folder / "ssh" / "default").read_bytes() == b"key\n"
        for path in (folder, folder / "secrets", folder / "secrets" / "TOKEN", folder / "ssh" / "default"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert "hunter2" not in command(NEW, EXTRAS, folder)
    assert not folder.exists()
    assert "hunter2" not in repr(EXTRAS)
