"""Files of containers that explain why one didn't start."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.container import ContainerSpec
from shipway.steps.starting import beginning
from tests.unit.world import World


def test_of_a_file_of_any_size_the_beginning_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image may have one that is larger than this machine's memory."""
    world, read = World(tmp_path), [0]
    world.have("big:1")
    container = world.runtime.create(ContainerSpec("web", "big:1", {}))

    def get(container: str, path: str) -> Iterator[bytes]:
        member = tarfile.TarInfo("start.sh")
        member.size = 1 << 40
        yield member.tobuf()
        while read[0] < 1 << 24:
            read[0] += 1 << 16
            yield b"#!/bin/sh\n".ljust(1 << 16, b"x")

    monkeypatch.setattr(world.runtime, "get", get)
    content = beginning(world.controller(), container, "./start.sh")
    assert (content or b"").startswith(b"#!/bin/sh")
    assert read[0] < 1 << 20
    world.close()
