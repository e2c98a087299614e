"""Free memory of an engine's machine, and memory usage of a container."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.domain.container import LABEL_APP, LABEL_NAME, LABEL_ROLE, ContainerSpec, Usage
from shipway.drivers.runtime.engine import segment
from shipway.drivers.runtime.space import candidates, is_here, output_of
from shipway.drivers.shared import EDGE_IMAGE, SHARED

if TYPE_CHECKING:
    from shipway.drivers.runtime.engine import Engine
    from shipway.ports import Runtime

MEMORY = "/proc/meminfo"  # of the whole machine, in a container too
LABELS = {LABEL_APP: SHARED, LABEL_ROLE: "job", LABEL_NAME: "reader"}
TRIES = 3  # images that may lack `cat`


def memory(engine: Engine, runtime: Runtime) -> tuple[int, int] | None:
    """Available and total bytes."""
    try:
        here = Path(MEMORY).read_text(encoding="utf-8") if is_here(engine.address) else None
    except OSError:
        here = None
    text = here or read_through_a_container(engine, runtime, [MEMORY]) or ""
    found = {
        name: int(number) * 1024 for name, number in re.findall(r"^(MemAvailable|MemTotal):\s+(\d+) kB$", text, re.M)
    }
    return (found["MemAvailable"], found["MemTotal"]) if len(found) == 2 else None


def usage(engine: Engine, container: str) -> Usage | None:
    """Memory and time like in `docker stats`, from a single sample."""
    query = {"stream": "false", "one-shot": "true"}
    found = engine.call("GET", f"/containers/{segment(container)}/stats", query=query, fine=(404,), timeout=30)
    data: dict[str, Any] = (found or {}).get("memory_stats") or {}
    if "usage" not in data:
        return None
    stats = data.get("stats") or {}
    memory = max(0, int(data["usage"]) - int(stats.get("inactive_file", stats.get("total_inactive_file", 0))))
    return Usage(memory, int(found["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9)


def read_through_a_container(
    engine: Engine, runtime: Runtime, files: Sequence[str], *, network_of: str | None = None
) -> str | None:
    """Content of these files in a container, concatenated; None if no available image has `cat`."""
    images = dict.fromkeys([EDGE_IMAGE, *candidates(engine)[:TRIES]])
    networks: dict[str, tuple[str, ...]] = {} if network_of else {"none": ()}
    for image in images:
        name = f"shipway-reader-{uuid.uuid4().hex[:8]}"
        spec = ContainerSpec(
            name, image, LABELS, command=tuple(files), entrypoint=("cat",), network_of=network_of, networks=networks
        )
        if lines := output_of(runtime, spec):
            return "\n".join(lines)
    return None
