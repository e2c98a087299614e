"""Pause containers briefly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shipway.drivers.runtime.engine import Engine, EngineRefused, segment


@contextmanager
def paused(engine: Engine, found: Mapping[str, Any]) -> Iterator[None]:
    """Pause its processes in the block, unless the engine can't (a rootless one on cgroups v1)."""
    if not found["State"]["Running"]:
        yield
        return
    try:
        engine.call("POST", f"/containers/{segment(found['Id'])}/pause")
    except EngineRefused:
        yield
        return
    try:
        yield
    finally:
        resume(engine, found["Id"])


def resume(engine: Engine, container: str) -> None:
    """Resume its processes. One that isn't paused, or has ended meanwhile, is no error."""
    engine.call("POST", f"/containers/{segment(container)}/unpause", fine=(404, 409, 500))
