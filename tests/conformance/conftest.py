"""What several files of the suite share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.edge_lab import TraefikLab


@pytest.fixture(scope="module")
def traefik() -> Iterator[TraefikLab]:
    made = TraefikLab()
    try:
        yield made
    finally:
        made.docker.close()
