"""What several files of the suite share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.edge_lab import TraefikLab
from tests.conformance.labs import DockerLab


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerLab]:
    lab = DockerLab()
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture(scope="module")
def traefik() -> Iterator[TraefikLab]:
    made = TraefikLab()
    try:
        yield made
    finally:
        made.docker.close()
