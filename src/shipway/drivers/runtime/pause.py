"""Containers that stand still for a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shipway.drivers.runtime.engine import Engine, EngineRefused, segment


@contextmanager
def paused(engine: Engine, found: Mapping[str, Any]) -> Iterator[None]:
    """None of its programs runs in the block. Where the engine can't do that (a rootless one on cgroups v1) they do."""
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
    """Its programs go on. One that isn't paused, or has ended meanwhile, is no error."""
    engine.call("POST", f"/containers/{segment(container)}/unpause", fine=(404, 409, 500))
