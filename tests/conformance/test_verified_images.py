"""Each way in which an image gets onto an engine: only what was pulled, or pushed from there, is known by its digest."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import Any

import pytest

from shipway.actions.deployments.verified import require_same
from shipway.domain.change import Change
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import DeployFailed
from shipway.drivers.images.docker import DockerImages
from tests.conformance.labs import DockerLab
from tests.conformance.registries import RegistryHost, push_tiny

pytestmark = pytest.mark.engine


@dataclasses.dataclass
class Engine:
    """As much of a context as the check takes."""

    images: DockerImages


def created(image: str) -> list[Change]:
    return [Change("create", "container", "web", "", ContainerSpec("web", image, {}))]


def test_pulled_loaded_and_named_images(docker: DockerLab) -> None:
    host = RegistryHost(docker)
    repository = f"{host.address}/{docker.app}/web"
    digest = push_tiny(docker, repository, "v1", "one")
    image, other = f"{repository}@{digest}", push_tiny(docker, repository, "v2", "two")
    ctx: Any = Engine(docker.images)
    verified = frozenset([image])
    require_same(ctx, verified, created(image))  # it was pushed from here

    saved = subprocess.run(["docker", "save", f"{repository}:v1"], capture_output=True, check=True).stdout
    docker.forget(f"{repository}:v1")
    docker.forget(image)
    subprocess.run(["docker", "load"], input=saved, capture_output=True, check=True)
    with pytest.raises(DeployFailed, match="this host has another image by that name"):
        require_same(ctx, verified, created(image))
    subprocess.run(["docker", "tag", f"{repository}:v2", f"{repository}:v1"], check=True)
    with pytest.raises(DeployFailed):
        require_same(ctx, verified, created(image))

    docker.images.pull(image, lambda line: None)
    require_same(ctx, verified, created(image))
    require_same(ctx, verified, created(f"{repository}@{other}"))  # none that had to be verified
